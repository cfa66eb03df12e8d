"""A differentiator that is not ours: the package `autograd` of PyPI, whose name our own folder happens to share."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest


@pytest.fixture(scope="session")
def independent(root: Path) -> SimpleNamespace:
    """`numpy`: its wrapped numpy; `gradient(f, argnum=0)`: the gradient of a plain function."""
    package = _installed("autograd", root)
    return SimpleNamespace(numpy=importlib.import_module("autograd.numpy"), gradient=package.grad)


def _installed(name: str, root: Path) -> ModuleType:
    """The package that pip installed: `python -m pytest` puts this repository, with a folder of that name, first."""
    path = sys.path[:]
    sys.path[:] = [entry for entry in path if Path(entry or ".").resolve() != root]
    try:
        module = importlib.import_module(name)
        importlib.import_module(f"{name}.numpy")
    finally:
        sys.path[:] = path
    assert Path(str(module.__file__)).parent != root / name
    return module
