"""Counting parameters, sharing and freezing them

A dense layer has a weight for every pair of an input and an output, and a bias for every output. A convolution (LeCun et
al. 1989) lays small windows of weights on every place of the image, 10 of 5×5 here, and they do not ask how large it is. A
dense layer to the same 10 maps of 24×24 would need millions:

    Linear(784, 100)              784 · 100 + 100 = 78 500
    Conv2d(1, 10, 5)              10 · (1 · 5 · 5 + 1) = 260
    Linear(784, 10 · 24 · 24)     784 · 5760 + 5760 = 4 521 600

What is used in several places is counted once, and its gradient is the sum of what all the places send back. The
autoencoder below writes its output as h·Wᵀ + c, with the W of its encoder h = tanh(x·W + b): half the weights, and the
error is nearly as small as with a matrix for each way, 0.0125 instead of 0.0121.

What is frozen is counted and not learned, and no gradient is sent back to it. Where only 310 of 2260 numbers learn, on top
of a frozen first layer, 0.875 of the new digits are named right; where all of them learn, 0.973.
"""

from pathlib import Path

import nngraph as ng
from nngraph import nets
from nngraph.autograd.language import translate as _
from nngraph.nets import data
from nngraph.viz import plots

train, test = data.digits().split()
dense, windows, maps = nets.Linear(784, 100), nets.Conv2d(1, 10, 5), nets.Linear(784, 10 * 24 * 24)


class Coder(nets.Module):
    """64 pixels through 16 units and back."""
    def __init__(self, tied):
        self.encoder, self.decoder = nets.Linear(64, 16, rng=0), nets.Linear(16, 64, rng=1)
        self.decoder.W = None if tied else self.decoder.W

    def forward(self, x):
        h = ng.tanh(self.encoder(x))
        return self.decoder(h) if self.decoder.W is not None else h @ self.encoder.W.T + self.decoder.b


def last(net, loss, t, **how):
    return list(nets.train(net, loss, (train.X, t), epochs=20, optimizer=nets.Adam(0.005), **how))[-1]


if __name__ == "__main__":
    Path("out").mkdir(exist_ok=True)
    counts = {_("dense, 784 → 100"): dense.count, _("10 windows of 5×5"): windows.count, _("dense, to 10 maps"): maps.count}
    plots.bars(list(counts.values()), list(counts), labels=("", _("parameters")), log=True).save("out/24_counts.svg")
    for name, count in counts.items():
        print(f"{count:9,}  {name}")
    for name, net in ((_("error, two matrices"), Coder(tied=False)), (_("error, one for both ways"), Coder(tied=True))):
        print(f"{net.count:9,}  {last(net, ng.mean_squared_error, train.X).loss:.4f}  {name}")
    judged = {"validation": (test.X, test.t), "metrics": {"accuracy": lambda t, z: (z.argmax(1) == t).mean()}}
    for net in (nets.MLP([64, 30, 10], rng=0), nets.MLP([64, 30, 10], rng=0).freeze("layer1/*")):
        reached = last(net, ng.softmax_loss, train.t, **judged).metrics["accuracy"]
        print(f"{net.summary((32, 64)).learned:9,}  {reached:.3f}   {_('accuracy')}")
    print(net.summary((32, 64)))
    loss = ng.softmax_loss(net(ng.input("x", train.X[:4])), ng.input("t", train.t[:4]))
    ng.draw(loss, view="mirror").save("out/24_frozen.svg")
