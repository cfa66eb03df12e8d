"""Random numbers on numba's simulator of a GPU: the processor's bits, and no memory where one nest reads them."""

import nngraph as ng
import numpy as np
import pytest

pytest.importorskip("numba_cuda", reason="the extra cuda is not installed")
from nngraph.autograd.engines.cuda.program import on_simulator
from nngraph.autograd.kernels.cuda.device import simulator

SHAPES = [(37,), (64,), (3, 22), (4, 20), (2, 3, 5)]


@pytest.fixture(scope="module", autouse=True)
def simulated():
    return simulator()


def both(outputs, step, times=3):
    """What the simulator and the processor find in each of some steps, and the plan of the first."""
    updates = {step: step + 1}
    program, right = on_simulator(outputs, updates), ng.compile(outputs, [], updates, "numba")
    for number in range(times):
        found = []
        for run in (lambda: program({}), right):
            step.value = number
            found.append(run())
            assert step.value == number + 1
        yield found, program.plan


def drawn_alone(plan):
    return [call.code.name for call in plan.calls if call.code.name in ("uniform", "normal")]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", SHAPES)
def test_a_nest_makes_the_even_numbers_it_reads(shape, dtype, rng):
    step = ng.state("step", 0)
    x = ng.parameter("x", rng.standard_normal(shape).astype(dtype))
    kept = ng.dropout(x, 0.3, step=step)
    (back,) = ng.gradient(ng.sum(kept * x), [x])
    turned = ng.uniform(shape, step=step, dtype=dtype).T * 2.0
    chosen = ng.bernoulli(ng.sigmoid(x), step=step)
    bounded = ng.uniform(shape, -1.0, 3.0, step=step, dtype=dtype)
    for (found, right), plan in both([kept, back, turned, chosen, bounded], step):
        assert not drawn_alone(plan)
        assert any("_w0, " in call.code.text() for call in plan.calls)
        for one, other in zip(found, right):
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", SHAPES)
def test_a_nest_makes_the_numbers_of_the_bell_curve_it_reads(shape, dtype, rng):
    step = ng.state("step", 0)
    x = ng.parameter("x", rng.standard_normal(shape).astype(dtype))
    noisy = x + ng.normal(shape, 0.5, 2.0, step=step, dtype=dtype)
    turned = ng.normal(shape, step=step, dtype=dtype).T * x.T
    room = 1e-6 if dtype == "float32" else 1e-14
    for (found, right), plan in both([noisy, turned], step):
        assert not drawn_alone(plan)
        for one, other in zip(found, right):
            np.testing.assert_allclose(one, other, rtol=room, atol=4 * room)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_numbers_that_no_single_nest_reads_are_drawn_by_themselves(dtype, rng):
    step = ng.state("step", 0)
    numbers, bell = ng.uniform((5, 18), step=step, dtype=dtype), ng.normal((5, 18), step=step, dtype=dtype)
    # The first is asked for itself; what a softmax is made of is read three times.
    for (found, right), plan in both([numbers, ng.softmax(bell)], step):
        assert drawn_alone(plan) == ["uniform", "normal"]
        np.testing.assert_array_equal(found[0], right[0])
        np.testing.assert_allclose(found[1], right[1], rtol=1e-6)


@pytest.mark.parametrize("shape", [(5, 7, 20), (17, 3, 18)])
def test_samples_ride_on_the_product_they_depend_on(shape, rng):
    rows, depth, columns = shape
    step = ng.state("step", 0)
    x = ng.parameter("x", rng.standard_normal((rows, depth)).astype(np.float32))
    w = ng.parameter("w", rng.standard_normal((depth, columns)).astype(np.float32))
    b = ng.parameter("b", rng.standard_normal(columns).astype(np.float32))
    states = ng.bernoulli(ng.sigmoid(x @ w + b), step=step)
    noisy = x @ w + ng.normal((rows, columns), step=step, dtype=np.float32)
    for (found, right), plan in both([states, noisy], step):
        # The second counts the step up.
        assert [call.code.name for call in plan.calls] == ["product", "nest"]
        np.testing.assert_array_equal(found[0], right[0])
        np.testing.assert_allclose(found[1], right[1], rtol=1e-5, atol=1e-5)
        assert 0 < found[0].mean() < 1


def test_a_step_that_is_counted_up_meanwhile_is_counted_up_afterwards(rng):
    step = ng.state("step", 0)
    x = ng.parameter("x", rng.standard_normal((4, 16)).astype(np.float32))
    shown = step * 1
    first = x + ng.uniform((4, 16), step=step, dtype=np.float32)
    total = ng.sum(ng.dropout(x, 0.5, step=step), axis=1)
    for (found, right), plan in both([first, total, shown], step):
        assert not drawn_alone(plan)
        for one, other in zip(found, right):
            np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-6)
