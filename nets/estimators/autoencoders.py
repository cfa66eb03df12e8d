"""Autoencoders as estimators: rows through a narrow code and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...autograd import ops
from ...autograd.errors import ParameterError
from ...autograd.node import Node
from .. import autoencoders
from ..feed_forward import MLP
from ..initialize import generator
from ..optimizers import Optimizer
from ..sequential import Sequential
from .feed_forward import sizes_and_start
from .kinds import NetCoder


class Autoencoder(NetCoder):
    """Rows through a narrow code and back: `transform` gives the codes, `reconstruct` what comes back, and `score` is
    minus the mean squared distance of the two. Rumelhart, Hinton and Williams 1986.

    It is imported from nngraph.nets.estimators, because nets.Autoencoder is the network itself: that takes an encoder
    and a decoder of any kind, which an estimator cannot do, as it is made without arguments and learns all sizes from
    the data.

    `hidden` are the units of the encoder's layers, the code last; the decoder has them turned round. The code is linear,
    or a sigmoid where `sparsity` is (rate, weight) and not None. `noise` is the spread of what is added to rows while it
    learns to give them back without (denoising, Vincent et al. 2008). The other settings are those of MLPClassifier.

    >>> from nngraph import nets
    >>> from nngraph.nets import data, estimators
    >>> (wine,) = data.standardized(data.wine())
    >>> learned = estimators.Autoencoder((3,), optimizer=nets.Adam(0.01), random_state=0).fit(wine.X)
    >>> learned.transform(wine.X).shape, -0.4 < learned.score(wine.X)  # of a variance of 1
    ((178, 3), True)
    """

    def __init__(
        self,
        hidden: int | Sequence[int] = (32,),
        activation: str = "relu",
        *,
        noise: float = 0.0,
        sparsity: tuple[float, float] | None = None,
        optimizer: Optimizer | None = None,
        epochs: int = 100,
        batch: int = 32,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        patience: int = 10,
        random_state: Any = None,
        engine: str | None = None,
    ) -> None:
        self.hidden = hidden
        self.activation = activation
        self.noise = noise
        self.sparsity = sparsity
        self.optimizer = optimizer
        self.epochs = epochs
        self.batch = batch
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.patience = patience
        self.random_state = random_state
        self.engine = engine

    def _build(self, seed: int) -> autoencoders.Autoencoder:
        hidden, start = sizes_and_start(self)
        if not hidden:
            raise ParameterError(f"Autoencoder(hidden={self.hidden!r}): the last of them is the code, such as (32, 8)")
        if isinstance(self.noise, bool) or not isinstance(self.noise, (int, float)) or not 0 <= self.noise < np.inf:
            raise ParameterError(f"Autoencoder(noise={self.noise!r}): a spread from 0 up")
        rng, activation = generator(seed), getattr(ops, self.activation)
        sizes = [self.n_features_in_, *hidden]
        encoder = MLP(sizes, activation, start=start, rng=rng)
        decoder = MLP(sizes[::-1], activation, start=start, rng=rng)
        return autoencoders.Autoencoder(
            encoder if self.sparsity is None else Sequential(encoder, ops.sigmoid),
            decoder,
            corrupt=autoencoders.gaussian_noise(float(self.noise)) if self.noise else None,
            sparsity=self.sparsity,
        )

    def _answer(self, net: Any, x: Node) -> Node:
        return net.encoder(x)

    def _decoded(self, net: Any, code: Node) -> Node:
        return net.decoder(code)
