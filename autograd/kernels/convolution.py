"""Convolution without Winograd's trick: to the result, back to the image, back to the weights; any stride and dilation.

The image is rewritten once as planes in which every window entry lies at a fixed distance from its window: one copy of
the columns for each column offset of a window, rows of several images side by side, rows sorted by what is left of
their number when divided by the stride. Then windows follow each other without a gap, whatever the stride, the padding
and the width, and a convolution is a matrix product that reads its right-hand side at a few distances.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from .convolution_dots import dotter
from .convolution_tiles import WIDTH, gatherer, multiplier, tallest, tallest_of_nine
from .kernel import kernel, part
from .moves import moves
from .squares import turner

EPILOGUE = 3
"""Where in the block of `conv` the address of code to call after every image stands, and after it the address of its
block."""

PLANES = 22
"""Where in the blocks of `conv` and `conv_weigh` the description of the planes begins: see `planes_of`."""


@kernel()
def conv_pack(v: SimpleNamespace) -> Any:
    """Weights in the order in which `conv` reads them: T[group, phase, rows, c, tap, row], a few rows at a time.

    Block: addresses of the weights and of T; groups, rows and channels in each; strides of the weights along groups,
    rows and channels; number of phases; how many taps each has; the places of all taps in the weights.
    One row of the call is a group.
    """
    word, get, put, size, most = v.word, v.get, v.put, v.size, tallest()

    def loop(block: int, start: int, stop: int) -> None:
        weights, rows, channels = word(block, 0), word(block, 3), word(block, 4)
        by_group, by_row, by_channel = word(block, 5), word(block, 6), word(block, 7)
        phases = word(block, 8)
        counts, places = block + 8 * 9, block + 8 * (9 + phases)
        total = 0
        for phase in range(phases):
            total += word(counts, phase)
        for group in range(start, stop):
            target = word(block, 1) + size * group * rows * channels * total
            first = 0
            for phase in range(phases):
                taps = word(counts, phase)
                row = 0
                while row < rows:
                    tall = most
                    while tall > rows - row:
                        tall //= 2
                    for channel in range(channels):
                        base = group * by_group + row * by_row + channel * by_channel
                        for tap in range(taps):
                            place = base + word(places, first + tap)
                            for at in range(tall):
                                put(target, at, get(weights, place + at * by_row))
                            target += size * tall
                    row += tall
                first += taps

    return loop


@kernel()
def conv(v: SimpleNamespace) -> Any:
    """y[n, k, window] = Σ_c Σ_tap T[k, c, tap]·x[n, c, window's entry]; in phases where windows are spread over y.

    Block: addresses of x, y and of the packed weights; addresses of code to call when an image is done and of its
    block, or 0 and 0 (it is called with the number of the image, once for each); address and bytes of working memory;
    images in a chunk; groups, channels of x and of y in each; rows and columns of an image of y; steps between the
    windows of one phase along rows and columns of y; whether y is written without going through working memory; bytes
    of working memory before the results; phases; the word at which they begin; numbers of the packed weights of a
    group; where in working memory is room for a table of taps, three words each, if what lies outside the image takes
    no part even when a weight is infinite, else 0; the word at which the row and column offsets of all taps begin; then
    the planes. A phase: its first row and column in y, its rows and columns,
    taps, number of its first tap. One row of the call is an image.

    Order: images (as many as the planes hold side by side), group, phase, pixels (three vectors), channels of y
    (eight); in the tile channels of x, taps. The pixels' entries stay in the first-level cache while all channels of y
    pass.
    """
    word, call, size, lanes = v.word, v.call, v.size, v.lanes
    gather, planes, fill, zero, finite = gatherer(v), planes_of(v), moves(v).fill, v.zero, moves(v).finite
    results, only_inside = _results(v), _only_inside(v)

    def loop(block: int, start: int, stop: int) -> None:
        is_masked = word(block, 20) and not finite(word(block, 2), word(block, 8) * word(block, 19))
        chunk, groups, channels, rows = word(block, 7), word(block, 8), word(block, 9), word(block, 10)
        height, width = word(block, 11), word(block, 12)
        direct, phases, phase_at = word(block, 15), word(block, 17), block + 8 * word(block, 18)
        work = word(block, 5) + word(block, 6) * (start // chunk)
        result = work + word(block, 16)
        shape = block + 8 * PLANES
        together, across, pitch = word(shape, 0), word(shape, 1), size * word(shape, 2)
        offsets = shape + 8 * word(shape, 3)
        fill(work, zero(), word(shape, 2) * channels)
        image = start
        while image < stop:
            many = min(together, stop - image)
            for group in range(groups):
                source = word(block, 0) + size * (image * groups + group) * channels * word(shape, 4) * word(shape, 5)
                planes(shape, work, source, channels, many, size * groups * channels * word(shape, 4) * word(shape, 5))
                weights = word(block, 2) + size * group * word(block, 19)
                target, stride = result, 0
                for phase in range(phases):
                    this = phase_at + 48 * phase
                    pixels, taps = word(this, 2) * together * across, word(this, 4)
                    stride = size * pixels
                    if direct:
                        target = word(block, 1) + size * (image * groups + group) * rows * height * width
                    at = 0
                    if is_masked and taps > 0:
                        table = work + word(block, 20)
                        only_inside(
                            block, this, work, many, offsets + 8 * word(this, 5), weights, target, stride, table
                        )
                        at = pixels
                    while at < pixels and taps > 0:
                        vectors = WIDTH if at + (WIDTH - 1) * lanes < pixels else 1
                        last = min(lanes, pixels - at - (vectors - 1) * lanes)
                        gather(
                            rows, vectors, work + size * at, pitch, channels, offsets + 8 * word(this, 5), taps,
                            weights, target + size * at, stride, last,
                        )  # fmt: skip
                        at += vectors * lanes
                    if taps == 0:
                        fill(target, zero(), rows * pixels)
                    weights += size * rows * channels * taps
                    target += rows * stride
                if not direct:
                    results(block, result, (image * groups + group) * rows, groups * rows, many)
            if word(block, EPILOGUE) != 0:
                for each in range(image, image + many):
                    call(word(block, EPILOGUE), word(block, EPILOGUE + 1), each, each + 1)
            image += many

    return loop


def _results(v: SimpleNamespace) -> Any:
    """A function that puts results from working memory to their places: (block of conv, results, first channel of the
    first image in y, channels of an image of y, images)."""
    word, size, move = v.word, v.size, moves(v)
    copy, spread, zipped = move.copy, move.spread, move.zipped

    @part
    def results(block: int, result: int, first: int, step: int, many: int) -> None:
        rows, height, width = word(block, 10), word(block, 11), word(block, 12)
        down, right, phases, phase_at = word(block, 13), word(block, 14), word(block, 17), block + 8 * word(block, 18)
        together, across = word(block, PLANES), word(block, PLANES + 1)
        source = result
        phase = 0
        while phase < phases:
            this = phase_at + 48 * phase
            top, left, lines, columns = word(this, 0), word(this, 1), word(this, 2), word(this, 3)
            # Phases of one row of y follow each other; two of them are put in place together.
            pair = right == 2 and left == 0 and phase + 1 < phases and word(this, 7) == 1
            pixels = lines * together * across
            for row in range(rows):
                for line in range(lines):
                    here = source + size * (row * pixels + line * together * across)
                    for each in range(many):
                        place = (first + each * step + row) * height + top + line * down
                        target = word(block, 1) + size * (place * width + left)
                        if pair:
                            zipped(target, here, here + size * rows * pixels, width)
                        elif right == 1:
                            copy(target, here, columns)
                        else:
                            spread(target, here, right, columns)
                        here += size * across
            source += size * rows * pixels * (2 if pair else 1)
            phase += 2 if pair else 1

    return results


def _only_inside(v: SimpleNamespace) -> Any:
    """A function that computes one phase of all images side by side, line by line, where only entries inside of the
    image take part: for weights that are not all finite, because 0 outside of it times infinity would be NaN.

    (block of conv, phase, planes, how many images, distances of its taps, weights, results, their stride in bytes from
    channel to channel, place of a table of the taps in working memory.)"""
    word, set_word, size, lanes, gather = v.word, v.set_word, v.size, v.lanes, gatherer(v, inside=True)

    @part
    def only_inside(
        block: int, phase: int, planes: int, many: int, distances: int, weights: int, target: int, stride: int,
        table: int,
    ) -> None:  # fmt: skip
        shape, met = block + 8 * PLANES, block + 8 * (word(block, 21) + 2 * word(phase, 5))
        together, across, pitch = word(shape, 0), word(shape, 1), size * word(shape, 2)
        height, width, down, right = word(shape, 4), word(shape, 5), word(shape, 6), word(shape, 7)
        columns, taps = word(phase, 3), word(phase, 4)
        for line in range(word(phase, 2)):
            for column in range(0, columns, lanes):
                for tap in range(taps):
                    row, before = line * down + word(met, 2 * tap), column * right + word(met, 2 * tap + 1)
                    is_met = 0 <= row < height
                    set_word(table, 3 * tap, word(distances, tap))
                    set_word(table, 3 * tap + 1, max(0, -(before // right)))
                    set_word(table, 3 * tap + 2, min(lanes, (width - 1 - before) // right + 1) if is_met else 0)
                for image in range(many):
                    at = size * ((line * together + image) * across + column)
                    gather(
                        word(block, 10), 1, planes + at, pitch, word(block, 9), table, taps, weights, target + at,
                        stride, min(lanes, columns - column),
                    )  # fmt: skip

    return only_inside


def planes_of(v: SimpleNamespace) -> Any:
    """A function that writes planes: (their description, target, image, channels, images, bytes from image to image).

    Description: images side by side; windows in a row; numbers of all planes of a channel; where the distances of all
    taps stand (in bytes); rows and columns of the image; steps from window to window along them; rows of a plane; row
    of the image that the first one holds, divided by the step; how many remainders and where they stand; how many
    column offsets and where they stand (offset, first and last window that lie in the image). Places are counted in
    words from the beginning of the description.

    What lies outside the image is not written: working memory is set to zeros once.
    """
    word, size = v.word, v.size
    every = moves(v).every

    @part
    def planes(shape: int, target: int, image: int, channels: int, many: int, by_image: int) -> None:
        together, across, numbers = word(shape, 0), word(shape, 1), word(shape, 2)
        height, width, down, right = word(shape, 4), word(shape, 5), word(shape, 6), word(shape, 7)
        lines, first = word(shape, 8), word(shape, 9)
        remainders, remainder_at = word(shape, 10), shape + 8 * word(shape, 11)
        copies, copy_at = word(shape, 12), shape + 8 * word(shape, 13)
        for channel in range(channels):
            place = target + size * channel * numbers
            for each in range(copies):
                offset, low, high = word(copy_at, 3 * each), word(copy_at, 3 * each + 1), word(copy_at, 3 * each + 2)
                for remainder in range(remainders):
                    for line in range(lines):
                        row = (line + first) * down + word(remainder_at, remainder)
                        if 0 <= row < height:
                            source = image + size * ((channel * height + row) * width + low * right + offset)
                            for one in range(many):
                                every(place + size * (one * across + low), source + one * by_image, right, high - low)
                        place += size * together * across

    return planes


@kernel()
def conv_weigh(v: SimpleNamespace) -> Any:
    """w[group, c·tap, k] = Σ_n Σ_window g[n, k, window]·x[n, c, window's entry] over a part of the images.

    Block: addresses of x, g and of the results, one after another for all parts; images, images in a part; groups,
    channels of x and of g in each; address and bytes of working memory, and rows in a chunk; taps; windows of an
    image; bytes of working memory before the turned g and before the offsets; numbers of a row of results; whether to
    take dot products along windows; then, at the place where `conv` has them, the planes. One row of the call is a
    part.

    Order: image, group, panel (two vectors of k), windows (as many as stay in the first-level cache), rows of results
    (nine); in the tile windows. Sums over an image are made in registers. With few channels dot products along the
    windows are taken instead, of eight rows of g with two of the results.
    """
    word, set_word, size, lanes = v.word, v.set_word, v.size, v.lanes
    multiply, turn, planes = multiplier(v, tallest_of_nine()), turner(v), planes_of(v)
    dots = dotter(v)
    fill, zero = moves(v).fill, v.zero
    deep = 256

    def loop(block: int, start: int, stop: int) -> None:
        images, each_part, groups = word(block, 3), word(block, 4), word(block, 5)
        channels, rows = word(block, 6), word(block, 7)
        taps, pixels, wide = word(block, 11), word(block, 12), word(block, 15)
        shape = block + 8 * PLANES
        distances, plane = shape + 8 * word(shape, 3), size * channels * word(shape, 4) * word(shape, 5)
        work = word(block, 8) + word(block, 9) * (start // word(block, 10))
        turned, offsets = work + word(block, 13), work + word(block, 14)
        reach = channels * taps
        by_group = size * reach * wide
        fill(work, zero(), word(shape, 2) * channels)
        for channel in range(channels):
            for tap in range(taps):
                offset = size * channel * word(shape, 2) + word(distances, tap)
                set_word(offsets, channel * taps + tap, offset)
        for each in range(start, stop):
            results = word(block, 2) + each * groups * by_group
            fill(results, zero(), groups * reach * wide)
            for image in range(each * each_part, min(images, (each + 1) * each_part)):
                for group in range(groups):
                    source = word(block, 0) + (image * groups + group) * plane
                    planes(shape, work, source, channels, 1, 0)
                    arriving = word(block, 1) + size * (image * groups + group) * rows * pixels
                    if word(block, 16):
                        dots(
                            rows, size * pixels, arriving, reach, offsets, work, pixels, results + group * by_group,
                            size * wide,
                        )  # fmt: skip
                        continue
                    panel, k = turned, 0
                    while k < rows:
                        vectors = 2 if rows - k > lanes else 1
                        width = size * vectors * lanes
                        for vector in range(vectors):
                            from_here = arriving + size * (k + vector * lanes) * pixels
                            for at in range(0, pixels, lanes):
                                turn(
                                    from_here + size * at, size * pixels, panel + at * width + size * vector * lanes,
                                    width, min(lanes, rows - k - vector * lanes), pixels - at,
                                )  # fmt: skip
                        for at in range(0, pixels, deep):
                            many = min(deep, pixels - at)
                            multiply(
                                reach, vectors, work + size * at, offsets, size, panel + at * width, width, many,
                                results + group * by_group + size * k, size * wide, 1,
                            )  # fmt: skip
                        k += vectors * lanes

    return loop


@kernel()
def conv_sum(v: SimpleNamespace) -> Any:
    """w[group, k, c·tap] = Σ_part W[part, group, c·tap, k]: what `conv_weigh` left, put together and turned.

    Block: addresses of W and w; parts; groups, k in each, c·tap; numbers of a row of W; address and bytes of working
    memory, rows in a chunk. One row of the call is a vector of c·tap of one group.
    """
    word, size, lanes, load, store = v.word, v.size, v.lanes, v.load, v.store
    turn, copy = turner(v), moves(v).copy

    def loop(block: int, start: int, stop: int) -> None:
        parts, groups, rows = word(block, 2), word(block, 3), word(block, 4)
        reach, wide = word(block, 5), word(block, 6)
        sums = word(block, 7) + word(block, 8) * (start // word(block, 9))
        turned = sums + size * lanes * lanes
        pieces = (reach + lanes - 1) // lanes
        for each in range(start, stop):
            group = each // pieces
            first = (each - group * pieces) * lanes
            lines = min(lanes, reach - first)
            source = word(block, 0) + size * (group * reach + first) * wide
            target = word(block, 1) + size * (group * rows * reach + first)
            for k in range(0, rows, lanes):
                for line in range(lines):
                    total = load(source, line * wide + k)
                    for part_ in range(1, parts):
                        total = total + load(source, (part_ * groups * reach + line) * wide + k)
                    store(sums, line * lanes, total)
                columns = min(lanes, rows - k)
                turn(sums, size * lanes, turned, size * lanes, lines, columns)
                for column in range(columns):
                    copy(target + size * (k + column) * reach, turned + size * column * lanes, lines)

    return loop
