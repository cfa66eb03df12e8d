"""Why XOR needs a hidden layer

For XOR a single unit, 1 where w₁x₁ + w₂x₂ + b > 0, would have to fulfil at the four corners

    b ≤ 0        w₁ + b > 0        w₂ + b > 0        w₁ + w₂ + b ≤ 0

The two in the middle add up to w₁ + w₂ + 2b > 0, the outer two to w₁ + w₂ + 2b ≤ 0. So there is no such unit (Minsky and Papert
1969). The perceptron makes mistakes in every epoch, for ever. Logistic regression starts at zero weights with p = ½ everywhere,
and the derivation finds all gradients 0 there; since its loss is convex, no weights are better: ln 2 for each corner is the least.

A hidden layer first moves the corners, h = tanh(x·W₁ + b₁), and the top unit then parts them by a line in the plane of h. Nobody
says where to; backpropagation finds it (Rumelhart, Hinton and Williams 1986). The loss falls from 0.703 to 0.011. The
pictures show the plane of x with the band that was found, and the corners as the hidden units see them, two nearly as one.

A hidden layer makes it possible, not certain: of ten starts two hidden units get there from 5, four of them from all 10.
"""

from pathlib import Path

import nngraph as ng
import numpy as np
from nngraph import nets
from nngraph.autograd.language import translate as _
from nngraph.nets import data
from nngraph.viz import plots

corners = data.exclusive_or()
target = corners.t[:, None].astype(float)
X, t = ng.input("X", corners.X), ng.input("t", corners.t.astype(float))
w, b = ng.parameter("w", [0.0, 0.0]), ng.parameter("b", 0.0)
L = ng.binary_cross_entropy_logits(X @ w + b, t)


def trained(hidden, seed):
    """A network with so many hidden units, and the records of its training."""
    net = nets.MLP([2, hidden, 1], ng.tanh, rng=seed)
    learning = nets.train(net, ng.binary_cross_entropy_logits, (corners.X, target), epochs=400, batch=4, optimizer=nets.SGD(1.0))
    return net, list(learning)


if __name__ == "__main__":
    pictures = Path("out")
    pictures.mkdir(exist_ok=True)
    derivation = ng.explain(L, wrt=[w, b])
    print(derivation, "\n")
    mistakes = [step.mistakes for step in nets.perceptron_steps(corners.X, corners.t, epochs=50)][3::4]
    print(_("the perceptron's mistakes in an epoch: at least {least}", least=min(np.diff([0, *mistakes]))))

    net, records = trained(2, seed=0)
    print(_("loss with a hidden layer: {before} before, {after} after", before=f"{records[0].loss:.3f}", after=f"{records[-1].loss:.3f}"))
    for hidden in (2, 4):
        solved = sum(trained(hidden, seed)[1][-1].loss < 0.1 for seed in range(10))
        print(_("{units} hidden units: {solved} of 10 starts", units=hidden, solved=solved))
    h = ng.tanh(net.layers[0](corners.X)).value
    places = ((corners.X, net, ("x₁", "x₂"), _("the inputs"), "inputs"), (h, net.layers[1], ("h₁", "h₂"), _("the hidden units"), "hidden"))
    for points, part, columns, title, name in places:
        plane = plots.decision_boundary(lambda each, part=part: part(each).value[:, 0] > 0, points, corners.t, columns=columns)
        plane.with_(title=title).save(pictures / f"19_{name}.svg")
