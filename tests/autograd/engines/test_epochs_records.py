"""Epochs between their records: loops that are left, closed or take turns, leaves and data that change meanwhile."""

from __future__ import annotations

import nngraph as ng
import numpy as np
import pytest
from nngraph.autograd import epochs
from nngraph.autograd.engines.compiled.running import steps
from nngraph.autograd.engines.compiled.running.program import Program
from nngraph.autograd.epochs import shuffled
from nngraph.autograd.errors import NngraphError

from .logistic import ENGINES, Model, losses_of


@pytest.mark.parametrize("engine", ENGINES)
def test_a_loop_that_is_left_early_keeps_its_steps(engine, data, short_stretches):
    model, by_hand = Model(engine), Model(engine)
    for record in model.step.epochs(data, batch=2, epochs=100):
        if record.epoch == 1:
            break
    done = int(model.count.value)
    assert 5 < done < 500
    for at in range(done):
        rows = slice(at % 5 * 2, at % 5 * 2 + 2)
        by_hand.step(data[0][rows], data[1][rows])
    for a, b in zip(model.leaves(), by_hand.leaves()):
        np.testing.assert_allclose(a, b, rtol=1e-12)
    model.step(*data)  # and goes on
    assert int(model.count.value) == done + 1


@pytest.mark.parametrize("engine", ENGINES)
def test_a_loop_that_is_closed_while_it_waits(engine, data, short_stretches):
    model = Model(engine)
    loop = model.step.epochs(data, batch=2, epochs=100)
    next(loop)
    before = model.leaves()
    loop.close()  # type: ignore[attr-defined]
    for a, b in zip(model.leaves(), before):
        np.testing.assert_array_equal(a, b)
    assert len(losses_of(model.step.epochs(data, batch=2))) == 5


@pytest.mark.parametrize("engine", ENGINES)
def test_two_loops_that_take_turns(engine, rng, short_stretches):
    x, seen = ng.input("x", shape=(ng.Size("N", 2),)), ng.state("seen", 0.0)
    step = ng.compile(ng.sum(x), [x], {seen: seen + ng.sum(x)}, engine=engine)
    first, second = rng.standard_normal(40), rng.standard_normal(60)
    loops = [step.epochs([first], batch=2, epochs=2), step.epochs([second], batch=2, epochs=2, shuffle=1)]
    found: list[list[float]] = [[], []]
    waiting = [0, 1]
    while waiting:
        for at in list(waiting):
            record = next(loops[at], None)
            if record is None:
                waiting.remove(at)
            else:
                found[at] += record.outputs[0].tolist()
    np.testing.assert_allclose(found[0], np.tile(first.reshape(-1, 2).sum(1), 2), rtol=1e-12)
    order = np.concatenate([shuffled(60, 1, epoch) for epoch in range(2)])
    np.testing.assert_allclose(found[1], second[order].reshape(-1, 2).sum(1), rtol=1e-12)
    assert float(seen.value) == pytest.approx(2 * (first.sum() + second.sum()), rel=1e-12)


@pytest.mark.parametrize("engine", ENGINES)
def test_leaves_and_data_that_change_between_records_count_from_then_on(engine, short_stretches):
    x, w = ng.input("x", shape=(2,)), ng.parameter("w", 1.0)
    other = ng.input("other", 0.0)
    step = ng.compile(ng.sum(x) * w + other, [x], {w: w * 1.0}, engine=engine)
    data = np.ones(8)
    loop = step.epochs([data], batch=2, epochs=3)
    next(loop)
    data[:] = 5.0
    w.value, other.value = 3.0, 100.0
    rest = losses_of(loop)
    assert len(rest) >= 9 and (rest == 130.0).all()


@pytest.mark.parametrize("engine", ENGINES)
def test_data_whose_shape_changes_between_records(engine, short_stretches):
    x = ng.input("x", shape=(2, 3))
    step = ng.compile(ng.sum(x), [x], engine=engine)
    data = np.ones((8, 3))
    loop = step.epochs([data], batch=2, epochs=50)
    next(loop)
    data.shape = (24, 1)  # rows are others now, but not for a loop that has begun
    with pytest.raises(ValueError, match="cannot resize"):
        data.resize((1, 1))
    assert (losses_of(loop) == 6.0).all()


@pytest.mark.parametrize("engine", ENGINES)
def test_the_executable_is_called_from_inside_its_loop(engine, data, short_stretches):
    model = Model(engine)
    calls = 0
    for record in model.step.epochs(data, batch=5, epochs=4):
        loss, _ = model.step(data[0][:3], data[1][:3])
        assert np.isfinite(loss)
        calls += 1
        if calls % 3 == 0:
            next(model.step.epochs(data, batch=5))
        assert np.isfinite(record.outputs[0]).all()
    assert int(model.count.value) > 8 + calls - 1


def test_records_are_not_written_over_later(data, short_stretches):
    model = Model("numba")
    records = []
    for record in model.step.epochs(data, batch=2, epochs=3):
        records.append((record, [array.copy() for array in record.outputs]))
    for record, kept in records:
        for a, b in zip(record.outputs, kept):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_bad_label_ends_the_loop_where_it_is_met(engine, data):
    x, t = data
    t = t.copy()
    t[6] = 9  # in the fourth batch of two
    model, by_hand = Model(engine), Model(engine)
    with pytest.raises(NngraphError, match="class number 9 with 2 classes"):
        list(model.step.epochs((x, t), batch=2, epochs=2))
    for at in range(3):
        by_hand.step(x[2 * at : 2 * at + 2], t[2 * at : 2 * at + 2])
    for a, b in zip(model.leaves(), by_hand.leaves()):
        np.testing.assert_allclose(a, b, rtol=1e-12)
    assert len(losses_of(model.step.epochs(data, batch=2))) == 5


# How often there is a record ------------------------------------------------------------------------------------------------
def test_a_record_comes_after_a_tenth_of_a_second(data, monkeypatch):
    """By a clock that moves a millisecond for every step."""
    clock, run = [0.0], Program.native

    def native(self, code, start, stop):
        run(self, code, start, stop)
        clock[0] += 1e-3 * (stop - start)

    monkeypatch.setattr(Program, "native", native)
    monkeypatch.setattr(steps, "perf_counter", lambda: clock[0])
    model = Model("numba")
    records = list(model.step.epochs(data, batch=5, epochs=500))
    assert sum(record.count for record in records) == int(model.count.value) == 1000
    assert max(record.count for record in records) <= 101
    assert max(record.seconds for record in records) <= 0.102
    assert 10 <= len(records) <= 13


def test_steps_called_one_by_one_have_a_record_before_two_tenths_are_over(data, monkeypatch):
    """By a clock that moves 30 ms for every step. An epoch that ends does not end a record."""
    model, clock = Model("numpy"), [0.0]
    run = type(model.step).outputs_of

    def outputs_of(self, arrays):
        clock[0] += 0.03
        return run(self, arrays)

    monkeypatch.setattr(type(model.step), "outputs_of", outputs_of)
    monkeypatch.setattr(epochs, "perf_counter", lambda: clock[0])
    counts = [record.count for record in model.step.epochs(data, batch=2, epochs=4)]
    assert sum(counts) == 20
    assert all(0.03 * count < 2 * epochs.STRETCH for count in counts)
    assert all(0.03 * count >= epochs.STRETCH for count in counts[:-1])
