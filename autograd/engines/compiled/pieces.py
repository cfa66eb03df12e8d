"""All the machine code that the kernels and some training steps need: what `nngraph warmup` compiles ahead."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ...node import Leaf, Node
from .calls import Fallback, every_call
from .planning.plan import Plan

Step = tuple[str, Sequence[Node], Mapping[Leaf, Node]]
"""Name, outputs and updates."""


def pieces(steps: Iterable[Step]) -> dict[str, tuple[str, Any]]:
    """Key -> what it is called and the code: every kernel, and every loop of the steps. Nothing is compiled yet."""
    from ...kernels.kernel import all_kernels

    found = {code.key: (name, code) for name, code in all_kernels().items()}
    for name, outputs, updates in steps:
        for number, call in every_call(Plan(outputs, updates).calls):
            for part in call.parts:
                if not isinstance(part.code, Fallback):
                    found.setdefault(part.code.key, (f"{name} {number}", part.code))
    return found
