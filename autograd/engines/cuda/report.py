"""A plan for a GPU as a report: the instructions are those of any plan; their code and their times are the GPU's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import prod
from typing import Any

from ...errors import NngraphError, ParameterError
from ...kernels.cuda.device import Device, gpu, simulator
from ...kernels.cuda.gemm import Gemm
from ...language import N_
from ...node import Leaf, Node
from ...report import Instruction, PlanReport
from ..compiled import report as compiled
from ..compiled.calls import Call, Fallback, every_call
from ..compiled.planned import planned
from ..compiled.planning.whole import Whole
from ..numpy_report import source_of
from .binding import kind_of
from .launch import launched
from .target import Gpu, target_of

IN_REGISTERS = (
    N_("one op done on its numbers while they are in registers"),
    N_("{count} ops done on its numbers while they are in registers"),
)
"""Why one op, or several, ride on a kernel."""
TIMES = 20
"""So often a call is launched, as one, for one measurement."""


def report(
    plan: Whole, inputs: Sequence[Leaf], names: Sequence[str | None], device: Device | None = None
) -> PlanReport:  # fmt: skip
    """What the plan does; nothing is compiled for it. `names` are those of the outputs. Without a device one is looked for
    when it is asked for what only a device can say."""
    target = plan.target
    assert isinstance(target, Gpu)
    found = compiled.report(plan, inputs, names, IN_REGISTERS)
    calls = dict(every_call(plan.calls))
    instructions = tuple(_on_gpu(each, calls) for each in found.instructions)
    return replace(found, engine=target.engine, instructions=instructions, details=Details(plan, device))


def _on_gpu(instruction: Instruction, calls: Mapping[str, Call]) -> Instruction:
    """The same, with how many blocks of how many threads it is launched with."""
    call = calls[instruction.number]
    if call.body is not None:
        return replace(instruction, body=tuple(_on_gpu(each, calls) for each in instruction.body))
    if isinstance(call.code, (Fallback, Gemm)):
        return instruction  # NumPy is no kernel, and a library launches what it likes
    how = launched(call)
    return replace(instruction, blocks=prod(how.grid), threads=how.threads)


def report_of(
    engine: str, outputs: Sequence[Node], updates: Mapping[Leaf, Node], inputs: Sequence[Leaf],
    names: Sequence[str | None],
) -> PlanReport:  # fmt: skip
    """What this engine would do, found without memory, kernels and a GPU."""
    return report(planned(outputs, updates, target_of(engine)), inputs, names)


class Details:
    """Code and times of a plan's calls on a GPU."""

    def __init__(self, plan: Whole, device: Device | None) -> None:
        self.plan, self._device = plan, device

    @property
    def device(self) -> Device:
        """Where it runs; NoDevice where there is none."""
        if self._device is None:
            target = self.plan.target
            assert isinstance(target, Gpu)
            self._device = simulator() if target.simulated else gpu()
        return self._device

    def source(self, number: str, form: str) -> str:
        """See Details: the kernel as numba.cuda is given it, or, as assembly, the PTX that it writes."""
        call = dict(every_call(self.plan.calls))[number]
        if isinstance(call.code, Fallback):
            return source_of(call.code.node.op, call.code.node)
        if call.body is not None:
            return "# the instructions inside, once for every turn\n"
        if form == "llvm":
            raise ParameterError(N_('kernels of a GPU go from Python to PTX, which form="assembly" shows'))
        if isinstance(call.code, Gemm):
            return call.code.text()
        how = launched(call)
        if form == "source":
            return f"# {_lay(call)}\n{how.code.text()}"
        if self.device.simulated:
            raise NngraphError(N_("numba's simulator makes no machine code"))
        from ...kernels.cuda.ptx import Source

        kinds = tuple(kind_of(word) for word in how.words)
        return Source(how.code.text(), kinds, self.device.arch, how.threads).ptx().decode()  # type: ignore[attr-defined]

    def seconds(self, values: Mapping[Leaf, Any], repeat: int) -> dict[str, float]:
        """See Details. Another program of the same nodes is run, call by call, and each is launched again and again where it
        stands; what changes its own operand in place works on what it has made."""
        if self.device.simulated:
            raise NngraphError(N_("numba's simulator says nothing of how long a GPU takes"))
        from .program import CudaProgram

        program = CudaProgram(self.plan.asked, dict(zip(self.plan.updates, self.plan.asked_updates)), self.device, self.plan.target)
        found: dict[str, float] = {}

        def run() -> dict[str, float]:
            for number, launches in program.binding.launches():
                found[number] = self._least(launches, repeat)
            return found

        return program.guarded(tuple(values), list(values.values()), run)

    def _least(self, launches: Any, repeat: int) -> float:
        """The least time of the launches of one call, in seconds."""
        device = self.device
        if isinstance(launches, Call):
            raise NngraphError(N_("what numpy does in the middle of a program on a GPU is not measured"))
        device.run(launches)
        many = device.captured(list(launches) * TIMES)
        return min(device.elapsed(many, 1) for _ in range(repeat)) / TIMES / 1e3


def _lay(call: Call) -> str:
    how = launched(call)
    return f"{' × '.join(str(each) for each in how.grid)} blocks of {how.threads} threads"
