"""One peer in a process of its own: reads one JSON request a line, answers one JSON line. Started by run.py.

It holds any number of built workloads, so that rounds can go from one to the next and back.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import sys
import time
import traceback
from typing import Any

import ceilings
from workloads import Implementation, all_workloads, arrays_of, library_of, peer_of

TINY_STEPS = 5
PYTHON_PACKAGES = {"scikit-learn": "sklearn.neural_network", "micrograd": "micrograd.engine"}


def stay_on(cores: int) -> None:
    """Keep the process on so many cores, where the system can: jax has no other way to be given one thread."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-cores:])


def import_peer(peer: str, threads: int) -> None:
    """Import what the peer needs and wake its backend up, so that neither counts as its first step."""
    library = library_of(peer)
    if library in PYTHON_PACKAGES:
        importlib.import_module(PYTHON_PACKAGES[library])
        return
    importlib.import_module(f"workloads.with_{library}")
    if library == "torch":
        import torch

        torch.set_num_threads(threads)
        # The first optimizer of a process imports a compiler.
        torch.optim.Adam([torch.zeros(1, requires_grad=True)]).step()
    elif library == "jax":
        import jax

        jax.block_until_ready(jax.numpy.zeros(1) + 1)


class Memory:
    """What this process holds and has held; the peak can be begun anew on Linux only."""

    @staticmethod
    def peak() -> int:
        import resource

        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit

    @staticmethod
    def start_again() -> None:
        """Give unused memory back and forget the peak."""
        import ctypes

        gc.collect()
        try:
            ctypes.CDLL(None).malloc_trim(0)
            with open("/proc/self/clear_refs", "w") as file:
                file.write("5")
        except (AttributeError, OSError):
            pass


class Worker:
    """Answers one request at a time; every public method is one kind of request."""

    def __init__(self, peer: str, threads: int, tiny: bool) -> None:
        self.peer, self.threads, self.tiny = peer, threads, tiny
        self.built: dict[str, Implementation] = {}
        self.steps: dict[str, int] = {}
        self.moves: ceilings.Moves | None = None

    def warmup(self) -> dict[str, Any]:
        """Compile what `nngraph warmup` compiles."""
        from nngraph.cli.app import run

        code = run(["warmup"])
        return {"error": f"nngraph warmup ended with {code}"} if code else {}

    def build(self, workload: str, variant: str) -> dict[str, Any]:
        row = all_workloads()[workload]
        arrays = arrays_of(row, self.tiny)
        self.built[variant] = row.builders[variant](arrays)
        self.steps[variant] = min(row.steps, TINY_STEPS) if self.tiny else row.steps
        counts = {"operations": row.operations, "traffic": row.traffic}
        return {what: count(arrays) for what, count in counts.items() if count}

    def check(self, variant: str) -> dict[str, Any]:
        """The loss after 1 step and after 10: what the second and the eleventh forward pass give."""
        return {"losses": losses(self.built[variant])}

    def about(self, variant: str) -> dict[str, Any]:
        """What an implementation of ours says of itself: the instructions of its plan, the parts of its time."""
        implementation, found = self.built[variant], {}
        executable = getattr(implementation, "executable", None)
        if executable is not None:
            found["instructions"] = len(list(executable.plan.all()))
        if hasattr(implementation, "parts"):
            found["parts"] = implementation.parts()
        return found

    def time(self, variant: str, least: float) -> dict[str, Any]:
        """Seconds of one step, over as many calls from the first weights as fill the least time; and the processors
        that were at work meanwhile."""
        if variant not in self.built:
            raise RuntimeError("its process ended in an earlier round, and with it what was built")
        implementation, length = self.built[variant], self.steps[variant]
        steps, wall, used = 0, 0.0, 0.0
        while not steps or wall < least:
            implementation.reset()
            used_before, before = time.process_time(), time.perf_counter()
            implementation.run(length)
            wall += time.perf_counter() - before
            used += time.process_time() - used_before
            steps += length * getattr(implementation, "units", 1)
        return {"value": wall / steps, "processors": used / wall}

    def drop(self) -> dict[str, Any]:
        """Forget all that was built."""
        self.built.clear()
        self.moves = None
        gc.collect()
        return {}

    def ceiling(self, of: str) -> dict[str, Any]:
        """The machine's own speed at this moment: float32 multiplications and additions a second for `operations`, bytes
        a second for `traffic`, with numpy's share of them as `numpy`."""
        if of == "operations":
            return {"value": ceilings.multiply_adds(self.threads, *([1000] if self.tiny else []))}
        self.moves = self.moves or ceilings.Moves(self.threads, *([10_000] if self.tiny else []))
        by_numpy = self.moves.numpy()
        return {"value": max(self.moves.copied(), by_numpy), "numpy": by_numpy}

    def first(self, workload: str, variant: str, turn: int) -> dict[str, Any]:
        """Seconds from arrays to the loss of a first step; only sensible in a fresh process."""
        row = all_workloads()[workload]
        arrays = arrays_of(row, self.tiny, turn)
        import_peer(peer_of(variant), self.threads)
        before = time.perf_counter()
        loss = row.builders[variant](arrays).run(1)
        return {"value": time.perf_counter() - before, "losses": [loss]}

    cold = first
    """With a cache of compiled kernels that is empty; who starts the process sees to that."""

    def memory(self, workload: str, variant: str, turn: int) -> dict[str, Any]:
        """Bytes at the peak of a few steps, above what was held after a toy; compiling is over by then."""
        row = all_workloads()[workload]
        arrays = arrays_of(row, self.tiny)
        import_peer(peer_of(variant), self.threads)
        # The same in a toy size first: the pages of a library's own code are no memory of the step.
        row.builders[variant](arrays_of(row, True)).run(2)
        Memory.start_again()
        before = Memory.peak()
        implementation = row.builders[variant](arrays)
        implementation.run(2)
        Memory.start_again()
        loss = implementation.run(3)
        return {"value": Memory.peak() - before, "losses": [loss]}

    def bytes(self, workload: str, variant: str, turn: int) -> dict[str, Any]:
        """What the workload itself measures."""
        row = all_workloads()[workload]
        return {"value": row.builders[variant](arrays_of(row, self.tiny)).measure(), "losses": []}  # type: ignore[attr-defined]


def losses(implementation: Implementation) -> list[float]:
    """What peers are compared by: the losses after 1 and 10 steps, or an implementation's own numbers."""
    implementation.reset()
    if hasattr(implementation, "check"):
        return [float(number) for number in implementation.check()]
    implementation.run(1)
    after_one = implementation.run(1)
    implementation.run(8)
    return [after_one, implementation.run(1)]


def main(peer: str, threads: str, tiny: str = "") -> None:
    """Answer until the pipe is closed. What a library prints goes to standard error, not between the answers."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    stay_on(int(threads))
    worker = Worker(peer, int(threads), bool(tiny))
    for line in sys.stdin:
        request = json.loads(line)
        what = request.pop("do")
        try:
            if what == "build":
                import_peer(peer, int(threads))
            answer = getattr(worker, what)(**request)
        except Exception as error:
            traceback.print_exc()
            answer = {"error": f"{type(error).__name__}: {error}".splitlines()[0][:200]}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
