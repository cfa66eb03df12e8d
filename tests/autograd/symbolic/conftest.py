"""Derivations for the tests of how they print: two made by hand, and real ones."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import nngraph as ng
import numpy as np
import pytest
from nngraph.autograd.sizes import Size
from nngraph.autograd.symbolic import explain
from nngraph.autograd.symbolic.derivation import Derivation


def beside(name: str) -> ModuleType:
    """The module of this folder with this name (tests are imported by path, so they cannot import each other)."""
    full = f"symbolic_tests_{name}"
    if full not in sys.modules:
        spec = importlib.util.spec_from_file_location(full, Path(__file__).with_name(f"{name}.py"))
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[full] = module
        spec.loader.exec_module(module)
    return sys.modules[full]


@pytest.fixture(scope="session")
def made() -> ModuleType:
    """The derivations made by hand."""
    return beside("derivations")


@pytest.fixture(scope="session")
def real() -> dict[str, Derivation]:
    """Real derivations of several kinds: a scalar net, two paths, second order, matrices, softmax, Chinese names."""
    w, x, b = ng.input("w", 2.0), ng.input("x", -1.0), ng.input("b", 0.5)
    weight, entered = ng.input("權重", 2.0), ng.input("输入_1", -1.0)
    rows = Size("N", 3)
    X, W = (
        ng.input("X", np.array([[1.0, 2.0], [0.0, 1.0], [3.0, 1.0]])),
        ng.input("W", np.array([[0.1, -0.2], [0.3, 0.4]])),
    )
    T, c = ng.input("T", np.eye(2)[[0, 1, 0]]), ng.input("b", np.array([0.1, 0.0]))
    X.shape, T.shape = (rows, 2), (rows, 2)
    net = ng.sigmoid(w * ng.sigmoid(w * x + b) + b * ng.sigmoid(b * x - w))
    return {
        "neuron": explain(ng.sigmoid(w * x + b), [w, b], detail="full"),
        "paths": explain((net - x) ** 2, [w, b]),
        "second": explain((w * x) ** 3 + ng.exp(-w), [w], order=2),
        "matrix": explain(ng.sum((X @ W - T) ** 2) / ng.sum(T), [W], notation="bar"),
        "softmax": explain(ng.softmax_loss(X @ W + c, T), [W, c], detail="full", notation="delta"),
        "chinese": explain(ng.tanh(weight * entered) ** 2, [weight]),
    }
