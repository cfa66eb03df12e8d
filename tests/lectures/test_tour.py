"""The short examples print what their last comment says."""

import doctest
import os
import subprocess
import sys
from pathlib import Path

import pytest

TOUR = sorted((Path(__file__).resolve().parents[2] / "examples").glob("[0-9]*.py"))


def promised(path):
    """The last block of comment lines of a file, without their signs."""
    lines = path.read_text(encoding="utf-8").rstrip("\n").splitlines()
    start = len(lines)
    while lines[start - 1].startswith("#"):
        start -= 1
    return "".join(f"{line[2:]}\n" for line in lines[start:])


def test_there_is_a_tour():
    assert [path.name[:2] for path in TOUR] == [f"{number:02}" for number in range(1, len(TOUR) + 1)]
    assert len(TOUR) >= 8
    assert max(len(path.read_text(encoding="utf-8").splitlines()) for path in TOUR) <= 40


@pytest.mark.parametrize("path", TOUR, ids=lambda path: path.stem)
def test_an_example_prints_what_it_promises(path, tmp_path):
    environment = {**os.environ, "PYTHONWARNINGS": "error", "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUTF8": "1"}
    finished = subprocess.run(
        [sys.executable, str(path)], cwd=tmp_path, capture_output=True, text=True, encoding="utf-8", timeout=120, env=environment
    )  # fmt: skip
    assert finished.returncode == 0, finished.stderr
    assert promised(path).strip()
    options = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    assert doctest.OutputChecker().check_output(promised(path), finished.stdout, options), finished.stdout
