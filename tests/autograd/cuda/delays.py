"""Threads of the simulator that come late, each to statements of its own in the middle of a kernel: who takes what another may
already have written over, or may not have written yet, then takes a wrong number."""

from __future__ import annotations

import ast
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import sleep
from typing import Any
from unittest import mock

from nngraph.autograd.kernels.cuda import simulator as simulated
from nngraph.autograd.kernels.cuda.device import simulator

OFTEN, LONG = 0.03, 3e-3
"""To how many of its statements a thread comes late, and by how many seconds at most: others do a hundred statements
meanwhile."""


@contextmanager
def delays(seed: int, often: float = OFTEN, long: float = LONG) -> Iterator[None]:
    """Threads come late in kernels that are made within; `seed` says which of them, and to which statements."""
    function = simulated.function

    def late() -> None:
        thread: Any = threading.current_thread()
        if not hasattr(thread, "chance"):
            thread.chance = random.Random(f"{seed} {thread.blockIdx} {thread.thread_id}")
        if thread.chance.random() < often:
            sleep(long * thread.chance.random())

    def slow(text: str, known: dict[str, Any]) -> Callable[..., Any]:
        return function(with_calls(text, "come_late"), known | {"come_late": late})

    with mock.patch.object(simulated, "function", slow), mock.patch.object(simulator(), "_kernels", {}):
        yield


def with_calls(text: str, name: str) -> str:
    """A text that calls a function before each of its statements."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        for field in ("body", "orelse"):
            if not isinstance(node, ast.Module) and isinstance(body := getattr(node, field, None), list):
                setattr(node, field, [each for line in body for each in (ast.parse(f"{name}()").body[0], line)])
    return ast.unparse(tree)
