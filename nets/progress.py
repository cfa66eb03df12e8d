"""A training that is watched: records pass through, and on a terminal a bar shows how far it is and how well it goes."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import Any, TextIO

from ..autograd.language import N_, translate
from .adversarial.trainer import AdversarialRecord
from .trainer import Record

AnyRecord = Record | AdversarialRecord
WHY = {
    "interrupt": N_("Interrupted after epoch {epoch} of {epochs}."),
    "patience": N_("Stopped after epoch {epoch} of {epochs}: no lower validation loss any more."),
    "nan": N_("Stopped after epoch {epoch} of {epochs}: the loss is no number any more; a lower learning rate may help."),
    "converged": N_("Stopped after epoch {epoch} of {epochs}: the loss is as low as it gets from here."),
    "line search": N_("Stopped after epoch {epoch} of {epochs}: no step makes the loss lower."),
}
"""What is said of a training that ended before its last epoch."""
Callback = Callable[[Any], Any]
"""Called with every record; True ends the training after it."""


def progress(
    records: Iterable[AnyRecord],
    epochs: int | None = None,
    *,
    callbacks: Sequence[Callback] = (),
    stream: TextIO | None = None,
    color: bool = True,
) -> Iterator[AnyRecord]:
    """The records of a training as they come, with a bar on standard error where that is a terminal: epoch, loss, metrics,
    rate and the time that is left. In a pipe nothing is shown.

    A callback is called with every record, and ends the training by giving True. When a training was stopped, by Ctrl-C,
    by patience or by a callback, a line on `stream` says so, also in a pipe; in the end the network has the values that
    `Trainer.run` says. `epochs` is how many there will be, which the records know as well.

    >>> from nngraph import nets
    >>> from nngraph.nets import data
    >>> X, t = (points := data.moons(80)).X, points.t
    >>> import nngraph as ng
    >>> net, seen = nets.MLP([2, 8, 2], rng=0), []
    >>> for record in progress(nets.train(net, ng.softmax_loss, (X, t), epochs=3), callbacks=[seen.append]):
    ...     pass
    >>> len(seen)
    3
    """
    stream = stream or sys.stderr
    last: AnyRecord | None = None
    by_callback = False
    with ExitStack() as stack:
        show = _bar(stack, epochs, stream, color)
        # Ended here rather than when it is collected, so that the network has its values when the loop is over.
        if hasattr(records, "close"):
            stack.callback(records.close)
        try:
            for record in records:
                again = last is not None and record.epoch == last.epoch  # an interrupted training repeats its last record
                last = record
                show(record)
                if not again:
                    # All are called, also when the first has had enough.
                    by_callback = any([callback(record) is True for callback in callbacks])
                yield record
                if by_callback:
                    break
        except KeyboardInterrupt:
            # It came while the record was shown or a callback ran: between two epochs, where a training can end as well.
            if last is None:
                raise
            last = replace(last, stopped="interrupt")
            yield last
    if last is not None and (said := stopped(last, by_callback)):
        stream.write(said + "\n")
        stream.flush()


def stopped(record: AnyRecord, by_callback: bool = False) -> str:
    """Why a training ended before its last epoch, as a sentence; empty where it did not."""
    why = WHY.get(record.stopped or "")
    if why is None:
        if not by_callback or record.epoch >= record.epochs:
            return ""
        why = N_("Stopped after epoch {epoch} of {epochs} by a callback.")
    kept = N_("The network keeps its best values.") if isinstance(record, Record) and record.validation is not None else N_("The network keeps its last values.")
    sentence = translate(why, epoch=record.epoch, epochs=record.epochs)
    return sentence + ("" if sentence.endswith("。") else " ") + translate(kept)


def numbers(record: AnyRecord) -> str:
    """Loss, metrics and rate of a record in a line; of a game the loss of each side."""
    if isinstance(record, AdversarialRecord):
        return "  ".join(f"{translate(side)} {loss:.4g}" for side, loss in record.losses.items())
    parts = [f"{translate(N_('loss'))} {record.loss:.4g}"]
    if record.validation is not None:
        parts.append(f"{translate(N_('validation'))} {record.validation:.4g}")
    parts += [f"{translate(name)} {value:.4g}" for name, value in record.metrics.items()]
    return "  ".join([*parts, f"{translate(N_('rate'))} {record.rate:.3g}"])


def _bar(stack: ExitStack, epochs: int | None, stream: TextIO, color: bool) -> Callable[[AnyRecord], None]:
    if not stream.isatty():
        return lambda record: None
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(file=stream, no_color=not color, highlight=False)
    columns = (BarColumn(bar_width=24), MofNCompleteColumn(), TimeRemainingColumn(), TextColumn("{task.description}", markup=False))
    bar = stack.enter_context(Progress(*columns, console=console, transient=True))
    task = bar.add_task("", total=epochs)
    first: int | None = None

    def show(record: AnyRecord) -> None:
        nonlocal first
        first = record.epoch if first is None else first
        total = epochs or record.epochs - first + 1
        bar.update(task, completed=record.epoch - first + 1, total=total, description=numbers(record))

    return show
