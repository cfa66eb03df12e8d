"""Convolutions as calls: laid out in planes or cut into tiles, and cut up for threads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

from ....kernels import convolution
from ....kernels.convolution import PLANES
from ....kernels.machine import machine
from ....language import N_
from ....node import Node
from ..calls import CHUNK, Scratch, View
from .convolution_geometry import Axis, Planes, Sizes, rounded, side_by_side, sizes_of
from .dense import written_densely
from .winograd import Tiles, onto_image, onto_windows

GRAIN = 1 << 21
"""So many multiplications make a chunk worth a thread."""
MOST_PARTS = 8
"""What weights are sent is summed up in at most so many parts, …"""
PARTS_ROOM = 1 << 21
"""… which take about so many bytes together, if more than two."""


def refused(inputs: Sequence[View], outputs: Sequence[View]) -> bool:
    """Whether the kernels of convolutions are not for these numbers."""
    dtypes = {view.dtype for view in (*inputs, *outputs)}
    return len(dtypes) > 1 or outputs[0].dtype.name not in ("float32", "float64")


@dataclass(frozen=True, slots=True)
class Direct:
    """The direct way: blocks of `conv_pack` and `conv`, the packed weights, and how many images are done together."""

    pack: list[Any]
    words: list[Any]
    packed: View
    together: int


def _direct(
    plan: Any, sizes: Sizes, axes: tuple[Axis, Axis], source: View, weights: View, target: View,
    channels: int, rows: int, by: tuple[int, int, int], only_inside: bool,
) -> Direct:  # fmt: skip
    """`by`: strides of the weights along groups, channels of the target and channels of the source; `only_inside`:
    whether places outside of `source` take no part."""
    size, groups = target.dtype.itemsize, sizes.groups
    planes = side_by_side(*axes, sizes.batch, channels, size)
    down, right = axes
    places, counts, phases = [], [], []
    for one in down.phases:
        for other in right.phases:
            taps = len(one.taps) * len(other.taps)
            phases += [one.first, other.first, one.count, other.count, taps, len(places)]
            counts.append(taps)
            places += [row * sizes.size[1] + column for row, _ in one.taps for column, _ in other.taps]
    packed = plan.new((groups, rows * channels * len(places)), target.dtype)
    straight = planes.together == 1 and len(counts) == 1
    held = rounded(channels * planes.numbers * size + machine().vector_bytes)
    lines = 0 if straight else sum(phases[at + 2] for at in range(0, len(phases), 6))
    results = rows * size * lines * planes.together * right.count
    table = rounded(held + results + machine().vector_bytes)
    scratch = Scratch(table + (rounded(24 * max(counts)) if only_inside else 0))
    description = planes.words(size)
    words = [
        source, target, packed, 0, 0, scratch, scratch.bytes, CHUNK, groups, channels, rows, down.result, right.result,
        down.apart, right.apart, int(straight), held, len(counts), PLANES + len(description),
        rows * channels * len(places), table * only_inside, PLANES + len(description) + len(phases), *description,
        *phases, *[offset for both in planes.met() for offset in both],
    ]  # fmt: skip
    pack = [weights, packed, groups, rows, channels, *by, len(counts), *counts, *places]
    return Direct(pack, words, packed, planes.together)


def _gather(
    plan: Any, sizes: Sizes, source: View, weights: View, target: View, way: Direct, tiles: Tiles | None
) -> None:
    """Calls that compute `target` from windows of `source`."""
    pack, code = convolution.conv_pack(target.dtype), convolution.conv(target.dtype)
    grain = _grain(plan.threads, sizes.batch, -(-GRAIN // max(sizes.multiplications, 1)))
    if tiles is None:
        why = N_("weights laid out for convolution")
        plan.call(pack, way.pack, [weights], [way.packed], rows=sizes.groups, why=why)
        words, reads, writes = way.words, [source, way.packed], [target]
        grain = -(-grain // way.together) * way.together
    else:
        transformed = tiles.transformed(plan, weights)
        words = tiles.words([source, target, transformed], (code, way.words), (pack, way.pack))
        # The direct way, where it is needed, packs the weights itself.
        code, reads, writes = tiles.convolved, [source, transformed, weights], [target, way.packed]
    plan.call(
        code, words, reads, writes, rows=sizes.batch, grain=grain, flops=2 * sizes.batch * sizes.multiplications,
        finish=sizes.batch,
    )  # fmt: skip


def _grain(threads: int, rows: int, least: int) -> int:
    """Rows in a chunk. Every chunk has working memory of its own, which should stay in the cache from row to row, so
    there are no more chunks than keep all threads busy; what a row computes does not depend on them."""
    return max(least, -(-rows // (2 * threads if threads > 1 else 1)))


def conv(plan: Any, node: Node, inputs: list[View], outputs: list[View]) -> bool:
    """y = windows of x times w."""
    if refused(inputs, outputs):
        return False
    (x, w), (y,) = map(plan.dense, inputs), outputs
    sizes = sizes_of(node, x, y, w.shape)
    if not sizes.inner * sizes.outer:
        return False
    reach = prod(sizes.size)
    by, turned = (sizes.outer * sizes.inner * reach, sizes.inner * reach, reach), node.params["turned"]
    way = _direct(plan, sizes, sizes.onto_windows(turned), x, w, y, sizes.inner, sizes.outer, by, False)
    _gather(plan, sizes, x, w, y, way, onto_windows(sizes, y.dtype, turned))
    return True


def conv_image(plan: Any, node: Node, inputs: list[View], outputs: list[View]) -> bool:
    """x = what windows send back to the image through w."""
    if refused(inputs, outputs):
        return False
    (g, w), (x,) = map(plan.dense, inputs), outputs
    sizes = sizes_of(node, x, g, w.shape)
    if not sizes.inner * sizes.outer:
        return False
    reach = prod(sizes.size)
    by = (sizes.outer * sizes.inner * reach, reach, sizes.inner * reach)
    way = _direct(plan, sizes, sizes.onto_image(), g, w, x, sizes.outer, sizes.inner, by, True)
    _gather(plan, sizes, g, w, x, way, onto_image(sizes, x.dtype))
    return True


def conv_weights(plan: Any, node: Node, inputs: list[View], outputs: list[View]) -> bool:
    """w = windows of x, each times its number of g, added up over all images."""
    if refused(inputs, outputs):
        return False
    (x, g), (w,) = map(plan.dense, inputs), outputs
    sizes = sizes_of(node, x, g, w.shape)
    if not sizes.inner * sizes.outer:
        return False
    dtype, size, groups = w.dtype, w.dtype.itemsize, sizes.groups
    lanes = machine().lanes(dtype)
    planes = Planes(*sizes.onto_windows())
    reach, pixels = sizes.inner * prod(sizes.size), prod(sizes.windows)
    wide = -(-sizes.outer // lanes) * lanes
    most = min(MOST_PARTS, max(2, PARTS_ROOM // (size * groups * reach * wide)))
    parts = max(1, min(most, sizes.batch, sizes.batch * sizes.multiplications // GRAIN))
    each = max(1, -(-sizes.batch // parts))
    parts = max(1, -(-sizes.batch // each))
    partial = plan.new((parts, groups, reach, wide), dtype)
    held = rounded(sizes.inner * planes.numbers * size)
    offsets = held + rounded(pixels * 2 * machine().vector_bytes)
    scratch = Scratch(rounded(offsets + 8 * reach))
    words = [
        x, g, partial, sizes.batch, each, groups, sizes.inner, sizes.outer, scratch, scratch.bytes, CHUNK,
        prod(sizes.size), pixels, held, offsets, wide, int(_dots_are_cheaper(sizes.outer, reach, pixels, lanes)),
    ]  # fmt: skip
    words += [*[0] * (PLANES - len(words)), *planes.words(size)]
    code, tiles = convolution.conv_weigh(dtype), onto_windows(sizes, dtype)
    if tiles is not None:
        words, code = tiles.words([x, g, partial], (code, words), None, sizes.batch, each), tiles.weighed
    flops = 2 * sizes.batch * sizes.multiplications
    plan.call(code, words, [x, g], [partial], rows=parts, grain=_grain(plan.threads, parts, 1), flops=flops)
    scratch = Scratch(rounded(2 * lanes * lanes * size))
    plan.call(
        convolution.conv_sum(dtype),
        [partial, w, parts, groups, sizes.outer, reach, wide, scratch, scratch.bytes, CHUNK],
        [partial], [w], rows=groups * -(-reach // lanes), grain=max(1, GRAIN // (16 * parts * wide * lanes)),
        flops=parts * groups * reach * wide, why=N_("parts of the gradient put together"),
    )  # fmt: skip
    return True


def _dots_are_cheaper(rows: int, reach: int, pixels: int, lanes: int) -> bool:
    """Whether vectors run along the windows rather than along the channels of g, counted in instructions: those need no
    turning over of g and fill their lanes when channels are few, but sums have to be folded at the end."""
    vectors = -(-rows // lanes)
    turned = pixels * vectors * (reach + 7)
    return rows * reach * (1.1 * -(-pixels // lanes) + 3) < turned


LOWERINGS = written_densely(conv=conv, conv_image=conv_image, conv_weights=conv_weights)
