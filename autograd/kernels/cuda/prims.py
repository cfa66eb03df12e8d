"""Single instructions that numba.cuda has no word for, and what the simulator does instead. All that knows LLVM is here.

A kernel is a function made by a factory from these (`make(d)`), as the processor's kernels are made from the vector type.
"""

from __future__ import annotations

from functools import cache
from threading import Lock
from types import SimpleNamespace
from typing import Any

from ...philox import LOW, MULTIPLIERS, ROUNDS, WEYL


@cache
def primitives(simulated: bool) -> SimpleNamespace:
    """`ld4(array, at)`: four float32 from a place that is a multiple of four on, in one access of 128 bits; the place, if it has
    32 bits, is below 2³¹ (`in_fours` of arguments.py sees to that): LLVM takes it for signed, and making it wide costs a
    product two of a hundred of its multiplications.
    `st4(array, at, a, b, c, d)`: the same the other way. `add_to(array, at, number)`: += by one thread at a time.
    `philox(place, draw, step, seed, path)`: four random words of 32 bits (see philox.py of autograd). `held(number)`: a
    uint32 that is kept once it is computed, and not computed again wherever it is needed."""
    return _twins() if simulated else _intrinsics()


def _twins() -> SimpleNamespace:
    def ld4(array: Any, at: Any) -> Any:
        _check(array, at)
        return array[at], array[at + 1], array[at + 2], array[at + 3]

    def st4(array: Any, at: Any, a: Any, b: Any, c: Any, d: Any) -> None:
        _check(array, at)
        array[at], array[at + 1], array[at + 2], array[at + 3] = a, b, c, d

    def add_to(array: Any, at: Any, number: Any) -> None:
        with _ONE:
            array[at] += number

    def held(number: Any) -> Any:
        return number

    return SimpleNamespace(ld4=ld4, st4=st4, add_to=add_to, philox=_philox, held=held)


def _philox(place: Any, *words: Any) -> tuple[Any, ...]:
    from numpy import uint32

    draw, step, seed, path = map(int, words)
    c0, c1, c2, c3 = int(place), draw, step, 0
    for turn in range(ROUNDS):
        k0, k1 = ((word + turn * more) & LOW for word, more in zip((seed, path), WEYL))
        left, right = MULTIPLIERS[0] * c0, MULTIPLIERS[1] * c2
        c0, c1, c2, c3 = (right >> 32) ^ c1 ^ k0, right & LOW, (left >> 32) ^ c3 ^ k1, left & LOW
    return uint32(c0), uint32(c1), uint32(c2), uint32(c3)


_ONE = Lock()


def _check(array: Any, at: Any) -> None:
    """AssertionError where the GPU would stop: four numbers that begin between two places of 128 bits."""
    start = getattr(array, "_ary", array).__array_interface__["data"][0]
    assert (start + 4 * int(at)) % 16 == 0, f"128 bits are read or written at number {at}, which is between two of them"


def _intrinsics() -> SimpleNamespace:
    from llvmlite import ir
    from numba.cuda import nvvmutils, types
    from numba.cuda.extending import intrinsic

    four = ir.VectorType(ir.FloatType(), 4)

    def place(context: Any, builder: Any, kind: Any, array: Any, at: Any) -> Any:
        # A kernel's own arguments are bare addresses; shared memory is an array of numba's.
        data = array if isinstance(kind, types.CPointer) else context.make_array(kind)(context, builder, array).data
        return builder.bitcast(builder.gep(data, [at]), four.as_pointer(addrspace=data.type.addrspace))

    @intrinsic
    def ld4(typing: Any, array: Any, at: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            vector = builder.load(place(context, builder, signature.args[0], *values), align=16)
            numbers = [builder.extract_element(vector, ir.Constant(ir.IntType(32), each)) for each in range(4)]
            return context.make_tuple(builder, signature.return_type, numbers)

        return types.UniTuple(types.float32, 4)(array, at), generate

    @intrinsic
    def st4(typing: Any, array: Any, at: Any, a: Any, b: Any, c: Any, d: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            array, at, *numbers = values
            vector = ir.Constant(four, ir.Undefined)
            for each, number in enumerate(numbers):
                vector = builder.insert_element(vector, number, ir.Constant(ir.IntType(32), each))
            builder.store(vector, place(context, builder, signature.args[0], array, at), align=16)
            return context.get_dummy_value()

        number = types.float32
        return types.void(array, at, number, number, number, number), generate

    @intrinsic
    def add_to(typing: Any, array: Any, at: Any, number: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            array, at, number = values
            # LLVM takes a narrow index for signed: from 2³¹ on it would lie in front of the array.
            if at.type.width < 64 and not signature.args[1].signed:
                at = builder.zext(at, ir.IntType(64))
            place = builder.gep(array, [at])
            if isinstance(signature.args[2], types.Float):
                declare = getattr(nvvmutils, f"declare_atomic_add_{signature.args[2]}")
                builder.call(declare(builder.module), (place, number))
            else:
                builder.atomic_rmw("add", place, number, "monotonic")
            return context.get_dummy_value()

        return types.void(array, at, number), generate

    @intrinsic
    def philox(typing: Any, place: Any, draw: Any, step: Any, seed: Any, path: Any) -> Any:
        word, wide = ir.IntType(32), ir.IntType(64)

        def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            def both(factor: int, number: Any) -> tuple[Any, Any]:
                """The upper and the lower half of a product: one instruction."""
                product = builder.mul(ir.Constant(wide, factor), builder.zext(number, wide))
                upper = builder.trunc(builder.lshr(product, ir.Constant(wide, 32)), word)
                return upper, builder.trunc(product, word)

            c0, c1, c2, k0, k1 = values
            c3 = ir.Constant(word, 0)
            for turn in range(ROUNDS):
                if turn:
                    k0, k1 = (builder.add(each, ir.Constant(word, more)) for each, more in zip((k0, k1), WEYL))
                (left, c5), (right, c4) = both(MULTIPLIERS[0], c0), both(MULTIPLIERS[1], c2)
                c0, c2 = builder.xor(builder.xor(right, c1), k0), builder.xor(builder.xor(left, c3), k1)
                c1, c3 = c4, c5
            return context.make_tuple(builder, signature.return_type, [c0, c1, c2, c3])

        return types.UniTuple(types.uint32, 4)(*[types.uint32] * 5), generate

    @intrinsic
    def held(typing: Any, number: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            word = ir.IntType(32)
            move = ir.InlineAsm(ir.FunctionType(word, [word]), "mov.u32 $0, $1;", "=r,r", side_effect=True)
            return builder.call(move, values)

        return types.uint32(types.uint32), generate

    return SimpleNamespace(ld4=ld4, st4=st4, add_to=add_to, philox=philox, held=held)
