"""Epilogues on a GPU: nests that fold nothing are run by the product whose result they read, number by number, while it is in a
register."""

from __future__ import annotations

from math import prod
from typing import Any

from ...kernels.cuda.arguments import in_fours
from ...kernels.cuda.product_store import Epilogue, turns
from ...kernels.loops import FAR, NEXT, Fold
from ..compiled.calls import Buffer, Call, View, every_call
from ..compiled.planning import epilogues


def attach(calls: list[Call]) -> None:
    """Move nests into the products whose results they read, and leave out results that nobody else reads."""
    epilogues.attach(calls, fits)
    for call in calls:
        if call.finishing:
            result = call.writes[0]
            call.code = finished(call, result.buffer.role != "arena" or _read_elsewhere(calls, call, result.buffer))


def finished(kernel: Call, keeps: bool) -> Any:
    """The code of a kernel with its epilogues; `keeps`: whether others read the result."""
    return kernel.code.finishing(tuple(_epilogue(kernel, nest) for nest in kernel.finishing), keeps)


def _epilogue(kernel: Call, nest: Call) -> Epilogue:
    result = kernel.writes[0].buffer
    results = frozenset(at for at, view in enumerate(nest.reads) if view.buffer is result)
    draws = tuple(nest.code.draws.items())
    return Epilogue(nest.code.loops, results, _turns(kernel, nest) or (), draws, _by_four(nest))


def _by_four(nest: Call) -> bool:
    """Whether all float32 numbers that a nest moves side by side lie so that four of them move at once."""
    loops, words = nest.code.loops, dict(zip(nest.code.names(), nest.words))
    buffers = [(f"r{at}", buffer) for at, buffer in enumerate(loops.reads)]
    buffers += [(f"w{at}", write.buffer) for at, write in enumerate(loops.writes)]
    for name, buffer in buffers:
        if buffer.dtype != "float32" or buffer.moves[-1] != NEXT:
            continue
        # An array begins at the lowest number of its view: by fours where the view's first number and its place in it do.
        far = [word.value for each, word in words.items() if each.startswith(f"{name}_by")]
        lies = name not in words or in_fours(words[name].value)
        if not lies or any(each % 4 for each in [words[f"{name}_first"].value, *far]):
            return False
    return True


def _read_elsewhere(calls: list[Call], kernel: Call, buffer: Buffer) -> bool:
    """Whether anything but the kernel's own epilogues reads a buffer."""
    others = [call for _, call in every_call(calls) if call is not kernel]
    return any(view.buffer is buffer for call in others for part in call.parts for view in part.reads)


def fits(kernel: Call, nest: Call) -> bool:
    """Whether every number of the nest needs no more of the result, and of what other epilogues wrote, than the one number at
    the same place."""
    loops = nest.loops
    if loops is None or any(isinstance(step, Fold) for step in loops.steps) or _turns(kernel, nest) is None:
        return False
    made: dict[Buffer, View] = {each.writes[0].buffer: each.writes[0] for each in (kernel,)}
    made |= {view.buffer: view for done in kernel.finishing for view in done.writes}
    return all(
        view.offset == made[view.buffer].offset and _in_order(nest, f"r{at}", read.moves)
        for at, (view, read) in enumerate(zip(nest.reads, loops.reads))
        if view.buffer in made
    )


def _turns(kernel: Call, nest: Call) -> tuple[str, ...] | None:
    """The turns of a nest's loops, in the words of the kernel."""
    return turns(kernel.code.counts(kernel.finish, kernel.writes[0]), _sizes(nest))


def _sizes(nest: Call) -> list[int]:
    words = dict(zip(nest.code.names(), nest.words))
    return [words[f"n{loop}"].value for loop in range(nest.code.loops.depth)]


def _in_order(nest: Call, name: str, moves: tuple[str, ...]) -> bool:
    """Whether a read goes through its numbers row by row, without gaps."""
    words, sizes = dict(zip(nest.code.names(), nest.words)), _sizes(nest)
    far = range(len(moves) - 1)
    return moves == (*(FAR for _ in far), NEXT) and all(
        words[f"{name}_by{loop}"].value == prod(sizes[loop + 1 :]) for loop in far
    )
