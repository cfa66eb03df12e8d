"""Kernels compiled by several processes at once: what one of them fails to do is done all the same."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import nngraph as ng  # noqa: F401 - the package must be there before its kernels
import pytest
from nngraph.autograd.kernels import code_cache, compile_ahead, machine_code

CODE = """
import os, sys
from nngraph.autograd.kernels import compile_ahead, machine_code
from nngraph.autograd.kernels.rows import record_row, take_rows
from nngraph.autograd.kernels.kernel import KERNELS
import nngraph.autograd.kernels.checks, nngraph.autograd.kernels.interpreter
compile_ahead.processors = lambda: 3
here, told, started = [], [], []
Process = compile_ahead.subprocess.Popen
def popen(*given, **named):
    started.append(Process(*given, **named))
    return started[-1]
compile_ahead.subprocess.Popen = popen
build = type(take_rows()).build
type(take_rows()).build = lambda self: here.append(self.name) or build(self)
helpers, Helper = [], compile_ahead._Helper
def helper(*given):
    helpers.append(Helper(*given))
    return helpers[-1]
compile_ahead._Helper = helper
{change}
pieces = list(KERNELS.values())
assert not any(piece.is_ready for piece in pieces) and len(pieces) > 4
compile_ahead.compile_ahead(pieces, lambda piece: told.append(piece.name))
assert sorted(told) == sorted(piece.name for piece in pieces), told
for piece in pieces:
    assert piece.address
assert [each for each in started if each.poll() is None] == [], "a process is left behind"
print(len(pieces), len(here), len(helpers))
"""


def compiled(tmp_path: Path, change: str = "") -> tuple[int, int, int]:
    """How many kernels there are, how many were compiled here, and how many helpers there were. The working directory is
    one of a user whose files are called like modules of Python's."""
    work = tmp_path / "work"
    work.mkdir()
    (work / "random.py").write_text("open('imported', 'w').close()\nraise SystemExit\n")
    done = subprocess.run(
        [sys.executable, "-P", "-c", CODE.format(change=change)], capture_output=True, text=True, timeout=300, cwd=work,
        env={**os.environ, "NNGRAPH_CACHE": str(tmp_path / "cache")},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert not (work / "imported").exists()
    return tuple(map(int, done.stdout.split()))


def test_other_processes_take_their_share(tmp_path):
    pieces, here, helpers = compiled(tmp_path)
    assert 0 < here < pieces and helpers == 2


@pytest.mark.parametrize(
    ("change", "started"),
    [
        ("sys.executable = {0!r}", 2),
        ("sys.executable = '/nowhere/python'", 0),
        ("def start(self): raise RuntimeError('no more threads')\nHelper.start = start", 0),
        ("compile_ahead.environment = lambda: {{'PYTHONPATH': '/nowhere', 'PYTHONNOUSERSITE': '1', 'NNGRAPH_CACHE': '/nowhere'}}", 2),
    ],
    ids=["ends", "is missing", "has no thread", "keeps them elsewhere"],
)  # fmt: skip
def test_what_a_process_does_not_do_is_done_here(tmp_path, change, started):
    program = tmp_path / "python"
    program.write_text("#!/bin/sh\nexit 1\n")
    program.chmod(0o700)
    pieces, here, helpers = compiled(tmp_path, change.format(str(program)))
    assert here == pieces and helpers == started


def test_an_application_with_python_inside_is_not_started_again(monkeypatch):
    for path, is_python in [
        (sys.executable, True),
        ("/opt/python3.13t", True),
        ("/usr/bin/blender", False),
        ("", False),
        (None, False),
    ]:
        monkeypatch.setattr(sys, "executable", path)
        assert compile_ahead.python() == (path if is_python else "")
    monkeypatch.setattr(sys, "executable", "/usr/bin/python3")
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    assert compile_ahead.python() == ""


def test_what_is_on_disk_is_read_once(tmp_path, monkeypatch):
    class Built(machine_code.Compiled):
        key = machine_code.key_of("read once")

        def build(self) -> bytes:
            return machine_code.object_code(f"define void @{machine_code.symbol(self.key)}() {{ ret void }}")

    monkeypatch.setenv("NNGRAPH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(machine_code, "_addresses", {})
    code_cache.folders.cache_clear()
    read, keys = code_cache.read, []
    try:
        compile_ahead.compile_ahead([Built()])
        assert code_cache.read(Built.key) is not None
        machine_code._addresses.clear()
        monkeypatch.setattr(code_cache, "read", lambda key: keys.append(key) or read(key))
        compile_ahead.compile_ahead([Built()], lambda piece: pytest.fail("it is there"))
        assert Built().address and keys == [Built.key]
    finally:
        code_cache.folders.cache_clear()
