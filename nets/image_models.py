"""Networks that look at images: LeNet, a small convolutional network of any depth, residual blocks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from ..autograd.errors import ParameterError
from ..autograd.node import Node
from ..autograd.ops import relu, tanh
from .convolution import Conv2d
from .dropout import Dropout
from .initialize import Rng, generator, he, xavier
from .linear import Linear
from .norms import BatchNorm
from .pooling import AveragePool2d, Flatten, GlobalAveragePool, MaxPool2d
from .rows import whole, wholes
from .sequential import Layer, Residual, Sequential


class LeNet(Sequential):
    """Two convolutions with pooling, then three linear layers: images (N, channels, 28, 28) → scores (N, classes).
    LeCun et al. 1998, with a linear layer on top in place of distances to prototypes. 5x5 windows, 2 pixels of padding
    at first.

    >>> import nngraph as ng
    >>> from nngraph import nets
    >>> net = nets.LeNet()
    >>> net.count, net(ng.input("x", shape=(5, 1, 28, 28))).shape
    (61706, (5, 10))
    """

    def __init__(
        self,
        classes: int = 10,
        *,
        channels: int = 1,
        activation: Callable[[Node], Node] = tanh,
        rng: Rng = None,
        dtype: Any = "float32",
    ) -> None:
        settings: dict[str, Any] = {"start": xavier, "rng": generator(rng), "dtype": dtype}
        super().__init__(
            Conv2d(channels, 6, 5, padding=2, **settings), activation, AveragePool2d(2),
            Conv2d(6, 16, 5, **settings), activation, AveragePool2d(2),
            Flatten(),
            Linear(16 * 5 * 5, 120, **settings), activation,
            Linear(120, 84, **settings), activation,
            Linear(84, classes, **settings),
        )  # fmt: skip


class ConvNet(Sequential):
    """Stages of a 3x3 convolution, batch normalization, ReLU and 2x2 maximum pooling, then a linear layer: images (N,
    channels[0], *lengths) → scores (N, classes). `dropout` stands before the linear layer. Windows of 3x3 throughout:
    Simonyan and Zisserman 2014, arXiv:1409.1556.

    >>> import nngraph as ng
    >>> from nngraph import nets
    >>> nets.ConvNet([1, 16, 32], 10, lengths=(8, 8))(ng.input("x", shape=(5, 1, 8, 8))).shape
    (5, 10)
    """

    def __init__(
        self, channels: Sequence[int], classes: int, *, lengths: tuple[int, int], dropout: float = 0.0,
        rng: Rng = None, dtype: Any = "float32",
    ) -> None:  # fmt: skip
        channels, lengths = wholes(channels, "channels", of="ConvNet"), wholes(lengths, "lengths", 2, of="ConvNet")
        rng = generator(rng)
        height, width = (length >> (len(channels) - 1) for length in lengths)
        if not height or not width:
            raise ParameterError(
                f"ConvNet: {len(channels) - 1} stages halve an image of {lengths} pixels until nothing is left; take fewer stages"
            )
        stages: list[Layer] = []
        for inputs, outputs in pairwise(channels):
            # The shift of the normalization stands for the bias.
            convolution = Conv2d(inputs, outputs, 3, padding=1, bias=False, rng=rng, dtype=dtype)
            stages += [convolution, BatchNorm(outputs, dtype=dtype), relu, MaxPool2d(2)]
        top = Linear(channels[-1] * height * width, classes, rng=rng, dtype=dtype)
        super().__init__(*stages, Flatten(), *[Dropout(dropout)] * bool(dropout), top)


class ResidualBlock(Sequential):
    """relu(x + f(x)) with f two 3x3 convolutions, batch normalization behind each: (N, inputs, H, W) → (N, outputs,
    H/stride, W/stride). He et al. 2015, arXiv:1512.03385. Where the shapes differ, a 1x1 convolution brings x to that
    of f(x). The second normalization starts with scale 0, so that a block starts as nearly nothing (Goyal et al. 2017,
    arXiv:1706.02677).

    >>> import nngraph as ng
    >>> from nngraph import nets
    >>> nets.ResidualBlock(16, 32, stride=2)(ng.input("x", shape=(5, 16, 8, 8))).shape
    (5, 32, 4, 4)
    """

    def __init__(
        self, inputs: int, outputs: int | None = None, *, stride: int = 1, rng: Rng = None, dtype: Any = "float32"
    ) -> None:
        rng, outputs = generator(rng), inputs if outputs is None else whole(outputs, "outputs", of="ResidualBlock")
        settings: dict[str, Any] = {"bias": False, "start": he, "rng": rng, "dtype": dtype}
        last = BatchNorm(outputs, dtype=dtype)
        last.scale.value = np.zeros(outputs)
        inner = Sequential(
            Conv2d(inputs, outputs, 3, stride=stride, padding=1, **settings), BatchNorm(outputs, dtype=dtype), relu,
            Conv2d(outputs, outputs, 3, padding=1, **settings), last,
        )  # fmt: skip
        beside = None
        if stride != 1 or inputs != outputs:
            beside = Sequential(Conv2d(inputs, outputs, 1, stride=stride, **settings), BatchNorm(outputs, dtype=dtype))
        super().__init__(Residual(inner, beside), relu)


class ResNet(Sequential):
    """A convolution, residual blocks of growing channels and halved images, the mean over the image, a linear layer:
    images (N, inputs, H, W) of any size → scores (N, classes). He et al. 2015, arXiv:1512.03385.

    >>> import nngraph as ng
    >>> from nngraph import nets
    >>> net = nets.ResNet(1, [16, 32], 10)
    >>> net(ng.input("x", shape=(5, 1, 8, 8))).shape
    (5, 10)
    """

    def __init__(
        self,
        inputs: int,
        channels: Sequence[int],
        classes: int,
        *,
        blocks: int = 1,
        rng: Rng = None,
        dtype: Any = "float32",
    ) -> None:
        channels, blocks = wholes(channels, "channels", of="ResNet"), whole(blocks, "blocks", of="ResNet")
        rng, width = generator(rng), channels[0]
        stem = Conv2d(inputs, width, 3, padding=1, bias=False, rng=rng, dtype=dtype)
        layers: list[Layer] = [stem, BatchNorm(width, dtype=dtype), relu]
        for stage, outputs in enumerate(channels):
            for block in range(blocks):
                stride = 2 if stage and not block else 1
                layers.append(ResidualBlock(width, outputs, stride=stride, rng=rng, dtype=dtype))
                width = outputs
        super().__init__(*layers, GlobalAveragePool(), Linear(width, classes, rng=rng, dtype=dtype))
