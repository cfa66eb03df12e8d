"""How wrong an answer is, as one number. Errors of amounts are sums; losses of classes are means over the first
axis."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import special
from ..errors import DtypeError, ShapeError
from ..node import Node
from ..op import LOSS, composite, example
from . import functions
from .activation import log_shares, log_softmax, relu, sigmoid, softmax, softplus
from .arithmetic import ratio, square
from .comparison import clip, equal, where
from .functions import log, xlogy
from .identity import cast
from .linear import sum
from .reduction import mean
from .shape import one_hot

__all__ = [
    "absolute_error", "binary_cross_entropy", "binary_cross_entropy_logits", "cross_entropy", "half_squared_error",
    "hinge", "huber",
    "kl_divergence", "mean_squared_error", "softmax_loss", "squared_error",
]  # fmt: skip


# Errors of amounts: y is the answer, z the target --------------------------------------------------------------------
def _gap(y: Node, z: Node) -> Node:
    """y − z, refusing a target that would make a table out of two lists."""
    gap = y - z
    if gap.shape not in (y.shape, z.shape):
        raise ShapeError(
            f"answer {_sizes(y)} and target {_sizes(z)} would be compared each with each, as {_sizes(gap)};"
            " give both the same shape, with ng.reshape or [:, None]"
        )
    return gap


def _sizes(node: Node) -> str:
    return str(tuple(map(int, node.shape)))


_AMOUNTS = [example((3, 4), (3, 4)), example((3,), (3,)), example((), ())]

squared_error = composite(
    "squared_error", lambda y, z: sum(square(_gap(y, z))), inputs=("y", "z"), kind=LOSS, letter="E",
    words="the sum of the squared differences between {y} and {z}",
    why="the power rule brings the 2 down: 2(y − z); the target receives the same with its sign turned",
    pitfalls=("it carries a factor 2 that ½Σ(y − z)² does not have",),
    example=_AMOUNTS,
)  # fmt: skip

half_squared_error = composite(
    "half_squared_error", lambda y, z: 0.5 * sum(square(_gap(y, z))), inputs=("y", "z"), kind=LOSS, letter="E",
    words="half the sum of the squared differences between {y} and {z}",
    why="the 2 of the power rule and the ½ in front cancel, leaving y − z",
    example=_AMOUNTS,
)  # fmt: skip

mean_squared_error = composite(
    "mean_squared_error", lambda y, z: mean(square(_gap(y, z))), inputs=("y", "z"), kind=LOSS, letter="E",
    words="the mean of the squared differences between {y} and {z}",
    why="the power rule gives 2(y − z), and the mean divides by how many numbers there are",
    pitfalls=("it divides by the number of all entries, rows times columns, not by the number of rows",),
    example=_AMOUNTS,
)  # fmt: skip

absolute_error = composite(
    "absolute_error", lambda y, z: sum(functions.abs(_gap(y, z))), inputs=("y", "z"), kind=LOSS, letter="E",
    words="the sum of the sizes of the differences between {y} and {z}",
    why="each difference pulls with the same strength, whatever its size: the slope is its sign",
    pitfalls=("where answer and target are equal there is a kink; the slope 0 is chosen",),
    example=_AMOUNTS,
)  # fmt: skip


def _huber(y: Node, z: Node, delta: float) -> Node:
    gap = _gap(y, z)
    size = functions.abs(gap)
    return sum(where(size <= delta, 0.5 * square(gap), delta * (size - 0.5 * delta)))


def _huber_gradient(g: Node, loss: Node, y: Node, z: Node, delta: float) -> tuple[Node, Node]:
    pull = g * clip(_gap(y, z), low=-delta, high=delta)
    return pull, -pull


huber = composite(
    "huber", _huber, inputs=("y", "z"), params={"delta": 1.0}, kind=LOSS, letter="E", gradient=_huber_gradient,
    words="the sum of the differences between {y} and {z}: half their square up to {delta}, straight beyond",
    why="small differences pull in proportion, y − z; large ones only with the strength delta",
    source="Huber 1964, Robust Estimation of a Location Parameter",
    example=[example((3, 4), (3, 4)), example((3,), (3,), params={"delta": 0.5})],
)  # fmt: skip


# Losses of classes ---------------------------------------------------------------------------------------------------
def _mean_over_examples(losses: Node, scores: Node) -> Node:
    """The sum of all, divided by the number of rows; a vector is one example and is not divided."""
    total = sum(losses)
    return total / scores.shape[0] if len(scores.shape) > 1 else total


def _labels(t: Node, scores: Node) -> Node:
    """Labels as shares shaped like the scores: given so, or as class numbers with one axis less."""
    if t.shape == scores.shape:
        return t if t.dtype.kind == "f" else cast(t, dtype=_float_name(scores))
    if t.shape == scores.shape[:-1]:
        if t.dtype.kind not in "iu":
            raise DtypeError(
                f"targets {_sizes(t)} beside scores {_sizes(scores)} are class numbers and must be integers, not"
                f" {t.dtype}"
            )
        return one_hot(t, classes=scores.shape[-1], dtype=_float_name(scores))
    raise ShapeError(
        f"targets {_sizes(t)} do not fit scores {_sizes(scores)}: give shares of shape {_sizes(scores)}"
        f" or class numbers of shape {tuple(map(int, scores.shape[:-1]))}"
    )


def _float_name(scores: Node) -> str:
    return scores.dtype.name if scores.dtype.kind == "f" else "float64"


def _same(t: Node, answer: Node) -> Node:
    """Labels as numbers, one for each answer."""
    if t.shape != answer.shape:
        raise ShapeError(f"labels {_sizes(t)} must have the shape of the answers, {_sizes(answer)}: one label for each")
    return t if t.dtype.kind == "f" else cast(t, dtype=_float_name(answer))


cross_entropy = composite(
    "cross_entropy", lambda p, t: _mean_over_examples(-xlogy(_labels(t, p), p), p), inputs=("p", "t"), kind=LOSS,
    letter="L",
    words="the cross-entropy −Σ t·ln p of the shares {p} and the labels {t}, its mean over the rows",
    why="each share receives −t/p: only the shares of true classes pull, the harder the smaller they are",
    pitfalls=("p must be shares, not scores; for scores take ng.softmax_loss, which is also safe where a share is"
              " nearly 0",
              "class numbers count from 0", "a vector is one example with as many classes as it has numbers"),
    example=[example((3, 4), (3, 4), domain=(-1, 1), simplex=(0, 1)),
             example((3, 4), (3,), domain=(-1, 1), simplex=(0,), integers={1: 4}),
             example((4,), (4,), domain=(-1, 1), simplex=(0, 1))],
)  # fmt: skip

binary_cross_entropy = composite(
    "binary_cross_entropy",
    lambda p, t: _mean_over_examples(-(xlogy(_same(t, p), p) + xlogy(1 - _same(t, p), 1 - p)), p),
    inputs=("p", "t"), kind=LOSS, letter="L",
    words="the cross-entropy −t·ln p − (1 − t)·ln(1 − p) of the probabilities {p} and the labels {t}, its mean over the"
    " rows",
    why="each probability receives (1 − t)/(1 − p) − t/p, which vanishes where p = t",
    pitfalls=("p must lie between 0 and 1; for scores take ng.binary_cross_entropy_logits",
              "a vector is one example; give a batch of N single answers the shape (N, 1)"),
    example=[example((3, 4), (3, 4), domain=(0.1, 0.9)),
             example((3,), (3,), domain=((0.1, 0.9), (0, 1)), integers={1: 2})],
)  # fmt: skip


def _binary_logits_gradient(g: Node, loss: Node, z: Node, t: Node) -> tuple[Node, Node | None]:
    scale = g / z.shape[0] if len(z.shape) > 1 else g
    return scale * (sigmoid(z) - _same(t, z)), -(scale * z) if t.dtype.kind == "f" else None


binary_cross_entropy_logits = composite(
    "binary_cross_entropy_logits", lambda z, t: _mean_over_examples(softplus(z) - _same(t, z) * z, z),
    inputs=("z", "t"), kind=LOSS, letter="L",
    gradient=_binary_logits_gradient,
    words="the cross-entropy of the sigmoid of the scores {z} and the labels {t}, its mean over the rows",
    why="the logarithm undoes the sigmoid and what is left is the error itself: σ(z) − t",
    source="−t·ln σ(z) − (1 − t)·ln(1 − σ(z)) = softplus(z) − t·z",
    pitfalls=("a vector is one example; give a batch of N single scores the shape (N, 1)",),
    example=[example((3, 4), (3, 4), domain=((-2, 2), (0, 1))), example((3,), (3,), domain=(-2, 2), integers={1: 2})],
)  # fmt: skip

hinge = composite(
    "hinge", lambda y, t: _mean_over_examples(relu(1 - _same(t, y) * y), y), inputs=("y", "t"), kind=LOSS, letter="L",
    words="how far {y} falls short of the margin 1 on the side of the label {t}, its mean over the rows",
    why="an answer inside the margin or on the wrong side is pulled by −t; beyond the margin nothing pulls",
    pitfalls=("labels are −1 and 1, not 0 and 1", "exactly on the margin the slope 0 is chosen",
              "a vector is one example; give a batch of N single answers the shape (N, 1)"),
    example=[example((3, 4), (3, 4), domain=((-2, 2), (-1, 1))), example((3,), (3,), domain=((-2, 2), (-1, 1)))],
)  # fmt: skip


def _kl_gradient(g: Node, loss: Node, p: Node, q: Node) -> tuple[Node, Node]:
    scale = g / p.shape[0] if len(p.shape) > 1 else g
    return scale * (log(p / q) + 1), -(scale * ratio(p, q))


kl_divergence = composite(
    "kl_divergence", lambda p, q: _mean_over_examples(xlogy(p, p / _same(q, p)), p), inputs=("p", "q"), kind=LOSS,
    letter="L", gradient=_kl_gradient,
    words="the divergence Σ p·ln(p/q) of {p} from {q}, its mean over the rows",
    why="the second distribution receives −p/q, the first ln(p/q) + 1",
    pitfalls=("it is not symmetric: exchanging p and q gives another number",
              "it is infinite where q is 0 and p is not"),
    source="Kullback and Leibler 1951, On Information and Sufficiency",
    example=[example((3, 4), (3, 4), domain=(-1, 1), simplex=(0, 1)),
             example((4,), (4,), domain=(-1, 1), simplex=(0, 1))],
)  # fmt: skip


def _softmax_loss_gradient(g: Node, loss: Node, z: Node, t: Node) -> tuple[Node, Node | None]:
    scale = g / z.shape[0] if len(z.shape) > 1 else g
    labels, p = _labels(t, z), softmax(z)
    if t.dtype.kind != "f":
        return scale * (p - labels), None
    return scale * (p * sum(labels, axis=-1, keepdims=True) - labels), -(scale * log_softmax(z))


def _shares_times_logarithms(z: Node, t: Node) -> Node:
    labels, logs = _labels(t, z), log_shares(z, -1)
    # A class with share 0 counts as 0 even where its logarithm is −inf.
    return _mean_over_examples(-where(equal(labels, 0), 0, labels * logs), z)


def _softmax_loss(z: Any, t: Any) -> Any:
    z, t = np.asarray(z), np.asarray(t)
    logs = special.log_softmax(z, -1)
    if t.ndim < z.ndim:
        if t.size and not (t.min() >= 0 and t.max() < z.shape[-1]):
            wrong = int(t.min() if t.min() < 0 else t.max())
            raise ShapeError(
                f"softmax_loss: class number {wrong} with {z.shape[-1]} classes; they are numbered 0 to"
                f" {z.shape[-1] - 1}"
            )
        total = np.sum(np.take_along_axis(logs, t[..., None], -1))
    else:
        # A class with share 0 counts as 0 even where its logarithm is −inf.
        total = np.sum(np.asarray(t, dtype=t.dtype if t.dtype.kind == "f" else logs.dtype) * logs, where=t != 0)
    return -total / z.shape[0] if z.ndim > 1 else -total


softmax_loss = composite(
    "softmax_loss", lambda z, t: _mean_over_examples(-xlogy(_labels(t, z), softmax(z)), z), inputs=("z", "t"),
    kind=LOSS, letter="L",
    kernel="softmax_loss", numpy=_softmax_loss, expansion=_shares_times_logarithms, gradient=_softmax_loss_gradient,
    words="the cross-entropy −Σ t·ln softmax(z) of the scores {z} and the labels {t}, its mean over the rows",
    why="−t/p from the logarithm meets p(1 − p) and −p·p_j from the softmax, and all that is left is the error p·Σt −"
    " t, which is p − t where the labels of a row sum to 1",
    pitfalls=("z are scores: do not apply softmax to them first", "class numbers count from 0",
              "a vector is one example with as many classes as it has numbers; its loss is not divided"),
    example=[example((3, 4), (3, 4), domain=(-1, 1), simplex=(1,)), example((3, 4), (3,), integers={1: 4}),
             example((4,), (4,)),
             example((2, 3, 4), (2, 3), integers={1: 4})],
)  # fmt: skip
