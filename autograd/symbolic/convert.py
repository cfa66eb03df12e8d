"""Nodes into terms: the bridge from a graph to what is written on the board."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ..graph import Graph, rebuild
from ..node import Leaf, Node
from ..op import Op, inside
from ..ops.arithmetic import add, div, mul, neg, square, sub
from ..ops.identity import cast
from ..ops.linear import broadcast, contract, dot, matmul, outer, sum, transpose
from ..ops.reduction import mean
from ..ops.slicing import unslice
from .terms import (
    Apply,
    AxisSum,
    Filled,
    IndexSum,
    Number,
    Partial,
    Prime,
    Product,
    Pullback,
    Symbol,
    Tensor,
    Term,
    children,
    replaced,
    walk,
)

if TYPE_CHECKING:
    from ..engines.numpy import Program

Atoms = Mapping[Node, Term]
UNIT = 16
"""Up to this many entries a table of zeros and a one is written out."""


def to_term(node: Node, atoms: Atoms, root: bool = False) -> Term:
    """The expression of a node down to the atoms, tidied; `root`: write out the node itself even if it is an atom."""
    if node in atoms and not root:
        return atoms[node]
    if node.is_leaf:
        return constant_term(node)
    op = node.op
    if any(source.dtype == object for source in node.inputs):
        (whole,) = node.inputs
        return Apply(
            machine(node, whole), tuple(to_term(source, atoms) for source in whole.inputs), {}, len(node.shape)
        )
    args = [to_term(source, atoms) for source in node.inputs]
    if op is mul:
        return _in_shape(product(args, [len(source.shape) for source in node.inputs]), node, args)
    if op is matmul or op is dot:
        return product(args, [len(source.shape) for source in node.inputs], "matrix")
    if op is contract or op is outer:
        return _contraction(node, args)
    if op is sum:
        return axis_sum(AxisSum(node.params["axis"], (), args[0], node.params["keepdims"]))
    if op is broadcast:
        return Filled(args[0], node.shape)
    if op is cast:
        return args[0]
    if op is unslice and not node.inputs[0].shape and node.shape and node.size <= UNIT:
        # One number put back in its place: times a table that is 1 there and 0 elsewhere.
        place = op.numpy(np.ones(()), **node.params)
        return product([args[0], Tensor(_nested(np.asarray(place, dtype=int)))], [0, place.ndim], "scalar")
    if op is mean:
        graph = inside(op, node.inputs, node.params)
        return to_term(graph.outputs[0], {graph.inputs[0]: args[0]})
    rank = None if op.scalar is not None or op is transpose else len(node.shape)
    return _in_shape(tidy(Apply(op, tuple(args), dict(node.params), rank)), node, args)


def _in_shape(term: Term, node: Node, args: Sequence[Term]) -> Term:
    """The term repeated to the node's shape, where tidying dropped the constant array that had that shape."""
    if node.op.scalar is None or isinstance(term, Filled) or not any(isinstance(arg, Filled) for arg in args):
        return term
    shapes = [source.shape for source, arg in zip(node.inputs, args) if not isinstance(arg, Filled)]
    return term if node.shape in shapes else Filled(term, node.shape)


def machine(node: Node, whole: Node) -> Op:
    """An op made for one place: a part of a node that holds several values (a loop), written like the node and run as
    it stands."""
    from ..engines.numpy import Program

    holes = tuple(Leaf("input", "hole", None, source.shape, source.dtype) for source in whole.inputs)
    program = Program.of(Graph(holes, (rebuild(node, (rebuild(whole, holes),)),)))
    notation = replace(whole.op.notation, style="call", sign=f"{whole.op.notation.sign}[{node.params.get('index', 0)}]")
    return replace(whole.op, notation=notation, numpy=on_written(program, holes), known={})


def on_written(program: Program, holes: Sequence[Node]) -> Callable[..., np.ndarray]:
    """A program on the values of terms. A number that is written out has no dtype: where the program takes places or
    counts, it is a whole one."""

    def run(*arrays: np.ndarray) -> np.ndarray:
        return program.only(
            *[np.asarray(array).astype(hole.dtype) if hole.dtype.kind in "iu" else array for array, hole in zip(arrays, holes)]
        )

    return run


def constant_term(node: Node) -> Term:
    """A constant as it is written: a number, a size's own expression, a table of numbers, or one number everywhere."""
    size = node.params.get("size")
    if size is not None:
        return Number(float(size), size.text)
    value = node.value
    if value.ndim == 0:
        return Number(float(value))
    if value.size and np.all(value == value.flat[0]):
        return Filled(Number(float(value.flat[0])), node.shape)
    return Tensor(_nested(value))


def _nested(value: np.ndarray) -> tuple:
    return tuple(_nested(row) for row in value) if value.ndim > 1 else tuple(value.tolist())


def _contraction(node: Node, args: Sequence[Term]) -> Term:
    form = node.op.index(*node.inputs, **node.params)
    matrix = form.matrix_product()
    ranks = [len(source.shape) for source in node.inputs]
    if matrix is not None:
        swapped, turn_left, turn_right = matrix
        left, right = (1, 0) if swapped else (0, 1)
        if len(form.output) == builtins.sum(ranks) - 2:
            return product(
                [turned(args[left]) if turn_left else args[left], turned(args[right]) if turn_right else args[right]],
                [ranks[left], ranks[right]], "matrix",
            )  # fmt: skip
    if (
        len(form.operands) == 2
        and ranks == [1, 1]
        and form.output in ("".join(form.operands), "".join(form.operands[::-1]))
    ):
        first, second = (args[0], args[1]) if form.output == "".join(form.operands) else (args[1], args[0])
        return Apply(outer, (first, second))
    return Apply(node.op, tuple(args), dict(node.params), len(node.shape))


def axis_sum(term: AxisSum) -> Term:
    """A sum with its sign and its common plain factors in front: Σ −x is −Σ x, Σ x/N is 1/N Σ x."""
    if not term.axes:
        return term.body
    body = term.body

    def around(inner: Term) -> Term:
        return axis_sum(AxisSum(term.axes, term.labels, inner, term.kept))

    if isinstance(body, Apply) and body.op is neg:
        return tidy(Apply(neg, (around(body.args[0]),)))
    if isinstance(body, Product) and body.style == "scalar":
        plain = [factor for factor in body.factors if rank_of(factor) == 0]
        rest = [factor for factor in body.factors if rank_of(factor) > 0]
        if plain and rest:
            inner = rest[0] if len(rest) == 1 else Product(tuple(rest), "scalar")
            return product(
                [*plain, around(inner)], [0] * len(plain) + [max(rank_of(inner) - len(term.axes), 0)], "scalar"
            )
    return term


def turned(term: Term) -> Term:
    """The transpose of a matrix term; turning twice is not turning at all."""
    if isinstance(term, Apply) and term.op is transpose:
        return term.args[0]
    return Apply(transpose, (term,), {"axes": (1, 0)})


def product(args: Sequence[Term], ranks: Sequence[int], style: str = "") -> Term:
    """A product with its factors side by side: ones dropped, signs pulled to the front, plain numbers first."""
    if not style:
        style = "hadamard" if len([rank for rank in ranks if rank > 0]) > 1 else "scalar"
    factors: list[tuple[Term, int]] = []
    sign = 1
    for arg, rank in zip(args, ranks):
        while isinstance(arg, Apply) and arg.op is neg:
            arg, sign = arg.args[0], -sign
        if isinstance(arg, Product) and (
            arg.style == style
            or (arg.style == "scalar" and style != "matrix")
            or (style == "scalar" and arg.style != "matrix")
        ):
            inner_style = arg.style
            if inner_style == style or inner_style == "scalar":
                factors.extend((factor, rank) for factor in arg.factors)
            else:
                factors.append((arg, rank))
        else:
            factors.append((arg, rank))
    scalars: list[Term] = []
    if style == "matrix":
        loose = []
        for factor, rank in factors:
            if isinstance(factor, Product) and factor.style != "matrix":
                scalars += [each for each in factor.factors if rank_of(each) == 0]
                rest_of = [each for each in factor.factors if rank_of(each) > 0]
                factor = rest_of[0] if len(rest_of) == 1 else Product(tuple(rest_of), "hadamard")
            loose.append((factor, rank))
        factors = loose
    number, kept = 1.0, []
    whole: Filled | None = None
    for factor, rank in factors:
        inner = factor.value if isinstance(factor, Filled) and style != "matrix" else factor
        if isinstance(inner, Number) and not inner.size and style != "matrix":
            number *= inner.value
            whole = factor if isinstance(factor, Filled) else whole
        elif isinstance(factor, Filled) and style != "matrix":
            kept.append((inner, rank))
            whole = factor
        else:
            kept.append((factor, rank))
    if number < 0:
        number, sign = -number, -sign
    rest = [factor for factor, _ in kept]
    full = max((rank_of(factor) for factor in rest), default=0)
    if number != 1 or not rest:
        rest.insert(0, Number(number))
    rest.sort(key=_weight)
    result = _side_by_side(rest, style)
    if scalars:
        result = product([*scalars, result], [0] * len(scalars) + [rank_of(result)], "scalar")
    if sign < 0:
        result = Number(-result.value) if isinstance(result, Number) and not result.size else Apply(neg, (result,))
    if whole is not None and full < len(whole.shape) and style != "matrix":
        result = Filled(result, whole.shape)
    return result


def _side_by_side(factors: list[Term], style: str) -> Term:
    """The product of sorted factors; plain numbers scale a product of arrays from outside."""
    if len(factors) == 1:
        return factors[0]
    arrays = [factor for factor in factors if rank_of(factor) > 0]
    plain = [factor for factor in factors if rank_of(factor) == 0]
    if style == "matrix" or len(arrays) < 2:
        return Product(tuple(factors), style if style == "matrix" else "scalar")
    inner = Product(tuple(arrays), "hadamard")
    return Product((*plain, inner), "scalar") if plain else inner


def _weight(term: Term) -> int:
    """Plain numbers stand before everything else in a product; the rest keeps its order."""
    return 0 if isinstance(term, Number) and not term.size else 1


def rank_of(term: Term) -> int:
    """How many axes the value of a term has, read off its form."""
    match term:
        case Symbol(rank=rank) | Partial(rank=rank):
            return rank
        case Filled(shape=shape):
            return len(shape)
        case Tensor(values=values):
            rank = 0
            inner: object = values
            while isinstance(inner, tuple):
                rank, inner = rank + 1, inner[0] if inner else 0.0
            return rank
        case AxisSum(axes=axes, body=body, kept=kept):
            return rank_of(body) - (0 if kept else len(axes))
        case Pullback(rank=rank):
            return rank
        case Product(factors=factors, style="matrix"):
            rank = rank_of(factors[0])
            for factor in factors[1:]:
                other = rank_of(factor)
                rank = rank + other - 2 if rank and other else max(rank, other)
            return rank
        case Product(factors=factors):
            return max(rank_of(factor) for factor in factors)
        case Apply(op=op, args=args, params=params, rank=rank):
            if rank is not None:
                return rank
            if op.scalar is not None:
                return max(rank_of(arg) for arg in args)
            if op is transpose:
                return rank_of(args[0])
            if op is outer:
                return 2
            if op is contract:
                return len(params["text"].partition("->")[2])
            return max((rank_of(arg) for arg in args), default=0)
        case Prime(argument=argument):
            return rank_of(argument)
    return 0


def settled(term: Term) -> Term:
    """Products and sums cleaned up again after a part was exchanged."""

    def change(each: Term) -> Term | None:
        match each:
            case Pullback():
                return each
            case Product(factors, style):
                parts = [settled(factor) for factor in factors]
                return product(parts, [rank_of(part) for part in parts], "matrix" if style == "matrix" else "")
            case AxisSum(axes, labels, body, kept):
                return axis_sum(AxisSum(axes, labels, settled(body), kept))
            case Apply(op, args, params, rank):
                return tidy(Apply(op, tuple(settled(arg) for arg in args), params, rank))
        return None

    return replaced(term, change)


def total(terms: Sequence[Term]) -> Term:
    """The sum of terms, from left to right."""
    result = terms[0]
    for term in terms[1:]:
        result = tidy(Apply(add, (result, term)))
    return result


def has_outer(term: Term) -> bool:
    """Whether a term pairs every entry of one vector with every entry of another."""
    return any(isinstance(each, Apply) and each.op is outer for each in walk(term))


def has_sum(term: Term) -> bool:
    """Whether a term hides a sum over an index: a matrix product or a sum over an axis."""
    stack = [term]
    while stack:
        each = stack.pop()
        if isinstance(each, Pullback):
            return False
        if isinstance(each, (AxisSum, IndexSum)) or (isinstance(each, Product) and each.style == "matrix"):
            return True
        stack.extend(children(each))
    return False


def tidy(term: Term) -> Term:
    """One step of clean-up of an application whose operands are tidy: numbers are worked out, neutral ones vanish."""
    if not isinstance(term, Apply):
        return term
    op, args = term.op, term.args
    filled = next((arg for arg in args if isinstance(arg, Filled)), None)
    if filled is not None and op.scalar is not None and not (op is add or op is sub):
        bare = tuple(arg.value if isinstance(arg, Filled) else arg for arg in args)
        inner = tidy(Apply(op, bare, term.params))
        return inner if rank_of(inner) >= len(filled.shape) else Filled(inner, filled.shape)
    plain = [arg.value if isinstance(arg, Number) and not arg.size else None for arg in args]
    if op is neg and isinstance(args[0], Apply) and args[0].op is neg:
        return args[0].args[0]
    if op is neg and plain[0] is not None:
        return Number(-plain[0])
    if op is add:
        if plain[0] == 0:
            return args[1]
        if plain[1] == 0:
            return args[0]
        if isinstance(args[1], Apply) and args[1].op is neg:
            return Apply(sub, (args[0], args[1].args[0]))
    if op is sub:
        if plain[1] == 0:
            return args[0]
        if plain[0] == 0:
            return tidy(Apply(neg, (args[1],)))
        if isinstance(args[1], Apply) and args[1].op is neg:
            return Apply(add, (args[0], args[1].args[0]))
    if op is div:
        if plain[1] == 1:
            return args[0]
        if isinstance(args[0], Apply) and args[0].op is neg:
            return Apply(neg, (Apply(div, (args[0].args[0], args[1])),))
        if isinstance(args[0], Apply) and args[0].op is div and isinstance(args[1], Number):
            return term
    if op.notation.style == "power":
        if plain[1] == 1:
            return args[0]
        if plain[1] == 0:
            return Number(1.0)
        if plain[1] == 2:
            return Apply(square, (args[0],))
    if op is transpose and isinstance(args[0], Apply) and args[0].op is transpose and rank_of(args[0].args[0]) == 2:
        return args[0].args[0]
    if op.scalar is not None and args and all(value is not None for value in plain):
        from .evaluate import Labeled, apply

        result = apply(op, [Labeled(np.asarray(value)) for value in plain], term.params).array
        if np.isfinite(result) and float(result) == round(float(result), 12) and abs(float(result)) < 1e6:
            return Number(float(result))
    return term


__all__ = ["axis_sum", "constant_term", "product", "rank_of", "tidy", "to_term", "turned"]
