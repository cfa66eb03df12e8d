"""How much of the image a unit sees: the receptive field, layer by layer, as data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..autograd.errors import ParameterError
from ..autograd.ops.windows import pairs_of, per_axis, window_count
from .convolution import Conv1d, Conv2d, ConvTranspose1d, ConvTranspose2d
from .dropout import Dropout
from .linear import Linear
from .module import SEPARATOR, Module
from .norms import BatchNorm, GroupNorm, InstanceNorm, LayerNorm
from .pooling import Flatten, GlobalAveragePool, GlobalMaxPool, Pooling
from .sequential import Residual, Sequential

WHOLE = (Flatten, GlobalAveragePool, GlobalMaxPool, Linear)
"""After these every unit sees the whole image."""
EACH_PLACE = (BatchNorm, GroupNorm, InstanceNorm, LayerNorm, Dropout)
"""These are taken to leave each place alone: what a mean over places knows of the others is not counted."""


@dataclass(frozen=True)
class ReceptiveField:
    """What the units of a layer see of the image. Each tuple has a number for each axis of the image.

    `count` is how many units there are along the axis. The first sees `size` pixels from pixel `start` on (below 0 in
    the padding); its neighbor sees as many, `jump` pixels further. `path` and `kind` are the layer's.
    """

    path: str
    kind: str
    count: tuple[int, ...]
    size: tuple[int, ...]
    jump: tuple[int, ...]
    start: tuple[int, ...]

    def of(self, *unit: int) -> tuple[range, ...]:
        """The pixels, axis by axis, that the unit at this place sees; some of them may lie in the padding."""
        firsts = [start + at * jump for start, at, jump in zip(self.start, unit, self.jump, strict=True)]
        return tuple(range(first, first + size) for first, size in zip(firsts, self.size, strict=True))


def receptive_fields(net: Module, lengths: Sequence[int]) -> list[ReceptiveField]:
    """The receptive field of every layer of a Sequential, for an image of these lengths (height, width), in the order
    they run.

    From layer to layer: size ← size + (window − 1)·dilation·jump, start ← start − padding·jump, jump ← jump·stride.
    Functions, normalizations and dropout are taken to work on each place alone; ParameterError for a layer of another
    kind, whose windows are not known. Araujo, Norris and Sim 2019, doi:10.23915/distill.00021.

    >>> import nngraph as ng
    >>> from nngraph import nets
    >>> net = nets.Sequential(nets.Conv2d(1, 4, 3), ng.relu, nets.MaxPool2d(2), nets.Conv2d(4, 8, 3))
    >>> for field in nets.receptive_fields(net, (28, 28)):
    ...     print(field.path, field.kind, field.count, field.size, field.jump)
    layer1 Conv2d (26, 26) (3, 3) (1, 1)
    layer2 relu (26, 26) (3, 3) (1, 1)
    layer3 MaxPool2d (13, 13) (4, 4) (2, 2)
    layer4 Conv2d (11, 11) (8, 8) (2, 2)
    """
    ones = (1,) * len(lengths)
    first = ReceptiveField("", "image", tuple(map(int, lengths)), ones, ones, (0,) * len(lengths))
    return _through(net, "", first, first)


def _through(layer: Any, path: str, before: ReceptiveField, image: ReceptiveField) -> list[ReceptiveField]:
    kind = _kind(layer)
    if isinstance(layer, Sequential):
        fields: list[ReceptiveField] = []
        for at, inner in enumerate(layer.layers, 1):
            fields += _through(inner, _joined(path, f"layer{at}"), fields[-1] if fields else before, image)
        return fields
    if isinstance(layer, Residual):
        inside = _through(layer.inner, _joined(path, "inner"), before, image)
        beside = [] if layer.beside is None else _through(layer.beside, _joined(path, "beside"), before, image)
        return [*inside, *beside, _either(path, kind, inside[-1], (beside or [before])[-1])]
    if isinstance(layer, WHOLE):
        return [ReceptiveField(path, kind, (1,) * len(image.count), image.count, image.count, (0,) * len(image.count))]
    if isinstance(layer, (Conv1d, Conv2d, Pooling)):
        return [_windowed(layer, path, kind, before)]
    if isinstance(layer, (ConvTranspose1d, ConvTranspose2d)):
        raise ParameterError(
            f"receptive_fields: {kind} {path or layer.label!r} enlarges the image, and its units do not all see as much; it is known"
            " for layers that keep or shrink it"
        )
    if isinstance(layer, Module) and layer.children():
        raise ParameterError(
            f"receptive_fields: {kind} {path or layer.label!r} says in its forward how its parts are joined; only the parts of"
            " a Sequential or a Residual are known to follow one another"
        )
    if isinstance(layer, Module) and not isinstance(layer, EACH_PLACE):
        raise ParameterError(f"receptive_fields: what the units of {kind} {path or layer.label!r} see is not known")
    return [ReceptiveField(path, kind, before.count, before.size, before.jump, before.start)]


def _windowed(layer: Any, path: str, kind: str, before: ReceptiveField) -> ReceptiveField:
    if layer.axes != len(before.count):
        raise ParameterError(
            f"receptive_fields: {kind} {path} has windows of {layer.axes} axes, the image has {len(before.count)}"
        )
    stride, dilation = (per_axis(layer.settings.get(name, 1), layer.axes, name) for name in ("stride", "dilation"))
    padding = pairs_of(layer.settings["padding"], before.count, layer.size, stride, dilation, kind)
    each = list(zip(before.count, layer.size, stride, dilation, padding, strict=True))
    reach = [spread * (window - 1) for _, window, _, spread, _ in each]
    return ReceptiveField(
        path, kind,
        tuple(int(window_count(*one, kind)) for one in each),
        tuple(size + more * jump for size, more, jump in zip(before.size, reach, before.jump, strict=True)),
        tuple(jump * step for jump, step in zip(before.jump, stride, strict=True)),
        tuple(start - pair[0] * jump for start, pair, jump in zip(before.start, padding, before.jump, strict=True)),
    )  # fmt: skip


def _either(path: str, kind: str, one: ReceptiveField, other: ReceptiveField) -> ReceptiveField:
    """What is seen by a sum of two: from the first pixel of either to the last."""
    if (one.jump, one.count) != (other.jump, other.count):
        raise ParameterError(
            f"receptive_fields: the two sides of {kind} {path} have {one.count} and {other.count} units"
        )
    starts = tuple(map(min, one.start, other.start))
    ends = [max(a.start[at] + a.size[at] for a in (one, other)) for at in range(len(starts))]
    return ReceptiveField(
        path, kind, one.count, tuple(end - start for end, start in zip(ends, starts, strict=True)), one.jump, starts
    )


def _kind(layer: Any) -> str:
    if isinstance(layer, Module):
        return type(layer).__name__
    return getattr(layer, "name", None) or getattr(layer, "__name__", "function")


def _joined(path: str, label: str) -> str:
    return f"{path}{SEPARATOR}{label}" if path else label
