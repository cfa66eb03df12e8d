"""Recurrent nets on numba's simulator of a GPU: what they learn, and how many launches a step of time takes."""

import nngraph as ng
import numpy as np
import pytest
from nngraph import nets

pytest.importorskip("numba_cuda", reason="the extra cuda is not installed")
from nngraph.autograd.engines.compiled.calls import every_call
from nngraph.autograd.engines.compiled.planned import planned
from nngraph.autograd.engines.cuda.program import on_simulator
from nngraph.autograd.engines.cuda.target import Gpu
from nngraph.autograd.kernels.cuda.device import simulator


@pytest.fixture(scope="module", autouse=True)
def simulated():
    return simulator()


def training(kind, rows, steps, inputs, hidden):
    """A recurrent net with a loss, and how its parameters are moved."""
    net = kind(inputs, hidden, rng=0)
    x = ng.input("x", shape=(rows, steps, inputs), dtype=np.float32)
    loss = ng.mean(ng.square(net(x)))
    parameters = list(net.parameters().values())
    updates = {p: p - 0.5 * g for p, g in zip(parameters, ng.gradient(loss, parameters), strict=True)}
    return loss, x, updates


@pytest.mark.parametrize("kind", [nets.RNN, nets.LSTM, nets.GRU])
@pytest.mark.parametrize("sizes", [(2, 3, 4, 8), (1, 3, 3, 5)])
def test_three_steps_of_training_give_the_processors_weights(kind, sizes, rng):
    rows, steps, inputs, _ = sizes
    data = rng.standard_normal((rows, steps, inputs)).astype(np.float32)
    found = {}
    for engine in ("numba", "cuda-simulator"):
        loss, x, updates = training(kind, *sizes)
        step = ng.compile(loss, [x], updates, engine)
        losses = [float(step(data)) for _ in range(3)]
        found[engine] = losses, [leaf.value for leaf in updates]
    np.testing.assert_allclose(found["cuda-simulator"][0], found["numba"][0], rtol=1e-6)
    for one, other in zip(found["cuda-simulator"][1], found["numba"][1], strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("kind", "forward", "back"), [(nets.RNN, 1, 2), (nets.LSTM, 2, 2), (nets.GRU, 3, 4)])
def test_a_step_of_time_takes_few_launches(kind, forward, back):
    steps, rows, hidden = 64, 32, 64
    loss, _, updates = training(kind, rows, steps, hidden, hidden)
    plan = planned([loss], updates, Gpu())
    first, second = [call.body for call in plan.calls if call.body is not None]
    # What adds up the parts of a product whose depth is cut is not counted: sizes decide whether it is.
    counts = [sum(call.code.name != "product_parts" for call in body.calls) for body in (first, second)]
    assert counts == [forward, back]
    # The product that ends a turn of the way back begins the next one.
    assert first.ahead is None
    assert (second.ahead is None) == (kind is nets.GRU)
    assert first.length == second.length == steps
    # What is the same for all steps is one product outside of the loop: of the inputs, and for the gradients of weights.
    outside = [call for call in plan.calls if call.code.name == "product"]
    assert len(outside) == (3 if kind is not nets.GRU else 4)
    assert min(call.flops for call in outside) >= 2 * steps * rows * hidden * hidden


def test_all_steps_share_their_kernels(rng):
    loss, _, updates = training(nets.LSTM, 2, 5, 4, 16)
    program = on_simulator([loss], updates)
    called = [call for _, call in every_call(program.plan.calls) if call.body is None]
    launches = sum(len(piece) for piece in program.binding.pieces)
    bodies = [call.body for call in program.plan.calls if call.body is not None]
    turns = [(body.length - 1) * (len(body.calls) - (body.ahead is not None)) for body in bodies]
    assert launches == len(called) + sum(turns)
    assert len({call.code.text() for call in called}) <= len(called)
    kernels = simulator()._kernels
    before = len(kernels)
    on_simulator([loss], updates)
    assert len(kernels) == before


def test_rows_that_do_not_lie_by_fours_at_every_step_are_not_moved_by_fours(rng):
    x = ng.input("x", rng.standard_normal((3, 37)).astype(np.float32))
    start = ng.constant(np.zeros(37, np.float32))
    last, every = ng.scan(lambda state, row: (state * 0.5 + ng.tanh(row), state * row), start, x)
    program = on_simulator([last, every], {})
    for found, right in zip(
        program({x: x.value}), ng.compile([last, every], [x], engine="numpy")(x.value), strict=True
    ):
        np.testing.assert_allclose(found, right, rtol=1e-6)


def stacked(state, row, w):
    """Every turn's own number is asked for, so that it lies elsewhere at every turn."""
    own = ng.tanh(state + row) * 2.0
    return own @ w, own


def overwritten(state, row, w):
    """The product reads what the next turn begins with writing over."""
    own = ng.tanh(state + row) * 2.0
    shown = ng.cumsum(own, axis=1)
    return own @ w, shown


def reused(state, row, w):
    """The product reads memory that the turn had used for something else before."""
    own = ng.cumsum(ng.cumsum(ng.tanh(state + row) * 0.1, axis=1), axis=0)
    shown = ng.cumsum(own, axis=0)
    return own @ w, shown


def looked_back(state, row, w):
    """The next turn begins with numbers that other threads have written."""
    own = ng.tanh(state + ng.flip(state, axis=1) + row)
    return own @ w, own


@pytest.mark.parametrize(
    ("turn", "early"), [(stacked, True), (overwritten, False), (reused, False), (looked_back, False)]
)
def test_a_turn_is_begun_early_only_where_nothing_is_lost(turn, early, rng):
    start, w = (rng.standard_normal(shape).astype(np.float32) for shape in ((5, 20), (20, 20)))
    rows, w = ng.constant(rng.standard_normal((4, 5, 20)).astype(np.float32)), ng.constant(0.2 * w)
    outputs = [*ng.scan(lambda state, row: turn(state, row, w), ng.constant(start), rows)]
    program = on_simulator(outputs, {})
    (body,) = [call.body for call in program.plan.calls if call.body is not None]
    assert (body.ahead is not None) == early
    for found, right in zip(program({}), ng.compile(outputs, [], engine="numpy")(), strict=True):
        np.testing.assert_allclose(found, right, rtol=1e-5, atol=1e-5)
