"""Energy-based networks: exact sums against brute force, gradients against samples, energies that never rise."""

from __future__ import annotations

import itertools

import nngraph as ng
import numpy as np
import pytest
from nngraph import nets
from nngraph.autograd.errors import DtypeError, ParameterError, ShapeError
from nngraph.nets.boltzmann import all_states

RNG = np.random.default_rng(0)


def rbm(units: str = "bernoulli", **settings) -> nets.RBM:
    machine = nets.RBM(5, 3, units=units, start=nets.normal(0.7), rng=1, dtype="float64", **settings)
    machine.b.value, machine.c.value = RNG.normal(size=5), RNG.normal(size=3)
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
    machine = rbm()
    v = RNG.integers(0, 2, (40, 5)).astype(float)
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
    machine = rbm()
    machine.W.value = 3 * machine.W.value
    data = RNG.integers(0, 2, (20_000, 5)).astype(float)
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
    data = RNG.normal(size=(400, 2)) + np.where(RNG.random((400, 1)) < 0.5, 3.0, -3.0)
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


def test_sampling_follows_the_temperature():
    for temperature in (0.5, 2.0):
        machine = nets.BoltzmannMachine(4, temperature=temperature, start=nets.normal(1.0), rng=2)
        states = all_states(4)
        exact = np.exp(-machine.energy(states).value / temperature - float(machine.log_partition().value))
        drawn = machine.sample(RNG.integers(0, 2, (6000, 4)), 30, seed=5).value
        share = np.array([(drawn == state).all(1).mean() for state in states])
        assert share == pytest.approx(exact, abs=0.03)


def test_hopfield_recalls_five_of_five_from_twenty_percent_noise():
    patterns = RNG.choice([-1, 1], (5, 120))
    memory = nets.Hopfield(120).store(patterns)
    noisy = np.where(RNG.random(patterns.shape) < 0.2, -patterns, patterns)
    assert (noisy != patterns).any(1).all()
    order = np.tile(RNG.permutation(120), 5)
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
    with pytest.raises(DtypeError, match=r"2 \* pattern − 1"):
        memory.store([[0, 1, 0, 1]])
    with pytest.raises(ShapeError, match=r"stores \(count, 4\)"):
        memory.store([[1, -1]])


def test_what_cannot_be_summed_or_drawn_is_said():
    with pytest.raises(ParameterError, match="up to 16 units"):
        nets.BoltzmannMachine(17).log_partition()
    with pytest.raises(ParameterError, match="'bernoulli'"):
        nets.RBM(3, 2, units="binary")
    with pytest.raises(ParameterError, match="above 0"):
        nets.BoltzmannMachine(3, temperature=0)


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
                list(deep.pretrain(images, epochs=60, seed=seed, optimizer=nets.Momentum(0.1, momentum=0.5)))
                net = deep.classifier(10, rng=seed)
            else:
                net = nets.MLP([64, 100, 100, 100, 10], ng.sigmoid, start=nets.xavier, rng=seed)
            learning = nets.train(net, ng.softmax_loss, (images[few], labels[few]), epochs=60, batch=20, optimizer=nets.Adam(0.003))
            assert sum(1 for _ in learning) == 60
            scores[pretrained].append((net(images[rest]).value.argmax(1) == labels[rest]).mean())
    assert np.median(scores[True]) >= np.median(scores[False]) + 0.02
