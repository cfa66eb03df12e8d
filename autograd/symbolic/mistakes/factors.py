"""Claims that are wrong by one constant factor everywhere: 2, ½, −1, N, 1/N; and which line the factor comes from."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from ...language import N_
from ...ops.arithmetic import mul
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
    size = np.abs(true)
    largest = float(size.max())
    if largest == 0 or not np.all(np.isfinite(claim)):
        return None
    counted = size > 1e-9 * largest
    if np.any(np.abs(claim[~counted]) > 1e-6 * max(largest, float(np.abs(claim).max()))):
        return None
    ratios = claim[counted] / true[counted]
    middle = float(np.median(ratios))
    if middle == 0 or np.any(np.abs(ratios - middle) > TOLERANCE * abs(middle)):
        return None
    near = Fraction(middle).limit_denominator(1000)
    return float(near) if abs(float(near) - middle) <= TOLERANCE * abs(middle) else middle


def nice(ratio: float, scene: Scene) -> bool:
    """Whether a factor is one that people lose or gain: a sign, 2, or the size of an axis."""
    size = abs(ratio)
    known = {1.0, 2.0, *(float(each) for each in axis_sizes(scene))}
    return any(abs(size - value) < 1e-9 or abs(size * value - 1) < 1e-9 for value in known)


def axis_sizes(scene: Scene) -> dict[int, str]:
    """Every axis length above 1, with the letter it goes by."""
    found: dict[int, str] = {}
    for node in [*scene.leaves, *scene.names.values()]:
        for axis, size in enumerate(node.shape if isinstance(node.shape, tuple) else ()):
            if int(size) > 1:
                text = size.text if isinstance(size, Size) else "N" if axis == 0 and len(node.shape) > 1 else ""
                if text or int(size) not in found:
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
        origin = _origin(scene, missing)
        sums = any(isinstance(part, AxisSum) for base in scene.bases for _, part in places(base.term))
        if origin is None and missing in named and (missing != 2 or missing not in written):
            kind, said = (
                "1/N",
                Sentence(
                    N_("divided by {letter} = {number} once too often"), {"letter": named[missing], "number": missing}
                ),
            )
            why = (
                (
                    Sentence(
                        N_("This is a sum, not a mean: nothing divides it by {letter}."), {"letter": named[missing]}
                    ),
                )
                if sums
                else ()
            )
        else:
            kind, said = (
                "factor",
                Sentence(N_("wrong by a factor {number} everywhere: it is missing"), {"number": missing}),
            )
            why = (origin,) if origin is not None else ()
    elif extra is not None:
        if extra in named and (1 / extra in written or extra != 2):
            kind, said = (
                "1/N",
                Sentence(N_("not divided by {letter} = {number}"), {"letter": named[extra], "number": extra}),
            )
            why = (
                Sentence(
                    N_("The loss is a mean over {letter}, so every gradient carries 1/{letter}."),
                    {"letter": named[extra]},
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


def _origin(scene: Scene, number: int) -> Sentence | None:
    """Which line of the forward pass the factor comes from, and for what the claim would be right."""
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
                "scaled": Apply(mul, (Symbol(f"1/{number}" if number != 2 else "½"), definition)),
            }
            if line.node is scene.output:
                return Sentence(
                    N_("The derivative of {definition} is {local}. Your line is right for {line} = {scaled}."), fields
                )
            return Sentence(N_("The derivative of {definition} is {local}."), fields)
    return None
