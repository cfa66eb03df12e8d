"""A row of words as the code of a tape: without what nobody reads, with sums of many terms as one instruction."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from .kernel import kernel, part
from .tape import NUMBERS, PRODUCTS, SUM
from .tape_words import set32

PLUS, MINUS, TIMES, NEGATIVE = (NUMBERS[word] for word in ("+", "-", "*", "neg"))
KEPT = 2
"""Readers of a result that is asked for, besides those in the graph: it never becomes part of something else."""
INSIDE = -1
"""In place of its new number: a result that is part of a sum."""


@kernel("float64")
def tape_code(v: SimpleNamespace) -> Any:
    """The code of a tape from numbered words, as tape_words leaves them.

    A total that only one sum reads becomes part of it, and so does a product, or a number with its sign turned, that
    only one sum adds. The order of rounding stays: a sum begins with its first term, and x − y is x + y·(−1).

    Block: number of words; addresses of int32 rows: words, readers of each (zeros), new number of each, arity of each
    word of the vocabulary, numbers of results, which become new ones; how many; then the number of the first word, of
    the constants 1 and −1, the address of the code. Left in words 0 and 1: how much code there is, how many results.
    Rows are ignored.
    """
    word, set_word, get, put = v.word, v.set_word, v.get32, set32(v)

    @part
    def alone(block: int, number: int) -> int:
        """The word whose result this is, if it is read only once; else −1."""
        at = number - word(block, 7)
        return get(word(block, 1), 4 * at) if at >= 0 and get(word(block, 2), at) == 1 else -1

    @part
    def is_total(block: int, number: int) -> bool:
        which = alone(block, number)
        return which in (PLUS, MINUS)

    @part
    def is_term(block: int, number: int) -> bool:
        which = alone(block, number)
        return which in (TIMES, NEGATIVE)

    @part
    def is_inside(block: int, number: int) -> bool:
        at = number - word(block, 7)
        return at >= 0 and get(word(block, 3), at) == INSIDE

    @part
    def now(block: int, number: int) -> int:
        at = number - word(block, 7)
        return get(word(block, 3), at) if at >= 0 else number

    @part
    def count_readers(block: int) -> None:
        words, readers, arity, base = word(block, 1), word(block, 2), word(block, 4), word(block, 7)
        for k in range(word(block, 6)):
            at = get(word(block, 5), k) - base
            if at >= 0:
                put(readers, at, get(readers, at) + KEPT)
        for at in range(word(block, 0) - 1, -1, -1):
            if get(readers, at) != 0:
                for k in range(1, 1 + get(arity, get(words, 4 * at))):
                    source = get(words, 4 * at + k) - base
                    if source >= 0:
                        put(readers, source, get(readers, source) + 1)

    @part
    def join(block: int) -> None:
        """Mark what becomes part of a sum; where the second of two terms can be a running total, they change places."""
        words, readers, new, base = word(block, 1), word(block, 2), word(block, 3), word(block, 7)
        for at in range(word(block, 0)):
            which, a, b = get(words, 4 * at), get(words, 4 * at + 1), get(words, 4 * at + 2)
            if get(readers, at) == 0 or which not in (PLUS, MINUS):
                continue
            if which == PLUS:
                if not is_total(block, a) and (is_total(block, b) or (is_term(block, a) and not is_term(block, b))):
                    a, b = b, a
                    put(words, 4 * at + 1, a)
                    put(words, 4 * at + 2, b)
                if is_term(block, b):
                    put(new, b - base, INSIDE)
            if is_total(block, a):
                put(new, a - base, INSIDE)

    @part
    def write_sum(block: int, at: int, size: int) -> int:
        """The sum that ends in a word, from its last term to its first; how much code there is then, 0 for a sum of two
        plain terms."""
        words, base, out = word(block, 1), word(block, 7), word(block, 10)
        terms, factors, link = 1, 0, at
        while True:
            a, b = get(words, 4 * link + 1), get(words, 4 * link + 2)
            if is_inside(block, b) or (get(words, 4 * link) == MINUS and (terms > 1 or is_inside(block, a))):
                factors = 1
            if not is_inside(block, a):
                break
            terms, link = terms + 1, a - base
        if terms == 1 and factors == 0:
            return 0
        put(out, size, PRODUCTS if factors else SUM)
        put(out, size + 1, terms)
        end = size + 3 + terms * (1 + factors)
        place, link = end, at
        while True:
            a, b, factor = get(words, 4 * link + 1), get(words, 4 * link + 2), word(block, 8)
            if get(words, 4 * link) == MINUS:
                factor = word(block, 9)
            elif is_inside(block, b):
                inner = 4 * (b - base)
                b = get(words, inner + 1)
                factor = word(block, 9) if get(words, inner) == NEGATIVE else get(words, inner + 2)
            place -= 1 + factors
            put(out, place, now(block, b))
            if factors:
                put(out, place + 1, now(block, factor))
            if not is_inside(block, a):
                put(out, place - 1, now(block, a))
                return end
            link = a - base

    def loop(block: int, start: int, stop: int) -> None:
        words, readers, new, out = word(block, 1), word(block, 2), word(block, 3), word(block, 10)
        count_readers(block)
        join(block)
        count, size = 0, 0
        for at in range(word(block, 0)):
            if get(readers, at) == 0 or get(new, at) == INSIDE:
                continue
            which = get(words, 4 * at)
            end = write_sum(block, at, size) if which in (PLUS, MINUS) else 0
            if end == 0:
                end = size + 1 + get(word(block, 4), which)
                put(out, size, which)
                for k in range(1, end - size):
                    put(out, size + k, now(block, get(words, 4 * at + k)))
            put(new, at, word(block, 7) + count)
            count, size = count + 1, end
        for k in range(word(block, 6)):
            put(word(block, 5), k, now(block, get(word(block, 5), k)))
        set_word(block, 0, size)
        set_word(block, 1, count)

    return loop
