"""A recurrent network, in a loop and unrolled

The state s remembers: s = U·x + W·s′, with s′ the state of the step before, and o = V·s is what is seen from outside.
With all weights 1 and no activation everything can be done in the head: inputs (1,1), (1,1), (2,2) give outputs 4, 12, 32.

A loop over time is one node of the graph, a scan. Written out, it is a long network whose layers share their weights;
and a shared weight gets the sum of the gradients of all its places. Both ways of writing give the same numbers.
"""

from pathlib import Path

import nngraph as ng
import numpy as np
from nngraph.autograd.language import translate as _

x = ng.input("x", [[1.0, 1.0], [1.0, 1.0], [2.0, 2.0]])
U, V, W = (ng.parameter(name, np.ones((2, 2))) for name in "UVW")
start = ng.constant(np.zeros(2))


def step(s, x_t):
    """The next state, and what is seen of it."""
    s = U @ x_t + W @ s
    return s, V @ s


last, outputs = ng.scan(step, start, x)
total = ng.sum(outputs)

# The same, written out step by step.
x1, x2, x3 = (ng.input(f"x{t}", x.value[t - 1]) for t in (1, 2, 3))
s1 = U @ x1
s2 = U @ x2 + W @ s1
s3 = U @ x3 + W @ s2
o1, o2, o3 = V @ s1, V @ s2, V @ s3
L = ng.sum(o1) + ng.sum(o2) + ng.sum(o3)

if __name__ == "__main__":
    pictures = Path("out")
    pictures.mkdir(exist_ok=True)
    print(_("outputs of the loop"), outputs.value, sep="\n")
    print(_("written out:"), o1.value, o2.value, o3.value, "\n")

    # Backward through time: the gradient of W in the loop, and the same with every step in view.
    (dW,) = ng.gradient(total, [W])
    print(_("gradient of W through the loop"), dW.value, "", sep="\n")
    derivation = ng.explain(L, wrt=[W])
    print(derivation)
    ng.draw(total, view="forward").save(pictures / "45_recurrent_net_loop.svg")
    ng.draw(total, view="forward", steps=3).save(pictures / "45_recurrent_net_steps.svg")
    ng.draw(L, view="forward").save(pictures / "45_recurrent_net_unrolled.svg")
