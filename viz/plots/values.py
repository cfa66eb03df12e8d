"""Numbers as shades and as bars: attention and alignment, norms by time step or by layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .plot import Look, Plot, PlotError, logarithmic


def heat_map(
    values: Any,
    down: Sequence[str] = (),
    across: Sequence[str] = (),
    *,
    labels: tuple[str, str] = ("", ""),
    signed: bool = False,
    numbers: bool | None = None,
    **look: Any,
) -> Plot:
    """A table of numbers as shades, such as attention: `down` names its rows, `across` its columns, `labels` what those are.
    Small tables show their `numbers`.

    >>> heat_map([[0.9, 0.1], [0.2, 0.8]], ["the", "cat"], ["die", "Katze"])
    <Plot: light, natural>
    """
    table = np.asarray(values, float)
    if table.ndim != 2 or not table.size:
        raise PlotError(f"heat_map: values of shape {table.shape}; they are (rows, columns)")
    rows, columns = table.shape
    for what, names, count in (("rows", down, rows), ("columns", across, columns)):
        if len(names) not in (0, count):
            raise PlotError(f"heat_map: {len(names)} names for {count} {what}")
    shown = rows * columns <= 120 if numbers is None else numbers
    most = float(np.nanmax(np.abs(table))) or 1.0
    form = "{:.4g}" if most >= 100 or (np.isnan(table) | (table == table.round())).all() else "{:.2f}"
    low, high = (-most, most) if signed else (min(0.0, float(np.nanmin(table))), most)

    def paint(figure: Any, look: Look) -> None:
        panel = figure.subplots()
        shade = look.colors.signed if signed else look.colors.much
        picture = panel.imshow(table, cmap=shade, vmin=low, vmax=high, interpolation="nearest")
        if shown:
            for (row, column), value in np.ndenumerate(table):
                if np.isnan(value):
                    continue  # a gap
                color = look.colors.on(picture.cmap(picture.norm(value)))
                panel.text(column, row, form.format(value).replace("-", "−"), ha="center", va="center", color=color, fontsize=0.8 * look.points)
        else:
            figure.colorbar(picture, ax=panel, shrink=0.8)
        if len(down):
            panel.set_yticks(range(rows), [str(name) for name in down])
        if len(across):
            long = sum(len(str(name)) for name in across) > 7 * columns
            panel.set_xticks(range(columns), [str(name) for name in across], rotation=45 if long else 0, ha="right" if long else "center")
        for axis, names in ((panel.yaxis, down), (panel.xaxis, across)):
            if not len(names):
                axis.get_major_locator().set_params(integer=True)  # rows and columns are counted, from 0
        panel.set_ylabel(labels[0])
        panel.set_xlabel(labels[1])
        panel.tick_params(length=0)

    cell = min(0.5, 10.6 / columns, 8.0 / rows)  # cells are squares, in the largest tables, too
    return Plot(paint, (max(3.2, cell * columns + 1.4), max(2.6, cell * rows + 1.0)), **look)


def bars(
    values: Sequence[float] | Mapping[str, Sequence[float]],
    names: Sequence[str] = (),
    *,
    labels: tuple[str, str] = ("", ""),
    log: bool = False,
    **look: Any,
) -> Plot:
    """A bar for each number, such as the norm of a gradient at each time step or in each layer; several series by name stand
    beside each other. With `log` the axis is logarithmic, for what vanishes or explodes.

    >>> bars({"RNN": [1e-6, 1e-3, 1.0], "LSTM": [0.3, 0.5, 1.0]}, ["1", "2", "3"], log=True)
    <Plot: light, natural>
    """
    series = {name: np.asarray(each, float) for name, each in (values if isinstance(values, Mapping) else {"": values}).items()}
    counts = {len(each) for each in series.values()}
    if len(counts) != 1 or 0 in counts:
        raise PlotError("bars: " + ("the series have different lengths" if len(counts) > 1 else "there are no numbers"))
    (count,) = counts
    if len(names) not in (0, count):
        raise PlotError(f"bars: {len(names)} names for {count} bars")
    wide = 0.8 / len(series)

    def paint(figure: Any, look: Look) -> None:
        panel = figure.subplots()
        for at, (name, each) in enumerate(series.items()):
            places = np.arange(count) + (at - (len(series) - 1) / 2) * wide
            panel.bar(
                places, each, wide * 0.95, label=name or None, edgecolor=look.colors.theme.text if look.colors.gray else "none",
                color=look.colors.area(at) if look.colors.gray else look.colors.series(at), linewidth=look.line / 3,
            )  # fmt: skip
        if log:
            logarithmic(panel)
        if len(names):
            long = sum(len(str(name)) for name in names) > 60
            panel.set_xticks(range(count), [str(name) for name in names], rotation=45 if long else 0, ha="right" if long else "center")
        panel.set_xlabel(labels[0])
        panel.set_ylabel(labels[1])
        if any(series):
            figure.legend(loc="outside lower center", ncols=min(len(series), 6))

    return Plot(paint, (max(4.8, min(12.0, 0.28 * count * len(series) + 1.5)), 3.6), **look)
