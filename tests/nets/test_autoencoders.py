"""Autoencoders: less noise than they were given, codes that are sparse, codes to draw from, ratings that were never given."""

from __future__ import annotations

import re

import nngraph as ng
import numpy as np
import pytest
from nngraph import nets
from nngraph.autograd.errors import ParameterError, ShapeError
from nngraph.nets import data as data_of
from nngraph.nets.rows import DataError


@pytest.fixture(scope="module")
def digits():
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(images))
    images, labels = (images / 16).astype(np.float32)[order], labels[order]
    return (images[:1400], labels[:1400]), (images[1400:], labels[1400:])


def decibels(found: np.ndarray, clean: np.ndarray) -> float:
    return float(10 * np.log10((clean**2).mean() / ((found - clean) ** 2).mean()))


def two_layers(inputs: int, hidden: int, outputs: int, seed: int) -> nets.MLP:
    return nets.MLP([inputs, hidden, outputs], rng=seed)


def test_denoising_wins_three_decibels(digits):
    (learn, _), (test, _) = digits
    noisy = test + np.random.default_rng(1).normal(0, 0.4, test.shape).astype(np.float32)
    net = nets.Autoencoder(two_layers(64, 128, 32, 0), two_layers(32, 128, 64, 1), corrupt=nets.gaussian_noise(0.4))
    list(nets.train(net, data=learn, epochs=100, batch=50, optimizer=nets.Adam(0.002)))
    assert decibels(net(noisy).value, test) > decibels(noisy, test) + 3


def test_noise_is_for_learning_only():
    net, x = nets.Autoencoder(nets.Linear(3, 2), nets.Linear(2, 3), corrupt=nets.masking_noise(0.5)), np.ones((200, 3))
    clean = net.objective(ng.constant(x)).value
    assert float(clean) == pytest.approx(float(((net(x).value - x) ** 2).mean()))
    with nets.training(seed=1) as learning:
        spoiled = net.corrupt(ng.constant(x), learning)
    assert set(np.unique(spoiled.value)) == {0.0, 1.0}
    assert spoiled.value.mean() == pytest.approx(0.5, abs=0.06)


def test_a_sparse_code_is_sparse(digits):
    (learn, _), _ = digits
    active = {}
    for sparsity in (None, (0.05, 0.05)):
        encoder = nets.Sequential(nets.Linear(64, 40, rng=0), ng.sigmoid)
        net = nets.Autoencoder(encoder, nets.Linear(40, 64, rng=1), sparsity=sparsity)
        list(nets.train(net, data=learn, epochs=40, batch=100, optimizer=nets.Adam(0.01)))
        active[sparsity] = float(encoder(learn).value.mean())
        assert decibels(net(learn).value, learn) > 8
    assert active[0.05, 0.05] < 0.1 < active[None]


def test_the_penalty_is_the_divergence_of_bernoulli_rates():
    net = nets.Autoencoder(ng.sigmoid, lambda z: z, loss=lambda y, x: ng.sum(y) * 0, sparsity=(0.2, 3.0))
    x = np.log([[0.3, 0.6], [0.5, 0.2]])
    rates = (1 / (1 + np.exp(-x))).mean(0)
    apart = 0.2 * np.log(0.2 / rates) + 0.8 * np.log(0.8 / (1 - rates))
    assert float(net.objective(ng.constant(x)).value) == pytest.approx(3 * apart.sum())


def test_the_bound_rises_and_samples_are_recognized(digits):
    from sklearn.linear_model import LogisticRegression
    from sklearn.svm import SVC

    (learn, labels), _ = digits
    net = nets.VariationalAutoencoder(two_layers(64, 200, 8, 0), two_layers(4, 200, 64, 1), 4)
    records = list(nets.train(net, data=learn, epochs=100, batch=50, optimizer=nets.Adam(0.002)))
    bound = [-record.loss for record in records]
    assert bound[0] < bound[9] < bound[49] < bound[-1]
    assert bound[-1] > bound[0] + 8
    drawn = net.decode(np.random.default_rng(0).normal(size=(1000, 4)).astype(np.float32)).value
    # Two classifiers of different kinds see the same digit, and every digit occurs; in noise they see only a few.
    seen, too = SVC().fit(learn, labels).predict(drawn), LogisticRegression(max_iter=2000).fit(learn, labels).predict(drawn)
    assert (seen == too).mean() > 0.8
    assert np.bincount(seen, minlength=10).min() >= 20


def test_the_bound_against_its_formula():
    net = nets.VariationalAutoencoder(nets.Linear(5, 4, rng=0, dtype="float64"), nets.Linear(2, 5, rng=1, dtype="float64"), 2)
    x = np.random.default_rng(0).random((7, 5))
    mu, variance_log = (part.value for part in net.code(x))
    p = net.decode(mu).value
    spoken = (x * np.log(p) + (1 - x) * np.log(1 - p)).sum(1)
    apart = 0.5 * (mu**2 + np.exp(variance_log) - variance_log - 1).sum(1)
    assert float(net.objective(ng.constant(x)).value) == pytest.approx(-(spoken - apart).mean(), rel=1e-12)


def test_ratings_that_were_never_given_are_guessed():
    """Users and movies of two tastes: what is known of a user says the rest."""
    rng = np.random.default_rng(0)
    tastes = rng.normal(size=(300, 2))
    ratings = np.clip(tastes @ rng.normal(size=(2, 11)), -2, 2)  # 1 to 5, with 3 as 0
    observed = rng.random(ratings.shape) < 0.7
    given = np.where(observed, ratings, 0.0)
    # Some of what is known is hidden too, so that the net learns to guess instead of to copy.
    net = nets.Autoencoder(nets.Linear(11, 2, rng=0), nets.Linear(2, 11, rng=2), corrupt=nets.masking_noise(0.3))
    list(nets.train(net, data=(given, observed), epochs=200, batch=50, optimizer=nets.Adam(0.01)))
    wrong = np.abs(net(given).value - ratings)[~observed].mean()
    assert wrong < 0.4 * np.abs(ratings[~observed]).mean()


def test_a_linear_autoencoder_finds_the_principal_components(digits):
    """Baldi and Hornik 1989: at its least, the error is the variance outside the first components, and the code spans them."""
    (learn, _), _ = digits
    x = learn[:, 20:28] - learn[:, 20:28].mean(0)
    net = nets.Autoencoder(nets.Linear(8, 3, bias=False, rng=0), nets.Linear(3, 8, bias=False, rng=1))
    list(nets.train(net, data=x, epochs=200, batch=100, optimizer=nets.Adam(nets.cosine_decay(0.01, steps=2800))))
    _, lengths, axes = np.linalg.svd(x, full_matrices=False)
    least = (lengths[3:] ** 2).sum() / x.size
    found = ((net(x).value - x) ** 2).mean()
    assert least <= found < 1.001 * least
    through = net.encoder.W.value @ net.decoder.W.value
    assert through == pytest.approx(axes[:3].T @ axes[:3], abs=0.02)


def test_maps_are_a_code_too(digits):
    """Convolution down to 4 maps of 2×2, transposed convolution up again: 16 numbers, as good as 16 principal components."""
    (learn, _), (test, _) = digits
    mean, (_, _, axes) = learn.mean(0), np.linalg.svd(learn - learn.mean(0), full_matrices=False)
    components = (((test - mean) @ axes[:16].T @ axes[:16] + mean - test) ** 2).mean()
    learn, test = learn.reshape(-1, 1, 8, 8), test.reshape(-1, 1, 8, 8)
    net = nets.Autoencoder(
        nets.Sequential(nets.Conv2d(1, 16, 3, stride=2, padding=1, rng=0), ng.relu, nets.Conv2d(16, 4, 3, stride=2, padding=1, rng=1)),
        nets.Sequential(
            nets.ConvTranspose2d(4, 16, 4, stride=2, padding=1, rng=2), ng.relu,
            nets.ConvTranspose2d(16, 1, 4, stride=2, padding=1, rng=3),
        ),
    )  # fmt: skip
    assert net.encoder(test).shape == (397, 4, 2, 2)
    list(nets.train(net, data=learn, epochs=40, batch=50, optimizer=nets.Adam(0.005)))
    assert ((net(test).value - test) ** 2).mean() < 1.15 * components < 0.3 * test.var()


def test_what_is_not_known_has_no_say():
    """Σ m(y − x)²/Σ m, whatever stands in the gaps; its gradient by what came out is 0 there."""
    rng = np.random.default_rng(0)
    x, known = rng.normal(size=(6, 5)), rng.integers(0, 2, (6, 5))
    came = ng.input("y", rng.normal(size=(6, 5)))
    net = nets.Autoencoder(lambda x: came, lambda z: z)
    loss = net.objective(ng.constant(x), ng.constant(known))
    assert float(loss.value) == pytest.approx(((came.value - x)[known == 1] ** 2).mean())
    (slope,) = ng.gradient(loss, [came])
    assert slope.value == pytest.approx(2 * known * (came.value - x) / known.sum())
    assert float(net.objective(ng.constant(x), ng.constant(0 * known)).value) == 0.0


def test_the_table_of_eleven_users_is_completed():
    """On 8 of its 46 ratings that were put aside, eight times: nearer than the mean, or each movie's own."""
    ratings, errors = data_of.movie_ratings(), []
    assert ratings.values.shape == (11, 6)
    for seed in range(8):
        learn, hidden = ratings.without(8, seed)
        given = ((learn.values - 3) * learn.known).astype(np.float32)
        net = nets.Autoencoder(nets.Linear(6, 2, rng=0), nets.Linear(2, 6, rng=1), corrupt=nets.masking_noise(0.3))
        list(nets.train(net, data=(given, learn.known), epochs=200, batch=11, optimizer=nets.Adam(0.02)))
        guesses = np.clip(net(given).value + 3, 1, 5), learn.values.sum() / learn.known.sum(), learn.values.sum(0) / learn.known.sum(0)
        errors.append([np.abs((guess - hidden.values)[hidden.known == 1]).mean() for guess in guesses])
    ours, overall, by_movie = np.mean(errors, axis=0)
    assert ours < 0.75 * min(overall, by_movie)


def test_the_bound_is_below_the_likelihood():
    """ELBO ≤ ln p(x): with one code number, ln p(x) is an integral that can be added up."""
    net = nets.VariationalAutoencoder(nets.Linear(4, 2, rng=0, dtype="float64"), nets.Linear(1, 4, rng=1, dtype="float64"), 1)
    x = np.array([[1.0, 0, 1, 1]])
    z = np.linspace(-10, 10, 4001)[:, None]
    p = net.decode(z).value
    joint = np.exp(-(z[:, 0] ** 2) / 2) / np.sqrt(2 * np.pi) * np.prod(np.where(x == 1, p, 1 - p), axis=1)
    with nets.training(seed=0):
        bound = -float(net.objective(ng.constant(np.tile(x, (20_000, 1)))).value)
    mu, variance_log = (float(part.value[0, 0]) for part in net.code(x))
    posterior = joint / np.trapezoid(joint, z[:, 0])
    q = np.exp(-((z[:, 0] - mu) ** 2) / 2 / np.exp(variance_log)) / np.sqrt(2 * np.pi * np.exp(variance_log))
    with np.errstate(divide="ignore", invalid="ignore"):
        apart = np.trapezoid(np.nan_to_num(q * (np.log(q) - np.log(posterior))), z[:, 0])
    likelihood = np.log(np.trapezoid(joint, z[:, 0]))
    assert bound < likelihood
    # What is missing is how far q is from the true distribution of the code.
    assert bound + apart == pytest.approx(likelihood, abs=0.02)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: nets.masking_noise(2), "masking_noise(share=2): a number that is at least 0 and at most 1"),
        (lambda: nets.gaussian_noise(float("nan")), "gaussian_noise(spread=nan)"),
        (lambda: nets.Autoencoder(nets.Linear, nets.Linear(2, 2)), "encoder of Autoencoder is the class Linear"),
        (lambda: nets.Autoencoder(nets.Linear(2, 2), 3), "decoder of Autoencoder is 3"),
        (lambda: nets.Autoencoder(nets.Linear(2, 2), nets.Linear(2, 2), sparsity=0.1), "Autoencoder(sparsity=0.1): (rate, weight) is needed"),
        (lambda: nets.Autoencoder(nets.Linear(2, 2), nets.Linear(2, 2), sparsity=(0.1, "b")), "sparsity weight='b'"),
        (lambda: nets.Autoencoder(nets.Linear(2, 2), nets.Linear(2, 2), corrupt=0.5), "Autoencoder(corrupt=0.5)"),
        (lambda: nets.VariationalAutoencoder(nets.Linear(2, 2), nets.Linear(2, 2), 0), "VariationalAutoencoder(latent=0)"),
        (lambda: nets.VariationalAutoencoder(nets.Linear(2, 2), nets.Linear(2, 2), 1, beta=-1), "VariationalAutoencoder(beta=-1)"),
    ],
)
def test_what_no_autoencoder_is_made_of(make, said):
    with pytest.raises(ParameterError, match=re.escape(said)):
        make()


def test_what_does_not_fit_is_said():
    x = ng.input("x", shape=(3, 4))
    with pytest.raises(ShapeError, match=r"the decoder gives \(3, 5\) for an input of \(3, 4\)"):
        nets.Autoencoder(nets.Linear(4, 2), nets.Linear(2, 5)).objective(x)
    with pytest.raises(ShapeError, match="means and variances are 4"):
        nets.VariationalAutoencoder(nets.Linear(4, 3), nets.Linear(2, 4), 2).objective(x)
    open_ended = nets.Autoencoder(nets.Linear(4, 2, rng=0), nets.Linear(2, 4, rng=1), sparsity=(0.1, 1.0))
    with pytest.raises(ParameterError, match=r"codes between 0 and 1; the encoder gives -.* Let it end with a sigmoid"):
        nets.train(open_ended, data=np.eye(4))
    with pytest.raises(ParameterError, match=r"^sparsity rate=.*: a number that is above 0 and below 1"):
        nets.Autoencoder(nets.Linear(4, 2), nets.Linear(2, 4), sparsity=(0.0, 1.0))
    net = nets.Autoencoder(nets.Linear(2, 1), nets.Linear(1, 2))
    with pytest.raises(ShapeError, match=r"observed has shape \(3, 1\), x \(3, 2\)"):
        net.objective(ng.constant(np.ones((3, 2))), ng.constant(np.ones((3, 1))))
    with pytest.raises(DataError, match="observed has 5 at row 1, column 1; 1 is known and 0 is not"):
        list(nets.train(net, data=(np.ones((2, 2)), np.array([[1, 0], [0, 5]]))))
    with pytest.raises(DataError, match="data has 16 at row 0, column 0; what is decoded are probabilities"):
        list(nets.train(nets.VariationalAutoencoder(nets.Linear(2, 2), nets.Linear(1, 2), 1), data=np.array([[16.0, 0.0]])))
