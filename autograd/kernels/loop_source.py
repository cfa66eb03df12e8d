"""A nest of loops as a person would write it, for `--show-source`."""

from __future__ import annotations

from .loop_passes import Add, Body, Get, Keep, Nest, Pass, Pour, Put, Reload
from .loops import FAR, NEXT, STILL, Apply, Buffer, Fold, Number

LETTERS = "ijklmnop"


def source(nest: Nest) -> str:
    """Loops, and in each what is read, computed, folded and written, in order.

    >>> from nngraph.autograd.kernels.loops import Loops, Write
    >>> row = Buffer("float32", (FAR, NEXT))
    >>> steps = (Fold("max", 0, (1,), "float32"), Apply("-", (0, 1), "float32"))
    >>> print(source(Nest(Loops(2, (row,), steps, (Write(2, row),)))))
    for i:
        v1 = -inf
        for j, in vectors:
            v0 = read0[i, j]
            v1 = max(v1, v0)
        for j, in vectors:
            v0 = read0[i, j]
            v2 = v0 - v1
            write0[i, j] = v2
    """
    return "\n".join(_lines(nest, nest.body))


def _lines(nest: Nest, body: Body) -> list[str]:
    lines: list[str] = []
    for item in body.items:
        if isinstance(item, Pass):
            lines += _pass(nest, item)
        elif isinstance(item, Get):
            lines.append(f"v{item.value} = {_value(nest, item.value)}")
        elif isinstance(item, Reload):
            lines.append(f"v{item.value} = {_kept(nest, item.value)}")
        elif isinstance(item, Keep):
            lines.append(f"{_kept(nest, item.value)} = v{item.value}")
        elif isinstance(item, Put):
            write = nest.loops.writes[item.write]
            lines.append(f"{_place(f'write{item.write}', write.buffer.moves)} = v{write.value}")
        elif isinstance(item, Add):
            fold = nest.values[item.fold]
            assert isinstance(fold, Fold)
            lines.append(f"v{item.fold} = {_joined(fold.word, f'v{item.fold}', f'v{fold.operand}')}")
        else:
            assert isinstance(item, Pour)
            row = nest.rows[item.row]
            place = _row(nest, item.row)
            lines.append(f"{place} = {_joined(row.word, place, f'v{row.operand}')}")
    return lines


def _pass(nest: Nest, run: Pass) -> list[str]:
    lines = [f"v{at} = {_first(nest.values[at].word)}" for at in run.folds]  # type: ignore[union-attr]
    lines += [f"{_row(nest, at, ':')} = {_first(nest.rows[at].word)}" for at in run.rows]
    abreast = run.loop == nest.loops.fit.abreast % nest.loops.depth
    lines.append(f"for {LETTERS[run.loop]}{', in vectors' if abreast else ''}:")
    lines += ["    " + line for line in _lines(nest, run.body)]
    for at in run.rows:
        write = nest.rows[at].write
        moves = nest.loops.writes[write].buffer.moves
        lines.append(f"{_place(f'write{write}', moves, nest.rows[at].first)} = {_row(nest, at, ':')}")
    return lines


def _value(nest: Nest, at: int) -> str:
    value = nest.values[at]
    if isinstance(value, Buffer):
        return _place(f"read{at}", value.moves)
    assert isinstance(value, Apply)
    operands = [f"{each.value}" if isinstance(each, Number) else f"v{each}" for each in value.operands]
    if value.word == "cast":
        return f"{value.dtype}({operands[0]})"
    if not value.word[0].isalpha() and len(operands) == 2:
        return f"{operands[0]} {value.word} {operands[1]}"
    return f"{value.word}({', '.join(operands)})"


def _place(name: str, moves: tuple[str, ...], whole_from: int | None = None) -> str:
    turns = [
        ":" if whole_from is not None and loop > whole_from else LETTERS[loop]
        for loop, move in enumerate(moves)
        if move in (NEXT, FAR) and move != STILL
    ]
    return f"{name}[{', '.join(turns)}]" if turns else name


def _kept(nest: Nest, at: int) -> str:
    write = nest.reloaded.get(at)
    if write is not None:
        return _place(f"write{write}", nest.loops.writes[write].buffer.moves)
    turns = ", ".join(LETTERS[loop] for loop in nest.kept[at])
    return f"kept{at}[{turns}]" if turns else f"kept{at}"


def _row(nest: Nest, at: int, turn: str = "") -> str:
    row = nest.rows[at]
    turns = ", ".join(turn or LETTERS[loop] for loop in row.kept if loop > row.first)
    return f"row{at}[{turns}]"


def _joined(word: str, left: str, right: str) -> str:
    return f"{left} {word} {right}" if word in "+*" else f"{word}({left}, {right})"


def _first(word: str) -> str:
    return {"+": "0", "*": "1", "max": "-inf", "min": "inf"}[word]
