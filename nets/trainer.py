"""Training: a network, a loss and data in; a record for every epoch out. Nothing is printed here.

A step is one compiled graph, loss, gradients and updates together, and runs whole epochs in a call.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from time import perf_counter
from typing import Any

import numpy as np

from ..autograd.differentiate import gradient
from ..autograd.errors import ParameterError
from ..autograd.executable import Executable, compile
from ..autograd.leaves import as_node
from ..autograd.node import Leaf, Node
from ..autograd.storage import moments, store
from .metrics import Metric, check_metrics, measured
from .mode import training
from .module import Module
from .objectives import (
    Loss,
    answer_of,
    check_alike,
    check_frozen,
    check_parts,
    check_targets,
    inputs_for,
    objective_of,
    rows_to_a_step,
)
from .optimizers import Adam, Memory, Optimizer, check_optimizer
from .rows import Data, rows_of, whole


@dataclass(frozen=True)
class Record:
    """An epoch: its number from 1, the mean loss of its steps, the rate at its end, and what was measured after it.

    `validation` is the loss on the validation data, None without any; `metrics` were measured on the validation data, or
    without any on the training data. `best` says whether no earlier epoch had a lower validation loss (training loss without
    validation). `seconds` is what the epoch took. `stopped` is "patience" or "interrupt" on the last record of a training
    that did not run all its epochs, "nan" where its loss is no number any more, or why the optimizer ended it.
    """

    epoch: int
    epochs: int
    loss: float
    rate: float
    seconds: float
    validation: float | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    best: bool = False
    stopped: str | None = None


class Trainer:
    """A training that can be continued: the compiled step, what the optimizer remembers, and how many epochs are done.

    `data` is X, or (X, t); `loss` is a function (output, target) of nodes, such as ng.softmax_loss: what the network gives
    comes first, the target second, which is X itself where there is no t. Left out, it is `net.objective(*batch)`.

    - `batch`: so many rows make a step, None all of them.
    - `optimizer`: how parameters move, such as nets.SGD(0.1); Adam() unless given.
    - `validation`: data that are not learned from; every epoch is judged by the loss on them, and the best is kept.
    - `metrics`: by name, functions (target, output) of arrays that give a number, the other way round than a loss because
      scikit-learn has them so. Measured after every epoch on the validation data, or without any on the training data.
    - `shuffle`: every epoch has its own order of the rows; False keeps them as they come.
    - `seed`: of these orders, and of all that is drawn while it learns, as by Dropout.
    - `engine`: what computes, a name that ng.compile knows: "numba", "numpy", "cuda" …; that of NNGRAPH_ENGINE unless given.

    How many epochs, and with how much `patience`, is said to `run`. What is frozen when the Trainer is made stays so.
    """

    def __init__(
        self,
        net: Module,
        loss: Loss | None,
        data: Data,
        *,
        batch: int | None = 32,
        optimizer: Optimizer | None = None,
        validation: Data | None = None,
        metrics: Mapping[str, Metric] | None = None,
        shuffle: bool = True,
        seed: int = 0,
        engine: str | None = None,
    ) -> None:
        _check(net, loss, optimizer, metrics)
        self.net, self.optimizer = net, Adam() if optimizer is None else optimizer
        self.shuffle, self.seed = bool(shuffle), whole(seed, "seed", 0)
        if self.seed >> 32:
            raise ParameterError(f"seed={seed}: the draws of a training take seeds below 2**32")
        self.arrays = rows_of(data, "data")
        self.validation = None if validation is None else rows_of(validation, "validation")
        check_alike(self.arrays, self.validation)
        for rows in (self.arrays, self.validation or ()):
            if rows:
                net.check_data(*rows)
        count = len(self.arrays[0])
        self.batch = rows_to_a_step(batch, count)
        self.metrics = dict(metrics or {})
        self.memory, self.done = Memory(), 0
        inputs = inputs_for(self.arrays, self.batch)
        objective = objective_of(net, loss)
        with training(self.seed) as learning:
            value = objective(*inputs)
        check_parts(net, value)
        for rows in (self.arrays, self.validation or ()):
            if rows:
                check_targets(value, inputs, rows)
        self.learned = net.trainable()
        self.learning = learning
        self.ended: str | None = None
        self.best, self.best_values = float("inf"), dict[Leaf, np.ndarray]()
        self._last: tuple[dict[Leaf, np.ndarray], dict[Leaf, int]] | None = None
        self.step = self._compiled(value, inputs, engine)
        for array in (*self.arrays, *(self.validation or ())):
            # Copies of its own, which nobody is to change: an engine that computes elsewhere brings them there once.
            array.flags.writeable = False
        self._measure = self._measured(inputs, objective, loss, engine)

    def _compiled(self, value: Node, inputs: Sequence[Leaf], engine: str | None) -> Executable:
        """The step: loss and rate, and the updates."""
        trainable = self.net.trainable()
        updates = self.optimizer.updates(trainable, gradient(value, list(trainable.values())), self.memory)
        rate = as_node(self.optimizer.rate_at(self.memory))
        return compile([value, rate], inputs, {**updates, **self.learning.updates}, engine)

    def _measured(
        self, inputs: Sequence[Leaf], objective: Callable[..., Node], loss: Loss | None, engine: str | None
    ) -> Executable | None:
        if self.validation is None and not self.metrics:
            return None
        outputs = [objective(*inputs)]
        if self.metrics:
            outputs.append(answer_of(self.net, loss, inputs))
        return compile(outputs, inputs, engine=engine)

    @property
    def states(self) -> dict[str, Leaf]:
        """What is needed besides the network's own values to go on exactly here, by path."""
        kept = {f"optimizer/{path}": leaf for path, leaf in self.memory.states.items()}
        return kept if self.learning.counter is None else {**kept, "draws/step": self.learning.counter}

    @property
    def own(self) -> dict[str, Leaf]:
        """The parameters and states of the network, by path."""
        return {**self.net.parameters(), **self.net.states()}

    def last_values(self) -> dict[Leaf, np.ndarray]:
        """Where the next epoch starts from: the values that the network has or, where it has those of its best epoch and
        nobody has changed them since, those of its last."""
        if self._last is not None and moments(self._last[1]) == self._last[1]:
            return self._last[0]
        return {leaf: leaf.value for leaf in self.own.values()}

    def start_here(self, best: float = float("inf"), best_values: Mapping[Leaf, np.ndarray] | None = None) -> None:
        """Have the next epoch start from the values that the network has now, whatever it had after the last epoch, and
        forget which was the best unless it is given."""
        self.best, self.best_values, self._last = best, dict(best_values or {}), None

    def run(self, epochs: int, patience: int | None = None) -> Iterator[Record]:
        """So many epochs more, a record after each. With `patience`, training ends when the validation loss has not sunk for
        so many epochs. In the end, also after Ctrl-C, the network has the values of its best epoch, where there is
        validation; else the last. An error in the first epoch, such as a class number out of range, leaves all as it was.

        A loss that is no number (NaN) ends it, for what is learned from it is none either: the last record says "nan", and
        with validation the network has its best values, or those it began with. A second run goes on from the last epoch and
        not from the best, as if there had been one run, unless the values were changed in between. It runs as its records are asked for; who
        asks for no more has the best values at once, unless they were changed since the last record."""
        epochs = whole(epochs, "epochs", 0)
        check_frozen(self.net, self.learned)
        return self._records(epochs, None if patience is None else whole(patience, "patience"))

    def _records(self, epochs: int, patience: int | None) -> Iterator[Record]:
        since = 0
        first, last = self.done, self.done + epochs
        record = None
        self._go_on()
        own = list(self.own.values())
        before = {leaf: leaf.value for leaf in (*own, *self.states.values())}
        unchanged: dict[Leaf, int] | None = None
        lost = False
        try:
            for epoch, losses, rate, seconds in self._epochs(first, last):
                began = perf_counter()
                validation, metrics = self._measurements()
                judged = losses if validation is None else validation
                is_best = judged < self.best
                since = 0 if is_best else since + 1
                if is_best:
                    self.best = judged
                    self.best_values = {} if validation is None else {leaf: leaf.value for leaf in own}
                self.done = epoch + 1
                lost = bool(np.isnan(losses))
                over = patience is not None and since >= patience
                record = Record(
                    self.done, last, losses, rate, seconds + perf_counter() - began, validation, metrics, is_best,
                    "nan" if lost else "patience" if over else self.ended,
                )  # fmt: skip
                unchanged = None if validation is None else moments(own)
                yield record
                unchanged = None
                if lost or over:
                    break
                check_frozen(self.net, self.learned)
            if record is not None and self.ended and record.stopped is None:
                unchanged = moments(own)
                yield replace(record, stopped=self.ended)
        except (KeyboardInterrupt, Exception) as error:
            if record is None:
                store({leaf: np.array(value) for leaf, value in before.items()})
                self.done = first
            if record is None or not isinstance(error, KeyboardInterrupt):
                raise
            unchanged = moments(own)
            yield replace(record, stopped="interrupt")
        finally:
            best = self.best_values or ({leaf: before[leaf] for leaf in own} if lost and self.validation is not None else {})
            self._end(best, unchanged, lost)

    def _go_on(self) -> None:
        """Put back the values of the last epoch, unless somebody has changed the network since it was given the best."""
        if self._last is not None:
            values, since = self._last
            if not store({leaf: np.array(value) for leaf, value in values.items()}, since):
                self.start_here()
            self._last = None

    def _end(self, best: Mapping[Leaf, np.ndarray], unchanged: Mapping[Leaf, int] | None, lost: bool) -> None:
        """Give the network its best values, unless who left at a record has changed it since."""
        if not best:
            return
        last = {leaf: leaf.value for leaf in best}
        if store({leaf: np.array(value) for leaf, value in best.items()}, unchanged) and not lost:
            self._last = last, moments(best)

    def _epochs(self, first: int, last: int) -> Iterator[tuple[int, float, float, float]]:
        orders = self.seed if self.shuffle else None
        for epoch in range(first, last):
            losses, rate, seconds = [], 0.0, 0.0
            for progress in self.step.epochs(self.arrays, self.batch, range(epoch, epoch + 1), shuffle=orders):
                losses.append(progress.outputs[0])
                rate, seconds = float(progress.outputs[1][-1]), seconds + progress.seconds
            yield epoch, float(np.mean(np.concatenate(losses))), rate, seconds

    def _measurements(self) -> tuple[float | None, dict[str, float]]:
        if self._measure is None:
            return None, {}
        arrays = self.arrays if self.validation is None else self.validation
        results = self._measure(*arrays)
        target = arrays[-1]
        metrics = {name: measured(name, metric, target, results[1]) for name, metric in self.metrics.items()}
        return (None if self.validation is None else float(results[0])), metrics


def train(
    net: Module, loss: Loss | None = None, data: Data | None = None, *, epochs: int = 10, patience: int | None = None,
    **settings: Any,
) -> Iterator[Record]:  # fmt: skip
    """Train a network: a record for every epoch, computed when it is asked for. Nothing is learned before the records are gone
    through, in a loop or by list(…); who leaves the loop ends the training.

    See `Trainer` for the settings: batch, optimizer, validation, metrics, shuffle, seed and engine; a loss takes (output,
    target), a metric (target, output). `Trainer.run` says what `patience` is and how it ends. An optimizer that takes no
    single steps, such as LBFGS, brings a trainer of its own. A game, such as a GAN, is trained by `train_adversarial`.

    >>> import nngraph as ng, numpy as np
    >>> from nngraph import nets
    >>> X = np.linspace(-1, 1, 64).reshape(-1, 1)
    >>> net = nets.Linear(1, 1, rng=0)
    >>> records = list(nets.train(net, ng.mean_squared_error, (X, 3 * X - 1), epochs=60, optimizer=nets.SGD(0.1)))
    >>> len(records), round(records[-1].loss, 4), np.round(net.W.value, 2)
    (60, 0.0, array([[3.]], dtype=float32))
    """
    if data is None:
        raise ParameterError("train needs data: X, or (X, t)")
    kind = getattr(settings.get("optimizer"), "trainer", Trainer)
    return kind(net, loss, data, **settings).run(epochs, patience)


def _check(net: Any, loss: Any, optimizer: Any, metrics: Any) -> None:
    """ParameterError for what is no network, loss, optimizer or metric at all."""
    if not isinstance(net, Module):
        raise ParameterError(f"{net!r} is no network; it has to be a nets.Module, such as nets.MLP([4, 5, 3])")
    if callable(getattr(net, "turns", None)):
        raise ParameterError(f"{net!r} is a game, whose networks learn in turns: nets.train_adversarial(net, data)")
    if loss is not None and not callable(loss):
        raise ParameterError(_no_loss(net, loss))
    if optimizer is not None:
        check_optimizer(optimizer)
    check_metrics(metrics)


def _no_loss(net: Module, given: Any) -> str:
    """What is said where data, or anything else, stand in the place of the loss."""
    if not isinstance(given, (str, bytes)) and hasattr(given, "__len__"):
        shape = getattr(given, "shape", None)
        what = f"a {type(given).__name__}" if shape is None else f"an array of shape {tuple(shape)}"
        order = "data=(X, t)" if callable(getattr(net, "objective", None)) else "ng.softmax_loss, (X, t)"
        return f"loss is {what}: the loss comes first, and then inputs and targets together, unlike in scikit-learn: fit({order})"
    return f"loss={given!r}: it is a function of what comes out and the target, such as ng.softmax_loss"
