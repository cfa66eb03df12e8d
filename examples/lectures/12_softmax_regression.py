"""Softmax regression: the gradient is p − t

One matrix, three classes, and the third one is right. The loss is −ln p_3: small when the network is sure of the right class.
Through the softmax and the logarithm the gradient of the scores comes out as p − t, what was said minus what is true.
The gradient of W is the outer product of the input and this difference: the row of the larger input gets the larger share,
and each row adds up to 0, because p and t both add up to 1.
"""

from pathlib import Path

import nngraph as ng
import numpy as np
from nngraph.autograd.language import translate as _

np.random.seed(42)  # the generator of the textbook, so that its numbers come out
x = ng.input("x", [0.6, 0.9])
W = ng.parameter("W", np.random.randn(2, 3))
t = ng.input("t", [0.0, 0.0, 1.0])

z = x @ W
p = ng.softmax(z)
L = ng.softmax_loss(z, t)
(dW,) = ng.gradient(L, [W])

if __name__ == "__main__":
    pictures = Path("out")
    pictures.mkdir(exist_ok=True)
    print("p    =", p.value)
    print("L    =", round(float(L.value), 8))
    print("dW   =", str(dW.value).replace("\n", "\n       "), "\n")

    derivation = ng.explain(L, wrt=[W])
    print(derivation)
    ng.draw(L, view="mirror").save(pictures / "12_softmax_regression.svg")

    # One step against the gradient, and the right class is more likely than before.
    W.value = W.value - dW.value
    print("\n" + _("after one step of length 1:"), f"p_3 = {p.value[2]:.4f}, L = {L.value:.4f}")
