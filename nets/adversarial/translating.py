"""Games that turn one kind of thing into another: with pairs to learn from, or with two heaps that nobody has paired."""

from __future__ import annotations

from ...autograd.node import Node
from ...autograd.ops import abs as magnitude
from ...autograd.ops import mean, mean_squared_error
from ..module import Module
from ..rows import number
from ..sequential import Layer
from .game import Duel, Game, Turn, beside
from .losses import AdversarialLoss, adversarial_loss


def l1(a: Node, b: Node) -> Node:
    """mean |a − b|, which blurs less than squares do."""
    return mean(magnitude(a - b))


class Paired(Duel):
    """What games with pairs have in common: a generator x → y whose result is close to the given y, by `content`, and looks real."""

    def forward(self, x: Node) -> Node:
        return self.generator(x)

    def judged(self, x: Node, y: Node) -> Node:
        """The discriminator's scores of y as what x is to become."""
        raise NotImplementedError(f"{type(self).__name__} has no judged(self, x, y) that gives the discriminator's scores")

    def content(self, made: Node, y: Node) -> Node:
        """How far what was made is from what was wanted."""
        raise NotImplementedError(f"{type(self).__name__} has no content(self, made, y) that says how far off it is")

    def discriminator_loss(self, x: Node, y: Node) -> Node:
        """What the discriminator minimizes for wanted and made y."""
        return self.loss.against(lambda given: self.judged(x, given), y, self.generator(x))


class Pix2Pix(Paired):
    """Images into images, learned from pairs (x, y). The discriminator sees x beside y, and what is made is to be close to y as well.
    Isola et al. 2016, arXiv:1611.07004.

    generator: its adversarial loss + weight·mean |G(x) − y|. The networks of the paper are UNet and PatchGAN; the noise is dropout.
    The discriminator takes both, joined along axis 1.

    >>> import nngraph as ng
    >>> from nngraph import nets
    >>> net = nets.Pix2Pix(nets.UNet(1, 1, [8, 16]), nets.PatchGAN(2, [8, 16]))
    >>> net(ng.input("x", shape=(5, 1, 8, 8))).shape
    (5, 1, 8, 8)
    """

    def __init__(
        self, generator: Module, discriminator: Module, *, weight: float = 100.0, loss: AdversarialLoss | str = "non-saturating"
    ) -> None:
        self.generator, self.discriminator = generator, discriminator
        self.weight = number(weight, "weight", least=0, of="Pix2Pix")
        self.loss = adversarial_loss(loss)

    def judged(self, x: Node, y: Node) -> Node:
        return self.discriminator(beside(x, y))

    def content(self, made: Node, y: Node) -> Node:
        return l1(made, y)

    def generator_loss(self, x: Node, y: Node) -> Node:
        made = self.generator(x)
        return self.loss.generator(self.judged(x, made)) + self.weight * self.content(made, y)


class SuperResolution(Paired):
    """Small images into large ones (SRGAN), learned from pairs (small, large): close in content, and with details that look real.
    Ledig et al. 2016, arXiv:1609.04802.

    generator: mean (f(G(x)) − f(y))² + weight·its adversarial loss. f, `features`, is a network that stays as it is, in the paper that of
    a classifier; without one the images themselves are compared. The discriminator sees large images only.
    """

    def __init__(
        self, generator: Module, discriminator: Module, *, weight: float = 1e-3, features: Layer | None = None,
        loss: AdversarialLoss | str = "non-saturating",
    ) -> None:  # fmt: skip
        self.generator, self.discriminator, self.features = generator, discriminator, features
        self.weight = number(weight, "weight", least=0, of="SuperResolution")
        self.loss = adversarial_loss(loss)

    def judged(self, x: Node, y: Node) -> Node:
        return self.discriminator(y)

    def content(self, made: Node, y: Node) -> Node:
        return mean_squared_error(made, y) if self.features is None else mean_squared_error(self.features(made), self.features(y))

    def generator_loss(self, x: Node, y: Node) -> Node:
        made = self.generator(x)
        return self.content(made, y) + self.weight * self.loss.generator(self.judged(x, made))


class CycleGAN(Game):
    """Two kinds of things turned into each other, learned from a heap of each: there and back again must be what it was. Zhu et al. 2017,
    arXiv:1703.10593. Learns from (a, b), whose rows do not belong together.

    generators: both adversarial losses + cycle·(|G_a(G_b(a)) − a| + |G_b(G_a(b)) − b|) + identity·cycle·(|G_b(b) − b| + |G_a(a) − a|),
    means over all numbers, where G_b makes b out of a and G_a the other way. Least squares by default, as in the paper.

    >>> import nngraph as ng
    >>> from nngraph import nets
    >>> net = nets.CycleGAN(*[nets.MLP([2, 8, out]) for out in (2, 2, 1, 1)])
    >>> list(net.children()), list(net.turns())
    (['to_a', 'to_b', 'judge_a', 'judge_b'], ['discriminators', 'generators'])
    """

    def __init__(
        self, to_a: Module, to_b: Module, judge_a: Module, judge_b: Module, *, cycle: float = 10.0, identity: float = 0.5,
        loss: AdversarialLoss | str = "least-squares",
    ) -> None:  # fmt: skip
        self.to_a, self.to_b, self.judge_a, self.judge_b = to_a, to_b, judge_a, judge_b
        self.cycle, self.identity = number(cycle, "cycle", least=0, of="CycleGAN"), number(identity, "identity", least=0, of="CycleGAN")
        self.loss = adversarial_loss(loss)

    def turns(self) -> dict[str, Turn]:
        return {
            "discriminators": Turn((self.judge_a, self.judge_b), self.discriminators_loss, self.loss.bound),
            "generators": Turn((self.to_a, self.to_b), self.generators_loss),
        }

    def forward(self, a: Node) -> Node:
        return self.to_b(a)

    def discriminators_loss(self, a: Node, b: Node) -> Node:
        return self.loss.against(self.judge_a, a, self.to_a(b)) + self.loss.against(self.judge_b, b, self.to_b(a))

    def generators_loss(self, a: Node, b: Node) -> Node:
        made_a, made_b = self.to_a(b), self.to_b(a)
        value = self.loss.generator(self.judge_a(made_a)) + self.loss.generator(self.judge_b(made_b))
        value = value + self.cycle * (l1(self.to_a(made_b), a) + l1(self.to_b(made_a), b))
        return value + self.identity * self.cycle * (l1(self.to_b(b), b) + l1(self.to_a(a), a)) if self.identity else value

    def cycle_loss(self, a: Node, b: Node) -> Node:
        """How far there and back again is from where it began: the sum of both ways, without its weight."""
        return l1(self.to_a(self.to_b(a)), a) + l1(self.to_b(self.to_a(b)), b)
