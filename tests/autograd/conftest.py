"""A differentiator that is not ours: the package `autograd` of PyPI, whose name our own folder happens to share."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest


@pytest.fixture(scope="session")
def independent(root: Path) -> SimpleNamespace:
    """`numpy`: its wrapped numpy; `gradient(f, argnum=0)`: the gradient of a plain function."""
    autograd = _installed("autograd", root)
    import autograd.numpy

    return SimpleNamespace(numpy=autograd.numpy, gradient=autograd.grad)


def _installed(name: str, root: Path) -> ModuleType:
    """The package from site-packages: `python -m pytest` puts this repository, with a folder of the same name, first."""
    import importlib

    path = sys.path[:]
    sys.path[:] = [entry for entry in path if Path(entry or ".").resolve() != root]
    try:
        module = importlib.import_module(name)
        importlib.import_module(f"{name}.numpy")
    finally:
        sys.path[:] = path
    assert root not in Path(str(module.__file__)).resolve().parents or ".venv" in str(module.__file__)
    return module
