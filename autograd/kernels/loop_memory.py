"""Memory as a nest of loops sees it: the argument block, where each buffer's numbers lie in this turn, reading and
writing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
from llvmlite import ir

from . import vector as vec
from .loop_code import Block
from .loops import FAR, STILL, Buffer
from .vector import BIT, BYTE, ELEMENTS, INT32, INT64, Lanes, declared, literal, vector

Key = tuple[str, int]
"""("read", number), ("write", number), ("kept", value), ("row", number), ("read turned", number), ("write turned",
number)."""

_PADDED = ("kept", "row", "read turned", "write turned")
"""Rows in the scratch are padded: whole vectors may be put there."""


class Memory:
    """Reads and writes the buffers of a nest. `places`: where each buffer's numbers lie in the current turns of the
    plain loops around. The turn of the loop that is done in lanes is given to `load` and `store`: several may be under
    way."""

    def __init__(self, builder: ir.IRBuilder, layout: Block, block: ir.Value, start: ir.Value) -> None:
        self.builder, self.layout = builder, layout
        self.places: dict[Key, ir.Value] = {}
        self.streaming = False
        """Whether whole vectors are written past the caches."""
        self.strides: dict[Key, dict[int, ir.Value | None]] = {}
        """For every loop a buffer moves with: how many numbers far, None for the next one."""
        loops = layout.nest.loops
        words: Iterator[int] = iter(range(layout.words))

        def word() -> ir.Value:
            return vec.load(builder, block, next(words), INT64).value

        self.extents = [word() for _ in range(loops.depth)]
        for at in range(len(loops.reads)):
            self.places["read", at] = word()
        for at, read in enumerate(loops.reads):
            self.strides["read", at] = _strides(read, word)
        for at, write in enumerate(loops.writes):
            self.places["write", at] = word()
            self.strides["write", at] = _strides(write.buffer, word)
        chunk = word()
        partial = {at: word() for at in layout.partial}
        scratch = word()
        if partial or layout.kept:
            number = builder.udiv(start, chunk)
            for at, stride in partial.items():
                step = builder.mul(builder.mul(number, stride), INT64(size_of(loops.writes[at].buffer.dtype)))
                self.places["write", at] = builder.add(self.places["write", at], step)
            self._lay_out(scratch, number)

    def _lay_out(self, scratch: ir.Value, number: ir.Value) -> None:
        """Rows in the scratch: one after the other, each from a multiple of 64 bytes on. See Block.scratch_bytes."""
        build, layout = self.builder, self.layout

        def padded(count: ir.Value) -> ir.Value:
            return build.and_(build.add(count, INT64(63)), INT64(-64))

        offsets: dict[Key, ir.Value] = {}
        total: ir.Value = INT64(0)
        for key, dtype, loops, wide, squares in layout.kept:
            count: ir.Value = INT64(1)
            steps: dict[int, ir.Value | None] = {}
            if layout.abreast in loops:
                steps[layout.abreast], count = None, padded(self.extents[layout.abreast])
            elif wide:
                count = INT64(layout.lanes)
            for loop in reversed(loops):
                if loop != layout.abreast:
                    steps[loop] = count
                    turns = self.extents[loop]
                    if squares:
                        turns = build.and_(build.add(turns, INT64(layout.lanes - 1)), INT64(-layout.lanes))
                    count = build.mul(count, turns)
            self.strides[key], offsets[key] = steps, total
            total = build.add(total, padded(build.mul(count, INT64(size_of(dtype)))))
        mine = build.add(scratch, build.mul(number, total))
        self.places.update({key: build.add(mine, offset) for key, offset in offsets.items()})

    @contextmanager
    def turn(self, loop: int, index: ir.Value) -> Iterator[None]:
        """Inside a turn of a plain loop. Places are found here, outside the loops that it holds."""
        outside, build = self.places, self.builder
        self.places = dict(outside)
        for key, strides in self.strides.items():
            if loop in strides:
                stride = strides[loop]
                numbers = index if stride is None else build.mul(index, stride)
                step = build.mul(numbers, INT64(size_of(self.dtype(key))))
                self.places[key] = build.add(outside[key], step)
        yield
        self.places = outside

    def dtype(self, key: Key) -> str:
        """The dtype of the numbers in a buffer."""
        what, at = key
        loops = self.layout.nest.loops
        if what in _PADDED:
            return next(each.dtype for each in self.layout.kept if each.key == key)
        return loops.reads[at].dtype if what == "read" else loops.writes[at].buffer.dtype

    def _met(self, key: Key) -> Key:
        """Where numbers are met: in the scratch if their rows have become columns there."""
        turned = (f"{key[0]} turned", key[1])
        return turned if turned in self.places else key

    def load(self, key: Key, dtype: str, lanes: int, index: ir.Value | None, mask: Lanes | None) -> Lanes:
        """A number, or a vector of them that begins at turn `index` of the loop in lanes."""
        key = self._met(key)
        build, kind = self.builder, vector(ELEMENTS[dtype], lanes)
        address, strides = self.places[key], self.strides[key]
        if lanes == 1 or index is None or self.layout.abreast not in strides:
            numbers = vec.load(build, address, 0, kind)
        elif (stride := strides[self.layout.abreast]) is not None:
            numbers = self._gather(self._spread(address, stride, index, lanes, dtype), kind, mask)
        elif mask is None or key[0] in _PADDED:
            numbers = vec.load(build, address, index, kind)
        else:
            numbers = vec.load_some(build, address, index, kind, mask)
        return numbers.cast(BIT) if dtype == "bool" else numbers

    def store(self, key: Key, dtype: str, numbers: Lanes, index: ir.Value | None, mask: Lanes | None) -> None:
        """Put a number, or a vector of them."""
        key, build = self._met(key), self.builder
        if dtype == "bool":
            numbers = numbers.cast(BYTE)
        address, strides = self.places[key], self.strides[key]
        if index is None or self.layout.abreast not in strides:
            vec.store(build, address, 0, numbers if key[0] in _PADDED else numbers.lane(0))
        elif (stride := strides[self.layout.abreast]) is not None:
            self._scatter(self._spread(address, stride, index, numbers.lanes, dtype), numbers, mask)
        elif mask is None or key[0] in _PADDED:
            vec.store(build, address, index, numbers)
            if self.streaming and key[0] == "write":
                self._stream(build.block.instructions[-1], numbers.lanes * size_of(dtype))
        else:
            vec.store_some(build, address, index, numbers, mask)

    def aligned(self, key: Key, index: ir.Value) -> ir.Value:
        """Whether a buffer that moves by one with the loop in lanes is aligned to vectors from that turn on."""
        build, size = self.builder, size_of(self.dtype(key))
        address = build.add(self.places[key], build.mul(index, INT64(size)))
        rest = build.and_(address, INT64(size * self.layout.lanes - 1))
        return build.icmp_signed("==", rest, INT64(0))

    def _stream(self, store: ir.Instruction, size: int) -> None:
        store.align = size
        store.set_metadata("nontemporal", self.builder.module.add_metadata([INT32(1)]))

    # Numbers that lie apart
    # ------------------------------------------------------------------------------------------------
    def _spread(self, address: ir.Value, stride: ir.Value, index: ir.Value, lanes: int, dtype: str) -> Lanes:
        """The addresses of numbers that lie a stride apart."""
        build = self.builder
        step = Lanes(build, build.mul(stride, INT64(size_of(dtype))))
        first = Lanes(build, address) + Lanes(build, index) * step
        turns = Lanes(build, ir.Constant(ir.VectorType(INT64, lanes), list(range(lanes))))
        return first.repeat(lanes) + step.repeat(lanes) * turns

    def _gather(self, addresses: Lanes, kind: ir.Type, mask: Lanes | None) -> Lanes:
        build, lanes = self.builder, addresses.lanes
        pointers = build.inttoptr(addresses.value, ir.VectorType(kind.element.as_pointer(), lanes))
        bits = literal(vector(BIT, lanes), True) if mask is None else mask.value
        name = f"llvm.masked.gather.v{lanes}{vec.SUFFIX[kind.element]}.v{lanes}p0"
        function = declared(build.module, name, kind, [pointers.type, INT32, bits.type, kind])
        align = INT32(ir_size(kind.element))
        return Lanes(build, build.call(function, [pointers, align, bits, literal(kind, 0)]))

    def _scatter(self, addresses: Lanes, numbers: Lanes, mask: Lanes | None) -> None:
        build, lanes = self.builder, addresses.lanes
        pointers = build.inttoptr(addresses.value, ir.VectorType(numbers.element.as_pointer(), lanes))
        bits = literal(vector(BIT, lanes), True) if mask is None else mask.value
        name = f"llvm.masked.scatter.v{lanes}{vec.SUFFIX[numbers.element]}.v{lanes}p0"
        function = declared(build.module, name, ir.VoidType(), [numbers.kind, pointers.type, INT32, bits.type])
        build.call(function, [numbers.value, pointers, INT32(ir_size(numbers.element)), bits])


def size_of(dtype: str) -> int:
    """Bytes of one number."""
    return np.dtype(dtype).itemsize


def ir_size(element: ir.Type) -> int:
    """Bytes of one number of an LLVM type."""
    return size_of(next(name for name, kind in ELEMENTS.items() if kind == element))


def _strides(buffer: Buffer, word: Callable[[], ir.Value]) -> dict[int, ir.Value | None]:
    moving = [(loop, move) for loop, move in enumerate(buffer.moves) if move != STILL]
    return {loop: word() if move == FAR else None for loop, move in moving}
