"""Graphs of who knows whom: nodes joined by edges, each in the color of its class."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...autograd.language import N_
from .plot import Look, Plot, PlotError

LEAST = 0.075
"""How near two nodes may stand, as a share of the width and the height of a graph: about the size of a node."""


def nodes_and_edges(
    adjacency: Any,
    classes: Sequence[int] = (),
    *,
    names: Sequence[str] = (),
    classes_named: Sequence[str] = (),
    known: Sequence[int] = (),
    wrong: Sequence[int] = (),
    places: Any = None,
    **look: Any,
) -> Plot:
    """A graph by its adjacency (nodes, nodes): every node with its number or name in the color of its class, 0, 1, 2 …. Nodes
    that were `known` have a thick rim, those whose class is `wrong` a red one. `places` (nodes, 2) says where nodes stand; left
    out, they are laid out so that neighbors are near (Kamada and Kawai 1989).

    >>> nodes_and_edges([[0, 1, 0], [1, 0, 1], [0, 1, 0]], [0, 0, 1], known=[0, 2])
    <Plot: light, natural>
    """
    joined = np.asarray(adjacency, float)
    if joined.ndim != 2 or joined.shape[0] != joined.shape[1] or not joined.size:
        raise PlotError(f"nodes_and_edges: an adjacency of shape {joined.shape}; it is (nodes, nodes)")
    count = len(joined)
    for what, given in (("classes", classes), ("names", names)):
        if len(given) not in (0, count):
            raise PlotError(f"nodes_and_edges: {len(given)} {what} for {count} nodes")
    where = layout(joined) if places is None else np.asarray(places, float)
    if where.shape != (count, 2):
        raise PlotError(f"nodes_and_edges: places of shape {where.shape} for {count} nodes; they are (nodes, 2)")
    kinds = np.asarray(classes if len(classes) else [0] * count, int)

    def paint(figure: Any, look: Look) -> None:
        from matplotlib.collections import LineCollection

        panel, colors = figure.subplots(), look.colors
        theme, size = colors.theme, (2.0 * look.points) ** 2
        ends = np.argwhere(np.triu(joined, 1))
        panel.add_collection(LineCollection(where[ends], colors=theme.muted, linewidths=look.line / 3, zorder=1))
        for kind in np.unique(kinds):
            own = kinds == kind
            label = classes_named[kind] if kind < len(classes_named) else None
            panel.scatter(
                *where[own].T, s=size, c=colors.area(kind), edgecolors=colors.series(kind), linewidths=look.line / 1.5, label=label,
                marker="os"[kind % 2] if colors.gray else "o", zorder=2,
            )  # fmt: skip
        for which, color, label in ((known, theme.text, N_("known")), (wrong, theme.gradient, N_("wrong"))):
            if len(which):
                panel.scatter(*where[list(which)].T, s=1.6 * size, c="none", edgecolors=color, linewidths=1.5 * look.line, label=look.say(label), zorder=3)  # fmt: skip
        for at, place in enumerate(where):
            panel.text(*place, names[at] if len(names) else str(at), ha="center", va="center_baseline", fontsize=0.8 * look.points, color=theme.text, zorder=4)  # fmt: skip
        panel.set_axis_off()
        panel.margins(0.08)
        if len(classes_named) or len(known) or len(wrong):
            figure.legend(loc="outside lower center", ncols=4, markerscale=0.6)

    return Plot(paint, (7.0, 5.6), **look)


def layout(adjacency: np.ndarray) -> np.ndarray:
    """Where nodes stand so that their distances on paper are like those along edges, (nodes, 2); none covers another."""
    import networkx

    places = networkx.kamada_kawai_layout(networkx.from_numpy_array(adjacency), weight=None)
    return apart(np.array([places[node] for node in range(len(adjacency))]))


def apart(places: np.ndarray, least: float = LEAST) -> np.ndarray:
    """The places (n, 2), those moved away from each other that are nearer than a share of the whole width or height.

    >>> moved = apart(np.array([[0.0, 0.0], [0.01, 0.0], [1.0, 1.0]]))
    >>> bool(np.hypot(*(moved[0] - moved[1])) >= 0.075), moved[2].tolist()
    (True, [1.0, 1.0])
    """
    size = np.where(np.ptp(places, axis=0) > 0, np.ptp(places, axis=0), 1.0)
    found, ways = places / size, np.random.default_rng(0).normal(size=(len(places), 2))
    for _ in range(100):
        gaps = found[:, None] - found
        far = np.hypot(*np.moveaxis(gaps, -1, 0)) + np.eye(len(found))
        if far.min() >= least:
            break
        gaps = np.where((far == 0)[..., None], ways[:, None] - ways, gaps)  # on the same spot any way is away
        far = np.where(far == 0, np.hypot(*np.moveaxis(gaps, -1, 0)) + np.eye(len(found)), far)
        push = np.where(far < least, 1.05 * least - np.minimum(far, least), 0.0) / 2
        found = found + (push[..., None] * gaps / far[..., None]).sum(1)
    return found * size
