"""Energy-based networks: exact sums against brute force, gradients against samples, energies that never rise."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace

import nngraph as ng
import numpy as np
import pytest
from nngraph import nets
from nngraph.autograd.errors import ParameterError, ShapeError
from nngraph.nets import data as data_of
from nngraph.nets.boltzmann import all_states
from nngraph.nets.rows import DataError


def rbm(units: str = "bernoulli", **settings) -> nets.RBM:
    rng = np.random.default_rng(0)
    machine = nets.RBM(5, 3, units=units, start=nets.normal(0.7), rng=1, dtype="float64", **settings)
    machine.b.value, machine.c.value = rng.normal(size=5), rng.normal(size=3)
    return machine


def energy(machine: nets.RBM, v: np.ndarray, h: np.ndarray) -> float:
    W, b, c = machine.W.value, machine.b.value, machine.c.value
    return float(-(v @ b) - h @ c - v @ W @ h)


def every(units: int) -> list[np.ndarray]:
    return [np.array(state, float) for state in itertools.product((0, 1), repeat=units)]


def test_the_free_energy_and_log_z_are_sums_over_states():
    machine = rbm()
    v = every(5)[19]
    sums = -np.log(sum(np.exp(-energy(machine, v, h)) for h in every(3)))
    assert machine.free_energy(v[None]).value == pytest.approx([sums], rel=1e-12)
    z = sum(np.exp(-energy(machine, v, h)) for v in every(5) for h in every(3))
    assert float(machine.log_partition().value) == pytest.approx(np.log(z), rel=1e-12)
    wide = nets.RBM(3, 5, rng=0, dtype="float64")
    z = sum(np.exp(-energy(wide, v, h)) for v in every(3) for h in every(5))
    assert float(wide.log_partition().value) == pytest.approx(np.log(z), rel=1e-12)


def test_gaussian_units_integrate_to_one():
    machine = nets.RBM(1, 2, units="gaussian", start=nets.normal(0.8), rng=1, dtype="float64")
    machine.b.value, machine.c.value = [0.4], [-0.3, 0.5]
    v = np.linspace(-12, 12, 20001)[:, None]
    density = np.exp(-machine.free_energy(v).value - float(machine.log_partition().value))
    assert np.trapezoid(density, v[:, 0]) == pytest.approx(1.0, rel=1e-9)


def test_contrastive_divergence_is_the_rule_of_the_paper():
    """ΔW = <v·h> of the data minus <v·h> after one step, with probabilities for h."""
    rng = np.random.default_rng(0)
    machine = rbm()
    v = rng.integers(0, 2, (40, 5)).astype(float)
    with nets.training(seed=3) as learning:
        loss = machine.objective(ng.constant(v))
        dreamed = machine.gibbs(ng.constant(v), seed=3, step=learning.step)
    (slope,) = ng.gradient(loss, [machine.W])
    after = dreamed.value
    assert set(np.unique(after)) <= {0.0, 1.0}
    by_hand = (v.T @ machine(v).value - after.T @ machine(after).value) / len(v)
    assert slope.value == pytest.approx(-by_hand, abs=1e-12)


def test_many_steps_come_near_the_true_gradient():
    """What CD-k leaves out shrinks with k; with k large the sampled gradient is the exact one."""
    rng = np.random.default_rng(0)
    machine = rbm()
    machine.W.value = 3 * machine.W.value
    data = rng.integers(0, 2, (20_000, 5)).astype(float)
    (exact,) = ng.gradient(-machine.log_likelihood(data), [machine.W])
    distances = []
    for k in (1, 3, 10):
        machine.steps = k
        with nets.training(seed=1):
            (sampled,) = ng.gradient(machine.objective(ng.constant(data)), [machine.W])
        distances.append(float(np.abs(sampled.value - exact.value).max()))
    # What is left in the end is the noise of 20 000 samples, 1/√20 000 = 0.007.
    assert distances[2] < 0.015 < 4 * distances[1] < distances[0]


def test_the_likelihood_of_twelve_units_rises():
    bars = np.array([np.repeat(state, 3) for state in itertools.product((0, 1), repeat=3)])
    data = np.tile(np.concatenate([bars, 1 - bars]), (20, 1))
    for settings in ({"steps": 1}, {"steps": 1, "chains": 40}):
        machine = nets.RBM(9, 3, rng=0, start=nets.normal(0.1), **settings)
        values = [float(machine.log_likelihood(data).value)]
        trainer = nets.Trainer(machine, None, data, batch=20, optimizer=nets.SGD(0.1))
        for _ in range(4):
            list(trainer.run(30))
            values.append(float(machine.log_likelihood(data).value))
        assert values == sorted(values)
        assert values[0] == pytest.approx(-9 * np.log(2), abs=0.1)
        # Eight states, equally likely, are the best that can be had: −log 8 = −2.08.
        assert values[-1] > -3.4


def test_gaussian_machines_learn_where_the_data_lie():
    rng = np.random.default_rng(0)
    data = rng.normal(size=(400, 2)) + np.where(rng.random((400, 1)) < 0.5, 3.0, -3.0)
    machine = nets.RBM(2, 4, units="gaussian", rng=0, start=nets.normal(0.1))
    before = float(machine.log_likelihood(data).value)
    list(nets.train(machine, data=data, epochs=60, batch=40, optimizer=nets.SGD(0.02)))
    assert float(machine.log_likelihood(data).value) > before + 2
    drawn = machine.sample(np.zeros((500, 2)), 50).value
    assert (np.abs(drawn.mean(1)) > 1.5).mean() > 0.8


def test_a_boltzmann_machine_learns_the_exact_distribution():
    states = all_states(3)
    wanted = np.array([0.3, 0.02, 0.02, 0.16, 0.02, 0.16, 0.16, 0.16])
    data = np.repeat(states, (wanted * 100).round().astype(int), axis=0)
    machine = nets.BoltzmannMachine(3, rng=0)
    list(nets.train(machine, data=data, epochs=400, batch=100, optimizer=nets.Adam(0.05)))
    learned = np.exp(-machine.energy(states).value - float(machine.log_partition().value))
    # Pairs can be fitted exactly; a distribution of three units has one more degree of freedom.
    for i, j in itertools.combinations(range(3), 2):
        assert learned @ (states[:, i] * states[:, j]) == pytest.approx(wanted @ (states[:, i] * states[:, j]), abs=0.01)


def test_chains_find_the_gradient_that_all_states_give():
    """⟨sᵢsⱼ⟩ of chains that were swept long enough, against the sum over all states, at two temperatures."""
    rng = np.random.default_rng(0)
    data = rng.integers(0, 2, (50, 4)).astype(float)
    for temperature in (0.7, 2.0):
        settings = {"temperature": temperature, "start": nets.normal(1.0), "rng": 3, "dtype": "float64"}
        exact, sampled = nets.BoltzmannMachine(4, **settings), nets.BoltzmannMachine(4, chains=20_000, sweeps=30, **settings)
        slopes = [ng.gradient(machine.objective(ng.constant(data)), [machine.W, machine.b]) for machine in (exact, sampled)]
        for true, found in zip(*slopes):
            assert found.value == pytest.approx(true.value, abs=0.02 / temperature)


def test_a_machine_of_twenty_units_learns_from_its_chains():
    """Too many for a sum over states: ten pairs, each alike nine times out of ten, and different pairs independent."""
    rng = np.random.default_rng(0)
    firsts = rng.integers(0, 2, (1000, 10))
    data = np.concatenate([firsts, np.where(rng.random(firsts.shape) < 0.1, 1 - firsts, firsts)], axis=1).astype(np.float32)
    machine, rate = nets.BoltzmannMachine(20, chains=100, rng=0), nets.cosine_decay(1.0, steps=1000)
    before = machine.chains.value.copy()
    list(nets.train(machine, data=data, epochs=100, batch=100, optimizer=nets.SGD(rate)))
    assert (machine.chains.value != before).any()
    drawn = machine.sample(rng.integers(0, 2, (2000, 20)), 20, seed=1).value
    alike = (drawn[:, :10] == drawn[:, 10:]).mean(0)
    assert alike == pytest.approx(np.full(10, 0.9), abs=0.05)
    apart = (drawn[:, :10] == np.roll(drawn[:, 10:], 1, axis=1)).mean(0)
    assert apart == pytest.approx(np.full(10, 0.5), abs=0.1)


def test_sampling_follows_the_temperature():
    rng = np.random.default_rng(0)
    for temperature in (0.5, 2.0):
        machine = nets.BoltzmannMachine(4, temperature=temperature, start=nets.normal(1.0), rng=2)
        states = all_states(4)
        exact = np.exp(-machine.energy(states).value / temperature - float(machine.log_partition().value))
        drawn = machine.sample(rng.integers(0, 2, (6000, 4)), 30, seed=5).value
        share = np.array([(drawn == state).all(1).mean() for state in states])
        assert share == pytest.approx(exact, abs=0.03)


def test_hopfield_recalls_five_of_five_from_twenty_percent_noise():
    rng = np.random.default_rng(0)
    patterns = rng.choice([-1, 1], (5, 120))
    memory = nets.Hopfield(120).store(patterns)
    noisy = np.where(rng.random(patterns.shape) < 0.2, -patterns, patterns)
    assert (noisy != patterns).any(1).all()
    order = np.tile(rng.permutation(120), 5)
    last, energies = memory.recall(noisy, order)
    assert (last.value == patterns).all()
    path = np.concatenate([memory.energy(noisy).value[None], energies.value])
    assert (np.diff(path, axis=0) <= 1e-4).all()
    assert (path[-1] < path[0]).all()


def test_hopfield_counts():
    assert nets.Hopfield(784).weights == 784 * 783 // 2 == 306_936
    assert nets.Hopfield(1000).capacity == pytest.approx(36.19, abs=0.01)
    memory = nets.Hopfield(4).store([[1, -1, 1, -1]])
    assert (memory.W.value == memory.W.value.T).all()
    assert (np.diag(memory.W.value) == 0).all()
    with pytest.raises(DataError, match=r"patterns has 0 at row 0, column 0; units .* −1 or 1; for 0 and 1 write 2 \* pattern − 1"):
        memory.store([[0, 1, 0, 1]])
    with pytest.raises(DataError, match=r"patterns has a missing value \(NaN\) at row 0, column 1"):
        memory.store([[1, float("nan"), 1, 1]])
    with pytest.raises(ShapeError, match=r"stores \(count, 4\)"):
        memory.store([[1, -1]])


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda net: net([[0, 1, 0, 1]]), "s has 0 at row 0, column 0; units of a Hopfield network are −1 or 1"),
        (lambda net: net.energy([[0.5, 1, 1, 1]]), "s has 0.5 at row 0, column 0"),
        (lambda net: net.recall([[0, 1, 0, 1]], [0]), "s has 0 at row 0, column 0"),
        (lambda net: net([[1, -1]]), "Hopfield 'hopfield' takes (N, 4); it was given shape (1, 2)"),
        (lambda net: net.energy([1, -1, 1, 1]), "takes (N, 4); it was given shape (4,)"),
        (lambda net: net([[1, -1, 1, 1]], sweeps=-1), "Hopfield(sweeps=-1): a whole number from 0 up"),
        (lambda net: net([[1, -1, 1, 1]], sweeps=1.5), "Hopfield(sweeps=1.5)"),
        (lambda net: net.recall([[1, -1, 1, 1]], 5), "Hopfield.recall(order=5): a list of units is needed, numbered 0 to 3"),
        (lambda net: net.recall([[1, -1, 1, 1]], [0.5]), "Hopfield.recall(order=[0.5])"),
        (lambda net: net.recall([[1, -1, 1, 1]], [7]), "Hopfield.recall(order=[7])"),
        (lambda net: net.recall([[1, -1, 1, 1]], [-1]), "Hopfield.recall(order=[-1])"),
        (lambda net: net.recall([[1, -1, 1, 1]], [[0], [1, 2]]), "Hopfield.recall(order=[[0], [1, 2]])"),
    ],
)
def test_what_a_hopfield_network_does_not_take(ask, said):
    with pytest.raises((DataError, ShapeError, ParameterError), match=re.escape(said)):
        ask(nets.Hopfield(4).store([[1, -1, 1, -1]]))


def test_nothing_to_recall_leaves_all_as_it_was():
    net = nets.Hopfield(4).store([[1, -1, 1, -1]])
    last, energies = net.recall([[1, -1, 1, 1]], [])
    assert last.value.tolist() == net([[1, -1, 1, 1]], sweeps=0).value.tolist() == [[1, -1, 1, 1]]
    assert energies.shape == (0, 1)


def test_a_single_unit_stores_nothing():
    assert nets.Hopfield(1).capacity == 0.0
    assert nets.Hopfield(2).weights == 1


def test_a_unit_hears_the_slope_of_the_energy():
    """What unit i hears, Σⱼ wᵢⱼ sⱼ, is −∂E/∂sᵢ: to follow its sign is to go downhill."""
    rng = np.random.default_rng(0)
    patterns = rng.choice([-1, 1], (3, 40))
    memory = nets.Hopfield(40, dtype="float64").store(patterns)
    s = ng.input("s", rng.choice([-1.0, 1.0], (5, 40)))
    (slope,) = ng.gradient(ng.sum(memory.energy(s)), [s])
    assert slope.value == pytest.approx(-(s.value @ memory.W.value), abs=1e-12)


@pytest.mark.parametrize("units", ["bernoulli", "gaussian"])
def test_a_gibbs_step_draws_from_the_conditional_distributions(units):
    """p(h|v) and then p(v|h), exact sums over the hidden states beside what many draws find."""
    machine = rbm(units)
    v = np.array([1.0, 0, 1, 1, 0])
    hidden = np.array(every(3))
    on = 1 / (1 + np.exp(-(v @ machine.W.value + machine.c.value)))
    likely = np.prod(np.where(hidden == 1, on, 1 - on), axis=1)
    around = hidden @ machine.W.value.T + machine.b.value
    means = 1 / (1 + np.exp(-around)) if units == "bernoulli" else around
    after = machine.gibbs(ng.constant(np.tile(v, (40_000, 1))), seed=2, step=0).value
    assert after.mean(0) == pytest.approx(likely @ means, abs=0.03)
    if units == "gaussian":
        spread = 1 + likely @ means**2 - (likely @ means) ** 2
        assert after.var(0) == pytest.approx(spread, rel=0.05)
    else:
        assert set(np.unique(after)) == {0.0, 1.0}


def test_chains_go_on_from_where_they_were():
    """PCD: each update moves the chains by k steps, and the gradient is taken at them, wherever the data are."""
    rng = np.random.default_rng(0)
    machine = rbm(chains=30, steps=2)
    before, data = machine.chains.value.copy(), rng.integers(0, 2, (10, 5)).astype(float)
    with nets.training(seed=4) as learning:
        loss = machine.objective(ng.constant(data))
    after = machine.gibbs(machine.gibbs(ng.constant(before), seed=4, draw=0), seed=4, draw=1).value
    moved = learning.updates[machine.chains].value
    assert moved.tolist() == after.tolist()
    assert (moved != before).any()
    (slope,) = ng.gradient(loss, [machine.W])
    by_hand = data.T @ machine(data).value / 10 - moved.T @ machine(moved).value / 30
    assert slope.value == pytest.approx(-by_hand, abs=1e-12)


@pytest.mark.parametrize("engine", ["numpy", "numba"])
def test_engines_learn_the_same_machine(engine):
    data = np.repeat(all_states(3), 2, axis=1)
    machine = nets.RBM(6, 3, rng=0, steps=2, start=nets.normal(0.5))
    list(nets.train(machine, data=data, epochs=3, batch=4, optimizer=nets.SGD(0.5), engine=engine))
    again = nets.RBM(6, 3, rng=0, steps=2, start=nets.normal(0.5))
    list(nets.train(again, data=data, epochs=3, batch=4, optimizer=nets.SGD(0.5), engine="numpy"))
    assert machine.W.value == pytest.approx(again.W.value, abs=1e-5)


def test_features_beat_pixels_on_nudged_digits():
    """Digits moved by a pixel, as in scikit-learn's example and with its settings: 100 hidden units, PCD, rate 0.06, 10 epochs.
    Split before they are nudged, so that no picture is learned and tested."""
    digits = data_of.digits()
    order = np.random.default_rng(0).permutation(len(digits.X))
    learn, test = (
        data_of.nudged(replace(digits, X=digits.X[part].astype(np.float32), t=digits.t[part])) for part in (order[:1437], order[1437:])
    )
    machine = nets.RBM(64, 100, chains=10, rng=0)
    list(nets.train(machine, data=learn.X, epochs=10, batch=10, optimizer=nets.SGD(0.06)))

    def accuracy(features):
        X = features(learn.X)
        classifier, rate = nets.SoftmaxRegression(X.shape[1], 10, rng=0), nets.cosine_decay(0.1, steps=7200)
        list(nets.train(classifier, data=(X, learn.t), epochs=100, batch=100, optimizer=nets.Adam(rate)))
        return (classifier(features(test.X)).value.argmax(1) == test.t).mean()

    pixels, features = accuracy(lambda X: X), accuracy(lambda X: machine(X).value)
    # scikit-learn's LogisticRegression, converged, comes to 0.795 on pixels.
    assert 0.77 < pixels < 0.82
    assert features > 0.9
    assert features > pixels + 0.08


def test_each_machine_of_a_deep_net_learns_from_the_one_below():
    stripes = np.tile(np.repeat(all_states(3), 3, axis=1), (10, 1))
    deep = nets.DeepBeliefNet([9, 6, 4], rng=0)
    labels = [label for label, record in deep.pretrain(stripes, epochs=30, optimizer=nets.SGD(0.2))]
    assert labels == [deep.machines[0].label] * 30 + [deep.machines[1].label] * 30
    # The lower machine alone, and the upper one on its features, come to the same.
    alone = nets.DeepBeliefNet([9, 6, 4], rng=0).machines
    list(nets.train(alone[0], data=stripes, epochs=30, batch=20, optimizer=nets.SGD(0.2), seed=0))
    list(nets.train(alone[1], data=alone[0](stripes).value, epochs=30, batch=20, optimizer=nets.SGD(0.2), seed=1))
    for machine, other in zip(deep.machines, alone):
        assert machine.W.value == pytest.approx(other.W.value, abs=1e-4)
    # The net to be tuned says at its last hidden layer what the stack says.
    net, x = deep.classifier(3, rng=0), stripes[:8]
    for layer in net.layers[:-1]:
        x = ng.sigmoid(layer(x))
    assert x.value == pytest.approx(deep(stripes[:8]).value, abs=1e-6)


def test_a_deep_net_comes_up_with_what_it_has_seen():
    rng = np.random.default_rng(0)
    stripes = np.tile(np.repeat(all_states(3), 3, axis=1), (20, 1))
    deep = nets.DeepBeliefNet([9, 12, 6], rng=0)
    list(deep.pretrain(stripes, epochs=200, optimizer=nets.SGD(0.2)))
    drawn = deep.sample(rng.random((200, 9)), 100, seed=1).value
    assert drawn.shape == (200, 9)
    # Of all 512 pictures 8 are stripes; nearly all that it draws are.
    striped = (np.ptp((drawn > 0.5).reshape(200, 3, 3).astype(int), axis=2) == 0).all(1)
    assert striped.mean() > 0.8


def test_data_that_do_not_fit_are_said():
    with pytest.raises(ShapeError, match=r"RBM 'rbm' takes \(N, 4\); it was given shape \(5, 3\)"):
        nets.RBM(4, 2).free_energy(np.zeros((5, 3)))
    with pytest.raises(ShapeError, match=r"BoltzmannMachine 'boltzmann_machine' takes \(N, 4\)"):
        nets.BoltzmannMachine(4).sample(np.zeros((5, 3)), 2)
    with pytest.raises(DataError, match=r"data has 16 at row 1, column 1; Bernoulli visible units take 0 to 1"):
        list(nets.train(nets.RBM(2, 2), data=np.array([[0.0, 0.5], [1.0, 16.0]])))
    list(nets.train(nets.RBM(2, 2, units="gaussian"), data=np.array([[0.0, 0.5], [1.0, 16.0]]), epochs=1))
    with pytest.raises(DataError, match=r"data has 0.5 at row 0, column 1; units of a Boltzmann machine are 0 or 1"):
        list(nets.train(nets.BoltzmannMachine(2), data=np.array([[0.0, 0.5], [1.0, 1.0]])))
    with pytest.raises(ParameterError, match="steps=0"):
        nets.RBM(3, 2, steps=0)
    with pytest.raises(ParameterError, match="chains=-1"):
        nets.RBM(3, 2, chains=-1)
    with pytest.raises(ParameterError, match=r"DeepBeliefNet\(\[64\]\)"):
        nets.DeepBeliefNet([64])


def test_what_cannot_be_summed_or_drawn_is_said():
    with pytest.raises(ParameterError, match="up to 16 units"):
        nets.BoltzmannMachine(17).log_partition()
    with pytest.raises(ParameterError, match="'bernoulli'"):
        nets.RBM(3, 2, units="binary")
    for temperature in (0, "x", float("nan")):
        with pytest.raises(ParameterError, match=rf"^BoltzmannMachine\(temperature={temperature!r}\): a number that is above 0"):
            nets.BoltzmannMachine(3, temperature=temperature)
    for wrong in (-1, 1.5):
        with pytest.raises(ParameterError, match=rf"^sample\(sweeps={wrong}\): a whole number from 0 up"):
            nets.BoltzmannMachine(3).sample(np.zeros((1, 3)), sweeps=wrong)
        with pytest.raises(ParameterError, match=rf"^sample\(steps={wrong}\): a whole number from 0 up"):
            nets.RBM(3, 2).sample(np.zeros((1, 3)), wrong)


def test_pretraining_helps_with_a_hundred_labels():
    """Hinton et al. 2006's claim, on digits: the median of three seeds, everything else alike."""
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    images = images / 16
    scores = {True: [], False: []}
    for seed in range(3):
        order = np.random.default_rng(seed).permutation(len(images))
        few, rest = order[:100], order[100:]
        for pretrained in (True, False):
            if pretrained:
                deep = nets.DeepBeliefNet([64, 100, 100, 100], rng=seed)
                list(deep.pretrain(images, epochs=30, seed=seed, optimizer=nets.Momentum(0.1, momentum=0.5)))
                net = deep.classifier(10, rng=seed)
            else:
                net = nets.MLP([64, 100, 100, 100, 10], ng.sigmoid, start=nets.xavier, rng=seed)
            learning = nets.train(net, ng.softmax_loss, (images[few], labels[few]), epochs=40, batch=20, optimizer=nets.Adam(0.003))
            assert sum(1 for _ in learning) == 40
            scores[pretrained].append((net(images[rest]).value.argmax(1) == labels[rest]).mean())
    assert np.median(scores[True]) >= np.median(scores[False]) + 0.02
