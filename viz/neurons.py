"""A net as every slide draws it: layers of circles, weights on the arrows. Found from the shape of the formulas, in
two dialects:
sums of weight times value (each weight a number), and products with a weight matrix (a layer at a time).
"""

from __future__ import annotations

from collections.abc import Iterable

from ..autograd.node import Node
from .drawing import Drawing, DrawingError
from .layered_net import layered_net
from .scalar_net import scalar_net


def neurons(y: Node, highlight: Iterable[Node] = (), language: str = "en", numbers: bool = True) -> Drawing:
    """The net as layers of circles. `highlight`: weights whose paths to the output, along which ∂E/∂w is carried, are
    marked. With `numbers` a net of scalar weights whose values are known shows them, and the gradients.

    DrawingError when the graph is not made of weighted sums.
    """
    marked = list(highlight)
    drawing = scalar_net(y, marked, language, numbers) or layered_net(y, marked, language)
    if drawing is None:
        raise DrawingError(
            "draw: the neurons view needs weighted sums (w1*x1 + w2*x2 …) or products with a weight matrix (x @ W);"
            " this graph has"
            ' neither. view="forward" draws any graph.'
        )
    return drawing
