"""A graph of single numbers, given as arrays, as a row of words: no node costs Python any time.

It knows words and templates, which are rows of words with places for operands; no op, and no formula of a gradient.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from .kernel import kernel, part
from .tape import NUMBERS

PLUS = NUMBERS["+"]
STEP, OPERAND, NUMBER, ARRIVED, VALUE = range(5)
"""Kinds of places in a template, in their lowest three bits; above them which: a row above, an operand of the node, a
constant of the plan, the gradient that arrives at the node, the value of the node."""
ROW, TEMPLATE = 5, 6
"""int32 in a row (word, three places, the operands that it is for as bits), and in a template (first row of the value,
end, place of the value, first row of the gradient, end, where the gradients for the operands stand)."""


def set32(v: SimpleNamespace) -> Any:
    """`put(address, index, number)` for rows of int32."""
    from . import vector

    def put(builder: Any, address: Any, index: Any, number: Any) -> None:
        vector.store(builder, address.value, index.value, number.cast(vector.INT32))

    return v.inline(v.none, v.I, v.I, v.I)(put)


@kernel("float64")
def tape_words(v: SimpleNamespace) -> Any:
    """The words of all nodes, inputs first; then, in reverse, those of the gradient of one of them.

    Every word's result has a number: leaves and constants come first, then results in the order of their words. What
    reaches a node is added up when all its users have sent it, in the order in which they did.

    Block: number of nodes; addresses of int32 rows: kind of each node (its template; −1: a leaf), where its operands
    begin, operands, number of each value (given for leaves), templates, rows, gradients for operands, words (four
    int32: word, operands), whether each node moves (given for what the gradient is asked for), number of each gradient,
    what has been sent to each node as a list (first operand, last, for each operand the next), what was sent for each
    operand, results of a template; then the number of the first constant, of the first word, the node to differentiate
    (−1: none), the number of its seed. Left in word 0: how many words there are. Rows are ignored.
    """
    word, set_word, get, put = v.word, v.set_word, v.get32, set32(v)

    @part
    def emit(words: int, count: int, which: int, a: int, b: int, c: int) -> None:
        put(words, 4 * count, which)
        put(words, 4 * count + 1, a)
        put(words, 4 * count + 2, b)
        put(words, 4 * count + 3, c)

    @part
    def meant(block: int, place: int, operands: int, g: int, y: int) -> int:
        """The number of what stands in a place."""
        kind, which = place & 7, place >> 3
        if kind == STEP:
            return get(word(block, 15), which)
        if kind == OPERAND:
            return get(word(block, 4), get(operands, which))
        if kind == NUMBER:
            return word(block, 16) + which
        return g if kind == ARRIVED else y

    @part
    def written(block: int, count: int, first: int, end: int, operands: int, wanted: int, g: int, y: int) -> int:
        """Rows of a template written for one node, those that a wanted operand needs; how many words there are then."""
        words, rows, results, base = word(block, 8), word(block, 6), word(block, 15), word(block, 17)
        for row in range(first, end):
            if get(rows, ROW * row + 4) & wanted:
                a = meant(block, get(rows, ROW * row + 1), operands, g, y)
                b = meant(block, get(rows, ROW * row + 2), operands, g, y)
                c = meant(block, get(rows, ROW * row + 3), operands, g, y)
                emit(words, count, get(rows, ROW * row), a, b, c)
                put(results, row - first, base + count)
                count += 1
        return count

    @part
    def received(block: int, count: int, node: int) -> tuple[int, int]:
        """The number of what has been sent to a node (−1: nothing), added up, and how many words there are then."""
        words, following, sent, base = word(block, 8), word(block, 13), word(block, 14), word(block, 17)
        g = word(block, 19) if node == word(block, 18) and get(word(block, 9), node) != 0 else -1
        at = get(word(block, 11), node)
        while at >= 0:
            if g < 0:
                g = get(sent, at)
            else:
                emit(words, count, PLUS, g, get(sent, at), g)
                g = base + count
                count += 1
            at = get(following, at)
        return g, count

    @part
    def send(block: int, at: int, source: int, number: int) -> None:
        """Append what an operand is sent to the list of the node that it is."""
        earliest, latest, following = word(block, 11), word(block, 12), word(block, 13)
        put(word(block, 14), at, number)
        put(following, at, -1)
        if get(earliest, source) < 0:
            put(earliest, source, at)
        else:
            put(following, get(latest, source), at)
        put(latest, source, at)

    def loop(block: int, start: int, stop: int) -> None:
        nodes, kinds, first, operands = word(block, 0), word(block, 1), word(block, 2), word(block, 3)
        value, table, sends = word(block, 4), word(block, 5), word(block, 7)
        moves, output = word(block, 9), word(block, 18)
        count = 0
        for node in range(nodes):
            if get(kinds, node) >= 0:
                entry, mine = TEMPLATE * get(kinds, node), operands + 4 * get(first, node)
                count = written(block, count, get(table, entry), get(table, entry + 1), mine, 1, 0, 0)
                put(value, node, meant(block, get(table, entry + 2), mine, 0, 0))
        if output >= 0:
            for node in range(nodes):
                for at in range(get(first, node), get(first, node + 1)):
                    if get(moves, get(operands, at)) != 0:
                        put(moves, node, 1)
        for node in range(output, -1, -1):
            g, count = received(block, count, node)
            put(word(block, 10), node, g)
            if g < 0 or get(kinds, node) < 0:
                continue
            entry, begin, end = TEMPLATE * get(kinds, node), get(first, node), get(first, node + 1)
            wanted = 0
            for at in range(begin, end):
                if get(moves, get(operands, at)) != 0 and get(sends, get(table, entry + 5) + at - begin) >= 0:
                    wanted |= 1 << (at - begin)
            if wanted != 0:
                y, mine = get(value, node), operands + 4 * begin
                count = written(block, count, get(table, entry + 3), get(table, entry + 4), mine, wanted, g, y)
                for at in range(begin, end):
                    if (wanted >> (at - begin)) & 1:
                        place = get(sends, get(table, entry + 5) + at - begin)
                        send(block, at, get(operands, at), meant(block, place, mine, g, y))
        set_word(block, 0, count)

    return loop
