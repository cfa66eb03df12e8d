"""Bias and variance: too simple, too free

A sine wave is learned from 30 noisy points, and again from other samples of 30, 100 for a polynomial and 10 for a network. The
mean of the curves misses the truth by the bias; the single ones lie around it by the variance. Over samples and places,

    E(y − f̂)² = (f − E f̂)² + E(f̂ − E f̂)² + σ²       error on new points = bias² + variance + noise       (Geman et al. 1992)

Lines are all alike and all wrong: bias² 0.203 of an error of 0.315. Degree 3 comes to 0.107, near the noise of 0.09. From degree
6 on every curve follows its own points: the error there still sinks, and on new points the variance drives it up.

A network of 30 hidden units has 91 numbers to follow its points with, and weight decay to hold it back. With hardly any, 10⁻⁵,
the variance is 0.037; with 10⁻³ 0.019, and the error on new points the least, 0.101; with 1 it says next to nothing, bias² 0.495.
"""

from pathlib import Path

import nngraph as ng
import numpy as np
from nngraph import nets
from nngraph.autograd.language import translate as _
from nngraph.viz import plots
from numpy.polynomial import Legendre

NOISE, PLACES = 0.3, np.linspace(-1, 1, 101)


def sample(seed):
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1, 1, 30)
    return x, np.sin(np.pi * x) + rng.normal(0, NOISE, 30)


def network(x, y, decay):
    net, often = nets.MLP([1, 30, 1], ng.tanh, start=nets.xavier, rng=0), np.tile([x, y], 100)[..., None]
    how = {"batch": 30, "shuffle": False, "optimizer": nets.Adam(0.02, decay=decay)}  # an epoch: 100 steps, each on all 30
    list(nets.train(net, ng.mean_squared_error, tuple(often), epochs=40, **how))
    return lambda places: net(places[:, None]).value[:, 0]


def measured(learn, knob, count):
    """The curves of so many samples; the errors on their own points and on the next sample's, bias² and variance."""
    samples = [sample(seed) for seed in range(count + 1)]
    learned = [learn(x, y, knob) for x, y in samples[:-1]]
    own, new = (np.mean([(f(x) - y) ** 2 for f, (x, y) in zip(learned, of)]) for of in (samples[:-1], samples[1:]))
    curves = np.array([f(PLACES) for f in learned])
    return curves, own, new, np.mean((curves.mean(0) - np.sin(np.pi * PLACES)) ** 2), curves.var(0).mean()


if __name__ == "__main__":
    Path("out").mkdir(exist_ok=True)
    polynomials = {degree: measured(Legendre.fit, degree, 100) for degree in range(10)}
    networks = {power: measured(network, 10.0**power, 10) for power in range(-5, 1)}
    panels, names = {}, (_("own points"), _("new points"), _("bias²"), _("variance"))
    for knob, found in ((_("degree"), polynomials), (_("log₁₀ of the weight decay"), networks)):
        errors = np.array([each[1:] for each in found.values()])
        print(" · ".join((knob, *names)), *(f"{value:3}" + "".join(f"{each:9.3f}" for each in row) for value, row in zip(found, errors)), "", sep="\n")
        panels[knob] = plots.lines(dict(zip(names, errors.T)), list(found), log=True, labels=(knob, _("squared error")))
    plots.side_by_side(panels).save("out/34_errors.svg")
    curves = {_("degree {degree}", degree=each): polynomials[each][0][:30] for each in (1, 3, 9)}
    plots.bundle(PLACES, curves, truth=np.sin(np.pi * PLACES), points=sample(0)).save("out/34_curves.svg")
