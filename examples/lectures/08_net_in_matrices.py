"""The 2-3-2-1 network in three matrices

Row k of W1 holds the weights that enter neuron k, so a whole layer is one product W1·x and one sigmoid over all of its entries.
Backward, every layer does the same three things: multiply what arrives by f′ (entry by entry), hand it on through the
turned matrix, and give the matrix its gradient, the outer product of what arrives and what came in.

Now e1 is the list of what enters the first layer, y1 of what leaves it. The numbers are those of the page before. 
The derivation is half as long, and the same for a layer of 1000 neurons.
"""

from pathlib import Path

import nngraph as ng

x, z = ng.input("x", [1.0, 0.5]), ng.input("z", [1.0])
W1 = ng.parameter("W1", [[0.2, 0.4], [-0.3, 0.1], [0.5, -0.2]])
W2 = ng.parameter("W2", [[0.3, -0.4, 0.6], [0.1, 0.7, -0.5]])
W3 = ng.parameter("W3", [[0.8, -0.6]])

e1 = W1 @ x
y1 = ng.sigmoid(e1)
e2 = W2 @ y1
y2 = ng.sigmoid(e2)
e3 = W3 @ y2
y = ng.sigmoid(e3)
E = ng.sum((z - y) ** 2)

if __name__ == "__main__":
    pictures = Path("out")
    pictures.mkdir(exist_ok=True)
    derivation = ng.explain(E, wrt=[W1, W2, W3])
    print(derivation)
    ng.draw(E, view="neurons").save(pictures / "08_net_in_matrices.svg")
    ng.draw(E, view="mirror").save(pictures / "08_net_in_matrices_mirror.svg")
