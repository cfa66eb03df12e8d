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
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from workloads import OURS, Workload, library_of, peer_of

TOLERANCE = 1e-4
"""Of a loss, by which any two peers may differ."""
LEAST = 0.1
"""Seconds that one sample takes at least."""
REST = 0.02
"""Seconds before each sample, in which the threads of the peer before stop waiting for more work."""
PATIENCE = 900
"""Seconds after which a peer that does not answer is given up."""

Record = dict[str, Any]
"""One variant in one workload: workload, variant, threads, samples (one a round), processors (at work meanwhile), losses,
gap (the largest distance to another's losses), error, load; of nngraph's also operations or traffic (of a step) with
ceilings (the machine's speed, measured in the same rounds), instructions, parts."""


class Peer:
    """A living worker process and the pipe to it."""

    def __init__(self, peer: str, threads: int, tiny: bool = False, cache: str | None = None) -> None:
        number = str(threads)
        environment = os.environ | {
            **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NNGRAPH_THREADS"), number),
            # A compiler's cache would make the first step of a new model that of an old one.
            "TORCHINDUCTOR_FORCE_DISABLE_CACHES": "1", "JAX_PLATFORMS": "cpu",
            **({"NNGRAPH_CACHE": cache} if cache else {}),
        }  # fmt: skip
        # A setting of tests and containers; a user's Python does not compile its modules anew in every process.
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
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

    def fresh(self, whose: str, what: str, cache: str | None = None, **more: Any) -> dict[str, Any]:
        """The answer of a process that does nothing else; `cache`: the folder of nngraph's compiled kernels."""
        peer = Peer(peer_of(whose), self.threads, self.tiny, cache)
        try:
            return peer.ask(what, **more)
        finally:
            peer.stop()


def measure(
    workload: Workload, peers: Peers, wanted: Sequence[str], rounds: int, say: Callable[[str], None]
) -> list[Record]:
    """A record for every wanted variant; times only of those whose losses agree."""
    rounds = min(rounds, workload.rounds or rounds)
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
        if not record["error"] and peer_of(variant) == OURS:
            record |= peer.ask("about", variant=variant)
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
                if peer_of(record["variant"]) == OURS:
                    _ceiling(workload, peers, record)
        loads.append(load())
    for record in records:
        record["load"] = statistics.median(loads) if loads else 0.0
        if record["error"]:
            record["samples"], record["processors"] = [], []
    for peer in peers.living.values():
        if peer.process.poll() is None:
            peer.ask("drop")


def _ceiling(workload: Workload, peers: Peers, record: Record) -> None:
    """What the machine can do at most, beside the sample that is held against it."""
    what = "traffic" if workload.traffic else "operations" if workload.operations else ""
    if what:
        answer = peers.of(OURS).ask("ceiling", of=what)
        if "error" not in answer:
            record.setdefault("ceilings", []).append(answer["value"])
        if "numpy" in answer:
            record.setdefault("numpy", []).append(answer["numpy"])


def _timed(peers: Peers, record: Record, least: float) -> dict[str, Any]:
    time.sleep(REST)
    return peers.of(record["variant"]).ask("time", variant=record["variant"], least=least)


def _rotated(records: list[Record], turn: int) -> Iterator[Record]:
    """Every round begins with another peer, so that nobody always follows the same one."""
    for at in range(len(records)):
        yield records[(at + turn) % len(records)]


def _freshly(workload: Workload, peers: Peers, records: list[Record], rounds: int, say: Callable[[str], None]) -> None:
    """A process for every sample. The first run of nngraph fills its cache of compiled kernels and does not count."""
    if workload.kind == "first" and not peers.tiny:
        say(f"{workload.name}: nngraph warmup")
        peers.fresh(OURS, "warmup")
    for turn in range(0 if workload.kind == "cold" else -1, rounds):
        for record in _rotated(records, max(turn, 0)):
            variant = record["variant"]
            if record["error"] or (turn < 0 and peer_of(variant) != OURS):
                continue
            # Compiling takes long and says little more the third time.
            if variant.startswith("torch.") and turn >= 2:
                continue
            say(f"{workload.name}: {variant}, round {turn + 1} of {rounds}")
            with tempfile.TemporaryDirectory() as folder:
                answer = peers.fresh(
                    variant, workload.kind, folder if workload.kind == "cold" else None,
                    workload=workload.name, variant=variant, turn=turn + 1,
                )  # fmt: skip
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
    """Any two peers that are timed agree: who does not agree with the most of them gets an error, and all do when there
    is no majority that agrees."""
    judged = [
        record for record in records if not record["error"] and peer_of(record["variant"]) not in workload.incomparable
    ]
    for record in judged:
        if not all(map(math.isfinite, record["losses"])):
            record["error"] = f"its loss is not a number: {record['losses']}"
    judged = [record for record in judged if not record["error"]]
    left = list(judged)
    while left and max(gaps := [_gap(record, left) for record in left]) > TOLERANCE:
        del left[max(range(len(left)), key=lambda at: (_strangers(left[at], left), gaps[at]))]
    agreed = left if 2 * len(left) > len(judged) else []
    for record in judged:
        record["gap"] = _gap(record, agreed or judged)
        if record not in agreed:
            others = ", ".join(other["variant"] for other in (agreed or judged) if other is not record)
            record["error"] = f"its losses {record['losses']} are {record['gap']:.1e} away from those of {others}"


def _gap(record: Record, others: Sequence[Record]) -> float:
    """The largest distance to another's losses."""
    return max((distance(record["losses"], other["losses"]) for other in others), default=0.0)


def _strangers(record: Record, others: Sequence[Record]) -> int:
    return sum(distance(record["losses"], other["losses"]) > TOLERANCE for other in others)


def distance(one: Sequence[float], other: Sequence[float]) -> float:
    """The largest difference of two lists of numbers, as a share of the larger number."""
    pairs = zip(one, other, strict=True)
    return max((abs(a - b) / max(abs(a), abs(b)) for a, b in pairs if a != b), default=0.0)


def load() -> float:
    """Processes that want to run, the average of the last minute."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
