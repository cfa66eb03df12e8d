"""Numbers and vectors of them between memory and registers (`Lanes`), and the same for numba kernels (`vectors`).

What vectors are made of stands in `number_types.py` and `lanes.py`; whoever computes with them finds all of it here.
"""

from __future__ import annotations

from functools import cache
from types import SimpleNamespace

from llvmlite import ir

from .lanes import Lanes, declared, fuses, scales, turned
from .machine import machine
from .number_types import (
    BIT,
    BYTE,
    ELEMENTS,
    FLOAT32,
    FLOAT64,
    INT32,
    INT64,
    SUFFIX,
    element_of,
    lanes_of,
    literal,
    vector,
)  # fmt: skip

__all__ = [
    "BIT", "BYTE", "ELEMENTS", "FLOAT32", "FLOAT64", "INT32", "INT64", "SUFFIX", "Lanes", "declared", "element_of",
    "first", "fuses", "lanes_of", "literal", "load", "load_some", "pointer", "scales", "store", "store_some", "turned",
    "vector", "vectors",
]  # fmt: skip


def pointer(builder: ir.IRBuilder, address: ir.Value, index: ir.Value | int, element: ir.Type) -> ir.Value:
    """A pointer to element number `index` behind an address."""
    index = INT64(index) if isinstance(index, int) else index
    return builder.gep(builder.inttoptr(address, element.as_pointer()), [index])


def load(builder: ir.IRBuilder, address: ir.Value, index: ir.Value | int, kind: ir.Type) -> Lanes:
    """Numbers that lie side by side in memory; the address need not be aligned to more than one number."""
    element = element_of(kind)
    place = builder.bitcast(pointer(builder, address, index, element), kind.as_pointer())
    return Lanes(builder, builder.load(place, align=_size(element)))


def store(builder: ir.IRBuilder, address: ir.Value, index: ir.Value | int, numbers: Lanes) -> None:
    """Put numbers side by side into memory."""
    place = builder.bitcast(pointer(builder, address, index, numbers.element), numbers.kind.as_pointer())
    builder.store(numbers.value, place, align=_size(numbers.element))


def first(builder: ir.IRBuilder, count: ir.Value, lanes: int) -> Lanes:
    """Bits: the first `count` lanes are set."""
    steps = Lanes(builder, ir.Constant(ir.VectorType(INT32, lanes), list(range(lanes))))
    limit = Lanes(builder, builder.trunc(count, INT32) if count.type == INT64 else count)
    return steps < limit.repeat(lanes)


def load_some(builder: ir.IRBuilder, address: ir.Value, index: ir.Value | int, kind: ir.Type, mask: Lanes) -> Lanes:
    """Like load, where bits are set; 0 in other lanes, whose memory is not touched."""
    return _masked(builder, "load", address, index, kind, mask, None)  # type: ignore[return-value]


def store_some(builder: ir.IRBuilder, address: ir.Value, index: ir.Value | int, numbers: Lanes, mask: Lanes) -> None:
    """Like store, where bits are set."""
    _masked(builder, "store", address, index, numbers.kind, mask, numbers)


def _masked(
    builder: ir.IRBuilder, what: str, address: ir.Value, index: ir.Value | int, kind: ir.Type, mask: Lanes,
    numbers: Lanes | None,
) -> Lanes | None:  # fmt: skip
    element, lanes = element_of(kind), lanes_of(kind)
    place = builder.bitcast(pointer(builder, address, index, element), kind.as_pointer())
    name = f"llvm.masked.{what}.v{lanes}{SUFFIX[element]}.p0"
    align = INT32(_size(element))
    if numbers is None:
        function = declared(builder.module, name, kind, [kind.as_pointer(), INT32, mask.kind, kind])
        return Lanes(builder, builder.call(function, [place, align, mask.value, literal(kind, 0)]))
    function = declared(builder.module, name, ir.VoidType(), [kind, kind.as_pointer(), INT32, mask.kind])
    builder.call(function, [numbers.value, place, align, mask.value])
    return None


def _size(element: ir.Type) -> int:
    if element in (FLOAT32, FLOAT64):
        return 4 if element is FLOAT32 else 8
    return max(element.width // 8, 1)  # type: ignore[attr-defined]


@cache
def vectors(dtype: str) -> SimpleNamespace:
    """The vector type of float32 or float64 on this machine, as functions that numba kernels call.

    `lanes`, `size` (bytes of one number), `registers`; `load(address, index)`, `store(address, index, x)`,
    `load_some(address, index, count)`, `store_some(address, index, x, count)` for the first `count` lanes;
    `get(address, index)`, `put(address, index, number)` one number; `repeat(number)`, `zero()`; x + y, x − y, x * y, x
    / y, −x, `fma(x, y, z)`, `maximum`, `minimum`, `sqrt`, `exp`, `expm1`, `log`, `log1p`, `tanh`, `sigmoid`, `erf`;
    `sum(x)`, `largest(x)`; `word(block, k)` and `number(block, k)` read the argument block; `set_word(block, k,
    value)`; `get32(address, index)` one int32 as an int64. Indices count numbers, not bytes. `inline(result,
    *operands)(f)` makes a function of one's own from f(*Lanes) -> Lanes or None. `V`, `T`, `I`: the types of a vector,
    a number and an index, for `inline`.
    """
    from . import for_numba

    return for_numba.vectors(dtype, machine())
