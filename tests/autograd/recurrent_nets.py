"""Every kind of recurrent net with its gradients, and what is counted in loops, for tests of what makes loops fast."""

from __future__ import annotations

import nngraph as ng
import numpy as np
from nngraph.autograd.engines.numpy import evaluate_all
from nngraph.autograd.graph import bodies, order
from nngraph.autograd.loops import cost
from nngraph.autograd.loops.loop import SCAN
from nngraph.autograd.op import OPS

EXAMPLES, INPUTS, HIDDEN = 3, 5, 4


class Weights:
    """Small random leaves, made as they are asked for; `all` holds those that a gradient is wanted for."""

    def __init__(self, dtype=np.float64):
        self.rng, self.dtype, self.all = np.random.default_rng(5), dtype, []

    def __call__(self, *shape):
        leaf = ng.parameter(f"w{len(self.all)}", (0.4 * self.rng.normal(size=shape)).astype(self.dtype))
        self.all.append(leaf)
        return leaf

    def input(self, *shape):
        return ng.input(f"x{len(self.all)}", self.rng.normal(size=shape).astype(self.dtype))


def with_gradients(loss, weights):
    return [loss, *ng.gradient(loss, weights.all)]


def lstm(steps=4, reverse=False, dtype=np.float64, wanted="all", examples=EXAMPLES):
    w = Weights(dtype)
    x = w(steps, examples, INPUTS)
    into, over, bias = w(INPUTS, 4 * HIDDEN), w(HIDDEN, 4 * HIDDEN), w(4 * HIDDEN)
    start = w(examples, HIDDEN), w(examples, HIDDEN)

    def step(carry, piece):
        h, c = carry
        gates = ng.split(piece @ into + h @ over + bias, 4, axis=1)
        i, f, o = (ng.sigmoid(gate) for gate in (gates[0], gates[1], gates[3]))
        c = f * c + i * ng.tanh(gates[2])
        h = o * ng.tanh(c)
        return (h, c), h

    (h, c), hs = ng.scan(step, start, x, reverse=reverse)
    loss = {"all": lambda: ng.sum(ng.square(hs)) + ng.sum(h * c), "last": lambda: ng.sum(ng.square(h)), "sum": lambda: ng.sum(hs)}[wanted]()
    return with_gradients(loss, w)  # fmt: skip


def gru(steps=4):
    w = Weights()
    x, start = w(steps, EXAMPLES, INPUTS), w(EXAMPLES, HIDDEN)
    wz, wr, wn = (w(INPUTS, HIDDEN) for _ in range(3))
    uz, ur, un = (w(HIDDEN, HIDDEN) for _ in range(3))
    bz, bn = w(HIDDEN), w(HIDDEN)

    def step(h, piece):
        z = ng.sigmoid(piece @ wz + h @ uz + bz)
        r = ng.sigmoid(piece @ wr + h @ ur)
        n = ng.tanh(piece @ wn + bn + r * (h @ un))
        return (1 - z) * n + z * h, n

    h, ns = ng.scan(step, start, x)
    return with_gradients(ng.sum(ng.square(h)) + ng.sum(ng.sin(ns)), w)


def plain(steps=4, activation=ng.tanh, head=True):
    w = Weights()
    x, start, into, over, bias = w(steps, EXAMPLES, INPUTS), w(EXAMPLES, HIDDEN), w(INPUTS, HIDDEN), w(HIDDEN, HIDDEN), w(HIDDEN)  # fmt: skip
    out, shift = w(HIDDEN, 7), w(7)

    def step(h, piece):
        h = activation(piece @ into + h @ over + bias)
        return h, ng.softmax(h @ out + shift) if head else h

    last, ys = ng.scan(step, start, x)
    return with_gradients(ng.sum(ng.square(ys)) + ng.sum(last), w)


def deep():
    """Two layers in one loop, and a third loop over what they put out, backwards."""
    w = Weights()
    x = w(4, EXAMPLES, INPUTS)
    a, b, c, d, e = w(INPUTS, HIDDEN), w(HIDDEN, HIDDEN), w(HIDDEN, 3), w(3, 3), w(3, 2)

    def step(carry, piece):
        one, two = carry
        one = ng.tanh(piece @ a + one @ b)
        two = ng.tanh(one @ c + two @ d)
        return (one, two), two

    start = ng.constant(np.zeros((EXAMPLES, HIDDEN))), ng.constant(np.zeros((EXAMPLES, 3)))
    _, hs = ng.scan(step, start, x)
    last, ys = ng.scan(lambda s, piece: (ng.tanh(piece @ e + s), s), ng.constant(np.zeros((EXAMPLES, 2))), hs, reverse=True)
    return with_gradients(ng.sum(ng.square(ys)) + ng.sum(last), w)  # fmt: skip


def tokens():
    """Whole numbers as elements: a table is looked up in the loop, and its gradient is scattered."""
    w = Weights()
    table, over, out = w(6, HIDDEN), w(HIDDEN, HIDDEN), w(HIDDEN, 6)
    ids = ng.input("ids", np.array([[0, 5, 2], [1, 1, 3], [4, 0, 5]]))

    def step(h, token):
        h = ng.tanh(ng.embedding(table, token) @ over + h)
        return h, h @ out

    _, scores = ng.scan(step, ng.constant(np.zeros((3, HIDDEN))), ids)
    return with_gradients(ng.sum(ng.square(scores)), w)


def without_elements():
    w = Weights()
    start, over = w(EXAMPLES, HIDDEN), w(HIDDEN, HIDDEN)
    h, counts = ng.scan(lambda carry, _: ((ng.sin(carry[0] @ over), carry[1] + 1), carry[1]), (start, 0), length=5)
    return [*with_gradients(ng.sum(h[0] * ng.cast(h[1], "float64")), w), counts, h[1]]


def only_sums():
    """No carry: the gradient of the weights is all that the backward loop gives."""
    w = Weights()
    x, into = w.input(4, EXAMPLES, INPUTS), w(INPUTS, HIDDEN)
    _, ys = ng.scan(lambda _, piece: (None, ng.tanh(piece @ into)), None, x)
    return with_gradients(ng.sum(ng.square(ys)), w)


def nested():
    """A loop in a loop, both with weights; the inner one is a small recurrent net over the rows of a piece."""
    w = Weights()
    x, a, b, c = w(3, 2, EXAMPLES, INPUTS), w(INPUTS, HIDDEN), w(HIDDEN, HIDDEN), w(HIDDEN, HIDDEN)

    def inner(h, row):
        h = ng.tanh(row @ a + h @ b)
        return h, h

    def outer(h, rows):
        last, hs = ng.scan(inner, h, rows)
        return ng.sigmoid(last @ c), ng.sum(hs, axis=0)

    last, ys = ng.scan(outer, ng.constant(np.zeros((EXAMPLES, HIDDEN))), x)
    return with_gradients(ng.sum(ng.square(last)) + ng.sum(ng.square(ys)), w)


def noisy():
    """Random numbers in the step, drawn at a step that the carry counts: going backwards must draw the same."""
    w = Weights()
    x, start, over = w(4, EXAMPLES, HIDDEN), w(EXAMPLES, HIDDEN), w(HIDDEN, HIDDEN)

    def step(carry, piece):
        h, count = carry
        h = ng.dropout(ng.tanh(piece + h @ over), 0.25, step=count, name="h")
        return (h + 0.1 * ng.normal(h.shape, step=count, name="n"), count + 1), h

    (h, _), hs = ng.scan(step, (start, 0), x)
    return with_gradients(ng.sum(ng.square(h)) + ng.sum(hs), w)


def one_example():
    """Vectors instead of matrices: steps alone are the rows of the products."""
    w = Weights()
    x, start, into, over = w(4, INPUTS), w(HIDDEN), w(INPUTS, HIDDEN), w(HIDDEN, HIDDEN)
    last, hs = ng.scan(lambda h, piece: (ng.tanh(piece @ into + h @ over), h), start, x)
    return with_gradients(ng.sum(ng.square(hs)) + ng.sum(last), w)


def weights_as_elements():
    """The layers of a net as steps: every step has weights of its own."""
    w = Weights()
    layers, biases, x = w(4, HIDDEN, HIDDEN), w(4, HIDDEN), w(EXAMPLES, HIDDEN)
    y, _ = ng.scan(lambda h, layer: (ng.tanh(h @ layer[0] + layer[1]), None), x, (layers, biases))
    return with_gradients(ng.sum(ng.square(y)), w)


def shared_twice():
    """One matrix for the element and for the carry, a factor, an outer operand: sums that must be taken apart."""
    w = Weights()
    x, start, over, scale, outer = w(4, EXAMPLES, HIDDEN), w(EXAMPLES, HIDDEN), w(HIDDEN, HIDDEN), w(), w(EXAMPLES, HIDDEN)

    def step(h, piece):
        return ng.tanh(piece @ over + scale * (h @ over.T) - outer * h), ng.relu(h)

    last, ys = ng.scan(step, start, x)
    return with_gradients(ng.sum(ng.square(last)) + ng.sum(ys), w)  # fmt: skip


def second_order():
    w = Weights()
    x, start, into, over = w(3, 2, INPUTS), w(2, HIDDEN), w(INPUTS, HIDDEN), w(HIDDEN, HIDDEN)
    last, hs = ng.scan(lambda h, piece: (ng.tanh(piece @ into + h @ over), h), start, x)
    first = ng.gradient(ng.sum(ng.square(hs)) + ng.sum(last), w.all)
    along = sum((ng.sum(g * np.cos(np.arange(g.size)).reshape(g.shape)) for g in first), ng.constant(0.0))
    return [*first, *ng.gradient(along, w.all)]


def passed_on():
    """A carry that never changes, an output that is only asked for as it came in, and a last carry nobody reads."""
    w = Weights()
    x, start, fixed = w(4, 2, HIDDEN), w(2, HIDDEN), w(HIDDEN)

    def step(carry, piece):
        h, same, _ = carry
        return (ng.tanh(h * same + piece), same, piece), (piece, h)

    (h, same, _), (pieces, hs) = ng.scan(step, (start, fixed, ng.constant(np.zeros((2, HIDDEN)))), x)
    return with_gradients(ng.sum(h * same) + ng.sum(ng.square(pieces)) + ng.sum(hs), w)


def unchanging():
    """A loop inside of which, as far as it is read, does not depend on the step."""
    w = Weights()
    x, start, over = w(4, EXAMPLES, HIDDEN), w(EXAMPLES, HIDDEN), w(HIDDEN, HIDDEN)
    k = ng.constant(np.linspace(0, 1, EXAMPLES * HIDDEN).reshape(EXAMPLES, HIDDEN))

    def step(h, piece):
        _, waves = ng.scan(lambda c, _: ((ng.tanh(c[0] + c[1]), ng.sin(c[1])), c[1]), (h, k), length=2)
        wave = ng.sum(waves, axis=0)
        return ng.tanh(piece + h * wave), h * (wave @ over)

    last, ys = ng.scan(step, start, x)
    return with_gradients(ng.sum(ng.square(last)) + ng.sum(ng.square(ys)), w)


NETS = {
    "lstm": lstm, "lstm in reverse": lambda: lstm(reverse=True), "lstm, last": lambda: lstm(wanted="last"), "lstm, sum": lambda: lstm(wanted="sum"),
    "lstm of no step": lambda: lstm(0), "lstm of one step": lambda: lstm(1), "lstm of one example": lambda: lstm(examples=1),
    "gru": gru, "gru of one step": lambda: gru(1), "plain": plain, "plain, relu": lambda: plain(activation=ng.relu), "plain, silu": lambda: plain(activation=ng.silu),
    "plain of no step": lambda: plain(0), "deep": deep, "tokens": tokens, "without elements": without_elements, "only sums": only_sums,
    "nested": nested, "noisy": noisy, "one example": one_example, "weights as elements": weights_as_elements, "shared twice": shared_twice,
    "second order": second_order, "passed on": passed_on, "unchanging": unchanging,
}  # fmt: skip


def scans(outputs):
    return [node for node in order(outputs) if node.op is SCAN]


def all_scans(outputs):
    """Loops inside loops too."""
    found, waiting = [], [outputs]
    while waiting:
        here = scans(waiting.pop())
        found += here
        waiting += [body.outputs for node in here for body in bodies(node)]
    return found


def names_in(node):
    """Op -> how often it stands in the body of a scan."""
    return {name: count for name, count in bodies(node)[0].summary().items() if name in OPS}


def contractions(nodes):
    return [node for node in nodes if not node.is_leaf and cost.products(node)]


def body_contractions(node):
    return len(contractions(bodies(node)[0].nodes))


def agree(slow, fast, tolerance=1e-12):
    for plain, quick in zip(evaluate_all(slow), evaluate_all(fast), strict=True):
        assert quick.dtype == plain.dtype
        assert quick.shape == plain.shape
        np.testing.assert_allclose(quick, plain, rtol=tolerance, atol=tolerance)
