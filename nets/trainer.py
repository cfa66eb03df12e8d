"""Training: a network, a loss and data in; a record for every epoch out. Nothing is printed here.

A step is one compiled graph, loss, gradients and updates together, and runs whole epochs in a call.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from numbers import Real
from time import perf_counter
from typing import Any

import numpy as np

from ..autograd.differentiate import gradient
from ..autograd.errors import ParameterError, ShapeError
from ..autograd.executable import Executable, compile
from ..autograd.leaves import as_node
from ..autograd.leaves import input as input_leaf
from ..autograd.node import Leaf, Node
from ..autograd.sizes import Size
from .mode import training
from .module import Module
from .optimizers import Adam, Memory, Optimizer
from .rows import Data, rows_of, whole

Loss = Callable[..., Node]
"""(what the network gives, target) -> one number."""
Metric = Callable[[np.ndarray, np.ndarray], float]
"""(target, what the network gives) -> a number, as in scikit-learn."""


@dataclass(frozen=True)
class Record:
    """An epoch: its number from 1, the mean loss of its steps, the rate at its end, and what was measured after it.

    `validation` is the loss on the validation data, None without any; `metrics` were measured on the validation data, or
    without any on the training data. `best` says whether no earlier epoch had a lower validation loss (training loss without
    validation). `seconds` is what the epoch took. `stopped` is "patience" or "interrupt" on the last record of a training
    that did not run all its epochs, or why the optimizer ended it.
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

    `data` is X, or (X, t); `loss` is a function of what the network gives and of the target, which is X itself where there is
    no t. Left out, it is `net.objective(*batch)`. `batch` rows make a step, None all of them; every epoch has its own order of
    them unless `shuffle` is False.
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
        self.arrays = rows_of(data, "data")
        self.validation = None if validation is None else rows_of(validation, "validation")
        _alike(self.arrays, self.validation)
        for rows in (self.arrays, self.validation or ()):
            if rows:
                net.check_data(*rows)
        count = len(self.arrays[0])
        self.batch = count if batch is None else min(whole(batch, "batch"), count)
        self.metrics = dict(metrics or {})
        self.memory, self.done = Memory(), 0
        inputs = inputs_for(self.arrays, self.batch)
        objective = objective_of(net, loss)
        with training(self.seed) as learning:
            value = objective(*inputs)
        if not net.trainable():
            raise ParameterError(f"{net!r} has nothing to learn: " + ("all is frozen" if net.parameters() else "no parameters"))
        self.learning = learning
        self.ended: str | None = None
        self.step = self._compiled(value, inputs, engine)
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
            outputs.append(_answer(self.net, loss, inputs))
        return compile(outputs, inputs, engine=engine)

    @property
    def states(self) -> dict[str, Leaf]:
        """What is needed besides the network's own values to go on exactly here, by path."""
        kept = {f"optimizer/{path}": leaf for path, leaf in self.memory.states.items()}
        return kept if self.learning.counter is None else {**kept, "draws/step": self.learning.counter}

    def run(self, epochs: int, patience: int | None = None) -> Iterator[Record]:
        """So many epochs more, a record after each. With `patience`, training ends when the validation loss has not sunk for
        so many epochs. In the end, also after Ctrl-C, the network has the values of its best epoch, where there is
        validation; else the last. An error in the first epoch, such as a class number out of range, leaves all as it was."""
        epochs = whole(epochs, "epochs", 0)
        return self._records(epochs, None if patience is None else whole(patience, "patience"))

    def _records(self, epochs: int, patience: int | None) -> Iterator[Record]:
        best, kept, since = float("inf"), None, 0
        first, last = self.done, self.done + epochs
        record = None
        before = {leaf: leaf.value for each in (self.net.parameters(), self.net.states(), self.states) for leaf in each.values()}
        try:
            for epoch, losses, rate, seconds in self._epochs(first, last):
                began = perf_counter()
                validation, metrics = self._measurements()
                judged = losses if validation is None else validation
                is_best = judged < best
                since = 0 if is_best else since + 1
                if is_best:
                    best = judged
                    kept = self.net.values() if validation is not None else None
                self.done = epoch + 1
                over = patience is not None and since >= patience
                record = Record(
                    self.done, last, losses, rate, seconds + perf_counter() - began, validation, metrics, is_best,
                    "patience" if over else self.ended,
                )  # fmt: skip
                yield record
                if over:
                    break
            if record is not None and self.ended and record.stopped is None:
                yield replace(record, stopped=self.ended)
        except KeyboardInterrupt:
            if record is None:
                raise
            yield replace(record, stopped="interrupt")
        except Exception:
            if record is None:
                for leaf, value in before.items():
                    leaf.value = value
                self.done = first
            raise
        finally:
            if kept is not None:
                self.net.set_values(kept)

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
        metrics = {name: _number(name, metric(target, results[1])) for name, metric in self.metrics.items()}
        return (None if self.validation is None else float(results[0])), metrics


def train(
    net: Module, loss: Loss | None = None, data: Data | None = None, *, epochs: int = 10, patience: int | None = None,
    **settings: Any,
) -> Iterator[Record]:  # fmt: skip
    """Train a network: a record for every epoch. See `Trainer` for the settings and `Trainer.run` for how it ends. An optimizer
    that takes no single steps, such as LBFGS, brings a trainer of its own.

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
    if loss is not None and not callable(loss):
        raise ParameterError(f"loss={loss!r}: it is a function of what comes out and the target, such as ng.softmax_loss")
    if optimizer is not None and (isinstance(optimizer, type) or not hasattr(optimizer, "updates")):
        raise ParameterError(f"optimizer={optimizer!r}: it is one of nets, such as nets.Adam(0.01)")
    if metrics is not None and not (isinstance(metrics, Mapping) and all(map(callable, metrics.values()))):
        raise ParameterError(f"metrics={metrics!r}: they are functions (target, what the network gives) by name, {{'error': function}}")


def _number(name: str, found: Any) -> float:
    if isinstance(found, (Real, np.bool_)) or (isinstance(found, np.ndarray) and found.ndim == 0 and found.dtype.kind in "biuf"):
        return float(found)
    what = f"an array of shape {found.shape}" if isinstance(found, np.ndarray) else repr(found)
    raise ParameterError(f"the metric {name!r} gives {what}; it has to give a number")


def objective_of(net: Module, loss: Loss | None) -> Callable[..., Node]:
    """What is made small, as a function of a batch: the loss of what the network gives for it and the last array, or without
    a loss its own objective."""
    if loss is None:
        own = getattr(net, "objective", None)
        if own is None:
            raise ParameterError(f"{net!r} has no objective of its own; give a loss, such as ng.softmax_loss")
        return own
    return lambda *batch: loss(net(*batch[: max(1, len(batch) - 1)]), batch[-1])


def _answer(net: Module, loss: Loss | None, inputs: Sequence[Node]) -> Node:
    """What the network gives where it is measured: what the loss compares with the target, or without a loss its own
    `answer` to a batch, or to the first array of it."""
    if loss is not None:
        return net(*inputs[: max(1, len(inputs) - 1)])
    own = getattr(net, "answer", None)
    return net(inputs[0]) if own is None else own(*inputs)


def inputs_for(arrays: Sequence[np.ndarray], batch: int) -> list[Leaf]:
    """Leaves for batches of these arrays."""
    names = ["x", "t"] if len(arrays) == 2 else ["x"] if len(arrays) == 1 else [*(f"x{k}" for k in range(1, len(arrays))), "t"]
    # An axis of 1 cannot be told from one that is repeated, so that a graph for single rows would fit no other batch.
    count = Size("N", max(batch, 2))
    return [input_leaf(name, shape=(count, *array.shape[1:]), dtype=array.dtype) for name, array in zip(names, arrays)]


def _alike(arrays: Sequence[np.ndarray], others: Sequence[np.ndarray] | None) -> None:
    if others is None:
        return
    shapes, found = [array.shape[1:] for array in arrays], [array.shape[1:] for array in others]
    if shapes != found:
        raise ShapeError(f"a row of validation has shapes {found}, one of data {shapes}")
