"""Convolutions as calls: which entries of the image each window meets, how they are laid out, how work is cut up.

`NNGRAPH_WINOGRAD=0` in the environment computes every convolution in the direct way.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any

from ...kernels.convolution import PLANES, conv, conv_pack, conv_sum, conv_weigh
from ...kernels.convolution_tiles import tallest
from ...kernels.machine import machine
from ...kernels.winograd import winograd, winograd_weights, winograd_weigh
from ...node import Node
from .calls import CHUNK, Scratch, View

GRAIN = 1 << 21
"""So many multiplications make a chunk worth a thread."""
MOST_PARTS = 8
"""The gradient of the weights is summed in at most so many parts."""
CACHE = 450_000
"""Bytes of tiles and of their products that stay in the second-level cache."""
ROOM = 1 << 19
"""Bytes of working memory that images laid side by side may take, so that they stay in the second-level cache."""


@dataclass(frozen=True, slots=True)
class Phase:
    """Windows that meet the same taps: the first of them, how many, and for each tap its number and its offset."""

    first: int
    count: int
    taps: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis of an image and its windows: window m of a phase meets entries m·step + offset, and belongs to number
    m·apart + first of the result."""

    length: int
    result: int
    step: int
    apart: int
    phases: tuple[Phase, ...]

    @property
    def offsets(self) -> list[int]:
        """All offsets that occur."""
        return sorted({offset for phase in self.phases for _, offset in phase.taps})

    @property
    def count(self) -> int:
        """Windows of the longest phase."""
        return max(phase.count for phase in self.phases)


def onto_windows(length: int, count: int, size: int, stride: int, dilation: int, before: int, turned: bool) -> Axis:
    """An axis of a convolution: image to windows."""
    taps = tuple((size - 1 - at if turned else at, at * dilation - before) for at in range(size))
    return Axis(length, count, stride, 1, (Phase(0, count, taps),))


def onto_image(length: int, count: int, size: int, stride: int, dilation: int, before: int) -> Axis:
    """The same axis backwards: entry X receives from window (X + before − tap·dilation) / stride where that is whole, so
    entries that leave the same remainder meet the same taps."""
    phases = []
    for first in range(min(stride, length)):
        reach = [(tap, first + before - tap * dilation) for tap in range(size)]
        taps = tuple((tap, offset // stride) for tap, offset in reach if offset % stride == 0)
        phases.append(Phase(first, -(-(length - first) // stride), taps))
    return Axis(count, length, 1, stride, tuple(phases))


@dataclass(frozen=True)
class Planes:
    """How images are laid out: see kernels/convolution.py."""

    down: Axis
    right: Axis
    together: int = 1

    @cached_property
    def remainders(self) -> list[int]:
        """What is left of the offsets of rows when divided by the step."""
        return sorted({offset % self.down.step for offset in self.down.offsets})

    @cached_property
    def rows(self) -> tuple[int, int]:
        """First row of a plane, and how many."""
        found = [offset // self.down.step for offset in self.down.offsets] or [0]
        return min(found), self.down.count + max(found) - min(found)

    @property
    def pixels(self) -> int:
        """Windows of a phase, of all images that lie side by side."""
        return self.down.count * self.together * self.right.count

    @property
    def numbers(self) -> int:
        """How many numbers one channel takes."""
        return len(self.right.offsets) * len(self.remainders) * self.rows[1] * self.together * self.right.count

    def distance(self, row: int, column: int) -> int:
        """How far a tap with these offsets lies behind its window."""
        copy = self.right.offsets.index(column) * len(self.remainders) + self.remainders.index(row % self.down.step)
        return (copy * self.rows[1] + row // self.down.step - self.rows[0]) * self.together * self.right.count

    def words(self, size: int) -> list[int]:
        """The description that the kernels read, and the distances of all taps behind it."""
        first, lines = self.rows
        copies = []
        for offset in self.right.offsets:
            low = max(0, -(offset // self.right.step))
            high = min(self.right.count, (self.right.length - 1 - offset) // self.right.step + 1)
            copies += [offset, min(low, max(high, 0)), max(high, 0)]
        distances = [size * self.distance(row, column) for row, column in self.met()]
        head, tables = 14, [self.remainders, copies, distances]
        starts = [head + sum(map(len, tables[:at])) for at in range(3)]
        return [
            self.together, self.right.count, self.numbers, starts[2], self.down.length, self.right.length,
            self.down.step, self.right.step, lines, first, len(self.remainders), starts[0], len(self.right.offsets),
            starts[1], *self.remainders, *copies, *distances,
        ]  # fmt: skip

    def met(self) -> list[tuple[int, int]]:
        """Row and column offset of every tap, phase by phase."""
        return [
            (row, column) for one in self.down.phases for other in self.right.phases
            for _, row in one.taps for _, column in other.taps
        ]  # fmt: skip


def side_by_side(down: Axis, right: Axis, images: int, channels: int, size: int) -> Planes:
    """Planes that hold as few images as fill vectors well: 49 windows leave a quarter of four vectors empty, those of
    two images hardly any."""
    lanes = machine().lanes(f"float{8 * size}")
    found = Planes(down, right)
    best = 0.0
    for together in range(1, min(images, lanes) + 1):
        planes = Planes(down, right, together)
        full = planes.pixels / (-(-planes.pixels // lanes) * lanes)
        if together > 1 and planes.numbers * channels * size > ROOM:
            break
        if full > best + 0.05:
            found, best = planes, full
    return found


@dataclass(frozen=True, slots=True)
class _Sizes:
    """A convolution read with batch, channels and two axes, whatever it was written with."""

    batch: int
    image: tuple[int, int]
    windows: tuple[int, int]
    size: tuple[int, int]
    stride: tuple[int, int]
    dilation: tuple[int, int]
    padding: tuple[int, int]
    groups: int
    inner: int
    """Channels of the image in one group."""
    outer: int
    """Channels of the windows in one group."""

    @property
    def multiplications(self) -> int:
        """For one image."""
        return prod(self.windows) * prod(self.size) * self.groups * self.inner * self.outer

    def onto_windows(self, turned: bool = False) -> tuple[Axis, Axis]:
        """Both axes of the convolution."""
        down, right = (
            onto_windows(*each, turned)
            for each in zip(self.image, self.windows, self.size, self.stride, self.dilation, self.padding)
        )
        return down, right

    def onto_image(self) -> tuple[Axis, Axis]:
        """Both axes of the way back to the image."""
        down, right = (
            onto_image(*each)
            for each in zip(self.image, self.windows, self.size, self.stride, self.dilation, self.padding)
        )
        return down, right


def _sizes(node: Node, image: View, windows: View, weights: Sequence[int]) -> _Sizes:
    params = node.params
    axes = len(params["stride"])
    plain = len(image.shape) == axes

    def pair(numbers: Sequence[int], missing: int) -> tuple[int, int]:
        first, second = ([missing] * (2 - axes) + list(map(int, numbers)))[-2:]
        return first, second

    groups = params["groups"]
    return _Sizes(
        1 if plain else image.shape[0], pair(image.shape[-axes:], 1), pair(windows.shape[-axes:], 1),
        pair(weights[-axes:], 1), pair(params["stride"], 1), pair(params["dilation"], 1),
        pair([before for before, _ in params["padding"]], 0), groups,
        1 if plain else image.shape[1] // groups, 1 if plain else windows.shape[1] // groups,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Tiles:
    """An image cut into tiles for Winograd's trick: how many, and whether they can be used at all."""

    image: tuple[int, int]
    windows: tuple[int, int]
    corner: tuple[int, int]
    possible: bool

    @property
    def counts(self) -> tuple[int, int]:
        """Rows and columns of tiles."""
        return -(-self.windows[0] // 4), -(-self.windows[1] // 4)

    @staticmethod
    def wide(numbers: int) -> int:
        """Numbers in whole vectors."""
        lanes = machine().lanes("float32")
        return -(-numbers // lanes) * lanes

    def pay(self, channels: int, rows: int) -> bool:
        """Whether they are faster than the direct way, by the instructions that both need for an image."""
        if not self.possible:
            return False
        lanes = machine().lanes("float32")
        direct = 1.1 * 9 * channels * rows * prod(self.windows) / lanes
        turned = 330 * (self.wide(channels) + self.wide(rows)) / lanes
        return prod(self.counts) * (1.15 * 36 * channels * self.wide(rows) / lanes + turned) < 0.8 * direct

    def words(
        self, channels: int, results: int, views: list[View], direct: Any, block: list[Any], images: int = 0, in_part: int = 0
    ) -> list[Any]:
        """The block of a kernel, with that of the direct way behind it."""
        lanes = machine().lanes("float32")
        down, right = self.counts
        deep, panel = self.wide(channels), 2 * lanes
        wide = self.wide(results)
        together = max(1, min(64, CACHE // (4 * 36 * (deep + panel))) // right)
        tiles = together * right
        sizes = [
            24 * (4 * right + 2) * deep, 36 * (4 * tiles * deep + 64), 36 * (4 * tiles * panel + 64), 4 * 16 * right * lanes,
            4 * (together + 1) * lanes + (4 * 36 * channels * wide if images else 0),
        ]  # fmt: skip
        places = [sum(map(_round, sizes[:at])) for at in range(len(sizes) + 1)]
        scratch = Scratch(places.pop())
        # Rows of a register tile are tiles side by side, or channels where the weights' gradient is wanted.
        rows = [4 * at * (1 if images else deep) for at in range(tallest())]
        first = 30 + len(rows)
        return [
            *views, 0, 0, scratch, scratch.bytes, CHUNK, Address(direct), first, channels, results, *self.image,
            *self.windows, *self.corner, down, right, together, *places, 30, images, in_part, wide, *rows, *block,
        ]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Address:
    """The word that is the address of a kernel, compiled when the block is written."""

    code: Any

    def __int__(self) -> int:
        return self.code.address


def _tiles(sizes: _Sizes, axes: tuple[Axis, Axis], target: View) -> Tiles:
    possible = sizes.size == (3, 3) and sizes.stride == sizes.dilation == (1, 1) and sizes.groups == 1
    down, right = axes
    return Tiles(
        (down.length, right.length), (down.count, right.count),
        (min(down.offsets, default=0), min(right.offsets, default=0)),
        possible and target.dtype.name == "float32" and os.environ.get("NNGRAPH_WINOGRAD") != "0",
    )  # fmt: skip


def _refused(inputs: Sequence[View], outputs: Sequence[View]) -> bool:
    dtypes = {view.dtype for view in (*inputs, *outputs)}
    return len(dtypes) > 1 or outputs[0].dtype.name not in ("float32", "float64")


def _round(bytes_: int) -> int:
    return -(-bytes_ // 64) * 64


def _direct(
    plan: Any, sizes: _Sizes, axes: tuple[Axis, Axis], source: View, weights: View, target: View,
    channels: int, rows: int, by: tuple[int, int, int], only_inside: bool,
) -> tuple[list[Any], View, int]:  # fmt: skip
    """The block of `conv`, the packed weights in it, and how many images it does together."""
    size, dtype, groups = target.dtype.itemsize, target.dtype, sizes.groups
    planes = side_by_side(*axes, sizes.batch, channels, size)
    down, right = axes
    places, counts, phases = [], [], []
    for one in down.phases:
        for other in right.phases:
            taps = len(one.taps) * len(other.taps)
            phases += [one.first, other.first, one.count, other.count, taps, len(places)]
            counts.append(taps)
            places += [row * sizes.size[1] + column for row, _ in one.taps for column, _ in other.taps]
    packed = plan.new((groups, rows * channels * len(places)), dtype, "weights in reading order")
    plan.call(
        conv_pack(dtype), [weights, packed, groups, rows, channels, *by, len(counts), *counts, *places],
        [weights], [packed], rows=groups, why="weights laid out for convolution",
    )  # fmt: skip
    direct = planes.together == 1 and len(counts) == 1
    held = _round(channels * planes.numbers * size + machine().vector_bytes)
    results = 0 if direct else rows * size * sum(
        phases[at + 2] * planes.together * right.count for at in range(0, len(phases), 6)
    )
    scratch = Scratch(_round(held + results + machine().vector_bytes))
    description = planes.words(size)
    words = [
        source, target, packed, 0, 0, scratch, scratch.bytes, CHUNK, groups, channels, rows, down.result, right.result,
        down.apart, right.apart, int(direct), held, len(counts), PLANES + len(description),
        rows * channels * len(places), int(only_inside), PLANES + len(description) + len(phases), *description, *phases,
        *[offset for both in planes.met() for offset in both],
    ]  # fmt: skip
    return words, packed, planes.together


def _gather(
    plan: Any, sizes: _Sizes, axes: tuple[Axis, Axis], source: View, weights: View, target: View,
    channels: int, rows: int, by: tuple[int, int, int], only_inside: bool,
) -> None:  # fmt: skip
    """Calls that compute `target` from windows of `source`; `by`: strides of the weights along groups, channels of the
    target and channels of the source; `only_inside`: whether places outside of `source` take no part."""
    words, packed, together = _direct(plan, sizes, axes, source, weights, target, channels, rows, by, only_inside)
    code, reads = conv(target.dtype), [source, packed]
    tiles = _tiles(sizes, axes, target)
    if tiles.pay(channels, rows):
        code, together = winograd(target.dtype), 1
        transformed = plan.new((36 * channels * tiles.wide(rows),), target.dtype, "weights as tiles")
        spare = Scratch(_round(9 * machine().vector_bytes))
        plan.call(
            winograd_weights(target.dtype),
            [weights, transformed, spare, spare.bytes, CHUNK, channels, rows, by[2], by[1], int(min(axes[0].phases[0].taps, key=lambda tap: tap[1])[0] > 0)],
            [weights], [transformed], rows=channels, grain=-(-GRAIN // (100 * rows)), why="weights turned into tiles",
        )  # fmt: skip
        reads.append(transformed)
        words = tiles.words(channels, rows, [source, target, transformed], conv(target.dtype), words)
    grain = -(-GRAIN // max(sizes.multiplications, 1))
    plan.call(
        code, words, reads, [target], rows=sizes.batch, grain=-(-grain // together) * together,
        flops=2 * sizes.batch * sizes.multiplications,
    )  # fmt: skip


def _through(plan: Any, output: View) -> View:
    return output if output.dense else plan.new(output.shape, output.dtype)


def lower_conv(plan: Any, node: Node, inputs: list[View], outputs: list[View]) -> bool:
    """y = windows of x times w."""
    if _refused(inputs, outputs):
        return False
    x, w = map(plan.dense, inputs)
    y = _through(plan, outputs[0])
    sizes = _sizes(node, x, y, w.shape)
    if not sizes.inner * sizes.outer:
        return False
    reach = prod(sizes.size)
    by = (sizes.outer * sizes.inner * reach, sizes.inner * reach, reach)
    _gather(plan, sizes, sizes.onto_windows(node.params["turned"]), x, w, y, sizes.inner, sizes.outer, by, False)
    if y is not outputs[0]:
        plan.copy(y, outputs[0])
    return True


def lower_conv_image(plan: Any, node: Node, inputs: list[View], outputs: list[View]) -> bool:
    """x = what windows send back to the image through w."""
    if _refused(inputs, outputs):
        return False
    g, w = map(plan.dense, inputs)
    x = _through(plan, outputs[0])
    sizes = _sizes(node, x, g, w.shape)
    if not sizes.inner * sizes.outer:
        return False
    reach = prod(sizes.size)
    by = (sizes.outer * sizes.inner * reach, reach, sizes.inner * reach)
    _gather(plan, sizes, sizes.onto_image(), g, w, x, sizes.outer, sizes.inner, by, True)
    if x is not outputs[0]:
        plan.copy(x, outputs[0])
    return True


def lower_conv_weights(plan: Any, node: Node, inputs: list[View], outputs: list[View]) -> bool:
    """w = windows of x, each times its number of g, added up over all images."""
    if _refused(inputs, outputs):
        return False
    x, g = map(plan.dense, inputs)
    w = _through(plan, outputs[0])
    sizes = _sizes(node, x, g, w.shape)
    if not sizes.inner * sizes.outer:
        return False
    dtype, size, groups = w.dtype, w.dtype.itemsize, sizes.groups
    lanes = machine().lanes(dtype)
    planes = Planes(*sizes.onto_windows())
    reach, pixels = sizes.inner * prod(sizes.size), prod(sizes.windows)
    wide = -(-sizes.outer // lanes) * lanes
    parts = max(1, min(MOST_PARTS, sizes.batch, sizes.batch * sizes.multiplications // GRAIN))
    each = max(1, -(-sizes.batch // parts))
    parts = max(1, -(-sizes.batch // each))
    partial = plan.new((parts, groups, reach, wide), dtype, "gradient of the weights, in parts")
    held = _round(sizes.inner * planes.numbers * size)
    offsets = held + _round(pixels * 2 * machine().vector_bytes)
    scratch = Scratch(_round(offsets + 8 * reach))
    words = [
        x, g, partial, sizes.batch, each, groups, sizes.inner, sizes.outer, scratch, scratch.bytes, CHUNK,
        prod(sizes.size), pixels, held, offsets, wide,
    ]  # fmt: skip
    words += [*[0] * (PLANES - len(words)), *planes.words(size)]
    code, tiles = conv_weigh(dtype), _tiles(sizes, (planes.down, planes.right), w)
    if tiles.pay(sizes.inner, sizes.outer):
        words = tiles.words(sizes.inner, sizes.outer, [x, g, partial], code, words, sizes.batch, each)
        code = winograd_weigh(dtype)
    plan.call(
        code, words, [x, g], [partial], rows=parts, grain=1, flops=2 * sizes.batch * sizes.multiplications
    )  # fmt: skip
    scratch = Scratch(_round(2 * lanes * lanes * size))
    plan.call(
        conv_sum(dtype),
        [partial, w, parts, groups, sizes.outer, reach, wide, scratch, scratch.bytes, CHUNK],
        [partial], [w], rows=groups * -(-reach // lanes), grain=max(1, GRAIN // (16 * parts * wide * lanes)),
        flops=parts * groups * reach * wide, why="parts of the gradient put together",
    )  # fmt: skip
    if w is not outputs[0]:
        plan.copy(w, outputs[0])
    return True


LOWERINGS = {"conv": lower_conv, "conv_image": lower_conv_image, "conv_weights": lower_conv_weights}
