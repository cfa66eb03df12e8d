"""The sides of a kernel as titles, sentences and lines, which a terminal and a page show in their own ways."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from ..language import N_, translate
from ..reason import said as told

if TYPE_CHECKING:
    from . import Kernel
    from .threads import Lay, Thread

MOST_OPERATIONS = 24
KINDS = (N_("product"), N_("convolution"), N_("fused loop"), N_("loop"), N_("loops side by side"), N_("copy"), N_("fill"))
"""Kinds of kernels that have a word in every language; others are called as in the plan."""
STOPS = (".", "。")
INDENT = 4


@dataclass(frozen=True, slots=True)
class Side:
    """One side: what it is called, a sentence that explains it, and its lines of code."""

    title: str
    sentence: str
    lines: tuple[str, ...]


def sides(kernel: Kernel, exact: bool) -> tuple[Side, ...]:
    """Formula, NumPy, processor, GPU, in the language that is spoken."""
    many = len(kernel.operations) > 1
    numpy = N_("The reference: a line for every operation; each goes over all of its numbers before the next one begins.")
    alone = N_("The reference: what NumPy is asked to do.")
    loop = N_("The same as loops of a processor, number by number; “in vectors” takes some turns at once.")
    if not any("in vectors" in line for line in kernel.loop.split("\n")):
        loop = N_("The same as loops of a processor, number by number.")
    if "# what makes this kernel" in kernel.loop or "@kernel" in kernel.loop:
        loop = N_("How the kernel for a processor is made; the loop inside is what runs.")
    gpu = N_("What every thread runs. Casts to 32 bits and + 0 are left out, and long sums stand in a loop that is written out where it is compiled.")
    if kernel.arrays:
        gpu = N_("What every thread runs, in short: number by number, and slice after slice. The text that is compiled moves numbers four at a time and fetches the next slice while it multiplies one; --exact shows it.")
    found = [
        Side(translate(N_("Formula")), translate(N_("What is computed, in one go.")), kernel.formulas),
        Side("NumPy", translate(numpy if many else alone), kernel.numpy),
        Side(translate(N_("Processor")), translate(loop), tuple(kernel.loop.split("\n"))),
        Side(
            translate(N_("GPU")),
            translate(N_("There is no kernel for a GPU: {why}. NumPy computes it on the processor, in the middle of the program."), why=told(kernel.fallback))
            if kernel.fallback
            else translate(N_("What every thread runs, as it is compiled.") if exact else gpu),
            tuple((kernel.exact if exact else kernel.cuda).rstrip("\n").split("\n")),
        ),
    ]  # fmt: skip
    return tuple(side for side in found if any(side.lines) or side.title == found[-1].title)


def broken(lines: Sequence[str], width: int) -> Iterator[str]:
    """Lines of code, the long head of a kernel broken between its arguments."""
    for line in lines:
        if not line.startswith("def kernel(") or len(line) <= width:
            yield line
            continue
        row, *pieces = line.split(", ")
        for piece in pieces:
            if len(row) + len(piece) + 3 > width:
                yield row + ","
                row = " " * INDENT * 2 + piece
            else:
                row += ", " + piece
        yield row


def title(kernel: Kernel) -> str:
    """`Kernel 2, fused loop: add, max, sub [softmax]`."""
    if kernel.combines:
        results = ", ".join(kernel.results)
        return translate(N_("Kernel {number}, {kind}: {operations}"), number=kernel.number, kind=translate(kernel.kernel), operations=translate(N_("the results of blocks put together into {results}"), results=results))
    shown = kernel.operations[:MOST_OPERATIONS]
    words = []
    for word, run in groupby(each.op or each.kind.removeprefix("leaf-") for each in shown):
        count = len(list(run))
        words.append(word if count == 1 else f"{word} ×{count}")
    if len(kernel.operations) > len(shown):
        words.append(translate(N_("and {count} more"), count=len(kernel.operations) - len(shown)))
    scopes = list(dict.fromkeys(each.scope for each in kernel.operations if each.scope))
    said = ", ".join(words) + (f"  [{', '.join(scopes)}]" if scopes else "")
    return translate(N_("Kernel {number}, {kind}: {operations}"), number=kernel.number, kind=translate(kernel.kernel), operations=said) if said else translate(N_("Kernel {number}: {kind}"), number=kernel.number, kind=translate(kernel.kernel))


def together(kernel: Kernel) -> str:
    """What it means that so many operations are one kernel; empty for one."""
    sentence = "" if kernel.operations else translate(N_("This kernel computes no node; it prepares for another one."))
    if kernel.combines:
        sentence = translate(N_("It puts together what the blocks of the kernel before have found, always in the same order."))
    elif len(kernel.operations) > 1:
        sentence = translate(N_("{count} operations in one kernel: what only they read stays in registers and is not stored."), count=len(kernel.operations))
    elif kernel.why:
        said = told(kernel.why)
        said = said[:1].upper() + said[1:]
        sentence = said if said.endswith(STOPS) else translate(N_("{sentence}."), sentence=said)
    if kernel.times > 1:
        turns = translate(N_("It is launched {count} times, once in every turn of the loop around it."), count=kernel.times)
        sentence = f"{sentence} {turns}".strip()
    return sentence


def arguments(kernel: Kernel, exact: bool = False) -> list[str]:
    """What the names in the kernel's head stand for, arrays and then numbers, and what its instructions do."""
    shown = kernel.exact if exact else kernel.cuda
    known = [translate(said) for word, said in INSTRUCTIONS if word in shown]
    if kernel.arrays and not exact:
        arrays = "; ".join(f"{name} {value}" for name, value in kernel.arrays)
        return [translate(N_("Arrays: {arrays}."), arrays=arrays), *known]
    words = set(re.findall(r"[^\W\d]\w*", shown))
    # An array may be called as in the formula.
    called = {name: name if name in words else value.split()[0] for name, value in kernel.arguments if not _is_number(value)}
    arrays = [value if called[name] != name else f"{name} = {value}" for name, value in kernel.arguments if name in called]
    numbers = [f"{_renamed(name, called)}={value}" for name, value in kernel.arguments if _is_number(value) and value != "0"]
    lines = [translate(N_("Arrays, all flat: {arrays}"), arrays="; ".join(arrays))]
    if numbers:
        lines.append(translate(N_("Numbers: {numbers}; the others are 0."), numbers=", ".join(numbers)))
    names = " ".join(name for name, _ in kernel.arguments)
    if "_by" in names:
        lines.append(translate(N_("…_first: where the first number of an array lies; …_by1: how far it is to that of the next turn of loop 1.")))
    elif "_first" in names:
        lines.append(translate(N_("…_first: where the first number of an array lies.")))
    return lines + known


def _renamed(name: str, said: dict[str, str]) -> str:
    stem = next((each for each in said if re.fullmatch(rf"{each}_(first|by\d+|part)", name)), "")
    return said[stem] + name[len(stem) :] if stem else name


INSTRUCTIONS = (
    ("cuda.shared", N_("cuda.shared.array: memory that all threads of a block have together.")),
    ("cuda.local", N_("cuda.local.array: numbers of one thread, in its registers.")),
    ("syncthreads", N_("cuda.syncthreads(): every thread waits here for all others of its block.")),
    ("ld4(", N_("ld4 and st4: four numbers that lie side by side, read or written at once.")),
    ("add_to(", N_("add_to: one thread after the other adds to a place.")),
    ("shfl", N_("shfl and shfl_xor: a thread takes a number from a register of another one of its warp, which is 32 threads.")),
    ("chunk", N_("chunk: so many turns of the outermost loop belong to a block.")),
    ("members", N_("members: the threads that exchange numbers, a bit for each.")),
    ("wait(", N_("wait: threads of a warp wait for each other.")),
)
"""What may stand in the text of a kernel, and what that does."""


def _is_number(value: str) -> bool:
    return value.lstrip("-").isdigit()


# Threads ------------------------------------------------------------------------------------------------------------------
def launch(kernel: Kernel) -> list[str]:
    """How many blocks and threads, and how the work is shared out."""
    grid = [size for size in kernel.grid]
    while len(grid) > 1 and grid[-1] == 1:
        grid.pop()
    blocks = kernel.grid[0] * kernel.grid[1] * kernel.grid[2]
    shape = f" ({' × '.join(map(str, grid))})" if len(grid) > 1 else ""
    said = translate(N_("Blocks: {blocks}. Threads in each: {threads}."), blocks=f"{blocks}{shape}", threads=kernel.threads)
    return [said, *map(told, kernel.shared_out), *_idle(kernel, blocks * kernel.threads)]


def _idle(kernel: Kernel, threads: int) -> list[str]:
    """That most threads of a kernel have nothing to do, where the array is so small."""
    lay = kernel.lay
    if lay is None or kernel.combines or blocks_are_many(lay) or not 0 < lay.busy <= threads // 2:
        return []
    fields = {"idle": threads - lay.busy, "threads": threads}
    return [translate(N_("{idle} of {threads} threads have no number of {array}: it is too small to keep a GPU busy."), array=lay.array, **fields)]


def blocks_are_many(lay: Lay) -> bool:
    """Whether there is more than one block, each of which may be busy in another way."""
    return lay.blocks > 1


def block_text(block: tuple[int, int, int], lay: Lay) -> str:
    """`(1, 0)`, with as many numbers as the grid has axes."""
    axes = 3 if lay.grid[2] > 1 else 2 if lay.grid[1] > 1 else 1
    return f"({','.join(map(str, block[:axes]))})" if axes > 1 else str(block[0])


def example(thread: Thread, lay: Lay) -> str:
    """What one thread has."""
    fields = {"thread": thread.thread, "block": block_text(thread.block, lay)}
    if not thread.places:
        return translate(N_("Thread {thread} of block {block} has no number of {array}."), array=lay.array, **fields)
    shown = [lay.spelled(place) for place in thread.places[:5]]
    count = thread.count
    more = ", …" if count is None or count > len(shown) else ""
    sentence = N_("Thread {thread} of block {block} writes {places} ({count} in all).")
    if lay.access == "read":
        sentence = N_("Thread {thread} of block {block} reads {places} ({count} in all).")
    if count == 1:
        sentence = N_("Thread {thread} of block {block} writes {places}.") if lay.access == "written" else N_("Thread {thread} of block {block} reads {places}.")
    if count is None:
        sentence = N_("Thread {thread} of block {block} writes {places}") if lay.access == "written" else N_("Thread {thread} of block {block} reads {places}")
    return translate(sentence, places=", ".join(shown) + more, count=count, **fields)


def corner_title(lay: Lay) -> str:
    """What the table of threads shows."""
    sentence = N_("Which thread of block {block} writes each number of {array}")
    if lay.access == "read":
        sentence = N_("Which thread of block {block} reads each number of {array}")
    said = translate(sentence, block=block_text((0, 0, 0), lay), array=lay.array)
    return f"{said} ({translate(N_('all axes but the last below each other'))})" if len(lay.shape) > 2 else said


def blocks_title(lay: Lay) -> str:
    """What the table of blocks shows."""
    return translate(N_("Where blocks begin in {array}"), array=_with_shape(lay))


def _with_shape(lay: Lay) -> str:
    from ..sizes import shape_text

    return f"{lay.array} ({shape_text(lay.shape)})" if lay.shape else lay.array


def block_table(lay: Lay) -> tuple[list[int], list[int], dict[tuple[int, int], str], bool, bool]:
    """Rows and columns at which blocks begin, which block begins where, and whether more come below and to the right."""
    cells = {lay.cell(place): block for block, place in reversed(lay.starts)}
    rows, columns = sorted({row for row, _ in cells}), sorted({column for _, column in cells})
    names = {cell: block_text(block, lay) for cell, block in cells.items()}
    looked = len(lay.starts)
    more = looked < lay.blocks
    below = more and (len(rows) > 1 or len(columns) == 1)
    return rows, columns, names, below, more and (len(columns) > 1 or len(rows) == 1)


def corner_cut(lay: Lay) -> tuple[bool, bool]:
    """Whether the array goes on below the corner, and to the right of it."""
    return lay.rows > len(lay.corner), bool(lay.corner) and lay.columns > len(lay.corner[0])


def corner_rows(lay: Lay) -> list[str]:
    """What the corner's rows are called: by all axes but the last."""
    lead = lay.shape[:-1]
    found = []
    for row in range(len(lay.corner)):
        places = list[str]()
        for size in reversed(lead):
            places.insert(0, str(row % size))
            row //= size
        found.append(",".join(places) if len(lead) > 1 else places[0] if places else "0")
    return found


def how_found() -> str:
    """Where these places come from."""
    return translate(N_("These places were found by going through the kernel's text for single threads, on the processor; no GPU was asked."))
