"""The measuring itself: peers in processes of their own, compared first and then timed in turn, round after round."""

from __future__ import annotations

import json
import math
import os
import select
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from workloads import OURS, Workload, library_of, peer_of

TOLERANCE = 1e-4
LEAST = 0.1
"""Seconds that one sample takes at least."""
PATIENCE = 900
"""Seconds after which a peer that does not answer is given up."""

Record = dict[str, Any]
"""One variant in one workload: workload, variant, threads, samples, processors, losses, error, load."""


class Peer:
    """A living worker process and the pipe to it."""

    def __init__(self, peer: str, threads: int, tiny: bool = False) -> None:
        number = str(threads)
        environment = os.environ | {
            **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NNGRAPH_THREADS"), number),
            # A compiler's cache would make the first step of a new model that of an old one.
            "TORCHINDUCTOR_FORCE_DISABLE_CACHES": "1", "JAX_PLATFORMS": "cpu",
        }  # fmt: skip
        self.noise = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("worker.py")), peer, number, *(["tiny"] if tiny else [])],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.noise, text=True, env=environment,
        )  # fmt: skip

    def ask(self, what: str, **more: Any) -> dict[str, Any]:
        """The answer, or {"error": why there is none}."""
        assert self.process.stdin is not None and self.process.stdout is not None
        try:
            self.process.stdin.write(json.dumps({"do": what, **more}) + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            return {"error": self._last_words()}
        if sys.platform != "win32" and not select.select([self.process.stdout], [], [], PATIENCE)[0]:
            self.process.kill()
            return {"error": f"no answer within {PATIENCE} seconds"}
        line = self.process.stdout.readline()
        return json.loads(line) if line else {"error": self._last_words()}

    def _last_words(self) -> str:
        code = self.process.wait()
        self.noise.seek(0)
        lines = self.noise.read().decode(errors="replace").strip().splitlines()
        return (lines[-1][:200] if lines else "") or f"the process ended with {code}"

    def stop(self) -> None:
        """Close the pipe, which ends the process; kill it if it does not hear."""
        assert self.process.stdin is not None and self.process.stdout is not None
        try:
            self.process.stdin.close()
            self.process.wait(10)
        except (BrokenPipeError, subprocess.TimeoutExpired):
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        self.noise.close()


class Peers:
    """Workers by name, started when first asked and replaced when dead; to be used in a `with` block."""

    def __init__(self, threads: int, tiny: bool = False) -> None:
        self.threads, self.tiny = threads, tiny
        self.living: dict[str, Peer] = {}

    def __enter__(self) -> Peers:
        return self

    def __exit__(self, *error: object) -> None:
        for peer in self.living.values():
            peer.stop()

    def of(self, variant: str) -> Peer:
        name = peer_of(variant)
        peer = self.living.get(name)
        if peer is None or peer.process.poll() is not None:
            peer = self.living[name] = Peer(name, self.threads, self.tiny)
        return peer

    def fresh(self, whose: str, what: str, **more: Any) -> dict[str, Any]:
        """The answer of a process that does nothing else."""
        peer = Peer(peer_of(whose), self.threads, self.tiny)
        try:
            return peer.ask(what, **more)
        finally:
            peer.stop()


def measure(
    workload: Workload, peers: Peers, wanted: Sequence[str], rounds: int, say: Callable[[str], None]
) -> list[Record]:
    """A record for every wanted variant; times only of those whose losses agree."""
    records = [
        Record(
            workload=workload.name, variant=variant, threads=peers.threads, samples=[], processors=[], losses=[],
            error=None, load=0.0,
        )
        for variant in workload.builders
        if library_of(variant) in wanted
    ]  # fmt: skip
    if workload.kind == "time":
        _in_turn(workload, peers, records, rounds, say)
    else:
        _freshly(workload, peers, records, rounds, say)
    return records


def _in_turn(workload: Workload, peers: Peers, records: list[Record], rounds: int, say: Callable[[str], None]) -> None:
    for record in records:
        say(f"{workload.name}, {peers.threads} thread{'s' * (peers.threads > 1)}: {record['variant']} is built")
        peer, variant = peers.of(record["variant"]), record["variant"]
        record |= peer.ask("build", workload=workload.name, variant=variant)
        if not record["error"]:
            record |= peer.ask("check", variant=variant)
    compare(workload, records)
    good = [record for record in records if not record["error"]]
    for record in good:
        # Once for nothing: caches fill, and what is compiled at first use is compiled.
        record |= {key: value for key, value in _timed(peers, record, 0.0).items() if key == "error"}
    loads = []
    for turn in range(rounds):
        say(f"{workload.name}, {peers.threads} thread{'s' * (peers.threads > 1)}: round {turn + 1} of {rounds}")
        for record in _rotated(good, turn):
            if record["error"]:
                continue
            answer = _timed(peers, record, LEAST)
            if "error" in answer:
                record["error"] = answer["error"]
            else:
                record["samples"].append(answer["value"])
                record["processors"].append(answer["processors"])
                if workload.traffic and peer_of(record["variant"]) == OURS:
                    record.setdefault("bandwidths", []).append(peers.of(OURS).ask("bandwidth")["value"])
        loads.append(load())
    for record in records:
        record["load"] = statistics.median(loads) if loads else 0.0
        if record["error"]:
            record["samples"], record["processors"] = [], []
    for peer in peers.living.values():
        if peer.process.poll() is None:
            peer.ask("drop")


def _timed(peers: Peers, record: Record, least: float) -> dict[str, Any]:
    return peers.of(record["variant"]).ask("time", variant=record["variant"], least=least)


def _rotated(records: list[Record], turn: int) -> Iterator[Record]:
    """Every round begins with another peer, so that nobody always follows the same one."""
    for at in range(len(records)):
        yield records[(at + turn) % len(records)]


def _freshly(workload: Workload, peers: Peers, records: list[Record], rounds: int, say: Callable[[str], None]) -> None:
    """A process for every sample. The first run of nngraph fills its cache of compiled kernels and does not count."""
    for turn in range(-1, rounds):
        for record in _rotated(records, max(turn, 0)):
            if record["error"] or (turn < 0 and peer_of(record["variant"]) != OURS):
                continue
            say(f"{workload.name}: {record['variant']}, round {turn + 1} of {rounds}")
            # Compiling takes long and says little more the third time.
            if record["variant"].startswith("torch.") and turn >= 3:
                continue
            variant = record["variant"]
            answer = peers.fresh(variant, workload.kind, workload=workload.name, variant=variant, turn=turn + 1)
            if "error" in answer:
                record["error"] = answer["error"]
            elif turn >= 0:
                record["samples"].append(answer["value"])
                record["losses"] = record["losses"] or answer["losses"]
    compare(workload, records)
    for record in records:
        record["load"] = load()
        if record["error"]:
            record["samples"] = []


def compare(workload: Workload, records: Sequence[Record]) -> None:
    """Peers whose losses leave the median of all by more than the tolerance get an error instead of a time."""
    judged = [
        record for record in records if not record["error"] and peer_of(record["variant"]) not in workload.incomparable
    ]
    for record in judged:
        if not all(map(math.isfinite, record["losses"])):
            record["error"] = f"its loss is not a number: {record['losses']}"
    judged = [record for record in judged if not record["error"]]
    if not judged:
        return
    middle = [statistics.median(values) for values in zip(*(record["losses"] for record in judged))]
    for record in judged:
        gap = max(
            (abs(mine - common) / max(1.0, abs(common)) for mine, common in zip(record["losses"], middle)), default=0.0
        )
        record["gap"] = gap
        if gap > TOLERANCE:
            record["error"] = f"its losses {record['losses']} are {gap:.1e} away from the others' {middle}"


def load() -> float:
    """Processes that want to run, the average of the last minute."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
