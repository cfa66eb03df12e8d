"""Every op and its gradient on a GPU, against the reference."""

import nngraph as ng
import numpy as np
import pytest
from nngraph.autograd.engines.numpy import evaluate_all

from ..every_op.cases import case_of, every_example, floats_of, projected

pytestmark = pytest.mark.gpu
ENGINE = "cuda"


@every_example
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_values_and_gradients(op, at, dtype):
    leaves, node = case_of(op, at, dtype)
    nodes, floats = [node], floats_of(leaves)
    if op.differentiable and node.dtype.kind == "f" and floats:
        nodes += ng.gradient(projected(node, np.random.default_rng(0)), floats)
    step = ng.compile(nodes, engine=ENGINE)
    right = evaluate_all(nodes, {})
    near = 2e-5 if dtype is np.float32 else 1e-12
    # The first call launches kernel by kernel, the second is a graph.
    for found in (step(), step()):
        for mine, true in zip(found, right):
            assert (mine.dtype, mine.shape) == (true.dtype, true.shape)
            room = near * max(1.0, float(np.abs(true).max(initial=0))) if true.dtype.kind == "f" else 0
            np.testing.assert_allclose(mine, true, rtol=near if room else 0, atol=room)
