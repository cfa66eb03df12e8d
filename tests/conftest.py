"""Fixtures every test may ask for."""

from pathlib import Path

import numpy as np
import pytest


@pytest.fixture
def rng() -> np.random.Generator:
    """Random numbers that are the same in every run."""
    return np.random.default_rng(20240917)


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository root, where README.md and examples/ lie."""
    return Path(__file__).resolve().parents[1]
