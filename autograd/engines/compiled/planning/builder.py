"""What kernels' own pages ask of a plan: memory, copies, calls, and nests of loops over views."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from ....errors import NngraphError
from ....kernels.loops import FAR, NEXT, STILL, Apply, Fold, Loops, Number, Write
from ....kernels.loops import Buffer as LoopBuffer
from ....kernels.processors import threads
from ....kernels.vector import ELEMENTS
from ....language import N_
from ....node import Node
from ....reason import Reason
from ..calls import Body, Buffer, Call, Scratch, View, row_major
from ..target import PROCESSOR, Target
from ..words import Steps

CHUNK_NUMBERS = 1 << 15
"""A fused loop is split among threads in pieces of at least this many numbers."""
MOST_CHUNKS = 16


class Builder:
    """Calls being written down, over buffers that have no addresses yet."""

    def __init__(self, target: Target = PROCESSOR) -> None:
        self.target = target
        """What the calls are made for."""
        self.calls: list[Call] = []
        self.about: tuple[tuple[Node, ...], str] = ((), "")
        """Which nodes the next calls compute, and why so."""
        self.constants: dict[Any, View] = {}
        self.threads = threads()
        """How many threads it may be run by."""
        self.mark = object()
        """What the buffers made here have as their owner: not the plan itself, so that no references go in a circle."""

    def new(self, shape: Sequence[int], dtype: Any) -> View:
        """A dense view of memory that lives from the first call that writes it to the last that reads it."""
        shape, dtype = tuple(map(int, shape)), np.dtype(dtype)
        return View(Buffer(max(prod(shape) * dtype.itemsize, 1), owner=self.mark), dtype, shape, row_major(shape))

    def dense(self, view: View) -> View:
        """The same numbers side by side; copied when they are not."""
        if view.dense:
            return view
        target = self.new(view.shape, view.dtype)
        self.copy(view, target)
        return target

    def copy(self, source: View, target: View) -> None:
        """Copy numbers between views of one shape, with any strides."""
        if source.dtype == target.dtype:
            source, target = _movable(source), _movable(target)
        if source.size:
            loops = [at for at, size in enumerate(source.shape) if size > 1]
            reads = [(source, tuple(source.strides[at] for at in loops))]
            writes = [(0, target, tuple(target.strides[at] for at in loops), False)]
            sizes = tuple(source.shape[at] for at in loops)
            steps = Steps()
            steps.read(source.dtype.name)
            why = self.about[1]
            self.nest(sizes, reads, steps, writes, Reason(N_("copied: {why}"), why=why) if why else N_("copied"))

    def fixed(self, array: np.ndarray) -> View:
        """Numbers that never change, as a view."""
        array = np.ascontiguousarray(array)
        key = (array.dtype.str, array.shape, array.tobytes())
        if key not in self.constants:
            self.constants[key] = View(
                Buffer(max(array.nbytes, 1), "constant", array), array.dtype, array.shape, row_major(array.shape)
            )
        return self.constants[key]

    def fill(self, target: View, number: float) -> None:
        """Put one number everywhere."""
        bits = _movable(target)
        if bits is not target:
            number, target = int(np.array(number, target.dtype).view(bits.dtype)), bits
        loops = [at for at, size in enumerate(target.shape) if size > 1]
        steps = Steps()
        value = steps.add(Apply("cast", (Number(number),), target.dtype.name))
        self.nest(
            tuple(target.shape[at] for at in loops), [], steps,
            [(value, target, tuple(target.strides[at] for at in loops), False)],
            Reason(N_("filled with {number}"), number=number),
        )  # fmt: skip

    def call(
        self, code: Any, words: Sequence[Any], reads: Sequence[View], writes: Sequence[View], *, rows: int = 1,
        grain: int | None = None, flops: int = 0, why: str = "", loops: Loops | None = None, finish: int = 0,
    ) -> Call:  # fmt: skip
        """Add one instruction. `finish`: see Call."""
        nodes, said = self.about
        made = Call(code, list(words), list(reads), list(writes), rows, grain, flops, nodes, why or said, loops)
        made.finish = finish if writes and writes[0].dense else 0
        chunks = 1 if grain is None else max(1, min(MOST_CHUNKS, rows // max(grain, 1)))
        made.chunk = max(1, -(-rows // chunks))
        self.calls.append(made)
        return made

    def loop(self, inner: Builder, length: int, moving: list[Buffer]) -> None:
        """Add a call that repeats all calls of another builder."""
        from ....kernels.interpreter import repeat
        from .memory import arranged

        self.target.attach(inner.calls)
        offsets, scratch, size = arranged(inner.calls, inner.mark)
        reads: dict[int, View] = {}
        writes: dict[int, View] = {}
        for call in [part for each in inner.calls for part in each.parts]:
            for views, found in ((call.reads, reads), (call.writes, writes)):
                for view in views:
                    if view.buffer.owner is not inner.mark:
                        outer = view.buffer.owner[0] if view.buffer in moving else view
                        found[id(outer.buffer)] = outer
        flops = length * sum(call.flops for call in inner.calls)
        made = self.call(
            repeat("float64"), [Scratch(size)], list(reads.values()), list(writes.values()), flops=flops,
            why=Reason(N_("{count} instructions, {times} times"), count=len(inner.calls), times=length),
        )  # fmt: skip
        made.body = Body(inner.calls, length, moving, offsets, scratch)

    def nest(
        self, sizes: tuple[int, ...], reads: list[tuple[View, tuple[int, ...]]], steps: Steps,
        writes: list[tuple[int, View, tuple[int, ...], bool]], why: str, may_split: bool = True,
    ) -> None:  # fmt: skip
        """One fused nest as a call, its loops merged where all buffers move on evenly."""
        from ....kernels.loop_code import Place

        for view, strides in [*reads, *((view, strides) for _, view, strides, _ in writes)]:
            View(view.buffer, view.dtype, sizes, strides, view.offset).check()
        kept = _merged(sizes, [strides for _, strides in reads] + [strides for _, _, strides, _ in writes], steps.steps)
        sizes, depth = tuple(prod(sizes[at] for at in run) for run in kept), len(kept)
        position = {at: new for new, run in enumerate(kept) for at in run}
        last = [run[-1] for run in kept]

        def seen(view: View, strides: tuple[int, ...]) -> tuple[LoopBuffer, list[int]]:
            moves, far = [], []
            for at in last:
                stride = strides[at]
                moves.append(STILL if stride == 0 else NEXT if stride == 1 else FAR)
                if moves[-1] == FAR:
                    far.append(stride)
            return LoopBuffer(view.dtype.name, tuple(moves)), far

        read_buffers = [(view, *seen(view, strides)) for view, strides in reads]
        write_buffers = [(value, view, *seen(view, strides), closed) for value, view, strides, closed in writes]
        final = tuple(
            Fold(step.word, step.operand, tuple(sorted({position[at] for at in step.over})), step.dtype)
            if isinstance(step, Fold) else step
            for step in steps.steps
        )  # fmt: skip
        nest = _repeating(Loops(
            depth, tuple(buffer for _, buffer, _ in read_buffers), final,
            tuple(Write(value, buffer) for value, _, buffer, _, _ in write_buffers),
        ))  # fmt: skip
        flops = _flops(nest, sizes)
        places = [(view, far) for view, _, far in read_buffers] + [(view, far) for _, view, _, far, _ in write_buffers]
        code = self.target.nest(nest, sizes, places)
        nest = code.loops
        late = self._apart(code, read_buffers, write_buffers)
        rows = sizes[0] if depth else 1
        chunk = self.target.chunk(code, sizes) if may_split else rows
        chunks = -(-rows // chunk) if rows else 1
        partial: dict[int, View] = {}
        for at in code.partial if chunks > 1 else ():
            view = write_buffers[at][1]
            if not view.dense:
                raise NngraphError("what is folded over the outermost loop would be written to numbers that lie apart")
            partial[at] = self.new((chunks, *view.shape), view.dtype)
        targets = [partial.get(at, view) for at, (_, view, _, _, _) in enumerate(write_buffers)]
        working = code.scratch_bytes((min(chunk, sizes[0]), *sizes[1:]) if depth else ())
        words = code.block(
            sizes,
            [Place(view, far) for view, _, far in read_buffers],
            [Place(target, far, prod(view.shape)) for target, (_, view, _, far, _) in zip(targets, write_buffers)],
            max(chunk, 1), Scratch(working),
        )  # fmt: skip
        made = self.call(
            code, words, [view for view, _, _ in read_buffers], targets, rows=rows,
            grain=chunk if chunks > 1 else None, flops=flops, why=why, loops=nest,
        )  # fmt: skip
        made.chunk, made.working = chunk, working
        if depth:
            first = [strides[last[0]] for _, strides in reads] + [strides[last[0]] for _, _, strides, _ in writes]
            made.paces = tuple(first)
        for at, parts in partial.items():
            value, view, *_ = write_buffers[at]
            self._combine(parts, view, final[value - len(reads)])
        for temporary, view in late:
            self.copy(temporary, view)

    def _apart(self, code: Any, reads: list[Any], writes: list[Any]) -> list[tuple[View, View]]:
        """Values that would be written over numbers that are read again are written elsewhere first."""
        late = []
        for at, (value, view, buffer, far, closed) in enumerate(writes):
            clash = any(
                source.buffer is view.buffer and source.offset == view.offset and not code.may_share(position, at)
                for position, (source, _, _) in enumerate(reads)
            )
            if clash:
                if not view.dense:
                    raise NngraphError("what is updated in place would be written to numbers that lie apart")
                temporary = self.new(view.shape, view.dtype)
                writes[at] = (value, temporary, buffer, far, closed)
                late.append((temporary, view))
        return late

    def _combine(self, partial: View, target: View, fold: Any) -> None:
        """The partial results of all chunks folded into one, always in the same order."""
        shape = [size for size in target.shape if size > 1]
        own = [stride for size, stride in zip(target.shape, target.strides) if size > 1]
        inner = row_major(shape)
        steps = Steps()
        value = steps.add(Fold(fold.word, steps.read(partial.dtype.name), (0,), fold.dtype))
        self.nest(
            (partial.shape[0], *shape), [(partial, (prod(shape), *inner))], steps,
            [(value, target, (0, *own), True)], "partial results of all chunks put together", may_split=False,
        )  # fmt: skip


def _movable(view: View) -> View:
    """A view whose numbers loops can move: numbers of a dtype that they do not know, such as float16, as whole
    numbers."""
    if view.dtype.name in ELEMENTS:
        return view
    return View(view.buffer, np.dtype(f"uint{8 * view.dtype.itemsize}"), view.shape, view.strides, view.offset)


def _repeating(nest: Loops) -> Loops:
    """The same nest, where what is written to more places than it varies over is a value that repeats along them, and
    so is what is folded along loops that it does not vary over.

    What a fold puts out does not go through later steps where it is known only at the end; there its operand repeats.
    """
    reads, levels = len(nest.reads), nest.levels()
    moved = [{loop for loop, move in enumerate(write.buffer.moves) if move != STILL} for write in nest.writes]
    over: dict[int, set[int]] = {}
    for write, loops in zip(nest.writes, moved):
        over.setdefault(write.value, set()).update(loops - set(levels[write.value]))
    new = list(range(reads))
    """For each value its number in the new nest."""
    steps: list[Apply | Fold] = []

    def repeated(value: int, dtype: str, loops: set[int]) -> int:
        steps.append(Apply("cast", (value,), dtype, tuple(sorted(loops))))
        return reads + len(steps) - 1

    for at, step in enumerate(nest.steps, reads):
        if isinstance(step, Fold):
            operand, more = new[step.operand], over.get(at, set()) - set(step.over)
            if more or set(step.over) - set(levels[step.operand]):
                operand = repeated(operand, nest.dtype(step.operand), more.union(levels[step.operand], step.over))
                levels[at] = tuple(sorted(more.union(levels[at])))
            steps.append(Fold(step.word, operand, step.over, step.dtype))
        else:
            operands = tuple(each if isinstance(each, Number) else new[each] for each in step.operands)
            steps.append(Apply(step.word, operands, step.dtype, step.over))
        new.append(reads + len(steps) - 1)
    writes = []
    for write, loops in zip(nest.writes, moved):
        value = new[write.value]
        if loops - set(levels[write.value]):
            value = repeated(value, nest.dtype(write.value), loops)
        writes.append(Write(value, write.buffer))
    return Loops(nest.depth, nest.reads, tuple(steps), tuple(writes))


def _flops(nest: Loops, sizes: Sequence[int]) -> int:
    """Words applied to numbers: each step once for every number that it gives, a fold for every number that it takes. A
    cast is none."""
    levels, total = nest.levels(), 0
    for value, step in enumerate(nest.steps, len(nest.reads)):
        if isinstance(step, Fold):
            total += prod(sizes[loop] for loop in {*levels[step.operand], *step.over})
        elif step.word != "cast":
            total += prod(sizes[loop] for loop in levels[value])
    return total


def _merged(sizes: tuple[int, ...], strides: list[tuple[int, ...]], steps: Sequence[Any]) -> list[list[int]]:
    """Runs of neighboring loops that are one loop for every buffer and every fold."""
    runs: list[list[int]] = []
    for at in range(len(sizes)):
        if runs:
            above = runs[-1][-1]
            even = all(each[above] == each[at] * sizes[at] for each in strides)
            alike = all((above in step.over) == (at in step.over) for step in steps if isinstance(step, Fold))
            if even and alike:
                runs[-1].append(at)
                continue
        runs.append([at])
    return runs
