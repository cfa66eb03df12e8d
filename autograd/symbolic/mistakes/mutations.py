"""The usual slips, made on purpose: every way in which one part of a correct formula is commonly written wrong.

Each slip is one small function of a part of a term; none knows any particular formula or op.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ...language import N_
from ...op import ACTIVATION
from ...ops.arithmetic import div
from ..convert import rank_of, turned
from ..derivation import Sentence
from ..terms import Apply, AxisSum, Number, Prime, Product, Symbol, Term
from .scene import Base, Scene
from .slips_in_names import name_slips
from .slips_in_products import factor_slips, is_one, turn_slips
from .slips_in_slopes import slope_slips
from .slips_in_sums import sign_slips, sum_slips
from .tree import Found, Place, addends, part, places, put, without_addend


@dataclass(frozen=True)
class Change:
    """A formula with one slip, what the slip is called, and how far-fetched it is (`cost`; small is simple).

    `parts`: what was put where, so that two slips in different places can be made at once.
    """

    term: Term
    kind: str
    said: Sentence
    cost: float
    why: tuple[Sentence, ...] = ()
    parts: tuple[tuple[Place, Term], ...] = ()


def mutations(scene: Scene, base: Base) -> list[Change]:
    """All formulas that differ from a correct one by one slip: at one place, at all places alike, or as a whole."""
    paths = _paths(base)
    found = [each for place, part_ in places(base.term) for each in _local(scene, base.term, place, part_)]
    changes = [_change(base.term, each, paths) for each in found]
    changes.extend(_everywhere(base.term, found))
    changes.extend(_missing_addends(scene, base, paths))
    changes.extend(_whole(scene, base, paths))
    return changes


def combined(base: Base, one: Change, other: Change) -> Term | None:
    """Both slips in one formula; None when they touch the same place."""
    for place, _ in one.parts:
        for second, _ in other.parts:
            if place[: len(second)] == second or second[: len(place)] == place:
                return None
    if not one.parts or not other.parts:
        return None
    term = base.term
    for place, new in (*one.parts, *other.parts):
        term = put(term, place, new)
    return term


def _change(term: Term, found: Found, paths: dict[Place, str]) -> Change:
    place, new, kind, said, cost, why = found
    path = next((name for start, name in paths.items() if place[: len(start)] == start), None)
    if path is not None:
        said = Sentence(N_("in the path {path}: {slip}"), {"path": path, "slip": said})
    return Change(put(term, place, new), kind, said, cost, why, ((place, new),))


def _everywhere(term: Term, found: list[Found]) -> Iterator[Change]:
    """The same slip wherever the same part occurs; and every slope of an activation left out at once."""
    alike: dict[tuple[Term, Term], list[Found]] = {}
    for each in found:
        alike.setdefault((part(term, each[0]), each[1]), []).append(each)
    for group in alike.values():
        if len(group) > 1:
            _, _, kind, said, cost, why = group[0]
            yield _at_once(term, group, kind, said, cost, why)
    yield from _with_its_number(term, found)
    slopes = [
        each
        for each in found
        if each[2] == "activation-derivative" and isinstance(part(term, each[0]), Prime) and is_one(each[1])
    ]
    distinct = {part(term, each[0]) for each in slopes}
    if len(distinct) > 1:
        names = tuple(dict.fromkeys(each[3].fields["prime"] for each in slopes))
        said = Sentence(
            N_("the derivatives of the activations are missing: {first} and {second}"),
            {"first": names[0], "second": names[1]},
        )
        if len(names) > 2:
            said = Sentence(N_("the derivatives of all {count} activations are missing"), {"count": len(names)})
        yield _at_once(term, slopes, "activation-derivative", said, 1.3, ())


def _with_its_number(term: Term, found: list[Found]) -> Iterator[Change]:
    """A factor left out together with its number: the 2x of an inner x²."""
    left_out = [each for each in found if is_one(each[1]) and each[0]]
    for number in left_out:
        for other in left_out:
            one, factor = part(term, number[0]), part(term, other[0])
            if number[0][:-1] != other[0][:-1] or not isinstance(one, Number) or isinstance(factor, (Number, Prime)):
                continue
            said = Sentence(N_("the factor {factor} is missing"), {"factor": Product((one, factor))})
            yield _at_once(term, [number, other], "missing-factor", said, 1.5, ())


def _at_once(
    term: Term, group: list[Found], kind: str, said: Sentence, cost: float, why: tuple[Sentence, ...]
) -> Change:
    new = term
    for each in group:
        new = put(new, each[0], each[1])
    return Change(new, kind, said, cost, why, tuple((each[0], each[1]) for each in group))


def _paths(base: Base) -> dict[Place, str]:
    """Where each path's addend stands, when there are several and they can be told apart."""
    found = addends(base.term)
    if len(base.paths) < 2 or len(found) != len(base.paths):
        return {}
    return dict(zip(found, base.paths, strict=False))


def _local(scene: Scene, whole: Term, place: Place, each: Term) -> Iterator[Found]:
    """The slips at one place, as (place, what is put there, kind, words, cost, why)."""
    match each:
        case Product():
            yield from factor_slips(place, each)
            if each.style == "matrix":
                yield from turn_slips(place, each)
            return
        case Prime():
            slips = slope_slips(scene, each)
        case Symbol():
            slips = name_slips(scene, each, whole, place)
        case AxisSum():
            slips = sum_slips(each)
        case Apply():
            slips = sign_slips(each)
        case _:
            return
    for new, kind, said, cost, why in slips:
        yield place, new, kind, said, cost, why


def _missing_addends(scene: Scene, base: Base, paths: dict[Place, str]) -> Iterator[Change]:
    found = addends(base.term)
    if len(found) < 2:
        return
    for at in found:
        rest = without_addend(base.term, at)
        if rest is None:
            continue
        if paths:
            said = Sentence(
                N_("the path {path} is missing: what several paths bring is added up (+=), not replaced (=)"),
                {"path": paths[at]},
            )
        else:
            said = Sentence(
                N_("{term} is missing: contributions are added up (+=), not replaced (=)"),
                {"term": part(base.term, at)},
            )
        yield Change(rest, "contribution", said, 1.5, ())


def _whole(scene: Scene, base: Base, paths: dict[Place, str]) -> Iterator[Change]:
    term, rank = base.term, rank_of(base.term)
    if rank == 2:
        yield Change(turned(term), "transpose", Sentence(N_("the result is transposed")), 1.1)
    if rank and not isinstance(term, AxisSum):
        yield Change(
            AxisSum(tuple(range(rank)), (), term), "too-much-summed", Sentence(N_("summed over too much: the result is added up to one number")), 1.3
        )  # fmt: skip
        for axis in range(rank if rank > 1 else 0):
            yield Change(AxisSum((axis,), (), term), "too-much-summed", Sentence(N_("summed over too much: over axis {axis}, which stays"), {"axis": str(axis)}), 1.4)  # fmt: skip
    for name, value in scene.env.items():
        if not isinstance(name, str) or value.rank:
            continue
        factor = Symbol(name)
        yield Change(
            Product((term, factor)),
            "extra-factor",
            Sentence(N_("the factor {factor} is one too many"), {"factor": factor}),
            2.1,
        )
        divided = Apply(div, (term, factor))
        yield Change(
            divided, "extra-factor", Sentence(N_("divided by {factor} once too often"), {"factor": factor}), 2.15
        )
        for place, path in paths.items():
            said = Sentence(
                N_("in the path {path}: {slip}"),
                {"path": path, "slip": Sentence(N_("the factor {factor} is one too many"), {"factor": factor})},
            )
            yield Change(put(term, place, Product((part(term, place), factor))), "extra-factor", said, 2.3)
    for line in scene.board.lines:
        if (
            line.node.op.kind == ACTIVATION
            and line.node.op.scalar is not None
            and len(line.atoms) == 1
            and line.node.inputs == line.atoms
        ):
            prime = Prime(line.node.op, scene.symbols[line.atoms[0]], dict(line.node.params))
            style = "hadamard" if rank and rank_of(prime) else "scalar"
            yield Change(
                Product((term, prime), style),
                "extra-factor",
                Sentence(N_("the factor {factor} is one too many"), {"factor": prime}),
                2.0,
            )
