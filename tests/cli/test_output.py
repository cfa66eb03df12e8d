"""Where results go: files, links, devices; and what becomes of a file when a line fails."""

import json
import os
import subprocess
import sys

import pytest

from nngraph.autograd.op import OPS
from nngraph.cli.app import run

posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such links and devices")


@pytest.fixture
def wrong_rule():
    """tanh with a gradient that is twice too large."""
    op = OPS["tanh"]
    right = op.gradient
    object.__setattr__(op, "gradient", lambda g, y, x: (2.0 * right(g, y, x)[0],))
    yield
    object.__setattr__(op, "gradient", right)


@posix
@pytest.mark.parametrize("command", [["explain", "w*x", "-o", "y.html"], ["draw", "w*x", "-o", "y.html"], ["draw", "w*x", "--format", "html", "-o", "y.html"]])  # fmt: skip
def test_a_link_stays_a_link(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "real").mkdir()
    (tmp_path / "y.html").symlink_to(tmp_path / "real" / "y.html")
    assert run(command) == 0
    assert (tmp_path / "y.html").is_symlink() and (tmp_path / "real" / "y.html").stat().st_size > 1000


@posix
def test_devices(capsys):
    assert run(["explain", "w*x", "-o", "/dev/stdout"]) == 0
    assert "∂y/∂w" in capsys.readouterr().out
    assert run(["draw", "w*x", "-o", "/dev/stdout"]) == 0
    assert capsys.readouterr().out.startswith("<svg")
    for command in ("explain", "draw"):
        assert run([command, "w*x", "-o", "/dev/null"]) == 0
        assert capsys.readouterr().out == "" and not os.path.isfile("/dev/null")


@posix
def test_standard_output_under_its_own_name_is_appended_to(tmp_path):
    path = tmp_path / "log.txt"
    path.write_text("before\n")
    with path.open("a") as file:
        subprocess.run(
            [sys.executable, "-m", "nngraph", "explain", "w*x", "-o", "/dev/stdout"], stdout=file, check=True
        )
    assert path.read_text(encoding="utf-8").startswith("before\ny = ")


def test_a_file_is_not_written_when_a_line_fails(wrong_rule, tmp_path, capsys):
    path, picture = tmp_path / "y.html", tmp_path / "y.svg"
    path.write_text("the last one that was right")
    assert run(["explain", "tanh(w)", "--at", "w=0.5", "-o", str(path), "--draw", str(picture)]) == 1
    printed = capsys.readouterr()
    assert path.read_text() == "the last one that was right" and not picture.exists()
    assert printed.out.startswith("y = tanh(w)") and "✗" in printed.out
    assert [line for line in printed.err.splitlines() if "is not written" in line] == [
        f"{each} is not written: a line failed its check" for each in (path, picture)
    ]
    assert run(["explain", "tanh(w)", "--at", "w=0.5", "--json", "-o", str(path)]) == 1
    assert json.loads(capsys.readouterr().out)["steps"][-1]["checked"] is False


def test_names_to_expand_must_be_lines(capsys):
    assert run(["explain", "sigmoid(w*x+b)", "--expand", "q"]) == 2
    assert capsys.readouterr().err.startswith("error: expand: no line is called q; the lines are a, y")
    assert run(["explain", "sigmoid(w*x+b)", "--expand", "a"]) == 0
