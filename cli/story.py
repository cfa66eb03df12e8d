"""The story of one op, read from its declaration: what it does, why its gradient is what it is, what to look out for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..autograd.language import N_, translate
from .errors import CommandError
from .parse import nearest
from .problem import Given, Problem
from .values import parse_assignments, parse_shapes, parse_value

if TYPE_CHECKING:
    from ..autograd.op import Op


def story(name: str, seed: int, at: Sequence[str] = (), shape: Sequence[str] = ()) -> tuple[Problem | None, str]:
    """The op on its own first example, and the sentences to print above its derivation; no problem where nothing can be derived."""
    from ..autograd import ops as _declared  # noqa: F401  (importing it fills the table)
    from ..autograd.op import OPS

    if name not in OPS:
        meant = nearest(name, OPS)
        hint = N_("did you mean {meant}?") if meant else N_("nngraph ops lists the functions")
        raise CommandError(translate(N_("there is no op {name}"), name=repr(name)), translate(hint, meant=meant))
    op = OPS[name]
    shapes, sizes = parse_shapes(shape)
    values = {variable: parse_value(text) for variable, text in parse_assignments(at, "--at").items()}
    problem = _example(op, Given(values, shapes, sizes, seed)) if op.examples else None
    smooth = problem is not None and problem.output.dtype.kind == "f" and any(leaf.dtype.kind == "f" for leaf in problem.leaves.values())
    return problem if smooth else None, heading(op)


def heading(op: Op) -> str:
    """The op's call, then its sentences.

    >>> from nngraph.autograd.op import lookup
    >>> import nngraph.autograd.ops
    >>> print(heading(lookup("exp")).splitlines()[0])
    exp(x)
    """
    from ..autograd.op import signature

    own = {name: name for name in (*op.inputs, *op.params)}
    lines = [signature(op), "  " + translate(op.words, None, **own)]
    lines.append("  " + translate(N_("gradient: {why}"), why=translate(op.why, None, **own)))
    lines += [
        "  " + translate(N_("pitfall: {pitfall}"), pitfall=translate(pitfall, None, **own)) for pitfall in op.pitfalls
    ]
    if op.source:
        lines.append("  " + translate(N_("source: {source}"), source=op.source))
    return "\n".join(lines)


def _example(op: Op, given: Given) -> Problem:
    import numpy as np

    from ..autograd.node import Leaf
    from ..autograd.ops import sum as sum_of

    example = op.example
    arrays = example.arrays(np.random.default_rng(given.seed))
    names = list(op.inputs) if not op.variadic else [f"{op.inputs[0]}{number + 1}" for number in range(len(arrays))]
    given.unused(names)
    leaves = {}
    for at, (name, drawn) in enumerate(zip(names, arrays, strict=True)):
        short = drawn if drawn.dtype.kind in "iub" else np.round(drawn, 1)
        if at in example.simplex:
            # Shares of 1, so that they still add up to 1 when they are short.
            short = np.maximum(np.floor(drawn * 10) / 10, 0.1)
            short[..., -1] = np.round(1 - short[..., :-1].sum(-1), 1)
        array = given.values.get(name, short)
        array = array.astype(drawn.dtype)
        leaves[name] = Leaf("input", name, array, given.shapes.get(name, array.shape), array.dtype)
    output = op(*leaves.values(), **example.params)
    if output.dtype.kind == "f" and output.shape:
        # A derivation belongs to one number: the results are weighed and summed, so that the weights arrive as the gradient.
        drawn = np.round(np.random.default_rng(given.seed + 1).uniform(-1, 1, tuple(map(int, output.shape))), 1)
        leaves["G"] = Leaf("input", "G", drawn, output.shape, drawn.dtype)
        output = sum_of(leaves["G"] * output)
    return Problem(op.name, output, leaves)
