"""Autoencoders: networks that say what they were given, through a code that is too narrow, too sparse or too noisy to copy.

A variant is its two networks, its loss, and what is done to the input while it learns.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..autograd.errors import ParameterError, ShapeError
from ..autograd.leaves import as_node
from ..autograd.node import Node
from ..autograd.ops import (
    bernoulli,
    binary_cross_entropy_logits,
    broadcast,
    cast,
    exp,
    log,
    maximum,
    mean,
    mean_squared_error,
    normal,
    sigmoid,
    square,
)
from ..autograd.ops import sum as total
from .mode import Training, current_training
from .module import Module
from .rows import all_fine, number, whole
from .sequential import Layer, check_layer

Corruption = Callable[[Node, Training], Node]
"""(input, the training it is for) -> what the encoder is given instead."""


def gaussian_noise(spread: float) -> Corruption:
    """Noise from the bell curve added to every number. Vincent et al. 2010."""
    number(spread, "spread", least=0, of="gaussian_noise")
    return lambda x, learning: normal(
        x.shape, x, spread, seed=learning.seed, step=learning.step, name="noise", draw=0, dtype=x.dtype.name
    )


def masking_noise(share: float) -> Corruption:
    """A share of the numbers set to 0. Vincent et al. 2008."""
    number(share, "share", least=0, most=1, of="masking_noise")
    return lambda x, learning: x * bernoulli(
        broadcast(as_node(1 - share, x.dtype), shape=x.shape), seed=learning.seed, step=learning.step, name="mask", draw=0
    )


class Autoencoder(Module):
    """An autoencoder, decoder(encoder(x)) learned so that it is x again: (N, …) → (N, …). Rumelhart, Hinton and Williams 1986; with
    layers of convolution and transposed convolution Masci et al. 2011.

    `corrupt` spoils what the encoder is given while learning, and the loss still asks for the clean x (denoising, Vincent et al. 2008).
    `sparsity` adds weight·Σ KL(rate ‖ mean activity of each code unit over the batch), for codes between 0 and 1, such as a sigmoid gives; it is (rate, weight).
    Ng 2011, Sparse Autoencoder (CS294A lecture notes). `loss` takes what came out and x, Σ(y − x)²/count unless told otherwise. With a second input,
    `observed` m, 1 where x is known and 0 elsewhere, it is Σ m(y − x)²/Σ m: only what is known counts. Sedhain et al. 2015 (AutoRec).
    With scikit-learn's conventions, for dense layers, it is nets.estimators.Autoencoder.

    >>> import nngraph as ng
    >>> from nngraph import nets
    >>> net = nets.Autoencoder(nets.Linear(64, 8), nets.Linear(8, 64))
    >>> net(ng.input("x", shape=(5, 64))).shape, net.encoder(ng.input("x", shape=(5, 64))).shape
    ((5, 64), (5, 8))
    """

    def __init__(
        self,
        encoder: Layer,
        decoder: Layer,
        *,
        loss: Callable[[Node, Node], Node] = mean_squared_error,
        corrupt: Corruption | None = None,
        sparsity: tuple[float, float] | None = None,
    ) -> None:
        check_layer(encoder, "encoder of Autoencoder")
        check_layer(decoder, "decoder of Autoencoder")
        for name, function in (("loss", loss), ("corrupt", corrupt)):
            if function is not None and not callable(function):
                raise ParameterError(f"Autoencoder({name}={function!r}): a function of nodes is needed")
        self.encoder, self.decoder, self.loss, self.corrupt = encoder, decoder, loss, corrupt
        if sparsity is not None:
            if not isinstance(sparsity, (tuple, list)) or len(sparsity) != 2:
                raise ParameterError(f"Autoencoder(sparsity={sparsity!r}): (rate, weight) is needed, such as (0.1, 3.0)")
            number(sparsity[0], "sparsity rate", above=0, below=1)
            number(sparsity[1], "sparsity weight", least=0)
        self.sparsity = sparsity

    def check_data(self, *arrays: np.ndarray) -> None:
        if self.sparsity is not None:
            code = self.encoder(as_node(arrays[0][:100])).value
            if not ((code >= 0) & (code <= 1)).all():
                raise ParameterError(
                    f"sparsity={self.sparsity!r} is for codes between 0 and 1; the encoder gives {code.min():g} to {code.max():g}."
                    " Let it end with a sigmoid"
                )
        if len(arrays) > 1:
            all_fine(arrays[1], np.isin(arrays[1], (0, 1)), "observed", "1 is known and 0 is not")

    def forward(self, x: Node) -> Node:
        return self.decoder(self.encoder(x))

    def objective(self, x: Node, observed: Node | None = None) -> Node:
        """The loss of what comes out for x, spoiled while learning, and what the code costs."""
        learning = current_training()
        given = x if self.corrupt is None or learning is None else self.corrupt(x, learning)
        code = self.encoder(given)
        came = self.decoder(code)
        if came.shape != x.shape:
            raise ShapeError(
                f"the decoder gives {tuple(map(int, came.shape))} for an input of {tuple(map(int, x.shape))}; they must be alike"
            )
        if observed is None:
            loss = self.loss(came, x)
        else:
            if observed.shape != x.shape:
                seen, shape = tuple(map(int, observed.shape)), tuple(map(int, x.shape))
                raise ShapeError(f"observed has shape {seen}, x {shape}; it says of each number of x whether it is known")
            known = cast(observed, dtype=x.dtype.name)
            loss = total(known * square(came - x)) / maximum(total(known), 1.0)
        if self.sparsity is None:
            return loss
        rate, weight = self.sparsity
        active = mean(code, axis=0)
        apart = rate * log(rate / active) + (1 - rate) * log((1 - rate) / (1 - active))
        return loss + weight * total(apart)


class VariationalAutoencoder(Module):
    """A variational autoencoder, whose codes can be drawn from a bell curve and decoded. The encoder gives a bell curve for each x, and
    all of them are pulled towards the standard one. Kingma and Welling 2013, arXiv:1312.6114.

    The encoder gives (N, 2·latent): means μ and logarithms of variances ln σ². The decoder gives logits of x in [0, 1]. `objective` is
    −ELBO per example: −Σ ln p(x|z) + KL, with z = μ + σ·ε and KL = ½ Σ(μ² + σ² − ln σ² − 1). It is at least −ln p(x), by how far
    q(z|x) is from p(z|x). `beta` weighs KL (Higgins et al. 2017).

    >>> import nngraph as ng
    >>> from nngraph import nets
    >>> net = nets.VariationalAutoencoder(nets.MLP([64, 30, 4]), nets.MLP([2, 30, 64]), latent=2)
    >>> net(ng.input("x", shape=(5, 64))).shape, net.decode([[0.0, 1.0]]).shape
    ((5, 64), (1, 64))
    """

    def __init__(self, encoder: Layer, decoder: Layer, latent: int, *, beta: float = 1.0) -> None:
        check_layer(encoder, "encoder of VariationalAutoencoder")
        check_layer(decoder, "decoder of VariationalAutoencoder")
        self.encoder, self.decoder = encoder, decoder
        self.latent = whole(latent, "latent", of="VariationalAutoencoder")
        self.beta = number(beta, "beta", least=0, of="VariationalAutoencoder")

    def check_data(self, *arrays: np.ndarray) -> None:
        all_fine(arrays[0], (arrays[0] >= 0) & (arrays[0] <= 1), "data", "what is decoded are probabilities, so that it takes 0 to 1")

    def code(self, x: Any) -> tuple[Node, Node]:
        """Means and logarithms of variances of the codes for x: two of (N, latent)."""
        both = self.encoder(x)
        if both.shape[-1] != 2 * self.latent:
            raise ShapeError(f"the encoder gives {int(both.shape[-1])} numbers for a code of {self.latent}; means and variances are {2 * self.latent}")
        return both[:, : self.latent], both[:, self.latent :]

    def forward(self, x: Node) -> Node:
        """What comes back for the mean of the code, in [0, 1]."""
        return sigmoid(self.decoder(self.code(x)[0]))

    def decode(self, z: Any) -> Node:
        """What codes z (N, latent) mean, in [0, 1]."""
        return sigmoid(self.decoder(z))

    def objective(self, x: Node) -> Node:
        """−ELBO, the mean over the examples; while learning with one draw of the code each, otherwise at the code's mean."""
        mu, variance_log = self.code(x)
        learning, z = current_training(), mu
        if learning is not None:
            noise = normal(mu.shape, seed=learning.seed, step=learning.step, name="code", draw=0, dtype=mu.dtype.name)
            z = mu + exp(0.5 * variance_log) * noise
        logits = self.decoder(z)
        # A mean over the rows of the sum within each, as the loss of classes is.
        spoken = binary_cross_entropy_logits(logits, x)
        apart = 0.5 * mean(total(square(mu) + exp(variance_log) - variance_log - 1, axis=1))
        return spoken + self.beta * apart
