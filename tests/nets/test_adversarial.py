"""Games: their losses against formulas, what each turn may touch, and what they learn."""

from __future__ import annotations

import re
from dataclasses import replace

import nngraph as ng
import numpy as np
import pytest
from nngraph import nets
from nngraph.autograd.errors import NngraphError, ParameterError, ShapeError
from nngraph.autograd.graph import order
from nngraph.autograd.leaves import is_frozen
from nngraph.nets import data
from nngraph.nets.rows import DataError

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
        inside = {leaf for leaf in order(loss) if leaf.role == "parameter" and is_frozen(leaf)}
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
    held = small()
    held.freeze("generator/*")
    with pytest.raises(ParameterError, match="all of it is frozen"):
        nets.AdversarialTrainer(held, X)
    trainer = nets.AdversarialTrainer(small().freeze("generator/layer1/*"), X)
    trainer.net.unfreeze()
    with pytest.raises(ParameterError, match="generator/layer1/W was unfrozen after this AdversarialTrainer was made"):
        trainer.run(1)
    with pytest.raises(ShapeError, match="multiples of 4"):
        nets.UNet(1, 1, [2, 4])(np.zeros((1, 1, 6, 6), "float32"))


# What is learned -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"epochs": -3}, "epochs=-3: a whole number from 0 up"),
        ({"epochs": 1.5}, "epochs=1.5"),
        ({"batch": 2.5}, "batch=2.5: a whole number from 2 up"),
        ({"batch": 1}, "batch=1"),
        ({"steps": 2.5}, "steps=2.5: a whole number from 1 up"),
        ({"steps": "x"}, "steps='x'"),
        ({"steps": {"generator": 0}}, "steps=0"),
        ({"seed": -1}, "seed=-1"),
        ({"optimizer": "adam"}, "optimizer='adam': it is one of nets"),
        ({"optimizer": nets.Adam}, "it is one of nets"),
        ({"samples": 3}, "samples=3: it is a node"),
        ({"data": (np.ones((16, 2)), np.zeros(16, int))}, r"learns from rows (x); data that hold 2 arrays do not fit"),
        ({"net": nets.MLP([2, 1])}, "is no game"),
        ({"net": nets.GAN(nets.MLP([3, 2]), nets.MLP, 3)}, "which learns in the turn of the discriminator, is no network"),
        ({"net": nets.GAN(3, nets.MLP([2, 1]), 3)}, "3, which learns in the turn of the generator, is no network"),
    ],
)
def test_settings_of_a_game_are_checked_as_those_of_a_training(settings, said):
    given = {"net": small(), "data": np.ones((16, 2)), **settings}
    with pytest.raises((ParameterError, ShapeError), match=re.escape(said)):
        nets.train_adversarial(**given)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: nets.f_gan("kl"), "there is no divergence 'kl'; there is 'total-variation', "),
        (lambda: nets.f_gan(["kl"]), "there is no divergence ['kl']"),
        (lambda: small([1]), "there is no adversarial loss [1]"),
        (lambda: replace(nets.adversarial_losses["wasserstein-gp"], penalty=-1), "AdversarialLoss(penalty=-1)"),
        (lambda: replace(nets.adversarial_losses["wasserstein"], bound=0), "AdversarialLoss(bound=0)"),
        (lambda: nets.GAN(nets.Linear(1, 1), nets.Linear(1, 1), 0), "GAN(latent=0): a whole number from 1 up"),
        (lambda: nets.ConditionalGAN(nets.Linear(1, 1), nets.Linear(1, 1), 2, 2.5), "ConditionalGAN(classes=2.5)"),
        (lambda: nets.InfoGAN(nets.Linear(1, 1), nets.Linear(1, 1), 2, 3, -1), "InfoGAN(numbers=-1)"),
        (lambda: nets.Pix2Pix(nets.Linear(1, 1), nets.Linear(1, 1), weight="x"), "Pix2Pix(weight='x')"),
        (lambda: nets.CycleGAN(*[nets.Linear(1, 1)] * 4, cycle=-1), "CycleGAN(cycle=-1)"),
        (lambda: small().sample(0), "rows=0"),
        (lambda: small().turn("critic").__enter__(), "has no turn 'critic'; it has discriminator, generator"),
        (lambda: nets.InfoGAN(nets.MLP([7, 2]), nets.MLP([2, 4]), 4, 3).sample(2, category=3), "category=3: there are 3 categories, numbered 0 to 2"),
    ],
)
def test_what_no_game_is_made_of(make, said):
    with pytest.raises(ParameterError, match=re.escape(said)):
        make()


@pytest.mark.parametrize(
    ("net", "said"),
    [
        (nets.GAN(nets.MLP([3, 2]), nets.MLP([2, 2]), 3), "the discriminator gives (16, 2); it gives a score for each example, (N, 1)"),
        (nets.InfoGAN(nets.MLP([3 + 2 + 2, 2]), nets.MLP([2, 1 + 2 + 1]), 3, 2, 2), "gives (16, 4); it has to give (N, 1 + 2 + 2)"),
        (nets.CycleGAN(*[nets.MLP([2, out]) for out in (2, 2, 1, 3)]), "the discriminator gives (16, 3)"),
    ],
)
def test_a_discriminator_that_says_too_much_or_too_little(net, said):
    X = np.ones((16, 2))
    with pytest.raises(ShapeError, match=re.escape(said)):
        nets.AdversarialTrainer(net, (X, X) if isinstance(net, nets.CycleGAN) else X)


def test_classes_that_a_game_does_not_have():
    X = np.ones((4, 2))
    net = nets.ACGAN(nets.MLP([4 + 3, 2]), nets.MLP([2, 1 + 3]), latent=4, classes=3)
    with pytest.raises(DataError, match="the class has 3 at row 2; there are 3, numbered 0 to 2"):
        nets.AdversarialTrainer(net, (X, [0, 1, 3, 2]))
    turned = nets.DRGAN(nets.MLP([2, 2]), nets.MLP([2 + 2 + 2, 2]), nets.MLP([2, 3 + 1 + 2]), latent=2, identities=3, poses=2)
    with pytest.raises(DataError, match="the pose has -1 at row 1"):
        nets.AdversarialTrainer(turned, (X, [0, 1, 2, 2], [0, -1, 1, 1]))


def test_without_a_batch_all_rows_make_a_step_and_an_error_leaves_all_as_it_was():
    assert nets.AdversarialTrainer(small(), np.ones((100, 2)), batch=None).batch == 100
    net = nets.ConditionalGAN(nets.MLP([4 + 3, 8, 2], rng=0), nets.MLP([2 + 3, 8, 1], rng=1), latent=4, classes=3)
    before, t = net.values(), np.repeat([0, 1, 2, 7], 16)
    net.check_data = lambda *arrays: None
    with pytest.raises(NngraphError):
        list(nets.train_adversarial(net, (np.ones((64, 2)), t), batch=4, epochs=1))
    assert all((value == before[path]).all() for path, value in net.values().items())


def test_wgan_gp_finds_the_modes_of_a_ring():
    """At least 7 of 8 clouds, and 80 % of the samples within three spreads of one."""
    spread, rounds, seed = 0.05, 4500, 0
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
    return X, found.t, learn.LogisticRegression(C=0.03, max_iter=2000).fit(X, found.t)


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


GAMES = [*(name for name in nets.adversarial_losses if name != "wasserstein-gp"), *(f"f-gan {name}" for name in nets.divergences)]


@pytest.mark.parametrize("name", GAMES)
def test_every_game_moves_a_bell_curve_to_the_data(name):
    """From around 0 to around 1; WGAN-GP has the ring."""
    loss = nets.f_gan(name.removeprefix("f-gan ")) if name.startswith("f-gan") else nets.adversarial_losses[name]
    X = np.random.default_rng(0).normal(1.0, 0.5, (512, 1))
    net = nets.GAN(nets.Linear(1, 1, rng=0), nets.MLP([1, 16, 1], rng=1), 1, loss=loss)
    rate = nets.cosine_decay(5e-3, 1200)
    optimizer = nets.RMSProp(rate) if loss.bound else nets.Adam(rate, beta1=0.5)
    for record in nets.train_adversarial(net, X, epochs=150, optimizer=optimizer, steps=2):
        assert all(np.isfinite(value) for value in record.losses.values())
    assert net.sample(1000).value.mean() == pytest.approx(1.0, abs=0.25)


def test_infogan_calls_each_cloud_by_a_name_of_its_own():
    clouds = data.blobs(1500, classes=4, spread=0.1)
    net = nets.InfoGAN(nets.MLP([4 + 4, 32, 32, 2], rng=0), nets.MLP([2, 32, 32, 1 + 4], leaky, rng=5), 4, 4)
    for _ in nets.train_adversarial(net, clouds.X, epochs=100, batch=50, optimizer=FAST):
        pass
    angle = np.pi * np.arange(4) / 2
    centres = np.stack([np.cos(angle), np.sin(angle)], 1)
    names = []
    for category in range(4):
        distance = np.linalg.norm(net.sample(100, seed=1, category=category).value[:, None] - centres, axis=2)
        counts = np.bincount(distance.argmin(1)[distance.min(1) < 0.4], minlength=4)
        assert counts.max() >= 90
        names.append(int(counts.argmax()))
    assert sorted(names) == [0, 1, 2, 3]


def test_infogan_reads_numbers_too():
    net = nets.InfoGAN(nets.MLP([2 + 3 + 2, 4], rng=0), nets.MLP([4, 1 + 3 + 2], rng=1), 2, 3, 2, weight=0.5)
    x = ng.constant(RNG.normal(size=(6, 4)).astype("float32"))
    _, category, numbers = net._made(6, "generator")
    made = net.discriminator(net._made(6, "generator")[0]).value
    scores = made[:, 1:4] - made[:, 1:4].max(1, keepdims=True)
    entropy = (np.log(np.exp(scores).sum(1)) - scores[np.arange(6), category.value]).mean()
    squares = ((made[:, 4:] - numbers.value) ** 2).sum(1).mean() / 2
    adversarial = np.log1p(np.exp(-made[:, 0])).mean()
    assert float(net.generator_loss(x).value) == pytest.approx(adversarial + 0.5 * (entropy + squares), rel=1e-5)


def softplus(s):
    return np.log1p(np.exp(s))


def cross_entropy(scores, t):
    scores = scores - scores.max(1, keepdims=True)
    return (np.log(np.exp(scores).sum(1)) - scores[np.arange(len(t)), t]).mean()


def test_both_sides_are_told_the_class():
    """−ln D(x, y) − ln(1 − D(G(z, y), y)), with y a row of 0 and one 1 at the end."""
    net = nets.ConditionalGAN(nets.MLP([2 + 3, 4], rng=0), nets.MLP([4 + 3, 1], rng=1), 2, 3)
    x, t = RNG.normal(size=(6, 4)).astype("float32"), np.array([0, 1, 2, 2, 1, 0])
    told = np.eye(3, dtype="float32")[t]
    fake, z = net._made(ng.constant(t), "discriminator").value, ng.normal((6, 2), seed=0, name="z", draw=0, dtype="float32").value
    assert fake == pytest.approx(net.generator(np.concatenate([z, told], 1)).value, rel=1e-6)
    real, made = (net.discriminator(np.concatenate([each, told], 1)).value for each in (x, fake))
    assert float(net.discriminator_loss(ng.constant(x), ng.constant(t)).value) == pytest.approx(softplus(-real).mean() + softplus(made).mean(), rel=1e-5)
    made = net.discriminator(np.concatenate([net._made(ng.constant(t), "generator").value, told], 1)).value
    assert float(net.generator_loss(ng.constant(x), ng.constant(t)).value) == pytest.approx(softplus(-made).mean(), rel=1e-5)


def test_acgan_wants_the_class_named():
    """Its game and the cross entropy of the classes: of real and made ones, or of made ones."""
    net = nets.ACGAN(nets.MLP([2 + 3, 4], rng=0), nets.MLP([4, 1 + 3], rng=1), 2, 3)
    x, t = RNG.normal(size=(6, 4)).astype("float32"), np.array([0, 1, 2, 2, 1, 0])
    real, made = net.discriminator(x).value, net.discriminator(net._made(ng.constant(t), "discriminator")).value
    expected = softplus(-real[:, 0]).mean() + softplus(made[:, 0]).mean() + cross_entropy(real[:, 1:], t) + cross_entropy(made[:, 1:], t)
    assert float(net.discriminator_loss(ng.constant(x), ng.constant(t)).value) == pytest.approx(expected, rel=1e-5)
    made = net.discriminator(net._made(ng.constant(t), "generator")).value
    expected = softplus(-made[:, 0]).mean() + cross_entropy(made[:, 1:], t)
    assert float(net.generator_loss(ng.constant(x), ng.constant(t)).value) == pytest.approx(expected, rel=1e-5)


def test_drgan_wants_who_and_how():
    net = nets.DRGAN(nets.MLP([6, 5], rng=0), nets.MLP([5 + 3 + 2, 6], rng=1), nets.MLP([6, 4 + 1 + 3], rng=2), latent=2, identities=4, poses=3)
    x, who, how = RNG.normal(size=(5, 6)).astype("float32"), np.array([0, 3, 1, 2, 2]), np.array([2, 0, 1, 1, 0])
    real = net.discriminator(x).value
    made = net.discriminator(net._turned(ng.constant(x), "discriminator")[0]).value
    expected = cross_entropy(real[:, :5], who) + cross_entropy(real[:, 5:], how) + cross_entropy(made[:, :5], np.full(5, 4))
    given = [ng.constant(each) for each in (x, who, how)]
    assert float(net.discriminator_loss(*given).value) == pytest.approx(expected, rel=1e-5)
    fake, asked = net._turned(given[0], "generator")
    made = net.discriminator(fake).value
    expected = cross_entropy(made[:, :5], who) + cross_entropy(made[:, 5:], asked.value)
    assert float(net.generator_loss(*given).value) == pytest.approx(expected, rel=1e-5)
    # What it turns is its own code, the pose as a row of 0 and one 1, and the noise.
    row = np.concatenate([net.encoder(x).value, np.eye(3, dtype="float32")[how], np.zeros((5, 2), "float32")], 1)
    assert net(x, how).value == pytest.approx(net.decoder(row).value, rel=1e-6)


def test_drgan_turns_and_keeps_who_it_is():
    """Four patterns in three poses (rolled by a third): what is made is nearest to the right pattern in the pose asked for."""
    rng = np.random.default_rng(0)
    patterns = rng.normal(size=(4, 12))
    seen = np.stack([np.roll(patterns, 4 * pose, axis=1) for pose in range(3)], 1)
    who, how = rng.integers(0, 4, 2000), rng.integers(0, 3, 2000)
    X = seen[who, how] + rng.normal(0, 0.5, (2000, 12))
    net = nets.DRGAN(
        nets.MLP([12, 64, 16], leaky, rng=0), nets.MLP([16 + 3 + 2, 64, 12], leaky, rng=1), nets.MLP([12, 64, 4 + 1 + 3], leaky, rng=2),
        latent=2, identities=4, poses=3,
    )  # fmt: skip
    for _ in nets.train_adversarial(net, (X, who, how), epochs=100, batch=100, optimizer=nets.Adam(2e-3, beta1=0.5)):
        pass
    wanted = rng.integers(0, 3, 200)
    made = net(X[:200].astype("float32"), wanted).value
    nearest = np.linalg.norm(made[:, None] - seen.reshape(12, 12), axis=2).argmin(1)
    assert (nearest == 3 * who[:200] + wanted).mean() >= 0.8


def test_translations_want_what_their_papers_say():
    a, b = (ng.constant(RNG.normal(size=(5, 3)).astype("float32")) for _ in range(2))
    made = nets.MLP([3, 3], rng=0)
    paired = nets.Pix2Pix(made, nets.MLP([6, 1], rng=1))
    s = paired.discriminator(np.concatenate([a.value, made(a).value], 1)).value
    expected = np.log1p(np.exp(-s)).mean() + 100 * abs(made(a).value - b.value).mean()
    assert float(paired.generator_loss(a, b).value) == pytest.approx(expected, rel=1e-5)
    features = nets.MLP([3, 2], rng=3)
    larger = nets.SuperResolution(made, nets.MLP([3, 1], rng=1), features=features)
    s = larger.discriminator(made(a)).value
    expected = ((features(made(a)).value - features(b).value) ** 2).mean() + 1e-3 * np.log1p(np.exp(-s)).mean()
    assert float(larger.generator_loss(a, b).value) == pytest.approx(expected, rel=1e-5)
    with larger.turn("generator"):
        assert not any(path.startswith("features") for path in larger.trainable())
    cycle = nets.CycleGAN(*[nets.MLP([3, out], rng=at) for at, out in enumerate((3, 3, 1, 1))])
    to_a, to_b = cycle.to_a, cycle.to_b

    def l1(x, y):
        return abs(x.value - y.value).mean()

    expected = ((cycle.judge_a(to_a(b)).value - 1) ** 2).mean() / 2 + ((cycle.judge_b(to_b(a)).value - 1) ** 2).mean() / 2
    expected += 10 * (l1(to_a(to_b(a)), a) + l1(to_b(to_a(b)), b)) + 5 * (l1(to_a(a), a) + l1(to_b(b), b))
    assert float(cycle.generators_loss(a, b).value) == pytest.approx(expected, rel=1e-5)


def test_every_score_of_a_patchgan_sees_its_own_patch():
    """A 3x3 window over 4x4 windows at steps of 2: 8 pixels to a side, and 2 further for the next score."""
    x = ng.input("x", RNG.normal(size=(1, 1, 16, 16)).astype("float32"))
    scores = nets.PatchGAN(1, [4], rng=0)(x)
    for row, column in ((3, 4), (0, 7)):
        (slope,) = ng.gradient(scores[0, 0, row, column], [x])
        rows, columns = (np.flatnonzero(abs(slope.value[0, 0]).max(axis)) for axis in (1, 0))
        for found, at in ((rows, row), (columns, column)):
            assert (found[0], found[-1]) == (max(0, 2 * at - 3), min(15, 2 * at + 4))


def test_a_unet_has_bridges():
    """What comes up lies beside what was there on the way down: with nothing coming up, details still pass."""
    net = nets.UNet(1, 1, [4, 8, 16], rng=0)
    assert [list(stage.parameters().values())[0].shape[:2] for stage in net.ups] == [(16, 8), (16, 4)]
    assert net.top.W.shape[:2] == (8, 1)
    x = ng.input("x", RNG.normal(size=(1, 1, 8, 8)).astype("float32"))
    through = float(abs(ng.gradient(ng.sum(net(x)), [x])[0].value).max())
    for leaf in net.ups[-1].parameters().values():
        leaf.value = np.zeros(leaf.shape)
    bridged = abs(ng.gradient(ng.sum(net(x)), [x])[0].value).max()
    assert 0 < bridged != pytest.approx(through)
    # The upper half of the channels is what came down: without it nothing is left.
    net.top.W.value = net.top.W.value * (np.arange(8) < 4)[:, None, None, None]
    assert abs(ng.gradient(ng.sum(net(x)), [x])[0].value).max() == 0


def test_a_dcgan_doubles_and_halves():
    """Transposed convolutions are the adjoints of the discriminator's: with its kernels, <G(z), x> = <z, D(x)>."""
    generator = nets.DCGANGenerator(5, [8, 4], 2, lengths=(16, 8), rng=0)
    assert generator.small == (8, 4, 2)
    assert [layer.W.shape for layer in generator.stages.layers if hasattr(layer, "W")] == [(8, 4, 4, 4), (4, 2, 4, 4)]
    up, down = generator.stages.layers[-2], nets.Conv2d(2, 4, 4, stride=2, padding=1, bias=False)
    down.W.value, up.b.value = up.W.value, np.zeros(2)
    z, x = RNG.normal(size=(1, 4, 8, 4)).astype("float32"), RNG.normal(size=(1, 2, 16, 8)).astype("float32")
    assert (up(z).value * x).sum() == pytest.approx((z * down(x).value).sum(), rel=1e-4)
    with pytest.raises(ParameterError, match="multiples of 4"):
        nets.DCGANGenerator(5, [8, 4], 1, lengths=(6, 8))


def test_an_upscaler_lays_channels_out_as_pixels():
    x = RNG.normal(size=(2, 3 * 4, 5, 6))
    shuffled = nets.pixel_shuffle(ng.constant(x), 2).value
    for channel, row, column, down, right in np.ndindex(3, 5, 6, 2, 2):
        assert (shuffled[:, channel, 2 * row + down, 2 * column + right] == x[:, 4 * channel + 2 * down + right, row, column]).all()


def test_cyclegan_turns_one_cloud_into_another_and_back():
    """Moons into moons that are turned, larger and elsewhere, without pairs."""
    a = data.moons(1000, noise=0.05).X
    b = 1.5 * data.moons(1000, noise=0.05, seed=9).X @ np.array([[0.0, 1.0], [-1.0, 0.0]]) + [2, -1]
    net = nets.CycleGAN(*[nets.MLP([2, 32, 32, out], leaky, rng=at) for at, out in enumerate((2, 2, 1, 1))], cycle=3.0, identity=0.0)
    x, y = ng.constant(a.astype("float32")), ng.constant(b.astype("float32"))
    before = float(net.cycle_loss(x, y).value)
    for _ in nets.train_adversarial(net, (a, b), epochs=120, batch=50, optimizer=FAST):
        pass
    assert float(net.cycle_loss(x, y).value) < 0.1 * before
    distance = np.linalg.norm(net(x).value[:, None] - b, axis=2)
    # Nearly all that is made lies among b, and nearly all of b has something of it near.
    assert (distance.min(1) < 0.2).mean() > 0.8
    assert (distance.min(0) < 0.2).mean() > 0.8


def test_pix2pix_completes_digits(digits):
    """The lower half from the upper: what is made is nearer, and a classifier that is lost on halves reads most of it."""
    X, t, judge = digits
    whole = X.reshape(-1, 1, 8, 8)
    half = whole.copy()
    half[:, :, 4:] = -1
    net = nets.Pix2Pix(nets.UNet(1, 1, [16, 32], rng=0), nets.PatchGAN(2, [16], rng=1))
    for _ in nets.train_adversarial(net, (half[:1400], whole[:1400]), epochs=8, batch=50, optimizer=FAST):
        pass
    made = net(half[1400:].astype("float32")).value
    assert abs(made - whole[1400:]).mean() < 0.6 * abs(half[1400:] - whole[1400:]).mean()
    assert judge.score(half[1400:].reshape(-1, 64), t[1400:]) < 0.3
    assert judge.score(made.reshape(-1, 64), t[1400:]) > 0.75


def test_super_resolution_beats_repeated_pixels(digits):
    large = digits[0].reshape(-1, 1, 8, 8)
    small = large.reshape(-1, 1, 4, 2, 4, 2).mean((3, 5))
    net = nets.SuperResolution(nets.Upscaler(1, [16, 16], rng=0), nets.DCGANDiscriminator(1, [16], lengths=(8, 8), rng=1))
    for _ in nets.train_adversarial(net, (small[:1400], large[:1400]), epochs=8, batch=50, optimizer=FAST):
        pass
    made = net(small[1400:].astype("float32")).value
    repeated = small[1400:].repeat(2, axis=2).repeat(2, axis=3)
    gained = 10 * np.log10(((repeated - large[1400:]) ** 2).mean() / ((made - large[1400:]) ** 2).mean())
    assert gained > 1.5  # dB


def test_dcgan_makes_digits_of_all_kinds(digits):
    X, _, judge = digits
    networks = nets.DCGANGenerator(16, [16, 8], 1, lengths=(8, 8), rng=0), nets.DCGANDiscriminator(1, [8, 16], lengths=(8, 8), rng=1)
    net = nets.GAN(*networks, 16)

    def far(made):
        return np.linalg.norm(made.reshape(-1, 1, 64) - X[None, ::3], axis=2).min(1).mean()

    before = far(net.sample(200).value)
    for _ in nets.train_adversarial(net, X.reshape(-1, 1, 8, 8), epochs=15, optimizer=nets.Adam(2e-3, beta1=0.5)):
        pass
    made = net.sample(200).value
    assert far(made) < 0.75 * before
    assert len(np.unique(judge.predict(made.reshape(-1, 64)))) >= 8


def test_the_bar_shows_the_losses_of_both_sides():
    from nngraph.nets.progress import numbers, stopped

    (record,) = nets.train_adversarial(small(), RNG.normal(size=(16, 2)), epochs=1)
    said = numbers(record)
    assert said == "  ".join(f"{side} {loss:.4g}" for side, loss in record.losses.items())
    assert stopped(replace(record, stopped="interrupt")) == "Interrupted after epoch 1 of 1. The network keeps its last values."
