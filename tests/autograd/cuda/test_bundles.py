"""Several nests in one launch on numba's simulator: what they compute, how many launches are left, and which memory they have."""

from itertools import combinations

import nngraph as ng
import numpy as np
import pytest
from nngraph import nets

pytest.importorskip("numba_cuda", reason="the extra cuda is not installed")
from nngraph.autograd.engines.compiled.planned import planned
from nngraph.autograd.engines.cuda import target
from nngraph.autograd.engines.cuda.memory import Place
from nngraph.autograd.engines.cuda.program import on_simulator
from nngraph.autograd.engines.cuda.target import Gpu
from nngraph.autograd.kernels.cuda.bundle import CudaBundle
from nngraph.autograd.kernels.cuda.device import simulator
from nngraph.nets.optimizers import Memory


@pytest.fixture(scope="module", autouse=True)
def simulated():
    return simulator()


def launches(outputs, updates, monkeypatch):
    """How many launches a plan takes when every nest is launched by itself, and how many when they are bundled."""
    with monkeypatch.context() as alone:
        alone.setattr(target, "bundle", lambda calls: None)
        before = len(planned(outputs, updates, Gpu(True)).calls)
    return before, len(planned(outputs, updates, Gpu(True)).calls)


def shared_memory(program):
    """Pairs of nests in one launch of which one writes arena memory that the other reads or writes."""

    def spans(views):
        places = [program.binding.place(view) for view in views]
        size = [place.view.dtype.itemsize for place in places]
        return [
            (id(place.array), place.first * each, (place.first + place.count) * each)
            for place, each in zip(places, size, strict=True)
        ]

    def meet(some, others):
        return any(a == b and start < end and first < stop for a, start, stop in some for b, first, end in others)

    found = []
    for call in program.plan.calls:
        if isinstance(call.code, CudaBundle):
            for one, other in combinations(call.finishing, 2):
                (reads, writes), (theirs, written) = ((spans(each.reads), spans(each.writes)) for each in (one, other))
                if meet(writes, theirs) or meet(writes, written) or meet(reads, written):
                    found.append((one, other))
    return found


def net_step(optimizer, engine, rng):
    """A training step of a small net, its data, and its parameters."""
    net = nets.MLP((20, 16, 12, 10), rng=0)
    x, t = ng.input("x", shape=(6, 20), dtype=np.float32), ng.input("t", shape=(6,), dtype=np.int64)
    loss = ng.softmax_loss(net(x), t)
    parameters = net.parameters()
    updates = optimizer.updates(parameters, ng.gradient(loss, list(parameters.values())), Memory())
    data = rng.standard_normal((6, 20)).astype(np.float32), rng.integers(0, 10, 6)
    return loss, (x, t), updates, data, parameters


@pytest.mark.parametrize(
    "optimizer", [nets.SGD(0.1), nets.Momentum(0.1), nets.Adam(0.01, epsilon=1e-3)], ids=["SGD", "Momentum", "Adam"]
)
def test_a_net_learns_the_same_in_fewer_launches(optimizer, monkeypatch):
    weights = {}
    for engine in ("numba", "cuda-simulator"):
        loss, inputs, updates, data, parameters = net_step(optimizer, engine, np.random.default_rng(1))
        step = ng.compile(loss, inputs, updates, engine)
        for _ in range(3):
            step(*data)
        weights[engine] = [leaf.value for leaf in parameters.values()]
    for one, other in zip(weights["cuda-simulator"], weights["numba"], strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)
    alone, bundled = launches([loss], updates, monkeypatch)
    assert bundled <= 15
    assert bundled <= alone - 5


def test_the_updates_of_all_parameters_are_one_launch(monkeypatch, rng):
    sizes = [(3, 16), (16,), (7, 5), (5,), (32,), (2, 2, 12), (9,), (24,)]
    values = [rng.standard_normal(size).astype(np.float32) for size in sizes]
    given = [rng.standard_normal(size).astype(np.float32) for size in sizes]
    found = {}
    for engine in ("numba", "cuda-simulator"):
        parameters = {f"p{at}": ng.parameter(f"p{at}", value) for at, value in enumerate(values)}
        gradients = [ng.input(f"g{at}", shape=size, dtype=np.float32) for at, size in enumerate(sizes)]
        updates = nets.Adam(0.1).updates(parameters, gradients, Memory())
        step = ng.compile([], gradients, updates, engine)
        for _ in range(3):
            step(*given)
        found[engine] = [leaf.value for leaf in parameters.values()]
    for one, other in zip(found["cuda-simulator"], found["numba"], strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-7)
    # The first counts the steps and makes of them what all others read.
    assert launches([], updates, monkeypatch) == (9, 2)
    (_, bundle) = planned([], updates, Gpu(True)).calls
    codes = {nest.code for nest in bundle.finishing}
    assert len(bundle.finishing) == 8
    assert bundle.code.text().count("sqrt(") <= 9 * len(codes)


def programs(rng):
    """Programs with bundles of many kinds."""
    a, b = (ng.parameter(name, rng.standard_normal((6, 20)).astype(np.float32)) for name in "ab")
    shared = ng.tanh(a @ b.T)
    yield [ng.exp(shared), ng.sum(shared, axis=0), ng.max(shared * 2.0, axis=1), shared.T + 1.0], {}
    # Both read for the last time what neither may write over.
    both = ng.cumsum(a @ b.T, axis=1)
    yield [ng.exp(both) @ (ng.flip(both, axis=0) * 2.0)], {}
    count = ng.state("count", 2)
    yield [a * count, ng.sum(a * 1.0, axis=1), ng.cumsum(a, axis=0)], {a: a + 1.0, count: count + 1}
    yield (
        [ng.cumsum(ng.exp(shared), axis=0), ng.cumsum(ng.sum(shared, axis=1), axis=0), ng.cumsum(-shared.T, axis=0)],
        {},
    )
    yield [ng.sum(a), ng.sum(b, axis=0), ng.mean(a * b), ng.max(a, axis=1)], {a: a * 2.0, b: b - a}
    for optimizer in (nets.SGD(0.1), nets.Adam(), nets.Adam(clip=1.0)):
        loss, _, updates, _, _ = net_step(optimizer, "numba", rng)
        yield [loss], updates


def test_nests_in_one_launch_share_no_memory_that_is_written(rng):
    bundles = 0
    for outputs, updates in programs(rng):
        program = on_simulator(outputs, updates)
        assert not shared_memory(program)
        bundles += sum(isinstance(call.code, CudaBundle) for call in program.plan.calls)
    assert bundles >= 8


def test_memory_that_is_shared_would_be_seen(monkeypatch, rng):
    class Seen(Place):
        """A place at the beginning of its array, as if nothing had been told apart."""

        def __init__(self, array, view, start=0):
            super().__init__(array, view, 0)

    monkeypatch.setattr("nngraph.autograd.engines.cuda.binding.Place", Seen)
    assert any(shared_memory(on_simulator(outputs, updates)) for outputs, updates in programs(rng))


def test_bundles_compute_what_their_nests_do(rng):
    for outputs, updates in list(programs(rng))[:5]:
        before = {leaf: leaf.value.copy() for leaf in updates}
        found = on_simulator(outputs, updates)({})
        new = {leaf: leaf.value for leaf in updates}
        for leaf, value in before.items():
            leaf.value = value
        right = ng.compile(outputs, [], updates, "numpy")()
        for one, other in zip(found, right, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)
        for leaf, value in new.items():
            np.testing.assert_allclose(value, leaf.value, rtol=1e-6)


def test_a_nest_stays_behind_what_it_reads_and_in_front_of_who_reads_it(rng):
    a = ng.parameter("a", rng.standard_normal((4, 20)).astype(np.float32))
    count = ng.state("count", 0)
    outputs = [a * count, ng.sum(a * 1.0, axis=1), ng.cumsum(a, axis=0)]
    program = on_simulator(outputs, {a: a + 1.0, count: count + 1})
    for turn in range(3):
        value = a.value.copy()
        first, second, third = program({})
        np.testing.assert_array_equal(first, value * turn)
        np.testing.assert_allclose(second, value.sum(1), rtol=1e-6)
        np.testing.assert_allclose(third, np.cumsum(value, 0), rtol=1e-6)
        np.testing.assert_array_equal(a.value, value + 1)
        assert count.value == turn + 1
