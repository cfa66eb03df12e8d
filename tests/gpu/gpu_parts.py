"""The parts of a run on a GPU machine, each in processes of its own with a limit of time. A part gives a record: a plain
dictionary, which goes into the results whatever became of it."""

from __future__ import annotations

import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from time import monotonic
from typing import Any

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PACKAGES = (
    "nngraph", "numpy", "numba", "numba-cuda", "llvmlite", "cuda-core", "cuda-bindings", "cuda-toolkit", "nvidia-nvvm",
    "nvidia-cuda-nvcc", "nvidia-nvjitlink", "torch", "cupy-cuda13x",
)  # fmt: skip
Record = dict[str, Any]


def ran(command: Sequence[str], seconds: float, **environment: str) -> tuple[int, str]:
    """Exit code and output of a command; 124 where it ran out of time."""
    try:
        done = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=max(1.0, seconds), check=False,
            cwd=ROOT, env={**os.environ, **environment},
        )  # fmt: skip
    except subprocess.TimeoutExpired as stopped:
        said = stopped.stdout or b""
        return 124, said.decode(errors="replace") if isinstance(said, bytes) else said
    except OSError as error:
        return 127, str(error)
    return done.returncode, done.stdout


def versions(seconds: float) -> Record:
    """Python, packages, the driver and the device."""
    found: Record = {"python": sys.version.split()[0], "packages": {}}
    for name in PACKAGES:
        try:
            found["packages"][name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found["packages"][name] = "not installed"
    code, said = ran(
        ["nvidia-smi", "--query-gpu=name,driver_version,memory.total,compute_cap", "--format=csv,noheader"],
        min(seconds, 20),
    )
    found["nvidia-smi"] = said.strip().splitlines()[0] if not code and said.strip() else "not there"
    code, said = ran(["git", "log", "-1", "--format=%h %cs"], 10)
    found["commit"] = said.strip() if not code else "unknown"
    return found


def tests(seconds: float, words: str) -> Record:
    """All tests marked gpu; `words` chooses some (pytest's -k)."""
    began = monotonic()
    command = [sys.executable, "-m", "pytest", "-q", "-m", "gpu", "-p", "no:cacheprovider", "--tb=short", "tests/gpu"]
    code, said = ran([*command, *(["-k", words] if words else [])], seconds)
    lines = said.strip().splitlines()
    counts = {
        kind: int(number)
        for number, kind in re.findall(r"(\d+) (passed|failed|skipped|errors?)", lines[-1] if lines else "")
    }
    failed = [line for line in lines if line.startswith(("FAILED", "ERROR"))]
    return {
        "code": code, "seconds": round(monotonic() - began, 1), "counts": counts, "failed": failed[:40],
        "closing": lines[-1] if lines else "", "tail": lines[-60:] if code else [],
    }  # fmt: skip


def sanitizer(tool: str, seconds: float) -> Record:
    """compute-sanitizer's verdict on the kernels of gpu_sanitized.py."""
    program = shutil.which("compute-sanitizer")
    if program is None:
        return {"skipped": "compute-sanitizer is not installed"}
    began = monotonic()
    command = [program, "--tool", tool, "--error-exitcode", "99", sys.executable, str(HERE / "gpu_sanitized.py")]
    code, said = ran(command, seconds)
    lines = said.strip().splitlines()
    if re.search(r"[Dd]evice not supported|not supported on|Unable to find", said):
        return {
            "skipped": "compute-sanitizer refuses this device: "
            + next(l for l in lines if "upported" in l or "Unable" in l)
        }
    done = [line for line in lines if not line.startswith("=")]
    return {
        "code": code, "seconds": round(monotonic() - began, 1), "done": done[-30:],
        "said": [line for line in lines if line.startswith("=")][-40:],
    }  # fmt: skip


def benchmark(name: str, seconds: float, options: Sequence[str] = ()) -> Mapping[str, Any]:
    """One row of the benchmarks."""
    code, said = ran([sys.executable, str(HERE / "bench_row.py"), name, *options], seconds)
    for line in reversed(said.splitlines()):
        if line.startswith("{"):
            return json.loads(line)
    last = said.strip().splitlines()[-1][:300] if said.strip() else ""
    return {"name": name, "ours": {"failed": "out of time" if code == 124 else f"exit code {code}: {last}"}}
