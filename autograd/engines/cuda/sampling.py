"""Random numbers that one nest reads are made by that nest, from their places, and lie in no memory."""

from __future__ import annotations

from collections.abc import Sequence

from ...kernels.cuda.arguments import whole_number
from ...kernels.cuda.nest import CudaNest, nest
from ...kernels.cuda.random import KINDS, STATE, state
from ..compiled.calls import Buffer, Call, View
from .order import touched


def draw_inside(calls: list[Call]) -> None:
    """Leave out calls that only draw numbers for one nest."""
    for drawing in [call for call in calls if call.code.name in KINDS]:
        reader = _reader(calls, drawing)
        if reader is not None and _keep_state(calls, drawing, reader):
            _take(reader, drawing)
            calls.remove(drawing)


def _reader(calls: Sequence[Call], drawing: Call) -> Call | None:
    """The nest that alone reads the numbers, each of them once."""
    target = drawing.words[0]
    if target.buffer.role != "arena" or target.offset or not target.dense:
        return None
    users = [call for call in calls if call is not drawing and target.buffer in _buffers([*call.reads, *call.writes])]
    if len(users) != 1 or not isinstance(users[0].code, CudaNest):
        return None
    (reader,) = users
    reads = [at for at, view in enumerate(reader.reads) if view.buffer is target.buffer]
    once = all(len(reader.code.nest.bodies_of(at)) == 1 for at in reads)
    alike = all(reader.reads[at].dtype == target.dtype for at in reads)
    return reader if once and alike and target.buffer not in _buffers(reader.writes) else None


def _keep_state(calls: list[Call], drawing: Call, reader: Call) -> bool:
    """Have key and step be in the reader's time what they are in that of the drawing call: a step that is counted up in
    between is counted up afterwards. False where that cannot be."""
    state = touched(drawing).reads
    if state & touched(reader).writes:
        return False
    between = [(call, touched(call)) for call in calls[calls.index(drawing) + 1 : calls.index(reader) + 1]]
    late = [call for call, mine in between if mine.writes & state]
    for at, (call, mine) in enumerate(between):
        staying = [theirs for other, theirs in between[at + 1 :] if other not in late]
        if call in late and any(map(mine.conflicts, staying)):
            return False
    for call in late:
        calls.remove(call)
    after = calls.index(reader) + 1
    calls[after:after] = late
    return True


def _take(reader: Call, drawing: Call) -> None:
    """Have a nest make the numbers of a drawing call."""
    target, _, key, _, step, *_ = drawing.words
    code, count = reader.code, len(reader.reads)
    draws = dict(code.draws)
    for at in [at for at, view in enumerate(reader.reads) if view.buffer is target.buffer]:
        start = code.names().index(f"r{at}")
        reader.words[start : start + 2] = [*state(key, step), whole_number(reader.reads[at].offset)]
        reader.reads[at] = key
        draws[at] = drawing.code.name
        reader.code = code = nest(code.loops, code.layout, tuple(sorted(draws.items())))
        assert code.names()[start] == f"r{at}_{STATE[0]}"
    reader.reads.append(step)
    reader.paces = (*reader.paces[:count], 0, *reader.paces[count:]) if reader.paces else ()
    reader.nodes = tuple(sorted({*drawing.nodes, *reader.nodes}, key=lambda node: node.serial))


def _buffers(views: Sequence[View]) -> set[Buffer]:
    return {view.buffer for view in views}
