"""What is asked of a GPU's driver, seen by a driver that checks it: no GPU is needed, and none is used."""

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("numba_cuda", reason="the extra cuda is not installed")


def test_the_driver_is_asked_for_nothing_wrong():
    cases = Path(__file__).with_name("hardware_cases.py")
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "-n0", str(cases)]
    if not _has_xdist():
        command.remove("-n0")
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=cases.parents[3])
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-1000:]


def _has_xdist():
    from importlib.util import find_spec

    return find_spec("xdist") is not None
