"""A claimed formula against the truth: equal at every point tried, or wrong with a point that shows it and the slip by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np

from ...errors import GradientError, NngraphError, ParameterError, ShapeError
from ...graph import order
from ...language import N_
from ...leaves import constant
from ...node import Leaf, Node
from ...ops.linear import transpose
from ..convert import to_term
from ..derivation import Sentence
from ..reasons import transpose_reasons
from ..terms import Partial, Term
from .domain import where_right
from .legend import with_legend
from .points import Point
from .rounded import rounded
from .say import written
from .scene import Scene, scene
from .search import find_slip
from .verdict import Slip, Verdict

RELATIVE, ABSOLUTE = 1e-8, 1e-11
LOOSER = 1e3
"""At large and small values equal forms lose more digits by cancellation; a wrong form differs by far more than that."""
SEARCHED = 14
"""Slips are looked for at so many points; more would only cost time."""

Claim = Node | Callable[[Scene], Node]


def check_claim(
    output: Node,
    wrt: Node | None,
    claim: Claim | float,
    lets: Mapping[str, Node] | None = None,
    *,
    seed: int = 0,
    text: str | None = None,
    of: Term | None = None,
) -> Verdict:
    """The verdict on a claimed formula for ∂output/∂wrt; with `wrt` None, for the value of output itself.

    `claim` is a node over the same leaves, or a function that builds one from the scene: `scene["a3"]` is a line of the
    derivation, `scene.prime(ng.sigmoid, a)` is σ′(a). `lets` names shorthands; `text` is the claim as typed, and `of` what it is a claim about,
    for the page. Both sides are compared at about forty points, of both signs and many sizes; equal forms are right
    however they are written. A plain number is a claim about the given values: it is right if it is their value rounded to
    the digits that were written, at least two.

    >>> import nngraph as ng
    >>> y, z = ng.input("y", 2.0), ng.input("z", 0.5)
    >>> verdict = check_claim((y - z) ** 2, y, y - z)
    >>> verdict.right, verdict.slip.kind
    (False, 'factor')
    """
    if wrt is not None and output.shape:
        raise GradientError("a claim about a derivative needs an output that is one number; sum it first")
    if not isinstance(claim, Node) and not callable(claim) and np.shape(claim):
        raise ParameterError(
            "a claim is a formula, a node over the same leaves, or a single number; the numbers of an array are compared with"
            " np.allclose(claim, ng.gradient(output, [w])[0].value)"
        )
    own = claim if isinstance(claim, Node) else None
    found, moved = scene(output, wrt, lets or {}, seed=seed, more=[own] if own is not None else [])
    found.of = of or found.of
    try:
        node = moved[0] if own is not None else claim(found) if callable(claim) else constant(float(claim))  # type: ignore[arg-type]
    except NngraphError as error:
        misfit = error if isinstance(error, ShapeError) else error.__cause__
        if not callable(claim) or not isinstance(misfit, ShapeError):
            raise
        return with_legend(found, _misfit(found, claim, str(text or ""), misfit))
    _free_leaves(found, node)
    atoms: dict[Node, Term] = {node: symbol for node, symbol in found.symbols.items()}
    yours = to_term(node, found.primes.terms(atoms))
    verdict = with_legend(found, judge(found, node, yours, found.primes.notes))
    if not verdict.right and all(leaf.role == "constant" for leaf in order(node) if isinstance(leaf, Leaf)):
        verdict = rounded(found, verdict, text if text is not None else written(claim))
    return _with_strangers(verdict, found.primes.strangers, text) if found.primes.strangers else verdict


def _with_strangers(verdict: Verdict, strangers: Sequence[Sentence], text: str | None) -> Verdict:
    """The verdict on a claim that writes f′ at a name that does not exist, beside whatever else is wrong."""
    said, kind, why = strangers[0], "argument", ()
    if verdict.slip is not None:
        said = Sentence(N_("{first}; and {second}"), {"first": verdict.slip.said, "second": said})
        kind, why = verdict.slip.kind, verdict.slip.why
    return replace(verdict, right=False, yours=text or verdict.yours, yours_value=None, slip=Slip(kind, said, why))


def _misfit(found: Scene, claim: Callable[[Scene], Node], text: str, error: ShapeError) -> Verdict:
    """A claim whose shapes do not fit together: which matrix has to be turned, if turning one or two of them makes it right."""
    found.run(found.points, [])
    correct = _shown(found)
    lookups = _Lookups(found.names, ())
    _tried(found, claim, lookups)
    places = range(lookups.count + 4)  # the reading stopped at the misfit; a few names may follow
    for turned_places in [*combinations(places, 1), *combinations(places, 2)]:
        lookups = _Lookups(found.names, turned_places)
        node = _tried(found, claim, lookups)
        if node is None or not lookups.turned:
            continue
        trial = replace(found)
        trial.run(found.points, [node])
        if trial.others[0].shape == trial.true.shape and compare(trial.others[0], trial.true, trial.points).all():
            name = ", ".join(dict.fromkeys(lookups.turned))
            said = Sentence(
                N_("a transpose is missing or too many: with {name} turned the formula is right"), {"name": name}
            )
            return Verdict(False, found.of, text, correct, slip=Slip("transpose", said, tuple(_turns(found))))
    said = Sentence(N_("the shapes do not fit: {error}"), {"error": str(error)})
    return Verdict(False, found.of, text, correct, slip=Slip("shape", said, tuple(_turns(found))))


class _Lookups(dict[str, Node]):
    """Names that hand out a matrix turned at chosen lookups, so that every occurrence in a claim can be tried turned."""

    def __init__(self, names: Mapping[str, Node], turn: Sequence[int]) -> None:
        super().__init__(names)
        self.turn = set(turn)
        self.count = 0
        self.turned: list[str] = []

    def __getitem__(self, name: str) -> Node:
        node = super().__getitem__(name)
        if len(node.shape) != 2:
            return node
        at, self.count = self.count, self.count + 1
        if at not in self.turn:
            return node
        self.turned.append(name)
        return transpose(node)


def _tried(found: Scene, claim: Callable[[Scene], Node], names: _Lookups) -> Node | None:
    try:
        return claim(replace(found, names=names))
    except NngraphError:
        return None


def _turns(found: Scene) -> list[Sentence]:
    """Why the correct formula turns what it turns."""
    term = _shown(found)
    shapes = found.board.shapes()

    def shape_of(turned: Term) -> tuple[int, ...]:
        return shapes.get(turned.by[-1] if isinstance(turned, Partial) else getattr(turned, "name", ""), ())

    return transpose_reasons(term, found.board.letters, shape_of) if term is not None else []


def judge(found: Scene, node: Node, yours: Term, notes: Sequence[Sentence] = ()) -> Verdict:
    """Compare a claim with the truth of a scene at all its points."""
    found.run(found.points, [node])
    if not found.points:
        raise GradientError("no values were found at which the expression is finite; give some with --at")
    claimed, correct = found.others[0], _shown(found)
    if claimed.shape != found.true.shape:
        return _misshapen(found, claimed, yours, correct, notes)
    agrees = compare(claimed, found.true, found.points)
    decisive = np.array(
        [
            point.kind in ("generic", "given") or (point.kind == "far" and bool(np.all(np.isfinite(value))))
            for point, value in zip(found.points, claimed, strict=False)
        ]
    )
    wrong = [at for at in np.flatnonzero(decisive) if not agrees[at].all()]
    tested = int(np.count_nonzero(decisive))
    if not wrong:
        at_special = [
            point.said
            for at, point in enumerate(found.points)
            if point.kind == "special" and point.said and not agrees[at].all() and np.all(np.isfinite(claimed[at]))
        ]
        if at_special:
            notes = [*notes, Sentence(N_("At single points it differs: {points}."), {"points": at_special[0]})]
        return Verdict(True, found.of, yours, correct, notes=tuple(notes), tested=tested)
    at = _telling(found, wrong)
    part = where_right(
        agrees,
        found.true,
        found.points,
        found.env,
        {name: node for name, node in found.names.items() if isinstance(node, Leaf)},
    )
    undefined = not np.all(np.isfinite(claimed[at]))
    holds = part.said if part is not None and part.telling else None
    if part is not None and part.exact and part.telling:
        # A formula that is right on one branch was derived for that branch; no other slip explains it better.
        slip, holds = (
            Slip("domain", Sentence(N_("right where {condition}, but wrong elsewhere"), {"condition": part.condition})),
            None,
        )
    else:
        slip = _search(found, claimed, yours, decisive)
    if slip is None and part is not None:
        holds = part.said
    if slip is None and undefined:
        slip = Slip(
            "undefined", Sentence(N_("the claim has no finite value at a point where {of} has one"), {"of": found.of})
        )
    return Verdict(
        False,
        found.of,
        yours,
        correct,
        _point(found, at, node),
        claimed[at],
        found.true[at],
        slip,
        holds,
        tuple(notes),
        tested,
    )


def compare(claimed: np.ndarray, true: np.ndarray, tried: Sequence[Point]) -> np.ndarray:
    """Entry by entry, whether two arrays with the axes (point, …) agree up to rounding."""
    generic = np.array([point.kind == "generic" for point in tried], dtype=bool)
    sizes = np.abs(true[generic]) if generic.any() else np.abs(true)
    scale = float(np.median(sizes)) if sizes.size else 1.0
    scale = scale or float(sizes.max(initial=0.0)) or 1.0
    loose = np.array([LOOSER if point.kind == "far" else 1.0 for point in tried]).reshape(-1, *(1,) * (true.ndim - 1))
    with np.errstate(all="ignore"):
        close = np.abs(claimed - true) <= loose * (
            RELATIVE * np.maximum(np.abs(claimed), np.abs(true)) + ABSOLUTE * scale
        )
    return close & np.isfinite(claimed)


def _search(found: Scene, claimed: np.ndarray, yours: Term | None, decisive: np.ndarray) -> Slip | None:
    """Look for the slip at a few points of moderate size with finite values."""
    usable = [
        at
        for at, point in enumerate(found.points)
        if decisive[at] and point.kind != "far" and np.all(np.isfinite(claimed[at]))
    ]
    chosen = usable[:: max(1, len(usable) // SEARCHED)][:SEARCHED]
    if len(chosen) < 2:
        return None
    return find_slip(narrowed(found, chosen), claimed[chosen], yours)


def narrowed(found: Scene, chosen: Sequence[int]) -> Scene:
    """The same scene at some of its points."""
    from ..evaluate import POINT, Labeled

    rows = list(chosen)
    env: dict[Any, Labeled] = {
        name: Labeled(value.array[rows], (POINT,)) if value.labels == (POINT,) else value
        for name, value in found.env.items()
    }
    return replace(
        found,
        points=[found.points[at] for at in rows],
        env=env,
        true=found.true[rows],
        others=[each[rows] for each in found.others],
    )


def _misshapen(
    found: Scene, claimed: np.ndarray, yours: Term, correct: Term | None, notes: Sequence[Sentence]
) -> Verdict:
    """A claim of another shape: one number for every entry may be right; else the shape itself is the mistake."""
    if claimed.ndim == 1:
        spread = np.broadcast_to(claimed.reshape(-1, *(1,) * (found.true.ndim - 1)), found.true.shape)
        if compare(spread, found.true, found.points).all():
            note = Sentence(
                N_("Your number stands for every entry of an array of shape {shape}."), {"shape": found.true.shape[1:]}
            )
            return Verdict(True, found.of, yours, correct, notes=(*notes, note), tested=len(found.points))
    everywhere = np.array([point.kind != "special" for point in found.points])
    slip = _search(found, claimed, yours, everywhere) or shape_slip(found, claimed)
    at = _telling(found, [at for at in range(len(found.points)) if everywhere[at]] or [0])
    return Verdict(
        False,
        found.of,
        yours,
        correct,
        _point(found, at),
        claimed[at],
        found.true[at],
        slip,
        None,
        tuple(notes),
        int(everywhere.sum()),
    )


def shape_slip(found: Scene, claimed: np.ndarray) -> Slip:
    """The slip of a result whose shape alone is known to be wrong."""
    mine, wanted = claimed.shape[1:], found.true.shape[1:]
    fields = {"mine": mine, "wanted": wanted, "of": found.of}
    if tuple(size for size in mine if size != 1) == tuple(size for size in wanted if size != 1) and np.allclose(
        claimed.reshape(found.true.shape), found.true
    ):
        return Slip(
            "shape",
            Sentence(N_("the numbers are right, but their shape is {mine}; {of} has the shape {wanted}"), fields),
        )
    why = (Sentence(N_("A gradient has the shape of what it belongs to.")),) if isinstance(found.of, Partial) else ()
    return Slip("shape", Sentence(N_("the shape is {mine}, but {of} has the shape {wanted}"), fields), why)


def _telling(found: Scene, wrong: Sequence[int]) -> int:
    """The point to show: the user's own if it shows the mistake, else a drawn one of moderate size."""
    order_ = {"given": 0, "generic": 1, "far": 2, "special": 3}
    return min(wrong, key=lambda at: order_[found.points[at].kind])


def _point(found: Scene, at: int, claim: Node | None = None) -> dict[str, np.ndarray]:
    """The leaves of the problem by name, as they are at a point."""
    by_node = {node: name for name, node in found.names.items()}
    needed = set(order([found.output, *([claim] if claim is not None else [])]))
    return {
        by_node.get(leaf) or leaf._name or "?": np.asarray(value)
        for leaf, value in found.points[at].values.items()
        if leaf in needed and leaf.role != "constant"
    }


def _shown(found: Scene) -> Term | None:
    """The correct formula as it is printed: worked out, in forward names."""
    if found.derivation is None:
        return found.bases[0].term if found.bases else None
    return next(iter(found.derivation.gradients.values())).formula


def _free_leaves(found: Scene, node: Node) -> None:
    """A claim may use leaves that the expression does not have; they vary like any other."""
    extra = [
        leaf for leaf in order(node) if isinstance(leaf, Leaf) and leaf.role != "constant" and leaf not in found.givens
    ]
    if not extra:
        return
    from ..givens import friendly
    from .points import points

    found.leaves = (*found.leaves, *extra)
    found.givens = {**found.givens, **friendly(node, extra, 1)}
    found.points = points(found.output, found.leaves, found.givens, 0)
