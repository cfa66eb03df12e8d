"""On what a benchmark ran: processor, system, versions, and how fast this machine moves and multiplies numbers."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from datetime import date
from pathlib import Path
from typing import Any

PACKAGES = (
    "nngraph", "numpy", "numba", "llvmlite", "torch", "jax", "jaxlib", "scikit-learn", "micrograd",
)  # fmt: skip


def describe() -> dict[str, Any]:
    """Everything that the report's head says, apart from the measured speeds."""
    versions = {}
    for name in PACKAGES:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return {
        "processor": _processor(), "cores": os.cpu_count(), "vectors": _vectors(), "memory": _memory(),
        "system": f"{platform.system()} {platform.machine()}", "python": platform.python_version(),
        "versions": versions, "date": date.today().isoformat(),
    }  # fmt: skip


def _lines(path: str) -> list[str]:
    file = Path(path)
    return file.read_text().splitlines() if file.exists() else []


def _processor() -> str:
    fields = dict(line.split(":", 1) for line in _lines("/proc/cpuinfo") if ":" in line)
    found = {key.strip(): value.strip() for key, value in fields.items()}
    if "model name" not in found:
        return platform.processor() or platform.machine()
    return f"{found['model name']} (family {found.get('cpu family', '?')}, model {found.get('model', '?')})"


def _vectors() -> str:
    flags = next((line.split(":", 1)[1].split() for line in _lines("/proc/cpuinfo") if line.startswith("flags")), [])
    return next((words for flag, words in (("avx512f", "AVX-512"), ("avx2", "AVX2")) if flag in flags), "")


def _memory() -> str:
    kilobytes = next((int(line.split()[1]) for line in _lines("/proc/meminfo") if line.startswith("MemTotal")), 0)
    return f"{kilobytes / 2**20:.0f} GiB" if kilobytes else ""
