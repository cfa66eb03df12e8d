"""Regression: a network that draws a curve

A network can estimate an amount instead of a class: one unit without an activation on top, and the mean squared error as
loss. Sixteen tanh units bend the line; each contributes one S, placed and stretched by its weights (Cybenko 1989):

    y(x) = Σ_j v_j · tanh(w_j · x + b_j) + c      L = 1/N · Σ (y − t)²      ∂L/∂y = 2/N · (y − t)

The points are sin(2x) + x/2 with noise of spread 0.2. A straight line by least squares leaves an error of 0.475. The
network goes from 1.150 to 0.042, and should not go much further: that is the error of the true curve, and whoever beats it
learns the noise.

Below that, 442 patients and the course of their diabetes a year later (Efron et al. 2004). A straight line is hard to beat
here: both explain half of the differences (R² = 0.49) among the patients kept aside. More units are not more knowledge.
"""

from pathlib import Path

import nngraph as ng
import numpy as np
from nngraph import nets
from nngraph.autograd.language import translate as _
from nngraph.nets import data
from nngraph.viz import plots
from sklearn.compose import TransformedTargetRegressor
from sklearn.linear_model import LinearRegression
from sklearn.preprocessing import StandardScaler

rng = np.random.default_rng(0)
x = rng.uniform(-2, 2, (200, 1))
curve = np.sin(2 * x) + x / 2
t = curve + rng.normal(0, 0.2, x.shape)


def network():
    return nets.MLP([1, 16, 1], ng.tanh, start=nets.normal(1.0), rng=0)


def drawn(net):
    return lambda along: net(along[:, None]).value


if __name__ == "__main__":
    Path("out").mkdir(exist_ok=True)
    net, line = network(), LinearRegression().fit(x, t)
    error = ng.mean_squared_error(net(x), t)
    noise, straight, before = ((curve - t) ** 2).mean(), ((line.predict(x) - t) ** 2).mean(), error.value
    how = {"epochs": 300, "batch": 20, "optimizer": nets.Adam(0.02)}
    records = list(nets.train(net, ng.mean_squared_error, (x, t), **how))
    print(f"{noise:.3f}  {_('true curve')}\n{straight:.3f}  {_('straight line')}\n{before:.3f} → {error.value:.3f}  {_('network')}")
    shown = {_("before learning"): drawn(network()), _("straight line"): lambda along: line.predict(along[:, None])}
    plots.regression(x, t, {**shown, _("network"): drawn(net)}).save("out/29_regression_mlp.svg")
    plots.learning_curves(records).save("out/29_regression_mlp_curves.svg")

    train, test = data.standardized(*data.diabetes().split(seed=0))
    learner = nets.MLPRegressor((32,), "tanh", epochs=40, optimizer=nets.Adam(0.001, decay=0.1), random_state=0)
    scaled = TransformedTargetRegressor(learner, transformer=StandardScaler())
    for name, each in ((_("straight line"), LinearRegression()), (_("network"), scaled)):
        print(f"R² = {each.fit(train.X, train.t).score(test.X, test.t):.3f}  {name}")
