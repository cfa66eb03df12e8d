"""Memory: when each buffer is needed, and where in one arena it lies, so that memory is used again as soon as it is
free."""

from __future__ import annotations

from collections.abc import Sequence

from ....errors import NngraphError
from ..calls import Buffer, Call, Scratch

ALIGNMENT = 64
SMALL = 1 << 18
"""Bytes up to which memory of its own costs less than waiting."""


def arranged(calls: Sequence[Call], owner: object) -> tuple[dict[Buffer, int], dict[tuple[int, int], int], int]:
    """Offsets in one arena: for every buffer that `owner` made, for every piece of scratch (call, word), and how many
    bytes there are.

    A buffer takes the place of an operand that is read for the last time by the same fused loop, when both are gone
    through in step.
    """
    born: dict[Buffer, int] = {}
    dies: dict[Buffer, int] = {}
    for at, call in enumerate(calls):
        for part in call.parts:
            for view in (*part.reads, *part.writes):
                if view.buffer.role == "arena" and view.buffer.owner is owner:
                    born.setdefault(view.buffer, at)
                    dies[view.buffer] = at
    offsets: dict[Buffer, int] = {}
    scratch: dict[tuple[int, int], int] = {}
    free: list[tuple[int, int]] = []
    end = 0

    def take(size: int) -> int:
        nonlocal end
        size = _rounded(size)
        best = min((gap for gap in free if gap[1] >= size), key=lambda gap: gap[1], default=None)
        if best is None:
            # The last gap may be stretched where it touches the end.
            last = max(free, default=None)
            if last is not None and last[0] + last[1] == end:
                free.remove(last)
                end = last[0] + size
                return last[0]
            end += size
            return end - size
        free.remove(best)
        if best[1] > size:
            free.append((best[0] + size, best[1] - size))
        return best[0]

    def give(start: int, size: int) -> None:
        size = _rounded(size)
        for gap in list(free):
            if gap[0] + gap[1] == start:
                free.remove(gap)
                start, size = gap[0], size + gap[1]
            elif start + size == gap[0]:
                free.remove(gap)
                size += gap[1]
        free.append((start, size))

    for at, call in enumerate(calls):
        inherited: set[Buffer] = set()
        parts = call.parts
        for part in parts:
            # A loop may read what it has written itself.
            own = {view.buffer for view in part.writes} if part.body is not None else set()
            for view in part.reads:
                if view.buffer in born and view.buffer not in offsets and view.buffer not in own:
                    # No numbers at all are written by nobody, and still have an address.
                    if view.size:
                        raise NngraphError(f"a plan reads {view.shape} numbers that no call before has written")
                    offsets[view.buffer] = take(view.buffer.bytes)
            # A kernel goes on reading its own operands while the first rows are finished, and so does every epilogue.
            others = [each for each in parts if each is not part]
            busy = {view.buffer for other in others for view in other.reads}
            ending = {view.buffer for view in part.reads if dies.get(view.buffer) == at} - busy
            for view in part.writes:
                buffer = view.buffer
                if born.get(buffer) != at or buffer in offsets:
                    continue
                heir = _heir(part, view, {each for each in ending - inherited if each in offsets})
                if heir is None:
                    offsets[buffer] = take(buffer.bytes)
                    continue
                offsets[buffer] = offsets[heir]
                inherited.add(heir)
                spare = _rounded(heir.bytes) - _rounded(buffer.bytes)
                if spare:
                    give(offsets[heir] + _rounded(buffer.bytes), spare)
        pieces = []
        for position, word in enumerate(call.words):
            if isinstance(word, Scratch):
                chunks = -(-call.rows // call.chunk) if call.chunk else 1
                size = _rounded(word.bytes) * max(chunks, 1)
                scratch[at, position] = take(size)
                pieces.append((scratch[at, position], size))
        for start, size in pieces:
            give(start, size)
        ended = {view.buffer for part in parts for view in (*part.reads, *part.writes) if dies.get(view.buffer) == at}
        for buffer in sorted(ended - inherited, key=lambda each: offsets[each]):
            give(offsets[buffer], buffer.bytes)
    return offsets, scratch, end


def _rounded(size: int) -> int:
    return -(-max(size, 1) // ALIGNMENT) * ALIGNMENT


def _heir(call: Call, view: object, ending: set[Buffer]) -> Buffer | None:
    """A buffer that dies here and whose place the new one may take: read exactly where the new one is written."""
    if call.loops is None:
        return None
    written = next(at for at, each in enumerate(call.writes) if each is view)
    target, moves = call.writes[written], call.loops.writes[written].buffer.moves
    if call.code.overreaches(call.words) and target.bytes <= SMALL:
        # The masked store at the end of a row reaches into the next one, whose load would wait for it.
        return None
    for at, source in enumerate(call.reads):
        if (
            source.buffer in ending
            and call.code.may_share(at, written)
            and call.loops.reads[at].moves == moves
            and source.dtype == target.dtype
            and source.offset == 0 and target.offset == 0
            and source.dense and target.dense
            and source.size == target.size
            and source.buffer.bytes >= target.buffer.bytes
            and sum(each.buffer is source.buffer for each in call.reads) == 1
        ):  # fmt: skip
            return source.buffer
    return None
