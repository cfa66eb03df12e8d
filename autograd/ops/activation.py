"""What makes a net more than a matrix: curves that bend, and the softmax that turns scores into shares."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .. import special
from ..axes import axes_behind, axis_of, one_axis
from ..errors import ParameterError, ShapeError
from ..node import Node
from ..notation import call
from ..op import ACTIVATION, REQUIRED, composite, elementwise, example
from .arithmetic import square
from .comparison import where
from .functions import erf, exp, log, tanh
from .linear import sum
from .reduction import as_float, largest, logsumexp, max
from .shape import reshape

__all__ = [
    "elu", "gelu", "leaky_relu", "log_sigmoid", "log_softmax", "logit", "maxout", "prelu", "relu", "sigmoid", "silu",
    "softmax", "softplus", "step",
]  # fmt: skip

_BENT = example((3, 4), avoid=(0.0,))

sigmoid = elementwise(
    "sigmoid", "1 / (1 + exp(-x))", kind=ACTIVATION, notation=call("σ", r"\sigma"), letter="f", numpy=special.sigmoid,
    words="squash {x} between 0 and 1",
    why="the quotient rule on 1/(1 + e⁻ˣ) gives σ(1 − σ), the value times what it lacks to 1",
    pitfalls=("far from 0 the curve is flat and the gradient vanishes; at its steepest the slope is only 1/4",),
    gradient=lambda g, y, x: (g * (y * (1 - y)),),
    example=example((3, 4)),
)  # fmt: skip

logit = elementwise(
    "logit", "log(x / (1 - x))", kind=ACTIVATION, letter="z",
    words="the log-odds of {x}, which undo the sigmoid",
    why="it undoes the sigmoid, so its slope is one over the sigmoid's: 1/(x(1 − x))",
    pitfalls=("it exists only between 0 and 1, and is infinite at both ends",),
    gradient=lambda g, y, x: (g / (x * (1 - x)),),
    example=example((3, 4), domain=(0.1, 0.9)),
)  # fmt: skip

log_sigmoid = elementwise(
    "log_sigmoid", "min(x, 0) - log1p(exp(-abs(x)))", kind=ACTIVATION, notation=call("ln σ", r"\ln\sigma"), letter="l",
    words="the logarithm of the sigmoid of {x}",
    why="dividing σ(1 − σ) by σ leaves 1 − σ(x), which is σ(−x)",
    source="ln σ(x) = −ln(1 + e⁻ˣ), written so that no exponential overflows",
    gradient=lambda g, y, x: (g * sigmoid(-x),),
    example=example((3, 4)),
)  # fmt: skip

softplus = elementwise(
    "softplus", "max(x, 0) + log1p(exp(-abs(x)))", kind=ACTIVATION, notation=call("softplus"), letter="f",
    words="the smooth ramp ln(1 + e^x) of {x}",
    why="the chain rule gives eˣ/(1 + eˣ), which is the sigmoid",
    source="ln(1 + eˣ) = max(x, 0) + ln(1 + e^(−|x|)), so that no exponential overflows",
    gradient=lambda g, y, x: (g * sigmoid(x),),
    example=example((3, 4)),
)  # fmt: skip

relu = elementwise(
    "relu", "max(x, 0)", kind=ACTIVATION, notation=call("ReLU", r"\operatorname{ReLU}"), letter="f",
    keeps_sign=lambda params: True,
    words="keep {x} where it is positive, else 0",
    why="where the input is positive it passes unchanged, and so does the gradient; elsewhere nothing passes",
    pitfalls=("at 0 the slope 0 is chosen", "a unit whose input is negative for all data receives no gradient and stays"
                                            " dead"),
    gradient=lambda g, y, x: (where(x > 0, g, 0),),
    example=_BENT,
)  # fmt: skip

leaky_relu = elementwise(
    "leaky_relu", "where(x > 0, x, slope * x)", kind=ACTIVATION, params={"slope": 0.01}, notation=call("LeakyReLU"),
    letter="f", keeps_sign=lambda params: params["slope"] >= 0,
    words="keep {x} where it is positive, else {slope} times it",
    why="the slope is 1 where the input is positive and the small slope elsewhere, so that no unit dies",
    pitfalls=("at 0 the small slope is chosen",),
    gradient=lambda g, y, x, slope: (where(x > 0, g, slope * g),),
    example=[_BENT, example((3, 4), params={"slope": 0.2}, avoid=(0.0,))],
)  # fmt: skip

prelu = elementwise(
    "prelu", "where(x > 0, x, slope * x)", kind=ACTIVATION, notation=call("PReLU"), letter="f",
    words="keep {x} where it is positive, else the learned {slope} times it",
    why="below 0 the result is a product: the input receives the slope, and the slope receives the input",
    pitfalls=("at 0 the learned slope is chosen", "one slope for each channel must have a shape that broadcasts against"
    " x"),
    source="He et al. 2015, Delving Deep into Rectifiers",
    gradient=lambda g, y, x, slope: (where(x > 0, g, slope * g), where(x > 0, 0, x * g)),
    example=[example((3, 4), (4,), avoid=(0.0,)), example((3, 4), (), avoid=(0.0,))],
)  # fmt: skip

elu = elementwise(
    "elu", "where(x > 0, x, alpha * expm1(min(x, 0)))", kind=ACTIVATION, params={"alpha": 1.0}, notation=call("ELU"),
    letter="f", keeps_sign=lambda params: params["alpha"] >= 0,
    words="keep {x} where it is positive, else let it level off at minus {alpha}",
    why="below 0 the slope is alpha·eˣ, which is the value plus alpha",
    pitfalls=("at 0 the slope alpha is chosen; with alpha = 1 there is no kink",),
    source="Clevert et al. 2016, Fast and Accurate Deep Network Learning by Exponential Linear Units",
    gradient=lambda g, y, x, alpha: (where(x > 0, g, g * (y + alpha)),),
    example=[_BENT, example((3, 4), params={"alpha": 0.5}, avoid=(0.0,))],
)  # fmt: skip


def _silu_gradient(g: Node, y: Node, x: Node) -> tuple[Node]:
    # y + σ(1 − y) says the same, but for large x the 1 is lost beside y.
    bend = sigmoid(x)
    return (g * (bend + y * (1 - bend)),)


silu = elementwise(
    "silu", "x / (1 + exp(-x))", kind=ACTIVATION, notation=call("SiLU"), letter="f",
    numpy=lambda x: x * special.sigmoid(x),
    words="weigh {x} by its own sigmoid (also called swish)",
    why="the product rule on x·σ(x) gives σ + x·σ(1 − σ), which is σ + y(1 − σ)",
    source="Elfwing et al. 2018; swish in Ramachandran et al. 2017",
    gradient=_silu_gradient,
    example=example((3, 4)),
)  # fmt: skip

_ROOT_HALF, _ROOT_2_OVER_PI = 0.7071067811865476, 0.7978845608028654


def _gelu(x: Node, approximate: bool) -> Node:
    if approximate:
        return 0.5 * x * (1 + tanh(_ROOT_2_OVER_PI * (x + 0.044715 * (x * square(x)))))
    return 0.5 * x * (1 + erf(_ROOT_HALF * x))


gelu = composite(
    "gelu", _gelu, inputs=("x",), kind=ACTIVATION, params={"approximate": False}, notation=call("GELU"), letter="f",
    words="weigh {x} by the share of a normal distribution that lies below it",
    why="the product rule on x·Φ(x) gives Φ(x) plus x times the height of the bell curve",
    pitfalls=("approximate=True is the tanh formula of older models; it differs from the exact one in the third"
              " decimal",),
    source="Hendrycks and Gimpel 2016, Gaussian Error Linear Units",
    example=[example((3, 4)), example((3, 4), params={"approximate": True})],
)  # fmt: skip

step = elementwise(
    "step", "max(sign(x), 0)", kind=ACTIVATION, notation=call("step"), letter="f", differentiable=False,
    words="1 where {x} is positive, else 0",
    why="the result is constant except for a jump at 0, so no gradient is sent back: the perceptron needs its own rule",
    pitfalls=("at 0 the result is 0", "a net of steps cannot be trained by its gradient, which is 0"),
    example=_BENT,
)  # fmt: skip


def _pieces(inputs: tuple[Node, ...], params: Mapping[str, Any]) -> Mapping[str, Any]:
    (x,), pieces = inputs, params["pieces"]
    axis = axis_of(params["axis"], len(x.shape))
    if isinstance(pieces, bool) or not isinstance(pieces, (int, np.integer)) or pieces < 1:
        raise ParameterError(f"maxout: pieces={pieces!r} must be a whole number from 1 up")
    if x.shape[axis] % pieces:
        raise ShapeError(f"maxout: axis {axis} has {int(x.shape[axis])} numbers, which do not make groups of {pieces}")
    return {"pieces": int(pieces), "axis": axis}


def _maxout(x: Node, pieces: int, axis: int) -> Node:
    return max(
        reshape(x, shape=(*x.shape[:axis], x.shape[axis] // pieces, pieces, *x.shape[axis + 1 :])), axis=axis + 1
    )


maxout = composite(
    "maxout", _maxout, inputs=("x",), kind=ACTIVATION, params={"pieces": REQUIRED, "axis": -1}, normalize=_pieces,
    letter="f",
    words="the largest of every {pieces} neighbors of {x} along axis {axis}",
    why="only the largest of a group passes, so it alone receives the gradient; equal ones share it",
    pitfalls=("each group is of neighbors: numbers 0 to pieces − 1 make the first result",),
    source="Goodfellow et al. 2013, Maxout Networks",
    example=[example((3, 4), params={"pieces": 2}, distinct=True),
             example((4, 3), params={"pieces": 2, "axis": 0}, distinct=True)],
)  # fmt: skip


# Scores to shares ---------------------------------------------------------------------------------------------------
_ROWS = [example((3, 4)), example((3, 4), params={"axis": 0}), example((4,)), example((2, 3, 4), params={"axis": 1})]


def _shares_of_largest(x: Node, axis: Any) -> Node:
    x = as_float(x)
    part = exp(x - largest(x, axis))
    return part / sum(part, axis=axis, keepdims=True)


def log_shares(x: Node, axis: Any) -> Node:
    """ln softmax with the largest number taken out first, made of the same parts as the softmax itself."""
    x = as_float(x)
    below = x - largest(x, axis)
    return below - log(sum(exp(below), axis=axis, keepdims=True))


softmax = composite(
    "softmax", lambda x, axis: exp(x) / sum(exp(x), axis=axis, keepdims=True),
    inputs=("x",), kind=ACTIVATION, params={"axis": -1}, normalize=one_axis, kernel="softmax", letter="p",
    numpy=special.softmax, expansion=_shares_of_largest, stacked=axes_behind,
    words="turn {x} into shares that sum to 1 along axis {axis}",
    why="a share grows with its own score by p(1 − p) and shrinks with every other by −p·p_j: y times (g minus the mean"
    " of g under y)",
    pitfalls=("on a batch the shares must be taken along the class axis, not over all numbers",
              "adding the same number to all scores changes nothing, which is why the largest may be subtracted first"),
    gradient=lambda g, y, x, axis: (y * (g - sum(g * y, axis=axis, keepdims=True)),),
    example=_ROWS,
)  # fmt: skip

log_softmax = composite(
    "log_softmax", lambda x, axis: x - logsumexp(x, axis=axis, keepdims=True),
    inputs=("x",), kind=ACTIVATION, params={"axis": -1}, normalize=one_axis, kernel="log_softmax",
    notation=call("ln softmax", r"\ln\operatorname{softmax}"),
    letter="l", numpy=special.log_softmax, expansion=log_shares, stacked=axes_behind,
    words="the logarithm of the softmax of {x} along axis {axis}",
    why="each score counts fully for its own logarithm and, by its share, against all: g minus the share times the sum"
    " of g",
    gradient=lambda g, y, x, axis: (g - exp(y) * sum(g, axis=axis, keepdims=True),),
    example=_ROWS,
)  # fmt: skip
