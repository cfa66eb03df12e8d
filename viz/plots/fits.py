"""Amounts over one number, and what was fitted to them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from .plot import Look, Plot, PlotError

Fit = Callable[[np.ndarray], Any]
"""Places (n,) -> an amount at each, (n,) or (n, 1)."""
FINE = 401


def fits(
    x: Any, t: Any, functions: Mapping[str, Fit], *, labels: tuple[str, str] = ("x", "t"), **look: Any
) -> Plot:
    """Points (x, t), both (rows,), and the functions that were fitted to them, by name.

    >>> fits([0, 1, 2], [0.1, 0.9, 2.1], {"t = x": lambda x: x})
    <Plot: light, natural>
    """
    x, t = np.asarray(x, np.float64), np.asarray(t, np.float64)
    if x.ndim != 1 or x.shape != t.shape or not len(x):
        raise PlotError(f"fits: x {x.shape} and t {t.shape}; points are two arrays (rows,) of the same length")
    room = 0.04 * (np.ptp(x) or 1.0)
    fine = np.linspace(x.min() - room, x.max() + room, FINE)
    found = {name: np.asarray(each(fine), np.float64).reshape(-1) for name, each in functions.items()}
    for name, values in found.items():
        if values.shape != fine.shape:
            raise PlotError(f"fits: {name or 'the function'} gives {values.shape} for {FINE} places; an amount for each is needed")

    def paint(figure: Any, look: Look) -> None:
        panel, colors = figure.subplots(), look.colors
        panel.scatter(x, t, s=look.points * 1.2, c=colors.theme.muted, linewidths=0)
        for at, (name, values) in enumerate(found.items()):
            panel.plot(fine, values, color=colors.series(at), linestyle=colors.dash(at), linewidth=look.line, label=name or None)
        panel.set_xlabel(labels[0])
        panel.set_ylabel(labels[1])
        if any(found):
            figure.legend(loc="outside lower center", ncols=min(len(found), 5))

    return Plot(paint, (6.0, 4.2), **look)
