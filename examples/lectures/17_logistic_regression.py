"""Logistic regression, from the odds

A probability p lies between 0 and 1, the odds p/(1 − p) between 0 and ∞, and their logarithm anywhere, as w·x + b does. So a
neuron that is to give a probability takes its sum for the log-odds:

    ln(p/(1 − p)) = z = w·x + b    ⟺    p = 1/(1 + e⁻ᶻ) = σ(z)                 (Berkson 1944, Cox 1958)

One more unit of x multiplies the odds by eʷ, wherever one stands. The loss is −ln of the probability of what is true. In z it
is short, and its slope is p − t, so that the rule is ADALINE's with p for z:

    L = −t·ln p − (1 − t)·ln(1 − p) = ln(1 + eᶻ) − t·z        ∂L/∂w = (p − t)·x        Δw = α(t − p)·x

From the radius of the nuclei alone, 569 tumors give w = 1.034: each unit more multiplies the odds of malignancy by 2.81, and
they are even at 14.75. The loss falls from ln 2 = 0.693 to 0.290, and 0.879 of the answers are right.

With more than two classes each has a sum of its own, and the softmax makes probabilities of them. Only differences of the sums
count; with two classes p = σ(z₂ − z₁), the same again. By their petals, 0.953 of 150 irises get their name (Cox 1966).
"""

from dataclasses import replace
from pathlib import Path

import nngraph as ng
import numpy as np
from nngraph import nets
from nngraph.autograd.language import translate as _
from nngraph.nets import data
from nngraph.viz import plots

tumors, iris = data.breast_cancer(), data.iris()
radius, malignant = tumors.X[:, :1], 1 - tumors.t
scaled, petals = (data.standardized(replace(each, X=X))[0] for each, X in ((tumors, radius), (iris, iris.X[:, 2:])))

x, t = ng.input("x", 0.8), ng.input("t", 1.0)
w, b = ng.parameter("w", 0.5), ng.parameter("b", -0.2)
z = w * x + b
L = ng.softplus(z) - t * z

if __name__ == "__main__":
    pictures = Path("out")
    pictures.mkdir(exist_ok=True)
    derivation = ng.explain(L, wrt=[w, b])
    print(derivation, "\n")

    unit = nets.LogisticRegression(1)
    records = list(nets.train(unit, data=(scaled.X, malignant), epochs=200, batch=569, optimizer=nets.SGD(4.0)))
    slope, start = (value.item() for value in unit.values().values())
    slope, start = slope / radius.std(), start - slope * radius.mean() / radius.std()
    print(f"L = {records[0].loss:.3f} … {records[-1].loss:.3f}   w = {slope:.3f}  eʷ = {np.exp(slope):.2f}  −b/w = {-start / slope:.2f}")
    right = (unit(scaled.X).value[:, 0] > 0.5) == (malignant == 1)
    net = nets.SoftmaxRegression(2, 3, rng=0)
    list(nets.train(net, data=(petals.X, petals.t), epochs=200, batch=150, optimizer=nets.SGD(2.0)))
    named = net(petals.X).value.argmax(1) == petals.t
    print(_("right: {tumors} of the tumors, {flowers} of the irises", tumors=f"{right.mean():.3f}", flowers=f"{named.mean():.3f}"))
    curves = {_("before"): lambda r: 0.5 + 0 * r, _("after"): lambda r: 1 / (1 + np.exp(-slope * r - start))}
    labels = (_("mean radius"), _("probability of malignancy"))
    plots.regression(radius, malignant, curves, labels=labels).save(pictures / "17_odds.svg")
    labels = (_("petal length, standardized"), _("petal width, standardized"))
    regions = plots.decision_boundary(lambda each: net(each).value, petals.X, petals.t, classes=iris.classes, columns=labels)
    regions.save(pictures / "17_softmax_regression.svg")
