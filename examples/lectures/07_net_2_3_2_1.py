"""The 2-3-2-1 network: 14 weights, one by one

Neurons are numbered 1 to 6; e is what enters a neuron, y what leaves it. Weight w24 leads from neuron 2 to neuron 4, and
wx21 from input x2 to neuron 1. A weight of the last layer has one path to the error. A weight of the first layer has two:
its neuron feeds neurons 4 and 5, and what comes back along both paths is added up.

Two slips that every year somebody makes, and that the check below would not let pass:
the derivative of neuron 4 belongs at e4, its own sum, f′(e4), and a weight that comes from x2 carries x2 in both of its paths.
"""

from pathlib import Path

import nngraph as ng

x1, x2, z = ng.input("x1", 1.0), ng.input("x2", 0.5), ng.input("z", 1.0)
names = ("wx11", "wx21", "wx12", "wx22", "wx13", "wx23", "w14", "w24", "w34", "w15", "w25", "w35", "w46", "w56")
values = (0.2, 0.4, -0.3, 0.1, 0.5, -0.2, 0.3, -0.4, 0.6, 0.1, 0.7, -0.5, 0.8, -0.6)
weights = [ng.parameter(name, value) for name, value in zip(names, values, strict=True)]
wx11, wx21, wx12, wx22, wx13, wx23, w14, w24, w34, w15, w25, w35, w46, w56 = weights

e1 = wx11 * x1 + wx21 * x2
e2 = wx12 * x1 + wx22 * x2
e3 = wx13 * x1 + wx23 * x2
y1 = ng.sigmoid(e1)
y2 = ng.sigmoid(e2)
y3 = ng.sigmoid(e3)
e4 = w14 * y1 + w24 * y2 + w34 * y3
e5 = w15 * y1 + w25 * y2 + w35 * y3
y4 = ng.sigmoid(e4)
y5 = ng.sigmoid(e5)
e6 = w46 * y4 + w56 * y5
y = ng.sigmoid(e6)
E = (z - y) ** 2

if __name__ == "__main__":
    pictures = Path("out")
    pictures.mkdir(exist_ok=True)
    derivation = ng.explain(E, wrt=weights)
    print(derivation)
    ng.draw(E, view="neurons").save(pictures / "07_net_2_3_2_1.svg")
    ng.draw(E, view="neurons", highlight=[wx23]).save(pictures / "07_two_paths_of_wx23.svg")
    ng.draw(E, view="mirror", wrt=[wx23], fold=False).save(pictures / "07_back_to_wx23.svg")
