"""Kernels compiled by several processes at once: what one of them fails to do is done all the same."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

CODE = """
import os, sys
from nngraph.autograd.kernels import compile_ahead, machine_code
from nngraph.autograd.kernels.rows import record_row, take_rows
from nngraph.autograd.kernels.kernel import KERNELS
import nngraph.autograd.kernels.checks, nngraph.autograd.kernels.interpreter
compile_ahead._processors = lambda: 3
here, told = [], []
build = type(take_rows()).build
type(take_rows()).build = lambda self: here.append(self.name) or build(self)
{change}
pieces = list(KERNELS.values())
assert not any(piece.is_ready for piece in pieces) and len(pieces) > 4
compile_ahead.compile_ahead(pieces, lambda piece: told.append(piece.name))
assert sorted(told) == sorted(piece.name for piece in pieces), told
for piece in pieces:
    assert piece.address
print(len(pieces), len(here))
"""


def compiled(tmp_path, change: str = "") -> tuple[int, int]:
    done = subprocess.run(
        [sys.executable, "-c", CODE.format(change=change)], capture_output=True, text=True, timeout=300,
        env={**os.environ, "NNGRAPH_CACHE": str(tmp_path / "cache")},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return tuple(map(int, done.stdout.split()))


def test_other_processes_take_their_share(tmp_path):
    pieces, here = compiled(tmp_path)
    assert 0 < here < pieces


@pytest.mark.parametrize(
    "change",
    [
        "sys.executable = '/bin/false'",
        "sys.executable = '/nowhere/python'",
        "compile_ahead._environment = lambda: {'PYTHONPATH': '/nowhere', 'PYTHONNOUSERSITE': '1', 'NNGRAPH_CACHE': '/nowhere'}",
    ],
    ids=["ends", "is missing", "keeps them elsewhere"],
)
def test_what_a_process_does_not_do_is_done_here(tmp_path, change):
    pieces, here = compiled(tmp_path, change)
    assert here == pieces
