"""Games: their losses against formulas, what each turn may touch, and what they learn."""

from __future__ import annotations

from dataclasses import replace

import nngraph as ng
import numpy as np
import pytest
from nngraph import nets
from nngraph.autograd.errors import ParameterError, ShapeError
from nngraph.autograd.graph import order
from nngraph.nets import data

RNG = np.random.default_rng(0)
FAST = nets.Adam(1e-3, beta1=0.5)


def leaky(x):
    return ng.leaky_relu(x, slope=0.2)


def small(loss="non-saturating", **settings):
    return nets.GAN(nets.MLP([3, 8, 2], rng=0, **settings), nets.MLP([2, 8, 1], rng=1, **settings), 3, loss=loss)


# The losses ----------------------------------------------------------------------------------------------------------
def test_both_generator_losses_in_the_probability_and_in_its_logit():
    """ln(1 − D) and −ln D: the first is flat in the logit where the discriminator is sure, the second is not."""
    d = ng.input("D", [1e-6, 1e-3, 0.5, 0.99])
    s = ng.input("s", np.log(d.value / (1 - d.value)))
    expected = {
        "minimax": (np.log1p(-d.value), -1 / (1 - d.value), -d.value),
        "non-saturating": (-np.log(d.value), -1 / d.value, -(1 - d.value)),
    }
    for name, (value, in_d, in_s) in expected.items():
        generator = nets.adversarial_losses[name].generator
        assert 4 * float(generator(s).value) == pytest.approx(value.sum(), rel=1e-12)
        assert 4 * ng.gradient(generator(s), [s])[0].value == pytest.approx(in_s, rel=1e-9)
        assert 4 * ng.gradient(generator(ng.logit(d)), [d])[0].value == pytest.approx(in_d, rel=1e-9)


@pytest.mark.parametrize(
    ("name", "of_real", "of_fake", "of_generator"),
    [
        ("minimax", lambda s: np.log1p(np.exp(-s)), lambda s: np.log1p(np.exp(s)), lambda s: -np.log1p(np.exp(s))),
        ("non-saturating", lambda s: np.log1p(np.exp(-s)), lambda s: np.log1p(np.exp(s)), lambda s: np.log1p(np.exp(-s))),
        ("least-squares", lambda s: (s - 1) ** 2 / 2, lambda s: s**2 / 2, lambda s: (s - 1) ** 2 / 2),
        ("wasserstein", lambda s: -s, lambda s: s, lambda s: -s),
        ("wasserstein-gp", lambda s: -s, lambda s: s, lambda s: -s),
        ("hinge", lambda s: np.maximum(0, 1 - s), lambda s: np.maximum(0, 1 + s), lambda s: -s),
    ],
)
def test_losses_are_those_of_the_papers(name, of_real, of_fake, of_generator):
    real, fake = RNG.normal(size=(2, 6, 1)) * 2
    loss = nets.adversarial_losses[name]
    assert float(loss.discriminator(ng.constant(real), ng.constant(fake)).value) == pytest.approx(of_real(real).mean() + of_fake(fake).mean())
    assert float(loss.generator(ng.constant(fake)).value) == pytest.approx(of_generator(fake).mean())


P, Q = np.array([0.5, 0.3, 0.15, 0.05]), np.array([0.1, 0.2, 0.3, 0.4])


def test_the_best_discriminator_is_p_over_p_plus_q():
    """On four outcomes with one score each; there the loss is 2 ln 2 − 2 JS(P‖Q)."""
    s = ng.parameter("s", np.zeros(4))
    loss = ng.sum(P * ng.softplus(-s)) + ng.sum(Q * ng.softplus(s))
    step = ng.compile(loss, updates=nets.Momentum(1.0).updates({"s": s}, ng.gradient(loss, [s])))
    for _ in range(400):
        last = step()
    assert ng.sigmoid(s).value == pytest.approx(P / (P + Q), abs=1e-6)
    half = (P + Q) / 2
    shannon = (P * np.log(P / half)).sum() / 2 + (Q * np.log(Q / half)).sum() / 2
    assert float(last) == pytest.approx(2 * np.log(2) - 2 * shannon, abs=1e-9)


@pytest.mark.parametrize("name", nets.divergences)
def test_a_divergence_is_the_greatest_value_of_its_game(name):
    each = nets.divergences[name]
    u = ng.input("u", P / Q)
    truth = float(np.sum(Q * each.f(u).value))
    best = ng.gradient(ng.sum(each.f(u)), [u])[0].value
    # The conjugate takes the value of u·t − f(u) at its greatest.
    grid = ng.constant(np.geomspace(1e-3, 20, 40001))
    for t in best:
        if name != "total-variation":
            lines = grid.value * t - each.f(grid).value
            assert float(each.conjugate(ng.constant(t)).value) == pytest.approx(lines.max(), abs=1e-5)
    assert np.sum(P * best) - np.sum(Q * each.conjugate(ng.constant(best)).value) == pytest.approx(truth, abs=1e-12)
    # Climbing in the scores arrives there, and never above.
    v = ng.parameter("v", np.zeros(4))
    bound = ng.sum(P * each.activation(v)) - ng.sum(Q * each.conjugate(each.activation(v)))
    step = ng.compile(bound, updates=nets.Adam(0.05).updates({"v": v}, ng.gradient(-bound, [v])))
    values = [float(step()) for _ in range(1500)]
    assert max(values) < truth + 1e-9
    assert values[-1] == pytest.approx(truth, abs=1e-3)


def test_f_gan_joins_the_table():
    real, fake = ng.constant(RNG.normal(size=(5, 1))), ng.constant(RNG.normal(size=(5, 1)))
    mine, original = nets.f_gan("gan", saturating=True), nets.adversarial_losses["minimax"]
    assert float(mine.discriminator(real, fake).value) == pytest.approx(float(original.discriminator(real, fake).value))
    assert float(mine.generator(fake).value) == pytest.approx(float(original.generator(fake).value))
    assert float(nets.f_gan("gan").generator(fake).value) == pytest.approx(float(nets.adversarial_losses["non-saturating"].generator(fake).value))


def test_the_gradient_penalty_against_finite_differences():
    critic = nets.MLP([3, 6, 1], ng.tanh, rng=0, dtype="float64")
    real, fake = RNG.normal(size=(2, 5, 3))
    penalty = nets.gradient_penalty(critic, ng.constant(real), ng.constant(fake))
    share = ng.uniform((5,), name="between", draw=0).value[:, None]
    between = share * real + (1 - share) * fake

    def slopes(x):
        moves = np.eye(3) * 1e-6
        return np.stack([(critic(x + move).value - critic(x - move).value)[:, 0] / 2e-6 for move in moves], 1)

    assert float(penalty.value) == pytest.approx(((np.linalg.norm(slopes(between), axis=1) - 1) ** 2).mean(), rel=1e-6)
    # Of second order: its slope in the weights, nudged one by one.
    W = critic.layers[0].W
    (slope,) = ng.gradient(penalty, [W])
    exact, before = slope.value, W.value.copy()
    for at in np.ndindex(3, 6):
        sides = []
        for sign in (1, -1):
            W.value = before + sign * 1e-5 * (np.arange(18).reshape(3, 6) == at[0] * 6 + at[1])
            sides.append(float(penalty.value))
        assert exact[at] == pytest.approx((sides[0] - sides[1]) / 2e-5, rel=1e-5, abs=1e-8)
    W.value = before


def test_the_penalty_of_images_has_one_slope_for_each():
    images = ng.constant(RNG.normal(size=(4, 2, 3, 3)))
    penalty = nets.gradient_penalty(lambda x: 0.5 * ng.sum(x, axis=(1, 2, 3)), images, -images)
    assert float(penalty.value) == pytest.approx((0.5 * np.sqrt(18) - 1) ** 2)


# The turns -----------------------------------------------------------------------------------------------------------
def test_the_discriminator_is_frozen_while_the_generator_learns():
    net = small()
    net.generator.layers[0].b.params = {**net.generator.layers[0].b.params, "frozen": True}
    with net.turn("generator") as turn:
        assert turn.learns == (net.generator,)
        assert [path for path in net.trainable() if "discriminator" in path] == []
        assert "generator/layer1/b" not in net.trainable()
        loss = turn.loss(ng.input("x", shape=(4, 2), dtype="float32"))
        inside = {leaf for leaf in order(loss) if leaf.role == "parameter" and nets.is_frozen(leaf)}
    assert inside == {*net.discriminator.parameters().values(), net.generator.layers[0].b}
    # Afterwards everything is as it was before, also what was frozen by hand.
    assert len(net.trainable()) == 7
    trainer = nets.AdversarialTrainer(net, RNG.normal(size=(16, 2)), batch=8)
    assert set(trainer.sides["generator"].learned) | set(trainer.sides["generator"].frozen) == set(net.parameters())
    assert set(trainer.sides["discriminator"].learned) == {f"discriminator/{path}" for path in net.discriminator.parameters()}


@pytest.mark.parametrize("engine", ["numpy", "numba"])
def test_a_turn_moves_its_own_side_only(engine):
    generator = nets.DCGANGenerator(3, [8], 1, lengths=(4, 4), rng=0)
    net = nets.GAN(generator, nets.DCGANDiscriminator(1, [4, 8], lengths=(4, 4), rng=1), 3)
    trainer = nets.AdversarialTrainer(net, RNG.uniform(-1, 1, (8, 1, 4, 4)), batch=8, engine=engine)
    for name in ("discriminator", "generator"):
        before = net.values()
        trainer.sides[name].step(trainer.arrays[0])
        moved = {path for path, value in net.values().items() if (value != before[path]).any()}
        assert {path.split("/")[0] for path in moved} == {name}
        # Running statistics follow when their own side learns.
        assert any(path.endswith("/mean") for path in moved)


def test_steps_say_how_often_the_discriminator_learns():
    net = small("wasserstein")
    trainer = nets.AdversarialTrainer(net, RNG.normal(size=(70, 2)), batch=8, steps=3)
    next(trainer.run(1))
    assert int(trainer.sides["discriminator"].learning.counter.value) == 8
    assert int(trainer.sides["generator"].learning.counter.value) == 3
    assert max(abs(leaf.value).max() for leaf in net.discriminator.parameters().values()) <= np.float32(0.01)
    assert max(abs(leaf.value).max() for leaf in net.generator.parameters().values()) > 0.01


def test_a_game_goes_on_from_a_checkpoint(tmp_path):
    X = RNG.normal(size=(64, 2))

    def trainer(net):
        return nets.AdversarialTrainer(net, X, batch=16, steps=2, samples=net.sample(5), seed=3)

    straight = trainer(small())
    records = list(straight.run(6))
    assert [record.epoch for record in records] == [1, 2, 3, 4, 5, 6]
    assert records[-1].samples.shape == (5, 2)
    first = trainer(small())
    list(first.run(3))
    nets.save_checkpoint(tmp_path / "half.safetensors", first)
    second = trainer(small())
    nets.load_checkpoint(tmp_path / "half.safetensors", second)
    again = list(second.run(3))
    assert [record.losses for record in again] == [record.losses for record in records[3:]]
    assert (again[-1].samples == records[-1].samples).all()


def test_mistakes_are_told():
    X = RNG.normal(size=(16, 2))
    with pytest.raises(ParameterError, match="'wasserstein-gp'"):
        small("wgan")
    with pytest.raises(ParameterError, match="discriminator, generator"):
        nets.AdversarialTrainer(small(), X, optimizer={"critic": FAST, "generator": FAST})
    with pytest.raises(ShapeError, match=r"generator gives \(16, 2\)"):
        nets.AdversarialTrainer(small(), RNG.normal(size=(16, 3)))
    with pytest.raises(ParameterError, match="all of it is frozen"):
        net = small()
        net.freeze("generator/*")
        nets.AdversarialTrainer(net, X)
    with pytest.raises(ShapeError, match="multiples of 4"):
        nets.UNet(1, 1, [2, 4])(np.zeros((1, 1, 6, 6), "float32"))


# What is learned -----------------------------------------------------------------------------------------------------
def test_wgan_gp_finds_the_modes_of_a_ring():
    """At least 7 of 8 clouds, and 80 % of the samples within three spreads of one."""
    spread, rounds, seed = 0.05, 6000, 0
    ring = data.gaussian_ring(128 * 60, spread=spread)
    loss = replace(nets.adversarial_losses["wasserstein-gp"], penalty=0.1)
    net = nets.GAN(nets.MLP([8, 64, 64, 2], rng=seed), nets.MLP([2, 64, 64, 1], rng=10 + seed), 8, loss=loss)
    slower = {
        "discriminator": nets.Adam(nets.cosine_decay(4e-3, 3 * rounds), beta1=0.5, beta2=0.9),
        "generator": nets.Adam(nets.cosine_decay(4e-3, rounds), beta1=0.5, beta2=0.9),
    }
    for _ in nets.train_adversarial(net, ring.X, batch=128, steps=3, optimizer=slower, epochs=rounds // 20, seed=seed):
        pass
    angle = 2 * np.pi * np.arange(8) / 8
    centres = 2 * np.stack([np.cos(angle), np.sin(angle)], 1)
    distance = np.linalg.norm(net.sample(1000, seed=3).value[:, None] - centres, axis=2)
    good = distance.min(1) < 3 * spread
    assert good.mean() >= 0.8
    assert len(np.unique(distance.argmin(1)[good])) >= 7


@pytest.fixture(scope="module")
def digits():
    """Digits between −1 and 1, 8x8 in a row, their classes, and a classifier that has seen these only."""
    learn, found = pytest.importorskip("sklearn.linear_model"), data.digits()
    X = found.X.reshape(len(found), 64)
    X = 2 * X / X.max() - 1
    return X, found.t, learn.LogisticRegression(max_iter=2000).fit(X, found.t)


@pytest.mark.parametrize("kind", [nets.ConditionalGAN, nets.ACGAN])
def test_conditional_samples_are_recognised(kind, digits):
    """A classifier that has seen real digits only names 80 % of the made ones as they were ordered."""
    X, t, judge = digits
    named = kind is nets.ACGAN
    generator = nets.Sequential(nets.MLP([16 + 10, 128, 64], rng=0), ng.tanh)
    net = kind(generator, nets.MLP([64, 128, 11] if named else [64 + 10, 128, 1], leaky, rng=1), 16, 10)
    for _ in nets.train_adversarial(net, (X, t), epochs=60, optimizer=FAST):
        pass
    wanted = np.repeat(np.arange(10), 50)
    made = net.sample(wanted, seed=1).value
    assert (judge.predict(made) == wanted).mean() >= 0.8
    # Not the same picture again and again: real ones of a class spread by 0.33.
    assert made.reshape(10, 50, 64).std(1).mean() > 0.15
