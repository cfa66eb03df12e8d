"""A plan and its measured times as text for a terminal: a head, then a few lines for each instruction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from .language import N_, cell_width, current_language, translate
from .language import language as spoken
from .reason import said as told
from .sizes import shape_text

if TYPE_CHECKING:
    from .profile import Profile
    from .report import Array, Instruction, Operation, PlanReport

LONGEST_NAME = 32
"""Cells of a name that is longer than this are cut out of its middle."""
MOST_NAMES = 8
"""So many names are listed."""
MOST_OPERATIONS, MOST_ARRAYS = 24, 32
"""So many operations and arrays of one instruction are named."""
_TITLES = {
    "no.": N_("no."),
    "kernel": N_("kernel"),
    "rows": N_("rows"),
    "chunks": N_("chunks"),
    "blocks": N_("blocks"),
    "threads": N_("threads"),
    "flops": N_("flops"),
    "bytes": N_("bytes"),
    "time": N_("time"),
    "share": N_("share"),
    "each": N_("a turn"),
}
INDENT = 6
NARROW = 30
"""With fewer cells left for it, a text stands on lines of its own."""


def explained(plan: PlanReport, source: bool, width: int, language: str | None = None) -> str:
    """The plan as text, at most `width` cells wide; lines of code are not broken."""
    with spoken(current_language() if language is None else language):
        return _explained(plan, source, width)


def _explained(plan: PlanReport, source: bool, width: int) -> str:
    from .symbolic.cells import wrapped

    lines = [line for sentence in head(plan) for line in wrapped(sentence, width)] + [""]
    on_gpu = any(each.blocks for each in plan.all())
    numbers = [
        [each.number, _kernel(each), *_dealt(each, on_gpu), short(each.flops),
         short(each.bytes_read + each.bytes_written)]
        for each in plan.all()
    ]  # fmt: skip
    said = [[_operations(each), *_about(each)] for each in plan.all()]
    code = _codes(plan) if source else [[] for _ in said]
    columns = _titles("no.", "kernel", *(("blocks", "threads") if on_gpu else ("rows", "chunks")), "flops", "bytes")
    return "\n".join(lines + _table(columns, numbers, said, code, width))


def profiled(profile: Profile, width: int = 100) -> str:
    """The times as text."""
    total, outermost = profile.total, {each.number for each in profile.plan}
    numbers = []
    for row in profile.rows:
        share = (
            f"{100 * row.seconds / total:.1f} %"
            if total and row.instruction.number in outermost
            else translate(_TITLES["each"])
        )
        numbers.append(
            [row.instruction.number, _kernel(row.instruction), seconds_text(row.seconds), share,
             f"{row.flops_per_second / 1e9:.1f}", f"{row.bytes_per_second / 1e9:.1f}"]
        )  # fmt: skip
    said = [[_operations(row.instruction)] for row in profile.rows]
    sentence = N_("engine {engine}, instructions: {count}; {time} in all")
    first = translate(sentence, None, engine=profile.plan.engine, count=len(profile.plan), time=seconds_text(total))
    columns = _titles("no.", "kernel", "time", "share", "GFLOP/s", "GB/s")
    return "\n".join([first, "", *_table(columns, numbers, said, [[] for _ in said], width)])


def short(number: float, unit: str = "") -> str:
    """A count with three digits and a prefix of thousands.

    >>> short(768000), short(82880, "B"), short(5), short(0)
    ('768 k', '82.9 kB', '5', '0')
    """
    for prefix in ("", "k", "M", "G", "T"):
        if abs(number) < 999.5 or prefix == "T":
            text = f"{number:.3g}" if prefix or number != int(number) else str(int(number))
            return f"{text} {prefix}{unit}".rstrip()
        number /= 1000
    raise AssertionError


def seconds_text(seconds: float) -> str:
    """A time in the unit that suits it.

    >>> seconds_text(2.5e-6), seconds_text(0.0123)
    ('2.5 µs', '12.3 ms')
    """
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds * 1e9:.3g} ns"


# The head -------------------------------------------------------------------------------------------------------------
def head(plan: PlanReport, language: str | None = None) -> list[str]:
    """What a plan costs, in a few sentences."""
    costs = {"flops": short(plan.flops, "flop"), "bytes": short(plan.bytes, "B")}
    said = [
        translate(
            N_("engine {engine}, instructions: {count}; {flops}; {bytes} read and written"), language,
            engine=plan.engine, count=len(plan), **costs,
        ),
        translate(
            N_("memory of the values inside: {memory}; {values} if each had its own"), language,
            memory=short(plan.memory, "B"), values=short(plan.values, "B"),
        )
        if plan.values > plan.memory
        else translate(N_("memory of the values inside: {memory}"), language, memory=short(plan.memory, "B")),
    ]  # fmt: skip
    copied = [each.leaf for each in plan.updates if not each.in_place]
    if plan.updates and not copied:
        said.append(
            translate(N_("leaves updated: {count}, each written over its old value"), language, count=len(plan.updates))
        )
    elif plan.updates:
        sentence = N_("leaves updated: {count}; computed apart and then stored: {names}")
        said.append(translate(sentence, language, count=len(plan.updates), names=_listed(copied)))
    if plan.fallbacks:
        names = list(dict.fromkeys(op.op for each in plan.fallbacks for op in each.operations))
        said.append(translate(N_("no kernel, so computed by numpy: {names}"), language, names=_listed(names)))
    return said


def _listed(names: Sequence[str]) -> str:
    return ", ".join(map(_name, names[:MOST_NAMES])) + (", …" if len(names) > MOST_NAMES else "")


# Instructions ---------------------------------------------------------------------------------------------------------
def _kernel(each: Instruction) -> str:
    return f"{each.kernel} ×{each.times}" if each.body else each.kernel


def _dealt(each: Instruction, on_gpu: bool) -> list[str]:
    """Over what its work is dealt out: chunks of rows, or blocks of threads; of a loop on a GPU nothing is launched."""
    if on_gpu:
        return [str(each.blocks), str(each.threads)] if each.blocks else ["", ""]
    return [str(each.rows), str(each.chunks)]


def _operations(each: Instruction) -> str:
    """`h = add, relu, mul ×3  [layer1]`."""
    shown = each.operations[:MOST_OPERATIONS]
    words = []
    for word, run in groupby(map(_operation, shown)):
        count = len(list(run))
        words.append(word if count == 1 else f"{word} ×{count}")
    if len(each.operations) > len(shown):
        words.append(translate(N_("and {count} more"), None, count=len(each.operations) - len(shown)))
    where = f"  [{', '.join(map(_name, each.scopes))}]" if each.scopes else ""
    return ", ".join(words) + where


def _operation(each: Operation) -> str:
    word = each.op or each.kind.removeprefix("leaf-")
    return f"{_name(each.name)} = {word}" if each.name and each.op else word


def _about(each: Instruction) -> list[str]:
    """What it reads and writes, and why."""
    flow = f"{_arrays(each.reads)} → {_arrays(each.writes)}" if each.reads else f"→ {_arrays(each.writes)}"
    return [flow, *([told(each.why)] if each.why else [])]


def _arrays(arrays: Sequence[Array]) -> str:
    """Arrays in order, the same one said once; of very many the first."""
    said = list(dict.fromkeys(map(_array, arrays)))
    if len(said) > MOST_ARRAYS:
        said = [*said[: MOST_ARRAYS - 1], translate(N_("and {count} more"), None, count=len(said) - MOST_ARRAYS + 1)]
    return ", ".join(said) or translate(N_("nothing"))


def _array(array: Array) -> str:
    shape = f" {shape_text(array.shape)}" if array.shape else ""
    kind = f" {array.dtype}" if array.role == "value" and array.dtype and not array.dtype.startswith("float") else ""
    over = ""
    if array.over == array.name:
        over = " " + translate(N_("in place"))
    elif array.over:
        over = " " + translate(N_("over {name}"), None, name=_name(array.over))
    name = _name(array.name)
    if array.role == "constant" and not array.shape:
        name = translate(N_("number {number}"), None, number=name)  # 4 between shapes would be read as one
    return f"{name}{'[t]' if array.moves else ''}{shape}{kind}{over}"


def _name(text: str | None) -> str:
    """A name, cut in its middle when it is very long."""
    text = "".join(character if character.isprintable() else "\ufffd" for character in text or "")
    if cell_width(text) <= LONGEST_NAME:
        return text
    head = tail = ""
    for front, back in zip(text, reversed(text)):
        if cell_width(head + front + back + tail) >= LONGEST_NAME:
            break
        head, tail = head + front, back + tail
    return f"{head}…{tail}"


def _titles(*names: str) -> tuple[str, ...]:
    """Titles of columns in the language that is spoken, and that of the text behind them."""
    return (*(translate(_TITLES[name]) if name in _TITLES else name for name in names), translate(N_("operations")))


def _codes(plan: PlanReport) -> list[list[str]]:
    """The code of every instruction; the same code is shown once."""
    first: dict[str, str] = {}
    found = []
    for each in plan.all():
        text = plan.source(each.number).rstrip("\n")
        before = first.setdefault(text, each.number)
        found.append(["", *text.split("\n"), ""] if before == each.number else [translate(N_("code: see {number}"), None, number=before)])
    return found


# A table whose last column goes on below ------------------------------------------------------------------------------
def _table(
    titles: Sequence[str],
    rows: Sequence[Sequence[str]],
    said: Sequence[Sequence[str]],
    code: Iterable[Sequence[str]],
    width: int,
) -> list[str]:
    """Rows of cells, numbers to the right, words to the left; after them a text, and below it further lines, wrapped.
    The last title is that of the text."""
    from .symbolic.cells import left, right, wrapped

    inner = [at for at, row in enumerate(rows) if "." in row[0]]
    *titles, last = titles
    wide = [max(map(cell_width, (title, *(row[at] for row in rows)))) for at, title in enumerate(titles)]

    def cells(row: Sequence[str]) -> str:
        return "  ".join((left if at == 1 else right)(cell, size) for at, (cell, size) in enumerate(zip(row, wide)))

    lines = [f"{cells(titles)}  {last}".rstrip()]
    for at, (row, texts, more) in enumerate(zip(rows, said, code)):
        start = cells(row) + "  "
        indent = " " * (INDENT + 2 * (at in inner))
        room = width - cell_width(start)
        first, *rest = wrapped(texts[0], room) if room >= NARROW else [""]
        lines.append((start + first).rstrip())
        lines += [" " * cell_width(start) + line for line in rest]
        for text in texts[room >= NARROW :]:
            lines += [indent + line for line in wrapped(text, width - len(indent))]
        lines += [(indent + line).rstrip() for line in more]
    return lines
