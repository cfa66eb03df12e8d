"""ng.explain: what may be asked of a derivation, and the graph as it is derived."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from ..errors import GradientError, ParameterError
from ..graph import Graph, leaves, order, substitute
from ..leaves import is_frozen
from ..node import Leaf, Node, describe
from ..of_network import Network, chosen, graph_of
from ..ops.identity import cast
from .derivation import Derivation, Notation
from .explanation import Explanation
from .local import board
from .sizes_vary import require_same_structure

DETAILS = ("brief", "normal", "full")


def explain(
    output: Node | Network,
    wrt: Iterable[Node | str] | Node | str | None = None,
    *,
    detail: str = "normal",
    expand: Sequence[str] = (),
    notation: str | Notation = "partial",
    data: Any = "rows",
    loss: Callable[..., Node] | None = None,
    layout: str = "denominator",
    order: int = 1,
    seed: int = 0,
    simplify: bool = False,
    verify: str | None = None,
) -> Derivation:
    """The derivation of ∂output/∂w for every w: forward pass, backward pass, chain of each variable, each line checked.

    Of a network it is that of `loss(net(X), t)` for `data=(X, t)`, without a loss that of its own objective, and every w may
    be a path: `ng.explain(net, wrt="layer1/W", loss=ng.softmax_loss, data=(X, t))`.

    `output` is one number. Without `wrt` every parameter under it is a w, or every input where there is none. Leaves
    without a value get friendly seeded ones, which the derivation states. The same w twice, or `order=2`, asks for second
    derivatives of single numbers. `expand` names lines to write out instead of
    naming; `detail` is brief, normal or full; `notation` partial, delta or bar; `data` rows or columns; `layout`
    denominator or numerator. `simplify` adds the result simplified by SymPy, `verify="sympy"` SymPy's opinion of it.

    >>> import nngraph as ng
    >>> w, x = ng.parameter("w", 2.0), ng.input("x", 3.0)
    >>> derivation = ng.explain(ng.square(w * x), wrt=[w])
    >>> derivation.ok, float(derivation.gradients["w"].value)
    (True, 36.0)
    """
    if not isinstance(output, Node):
        output, wrt, data = _of_network(output, wrt, data, loss)
    elif loss is not None:
        raise ParameterError(f"loss= belongs to a network; {describe(output)} is a node, so explain loss(…) of it")
    if detail not in DETAILS:
        raise ParameterError(f"detail={detail!r} is not known; there are {', '.join(DETAILS)}")
    if verify not in (None, "sympy"):
        raise ParameterError(f"verify={verify!r} is not known; there is 'sympy'")
    wanted = all_leaves(output) if wrt is None else [wrt] if isinstance(wrt, Node) else list(wrt)
    profile = notation if isinstance(notation, Notation) else Notation(notation, data, layout)
    output, wanted = in_float64(output, wanted)
    if output.shape:
        raise GradientError(
            f"{describe(output)} has {output.size} numbers; a derivation belongs to one. Sum it first: sum(…)"
        )
    if output.is_leaf:
        raise GradientError(f"{describe(output)} is given, not computed, so there is nothing to derive")
    require_same_structure(output)
    once = list(dict.fromkeys(wanted))
    if any(wanted.count(w) > 2 for w in once):
        raise GradientError(
            "derivations go to the second order; for a higher one take ng.gradient of a gradient and explain that"
        )
    written = board(output, keep=[w for w in once if not w.is_leaf], expand=expand)
    for w in once:
        if w not in written.symbols:
            raise GradientError(f"the expression does not depend on {describe(w)}, so there is nothing to derive")
    explanation = Explanation(written, once, detail, profile, seed)
    derivation = explanation.derivation()
    pairs = second_pairs(wanted, once, order)
    if pairs:
        from .second import with_second_derivatives

        derivation = with_second_derivatives(explanation, derivation, pairs)
    if simplify or verify:
        from .with_sympy import with_sympy

        derivation = with_sympy(explanation, derivation, simplify=simplify, verify=verify)
    return derivation


def _of_network(network: Any, wrt: Any, data: Any, loss: Any) -> tuple[Node, Any, str]:
    if not isinstance(network, Network):
        raise ParameterError(f"explain takes a node or a network, not {type(network).__name__}")
    if isinstance(data, str):
        raise ParameterError(f"{network!r} needs data=(X, t), the rows whose loss is explained")
    return graph_of(network, data, loss, learned=True), chosen(network, wrt), "rows"


def all_leaves(output: Node) -> list[Node]:
    """What a derivation is by when nobody says: the parameters, else the inputs of floats; GradientError for neither."""
    floats = [leaf for leaf in leaves(output) if leaf.dtype.kind == "f"]
    for role in ("parameter", "input"):
        chosen: list[Node] = [leaf for leaf in floats if leaf.role == role and not is_frozen(leaf)]
        if chosen:
            return chosen
    raise GradientError(
        f"{describe(output)} depends on no parameter and no input of floats, so there is nothing to derive"
    )


def second_pairs(wanted: Sequence[Node], once: Sequence[Node], order: int) -> list[tuple[Node, Node]]:
    """Which second derivatives were asked for: every pair at order 2, else those written twice."""
    if order not in (1, 2):
        raise ParameterError(
            f"order={order!r}: derivations are of order 1 or 2; for a higher one take ng.gradient of a gradient and explain that"
        )
    if order == 2:
        return [(one, other) for at, one in enumerate(once) for other in once[at:]]
    return [(w, w) for w in once if wanted.count(w) > 1]


def in_float64(output: Node, wanted: Sequence[Node]) -> tuple[Node, list[Node]]:
    """The same graph over float64 leaves: a derivation is checked in double precision."""
    nodes = order(output)
    single = any(node.is_leaf and node.dtype.kind == "f" and node.dtype != np.float64 for node in nodes)
    if not single and not any(node.op is cast for node in nodes):
        return output, list(wanted)
    changed = _doubled([output, *wanted], {})
    return changed[0], changed[1:]


def _doubled(outputs: Sequence[Node], image: dict[Node, Node]) -> list[Node]:
    """Nodes over float64 leaves, loops with the bodies inside them; `image` receives what became of which."""
    for node in order(outputs):
        if isinstance(node, Leaf):
            if node.dtype.kind == "f" and node.dtype != np.float64:
                image[node] = _twin(node)
        elif node.op is cast and node.dtype.kind == "f" and node.inputs[0].dtype.kind == "f":
            image[node] = substitute([node.inputs[0]], image)[0]
        elif isinstance(body := node.params.get("body"), Graph):
            inner: dict[Node, Node] = {}
            inside = _doubled([*body.inputs, *body.outputs], inner)
            split = len(body.inputs)
            graph = Graph(tuple(inside[:split]), tuple(inside[split:]))
            image[node] = node.op.apply(tuple(substitute(node.inputs, image)), {**node.params, "body": graph})
    return substitute(outputs, image)


def _twin(leaf: Leaf) -> Leaf:
    twin = Leaf(leaf.role, leaf._name, None if leaf._value is None else leaf._value, leaf.shape, np.dtype(np.float64))
    twin.params = leaf.params
    return twin
