"""One neuron that estimates the price of a house

A neuron without a threshold gives a number: y = x·w + b, here a price in thousands from area, rooms and age. The loss is half
the mean of the squared error, and its gradient is the mean of error times input, so that a step of gradient descent is

    w ← w + α/N · Xᵀ(t − y)        b ← b + α/N · Σ(t − y)        (Legendre 1805, Gauss 1809; Widrow and Hoff 1960)

The derivation shows it on three houses, with the reason for Xᵀ. The picture has the area alone, after some steps.

Area runs to 220 and rooms to 9. A rate that is small enough for the one is far too small for the other, so every column is first
brought to mean 0 and spread 1; divided by the spread, the weights say again what a square meter, a room and a year are worth.
The prices were made as 60 + 2.4·area + 9·rooms − 0.8·age, give or take 15; the neuron never saw this formula. On houses that
it has not seen it is wrong by 448.0 at first and by 15.3 in the end, hardly more than what was given or taken.
"""

from pathlib import Path

import nngraph as ng
from nngraph import nets
from nngraph.autograd.language import translate as _
from nngraph.nets import data
from nngraph.viz import plots

train, test = data.houses().split(0.25, seed=0)
encoding = data.Encoding(train, "price", task="amounts")
seen, unseen = encoding(train), encoding(test)

X, t = ng.input("X", seen.X[:3].round(1)), ng.input("t", seen.t[:3])
W, b = ng.parameter("W", [100.0, 10.0, 0.0]), ng.parameter("b", 300.0)
y = X @ W + b
L = ng.half_squared_error(y, t) / 3


def error(neuron, houses):
    """The root of the mean squared error, in thousands."""
    return float(((neuron(houses.X).value.ravel() - houses.t) ** 2).mean() ** 0.5)


if __name__ == "__main__":
    pictures = Path("out")
    pictures.mkdir(exist_ok=True)
    derivation = ng.explain(L, wrt=[W, b])
    print(derivation, "\n")

    neuron = nets.LinearRegression(3)
    before = error(neuron, unseen)
    records = list(nets.train(neuron, data=(seen.X, seen.t), epochs=300, batch=len(seen), optimizer=nets.SGD(0.3)))
    print(_("error on new houses: {before} before, {after} after", before=f"{before:.1f}", after=f"{error(neuron, unseen):.1f}"))
    words = _("a square meter"), _("a room"), _("a year")
    for word, weight, (_fill, _mean, spread) in zip(words, neuron.linear.W.value[:, 0], encoding.scales.values(), strict=True):
        print(f"{weight / spread:+.2f}".replace("-", "−"), word)

    by_area, lines = nets.LinearRegression(1), {}
    _fill, mean, spread = encoding.scales["area"]
    for record in nets.train(by_area, data=(seen.X[:, :1], seen.t), epochs=30, batch=len(seen), optimizer=nets.SGD(0.3)):
        if record.epoch in (2, 5, 30):
            w, bias = (value.item() for value in by_area.values().values())
            lines[_("after {count} steps", count=record.epoch)] = lambda area, w=w, c=bias: c + w * (area - mean) / spread
    labels = (_("area in square meters"), _("price in thousands"))
    plots.regression(train["area"].values, train["price"].values, lines, labels=labels).save(pictures / "16_house_price.svg")
