"""The leaves of a graph: inputs, parameters, states and constants, and what Python numbers become."""

from __future__ import annotations

from typing import Any

import numpy as np

from .errors import DtypeError, MissingValue, ShapeError
from .language import N_
from .node import Leaf, Node, Site, abilities, array_of, describe, fitted, scope
from .sizes import Size

__all__ = ["as_node", "constant", "input", "parameter", "scope", "state"]


def input(name: str, value: Any = None, shape: tuple[int, ...] | None = None, dtype: Any = None) -> Leaf:
    """A leaf for data: a placeholder until it has a value.

    With `shape` alone it is float64 unless `dtype` says otherwise; a missing value raises MissingValue when it is
    needed.

    >>> import nngraph as ng
    >>> x = ng.input("x", [1.0, 2.0])
    >>> y = ng.sum(x * x)
    >>> float(y.value)
    5.0
    >>> x.value = [3.0, 4.0]
    >>> float(y.value)
    25.0
    """
    return _leaf("input", name, value, shape, dtype)


def parameter(name: str, value: Any, dtype: Any = None) -> Leaf:
    """A leaf that is learned. Whole numbers become float64, because a parameter moves by fractions.

    >>> import nngraph as ng
    >>> ng.parameter("W", [[1, 2]]).dtype
    dtype('float64')
    """
    _named("parameter", name, value)
    if dtype is None:
        array = _numbers(name, value)
        dtype = array.dtype if array.dtype.kind == "f" else np.dtype(np.float64)
    if np.dtype(dtype).kind != "f":
        raise DtypeError(
            f"parameter {name!r} must hold floating-point numbers, not {np.dtype(dtype)}: it moves by fractions"
        )
    return _leaf("parameter", name, value, None, dtype)


def state(name: str, value: Any, dtype: Any = None) -> Leaf:
    """A leaf that a program updates but no gradient moves: a moment, a running mean, a counter.

    >>> import nngraph as ng
    >>> int(ng.state("step", 0).value)
    0
    """
    return _leaf("state", name, value, None, dtype)


def constant(value: Any, name: str | None = None, dtype: Any = None) -> Leaf:
    """A leaf that never changes. A `Size` keeps its expression, so that 1/N prints as 1/N.

    >>> import nngraph as ng
    >>> float(ng.constant(2.5).value)
    2.5
    """
    array = _numbers(name or "constant", value)
    array = fitted(array, np.dtype(dtype), name or "constant") if dtype is not None else array
    leaf = Leaf("constant", name, array, array.shape, array.dtype)
    if isinstance(value, Size):
        leaf.params = {"size": value}
    return leaf


def is_frozen(leaf: Node) -> bool:
    """Whether a parameter is to stay as it is: nothing is derived by it unless it is asked for by name."""
    return bool(leaf.params.get("frozen"))


UNNAMED: Site = (input.__code__, ~0)
"""The site of a constant that came from a bare number, until the op that took it says where; no variable is named after
it."""


def as_node(value: Any, like: np.dtype | None = None) -> Node:
    """The node itself, or a constant; Python numbers take the dtype of what they meet, as in numpy (NEP 50)."""
    if isinstance(value, Node):
        return value
    kind = type(value)
    if kind is bool:
        raise DtypeError(
            f"{value} was given where a node or a number belongs; == asks Python whether two names mean the same node:"
            " to compare values write ng.equal(a, b), for a fixed truth value ng.constant(True)"
        )
    if like is not None and kind in (float, int, Size):
        number = int(value) if kind is Size else value
        dtype = like if like.kind == "f" else np.result_type(like, number)
        try:
            leaf = Leaf("constant", None, number, None, dtype, UNNAMED)
        except OverflowError:
            digits = str(number) if number.bit_length() < 100 else "the whole number"
            raise DtypeError(
                f"{digits} does not fit into {dtype}, the dtype of what stands beside it; convert that with ng.cast(x,"
                " …)"
            ) from None
        if kind is Size:
            leaf.params = {"size": value}
        return leaf
    leaf = constant(value)
    leaf.site = UNNAMED
    return leaf


def _leaf(role: str, name: str, value: Any, shape: tuple[int, ...] | None, dtype: Any) -> Leaf:
    _named(role, name, value)
    if value is None:
        if shape is None:
            shape = ()
        return Leaf(role, name, None, _shape(name, shape), np.dtype(dtype or np.float64))
    array = _numbers(name, value)
    if shape is not None and tuple(shape) != array.shape:
        raise ShapeError(f"{role} {name!r}: the value has shape {array.shape}, but shape={tuple(shape)} was asked for")
    if dtype is not None:
        array = fitted(array, np.dtype(dtype), f"{role} {name!r}")
    return Leaf(role, name, array, tuple(shape) if shape is not None else array.shape, array.dtype)


def _named(role: str, name: Any, value: Any) -> None:
    """Refuse a name that is none, and a value that is more likely meant as a shape."""
    if not isinstance(name, str) or not name:
        raise DtypeError(
            f"ng.{role} needs a name as its first argument, such as ng.{role}('x', …);"
            + (
                f" the name comes before the value: ng.{role}({value!r}, …)"
                if isinstance(value, str)
                else f" got {name!r}"
            )
        )
    if isinstance(value, tuple) and value and all(type(size) in (int, Size) for size in value):
        sizes = ", ".join(
            f"ng.Size({size.text!r}, {int(size)})" if isinstance(size, Size) else str(size) for size in value
        )
        shape = f"({sizes}{',' * (len(value) == 1)})"
        remedy = f"ng.input({name!r}, shape={shape})" if role == "input" else f"ng.{role}({name!r}, np.zeros({shape}))"
        raise ShapeError(
            f"{role} {name!r} was given the tuple {shape}: as a shape write {remedy}, as values a list,"
            f" {[int(size) for size in value]}"
        )


def _shape(name: str, shape: Any) -> tuple[int, ...]:
    sizes = (shape,) if isinstance(shape, int) else tuple(shape)
    for size in sizes:
        if size is None or isinstance(size, str):
            raise ShapeError(
                f"input {name!r}: {size!r} is not a size; a size that varies has a name, and a number to build the graph"
                f" with: ng.Size({size or 'N'!r}, 4)"
            )
        if not isinstance(size, (int, np.integer)) or size < 0:
            raise ShapeError(f"input {name!r}: {size!r} is not a size; a shape is a tuple of whole numbers from 0 up")
    return tuple(size if isinstance(size, Size) else int(size) for size in sizes)


def _numbers(name: str, value: Any) -> np.ndarray:
    if isinstance(value, Node):
        raise DtypeError(
            f"{name!r} wants numbers, not a node ({describe(value)}); pass its .value, or use the node itself"
        )
    if isinstance(value, (tuple, list)) and any(isinstance(each, Node) for each in value):
        kind = "list" if isinstance(value, list) else "tuple"
        raise DtypeError(
            f"{name!r} wants numbers; this is a {kind} of {len(value)} node{'s' * (len(value) != 1)}: take "
            + ("it out, (g,) = …" if len(value) == 1 else "them one by one")
            + ", or put nodes together with ng.stack([…]) or ng.concat([…])"
        )
    array = array_of(int(value) if isinstance(value, Size) else value, f"{name!r}")
    if array.dtype.kind not in "biuf":
        raise DtypeError(
            f"{name!r} takes numbers; got {array.dtype}"
            + ("; complex numbers are not supported" if array.dtype.kind == "c" else "")
        )
    return array


def leaf_value(leaf: Leaf) -> np.ndarray:
    """The stored array of a leaf; MissingValue when there is none."""
    if leaf._value is None:
        raise MissingValue(N_("{leaf} has no value yet; set {name}.value = …"), leaf=describe(leaf), name=leaf._name)
    return leaf._value


abilities["leaf_value"] = leaf_value
