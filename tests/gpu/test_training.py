"""Whole trainings on a GPU give the processor's losses: the rows of tests/bench, from the same data and first weights."""

import sys
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.gpu
ENGINE = "cuda"
sys.path.insert(0, str(Path(__file__).parents[1] / "bench"))
from workloads import all_workloads, arrays_of

STEPS = 12
TINY = False


@pytest.mark.parametrize("name", ["iris", "digits", "mlp784", "cnn", "lstm", "autoencoder", "gan", "rbm"])
def test_losses(name, monkeypatch):
    workload = all_workloads()[name]
    arrays = arrays_of(workload, TINY)
    losses = {}
    for engine in ("numba", ENGINE):
        monkeypatch.setenv("NNGRAPH_BENCH_ENGINE", engine)
        training = workload.builders["nngraph"](arrays)
        losses[engine] = [training.run(1) for _ in range(STEPS)]
    # Rounding differs, and a training carries it on; drawn states that lie at a threshold may fall to the other side.
    np.testing.assert_allclose(losses[ENGINE][0], losses["numba"][0], rtol=1e-4 if name != "rbm" else 1e-3)
    np.testing.assert_allclose(losses[ENGINE], losses["numba"], rtol=5e-3)
