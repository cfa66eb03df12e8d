"""Functions of one number: a curve with tangents and the steps of a descent, and activation functions with derivatives."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ...autograd.language import N_
from .plot import Look, Plot

Function = Callable[[np.ndarray], Any]
FINE = 401


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


def activations(
    functions: Mapping[str, Function | tuple[Function, Function]], low: float = -4.0, high: float = 4.0, **look: Any
) -> Plot:
    """Activation functions by name, each in a panel with its derivative (dashed): a function, or a pair of it and its
    derivative."""
    x = np.linspace(low, high, FINE)
    pairs = {name: each if isinstance(each, tuple) else (each, derivative(each)) for name, each in functions.items()}
    across = min(len(pairs), 4)
    down = -(-len(pairs) // across)

    def paint(figure: Any, look: Look) -> None:
        panels = figure.subplots(down, across, squeeze=False, sharex=True)
        colors = look.colors
        for panel in panels.ravel()[len(pairs) :]:
            panel.set_visible(False)
        for panel, (name, (f, slope)) in zip(panels.ravel(), pairs.items()):
            panel.axhline(0, color=colors.theme.muted, linewidth=look.line / 4)
            panel.axvline(0, color=colors.theme.muted, linewidth=look.line / 4)
            panel.plot(x, f(x), color=colors.series(0), linewidth=look.line, label=look.say(N_("function")))
            panel.plot(x, slope(x), color=colors.theme.gradient, linewidth=look.line, linestyle="--", label=look.say(N_("derivative")))
            panel.set_title(name)
        handles, labels = panels[0, 0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=2)

    return Plot(paint, (2.4 * across, 2.2 * down + 0.4) if across > 1 else (4.4, 3.6), **look)


def derivative(f: Function) -> Function:
    """The derivative of f by central differences."""
    step = 1e-5
    return lambda x: (np.asarray(f(x + step), float) - np.asarray(f(x - step), float)) / (2 * step)
