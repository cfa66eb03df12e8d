"""Learning without backpropagation, and its price

Nudge one weight up and down by h, watch the loss, and go downhill: a network can learn with forward passes alone. For every
weight the slope is

    ∂L/∂w ≈ (L(w + h) − L(w − h)) / 2h

and it takes two losses to know it. Backpropagation (Rumelhart, Hinton and Williams 1986) finds all slopes in one way
forward and one way back, together about the work of three losses. The 4-5-3 network below learns by nudging; beside each
step stands the greatest difference from backpropagation, relative to the longest slope. The numbers are the same to eight
digits. The price is not: 2·P losses for P weights, 86 here, and 157 000 for a layer of 784·100 + 100.

How large is h? The formula is wrong by the order of h², so a large h errs; rounding is divided by h, so a small one errs as
well. The second picture has its lowest bar in the middle, near h = 10⁻⁵.
"""

from pathlib import Path

import nngraph as ng
from nngraph import nets
from nngraph.autograd.language import translate as _
from nngraph.nets import data
from nngraph.viz import plots

(iris,) = data.standardized(data.iris())
sizes = [[4, 5, 3], [64, 30, 10], [784, 30, 10], [784, 100, 10]]


def network(layers):
    return nets.MLP(layers, ng.tanh, start=nets.xavier, rng=0, dtype="float64")


def step(nudge):
    """A step from the same weights, its slopes found with this nudge."""
    return next(nets.compare_gradients(network([4, 5, 3]), ng.softmax_loss, (iris.X, iris.t), nudge=nudge))


if __name__ == "__main__":
    Path("out").mkdir(exist_ok=True)
    steps = list(nets.compare_gradients(network([4, 5, 3]), ng.softmax_loss, (iris.X, iris.t), rate=1.5, steps=28))
    print(_("step, loss, difference from backpropagation, losses computed"))
    for each in steps[::9]:
        print(f"{each.step:3}  {each.loss:.4f}  {each.difference:.0e}  {each.numerical.forward} / {each.backpropagation.forward}")

    counts = [network(layers).count for layers in sizes]
    costs = {_("numerical gradients"): [2 * count for count in counts], _("backpropagation"): [3] * len(counts)}
    names = ["-".join(map(str, layers)) for layers in sizes]
    labels = (_("network"), _("work of one step, in losses"))
    plots.bars(costs, names, labels=labels, log=True).save("out/21_cost.svg")

    powers = range(1, 12)
    differences = [step(10.0**-power).difference for power in powers]
    labels = ("k,  h = 10⁻ᵏ", _("relative error"))
    plots.bars(differences, list(map(str, powers)), labels=labels, log=True).save("out/21_nudge.svg")
