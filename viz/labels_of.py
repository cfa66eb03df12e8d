"""What a node of a graph is called in a picture: its sign, its shape, its value. Read from the node and its op, never
from the op's name."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import numpy as np

from ..autograd.errors import MissingValue, NngraphError
from ..autograd.leaves import is_frozen
from ..autograd.node import Node
from ..autograd.sizes import shape_text

DASH = "–"  # stands for a value that is not known; never 0
MOST_NUMBERS, FEW_NUMBERS = 6, 4  # a value with more numbers is not written out; one with few always is
LONGEST_VALUE = 26  # characters, for what lies between


def sign(node: Node) -> str:
    """The short sign of a computed node, such as × or σ; a leaf has its name or its number."""
    if node.is_leaf:
        return leaf_label(node)
    power = inlined_power(node)
    said = str(node.op.sign_on(node))
    if not said or (len(said) == 1 and 0x25A0 <= ord(said) <= 0x25FF):  # ▭ looks like a missing letter
        said = node.op.name.replace("_", " ")
    return f"( ){power}" if power is not None else said


SUPERSCRIPTS = dict(zip("0123456789−", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻", strict=True))


def inlined_power(node: Node) -> str | None:
    """The exponent of a power by a whole number, as superscripts: ( )³ needs no box for its 3."""
    if node.is_leaf or node.op.notation.style != "power" or len(node.inputs) != 2:
        return None
    exponent = node.inputs[1]
    if not exponent.is_leaf or exponent.role != "constant" or exponent.shape != ():
        return None
    said = number(exponent.value)
    return "".join(SUPERSCRIPTS[character] for character in said) if all(c in SUPERSCRIPTS for c in said) else None


def inlined(nodes: Iterable[Node]) -> set[Node]:
    """Constants that are part of their only reader's sign and get no box."""
    readers: dict[Node, list[Node]] = {}
    nodes = list(nodes)
    for node in nodes:
        for source in node.inputs:
            readers.setdefault(source, []).append(node)
    return {node.inputs[1] for node in nodes if inlined_power(node) is not None and readers[node.inputs[1]] == [node]}


def leaf_label(leaf: Node) -> str:
    """The name of a leaf; an unnamed number is the number."""
    if leaf.name is not None and leaf.role != "constant":
        return leaf.name
    if leaf.shape == ():
        return number(leaf.value) if leaf.role == "constant" else (leaf.name or leaf.role)
    if leaf._name or leaf.role != "constant":
        return leaf._name or leaf.role
    value = np.asarray(leaf.value)  # an array of one repeated number is that number
    return number(value.flat[0]) if value.size and (value == value.flat[0]).all() else "C"


def kind_of(node: Node) -> str:
    """The kind that decides color and shape."""
    if not node.is_leaf:
        return node.op.kind
    return "leaf-frozen" if is_frozen(node) else f"leaf-{node.role}"


def shape_of(node: Node) -> str:
    """The shape as text; nothing for a single number."""
    return shape_text(node.shape) if isinstance(node.shape, tuple) and node.shape else ""


def number(value: Any) -> str:
    """A number to four significant digits, as people write it.

    >>> number(0.148789), number(-2.0), number(-0.0), number(True)
    ('0.1488', '−2', '0', 'true')
    """
    plain = np.asarray(value)
    if plain.dtype.kind == "b":
        return "true" if plain else "false"
    if plain.dtype.kind in "iu":
        return str(int(plain)).replace("-", "−")
    return f"{float(plain) + 0.0:.4g}".replace("e-0", "e-").replace("e+0", "e").replace("-", "−")


def value_text(node: Node) -> str:
    """The value of a node as short text; a dash when it has none yet, its shape when it holds many numbers."""
    try:
        value = node.value
    except MissingValue:
        return DASH
    if not isinstance(node.shape, tuple):
        return ""  # a node that holds several values; its parts show theirs
    value = np.asarray(value)
    if value.size > MOST_NUMBERS:
        return shape_text(node.shape)
    if value.ndim == 0:
        return number(value)
    written = nested(value)
    return written if value.size <= FEW_NUMBERS or len(written) <= LONGEST_VALUE else shape_text(node.shape)


def equation(name: str, node: Node) -> str:
    """`name = value`; for many numbers the name and the shape, as in `W (4×2)`.

    >>> import nngraph as ng
    >>> equation("b", ng.input("b", [1.0, 2.0])), equation("W", ng.input("W", [[1.0, 2.0]] * 4))
    ('b = [1, 2]', 'W (4×2)')
    """
    value = value_text(node)
    if not value or value == shape_of(node):
        return f"{name} ({value})" if value else name
    return f"{name} = {value}" if name else value


def nested(value: np.ndarray) -> str:
    """A small array as nested brackets."""
    return number(value) if value.ndim == 0 else "[" + ", ".join(nested(part) for part in value) + "]"


@lru_cache(maxsize=512)
def order_matters(op: Any) -> bool:
    """Whether exchanging the two operands changes the result: found by trying it on numbers, so that no op is named
    here."""
    if op is None or op.variadic or len(op.inputs) != 2:
        return False
    example = op.example
    if len(example.shapes) != 2 or example.shapes[0] != example.shapes[1]:
        return True
    first, second = example.arrays(np.random.default_rng(7))
    if op.kind == "linear":
        return True
    try:
        from ..autograd.leaves import constant

        one = op(constant(first), constant(second), **example.params).value
        two = op(constant(second), constant(first), **example.params).value
    except (NngraphError, IndexError, TypeError, ValueError):
        return True
    return not np.allclose(one, two, equal_nan=True)


def exchangeable(node: Node) -> bool:
    """Whether the two operands of a node could stand the other way round with another result, so that a picture has to
    say which is which: x − y, but not X·W where the shapes allow one order only."""
    if not order_matters(node.op):
        return False
    first, second = node.inputs
    try:
        other = node.op.apply((second, first), node.params)
    except (NngraphError, IndexError, TypeError, ValueError):
        return False
    return bool(other.shape == node.shape or first.shape == second.shape)


def prime(text: str) -> str:
    """How the derivative of a sign is written: σ′, tanh′, ∂( )².

    >>> prime("σ"), prime("( )²")
    ('σ′', '∂( )²')
    """
    return text + "′" if text.replace("_", "").replace(" ", "").isalnum() else "∂" + text


def several(node: Node) -> bool:
    """Whether a node holds several values, of which other nodes pick one each."""
    return not isinstance(node.shape, tuple)


def picked(node: Node) -> Node:
    """The node a box is drawn for: what picks one of several values is drawn as the arrow that carries it."""
    return node.inputs[0] if not node.is_leaf and node.inputs and several(node.inputs[0]) else node
