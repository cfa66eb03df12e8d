"""Tape: millions of words of the vocabulary, each applied to single numbers, run one after another.

The code of a tape is a row of int32: a word, then where its operands lie in a row of numbers. Results have no address:
each is put behind the one before, so that storing it is a stream. A sum of many terms, c + a·b + d·e + …, is one
instruction whose running total stays in a register; products and sums are rounded one by one, as in numpy.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..kept import kept
from ..vocabulary import WORDS
from . import machine_code
from .kernel import KERNELS, Kernel

NUMBERS = {word: at for at, word in enumerate(WORDS)}
"""Word -> its number in the code of a tape."""
SUM, PRODUCTS, END = len(NUMBERS), len(NUMBERS) + 1, len(NUMBERS) + 2
"""SUM n c a₁ … aₙ: c + a₁ + …; PRODUCTS n c a₁ b₁ … aₙ bₙ: c + a₁·b₁ + …; END."""
ARITY = {word: meaning.arity for word, meaning in WORDS.items()}
"""How many operands a word takes."""


@dataclass(frozen=True)
class _Loop(Kernel):
    """The loop that runs tapes; written in LLVM's language, so that numba is not needed."""

    @kept
    def key(self) -> str:
        """What the machine code is made from."""
        return machine_code.key_of(self.name, self.dtype, repr(ARITY), machine_code.text_of("tape"))

    def build(self) -> bytes:
        """Object code."""
        return machine_code.object_code(text(self.dtype, machine_code.symbol(self.key)))

    def module(self) -> Any:
        """The loop in LLVM's language, not yet optimized."""
        return machine_code.parse(text(self.dtype, machine_code.symbol(self.key)))


def tape(dtype: str) -> Kernel:
    """The loop that runs tapes of numbers of a dtype.

    Block: address of the code, address of the numbers, where among the numbers the results begin. Rows are ignored.
    """
    return KERNELS[f"tape.{dtype}"]


def text(dtype: str, name: str) -> str:
    """The loop in LLVM's language, under a name: one switch over all words, a block for each."""
    from llvmlite import ir

    from .functions import SPOKEN
    from .vector import ELEMENTS, INT32, INT64, Lanes, load, store

    module = ir.Module()
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), [INT64] * 3), name)
    element, size = ELEMENTS[dtype], 4 if dtype == "float32" else 8
    entry = ir.IRBuilder(function.append_basic_block("entry"))
    code, numbers, first = (load(entry, function.args[0], at, INT64).value for at in range(3))
    head = function.append_basic_block("next")
    place = entry.add(numbers, entry.mul(first, INT64(size)))
    entry.branch(head)
    build = ir.IRBuilder(head)
    at, to = build.phi(INT64, "at"), build.phi(INT64, "to")
    at.add_incoming(code, entry.block)
    to.add_incoming(place, entry.block)
    end = function.append_basic_block("end")
    ir.IRBuilder(end).ret_void()
    switch = build.switch(load(build, at, 0, INT32).value, end)

    def case(name: str, number: int) -> ir.IRBuilder:
        block = function.append_basic_block(name)
        switch.add_case(INT32(number), block)
        return ir.IRBuilder(block)

    def whole(build: ir.IRBuilder, start: Any, place: int) -> Any:
        return build.sext(load(build, start, place, INT32).value, INT64)

    def operand(build: ir.IRBuilder, start: Any, place: int) -> Lanes:
        return load(build, numbers, whole(build, start, place), element)

    def finish(build: ir.IRBuilder, result: Lanes, following: Any) -> None:
        store(build, to, 0, result)
        at.add_incoming(following, build.block)
        to.add_incoming(build.add(to, INT64(size)), build.block)
        build.branch(head)

    for word, number in NUMBERS.items():
        build = case(word, number)
        operands = [operand(build, at, 1 + k) for k in range(ARITY[word])]
        result = SPOKEN[word](*operands)
        if word == "**":
            # numpy takes roots of single numbers, and the root of −∞ is NaN where its power 0.5 is ∞.
            result = operands[1].equals(0.5).select(operands[0].sqrt(), result)
        finish(build, result.cast(element), build.add(at, INT64(4 * (1 + ARITY[word]))))

    for name, number, step in (("sum", SUM, 4), ("products", PRODUCTS, 8)):
        build = case(name, number)
        start, total = build.add(at, INT64(12)), operand(build, at, 2)
        stop = build.add(start, build.mul(whole(build, at, 1), INT64(step)))
        loop, done = (ir.IRBuilder(function.append_basic_block(part)) for part in ("term", "done"))
        build.branch(loop.block)
        now, so_far = loop.phi(INT64), loop.phi(element)
        term = operand(loop, now, 0) if number == SUM else operand(loop, now, 0) * operand(loop, now, 1)
        further, following = Lanes(loop, so_far) + term, loop.add(now, INT64(step))
        for phi, before, behind in ((now, start, following), (so_far, total.value, further.value)):
            phi.add_incoming(before, build.block)
            phi.add_incoming(behind, loop.block)
        loop.cbranch(loop.icmp_unsigned("<", following, stop), loop.block, done.block)
        finish(done, Lanes(done, further.value), stop)
    return str(module)


for _dtype in ("float32", "float64"):
    KERNELS[f"tape.{_dtype}"] = _Loop("tape", _dtype, text)
