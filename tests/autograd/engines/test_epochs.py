"""Whole epochs in one call: the same steps in every engine, for every setting and every form of the data."""

from __future__ import annotations

import nngraph as ng
import numpy as np
import pytest
from nngraph.autograd.epochs import ORDERED, orders, shuffled
from nngraph.autograd.errors import NngraphError, ParameterError, ShapeError
from nngraph.autograd.philox import words

from .logistic import ENGINES, Model, losses_of

SETTINGS = [
    {},
    {"batch": 5},
    {"batch": 4},
    {"batch": 1, "epochs": 3},
    {"batch": 10, "epochs": 2},
    {"batch": 100, "epochs": 2},
    {"batch": 5, "epochs": 4, "shuffle": 7},
    {"batch": 3, "epochs": 3, "shuffle": -1},
    {"batch": 2, "epochs": 2, "shuffle": 2**70},
    {"epochs": 0},
    {"batch": 7, "epochs": 1, "shuffle": 0},
    {"batch": np.int64(5), "epochs": np.int8(2), "shuffle": np.uint8(3)},
]


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_engines_take_the_same_steps(data, settings, dtype):
    found = []
    for engine in ENGINES:
        model = Model(engine, dtype)
        records = list(model.step.epochs(data, **settings))
        batch = min(settings.get("batch") or 10, 10)
        steps = -(-10 // batch)
        assert all(record.steps == steps and 1 <= record.step <= steps for record in records)
        done = sum(len(record.outputs[0]) for record in records)
        assert done == steps * settings.get("epochs", 1) == int(model.count.value)
        assert [record.count for record in records] == [len(record.outputs[0]) for record in records]
        assert [epoch for record in records for epoch in record.ended] == list(range(settings.get("epochs", 1)))
        if records:
            assert (records[-1].epoch, records[-1].step) == (settings.get("epochs", 1) - 1, steps)
            assert records[-1].epoch_is_over
        found.append((losses_of(records) if records else np.zeros(0), *model.leaves()))
    for a, b in zip(*found):
        np.testing.assert_allclose(b, a, rtol=1e-12 if dtype == np.float64 else 1e-5, atol=1e-12 if dtype == np.float64 else 1e-6)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("batch", [2, 3])
def test_every_epoch_ends_in_the_record_that_holds_its_last_step(data, engine, batch, monkeypatch):
    from nngraph.autograd.engines.compiled.running import steps

    # Records of a few steps each, which do not end where epochs do.
    monkeypatch.setattr(steps, "MOST", 7)
    model, done = Model(engine), 0
    for record in model.step.epochs(data, batch=batch, epochs=6):
        ends = [done + at for at in range(1, record.count + 1) if (done + at) % record.steps == 0]
        assert list(record.ended) == [end // record.steps - 1 for end in ends]
        assert record.epoch_is_over == bool(ends)
        done += record.count
        assert (record.epoch, record.step) == ((done - 1) // record.steps, (done - 1) % record.steps + 1)
    assert done == 6 * -(-10 // batch)


def test_epochs_of_every_kind_and_calls_take_turns(data):
    """Batches as they lie are not copied: whatever comes next finds its own numbers, not the last batch."""
    x, t = data
    models = Model("numpy"), Model("numba")
    found = []
    for model in models:
        losses = []
        for turn in range(3):
            losses.append(losses_of(model.step.epochs((x, t), batch=5, epochs=2)))
            losses.append(model.step(x[:5], t[:5])[0])
            losses.append(model.step(x[:5], t[:5])[0])
            losses.append(losses_of(model.step.epochs((x + turn, t), batch=5, epochs=2, shuffle=turn)))
            losses.append(losses_of(model.step.epochs((x[::-1], t[::-1]), batch=5)))
            losses.append(model.step(x[5:], t[5:])[0])
        found.append((np.concatenate([np.atleast_1d(each) for each in losses]), *model.leaves()))
    for a, b in zip(*found):
        np.testing.assert_allclose(b, a, rtol=1e-12, atol=1e-12)


def test_steps_are_those_of_calls_one_by_one(data):
    at_once, by_hand = Model("numba"), Model("numba")
    records = list(at_once.step.epochs(data, batch=4, epochs=3, shuffle=5))
    losses, scores = [], []
    for epoch in range(3):
        order = shuffled(10, 5, epoch)
        for first in (0, 4, 8):
            rows = order[first : first + 4]
            loss, score = by_hand.step(data[0][rows], data[1][rows])
            losses.append(loss)
            scores.append(score)
    np.testing.assert_array_equal(losses_of(records), losses)
    np.testing.assert_array_equal(np.concatenate([score for record in records for score in record.outputs[1]]), np.concatenate(scores))
    for a, b in zip(at_once.leaves(), by_hand.leaves()):
        np.testing.assert_array_equal(a, b)


def test_orders_are_permutations_that_differ_by_epoch_and_seed():
    found = [shuffled(50, seed, epoch) for seed in (1, 2) for epoch in (0, 1)]
    assert all(sorted(order) == list(range(50)) for order in found)
    assert len({order.tobytes() for order in found}) == 4
    np.testing.assert_array_equal(orders(50, 1, range(2)), found[:2])
    np.testing.assert_array_equal(found[1], np.argsort(words(50, 1, 0, 0, 1), kind="stable"))


def test_more_rows_than_are_put_in_order_at_once(monkeypatch, data):
    from nngraph.autograd import epochs

    whole = Model("numba")
    expected = losses_of(whole.step.epochs(data, batch=5, epochs=6, shuffle=3))
    assert ORDERED > 60
    monkeypatch.setattr(epochs, "ORDERED", 25)
    parts = Model("numba")
    np.testing.assert_array_equal(losses_of(parts.step.epochs(data, batch=5, epochs=6, shuffle=3)), expected)


def test_a_size_without_a_name_takes_only_its_own_batches(data):
    model = Model("numba", size=None)
    assert len(losses_of(model.step.epochs(data, batch=5))) == 2
    with pytest.raises(ShapeError, match="needs a name"):
        list(model.step.epochs((data[0][:8], data[1][:8]), batch=5))
    with pytest.raises(ShapeError, match="needs a name"):
        list(model.step.epochs(data, batch=100))


@pytest.mark.parametrize("engine", ENGINES)
def test_steps_without_outputs_are_counted(engine):
    x, total = ng.input("x", shape=(ng.Size("N", 2),)), ng.state("total", 0.0)
    step = ng.compile([], [x], {total: total + ng.sum(x)}, engine=engine)
    records = list(step.epochs([np.arange(7.0)], batch=2, epochs=3))
    assert records[-1].epoch_is_over and all(record.outputs == () and record.step <= 4 for record in records)
    assert float(total.value) == 63.0


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda x, t: {"data": [x]}, r"data must hold one array for each input \(x, t\); got 1"),
        (lambda x, t: {"data": [x, t[:5]]}, r"data for 't' has shape \(5,\); all arrays need the same number of rows, 10"),
        (lambda x, t: {"data": [np.float64(1), t]}, r"data for 'x' has shape \(\)"),
        (lambda x, t: {"data": [x[:0], t[:0]]}, "no rows to learn from"),
        (lambda x, t: {"data": [x, t + 0.5]}, "was given float64, which does not fit into int64"),
        (lambda x, t: {"data": [x[:, :2], t]}, r"axis 1 is 2, the graph was built for 3"),
        (lambda x, t: {"batch": 0}, "batch=0 must be a whole number of rows, from 1 up"),
        (lambda x, t: {"batch": 2.0}, "batch=2.0 must be"),
        (lambda x, t: {"batch": True}, "batch=True must be"),
        (lambda x, t: {"epochs": -1}, "epochs=-1 must be a whole number of passes, from 0 up"),
        (lambda x, t: {"epochs": 1.5}, "epochs=1.5 must be"),
        (lambda x, t: {"shuffle": 0.5}, "shuffle=0.5 must be a whole number"),
        (lambda x, t: {"shuffle": True}, "shuffle=True must be a whole number"),
    ],
)
def test_what_is_wrong_is_said(engine, data, change, said):
    model = Model(engine)
    settings = {"data": data, "batch": 5} | change(*data)
    with pytest.raises(NngraphError, match=said):
        list(model.step.epochs(**settings))
    assert int(model.count.value) == 0


def test_wrong_settings_are_said_before_the_first_record(data):
    with pytest.raises(ParameterError):
        Model("numba").step.epochs(data, batch=0)
    count = ng.state("count", 0)
    with pytest.raises(ParameterError, match="takes no inputs"):
        ng.compile([], updates={count: count + 1}).epochs([])


DATA_FORMS = {
    "lists": lambda x, t: (x.tolist(), t.tolist()),
    "reversed": lambda x, t: (x[::-1][::-1], t[::-1][::-1]),
    "columns first": lambda x, t: (np.asfortranarray(x), t),
    "another byte order": lambda x, t: (x.astype(">f8"), t.astype(">i8")),
    "narrow": lambda x, t: (x, t.astype(np.int8)),
    "read-only": lambda x, t: (np.broadcast_to(x, x.shape), t),
    "every other": lambda x, t: (np.repeat(x, 2, 0)[::2], np.repeat(t, 2)[::2]),
    "not aligned": lambda x, t: (np.ndarray(x.shape, np.float64, bytearray(b"." + x.tobytes()), 1), t),
}


@pytest.mark.parametrize("form", DATA_FORMS.values(), ids=DATA_FORMS)
def test_data_of_any_form(data, form):
    expected = losses_of(Model("numba").step.epochs(data, batch=4, epochs=2, shuffle=1))
    np.testing.assert_array_equal(losses_of(Model("numba").step.epochs(form(*data), batch=4, epochs=2, shuffle=1)), expected)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("rows", [12, 13])
def test_a_run_in_two_parts_is_the_run_in_one(engine, rows):
    def trained(*parts: range) -> list[float]:
        x, w = ng.input("x", shape=(ng.Size("N", 4), 3)), ng.parameter("w", np.ones(3))
        loss = ng.mean(ng.square(x @ w))
        step = ng.compile(loss, [x], {w: w - 0.1 * ng.gradient(loss, [w])[0]}, engine=engine)
        data = np.random.default_rng(0).normal(size=(rows, 3))
        ended = [epoch for part in parts for record in step.epochs([data], 4, part, shuffle=3) for epoch in record.ended]
        assert ended == list(range(6))
        return w.value.tolist()

    assert trained(range(2), range(2, 5), range(5, 6)) == trained(range(6))


@pytest.mark.parametrize("engine", ENGINES)
def test_many_epochs_with_a_short_last_batch_share_a_record(engine):
    x, w = ng.input("x", shape=(ng.Size("N", 4),)), ng.parameter("w", 1.0)
    loss = ng.mean(ng.square(x - w))
    step = ng.compile(loss, [x], {w: w - 0.1 * ng.gradient(loss, [w])[0]}, engine=engine)
    data = np.arange(9.0)
    records = list(step.epochs([data], batch=4, epochs=50))
    assert sum(record.count for record in records) == sum(len(record.outputs[0]) for record in records) == 150
    assert len(records) < 50


def test_a_short_last_batch_that_cannot_be_taken_is_refused_before_the_first_step():
    x, w = ng.input("x", shape=(4,)), ng.parameter("w", 1.0)
    step = ng.compile([], [x], {w: w + ng.sum(x)})
    with pytest.raises(ShapeError, match=r"was given shape \(1,\)"):
        step.epochs([np.ones(9)], batch=4)
    assert float(w.value) == 1.0
    with pytest.raises(ShapeError, match="no rows to learn from"):
        step.epochs([np.ones(0)])
