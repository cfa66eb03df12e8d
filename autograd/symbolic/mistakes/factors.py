"""Claims that are wrong by one constant factor everywhere: 2, ½, −1, N, 1/N; and which line the factor comes from."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from ...language import N_
from ...ops.arithmetic import div, mul
from ...sizes import Size
from ..chain import spelled
from ..derivation import Sentence
from ..local import local_derivative
from ..terms import Apply, AxisSum, Number, Product, Symbol
from .scene import Scene
from .tree import places
from .verdict import Slip

TOLERANCE = 1e-7


def constant_ratio(claim: np.ndarray, true: np.ndarray) -> float | None:
    """claim = r · true with one r for all entries and points; None where there is no such r. Shapes are equal."""
    if claim.shape != true.shape or not claim.size:
        return None
    if not (np.all(np.isfinite(claim)) and np.all(np.isfinite(true))):
        return None
    size = np.abs(true)
    counted = size > 1e-9 * float(size.max())
    if not counted.any():
        return None
    with np.errstate(all="ignore"):
        middle = float(np.median(claim[counted] / true[counted]))
        if middle == 0 or not np.isfinite(middle):
            return None
        # Small entries count as much as large ones; only those that are nothing beside the usual size are rounding.
        nothing = 1e-10 * float(np.median(np.abs(claim)[counted]))
        if not np.all(np.abs(claim - middle * true) <= TOLERANCE * abs(middle) * size + nothing):
            return None
    near = Fraction(middle).limit_denominator(1000)
    return float(near) if abs(float(near) - middle) <= TOLERANCE * abs(middle) else middle


def nice(ratio: float, scene: Scene) -> bool:
    """Whether a factor is one that people lose or gain: a sign, 2, or the size of an axis."""
    size = abs(ratio)
    known = {1.0, 2.0, *(float(each) for each in axis_sizes(scene))}
    return any(abs(size - value) < 1e-9 or abs(size * value - 1) < 1e-9 for value in known)


def axis_sizes(scene: Scene) -> dict[int, str]:
    """Every axis length above 1, with the letter it goes by: the user's own, N where the axis counts samples, else none."""
    found: dict[int, str] = {}
    symbols = scene.symbols
    for node in [*scene.leaves, *scene.names.values()]:
        letters = scene.board.letters.get(symbols[node].name, ()) if node in symbols else ()
        for axis, size in enumerate(node.shape if isinstance(node.shape, tuple) else ()):
            if int(size) > 1:
                letter = letters[axis] if axis < len(letters) else ""
                text = size.text if isinstance(size, Size) else "N" if letter == "n" else ""
                found[int(size)] = found.get(int(size)) or text
    return found


def factor_slip(scene: Scene, claim: np.ndarray) -> Slip | None:
    """The slip of a claim that is a constant multiple of the truth."""
    ratio = constant_ratio(claim, scene.true)
    if ratio is None or ratio == 1:
        return None
    if ratio == -1:
        return Slip(
            "sign",
            Sentence(N_("the sign is turned round everywhere")),
            (Sentence(N_("Yours is minus the correct one.")),),
        )
    size, turned = abs(ratio), ratio < 0
    sizes = axis_sizes(scene)
    written = _numbers(scene)
    missing, extra = _whole(1 / size), _whole(size)
    named = {value: text for value, text in sizes.items() if text and value in (missing, extra)}
    why: tuple[Sentence, ...] = ()
    if missing is not None:
        origin = _origin(scene, missing, exactly=not turned)
        entries = _entries(scene, missing) if origin is None else None
        if entries is not None:
            kind, said = "1/N", entries
        elif origin is None and missing in named and (missing != 2 or missing not in written):
            kind, said = (
                "1/N",
                Sentence(
                    N_("divided by {letter} = {number} once too often"), {"letter": named[missing], "number": missing}
                ),
            )
            if divided(scene, missing):
                once = N_("It is divided by {letter} once already: {correct}.")
                why = (Sentence(once, {"letter": named[missing], "correct": scene.bases[0].term}),)
            elif any(isinstance(part, AxisSum) for base in scene.bases for _, part in places(base.term)):
                plain = N_("This is a sum, not a mean: nothing divides it by {letter}.")
                why = (Sentence(plain, {"letter": named[missing]}),)
        else:
            kind, said = (
                "factor",
                Sentence(N_("wrong by a factor {number} everywhere: it is missing"), {"number": missing}),
            )
            why = (origin,) if origin is not None else ()
    elif extra is not None:
        if extra in named and divided(scene, extra):
            kind, said = (
                "1/N",
                Sentence(N_("not divided by {letter} = {number}"), {"letter": named[extra], "number": extra}),
            )
            why = (
                Sentence(
                    N_("The correct formula is divided by {letter}: {correct}."),
                    {"letter": named[extra], "correct": scene.bases[0].term},
                ),
            )
        else:
            kind, said = (
                "factor",
                Sentence(N_("wrong by a factor {number} everywhere: it is one too many"), {"number": extra}),
            )
    else:
        kind, said = "factor", Sentence(N_("wrong by the constant factor {number} everywhere"), {"number": size})
    if turned:
        said = Sentence(N_("{first}, {second}"), {"first": said, "second": Sentence(N_("and the sign is turned"))})
    return Slip(kind, said, why)


def _whole(value: float) -> int | None:
    """The number as a whole one above 1, if it is."""
    near = round(value)
    return near if near > 1 and abs(value - near) < 1e-7 else None


def _numbers(scene: Scene) -> set[float]:
    """The plain numbers and sizes that stand in the correct formula, 1/N as a value."""
    found = set()
    for base in scene.bases:
        for _, part in places(base.term):
            if isinstance(part, Number):
                found.add(part.value)
                if part.size and part.value:
                    found.add(1 / part.value)
    return found


def divided(scene: Scene, by: int) -> bool:
    """Whether the correct formula is divided by a number: 0.2 and 0.4 are for 5."""
    for base in scene.bases:
        for _, part in places(base.term):
            if isinstance(part, Number):
                near = Fraction(part.value).limit_denominator(100_000)
                if near.denominator % by == 0 and abs(float(near) - part.value) < 1e-12:
                    return True
            if (
                isinstance(part, Apply)
                and part.op is div
                and isinstance(part.args[1], Number)
                and part.args[1].value % by == 0
            ):
                return True
    return False


def _entries(scene: Scene, missing: int) -> Sentence | None:
    """The slip of dividing by the number of all entries of an array where the number of samples belongs."""
    for name, node in sorted(scene.names.items(), key=lambda item: getattr(item[1], "role", "") != "input"):
        shape = tuple(map(int, node.shape)) if isinstance(node.shape, tuple) else ()
        if len(shape) < 2 or shape[0] == 1 or int(np.prod(shape[1:])) != missing or not divided(scene, shape[0]):
            continue
        if axis_sizes(scene).get(shape[0]) and getattr(node, "role", "") != "parameter":
            return Sentence(
                N_("divided by {size}, the number of entries of {name}, instead of by {letter} = {number}"),
                {"size": int(np.prod(shape)), "name": Symbol(name, len(shape)), "letter": axis_sizes(scene)[shape[0]], "number": shape[0]},
            )  # fmt: skip
    return None


def _origin(scene: Scene, number: int, exactly: bool) -> Sentence | None:
    """Which line of the forward pass the factor comes from, and, when it is `exactly` the factor, for what the claim is right."""
    on_path = set(scene.on_path())
    for line in reversed(scene.board.lines):
        if line.node not in on_path:
            continue
        for atom in line.atoms:
            if atom not in on_path or not line.elementwise or atom.shape != line.node.shape:
                continue
            local = local_derivative(scene.board, line, atom)
            if not (
                isinstance(local, Product)
                and any(isinstance(part, Number) and part.value == number for part in local.factors)
            ):
                continue
            definition, local = spelled(scene.board, line.definition), spelled(scene.board, local)
            fields = {
                "definition": definition,
                "local": local,
                "line": line.symbol,
                "scaled": Apply(mul, (Symbol("½"), definition))
                if number == 2
                else Apply(div, (definition, Number(float(number)))),
            }
            if line.node is scene.output and exactly:
                return Sentence(
                    N_("The derivative of {definition} is {local}. Your line is right for {line} = {scaled}."), fields
                )
            return Sentence(N_("The derivative of {definition} is {local}."), fields)
    return None
