"""All losses: curve, slope, and when to use which

Amounts y with the target t. Squares (Gauss 1809) ask for the mean, and outliers pull hard; absolute errors (Boscovich 1757) ask
for the median, and all pull alike; Huber's (1964) are squares up to δ and straight beyond:

    squared_error Σ(y − t)²    half_squared_error ½Σ(y − t)²    mean_squared_error Σ(y − t)²/n    absolute_error Σ|y − t|
    huber Σ ½(y − t)² for |y − t| ≤ δ, Σ δ·(|y − t| − ½δ) for |y − t| > δ

Classes: cross entropy, of probabilities or, safer, of scores; divergence where the target is a distribution itself; the hinge
(Cortes and Vapnik 1995) asks for a margin and then rests:

    binary_cross_entropy −t·ln p − (1 − t)·ln(1 − p), _logits with p = σ(z)    hinge max(0, 1 − t·y)
    cross_entropy −Σ t·ln p, softmax_loss with p = softmax(z)                  kl_divergence Σ t·ln(t/p)

Ten points lie along t = 2x + 1, and one was typed wrong: squares find a slope of 1.32, absolute errors 1.92, Huber 1.90.
Squares on a sigmoid hardly learn from a sure mistake, z = −6 where t = 1: their slope is −0.005, that of cross entropy −0.998.
"""

from pathlib import Path

import nngraph as ng
import numpy as np
from nngraph import nets
from nngraph.autograd.language import translate as _
from nngraph.viz import plots

# The answer runs along the axis; the target is 0 for amounts, class 1 for scores, and 0.8 for probabilities.
amounts = {op.name: lambda y, op=op: op(y, 0.0) for op in (ng.squared_error, ng.half_squared_error, ng.mean_squared_error, ng.absolute_error, ng.huber)}
scores = {op.name: lambda z, op=op: op(z, 1.0) for op in (ng.hinge, ng.binary_cross_entropy_logits)}
scores["softmax_loss"] = lambda z: ng.softmax_loss(ng.stack([z, 0.0 * z]), [1.0, 0.0])
beliefs = {"binary_cross_entropy": lambda p: ng.binary_cross_entropy(p, 0.8)}
beliefs["cross_entropy"] = lambda p: ng.cross_entropy(ng.stack([p, 1 - p]), [0.8, 0.2])
beliefs["kl_divergence"] = lambda p: ng.kl_divergence([0.8, 0.2], ng.stack([p, 1 - p]))
z = ng.parameter("z", -6.0)
crossed, squared = ng.binary_cross_entropy_logits(z, 1.0), ng.squared_error(ng.sigmoid(z), 1.0)
x = np.arange(10.0)[:, None]
t = 2 * x + 1 + 0.3 * np.sin(7 * x)
t[8] /= 10  # the decimal point slipped


def curves(loss):
    """A loss and its slope as functions of arrays of answers."""
    y = ng.input("y", 0.5)
    both = [ng.compile(node, [y]) for node in (loss(y), *ng.gradient(loss(y), [y]))]
    return tuple(lambda answers, f=f: np.array([float(f(each)) for each in answers]) for f in both)


if __name__ == "__main__":
    Path("out").mkdir(exist_ok=True)
    print(derivation := ng.explain(crossed, wrt=[z]), "\n")
    print(_("slopes at z = −6: cross entropy, squares"), *(f"{ng.gradient(loss, [z])[0].value:.4f}" for loss in (crossed, squared)))
    for name, losses, low, high in (("amounts", amounts, -3, 3), ("scores", scores, -4, 4), ("beliefs", beliefs, 0.1, 0.95)):
        plots.activations({each: curves(loss) for each, loss in losses.items()}, low, high).save(f"out/27_{name}.svg")
    lines, rate = {}, nets.cosine_decay(0.3, 600)
    for loss in (ng.squared_error, ng.absolute_error, ng.huber):
        net = nets.Linear(1, 1, rng=0)
        records = list(nets.train(net, loss, (x, t), epochs=600, batch=10, optimizer=nets.Adam(rate)))
        print(f"{records[0].loss:8.2f} → {records[-1].loss:6.2f}  t = {net.W.value[0, 0]:.2f}x + {net.b.value[0]:.2f}  {loss.name}")
        lines[loss.name] = lambda x, net=net: net(x[:, None]).value
    plots.regression(x, t, lines, labels=("x", "t")).save("out/27_outlier.svg")
