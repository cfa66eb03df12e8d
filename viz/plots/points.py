"""Points of a plane: what a generator makes beside the data it learned from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .plot import Look, Plot, PlotError

ROOM = 0.25
"""How much wider than the points the plane is, as a share of them."""


def points(clouds: Any, *, labels: tuple[str, str] = ("x", "y"), within: Any = None, **look: Any) -> Plot:
    """Clouds of points (n, 2), one or several by name. The plane is as wide as all of them and somewhat more, or as wide as
    `within`, (n, 2), so that pictures of one training are alike.

    >>> import numpy as np
    >>> points({"data": np.eye(2), "made": np.zeros((3, 2))})
    <Plot: light, natural>
    """
    named = {name: _cloud(each) for name, each in (clouds if isinstance(clouds, Mapping) else {"": clouds}).items()}
    heap = _cloud(within) if within is not None else np.concatenate([*named.values(), np.zeros((0, 2))])
    if not len(heap):
        raise PlotError("points: there are none, so that the plane has no size")
    low, high = heap.min(0), heap.max(0)
    room = ROOM * np.where(high > low, high - low, 1.0)

    size = 0.7 if max(map(len, named.values())) > 200 else 1.4

    def paint(figure: Any, look: Look) -> None:
        panel = figure.subplots()
        for at, (name, cloud) in enumerate(named.items()):
            panel.scatter(
                *cloud.T, s=size * look.points, c=look.colors.series(at), marker=look.colors.marker(at),
                label=name or None, alpha=0.75, linewidths=0,
            )  # fmt: skip
        panel.set_xlim(low[0] - room[0], high[0] + room[0])
        panel.set_ylim(low[1] - room[1], high[1] + room[1])
        panel.set_xlabel(labels[0])
        panel.set_ylabel(labels[1])
        if any(named):
            figure.legend(loc="outside lower center", ncols=min(len(named), 6), markerscale=2)

    return Plot(paint, (5.0, 4.8), **look)


def _cloud(given: Any) -> np.ndarray:
    cloud = np.asarray(given, np.float64)
    if cloud.ndim != 2 or cloud.shape[1] != 2:
        raise PlotError(f"points: a cloud of shape {cloud.shape}; points of a plane are (n, 2)")
    return cloud
