"""The adding problem: remember for 50 steps

A sequence of 50 numbers from [0, 1); one in each half is marked. The net reads number and mark, and says the sum of the two
marked numbers at the end. To say 1 always has a squared error of 1/6, and that is all that a plain net learns: what it would
have to keep for so long reaches it as a vanishing gradient. (Hochreiter and Schmidhuber 1997.)

    i, f, o = σ(…)    g = tanh(…)    c ← f⊙c + i⊙g    h ← o⊙tanh(c)

A long short-term memory comes to 0.0018 in 12 epochs. It writes into c where the input gate i opens, and keeps it while the
forget gate f is near 1. The second picture shows it read a sequence, i and f at every time, the mean over all cells: at both
marks i opens and f gives way. The third is the graph of a cell: on the way from c to the next c stand one product and one sum.
"""

from pathlib import Path

import nngraph as ng
import numpy as np
from nngraph import nets
from nngraph.autograd.language import translate as _
from nngraph.nets import data
from nngraph.viz import plots

x, h, c = ng.input("x", shape=(1, 2)), ng.input("h", shape=(1, 3)), ng.input("c", shape=(1, 3))
cell = nets.LSTM(2, 3, rng=0)(x, (h, c))
train, new = data.adding_problem(2000, seed=1), data.adding_problem(500, seed=2)


def learned(cell, epochs=12):
    """A net of 32 cells after so many epochs, and its error on new sequences after each."""
    net = nets.ManyToOne(cell(2, 32, rng=0), 1, rng=0)
    error, settings = ng.mean_squared_error(net(new.X), new.t), {"batch": 50, "optimizer": nets.Adam(0.01, clip=1.0)}
    return net, [float(error.value) for _record in nets.train(net, ng.mean_squared_error, (train.X, train.t), epochs=epochs, **settings)]


def gates(layer, x):
    """The input and the forget gates at every time of one sequence (T, 2), a row for each cell."""
    h = layer(x[None]).value[0]
    before = np.concatenate([np.zeros((1, layer.width)), h[:-1]])
    i, f, _g, _o = np.split(x @ layer.Wx.value + before @ layer.Wh.value + layer.b.value, 4, axis=1)
    return ng.sigmoid(ng.constant(i.T)).value, ng.sigmoid(ng.constant(f.T)).value


if __name__ == "__main__":
    pictures = Path("out")
    pictures.mkdir(exist_ok=True)
    (plain, plain_errors), (gru, gru_errors), (memory, errors) = map(learned, (nets.RNN, nets.GRU, nets.LSTM))
    series = {"RNN": plain_errors, "GRU": gru_errors, "LSTM": errors}
    for name, each in series.items():
        print(_("{name}: squared error on new sequences {first} after the first epoch, {last} after the last", name=name, first=f"{each[0]:.4f}", last=f"{each[-1]:.4f}"))
    labels = (_("epoch"), _("squared error"))
    plots.lines(series | {"1/6": [1 / 6] * 12}, log=True, labels=labels).save(pictures / "48_adding_problem.svg")
    i, f = gates(memory.reader, new.X[0])
    print(_("marked at {times}; said {said}, sum {total}", times=", ".join(map(str, np.flatnonzero(new.X[0, :, 1]) + 1)), said=f"{memory(new.X[:1]).value[0, 0]:.3f}", total=f"{new.t[0, 0]:.3f}"))
    shown = {_("input gate"): i.mean(0), _("forget gate"): f.mean(0), _("mark"): new.X[0, :, 1]}
    plots.lines(shown, labels=(_("time"), "")).save(pictures / "48_adding_problem_gates.svg")
    ng.draw(cell, view="forward", fold=False).save(pictures / "48_adding_problem_cell.svg")
