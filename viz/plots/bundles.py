"""Bundles of curves: what comes out when the same is learned again and again from other samples."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ...autograd.language import N_
from .plot import Look, Plot, PlotError


def bundle(
    across: Any,
    curves: Mapping[str, Any] | Any,
    *,
    truth: Any = None,
    points: tuple[Any, Any] | None = None,
    labels: tuple[str, str] = ("x", "y"),
    **look: Any,
) -> Plot:
    """Many curves (n, places) over the places `across`, thin, and their mean, strong; several bundles by name stand side by
    side. `truth` (places,) is what all of them estimate, `points` (x, y) what one of them saw. The plane is as high as those.

    >>> import numpy as np
    >>> x = np.linspace(-1, 1, 50)
    >>> bundle(x, [x + 0.1, x - 0.2], truth=x)
    <Plot: light, natural>
    """
    places = np.asarray(across, float)
    bundles = {name: np.asarray(each, float) for name, each in (curves if isinstance(curves, Mapping) else {"": curves}).items()}
    for name, each in bundles.items():
        if each.ndim != 2 or not len(each) or each.shape[1:] != places.shape:
            raise PlotError(f"bundle: {name or 'curves'} {each.shape} over {places.shape} places; curves are (how many, places)")
    truth = None if truth is None else np.asarray(truth, float)
    if truth is not None and truth.shape != places.shape:
        raise PlotError(f"bundle: truth {truth.shape} over {places.shape} places")
    if not bundles:
        raise PlotError("bundle: there are no curves")
    seen = [*([truth] if truth is not None else []), *([np.asarray(points[1], float)] if points is not None else [])]
    heights = np.concatenate(seen or [each.mean(0) for each in bundles.values()])
    low, high = heights.min(), heights.max()
    room = 0.15 * (high - low or 1.0)

    def paint(figure: Any, look: Look) -> None:
        colors = look.colors
        panels = figure.subplots(1, len(bundles), squeeze=False, sharex=True, sharey=True)[0]
        for panel, (name, each) in zip(panels, bundles.items()):
            for at, line in enumerate(each):
                label = look.say(N_("from one sample each")) if not at else None
                panel.plot(places, line, color=colors.series(0), linewidth=look.line / 4, alpha=0.45, label=label)
            if points is not None:
                panel.scatter(*points, s=look.points, color=colors.theme.muted, linewidths=0, label=look.say(N_("one sample")), zorder=2)
            if truth is not None:
                panel.plot(places, truth, color=colors.theme.text, linewidth=look.line, linestyle="--", label=look.say(N_("truth")), zorder=3)
            panel.plot(places, each.mean(0), color=colors.series(3), linewidth=1.4 * look.line, label=look.say(N_("their mean")), zorder=4)
            panel.set_title(name)
            panel.set_xlabel(labels[0])
            panel.set_xlim(places[0], places[-1])
        panels[0].set_ylim(low - room, high + room)
        panels[0].set_ylabel(labels[1])
        handles, names = panels[0].get_legend_handles_labels()
        figure.legend(handles, names, loc="outside lower center", ncols=len(names))

    wide = 6.4 if len(bundles) == 1 else min(3.4 * len(bundles), 14.0)
    return Plot(paint, (wide, 4.0), **look)
