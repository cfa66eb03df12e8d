"""A loop whose turns end with a product and begin with a nest that reads its result: the product of one turn runs the nest of
the next as its epilogue, so that a step of time is a launch less. The way back through a recurrent net is such a loop."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from ...kernels.cuda.arguments import Argument, highest, lowest
from ...kernels.cuda.nest import CudaNest
from ..compiled.calls import Body, Buffer, Call, Scratch, View
from ..compiled.planning.epilogues import goes_along
from .epilogues import finished, fits
from .order import touched


def run_ahead(body: Body) -> None:
    """Have the product that ends a turn begin the next one, where it can."""
    nest, kernel = body.calls[0], body.calls[-1]
    if len(body.calls) < 2 or body.length < 2 or not kernel.finish or not isinstance(nest.code, CudaNest):
        return
    fresh: dict[Buffer, Buffer] = {}
    later = _later(nest, fresh)
    reads = {view.buffer for view in later.reads}
    made = {view.buffer for part in kernel.parts for view in part.writes}
    if not reads & made or not goes_along(kernel, later) or not fits(kernel, later):
        return
    if _may_meet(kernel, later, fresh) or _share_memory(kernel, later, body):
        return
    body.moving += fresh.values()
    ahead = replace(kernel, finishing=[*kernel.finishing, later])
    ahead.code = finished(ahead, keeps=True)
    body.ahead = ahead


def in_turn(body: Body, turn: int) -> list[Call | None]:
    """The calls of a turn; None in the place of one that the turn before has done."""
    if body.ahead is None:
        return list(body.calls)
    first = None if turn else body.calls[0]
    last = body.ahead if turn + 1 < body.length else body.calls[-1]
    return [first, *body.calls[1:-1], last]


def _later(nest: Call, fresh: dict[Buffer, Buffer]) -> Call:
    """The nest as it is one turn later: its pieces of stacked arrays lie one further on. `fresh`: their buffers."""

    def moved(view: View) -> View:
        if view.buffer.role != "moving":
            return view
        _, step = view.buffer.owner
        buffer = fresh.setdefault(view.buffer, Buffer(view.buffer.bytes, "moving", view.buffer.owner))
        offset = view.offset + step // view.dtype.itemsize
        return View(buffer, view.dtype, view.shape, view.strides, offset)

    words = [
        Argument(word.dtype, moved(word.value), word.working)
        if isinstance(word, Argument) and isinstance(word.value, View) else word
        for word in nest.words
    ]  # fmt: skip
    return replace(nest, words=words, reads=[*map(moved, nest.reads)], writes=[*map(moved, nest.writes)])


def _may_meet(kernel: Call, later: Call, fresh: dict[Buffer, Buffer]) -> bool:
    """Whether some thread of the product could need what the nest writes, or the nest what another thread writes: but for
    what the nest finds at its own place, and for pieces of two turns, which lie apart."""
    mine, theirs = touched(kernel), touched(later)
    made = {view.buffer for part in kernel.parts for view in part.writes}
    kept = {view.buffer for view in later.reads} & made
    if any(buffer in mine.writes for buffer in theirs.reads - kept):
        return True
    for buffer in theirs.writes & (mine.reads | mine.writes):
        pieces = [view for view in later.writes if view.buffer.role == "moving" and _root(view.buffer) is buffer]
        others = [view for view in _views([kernel]) if _root(view.buffer) is buffer]
        apart = all(fresh.get(view.buffer) in {piece.buffer for piece in pieces} for view in others)
        if not pieces or not apart or not all(map(_moves_past_itself, (*pieces, *others))):
            return True
        if any(_root(view.buffer) is buffer and view.buffer.role != "moving" for view in later.writes):
            return True
    return False


def _moves_past_itself(view: View) -> bool:
    """Whether a piece at one turn has no number of the piece at the next, nor any in between."""
    _, step = view.buffer.owner
    return bool((highest(view) - lowest(view) + 1) * view.dtype.itemsize <= abs(step))


def _share_memory(kernel: Call, later: Call, body: Body) -> bool:
    """Whether the nest writes where the product still has something: within a turn, memory is used again."""

    def spans(views: Sequence[View]) -> list[tuple[int, int]]:
        own = [view.buffer for view in views if view.buffer in body.offsets]
        return [(body.offsets[buffer], body.offsets[buffer] + buffer.bytes) for buffer in own]

    written = spans(later.writes)
    working = any(isinstance(word, Scratch) and word.bytes for word in kernel.words)
    met = any(a < end and start < b for a, b in written for start, end in spans([*_views([kernel])]))
    return bool(met or (written and working))


def _views(calls: Sequence[Call]) -> Iterator[View]:
    for call in calls:
        for part in call.parts:
            yield from (*part.reads, *part.writes)


def _root(buffer: Buffer) -> Buffer:
    while buffer.role == "moving":
        buffer = buffer.owner[0].buffer
    return buffer
