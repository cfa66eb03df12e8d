"""Convolutions as calls of a GPU's kernels: a product for the result and for the weights, one for each part of the image on the
way back to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import gcd, prod
from typing import Any

import numpy as np

from ...kernels.cuda import convolution, product_parts
from ...kernels.cuda.arguments import in_fours
from ...kernels.cuda.convolution import CudaConvolution, Form, Geometry
from ...kernels.cuda.product_parts import CudaGathering, Gathering
from ...kernels.cuda.product_tiles import DOUBLE, FLAT, LARGE, LITTLE, MIDDLE, SMALL, TALL, Tile
from ...kernels.cuda.tensor import NARROW, TensorTile
from ...language import N_
from ...node import Node
from ..compiled.calls import Call, View, row_major
from ..compiled.lowering.convolution import refused
from ..compiled.lowering.convolution_geometry import Sizes, sizes_of
from ..compiled.lowering.dense import Lowering, written_densely
from .tiles import chosen, cycles, span, tensor_tile

WIDE, FEW = Tile(64, 256, 8, 8, 8, unrolled=8), Tile(16, 64, 16)
"""For up to 64 channels, and for up to 16."""


def _of_numbers(lower: Callable[[Any, Node, View, View, View], None]) -> Lowering:
    """The lowering for operands that have numbers; sums of none are 0."""

    def lowered(plan: Any, node: Node, inputs: list[View], outputs: list[View]) -> bool:
        if refused(inputs, outputs):
            return False
        first, second, target = *map(plan.dense, inputs), outputs[0]
        if target.size and first.size and second.size:
            lower(plan, node, first, second, target)
        elif target.size:
            plan.fill(target, 0)
        return True

    return lowered


def conv(plan: Any, node: Node, x: View, w: View, y: View) -> None:
    """y = windows of x times w."""
    sizes = sizes_of(node, x, y, w.shape)
    weights = _seen(w, (sizes.groups, sizes.outer, sizes.inner, *sizes.size))
    if node.params["turned"]:
        weights = _picked(weights, [(size - 1, size, -1) for size in sizes.size])
    _across(plan, weights, x, y, _images(y, sizes.batch, sizes.windows), _forward(sizes))


@dataclass(frozen=True, slots=True)
class Part:
    """Entries of one axis of an image that windows meet with the same taps: the first and how many; those taps, the first, how
    many and how far apart; the window that meets the first entry with the first tap, and how many windows further back the
    one is that meets it with the next."""

    first: int
    count: int
    tap: int
    taps: int
    every: int
    window: int
    back: int


def parts(sizes: Sizes, axis: int) -> Iterator[Part]:
    """All parts of an axis: entry X receives from window (X + padding − tap·dilation) / stride where that is whole."""
    length, size, stride = sizes.image[axis], sizes.size[axis], sizes.stride[axis]
    dilation, before = sizes.dilation[axis], sizes.padding[axis]
    every = stride // gcd(stride, dilation)
    for first in range(min(stride, length)):
        count = -(-(length - first) // stride)
        tap = next((tap for tap in range(size) if (first + before - tap * dilation) % stride == 0), size)
        window = (first + before - tap * dilation) // stride
        yield Part(first, count, tap, -(-(size - tap) // every), every, window, every * dilation // stride)


def conv_image(plan: Any, node: Node, g: View, w: View, x: View) -> None:
    """x = what windows send back to the image through w. Every part of the image is a convolution, with strides of 1, of what
    arrives and the taps that the part meets."""
    sizes = sizes_of(node, x, g, w.shape)
    pairs = [(down, right) for down in parts(sizes, 0) for right in parts(sizes, 1)]
    met = [(down, right) for down, right in pairs if down.taps and right.taps]
    if len(met) < len(pairs):
        plan.fill(x, 0)
    image = _images(x, sizes.batch, sizes.image)
    weights = _seen(w, (sizes.groups, sizes.outer, sizes.inner, *sizes.size))
    for pair in met:
        taken = _picked(weights, [(part.tap, part.taps, part.every) for part in pair])
        entries = _picked(image, [(part.first, part.count, step) for part, step in zip(pair, sizes.stride)])
        (down, right) = pair
        geometry = Geometry(
            sizes.windows, sizes.groups, sizes.outer, (down.count, right.count), (down.taps, right.taps), (1, 1),
            (-down.back, -right.back), (-down.window, -right.window),
        )  # fmt: skip
        target = x if len(pairs) == 1 else entries
        _across(plan, _turned(taken, (0, 2, 1, 3, 4)), g, target, entries, geometry)


def conv_weights(plan: Any, node: Node, x: View, g: View, w: View) -> None:
    """w = windows of x, each times its number of g, added up over all images: in parts, one after the other, where there are
    many windows and few weights."""
    sizes = sizes_of(node, x, g, w.shape)
    rows, columns, groups, pixels = sizes.outer, sizes.inner * prod(sizes.size), sizes.groups, prod(sizes.windows)
    depth = sizes.batch * pixels
    tile, parts = _tile_down(plan, rows, columns, depth, groups, w.dtype.itemsize)
    each = span(depth, parts, tile)
    parts = -(-depth // each)
    target = plan.new((parts, *w.shape), w.dtype) if parts > 1 else w
    a, four = "depth4" if _fours(g, pixels) else "depth", _fours(w, columns) and _fours(target, columns)
    form = Form(tile, w.dtype.name, sizes.size, True, a, four)
    words = convolution.down((g, x, target), rows, sizes.batch, each, _forward(sizes))
    last = _call(plan, form, words, (g, x), target, (rows, columns, depth), (groups, parts))
    if parts > 1:
        code = CudaGathering(Gathering(w.dtype.name, four, False))
        words = product_parts.block(target, parts, w, (rows, columns, groups, 1), (columns, 1, rows * columns, 0))
        why = N_("parts of the gradient put together")
        last = plan.call(code, words, [target], [w], rows=w.size, flops=target.size, why=why)
        last.grid = (code.blocks(w.size), 1, 1)
    last.finish = groups * rows


def _forward(sizes: Sizes) -> Geometry:
    return Geometry(
        sizes.image, sizes.groups, sizes.inner, sizes.windows, sizes.size, sizes.stride, sizes.dilation, sizes.padding
    )


def _across(plan: Any, weights: View, source: View, target: View, images: View, geometry: Geometry) -> None:
    """The call that lays weights (groups, rows, channels, taps down and right) on a source; `images`: the target as images of
    channels."""
    groups, rows, channels, *taps = weights.shape
    (batch, _, *counts), (_, _, down, right) = images.shape, images.strides
    depth, columns = channels * prod(taps), batch * prod(counts)
    tile = _tile(plan, rows, columns, depth, groups, target.dtype.itemsize, channels)
    taps_first = channels % SMALL.deep == 0
    weights = plan.dense(_turned(weights, (0, 1, 3, 4, 2)) if taps_first else weights)
    flat = right == 1 and (down == counts[1] or counts[0] == 1)
    a = "depth4" if _fours(weights, depth) else "depth"
    four = flat and _fours(target, prod(counts))
    single = (
        geometry.taps == geometry.stride == (1, 1) and geometry.before == (0, 0) and geometry.counts == geometry.lengths
    )
    b = "columns4" if single and _fours(source, prod(counts)) else "columns"
    form = Form(tile, target.dtype.name, geometry.taps, False, a, four, flat, taps_first, b)
    words = convolution.across((weights, source, images), rows, geometry)
    made = _call(plan, form, words, (weights, source), target, (rows, columns, depth), (groups, 1))
    made.finish = batch if target.dense else 0


def _call(
    plan: Any, form: Form, words: list[Any], reads: Sequence[View], target: View, work: tuple[int, int, int],
    stack: tuple[int, int],
) -> Call:  # fmt: skip
    """`stack`: groups, and parts of the depth."""
    tile, (rows, columns, _) = form.tile, work
    grid = (-(-columns // tile.width) * -(-rows // tile.height), prod(stack), 1)
    flops = 2 * stack[0] * prod(work)
    made = plan.call(CudaConvolution(form), words, list(reads), [target], rows=prod(grid), flops=flops)
    made.grid = grid
    return made


def _tile(plan: Any, rows: int, columns: int, depth: int, groups: int, size: int, channels: int) -> Tile | TensorTile:
    """The tile of a convolution, which has few rows and many columns, of numbers of `size` bytes."""
    if plan.target.simulated:
        return SMALL
    if _rounds(plan, rows, size):
        return tensor_tile(rows, columns, depth, groups)[0]
    # What finds its entries one by one has registers for fewer sums.
    large = (LARGE,) if channels % SMALL.deep == 0 else ()
    tiles = (FEW, FLAT, MIDDLE, WIDE, *large) if size == 4 else (DOUBLE,)
    return min(tiles, key=lambda tile: cycles(tile, 1, rows, columns, channels, groups))


def _tile_down(plan: Any, rows: int, columns: int, depth: int, groups: int, size: int) -> tuple[Tile | TensorTile, int]:
    """The tile of what sums over windows, and into how many parts these are cut."""
    if plan.target.simulated:
        return SMALL, min(2, -(-depth // SMALL.deep))
    if _rounds(plan, rows, size):
        return tensor_tile(rows, columns, depth, groups)
    tiles = (LITTLE, TALL, FLAT, MIDDLE) if size == 4 else (DOUBLE,)
    return chosen(rows, columns, depth, groups, tiles)


def _rounds(plan: Any, rows: int, size: int) -> bool:
    """Whether tensor cores are used: of their smallest tile, half is filled at least."""
    return bool(plan.target.tf32) and size == 4 and 2 * rows >= NARROW.height


# Views ----------------------------------------------------------------------------------------------------------------
def _fours(view: View, length: int) -> bool:
    """Whether rows of so many numbers of a dense view go four by four."""
    return view.dtype == np.float32 and in_fours(view) and length % 4 == 0


def _seen(view: View, shape: tuple[int, ...]) -> View:
    """A dense view with other axes."""
    return View(view.buffer, view.dtype, shape, row_major(shape), view.offset)


def _images(view: View, batch: int, lengths: tuple[int, int]) -> View:
    """A dense view as images of channels, whatever it was written with."""
    return _seen(view, (batch, view.size // (batch * prod(lengths)), *lengths))


def _picked(view: View, picks: Sequence[tuple[int, int, int]]) -> View:
    """Some numbers of the last axes: the first, how many, and every how manieth."""
    lead = len(view.shape) - len(picks)
    offset = sum(first * stride for (first, _, _), stride in zip(picks, view.strides[lead:]))
    shape = (*view.shape[:lead], *(count for _, count, _ in picks))
    strides = (*view.strides[:lead], *(every * stride for (_, _, every), stride in zip(picks, view.strides[lead:])))
    return View(view.buffer, view.dtype, shape, strides, view.offset + offset)


def _turned(view: View, order: Sequence[int]) -> View:
    """The axes in another order."""
    shape, strides = (tuple(each[at] for at in order) for each in (view.shape, view.strides))
    return View(view.buffer, view.dtype, shape, strides, view.offset)


LOWERINGS: dict[str, Lowering] = written_densely(
    conv=_of_numbers(conv), conv_image=_of_numbers(conv_image), conv_weights=_of_numbers(conv_weights)
)
