"""An example is a promise that runs: docstrings, the README's blocks, and every file of examples/."""

import doctest
import importlib
import os
import pkgutil
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

import nngraph

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def modules():
    """Every module of the installed package, kernels and the entry point left out: the one compiles, the other runs."""
    found = [
        each.name for each in pkgutil.walk_packages(nngraph.__path__, "nngraph.") if not each.name.endswith("__main__")
    ]
    inside = ("nngraph.autograd", "nngraph.nets", "nngraph.viz", "nngraph.cli")
    return ["nngraph", *(name for name in found if name.startswith(inside))]


@pytest.mark.parametrize("name", modules())
def test_docstrings_run(name):
    results = doctest.testmod(
        importlib.import_module(name), optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    )
    assert results.failed == 0


def commands(block):
    """The `nngraph …` lines of a shell block as argument lists; backslashes join lines."""
    for line in block.replace("\\\n", " ").splitlines():
        words = shlex.split(line)
        if words and words[0].endswith("nngraph"):
            yield words[1:]


README_COMMANDS = [words for kind, block in BLOCKS if kind == "sh" for words in commands(block)]


@pytest.mark.parametrize("words", README_COMMANDS, ids=" ".join)
def test_commands_of_the_readme_run(words, tmp_path):
    finished = subprocess.run(
        [sys.executable, "-m", "nngraph", *words],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        encoding="utf-8",
    )
    assert finished.returncode == 0, finished.stderr
    assert finished.stdout.strip() or list(tmp_path.iterdir())


def test_the_readme_has_its_three_commands():
    shell = [block for kind, block in BLOCKS if kind == "sh"]
    assert "venv --without-pip" in shell[0] and "explain" in shell[0]
    assert "venv --without-pip" in shell[1] and "pytest" in shell[1]
    assert "cuda-dev" in shell[2] and "pytest" in shell[2]
    assert len(README_COMMANDS) >= 8


@pytest.mark.parametrize("number", [number for number, (kind, _) in enumerate(BLOCKS) if kind == "python"])
def test_python_of_the_readme_runs(number, tmp_path):
    finished = subprocess.run(
        [sys.executable, "-c", BLOCKS[number][1]], cwd=tmp_path, capture_output=True, text=True, timeout=120
    )
    assert finished.returncode == 0, finished.stderr


def test_links_of_the_readme_lead_somewhere():
    targets = re.findall(r"\]\(([^)#:]+)\)", README)
    assert targets
    assert not [target for target in targets if not (ROOT / target).exists()]


# The lectures are run by tests/lectures.
EXAMPLES = [path for path in sorted((ROOT / "examples").rglob("*.py")) if path.parent.name != "lectures"]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_examples_run(path, tmp_path):
    # Examples write their pictures into the working folder, never beside themselves.
    before = {each for each in (ROOT / "examples").rglob("*")}
    environment = {**os.environ, "PYTHONWARNINGS": "error", "PYTHONDONTWRITEBYTECODE": "1"}
    finished = subprocess.run(
        [sys.executable, str(path)], cwd=tmp_path, capture_output=True, text=True, timeout=300, env=environment
    )
    assert finished.returncode == 0, finished.stderr
    assert {each for each in (ROOT / "examples").rglob("*")} == before
