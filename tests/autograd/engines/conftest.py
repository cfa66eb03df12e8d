"""Fixtures for tests of engines."""

from __future__ import annotations

import numpy as np
import pytest
from nngraph.autograd import epochs
from nngraph.autograd.engines.compiled.running import steps


@pytest.fixture
def data(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Rows and labels for the model of logistic.py."""
    return rng.standard_normal((10, 3)), rng.integers(0, 2, 10)


@pytest.fixture
def short_stretches(monkeypatch: pytest.MonkeyPatch) -> None:
    """A record for every step or two."""
    monkeypatch.setattr(steps, "STRETCH", 1e-9)
    monkeypatch.setattr(epochs, "STRETCH", 1e-9)
