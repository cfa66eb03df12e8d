"""How a graph of single numbers becomes a tape: two loops over nodes given as arrays, so that no node costs Python time.

`unroll` writes the words of every node and, in reverse, of its gradient; each word gets a number of its own and nothing
is overwritten. `pack` leaves out what nobody reads, gathers sums and writes the code that tape.py runs. Both know words
and templates (rows of words with places for operands); no op, and no formula of a gradient.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from .kernel import kernel, part
from .tape import NUMBERS, PRODUCTS, SUM

PLUS, MINUS, TIMES, NEGATIVE = (NUMBERS[word] for word in ("+", "-", "*", "neg"))
ROW, TEMPLATE = 5, 6
"""int32 in a row of a template (word, three operands, which operands of the node want it), and in the table of templates
(rows of the value, their end, the value, rows of the gradient, their end, where the gradients for the operands stand)."""
NOTHING, STEP, OPERAND, NUMBER, ARRIVED, VALUE = -1, 0, 1, 2, 3, 4
"""Kinds of places in a template, in the lowest three bits: a row above, an operand of the node, a constant, the gradient
that arrives at the node, its value."""
KEPT = 2
"""Added to the readers of a result that is asked for: it is never made part of something else."""


def _set32(v: SimpleNamespace) -> Any:
    from . import vector

    def put(builder: Any, address: Any, index: Any, number: Any) -> None:
        vector.store(builder, address.value, index.value, number.cast(vector.INT32))

    return v.inline(v.none, v.I, v.I, v.I)(put)


@kernel("float64")
def unroll(v: SimpleNamespace) -> Any:
    """Words for all nodes in order, then for the gradient against it; rows are ignored.

    Block: number of nodes; addresses of int32 rows: kind of each node (−1: a leaf), first operand of each, operands,
    number of each node's value (given for leaves), the table of templates, their rows, the gradients for operands, code (four
    per word), whether a node is wanted (becomes: moves when a wanted one does), number of each node's gradient, lists
    of what nodes are sent (first, last per node; next, what per operand), places of a template; then the number of the
    first word, the node to differentiate (−1: none), the number of its seed. The first word of the block becomes the
    number of words.
    """
    word, set_word, get, put = v.word, v.set_word, v.get32, _set32(v)

    @part
    def meant(place: int, steps: int, operands: int, value: int, base: int, g: int, y: int) -> int:
        """The number that stands in a place."""
        kind, which = place & 7, place >> 3
        if kind == STEP:
            return get(steps, which)
        if kind == OPERAND:
            return get(value, get(operands, which))
        if kind == NUMBER:
            return base + which
        if kind == ARRIVED:
            return g
        return y

    @part
    def emit(code: int, at: int, which: int, a: int, b: int, c: int) -> None:
        put(code, 4 * at, which)
        put(code, 4 * at + 1, a)
        put(code, 4 * at + 2, b)
        put(code, 4 * at + 3, c)

    @part
    def written(block: int, count: int, rows: int, row: int, end: int, node: int, needs: int, g: int, y: int) -> int:
        """One template written out for one node; the number of words then."""
        code, steps, value, constants = word(block, 8), word(block, 15), word(block, 4), word(block, 19)
        base = word(block, 16)
        operands = word(block, 3) + 4 * get(word(block, 2), node)
        step = 0
        for r in range(row, end):
            at = 5 * r
            if get(rows, at + 4) & needs:
                a = meant(get(rows, at + 1), steps, operands, value, constants, g, y)
                b = meant(get(rows, at + 2), steps, operands, value, constants, g, y)
                c = meant(get(rows, at + 3), steps, operands, value, constants, g, y)
                emit(code, count, get(rows, at), a, b, c)
                put(steps, step, base + count)
                count += 1
            step += 1
        return count

    def loop(block: int, start: int, stop: int) -> None:
        nodes, kinds, first, operands = word(block, 0), word(block, 1), word(block, 2), word(block, 3)
        value, table, rows, sends = word(block, 4), word(block, 5), word(block, 6), word(block, 7)
        code, moves, gradient = word(block, 8), word(block, 9), word(block, 10)
        earliest, latest, following, sent = word(block, 11), word(block, 12), word(block, 13), word(block, 14)
        steps, base, output, seed, constants = word(block, 15), word(block, 16), word(block, 17), word(block, 18), word(block, 19)
        count = 0
        for node in range(nodes):
            kind = get(kinds, node)
            if kind < 0:
                continue
            entry = 6 * kind
            count = written(block, count, rows, get(table, entry), get(table, entry + 1), node, 1, -1, -1)
            mine = operands + 4 * get(first, node)
            put(value, node, meant(get(table, entry + 2), steps, mine, value, constants, -1, -1))
        if output >= 0:
            for node in range(nodes):
                if get(moves, node) == 0:
                    for at in range(get(first, node), get(first, node + 1)):
                        if get(moves, get(operands, at)) != 0:
                            put(moves, node, 1)
            for node in range(output, -1, -1):
                at = get(earliest, node)
                g = -1
                if node == output and get(moves, node) != 0:
                    g = seed
                while at >= 0:
                    new = get(sent, at)
                    if g < 0:
                        g = new
                    else:
                        emit(code, count, PLUS, g, new, -1)
                        g = base + count
                        count += 1
                    at = get(following, at)
                if g < 0:
                    continue
                put(gradient, node, g)
                kind = get(kinds, node)
                if kind < 0:
                    continue
                entry, begin, end = 6 * kind, get(first, node), get(first, node + 1)
                answers = get(table, entry + 5)
                needs = 0
                for at in range(begin, end):
                    if get(moves, get(operands, at)) != 0 and get(sends, answers + at - begin) >= 0:
                        needs |= 1 << (at - begin)
                if needs == 0:
                    continue
                y = get(value, node)
                count = written(block, count, rows, get(table, entry + 3), get(table, entry + 4), node, needs, g, y)
                for at in range(begin, end):
                    if (needs >> (at - begin)) & 1:
                        place = get(sends, answers + at - begin)
                        put(sent, at, meant(place, steps, operands + 4 * begin, value, constants, g, y))
                        put(following, at, -1)
                        source = get(operands, at)
                        if get(earliest, source) < 0:
                            put(earliest, source, at)
                        else:
                            put(following, get(latest, source), at)
                        put(latest, source, at)
        set_word(block, 0, count)

    return loop


@kernel("float64")
def pack(v: SimpleNamespace) -> Any:
    """The code of a tape from words of which each has a number; rows are ignored.

    A word that nobody reads is left out. A sum read by one sum only becomes part of it, and so does a product read by one
    sum only; both keep the order of rounding, for a sum starts with its first term. Block: number of words; addresses of
    int32 rows: words (four each), readers of each (zeros), new number of each, arity of each word of the vocabulary, numbers of
    results (become new ones), how many; then the number of the first word, the numbers of the constants 1 and −1, the address of the
    code. The first two words of the block become how much code there is and how many results.
    """
    word, set_word, get, put = v.word, v.set_word, v.get32, _set32(v)

    @part
    def is_sum(which: int) -> bool:
        return which == PLUS or which == MINUS

    @part
    def alone(numbers: int, base: int, readers: int) -> bool:
        """Whether a number is the result of a word that is read once."""
        return numbers >= base and get(readers, numbers - base) == 1

    @part
    def is_term(code: int, numbers: int, base: int, readers: int) -> bool:
        """Whether a number is a product, or a number with its sign turned, that nobody else reads."""
        if not alone(numbers, base, readers):
            return False
        which = get(code, 4 * (numbers - base))
        return which == TIMES or which == NEGATIVE

    @part
    def is_total(code: int, numbers: int, base: int, readers: int) -> bool:
        return alone(numbers, base, readers) and is_sum(get(code, 4 * (numbers - base)))

    @part
    def now(numbers: int, base: int, new: int) -> int:
        return numbers if numbers < base else get(new, numbers - base)

    def loop(block: int, start: int, stop: int) -> None:
        words, code, readers, new = word(block, 0), word(block, 1), word(block, 2), word(block, 3)
        arity, results, asked, base = word(block, 4), word(block, 5), word(block, 6), word(block, 7)
        one, minus_one, out = word(block, 8), word(block, 9), word(block, 10)
        for at in range(asked):
            number = get(results, at)
            if number >= base:
                put(readers, number - base, get(readers, number - base) + KEPT)
        for at in range(words - 1, -1, -1):
            if get(readers, at) != 0:
                for k in range(1, 1 + get(arity, get(code, 4 * at))):
                    number = get(code, 4 * at + k)
                    if number >= base:
                        put(readers, number - base, get(readers, number - base) + 1)
        # What becomes part of a sum is marked by −1 in place of its new number.
        for at in range(words):
            which = get(code, 4 * at)
            if get(readers, at) == 0 or not is_sum(which):
                continue
            a, b = get(code, 4 * at + 1), get(code, 4 * at + 2)
            if which == PLUS:
                if is_total(code, b, base, readers) and not is_total(code, a, base, readers):
                    a, b = b, a
                elif is_term(code, a, base, readers) and not is_term(code, b, base, readers):
                    a, b = b, a
                put(code, 4 * at + 1, a)
                put(code, 4 * at + 2, b)
                if is_term(code, b, base, readers):
                    put(new, b - base, -1)
            if is_total(code, a, base, readers):
                put(new, a - base, -1)
        count, size = 0, 0
        for at in range(words):
            if get(readers, at) == 0 or get(new, at) < 0:
                continue
            which = get(code, 4 * at)
            put(new, at, base + count)
            count += 1
            if is_sum(which):
                # How many terms, and whether any is a product.
                terms, factors, link = 1, 0, at
                while True:
                    a, b = get(code, 4 * link + 1), get(code, 4 * link + 2)
                    if get(code, 4 * link) == MINUS or (b >= base and get(new, b - base) < 0):
                        factors = 1
                    if a >= base and get(new, a - base) < 0:
                        terms += 1
                        link = a - base
                    else:
                        break
                if terms > 1 or (factors != 0 and which == PLUS):
                    put(out, size, PRODUCTS if factors else SUM)
                    put(out, size + 1, terms)
                    place = size + 3 + terms * (1 + factors)
                    size, link = place, at
                    while True:
                        a, b = get(code, 4 * link + 1), get(code, 4 * link + 2)
                        factor = one
                        if get(code, 4 * link) == MINUS:
                            factor = minus_one
                        elif b >= base and get(new, b - base) < 0:
                            inner = b - base
                            b = get(code, 4 * inner + 1)
                            factor = minus_one if get(code, 4 * inner) == NEGATIVE else get(code, 4 * inner + 2)
                        place -= 1 + factors
                        put(out, place, now(b, base, new))
                        if factors:
                            put(out, place + 1, now(factor, base, new))
                        if a >= base and get(new, a - base) < 0:
                            link = a - base
                        else:
                            put(out, place - 1, now(a, base, new))
                            break
                    continue
            put(out, size, which)
            many = get(arity, which)
            for k in range(1, 1 + many):
                put(out, size + k, now(get(code, 4 * at + k), base, new))
            size += 1 + many
        for at in range(asked):
            put(results, at, now(get(results, at), base, new))
        set_word(block, 0, size)
        set_word(block, 1, count)

    return loop
