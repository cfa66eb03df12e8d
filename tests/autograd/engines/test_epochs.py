"""Whole epochs in one call: the same steps in every engine, whatever is done to the loop, the data and the process meanwhile."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import nngraph as ng
import numpy as np
import pytest
from nngraph.autograd.epochs import ORDERED, orders, shuffled
from nngraph.autograd.errors import NngraphError, ParameterError, ShapeError
from nngraph.autograd.philox import words

ENGINES = ("numpy", "numba")


class Model:
    """Logistic regression on labels, with momentum and a counter."""

    def __init__(self, engine: str, dtype: Any = np.float64, size: int | None = 4) -> None:
        n = ng.Size("N", size) if size is not None else 5
        self.x, self.t = ng.input("x", shape=(n, 3), dtype=dtype), ng.input("t", shape=(n,), dtype=np.int64)
        self.w = ng.parameter("w", np.linspace(-0.1, 0.1, 6).reshape(3, 2).astype(dtype))
        self.speed = ng.state("speed", np.zeros((3, 2), dtype))
        self.count = ng.state("count", 0)
        scores = self.x @ self.w
        loss = ng.mean(ng.softmax_loss(scores, self.t))
        (slope,) = ng.gradient(loss, [self.w])
        speed = 0.5 * self.speed + slope
        updates = {self.w: self.w - 0.1 * speed, self.speed: speed, self.count: self.count + 1}
        self.step = ng.compile([loss, scores], [self.x, self.t], updates, engine=engine)

    def leaves(self) -> list[np.ndarray]:
        return [self.w.value, self.speed.value, self.count.value]


@pytest.fixture
def data(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    return rng.standard_normal((10, 3)), rng.integers(0, 2, 10)


def _losses(records: Any) -> np.ndarray:
    return np.concatenate([record.outputs[0] for record in records])


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
        found.append((_losses(records) if records else np.zeros(0), *model.leaves()))
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
            losses.append(_losses(model.step.epochs((x, t), batch=5, epochs=2)))
            losses.append(model.step(x[:5], t[:5])[0])
            losses.append(model.step(x[:5], t[:5])[0])
            losses.append(_losses(model.step.epochs((x + turn, t), batch=5, epochs=2, shuffle=turn)))
            losses.append(_losses(model.step.epochs((x[::-1], t[::-1]), batch=5)))
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
    np.testing.assert_array_equal(_losses(records), losses)
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
    expected = _losses(whole.step.epochs(data, batch=5, epochs=6, shuffle=3))
    assert ORDERED > 60
    monkeypatch.setattr(epochs, "ORDERED", 25)
    parts = Model("numba")
    np.testing.assert_array_equal(_losses(parts.step.epochs(data, batch=5, epochs=6, shuffle=3)), expected)


def test_a_size_without_a_name_takes_only_its_own_batches(data):
    model = Model("numba", size=None)
    assert len(_losses(model.step.epochs(data, batch=5))) == 2
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
    expected = _losses(Model("numba").step.epochs(data, batch=4, epochs=2, shuffle=1))
    np.testing.assert_array_equal(_losses(Model("numba").step.epochs(form(*data), batch=4, epochs=2, shuffle=1)), expected)


# What happens between records ----------------------------------------------------------------------------------------------
@pytest.fixture
def short_stretches(monkeypatch: pytest.MonkeyPatch) -> None:
    """A record for every step or two."""
    from nngraph.autograd import epochs
    from nngraph.autograd.engines.compiled.running import steps

    monkeypatch.setattr(steps, "STRETCH", 1e-9)
    monkeypatch.setattr(epochs, "STRETCH", 1e-9)


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
    assert len(_losses(model.step.epochs(data, batch=2))) == 5


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
    rest = _losses(loop)
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
    assert (_losses(loop) == 6.0).all()


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
    assert len(_losses(model.step.epochs(data, batch=2))) == 5


# Ctrl-C -------------------------------------------------------------------------------------------------------------------
INTERRUPTED = """
import os, signal, sys, threading, time
import numpy as np
import nngraph as ng
engine, rows = sys.argv[1], int(sys.argv[2])
x = ng.input("x", shape=(rows, 50))
a, b = ng.state("a", np.zeros(300)), ng.state("b", np.zeros(300))
c = ng.parameter("c", np.ones(50))
step = ng.compile(ng.sum(ng.tanh(x * c)), [x], {a: a + 1.0, b: b - 1.0, c: c * 1.0}, engine=engine)
data = np.ones((10 * rows, 50))
list(step.epochs([data], batch=rows))
def interrupt():
    time.sleep(0.25)
    global sent
    sent = time.perf_counter()
    os.kill(os.getpid(), signal.SIGINT)
threading.Thread(target=interrupt, daemon=True).start()
try:
    for record in step.epochs([data], batch=rows, epochs=10**8, shuffle=1):
        pass
except KeyboardInterrupt:
    late = time.perf_counter() - sent
first, second = a.value, b.value
assert len(set(first.tolist())) == 1 and (second == -first).all(), (first, second)
assert first[0] > 10
before = first[0]
list(step.epochs([data], batch=rows))
assert a.value[0] == before + 10 and b.value[0] == -before - 10
print(late)
"""


@pytest.mark.skipif(os.name != "posix", reason="the signal is sent as on POSIX")
@pytest.mark.parametrize(("engine", "rows"), [("numba", 20), ("numba", 20_000), ("numpy", 20)])
def test_a_ctrl_c_stops_soon_and_leaves_all_leaves_alike(engine, rows):
    # Python's own handler, also where the tests themselves are run with the signal ignored.
    code = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n" + INTERRUPTED
    done = subprocess.run([sys.executable, "-c", code, engine, str(rows)], capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) >= 0.0


ANY_MOMENT = """
import random, signal, sys, threading, time
import numpy as np
import nngraph as ng
def interrupt(*about):
    raise KeyboardInterrupt
signal.signal(signal.SIGALRM, interrupt)
a, b, c = ng.state("a", 0.0), ng.state("b", np.zeros(3)), ng.state("c", 0)
doubled = a * 2.0
updates = {a: a + 1.0, b: b + 1.0, c: c + 1}
step = ng.compile(a * 1.0, updates=updates, engine=sys.argv[1])
other = ng.compile([], updates=updates)
def all_of_it():
    step(), doubled.value, other(), b.value, step()
all_of_it()
took, random, interrupts = 1e-4, random.Random(1), 0
for turn in range(600):
    try:
        began = time.perf_counter()
        signal.setitimer(signal.ITIMER_REAL, max(1e-6, random.random() * took))
        all_of_it()
        took = time.perf_counter() - began
        signal.setitimer(signal.ITIMER_REAL, 0)
    except KeyboardInterrupt:
        interrupts += 1
    signal.setitimer(signal.ITIMER_REAL, 0)
    values = {float(a.value), *b.value.tolist(), float(c.value)}
    assert len(values) == 1, f"torn: {values}"
    assert float(doubled.value) == 2 * float(a.value)
    step()
    assert float(a.value) == values.pop() + 1.0
    if turn % 20 == 0:
        thread = threading.Thread(target=all_of_it, daemon=True)
        thread.start()
        thread.join(20)
        assert not thread.is_alive(), "a lock was kept"
assert interrupts > 50, interrupts
print("fine")
"""


@pytest.mark.skipif(os.name != "posix", reason="timers send signals on POSIX")
@pytest.mark.parametrize("engine", ENGINES)
def test_an_interrupt_at_any_moment_leaves_all_leaves_alike_and_no_lock_locked(engine):
    done = subprocess.run([sys.executable, "-c", ANY_MOMENT, engine], capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "fine\n"


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
