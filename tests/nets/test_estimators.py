"""Estimators: scikit-learn's own checks, and what they learn beside scikit-learn's."""

from __future__ import annotations

import copy
import pickle
import warnings

import nngraph as ng
import numpy as np
import pytest
from nngraph import nets
from nngraph.autograd.errors import NngraphError, ParameterError
from nngraph.nets import DataError, data, estimators
from nngraph.nets.estimators.kinds import NetTransformer
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.utils.estimator_checks import parametrize_with_checks


class Squeezer(NetTransformer):
    """What another estimator takes on the shared base: here rows through a narrow layer and back."""

    def __init__(self, width=2, *, optimizer=None, epochs=5, random_state=None):
        self.width = width
        self.optimizer = optimizer
        self.epochs = epochs
        self.random_state = random_state

    _loss = staticmethod(ng.mean_squared_error)

    def _build(self, seed):
        return nets.MLP([self.n_features_in_, self.width, self.n_features_in_], ng.tanh, rng=seed)

    def _answer(self, net, x):
        return ng.tanh(net.layers[0](x))


QUICK = [
    nets.MLPClassifier((16,), epochs=20, batch=16, optimizer=nets.Adam(0.02)),
    nets.MLPRegressor((16,), epochs=30, batch=16, optimizer=nets.Adam(0.02)),
    nets.Perceptron(epochs=10),
    Squeezer(),
    nets.Adaline(rate=1e-5, epochs=10),  # some checks have columns around 100, where a rate above 2e-5 diverges
    estimators.LogisticRegression(epochs=20, batch=16),
    nets.BernoulliRBM(3, epochs=2),
    nets.GaussianRBM(3, epochs=2),
    estimators.Autoencoder((3,), epochs=3),
]


@pytest.mark.filterwarnings("ignore:BernoulliRBM. X has")  # the checks' columns are no probabilities
@parametrize_with_checks(QUICK)
def test_scikit_learn_checks(estimator, check):
    check(estimator)


# What they learn ------------------------------------------------------------------------------------------------------
def test_iris_4_5_3_with_rate_and_start_said():
    (iris,) = data.standardized(data.iris())
    scores = []
    for seed in range(3):
        # tanh from Xavier's start, gradient descent at 0.1 by 16 rows: 200 epochs of 10 steps.
        learner = nets.MLPClassifier((5,), "tanh", optimizer=nets.SGD(0.1), epochs=200, batch=16, random_state=seed)
        scores.append(learner.fit(iris.X, iris.t).score(iris.X, iris.t))
    assert [leaf.shape for leaf in learner.net_.parameters().values()] == [(4, 5), (5,), (5, 3), (3,)]
    assert min(scores) >= 0.97


def test_digits_as_well_as_scikit_learn():
    from sklearn.neural_network import MLPClassifier

    train, test = data.digits().split(0.25, seed=0)
    ours, theirs = [], []
    for seed in range(3):
        # Their alpha is a decay of alpha/batch in the mean over the batch.
        adam = nets.Adam(0.001, decay=1e-4 / 32)
        learner = nets.MLPClassifier((30, 30, 30), optimizer=adam, epochs=30, batch=32, random_state=seed)
        ours.append(learner.fit(train.X, train.t).score(test.X, test.t))
        peer = MLPClassifier((30, 30, 30), max_iter=30, batch_size=32, alpha=1e-4, random_state=seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # 30 epochs are what both are given
            theirs.append(peer.fit(train.X, train.t).score(test.X, test.t))
    assert np.median(ours) >= np.median(theirs) - 0.005


def test_diabetes_as_well_as_a_linear_model():
    from sklearn.compose import TransformedTargetRegressor
    from sklearn.linear_model import LinearRegression
    from sklearn.model_selection import cross_val_score
    from sklearn.preprocessing import StandardScaler

    (diabetes,) = data.standardized(data.diabetes())
    network = nets.MLPRegressor((32,), "tanh", epochs=40, optimizer=nets.Adam(0.001, decay=0.1), random_state=0)
    learner = TransformedTargetRegressor(network, transformer=StandardScaler())
    ours, line = (cross_val_score(each, diabetes.X, diabetes.t, cv=5).mean() for each in (learner, LinearRegression()))
    assert ours > line - 0.02


def test_several_amounts_at_once():
    X = np.random.default_rng(0).uniform(-1, 1, (300, 2))
    y = np.stack([X[:, 0] * X[:, 1], X[:, 0] ** 2], 1)
    learner = nets.MLPRegressor((32,), "tanh", epochs=100, optimizer=nets.Adam(0.01), random_state=0).fit(X, y)
    assert learner.predict(X).shape == (300, 2)
    assert learner.score(X, y) > 0.97


def test_exclusive_or_is_beyond_a_perceptron_and_not_beyond_an_mlp():
    corners = data.exclusive_or()
    for single in (nets.Perceptron(random_state=0), nets.Adaline(random_state=0)):
        assert single.fit(corners.X, corners.t).score(corners.X, corners.t) <= 0.75
    assert len(nets.Perceptron(epochs=50, random_state=0).fit(corners.X, corners.t).history_) == 50
    learner = nets.MLPClassifier((8,), "tanh", optimizer=nets.Adam(0.05), epochs=200, random_state=0)
    assert learner.fit(corners.X, corners.t).score(corners.X, corners.t) == 1.0


def test_perceptron_ends_when_all_is_right():
    clouds = data.blobs(120, classes=2, spread=0.2, seed=3)
    learner = nets.Perceptron(random_state=1).fit(clouds.X, clouds.t)
    assert len(learner.history_) < 100
    assert learner.score(clouds.X, clouds.t) == 1.0
    assert ((learner.decision_function(clouds.X) > 0) == (clouds.t == 1)).all()


def test_adaline_comes_near_to_least_squares():
    (clouds,) = data.standardized(data.blobs(200, classes=2, spread=0.6, seed=0))
    learner = nets.Adaline(rate=0.002, epochs=60, random_state=0).fit(clouds.X, clouds.t)
    A = np.concatenate([clouds.X, np.ones((200, 1))], 1)
    best = np.linalg.lstsq(A, 2.0 * clouds.t - 1, rcond=None)[0]
    found = np.append(learner.net_.W.value[:, 0], learner.net_.b.value)
    assert found == pytest.approx(best, abs=0.03)


def test_an_estimator_without_targets_learns_on_the_same_base():
    (iris,) = data.standardized(data.iris())
    squeezer = Squeezer(optimizer=nets.Adam(0.02), epochs=60, random_state=0)
    assert squeezer.fit_transform(iris.X).shape == (150, 2)
    assert squeezer.history_[-1].loss < 0.15 < squeezer.history_[0].loss  # of a variance of 1


def test_logistic_regression_is_scikit_learns():
    from sklearn.linear_model import LogisticRegression

    for made in (data.breast_cancer(), data.wine()):
        (rows,) = data.standardized(made)
        # Without a penalty the weights of separable classes grow without end: a decay of 1/(C·rows) is theirs.
        theirs = LogisticRegression(C=0.1, tol=1e-10, max_iter=1000).fit(rows.X, rows.t)
        ours = estimators.LogisticRegression(
            optimizer=nets.Adam(0.03, decay=10 / len(rows)), batch=len(rows), epochs=400, random_state=0
        ).fit(rows.X, rows.t)
        assert ours.predict_proba(rows.X) == pytest.approx(theirs.predict_proba(rows.X), abs=1e-4)
        assert (ours.predict(rows.X) == theirs.predict(rows.X)).all()
        scores = [each.decision_function(rows.X) for each in (ours, theirs)]
        if made.name == "wine":  # the same number added to the scores of all classes changes nothing
            scores = [each - each.mean(1, keepdims=True) for each in scores]
        assert scores[0] == pytest.approx(scores[1], abs=2e-3)


def test_a_linear_autoencoder_finds_the_principal_components():
    from sklearn.decomposition import PCA

    (wine,) = data.standardized(data.wine())
    learner = estimators.Autoencoder((3,), optimizer=nets.Adam(0.01), epochs=200, random_state=0).fit(wine.X)
    components = PCA(3).fit(wine.X)
    best = np.square(components.inverse_transform(components.transform(wine.X)) - wine.X).mean()
    assert best <= -learner.score(wine.X) < 1.02 * best
    # And the codes span the same three directions: each component is a combination of them.
    codes = learner.transform(wine.X)
    fit = np.linalg.lstsq(np.c_[codes, np.ones(len(codes))], components.transform(wine.X), rcond=None)[1]
    assert (fit / np.square(components.transform(wine.X)).sum(0) < 0.02).all()


def test_an_autoencoder_comes_back_and_its_noise_is_only_for_learning():
    X = data.digits().X[:600]
    settings = dict(hidden=(48, 12), optimizer=nets.Adam(0.005), epochs=40, random_state=0)
    plain, noisy = (estimators.Autoencoder(**settings, noise=noise).fit(X[:500]) for noise in (0.0, 0.3))
    assert plain.transform(X).shape == (600, 12)
    assert plain.get_feature_names_out()[[0, 11]].tolist() == ["autoencoder0", "autoencoder11"]
    assert plain.inverse_transform(plain.transform(X)) == pytest.approx(plain.reconstruct(X), abs=1e-6)
    assert plain.score_samples(X) == pytest.approx(-np.square(plain.reconstruct(X) - X).mean(1), abs=1e-6)
    variance = X[500:].var(0).mean()
    assert -plain.score(X[500:]) < 0.4 * variance
    assert (noisy.transform(X) == noisy.transform(X)).all()
    spoiled = X[500:] + np.random.default_rng(0).normal(0, 0.3, X[500:].shape)

    def error(learner):
        return np.square(learner.reconstruct(spoiled) - X[500:]).mean()

    assert error(noisy) < error(plain)
    sparse = estimators.Autoencoder((32,), sparsity=(0.05, 0.05), epochs=20, random_state=0).fit(X)
    assert 0 < sparse.transform(X).min() < sparse.transform(X).max() < 1


def test_the_pseudo_likelihood_is_the_product_of_all_conditionals():
    X = (data.digits().X[:40, 20:30] > 0.5).astype(float)
    learner = nets.BernoulliRBM(4, epochs=5, random_state=0).fit(X)
    W, b, c = (learner.net_.values()[name].astype(float) for name in "Wbc")
    states = (np.arange(16)[:, None] >> np.arange(4)) & 1

    def weight(v):
        """Of v with any hidden state, from the energy itself."""
        return np.exp(v @ b + states @ c + states @ (W.T @ v)).sum()

    expected = []
    for row in X:
        turned = [np.where(np.arange(10) == at, 1 - row, row) for at in range(10)]
        expected.append(sum(np.log(weight(row) / (weight(row) + weight(other))) for other in turned))
    assert learner.score_samples(X) == pytest.approx(expected, abs=1e-4)
    assert learner.score(X) == pytest.approx(np.mean(expected), abs=1e-4)


def test_a_machine_learns_digits_as_well_as_scikit_learns():
    from sklearn.neural_network import BernoulliRBM

    X = data.digits().X
    fewer, all_else = X[:500], X[500:800]
    learner = nets.BernoulliRBM(32, epochs=10, random_state=0).fit(fewer)
    peer = BernoulliRBM(32, learning_rate=0.1, batch_size=10, n_iter=10, random_state=0).fit(fewer)
    assert learner.score(all_else) > np.mean([peer.score_samples(all_else).mean() for _ in range(20)]) - 1
    assert -64 * np.log(2) < -30 < learner.score(all_else)
    errors = np.square(learner.reconstruct(all_else) - all_else).mean(), all_else.var(0).mean()
    assert errors[0] < 0.8 * errors[1]
    dreamed = learner.gibbs(all_else, steps=3)
    assert set(np.unique(dreamed)) == {0, 1}
    assert (dreamed == learner.gibbs(all_else, steps=3)).all()
    assert (dreamed != learner.gibbs(all_else, steps=3, seed=1)).any()
    kept = nets.BernoulliRBM(32, chains=20, steps=2, epochs=3, random_state=0).fit(fewer)
    assert kept.net_.values()["chains"].shape == (20, 64)


def test_a_machine_of_normal_units_learns_what_columns_share():
    rng = np.random.default_rng(0)
    common = rng.integers(0, 2, (400, 1)) * 4 - 2.0
    X = np.concatenate([common, common, -common], 1) + rng.normal(size=(400, 3))
    learner = nets.GaussianRBM(4, epochs=60, random_state=0).fit(X[:300])
    # What the three columns share comes back; what each has by itself cannot.
    came = learner.reconstruct(X[300:])
    assert np.square(came - X[300:] * 0 - np.c_[common, common, -common][300:]).mean() < 0.5
    assert -learner.score(X[300:]) < 1.5 < X[300:].var(0).mean()


def test_features_of_a_machine_in_a_pipeline_and_a_search():
    from sklearn.model_selection import GridSearchCV, cross_val_score
    from sklearn.pipeline import make_pipeline

    digits = data.digits().rows(slice(600))
    machine = nets.BernoulliRBM(64, epochs=30, random_state=0)
    chain = make_pipeline(machine, estimators.LogisticRegression(epochs=60, random_state=0))
    assert cross_val_score(chain, digits.X, digits.t, cv=3).mean() > 0.75
    machine = nets.BernoulliRBM(16, epochs=5, random_state=0)
    search = GridSearchCV(machine, {"optimizer": [nets.SGD(1e-5), nets.SGD(0.1)]}, cv=2).fit(digits.X)
    assert search.best_params_["optimizer"] == nets.SGD(0.1)
    widths = GridSearchCV(estimators.Autoencoder(epochs=5, random_state=0), {"hidden": [(1,), (16,)]}, cv=2)
    assert widths.fit(digits.X).best_params_ == {"hidden": (16,)}


def test_estimators_are_found_by_the_names_of_what_they_learn():
    for name in estimators.__all__:
        made = getattr(estimators, name)()
        assert type(made).__name__ == name
        if hasattr(nets, name) and name not in ("Autoencoder", "LogisticRegression"):
            assert getattr(nets, name) is type(made)
    assert issubclass(nets.Autoencoder, nets.Module)
    with pytest.raises(AttributeError, match="has no 'Automat'; there are Adaline, Autoencoder"):
        estimators.Automat  # noqa: B018


# scikit-learn's company ----------------------------------------------------------------------------------------------
def test_in_a_pipeline_a_search_and_folds():
    from sklearn.model_selection import GridSearchCV, cross_val_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    wine = data.wine()
    chain = make_pipeline(
        StandardScaler(), nets.MLPClassifier((8,), epochs=40, optimizer=nets.Adam(0.02), random_state=0)
    )
    assert cross_val_score(chain, wine.X, wine.t, cv=3).mean() > 0.95
    grid = {"mlpclassifier__optimizer": [nets.SGD(1e-6), nets.Adam(0.02)], "mlpclassifier__hidden": [(4,), (8, 8)]}
    search = GridSearchCV(chain, grid, cv=2).fit(wine.X, wine.t)
    assert search.best_params_["mlpclassifier__optimizer"] == nets.Adam(0.02)
    assert search.best_score_ > 0.9


def test_history_is_records_and_early_stopping_keeps_the_best():
    moons = data.moons(300, noise=0.3, seed=2)
    settings = dict(hidden=(64,), optimizer=nets.Adam(0.03), random_state=0)
    learner = nets.MLPClassifier(**settings, epochs=300, early_stopping=True, validation_fraction=0.2, patience=5)
    learner.fit(moons.X, moons.t)
    assert all(isinstance(record, nets.Record) for record in learner.history_)
    assert learner.history_[-1].stopped == "patience"
    best = min(learner.history_, key=lambda record: record.validation)
    assert len(learner.history_) == best.epoch + 5
    assert 0.7 < best.metrics["accuracy"] <= 1
    plain = nets.MLPClassifier(**settings, epochs=3).fit(moons.X, moons.t)
    assert [record.validation for record in plain.history_] == [None] * 3


@pytest.mark.parametrize("engine", ["numpy", "numba"])
def test_the_same_seed_gives_the_same_bits(engine):
    moons = data.moons(100)
    first, again, other = (
        nets.MLPClassifier((8,), epochs=3, random_state=seed, engine=engine)
        .fit(moons.X, moons.t)
        .predict_proba(moons.X)
        for seed in (1, 1, 2)
    )
    assert (first == again).all()
    assert (first != other).any()


def test_probabilities_are_the_softmax_of_the_net():
    moons = data.moons(50)
    learner = nets.MLPClassifier((8,), epochs=3, random_state=0).fit(moons.X, moons.t)
    scores = learner.net_(moons.X.astype(np.float32)).value.astype(float)
    shares = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
    assert learner.predict_proba(moons.X) == pytest.approx(shares, abs=1e-6)


def test_class_names_come_back():
    wine = data.wine()
    names = np.array(wine.classes)[wine.t]
    learner = nets.Perceptron(epochs=5, random_state=0).fit(wine.X, names)
    assert learner.classes_.tolist() == sorted(wine.classes)
    assert set(learner.predict(wine.X)) <= set(wine.classes)


@pytest.mark.parametrize(
    "made",
    [
        lambda: nets.MLPClassifier((8,), epochs=2, random_state=0),
        lambda: nets.MLPRegressor((8,), epochs=2, random_state=0, optimizer=nets.Momentum(0.01)),
        lambda: nets.Perceptron(epochs=2, random_state=0),
        lambda: nets.GaussianRBM(4, chains=5, epochs=2, random_state=0),
        lambda: estimators.Autoencoder((1,), epochs=2, noise=0.1, random_state=0),
        lambda: estimators.LogisticRegression(epochs=2, random_state=0),
    ],
)
def test_a_copy_goes_on_as_the_original(made):
    moons = data.moons(100, noise=0.5)
    original = made().fit(moons.X, moons.t)
    original.set_params(epochs=1)
    copies = [pickle.loads(pickle.dumps(original)), copy.deepcopy(original)]
    copies.append(pickle.loads(pickle.dumps(copies[0])))
    original.partial_fit(moons.X, moons.t)
    for each in copies:
        each.partial_fit(moons.X, moons.t)
        assert each.get_params() == original.get_params()
        assert len(each.history_) == len(original.history_) == 3
        for path, value in original.net_.values().items():
            assert (each.net_.values()[path] == value).all(), path


def test_changed_settings_do_not_spoil_a_copy():
    moons = data.moons(60)
    original = nets.MLPClassifier((8,), epochs=2, random_state=0).fit(moons.X, moons.t)
    answers = original.predict_proba(moons.X)
    copied = pickle.loads(pickle.dumps(original.set_params(hidden=(3,))))
    assert (copied.predict_proba(moons.X) == answers).all()
    assert copied.hidden == (3,)


def test_partial_fit_learns_batch_by_batch():
    moons = data.moons(400, seed=1)
    learner = nets.MLPClassifier((16,), optimizer=nets.Adam(0.02), random_state=0)
    learner.partial_fit(moons.X[:10], moons.t[:10], classes=[0, 1])
    for _ in range(50):
        for start in range(10, 400, 130):
            learner.partial_fit(moons.X[start : start + 130], moons.t[start : start + 130])
    assert learner.score(moons.X, moons.t) > 0.97
    with pytest.raises(nets.DataError, match=r"y has .*7.* at row 1; the classes are 0, 1"):
        learner.partial_fit(moons.X[:2], [0, 7])
    with pytest.raises(nets.DataError, match="first call of partial_fit needs classes="):
        nets.MLPClassifier().partial_fit(moons.X, moons.t)


def test_epochs_one_by_one_are_the_epochs_of_fit():
    moons = data.moons(100)
    whole = nets.MLPClassifier((8,), epochs=4, random_state=3).fit(moons.X, moons.t)
    parts = nets.MLPClassifier((8,), random_state=3)
    for _ in range(4):
        parts.partial_fit(moons.X, moons.t, classes=[0, 1])
    assert (whole.predict_proba(moons.X) == parts.predict_proba(moons.X)).all()
    assert [record.loss for record in whole.history_] == [record.loss for record in parts.history_]


# What is no good -----------------------------------------------------------------------------------------------------
X, T = [[0.0, 1.0], [1.0, 0.0], [2.0, 2.0]], [0, 1, 1]


@pytest.mark.parametrize(
    ("X", "y", "message"),
    [
        ([[0.0, 1.0], [np.nan, 0.0]], [0, 1], "NaN, a missing value, in column 0, row 1; 1 such in all"),
        ([[0.0, 1e300], [0.0, 0.0]], [0, 1], r"1e\+300 \(inf, or too large for float32\) in column 1, row 0"),
        ([["1", "2"], ["3", "blue"]], [0, 1], "column 1 of X has 'blue' at row 1; numbers are needed"),
        (X, [1, 1, 1], "only one class, .*1.*, in 3 rows"),
        (X, [0, 1], "inconsistent numbers of samples"),
        (X, [0.5, 0.25, 0.125], "Unknown label type"),
        (np.zeros((0, 2)), [], "0 sample"),
        ([1.0, 2.0], [0, 1], "Expected 2D array, got 1D array"),
    ],
)
@pytest.mark.parametrize("learner", [nets.MLPClassifier(), nets.Perceptron()], ids=lambda each: type(each).__name__)
def test_data_that_cannot_be_learned_from(learner, X, y, message):
    with pytest.raises(ValueError, match=message):
        learner.fit(X, y)
    assert not hasattr(learner, "net_")


@pytest.mark.parametrize(
    ("learner", "message"),
    [
        (nets.MLPClassifier(epochs=0), r"MLPClassifier\(epochs=0\): a whole number from 1 up"),
        (nets.MLPClassifier(batch=2.5), r"batch=2\.5"),
        (nets.MLPClassifier(None), r"MLPClassifier\(hidden=None\): units of each hidden layer"),
        (estimators.Autoencoder(2.0), r"Autoencoder\(hidden=2.0\): units of each hidden layer"),
        (nets.MLPClassifier(activation=["relu"]), r"MLPClassifier\(activation=\['relu'\]\): it is one of"),
        (nets.MLPClassifier((8, 0)), r"hidden=\(8, 0\).*units of each hidden layer"),
        (nets.MLPClassifier(activation="step"), "activation='step'.*one of 'relu'"),
        (nets.MLPClassifier(optimizer="adam"), r"optimizer='adam'.*such as nets\.Adam"),
        (nets.MLPClassifier(validation_fraction=1.5), "validation_fraction=1.5.*between 0 and 1"),
        (nets.Perceptron(rate=0), "rate=0.*above 0"),
        (nets.MLPClassifier(engine="abacus"), "no engine 'abacus'"),
        (nets.MLPClassifier((True,)), r"hidden=\(True,\)"),
        (nets.BernoulliRBM(0), r"BernoulliRBM\(hidden=0\): a whole number from 1 up"),
        (nets.GaussianRBM(chains=-1), r"GaussianRBM\(chains=-1\): a whole number from 0 up"),
        (estimators.Autoencoder(()), r"Autoencoder\(hidden=\(\)\): the last of them is the code"),
        (estimators.Autoencoder(noise=-1), "noise=-1.*a spread from 0 up"),
        (estimators.Autoencoder(sparsity=(2, 1)), r"sparsity rate=2: a number that is above 0 and below 1"),
    ],
)
def test_settings_that_make_no_sense(learner, message):
    with pytest.raises(ValueError, match=message):
        learner.fit(X, T)


def test_an_interrupt_is_said_and_keeps_what_there_is(monkeypatch):
    moons, run = data.moons(60), nets.Trainer._epochs

    def interrupted(self, first, last):
        yield from list(run(self, first, 3))
        raise KeyboardInterrupt

    monkeypatch.setattr(nets.Trainer, "_epochs", interrupted)
    learner = nets.MLPClassifier((8,), random_state=0)
    with pytest.warns(
        ConvergenceWarning, match="MLPClassifier was interrupted after epoch 3; it keeps the last values"
    ):
        learner.fit(moons.X, moons.t)
    assert [record.stopped for record in learner.history_] == [None, None, None, "interrupt"]
    assert learner.predict(moons.X).shape == (60,)


def test_what_is_ended_before_it_has_learned_is_not_fitted(monkeypatch):
    def ended(self, first, last):
        raise KeyboardInterrupt
        yield

    monkeypatch.setattr(nets.Trainer, "_epochs", ended)
    for learner in (nets.MLPClassifier((8,)), nets.BernoulliRBM(2)):
        with pytest.raises(KeyboardInterrupt):
            learner.fit([[0.0], [1.0]], [0, 1])
        assert not hasattr(learner, "net_")
        with pytest.raises(NotFittedError):
            learner.score([[0.0]], [0])


def test_a_rate_that_is_too_high_is_said():
    learner, message = (
        nets.Adaline(),
        r"Adaline: the loss is (inf|nan) in epoch \d+\. The rate is too high.*StandardScaler",
    )
    with pytest.raises(nets.DataError, match=message):
        learner.fit(100 * np.random.default_rng(0).normal(size=(50, 3)), np.arange(50) % 2)
    assert not hasattr(learner, "net_")
    assert pickle.loads(pickle.dumps(learner)).get_params() == learner.get_params()


def test_probabilities_that_are_none_are_said():
    with pytest.warns(UserWarning, match=r"BernoulliRBM: X has 2 in column 0, row 2; .* between 0 and 1.*MinMaxScaler"):
        nets.BernoulliRBM(2, epochs=1, optimizer=nets.SGD(0.001)).fit(X)
    learner = nets.GaussianRBM(2, epochs=1).fit(X)
    with pytest.raises(nets.DataError, match=r"inverse_transform takes 2 numbers for each row, as transform .* not 3"):
        learner.inverse_transform([[0.0, 1.0, 0.5]])
    with pytest.raises(ParameterError, match=r"gibbs\(steps=0\): a whole number from 1 up"):
        learner.gibbs(X, 0)


@pytest.mark.parametrize("name", ["MLPClassifier", "BernoulliRBM"])
def test_without_scikit_learn_it_is_said_how_to_get_it(monkeypatch, name):
    import sys

    for module in [each for each in sys.modules if each.startswith("nngraph.nets.estimators")]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.delattr(nets, name, raising=False)
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(
        ImportError, match=r'^estimators are built on scikit-learn: pip install "nngraph\[learn\]"$'
    ) as said:
        getattr(nets, name)
    assert isinstance(said.value, NngraphError)


def test_more_columns_than_in_training():
    learner = nets.MLPClassifier(epochs=1).fit(X, T)
    with pytest.raises(ValueError, match="X has 3 features, but MLPClassifier is expecting 2 features"):
        learner.predict([[1.0, 2.0, 3.0]])


def test_regression_refuses_amounts_that_are_none():
    with pytest.raises(ValueError, match="y contains NaN"):
        nets.MLPRegressor().fit(X, [0.0, np.nan, 1.0])
    with pytest.raises(ValueError, match=r"y has 1e\+200, too large"):
        nets.MLPRegressor().fit(X, [0.0, 1e200, 1.0])


# What mistakes cost ---------------------------------------------------------------------------------------------------
def test_costs_change_which_answer_is_best():
    from sklearn.metrics import confusion_matrix

    train, test = data.standardized(*data.breast_cancer().split(0.4, seed=0))
    learner = nets.MLPClassifier((8,), optimizer=nets.Adam(0.01), epochs=20, random_state=0).fit(train.X, train.t)
    costs = np.array([[0, 50], [1, 0]])  # class 0 is malignant: overlooking it costs 50, a false alarm 1
    shares = learner.predict_proba(test.X)
    plain, careful = shares.argmax(1), nets.cheapest_class(shares, costs)
    paid = [nets.mean_cost(confusion_matrix(test.t, answers), costs) for answers in (plain, careful)]
    assert paid[1] == pytest.approx(costs[test.t, careful].mean())
    assert paid[1] < paid[0]
    assert (nets.cheapest_class(shares, 1 - np.eye(2)) == plain).all()


def test_costs_that_do_not_fit():
    for call in (lambda: nets.mean_cost(np.eye(3), np.eye(2)), lambda: nets.cheapest_class(np.ones((4, 3)), np.eye(2))):
        with pytest.raises(ValueError, match="are not of the same classes"):
            call()
    with pytest.raises(ValueError, match=r"\(true classes, answers\), not \(2,\)"):
        nets.mean_cost(np.eye(2), [1, 2])
    with pytest.raises(nets.DataError, match="counts nothing; counts are 0 or more"):
        nets.mean_cost([[-1, 1], [0, 0]], np.eye(2))
    with pytest.raises(nets.DataError, match="missing or infinite value at row 1"):
        nets.cheapest_class([[0.5, 0.5], [np.nan, 1.0]], np.eye(2))
    with pytest.raises(ValueError, match="counts no answers"):
        nets.mean_cost(np.zeros((2, 2)), np.eye(2))


def test_masked_values_and_objects():
    learner = nets.MLPClassifier((4,), epochs=1)
    with pytest.raises(nets.DataError, match=r"X has a missing value \(masked\) at row 1, column 1; 1 in all"):
        learner.fit(np.ma.masked_equal([[0.0, 1.0], [2.0, 7.0]], 7.0), [0, 1])
    with pytest.raises(nets.DataError, match=r"y has a missing value \(masked\) at row 0"):
        learner.fit(X, np.ma.masked_equal(T, 0))
    with pytest.raises(nets.DataError, match="NaN, a missing value, in column 1, row 0"):
        learner.fit(np.array([[1, None], [2, 3]], object), [0, 1])
    assert learner.fit(np.array(X, object), T).n_features_in_ == 2


def test_all_rows_at_once_by_quasi_newton():
    (cancer,) = data.standardized(data.breast_cancer())
    learner = estimators.LogisticRegression(optimizer=nets.LBFGS(decay=0.01), epochs=200, random_state=0)
    learner.fit(cancer.X, cancer.t)
    assert learner.history_[-1].stopped in ("converged", "line search")
    slow = estimators.LogisticRegression(
        optimizer=nets.Adam(0.03, decay=0.01), batch=len(cancer), epochs=400, random_state=0
    ).fit(cancer.X, cancer.t)
    assert learner.predict_proba(cancer.X) == pytest.approx(slow.predict_proba(cancer.X), abs=1e-3)


def test_what_cannot_be_fitted_anew_is_not_fitted():
    X = np.random.default_rng(0).normal(size=(60, 2))
    y = (X[:, 0] > 0).astype(int)
    for setting, names in (({"epochs": 0}, np.where(y, "cat", "dog")), ({}, ["a"] * 60), ({"batch": "x"}, y)):
        learner = nets.MLPClassifier((4,), epochs=2, random_state=0).fit(X, y)
        with pytest.raises((ParameterError, DataError)):
            learner.set_params(**setting).fit(X, names)
        with pytest.raises(NotFittedError):
            learner.predict(X)
    several = nets.MLPRegressor((4,), epochs=2, random_state=0).fit(X, X)
    with pytest.raises(ParameterError, match="batch=0"):
        several.set_params(batch=0).fit(X, X[:, 0])
    with pytest.raises(NotFittedError):
        several.predict(X)
    assert several.set_params(batch=8).partial_fit(X, X[:, 0]).predict(X).shape == (60,)


def test_rows_that_are_too_few_to_keep_some_aside():
    X, y = np.random.default_rng(0).normal(size=(6, 2)), np.array([0, 0, 0, 1, 1, 1])
    with pytest.raises(DataError, match=r"early_stopping=True\) keeps validation_fraction=0\.1 of the rows aside, some of each class, and 6 rows"):
        nets.MLPClassifier((4,), early_stopping=True).fit(X, y)
    with pytest.raises(DataError, match=r"of the rows aside and 1 rows are too few"):
        nets.MLPRegressor((4,), early_stopping=True).fit(X[:1], X[:1])
    with pytest.raises(ParameterError, match="validation_fraction='x'"):
        nets.MLPClassifier((4,), validation_fraction="x").fit(X, y)


@pytest.mark.parametrize(
    "rate",
    [
        nets.step_decay(0.1, every=5), nets.exponential_decay(0.1, 0.9), nets.inverse_time_decay(0.1, 5.0),
        nets.cosine_decay(0.1, steps=20), nets.warm_up(nets.exponential_decay(0.1, 0.9), steps=4), nets.warm_up(0.1, steps=4),
    ],
)  # fmt: skip
def test_an_estimator_with_a_schedule_is_pickled_and_goes_on(rate):
    X = np.random.default_rng(0).normal(size=(20, 2))
    y = (X[:, 0] > 0).astype(int)
    learner = nets.MLPClassifier((4,), epochs=2, optimizer=nets.SGD(rate), random_state=0).fit(X, y)
    again = pickle.loads(pickle.dumps(learner))
    assert (again.predict_proba(X) == learner.predict_proba(X)).all()
    assert (again.partial_fit(X, y).predict_proba(X) == learner.partial_fit(X, y).predict_proba(X)).all()
