"""Tests run once more as for a processor with narrower vectors: AVX2, and one that fuses no products with sums."""

from __future__ import annotations

import inspect
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PROGRAM = """
import sys, pytest
from nngraph.autograd.kernels.machine import machine
assert machine().vector_bytes == int(sys.argv[1])
sys.exit(pytest.main(["-q", "-x", *sys.argv[2:]]))
"""


def also_with_narrower_vectors(*tests: Callable[..., None]) -> Callable[[str], None]:
    """A test that runs others in a process of its own, once for each width, because kernels stay loaded."""
    names = [f"{inspect.getfile(test)}::{test.__name__}" for test in tests]

    @pytest.mark.parametrize("width", ["32", "16"])
    def test(width: str) -> None:
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, width, *names], env={**os.environ, "NNGRAPH_VECTOR_BYTES": width},
            capture_output=True, text=True, cwd=ROOT, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr

    return test
