"""The types of numbers and vectors as LLVM knows them, and constants of them."""

from __future__ import annotations

import numpy as np
from llvmlite import ir

BIT, BYTE, INT32, INT64 = ir.IntType(1), ir.IntType(8), ir.IntType(32), ir.IntType(64)
FLOAT32, FLOAT64 = ir.FloatType(), ir.DoubleType()
ELEMENTS = {
    "float32": FLOAT32, "float64": FLOAT64, "int8": BYTE, "uint8": BYTE, "int16": ir.IntType(16),
    "uint16": ir.IntType(16), "int32": INT32, "uint32": INT32, "int64": INT64, "uint64": INT64, "bool": BYTE,
}  # fmt: skip
"""dtype name -> how LLVM stores one number of it. Truth values are bytes in memory and bits in registers."""

SUFFIX = {FLOAT32: "f32", FLOAT64: "f64", BIT: "i1", BYTE: "i8", ir.IntType(16): "i16", INT32: "i32", INT64: "i64"}


def vector(element: ir.Type, lanes: int) -> ir.Type:
    """The type of `lanes` numbers; one lane is the plain number."""
    return element if lanes == 1 else ir.VectorType(element, lanes)


def element_of(kind: ir.Type) -> ir.Type:
    """The type of one number in a vector."""
    return kind.element if isinstance(kind, ir.VectorType) else kind


def lanes_of(kind: ir.Type) -> int:
    """How many numbers a type holds."""
    return kind.count if isinstance(kind, ir.VectorType) else 1


def literal(kind: ir.Type, number: float | int | bool) -> ir.Constant:
    """A number as a constant of the type, the same in every lane; rounded to the type as numpy rounds."""
    element = element_of(kind)
    if element in (FLOAT32, FLOAT64):
        # llvmlite writes a constant by its bits, so that infinities and the last digit survive.
        with np.errstate(over="ignore"):
            one = ir.Constant(element, float(np.float32(number) if element is FLOAT32 else number))
    else:
        one = ir.Constant(element, int(number))
    if isinstance(kind, ir.VectorType):
        return ir.Constant(kind, [one] * kind.count)
    return one
