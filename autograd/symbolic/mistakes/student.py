"""A hand-written pass, array by array, against the graph: the first wrong one in run order, and its slip."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ...differentiate import backward
from ...engines.numpy import Program
from ...errors import NngraphError
from ...language import N_
from ...node import Leaf, Node
from ..derivation import Sentence
from ..local import Board, board
from ..terms import Partial, Symbol, Term
from .claim import compare, shape_slip
from .legend import with_legend
from .matching import Match, backward_order, matched
from .pass_verdict import FOLLOWS, RIGHT, WRONG, PassVerdict, Row
from .points import Point
from .replay import backward_again, forward_again
from .scene import Scene, scene
from .search import find_slip
from .verdict import Slip, Verdict

NEARLY = 5e-3
"""Up to which part of the largest entry an array that fits no slip is called inaccurate."""
NUMERICAL = 1e-5
"""How near a result must be that the student took by differences."""


def check_arrays(
    output: Node,
    answers: Sequence[Mapping[str, np.ndarray]],
    tried: Sequence[Point],
    *,
    mapping: Mapping[str, str] | None = None,
    tolerance: float | None = None,
    wanted: Sequence[Node] | None = None,
    aside: Sequence[Mapping[str, np.ndarray]] | None = None,
) -> PassVerdict:
    """The verdict on arrays by name, one mapping per point: gradients of `output` (`dW`).

    `output` is one number in float64. The arrays at all points together decide which slip it was. `wanted`: the nodes whose
    gradients count; without it, all that `answers` has. `aside`: other arrays (a function's local variables), which count
    only when `answers` has no gradient at all; else they tell where a wrong gradient went wrong.
    """  # fmt: skip
    work = _Pass(output, answers, aside or [{} for _ in answers], tried, mapping or {}, tolerance)
    main = [
        match
        for match in work.found
        if match.is_gradient
        and (wanted is None or match.node in wanted)
        and (match.name in work.returned or work.only_locals)
    ]
    missing = [node for node in wanted or () if node not in {match.node for match in main}]
    if wanted is None and not any(match.node.is_leaf for match in main if match.name not in work.returned):
        # Local variables alone: an intermediate gradient is not what was asked for.
        main = [match for match in main if match.name in work.returned]
    states = work.states(main)
    shown = [match for match in work.found if match in states]
    rows = tuple(Row(match.name, work.of(match), states[match]) for match in shown)
    first_match = next((match for match in shown if states[match] == WRONG), None)
    given = {match.node for match in main}
    unchecked = tuple(
        symbol.name
        for node, symbol in work.board.symbols.items()
        if (
            node in missing
            if wanted is not None
            else isinstance(node, Leaf) and node.role == "parameter" and node not in given
        )
    )
    left = tuple(name for name in work.left if name in work.returned or name in (mapping or {}))
    slips: tuple[Slip, ...] = ()
    if not main or missing:
        names = unchecked or tuple(symbol.name for node, symbol in work.board.symbols.items() if _is_data(node))
        said_ = N_("not computed: the gradient of {names} was neither returned nor left in a local variable")
        slips = (Slip("not-computed", Sentence(said_, {"names": ", ".join(names)})),)
    first = work.verdict(first_match) if first_match is not None else None
    return PassVerdict(
        first is None and not slips,
        rows,
        first,
        slips,
        left,
        unchecked if main and not missing else (),
        unused=tuple(work.left),
    )


def _is_data(node: Node) -> bool:
    return isinstance(node, Leaf) and node.role != "constant" and node.dtype.kind == "f"


class _Pass:
    """A student's arrays at all points, matched with nodes, beside what is true."""

    def __init__(
        self,
        output: Node,
        answers: Sequence[Mapping[str, np.ndarray]],
        aside: Sequence[Mapping[str, np.ndarray]],
        tried: Sequence[Point],
        mapping: Mapping[str, str],
        tolerance: float | None,
    ) -> None:
        self.output, self.tried, self.tolerance = output, tried, tolerance
        self.board = board(output)
        self.answers = [{**locals_, **own} for own, locals_ in zip(answers, aside, strict=True)]
        own_names = list(dict.fromkeys(name for answer in answers for name in answer))
        local_names = [
            name for name in dict.fromkeys(name for answer in aside for name in answer) if name not in own_names
        ]
        found, left = matched(own_names, self.board, mapping, returned=True)
        self.returned = {match.name for match in found if match.is_gradient}
        more, also_left = matched(local_names, self.board, mapping)
        self.only_locals = not self.returned
        self.left = [*left, *also_left] if self.only_locals else left
        self.returned |= set(own_names)
        taken = {(match.node, match.is_gradient) for match in found}
        found += [match for match in more if (match.node, match.is_gradient) not in taken]
        order_ = {node: at for at, node in enumerate(backward_order(self.board))}
        forward = {line.node: at for at, line in enumerate(self.board.lines)}
        found.sort(
            key=lambda each: (
                each.is_gradient,
                order_.get(each.node, len(order_)) if each.is_gradient else forward.get(each.node, 0),
            )
        )
        truths = _truths(output, found, tried)
        self.true = dict(zip(found, truths, strict=True))
        self.mine = {match: _stacked(self.answers, match.name) for match in found}
        # An intermediate of another shape is another thing that happens to have the name: h = h[0].
        self.found = [
            match
            for match in found
            if match.node.is_leaf
            or (match.name in self.returned and match.is_gradient)
            or ((mine := self.mine[match]) is not None and mine.shape == self.true[match].shape)
        ]
        self.scenes: dict[Node, Scene | None] = {}

    def of(self, match: Match) -> Term:
        """What a match was taken for, as it is written."""
        return _of(self.board, match)

    def states(self, main: Sequence[Match]) -> dict[Match, str]:
        """What became of the matches that count, and of those beside them that say where it went wrong."""
        fine = {match: self._fine(match) for match in self.found}
        if all(fine[match] for match in main):
            # With nothing to judge, what agrees is listed all the same.
            return {match: RIGHT for match in self.found if match in main or (not main and fine[match])}
        beside = [match for match in self.found if match not in main]
        states = {
            match: RIGHT
            for match in self.found
            if fine[match] and (match in main or match.name in self.returned or self.only_locals)
        }
        wrong = [match for match in self.found if not fine[match]]
        guilty = [
            match
            for match in beside
            if not fine[match] and self._explains(match, [each for each in wrong if each in main])
        ]
        for match in wrong:
            if match in main or match in guilty:
                earlier = [each for each in states if states[each] != RIGHT]
                states[match] = FOLLOWS if earlier and self._follows(match, [*earlier, *states]) else WRONG
        return states

    def _fine(self, match: Match) -> bool:
        mine = self.mine[match]
        return mine is not None and _agrees(mine, self.true[match], self.tried, self.tolerance)

    def _explains(self, match: Match, wrong: Sequence[Match]) -> bool:
        """Whether a wrong gradient is what the right formula makes of this wrong intermediate, alone or with those after it."""
        later = self.found[self.found.index(match) :]
        return any(self._follows(each, sources) for each in wrong for sources in ([match], later))

    def scene(self, node: Node) -> Scene | None:
        """The scene of the gradient of a node, at the points that were tried."""
        if node not in self.scenes:
            try:
                found, _ = scene(self.output, node, {})
                found.run(self.tried, [])
                self.scenes[node] = found if len(found.points) == len(self.tried) else None
            except NngraphError:
                self.scenes[node] = None
        return self.scenes[node]

    def _follows(self, match: Match, sources: Sequence[Match]) -> bool:
        """Whether the student's own values of the sources, put into the right formulas, give what the student has here."""
        claimed = self.mine[match]
        found = self.scene(
            match.node if match.is_gradient else next(each.node for each in self.found if each.is_gradient)
        )
        if found is None or claimed is None:
            return False
        own: dict[Any, np.ndarray] = {}
        of = self.board.name(self.output)
        for each in sources:
            array = self.mine[each]
            if (
                each != match
                and array is not None
                and array.shape == self.true[each].shape
                and each.node in self.board.symbols
            ):
                name = self.board.name(each.node)
                own[(of, (name,)) if each.is_gradient else name] = array.astype(np.float64)
        env = forward_again(found, own)
        value = backward_again(found, env, own) if match.is_gradient else env[self.board.name(match.node)].array
        return (
            value is not None
            and value.shape == claimed.shape
            and bool(np.allclose(value, claimed, rtol=1e-7, atol=1e-12))
        )

    def verdict(self, match: Match) -> Verdict:
        """The first wrong array with its slip."""
        return _verdict(
            self.output, match, self.mine[match], self.answers, self.true[match], self.tried, self.of(match), self.scene(match.node) if match.is_gradient else None, self.tolerance
        )  # fmt: skip


def check_value(
    output: Node,
    wrt: Node | None,
    answers: Sequence[np.ndarray],
    tried: Sequence[Point],
    name: str,
    tolerance: float | None = None,
) -> PassVerdict:
    """The verdict on one array per point, taken for the value of `output` or, with `wrt`, for a gradient."""
    written_ = board(output, keep=[wrt] if wrt is not None and not wrt.is_leaf else [])
    match = Match(name, wrt if wrt is not None else output, wrt is not None)
    (true,) = _truths(output, [match], tried)
    of = _of(written_, match)
    claimed = _stacked([{name: answer} for answer in answers], name)
    if claimed is not None and _agrees(claimed, true, tried, tolerance):
        return PassVerdict(True, (Row(name, of, RIGHT),))
    first = _verdict(output, match, claimed, [{name: answer} for answer in answers], true, tried, of, None, tolerance)
    return PassVerdict(False, (Row(name, of, WRONG),), first)


def _of(written_: Board, match: Match) -> Term:
    symbol = written_.symbols.get(match.node) or Symbol(match.name, len(match.node.shape))
    return Partial(written_.name(written_.output), (symbol.name,), symbol.rank) if match.is_gradient else symbol


def _truths(output: Node, found: Sequence[Match], tried: Sequence[Point]) -> list[np.ndarray]:
    """The true arrays of all matches, axes (point, …)."""
    wanted = [match.node for match in found if match.is_gradient]
    adjoints = backward(output, wanted).adjoints if wanted else {}
    program = Program([adjoints[match.node] if match.is_gradient else match.node for match in found])
    runs = [program(point.values) for point in tried]
    return [np.stack([np.asarray(run[at], dtype=np.float64) for run in runs]) for at in range(len(found))]


def _stacked(answers: Sequence[Mapping[str, np.ndarray]], name: str) -> np.ndarray | None:
    """A student's array at all points; None when it is missing somewhere or changes its shape."""
    arrays = [answer[name] for answer in answers if name in answer]
    if len(arrays) != len(answers) or len({array.shape for array in arrays}) != 1:
        return None
    return (
        np.stack(arrays).astype(np.float64)
        if arrays[0].dtype == np.float64 or arrays[0].dtype.kind in "iu"
        else np.stack(arrays)
    )


def _agrees(claimed: np.ndarray, true: np.ndarray, tried: Sequence[Point], tolerance: float | None) -> bool:
    if claimed.shape != true.shape:
        return False
    if claimed.dtype.kind == "f" and claimed.dtype.itemsize < 8:
        tolerance = max(tolerance or 0, float(np.finfo(claimed.dtype).eps) ** 0.5)
    if tolerance is not None:
        return bool(
            np.allclose(
                claimed, true, rtol=tolerance, atol=tolerance * float(np.median(np.abs(true)) if true.size else 1)
            )
        )
    return bool(compare(claimed, true, tried).all())


def _verdict(
    output: Node,
    match: Match,
    claimed: np.ndarray | None,
    answers: Sequence[Mapping[str, np.ndarray]],
    true: np.ndarray,
    tried: Sequence[Point],
    of: Term,
    known: Scene | None = None,
    tolerance: float | None = None,
) -> Verdict:
    """The first wrong array with its slip."""
    if claimed is None:
        shape = next((answer[match.name].shape for answer in answers if match.name in answer), ())
        slip = Slip("shape", Sentence(N_("its shape changes with the values: it is {shape} here"), {"shape": shape}))
        return Verdict(False, of, match.name, None, _values(tried[0]), None, true[0], slip, tested=len(tried))
    claimed = claimed.astype(np.float64)
    found = known
    try:
        if found is None:
            found, _ = scene(output, match.node, {}) if match.is_gradient else scene(match.node, None, {})
            found.run(tried, [])
        correct = found.bases[0].term if found.bases else None
        slip = _plain_slip(claimed, true) or find_slip(found, claimed, None)
        if slip is None and claimed.shape != true.shape:
            slip = shape_slip(replace(found, true=true, of=of), claimed)
        slip = slip or inaccurate(claimed, true, tolerance is not None)
    except NngraphError:
        correct, slip = None, None
    wrong = [
        at
        for at in range(len(tried))
        if claimed[at].shape != true[at].shape or not np.allclose(claimed[at], true[at], rtol=1e-8, atol=0)
    ]
    at = wrong[0] if wrong else 0
    verdict = Verdict(
        False, of, match.name, correct, _values(tried[at]), claimed[at], true[at], slip, tested=len(tried)
    )
    return with_legend(found, verdict) if found is not None else verdict


def _plain_slip(claimed: np.ndarray, true: np.ndarray) -> Slip | None:
    """Slips that are seen without any formula."""
    if not np.all(np.isfinite(claimed)):
        return Slip("not-finite", Sentence(N_("it holds numbers that are not finite (nan or inf)")))
    if not claimed.any() and true.any():
        return Slip("zeros", Sentence(N_("it is all zeros: nothing was ever written into it")))
    return None


def inaccurate(claimed: np.ndarray, true: np.ndarray, by_differences: bool) -> Slip | None:
    """The slip of numbers that are nearly right everywhere."""
    if claimed.shape != true.shape or not true.size:
        return None
    axes = tuple(range(1, true.ndim))
    off, size = np.abs(claimed - true).max(axis=axes), np.abs(true).max(axis=axes)
    if np.any(off > NEARLY * size):
        return None
    why = N_(
        "A forward difference, (f(x + h) − f(x)) / h, is off by about h; a central one, (f(x + h) − f(x − h)) / 2h, only by about h²."
    )
    said_ = Sentence(N_("inaccurate: it differs by up to {error}"), {"error": float(f"{off.max():.1e}")})
    return Slip("inaccurate", said_, (Sentence(why),) if by_differences else ())


def _values(point: Point) -> dict[str, np.ndarray]:
    return {leaf._name or "?": np.asarray(value) for leaf, value in point.values.items() if leaf.role != "constant"}
