"""ADALINE: the error before the threshold

The perceptron learns only from wrong answers. Where no line parts the classes there always is one, and it never rests. The
adaptive linear neuron compares the target, t = −1 or 1, with the sum z = w·x + b itself, not with the answer of the step:

    E = ½(t − z)²        Δw = −α ∂E/∂w = α(t − z)·x        Δb = α(t − z)        (Widrow and Hoff 1960)

So it learns from every example, from an answer that is right by little as well, and it is gradient descent, as the
derivation shows: −∂E/∂w = (t − z)·x. E is a bowl in w; the weights go down to the least squares solution, w = (−0.50, 1.20).

The picture has the weights after each of 30 epochs over two irises that overlap, by rate. The smallest is still on its way, the
next one arrives, and the largest is there at once and never stays, because every single example pulls its own way. In the last
20 epochs the perceptron's accuracy jumps between 0.85 and 0.96; that of ADALINE stays at 0.94 to 0.95.
"""

from dataclasses import replace
from pathlib import Path

import nngraph as ng
import numpy as np
from nngraph import nets
from nngraph.autograd.language import translate as _
from nngraph.nets import data
from nngraph.viz import plots

both = data.iris().rows(slice(50, 150))  # versicolor and virginica
(iris,) = data.standardized(replace(both, X=both.X[:, [0, 2]]))
targets = np.where(iris.t == 2, 1.0, -1.0)
rates = (0.002, 0.02, 0.2)

x, t = ng.input("x", iris.X[0]), ng.input("t", targets[0])
w, b = ng.parameter("w", [0.5, -0.5]), ng.parameter("b", 0.1)
z = x @ w + b
E = ng.square(t - z) / 2


def loss(w1, w2):
    """The mean of E over all flowers; the best b is 0, because every column of X, and t, has mean 0."""
    return 0.5 * ((np.stack([w1, w2], -1) @ iris.X.T - targets) ** 2).mean(-1)


if __name__ == "__main__":
    pictures = Path("out")
    pictures.mkdir(exist_ok=True)
    derivation = ng.explain(E, wrt=[w, b])
    print(derivation, "\n")

    best, ways = np.linalg.lstsq(iris.X, targets, rcond=None)[0], {}
    print(_("at the start:"), f"w = [0 0]   E = {loss(0.0, 0.0):.4f}")
    print(_("least squares:"), f"w = {best.round(3)}   E = {loss(*best):.4f}")
    for rate in rates:
        unit = nets.Linear(2, 1, start=nets.zeros)
        learning = nets.train(unit, nets.adaline_loss, (iris.X, targets), epochs=30, batch=1, optimizer=nets.SGD(rate))
        way = ways[f"α = {rate:g}"] = np.array([[0.0, 0.0], *(unit.W.value.ravel() for record in learning)])
        print(f"α = {rate:<6g} w = {way[-1].round(3)}   E = {loss(*way[-1]):.4f}")
    for learner in (nets.Perceptron(epochs=40, random_state=0), nets.Adaline(rate=0.005, epochs=40, random_state=0)):
        right = [record.metrics["accuracy"] for record in learner.fit(iris.X, iris.t).history_[-20:]]
        print(_("{name}: accuracy {low} to {high}", name=type(learner).__name__, low=f"{min(right):.2f}", high=f"{max(right):.2f}"))
    bowl = plots.loss_surface(loss, (-1.2, 1.0), (-0.3, 2.1), ways, minimum=tuple(best), labels=("w₁", "w₂"))
    bowl.save(pictures / "15_adaline.svg")
