"""Gradients that vanish and explode in time

How much does the last of 50 outputs depend on the state at each time before? A number added to every state, 0 itself, has
that dependence as its gradient. Its length is drawn for plain nets of spectral radius ρ = 0.7, 1 and 1.5, and for gates.

    |∂y_T/∂h_t| ~ ρ^{T−t} near h = 0        c ← f⊙c + i⊙g:  ∂c_T/∂c_t contains Π f, near 1 where forget gates are open

Below 1 the past vanishes (5e-09 is left), above it explodes until tanh is flat (Hochreiter 1991; Bengio et al. 1994). An LSTM
keeps it from the start, at a forget bias of 4, σ(4) = 0.98, more than enough; a GRU starts with z = ½ and must learn to keep.
Truncation after 10 steps cuts what is before. An explosion is caught by clipping (Pascanu et al. 2013), g ← g·min(1, 1/‖g‖):
at ρ = 1.5 and rate 0.4 the net that goes on with a sine ends in NaN without it, and at an error of 0.0155 with it.
"""

from pathlib import Path

import nngraph as ng
import numpy as np
from nngraph import nets
from nngraph.autograd.language import translate as _
from nngraph.nets import data
from nngraph.viz import plots

TIMES, WIDTH, rng = 50, 32, np.random.default_rng(0)
x, direction = 0.3 * rng.normal(size=(16, TIMES, 4)), rng.normal(size=(16, WIDTH)) / np.sqrt(16 * WIDTH)


def stretched(size):
    """Starting weights that make every state `size` times as long."""
    return lambda rng, shape: size * nets.orthogonal(rng, shape)


def lengths(cell, forget=None, **settings):
    """How long the gradient of a number made of the last output is at every time."""
    layer = cell(4, WIDTH, rng=1, dtype="float64", **settings)
    if forget is not None:
        layer.b.value = np.repeat([0.0, forget, 0.0, 0.0], WIDTH)
    nudges = ng.parameter("nudges", np.zeros((16, TIMES, WIDTH)))
    (slope,) = ng.gradient(ng.sum(layer(x, nudges=nudges)[:, -1] * direction), [nudges])
    return np.linalg.norm(slope.value, axis=(0, 2))


def losses(clip):
    """The error of every epoch of a net of spectral radius 1.5 that learns to go on with a sine."""
    waves, net = data.sine(100, 30), nets.ManyToMany(nets.RNN(1, 16, recurrent_start=stretched(1.5), rng=0), 1, rng=1)
    settings = {"epochs": 30, "batch": 20, "optimizer": nets.SGD(0.4, clip=clip)}
    return [each.loss for each in nets.train(net, ng.mean_squared_error, (waves.X, waves.t), **settings)]


if __name__ == "__main__":
    pictures = Path("out")
    pictures.mkdir(exist_ok=True)
    ways = {f"RNN, ρ = {size}": lengths(nets.RNN, recurrent_start=stretched(size)) for size in (0.7, 1.0, 1.5)}
    ways[f"{_('truncated')}, ρ = 1.0"] = lengths(nets.RNN, truncate=10)
    ways |= {"GRU": lengths(nets.GRU)} | {f"LSTM, b_f = {bias}": lengths(nets.LSTM, bias) for bias in (1, 4)}
    print(_("length at the first time"), *(f"{way[0]:10.2g}  {name}" for name, way in ways.items()), sep="\n")
    plots.lines(ways, log=True, labels=(_("time"), _("length of the gradient"))).save(pictures / "47_gradients_in_time.svg")
    with np.errstate(all="ignore"):
        learned = {_("clipped at 1"): losses(1.0), _("not clipped"): losses(None)}
    print(*(f"{name}: {each[0]:.3g} … {each[-1]:.3g}" for name, each in learned.items()), sep="\n")
    plots.lines(learned, log=True, labels=(_("epoch"), _("loss"))).save(pictures / "47_gradients_in_time_clipped.svg")
