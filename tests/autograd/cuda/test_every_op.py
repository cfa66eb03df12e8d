"""Every op and its gradient, computed by the kernels of a GPU on numba's simulator, against the reference."""

import nngraph as ng
import numpy as np
import pytest

pytest.importorskip("numba_cuda", reason="the extra cuda is not installed")
from nngraph.autograd.engines.compiled.calls import Fallback
from nngraph.autograd.engines.cuda.program import on_simulator
from nngraph.autograd.engines.cuda.target import FALLBACKS
from nngraph.autograd.engines.numpy import evaluate_all

from ...every_op.cases import case_of, every_example, floats_of, projected


@every_example
def test_values_and_gradients(op, at):
    leaves, node = case_of(op, at, np.float32)
    nodes, floats = [node], floats_of(leaves)
    if op.differentiable and node.dtype.kind == "f" and floats:
        nodes += ng.gradient(projected(node, np.random.default_rng(0)), floats)
    program = on_simulator(nodes, {})
    computed = [call.code.node.op.kernel for call in program.plan.calls if isinstance(call.code, Fallback)]
    assert set(computed) <= set(FALLBACKS), "numpy computes what no one has declared"
    for found, right in zip(program({}), evaluate_all(nodes, {})):
        assert (found.dtype, found.shape) == (right.dtype, right.shape)
        room = 2e-5 * max(1.0, float(np.abs(right).max(initial=0))) if right.dtype.kind == "f" else 0
        np.testing.assert_allclose(found, right, rtol=2e-5 if room else 0, atol=room)
