"""A kernel: one line on a CPU and on a GPU

For y = tanh(w·x + b) NumPy goes three times over whole arrays. A processor goes through x in one loop and stores nothing in between.
A GPU has a thread for every few numbers: all run the same text, the kernel, and a thread finds out by itself which numbers are its
own. Threads of a block share a memory and can wait for each other; blocks cannot. Block k has a chunk of x, in which thread t of T
takes four numbers at once and then goes on behind those of all others: i = k·chunk + 4·t + (0, 1, 2, 3), then 4·T further, …

A product is cut into tiles. The threads of a block bring a slice of both factors into their memory, wait, multiply what all of
them have brought, and go on to the next slice. What comes behind the product, a ReLU, is done while the result is in a register.

The numbers of a sum meet. Every thread adds up its own. The 32 threads of a warp then read each other's registers: each adds the
number of the thread 1 away, then 2, 4, 8 and 16. The first thread of every warp puts the sum into the block's memory, where a few
cells are added one after the other; a second kernel does the same with the sums of blocks. So a number is rounded some dozens of
times and not n times (Higham 1993, The accuracy of floating point summation): 0.1 added up a million times in float32 is wrong by
1 % one after the other. Always in the same order, or the results would change from run to run.

Which thread has which number is found without a GPU, by going through the text of the kernel for single threads.
"""

from pathlib import Path

import nngraph as ng
import numpy as np
from nngraph.autograd.language import translate as _
from nngraph.viz import plots

w, x, b = (ng.input(name, shape=(100_000,), dtype="float32") for name in "wxb")
X, W = ng.input("X", shape=(200, 64), dtype="float32"), ng.input("W", shape=(64, 100), dtype="float32")
line, layer = ng.tanh(w * x + b), ng.relu(X @ W)


def as_on_a_gpu(numbers):
    """The sum in the order of its kernels: block by block, and then the sums of blocks."""
    for kernel in ng.kernels(ng.sum(ng.input("x", shape=numbers.shape, dtype="float32"))):
        chunk, threads, warp = int(dict(kernel.arguments)["chunk"]), kernel.threads, min(kernel.threads, 32)
        blocks = np.pad(numbers, (0, -len(numbers) % chunk)).reshape(-1, chunk)
        turns = np.pad(blocks, ((0, 0), (0, -chunk % (4 * threads)))).reshape(len(blocks), -1, threads, 4)
        own = np.add.accumulate(turns.transpose(1, 3, 0, 2).reshape(-1, len(blocks), threads))[-1].reshape(len(blocks), -1, warp)
        for power in range(warp.bit_length() - 1):
            own = own + own[..., np.arange(warp) ^ 2**power]
        numbers = np.add.accumulate(own[..., 0], axis=1)[:, -1]
    return numbers[0]


tenths = np.full(2**20, 0.1, np.float32)
counts = [2**power for power in range(8, 21)]
true = [float(tenths[0]) * count for count in counts]
found = {_("one after the other"): np.add.accumulate(tenths)[np.array(counts) - 1]}
found[_("as on a GPU")] = [as_on_a_gpu(tenths[:count]) for count in counts]
errors = {name: [abs(float(one) / right - 1) for one, right in zip(sums, true)] for name, sums in found.items()}

if __name__ == "__main__":
    Path("out").mkdir(exist_ok=True)
    for node in (line, layer, ng.sum(x)):
        print(ng.kernels(node), end="\n\n\n")
    ng.draw(ng.kernels(layer)).save("out/75_threads.svg")
    for name, error in errors.items():
        print(f"{name}: {100 * error[-1]:.3g} %")
    labels = _("how many numbers, as a power of 2"), _("relative error")
    plots.lines(errors, np.log2(counts), labels=labels, log=True).save("out/75_sum.svg")
