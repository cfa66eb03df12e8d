"""A student's file runs apart: what it computes comes back as arrays, what it does wrong is said, and it cannot hang the program."""

import sys
import textwrap
import time
from pathlib import Path

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
        return run_student(path, name, [ARGUMENTS], seconds)[0]

    return run


def test_a_returned_dict(answer):
    found = answer("def backward(X, dout):\n    print('noise')\n    return {'dw': X.T @ dout, 'note': 'text'}\n")
    assert found.form == "dict"
    assert list(found.returned) == ["dw"]
    np.testing.assert_array_equal(found.returned["dw"], [1.0, 2.0])


def test_locals_when_no_dict_is_returned(answer):
    found = answer(
        "def backward(X, w, dout, scale=2.0):\n    dw = X.T @ dout\n    db = float(dout.sum())\n    return dw\n"
    )
    assert found.form == "array"
    assert found.returned[""].tolist() == [1.0, 2.0]
    assert {name: value.tolist() for name, value in found.local.items()} == {"dw": [1.0, 2.0], "db": 1.0, "scale": 2.0}


def test_overwritten_arguments_and_whole_numbers_are_named(answer):
    found = answer("def backward(X, dout):\n    dout *= 0\n    dx = np.zeros(2, dtype=int)\n    return {'dx': dx}\n")
    assert found.overwritten == ("dout",)
    assert found.whole == ("dx",)
    assert found.place.endswith("student.py:3: dout *= 0")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("def backward(X, h):\n    return {}\n", "asks for h"),
        ("def forward(X):\n    return {}\n", "it has forward"),
        ("def backward(X:\n", "student.py:2: SyntaxError"),
        ("raise SystemExit(3)\n", "student.py:2: SystemExit"),
        ("import os\ndef backward(X):\n    os._exit(7)\n", "exit code 7"),
    ],
)
def test_what_goes_wrong_is_said(answer, text, message):
    with pytest.raises(CommandError, match=message):
        answer(text)


def test_what_the_function_raises_is_in_its_answer(answer):
    assert "student.py:3: ValueError" in answer("def backward(X):\n    return X @ X\n").error
    assert "EOFError" in answer("def backward(X):\n    return input()\n").error


def test_several_runs_in_one_process(tmp_path):
    path = tmp_path / "student.py"
    path.write_text("def double(x):\n    return 2 * x\n")
    answers = run_student(path, "double", [{"x": np.array(3.0)}, {"x": np.array([1, 2])}], 20.0)
    assert [found.returned[""].tolist() for found in answers] == [6.0, [2, 4]]
    assert [found.whole for found in answers] == [(), ("",)]


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="whether a process runs is read from /proc")
def test_what_the_student_starts_is_ended_too(tmp_path):
    path, pid = tmp_path / "student.py", tmp_path / "pid"
    path.write_text(
        "import subprocess, sys\n"
        "def backward(X):\n"
        "    child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        f"    open({str(pid)!r}, 'w').write(str(child.pid))\n"
        "    return {'dX': X}\n"
    )
    # Nobody waits for that minute of sleep: an answer comes within the limit, else this raises.
    run_student(path, "backward", [ARGUMENTS], 30.0)
    for _ in range(100):
        state = Path(f"/proc/{pid.read_text()}/stat")
        if not state.exists() or state.read_text().rpartition(")")[2].split()[0] == "Z":
            break
        time.sleep(0.05)
    else:
        pytest.fail("a process that the student started is still running")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits the address space of a process reliably")
def test_memory_is_limited(answer):
    found = answer("def backward(X):\n    return {'dX': np.ones((1024, 1024, 1024))}\n")
    assert "MemoryError" in found.error


def test_a_file_that_does_not_end_is_stopped(answer):
    with pytest.raises(CommandError, match=r"stopped after 1\.5 seconds"):
        answer("def backward(X):\n    while True:\n        pass\n", seconds=1.5)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(CommandError, match="no file"):
        run_student(tmp_path / "absent.py", "backward", ARGUMENTS, 1.0)
