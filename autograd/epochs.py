"""Whole epochs of a compiled step: mini-batches, shuffling and a record of every step, run by whatever engine the step has.

A plan that can run many steps in one call is asked to, in stretches short enough for progress bars and Ctrl-C.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np

from .errors import ParameterError, ShapeError
from .philox import LOW, philox

STRETCH = 0.1
"""Seconds after which a running epoch gives control back."""

ORDERED = 1 << 17
"""So many rows are put in order ahead of the steps that take them: a few milliseconds' work."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a training run is, and what the `count` steps since the last record gave.

    `epoch` counts from 0; `step` is how many of the epoch's `steps` are done. `outputs` holds, for each output of the
    executable, an array (count, *output shape), which may span several short epochs; `seconds` is the time they took.
    """

    epoch: int
    step: int
    steps: int
    count: int
    outputs: tuple[np.ndarray, ...]
    seconds: float

    @property
    def ended(self) -> range:
        """The epochs whose last step is among these steps. Every epoch is in one record's, in every engine, also where
        many short epochs share a record.

        >>> Progress(epoch=4, step=1, steps=10, count=15, outputs=(), seconds=0.1).ended
        range(2, 4)
        """
        done = self.epoch * self.steps + self.step
        return range((done - self.count) // self.steps, done // self.steps)

    @property
    def epoch_is_over(self) -> bool:
        """Whether an epoch ended among these steps."""
        return bool(self.ended)


def shuffled(count: int, seed: int, epoch: int) -> np.ndarray:
    """The row numbers 0 … count − 1 in the order of one epoch: the same for the same seed, in every engine.

    >>> sorted(shuffled(5, seed=1, epoch=0).tolist())
    [0, 1, 2, 3, 4]
    """
    return orders(count, seed, range(epoch, epoch + 1))[0]


def orders(count: int, seed: int, epochs: Sequence[int]) -> np.ndarray:
    """The orders of several epochs, (epochs, count): rows sorted by random words, of which each epoch draws its own."""
    blocks = (count + 3) // 4
    step = np.repeat(np.array([epoch & LOW for epoch in epochs], np.uint64), blocks)
    block, zero = np.tile(np.arange(blocks, dtype=np.uint64), len(epochs)), np.zeros_like(step)
    drawn = philox((block, zero, step, zero), (seed & LOW, 0)).T.reshape(len(epochs), -1)[:, :count]
    # The row's number stands behind its word, so that equal words keep their order and sorting needs no other array.
    keys = drawn << np.uint64(32) | np.arange(count, dtype=np.uint64)
    keys.sort(axis=1)
    return (keys & np.uint64(LOW)).astype(np.int64)


def run_epochs(
    executable: Any, data: Sequence[Any], batch: int | None, epochs: int | range, shuffle: int | None
) -> Iterator[Progress]:
    """See Executable.epochs. What is wrong with the arguments is said at once, not when the first record is asked for."""
    arrays = _rows(executable, data)
    count = len(arrays[0])
    if count == 0:
        raise ShapeError("there are no rows to learn from")
    batch = min(_whole("batch", count if batch is None else batch, 1, "rows"), count)
    if not isinstance(epochs, range):
        epochs = range(_whole("epochs", epochs, 0, "passes"))
    elif epochs.step != 1 or epochs.start < 0:
        raise ParameterError(f"epochs={epochs!r} must be a number of passes, or a range of passes one after the other")
    if shuffle is not None and (not isinstance(shuffle, (int, np.integer)) or isinstance(shuffle, bool)):
        raise ParameterError(f"shuffle={shuffle!r} must be a whole number, the seed of the orders, or None")
    seed = None if shuffle is None else int(shuffle)
    whole, rest = divmod(count, batch)
    many = executable.steps_of(arrays, batch)
    if many is not None and not rest:
        return _together(many, count, batch, whole, epochs, seed)
    parts = [(many or _one_by_one(executable, arrays, batch), whole)]
    if rest:
        # Asked for now: a graph that does not take a short batch is refused before the first step.
        parts.append((executable.steps_of(arrays, rest) or _one_by_one(executable, arrays, rest), 1))
    return _by_turns(parts, count, whole * batch, epochs, seed)


def _whole(name: str, value: Any, least: int, of: str) -> int:
    if not isinstance(value, (int, np.integer)) or isinstance(value, bool) or value < least:
        raise ParameterError(f"{name}={value!r} must be a whole number of {of}, from {least} up")
    return int(value)


Stretches = Iterator[tuple[int, tuple[np.ndarray, ...], float]]
Many = Callable[[np.ndarray | None, int], Stretches]
"""From an order of rows and a number of steps, a stretch at a time: how many steps, what they gave, and the seconds it took."""


def _together(many: Many, count: int, batch: int, whole: int, epochs: range, shuffle: int | None) -> Iterator[Progress]:
    """Epochs of equal batches one after the other: a stretch may hold many of them."""
    for some in _chunks(epochs, count, shuffle):
        order = None
        if shuffle is not None:
            order = np.ascontiguousarray(orders(count, shuffle, some)[:, : whole * batch]).reshape(-1)
        done = 0
        for made, outputs, seconds in many(order, whole * len(some)):
            done += made
            epoch, step = divmod(done - 1, whole)
            yield Progress(some[0] + epoch, step + 1, whole, made, outputs, seconds)


def _by_turns(
    parts: Sequence[tuple[Many, int]], count: int, first_of_last: int, epochs: range, shuffle: int | None
) -> Iterator[Progress]:
    """Epochs of full batches and then a short one, which another plan takes; gathered until it is time for a record."""
    steps = sum(each for _, each in parts)
    gathered: list[tuple[np.ndarray, ...]] = []
    epoch = done = taken = 0
    began = perf_counter()

    def record() -> Progress:
        joined = tuple(np.concatenate(each) for each in zip(*gathered))
        return Progress(epoch, done, steps, taken, joined, perf_counter() - began)

    for some in _chunks(epochs, count, shuffle):
        ordered = None if shuffle is None else orders(count, shuffle, some)
        for at, number in enumerate(some):
            for many, order, length in _of_epoch(parts, None if ordered is None else ordered[at], first_of_last, count):
                for made, outputs, _ in many(order, length):
                    # What has the size of the batch in its shape cannot lie in one array with that of another size.
                    if gathered and [each.shape[1:] for each in gathered[-1]] != [each.shape[1:] for each in outputs]:
                        yield record()
                        # The time that the caller takes is not the steps'.
                        gathered, taken, began = [], 0, perf_counter()
                    done = made + (done if number == epoch else 0)
                    epoch, taken = number, taken + made
                    gathered.append(outputs)
                    if perf_counter() - began >= STRETCH:
                        yield record()
                        gathered, taken, began = [], 0, perf_counter()
    if taken:
        yield record()


def _of_epoch(
    parts: Sequence[tuple[Many, int]], order: np.ndarray | None, first_of_last: int, count: int
) -> Iterator[tuple[Many, np.ndarray | None, int]]:
    """What runs the steps of one epoch, the rows that it takes, and how many steps."""
    (many, whole), *last = parts
    yield many, order, whole
    for many, steps in last:
        yield many, np.arange(first_of_last, count) if order is None else order[first_of_last:], steps


def _chunks(epochs: range, count: int, shuffle: int | None) -> Iterator[range]:
    """Epochs whose orders are made at once, because short epochs cost more than their rows."""
    at_once = max(1, len(epochs) if shuffle is None else min(len(epochs), ORDERED // (count + 16)))
    for first in range(epochs.start, epochs.stop, at_once):
        yield range(first, min(epochs.stop, first + at_once))


def _one_by_one(executable: Any, arrays: Sequence[np.ndarray], batch: int) -> Many:
    """Steps called from Python one after the other, for engines that know nothing of many steps."""

    def many(order: np.ndarray | None, count: int) -> Stretches:
        kept: list[tuple[Any, ...]] = []
        began = perf_counter()
        for step in range(count):
            rows: Any = slice(step * batch, (step + 1) * batch)
            kept.append(executable.outputs_of([array[rows if order is None else order[rows]] for array in arrays]))
            now = perf_counter()
            if now - began > STRETCH or step == count - 1:
                yield len(kept), tuple(np.stack(each) for each in zip(*kept)), now - began
                kept, began = [], perf_counter()

    return many


def _rows(executable: Any, data: Sequence[Any]) -> list[np.ndarray]:
    if not executable.inputs:
        raise ParameterError("epochs go over data, but this takes no inputs; name what the data is for: inputs=[x, …]")
    if len(data) != len(executable.inputs):
        names = ", ".join(str(leaf._name) for leaf in executable.inputs)
        raise ParameterError(f"data must hold one array for each input ({names}); got {len(data)}")
    arrays = [np.asarray(array) for array in data]
    for leaf, array in zip(executable.inputs, arrays):
        if array.ndim == 0 or arrays[0].ndim == 0 or len(array) != len(arrays[0]):
            raise ShapeError(
                f"data for {leaf._name!r} has shape {array.shape}; all arrays need the same number of rows,"
                f" {arrays[0].shape[0] if arrays[0].ndim else 'at least one'}"
            )
    # Views, because nobody else can change the shape of these while the steps run.
    return [executable.array_for(leaf, array)[:] for leaf, array in zip(executable.inputs, arrays)]
