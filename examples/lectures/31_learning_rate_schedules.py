"""Learning rates that change, and other brakes

A rate that is right at the start is too high in the end, where single batches pull to and fro; and a high one may ruin the
first steps. So it warms up, and then it decays (step t counted from 1, T the length of the decay):

    steps α·fⁿ, n = ⌊(t − 1)/s⌋     1/t α/(1 + (t − 1)/s)     cosine ½α(1 + cos(π(t − 1)/T))     warm-up α·t/s
    clipping g ← g · min(1, c/‖g‖)     weight decay g ← g + λ·W     AdamW: W ← W − α·λ·W beside Adam's step

Robbins and Monro 1951; Loshchilov and Hutter 2016, 2017; Goyal 2017; Pascanu 2013; Krogh and Hertz 1992. Schedules and clipping
are graphs, so that they run inside the compiled step and can be explained: g = (3, 4) becomes a fifth as long.

Half of the digits, 10 epochs of SGD, accuracy on the other half. Rate 0.2: 0.590, with cosine 0.931, with warm-up before it
0.949. Rate 1.0: nothing is learned, 0.101; clipped to the length 1, 0.824, and with cosine 0.963.
A large net and 60 noisy points: in the end its loss on new points is 1.146. Weight decay keeps it at 0.291. Early stopping
(Prechelt 1998) waits 20 epochs for a better one, ends after 45 of 150, and keeps the weights of epoch 25: 0.293. In the
pictures thin lines are losses on what was not learned from.
"""

from pathlib import Path

import nngraph as ng
import numpy as np
from nngraph import nets
from nngraph.autograd.language import translate as _
from nngraph.nets import data
from nngraph.viz import plots

T = 290  # 10 epochs of 29 batches
cosine, warm = nets.cosine_decay(0.2, T), nets.warm_up(nets.cosine_decay(0.2, T - 58), 58)
u, v, gu, gv = ng.parameter("u", 1.0), ng.parameter("v", 1.0), ng.input("gu", 3.0), ng.input("gv", 4.0)
new = nets.SGD(0.1, clip=1.0).updates({"u": u, "v": v}, [gu, gv])[u]


def compared(name, rules, sizes, rows, others, **settings):
    """One training for each rule: the last record is printed, the curves are drawn."""
    runs, about = {}, {"validation": (others.X, others.t), "metrics": {"accuracy": lambda t, z: (z.argmax(1) == t).mean()}, **settings}
    for rule, optimizer in rules.items():
        net = nets.MLP(sizes, ng.relu, rng=0)
        runs[rule] = list(nets.train(net, ng.softmax_loss, (rows.X, rows.t), optimizer=optimizer, **about))
        last = runs[rule][-1]
        print(f"{last.epoch:3} {last.loss:7.3f} {last.validation:7.3f} {min(each.validation for each in runs[rule]):7.3f} {last.metrics['accuracy']:.3f} ", rule)
    plots.learning_curves(runs if len(runs) > 1 else runs[rule]).save(f"out/31_{name}.svg")


if __name__ == "__main__":
    Path("out").mkdir(exist_ok=True)
    print(derivation := ng.explain(new, wrt=[u, gu]), "\n")
    steps = ng.constant(np.arange(1.0, T + 1))
    rates = {_("steps"): nets.step_decay(0.2, 58, 0.5), "1/t": nets.inverse_time_decay(0.2, 58), _("cosine"): cosine, _("warm-up, cosine"): warm}
    plots.lines({name: rate(steps).value for name, rate in rates.items()}, labels=(_("step"), _("rate"))).save("out/31_rates.svg")
    print(_("epoch, loss, validation, its least, accuracy"))
    rules = {"0.2": nets.SGD(0.2), _("0.2, cosine"): nets.SGD(cosine), _("0.2, warm-up, cosine"): nets.SGD(warm), "1.0": nets.SGD(1.0)}
    rules |= {_("1.0, clipped"): nets.SGD(1.0, clip=1.0), _("1.0, clipped, cosine"): nets.SGD(nets.cosine_decay(1.0, T), clip=1.0)}
    compared("digits", rules, [64, 30, 30, 30, 10], *data.digits().split(0.5), epochs=10)
    points = data.moons(60, noise=0.3, seed=1), data.moons(1000, noise=0.3, seed=2)
    large = {"sizes": [2, 100, 100, 2], "batch": 20, "epochs": 150}
    compared("moons", {_("plain"): nets.Adam(0.01), _("weight decay"): nets.Adam(0.01, decay=0.01)}, rows=points[0], others=points[1], **large)
    compared("stopped", {_("early stopping"): nets.Adam(0.01)}, rows=points[0], others=points[1], patience=20, **large)
