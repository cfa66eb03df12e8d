"""What the two sides of a game want, as data: a pair of losses of the discriminator's scores, and what tames the discriminator.

s stands for scores without an activation, of real and of generated examples; D = σ(s) is how likely the discriminator takes them for real.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from ...autograd.differentiate import gradient
from ...autograd.errors import ParameterError, ShapeError
from ...autograd.node import Node
from ...autograd.ops import cast, mean, relu, reshape, softplus, sqrt, square, stop_gradient, uniform
from ...autograd.ops import sum as total
from ..mode import draws
from ..rows import number


@dataclass(frozen=True)
class AdversarialLoss:
    """A pair of losses: what the discriminator minimizes and what the generator minimizes. The first is a function of real and generated
    scores, the second of generated ones.

    `penalty` weighs (‖∂s/∂x‖ − 1)² between real and generated examples. `bound` keeps every parameter of the discriminator within ±bound.

    >>> import nngraph as ng
    >>> from nngraph import nets
    >>> loss, real, fake = nets.adversarial_losses["hinge"], ng.constant([0.5, 2.0]), ng.constant([-3.0, 1.0])
    >>> float(loss.discriminator(real, fake).value), float(loss.generator(fake).value)
    (1.25, 1.0)
    """

    name: str
    discriminator: Callable[[Node, Node], Node]
    generator: Callable[[Node], Node]
    source: str
    penalty: float = 0.0
    bound: float | None = None

    def __post_init__(self) -> None:
        number(self.penalty, "penalty", least=0, of="AdversarialLoss")
        if self.bound is not None:
            number(self.bound, "bound", above=0, of="AdversarialLoss")

    def against(self, score: Callable[[Node], Node], real: Node, fake: Node, scores: tuple[Node, Node] | None = None) -> Node:
        """The discriminator's loss for examples, with the penalty; `scores` are those of both where they are known already. No gradient
        goes to whoever made the examples."""
        if real.shape != fake.shape:
            raise ShapeError(f"the generator gives {tuple(map(int, fake.shape))} for data of {tuple(map(int, real.shape))}; they must be alike")
        real, fake = cast(real, dtype=fake.dtype.name), stop_gradient(fake)
        scores = scores or (score(real), score(fake))
        for each in scores:
            if len(each.shape) > 1 and each.shape[1] != 1:
                raise ShapeError(
                    f"the discriminator gives {tuple(map(int, each.shape))}; it gives a score for each example, (N, 1), or for each"
                    " place of an image, (N, 1, height, width)"
                )
        value = self.discriminator(*scores)
        return value + self.penalty * gradient_penalty(score, real, fake) if self.penalty else value


def _classify(real: Node, fake: Node) -> Node:
    """−mean ln D(real) − mean ln(1 − D(generated))."""
    return mean(softplus(-real)) + mean(softplus(fake))


def _squares(real: Node, fake: Node) -> Node:
    return 0.5 * mean(square(real - 1)) + 0.5 * mean(square(fake))


def _apart(real: Node, fake: Node) -> Node:
    return mean(fake) - mean(real)


def _raise(fake: Node) -> Node:
    return -mean(fake)


_WASSERSTEIN = AdversarialLoss("wasserstein", _apart, _raise, "Arjovsky, Chintala and Bottou 2017, arXiv:1701.07875", bound=0.01)

adversarial_losses: dict[str, AdversarialLoss] = {
    loss.name: loss
    for loss in (
        # mean ln(1 − D): its slope in s is −D, which dies out where the discriminator is sure.
        AdversarialLoss("minimax", _classify, lambda fake: -mean(softplus(fake)), "Goodfellow et al. 2014, arXiv:1406.2661, eq. 1"),
        # −mean ln D: the same fixed point, slope −(1 − D).
        AdversarialLoss("non-saturating", _classify, lambda fake: mean(softplus(-fake)), "Goodfellow et al. 2014, arXiv:1406.2661, section 3"),
        AdversarialLoss("least-squares", _squares, lambda fake: 0.5 * mean(square(fake - 1)), "Mao et al. 2016, arXiv:1611.04076"),
        _WASSERSTEIN,
        replace(_WASSERSTEIN, name="wasserstein-gp", source="Gulrajani et al. 2017, arXiv:1704.00028", penalty=10.0, bound=None),
        AdversarialLoss(
            "hinge", lambda real, fake: mean(relu(1 - real)) + mean(relu(1 + fake)), _raise, "Lim and Ye 2017, arXiv:1705.02894"
        ),
    )
}
"""Pairs of losses by name: minimax, non-saturating, least-squares (LSGAN), wasserstein (WGAN), wasserstein-gp (WGAN-GP), hinge. A
variant of one is `dataclasses.replace(loss, penalty=…)`."""


def adversarial_loss(loss: AdversarialLoss | str) -> AdversarialLoss:
    """The loss itself, or the one of that name."""
    if isinstance(loss, AdversarialLoss):
        return loss
    if not isinstance(loss, str) or loss not in adversarial_losses:
        raise ParameterError(f"there is no adversarial loss {loss!r}; there is {', '.join(map(repr, adversarial_losses))}")
    return adversarial_losses[loss]


def gradient_penalty(critic: Callable[[Node], Node], real: Node, fake: Node) -> Node:
    """mean (‖∂s/∂x‖ − 1)² at points x drawn evenly between each real example and a generated one: a critic whose slope is 1 where it
    matters. Gulrajani et al. 2017, arXiv:1704.00028. Its gradient is of second order.

    A batch norm in the critic mixes the examples, and the slope of one is then no longer its own; layer norm does not.

    >>> import nngraph as ng
    >>> from nngraph import nets
    >>> real, fake = ng.constant([[1.0, 0.0]]), ng.constant([[0.0, 1.0]])
    >>> round(float(nets.gradient_penalty(lambda x: x @ ng.constant([3.0, 4.0]), real, fake).value), 6)
    16.0
    """
    seed, step = draws()
    share = uniform((real.shape[0],), seed=seed, step=step, name="between", draw=0, dtype=real.dtype.name)
    share = reshape(share, shape=(real.shape[0], *(1,) * (len(real.shape) - 1)))
    x = share * real + (1 - share) * fake
    (slope,) = gradient(total(critic(x)), [x])
    axes = tuple(range(1, len(slope.shape)))
    # The root has no slope at 0.
    return mean(square(sqrt(total(square(slope), axis=axes) + 1e-12) - 1))

