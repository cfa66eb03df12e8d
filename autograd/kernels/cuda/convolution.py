"""Convolutions on a GPU without a copy of their windows: products whose right operand is read from the image itself.

`Across`: y[image, channel, window] = Σ over entries of w[channel, entry]·x[image, entry of the window], for a convolution
and, with strides of 1 and entries counted backwards, for each part of the way back to the image. `Down`: w̄[channel, entry] =
Σ over all windows of ḡ[image, channel, window]·x[image, entry of the window]. Groups are a stack of products.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from math import prod
from typing import Any

from .arguments import Argument, first_of, of_view, whole_number, wrapped
from .convolution_sources import NAMES, Results, WindowsAcross, WindowsDown
from .division import LARGEST, divided, divisor
from .lines import Lines
from .product_sources import Matrix
from .product_store import Counts, Epilogue, Strided, names_of, store
from .product_text import Stages, written
from .product_tiles import Tile
from .tensor import TensorTile

Pair = tuple[int, int]

ARRAYS = ("a", "a_first", "b", "b_first", "c", "c_first", "rows", "columns", "depth", "a_group", "b_group", "c_group")
"""The first arguments of both kernels; then the geometry, and then what each has for itself."""
ACROSS = ("a_row", "a_depth", "c_row", "skip_image", "skip_line", "c_right", "c_channels")
"""Strides of the weights, and of the result: its channels are `c_row` apart, windows `c_right`, and what is skipped behind an
image and behind a row of windows; its channels, those of all groups."""
DOWN = ("a_skip", "c_row", "groups", "span", "c_part")
"""What is skipped of the left operand behind an image; how far apart rows of the result are; how many groups there are, how
many windows a part sums over, and how far apart the sums of two parts are."""


@dataclass(frozen=True, slots=True)
class Geometry:
    """Images of `lengths` with `groups` times so many channels, and `counts` windows of `taps` entries in each: window i and
    entry r meet at i·stride + r·dilation − before."""

    lengths: Pair
    groups: int
    channels: int
    counts: Pair
    taps: Pair
    stride: Pair
    dilation: Pair
    before: Pair

    def words(self) -> list[Argument]:
        """The arguments of convolution_sources.NAMES."""
        area, pixels = prod(self.lengths), prod(self.counts)
        by_image = self.groups * self.channels * area
        first = map(whole_number, (*self.lengths, area, by_image, *self.stride))
        signed = map(wrapped, (*self.before, *self.dilation))
        last = map(whole_number, (*self.counts, pixels, self.channels))
        divisors = [word for number in (self.counts[1], pixels, self.channels) for word in divisor(number)]
        return [*first, *signed, *last, *divisors]


@dataclass(frozen=True, slots=True)
class Form:
    """What the kernel is made for. `down`: it sums over windows. `a`: how the left operand lies, see product_sources. `four`:
    numbers of the result move four by four. `keeps`: it is written, as others than the epilogues read it."""

    tile: Tile | TensorTile
    dtype: str
    taps: Pair
    down: bool
    a: str
    four: bool
    flat: bool = True
    """The windows of an image lie side by side in the result."""
    taps_first: bool = False
    """The weights are in the order taps, channels."""
    b: str = "columns"
    """How the windows lie; with a 4 behind it where they are single numbers, side by side."""
    keeps: bool = True
    epilogues: tuple[Epilogue, ...] = ()


@dataclass(frozen=True)
class CudaConvolution:
    """The code of a convolution on a GPU."""

    form: Form
    is_ready = True
    name = "convolution"

    def text(self) -> str:
        """The kernel as Python for numba.cuda."""
        return text(self.form)

    def names(self) -> Sequence[str]:
        """The kernel's arguments, then those of the epilogues."""
        return names(self.form)

    def threads(self) -> int:
        """Threads of a block."""
        return self.form.tile.threads

    def counts(self, rows: int, result: Any) -> Counts:
        """How the result is counted: by images, or, where it is weights, by rows."""
        if self.form.down:
            return (rows, "in_all", "rows"), (result.size // rows, "in_one", "columns")
        channels = result.shape[1] if len(result.shape) > 2 else 1
        pixels = result.size // (rows * channels)
        return (rows, "in_image", "images"), (channels, "in_channel", "c_channels"), (pixels, "in_pixel", "pixels")

    def finishing(self, epilogues: tuple[Epilogue, ...], keeps: bool) -> CudaConvolution:
        """The same with epilogues; `keeps`: whether others read the result."""
        return CudaConvolution(replace(self.form, keeps=keeps, epilogues=epilogues))


@dataclass(frozen=True, slots=True)
class Images:
    """Where the results of windows lie, image after image; see product_store.Places."""

    four: bool
    flat: bool

    def of_row(self, lines: Lines) -> None:
        """See Places."""
        lines.say("of_row = uint32(c_here + in_row * c_row)")

    def place(self, column: str) -> str:
        """See Places. Windows are counted through all images: at the end of a row, and of an image, some are skipped."""
        image = f"{divided(column, 'pixels')} * skip_image"
        if self.flat:
            return f"uint32(of_row + {column} + {image})"
        return f"uint32(of_row + {column} * c_right + {divided(column, 'wide')} * skip_line + {image})"

    def counted(self, column: str) -> list[str]:
        """See Places."""
        return [
            "in_channel = uint32(group * rows + in_row)",
            f"in_image = {divided(column, 'pixels')}",
            f"in_pixel = uint32({column} - in_image * pixels)",
        ]


def names(form: Form) -> list[str]:
    """The arguments of a form's kernel."""
    return [*ARRAYS, *NAMES, *(DOWN if form.down else ACROSS), *names_of(form.epilogues)]


def across(views: Sequence[Any], rows: int, geometry: Geometry) -> list[Argument]:
    """The arguments of the form that is not `down`. The last view is of images: batch, channels, and windows down and right."""
    c, (lines, wide), depth = views[2], geometry.counts, geometry.channels * prod(geometry.taps)
    image, channel, line, right = c.strides
    skips = [wrapped(image - lines * line), wrapped(line - wide * right)]
    stacks = [rows * depth, geometry.channels * prod(geometry.lengths), rows * channel]
    words = _words(views, (rows, c.shape[0] * lines * wide, depth), stacks, geometry)
    first, last = map(whole_number, (depth, 1, channel)), map(whole_number, (right, c.shape[1]))
    return [*words, *first, *skips, *last]


def down(views: Sequence[Any], rows: int, images: int, span: int, geometry: Geometry) -> list[Argument]:
    """The arguments of the form that is `down`. Blocks of a part of all windows sum over `span` of them."""
    pixels, columns = prod(geometry.counts), geometry.channels * prod(geometry.taps)
    stacks = [rows * pixels, geometry.channels * prod(geometry.lengths), rows * columns]
    words = _words(views, (rows, columns, images * pixels), stacks, geometry)
    groups = geometry.groups
    last = ((groups * rows - 1) * pixels, columns, groups, span, groups * rows * columns)
    return [*words, *map(whole_number, last)]


def _words(views: Sequence[Any], sizes: Sequence[int], stacks: Sequence[int], geometry: Geometry) -> list[Argument]:
    whole_number(max(sizes), LARGEST)
    words = [each for view in views for each in (of_view(view), first_of(view))]
    return [*words, *map(whole_number, (*sizes, *stacks)), *geometry.words()]


@cache
def text(form: Form) -> str:
    """The kernel of a form."""
    tile, number = form.tile, form.dtype
    begin = [
        # Blocks that follow each other read the same windows.
        f"high = uint32(uint32(rows + uint32({tile.height - 1})) // uint32({tile.height}))",
        "aside = uint32(uint32(cuda.blockIdx.x) // high)",
        f"row = uint32((uint32(cuda.blockIdx.x) - aside * high) * uint32({tile.height}))",
        f"column = uint32(aside * uint32({tile.width}))",
        "group, begin, end = uint32(cuda.blockIdx.y), uint32(0), uint32(depth)",
    ]
    if form.down:
        begin += [
            "part = uint32(group // groups)",
            "group, begin = uint32(group - part * groups), uint32(part * span)",
            "end = min(uint32(begin + span), end)",
            "c_first, matrix = uint32(c_first + part * c_part), group",
        ]
    begin += [f"{each}_here = uint32({each}_first + group * {each}_group)" for each in "abc"]
    b: Any
    if form.down:
        a: Any = Results("a", form.a, tile.height, tile.deep, tile.threads, number)
        b = WindowsDown("b", "depth", tile.width, tile.deep, tile.threads, number, form.taps)
        places: Any = Strided(form.four)
        begin.append("c_column = uint32(1)")
    else:
        a = Matrix("a", form.a, tile.height, tile.deep, tile.threads, number, "row", "rows", "a_row")
        b = WindowsAcross("b", form.b, tile.width, tile.deep, tile.threads, number, form.taps, form.taps_first)
        places = Images(form.four, form.flat)

    def stored(lines: Lines) -> None:
        store(lines, tile, places, add=False, keeps=form.keeps, epilogues=form.epilogues)

    return written(Stages(names(form), tile, number, a, b, begin, None, stored))
