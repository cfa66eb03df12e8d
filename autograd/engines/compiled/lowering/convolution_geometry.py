"""How a convolution lies in memory: which entries of the image every window meets, and how planes hold them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from ....kept import kept
from ....kernels.machine import machine
from ....node import Node
from ..calls import View

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
    """The same axis backwards: entry X receives from window (X + before − tap·dilation) / stride where that is whole,
    so entries that leave the same remainder meet the same taps."""
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

    @kept
    def remainders(self) -> list[int]:
        """What is left of the offsets of rows when divided by the step."""
        return sorted({offset % self.down.step for offset in self.down.offsets})

    @kept
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


SHALLOW = 100
"""With fewer products than this for each result, putting results of several images in their places afterwards takes
longer than full vectors save."""


def side_by_side(down: Axis, right: Axis, images: int, channels: int, size: int) -> Planes:
    """Planes that hold as few images as fill vectors well: 49 windows leave a quarter of four vectors empty, those of
    two images hardly any."""
    lanes = machine().lanes(f"float{8 * size}")
    found = Planes(down, right)
    if len(down.phases) == len(right.phases) == 1 and channels * len(found.met()) < SHALLOW:
        return found
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
class Sizes:
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


def sizes_of(node: Node, image: View, windows: View, weights: Sequence[int]) -> Sizes:
    """The sizes of a convolution, of its way back or of what its weights are sent: `weights` is the shape of those. An
    axis, a batch and channels that it does not have are 1."""
    params = node.params
    axes = len(params["stride"])
    plain = len(image.shape) == axes

    def pair(numbers: Sequence[int], missing: int) -> tuple[int, int]:
        first, second = ([missing] * (2 - axes) + list(map(int, numbers)))[-2:]
        return first, second

    groups = params["groups"]
    return Sizes(
        1 if plain else image.shape[0], pair(image.shape[-axes:], 1), pair(windows.shape[-axes:], 1),
        pair(weights[-axes:], 1), pair(params["stride"], 1), pair(params["dilation"], 1),
        pair([before for before, _ in params["padding"]], 0), groups,
        1 if plain else image.shape[1] // groups, 1 if plain else windows.shape[1] // groups,
    )  # fmt: skip


def rounded(bytes_: int) -> int:
    """Bytes in whole cache lines."""
    return -(-bytes_ // 64) * 64
