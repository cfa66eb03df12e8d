"""Images cut into tiles of 6x6 or 5x5 entries, 4 apart, and turned into sums; the words of Winograd's blocks."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from .kernel import part
from .moves import moves
from .squares import turner
from .winograd_transforms import transforms

X, Y, WEIGHTS, SCRATCH, BYTES, CHUNK_ROWS, DIRECT, DIRECT_BLOCK = 0, 1, 2, 5, 6, 7, 8, 9
CHANNELS, RESULTS, HEIGHT, WIDTH, LINES, COLUMNS, TOP, LEFT, TOP_BACK, LEFT_BACK = range(10, 20)
DOWN, RIGHT, TOGETHER, STRIP, TILES, SUMS, STRIP_BACK, FLAGS, ROWS = range(20, 29)
IMAGES, IMAGES_IN_PART, WIDE, PACK, PACK_BLOCK = range(29, 34)
HEAD = 34
"""Words of the blocks. Addresses of image, result and transformed weights; working memory, its bytes, rows in a chunk;
code of the direct way and word at which its block begins; channels of image and result; rows and columns of an image
and of a result; row and column of the image under the first window's corner, and of the result that the first tile
begins with; rows and columns of tiles; rows of tiles done together; where things lie in working memory, in bytes; the
word at which the places of the rows that are multiplied stand, tiles or channels, in bytes; for weights: images,
images in a part, numbers of a row of results; code that packs weights for the direct way, and word at which its block
begins. HEAD words in all."""


def tiler(v: SimpleNamespace, taps: int, step: int) -> Any:
    """A function: V[i, j, tile, c] = (Bᵀ d B)[i, j] for some rows of tiles, counted through all images.

    Of a row of tiles, the rows of the image that it meets stand in the strip with channels side by side; the next one
    keeps those that it meets too.
    """
    word, size, lanes, zero, turn = v.word, v.size, v.lanes, v.zero, turner(v)
    copy, fill, transform, side = moves(v).copy, moves(v).fill, transforms(v, taps).entries, 3 + taps

    @part
    def tiles_of(block: int, first: int, many: int, work: int) -> None:
        channels, height, width = word(block, CHANNELS), word(block, HEIGHT), word(block, WIDTH)
        down, right, top, left = word(block, DOWN), word(block, RIGHT), word(block, TOP), word(block, LEFT)
        deep = (channels + lanes - 1) // lanes * lanes * step
        across = (4 * right + taps - 1) * step
        pitch = size * across * deep
        strip, tiles = work + word(block, STRIP), work + word(block, TILES)
        # An odd number of cache lines, so that the sums of a tile do not fall into one set of the cache.
        apart = size * many * right * deep * step | 64
        from_column, to_column = max(left, 0), min(width, across + left)
        for at in range(many):
            image, line = (first + at) // down, (first + at) % down * 4
            kept = 0
            if at > 0 and line > 0:
                copy(strip, strip + 4 * pitch, (taps - 1) * across * deep)
                kept = taps - 1
            for row in range(kept * step, side * step):
                if not 0 <= line * step + row + top < height:
                    place = strip + row // step * pitch + size * (row % step) * (deep // step)
                    for column in range(across):
                        fill(place + size * column * deep, zero(), deep // step)
            # Row after row of a few channels: their numbers follow each other in memory.
            for channel in range(0, channels, lanes):
                source = word(block, X) + size * (image * channels + channel) * height * width
                for row in range(kept * step, side * step):
                    here = line * step + row + top
                    place = strip + row // step * pitch + size * ((row % step) * (deep // step) + channel - left * deep)
                    if 0 <= here < height:
                        for column in range(from_column, to_column, lanes):
                            turn(
                                source + size * (here * width + column), size * height * width,
                                place + size * column * deep, size * deep, channels - channel, to_column - column,
                            )  # fmt: skip
            for channel in range(0, deep * step, lanes):
                transform(
                    strip + size * channel, pitch, size * deep * step, 4 * size * deep * step,
                    tiles + size * (at * right * deep * step + channel), side * apart, apart, size * deep * step,
                    right, 0,
                )  # fmt: skip

    return tiles_of
