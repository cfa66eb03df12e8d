"""A plan with addresses: the flat program that the interpreter runs, and the memory it runs in."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from ....errors import NngraphError
from ....kernels.layout import KEPT_WORD, ONE_WORD, STATE, STATUS_WORD, ZERO_WORD
from ....node import Leaf, Node
from ....storage import Home, claim, new_lock, settle
from ...numpy import evaluate_all, no_value
from ..calls import STATUS, Buffer, Call, Fallback, View, every_call
from ..planned import planned
from ..planning.memory import ALIGNMENT, arranged
from ..planning.whole import Whole
from . import workers
from .binding import Words
from .code import ENTRY, Code, Place, Result, address
from .leaves import Given, Leaves, plain
from .steps import Steps, Stretch

if TYPE_CHECKING:
    from ....report import PlanReport

Ran = TypeVar("Ran")


class BadData(Exception):
    """A kernel has set the status: it met data that it must not work with."""


class Program:
    """Calls bound to memory. Calling it with leaf values runs them once, stores the updates and gives the outputs."""

    def __init__(self, outputs: Sequence[Node], updates: Mapping[Leaf, Node] | None = None) -> None:
        self.plan = self._planned(outputs, updates)
        self.lock, self._running = new_lock(), False
        self.homes = {leaf: Home(self._memory_of(leaf), self.lock) for leaf in updates or ()}
        """Where the leaves that it updates live while it does."""
        read = {view.buffer for call in self.plan.calls for part in call.parts for view in part.reads}
        self._only_written = {leaf for leaf in self.homes if self.plan.leaves[leaf] not in read}
        self._stamps = dict.fromkeys(self.homes, -1)
        self._steps: Steps | None = None
        self._held: list[np.ndarray] = []
        """Arrays of leaves that the call that is running works with."""
        self._lent: dict[Buffer, np.ndarray] = {}
        self._bind()

    def _planned(self, outputs: Sequence[Node], updates: Mapping[Leaf, Node] | None) -> Whole:
        return planned(outputs, updates)

    def _memory_of(self, leaf: Leaf) -> np.ndarray:
        """Where a leaf lives that the program updates."""
        return np.zeros(tuple(map(int, leaf.shape)), leaf.dtype)

    # Binding --------------------------------------------------------------------------------------------------------
    def _bind(self) -> None:
        """Give every buffer its place, every word its number, and cut the calls where Python has to do something."""
        calls = self.plan.calls
        _check(calls)
        self.offsets, scratch, self.arena_bytes = arranged(calls, self.plan.mark)
        self.memory = np.empty(self.arena_bytes + ALIGNMENT, np.uint8)
        self.base = -(-self.memory.ctypes.data // ALIGNMENT) * ALIGNMENT
        self.status = np.array(STATE, np.int64)
        self._chunks = sum(_chunks(call) for call in calls)
        self._threads = self.plan.threads if self._chunks else 1
        self.arrays: dict[Buffer, np.ndarray] = {}
        for leaf, buffer in self.plan.leaves.items():
            if leaf.role == "constant":
                self.arrays[buffer] = np.ascontiguousarray(leaf._value).reshape(leaf._value.shape)
            elif leaf in self.homes:
                self.arrays[buffer] = self.homes[leaf].array
        self._compile()
        written = Words(self._address, self.status.ctypes.data)
        blocks = [written.block(call, number, scratch, self.base) for number, call in enumerate(calls)]
        self.words, self._patches = written.array(), written.patches
        self._bind_places(memoryview(self.words))
        here = self.words.ctypes.data
        self.pieces: list[Code | Call] = []
        run: list[int] = []
        for call, block in zip(calls, blocks):
            if isinstance(call.code, Fallback):
                if run:
                    self.pieces.append(Code.of(run, self.status))
                self.pieces.append(call)
                run = []
            else:
                kernel, first_word, rows, chunk = written.instruction(call, block)
                run += [kernel, here + 8 * first_word, rows, chunk]
        if run:
            self.pieces.append(Code.of(run, self.status))
        from ....kernels.interpreter import run as interpreter

        self._entry = ENTRY(interpreter("float64").address)
        self._state = memoryview(self.status)
        self.is_native = all(isinstance(piece, Code) for piece in self.pieces)
        """Whether nothing in it has to be done by Python."""
        self._bind_keeping()
        if self._threads > 1:
            workers.prepare()

    def _compile(self) -> None:
        """Have all machine code at hand; what nobody has compiled on this machine yet is compiled at once."""
        from ....kernels.compile_ahead import compile_ahead
        from ....kernels.interpreter import run

        codes = [part.code for _, call in every_call(self.plan.calls) for part in call.parts]
        compile_ahead([run("float64"), *(code for code in codes if not isinstance(code, Fallback))])

    def _bind_places(self, words: memoryview) -> None:
        """What is known only when the program is called: where given leaves lie, and results."""

        def place(buffer: Buffer) -> Place:
            return Place(words, self._patches.get(buffer, ()))

        self.results = [Result(view, place(view.buffer)) for view in self.plan.results]
        self.given = [
            Given(leaf, buffer, place(buffer))
            for leaf, buffer in self.plan.leaves.items()
            if leaf.role != "constant" and leaf not in self.homes
        ]
        self._leaves = Leaves((), self.given, self._stamps)

    def _bind_keeping(self) -> None:
        """Leaves that are changed before the last call that may stop the program are kept aside first, to be put back."""
        calls = self.plan.calls
        last = max((at for at, call in enumerate(calls) if _may_stop(call)), default=-1)
        changed = {view.buffer for call in calls[: last + 1] for part in call.parts for view in part.writes}
        self._kept = {
            leaf: np.empty_like(home.array) for leaf, home in self.homes.items() if self.plan.leaves[leaf] in changed
        }
        self.keeping, self._keeping_blocks = None, []
        if not self._kept:
            return
        from ....kernels.rows import record_row

        here, code = self.status.ctypes.data, []
        copies = [(self.homes[leaf].array, array.ctypes.data) for leaf, array in self._kept.items()]
        for source, target in [*copies, (self.status[ONE_WORD:], here + 8 * KEPT_WORD)]:
            block = np.array([source.ctypes.data, target, source.nbytes, here + 8 * ZERO_WORD, 0], np.int64)
            self._keeping_blocks.append(block)
            code += [record_row("float64").address, block.ctypes.data, 1, 1]
        self.keeping = Code.of(code, self.status)

    def _address(self, buffer: Buffer) -> int | None:
        """Where a buffer lies; None when that is known only when the program is called."""
        if buffer in self.offsets:
            return self.base + self.offsets[buffer]
        if buffer.role == "constant" and isinstance(buffer.owner, np.ndarray):
            return int(buffer.owner.ctypes.data)
        return int(self.arrays[buffer].ctypes.data) if buffer in self.arrays else None

    # Running once -----------------------------------------------------------------------------------------------------
    def __call__(self, values: Mapping[Leaf, Any] | None = None) -> list[Any]:
        """The outputs' values for these values of leaves; the updates are stored."""
        values = values or {}
        return self.run(tuple(values), list(values.values()))

    def run(self, inputs: tuple[Leaf, ...], arrays: Sequence[Any]) -> list[np.ndarray]:
        """The outputs' values, which nobody can write to, for these values of the inputs; the updates are stored.

        Soonest when `inputs` is the very tuple of the last call.
        """
        return self.guarded(inputs, arrays, self._run_once)

    def _run_once(self) -> list[np.ndarray] | None:
        outputs = [result.fresh() for result in self.results]
        return outputs if self.changes(self._run_pieces) else None

    def _complaint(self, values: Mapping[Leaf, Any]) -> NngraphError:
        """What the numpy engine says of data that a kernel refused: it names the op and what is wrong."""
        try:
            evaluate_all([*self.plan.asked, *self.plan.asked_updates], values)
        except NngraphError as error:
            return error
        return NngraphError("a kernel refused data that the numpy engine works with; this is a mistake in nngraph")

    def _run_pieces(self) -> None:
        if self.keeping is not None:
            self._entry(self.keeping.address, 0, 1)
        for piece in self.pieces:
            if type(piece) is Code:
                self.native(piece, 0, 1)
            else:
                self.fall_back(piece)

    def native(self, code: Code, start: int, stop: int) -> None:
        """Run a stretch of instructions for the steps [start, stop)."""
        if self._threads > 1:
            workers.run(self._entry, code, self._state, start, stop, self._threads, self._chunks)
        else:
            self._entry(code.address, start, stop)
        if self._state[STATUS_WORD]:
            raise BadData

    def guarded(self, inputs: tuple[Leaf, ...], arrays: Sequence[Any], run: Callable[[], Ran | None]) -> Ran:
        """What `run` gives, called while the program's lock is held, its words say where all leaves lie, and what it owns
        is as the leaves say. Called again when it gives None, because a leaf has changed meanwhile."""
        leaves = self._leaves
        if leaves.inputs is not inputs:
            leaves = self._leaves_for(inputs)
        news: Mapping[Leaf, tuple[np.ndarray | None, int]] = {}
        while True:
            try:
                with self.lock:
                    if self._running:
                        raise NngraphError(
                            "a compiled graph was called while it was running on the same thread, by a signal handler or a"
                            " finalizer; let that only note what is to be done, and do it after the call"
                        )
                    try:
                        self._running, self._leaves = True, leaves
                        if news:
                            leaves.accept(news, self._move_in)
                        held = leaves.held()
                        if held is not None:
                            self._take(leaves, held, arrays)
                            result = run()
                            if result is not None:
                                return result
                    finally:
                        # The caller's arrays are the caller's again.
                        self._running, self._held, self._lent = False, [], {}
            except BadData:
                # Outside the lock, because the numpy engine waits for programs that other leaves live with.
                raise self._complaint(dict(zip(inputs, arrays))) from None
            # Outside the lock, too, for the same reason.
            news = leaves.news()
            missing = [leaf for leaf, (array, _) in news.items() if array is None and leaf not in self._only_written]
            if missing:
                raise no_value(missing)

    def _leaves_for(self, inputs: tuple[Leaf, ...]) -> Leaves:
        """Its leaves in calls that give these."""
        return Leaves(inputs, self.given, self._stamps)

    def _take(self, leaves: Leaves, held: list[np.ndarray], arrays: Sequence[Any]) -> None:
        """Let the words say where leaves lie. What had to be made plain is added to what is held."""
        for each in leaves.reads:
            if each.place.address != each.address:
                each.place.point(each.address)
        for at, each in leaves.given:
            array = plain(each.leaf, arrays[at], each.shape, each.dtype)
            held.append(array)
            each.place.point(address(array))
        self._held = held

    def _move_in(self, leaf: Leaf, array: np.ndarray | None, moment: int) -> None:
        """Have the home of a leaf hold its value of that moment."""
        if array is not None:
            home = self.homes[leaf].array
            home[...] = plain(leaf, array, home.shape, home.dtype)
        self._stamps[leaf] = moment

    def changes(self, run: Callable[[], None]) -> bool:
        """Run what changes the leaves that live here, all of them or, when it fails, none; False, and nothing is run,
        where one of them has changed since it was read."""
        state = self._state
        state[STATUS_WORD] = 0
        if not self.homes:
            run()
            return True
        state[KEPT_WORD] = 0
        leaves = self._leaves
        moment = claim(self.homes, self._stamps, leaves.moment)
        if moment is None:
            return False
        leaves.moved(moment)
        try:
            run()
        except BaseException:
            if state[KEPT_WORD]:
                for leaf, array in self._kept.items():
                    self.homes[leaf].array[...] = array
            raise
        later = settle(self.homes, moment)
        if later is not None:
            leaves.moved(later)
        return True

    # What numpy does in between -------------------------------------------------------------------------------------------
    def fall_back(self, call: Call) -> None:
        """Have numpy do a call."""
        with np.errstate(all="ignore"):
            result = call.code.function(*[self.array(view) for view in call.reads])
        for view, value in zip(call.writes, result if isinstance(result, tuple) else (result,)):
            self.array(view)[...] = value

    def array(self, view: View) -> np.ndarray:
        """The numbers of a view as an array over the program's memory."""
        size, start = view.dtype.itemsize, view.offset * view.dtype.itemsize
        if view.buffer in self.offsets:
            memory = self.memory
            start += self.base - memory.ctypes.data + self.offsets[view.buffer]
        else:
            memory = self.arrays[view.buffer] if view.buffer in self.arrays else self._of_this_call(view.buffer)
            if not memory.nbytes:
                return np.empty(view.shape, view.dtype)
            memory = memory.reshape(-1).view(np.uint8)
        return np.ndarray(view.shape, view.dtype, memory, start, [stride * size for stride in view.strides])

    def _of_this_call(self, buffer: Buffer) -> np.ndarray:
        """The array that a buffer is during a call: a leaf's or a result's."""
        if not self._lent:
            leaves = self._leaves
            buffers = [each.buffer for each in leaves.reads] + [each.buffer for _, each in leaves.given]
            self._lent = dict(zip(buffers, self._held))
            self._lent |= {view.buffer: result.array for view, result in zip(self.plan.results, self.results)}
        return self._lent[buffer]

    # Running many steps -----------------------------------------------------------------------------------------------------
    def many_steps(
        self, inputs: tuple[Leaf, ...], arrays: Sequence[np.ndarray], batch: int
    ) -> Callable[[np.ndarray | None, int], Iterator[Stretch]] | None:
        """What runs many steps on mini-batches of a data set; see `Steps.run`. None where Python has to do something in
        every step."""
        if not self.is_native:
            return None

        def many(order: np.ndarray | None, count: int) -> Iterator[Stretch]:
            self._steps = self._steps or Steps(self, inputs, arrays, batch)
            return self._steps.run(self, arrays, batch, order, count)

        return many

    # Told -------------------------------------------------------------------------------------------------------------------
    def report(self, inputs: Sequence[Leaf], names: Sequence[str | None]) -> PlanReport:
        """What the program does, to be read; `names` are those of the outputs."""
        from ..report import report

        return report(self.plan, inputs, names)


def _may_stop(call: Call) -> bool:
    """Whether the program may end at this call."""
    inner = call.body.calls if call.body is not None else ()
    return isinstance(call.code, Fallback) or any(word is STATUS for word in call.words) or any(map(_may_stop, inner))


def _check(calls: Sequence[Call]) -> None:
    """NngraphError when a call, also one inside loops, would reach outside a buffer, at the first step or at the last."""
    waiting, turns = list(calls), dict[Buffer, int]()
    while waiting:
        call = waiting.pop()
        for view in [each for part in call.parts for each in (*part.reads, *part.writes)]:
            for moved in _extremes(view, turns):
                View(view.buffer, view.dtype, view.shape, view.strides, view.offset + moved).check()
        if call.body is not None:
            turns |= dict.fromkeys(call.body.moving, call.body.length)
            waiting += call.body.calls


def _extremes(view: View, turns: Mapping[Buffer, int]) -> tuple[int, int]:
    """How many numbers a view is moved back and forward at most, by all loops around it."""
    low = high = 0
    buffer = view.buffer
    while buffer.role == "moving":
        if buffer not in turns:
            raise NngraphError("a plan would use a piece of an array outside the loop that goes through the pieces")
        outer, stride = buffer.owner
        reach = (turns[buffer] - 1) * stride // view.dtype.itemsize
        low, high, buffer = low + min(reach, 0), high + max(reach, 0), outer.buffer
    return low, high


def _chunks(call: Call) -> int:
    """How much work there is for several threads, in chunks that are worth one; large ones count as many."""
    if call.body is not None:
        return call.body.length * sum(map(_chunks, call.body.calls))
    return max(-(-call.rows // call.chunk), call.flops >> 20) if call.rows > call.chunk else 0
