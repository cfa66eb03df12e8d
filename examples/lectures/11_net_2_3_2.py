"""Forward through a 2-3-2 network

Two inputs, three sigmoids, two scores, softmax. Samples are written as rows here, so a layer is x·W + b: the input stands left.
Follow the numbers once by hand: the first hidden neuron takes 1·0.1 + 0.5·0.2 + 0.1 = 0.3, and σ(0.3) = 0.5744.
"""

from pathlib import Path

import nngraph as ng

x = ng.input("x", [1.0, 0.5])
W1 = ng.parameter("W1", [[0.1, 0.3, 0.5], [0.2, 0.4, 0.6]])
b1 = ng.parameter("b1", [0.1, 0.2, 0.3])
W2 = ng.parameter("W2", [[0.1, 0.4], [0.2, 0.5], [0.3, 0.6]])
b2 = ng.parameter("b2", [0.1, 0.2])

a1 = x @ W1 + b1
h = ng.sigmoid(a1)
z = h @ W2 + b2
p = ng.softmax(z)

# Where would these weights like to go, if the second class is the right one?
t = ng.input("t", [0.0, 1.0])
L = ng.softmax_loss(z, t)

if __name__ == "__main__":
    pictures = Path("out")
    pictures.mkdir(exist_ok=True)
    for name, node in (("a1 = x·W1 + b1", a1), ("h  = σ(a1)     ", h), ("z  = h·W2 + b2 ", z), ("p  = softmax(z)", p)):
        print(name, "=", node.value.round(8))

    derivation = ng.explain(L, wrt=[W1, b1, W2, b2])
    print()
    print(derivation)
    ng.draw(p, view="neurons").save(pictures / "11_net_2_3_2.svg")
    ng.draw(L, view="mirror").save(pictures / "11_net_2_3_2_mirror.svg")
