"""A kernel: one line on a CPU and on a GPU

For y = tanh(w·x + b) NumPy goes three times over whole arrays. A processor goes through x in one loop and stores nothing in between.
A GPU has a thread for every few numbers: all run the same text, the kernel, and thread t of block k finds out by itself which
numbers are its own. Threads of a block share a memory and can wait for each other; blocks cannot. With T threads in each of K
blocks it may take the numbers

    i = T·k + t,   i + T·K,   i + 2·T·K,   …

A product is cut into tiles. The threads of a block bring a slice of both factors into their memory, wait, multiply what all of
them have brought, and go on to the next slice; so a number is fetched once for a whole tile. What comes behind the product, a
ReLU, is done while the result is in a register.

The numbers of a sum meet. Every thread adds up its own, then half of the threads add those of the other half to theirs, and again,
until one is left. With 256 threads a number is rounded n/256 + 8 times on its way, and not n times (Higham 1993,
The accuracy of floating point summation): 0.1 added up a million times in float32 is wrong by 1 % one after the other, and by
0.004 % so. Always in the same order, or the results would change from run to run.

Which thread has which number is found without a GPU, by going through the text of the kernel for single threads.
"""

from pathlib import Path

import nngraph as ng
import numpy as np
from nngraph.autograd.language import translate as _
from nngraph.viz import plots

THREADS = 256
w, x, b = (ng.input(name, shape=(1000,), dtype="float32") for name in "wxb")
X, W = ng.input("X", shape=(200, 64), dtype="float32"), ng.input("W", shape=(64, 100), dtype="float32")
line, layer = ng.tanh(w * x + b), ng.relu(X @ W)


def in_halves(numbers):
    """The sum as a block of threads finds it."""
    rows = np.pad(numbers, (0, -len(numbers) % THREADS)).reshape(-1, THREADS)
    own = np.add.accumulate(rows)[-1]
    while len(own) > 1:
        own = own[: len(own) // 2] + own[len(own) // 2 :]
    return own[0]


tenths = np.full(2**20, 0.1, np.float32)
counts = [2**power for power in range(8, 21)]
true = [float(tenths[0]) * count for count in counts]
found = {
    _("one after the other"): np.add.accumulate(tenths)[np.array(counts) - 1],
    _("in halves"): [in_halves(tenths[:count]) for count in counts],
}
errors = {name: [abs(float(one) / right - 1) for one, right in zip(sums, true)] for name, sums in found.items()}

if __name__ == "__main__":
    Path("out").mkdir(exist_ok=True)
    print(ng.kernels(line))
    ng.draw(ng.kernels(layer)).save("out/75_threads.svg")
    for name, error in errors.items():
        print(f"{name}: {100 * error[-1]:.3g} %")
    labels = _("how many numbers, as a power of 2"), _("relative error")
    plots.lines(errors, np.log2(counts), labels=labels, log=True).save("out/75_sum.svg")
