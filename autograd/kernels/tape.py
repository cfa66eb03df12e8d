"""Tape: millions of words of the vocabulary, each applied to single numbers, run one after another.

The code of a tape is a row of int32: a word, then where its operands lie in a row of numbers. Results have no address:
each is put behind the one before, so a result costs the memory of one number and the store is a stream. A sum of many
terms, c + a·b + d·e + …, is one instruction, its running total stays in a register; products and sums round one after
the other, as in numpy.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from ..vocabulary import WORDS
from . import machine_code

NUMBERS = {word: at for at, word in enumerate(WORDS)}
"""Word -> its number in the code of a tape."""
SUM, PRODUCTS, END = len(NUMBERS), len(NUMBERS) + 1, len(NUMBERS) + 2
"""SUM n c a₁ … aₙ: c + a₁ + …; PRODUCTS n c a₁ b₁ … aₙ bₙ: c + a₁·b₁ + …; END."""
ARITY = {word: text.loop.count("{") for word, text in WORDS.items()}
"""How many operands a word takes."""


def address_of(dtype: str) -> int:
    """The loop that runs tapes of numbers of a dtype, `run(block, start, stop)`, compiled when there is none yet.

    Block: address of the code, address of the numbers, where among the numbers the results begin. It ignores its rows.
    """
    return machine_code.address_of(_key(dtype), lambda: machine_code.object_code(text(dtype)))


@cache
def _key(dtype: str) -> str:
    return machine_code.key_of("tape", dtype, repr(ARITY), machine_code.text_of("tape", "vector", "functions", "machine_code"))


def text(dtype: str) -> str:
    """The loop in LLVM's language: one switch over all words, a block for each."""
    from llvmlite import ir

    from .functions import SPOKEN
    from .vector import ELEMENTS, INT32, INT64, Lanes, load, store

    module = ir.Module()
    kind = ir.FunctionType(ir.VoidType(), [INT64] * 3)
    function = ir.Function(module, kind, machine_code.symbol(_key(dtype)))
    block = function.args[0]
    entry = ir.IRBuilder(function.append_basic_block("entry"))
    code, numbers, first = (load(entry, block, at, INT64).value for at in range(3))
    size = 4 if dtype == "float32" else 8
    place = entry.add(numbers, entry.mul(first, INT64(size)))
    head = function.append_basic_block("next")
    entry.branch(head)
    build = ir.IRBuilder(head)
    at, to = build.phi(INT64, "at"), build.phi(INT64, "to")
    at.add_incoming(code, entry.block)
    to.add_incoming(place, entry.block)
    end = function.append_basic_block("end")
    switch = build.switch(load(build, at, 0, INT32).value, end)
    ir.IRBuilder(end).ret_void()

    def index(build: ir.IRBuilder, place: int, start: Any = at) -> Any:
        return build.sext(load(build, start, place, INT32).value, INT64)

    def number(build: ir.IRBuilder, place: int, start: Any = at) -> Lanes:
        return load(build, numbers, index(build, place, start), ELEMENTS[dtype])

    def finish(build: ir.IRBuilder, result: Lanes, following: Any) -> None:
        store(build, to, 0, result)
        at.add_incoming(following, build.block)
        to.add_incoming(build.add(to, INT64(size)), build.block)
        build.branch(head)

    for word, which in NUMBERS.items():
        build = ir.IRBuilder(function.append_basic_block(word))
        switch.add_case(INT32(which), build.block)
        result = SPOKEN[word](*[number(build, 1 + k) for k in range(ARITY[word])])
        finish(build, result.cast(ELEMENTS[dtype]), build.add(at, INT64(4 * (1 + ARITY[word]))))

    for which, step in ((SUM, 4), (PRODUCTS, 8)):
        build = ir.IRBuilder(function.append_basic_block("sum" if which == SUM else "products"))
        switch.add_case(INT32(which), build.block)
        count, start, total = index(build, 1), build.add(at, INT64(12)), number(build, 2)
        stop = build.add(start, build.mul(count, INT64(step)))
        loop = ir.IRBuilder(function.append_basic_block("terms"))
        build.branch(loop.block)
        now, sum_so_far = loop.phi(INT64), loop.phi(ELEMENTS[dtype])
        term = number(loop, 0, now) if which == SUM else number(loop, 0, now) * number(loop, 1, now)
        further, following = Lanes(loop, sum_so_far) + term, loop.add(now, INT64(step))
        now.add_incoming(start, build.block)
        now.add_incoming(following, loop.block)
        sum_so_far.add_incoming(total.value, build.block)
        sum_so_far.add_incoming(further.value, loop.block)
        done = ir.IRBuilder(function.append_basic_block("sum_done"))
        loop.cbranch(loop.icmp_unsigned("<", following, stop), loop.block, done.block)
        finish(done, Lanes(done, further.value), stop)
    return str(module)
