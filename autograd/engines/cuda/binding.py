"""Calls of a plan bound to memory of a GPU: every buffer has its place, every call its kernel and its arguments."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from ...errors import NngraphError
from ...kernels.cuda.arguments import Argument
from ...kernels.cuda.device import Asked, Device
from ...kernels.cuda.gemm import Gemm
from ..compiled.calls import STATUS, Buffer, Call, Fallback, Scratch, View, every_call
from ..compiled.planning.whole import Whole
from .ahead import in_turn
from .launch import launched
from .memory import DeviceArray, Place

Launch = Callable[[], None]


class Binding:
    """The launches of a plan: `pieces` are what can be launched one after the other, and, between them, calls that numpy does.

    `arranged`: where buffers and working memory lie in the arena `memory`; `arrays`: those of all other buffers.
    """

    def __init__(
        self, plan: Whole, device: Device, arranged: tuple[Any, Any, int], arrays: dict[Buffer, DeviceArray],
        status: DeviceArray,
    ) -> None:  # fmt: skip
        self.plan, self.device, self.arrays, self.status = plan, device, arrays, status
        self.offsets, scratch, self.bytes = arranged
        self.memory = DeviceArray(device, (self.bytes,), np.uint8)
        self._around: list[tuple[Mapping[Buffer, int], int]] = []
        """Arenas of the loops around the call that is being bound: where their buffers lie, and where the arena begins."""
        self._turns: dict[Buffer, int] = {}
        device.prepare(asked(plan))
        self.pieces: list[list[Launch] | Call] = []
        self._scratch = scratch
        for _, each in self._bound(plan.calls, scratch, 0):
            if isinstance(each, Call):
                self.pieces.append(each)
            elif self.pieces and isinstance(self.pieces[-1], list):
                self.pieces[-1].append(each)
            else:
                self.pieces.append([each])

    def launches(self) -> Iterator[tuple[str, list[Launch] | Call]]:
        """Every call with its number and what runs it: of a loop's calls those of the first turn, and then, under the loop's own
        number, all turns."""
        turns: dict[str, list[Launch]] = {}
        whole: dict[str, list[Launch]] = {}
        order: list[tuple[str, list[Launch] | Call]] = []
        for number, each in self._bound(self.plan.calls, self._scratch, 0):
            if isinstance(each, Call):
                order.append((number, each))
                continue
            if number not in turns:
                turns[number] = [each]
                order.append((number, turns[number]))
            outer = number.rpartition(".")[0]
            while outer:
                whole.setdefault(outer, []).append(each)
                outer = outer.rpartition(".")[0]
        last = {outer: max(at for at, (number, _) in enumerate(order) if number.startswith(f"{outer}.")) for outer in whole}
        for at, (number, one) in enumerate(order):
            yield number, one
            for outer in [outer for outer, end in last.items() if end == at]:
                yield outer, whole[outer]

    def _bound(
        self, calls: Sequence[Call | None], scratch: Mapping[tuple[int, int], int], base: int, inside: str = ""
    ) -> Iterator[tuple[str, Launch | Call]]:
        """What runs the calls, in order, with their numbers; those inside a loop once for every turn of it."""
        for number, call in enumerate(calls):
            name = f"{inside}{number + 1}"
            if call is None:
                continue
            if isinstance(call.code, Fallback):
                yield name, call
            elif call.body is None:
                working = [
                    base + scratch[number, at] for at, word in enumerate(call.words) if isinstance(word, Scratch)
                ]
                yield name, self._launch(call, *working)
            else:
                inner = base + scratch[number, 0]
                self._around.append((call.body.offsets, inner))
                for turn in range(call.body.length):
                    self._turns |= dict.fromkeys(call.body.moving, turn)
                    yield from self._bound(in_turn(call.body, turn), call.body.scratch, inner, f"{name}.")
                self._around.pop()

    def _launch(self, call: Call, working: int = 0) -> Launch:
        """What runs one call. `working`: where its working memory begins."""
        if isinstance(call.code, Gemm):
            return partial(self.device.gemm(call.code.form), *(self._argument(word, working) for word in call.words))
        how = launched(call)
        arguments = [self._argument(word, working) for word in how.words]
        kernel = self.device.kernel(how.code.text(), [kind_of(word) for word in how.words], how.threads)
        run = partial(kernel, how.grid, how.threads, arguments)
        if not self.device.simulated:
            return run
        poisoned = self._poisoned(call)

        def launch() -> None:
            for array in poisoned:
                _poison(array)
            run()

        return launch

    def _argument(self, word: Any, working: int) -> Any:
        if word is STATUS:
            return self.status.flat(np.int32, 0, 1)
        if not isinstance(word, Argument):
            raise NngraphError(f"a kernel of a GPU cannot be given {word!r}")
        if not word.is_array:
            return np.dtype(word.dtype).type(word.value)
        if word.working:
            size = np.dtype(word.dtype).itemsize
            first = (working + word.value) // size
            return self.memory.flat(word.dtype, first, max(self.bytes // size - first, 0))
        return self.place(word.value).argument

    def place(self, view: View) -> Place:
        """Where the numbers of a view lie."""
        while view.buffer.role == "moving":
            outer, stride = view.buffer.owner
            moved = view.offset + self._turns[view.buffer] * (stride // view.dtype.itemsize)
            view = View(outer.buffer, view.dtype, view.shape, view.strides, moved)
        for offsets, base in [*reversed(self._around), (self.offsets, 0)]:
            if view.buffer in offsets:
                return Place(self.memory, view, base + offsets[view.buffer])
        if view.buffer not in self.arrays and isinstance(view.buffer.owner, np.ndarray):
            host = view.buffer.owner
            self.arrays[view.buffer] = DeviceArray(self.device, host.shape, host.dtype)
            self.arrays[view.buffer][...] = host
        return Place(self.arrays[view.buffer], view)

    def fall_back(self, call: Call) -> None:
        """Have numpy do a call on the processor."""
        places = [self.place(view) for view in call.reads]
        with np.errstate(all="ignore"):
            result = call.code.function(*[place.seen(place.fetched()) for place in places])
        for view, value in zip(call.writes, result if isinstance(result, tuple) else (result,)):
            if view.size:
                place = self.place(view)
                flat = place.fetched()
                place.seen(flat)[...] = value
                place.send(flat)

    def _poisoned(self, call: Call) -> list[np.ndarray]:
        """On the simulator: what a call writes and does not read."""
        made = {
            view.buffer
            for part in call.parts
            for view in part.writes
            if all(view.buffer is not other.buffer for other in part.reads)
        }
        read = [self._seen(view) for part in call.parts for view in part.reads if view.buffer not in made]
        written = [self._seen(view) for part in call.parts for view in part.writes]
        return [array for array in written if not any(np.may_share_memory(array, each) for each in read)]

    def _seen(self, view: View) -> np.ndarray:
        """The numbers of a view over the simulator's memory."""
        place = self.place(view)
        return place.seen(np.asarray(getattr(place.argument, "_ary", place.argument)))


def asked(plan: Whole) -> list[Asked]:
    """The kernels of a plan."""
    return [
        Asked(how.code.text(), tuple(kind_of(word) for word in how.words), how.threads)
        for _, each in every_call(plan.calls)
        for call in ([each] if each.body is None else [each.body.ahead])
        if call is not None and not isinstance(call.code, (Fallback, Gemm))
        for how in (launched(call),)
    ]


def kind_of(word: Any) -> str:
    """What an argument is: the dtype of a number, or of a flat array with a star behind it."""
    return word.dtype + "*" * word.is_array if isinstance(word, Argument) else "int32*"


def _poison(array: np.ndarray) -> None:
    from ...kernels.cuda.simulator import poison

    poison(array)
