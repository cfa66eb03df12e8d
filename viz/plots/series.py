"""Numbers along an axis, such as the length of a gradient at every time, or a rate at every step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ...autograd.language import cell_width
from .plot import Look, Plot, PlotError, logarithmic


def lines(
    values: Sequence[float] | Mapping[str, Sequence[float]],
    across: Sequence[float] = (),
    *,
    labels: tuple[str, str] = ("", ""),
    log: bool = False,
    **look: Any,
) -> Plot:
    """A line for each series, by name; `across` holds the numbers along the axis, 1, 2, 3 … where it is left out. A series may
    be shorter than `across`, and has a gap where it is NaN. With `log` the upright axis is logarithmic, for what vanishes or
    explodes; there a gap is also where it is 0 or less.

    >>> lines({"RNN": [1e-6, 1e-3, 1.0], "LSTM": [0.3, 0.5, 1.0]}, log=True, labels=("time", "gradient"))
    <Plot: light, natural>
    """
    series = {name: np.asarray(each, float) for name, each in (values if isinstance(values, Mapping) else {"": values}).items()}
    longest = max((each.size for each in series.values()), default=0)
    if not longest or any(each.ndim != 1 for each in series.values()):
        raise PlotError("lines: " + ("a series is a list of numbers" if longest else "there are no numbers"))
    places = np.asarray(across, float) if len(across) else np.arange(1.0, longest + 1)
    if len(places) < longest:
        raise PlotError(f"lines: {len(places)} places along the axis for {longest} numbers")

    def paint(figure: Any, look: Look) -> None:
        panel, colors = figure.subplots(), look.colors
        for at, (name, each) in enumerate(series.items()):
            few: dict[str, Any] = {"marker": colors.marker(at), "markersize": look.points / 2.5} if len(each) <= 12 else {}
            shown = np.where(each > 0, each, np.nan) if log else each
            panel.plot(places[: len(each)], shown, color=colors.series(at), linestyle=colors.dash(at), linewidth=look.line, label=name or None, **few)  # fmt: skip
        if log:
            logarithmic(panel)
        if (places == places.round()).all():
            panel.xaxis.get_major_locator().set_params(integer=True)
        panel.margins(x=0.02)
        panel.set_xlabel(labels[0])
        panel.set_ylabel(labels[1])
        if any(series):
            fits = int(80 / (max(map(cell_width, series)) + 7))  # in a line of this width, with a piece of line before each name
            figure.legend(loc="outside lower center", ncols=max(1, min(len(series), fits)))

    return Plot(paint, (6.4, 4.2), **look)
