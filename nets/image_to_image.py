"""Networks that make images: out of noise (DCGAN), out of images (U-Net, enlargement); and those that judge them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from ..autograd.errors import ParameterError, ShapeError
from ..autograd.node import Node
from ..autograd.ops import concat, leaky_relu, relu, reshape, tanh, transpose
from .convolution import Conv2d, ConvTranspose2d
from .dropout import Dropout
from .initialize import Rng, generator, normal
from .linear import Linear
from .module import Module
from .norms import BatchNorm
from .pooling import Flatten
from .rows import number, whole, wholes
from .sequential import Layer, Sequential


def leaky(x: Node) -> Node:
    """Leaky ReLU with slope 0.2, as discriminators have it since Radford et al. 2015."""
    return leaky_relu(x, slope=0.2)


def pixel_shuffle(x: Node, by: int) -> Node:
    """Channels laid out as pixels: (N, C·by², H, W) → (N, C, H·by, W·by). Shi et al. 2016, arXiv:1609.05158.

    >>> import nngraph as ng, numpy as np
    >>> from nngraph import nets
    >>> nets.pixel_shuffle(ng.constant(np.arange(4.0).reshape(1, 4, 1, 1)), 2).value[0, 0]
    array([[0., 1.],
           [2., 3.]])
    """
    by = whole(by, "by", of="pixel_shuffle")
    if len(x.shape) != 4:
        raise ShapeError(f"pixel_shuffle takes (batch, channels, height, width); it was given shape {tuple(map(int, x.shape))}")
    n, channels, height, width = x.shape
    if channels % by**2:
        raise ShapeError(f"pixel_shuffle: {int(channels)} channels are not a multiple of {by}²")
    blocks = reshape(x, shape=(n, int(channels) // by**2, by, by, height, width))
    return reshape(transpose(blocks, axes=(0, 1, 4, 2, 5, 3)), shape=(n, int(channels) // by**2, height * by, width * by))


class DCGANGenerator(Module):
    """Noise into images by transposed convolutions: (N, latent) → (N, outputs, H, W) between −1 and 1. Radford, Metz and Chintala 2015,
    arXiv:1511.06434.

    A linear layer makes `channels[0]` small images, and each stage doubles their sides: 4x4 windows with stride 2, batch normalization
    and ReLU; tanh at the end. `lengths` are those of the result.

    >>> import nngraph as ng
    >>> from nngraph import nets
    >>> nets.DCGANGenerator(16, [32, 16], 1, lengths=(8, 8))(ng.input("z", shape=(5, 16))).shape
    (5, 1, 8, 8)
    """

    def __init__(
        self, latent: int, channels: Sequence[int], outputs: int, *, lengths: tuple[int, int], rng: Rng = None, dtype: Any = "float32"
    ) -> None:
        channels, lengths = wholes(channels, "channels", of="DCGANGenerator"), wholes(lengths, "lengths", 2, of="DCGANGenerator")
        rng, by = generator(rng), 2 ** len(channels)
        if any(length % by for length in lengths):
            raise ParameterError(f"DCGANGenerator: {len(channels)} stages make images whose sides are multiples of {by}, not {lengths}")
        settings: dict[str, Any] = {"start": normal(0.02), "rng": rng, "dtype": dtype}
        self.small = (channels[0], lengths[0] // by, lengths[1] // by)
        self.seed = Linear(latent, int(np.prod(self.small)), bias=False, **settings)
        layers: list[Layer] = [BatchNorm(channels[0], dtype=dtype), relu]
        for inputs, width in pairwise(channels):
            layers += [ConvTranspose2d(inputs, width, 4, stride=2, padding=1, bias=False, **settings), BatchNorm(width, dtype=dtype), relu]
        self.stages = Sequential(*layers, ConvTranspose2d(channels[-1], outputs, 4, stride=2, padding=1, **settings), tanh)

    def forward(self, z: Node) -> Node:
        return self.stages(reshape(self.seed(z), shape=(z.shape[0], *self.small)))


class DCGANDiscriminator(Sequential):
    """Images into one score by convolutions that halve the sides, with leaky ReLU, and batch normalization from the second on: (N, inputs,
    H, W) → (N, 1). Radford, Metz and Chintala 2015, arXiv:1511.06434. `norm=False` leaves the normalization out, as WGAN-GP needs it.

    >>> import nngraph as ng
    >>> from nngraph import nets
    >>> nets.DCGANDiscriminator(1, [16, 32], lengths=(8, 8))(ng.input("x", shape=(5, 1, 8, 8))).shape
    (5, 1)
    """

    def __init__(
        self, inputs: int, channels: Sequence[int], *, lengths: tuple[int, int], outputs: int = 1, norm: bool = True,
        rng: Rng = None, dtype: Any = "float32",
    ) -> None:  # fmt: skip
        channels, lengths = wholes(channels, "channels", of="DCGANDiscriminator"), wholes(lengths, "lengths", 2, of="DCGANDiscriminator")
        rng, by = generator(rng), 2 ** len(channels)
        if any(length % by for length in lengths):
            raise ParameterError(f"DCGANDiscriminator: {len(channels)} stages halve images whose sides are multiples of {by}, not {lengths}")
        settings: dict[str, Any] = {"start": normal(0.02), "rng": rng, "dtype": dtype}
        layers: list[Layer] = [Conv2d(inputs, channels[0], 4, stride=2, padding=1, **settings), leaky]
        for before, width in pairwise(channels):
            layers += [Conv2d(before, width, 4, stride=2, padding=1, bias=not norm, **settings), *[BatchNorm(width, dtype=dtype)] * norm, leaky]
        left = channels[-1] * (lengths[0] // by) * (lengths[1] // by)
        super().__init__(*layers, Flatten(), Linear(left, outputs, **settings))


class PatchGAN(Sequential):
    """A score for every patch of an image instead of one for all of it: (N, inputs, H, W) → (N, 1, H/2ᵏ, W/2ᵏ) after k = len(channels)
    stages of 4x4 windows with stride 2. Isola et al. 2016, arXiv:1611.07004.

    >>> import nngraph as ng
    >>> from nngraph import nets
    >>> nets.PatchGAN(2, [8, 16])(ng.input("x", shape=(5, 2, 16, 16))).shape
    (5, 1, 4, 4)
    """

    def __init__(self, inputs: int, channels: Sequence[int], *, rng: Rng = None, dtype: Any = "float32") -> None:
        channels = wholes(channels, "channels", of="PatchGAN")
        settings: dict[str, Any] = {"start": normal(0.02), "rng": generator(rng), "dtype": dtype}
        layers: list[Layer] = [Conv2d(inputs, channels[0], 4, stride=2, padding=1, **settings), leaky]
        for before, width in pairwise(channels):
            layers += [Conv2d(before, width, 4, stride=2, padding=1, bias=False, **settings), BatchNorm(width, dtype=dtype), leaky]
        super().__init__(*layers, Conv2d(channels[-1], 1, 3, padding=1, **settings))


class UNet(Module):
    """Down to a small image with many channels and up again, and at every size what was there on the way down is put beside what comes up:
    (N, inputs, H, W) → (N, outputs, H, W). Ronneberger, Fischer and Brox 2015, arXiv:1505.04597; with strides and a norm in every
    stage, after Isola et al. 2016.

    Each of `channels` is a stage that halves the sides, which must be multiples of 2ᵏ. `dropout` stands in the first stage up. The result
    goes through `activation`, tanh unless said otherwise.

    >>> import nngraph as ng
    >>> from nngraph import nets
    >>> net = nets.UNet(1, 3, [8, 16, 32])
    >>> net(ng.input("x", shape=(5, 1, 16, 16))).shape
    (5, 3, 16, 16)
    """

    def __init__(
        self, inputs: int, outputs: int, channels: Sequence[int], *, dropout: float = 0.0, activation: Layer = tanh,
        rng: Rng = None, dtype: Any = "float32",
    ) -> None:  # fmt: skip
        channels = wholes(channels, "channels", of="UNet")
        number(dropout, "dropout", least=0, below=1, of="UNet")
        settings: dict[str, Any] = {"bias": False, "start": normal(0.02), "rng": generator(rng), "dtype": dtype}
        self.activation = activation
        widths = [inputs, *channels]
        self.downs = [
            Sequential(Conv2d(a, b, 4, stride=2, padding=1, **settings), BatchNorm(b, dtype=dtype), leaky) for a, b in pairwise(widths)
        ]
        ups: list[Sequential] = []
        for stage in range(len(channels), 1, -1):
            # From the second on, what comes up and what was there: twice as many channels.
            given = widths[stage] * (1 if stage == len(channels) else 2)
            drop = [Dropout(dropout)] * bool(dropout and stage == len(channels))
            up = ConvTranspose2d(given, widths[stage - 1], 4, stride=2, padding=1, **settings)
            ups.append(Sequential(up, BatchNorm(widths[stage - 1], dtype=dtype), *drop, relu))
        self.ups = ups
        last = widths[1] * (1 if len(channels) == 1 else 2)
        self.top = ConvTranspose2d(last, outputs, 4, stride=2, padding=1, **{**settings, "bias": True})

    def forward(self, x: Node) -> Node:
        by = 2 ** len(self.downs)
        if len(x.shape) != 4 or any(length % by for length in x.shape[2:]):
            raise ShapeError(f"UNet {self.label!r} takes (batch, channels, height, width) with sides that are multiples of {by}; it was given {tuple(map(int, x.shape))}")
        seen = []
        for down in self.downs:
            x = down(x)
            seen.append(x)
        for up, there in zip(self.ups, reversed(seen[:-1]), strict=True):
            x = concat(up(x), there, axis=1)
        return self.activation(self.top(x))


class Upscaler(Sequential):
    """Images made larger: convolutions, then one that gives `by`² numbers for each pixel, laid out as pixels: (N, inputs, H, W) → (N,
    inputs, H·by, W·by). Shi et al. 2016, arXiv:1609.05158 (sub-pixel convolution).

    >>> import nngraph as ng
    >>> from nngraph import nets
    >>> nets.Upscaler(1, [16, 16], by=2)(ng.input("x", shape=(5, 1, 4, 4))).shape
    (5, 1, 8, 8)
    """

    def __init__(self, inputs: int, channels: Sequence[int], *, by: int = 2, rng: Rng = None, dtype: Any = "float32") -> None:
        channels, by = wholes(channels, "channels", of="Upscaler"), whole(by, "by", of="Upscaler")
        settings: dict[str, Any] = {"rng": generator(rng), "dtype": dtype}
        layers: list[Layer] = []
        for before, width in pairwise([inputs, *channels]):
            layers += [Conv2d(before, width, 3, padding=1, **settings), relu]
        super().__init__(*layers, Conv2d(channels[-1], inputs * by**2, 3, padding=1, **settings), lambda x: pixel_shuffle(x, by))
