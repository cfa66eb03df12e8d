"""nngraph warmup: everything that is missing is compiled once, and said in a line; Ctrl-C leaves what is done."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from nngraph.autograd.engines.compiled import pieces as compiled
from nngraph.cli.app import run
from nngraph.nets.typical import steps


class Piece:
    """Machine code that needs no compiler."""

    def __init__(self, ready=False, interrupted=False):
        self.is_ready, self.interrupted = ready, interrupted
        self.key = f"{id(self):032x}"

    @property
    def address(self):
        if self.interrupted:
            raise KeyboardInterrupt
        self.is_ready = True
        return 1


@pytest.fixture
def pieces(monkeypatch, tmp_path):
    """The pieces that there are, in a cache folder of their own."""
    from nngraph.autograd.kernels import code_cache

    found = {"a": ("one", Piece()), "b": ("two", Piece(ready=True)), "c": ("three", Piece())}
    monkeypatch.setattr(compiled, "pieces", lambda steps: found)
    monkeypatch.setenv("NNGRAPH_CACHE", str(tmp_path / "code"))
    code_cache.folders.cache_clear()
    yield found
    code_cache.folders.cache_clear()


def test_what_is_missing_is_compiled(pieces, capsys, tmp_path):
    assert run(["warmup"]) == 0
    shown = capsys.readouterr()
    assert shown.out.startswith("2 pieces of machine code compiled in ")
    assert "1 were ready" in shown.out
    assert str(tmp_path / "code") in shown.out
    assert shown.out.count("\n") == 1
    assert shown.err == ""
    assert all(code.is_ready for _, code in pieces.values())


def test_as_json(pieces, capsys, tmp_path):
    assert run(["warmup", "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert {
        "pieces": 3,
        "ready": 1,
        "compiled": 2,
        "left": 0,
        "folder": str(tmp_path / "code"),
    }.items() <= record.items()
    assert run(["warmup", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["compiled"] == 0


def test_interrupted(pieces, capsys):
    pieces["c"] = ("three", Piece(interrupted=True))
    assert run(["warmup"]) == 130
    shown = capsys.readouterr()
    assert shown.out.startswith("1 pieces")
    assert "1 are left" in shown.err


def test_a_bar_only_on_a_terminal(pieces, capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert run(["warmup"]) == 0
    shown = capsys.readouterr()
    assert shown.out.startswith("2 pieces")
    assert "2/2" in shown.err or "three" in shown.err


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="the administrator may write everywhere")
def test_nowhere_to_keep_it(pieces, capsys, monkeypatch, tmp_path):
    (tmp_path / "code").mkdir(mode=0o500)
    assert run(["warmup"]) == 2
    assert "cannot be written" in capsys.readouterr().err


def test_a_file_in_the_way(pieces, capsys, tmp_path):
    (tmp_path / "code").write_text("")
    assert run(["warmup"]) == 2
    assert "cannot be written" in capsys.readouterr().err


def test_all_kernels_and_the_loops_of_typical_steps_are_pieces():
    from nngraph.autograd.kernels.kernel import KERNELS

    found = compiled.pieces(steps())
    names = {name for name, _ in found.values()}
    assert set(KERNELS) <= names
    assert {"product.float32", "product.float64"} <= names
    for net in ("multilayer perceptron of relu", "convolutional net", "LSTM", "autoencoder"):
        assert any(name.startswith(net) for name in names)
    # Asking the object itself for its address would compile it.
    assert all(hasattr(type(code), "address") and len(key) == 32 for key, (_, code) in found.items())


def test_what_was_warmed_up_is_found_by_another_process(tmp_path):
    """One kernel and one loop, compiled by a process, are ready in the next one."""
    code = (
        "from nngraph.autograd.engines.compiled import pieces\n"
        "from nngraph.autograd.kernels.loop_code import compiled\n"
        "from nngraph.autograd.kernels.loops import NEXT, Apply, Buffer, Loops, Number, Write\n"
        "from nngraph.autograd.kernels.rows import take_rows\n"
        "row = Buffer('float32', (NEXT,))\n"
        "relu = compiled(Loops(1, (row,), (Apply('max', (0, Number(0)), 'float32'),), (Write(1, row),)))\n"
        "pieces.pieces = lambda steps: {each.key: ('piece', each) for each in (relu, take_rows('float64'))}\n"
        "from nngraph.cli.app import run\n"
        "raise SystemExit(run(['warmup', '--json']))"
    )
    environment = {**os.environ, "NNGRAPH_CACHE": str(tmp_path)}
    records = []
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=300
        )
        assert done.returncode == 0, done.stderr
        records.append(json.loads(done.stdout))
    assert [(each["ready"], each["compiled"]) for each in records] == [(0, 2), (2, 0)]
    assert records[1]["bytes"] > 1000
