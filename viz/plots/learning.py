"""Learning curves: loss and metrics by epoch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from ...autograd.language import N_
from .plot import Look, Plot, PlotError, logarithmic

METRICS = (N_("accuracy"), N_("error"))
"""Names of metrics that are translated; any other stands as it is."""


def learning_curves(records: Iterable[Any], *, log: bool = False, **look: Any) -> Plot:
    """Loss by epoch, training and validation, and beside it the metrics, if there are any. A line stands at the epoch with
    the least validation loss. `records` are those of a training, or mappings with the same names, as read from JSON lines;
    with `log` losses are on a logarithmic axis.

    >>> learning_curves([{"epoch": 1, "loss": 2.3}, {"epoch": 2, "loss": 1.1}])
    <Plot: light, natural>
    """
    rows = [_fields(record) for record in records]
    if not rows:
        raise PlotError("learning_curves: there are no records")
    epochs = [row["epoch"] for row in rows]
    validation = [row["validation"] for row in rows]
    names = list(rows[0]["metrics"])
    judged = any(value is not None for value in validation)
    best = epochs[int(np.argmin([np.inf if value is None else value for value in validation]))] if judged else None

    def paint(figure: Any, look: Look) -> None:
        panels = figure.subplots(1, 2 if names else 1, squeeze=False)[0]
        colors, style = look.colors, dict(linewidth=look.line)
        if len(rows) < 3:
            style |= dict(marker="o")
        losses = panels[0]
        losses.plot(epochs, [row["loss"] for row in rows], color=colors.series(0), linestyle=colors.dash(0), label=look.say(N_("training")), **style)  # fmt: skip
        if judged:
            values = [np.nan if value is None else value for value in validation]
            losses.plot(epochs, values, color=colors.series(1), linestyle=colors.dash(1), label=look.say(N_("validation")), **style)  # fmt: skip
        losses.set_ylabel(look.say(N_("loss")))
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
            panel.set_xlabel(look.say(N_("epoch")))
            panel.xaxis.get_major_locator().set_params(integer=True)
            panel.margins(x=0.02)
            if best is not None and len(rows) > 1:
                label = look.say(N_("best epoch: {epoch}"), epoch=best) if panel is losses else None
                panel.axvline(best, color=colors.theme.muted, linewidth=look.line / 2, linestyle=(0, (3, 3)), label=label)
        if judged:
            losses.legend()

    return Plot(paint, (9.0, 3.8) if names else (6.4, 4.0), **look)


def _fields(record: Any) -> dict[str, Any]:
    if isinstance(record, Mapping):
        return {"validation": None, **record, "metrics": dict(record.get("metrics") or {})}
    return {name: getattr(record, name) for name in ("epoch", "loss", "validation", "metrics")}
