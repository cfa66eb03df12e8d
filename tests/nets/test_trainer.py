"""Training: records, the best values kept, repeatable bit for bit, stopped and continued."""

from __future__ import annotations

import re

import nngraph as ng
import numpy as np
import pytest
from nngraph import nets
from nngraph.autograd.errors import DtypeError, ParameterError, ShapeError
from nngraph.nets.saving import FileError, load_values, save_values

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


def test_checkpoints_that_cannot_be_written_or_read(tmp_path):
    run = trainer()
    with pytest.raises(FileError, match=r"nowhere/run cannot be written: No such file"):
        nets.save_checkpoint(tmp_path / "nowhere" / "run", run)
    with pytest.raises(FileError, match=r"run cannot be read: No such file"):
        nets.load_checkpoint(tmp_path / "run", run)
    nets.save_checkpoint(tmp_path / "run", run)
    list(run.run(1))
    before = run.net.values()
    (tmp_path / "cut").write_bytes((tmp_path / "run").read_bytes()[:-9])
    with pytest.raises(FileError, match="cut is no whole safetensors file"):
        nets.load_checkpoint(tmp_path / "cut", run)
    assert all((run.net.values()[name] == value).all() for name, value in before.items())
    assert run.done == 1


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
        ((np.array([["a", "b"]] * 90), T), DtypeError, "data has 'a' at row 0, column 0; networks take numbers"),
        (([[1, 2], [1, "b"]], [0, 1]), DtypeError, "data has 'b' at row 1, column 1"),
        (([[1, 2], [1, None]], [0, 1]), ValueError, r"missing value \(None\) at row 1, column 1"),
        ((np.ma.masked_greater(X, 1), T), ValueError, r"missing value \(masked\) at row \d+, column \d"),
        (([[1, 2], [1]], [0, 1]), ShapeError, r"row 1 has the shape \(1,\), row 0 \(2,\)"),
        ([X, T], ShapeError, r"row 1 has the shape \(90,\), row 0 \(90, 2\).*given as a tuple, \(X, t\)"),
        ((X * 1e200, T), ValueError, r"e\+\d+ at row 0, column 0, too large for float32"),
        ((np.full((90, 2), 2**63, np.uint64), T), ValueError, "too large for int64"),
        (([[1, 2], [1, 10**400]], [0, 1]), ValueError, "a number at row 1, column 1 that is too large for float64"),
        ((X + 1j, T), DtypeError, "values of complex128"),
        ((X[:, :0], T), ShapeError, r"takes \(…, 2\); it was given shape \(20, 0\)"),
        ((X, T + 0.5), DtypeError, "class numbers and must be integers, not float32"),
        (3.0, ShapeError, "a single number"),
        ("digits", ShapeError, r"data is a str; it has to be an array of rows, or \(X, t\)"),
        ((), ShapeError, "an empty tuple"),
    ],
)
def test_data_that_cannot_be_learned_from(data, error, message):
    model = net()
    before = model.values()
    with pytest.raises(error, match=message):
        nets.train(model, ng.softmax_loss, data, batch=20)
    assert all((model.values()[name] == value).all() for name, value in before.items())


def test_what_is_missing_is_said():
    with pytest.raises(ParameterError, match=r"needs data"):
        nets.train(net(), ng.softmax_loss)
    with pytest.raises(ParameterError, match="no objective of its own; give a loss"):
        nets.train(net(), data=(X, T))
    with pytest.raises(ShapeError, match="a row of validation"):
        nets.train(net(), ng.softmax_loss, (X, T), validation=(X[:, :1], T))


class Frame:
    """What matters of a data frame: an array with names."""

    def __init__(self, values, columns):
        self.values, self.columns = values, columns

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self.values, dtype)


def test_columns_of_a_frame_are_named():
    ages, cities = X[:, 0].tolist(), ["Taipei", "Rome"] * 45
    with pytest.raises(DtypeError, match="data has 'Taipei' at row 0, column 'city'"):
        nets.train(net(), ng.softmax_loss, (Frame(np.array([ages, cities], object).T, ["age", "city"]), T))
    with pytest.raises(nets.DataError, match=r"\(NaN\) at row 0, column 'height'; 90 in all"):
        nets.train(net(), ng.softmax_loss, (Frame(np.c_[X[:, 0], np.full(90, np.nan)], ["age", "height"]), T))
    # Objects that are all numbers are numbers.
    losses = [
        next(nets.train(net(), ng.softmax_loss, (rows, T), epochs=1)).loss
        for rows in (X, Frame(X.astype(object), ["age", "height"]))
    ]
    assert losses[0] == losses[1]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"batch": 0}, "batch=0: a whole number from 1 up is needed"),
        ({"batch": 2.5}, r"batch=2\.5"),
        ({"batch": "32"}, "batch='32'"),
        ({"epochs": 1.5}, r"epochs=1\.5: a whole number from 0 up"),
        ({"epochs": -1}, "epochs=-1"),
        ({"epochs": "3"}, "epochs='3'"),
        ({"epochs": True}, "epochs=True"),
        ({"patience": 0}, "patience=0: a whole number from 1 up"),
        ({"seed": "a"}, "seed='a'"),
        ({"seed": 2**32}, r"seed=4294967296: .* below 2\*\*32"),
        ({"loss": lambda y, t: 3.0}, r"the loss gives 3\.0; it has to give one number, as a node"),
        ({"loss": lambda y: ng.mean(y)}, r"the loss takes \(y\); it is called with what the network gives and the target"),
        ({"optimizer": "adam"}, r"optimizer='adam': it is one of nets, such as nets\.Adam"),
        ({"optimizer": nets.Adam}, "optimizer=<class"),
        ({"loss": "mse"}, r"loss='mse'.*such as ng\.softmax_loss"),
        ({"metrics": ["accuracy"]}, r"metrics=\['accuracy'\]: they are functions .* by name"),
        ({"metrics": {"accuracy": 3}}, "metrics=.*functions"),
        ({"net": ng.relu}, "is no network; it has to be a nets.Module"),
    ],
)
def test_settings_that_make_no_sense(settings, message):
    with pytest.raises(ParameterError, match=message):
        nets.train(**{"net": net(), "loss": ng.softmax_loss, "data": (X, T), **settings})


@pytest.mark.parametrize(
    ("found", "message"),
    [(lambda t, y: y, r"gives an array of shape \(90, 2\)"), (lambda t, y: None, "gives None"), (lambda t, y: "0.5", "gives '0.5'")],
)
def test_a_metric_that_gives_no_number_is_named_and_nothing_is_learned(found, message):
    model = net()
    before, run = model.values(), trainer(model, metrics={"precision": found})
    with pytest.raises(ParameterError, match="the metric 'precision' " + message):
        list(run.run(3))
    assert all((model.values()[name] == value).all() for name, value in before.items())
    assert run.done == 0


@pytest.mark.parametrize("engine", ["numpy", "numba"])
def test_a_class_out_of_range_leaves_the_network_as_it_was(engine):
    model = net()
    before = model.values()
    wrong = np.where(np.arange(90) == 57, 2, T)
    run = nets.Trainer(model, ng.softmax_loss, (X, wrong), batch=5, optimizer=nets.Adam(0.1), engine=engine)
    with pytest.raises(ShapeError, match="class number 2 with 2 classes; they are numbered 0 to 1"):
        list(run.run(3))
    assert all((model.values()[name] == value).all() for name, value in before.items())
    # Neither does the optimizer remember anything.
    assert all((leaf.value == 0).all() for leaf in run.memory.states.values())


@pytest.mark.parametrize(
    ("loss", "t", "said"),
    [
        (ng.softmax_loss, [[-1.0, 2], [0, 1]], "t has -1 at row 0, column 0; the targets of softmax_loss are shares of classes, from 0 to 1"),
        (ng.softmax_loss, [[0, 1], [0, 0]], "the sum of t over the classes has 0 at row 1; the shares that softmax_loss takes sum to 1"),
        (ng.cross_entropy, [[0, 1], [5, 5]], "t has 5 at row 1, column 0"),
        (ng.binary_cross_entropy_logits, [[0, 1], [2, 0]], "t has 2 at row 1, column 0; the targets of binary_cross_entropy_logits are probabilities"),
        (lambda y, t: ng.binary_cross_entropy(ng.sigmoid(y), ng.cast(t, dtype="float32")), [[0, 1], [-1, 0]], "t has -1 at row 1, column 0"),
    ],
)
def test_targets_that_are_no_shares_are_refused(loss, t, said):
    """Their losses would sink without an end, or stay 0 whatever is learned."""
    x, good = np.ones((2, 3)), np.eye(2)
    for data, validation in (((x, np.array(t)), None), ((x, good.astype(np.array(t).dtype)), (x, np.array(t)))):
        with pytest.raises(nets.DataError, match=re.escape(said)):
            nets.Trainer(nets.Linear(3, 2), loss, data, validation=validation)
    list(nets.train(nets.Linear(3, 2), loss, (x, good), epochs=1))
    smooth = 0.9 * good + 0.05
    list(nets.train(nets.Linear(3, 2), loss, (x, smooth), epochs=1))


def test_two_classes_have_two_scores():
    with pytest.raises(ParameterError, match=r"softmax_loss of one class is 0 whatever is learned"):
        nets.Trainer(nets.Linear(3, 1), ng.softmax_loss, (np.ones((2, 3)), [0, 0]))


def test_all_rows_at_once_or_in_their_order():
    whole, written = trainer(net()), nets.Trainer(net(), ng.softmax_loss, (X, T), batch=None, optimizer=nets.Adam(0.02))
    assert written.batch == 90
    assert whole.batch == 20
    # One step to an epoch: the order of the rows within it changes the sums by rounding only.
    kept = nets.Trainer(net(), ng.softmax_loss, (X, T), batch=None, optimizer=nets.Adam(0.02), shuffle=False)
    losses = [[record.loss for record in each.run(5)] for each in (written, kept)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)
    # In their own order: one step of gradient descent after the other, by hand.
    unit = nets.Linear(1, 1, start=nets.zeros)
    rows, targets = np.array([[1.0], [2.0]]), np.array([[1.0], [0.0]])
    list(nets.train(unit, ng.mean_squared_error, (rows, targets), epochs=1, batch=1, shuffle=False, optimizer=nets.SGD(0.1)))
    w = b = 0.0
    for x, t in zip(rows.ravel(), targets.ravel(), strict=True):
        slope = 2 * (w * x + b - t)
        w, b = w - 0.1 * slope * x, b - 0.1 * slope
    assert (unit.W.value.item(), unit.b.value.item()) == pytest.approx((w, b), rel=1e-6)


def test_a_training_that_was_left_takes_nothing_back():
    model = nets.MLP([2, 8, 2], rng=0)
    settings = {"validation": (X[30:], T[30:]), "optimizer": nets.Adam(0.02)}
    left = nets.train(model, ng.softmax_loss, (X[:30], T[:30]), epochs=9, **settings)
    next(left)
    list(nets.train(model, ng.softmax_loss, (X[:30], T[:30]), epochs=20, **settings))
    learned = model.values()
    left.close()
    assert all((model.values()[name] == value).all() for name, value in learned.items())


def test_who_leaves_the_loop_has_the_best_values():
    model = nets.MLP([2, 8, 2], rng=0)
    validation, values = (X[30:], T[30:]), []
    records = nets.train(model, ng.softmax_loss, (X[:9], T[:9]), epochs=400, validation=validation, optimizer=nets.Adam(0.1))
    for record in records:
        values.append((record.validation, model.values()))
        if record.validation > 1.2 * min(values)[0]:
            break
    records.close()
    best = min(values, key=lambda each: each[0])[1]
    assert (best["layer1/W"] != values[-1][1]["layer1/W"]).any()
    assert all((model.values()[name] == value).all() for name, value in best.items())


@pytest.mark.parametrize("engine", ["numpy", "numba"])
def test_a_loss_that_is_no_number_ends_the_training_and_is_said(engine):
    rows, amounts = X.astype(np.float32), X[:, :1] * 3
    model = nets.MLP([2, 8, 1], rng=0)
    start = model.values()
    settings = {"optimizer": nets.SGD(nets.step_decay(0.1, every=20, factor=1e9)), "batch": 30, "engine": engine}
    records = list(nets.train(model, ng.mean_squared_error, (rows, amounts), epochs=60, validation=(rows, amounts), patience=30, **settings))
    assert records[-1].stopped == "nan"
    assert np.isnan(records[-1].loss)
    assert len(records) < 60
    # The best values are those of an epoch that had a loss.
    best = min(record.validation for record in records if record.best)
    assert float(ng.mean_squared_error(model(rows), amounts).value) == pytest.approx(best, rel=1e-5)
    # Without any such epoch, those that it began with.
    model.set_values(start)
    lost = list(nets.train(model, ng.mean_squared_error, (rows, amounts), epochs=9, validation=(rows, amounts), optimizer=nets.SGD(1e30)))
    assert [record.stopped for record in lost[:-1]] == [None] * (len(lost) - 1)
    assert lost[-1].stopped == "nan"
    assert all(np.isfinite(value).all() for value in model.values().values())


def test_what_is_frozen_after_the_trainer_was_made_is_refused():
    model = net()
    run = trainer(model)
    list(run.run(1))
    model.freeze("layer1/*")
    with pytest.raises(ParameterError, match=r"layer1/layer1/W was frozen after this Trainer was made.*make a new Trainer"):
        run.run(1)
    list(trainer(model).run(1))
    later = trainer(model)
    records = later.run(3)
    next(records)
    model.unfreeze("layer1/layer1/b")
    with pytest.raises(ParameterError, match="layer1/layer1/b was unfrozen after"):
        next(records)


def test_a_game_is_not_trained_by_train():
    game = nets.GAN(nets.Linear(1, 2, rng=0), nets.MLP([2, 4, 1], rng=1), latent=1)
    for loss in (None, ng.softmax_loss):
        with pytest.raises(ParameterError, match=r"GAN .* is a game, whose networks learn in turns: nets\.train_adversarial\(net, data\)"):
            nets.train(game, loss, X)


def test_a_parameter_that_the_network_does_not_know_is_named():
    hidden = nets.Linear(2, 2, rng=0)
    model = nets.Sequential(lambda x: hidden(x), nets.Linear(2, 2, rng=1))
    with pytest.raises(ParameterError, match="parameter 'W'.* is no parameter of <Sequential of 6 parameters> and would not be learned"):
        nets.train(model, ng.softmax_loss, (X, T))
    hidden.freeze()
    nets.train(model, ng.softmax_loss, (X, T))


@pytest.mark.parametrize(
    ("metric", "message"),
    [
        (lambda output, target: 0.0, r"'mine' takes \(output, target\); metrics take the target first"),
        (lambda y_pred, y_true: 0.0, r"'mine' takes \(y_pred, y_true\)"),
        (lambda y, t: 0.0, r"'mine' takes \(y, t\)"),
        (lambda a, b: float((a.argmax(1) == b).mean()), r"'mine' failed: axis 1 is out of bounds.*target, of shape \(90,\), first, and then .* shape \(90, 2\)"),
    ],
)
def test_a_metric_in_the_order_of_a_loss_is_named(metric, message):
    model = net()
    before = model.values()
    with pytest.raises(ParameterError, match=message):
        list(trainer(model, metrics={"mine": metric}).run(1))
    assert all((model.values()[name] == value).all() for name, value in before.items())


def test_a_checkpoint_is_taken_whole_or_not_at_all(tmp_path):
    run = trainer()
    nets.save_checkpoint(tmp_path / "run", run)
    whole = load_values(tmp_path / "run")
    list(run.run(1))
    before = {**run.net.values(), **{name: leaf.value for name, leaf in run.states.items()}}
    last = sorted(run.net.parameters())[-1]
    for name, wrong, message in (
        (f"net/{last}", np.zeros(whole[f"net/{last}"].shape, np.complex64), f"{last} takes numbers"),
        (f"net/{last}", np.zeros(7), rf"{last} has shape \(.*\), not \(7,\)"),
        ("training/epochs", np.float64(0.5), "no number of epochs"),
        ("draws/step", np.float32(0.5), "would lose the fractions"),
    ):
        save_values(tmp_path / "run", {**whole, name: wrong})
        with pytest.raises((ParameterError, ShapeError, DtypeError), match=message):
            nets.load_checkpoint(tmp_path / "run", run)
        now = {**run.net.values(), **{name: leaf.value for name, leaf in run.states.items()}}
        assert all((now[each] == value).all() for each, value in before.items())
        assert run.done == 1


def test_two_runs_are_one_also_where_the_best_epoch_was_kept(tmp_path):
    def training() -> nets.Trainer:
        few = slice(0, 12)
        data, others = (X[few], T[few]), (X[30:], T[30:])
        return nets.Trainer(nets.MLP([2, 32, 2], rng=0), ng.softmax_loss, data, batch=4, optimizer=nets.Adam(0.05), validation=others)

    def told(records) -> list[tuple]:
        return [(record.epoch, record.loss, record.validation, record.best) for record in records]

    whole, parts, first, rest, inside = (training() for _ in range(5))
    records = told(whole.run(12))
    assert [best for *_, best in records[-6:]] == [False] * 6  # the best was among the first six
    assert told(parts.run(6)) + told(parts.run(6)) == records
    list(first.run(6))
    nets.save_checkpoint(tmp_path / "six", first)
    nets.load_checkpoint(tmp_path / "six", rest)
    assert told(rest.run(6)) == records[6:]
    for record in inside.run(12):
        if record.epoch == 6:
            nets.save_checkpoint(tmp_path / "inside", inside)
            break
    assert (tmp_path / "inside").read_bytes() == (tmp_path / "six").read_bytes()
    for each in (parts, rest):
        for name, value in whole.net.values().items():
            assert (value == each.net.values()[name]).all(), name
    # A network that was changed meanwhile goes on from there.
    other = nets.MLP([2, 32, 2], rng=5).values()
    parts.net.set_values(other)
    moved = training()
    list(moved.run(12))
    moved.net.set_values(other)
    assert told(parts.run(1)) == told(moved.run(1))


def test_a_trainer_without_validation_writes_no_best(tmp_path):
    run = trainer()
    list(run.run(1))
    nets.save_checkpoint(tmp_path / "run", run)
    assert not any("best" in name for name in load_values(tmp_path / "run"))


def test_an_interrupt_in_the_first_epoch_leaves_all_as_it_was(monkeypatch):
    run = trainer()
    before = run.net.values()

    def interrupted(first, last):
        run.net.layers[0].layers[0].W.value = run.net.layers[0].layers[0].W.value + 1
        raise KeyboardInterrupt
        yield

    monkeypatch.setattr(run, "_epochs", interrupted)
    with pytest.raises(KeyboardInterrupt):
        next(run.run(3))
    assert all((run.net.values()[name] == value).all() for name, value in before.items())


def test_arrays_that_the_network_does_not_take_are_counted():
    with pytest.raises(ShapeError, match=r"Sequential takes \(x\); it was given what comes before the target of 3 arrays of data"):
        nets.train(net(), ng.softmax_loss, (X, X, T))
    with pytest.raises(ShapeError, match=r"RBM learns from \(\w+\); data holds 2 arrays"):
        nets.train(nets.RBM(2, 3, rng=0), data=(X > 0, T))


def test_data_in_the_order_of_scikit_learn_are_told_shortly():
    X, t = np.zeros((500, 4)), np.zeros(500, int)
    with pytest.raises(ParameterError, match=r"an array of shape \(500, 4\).*fit\(ng.softmax_loss, \(X, t\)\)") as raised:
        nets.MLP([4, 3]).fit(X, t, engine="numpy")
    assert len(str(raised.value)) < 200
    with pytest.raises(ParameterError, match=r"fit\(data=\(X, t\)\)"):
        nets.SoftmaxRegression(4, 3).fit(X, t)
    with pytest.raises(ParameterError, match="a list.*comes first"):
        nets.MLP([4, 3]).fit([[1.0, 2.0, 3.0, 4.0]], [0])
    with pytest.raises(ParameterError, match="'mse': it is a function"):
        nets.MLP([4, 3]).fit("mse", (X, t))


@pytest.mark.parametrize("make", [lambda engine: nets.SoftmaxRegression(4, 3, engine=engine), lambda engine: nets.LogisticRegression(4, engine=engine)])
def test_a_network_is_told_where_its_engine_goes(make):
    with pytest.raises(ParameterError, match=r"fit\(data=\(X, t\), engine='cuda'\).*estimators.LogisticRegression"):
        make("cuda")
    net = nets.SoftmaxRegression(4, 3, rng=0)
    assert len(net.fit(data=(np.eye(4), np.array([0, 1, 2, 0])), epochs=2, engine="numpy")) == 2
