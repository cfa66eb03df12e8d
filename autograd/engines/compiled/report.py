"""A plan of this engine as a report: calls become instructions that name the nodes, the arrays and the reasons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ...kernels.loops import Apply
from ...language import N_
from ...node import Leaf
from ...phases import Phases
from ...reason import Reason
from ...report import Array, Instruction, Operation, PlanReport, Update, numbered
from .calls import Body, Buffer, Call, Fallback, View, every_call
from .planning.memory import arranged
from .planning.whole import Whole

ENGINE = "numba"
IN_CACHE = (
    N_("one op done on its rows while they are in the cache"),
    N_("{count} ops done on its rows while they are in the cache"),
)
"""Why one op, or several, ride on a kernel."""


def report(
    plan: Whole, inputs: Sequence[Leaf] = (), names: Sequence[str | None] | None = None,
    riding: tuple[str, str] = IN_CACHE,
) -> PlanReport:  # fmt: skip
    """What the plan does; nothing is compiled for it. `names` are those of the outputs, when they are not the nodes'
    own; `riding`: see IN_CACHE."""
    offsets, _, size = arranged(plan.calls, plan.mark)
    outputs = numbered([node.name for node in plan.asked] if names is None else names, "result")
    reader = _Reader(plan, offsets, outputs, riding)
    return PlanReport(
        engine=ENGINE,
        instructions=tuple(reader.instruction(call, str(at)) for at, call in enumerate(plan.calls, 1)),
        inputs=tuple(str(leaf.name) for leaf in inputs),
        outputs=outputs,
        updates=_updates(plan),
        memory=size,
        values=plan.all_values(),
        leaves=tuple(inputs),
        details=_Details(plan),
    )


class _Reader:
    """Turns calls into instructions; buffers are numbered as they are met."""

    def __init__(
        self, plan: Whole, offsets: Mapping[Buffer, int], outputs: Sequence[str], riding: tuple[str, str] = IN_CACHE
    ) -> None:
        self.offsets, self.riding = offsets, riding
        self.numbers: dict[Buffer, int] = {}
        self.results = {view.buffer: name for view, name in zip(plan.results, outputs)}
        self.phases = Phases(plan.outputs, plan.updates)

    def instruction(self, call: Call, number: str, inside: tuple[Body, ...] = ()) -> Instruction:
        """One call with its epilogues, and all that is done in it; `inside` are the loops around it."""
        reads: list[Array] = []
        writes: list[Array] = []
        places: dict[Any, str] = {}
        for part in call.parts:
            # What the kernel hands to its epilogue is written by this instruction, not read.
            own = {array.buffer for array in writes}
            reads += [array for view in part.reads if (array := self._array(view)).buffer not in own]
            for view in part.reads:
                places.setdefault(self._start(view, inside), self._array(view).name)
            writes += [
                replace(self._array(view), over=places.get(self._start(view, inside), "")) for view in part.writes
            ]
        deeper = () if call.body is None else (*inside, call.body)
        body = [] if call.body is None else call.body.calls
        nodes = dict.fromkeys(node for part in call.parts for node in part.nodes)
        return Instruction(
            number=number,
            kernel=kernel_of(call),
            operations=tuple(Operation.of(node, self.phases.factors(node)) for node in nodes),
            reads=tuple(reads),
            writes=tuple(writes),
            rows=call.rows,
            chunks=max(1, -(-call.rows // call.chunk)) if call.chunk else 1,
            flops=sum(part.flops for part in call.parts),
            why=_why(call, self.riding),
            fallback=isinstance(call.code, Fallback),
            times=call.body.length if call.body is not None else 1,
            phase=self.phases.of(nodes),
            body=tuple(self.instruction(each, f"{number}.{at}", deeper) for at, each in enumerate(body, 1)),
        )

    def _array(self, view: View) -> Array:
        buffer, moves = view.buffer, False
        while buffer.role == "moving":
            buffer, moves = buffer.owner[0].buffer, True
        number = self.numbers.setdefault(buffer, len(self.numbers) + 1)
        name, role = self._said(buffer, number)
        taken = min(view.bytes, view.buffer.bytes)
        # A leaf is known by its own shape, however its numbers are gone through.
        shape = tuple(map(int, buffer.owner.shape)) if isinstance(buffer.owner, Leaf) and not moves else view.shape
        return Array(number, name, role, shape, view.dtype.name, taken, moves=moves)

    def _said(self, buffer: Buffer, number: int) -> tuple[str, str]:
        """Name and role of a buffer."""
        if buffer in self.results:
            return self.results[buffer], "result"
        if buffer.role == "leaf":
            return str(buffer.owner.name or buffer.owner.role), buffer.owner.role
        if buffer.role == "constant":
            value = buffer.owner.value if isinstance(buffer.owner, Leaf) else buffer.owner
            return constant_text(np.asarray(value)), "constant"
        return f"b{number}", "value"

    def _start(self, view: View, inside: tuple[Body, ...]) -> tuple[Any, int]:
        """Where a view begins: the memory it is in, and how many bytes from its start."""
        buffer, extra = view.buffer, view.offset * view.dtype.itemsize
        while buffer.role == "moving":
            # Its offset is counted from the start of the whole already.
            buffer = buffer.owner[0].buffer
        for body in reversed(inside):
            if buffer in body.offsets:
                return body, body.offsets[buffer] + extra
        return (self, self.offsets[buffer] + extra) if buffer in self.offsets else (buffer, extra)


def kernel_of(call: Call) -> str:
    """What computes a call, in a word or two."""
    if call.body is not None:
        return "repeat"
    if call.loops is None:
        return str(call.code.name)
    if not call.loops.reads:
        return "fill"
    if all(isinstance(step, Apply) and step.word == "cast" for step in call.loops.steps):
        return "copy"
    return "fused loop" if len(call.nodes) > 1 else "loop"


def _why(call: Call, riding: tuple[str, str]) -> str:
    """Why there is such a call, and why it has epilogues."""
    count = len({node for part in call.finishing for node in part.nodes})
    if not count or not call.finish:
        return call.why
    one, several = riding
    done = one if count == 1 else Reason(several, count=count)
    return Reason(N_("{why}; {done}"), why=call.why, done=done) if call.why else done


def constant_text(value: np.ndarray) -> str:
    """A number as it is; of an array the first numbers and the last, or the number that stands everywhere in it.

    >>> constant_text(np.array(0.1)), constant_text(np.arange(10)), constant_text(np.zeros((2, 2)))
    ('0.1', '[0, 1, …, 9]', '0')
    """
    numbers = value.reshape(-1)
    if not numbers.size:
        return "[]"
    if (numbers == numbers[0]).all():
        return _number(numbers[0])
    shown = [_number(each) for each in (numbers if numbers.size <= 3 else [*numbers[:2], numbers[-1]])]
    return f"[{', '.join(shown)}]" if numbers.size <= 3 else f"[{shown[0]}, {shown[1]}, …, {shown[2]}]"


def _number(number: np.generic) -> str:
    return f"{number:.6g}" if number.dtype.kind == "f" else str(number.item())


def _updates(plan: Whole) -> tuple[Update, ...]:
    writers: dict[Buffer, list[tuple[str, Call]]] = {}
    for number, call in every_call(plan.calls):
        for part in call.parts:
            for view in part.writes:
                writers.setdefault(view.buffer, []).append((number, part))
    found = []
    for leaf, new in plan.updates.items():
        by = writers.get(plan.leaves[leaf]) if leaf in plan.leaves else None
        if not by:
            # A leaf that keeps its value is written by nobody.
            found.append(Update(str(leaf.name), "", True))
            continue
        number, call = by[0]
        found.append(Update(str(leaf.name), number, new in call.nodes and kernel_of(call) != "copy"))
    return tuple(found)


class _Details:
    """Code and times of a plan's calls."""

    def __init__(self, plan: Whole) -> None:
        self.plan = plan

    def source(self, number: str, form: str) -> str:
        """See Details."""
        from .sources import source

        return source(dict(every_call(self.plan.calls))[number], form)

    def seconds(self, values: Mapping[Leaf, Any], repeat: int) -> dict[str, float]:
        """See Details."""
        from .running.timing import seconds

        return seconds(self.plan, values, repeat)
