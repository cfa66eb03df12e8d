"""Learning curves: loss and metrics by epoch, of one training or of several."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from ...autograd.language import N_
from .plot import Look, Plot, PlotError, logarithmic

METRICS = (N_("accuracy"), N_("error"))
"""Names of metrics that are translated; any other stands as it is."""
SIDES = (N_("discriminator"), N_("generator"), N_("discriminators"), N_("generators"))
"""Who learns in a game."""
THIN = 0.4
"""How wide the lines of validation losses are where several trainings are compared, as a share of the others."""
Rows = list[dict[str, Any]]


def learning_curves(
    records: Iterable[Any] | Mapping[str, Iterable[Any]], *, log: bool = False, loss: str = N_("loss"), **look: Any
) -> Plot:
    """Loss by epoch, training and validation, and beside it the metrics, if there are any. A line stands at the epoch with
    the least validation loss. `records` are those of a training, or mappings with the same names, as read from JSON lines;
    with `log` losses are on a logarithmic axis. `loss` is what the number is called that was made small.

    Records of a game have a loss for each side, and a line for each.

    Several trainings by name are compared: a color for each, its validation loss in a thinner line, and the first of its metrics.

    >>> learning_curves([{"epoch": 1, "loss": 2.3}, {"epoch": 2, "loss": 1.1}])
    <Plot: light, natural>
    """
    if isinstance(records, Mapping):
        runs = {name: [_fields(record) for record in each] for name, each in records.items()}
        if not runs or not all(runs.values()):
            raise PlotError("learning_curves: there are no records" + "".join(f" of {name!r}" for name, rows in runs.items() if not rows))
        measured = {next(iter(rows[0]["metrics"]), None) for rows in runs.values()}
        metric = measured.pop() if len(measured) == 1 else None

        def paint_all(figure: Any, look: Look) -> None:
            _compared(figure, look, runs, metric, log, loss)

        return Plot(paint_all, (9.0, 4.2) if metric else (6.4, 4.4), **look)
    rows = [_fields(record) for record in records]
    if not rows:
        raise PlotError("learning_curves: there are no records")

    def paint(figure: Any, look: Look) -> None:
        _single(figure, look, rows, log, loss)

    return Plot(paint, (9.0, 3.8) if rows[0]["metrics"] else (6.4, 4.0), **look)


def _single(figure: Any, look: Look, rows: Rows, log: bool, loss: str) -> None:
    epochs = [row["epoch"] for row in rows]
    validation = _column(rows, "validation")
    names = list(rows[0]["metrics"])
    judged = not np.isnan(validation).all()
    best = epochs[int(np.nanargmin(validation))] if judged else None
    panels = figure.subplots(1, 2 if names else 1, squeeze=False)[0]
    colors, style = look.colors, dict(linewidth=look.line)
    if len(rows) < 3:
        style |= dict(marker="o")
    losses = panels[0]
    sides = rows[0]["losses"]
    for at, side in enumerate(sides):
        values = [row["losses"][side] for row in rows]
        losses.plot(epochs, values, color=colors.series(at), linestyle=colors.dash(at), label=look.say(side), **style)
    if not sides:
        losses.plot(epochs, _column(rows, "loss"), color=colors.series(0), linestyle=colors.dash(0), label=look.say(N_("training")), **style)  # fmt: skip
    if judged:
        losses.plot(epochs, validation, color=colors.series(1), linestyle=colors.dash(1), label=look.say(N_("validation")), **style)  # fmt: skip
    losses.set_ylabel(look.say(loss))
    if log:
        logarithmic(losses)
    for at, name in enumerate(names):
        values = [row["metrics"].get(name, np.nan) for row in rows]
        panels[1].plot(epochs, values, color=colors.series(2 + at), linestyle=colors.dash(at), label=look.say(name), **style)  # fmt: skip
    if len(names) == 1:
        panels[1].set_ylabel(look.say(names[0]))
    elif names:
        panels[1].legend()
    for panel in panels:
        _by_epoch(panel, look)
        if best is not None and len(rows) > 1:
            label = look.say(N_("best epoch: {epoch}"), epoch=best) if panel is losses else None
            panel.axvline(best, color=colors.theme.muted, linewidth=look.line / 2, linestyle=(0, (3, 3)), label=label)
    if judged or sides:
        losses.legend()


def _compared(figure: Any, look: Look, runs: Mapping[str, Rows], metric: str | None, log: bool, loss: str) -> None:
    from matplotlib.lines import Line2D

    panels = figure.subplots(1, 2 if metric else 1, squeeze=False)[0]
    for at, (name, rows) in enumerate(runs.items()):
        epochs, color, dash = [row["epoch"] for row in rows], look.colors.series(at), look.colors.dash(at)
        panels[0].plot(epochs, _column(rows, "loss"), color=color, linestyle=dash, linewidth=look.line, label=name)
        panels[0].plot(epochs, _column(rows, "validation"), color=color, linestyle=dash, linewidth=THIN * look.line)
        if metric:
            values = [row["metrics"].get(metric, np.nan) for row in rows]
            panels[1].plot(epochs, values, color=color, linestyle=dash, linewidth=look.line)
    panels[0].set_ylabel(look.say(loss))
    if log:
        logarithmic(panels[0])
    if metric:
        panels[1].set_ylabel(look.say(metric))
    for panel in panels:
        _by_epoch(panel, look)
    if any(not np.isnan(_column(rows, "validation")).all() for rows in runs.values()):
        ink = look.colors.theme.text
        kinds = [(N_("training"), look.line), (N_("validation"), THIN * look.line)]
        panels[0].legend(handles=[Line2D([], [], color=ink, linewidth=width, label=look.say(name)) for name, width in kinds])
    handles, names = panels[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=min(len(runs), 3 if max(map(len, runs)) > 12 else 5))


def _by_epoch(panel: Any, look: Look) -> None:
    panel.set_xlabel(look.say(N_("epoch")))
    panel.xaxis.get_major_locator().set_params(integer=True)
    panel.margins(x=0.02)


def _column(rows: Rows, name: str) -> np.ndarray:
    """A number of every row; NaN where it is None."""
    return np.array([np.nan if row[name] is None else row[name] for row in rows], float)


def _fields(record: Any) -> dict[str, Any]:
    given = record if isinstance(record, Mapping) else {name: getattr(record, name, None) for name in ("epoch", "loss", "losses", "validation", "metrics")}
    return {"validation": None, **given, "metrics": dict(given.get("metrics") or {}), "losses": dict(given.get("losses") or {})}
