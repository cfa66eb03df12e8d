"""Fixtures every test may ask for."""

import os
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

# Tests read the program's words and columns, so neither the language nor the width of this terminal may matter.
os.environ["NNGRAPH_LANG"] = "en"
for name in ("COLUMNS", "NO_COLOR", "FORCE_COLOR", "LANGUAGE"):
    os.environ.pop(name, None)


def pytest_configure(config: pytest.Config) -> None:
    """With several workers, tests that share something slow go to the same one: those of one group."""
    if hasattr(config, "workerinput"):
        # A worker reads the command line again, and only where this is set does it say which group a test is of.
        config.option.loadgroup = True
    elif getattr(config.option, "dist", "no") == "load":
        config.option.dist = "loadgroup"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that need a GPU are skipped, and say why, where there is none."""
    wanting = [item for item in items if item.get_closest_marker("gpu")]
    reason = _no_gpu(alone=len(wanting) == len(items)) if wanting else None
    for item in wanting if reason else ():
        item.add_marker(pytest.mark.skip(reason=reason))


def _no_gpu(*, alone: bool) -> str | None:
    """Why nothing can run on a GPU in this process."""
    if find_spec("numba_cuda") is None:
        return "needs a GPU, and the extra cuda is not installed"
    if not alone:
        # Other tests may have numba.cuda simulate a GPU, which is so for the whole of a process.
        return "needs a GPU, and a process of its own: python tests/gpu/run.py"
    from nngraph.autograd.errors import NoDevice
    from nngraph.autograd.kernels.cuda.device import gpu

    try:
        gpu()
    except NoDevice as error:
        return str(error)
    return None


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
