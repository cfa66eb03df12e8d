"""Random nests of loops on numba's simulator of a GPU, compared to the bit with their evaluation in numpy."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
from nngraph.autograd.kernels.cuda.device import simulator
from nngraph.autograd.kernels.cuda.nest import CudaNest
from nngraph.autograd.kernels.cuda.simulator import poison
from nngraph.autograd.kernels.loops import FAR, Fit, Fold

sys.path.insert(0, str(Path(__file__).parents[1] / "kernels"))
from nests import JOIN, evaluate, memory, random_nest


def run(seed: int, largest: int = 600) -> bool:
    """Whether a random nest was small enough to be run; AssertionError where its results are wrong."""
    loops, extents, arrays = random_nest(seed)
    rng = np.random.default_rng(seed)
    if int(np.prod(extents)) > largest or 0 in extents:
        return False
    loops = replace(loops, fit=Fit(loops.fit.abreast))
    code = CudaNest(loops)
    rows = extents[0] if loops.depth else 1
    chunk = rows if code.whole else int(rng.integers(max(1, rows // 3), rows + 1))
    parts = -(-rows // chunk)
    reads = [memory(rng, buffer, extents) for buffer in loops.reads]
    for each, array in zip(reads, arrays):
        each.view[0] = array
    writes = [
        memory(rng, write.buffer, extents, parts if at in code.partial else 1) for at, write in enumerate(loops.writes)
    ]
    for each in writes:
        poison(each.view)
    given: list = [np.uint32(size) for size in extents]
    for each, buffer in [*zip(reads, loops.reads), *zip(writes, (write.buffer for write in loops.writes))]:
        first = (each.place.address - each.bytes.ctypes.data) // each.view.itemsize
        given += [each.bytes.view(each.view.dtype), np.uint32(first)]
        strides = iter(each.place.strides)
        given += [np.int32(next(strides)) for move in buffer.moves if move == FAR]
    given.append(np.uint32(chunk))
    given += [np.uint32(writes[at].place.partial) for at in code.partial]
    for at in code.apart:
        count = int(np.prod([chunk if loop == 0 else extents[loop] for loop in code.nest.kept[at]]))
        working = np.empty(count * parts, code.nest.dtype(at))
        poison(working)
        given += [working, np.uint32(count)]
    assert len(given) == len(code.names())
    threads = min(code.threads(extents, chunk), 4 if seed % 2 else 8)
    simulator().kernel(code.text(), ())((parts, 1, 1), threads, given)
    values = evaluate(loops, extents, arrays)
    for write, found in zip(loops.writes, writes):
        step = loops.steps[write.value - len(loops.reads)] if write.value >= len(loops.reads) else None
        word = step.word if isinstance(step, Fold) else "+"
        got = JOIN[word].reduce(found.view, axis=0).astype(found.view.dtype) if len(found.view) > 1 else found.view[0]
        np.testing.assert_array_equal(got, np.broadcast_to(values[write.value], got.shape), err_msg=code.text())
    return True


if __name__ == "__main__":
    first, count = int(sys.argv[1]), int(sys.argv[2])
    done = sum(run(seed) for seed in range(first, first + count))
    print(done, "of", count, "nests agree")
