"""Recurrent layers: one cell, applied at every time to the input and to what it kept from the time before.

In the formulas, x is the input of a time, h the state that is also the output, σ the logistic function, ⊙ the product
of elements. The gates' weights lie side by side in one matrix, so that a time takes one product with x and one with h.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from ..autograd.errors import ShapeError
from ..autograd.leaves import as_node, constant
from ..autograd.node import Node
from ..autograd.ops import (
    broadcast,
    cast,
    concat,
    expand_dims,
    scan,
    sigmoid,
    split,
    stop_gradient,
    swapaxes,
    tanh,
    where,
)
from .attention import padding_mask
from .initialize import Initializer, orthogonal, xavier
from .module import Module, new_parameter
from .rows import whole

State = Any
"""What a cell keeps: h (N, width); of an LSTM (h, c)."""


class Recurrent(Module):
    """A layer that reads a sequence: (N, T, inputs) → (N, T, width), the state h at every time. Subclasses say the
    cell.

    `layer(x, start)` begins with a state other than 0. `layer(x, with_state=True)` gives (outputs, last state), so that
    reading can go on with the next piece; a single time, x (N, inputs), gives (N, width). `reverse` reads from the end;
    outputs keep their place. `truncate=k` cuts the sequence into windows of k times and lets no gradient pass from one
    to the one before (truncated backpropagation through time, Williams and Peng 1990); what is computed stays the same.
    `layer(x, nudges=zeros)`, (N, T, width), adds something to the state of every time: the gradient of the nudges is
    that of the states, which shows where it vanishes or explodes. `layer(x, lengths=(N,))` reads of each sequence only
    so many times: what was put behind it to fill the table changes no state, and the last one comes early. Wx is (inputs, gates·width), Wh (width, gates·width),
    b (gates·width,).
    """

    gates: ClassVar[int] = 1

    def __init__(
        self,
        inputs: int,
        width: int,
        *,
        reverse: bool = False,
        truncate: int | None = None,
        start: Initializer = xavier,
        recurrent_start: Initializer = orthogonal,
        rng: np.random.Generator | int | None = None,
        dtype: Any = "float32",
    ) -> None:
        kind = type(self).__name__
        inputs, width = whole(inputs, "inputs", of=kind), whole(width, "width", of=kind)
        truncate = None if truncate is None else whole(truncate, "truncate", of=kind)
        self.inputs, self.width, self.reverse, self.truncate = inputs, width, reverse, truncate
        self.Wx = new_parameter("Wx", (inputs, self.gates * width), _beside(start, self.gates), rng, dtype)
        self.Wh = new_parameter("Wh", (width, self.gates * width), _beside(recurrent_start, self.gates), rng, dtype)
        self.b = new_parameter("b", (self.gates * width,), dtype=dtype)

    def zero(self, count: int, dtype: Any = None) -> State:
        """The state of `count` sequences before anything was read."""
        return broadcast(constant(np.zeros((), dtype or self.Wh.dtype)), shape=(count, self.width))

    def heard(self, x: Node) -> Node:
        """What inputs (…, inputs) say to the gates: x·Wx + b."""
        return x @ self.Wx + self.b

    def step(self, state: State, heard: Node) -> State:
        """The state after one time more."""
        raise NotImplementedError(f"{type(self).__name__} has no step(self, state, heard)")

    def output(self, state: State) -> Node:
        """h, the part of a state that others see."""
        return state

    def nudged(self, state: State, by: Node) -> State:
        """The state with something added to its h."""
        return state + by

    def from_output(self, h: Node) -> State:
        """A state whose output is h (N, width), with nothing else in it."""
        return h

    def forward(
        self, x: Node, start: State = None, *, with_state: bool = False, nudges: Node | None = None,
        lengths: Node | None = None,
    ) -> Any:  # fmt: skip
        self._fits(x, start, lengths)
        if x.dtype.kind != "f":
            x = cast(x, dtype=self.Wx.dtype.name)
        if len(x.shape) == 2:
            heard = self.heard(x)
            state = self.step(self.zero(x.shape[0], heard.dtype) if start is None else start, heard)
            return (self.output(state), state) if with_state else self.output(state)
        # The loop goes along the first axis. What the inputs say is one product for all times.
        heard = self.heard(swapaxes(x, 0, 1))
        state = self.zero(x.shape[0], heard.dtype) if start is None else start
        length = int(x.shape[1])
        belongs = None if lengths is None else expand_dims(swapaxes(padding_mask(lengths, length), 0, 1), 2)
        given = (heard, None if nudges is None else swapaxes(nudges, 0, 1), belongs)
        window = self.truncate or max(length, 1)
        pieces = [_cut(given, at, at + window) for at in range(0, length, window)] if window < length else [given]
        outputs = []
        for piece in reversed(pieces) if self.reverse else pieces:
            if outputs:
                state = _stopped(state)
            state, h = scan(self._taken, state, piece, reverse=self.reverse)
            outputs.append(h)
        h = outputs[0] if len(outputs) == 1 else concat(outputs[::-1] if self.reverse else outputs, axis=0)
        h = swapaxes(h, 0, 1)
        return (h, state) if with_state else h

    def _taken(self, state: State, given: Sequence[Node | None]) -> tuple[State, Node]:
        heard, nudge, belongs = given
        new = self.step(state, heard)
        if nudge is not None:
            new = self.nudged(new, nudge)
        if belongs is not None:
            new = _chosen(belongs, new, state)
        return new, self.output(new)

    def _fits(self, x: Node, start: State, lengths: Node | None) -> None:
        if len(x.shape) not in (2, 3) or x.shape[-1] != self.inputs:
            raise ShapeError(
                f"{type(self).__name__} {self.label!r} takes (batch, time, {self.inputs}); it was given shape"
                f" {tuple(map(int, x.shape))}"
            )
        wanted = (int(x.shape[0]), self.width)
        for part in () if start is None else start if isinstance(start, tuple) else (start,):
            if tuple(map(int, as_node(part).shape)) != wanted:
                raise ShapeError(
                    f"{type(self).__name__} {self.label!r} starts from a state of shape {wanted}, batch and width; it was given"
                    f" {tuple(map(int, as_node(part).shape))}"
                )
        if lengths is not None and (len(x.shape) != 3 or as_node(lengths).shape != x.shape[:1]):
            raise ShapeError(
                f"{type(self).__name__} {self.label!r} takes a length for each of {wanted[0]} sequences; it was given"
                f" {tuple(map(int, as_node(lengths).shape))} with x {tuple(map(int, x.shape))}"
            )


def _beside(start: Initializer, gates: int) -> Initializer:
    """An initializer of every gate's own matrix, side by side."""
    return lambda rng, shape: np.concatenate([start(rng, (shape[0], shape[1] // gates)) for _ in range(gates)], axis=1)


def _cut(given: Sequence[Node | None], first: int, end: int) -> tuple[Node | None, ...]:
    return tuple(part if part is None else part[first:end] for part in given)


def _stopped(state: State) -> State:
    return tuple(map(stop_gradient, state)) if isinstance(state, tuple) else stop_gradient(state)


def _chosen(where_true: Node, state: State, other: State) -> State:
    if isinstance(state, tuple):
        return tuple(where(where_true, one, two) for one, two in zip(state, other, strict=True))
    return where(where_true, state, other)


class RNN(Recurrent):
    """The plain recurrent layer, h ← tanh(x·Wx + h·Wh + b): (N, T, inputs) → (N, T, width). Elman 1990.

    Its gradient through k times is a product of k Jacobians diag(1 − h²)·Whᵀ, which vanishes or explodes with k.

    >>> import nngraph as ng
    >>> from nngraph import nets
    >>> layer = nets.RNN(3, 8)
    >>> h, last = layer(ng.input("x", shape=(5, 20, 3)), with_state=True)
    >>> layer.count, h.shape, last.shape
    (96, (5, 20, 8), (5, 8))
    """

    def step(self, state: Node, heard: Node) -> Node:
        return tanh(heard + state @ self.Wh)


class LSTM(Recurrent):
    """Long short-term memory: (N, T, inputs) → (N, T, width), with the gates i, f, g, o side by side in that order:

    i, f, o = σ(…), g = tanh(…) of x·Wx + h·Wh + b; c ← f⊙c + i⊙g, h ← o⊙tanh(c). Hochreiter and Schmidhuber 1997, with
    the forget gate of Gers et al. 2000, whose bias starts at 1, so that it starts by keeping. Its state is (h, c).

    >>> import nngraph as ng
    >>> from nngraph import nets
    >>> layer = nets.LSTM(3, 8)
    >>> h, (last, kept) = layer(ng.input("x", shape=(5, 20, 3)), with_state=True)
    >>> layer.count, h.shape, kept.shape
    (384, (5, 20, 8), (5, 8))
    """

    gates = 4

    def __init__(self, inputs: int, width: int, **settings: Any) -> None:
        super().__init__(inputs, width, **settings)
        self.b.value = np.repeat([0.0, 1.0, 0.0, 0.0], width)

    def zero(self, count: int, dtype: Any = None) -> tuple[Node, Node]:
        return super().zero(count, dtype), super().zero(count, dtype)

    def step(self, state: tuple[Node, Node], heard: Node) -> tuple[Node, Node]:
        h, c = state
        i, f, g, o = split(heard + h @ self.Wh, 4, axis=1)
        c = sigmoid(f) * c + sigmoid(i) * tanh(g)
        return sigmoid(o) * tanh(c), c

    def output(self, state: tuple[Node, Node]) -> Node:
        return state[0]

    def nudged(self, state: tuple[Node, Node], by: Node) -> tuple[Node, Node]:
        return state[0] + by, state[1]

    def from_output(self, h: Node) -> tuple[Node, Node]:
        return h, super().zero(h.shape[0], h.dtype)


class GRU(Recurrent):
    """Gated recurrent unit: (N, T, inputs) → (N, T, width), with the gates r, z and the candidate n side by side:

    r, z = σ(…) of x·Wx + h·Wh + b; n = tanh(x·Wx + (r⊙h)·Wh + b); h ← (1 − z)⊙n + z⊙h. Cho et al. 2014,
    arXiv:1406.1078. PyTorch's takes r⊙(h·Wh + a second bias) instead.

    >>> import nngraph as ng
    >>> from nngraph import nets
    >>> layer = nets.GRU(3, 8)
    >>> layer.count, layer(ng.input("x", shape=(5, 20, 3))).shape
    (288, (5, 20, 8))
    """

    gates = 3

    def step(self, state: Node, heard: Node) -> Node:
        gates, candidate = heard[:, : 2 * self.width], heard[:, 2 * self.width :]
        r, z = split(sigmoid(gates + state @ self.Wh[:, : 2 * self.width]), 2, axis=1)
        n = tanh(candidate + (r * state) @ self.Wh[:, 2 * self.width :])
        return (1 - z) * n + z * state
