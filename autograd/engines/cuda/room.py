"""What is said when a plan does not fit into a GPU's memory: also how large a batch would."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ...errors import OutOfDeviceMemory
from ...language import N_
from ...sizes import Size, resized
from ..compiled.planned import planned
from ..compiled.planning.memory import arranged
from .memory import may_stop, room
from .target import target_of

if TYPE_CHECKING:
    from ...executable import Executable


def advised(error: OutOfDeviceMemory, executable: Executable, shapes: Sequence[tuple[int, ...]]) -> OutOfDeviceMemory:
    """The error for inputs of these shapes, with the largest batch that fits, where the size of the batch has a name."""
    names = [
        size.text
        for leaf in executable.inputs
        for size in leaf.shape[:1]
        if isinstance(size, Size) and size.parts is None and size >= 2
    ]
    if error.free is None or not names:
        return error
    found = _largest(executable, shapes, names[0], error.free)
    sentence = (
        N_("{asked} of the GPU's memory are needed, and {free} are free; a batch of {count} would fit")
        if found
        else N_("{asked} of the GPU's memory are needed, and {free} are free; not even a batch of one row would fit")
    )
    better = OutOfDeviceMemory(sentence, **error.fields, count=found)
    better.asked, better.free = error.asked, error.free
    return better


def _largest(executable: Executable, shapes: Sequence[tuple[int, ...]], name: str, free: int) -> int:
    """The largest size of that name for which a plan fits; 0 where none does. Plans are made, and nothing else."""
    sizes = {
        size.text: actual
        for leaf, shape in zip(executable.inputs, shapes)
        for size, actual in zip(leaf.shape, shape)
        if isinstance(size, Size) and size.parts is None
    }
    count, target = len(executable.outputs), target_of(executable.engine)

    def fits(batch: int) -> bool:
        asked = {**sizes, name: batch}
        _, nodes = executable.for_shapes(
            tuple(tuple(resized(size, asked) for size in leaf.shape) for leaf in executable.inputs)
        )
        plan = planned(nodes[:count], dict(zip(executable.updates, nodes[count:])), target)
        return room(plan, arranged(plan.calls, plan.mark)[2], executable.updates, may_stop(plan)) <= free

    # The largest that is known to fit, and the smallest that is known not to.
    fitting, too_large = 0, sizes[name]
    while too_large - fitting > 1:
        middle = (fitting + too_large) // 2
        if fits(middle):
            fitting = middle
        else:
            too_large = middle
    return fitting
