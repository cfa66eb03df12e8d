"""`nngraph bench` hands its options to the program of the checkout, and elsewhere says in one line that it needs one."""

from pathlib import Path

import nngraph
import pytest

from nngraph.cli.app import run
from nngraph.cli.commands import bench


pytestmark = pytest.mark.skipif(
    not (Path(nngraph.__file__).parent / "tests" / "bench" / "run.py").exists(),
    reason="nngraph is installed apart from its checkout, where there are no benchmarks",
)


@pytest.fixture
def called(monkeypatch):
    """The command lines that would have been run."""
    lines = []
    monkeypatch.setattr("subprocess.call", lambda line: lines.append(line) or 0)
    return lines


def test_every_option_goes_to_the_program(called):
    assert run(["bench", "--workload", "iris", "--workload", "cnn", "--rounds", "3", "--threads", "2", "--peer", "jax",
                "--json", "a.json", "--markdown", "a.md", "--plot", "a.svg", "--list"]) == 0  # fmt: skip
    (line,) = called
    assert line[1] == str(bench.PROGRAM)
    assert " ".join(line[2:]) == (
        "--workload iris --workload cnn --threads 2 --peer jax --rounds 3 --json a.json --markdown a.md --plot a.svg --list"
    )


def test_without_options_the_program_decides(called):
    assert run(["bench"]) == 0
    assert called[0][2:] == []


def test_the_code_of_the_program_is_returned(monkeypatch):
    monkeypatch.setattr("subprocess.call", lambda line: 1)
    assert run(["bench"]) == 1


def test_the_program_of_this_checkout_names_its_workloads(capfd):
    assert run(["bench", "--list"]) == 0
    names = [line.split()[0] for line in capfd.readouterr().out.splitlines()]
    assert {"iris", "cnn", "lstm", "rbm", "first-mlp", "memory-cnn"} <= set(names)


def test_elsewhere_one_line_says_what_is_missing(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(bench, "PROGRAM", tmp_path / "run.py")
    assert run(["bench"]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert len(shown.err.strip().splitlines()) == 1
    assert "checkout" in shown.err


def test_a_number_of_threads_that_is_not_offered():
    assert run(["bench", "--threads", "3"]) == 2
