"""The vector type as numba sees it: a type of its own, and instructions as functions."""

from __future__ import annotations

import operator
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import typing
from numba.extending import intrinsic, lower_builtin, models, register_model, type_callable

from . import functions
from . import vector as vec
from .machine import Machine
from .vector import INT64, Lanes


class Vector(types.Type):
    """A vector of numbers in a register; `element` is numba's type of one."""

    def __init__(self, element: types.Type, lanes: int) -> None:
        self.element, self.lanes = element, lanes
        super().__init__(name=f"vector({element}, {lanes})")


@register_model(Vector)
class _VectorModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Vector) -> None:
        element = vec.FLOAT32 if kind.element == types.float32 else vec.FLOAT64
        super().__init__(manager, kind, vec.vector(element, kind.lanes))


def _operators() -> None:
    for sign in (operator.add, operator.sub, operator.mul, operator.truediv):

        @type_callable(sign)
        def typed(context: Any) -> Callable[[Any, Any], Any]:
            def kind(left: Any, right: Any) -> Any:
                return left if isinstance(left, Vector) and left == right else None

            return kind

        @lower_builtin(sign, Vector, Vector)
        def built(context: Any, builder: Any, signature: Any, operands: Any, sign: Any = sign) -> Any:
            left, right = (Lanes(builder, each) for each in operands)
            return sign(left, right).value

    @type_callable(operator.neg)
    def typed_neg(context: Any) -> Callable[[Any], Any]:
        return lambda one: one if isinstance(one, Vector) else None

    @lower_builtin(operator.neg, Vector)
    def built_neg(context: Any, builder: Any, signature: Any, operands: Any) -> Any:
        return (-Lanes(builder, operands[0])).value


_operators()


def inline(result: Any, *operands: Any) -> Callable[[Callable[..., Any]], Any]:
    """A function for numba kernels from a Python function over `Lanes`, which writes the instructions in place.

    The function's first parameter is the builder when it is called `builder`; the others are the operands.
    """

    def made(function: Callable[..., Any]) -> Any:
        signature = typing.signature(result, *operands)
        wants_builder = function.__code__.co_varnames[:1] == ("builder",)

        def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            lanes = [Lanes(builder, value) for value in values]
            out = function(builder, *lanes) if wants_builder else function(*lanes)
            return context.get_dummy_value() if out is None else out.value

        # numba reads the parameter list of the typing function, so there is one for each number of operands.
        count = len(operands)
        typed = _TYPED[count](lambda: (signature, generate))
        typed.__name__ = function.__name__
        return intrinsic(typed)

    return made


_TYPED: list[Callable[..., Any]] = [
    lambda made: lambda context: made(),
    lambda made: lambda context, a: made(),
    lambda made: lambda context, a, b: made(),
    lambda made: lambda context, a, b, c: made(),
    lambda made: lambda context, a, b, c, d: made(),
    lambda made: lambda context, a, b, c, d, e: made(),
    lambda made: lambda context, a, b, c, d, e, f: made(),
    lambda made: lambda context, a, b, c, d, e, f, g: made(),
    lambda made: lambda context, a, b, c, d, e, f, g, h: made(),
    lambda made: lambda context, a, b, c, d, e, f, g, h, i: made(),
    lambda made: lambda context, a, b, c, d, e, f, g, h, i, j: made(),
    lambda made: lambda context, a, b, c, d, e, f, g, h, i, j, k: made(),
]


def vectors(dtype: str, machine: Machine) -> SimpleNamespace:
    """See vector.vectors."""
    number = types.float32 if dtype == "float32" else types.float64
    element, lanes = vec.ELEMENTS[dtype], machine.lanes(dtype)
    V, T, I, none = Vector(number, lanes), number, types.int64, types.void
    kind = vec.vector(element, lanes)

    @inline(V, I, I)
    def load(builder: Any, address: Lanes, index: Lanes) -> Lanes:
        return vec.load(builder, address.value, index.value, kind)

    @inline(none, I, I, V)
    def store(builder: Any, address: Lanes, index: Lanes, x: Lanes) -> None:
        vec.store(builder, address.value, index.value, x)

    @inline(V, I, I, I)
    def load_some(builder: Any, address: Lanes, index: Lanes, count: Lanes) -> Lanes:
        return vec.load_some(builder, address.value, index.value, kind, vec.first(builder, count.value, lanes))

    @inline(none, I, I, V, I)
    def store_some(builder: Any, address: Lanes, index: Lanes, x: Lanes, count: Lanes) -> None:
        vec.store_some(builder, address.value, index.value, x, vec.first(builder, count.value, lanes))

    @inline(T, I, I)
    def get(builder: Any, address: Lanes, index: Lanes) -> Lanes:
        return vec.load(builder, address.value, index.value, element)

    @inline(none, I, I, T)
    def put(builder: Any, address: Lanes, index: Lanes, one: Lanes) -> None:
        vec.store(builder, address.value, index.value, one)

    @inline(V, T)
    def repeat(one: Lanes) -> Lanes:
        return one.repeat(lanes)

    @inline(V)
    def zero(builder: Any) -> Lanes:
        return Lanes(builder, vec.literal(kind, 0))

    @inline(I, I, I)
    def word(builder: Any, block: Lanes, index: Lanes) -> Lanes:
        return vec.load(builder, block.value, index.value, INT64)

    @inline(none, I, I, I)
    def set_word(builder: Any, block: Lanes, index: Lanes, value: Lanes) -> None:
        vec.store(builder, block.value, index.value, value)

    @inline(T, I, I)
    def number_at(builder: Any, block: Lanes, index: Lanes) -> Lanes:
        return vec.load(builder, block.value, index.value, vec.FLOAT64).cast(element)

    @inline(I, I, I)
    def get32(builder: Any, address: Lanes, index: Lanes) -> Lanes:
        return vec.load(builder, address.value, index.value, vec.INT32).cast(INT64)

    @inline(none, I, I, I, I)
    def call(builder: Any, function: Lanes, block: Lanes, start: Lanes, stop: Lanes) -> None:
        shape = ir.FunctionType(ir.VoidType(), [INT64, INT64, INT64])
        builder.call(builder.inttoptr(function.value, shape.as_pointer()), [block.value, start.value, stop.value])

    return SimpleNamespace(
        dtype=dtype, lanes=lanes, size=8 if dtype == "float64" else 4, registers=machine.registers,
        V=V, T=T, I=I, none=none, inline=inline, load=load, store=store, load_some=load_some, store_some=store_some,
        get=get, put=put, repeat=repeat, zero=zero, word=word, set_word=set_word, number=number_at,
        get32=get32, call=call,
        fma=inline(V, V, V, V)(lambda x, y, z: x.fma(y, z)),
        maximum=inline(V, V, V)(lambda x, y: x.maximum(y)),
        minimum=inline(V, V, V)(lambda x, y: x.minimum(y)),
        sqrt=inline(V, V)(lambda x: x.sqrt()),
        sum=inline(T, V)(lambda x: x.folded(lambda a, b: a + b)),
        largest=inline(T, V)(lambda x: x.folded(lambda a, b: a.maximum(b))),
        **{
            name: inline(V, V)(getattr(functions, name))
            for name in ("exp", "expm1", "log", "log1p", "tanh", "sigmoid", "erf")
        },
    )  # fmt: skip
