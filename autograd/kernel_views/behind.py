"""What is done with every number of a product while it is in a register, as a line for every result."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np

from ..engines.compiled.calls import Call, View
from ..kernels.loops import STILL, Apply, Buffer, Number
from .named import Named
from .sums import Sum, entry


def behind(part: Call, results: frozenset[int], value: str, total: Sum, named: Named, whole: Call) -> list[str] | None:
    """`Y[n, k] = max(total + b[k], 0)`, over the letters of the sum; None where these do not say where a number is. `results`:
    which of the nest's reads are the sum; `value`: what that is called."""
    loops = part.loops
    if loops is None or not all(isinstance(step, Apply) for step in loops.steps):
        return None
    letters = _letters(part, total)
    if letters is None:
        return None
    near = named.around(whole)
    texts: list[str] = []
    for at, (buffer, view) in enumerate(zip(loops.reads, part.reads)):
        text = value if at in results else _place(buffer, view, letters, total, named.array(view, near))
        if text is None:
            return None
        texts.append(text)
    lines, uses = list[str](), _uses(part)
    for at, step in enumerate(loops.steps, len(loops.reads)):
        assert isinstance(step, Apply)
        text = _spoken(step, [_number(each) if isinstance(each, Number) else texts[each] for each in step.operands])
        if uses.get(at, 0) > 1:
            lines.append(f"v{at} = {text}")
            text = f"v{at}"
        texts.append(text)
    for write, view in zip(loops.writes, part.writes):
        place = _place(write.buffer, view, letters, total, named.array(view, near))
        if place is None:
            return None
        lines.append(f"{place} = {texts[write.value]}")
    return lines


def _uses(part: Call) -> dict[int, int]:
    """How often a value is read."""
    assert part.loops is not None
    found: dict[int, int] = {}
    read = [each for step in part.loops.steps if isinstance(step, Apply) for each in step.operands if not isinstance(each, Number)]
    for each in [*read, *(write.value for write in part.loops.writes)]:
        found[each] = found.get(each, 0) + 1
    return found


def _letters(part: Call, total: Sum) -> list[tuple[str, ...]] | None:
    """The letters of the sum that each loop of a nest goes through."""
    assert part.loops is not None
    words = dict(zip(part.code.names(), part.words))
    rest, found = list(total.output), list[tuple[str, ...]]()
    for loop in range(part.loops.depth):
        size, mine = int(words[f"n{loop}"].value), list[str]()
        while rest and total.count(mine) < size:
            mine.append(rest.pop(0))
        if total.count(mine) != size:
            return None
        found.append(tuple(mine))
    return found if total.count(rest) == 1 else None


def _place(buffer: Buffer, view: View, letters: Sequence[tuple[str, ...]], total: Sum, name: str) -> str | None:
    """A number of an array, axis by axis."""
    mine = [each for move, some in zip(buffer.moves, letters) if move != STILL for each in some]
    if prod(map(int, view.shape)) != total.count(mine):
        return None
    places, rest = list[str](), [each for each in mine if total.sizes[each] > 1]
    for size in map(int, view.shape):
        if size == 1:
            places.append("0")
        elif rest and total.sizes[rest[0]] == size:
            places.append(rest.pop(0))
        else:
            return None
    return entry(name, places)


def _number(each: Number) -> str:
    value = each.value
    if isinstance(value, float) and np.isfinite(value) and np.float32(value) == value:
        return str(np.float32(value)).removesuffix(".0")
    return str(value).removesuffix(".0")


def _spoken(step: Apply, operands: list[str]) -> str:
    word = step.word
    if word == "cast":
        return f"{step.dtype}({operands[0]})"
    if word == "neg":
        return f"-{closed(operands[0])}"
    if word == "where":
        return f"{operands[1]} if {operands[0]} else {operands[2]}"
    if not word[0].isalpha() and len(operands) == 2:
        return f"{closed(operands[0], word == '+')} {word} {closed(operands[1], word == '+')}"
    return f"{word}({', '.join(operands)})"


def closed(text: str, added: bool = False) -> str:
    """In brackets, where it would fall apart without; `added`: nothing but a sum stands around it."""
    bare = _bare(text)
    loose = added and all(word in ("*", "/") for word in bare.split()[1::2])
    return f"({text})" if " " in bare and not loose else text


def _bare(text: str) -> str:
    """What stands outside of all brackets."""
    depth, bare = 0, ""
    for sign in text:
        depth += (sign in "([") - (sign in ")]")
        bare += sign if depth == 0 else ""
    return bare
