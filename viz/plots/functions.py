"""Functions of one number: a curve with tangents and the steps of a descent, curves fitted to points, and activation
functions with their derivatives."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ...autograd.language import N_
from .plot import Look, Plot, PlotError

Function = Callable[[np.ndarray], Any]
FINE = 401
CELLS = 42
"""Letters in a line below a panel; a Chinese character counts as two."""


def curve(
    f: Function,
    low: float,
    high: float,
    *,
    tangents: Sequence[float] = (),
    descents: Mapping[str, Sequence[float]] | Sequence[float] = (),
    slope: Function | None = None,
    labels: tuple[str, str] = ("x", "y"),
    **look: Any,
) -> Plot:
    """f from low to high, with tangents at some places, and with the places that descents visit one after another, by name.
    `slope` is the derivative; without it central differences stand for it.

    >>> curve(lambda x: x * x, -2, 2, tangents=[1.0], descents={"0.8": [1.5, -0.9, 0.54]})
    <Plot: light, natural>
    """
    x = np.linspace(low, high, FINE)
    slope = slope or derivative(f)
    ways = dict(descents) if isinstance(descents, Mapping) else {"": descents} if len(descents) else {}

    def paint(figure: Any, look: Look) -> None:
        panel, colors = figure.subplots(), look.colors
        y = np.asarray(f(x), float)
        panel.plot(x, y, color=colors.theme.text, linewidth=look.line)
        bottom, top = np.nanmin(y), np.nanmax(y)
        for place in tangents:
            at = np.array([float(place)])
            height, steep = float(np.asarray(f(at))[0]), float(np.asarray(slope(at))[0])
            reach = 0.18 * (high - low) / np.hypot(1, steep * (high - low) / max(top - bottom, 1e-12))
            ends = at + np.array([-reach, reach])
            panel.plot(ends, height + steep * (ends - at), color=colors.theme.gradient, linewidth=look.line)
            panel.plot(at, [height], "o", color=colors.theme.gradient, markersize=look.points / 2)
            panel.annotate(
                look.say(N_("slope {slope}"), slope=f"{steep:.3g}".replace("-", "−")), (at[0], height), color=colors.theme.gradient,
                xytext=(0.8 * look.points, -0.4 * look.points if steep > 0 else 0.4 * look.points), textcoords="offset points",
                va="top" if steep > 0 else "bottom",
            )  # fmt: skip
        for number, (name, places) in enumerate(ways.items()):
            xs = np.asarray(places, float)
            ys = np.asarray(f(xs), float)
            color = colors.series(number)
            panel.plot(
                xs, ys, color=color, marker=colors.marker(number), linestyle=colors.dash(number), label=name or None,
                markersize=look.points / 2.2, linewidth=look.line / 2,
            )  # fmt: skip
            for a, b in zip(range(min(len(xs) - 1, 6)), range(1, 7)):
                arrow = dict(arrowstyle="->", color=color, linewidth=look.line / 2, shrinkA=0, shrinkB=2)
                panel.annotate("", (xs[b], ys[b]), (xs[a], ys[a]), arrowprops=arrow)
        panel.set_xlim(low, high)
        room = 0.06 * (top - bottom or 1)
        panel.set_ylim(bottom - room, top + room)
        panel.set_xlabel(labels[0])
        panel.set_ylabel(labels[1])
        if any(ways):
            panel.legend()

    return Plot(paint, (6.0, 4.2), **look)


def regression(
    x: Any,
    y: Any,
    functions: Mapping[str, Function] | Function,
    *,
    labels: tuple[str, str] = ("x", "y"),
    **look: Any,
) -> Plot:
    """Points (x, y) and the curves that were fitted to them, one function or several by name.

    >>> regression([0, 1, 2], [1.1, 2.9, 5.2], {"before": lambda x: 0 * x, "after": lambda x: 2 * x + 1})
    <Plot: light, natural>
    """
    x, y = (np.asarray(each, float).ravel() for each in (x, y))
    if len(x) != len(y) or not len(x):
        raise PlotError(f"regression: {len(x)} numbers in x and {len(y)} in y; a point has one of each")
    room = 0.03 * (x.max() - x.min() or 1.0)
    along = np.linspace(x.min() - room, x.max() + room, FINE)
    lines = {name: np.asarray(f(along), float).ravel() for name, f in (functions if isinstance(functions, Mapping) else {"": functions}).items()}  # fmt: skip

    def paint(figure: Any, look: Look) -> None:
        panel, colors = figure.subplots(), look.colors
        panel.scatter(x, y, s=look.points * 1.2, color=colors.theme.muted, linewidths=0, alpha=0.7)
        for number, (name, line) in enumerate(lines.items()):
            panel.plot(along, line, color=colors.series(number), linestyle=colors.dash(number), linewidth=look.line, label=name or None)
        panel.set_xlim(along[0], along[-1])
        panel.set_xlabel(labels[0])
        panel.set_ylabel(labels[1])
        if any(lines):
            panel.legend()

    return Plot(paint, (6.0, 4.2), **look)


def activations(
    functions: Mapping[str, Function | tuple[Function, Function]],
    low: float = -4.0,
    high: float = 4.0,
    *,
    remarks: Mapping[str, Mapping[str, str]] | None = None,
    flat: float = 0.0,
    **look: Any,
) -> Plot:
    """Activation functions by name, each in a panel with its derivative (dashed): a function, or a pair of it and its
    derivative. Where the derivative is smaller than `flat` the panel is shaded: the function saturates there. `remarks`
    are sentences for each name, by what they are about, and stand below its panel.

    >>> activations({"tanh": np.tanh}, flat=0.05, remarks={"tanh": {"strengths": "centered at 0"}})
    <Plot: light, natural>
    """
    x = np.linspace(low, high, FINE)
    pairs = {name: each if isinstance(each, tuple) else (each, derivative(each)) for name, each in functions.items()}
    said = {name: (remarks or {}).get(name, {}) for name in pairs}
    across = min(len(pairs), 4)
    down = -(-len(pairs) // across)
    wide, tall = (3.3, 4.0) if any(said.values()) else (2.4, 2.2)

    def paint(figure: Any, look: Look) -> None:
        panels = figure.subplots(down, across, squeeze=False, sharex=True)
        colors = look.colors
        shade = colors.area(1 if colors.gray else 0)
        letters = min(0.9 * look.points, 72 * figure.bbox.width / figure.dpi / (across * 0.63 * CELLS))
        for number, (panel, (name, (f, slope))) in enumerate(zip(panels.ravel(), pairs.items())):
            steep = np.asarray(slope(x), float)
            panel.axhline(0, color=colors.theme.muted, linewidth=look.line / 4)
            panel.axvline(0, color=colors.theme.muted, linewidth=look.line / 4)
            if flat:
                panel.fill_between(
                    x, 0, 1, where=np.abs(steep) < flat, transform=panel.get_xaxis_transform(), color=shade, linewidth=0, zorder=0,
                    label=look.say(N_("saturated: slope below {slope}"), slope=f"{flat:g}"),
                )  # fmt: skip
            panel.plot(x, f(x), color=colors.series(0), linewidth=look.line, label=look.say(N_("function")))
            panel.plot(x, steep, color=colors.theme.gradient, linewidth=look.line, linestyle="--", label=look.say(N_("derivative")))
            panel.set_title(look.say(name))
            panel.set_xlim(low, high)
            if said[name] or number + across >= len(pairs):  # nothing below has the numbers of the axis
                panel.tick_params(labelbottom=True)
            if said[name]:
                panel.set_xlabel(_below(said[name], look), loc="left", fontsize=letters)
        handles, labels = panels[0, 0].get_legend_handles_labels()
        spare = panels.ravel()[len(pairs) :]
        for panel in spare:
            panel.set_axis_off()
        if len(spare):
            spare[-1].legend(handles, labels, loc="center")
        else:
            figure.legend(handles, labels, loc="outside lower center", ncols=3)

    return Plot(paint, (wide * across, tall * down + 0.4) if across > 1 else (1.1 * wide + 1.8, tall + 1.4), **look)


def _below(remarks: Mapping[str, str], look: Look) -> str:
    """Sentences by what they are about, in lines as wide as a panel."""
    from ...autograd.symbolic.cells import wrapped

    lines = [wrapped(look.say(N_("{topic}: {remark}"), topic=look.say(topic), remark=look.say(remark)), CELLS) for topic, remark in remarks.items()]  # fmt: skip
    return "\n".join("\n   ".join(each) for each in lines)


def derivative(f: Function) -> Function:
    """The derivative of f by central differences."""
    step = 1e-5
    return lambda x: (np.asarray(f(x + step), float) - np.asarray(f(x - step), float)) / (2 * step)
