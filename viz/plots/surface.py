"""A loss of two numbers as contours, and the ways that optimizers take on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ...autograd.language import N_
from .colors import SERIES
from .plot import Look, Plot, PlotError

Surface = Callable[[np.ndarray, np.ndarray], Any]
FINE = 160


def loss_surface(
    f: Surface,
    x: tuple[float, float],
    y: tuple[float, float],
    trajectories: Mapping[str, Any] | None = None,
    *,
    minimum: tuple[float, float] | None = None,
    labels: tuple[str, str] = ("x", "y"),
    levels: int = 18,
    **look: Any,
) -> Plot:
    """Contours of f(x, y), denser where it is low, with trajectories (steps, 2) by name and a star at the minimum.

    >>> loss_surface(lambda x, y: x**2 + 10 * y**2, (-2, 2), (-1, 1), {"SGD": [[1.5, 0.8], [1.0, 0.1]]})
    <Plot: light, natural>
    """
    ways = paths(trajectories)

    def paint(figure: Any, look: Look) -> None:
        panel = figure.subplots()
        contours(panel, f, x, y, look, levels, minimum)
        for number, (name, way) in enumerate(ways.items()):
            drawn(panel, way, name, number, look)
        panel.set_xlabel(labels[0])
        panel.set_ylabel(labels[1])
        if any(ways):
            figure.legend(loc="outside lower center", ncols=min(len(ways) + (minimum is not None), 5))

    return Plot(paint, (6.0, 4.8), **look)


def paths(trajectories: Mapping[str, Any] | None) -> dict[str, np.ndarray]:
    """Trajectories as arrays, checked."""
    ways = {name: np.asarray(way, float) for name, way in (trajectories or {}).items()}
    for name, way in ways.items():
        if way.ndim != 2 or way.shape[1] != 2 or not len(way):
            raise PlotError(f"trajectory {name!r} has shape {way.shape}; a way on a surface is (steps, 2)")
    return ways


def contours(
    panel: Any, f: Surface, x: tuple[float, float], y: tuple[float, float], look: Look, levels: int,
    minimum: tuple[float, float] | None,
) -> list[Any]:  # fmt: skip
    """The surface itself, and what marks its minimum, which is given back: it lies above all ways."""
    xs, ys = np.linspace(*x, FINE), np.linspace(*y, FINE)
    heights = np.asarray(f(*np.meshgrid(xs, ys)), float)
    finite = heights[np.isfinite(heights)]
    if not finite.size:
        raise PlotError("loss_surface: f is nowhere finite in this window")
    # Quantiles put as many lines into the valley as on the slopes, whatever the heights there.
    edges = np.unique(np.quantile(finite, np.linspace(0, 1, levels + 1) ** 1.4))
    if len(edges) < 2:
        edges = np.array([edges[0] - 1, edges[0] + 1])
    shade = look.colors.much
    panel.contourf(xs, ys, heights, edges, colors=[shade(part) for part in np.linspace(0.02, 0.45, len(edges) - 1)])
    panel.contour(xs, ys, heights, edges, colors=look.colors.theme.muted, linewidths=look.line / 6, linestyles="solid")
    star: list[Any] = []
    if minimum is not None:
        star = panel.plot(*minimum, marker="*", linestyle="", color=look.colors.theme.text, markersize=look.points * 1.2, label=look.say(N_("minimum")), zorder=5)  # fmt: skip
    panel.set_xlim(*x)
    panel.set_ylim(*y)
    return star


def drawn(panel: Any, way: np.ndarray, name: str, number: int, look: Look) -> list[Any]:
    """A way with its start as a dot and its end as a marker of its own; what was drawn, to be moved by an animation."""
    colors = look.colors
    # The first color is that of the surface.
    color = colors.series(number + 1) if (number + 1) % len(SERIES) else colors.theme.text
    (line,) = panel.plot(*way.T, color=color, linestyle=colors.dash(number), linewidth=look.line, label=name or None, zorder=3)
    (end,) = panel.plot(*way[-1], marker=colors.marker(number), color=color, markersize=look.points / 1.3, markeredgecolor=colors.theme.background, markeredgewidth=look.points / 20, zorder=4)  # fmt: skip
    panel.plot(*way[0], marker="o", color=colors.theme.text, markersize=look.points / 2.5, zorder=4)
    return [line, end]
