"""A hand-written pass, array by array, against the graph: the first wrong one in run order, and its slip."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ...differentiate import backward
from ...engines.numpy import Program
from ...errors import NngraphError
from ...language import N_, translate
from ...node import Leaf, Node
from ..derivation import BACKWARD, Sentence
from ..evaluate import POINT, Labeled, evaluate
from ..local import Board, board
from ..terms import Partial, Symbol, Term
from .claim import compare, shape_slip
from .matching import Match, backward_order, matched
from .points import Point
from .say import said, written
from .scene import scene
from .search import find_slip
from .verdict import GREEN, PLAIN, RED, Slip, Verdict

RIGHT, WRONG, FOLLOWS = "right", "wrong", "follows"
NUMERICAL = 1e-5
"""How near a result must be that the student took by differences."""


@dataclass(frozen=True)
class Row:
    """One of the student's arrays: its name, what it was taken for, and what became of it.

    `state`: right, wrong, or follows (wrong only because what it was made from is wrong).
    """

    name: str
    of: Term
    state: str


@dataclass(frozen=True, eq=False)
class PassVerdict:
    """What became of a hand-written pass. `first` is the first wrong array in run order."""

    right: bool
    rows: tuple[Row, ...]
    first: Verdict | None = None
    slips: tuple[Slip, ...] = ()
    """What is wrong beside the numbers: arguments overwritten, whole numbers, an error."""
    unmatched: tuple[str, ...] = ()
    unchecked: tuple[str, ...] = ()
    notes: tuple[Sentence, ...] = field(default=())

    @property
    def slip(self) -> Slip | None:
        """The slip that comes first."""
        return self.first.slip if self.first is not None else self.slips[0] if self.slips else None

    def text(self, *, color: bool = False, language: str | None = None) -> str:
        """The verdict for a terminal."""
        lines = []
        if self.first is not None:
            name = next(row.name for row in self.rows if row.state == WRONG)
            text = self.first.text(color=color, language=language)
            mark, _, rest = text.partition(" ")
            lines.append(f"{mark} {name}: {rest}")
        for slip in self.slips:
            lines.append(f"{_colored('✗', RED, color)} {said(slip.said, language)}")
            lines += [f"  {said(why, language)}" for why in slip.why]
        if self.right:
            lines.append(
                f"{_colored('✓', GREEN, color)} "
                + translate(N_("right: {count} arrays agree with the graph"), language, count=len(self.rows))
            )
        for row in self.rows if len(self.rows) > 1 else ():
            mark = _colored("✓", GREEN, color) if row.state == RIGHT else _colored("✗", RED, color)
            note = "   " + translate(N_("follows from the one above"), language) if row.state == FOLLOWS else ""
            lines.append(
                f"  {mark} {row.name} = {written(row.of)}{note}"
                if row.name != written(row.of)
                else f"  {mark} {row.name}{note}"
            )
        for names, sentence in (
            (self.unmatched, N_("matched with nothing: {names} (--map NAME=NODE says what they are)")),
            (self.unchecked, N_("not computed: the gradient of {names}")),
        ):
            if names:
                lines.append("  " + translate(sentence, language, names=", ".join(names)))
        lines += [f"  {said(note, language)}" for note in self.notes]
        return "\n".join(lines)

    def record(self, language: str | None = None) -> dict[str, Any]:
        """The verdict as JSON holds it."""
        return {
            "version": 1,
            "right": self.right,
            "rows": [{"name": row.name, "of": written(row.of), "state": row.state} for row in self.rows],
            "first": None if self.first is None else self.first.record(language),
            "slips": [
                {"kind": slip.kind, "said": said(slip.said, language), "why": [said(why, language) for why in slip.why]}
                for slip in self.slips
            ],
            "unmatched": list(self.unmatched),
            "unchecked": list(self.unchecked),
            "notes": [said(note, language) for note in self.notes],
        }


def _colored(mark: str, code: str, color: bool) -> str:
    return f"{code}{mark}{PLAIN}" if color else mark


def check_arrays(
    output: Node,
    answers: Sequence[Mapping[str, np.ndarray]],
    tried: Sequence[Point],
    *,
    mapping: Mapping[str, str] | None = None,
    tolerance: float | None = None,
    values: bool = True,
) -> PassVerdict:
    """The verdict on arrays by name, one mapping per point: gradients of `output` (`dW`) and values of named nodes.

    `output` is one number in float64. The arrays at all points together decide which slip it was.
    """  # fmt: skip
    written_ = board(output)
    names = list(dict.fromkeys(name for answer in answers for name in answer))
    found, left = matched(names, written_, mapping or {}, values)
    order = {node: at for at, node in enumerate(backward_order(written_))}
    forward = {line.node: at for at, line in enumerate(written_.lines)}
    found.sort(
        key=lambda each: (
            each.is_gradient,
            order.get(each.node, len(order)) if each.is_gradient else forward.get(each.node, 0),
        )
    )
    truths = _truths(output, found, tried)
    rows, first = [], None
    mine = {(match.node, match.is_gradient): _stacked(answers, match.name) for match in found}
    for match, true in zip(found, truths, strict=False):
        claimed = mine[match.node, match.is_gradient]
        of = _of(written_, match)
        if claimed is not None and _agrees(claimed, true, tried, tolerance):
            rows.append(Row(match.name, of, RIGHT))
            continue
        if (
            first is not None
            and claimed is not None
            and match.is_gradient
            and _follows(output, written_, match, mine, tried)
        ):
            rows.append(Row(match.name, of, FOLLOWS))
            continue
        rows.append(Row(match.name, of, WRONG))
        if first is None:
            first = _verdict(output, match, claimed, answers, true, tried, of)
    given = {match.node for match in found if match.is_gradient}
    unchecked = tuple(
        symbol.name
        for node, symbol in written_.symbols.items()
        if isinstance(node, Leaf) and node.role == "parameter" and node not in given
    )
    return PassVerdict(first is None and bool(rows), tuple(rows), first, (), tuple(left), unchecked if given else ())


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
    first = _verdict(output, match, claimed, [{name: answer} for answer in answers], true, tried, of)
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
) -> Verdict:
    """The first wrong array with its slip."""
    if claimed is None:
        shape = next((answer[match.name].shape for answer in answers if match.name in answer), ())
        slip = Slip("shape", Sentence(N_("its shape changes with the values: it is {shape} here"), {"shape": shape}))
        return Verdict(False, of, match.name, None, _values(tried[0]), None, true[0], slip, tested=len(tried))
    claimed = claimed.astype(np.float64)
    try:
        found, _ = (
            scene(output, match.node if match.is_gradient else None, {})
            if match.is_gradient
            else scene(match.node, None, {})
        )
        found.run(tried, [])
        correct = found.bases[0].term if found.bases else None
        slip = _plain_slip(claimed, true) or find_slip(found, claimed, None)
        if slip is None and claimed.shape != true.shape:
            slip = shape_slip(replace(found, true=true, of=of), claimed)
    except NngraphError:
        correct, slip = None, None
    wrong = [
        at
        for at in range(len(tried))
        if claimed[at].shape != true[at].shape or not np.allclose(claimed[at], true[at], rtol=1e-8, atol=0)
    ]
    at = wrong[0] if wrong else 0
    return Verdict(False, of, match.name, correct, _values(tried[at]), claimed[at], true[at], slip, tested=len(tried))


def _plain_slip(claimed: np.ndarray, true: np.ndarray) -> Slip | None:
    """Slips that are seen without any formula."""
    if not np.all(np.isfinite(claimed)):
        return Slip("not-finite", Sentence(N_("it holds numbers that are not finite (nan or inf)")))
    if not claimed.any() and true.any():
        return Slip("zeros", Sentence(N_("it is all zeros: nothing was ever written into it")))
    return None


def _values(point: Point) -> dict[str, np.ndarray]:
    return {leaf._name or "?": np.asarray(value) for leaf, value in point.values.items() if leaf.role != "constant"}


def _follows(
    output: Node,
    written_: Board,
    match: Match,
    mine: Mapping[tuple[Node, bool], np.ndarray | None],
    tried: Sequence[Point],
) -> bool:
    """Whether the student's own gradients, put into the right formula, give what the student has here."""
    try:
        found, _ = scene(output, match.node, {})
        found.run(tried, [])
    except NngraphError:
        return False
    claimed = mine[match.node, True]
    steps = (
        [step for step in found.derivation.steps if step.section == BACKWARD and step.before == found.of]
        if found.derivation
        else []
    )
    if not steps or claimed is None:
        return False
    env = dict(found.env)
    for (node, is_gradient), array in mine.items():
        if array is None or node not in written_.symbols:
            continue
        name = written_.name(node)
        env[(written_.name(output), (name,)) if is_gradient else name] = Labeled(array.astype(np.float64), (POINT,))
    try:
        value = evaluate(steps[-1].after, env, found.sizes)
    except (NngraphError, ValueError, IndexError, TypeError):
        return False
    return (
        value.labels == (POINT,)
        and value.array.shape == claimed.shape
        and bool(np.allclose(value.array, claimed, rtol=1e-7, atol=1e-12))
    )
