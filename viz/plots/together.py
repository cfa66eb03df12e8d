"""Plots beside each other as one picture."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .plot import Look, Plot, PlotError


def side_by_side(plots: Mapping[str, Plot], *, columns: int | None = None, **look: Any) -> Plot:
    """Several plots as one, each under its name, `columns` in a line (three unless told otherwise).

    >>> from nngraph.viz import plots
    >>> square = plots.curve(lambda x: x * x, -2, 2)
    >>> side_by_side({"a": square, "b": square})
    <Plot: light, natural>
    """
    if not plots:
        raise PlotError("side_by_side: there are no plots")
    across = min(columns or 3, len(plots))
    down = -(-len(plots) // across)
    wide, high = (max(plot.inches[side] for plot in plots.values()) for side in (0, 1))

    def paint(figure: Any, look: Look) -> None:
        parts = figure.subfigures(down, across, squeeze=False).ravel()
        for part, (name, plot) in zip(parts, plots.items()):
            part.set_facecolor(look.colors.theme.background)
            plot.paint(part, look)
            part.suptitle(name, color=look.colors.theme.text, fontsize=look.points)

    share = min(1.0, 14 / (wide * across))
    return Plot(paint, (share * wide * across, share * (high + 0.2) * down), **look)
