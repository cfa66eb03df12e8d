"""A student's file runs apart: what it computes comes back as arrays, what it does wrong is said, and it cannot hang the program."""

import textwrap
import time

import numpy as np
import pytest

from nngraph.cli.errors import CommandError
from nngraph.cli.students import run_student

ARGUMENTS = {"X": np.array([[1.0, 2.0]]), "w": np.array([3.0, 4.0]), "dout": np.array([1.0])}


@pytest.fixture
def answer(tmp_path):
    def run(text, name="backward", seconds=20.0):
        path = tmp_path / "student.py"
        path.write_text("import numpy as np\n" + textwrap.dedent(text))
        return run_student(path, name, ARGUMENTS, seconds)

    return run


def test_a_returned_dict(answer):
    found = answer("def backward(X, dout):\n    print('noise')\n    return {'dw': X.T @ dout, 'note': 'text'}\n")
    assert found.source == "returned" and list(found.values) == ["dw"]
    np.testing.assert_array_equal(found.values["dw"], [1.0, 2.0])


def test_locals_when_no_dict_is_returned(answer):
    found = answer(
        "def backward(X, w, dout, scale=2.0):\n    dw = X.T @ dout\n    db = float(dout.sum())\n    return dw\n"
    )
    assert found.source == "locals"
    assert {name: value.tolist() for name, value in found.values.items()} == {"dw": [1.0, 2.0], "db": 1.0, "scale": 2.0}


def test_overwritten_arguments_and_whole_numbers_are_named(answer):
    found = answer("def backward(X, dout):\n    dout *= 0\n    dx = np.zeros(2, dtype=int)\n    return {'dx': dx}\n")
    assert found.overwritten == ("dout",) and found.whole == ("dx",)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("def backward(X, h):\n    return {}\n", "asks for h"),
        ("def forward(X):\n    return {}\n", "there are forward"),
        ("def backward(X):\n    return X @ X\n", "student.py:3: ValueError"),
        ("def backward(X:\n", "student.py:2: SyntaxError"),
        ("raise SystemExit(3)\n", "student.py:2: SystemExit"),
        ("import os\ndef backward(X):\n    os._exit(7)\n", "exit code 7"),
    ],
)
def test_what_goes_wrong_is_said(answer, text, message):
    with pytest.raises(CommandError, match=message):
        answer(text)


def test_a_file_that_does_not_end_is_stopped(answer):
    start = time.monotonic()
    with pytest.raises(CommandError, match="stopped after 1.5 seconds"):
        answer("def backward(X):\n    while True:\n        pass\n", seconds=1.5)
    assert time.monotonic() - start < 15


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(CommandError, match="no file"):
        run_student(tmp_path / "absent.py", "backward", ARGUMENTS, 1.0)
