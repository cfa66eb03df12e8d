"""Winograd's trick: where it can be used and pays, and the blocks of its kernels.

`NNGRAPH_WINOGRAD=0` in the environment computes every convolution in the direct way.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from math import prod
from typing import Any

from ....kernels import winograd, winograd_sent
from ....kernels.machine import machine
from ....kernels.winograd_tiles import HEAD
from ....language import N_
from ..calls import CHUNK, Scratch, View
from .convolution_geometry import Sizes, rounded

CACHE = 500_000
"""Bytes of tiles and of their products that stay in the second-level cache. Twice as many for what weights are sent:
the sums of all entries are read and written for every such group of tiles."""
GRAIN = 1 << 15
"""So many weights make a chunk worth a thread."""


@dataclass(frozen=True, slots=True)
class Address:
    """The word that is the address of a kernel, compiled when the block is written."""

    code: Any

    def __int__(self) -> int:
        return self.code.address


def wide(numbers: int) -> int:
    """Numbers in whole vectors."""
    lanes = machine().lanes("float32")
    return -(-numbers // lanes) * lanes


@dataclass(frozen=True, slots=True)
class Tiles:
    """A convolution cut into tiles of 4x4 results.

    `backwards`: from windows to the image; `turned`: whether weights are laid the other way round than they lie;
    `taps`: of a window along one axis; `step`: 2 where even and odd entries of the source count as channels, `spread`:
    2 where those of the target do. `corner`: the entry of the source under the first window's corner; `back`: the
    entry of the target with which the first tile begins; `counts`: rows and columns of tiles.
    """

    taps: int
    step: int
    spread: int
    source: tuple[int, int]
    target: tuple[int, int]
    corner: tuple[int, int]
    back: tuple[int, int]
    counts: tuple[int, int]
    channels: int
    results: int
    turned: bool
    backwards: bool

    @property
    def convolved(self) -> Any:
        """The kernel that computes the target."""
        kernels = {(1, 1): winograd.winograd, (2, 1): winograd.winograd_apart, (1, 2): winograd.winograd_back}
        return kernels[self.step, self.spread]("float32")

    @property
    def weighed(self) -> Any:
        """The kernel that computes what weights are sent."""
        return (winograd_sent.winograd_weigh if self.step == 1 else winograd_sent.winograd_weigh_apart)("float32")

    @property
    def products(self) -> int:
        """Products of a tile, for one channel of each."""
        return (3 + self.taps) ** 2

    def pay(self, multiplications: int) -> bool:
        """Whether tiles are faster than the direct way, by the vector instructions that both need for an image."""
        lanes = machine().lanes("float32")
        deep, across = wide(self.channels) * self.step**2, wide(self.results) * self.spread**2
        turned = 9 * self.products * (deep + across) / lanes
        each = 1.15 * self.products * self.channels * self.step**2 * across / lanes + turned
        return prod(self.counts) * each < 0.8 * 1.1 * multiplications / lanes

    def transformed(self, plan: Any, weights: View) -> View:
        """The weights as sums, computed by one more call."""
        kernels = {
            (1, 1): winograd.winograd_weights, (2, 1): winograd.winograd_weights_apart,
            (1, 2): winograd.winograd_weights_back,
        }  # fmt: skip
        panel = 2 * machine().lanes("float32")
        panels = -(-self.results // panel) if self.spread == 1 else 2 * (wide(self.results) // (panel // 2))
        numbers = panels * self.products * (self.channels * self.step**2 * panel + 16)
        sums = plan.new((numbers,), weights.dtype)
        side = self.taps * self.step * self.spread
        # Weights lie as (out, in, …): channels of the target come first where it has the windows, else those of the
        # source.
        by_channel, by_result = side * side * (self.results if self.backwards else 1), side * side
        if not self.backwards:
            by_result *= self.channels
        spare = Scratch(rounded(side * side * machine().vector_bytes))
        plan.call(
            kernels[self.step, self.spread]("float32"),
            [weights, sums, spare, spare.bytes, CHUNK, self.channels, self.results, by_channel, by_result,
             int(self.turned)],
            [weights], [sums], rows=self.channels, grain=-(-GRAIN // self.results), why=N_("weights turned into sums"),
        )  # fmt: skip
        return sums

    def words(
        self,
        views: list[View],
        direct: tuple[Any, list[Any]],
        pack: tuple[Any, list[Any]] | None = None,
        images: int = 0,
        in_part: int = 0,
    ) -> list[Any]:
        """The block of a kernel, with those of the direct way and of packing weights for it behind. `images`: for what
        weights are sent."""
        lanes = machine().lanes("float32")
        down, right = self.counts
        deep, panel = wide(self.channels) * self.step**2, 2 * lanes
        cache = 2 * CACHE if images else CACHE
        together = max(1, min(64, cache // (4 * self.products * (deep + panel))) // right)
        tiles = together * right
        across = wide(self.results)
        sums = self.products * (4 * self.channels * self.step**2 * across + -(-across // panel) * 64) if images else 0
        sizes = [
            4 * (3 + self.taps) * (4 * right + self.taps - 1) * deep, self.products * (4 * tiles * deep + 64),
            self.products * (4 * tiles * panel + 64), 4 * 16 * right * self.spread * lanes,
            4 * (together + 1) * lanes + sums,
        ]  # fmt: skip
        places = [sum(map(rounded, sizes[:at])) for at in range(len(sizes) + 1)]
        scratch = Scratch(places.pop())
        # Rows that are multiplied are tiles, or channels where what weights are sent is wanted.
        rows = (
            [4 * at for at in range(self.channels * self.step**2)] if images else [4 * at * deep for at in range(tiles)]
        )
        (code, block), at = direct, HEAD + len(rows)
        packing = [0, 0] if pack is None else [Address(pack[0]), at + len(block)]
        return [
            *views, 0, 0, scratch, scratch.bytes, CHUNK, Address(code), at, self.channels, self.results, *self.source,
            *self.target, *self.corner, *self.back, down, right, together, *places, HEAD, images, in_part,
            wide(self.results), *packing, *rows, *block, *(pack[1] if pack else []),
        ]  # fmt: skip


def onto_windows(sizes: Sizes, dtype: Any, turned: bool = False) -> Tiles | None:
    """Tiles of a convolution, and of what its weights are sent; None where they do not pay."""
    step = _step(sizes, dtype)
    if not step or (step == 2 and (turned or sizes.inner % machine().lanes("float32"))):
        return None
    before = tuple(-first for first in sizes.padding)
    return _paying(sizes, Tiles(
        sizes.size[0] // step, step, 1, sizes.image, sizes.windows, before, (0, 0), _quarters(sizes.windows),
        sizes.inner, sizes.outer, turned, False,
    ))  # fmt: skip


def onto_image(sizes: Sizes, dtype: Any) -> Tiles | None:
    """Tiles of the way back to the image; None where they do not pay."""
    step = _step(sizes, dtype)
    if not step:
        return None
    if step == 1:
        corner = tuple(first - 2 for first in sizes.padding)
        back, counts = (0, 0), _quarters(sizes.image)
    else:
        # Windows i − 1 and i reach entries 2i and 2i + 1, counted from the padding on.
        corner, back = (-1, -1), tuple(-first for first in sizes.padding)
        counts = _quarters(tuple(-(-(length + first) // 2) for length, first in zip(sizes.image, sizes.padding)))
    return _paying(sizes, Tiles(
        sizes.size[0] // step, 1, step, sizes.windows, sizes.image, corner, back, counts, sizes.outer, sizes.inner,
        True, True,
    ))  # fmt: skip


def _step(sizes: Sizes, dtype: Any) -> int:
    """How far apart windows are that tiles are made for; 0 for others."""
    if dtype != "float32" or sizes.groups > 1 or sizes.dilation != (1, 1) or os.environ.get("NNGRAPH_WINOGRAD") == "0":
        return 0
    return {((3, 3), (1, 1)): 1, ((4, 4), (2, 2)): 2}.get((sizes.size, sizes.stride), 0)


def _quarters(lengths: tuple[int, ...]) -> tuple[int, int]:
    down, right = (-(-length // 4) for length in lengths)
    return down, right


def _paying(sizes: Sizes, tiles: Tiles) -> Tiles | None:
    return tiles if tiles.pay(sizes.multiplications) else None
