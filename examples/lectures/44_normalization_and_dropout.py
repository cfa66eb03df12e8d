"""Normalization and dropout: learn, then answer

Four layers bring numbers to mean 0 and spread 1: y = scale·(x − mean)/√(var + ε) + shift. They take different numbers of x together;
the picture, a table for each channel with a row for each example, has it from the gradient of one number by all.

    mean and var over   Batch: n, places   Layer: c, places   Instance: places   Group: some c, places

BatchNorm while learning takes mean and var of the batch, and running ones follow: new = keep·old + (1 − keep)·batch. Keras calls
keep momentum, PyTorch 1 − keep. When it answers, it takes the running ones: no answer depends on what else is asked. Behind six
layers of sigmoids 0.363 of new digits are read, with BatchNorm 0.951. Ioffe and Szegedy 2015; Wu and He 2018.

Dropout (Srivastava et al. 2014) sets a share of the numbers to 0 and divides the others by what is left; to answer, it does nothing.
Where 20 % of 400 labels are drawn at random, a network learns them by heart: it reads 0.849 of new digits, with dropout 0.938.
"""

from pathlib import Path

import nngraph as ng
import numpy as np
from nngraph import nets
from nngraph.autograd.language import translate as _
from nngraph.nets import data
from nngraph.viz import plots

rng = np.random.default_rng(0)
rest, test = data.digits().split(0.25, seed=0)
few, labels = rest.X[:400], np.where(rng.random(400) < 0.2, rng.integers(0, 10, 400), rest.t[:400])
x, batches = ng.parameter("x", rng.normal(size=(4, 6, 5))), rng.normal(3, 2, (150, 16, 1))


def stack(depth, size, *behind):
    layers = [(nets.Linear(size if at else 64, size, rng=rng), *(make() for make in behind)) for at in range(depth)]
    return nets.Sequential(*sum(layers, ()), nets.Linear(size, 10, rng=rng))


deep = {"sigmoid": stack(6, 32, lambda: ng.sigmoid), "BatchNorm": stack(6, 32, lambda: nets.BatchNorm(32), lambda: ng.sigmoid)}
wide = {"ReLU": stack(2, 128, lambda: ng.relu), "Dropout": stack(2, 128, lambda: ng.relu, nets.Dropout)}

if __name__ == "__main__":
    Path("out").mkdir(exist_ok=True)
    sets, running, curves, reads = {}, {_("batch"): batches.mean((1, 2))}, {}, {}
    for norm in (nets.BatchNorm(6), nets.LayerNorm((6, 5)), nets.InstanceNorm(6), nets.GroupNorm(2, 6)):
        with nets.training():
            (slope,) = ng.gradient(norm(x)[1, 2, 3], [x])
        sets[type(norm).__name__] = (slope.value != 0) / 2 + (x.value == x.value[1, 2, 3]) / 2
    how = {"columns": 6, "signed": True, "cells": True, "titles": [f"c = {c}" for c in range(6)]}
    plots.side_by_side({name: plots.image_grid(shown.swapaxes(0, 1), **how) for name, shown in sets.items()}, columns=2).save("out/44_axes.svg")
    for keep in (0.9, 0.99):
        norm, batch = nets.BatchNorm(1, keep=keep), ng.input("batch", shape=(16, 1))
        with nets.training() as learning:
            step = ng.compile([norm(batch)], [batch], learning.updates)
        running[f"keep = {keep}"] = [(step(each), float(norm.mean.value[0]))[1] for each in batches]
    plots.lines(running, labels=(_("step"), _("mean"))).save("out/44_running.svg")

    for name, net in (deep | wide).items():
        X, t, epochs, rate = (rest.X, rest.t, 8, 0.01) if name in deep else (few, labels, 40, 0.003)
        curves[name] = list(nets.train(net, ng.softmax_loss, (X, t), epochs=epochs, optimizer=nets.Adam(rate)))
        reads[name] = [float((net(np.float32(rows)).value.argmax(1) == named).mean()) for rows, named in ((X, t), (test.X, test.t))]
        print(f"{name}: {_('labels learned')} {reads[name][0]:.3f}, {_('new digits')} {reads[name][1]:.3f}")
    plots.learning_curves({name: curves[name] for name in deep}).save("out/44_learning.svg")
