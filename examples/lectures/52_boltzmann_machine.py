"""The Boltzmann machine: energy and temperature

A Boltzmann machine is a Hopfield network that throws dice: a unit of 0 or 1 is on with the probability that what it hears, divided
by the temperature T, gives through a sigmoid. So a state is the likelier the lower its energy. Ackley, Hinton and Sejnowski 1985.

    p(s) = exp(−E(s)/T)/Z     E(s) = −½·s·S·s − b·s     p(sᵢ = 1) = σ((Σⱼ sᵢⱼ·sⱼ + bᵢ)/T)

Four units have 16 states, so that Z is a sum that can be written down, and the machine can learn by the true likelihood. It
is shown 100 days; on most of them units 1 and 2 are alike and unit 3 is their opposite. The mean of log p rises from −2.83 to
−1.84. At most it could be −1.80, minus the entropy of the days, but a machine without hidden units knows only pairs.

The derivation, on three units at T = 1, says what learning does: with P the products sᵢ·sⱼ of each state and d their means in the
data, the gradient is what the machine expects minus d. The bars show the exact probabilities beside those counted in 4000 samples:
cold, only the deepest states are left; hot, all become alike.
"""

from pathlib import Path

import nngraph as ng
import numpy as np
from nngraph import nets
from nngraph.autograd.language import translate as _
from nngraph.nets.boltzmann import all_states
from nngraph.viz import plots

seen = [[1, 1, 0, 0], [0, 0, 1, 0], [1, 1, 0, 1], [0, 0, 1, 1], [1, 0, 0, 0], [0, 1, 1, 1], [1, 1, 1, 0], [0, 0, 0, 0]]
days = np.repeat(seen, [32, 24, 8, 16, 6, 4, 5, 5], axis=0).astype("float32")
machine = nets.BoltzmannMachine(4, rng=0)
states = all_states(4)

three = all_states(3, "float64")
P = ng.constant(np.stack([three[:, i] * three[:, j] for i, j in ((0, 1), (0, 2), (1, 2))], axis=1), name="P")
d = ng.constant([0.5, 0.1, 0.2], name="d")
w = ng.parameter("w", [0.3, -0.2, 0.1])
log_Z = ng.logsumexp(P @ w)
L = log_Z - d @ w

if __name__ == "__main__":
    Path("out").mkdir(exist_ok=True)
    derivation = ng.explain(L, wrt=[w])
    print(derivation)
    before = -float(machine.objective(ng.constant(days)).value)
    records = list(nets.train(machine, data=days, epochs=300, batch=100, optimizer=nets.Adam(0.1)))
    after = -float(machine.objective(ng.constant(days)).value)
    print(_("mean log p of the days: {before} before, {after} after learning", before=f"{before:.2f}", after=f"{after:.2f}"))
    pictures = {}
    for T in (0.5, 1.0, 4.0):
        machine.temperature = T
        exact = np.exp(-machine.energy(states).value / T - float(machine.log_partition().value))
        drawn = machine.sample(np.random.default_rng(0).integers(0, 2, (4000, 4)), sweeps=100, seed=1).value
        counted = np.array([(drawn == state).all(1).mean() for state in states])
        names = ["".join(str(int(unit)) for unit in state) for state in states]
        pictures[f"T = {T}"] = plots.bars({_("exact"): exact, _("sampled"): counted}, names, labels=("s", "p(s)"))
        print(f"T = {T}:", _("the likeliest state has p = {p}; exact and sampled differ by {apart} at most", p=f"{exact.max():.3f}", apart=f"{np.abs(exact - counted).max():.3f}"))  # fmt: skip
    plots.side_by_side(pictures, columns=1).save("out/52_boltzmann_machine_temperature.svg")
    ng.draw(L, view="mirror").save("out/52_boltzmann_machine_gradient.svg")
