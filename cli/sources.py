"""How every engine computes an op, shown on the op's own example: what numpy is asked to do, and the compiled loops."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..autograd.language import translate as _

if TYPE_CHECKING:
    from ..autograd.node import Node
    from ..autograd.op import Op


def sources(op: Op) -> dict[str, str]:
    """Engine -> the code that computes the op; nothing is compiled for it.

    >>> from nngraph.autograd.op import lookup
    >>> import nngraph.autograd.ops
    >>> print(sources(lookup("relu"))["numpy"].strip())
    relu = max(x, 0)
    """
    from ..autograd.engines.compiled.planning.plan import Plan
    from ..autograd.engines.compiled.report import report
    from ..autograd.engines.numpy_report import source_of

    node = on_example(op)
    found = {"numpy": source_of(op, node)}
    # A loop has no example of its own: it computes what the graph inside it says.
    return found if node is None else {**found, "numba": report(Plan([node])).explain(source=True)}


def shown(op: Op) -> str:
    """The code of the engines under their names, indented."""
    from ..autograd.sizes import shape_text

    lines = []
    if (node := on_example(op)) is not None and node.inputs:
        given = ", ".join(f"{shape_text(leaf.shape)} {leaf.dtype}" for leaf in node.inputs)
        lines.append(_("computed from {shapes}:", shapes=given))
    for engine, code in sources(op).items():
        lines += ["", f"  {engine}", *(f"    {line}".rstrip() for line in code.rstrip("\n").split("\n"))]
    return "\n".join(lines)


def on_example(op: Op) -> Node | None:
    """The op applied to leaves of float32 shaped as in its first example; None when it has none."""
    import numpy as np

    from ..autograd.node import Leaf

    if not op.examples:
        return None
    arrays = op.example.arrays(np.random.default_rng(0), np.float32)
    names = list(op.inputs) if not op.variadic else [f"{op.inputs[0]}{at}" for at in range(1, len(arrays) + 1)]
    leaves = [Leaf("input", name, array, array.shape, array.dtype) for name, array in zip(names, arrays, strict=True)]
    return op(*leaves, **op.example.params)
