"""A node takes part in numpy expressions: `np.exp(node)`, `array + node`, `np.sum(node, axis=0)`, `node.mean()` build
nodes.

Which numpy function means which op is read from the ops: the word an op speaks in numpy, the function it runs, or its
name.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np

from . import ops
from .errors import DtypeError, ParameterError
from .leaves import as_node, constant
from .node import Node, abilities, add_method, describe, infix, next_serial
from .op import OPS, Op
from .ops.shape import name_only_last
from .vocabulary import WORDS

OTHER_NAMES = {
    "absolute": "abs",
    "broadcast_to": "broadcast",
    "concatenate": "concat",
    "power": "pow",
    "ravel": "flatten",
    "vecdot": "dot",
}
"""numpy's name -> ours, where the same thing is called otherwise."""


def _dot(a: Any, b: Any, out: None = None) -> Node:
    """numpy.dot: a product with a number, else the last axis of `a` against the last but one of `b`."""
    a, b = as_node(a), as_node(b)
    if not a.shape or not b.shape:
        return infix["*"](a, b)
    if len(a.shape) == len(b.shape) == 1:
        return ops.dot(a, b)
    if len(b.shape) > 2 and len(a.shape) > 1:
        raise ParameterError(
            f"np.dot of {describe(a)} and {describe(b)} makes every pair of matrices; say which with ng.einsum or a @ b"
        )
    return infix["@"](a, b)


def _diagonal(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Node:
    """numpy.diagonal: of the first two axes unless told otherwise, where ng.diagonal takes the last two; cut to a
    square first."""
    since = next_serial()
    a = ops.moveaxis(a, (axis1, axis2), (-2, -1))[..., max(-offset, 0) :, max(offset, 0) :]
    count = min(a.shape[-2:])
    return name_only_last(ops.diagonal(a[..., :count, :count]), since)


def _clip(a: Any, a_min: Any = None, a_max: Any = None, out: None = None, *, min: Any = None, max: Any = None) -> Node:
    """numpy.clip; a bound may be a node, then it is a minimum or a maximum."""
    low, high = (a_min if a_min is not None else min), (a_max if a_max is not None else max)
    if all(bound is None or (np.ndim(bound) == 0 and not isinstance(bound, Node)) for bound in (low, high)):
        return ops.clip(a, low=low, high=high)
    since = next_serial()
    a = a if low is None else infix["max"](a, low)
    return name_only_last(a if high is None else infix["min"](a, high), since)


def _pad(array: Any, pad_width: Any, mode: str = "constant", constant_values: float = 0.0) -> Node:
    """numpy.pad with a fixed number."""
    if mode != "constant":
        raise ParameterError(f"np.pad: mode {mode!r} is not supported; only 'constant' is")
    return ops.pad(array, width=pad_width, value=constant_values)


def _filled(number: float) -> Callable[..., Node]:
    return lambda a, dtype=None, shape=None: constant(
        np.full(a.shape if shape is None else shape, number, a.dtype if dtype is None else dtype)
    )


def _reshape(x: Node, *shape: Any) -> Node:
    return ops.reshape(x, shape=shape[0] if len(shape) == 1 else shape)


def _transpose(x: Node, *axes: Any) -> Node:
    if len(axes) == 1 and (axes[0] is None or isinstance(axes[0], (tuple, list))):
        axes = axes[0]
    return ops.transpose(x, axes=axes or None)


SPECIAL: dict[Any, Callable[..., Any]] = {
    np.dot: _dot, np.diagonal: _diagonal, np.clip: _clip, np.pad: _pad, np.zeros_like: _filled(0),
    np.ones_like: _filled(1),
    np.shape: lambda a: a.shape, np.ndim: lambda a: len(a.shape), np.size: lambda a: a.size,
}  # fmt: skip
"""numpy functions whose arguments mean something else than those of the op of that name, or that make no op."""


def op_for(function: Any) -> Callable[..., Node] | None:
    """The op (or function over ops) that a numpy function means for nodes; None when there is none.

    >>> import numpy as np
    >>> op_for(np.exp), op_for(np.fft.fft)
    (<op exp>, None)
    """
    for word, meaning in WORDS.items():
        if meaning.numpy is function and word in infix:
            return infix[word]
    for op in OPS.values():
        if op.numpy is function:
            return op
    name = getattr(function, "__name__", "")
    found = getattr(ops, OTHER_NAMES.get(name, name), None)
    return (
        found
        if isinstance(found, Op) or (inspect.isfunction(found) and found.__module__.startswith(ops.__name__))
        else None
    )


def _no_op(name: str, nodes: Sequence[Any]) -> DtypeError:
    node = next((each for each in nodes if isinstance(each, Node)), None)
    text = describe(node) if node is not None else "a node"
    return DtypeError(
        f"np.{name} is not an op of nngraph, so it cannot be part of a graph ({text}); for numbers, pass node.value"
    )


def array_ufunc(ufunc: Any, method: str, inputs: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Node:
    """What a numpy ufunc makes of nodes: the node of the op it means."""
    name = ufunc.__name__
    if method != "__call__":
        raise DtypeError(
            f"np.{name}.{method} is not defined on nodes; use np.sum, np.prod, np.max or ng.outer, or node.value"
        )
    if kwargs.get("out") is not None:
        raise DtypeError(
            f"np.{name}: an array cannot take in a node, because the result is not a number yet; write a = a + x"
            " instead of a += x or out=a"
        )
    if kwargs:
        raise ParameterError(
            f"np.{name} on a node takes no {', '.join(kwargs)}; convert the result with ng.cast, choose with ng.where"
        )
    op = op_for(ufunc)
    if op is None:
        raise _no_op(name, inputs)
    return op(*inputs)


def array_function(function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """What any other numpy function makes of nodes, by the op of that name; arguments go over by name."""
    special = SPECIAL.get(function)
    if special is not None:
        return special(*args, **kwargs)
    target = op_for(function)
    if target is None:
        nodes = [
            part for arg in [*args, *kwargs.values()] for part in (arg if isinstance(arg, (list, tuple)) else [arg])
        ]
        raise _no_op(".".join([*function.__module__.split(".")[1:], function.__name__]), nodes)
    theirs, ours = _signature(function), _names(target)
    if theirs is None or ours is None:
        return target(*args, **kwargs)
    try:
        given = theirs.bind(*args, **kwargs).arguments
    except TypeError as error:
        raise ParameterError(f"np.{function.__name__}: {error}") from None
    translated: dict[str, Any] = {}
    for position, (name, parameter) in enumerate(theirs.parameters.items()):
        if name not in given:
            continue
        if name in ours:
            translated[name] = given[name]
        elif position == 0 or (
            position < len(ours) and ours[position] not in theirs.parameters and _is_operand(parameter)
        ):
            translated[ours[position]] = given[name]
        elif not _is_default(given[name], parameter.default):
            raise ParameterError(
                f"np.{function.__name__} on a node takes no {name}={given[name]!r}; nngraph's form has"
                f" {', '.join(ours)}"
            )
    if isinstance(target, Op) and target.variadic:
        return target(list(translated.pop(ours[0])), **translated)
    return target(**translated)


def _is_operand(parameter: inspect.Parameter) -> bool:
    """Whether a place in numpy's signature is known by its position: it must be given, or has no public name."""
    return parameter.default is inspect.Parameter.empty or parameter.kind is inspect.Parameter.POSITIONAL_ONLY


def _is_default(value: Any, default: Any) -> bool:
    return value is None or value is default or (isinstance(value, (str, int, float)) and value == default)


@cache
def _signature(function: Any) -> inspect.Signature | None:
    """The parameters of a numpy function; None where it takes any number of operands or does not say."""
    try:
        signature = inspect.signature(function)
    except ValueError:
        return None
    return None if any(each.kind is each.VAR_POSITIONAL for each in signature.parameters.values()) else signature


def _names(target: Any) -> list[str] | None:
    """The names under which an op or a function over ops takes its arguments."""
    if isinstance(target, Op):
        return [*target.inputs, *target.params]
    signature = inspect.signature(target)
    return (
        None
        if any(each.kind is each.VAR_POSITIONAL for each in signature.parameters.values())
        else list(signature.parameters)
    )


def _method(name: str) -> Callable[..., Node]:
    function = getattr(np, name)
    return lambda x, *args, **kwargs: array_function(function, (x, *args), kwargs)


def _array(node: Node, dtype: Any = None, copy: Any = None) -> Any:
    """Refuse to turn a node into an array behind the user's back: the gradient would end there without a word."""
    raise DtypeError(
        f"{describe(node)} is a node of a graph, not an array; for its numbers pass node.value, which no gradient goes"
        " through; to put nodes together use ng.stack([…]) or ng.concat([…]); a table beside a node goes in as an array,"
        " df.to_numpy()"
    )


abilities["array_ufunc"] = array_ufunc
abilities["array_function"] = array_function
for _name in dir(np.ndarray):
    _function = getattr(np, _name, None)
    if (
        callable(getattr(np.ndarray, _name))
        and inspect.isroutine(_function)
        and (_function in SPECIAL or op_for(_function) is not None)
    ):
        add_method(_name, _method(_name))
add_method("reshape", _reshape)
add_method("transpose", _transpose)
add_method("flatten", lambda x: ops.flatten(x))
add_method("astype", lambda x, dtype: ops.cast(x, dtype=dtype))
add_method("__array__", _array)
