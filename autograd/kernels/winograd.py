"""Convolutions by Winograd's trick: windows of 3x3 one apart, with 36 products for 16 results instead of 144; windows
of 4x4 two apart, read as 2x2 entries of four times as many channels, with 25 products instead of 64.

Entries and weights are turned into sums (winograd_transforms.py), tile by tile of 4x4 results; products of the sums are
matrix products. Numbers are rounded more often than in the direct way: in float32 the largest errors, relative to the
largest result, were measured as 5e-6, against 1e-6 (tests/autograd/kernels/test_convolution.py). Where a result is not
finite the image is done again in the direct way, so NaN and infinity appear where they should.

Inside, channels lie side by side and vectors run along them, so that tiles at the edges need nothing special. Where
windows are two apart, an image is read as one of half the size: its even and odd rows and columns are channels.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from .convolution_tiles import multiplier, tallest
from .kernel import kernel, part
from .moves import moves
from .squares import turner
from .winograd_tiles import (
    BYTES,
    CHANNELS,
    CHUNK_ROWS,
    COLUMNS,
    DIRECT,
    DIRECT_BLOCK,
    DOWN,
    FLAGS,
    HEIGHT,
    LEFT_BACK,
    LINES,
    PACK,
    PACK_BLOCK,
    RESULTS,
    RIGHT,
    ROWS,
    SCRATCH,
    STRIP,
    STRIP_BACK,
    SUMS,
    TILES,
    TOGETHER,
    TOP_BACK,
    WEIGHTS,
    WIDTH,
    X,
    Y,
    tiler,
)  # fmt: skip
from .winograd_transforms import transforms

EPILOGUE = 3
"""Where in the block of `winograd` and its kin the address of code to call after every image stands, and after it the
address of its block."""


@kernel("float32")
def winograd_weights(v: SimpleNamespace) -> Any:
    """U[panel, i, j, c, k] = (G w[k, c] Gᵀ)[i, j] for windows of 3x3; a panel is two vectors of k.

    Block: addresses of w and U; working memory, its bytes, rows in a chunk; channels of the image and of the result;
    strides of w along them; whether windows are turned round. One row of the call is a channel of the image.
    """
    return _weights(v, 3, 1, 1)


@kernel("float32")
def winograd_weights_apart(v: SimpleNamespace) -> Any:
    """The same for windows of 4x4 two apart: their even and odd entries are channels c."""
    return _weights(v, 2, 2, 1)


@kernel("float32")
def winograd_weights_back(v: SimpleNamespace) -> Any:
    """The same for the way back to the image: even and odd entries of windows are channels of the result. Two vectors
    of a panel are even and odd columns of the same channels, even and odd rows are panels."""
    return _weights(v, 2, 1, 2)


@kernel("float32")
def winograd(v: SimpleNamespace) -> Any:
    """y[n, k] = Aᵀ (Σ_c U[k, c] ⊙ (Bᵀ d[n, c] B)) A for all tiles d of 6x6 entries, 4 apart: windows of 3x3.

    Block: see the words above; address of code to call when an image is done and of its block, or 0 and 0 (it is called
    with the number of the image, once for each). One row of the call is an image.

    Order: rows of tiles (as many as stay in the second-level cache), panel of k (two vectors), entry of a tile, tiles
    (eight); in the register tile channels. A panel's products are turned into results before the next panel.
    """
    return _convolved(v, 3, 1, 1)


@kernel("float32")
def winograd_apart(v: SimpleNamespace) -> Any:
    """The same for windows of 4x4 two apart: tiles of 5x5 of an image of half the size and four times the channels."""
    return _convolved(v, 2, 2, 1)


@kernel("float32")
def winograd_back(v: SimpleNamespace) -> Any:
    """The way back from windows of 4x4 two apart: the result has half the size and four times the channels."""
    return _convolved(v, 2, 1, 2)


# What they share ------------------------------------------------------------------------------------------------------
# `taps`: of a window, once even and odd entries are channels; `step`: 2 where the image is read as one of half the
# size; `spread`: 2 where the result is written as one of half the size.
def _weights(v: SimpleNamespace, taps: int, step: int, spread: int) -> Any:
    word, size, lanes, fill, zero, turn = v.word, v.size, v.lanes, moves(v).fill, v.zero, turner(v)
    transform, side = transforms(v, taps).weights, taps * step * spread
    entries, apart = (3 + taps) ** 2, step * spread

    def loop(block: int, start: int, stop: int) -> None:
        channels, results, by_channel, by_result = word(block, 5), word(block, 6), word(block, 7), word(block, 8)
        turned = word(block, 2) + word(block, 3) * (start // word(block, 4))
        deep = channels * step * step
        fill(turned, zero(), side * side * lanes)
        for channel in range(start, stop):
            for k in range(0, results, lanes):
                source = word(block, 0) + size * (channel * by_channel + k * by_result)
                for at in range(0, side * side, lanes):
                    turn(
                        source + size * at, size * by_result, turned + size * at * lanes, size * lanes,
                        min(lanes, results - k), side * side - at,
                    )  # fmt: skip
                row, column, first = apart * side * size * lanes, apart * size * lanes, turned
                if word(block, 9):
                    first += (taps - 1) * (row + column)
                    row, column = -row, -column
                for down in range(apart):
                    for right in range(apart):
                        if spread == 2:
                            panel, width, here, inner = k // lanes * 2 + down, 2 * lanes, right * lanes, channel
                        else:
                            panel = k // (2 * lanes)
                            width = lanes * (2 if results - panel * 2 * lanes > lanes else 1)
                            here, inner = k - panel * 2 * lanes, (right * step + down) * channels + channel
                        target = word(block, 1) + panel * entries * (size * deep * 2 * lanes | 64)
                        far = size * deep * width | 64
                        transform(
                            first + size * (down * side + right) * lanes, row, column, 0,
                            target + size * (inner * width + here), (3 + taps) * far, far, 0, 1, 0,
                        )  # fmt: skip

    return loop


def _convolved(v: SimpleNamespace, taps: int, step: int, spread: int) -> Any:
    word, call, size, lanes, store, zero = v.word, v.call, v.size, v.lanes, v.store, v.zero
    fill, finite, multiply, turn = moves(v).fill, moves(v).finite, multiplier(v, tallest()), turner(v)
    tiles_of, transform, side = tiler(v, taps, step), transforms(v, taps).results, 3 + taps

    @part
    def finished(block: int, image: int, directly: int) -> None:
        if directly:
            call(word(block, DIRECT), block + 8 * word(block, DIRECT_BLOCK), image, image + 1)
        if word(block, EPILOGUE) != 0:
            call(word(block, EPILOGUE), word(block, EPILOGUE + 1), image, image + 1)

    def loop(block: int, start: int, stop: int) -> None:
        channels, results = word(block, CHANNELS), word(block, RESULTS)
        lines, columns = word(block, LINES), word(block, COLUMNS)
        down, right, together = word(block, DOWN), word(block, RIGHT), word(block, TOGETHER)
        top, left, rows = word(block, TOP_BACK), word(block, LEFT_BACK), block + 8 * word(block, ROWS)
        work = word(block, SCRATCH) + word(block, BYTES) * (start // word(block, CHUNK_ROWS))
        tiles, sums, strip = work + word(block, TILES), work + word(block, SUMS), work + word(block, STRIP_BACK)
        flags = work + word(block, FLAGS)
        deep = (channels + lanes - 1) // lanes * lanes * step * step
        depth = channels * step * step
        fill(work + word(block, STRIP), zero(), side * (4 * right + taps - 1) * deep)
        entries = channels * word(block, HEIGHT) * word(block, WIDTH)
        last = (stop - start) * down
        first, packed, in_vain = 0, 0, 0
        while first < last:
            many = min(together, last - first)
            if packed:
                # One image was not finite, so others may not be: what is seen beforehand is not tried by tiles.
                # Where windows are two apart, entries at the edge may be in none of them.
                image = start + first // down
                if first % down == 0 and (
                    in_vain or (step == 1 and not finite(word(block, X) + size * image * entries, entries))
                ):
                    finished(block, image, 1)
                    first += down
                    continue
                many = min(many, down - first % down)
            count = many * right
            apart = size * count * deep | 64
            tiles_of(block, start * down + first, many, work)
            for at in range(first, first + many):
                if at % down == 0:
                    store(flags, at // down % (together + 1) * lanes, zero())
            # k: first channel of the panel, where spread is 2 of even and odd rows in turn.
            k, weights, odd = 0, word(block, WEIGHTS), 0
            while k < results:
                vectors = 2 if spread == 2 or results - k > lanes else 1
                width = size * vectors * lanes
                products = count * width | 64
                for entry in range(side * side):
                    multiply(
                        count, vectors, tiles + entry * apart, rows, size, weights + entry * (depth * width | 64),
                        width, depth, sums + entry * products, width, 0,
                    )  # fmt: skip
                for at in range(many):
                    image, line = start + (first + at) // down, (first + at) % down * 4
                    flag = flags + size * ((first + at) // down % (together + 1)) * lanes
                    for vector in range(vectors):
                        products_at = sums + at * right * width + size * vector * lanes
                        if spread == 1:
                            # Rows of results follow each other without a gap. What the last tile writes beyond the
                            # end of one is overwritten by the first tile, which is done last.
                            here = k + vector * lanes
                            transform(
                                products_at + (right - 1) * width, side * products, products, -width,
                                strip + 4 * (right - 1) * size * lanes, columns * size * lanes, size * lanes,
                                -4 * size * lanes, right, flag,
                            )  # fmt: skip
                            pixels = min(4, lines - line) * columns
                            target = word(block, Y) + size * ((image * results + here) * lines + line) * columns
                            for pixel in range(0, pixels, lanes):
                                turn(
                                    strip + size * pixel * lanes, size * lanes, target + size * pixel,
                                    size * lines * columns, pixels - pixel, results - here,
                                )  # fmt: skip
                            continue
                        # The vectors are even and odd columns of the same channels, and become rows together.
                        transform(
                            products_at, side * products, products, width, strip + size * vector * lanes,
                            8 * right * size * lanes, 2 * size * lanes, 8 * size * lanes, right, flag,
                        )  # fmt: skip
                        for row in range(4 * vector):
                            place = (line + row) * 2 + odd + top
                            target = word(block, Y) + size * ((image * results + k) * lines + place) * columns
                            for column in range(0, columns if 0 <= place < lines else 0, lanes):
                                turn(
                                    strip + size * (row * 8 * right + column - left) * lanes, size * lanes,
                                    target + size * column, size * lines * columns, columns - column, results - k,
                                )  # fmt: skip
                weights += side * side * (depth * 2 * size * lanes | 64)
                if spread == 2:
                    k += odd * lanes
                    odd = 1 - odd
                else:
                    k += 2 * lanes
            for at in range(first, first + many):
                if at % down == down - 1:
                    image = start + at // down
                    is_wrong = not finite(flags + size * (at // down % (together + 1)) * lanes, lanes)
                    if is_wrong and not packed:
                        call(word(block, PACK), block + 8 * word(block, PACK_BLOCK), 0, 1)
                        direct = block + 8 * word(block, DIRECT_BLOCK)
                        packed, in_vain = 1, not finite(word(direct, 2), word(direct, 8) * word(direct, 19))
                    finished(block, image, is_wrong)
            first += many

    return loop
