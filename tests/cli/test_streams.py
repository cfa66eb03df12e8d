"""Standard streams that are closed, full, marked or no text: one clear line, never a traceback."""

import codecs
import json
import os
import subprocess
import sys

import pytest

PROGRAM = [sys.executable, "-m", "nngraph"]
posix = pytest.mark.skipif(sys.platform == "win32", reason="redirections of a POSIX shell")
full = pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no /dev/full")


def redirected(redirection, *arguments):
    """A finished process of the program, its streams redirected by a shell."""
    return subprocess.run(
        ["sh", "-c", f'exec "$@" {redirection}', "sh", *PROGRAM, *arguments],
        capture_output=True,
        text=True,
        timeout=120,
    )


def fed(data, *arguments, **environment):
    """A finished process of the program that reads these bytes."""
    return subprocess.run(
        [*PROGRAM, *arguments], input=data, capture_output=True, timeout=120, env={**os.environ, **environment}
    )


COMMANDS = [["explain", "w*x"], ["explain", "w*", "--json"], ["draw", "w*x"], ["explain", "--help"], ["ops", "sigmoid"]]


@posix
@pytest.mark.parametrize("arguments", COMMANDS)
def test_a_closed_standard_output_is_said_in_one_line(arguments):
    finished = redirected(">&-", *arguments)
    assert (finished.returncode, finished.stderr) == (2, "error: cannot write standard output: it is closed\n")


@full
@pytest.mark.parametrize("arguments", COMMANDS)
def test_a_full_disk_is_said_in_one_line(arguments):
    finished = redirected(">/dev/full", *arguments)
    assert finished.returncode == 2
    assert finished.stderr.startswith("error: cannot write standard output: ") and finished.stderr.count("\n") == 1


@posix
def test_what_needs_no_standard_output_works_without_it(tmp_path):
    finished = redirected(">&-", "draw", "w*x", "-o", str(tmp_path / "y.svg"))
    assert finished.returncode == 0 and (tmp_path / "y.svg").read_text(encoding="utf-8").startswith("<svg")


@posix
def test_messages_that_nobody_can_read_do_not_matter():
    finished = redirected("2>&-", "explain", "pi*x")
    assert finished.returncode == 0 and "∂y/∂x" in finished.stdout
    assert redirected(">&- 2>&-", "explain", "w*x").returncode == 2


@posix
def test_a_closed_standard_input():
    finished = redirected("<&-", "explain", "-")
    assert (finished.returncode, finished.stderr) == (2, "error: cannot read standard input: it is closed\n")
    said = json.loads(redirected("<&-", "explain", "-", "--json").stdout)["error"]["message"]
    assert said == "cannot read standard input: it is closed"


@pytest.mark.parametrize(
    "data",
    [
        codecs.BOM_UTF8 + b"w*x\r\n",
        codecs.BOM_UTF16_LE + "w*x\r\n".encode("utf-16-le"),
        codecs.BOM_UTF16_BE + "w*x\n".encode("utf-16-be"),
    ],
)
def test_a_byte_order_mark_is_no_part_of_the_expression(data):
    finished = fed(data, "explain", "-", "--at", "w=2,x=3", "--json")
    assert finished.returncode == 0 and json.loads(finished.stdout)["value"] == 6


def test_the_encoding_of_standard_input():
    arguments = ["explain", "-", "--at", "權重=2,x=3", "--json"]
    for encoding in ("utf-8", "big5"):
        finished = fed("權重*x".encode(encoding), *arguments, PYTHONIOENCODING=encoding, PYTHONUTF8="1")
        assert json.loads(finished.stdout.decode(encoding))["value"] == 6
    finished = fed(b"w*\xa0x", "explain", "-", PYTHONIOENCODING="utf-8")
    assert finished.returncode == 2 and finished.stderr.startswith(b"error: standard input is no text")
