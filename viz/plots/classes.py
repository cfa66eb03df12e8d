"""What a classifier decides: its regions in a plane, its answers counted, and what it costs to catch more."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ...autograd.language import N_
from ...autograd.node import Node
from .plot import Look, Plot, PlotError

Decide = Callable[[np.ndarray], Any]
"""Points (n, 2) -> class numbers (n,), scores (n, classes), or the probability of class 1 (n,), as an array or as a node."""
FINE = 200
"""Points to a side at which a plane is asked."""
FEW = 12
"""So many points, such as the corners of a square, are drawn larger."""


def decision_boundary(
    decide: Decide | Mapping[str, Decide],
    X: Any,
    t: Any,
    *,
    classes: Sequence[str] = (),
    columns: Sequence[str] = (),
    marked: Mapping[str, Any] | None = None,
    **look: Any,
) -> Plot:
    """The plane in the colors of the classes that `decide` finds there, and the points X (rows, 2) in those of t. Several
    functions by name stand side by side.

    `decide` gives for points (n, 2) their class numbers, scores (n, classes), or the probability of class 1 (n,), of which
    the boundary is 0.5, as an array or as a node, so that a network can be given as it is. `marked` are the numbers of rows that have a ring in the picture of that name, such as the support
    vectors of a machine.
    """
    X, t = np.asarray(X, np.float64), np.asarray(t)
    if X.ndim != 2 or X.shape[1] != 2 or len(X) != len(t) or not len(X):
        raise PlotError(f"decision_boundary: X {X.shape} with t {t.shape}; points of a plane are (rows, 2), with a class each")
    panels = dict(decide) if isinstance(decide, Mapping) else {"": decide}
    low, high = X.min(0), X.max(0)
    room = 0.08 * np.where(high > low, high - low, 1.0)
    xs, ys = (np.linspace(a, b, FINE) for a, b in zip(low - room, high + room))
    points = np.stack(np.meshgrid(xs, ys), -1).reshape(-1, 2)
    regions = {name: _answers(each(points), name).reshape(FINE, FINE) for name, each in panels.items()}
    rings = {name: np.asarray(rows, int) for name, rows in (marked or {}).items()}
    for name, rows in rings.items():
        if name not in panels or (rows.size and not 0 <= rows.min() <= rows.max() < len(X)):
            raise PlotError(f"decision_boundary: marked {name!r} is no picture with these rows; rows are 0 to {len(X) - 1}")
    count = int(max(t.max(), *(int(np.nanmax(each)) for each in regions.values()))) + 1
    across = min(len(panels), 4)
    down = -(-len(panels) // across)

    def paint(figure: Any, look: Look) -> None:
        axes = figure.subplots(down, across, squeeze=False, sharex=True, sharey=True)
        for panel in axes.ravel()[len(panels) :]:
            panel.set_visible(False)
        for panel, (name, region) in zip(axes.ravel(), regions.items()):
            levels = np.arange(count + 1) - 0.5
            panel.contourf(xs, ys, region, levels, colors=[look.colors.area(k) for k in range(count)])
            if region.min() < region.max():
                panel.contour(xs, ys, region, levels[1:-1], colors=look.colors.theme.muted, linewidths=look.line / 2)
            for k in range(count):
                label = str(classes[k]) if k < len(classes) else str(k)
                which = t == k
                panel.scatter(
                    *X[which].T, s=look.points * (1.4 if len(X) > FEW else 6), c=look.colors.series(k), marker=look.colors.marker(k), label=label,
                    edgecolors=look.colors.theme.background, linewidths=look.line / 4,
                )  # fmt: skip
            if len(rings.get(name, ())):
                panel.scatter(*X[rings[name]].T, s=look.points * 4, facecolors="none", edgecolors=look.colors.theme.text, linewidths=look.line / 3)
            panel.set_title(name)
            if columns:
                panel.set_xlabel(columns[0])
                panel.set_ylabel(columns[1])
        if count > 1:
            handles, labels = axes[0, 0].get_legend_handles_labels()
            figure.legend(handles, labels, loc="outside lower center", ncols=min(count, 8))

    return Plot(paint, (5.2, 4.6) if len(panels) == 1 else (3.4 * across, 3.4 * down + 0.4), **look)


def _answers(found: Any, name: str) -> np.ndarray:
    found = np.asarray(found.value if isinstance(found, Node) else found)
    if len(found) != FINE * FINE or found.ndim > 2:
        raise PlotError(f"decision_boundary: {name or 'decide'} gives {found.shape} for {FINE * FINE} points; an answer for each is needed")
    if found.ndim == 2:
        return found.argmax(1) if found.shape[1] > 1 else (found[:, 0] > 0.5).astype(int)
    return (found > 0.5).astype(int) if found.dtype.kind == "f" else found.astype(int)


def confusion_matrix(counts: Any, classes: Sequence[str] = (), **look: Any) -> Plot:
    """How often each true class (a line of squares) was given each answer: `counts` (classes, classes) as
    sklearn.metrics.confusion_matrix gives them. The shade is the share of the true class, the number the count."""
    counts = np.asarray(counts)
    if counts.ndim != 2 or counts.shape[0] != counts.shape[1] or not counts.size:
        raise PlotError(f"confusion_matrix: counts have shape {counts.shape}; they are (true classes, answers)")
    size = len(counts)
    names = [str(classes[k]) if k < len(classes) else str(k) for k in range(size)]
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    side = max(3.6, 0.48 * size + 1.4)

    def paint(figure: Any, look: Look) -> None:
        panel, shade = figure.subplots(), look.colors.much
        panel.imshow(shares, cmap=shade, vmin=0, vmax=1)
        for (true, answer), count in np.ndenumerate(counts):
            if count:
                panel.text(answer, true, f"{count:g}", ha="center", va="center", color=look.colors.on(shade(shares[true, answer])), fontsize=min(look.points, look.points * 11 / size))  # fmt: skip
        long = max(map(len, names)) * size > 40
        panel.set_xticks(range(size), names, rotation=45 if long else 0, ha="right" if long else "center")
        panel.set_yticks(range(size), names)
        panel.set_xlabel(look.say(N_("answer")))
        panel.set_ylabel(look.say(N_("true class")))
        panel.tick_params(length=0)

    return Plot(paint, (side, side - 0.3), **look)


def roc(curves: tuple[Any, Any] | Mapping[str, tuple[Any, Any]], **look: Any) -> Plot:
    """The share of positives that is found against the share of negatives taken for such, for every threshold: a pair of
    arrays (false alarms, found), the first two of sklearn.metrics.roc_curve; several by name. The area under each is said.

    >>> roc(([0, 0, 1], [0, 0.8, 1]))
    <Plot: light, natural>
    """
    named = {name: tuple(np.asarray(each, float) for each in pair[:2]) for name, pair in (curves if isinstance(curves, Mapping) else {"": curves}).items()}  # fmt: skip

    def paint(figure: Any, look: Look) -> None:
        panel = figure.subplots()
        panel.plot([0, 1], [0, 1], color=look.colors.theme.muted, linewidth=look.line / 2, linestyle=(0, (3, 3)))
        for at, (name, (alarms, found)) in enumerate(named.items()):
            area = look.say(N_("area {area}"), area=f"{np.trapezoid(found, alarms):.3f}")
            label = f"{name}, {area}" if name else area
            panel.plot(alarms, found, color=look.colors.series(at), linestyle=look.colors.dash(at), linewidth=look.line, label=label)
        panel.set_xlabel(look.say(N_("false alarms (share of the negatives)")))
        panel.set_ylabel(look.say(N_("found (share of the positives)")))
        panel.set_aspect("equal")
        panel.set_xlim(-0.01, 1.01)
        panel.set_ylim(-0.01, 1.01)
        panel.legend(loc="lower right")

    return Plot(paint, (4.8, 4.6), **look)
