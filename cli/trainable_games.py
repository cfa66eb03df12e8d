"""Games that `nngraph train` trains: pairs of networks for the data at hand. Who wants what is nets' own table of losses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..autograd.language import translate as _
from .errors import CommandError
from .trainable import SAMPLES, Model, Task, drawn, is_share, seen, side_of

if TYPE_CHECKING:
    from ..nets.adversarial.losses import AdversarialLoss
    from ..nets.module import Module

F_GAN = "f-gan "
"""Before the name of a divergence."""


def gan(task: Task, hidden: Sequence[int], settings: Mapping[str, Any]) -> Model:
    """A generator and a discriminator of linear layers, the hidden ones of the second in the opposite order."""
    from ..nets.adversarial.generating import GAN

    X, latent, count = _spread(task), settings["latent"], task.train.X.shape[1]
    net = GAN(_maker(task, latent, hidden, settings), _judge(count, hidden, settings), latent, loss=_loss(settings["loss"]))
    made = net.sample(_many(task), settings["seed"])
    return Model(net, None, (X,), None, {}, samples=drawn(made, settings["engine"]), shown=_seen(task))


def conditional(task: Task, hidden: Sequence[int], settings: Mapping[str, Any]) -> Model:
    """The same, told a class; what is looked at has a column for each class."""
    from ..nets.adversarial.generating import ConditionalGAN

    X, latent, classes, count = _spread(task), settings["latent"], len(task.train.classes), task.train.X.shape[1]
    if not classes:
        raise CommandError(_("conditional is told classes, and {data} has none", data=task.name), _("gan needs none"))
    generator, discriminator = _maker(task, latent + classes, hidden, settings), _judge(count + classes, hidden, settings)
    net = ConditionalGAN(generator, discriminator, latent, classes, loss=_loss(settings["loss"]))
    made = net.sample(np.tile(np.arange(classes), max(1, _many(task) // classes)), settings["seed"])
    return Model(net, None, (X, task.train.t), None, {}, samples=drawn(made, settings["engine"]), shown=_seen(task, classes))


def dcgan(task: Task, hidden: Sequence[int], settings: Mapping[str, Any]) -> Model:
    """Images by convolutions: `hidden` are the channels of the generator's stages, each of which doubles the sides."""
    from ..autograd.errors import ParameterError
    from ..nets.adversarial.generating import GAN
    from ..nets.image_to_image import DCGANDiscriminator, DCGANGenerator

    side, latent, seed, loss = side_of(task.train.X.shape[1]), settings["latent"], settings["seed"], _loss(settings["loss"])
    if side is None or not is_share(task.train.X):
        raise CommandError(_("dcgan makes square images of one channel, and the rows of {data} are none", data=task.name), _("gan takes any numbers"))
    try:
        generator = DCGANGenerator(latent, hidden, 1, lengths=(side, side), rng=seed)
        # A norm over the batch mixes examples, so that a penalty on the slope of each is no longer its own.
        discriminator = DCGANDiscriminator(1, hidden[::-1], lengths=(side, side), norm=not loss.penalty, rng=seed + 1)
    except ParameterError as error:
        raise CommandError(str(error), _("for example {example}", example="--hidden 16,8")) from None
    net = GAN(generator, discriminator, latent, loss=loss)
    X = _spread(task).reshape(-1, 1, side, side)
    return Model(net, None, (X,), None, {}, samples=drawn(net.sample(SAMPLES, seed), settings["engine"]), shown=_seen(task))


def _loss(name: str) -> AdversarialLoss:
    """A pair of losses by name; "f-gan pearson" and the like are made for the divergence."""
    from ..nets.adversarial.f_divergences import divergences, f_gan
    from ..nets.adversarial.losses import adversarial_losses

    known = [*adversarial_losses, *(F_GAN + each for each in divergences)]
    if name not in known:
        from difflib import get_close_matches

        near = get_close_matches(name, known, 1)
        raise CommandError(_("there is no pair of losses {name}", name=name), _("did you mean {name}?", name=near[0]) if near else _("there are {known}", known=", ".join(known)))  # fmt: skip
    return adversarial_losses[name] if name in adversarial_losses else f_gan(name.removeprefix(F_GAN))


def _spread(task: Task) -> np.ndarray:
    """Pixels between −1 and 1, as tanh gives them; other numbers as they are."""
    X = task.train.X
    return 2 * X - 1 if is_share(X) else X


def _maker(task: Task, given: int, hidden: Sequence[int], settings: Mapping[str, Any]) -> Module:
    from ..autograd.ops import tanh
    from ..nets.feed_forward import MLP
    from ..nets.sequential import Sequential

    net = MLP([given, *hidden, task.train.X.shape[1]], rng=settings["seed"])
    return Sequential(net, tanh) if is_share(task.train.X) else net


def _judge(given: int, hidden: Sequence[int], settings: Mapping[str, Any]) -> Module:
    from ..nets.feed_forward import MLP
    from ..nets.image_to_image import leaky

    return MLP([given, *hidden[::-1], 1], leaky, rng=settings["seed"] + 1)


def _many(task: Task) -> int:
    """Points are small, so that more of them are looked at."""
    return SAMPLES if side_of(task.train.X.shape[1]) else 500


def _seen(task: Task, columns: int | None = None) -> Any:
    return seen(task, -1.0 if is_share(task.train.X) else 0.0, 1.0, columns)
