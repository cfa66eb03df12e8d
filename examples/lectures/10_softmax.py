"""Softmax: every output depends on every score

Softmax takes e to the power of every score and divides by the sum: nothing is negative, and everything adds up to 1.
Adding the same number to all scores changes nothing, since it stands above and below the line.

Every output depends on every score, so the derivative is a table, the Jacobian, and its two cases are all there is to learn:

    ∂p_i/∂z_j =  p_i · (1 − p_i)   if i = j      (the diagonal: a higher score raises its own share)
    ∂p_i/∂z_j = −p_i · p_j         if i ≠ j      (all others pay for it)

Each row and each column adds up to 0: what one class wins the others lose.
"""

from pathlib import Path

import nngraph as ng
import numpy as np
from nngraph.autograd.language import translate as _

z = ng.input("z", [1.3, 5.1, 2.2, 0.7, 1.1])
p = ng.softmax(z)

# Cross-entropy is −ln of the right class's probability; with it the two cases become p − t.
t = ng.input("t", [0.0, 1.0, 0.0, 0.0, 0.0])
L = ng.softmax_loss(z, t)

if __name__ == "__main__":
    pictures = Path("out")
    pictures.mkdir(exist_ok=True)
    print("p =", p.value.round(4), "  Σ p =", p.value.sum().round(12))

    jacobian = ng.jacobian(p, z).value
    print("\n" + _("Jacobian") + "\n" + np.array2string(jacobian, precision=4, floatmode="fixed", suppress_small=True))
    print(_("its rows add up to 0, but for rounding:"), f"{abs(jacobian.sum(axis=1)).max():.0e}\n")

    derivation = ng.explain(L, wrt=[z])
    print(derivation)
    ng.draw(L, view="mirror", wrt=[z]).save(pictures / "10_softmax.svg")
