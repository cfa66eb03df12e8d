"""f-GAN: every f-divergence of the data from what is generated is a game. Nowozin, Cseke and Tomioka 2016, arXiv:1606.00709.

D_f(P‖Q) = Σ q·f(p/q), with f convex and f(1) = 0, is the greatest value of E_P[T] − E_Q[f*(T)] over functions T, where f*(t) = max_u (u·t − f(u)).
The discriminator gives scores v, and T = g(v) brings them into the domain of f*. The greatest value is taken at T = f'(p/q).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import log as ln

from ...autograd.errors import ParameterError
from ...autograd.node import Node
from ...autograd.ops import abs as magnitude
from ...autograd.ops import exp, expm1, log, log_sigmoid, mean, sqrt, square, tanh, xlogy
from .losses import AdversarialLoss

Function = Callable[[Node], Node]


@dataclass(frozen=True)
class Divergence:
    """An f-divergence D_f(P‖Q) = Σ q·f(p/q): f, its conjugate f*, and the activation g that brings scores into the domain of f*.

    >>> import nngraph as ng
    >>> from nngraph import nets
    >>> kl, u = nets.divergences["kullback-leibler"], ng.input("u", 2.0)
    >>> t = ng.gradient(kl.f(u), [u])[0]            # at t = f'(u): f(u) + f*(t) = u·t
    >>> float((kl.f(u) + kl.conjugate(t) - u * t).value)
    0.0
    """

    name: str
    f: Function
    conjugate: Function
    activation: Function

    def bound(self, real: Node, fake: Node) -> Node:
        """mean g(real) − mean f*(g(fake)): at most D_f(P‖Q), whatever the scores are."""
        return mean(self.activation(real)) - mean(self.conjugate(self.activation(fake)))


divergences: dict[str, Divergence] = {
    each.name: each
    for each in (
        Divergence("total-variation", lambda u: 0.5 * magnitude(u - 1), lambda t: t, lambda v: 0.5 * tanh(v)),
        Divergence("kullback-leibler", lambda u: xlogy(u, u), lambda t: exp(t - 1), lambda v: v),
        Divergence("reverse-kullback-leibler", lambda u: -log(u), lambda t: -1 - log(-t), lambda v: -exp(-v)),
        Divergence("pearson", lambda u: square(u - 1), lambda t: 0.25 * square(t) + t, lambda v: v),
        Divergence("neyman", lambda u: square(1 - u) / u, lambda t: 2 - 2 * sqrt(1 - t), lambda v: 1 - exp(-v)),
        Divergence("squared-hellinger", lambda u: square(sqrt(u) - 1), lambda t: t / (1 - t), lambda v: 1 - exp(-v)),
        Divergence(
            "jensen-shannon",
            lambda u: xlogy(u, u) - (u + 1) * log((1 + u) / 2),
            lambda t: -ln(2) - log(-expm1(t - ln(2))),  # −ln(2 − eᵗ)
            lambda v: ln(2) + log_sigmoid(v),
        ),
        # f(1) = −2 ln 2: what is left of the original game at its solution.
        Divergence("gan", lambda u: xlogy(u, u) - (u + 1) * log(u + 1), lambda t: -log(-expm1(t)), log_sigmoid),
    )
}
"""The f-divergences by name, from total variation to that of the original game. Their f, f* and g are those of the paper's tables 1, 5
and 6."""


def f_gan(divergence: Divergence | str, *, saturating: bool = False) -> AdversarialLoss:
    """The game of a divergence: the discriminator raises its bound. The generator raises E_Q[g(v)] (section 3.2), or, `saturating`,
    lowers the bound itself. The original game is that of "gan".

    >>> import nngraph as ng
    >>> from nngraph import nets
    >>> v = ng.constant([0.3, -1.0])
    >>> pair = [loss.discriminator(v, v - 1.0) for loss in (nets.f_gan("gan"), nets.adversarial_losses["minimax"])]
    >>> bool(abs(pair[0].value - pair[1].value) < 1e-12)
    True
    """
    d = divergence if isinstance(divergence, Divergence) else divergences.get(divergence) if isinstance(divergence, str) else None
    if d is None:
        raise ParameterError(f"there is no divergence {divergence!r}; there is {', '.join(map(repr, divergences))}")
    return AdversarialLoss(
        f"f-gan {d.name}",
        lambda real, fake: -d.bound(real, fake),
        (lambda fake: -mean(d.conjugate(d.activation(fake)))) if saturating else (lambda fake: -mean(d.activation(fake))),
        "Nowozin, Cseke and Tomioka 2016, arXiv:1606.00709",
    )
