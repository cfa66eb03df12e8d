"""Ops that hand their input on: converted to another dtype, or cut off from the gradient."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..axes import unchanged
from ..errors import DtypeError
from ..node import Node, abilities
from ..op import REQUIRED, SHAPE, example, structural

__all__ = ["cast", "stop_gradient"]


def _named_dtype(inputs: tuple[Node, ...], params: Mapping[str, Any]) -> Mapping[str, Any]:
    try:
        dtype = np.dtype(params["dtype"])
    except TypeError:
        raise DtypeError(f"{params['dtype']!r} is not a dtype; say 'float32' or 'float64'") from None
    if dtype.kind not in "biuf":
        raise DtypeError(f"{dtype} is not a kind of number that a graph can hold; say 'float32' or 'float64'")
    return {"dtype": dtype.name}


cast = structural(
    "cast", lambda x, dtype: np.asarray(x).astype(dtype if np.asarray(x).dtype != object else object),
    lambda x, dtype: x.shape,
    inputs=("x",), params={"dtype": REQUIRED}, kind=SHAPE, kernel="cast", normalize=_named_dtype,
    placed="x", stacked=unchanged,
    dtype=lambda x, dtype: np.dtype(dtype),
    words="{x} as numbers of type {dtype}",
    why="the numbers stay what they are, so the gradient passes unchanged, in the type of the input",
    gradient=lambda g, y, x, dtype: (
        cast(g, dtype=x.dtype.name) if x.dtype.kind == "f" and np.dtype(dtype).kind == "f" else None,
    ),
    example=[example((3, 4), params={"dtype": "float64"}), example((3,), params={"dtype": "float32"})],
)  # fmt: skip


def _to_float(x: Node, dtype: np.dtype) -> Node:
    return cast(x, dtype=dtype.name) if x.dtype.kind in "iu" else x


abilities["cast whole numbers"] = _to_float

stop_gradient = structural(
    "stop_gradient", lambda x: x, lambda x: x.shape, inputs=("x",), kind=SHAPE, stacked=unchanged,
    words="{x}, taken as fixed",
    why="by declaration nothing is sent back: what is behind this point is treated as a constant",
    pitfalls=("finite differences still see through it, so a gradient check across it must fail",),
    gradient=lambda g, y, x: (None,),
    example=example((3,)),
)  # fmt: skip
