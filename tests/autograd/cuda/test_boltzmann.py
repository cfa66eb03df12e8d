"""A step of contrastive divergence on numba's simulator of a GPU: its samples, its weights, and its launches."""

import nngraph as ng
import numpy as np
import pytest
from nngraph import nets

pytest.importorskip("numba_cuda", reason="the extra cuda is not installed")
from nngraph.autograd.engines.compiled.planned import planned
from nngraph.autograd.engines.cuda.program import on_simulator
from nngraph.autograd.engines.cuda.target import Gpu
from nngraph.autograd.kernels.cuda.device import simulator
from nngraph.nets.mode import training


@pytest.fixture(scope="module", autouse=True)
def simulated():
    return simulator()


def machine(rows, visible, hidden, steps=1):
    """A machine, the data it learns from, its loss, and how its parameters are moved."""
    rbm = nets.RBM(visible, hidden, steps=steps, rng=0)
    v = ng.input("v", shape=(rows, visible), dtype=np.float32)
    with training() as learning:
        loss = rbm.objective(v)
    parameters = rbm.parameters()
    updates = {
        p: p - 0.2 * g for p, g in zip(parameters.values(), ng.gradient(loss, list(parameters.values())), strict=True)
    }
    return v, loss, {**updates, **learning.updates}


@pytest.mark.parametrize("sizes", [(6, 20, 16), (5, 9, 7)])
def test_three_steps_of_contrastive_divergence_give_the_processors_weights(sizes, rng):
    data = (rng.random(sizes[:2]) < 0.4).astype(np.float32)
    found = {}
    for engine in ("numba", "cuda-simulator"):
        v, loss, updates = machine(*sizes)
        step = ng.compile(loss, [v], updates, engine)
        losses = [float(step(data)) for _ in range(3)]
        found[engine] = losses, [leaf.value for leaf in updates]
    np.testing.assert_allclose(found["cuda-simulator"][0], found["numba"][0], rtol=1e-5, atol=1e-6)
    for one, other in zip(found["cuda-simulator"][1], found["numba"][1], strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)
    assert found["numba"][1][-1] == 3  # the step, on which every sample depends


@pytest.mark.parametrize("sizes", [(6, 20, 16), (5, 9, 7)])
def test_samples_are_the_processors(sizes, rng):
    rows, visible, hidden = sizes
    rbm = nets.RBM(visible, hidden, rng=0)
    data, step = (rng.random((rows, visible)) < 0.4).astype(np.float32), ng.state("step", 0)
    v = ng.input("v", shape=(rows, visible), dtype=np.float32)
    h = ng.bernoulli(rbm(v), step=step, name="hidden", draw=0)
    again = ng.bernoulli(rbm.visible_mean(h), step=step, name="visible", draw=0)
    outputs, updates = [h, again], {step: step + 1}
    program, right = on_simulator(outputs, updates), ng.compile(outputs, [v], updates, "numba")
    # Two products, each with its samples, and the nest that counts the steps.
    assert [call.code.name for call in program.plan.calls] == ["product", "product", "nest"]
    for number in range(3):
        found = []
        for run in (lambda: program({v: data}), lambda: right(data)):
            step.value = number
            found.append(run())
        for one, other in zip(*found, strict=True):
            np.testing.assert_array_equal(one, other)
            assert 0 < one.mean() < 1


def test_a_step_keeps_no_random_numbers_and_takes_few_launches():
    _, loss, updates = machine(1024, 784, 1024)
    plan = planned([loss], updates, Gpu())
    assert not [call.code.name for call in plan.calls if call.code.name in ("uniform", "normal")]
    samples = [call for call in plan.calls if any(getattr(part.code, "draws", None) for part in call.parts)]
    assert len(samples) == 2
    # Beside what adds up the parts of products whose depth is cut.
    assert sum(call.code.name != "product_parts" for call in plan.calls) <= 13
