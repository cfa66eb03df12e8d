"""Convolution layers: the same small weights at every place of a signal or an image, and their way back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from ..autograd.errors import ParameterError, ShapeError
from ..autograd.node import Leaf, Node
from ..autograd.ops import cast, conv1d, conv2d, conv_transpose1d, conv_transpose2d, reshape
from ..autograd.ops.windows import per_axis
from .initialize import Initializer, he
from .module import Module, new_parameter
from .rows import whole

SPACE = {1: "length", 2: "height, width"}
Sizes = int | tuple[int, ...]


class _Windows(Module):
    """What all have: weights W of windows, one number b for each channel out, and how the windows lie."""

    axes: ClassVar[int]
    laid: ClassVar[Callable[..., Node]]

    def __init__(
        self,
        inputs: int,
        outputs: int,
        size: Sizes,
        settings: dict[str, Any],
        bias: bool,
        start: Initializer,
        rng: Any,
        dtype: Any,
    ) -> None:
        kind = type(self).__name__
        groups, inputs = whole(settings["groups"], "groups", of=kind), whole(inputs, "inputs", of=kind)
        outputs = whole(outputs, "outputs", of=kind)
        if inputs % groups or outputs % groups:
            raise ParameterError(
                f"{kind}({inputs}, {outputs}, groups={groups}): the channels do not split into {groups} groups"
            )
        self.inputs, self.outputs, self.settings = inputs, outputs, settings
        self.size = per_axis(size, self.axes, f"{kind}: size")
        for name, least in (("stride", 1), ("dilation", 1), ("output_padding", 0)):
            if name in settings:
                per_axis(settings[name], self.axes, f"{kind}: {name}", least)
        self.W = self._weights(groups, start, rng, dtype)
        self.b = new_parameter("b", (outputs,), dtype=dtype) if bias else None

    def _weights(self, groups: int, start: Initializer, rng: Any, dtype: Any) -> Leaf:
        return new_parameter("W", (self.outputs, self.inputs // groups, *self.size), start, rng, dtype)

    def forward(self, x: Node) -> Node:
        if len(x.shape) != self.axes + 2 or x.shape[1] != self.inputs:
            raise ShapeError(
                f"{type(self).__name__} {self.label!r} takes (batch, {self.inputs}, {SPACE[self.axes]}); it was given shape"
                f" {tuple(map(int, x.shape))}"
            )
        if x.dtype.kind != "f":
            x = cast(x, dtype=self.W.dtype.name)  # pixels as whole numbers
        y = type(self).laid(x, self.W, **self.settings)
        return y if self.b is None else y + reshape(self.b, shape=(self.outputs, *(1,) * self.axes))


class _Convolution(_Windows):
    def __init__(
        self, inputs: int, outputs: int, size: Sizes, *, stride: Sizes = 1, padding: Any = 0, dilation: Sizes = 1,
        groups: int = 1, bias: bool = True, start: Initializer = he,
        rng: np.random.Generator | int | None = None, dtype: Any = "float32",
    ) -> None:  # fmt: skip
        settings = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
        super().__init__(inputs, outputs, size, settings, bias, start, rng, dtype)


class Conv1d(_Convolution):
    """Convolution along a line: y[n,o,i] = b[o] + Σ x[n,c,i·stride + a·dilation]·W[o,c,a]: (N, inputs, L) → (N,
    outputs, L'). W is (outputs, inputs/groups, size). Waibel et al. 1989 (time-delay networks).

    >>> import nngraph as ng
    >>> from nngraph import nets
    >>> nets.Conv1d(2, 8, 5, stride=2)(ng.input("x", shape=(3, 2, 20))).shape
    (3, 8, 8)
    """

    axes, laid = 1, conv1d


class Conv2d(_Convolution):
    """Convolution over an image: y[n,o,i,j] = b[o] + Σ x[n,c,i+u,j+v]·W[o,c,u,v], as ng.conv2d: (N, inputs, H, W) → (N,
    outputs, H', W'). LeCun et al. 1989.

    With a stride s and a dilation d, x is met at i·s + u·d, j·s + v·d, and H' = (H + padding on both sides − d·(height − 1) −
    1)//s + 1. W is (outputs, inputs/groups, height, width); `padding` may be "same". The weights are not turned round: what
    networks call convolution is cross-correlation.

    >>> import nngraph as ng
    >>> from nngraph import nets
    >>> layer = nets.Conv2d(1, 10, 5)
    >>> layer.count, layer(ng.input("x", shape=(32, 1, 28, 28))).shape
    (260, (32, 10, 24, 24))
    """

    axes, laid = 2, conv2d


class DepthwiseConv2d(Conv2d):
    """Depthwise convolution: every channel has windows of its own, `multiplier` of them: (N, C, H, W) → (N,
    C·multiplier, H', W'). Sifre 2014; Chollet 2016, arXiv:1610.02357.

    y[n,m,i,j] = b[m] + Σ x[n,c,i+u,j+v]·W[m,0,u,v] over u and v, with c = m//multiplier: the convolution with as many groups as
    channels. With a Conv2d of size 1 behind it, a separable convolution.

    >>> from nngraph import nets
    >>> nets.DepthwiseConv2d(32, 3).count, nets.Conv2d(32, 32, 3).count
    (320, 9248)
    """

    def __init__(self, channels: int, size: Sizes, *, multiplier: int = 1, **settings: Any) -> None:
        channels, multiplier = whole(channels, "channels", of="DepthwiseConv2d"), whole(multiplier, "multiplier", of="DepthwiseConv2d")
        super().__init__(channels, channels * multiplier, size, groups=channels, **settings)


class _ConvTranspose(_Windows):
    def __init__(
        self, inputs: int, outputs: int, size: Sizes, *, stride: Sizes = 1, padding: Any = 0, output_padding: Sizes = 0,
        dilation: Sizes = 1, groups: int = 1, bias: bool = True, start: Initializer = he,
        rng: np.random.Generator | int | None = None, dtype: Any = "float32",
    ) -> None:  # fmt: skip
        settings = {
            "stride": stride, "padding": padding, "output_padding": output_padding, "dilation": dilation, "groups": groups,
        }  # fmt: skip
        super().__init__(inputs, outputs, size, settings, bias, start, rng, dtype)

    def _weights(self, groups: int, start: Initializer, rng: Any, dtype: Any) -> Leaf:
        def turned(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
            # Initializers take the channels out first; here they stand second.
            drawn = start(rng, (self.outputs, self.inputs // groups, *self.size))
            return (
                drawn.reshape(groups, self.outputs // groups, self.inputs // groups, -1).swapaxes(1, 2).reshape(shape)
            )

        return new_parameter("W", (self.inputs, self.outputs // groups, *self.size), turned, rng, dtype)


class ConvTranspose1d(_ConvTranspose):
    """Transposed convolution along a line, the way back of Conv1d: every number lays down the weights, `stride` apart,
    and what overlaps is added up: (N, inputs, L) → (N, outputs, (L − 1)·stride + size − 2·padding + output_padding).
    Zeiler et al. 2010; Dumoulin and Visin 2016, arXiv:1603.07285.

    y[n,o,i·stride + a − padding] is the sum of b[o] and all x[n,c,i]·W[c,o,a] that fall there: the convolution with the turned
    weights over x with stride − 1 zeros between its numbers. W is (inputs, outputs/groups, size).

    >>> import nngraph as ng
    >>> from nngraph import nets
    >>> nets.ConvTranspose1d(8, 2, 4, stride=2, padding=1)(ng.input("x", shape=(3, 8, 10))).shape
    (3, 2, 20)
    """

    axes, laid = 1, conv_transpose1d


class ConvTranspose2d(_ConvTranspose):
    """Transposed (fractionally strided) convolution, the way back of Conv2d, which enlarges images: (N, inputs, H, W) →
    (N, outputs, (H − 1)·stride + size − 2·padding + output_padding, likewise). Zeiler et al. 2010; Dumoulin and Visin
    2016, arXiv:1603.07285.

    y[n,o,i·stride + u − padding,j·stride + v − padding] is the sum of b[o] and all x[n,c,i,j]·W[c,o,u,v] that fall there; W is
    (inputs, outputs/groups, height, width). It is the gradient of Conv2d by its image. A stride that does not divide the size
    covers places unevenly, as a checkerboard.

    >>> import nngraph as ng
    >>> from nngraph import nets
    >>> nets.ConvTranspose2d(16, 1, 4, stride=2, padding=1)(ng.input("z", shape=(5, 16, 7, 7))).shape
    (5, 1, 14, 14)
    """

    axes, laid = 2, conv_transpose2d
