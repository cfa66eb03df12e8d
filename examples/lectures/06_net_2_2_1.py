"""The 2-2-1 network, and where the 2 goes

Two inputs, two hidden neurons, one output, every neuron a sigmoid f. The error is E = (y − z)², with z the wanted output.
The gradient of each weight is a product along its path to E: what arrives at the neuron, times what the arrow carries.

    ∂E/∂w5 = 2(y − z) · f(a3)(1 − f(a3)) · f1
    ∂E/∂w1 = 2(y − z) · f(a3)(1 − f(a3)) · w5 · f(a1)(1 − f(a1)) · x1

Many books write these lines without the 2. They are right for another error, ½(y − z)², whose derivative is (y − z): the ½
is there to swallow the 2. Mix the two and every gradient is wrong by a factor 2, the direction right, so nobody notices.
"""

from pathlib import Path

import nngraph as ng

x1, x2, z = ng.input("x1", 1.0), ng.input("x2", 0.5), ng.input("z", 1.0)
w1, w2, w3 = ng.parameter("w1", 0.2), ng.parameter("w2", -0.3), ng.parameter("w3", 0.4)
w4, w5, w6 = ng.parameter("w4", 0.1), ng.parameter("w5", 0.6), ng.parameter("w6", -0.5)
weights = [w1, w2, w3, w4, w5, w6]

a1 = w1 * x1 + w3 * x2
a2 = w2 * x1 + w4 * x2
f1 = ng.sigmoid(a1)
f2 = ng.sigmoid(a2)
a3 = w5 * f1 + w6 * f2
y = ng.sigmoid(a3)
E = (y - z) ** 2
H = (y - z) ** 2 / 2

if __name__ == "__main__":
    pictures = Path("out")
    pictures.mkdir(exist_ok=True)
    derivation = ng.explain(E, wrt=weights)
    print(derivation)

    # The same network with half of the error: only the first factor changes.
    half = ng.explain(H, wrt=weights, detail="brief")
    print()
    print(half)

    ng.draw(E, view="mirror").save(pictures / "06_net_2_2_1.svg")
    ng.draw(E, view="values").save(pictures / "06_net_2_2_1_values.svg")
    ng.draw(E, view="neurons", highlight=[w1]).save(pictures / "06_net_2_2_1_path_of_w1.svg")
