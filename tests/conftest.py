"""Fixtures every test may ask for."""

import os
from pathlib import Path

import numpy as np
import pytest

# Tests read the program's words and columns, so neither the language nor the width of this terminal may matter.
os.environ["NNGRAPH_LANG"] = "en"
for name in ("COLUMNS", "NO_COLOR", "FORCE_COLOR", "LANGUAGE"):
    os.environ.pop(name, None)


def pytest_configure(config: pytest.Config) -> None:
    """With several workers, tests that share something slow go to the same one: those of one group."""
    if getattr(config.option, "dist", "no") == "load":
        config.option.dist = "loadgroup"


@pytest.fixture(autouse=True)
def english_again():
    """A command that was told a language speaks it to the end of the process: the next test begins in English."""
    from nngraph.autograd.language import current

    current.set(None)
    yield
    current.set(None)


@pytest.fixture
def rng() -> np.random.Generator:
    """Random numbers that are the same in every run."""
    return np.random.default_rng(20240917)


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository root, where README.md and examples/ lie."""
    return Path(__file__).resolve().parents[1]
