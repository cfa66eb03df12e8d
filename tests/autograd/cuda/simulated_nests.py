"""Random nests of loops on numba's simulator of a GPU, compared to the bit with their evaluation in numpy.

Threads lie over the loops in any way that a layout allows, and what is written goes into what is read where a plan may do so.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from nngraph.autograd.kernels.cuda.device import simulator
from nngraph.autograd.kernels.cuda.layout import ALONE, NONE, Layout, Lie, singles
from nngraph.autograd.kernels.cuda.nest import CudaNest, passes_of
from nngraph.autograd.kernels.cuda.simulator import poison
from nngraph.autograd.kernels.loops import FAR, Fold, Loops

sys.path.insert(0, str(Path(__file__).parents[1] / "kernels"))
from nests import JOIN, Memory, evaluate, memory, random_nest

MOST = 16
"""Threads of a block."""


def layouts(loops: Loops, extents: tuple[int, ...], warp: int = 4, most: int = MOST) -> Iterator[Layout]:
    """Every way in which threads can lie over a nest."""
    depth, widths = loops.depth, [1 << bit for bit in range(most.bit_length())]
    nest = passes_of(loops)
    for abreast in range(depth):
        for across in widths:
            for split in [NONE, *range(1, depth)]:
                for down in [NONE, *range(abreast)]:
                    for lines in widths[1:] if down != NONE else [1]:
                        layout = Layout(abreast, across, down, lines, split, 1, frozenset(), warp)
                        layout = replace(layout, single=singles(layout, extents))
                        if across * lines <= most and Lie(nest, layout).is_right:
                            yield layout


def some(rng: np.random.Generator, loops: Loops, extents: tuple[int, ...]) -> Layout:
    """One of them; rather one with lines, with pieces, with numbers held in registers, or with one thread that writes what
    others have read or will read."""
    ways = list(layouts(loops, extents))
    if not ways:
        return ALONE
    nest = passes_of(loops)
    inside = {write.value for at, write in enumerate(loops.writes) for read in range(len(loops.reads)) if nest.may_share(read, at)}
    weights = []
    for way in ways:
        kept = nest.kept.keys() - Lie(nest, way).remembered
        narrow = [at for at in inside | kept if way.abreast not in nest.varies[at] and nest.varies[at]]
        weights.append(way.threads * (1 + 2 * (way.lines > 1) + 2 * (way.split > 0) + len(way.single) + 30 * bool(narrow)))
    return ways[int(rng.choice(len(ways), p=np.array(weights) / sum(weights)))]


def run(seed: int, largest: int = 600) -> Layout | None:
    """Which layout a random nest was run with; None where it is too large; AssertionError where its results are wrong."""
    loops, extents, arrays = random_nest(seed)
    rng = np.random.default_rng(seed)
    if int(np.prod(extents)) > largest or 0 in extents:
        return None
    layout = some(rng, loops, extents)
    check(loops, extents, arrays, layout, rng, share=seed % 4 != 1)
    return layout


def check(
    loops: Loops, extents: tuple[int, ...], arrays: list[np.ndarray], layout: Layout, rng: np.random.Generator, share: bool
) -> None:
    """AssertionError where a nest's results are wrong. `share`: what is written goes into what is read where it may."""
    code = CudaNest(loops, layout)
    rows = extents[0] if loops.depth else 1
    chunk = rows if code.whole else int(rng.integers(max(1, rows // 3), rows + 1))
    parts = -(-rows // chunk)
    reads = [memory(rng, buffer, extents) for buffer in loops.reads]
    for each, array in zip(reads, arrays):
        each.view[0] = array
    shared = _shared(code, parts) if share else {}
    writes = [
        reads[shared[at]] if at in shared
        else memory(rng, write.buffer, extents, parts if at in code.partial else 1)
        for at, write in enumerate(loops.writes)
    ]  # fmt: skip
    for at, each in enumerate(writes):
        if at not in shared:
            poison(each.view)
    given = _arguments(code, extents, reads, writes, chunk, parts)
    assert len(given) == len(code.names())
    device = simulator()
    from numba.cuda.simulator.cudadrv.devicearray import FakeCUDAArray

    try:
        # Arrays of numpy the simulator would copy, each for itself.
        given = [FakeCUDAArray(each) if isinstance(each, np.ndarray) else each for each in given]
        device.kernel(code.text(), ())(code.grid(extents, chunk), code.threads(), given)
    except Exception as error:
        raise AssertionError(f"{extents}\n{layout}\n{code.text()}") from error
    values = evaluate(loops, extents, arrays)
    for write, found in zip(loops.writes, writes):
        step = loops.steps[write.value - len(loops.reads)] if write.value >= len(loops.reads) else None
        word = step.word if isinstance(step, Fold) else "+"
        got = JOIN[word].reduce(found.view, axis=0).astype(found.view.dtype) if len(found.view) > 1 else found.view[0]
        right = np.broadcast_to(values[write.value], got.shape)
        np.testing.assert_array_equal(got, right, err_msg=f"{extents}\n{layout}\n{code.text()}")


def _shared(code: CudaNest, parts: int) -> dict[int, int]:
    """Write -> the read into whose numbers it goes; a number that all blocks read is not written by one of them."""
    found: dict[int, int] = {}
    for write in range(len(code.loops.writes)):
        alone = parts == 1 or 0 in code.nest.varies[code.loops.writes[write].value]
        for read in range(len(code.loops.reads)):
            if alone and read not in found.values() and write not in found and code.may_share(read, write):
                found[write] = read
    return found


def _arguments(
    code: CudaNest, extents: tuple[int, ...], reads: list[Memory], writes: list[Memory], chunk: int, parts: int
) -> list[Any]:
    loops = code.loops
    given: list[Any] = [np.uint32(size) for size in extents]
    for each, buffer in [*zip(reads, loops.reads), *zip(writes, (write.buffer for write in loops.writes))]:
        first = (each.place.address - each.bytes.ctypes.data) // each.view.itemsize
        given += [each.bytes.view(each.view.dtype), np.uint32(first)]
        strides = iter(each.place.strides)
        given += [np.int32(next(strides)) for move in buffer.moves if move == FAR]
    given.append(np.uint32(chunk))
    given += [np.uint32(writes[at].place.partial) for at in code.partial]
    one = (chunk, *extents[1:]) if extents else ()
    for at in code.apart:
        itemsize = np.dtype(code.nest.dtype(at)).itemsize
        count = code._kept_bytes(at, one) // itemsize
        working = np.empty(count * parts, code.nest.dtype(at))
        poison(working)
        given += [working, np.uint32(count)]
    return given


if __name__ == "__main__":
    from collections import Counter

    first, count = int(sys.argv[1]), int(sys.argv[2])
    done: Counter[str] = Counter()
    for seed in range(first, first + count):
        layout = run(seed)
        if layout is not None:
            kinds = [layout.lines > 1 and "lines", layout.split > 0 and "pieces", layout.across > layout.warp and "warps"]
            done.update(["all", *(kind for kind in kinds if kind), *(["held"] if layout.single else [])])
    print(dict(done))
