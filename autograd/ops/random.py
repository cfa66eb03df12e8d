"""Random numbers without hidden state: a function of a key and a step, so that every engine draws the same.

The key is (seed, path, draw): the path is where in the model the node was built, as CRC32 of `scope/name`, so that
adding a layer does not change the numbers of the others; the draw numbers the nodes built there. The step is an input
node: a program that counts a state leaf up draws anew each time it runs.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from .. import philox
from ..errors import DtypeError, ParameterError, ShapeError
from ..leaves import as_node, constant
from ..node import Node, current_scope
from ..notation import call
from ..op import RANDOM, REQUIRED, composite, example, structural
from ..sizes import product
from .comparison import less, where
from .identity import cast
from .shape import whole

__all__ = ["bernoulli", "dropout", "normal", "restart_draws", "uniform"]

_drawn: dict[tuple[int, str], int] = {}
"""How many nodes were built under a seed and a path without saying which draw they are."""

_FIXED = "the numbers are drawn, not computed from anything that could be moved, so there is no gradient"


def _drawing(inputs: tuple[Node, ...], params: Mapping[str, Any]) -> Mapping[str, Any]:
    shape = params["shape"]
    sizes = tuple(whole(size, "size") for size in (shape if isinstance(shape, (tuple, list)) else (shape,)))
    dtype = np.dtype(params["dtype"])
    if dtype.kind != "f":
        raise DtypeError(f"random numbers are drawn as float32 or float64, not {dtype}; convert them with ng.cast")
    if any(size < 0 for size in sizes):
        raise ParameterError(f"shape {tuple(map(int, sizes))} has a negative size")
    _key_and_step(*inputs[-2:])
    return {"shape": sizes, "dtype": dtype.name}


def _key_and_step(key: Node, step: Node) -> None:
    if key.dtype.kind not in "iu" or tuple(key.shape) != (3,):
        raise DtypeError("a key is three whole numbers: seed, path and draw")
    if step.dtype.kind not in "iu" or step.shape:
        raise DtypeError(
            f"step is one whole number that counts up, such as ng.state('step', 0), not {step.dtype} of shape"
            f" {tuple(map(int, step.shape))}"
        )


def _words(key: Any, step: Any, count: int) -> np.ndarray:
    seed, path, draw = (int(part) for part in key)
    return philox.words(count, seed, path, draw, int(step))


def _uniform(key: Any, step: Any, shape: tuple[int, ...], dtype: str) -> np.ndarray:
    words = _words(key, step, int(product(shape)))
    # As many leading bits as the dtype holds exactly, so that no rounding can reach 1.
    numbers = words * 2.0**-32 if dtype == "float64" else (words >> np.uint64(8)) * 2.0**-24
    return numbers.astype(dtype).reshape([int(size) for size in shape])


def _normal(key: Any, step: Any, shape: tuple[int, ...], dtype: str) -> np.ndarray:
    """Box and Muller: each pair of words is a radius and an angle, and gives two numbers."""
    count = int(product(shape))
    pairs = ((_words(key, step, count + count % 2) + 0.5) * 2.0**-32).reshape(-1, 2)
    radius, angle = np.sqrt(-2 * np.log(pairs[:, 0])), 2 * np.pi * pairs[:, 1]
    numbers = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=-1).reshape(-1)[:count]
    return numbers.astype(dtype).reshape([int(size) for size in shape])


_EXAMPLES = [example((3,), (), params={"shape": (3, 4)}, integers={0: 1000, 1: 10}),
             example((3,), (), params={"shape": (5,), "dtype": "float32"}, integers={0: 1000, 1: 10})]  # fmt: skip

_uniform_op = structural(
    "uniform", _uniform, lambda key, step, shape, dtype: shape, inputs=("key", "step"),
    params={"shape": REQUIRED, "dtype": "float64"},
    kind=RANDOM, normalize=_drawing, dtype=lambda key, step, shape, dtype: np.dtype(dtype), differentiable=False,
    kernel="uniform",
    notation=call("U", r"\mathcal{U}", hidden=2, constants=("0", "1")), letter="u",
    words="numbers drawn evenly between 0 and 1 under {key} at {step}", why=_FIXED,
    pitfalls=("the same key and step give the same numbers; count the step up to draw anew",),
    source="Philox4x32-10, Salmon et al. 2011", example=_EXAMPLES,
)  # fmt: skip

_normal_op = structural(
    "normal", _normal, lambda key, step, shape, dtype: shape, inputs=("key", "step"),
    params={"shape": REQUIRED, "dtype": "float64"},
    kind=RANDOM, normalize=_drawing, dtype=lambda key, step, shape, dtype: np.dtype(dtype), differentiable=False,
    kernel="normal",
    notation=call("N", r"\mathcal{N}", hidden=2, constants=("0", "1")), letter="n",
    words="numbers drawn from the bell curve with mean 0 and spread 1 under {key} at {step}", why=_FIXED,
    pitfalls=("the same key and step give the same numbers; count the step up to draw anew",),
    source="Box and Muller 1958, on Philox4x32-10", example=_EXAMPLES,
)  # fmt: skip


def _flip(p: Node, key: Node, step: Node) -> Node:
    _key_and_step(key, step)
    if p.dtype.kind != "f":
        raise DtypeError(f"p is a probability and must be a floating-point number, not {p.dtype}")
    return cast(less(_uniform_op(key, step, shape=p.shape, dtype=p.dtype.name), p), dtype=p.dtype.name)


_bernoulli_op = composite(
    "bernoulli", _flip, inputs=("p", "key", "step"), kind=RANDOM, differentiable=False, kernel="bernoulli",
    notation=call("bernoulli", hidden=2), letter="b",
    words="1 with probability {p}, else 0, drawn under {key} at {step}",
    why="the result jumps between 0 and 1, so no gradient is sent back to the probability",
    pitfalls=("to train through a drawn unit an estimate of its gradient is needed, such as treating it as p",),
    example=example((3, 4), (3,), (), domain=(0.0, 1.0), integers={1: 1000, 2: 10}),
)  # fmt: skip


def _share(inputs: tuple[Node, ...], params: Mapping[str, Any]) -> Mapping[str, Any]:
    rate = params["rate"]
    if not isinstance(rate, (int, float, np.integer, np.floating)) or not 0 <= rate < 1:
        raise ParameterError(
            f"dropout: rate={rate!r} is the share that is dropped; it must be at least 0 and less than 1"
        )
    return {"rate": float(rate)}


_dropout_op = composite(
    "dropout", lambda x, mask, rate: x * mask / (1 - rate), inputs=("x", "mask"), params={"rate": 0.5},
    normalize=_share, kind=RANDOM, letter="h",
    words="set {x} to 0 where {mask} is 0 and make up for the dropped share {rate} elsewhere",
    why="what was dropped had no effect and receives nothing; what was kept counts 1/(1 − rate) times, and so does its"
    " gradient",
    pitfalls=("only for training: a trained net is evaluated without it",
              "the same step drops the same numbers; in a program give it ng.state('step', 0) and count that up among"
              " the updates"),
    source="Srivastava et al. 2014, Dropout",
    example=[example((3, 4), (3, 4)), example((3, 4), (3, 4), params={"rate": 0.2})],
)  # fmt: skip


def _key(seed: int, name: str | None, draw: int | None) -> Node:
    seed = whole(seed, "seed")
    if not 0 <= seed <= philox.LOW:
        raise ParameterError(f"seed {seed} must lie between 0 and {philox.LOW}")
    path = "/".join(part for part in (current_scope.get(), name) if part)
    if draw is None:
        draw = _drawn.get((seed, path), 0)
        _drawn[seed, path] = draw + 1
    return constant(np.array([seed, zlib.crc32(path.encode()), whole(draw, "draw")], np.uint32))


def restart_draws() -> None:
    """Number the draws from 0 again, so that a model built anew in the same program draws the same numbers.

    >>> import nngraph as ng
    >>> ng.restart_draws(); first = ng.uniform(2)
    >>> ng.restart_draws(); again = ng.uniform(2)
    >>> bool((first.value == again.value).all())
    True
    """
    _drawn.clear()


def uniform(
    shape: Any, low: Any = 0.0, high: Any = 1.0, *, seed: int = 0, step: Any = 0, name: str | None = None,
    draw: int | None = None,
    dtype: Any = "float64",
) -> Node:  # fmt: skip
    """Numbers of a given shape drawn evenly from [low, high), in steps of 2⁻³² (2⁻²⁴ in float32).

    Pass a state leaf as `step` and count it up to draw anew. `name` and the open scope tell the draws of a model apart;
    several draws in one place are numbered as they are built, or by `draw`.

    >>> import nngraph as ng
    >>> step = ng.state("step", 0)
    >>> noise = ng.uniform((2, 3), step=step)
    >>> first = noise.value
    >>> step.value = 1
    >>> bool((noise.value == first).any())
    False
    """
    numbers = _named(_uniform_op(_key(seed, name, draw), as_node(step), shape=shape, dtype=dtype), name)
    plain = isinstance(low, (int, float)) and isinstance(high, (int, float)) and (low, high) == (0, 1)
    return numbers if plain else low + (high - low) * numbers


def normal(
    shape: Any, mean: Any = 0.0, scale: Any = 1.0, *, seed: int = 0, step: Any = 0, name: str | None = None,
    draw: int | None = None,
    dtype: Any = "float64",
) -> Node:  # fmt: skip
    """Numbers of a given shape drawn from the bell curve around `mean` with spread `scale`; both may be nodes and get
    gradients.

    `seed`, `step`, `name` and `draw` as for `uniform`.

    >>> import nngraph as ng
    >>> ng.normal((2, 3)).shape
    (2, 3)
    """
    numbers = _named(_normal_op(_key(seed, name, draw), as_node(step), shape=shape, dtype=dtype), name)
    plain = isinstance(mean, (int, float)) and isinstance(scale, (int, float)) and (mean, scale) == (0, 1)
    return numbers if plain else mean + scale * numbers


def bernoulli(p: Any, *, seed: int = 0, step: Any = 0, name: str | None = None, draw: int | None = None) -> Node:
    """1 with probability p, else 0, for every number of `p`, in the dtype of p; no gradient reaches p.

    `seed`, `step`, `name` and `draw` as for `uniform`.

    >>> import nngraph as ng
    >>> ng.bernoulli([0.0, 1.0]).value
    array([0., 1.])
    """
    return _named(_bernoulli_op(as_node(p), _key(seed, name, draw), as_node(step)), name)


def dropout(
    x: Any,
    rate: float = 0.5,
    training: Any = True,
    *,
    seed: int = 0,
    step: Any = 0,
    name: str | None = None,
    draw: int | None = None,
) -> Node:
    """x with a random share `rate` set to 0 and the rest divided by 1 − rate, so that the mean stays; x itself when not
    training.

    `training` is true, false, or a node that holds either. `seed`, `step`, `name` and `draw` as for `uniform`: without
    a step that is counted up every call drops the same numbers.

    >>> import nngraph as ng
    >>> sorted(set(ng.dropout(ng.input("x", [1.0] * 50)).value.tolist()))
    [0.0, 2.0]
    """
    x = as_node(x)
    if x.dtype.kind != "f":
        raise DtypeError(f"dropout scales its input and needs floating-point numbers, not {x.dtype}")
    _share((), {"rate": rate})
    if not isinstance(training, Node) and (not training or rate == 0):
        return x
    keep = constant(np.full((), 1 - rate, x.dtype))
    numbers = _uniform_op(_key(seed, name, draw), as_node(step), shape=x.shape, dtype=x.dtype.name)
    mask = cast(less(numbers, keep), dtype=x.dtype.name)
    dropped = _named(_dropout_op(x, mask, rate=rate), name)
    if not isinstance(training, Node):
        return dropped
    if training.shape:
        raise ShapeError(
            f"training is one value, true or false, not an array of shape {tuple(map(int, training.shape))}"
        )
    return where(training, dropped, x)


def _named(node: Node, name: str | None) -> Node:
    if name is not None:
        node._name = name
    return node
