"""Training: records, the best values kept, repeatable bit for bit, stopped and continued."""

from __future__ import annotations

import nngraph as ng
import numpy as np
import pytest
from nngraph import nets
from nngraph.autograd.errors import DtypeError, ParameterError, ShapeError

RNG = np.random.default_rng(0)
X = RNG.normal(size=(90, 2))
T = (X[:, 0] * X[:, 1] > 0).astype(int)


def accuracy(t, scores):
    return float((scores.argmax(1) == t).mean())


def net(dropout: float = 0.0) -> nets.Module:
    return nets.Sequential(nets.MLP([2, 16, 16], rng=3), nets.BatchNorm(16), ng.tanh, nets.Dropout(dropout), nets.Linear(16, 2, rng=4))


def trainer(model: nets.Module | None = None, **settings) -> nets.Trainer:
    return nets.Trainer(
        net(0.2) if model is None else model, ng.softmax_loss, (X, T), batch=20, optimizer=nets.Adam(0.02), **settings
    )


def test_it_learns_exclusive_or_by_quadrants():
    learned = trainer(net(), metrics={"accuracy": accuracy})
    records = list(learned.run(60))
    assert [record.epoch for record in records] == list(range(1, 61))
    assert records[-1].loss < 0.2 < records[0].loss
    assert records[-1].metrics["accuracy"] > 0.95
    assert records[0].rate == pytest.approx(0.02)


@pytest.mark.parametrize("engine", ["numpy", "numba"])
def test_the_same_seed_gives_the_same_bits(engine):
    first, again, other = trainer(engine=engine), trainer(engine=engine), trainer(engine=engine, seed=1)
    for each in (first, again, other):
        list(each.run(3))
    for name, value in first.net.values().items():
        assert (value == again.net.values()[name]).all(), name
    assert (first.net.values()["layer1/layer1/W"] != other.net.values()["layer1/layer1/W"]).any()


def test_both_engines_learn_the_same():
    losses = [[record.loss for record in trainer(engine=engine).run(3)] for engine in ("numpy", "numba")]
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)


def test_a_checkpoint_goes_on_as_if_nothing_had_been(tmp_path):
    whole, half, rest = trainer(), trainer(), trainer()
    list(whole.run(6))
    list(half.run(3))
    nets.save_checkpoint(tmp_path / "half", half)
    nets.load_checkpoint(tmp_path / "half", rest)
    assert [record.epoch for record in rest.run(3)] == [4, 5, 6]
    for name, value in whole.net.values().items():
        assert (value == rest.net.values()[name]).all(), name


def test_a_checkpoint_of_another_training_is_refused(tmp_path):
    nets.save_checkpoint(tmp_path / "run", trainer())
    other = nets.Trainer(net(), ng.softmax_loss, (X, T), optimizer=nets.Momentum())
    before = other.net.values()
    with pytest.raises(ParameterError, match="another training"):
        nets.load_checkpoint(tmp_path / "run", other)
    assert all((other.net.values()[name] == value).all() for name, value in before.items())


def test_the_best_epoch_is_kept_and_patience_ends_it():
    few = slice(0, 12)
    model = nets.MLP([2, 64, 2], rng=0)
    records = list(
        nets.train(
            model, ng.softmax_loss, (X[few], T[few]), epochs=400, batch=12, optimizer=nets.Adam(0.05),
            validation=(X[30:], T[30:]), patience=20,
        )
    )  # fmt: skip
    assert records[-1].stopped == "patience"
    best = min(records, key=lambda record: record.validation)
    assert len(records) == best.epoch + 20
    assert best.best
    loss = ng.softmax_loss(model(X[30:].astype(np.float32)), T[30:])
    assert float(loss.value) == pytest.approx(best.validation, rel=1e-6)


def test_an_interrupt_keeps_the_best_and_is_said():
    model = net()
    records = []
    run = trainer(model, validation=(X, T)).run(50)
    with pytest.MonkeyPatch.context() as patch:
        for record in run:
            records.append(record)
            if record.epoch == 5:
                # What Ctrl-C does while an epoch runs.
                patch.setattr("nngraph.autograd.epochs.run_epochs", lambda *about: (_ for _ in ()).throw(KeyboardInterrupt))
    assert [record.stopped for record in records] == [None] * 5 + ["interrupt"]
    loss = ng.softmax_loss(model(X.astype(np.float32)), T)
    assert float(loss.value) == pytest.approx(min(record.validation for record in records), rel=1e-6)


def test_frozen_parameters_stay():
    model = net()
    model.freeze("layer1/*")
    before = model.values()
    list(trainer(model).run(2))
    after = model.values()
    assert (after["layer1/layer1/W"] == before["layer1/layer1/W"]).all()
    assert (after["layer5/W"] != before["layer5/W"]).any()
    with pytest.raises(ParameterError, match="nothing to learn: all is frozen"):
        trainer(model.freeze())


def test_running_statistics_follow_the_batches():
    model = nets.Sequential(nets.BatchNorm(2, keep=0.5))
    list(nets.train(model, ng.mean_squared_error, X, epochs=1, batch=90, optimizer=nets.SGD(0.0)))
    assert model.values()["layer1/mean"] == pytest.approx(0.5 * X.mean(0), abs=1e-6)
    assert model.values()["layer1/var"] == pytest.approx(0.5 + 0.5 * X.var(0, ddof=1), rel=1e-5)


@pytest.mark.parametrize(
    ("data", "error", "message"),
    [
        ((X[:5], T[:4]), ShapeError, "5, 4 rows"),
        ((X[:0], T[:0]), ValueError, "no rows"),
        ((np.where(np.arange(180).reshape(90, 2) == 7, np.nan, X), T), ValueError, r"\(NaN\) at row 3, column 1; 1 in all"),
        ((X * np.inf, T), ValueError, "row 0, column 0; 180 in all"),
        ((np.array([["a", "b"]] * 90), T), DtypeError, "data holds text"),
        ((np.array([[1, None]] * 90), T), DtypeError, r"Python objects \(NoneType, int\)"),
        (3.0, ShapeError, "a single number"),
    ],
)
def test_data_that_cannot_be_learned_from(data, error, message):
    model = net()
    before = model.values()
    with pytest.raises(error, match=message):
        nets.train(model, ng.softmax_loss, data)
    assert all((model.values()[name] == value).all() for name, value in before.items())


def test_what_is_missing_is_said():
    with pytest.raises(ParameterError, match=r"needs data"):
        nets.train(net(), ng.softmax_loss)
    with pytest.raises(ParameterError, match="no objective of its own; give a loss"):
        nets.train(net(), data=(X, T))
    with pytest.raises(ShapeError, match="a row of validation"):
        nets.train(net(), ng.softmax_loss, (X, T), validation=(X[:, :1], T))
