"""Games that make something out of noise: a generator that wants to be taken for the data, a discriminator that tells them apart."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...autograd.errors import ParameterError
from ...autograd.leaves import as_node, constant
from ...autograd.node import Node
from ...autograd.ops import half_squared_error, one_hot, softmax_loss, stop_gradient
from ..module import Module
from ..rows import check_numbers, number, whole
from .game import Duel, Game, Turn, beside, evenly, noise, one_of, parts_of
from .losses import AdversarialLoss, adversarial_loss


class GAN(Duel):
    """A generator makes examples out of noise, a discriminator gives scores for how real they look, and each learns against the other.
    Goodfellow et al. 2014, arXiv:1406.2661. Noise is z (N, latent), scores are (N, 1).

    `loss` is a pair of losses, by name or an AdversarialLoss: minimax, non-saturating, least-squares (LSGAN), wasserstein (WGAN),
    wasserstein-gp (WGAN-GP), hinge, or `nets.f_gan("pearson")`. The discriminator gives scores, without a sigmoid.

    >>> import nngraph as ng
    >>> from nngraph import nets
    >>> net = nets.GAN(nets.MLP([4, 16, 2]), nets.MLP([2, 16, 1]), latent=4)
    >>> net.sample(10).shape
    (10, 2)
    >>> with net.turn("generator"):
    ...     sorted(net.trainable())
    ['generator/layer1/W', 'generator/layer1/b', 'generator/layer2/W', 'generator/layer2/b']
    """

    def __init__(self, generator: Module, discriminator: Module, latent: int, *, loss: AdversarialLoss | str = "non-saturating") -> None:
        self.generator, self.discriminator = generator, discriminator
        self.latent = whole(latent, "latent", of=type(self).__name__)
        self.loss = adversarial_loss(loss)

    def forward(self, z: Node) -> Node:
        return self.generator(z)

    def sample(self, rows: int, seed: int = 0) -> Node:
        """So many examples of the generator's, as a node: what a seed draws is always the same."""
        return self(noise(whole(rows, "rows"), self.latent, "sample", whole(seed, "seed", 0)))

    def discriminator_loss(self, x: Node) -> Node:
        """What the discriminator minimizes for a batch of data and as many generated examples."""
        return self.loss.against(self.discriminator, x, self.generator(noise(x.shape[0], self.latent, "discriminator")))

    def generator_loss(self, x: Node) -> Node:
        """What the generator minimizes; of the batch only the number of rows is used."""
        return self.loss.generator(self.discriminator(self.generator(noise(x.shape[0], self.latent, "generator"))))


class ConditionalGAN(GAN):
    """A GAN that is told which class to make. The generator gets (z, y) and the discriminator (x, y), with y a row of 0 and one 1. Mirza
    and Osindero 2014, arXiv:1411.1784.

    Learns from (x, t), t class numbers. The generator takes (N, latent + classes); the discriminator takes x with as many more columns,
    or channels, as there are classes.

    >>> from nngraph import nets
    >>> net = nets.ConditionalGAN(nets.MLP([4 + 3, 16, 2]), nets.MLP([2 + 3, 16, 1]), latent=4, classes=3)
    >>> net.sample([0, 1, 2, 2]).shape
    (4, 2)
    """

    def __init__(
        self, generator: Module, discriminator: Module, latent: int, classes: int, *, loss: AdversarialLoss | str = "non-saturating"
    ) -> None:
        super().__init__(generator, discriminator, latent, loss=loss)
        self.classes = whole(classes, "classes", of=type(self).__name__)

    def check_data(self, *arrays: np.ndarray) -> None:
        check_numbers(arrays[1:], (self.classes,), ("class",))

    def forward(self, z: Node, t: Any) -> Node:
        """What the generator makes of noise (N, latent) for classes t (N,)."""
        return self.generator(beside(z, self._told(t, z)))

    def sample(self, t: Any, seed: int = 0) -> Node:
        """An example of each of the classes t (N,)."""
        t = as_node(t)
        return self(noise(t.shape[0], self.latent, "sample", whole(seed, "seed", 0)), t)

    def discriminator_loss(self, x: Node, t: Node) -> Node:
        fake = self._made(t, "discriminator")
        told = self._told(t, fake)
        return self.loss.against(lambda given: self.discriminator(beside(given, told)), x, fake)

    def generator_loss(self, x: Node, t: Node) -> Node:
        fake = self._made(t, "generator")
        return self.loss.generator(self.discriminator(beside(fake, self._told(t, fake))))

    def _made(self, t: Node, turn: str) -> Node:
        return self.forward(noise(t.shape[0], self.latent, turn), t)

    def _told(self, t: Any, like: Node) -> Node:
        return one_hot(as_node(t), classes=self.classes, dtype=like.dtype.name)


class ACGAN(ConditionalGAN):
    """A GAN whose discriminator names the class instead of being told it. It gives (N, 1 + classes), a score and one for each class, and
    both sides want the classes to be right. Odena, Olah and Shlens 2016, arXiv:1610.09585.

    discriminator: L_s + CE(x, t) + CE(G(z, t), t); generator: its loss + CE(G(z, t), t), with CE the cross entropy.
    """

    def discriminator_loss(self, x: Node, t: Node) -> Node:
        fake = stop_gradient(self._made(t, "discriminator"))
        (real, right), (made, named) = self._judged(x), self._judged(fake)
        value = self.loss.against(lambda given: self._judged(given)[0], x, fake, (real, made))
        return value + softmax_loss(right, t) + softmax_loss(named, t)

    def generator_loss(self, x: Node, t: Node) -> Node:
        score, named = self._judged(self._made(t, "generator"))
        return self.loss.generator(score) + softmax_loss(named, t)

    def _judged(self, x: Node) -> tuple[Node, ...]:
        """How real x looks, and how likely each class is."""
        return parts_of(self.discriminator(x), 1, self.classes)


class InfoGAN(GAN):
    """A GAN that learns without targets what to call things. Part of the noise is a code c, and both sides want it to be readable from
    G(z, c), which bounds their mutual information from below. Chen et al. 2016, arXiv:1606.03657.

    The code is one of `categories` and `numbers` evenly between −1 and 1. The generator takes (N, latent + categories + numbers), the
    discriminator gives (N, 1 + categories + numbers). Both losses gain weight·(CE + ½ Σ(ĉ − c)²): −ln q(c|x) with spread 1.

    >>> from nngraph import nets
    >>> net = nets.InfoGAN(nets.MLP([4 + 3 + 1, 16, 2]), nets.MLP([2, 16, 1 + 3 + 1]), latent=4, categories=3, numbers=1)
    >>> net.sample(5).shape
    (5, 2)
    """

    def __init__(
        self, generator: Module, discriminator: Module, latent: int, categories: int, numbers: int = 0, *, weight: float = 1.0,
        loss: AdversarialLoss | str = "non-saturating",
    ) -> None:  # fmt: skip
        super().__init__(generator, discriminator, latent, loss=loss)
        self.categories, self.numbers = whole(categories, "categories", of="InfoGAN"), whole(numbers, "numbers", 0, of="InfoGAN")
        self.weight = number(weight, "weight", least=0, of="InfoGAN")

    def sample(self, rows: int, seed: int = 0, category: int | None = None) -> Node:
        """So many examples, with categories that are drawn, or all of one."""
        if category is not None and whole(category, "category", 0) >= self.categories:
            raise ParameterError(f"category={category}: there are {self.categories} categories, numbered 0 to {self.categories - 1}")
        return self._made(whole(rows, "rows"), "sample", whole(seed, "seed", 0), category)[0]

    def discriminator_loss(self, x: Node) -> Node:
        fake, category, numbers = self._made(x.shape[0], "discriminator")
        (real, *_), (made, *read) = self._judged(x), self._judged(stop_gradient(fake))
        value = self.loss.against(lambda given: self._judged(given)[0], x, fake, (real, made))
        return value + self._unread(*read, category, numbers)

    def generator_loss(self, x: Node) -> Node:
        fake, category, numbers = self._made(x.shape[0], "generator")
        made, *read = self._judged(fake)
        return self.loss.generator(made) + self._unread(*read, category, numbers)

    def _judged(self, x: Node) -> tuple[Node, ...]:
        """How real x looks, and what is read of its code: categories and numbers."""
        return parts_of(self.discriminator(x), 1, self.categories, self.numbers)

    def _made(self, rows: int, turn: str, seed: int = 0, category: int | None = None) -> tuple[Node, Node, Node | None]:
        """Examples, the categories they are made of and their numbers."""
        if category is None:
            drawn = one_of(rows, self.categories, "category", turn, seed)
        else:
            drawn = constant(np.full(rows, category))
        z = noise(rows, self.latent, turn, seed)
        given = beside(z, one_hot(drawn, classes=self.categories, dtype=z.dtype.name))
        if not self.numbers:
            return self.generator(given), drawn, None
        numbers = evenly(rows, self.numbers, "code", turn, seed)
        return self.generator(beside(given, numbers)), drawn, numbers

    def _unread(self, named: Node, read: Node, category: Node, numbers: Node | None) -> Node:
        """−ln q(c|x), the mean over the batch."""
        lost = softmax_loss(named, category)
        if numbers is not None:
            lost = lost + half_squared_error(read, numbers) / numbers.shape[0]
        return self.weight * lost


class DRGAN(Game):
    """A generator that turns what it is shown into another pose and keeps who it is. It is decoder(encoder(x), pose, z), against a
    discriminator that names who and how: (N, identities + 1 + poses), where the last identity is "made". Tran, Yin and Liu 2017, CVPR.

    Learns from (x, identity, pose). discriminator: CE of who and how for x, CE of "made" for what was made; generator: CE of the
    identity of x and of the pose that was asked for. The decoder takes (N, code + poses + latent). What the encoder gives knows who,
    and not how: that is the disentangled representation.

    >>> import nngraph as ng, numpy as np
    >>> from nngraph import nets
    >>> net = nets.DRGAN(nets.MLP([8, 6]), nets.MLP([6 + 4 + 2, 8]), nets.MLP([8, 5 + 1 + 4]), latent=2, identities=5, poses=4)
    >>> net(ng.input("x", shape=(3, 8)), np.array([0, 1, 3])).shape
    (3, 8)
    """

    def __init__(self, encoder: Module, decoder: Module, discriminator: Module, *, latent: int, identities: int, poses: int) -> None:
        self.encoder, self.decoder, self.discriminator = encoder, decoder, discriminator
        sizes = {"latent": latent, "identities": identities, "poses": poses}
        self.latent, self.identities, self.poses = (whole(value, name, of="DRGAN") for name, value in sizes.items())

    def check_data(self, *arrays: np.ndarray) -> None:
        check_numbers(arrays[1:], (self.identities, self.poses), ("identity", "pose"))

    def turns(self) -> dict[str, Turn]:
        return {
            "discriminator": Turn((self.discriminator,), self.discriminator_loss),
            "generator": Turn((self.encoder, self.decoder), self.generator_loss),
        }

    def forward(self, x: Node, pose: Any, z: Node | None = None) -> Node:
        """x in other poses (N,); without noise unless some is given."""
        code, pose = self.encoder(x), as_node(pose)
        z = constant(np.zeros((int(x.shape[0]), self.latent), code.dtype)) if z is None else z
        return self.decoder(beside(code, one_hot(pose, classes=self.poses, dtype=code.dtype.name), z))

    def discriminator_loss(self, x: Node, identity: Node, pose: Node) -> Node:
        made = constant(np.full(int(x.shape[0]), self.identities))
        who, how = self._named(x)
        taken, _ = self._named(stop_gradient(self._turned(x, "discriminator")[0]))
        return softmax_loss(who, identity) + softmax_loss(how, pose) + softmax_loss(taken, made)

    def generator_loss(self, x: Node, identity: Node, pose: Node) -> Node:
        fake, wanted = self._turned(x, "generator")
        who, how = self._named(fake)
        return softmax_loss(who, identity) + softmax_loss(how, wanted)

    def _turned(self, x: Node, turn: str) -> tuple[Node, Node]:
        wanted = one_of(x.shape[0], self.poses, "pose", turn)
        return self.forward(x, wanted, noise(x.shape[0], self.latent, turn)), wanted

    def _named(self, x: Node) -> tuple[Node, Node]:
        who, how = parts_of(self.discriminator(x), self.identities + 1, self.poses)
        return who, how
