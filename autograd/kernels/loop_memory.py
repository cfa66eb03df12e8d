"""Memory as a nest of loops sees it: the argument block, where each buffer's numbers lie in this turn, reading and writing."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from llvmlite import ir

from . import vector as vec
from .loop_code import Block
from .loop_passes import Nest
from .loops import FAR, STILL, Buffer
from .vector import BIT, BYTE, ELEMENTS, INT32, INT64, Lanes, declared, literal, vector

Key = tuple[str, int]
"""("read", number), ("write", number), ("kept", value) or ("row", number)."""

_PADDED = ("kept", "row")
"""Rows in the scratch are padded: whole vectors may be put there."""


class Memory:
    """Reads and writes the buffers of a nest. `indices` are the current turns of the loops around."""

    def __init__(self, builder: ir.IRBuilder, nest: Nest, block: ir.Value, start: ir.Value) -> None:
        self.builder, self.nest, self.depth = builder, nest, nest.loops.depth
        self.indices: list[ir.Value] = []
        self.bases: dict[Key, ir.Value] = {}
        self.strides: dict[Key, dict[int, ir.Value | None]] = {}
        """For every loop a buffer moves with: how many numbers far, None for the next one."""
        loops, layout = nest.loops, Block(nest)
        words: Iterator[int] = iter(range(layout.words))

        def word() -> ir.Value:
            return vec.load(builder, block, next(words), INT64).value

        self.extents = [word() for _ in range(self.depth)]
        for at in range(len(loops.reads)):
            self.bases["read", at] = word()
        for at, read in enumerate(loops.reads):
            self.strides["read", at] = _strides(read, word)
        for at, write in enumerate(loops.writes):
            self.bases["write", at] = word()
            self.strides["write", at] = _strides(write.buffer, word)
        chunk = word()
        partial = {at: word() for at in layout.partial}
        scratch = word()
        if partial or layout.kept:
            number = builder.udiv(start, chunk)
            for at, stride in partial.items():
                self._move("write", at, builder.mul(number, stride), loops.writes[at].buffer.dtype)
            self._lay_out(layout, scratch, number)

    def _move(self, what: str, at: int, numbers: ir.Value, dtype: str) -> None:
        step = self.builder.mul(numbers, INT64(size_of(dtype)))
        self.bases[what, at] = self.builder.add(self.bases[what, at], step)

    def _lay_out(self, layout: Block, scratch: ir.Value, number: ir.Value) -> None:
        """Rows in the scratch: one after the other, each from a multiple of 64 bytes on."""
        build = self.builder

        def padded(count: ir.Value) -> ir.Value:
            return build.and_(build.add(count, INT64(63)), INT64(-64))

        offsets: dict[Key, ir.Value] = {}
        total: ir.Value = INT64(0)
        for key, dtype, loops in layout.kept:
            count: ir.Value = INT64(1)
            steps: dict[int, ir.Value | None] = {}
            for loop in reversed(loops):
                innermost = loop == self.depth - 1
                steps[loop] = None if innermost else count
                count = build.mul(count, padded(self.extents[loop]) if innermost else self.extents[loop])
            self.strides[key], offsets[key] = steps, total
            total = build.add(total, padded(build.mul(count, INT64(size_of(dtype)))))
        mine = build.add(scratch, build.mul(number, total))
        self.bases.update({key: build.add(mine, offset) for key, offset in offsets.items()})

    def _address(self, key: Key, dtype: str, inner: bool) -> ir.Value:
        """Where the first number of this turn lies; along the innermost loop when `inner`."""
        address = self.bases[key]
        for loop, index in enumerate(self.indices):
            if loop in self.strides[key] and not (inner and loop == self.depth - 1):
                stride = self.strides[key][loop]
                numbers = index if stride is None else self.builder.mul(index, stride)
                address = self.builder.add(address, self.builder.mul(numbers, INT64(size_of(dtype))))
        return address

    def load(self, key: Key, dtype: str, lanes: int = 1, index: ir.Value | None = None, mask: Lanes | None = None) -> Lanes:
        """A number; or, with the index of the innermost loop, a vector of them."""
        build, kind = self.builder, vector(ELEMENTS[dtype], lanes)
        address = self._address(key, dtype, index is not None)
        if index is None:
            numbers = vec.load(build, address, 0, kind)
        elif (stride := self.strides[key][self.depth - 1]) is not None:
            numbers = self._gather(self._spread(address, stride, index, lanes, dtype), kind, mask)
        elif mask is None or key[0] in _PADDED:
            numbers = vec.load(build, address, index, kind)
        else:
            numbers = vec.load_some(build, address, index, kind, mask)
        return numbers.cast(BIT) if dtype == "bool" else numbers

    def store(
        self, key: Key, dtype: str, numbers: Lanes, index: ir.Value | None = None, mask: Lanes | None = None
    ) -> None:
        """Put a number; or, with the index of the innermost loop, a vector of them."""
        build = self.builder
        if dtype == "bool":
            numbers = numbers.cast(BYTE)
        address = self._address(key, dtype, index is not None)
        if index is None:
            vec.store(build, address, 0, numbers)
        elif (stride := self.strides[key][self.depth - 1]) is not None:
            self._scatter(self._spread(address, stride, index, numbers.lanes, dtype), numbers, mask)
        elif mask is None or key[0] in _PADDED:
            vec.store(build, address, index, numbers)
        else:
            vec.store_some(build, address, index, numbers, mask)

    # Numbers that lie apart ------------------------------------------------------------------------------------------------
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
        align = INT32(vec._size(kind.element))
        return Lanes(build, build.call(function, [pointers, align, bits, literal(kind, 0)]))

    def _scatter(self, addresses: Lanes, numbers: Lanes, mask: Lanes | None) -> None:
        build, lanes = self.builder, addresses.lanes
        pointers = build.inttoptr(addresses.value, ir.VectorType(numbers.element.as_pointer(), lanes))
        bits = literal(vector(BIT, lanes), True) if mask is None else mask.value
        name = f"llvm.masked.scatter.v{lanes}{vec.SUFFIX[numbers.element]}.v{lanes}p0"
        function = declared(build.module, name, ir.VoidType(), [numbers.kind, pointers.type, INT32, bits.type])
        build.call(function, [numbers.value, pointers, INT32(vec._size(numbers.element)), bits])


def size_of(dtype: str) -> int:
    """Bytes of one number."""
    return vec._size(ELEMENTS[dtype])


def _strides(buffer: Buffer, word: Callable[[], ir.Value]) -> dict[int, ir.Value | None]:
    moving = [(loop, move) for loop, move in enumerate(buffer.moves) if move != STILL]
    return {loop: word() if move == FAR else None for loop, move in moving}
