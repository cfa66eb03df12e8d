"""What weights are sent, by Winograd's trick: the adjoint of winograd.py, tile by tile."""

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
    IMAGES,
    IMAGES_IN_PART,
    LINES,
    RESULTS,
    RIGHT,
    ROWS,
    SCRATCH,
    STRIP,
    STRIP_BACK,
    SUMS,
    TILES,
    TOGETHER,
    WEIGHTS,
    WIDE,
    WIDTH,
    X,
    Y,
    tiler,
)  # fmt: skip
from .winograd_transforms import transforms


@kernel("float32")
def winograd_weigh(v: SimpleNamespace) -> Any:
    """w[c·tap, k] = Gᵀ (Σ_tiles (Bᵀ d B) ⊙ (A g Aᵀ)) G over a part of the images: the adjoint of `winograd`.

    Block: see the words above: image, g and results (laid out as `conv_weigh` does, and put together by `conv_sum`).
    One row of the call is a part of the images.

    Order: rows of tiles (as many as stay in the second-level cache), panel of k (two vectors), entry of a tile,
    channels (eight); in the register tile tiles.
    """
    return _weighed(v, 3, 1)


@kernel("float32")
def winograd_weigh_apart(v: SimpleNamespace) -> Any:
    """The same for windows of 4x4 two apart."""
    return _weighed(v, 2, 2)


def _weighed(v: SimpleNamespace, taps: int, step: int) -> Any:
    """`taps` and `step` as in winograd.py."""
    word, call, size, lanes, store, zero = v.word, v.call, v.size, v.lanes, v.store, v.zero
    multiply, fill, finite = multiplier(v, tallest()), moves(v).fill, moves(v).finite
    tiles_of, arrivals, sent, side = tiler(v, taps, step), _arrivals(v, taps), _sent(v, taps, step), 3 + taps

    @part
    def all_finite(array: int, numbers: int, image: int, images: int) -> bool:
        return finite(array + size * image * numbers, images * numbers) != 0

    def loop(block: int, start: int, stop: int) -> None:
        channels, results = word(block, CHANNELS), word(block, RESULTS)
        down, right, wide = word(block, DOWN), word(block, RIGHT), word(block, WIDE)
        work = word(block, SCRATCH) + word(block, BYTES) * (start // word(block, CHUNK_ROWS))
        tiles, arrived = work + word(block, TILES), work + word(block, SUMS)
        flags = work + word(block, FLAGS)
        totals, panels = flags + size * lanes, (wide + 2 * lanes - 1) // (2 * lanes)
        deep = (channels + lanes - 1) // lanes * lanes * step * step
        depth = channels * step * step
        fill(work + word(block, STRIP), zero(), side * (4 * right + taps - 1) * deep)
        entries, arriving = word(block, HEIGHT) * word(block, WIDTH), word(block, LINES) * word(block, COLUMNS)
        is_doubtful = False
        for each in range(start, stop):
            image = each * word(block, IMAGES_IN_PART)
            images = min(word(block, IMAGES_IN_PART), word(block, IMAGES) - image)
            # See winograd.py.
            if is_doubtful and not (
                (step == 2 or all_finite(word(block, X), channels * entries, image, images))
                and all_finite(word(block, Y), results * arriving, image, images)
            ):
                call(word(block, DIRECT), block + 8 * word(block, DIRECT_BLOCK), each, each + 1)
                continue
            fill(totals, zero(), side * side * (depth * wide + 16 * panels))
            first, last = image * down, (image + images) * down
            while first < last:
                many = min(word(block, TOGETHER), last - first)
                count = many * right
                tiles_of(block, first, many, work)
                k, total = 0, totals
                while k < results:
                    vectors = 2 if results - k > lanes else 1
                    width = size * vectors * lanes
                    arrivals(block, first, many, k, vectors, work)
                    for entry in range(side * side):
                        multiply(
                            depth, vectors, tiles + entry * (size * count * deep | 64), block + 8 * word(block, ROWS),
                            size * deep, arrived + entry * (count * width | 64), width, count,
                            total + entry * (depth * width | 64), width, 1,
                        )  # fmt: skip
                    total += side * side * (depth * width | 64)
                    k += vectors * lanes
                first += many
            store(flags, 0, zero())
            sent(block, each, totals, flags)
            if not finite(flags, lanes):
                is_doubtful = True
                call(word(block, DIRECT), block + 8 * word(block, DIRECT_BLOCK), each, each + 1)

    return loop


def _arrivals(v: SimpleNamespace, taps: int) -> Any:
    """A function: (A g Aᵀ)[i, j, tile, k] for one panel of k and some rows of tiles, counted through all images."""
    word, size, lanes, zero, turn, fill = v.word, v.size, v.lanes, v.zero, turner(v), moves(v).fill
    transform, side = transforms(v, taps).arriving, 3 + taps

    @part
    def arrivals(block: int, first: int, many: int, k: int, vectors: int, work: int) -> None:
        results, lines, columns = word(block, RESULTS), word(block, LINES), word(block, COLUMNS)
        down, right, strip = word(block, DOWN), word(block, RIGHT), work + word(block, STRIP_BACK)
        width = size * vectors * lanes
        apart = many * right * width | 64
        fill(strip, zero(), 16 * right * lanes)
        for at in range(many * vectors):
            here, row_of_tiles = k + at % vectors * lanes, first + at // vectors
            image, line = row_of_tiles // down, row_of_tiles % down * 4
            for row in range(line, line + 4):
                place = strip + size * (row - line) * 4 * right * lanes
                if row >= lines:
                    fill(place, zero(), 4 * right * lanes)
                else:
                    source = word(block, Y) + size * ((image * results + here) * lines + row) * columns
                    for column in range(0, columns, lanes):
                        turn(
                            source + size * column, size * lines * columns, place + size * column * lanes, size * lanes,
                            results - here, columns - column,
                        )  # fmt: skip
            transform(
                strip, 4 * right * size * lanes, size * lanes, 4 * size * lanes,
                work + word(block, SUMS) + at // vectors * right * width + size * (here - k), side * apart, apart,
                width, right, 0,
            )  # fmt: skip

    return arrivals


def _sent(v: SimpleNamespace, taps: int, step: int) -> Any:
    """A function: the sums of all entries of part number `each` as weights, one row for each channel and tap."""
    word, size, lanes = v.word, v.size, v.lanes
    transform, side, window = transforms(v, taps).sent, 3 + taps, taps * step

    @part
    def sent(block: int, each: int, total: int, flags: int) -> None:
        channels, results, wide = word(block, CHANNELS), word(block, RESULTS), word(block, WIDE)
        target = word(block, WEIGHTS) + size * each * window * window * channels * wide
        k = 0
        while k < results:
            vectors = 2 if results - k > lanes else 1
            width = size * vectors * lanes
            apart = channels * step * step * width | 64
            for vector in range(vectors):
                for odd in range(step * step):
                    # Channels of a tile: odd columns behind even ones, in both odd rows behind even ones.
                    place = odd % step * window + odd // step
                    transform(
                        total + size * vector * lanes + odd * channels * width, side * apart, apart, width,
                        target + size * (place * wide + k + vector * lanes), size * step * window * wide,
                        size * step * wide, size * window * window * wide, channels, flags,
                    )  # fmt: skip
            total += side * side * apart
            k += vectors * lanes

    return sent
