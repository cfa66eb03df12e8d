"""Starting values: zeros, normal, Xavier, He

With all weights 0 every hidden value is 0 and so is every gradient but that of the last bias. With all weights alike, 0.1,
the units of a layer are copies of each other and receive the same gradient: 40 units stay one. Random numbers break the
tie. How wide they scatter decides the rest, for n inputs and m outputs:

    y = x·W      Var(y) = n · Var(W) · Var(x)      Var(∂L/∂x) = m · Var(W) · Var(∂L/∂y)

With a spread of 0.01 the values shrink from layer to layer until nothing is left. With a spread of 1 they are so large that
tanh is flat there. Xavier (Glorot and Bengio 2010) takes Var(W) = 2/(n + m), and both products are near 1. ReLU silences
half of its inputs, so He et al. (2015) take 2/n. An orthogonal matrix (Saxe et al. 2014) keeps all lengths.

Below, 6 layers of 40 tanh units learn digits for 10 epochs. The first four starts fail or limp, the last three reach 0.99.
The bars show ReLU in place of tanh: what leaves its layers keeps its spread with He alone.
"""

from pathlib import Path

import nngraph as ng
import numpy as np
from nngraph import nets
from nngraph.autograd.language import translate as _
from nngraph.nets import data
from nngraph.viz import plots

train, _test = data.standardized(*data.digits().split())
starts = {_("all 0"): nets.zeros, _("all 0.1"): lambda rng, shape: np.full(shape, 0.1)}
starts |= {_("normal 0.01"): nets.normal(0.01), _("normal 1"): nets.normal(1.0)}
starts |= {"Xavier": nets.xavier, "He": nets.he, _("orthogonal"): nets.orthogonal}


def network(start, activation=ng.tanh):
    return nets.MLP([64, *[40] * 6, 10], activation, start=start, rng=0)


def spreads(net):
    """The standard deviation of what leaves each hidden layer."""
    h, found = ng.constant(train.X), []
    for layer in net.layers[:-1]:
        h = net.activation(layer(h))
        found.append(float(h.value.std()))
    return found


if __name__ == "__main__":
    Path("out").mkdir(exist_ok=True)
    small = nets.MLP([2, 2, 1], ng.tanh, start=nets.zeros, dtype="float64")
    derivation = ng.explain(small, wrt="*/W", loss=ng.half_squared_error, data=([[1.0, 2.0]], [[1.0]]))
    print(derivation, "\n")
    print(_("loss, accuracy, spread of the values in layers 1, 3 and 5"))
    accuracy = {"accuracy": lambda t, z: (z.argmax(1) == t).mean()}
    runs, how = {}, {"epochs": 10, "optimizer": nets.SGD(0.05), "metrics": accuracy}
    for name, start in starts.items():
        net = network(start)
        scatter = ", ".join(f"{spread:.0e}" for spread in spreads(net)[::2])
        runs[name] = list(nets.train(net, ng.softmax_loss, (train.X, train.t), **how))
        print(f"{runs[name][-1].loss:.3f}  {runs[name][-1].metrics['accuracy']:.3f}  {scatter}  {name}")
    plots.learning_curves(runs).save("out/25_learning.svg")
    rectified = {name: spreads(network(start, ng.relu)) for name, start in list(starts.items())[2:]}
    plots.bars(rectified, list("123456"), labels=(_("layer"), _("spread of its values")), log=True).save("out/25_spreads.svg")
