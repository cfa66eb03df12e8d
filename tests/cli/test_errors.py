"""How errors look on a terminal: a caret under the place, and never more than fits."""

import subprocess
import sys

import pytest

from nngraph.autograd.language import cell_width
from nngraph.cli.app import run
from nngraph.cli.errors import ExpressionError, first_cells, last_cells, shortened


def lines(start, end, text):
    return ExpressionError("message", start, end, None, text).lines()[1:]


def test_a_line_that_fits_is_shown_whole():
    assert lines(70, 76, "a" * 76) == ["  " + "a" * 76, "  " + " " * 70 + "^" * 6]
    assert lines(3, 4, "abc") == ["  abc", "     ^"]
    assert lines(0, 5, "") == ["  ", "  ^"]


@pytest.mark.parametrize("character", ["a", "權"])
@pytest.mark.parametrize(("start", "end"), [(0, 1), (2, 90_000), (50_000, 50_003), (99_999, 100_000)])
def test_a_long_line_is_cut_around_the_place(character, start, end):
    text = character * start + "#" + character * (99_999 - start)
    line, carets = lines(start, end, text)
    assert max(cell_width(line), cell_width(carets)) <= 80
    assert cell_width(line[: line.index("#")]) == carets.index("^") and "…" in line


def test_cells():
    assert first_cells("權重w", 3) == "權" and last_cells("w權重", 3) == "重"
    assert first_cells("abc", 9) == last_cells("abc", 9) == "abc" and last_cells("權", 1) == ""
    assert shortened("short") == "short" and len(shortened("a" * 999, 50)) == 50


@pytest.mark.parametrize(
    "arguments",
    [
        ["explain", "w*x+" * 30_000 + "w"],
        ["explain", "w*x", "--at", "w=" + "1a" * 50_000],
        ["explain", "w*x", "--wrt", "1a" * 50_000],
        ["explain", "w*x", "--wrt", "a" * 50_000],
        ["explain", "w*x", "--order", "a" * 50_000],
        ["explain", "a" * 1990],
    ],
)
def test_long_input_makes_no_long_errors(arguments, capsys):
    assert run(arguments) == 2
    assert len(capsys.readouterr().err) < 1500


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere arguments are text, not bytes")
def test_a_byte_that_is_no_text():
    finished = subprocess.run([sys.executable, "-m", "nngraph", "explain", b"w*\xa0x"], capture_output=True)
    assert finished.returncode == 2 and b"the byte 0xa0 is no text" in finished.stderr
