"""Starting is quick, because nothing is imported that the command at hand does not need."""

import os
import statistics
import subprocess
import sys

import pytest

HEAVY = ("sympy", "numba", "llvmlite", "networkx", "graphviz", "pygraphviz", "matplotlib", "sklearn")
EXPLAIN = ["explain", "sigmoid(w*x+b)", "--at", "w=2,x=-1,b=0.5", "--wrt", "w"]
BASE = [sys.executable, "-c", "import numpy, typer, rich.console"]


def imported_by(*arguments):
    """The heavy modules in sys.modules after a command has run in a process of its own."""
    code = (
        "import sys\n"
        "from nngraph.cli.app import run\n"
        f"code = run({list(arguments)!r})\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)\n"
        "sys.exit(code)"
    )
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert finished.returncode == 0, finished.stderr
    return finished.stderr.strip().splitlines()[-1]


@pytest.mark.parametrize(
    "arguments", [["--help"], ["--version"], ["explain", "--help"], ["ops"], EXPLAIN], ids=" ".join
)
def test_nothing_heavy_is_imported(arguments):
    assert imported_by(*arguments) == "[]"


def test_importing_the_package_imports_nothing_heavy():
    code = f"import sys, nngraph as ng; ng.sigmoid; ng.gradient; print([name for name in {HEAVY!r} if name in sys.modules])"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
    )


# What a start costs is what it costs with compiled files, whatever the tests themselves were told about writing them.
COMPILED = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def seconds(command):
    """Processor seconds of a process: unlike seconds on the clock they do not grow when other programs keep the machine busy."""
    before = os.times()
    subprocess.run(command, check=True, capture_output=True, env=COMPILED)
    after = os.times()
    spent = after.children_user + after.children_system - before.children_user - before.children_system
    return spent or after.elapsed - before.elapsed  # Windows does not count children


@pytest.mark.parametrize("arguments", [["--help"], EXPLAIN], ids=["help", "explain"])
def test_startup_costs_at_most_1_6_times_its_libraries(arguments):
    """Medians of runs that take turns, so that a busy moment meets both; what is left of noise gets a second and third chance."""
    command = [sys.executable, "-m", "nngraph", *arguments]
    seconds(command), seconds(BASE)  # compiled files and disk caches
    ratios = []
    for _ in range(3):
        pairs = [(seconds(command), seconds(BASE)) for _ in range(9)]
        ratios.append(statistics.median(ours for ours, _ in pairs) / statistics.median(base for _, base in pairs))
        if ratios[-1] <= 1.6:
            return
    pytest.fail(f"start-up takes {min(ratios):.2f} times its libraries")
