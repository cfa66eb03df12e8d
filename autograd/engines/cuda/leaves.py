"""How a program on a GPU comes by the values of its leaves: what another program has on the same GPU does not go through the
processor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ...node import Leaf
from ...storage import Clock, Home, at_one_moment
from ..compiled.running.leaves import Given, Leaves, plain
from .memory import DeviceArray

if TYPE_CHECKING:
    from .program import CudaProgram


class DeviceLeaves(Leaves):
    """See Leaves. Values that are read are on the GPU, in the program's own arrays; `program.sent` says of which moment."""

    def __init__(self, program: CudaProgram, inputs: tuple[Leaf, ...], given: Sequence[Given]) -> None:
        super().__init__(inputs, given, program._stamps)
        self.program = program

    def held(self) -> list[np.ndarray] | None:
        """See Leaves. Nothing of the processor has to stay alive."""
        now, sent = Clock.now, self.program.sent
        for each in self.reads:
            if sent.get(each.leaf) != each.leaf._stamp:
                return None
        if now != self.moment:
            for leaf, stamp in self.stamps.items():
                if leaf._stamp != stamp:
                    return None
            self.moment = now
        return []

    def news(self) -> dict[Leaf, tuple[np.ndarray | None, int]]:
        """See Leaves. What lives on this GPU is copied there at once, and is none of the news."""
        program = self.program
        homes = [leaf for leaf, stamp in self.stamps.items() if leaf._stamp != stamp]
        reads = {each.leaf: each for each in self.reads if program.sent.get(each.leaf) != each.leaf._stamp}

        def take() -> dict[Leaf, tuple[np.ndarray | None, int]]:
            found: dict[Leaf, tuple[np.ndarray | None, int]] = {}
            for leaf in (*homes, *reads):
                home = leaf._home
                if home is None:
                    found[leaf] = leaf._value, leaf._stamp
                elif leaf in reads:
                    program.arrays[reads[leaf].buffer].take(home.array)
                    program.arrived(leaf, leaf._stamp)
                else:
                    program.homes[leaf].array.take(home.array)  # type: ignore[arg-type]
                    self.stamps[leaf] = leaf._stamp
            return found

        # The program's own lock too: nobody else may use the arrays that are written.
        return at_one_moment([*homes, *reads], take, self._is_here, [program.lock])

    def _is_here(self, home: Home) -> bool:
        return isinstance(home.array, DeviceArray) and home.array.device is self.program.device

    def _read(self, each: Given, value: Any, moment: int) -> None:
        self.program.arrays[each.buffer][...] = plain(each.leaf, value, each.shape, each.dtype)
        self.program.arrived(each.leaf, moment)
