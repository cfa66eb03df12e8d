"""Convolutions with windows of 3x3, one step apart, by Winograd's trick F(4x4, 3x3): 36 products for 16 results, not 144.

Tiles of 6x6 entries and the weights are each turned into 36 sums; results are 16 sums of their products (Lavin and Gray,
arXiv:1509.09308). Numbers are rounded more often than in the direct way: in float32 errors are about ten times as large
(measured: 1e-5 of the largest result where the direct way has 1e-6). Where a result is not finite the image is done
again in the direct way, so NaN and infinity appear where they should.

Inside, channels lie side by side and vectors run along them, so that tiles at the edges need nothing special.
"""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from . import vector as vec
from .convolution_tiles import outer_tile, tallest
from .kernel import kernel, part
from .moves import Loop, instruction, moves
from .squares import turner
from .vector import INT64, Lanes

EPILOGUE = 3
"""Where in the block of `winograd` the address of code to call after every image stands, and after it the address of its
block."""

X, Y, WEIGHTS, SCRATCH, BYTES, CHUNK_ROWS, DIRECT, DIRECT_BLOCK = 0, 1, 2, 5, 6, 7, 8, 9
CHANNELS, RESULTS, HEIGHT, WIDTH, LINES, COLUMNS, TOP, LEFT, DOWN, RIGHT, TOGETHER = range(10, 21)
STRIP, TILES, SUMS, STRIP_BACK, FLAGS, ROWS = range(21, 27)
IMAGES, IMAGES_IN_PART, WIDE = 27, 28, 29
"""Words of the blocks. Addresses of image, result and transformed weights; working memory, its bytes, rows in a chunk;
code and word of the block of the direct way; channels of image and results; rows and columns of an image and of a
result; entry of the image under the first window's corner; rows and columns of tiles; rows of tiles done together; where
things lie in working memory, in bytes; the word at which the distances between the rows of a register tile stand."""


@kernel("float32")
def winograd_weights(v: SimpleNamespace) -> Any:
    """U[panel, i, j, c, k] = (G w[k, c] Gᵀ)[i, j]; a panel is two vectors of k.

    Block: addresses of w and U; working memory, its bytes, rows in a chunk; channels of the image and of the results;
    strides of w along them; whether windows are turned round. One row of the call is a channel of the image.
    """
    word, size, lanes, fill, zero, turn = v.word, v.size, v.lanes, moves(v).fill, v.zero, turner(v)
    transform = _sandwich(v, "weights_to_tiles", 3, 6, _weights_to_tiles)

    def loop(block: int, start: int, stop: int) -> None:
        channels, results, by_channel, by_result = word(block, 5), word(block, 6), word(block, 7), word(block, 8)
        entries = word(block, 2) + word(block, 3) * (start // word(block, 4))
        panel = 36 * channels * 2 * lanes
        fill(entries, zero(), 9 * lanes)
        for channel in range(start, stop):
            for k in range(0, results, lanes):
                source = word(block, 0) + size * (channel * by_channel + k * by_result)
                for at in range(0, 9, lanes):
                    turn(
                        source + size * at, size * by_result, entries + size * at * lanes, size * lanes,
                        min(lanes, results - k), 9 - at,
                    )  # fmt: skip
                first = k // (2 * lanes)
                width = lanes * (2 if results - first * 2 * lanes > lanes else 1)
                target = word(block, 1) + size * (first * panel + channel * width + (k - first * 2 * lanes))
                step, base = size * lanes, entries
                if word(block, 9):
                    step, base = -step, entries + 8 * step
                transform(base, 3 * step, step, 0, target, 6 * size * channels * width, size * channels * width, 0, 1, 0)

    return loop


@kernel("float32")
def winograd(v: SimpleNamespace) -> Any:
    """y[n, k] = Aᵀ (Σ_c U[k, c] ⊙ (Bᵀ d[n, c] B)) A for all tiles d of 6x6 entries, 4 apart.

    Block: see the words above; address of code to call when an image is done and of its block, or 0 and 0 (it is called
    with the number of the image, once for each). One row of the call is an image.

    Order: rows of tiles (as many as stay in the second-level cache), panel of k (two vectors), entry of a tile, tiles
    (eight); in the register tile channels. A panel's products are turned into results before the next panel.
    """
    word, call, size, lanes, store, zero, move = v.word, v.call, v.size, v.lanes, v.store, v.zero, moves(v)
    tile, turn, tiles_of, most, fill, finite = outer_tile(v), turner(v), _tiles_of(v), tallest(), move.fill, move.finite
    transform = _sandwich(v, "tiles_to_results", 6, 4, _tiles_to_results)

    def loop(block: int, start: int, stop: int) -> None:
        channels, results, lines, columns = word(block, CHANNELS), word(block, RESULTS), word(block, LINES), word(block, COLUMNS)
        down, right, together = word(block, DOWN), word(block, RIGHT), word(block, TOGETHER)
        work = word(block, SCRATCH) + word(block, BYTES) * (start // word(block, CHUNK_ROWS))
        tiles, sums, strip = work + word(block, TILES), work + word(block, SUMS), work + word(block, STRIP_BACK)
        rows, flags = block + 8 * word(block, ROWS), work + word(block, FLAGS)
        deep = (channels + lanes - 1) // lanes * lanes
        fill(work + word(block, STRIP), zero(), 6 * (4 * right + 2) * deep)
        last = (stop - start) * down
        first = 0
        while first < last:
            many = min(together, last - first)
            count = many * right
            apart = size * count * deep | 64
            tiles_of(block, start * down + first, many, work)
            for at in range(first, first + many):
                if at % down == 0:
                    store(flags, at // down % (together + 1) * lanes, zero())
            k = 0
            weights = word(block, WEIGHTS)
            while k < results:
                vectors = 2 if results - k > lanes else 1
                width = size * vectors * lanes
                products = count * width | 64
                for entry in range(36):
                    t = 0
                    while t < count:
                        tall = most
                        while tall > count - t:
                            tall //= 2
                        tile(
                            tall, vectors, tiles + entry * apart + size * t * deep, rows, size,
                            weights + entry * channels * width, width, channels, sums + entry * products + t * width,
                            width, 0,
                        )  # fmt: skip
                        t += tall
                for at in range(many):
                    image = start + (first + at) // down
                    line = (first + at) % down * 4
                    flag = flags + size * ((first + at) // down % (together + 1)) * lanes
                    for vector in range(vectors):
                        inner = size * vector * lanes
                        transform(
                            sums + at * right * width + inner, 6 * products, products, width, strip,
                            4 * right * size * lanes, size * lanes, 4 * size * lanes, right, flag,
                        )  # fmt: skip
                        here = k + vector * lanes
                        for row in range(min(4, lines - line)):
                            target = word(block, Y) + size * ((image * results + here) * lines + line + row) * columns
                            for column in range(0, columns, lanes):
                                turn(
                                    strip + size * (row * 4 * right + column) * lanes, size * lanes,
                                    target + size * column, size * lines * columns, columns - column,
                                    results - here,
                                )  # fmt: skip
                weights += 36 * channels * width
                k += vectors * lanes
            for at in range(first, first + many):
                if at % down == down - 1:
                    image = start + at // down
                    if not finite(flags + size * (at // down % (together + 1)) * lanes, lanes):
                        call(word(block, DIRECT), block + 8 * word(block, DIRECT_BLOCK), image, image + 1)
                    if word(block, EPILOGUE) != 0:
                        call(word(block, EPILOGUE), word(block, EPILOGUE + 1), image, image + 1)
            first += many

    return loop


@kernel("float32")
def winograd_weigh(v: SimpleNamespace) -> Any:
    """w[c·tap, k] = Gᵀ (Σ_tiles (Bᵀ d B) ⊙ (A g Aᵀ)) G over a part of the images: the adjoint of `winograd`.

    Block: see the words above: image, g and results (laid out as `conv_weigh` does, and put together by `conv_sum`).
    One row of the call is a part of the images.

    Order: rows of tiles (as many as stay in the second-level cache), panel of k (two vectors), entry of a tile, channels
    (eight); in the register tile tiles.
    """
    word, call, size, lanes, store, zero, move = v.word, v.call, v.size, v.lanes, v.store, v.zero, moves(v)
    tile, turn, tiles_of, most, fill, finite = outer_tile(v), turner(v), _tiles_of(v), tallest(), move.fill, move.finite
    spread = _sandwich(v, "results_to_tiles", 4, 6, _results_to_tiles)
    transform = _sandwich(v, "tiles_to_weights", 6, 3, _tiles_to_weights)

    def loop(block: int, start: int, stop: int) -> None:
        channels, results, lines, columns = word(block, CHANNELS), word(block, RESULTS), word(block, LINES), word(block, COLUMNS)
        down, right, together, wide = word(block, DOWN), word(block, RIGHT), word(block, TOGETHER), word(block, WIDE)
        work = word(block, SCRATCH) + word(block, BYTES) * (start // word(block, CHUNK_ROWS))
        tiles, arrived, strip = work + word(block, TILES), work + word(block, SUMS), work + word(block, STRIP_BACK)
        rows, flags = block + 8 * word(block, ROWS), work + word(block, FLAGS)
        deep = (channels + lanes - 1) // lanes * lanes
        fill(work + word(block, STRIP), zero(), 6 * (4 * right + 2) * deep)
        totals = flags + size * lanes
        for each in range(start, stop):
            fill(totals, zero(), 36 * channels * wide)
            begin = each * word(block, IMAGES_IN_PART)
            last = (min(word(block, IMAGES), begin + word(block, IMAGES_IN_PART)) - begin) * down
            first = 0
            while first < last:
                many = min(together, last - first)
                count = many * right
                apart = size * count * deep | 64
                tiles_of(block, begin * down + first, many, work)
                k = 0
                total = totals
                while k < results:
                    vectors = 2 if results - k > lanes else 1
                    width = size * vectors * lanes
                    products = count * width | 64
                    for vector in range(vectors):
                        here = k + vector * lanes
                        fill(strip, zero(), 16 * right * lanes)
                        for at in range(many):
                            image = begin + (first + at) // down
                            line = (first + at) % down * 4
                            for row in range(4):
                                if line + row < lines:
                                    source = word(block, Y) + size * ((image * results + here) * lines + line + row) * columns
                                    for column in range(0, columns, lanes):
                                        turn(
                                            source + size * column, size * lines * columns,
                                            strip + size * (row * 4 * right + column) * lanes, size * lanes,
                                            results - here, columns - column,
                                        )  # fmt: skip
                                else:
                                    fill(strip + size * row * 4 * right * lanes, zero(), 4 * right * lanes)
                            spread(
                                strip, 4 * right * size * lanes, size * lanes, 4 * size * lanes,
                                arrived + at * right * width + size * vector * lanes, 6 * products, products, width, right, 0,
                            )  # fmt: skip
                    for entry in range(36):
                        channel = 0
                        while channel < channels:
                            tall = most
                            while tall > channels - channel:
                                tall //= 2
                            tile(
                                tall, vectors, tiles + entry * apart + size * channel, rows, size * deep,
                                arrived + entry * products, width, count,
                                total + (entry * channels + channel) * width, width, 1,
                            )  # fmt: skip
                            channel += tall
                    total += 36 * channels * width
                    k += vectors * lanes
                first += many
            store(flags, 0, zero())
            target = word(block, WEIGHTS) + size * each * 9 * channels * wide
            k = 0
            total = totals
            while k < results:
                vectors = 2 if results - k > lanes else 1
                width = size * vectors * lanes
                for vector in range(vectors):
                    transform(
                        total + size * vector * lanes, 6 * channels * width, channels * width, width,
                        target + size * (k + vector * lanes), size * 3 * wide, size * wide, size * 9 * wide, channels,
                        flags,
                    )  # fmt: skip
                total += 36 * channels * width
                k += vectors * lanes
            if not finite(flags, lanes):
                call(word(block, DIRECT), block + 8 * word(block, DIRECT_BLOCK), each, each + 1)

    return loop


def _tiles_of(v: SimpleNamespace) -> Any:
    """A function: V[i, j, tile, c] = (Bᵀ d B)[i, j] for some rows of tiles, counted through all images.

    Of a row of tiles, six rows of the image stand in the strip with channels side by side; the next one keeps two.
    """
    word, size, lanes, zero, turn = v.word, v.size, v.lanes, v.zero, turner(v)
    copy, fill = moves(v).copy, moves(v).fill
    transform = _sandwich(v, "image_to_tiles", 6, 6, _image_to_tiles)

    @part
    def tiles_of(block: int, first: int, many: int, work: int) -> None:
        channels, height, width = word(block, CHANNELS), word(block, HEIGHT), word(block, WIDTH)
        down, right, top, left = word(block, DOWN), word(block, RIGHT), word(block, TOP), word(block, LEFT)
        deep = (channels + lanes - 1) // lanes * lanes
        pitch = size * (4 * right + 2) * deep
        strip, tiles = work + word(block, STRIP), work + word(block, TILES)
        # An odd number of cache lines, so that the 36 sums of a tile do not fall into one set of the cache.
        apart = size * many * right * deep | 64
        from_column, to_column = max(left, 0), min(width, 4 * right + 2 + left)
        for at in range(many):
            image, line = (first + at) // down, (first + at) % down * 4
            kept = 0
            if at > 0 and line > 0:
                copy(strip, strip + 4 * pitch, 2 * (4 * right + 2) * deep)
                kept = 2
            for row in range(kept, 6):
                here, place = line + row + top, strip + row * pitch
                if here < 0 or here >= height:
                    fill(place, zero(), (4 * right + 2) * deep)
                else:
                    source = word(block, X) + size * (image * channels * height + here) * width
                    for channel in range(0, channels, lanes):
                        for column in range(from_column, to_column, lanes):
                            turn(
                                source + size * (channel * height * width + column), size * height * width,
                                place + size * ((column - left) * deep + channel), size * deep,
                                channels - channel, to_column - column,
                            )  # fmt: skip
            for channel in range(0, deep, lanes):
                transform(
                    strip + size * channel, pitch, size * deep, 4 * size * deep,
                    tiles + size * (at * right * deep + channel), 6 * apart, apart, size * deep, right, 0,
                )  # fmt: skip

    return tiles_of


# The transforms, along one axis --------------------------------------------------------------------------------------
def _image_to_tiles(d: list[Lanes]) -> list[Lanes]:
    """Bᵀ."""
    near, far = d[4] - d[2] * 4, d[3] - d[1] * 4
    other, twice = d[4] - d[2], (d[3] - d[1]) * 2
    return [
        plus(plus(d[4], d[2], -5), d[0], 4), near + far, near - far, other + twice, other - twice,
        plus(plus(d[5], d[3], -5), d[1], 4),
    ]  # fmt: skip


def _tiles_to_results(m: list[Lanes]) -> list[Lanes]:
    """Aᵀ."""
    one, less, two, fewer = m[1] + m[2], m[1] - m[2], m[3] + m[4], m[3] - m[4]
    return [m[0] + one + two, plus(less, fewer, 2), plus(one, two, 4), plus(less, fewer, 8) + m[5]]


def _results_to_tiles(y: list[Lanes]) -> list[Lanes]:
    """A."""
    even, odd = y[0] + y[2], y[1] + y[3]
    wide, far = plus(y[0], y[2], 4), plus(y[1] * 2, y[3], 8)
    return [y[0], even + odd, even - odd, wide + far, wide - far, y[3]]


def _weights_to_tiles(w: list[Lanes]) -> list[Lanes]:
    """G."""
    outer, middle = (w[0] + w[2]) * (-1 / 6), w[1] * (1 / 6)
    far, near = plus(w[0] * (1 / 24), w[2], 1 / 6), w[1] * (1 / 12)
    return [w[0] * (1 / 4), outer - middle, outer + middle, far + near, far - near, w[2]]


def _tiles_to_weights(u: list[Lanes]) -> list[Lanes]:
    """Gᵀ."""
    one, less, two, fewer = u[1] + u[2], u[2] - u[1], u[3] + u[4], u[3] - u[4]
    return [
        plus(plus(u[0] * (1 / 4), one, -1 / 6), two, 1 / 24), plus(less * (1 / 6), fewer, 1 / 12),
        plus(plus(u[5], one, -1 / 6), two, 1 / 6),
    ]  # fmt: skip


def plus(x: Lanes, y: Lanes, factor: float) -> Lanes:
    """x + factor·y."""
    return y.fma(factor, x)


def _sandwich(
    v: SimpleNamespace, name: str, before: int, after: int, along: Callable[[list[Lanes]], list[Lanes]]
) -> Any:
    """An instruction that transforms squares of vectors along both axes: `before` by `before` to `after` by `after`.

    (source, its strides in bytes from row to row, column to column, square to square; target, its strides; how many
    squares; where to add 0 times every result, if there are fewer results than entries.)
    """
    I = v.I  # noqa: E741
    kind = vec.vector(vec.ELEMENTS[v.dtype], v.lanes)

    def transform(
        builder: Any, source: Any, row: Any, column: Any, square: Any, target: Any, target_row: Any, target_column: Any,
        target_square: Any, count: Any, flag: Any,
    ) -> None:  # fmt: skip
        loop = Loop(builder, count, [source, target, vec.literal(kind, 0)])
        here, there, found = loop.values
        checked = Lanes(builder, found)
        columns = []
        for j in range(before):
            at = builder.add(here, builder.mul(column, INT64(j)))
            places = [builder.add(at, builder.mul(row, INT64(i))) for i in range(before)]
            columns.append(along([vec.load(builder, place, 0, kind) for place in places]))
        for i in range(after):
            at = builder.add(there, builder.mul(target_row, INT64(i)))
            for j, result in enumerate(along([each[i] for each in columns])):
                vec.store(builder, builder.add(at, builder.mul(target_column, INT64(j))), 0, result)
                if after < before:
                    checked = result.fma(0, checked)
        loop.close([builder.add(here, square), builder.add(there, target_square), checked.value])
        if after < before:
            vec.store(builder, flag, 0, vec.load(builder, flag, 0, kind) + checked)

    transform.__name__ = name
    return instruction(v, v.none, *[I] * 10)(transform)
