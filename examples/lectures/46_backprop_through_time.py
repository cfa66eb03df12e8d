"""Backpropagation through time, as a sum

A state h_t = tanh(W·h_{t−1} + x_t) makes an error E_t at every time, and one W acts at all of them. So the gradient is a sum
over the time t of the error and the time k at which W acted, with a product of Jacobians for the way from t back to k:

    ∂E/∂W = Σ_t Σ_{k≤t} ∂E_t/∂h_t · (Π_{j=k+1..t} ∂h_j/∂h_{j−1}) · ∂⁺h_k/∂W,     ∂h_j/∂h_{j−1} = diag(1 − h_j²)·W
    ‖Π_{j=k+1..t} ∂h_j/∂h_{j−1}‖ ≤ (γ‖W‖)^{t−k},     γ = the largest 1 − h² on the way, at most 1

Here ∂⁺ holds h_{k−1} still (Werbos 1990). The derivation is that of E₃: three paths, one for each k. The table has the six
terms of E = E₁ + E₂ + E₃; their sum, −0.2560, is what reverse mode finds. The bound (Pascanu, Mikolov and Bengio 2013), drawn
for four units, says why a plain net forgets: below γ‖W‖ = 1 the past vanishes as powers do; above 1 it may explode.
"""

from pathlib import Path

import nngraph as ng
import numpy as np
from nngraph.autograd.language import translate as _
from nngraph.viz import plots

W, h0, x = ng.parameter("W", 0.8), ng.input("h0", 0.5), [ng.input(f"x{t}", v) for t, v in ((1, 1.0), (2, -0.5), (3, 0.25))]
h1 = ng.tanh(W * h0 + x[0])
h2 = ng.tanh(W * h1 + x[1])
h3 = ng.tanh(W * h2 + x[2])
h, targets = (h0, h1, h2, h3), (None, 0.5, 0.0, 1.0)
E3 = ng.half_squared_error(h3, targets[3])
E = ng.half_squared_error(h1, targets[1]) + ng.half_squared_error(h2, targets[2]) + E3


def term(t, k):
    """One term of the double sum: what W at time k has to do with the error of time t."""
    way = np.prod([ng.jacobian(h[j], h[j - 1]).value for j in range(k + 1, t + 1)])
    own = ng.jacobian(ng.tanh(W * ng.stop_gradient(h[k - 1]) + x[k - 1]), W).value
    return ng.jacobian(ng.half_squared_error(h[t], targets[t]), h[t]).value * way * own if k <= t else 0.0


def products(size, length=24):
    """Of four units with ‖W‖ = size: the norms of the products over 1, 2, … steps back from the end, and their bounds."""
    rng = np.random.default_rng(4)
    W, h = size * np.linalg.qr(rng.normal(size=(4, 4)))[0], [ng.input("h0", np.zeros(4))]
    for x in 0.3 * rng.normal(size=(length, 4)):
        h.append(ng.tanh(W @ h[-1] + x))
    gamma, product, norms = max((1 - each.value**2).max() for each in h[1:]), np.eye(4), []
    for j in range(length, 0, -1):
        product = product @ ng.jacobian(h[j], h[j - 1]).value
        norms.append(np.linalg.norm(product, 2))
    return norms, [(gamma * np.linalg.norm(W, 2)) ** k for k in range(1, length + 1)]


if __name__ == "__main__":
    pictures = Path("out")
    pictures.mkdir(exist_ok=True)
    derivation, (dW,) = ng.explain(E3, wrt=[W]), ng.gradient(E, [W])
    terms = np.array([[term(t, k) for k in (1, 2, 3)] for t in (1, 2, 3)])
    print(derivation, _("terms, t down and k across"), terms.round(4), f"Σ = {terms.sum():.6f}   ∂E/∂W = {dW.value:.6f}", sep="\n")
    (weak, bound_weak), (strong, bound_strong) = products(0.8), products(1.3)
    print(f"‖W‖ = 0.8: ‖Π‖ = {weak[-1]:.2g} ≤ {bound_weak[-1]:.2g}    ‖W‖ = 1.3: ‖Π‖ = {strong[-1]:.2g} ≤ {bound_strong[-1]:.0f}")
    series = {"‖Π‖, ‖W‖ = 0.8": weak, "(γ‖W‖)ᵗ⁻ᵏ, ‖W‖ = 0.8": bound_weak, "‖Π‖, ‖W‖ = 1.3": strong, "(γ‖W‖)ᵗ⁻ᵏ, ‖W‖ = 1.3": bound_strong}
    plots.lines(series, log=True, labels=("t − k", _("norm"))).save(pictures / "46_backprop_through_time_bound.svg")
    ng.draw(E, view="mirror").save(pictures / "46_backprop_through_time.svg")
