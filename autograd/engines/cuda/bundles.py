"""Bundles: small nests that do not wait for each other are launched together, such as the updates of all parameters.

Calls are gone through in order. A nest waits until a kernel comes that must stay behind it; then it is launched with
all others of its level, and the levels below: a nest is one level above those that it waits for. Nests that nobody waits for, such as updates, are
launched at the end. Buffers have no memory yet, so what the graph says is all that forbids an order, and the arena gives the
parts of one call memory that they do not share.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import prod
from typing import Any

from ...kernels.cuda.bundle import MOST_BYTES, CudaBundle, shared_bytes
from ...kernels.cuda.device import MOST_SHARED
from ...kernels.cuda.nest import CudaNest
from ...kernels.cuda.nest import nest as nest_code
from ...kernels.loops import Fold
from ...language import N_
from ...reason import Reason
from ..compiled.calls import Call, Scratch
from .launch import launched
from .order import Touched, touched

LARGE = 16 << 20
"""Bytes that a nest may read and write to be small: more take longer than a launch does."""
MOST_CODES = 8
"""Different nests in one launch. Each is a branch, and all have the registers of the greediest."""


def bundle(calls: list[Call]) -> None:
    """Have nests that do not wait for each other be launched together."""
    touches = {id(call): touched(call) for call in calls}
    last = _asked_by_none(calls, touches)
    found: list[Call] = []
    waiting: list[tuple[int, Call]] = []
    """Level and nest."""
    ending: list[Call] = []

    def launch(levels: int) -> None:
        """All that waits on the lowest levels."""
        for each in range(levels):
            found.extend(_bundled([nest for level, nest in waiting if level == each]))
        waiting[:] = [(level - levels, nest) for level, nest in waiting if level >= levels]

    for call in calls:
        below = [level for level, nest in waiting if touches[id(nest)].conflicts(touches[id(call)])]
        if not _is_small(call):
            launch(max(below, default=-1) + 1)
            found.append(call)
        elif id(call) in last:
            ending.append(call)
        else:
            waiting.append((max(below, default=-1) + 1, call))
    launch(1 + max((level for level, _ in waiting), default=-1))
    calls[:] = [*found, *_bundled(ending)]


def _asked_by_none(calls: Sequence[Call], touches: dict[int, Touched]) -> set[int]:
    """The calls that no later one must stay behind, as their ids."""
    found = set[int]()
    later = Touched(frozenset(), frozenset())
    for call in reversed(calls):
        mine = touches[id(call)]
        if not mine.conflicts(later):
            found.add(id(call))
        later = Touched(later.reads | mine.reads, later.writes | mine.writes)
    return found


def _is_small(call: Call) -> bool:
    """Whether a call is a nest that may be launched with others."""
    code = call.code
    if not isinstance(code, CudaNest) or call.working or call.finishing or call.body is not None:
        return False
    return call.bytes <= LARGE


def _bundled(nests: Sequence[Call]) -> list[Call]:
    """The same nests as few launches."""
    _lay_alike(nests)
    ordered: list[Call] = []
    for nest in nests:
        ordered += [each for each in nests if each.code is nest.code and each not in ordered]
    found: list[list[Call]] = []
    for nest in ordered:
        if not found or not _fits([*found[-1], nest]):
            found.append([])
        found[-1].append(nest)
    return [some[0] if len(some) == 1 else _launched(some) for some in found]


def _lay_alike(nests: Sequence[Call]) -> None:
    """Have nests that compute the same over one loop, number by number, be of one code, however long they are."""
    alike: dict[Any, list[Call]] = {}
    for nest in nests:
        code = nest.code
        if code.loops.depth == 1 and not any(isinstance(step, Fold) for step in code.loops.steps):
            alike.setdefault((code.loops, code.layout.slots, tuple(code.draws.items())), []).append(nest)
    for (loops, _, draws), some in alike.items():
        widest = max((each.code.layout for each in some), key=lambda layout: layout.across)
        for each in some if len(some) > 1 else ():
            each.code = nest_code(loops, replace(widest, single=frozenset()), draws)


def _fits(nests: Sequence[Call]) -> bool:
    """Whether some nests are few enough for one launch."""
    codes = [nest.code for nest in nests]
    size = 8 * len(nests) + sum(_bytes(word) for nest in nests for word in nest.words)
    return size <= MOST_BYTES and len(set(codes)) <= MOST_CODES and shared_bytes(codes) <= MOST_SHARED


def _bytes(word: Any) -> int:
    """Of an argument."""
    return 0 if isinstance(word, Scratch) else 8 if word.is_array or word.dtype.endswith("64") else 4


def _launched(nests: Sequence[Call]) -> Call:
    """Some nests as one call, of which they are the parts."""
    code = CudaBundle([nest.code for nest in nests])
    grids = [launched(nest).grid for nest in nests]
    total = sum(map(prod, grids))
    why = Reason(N_("{count} loops that do not wait for each other"), count=len(nests))
    made = Call(code, list(code.block(grids)), [], [], rows=total, why=why, chunk=1)
    made.grid, made.finishing = (total, 1, 1), list(nests)
    return made
