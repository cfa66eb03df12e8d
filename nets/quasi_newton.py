"""L-BFGS, by SciPy: all rows at once, a direction from the curvature that was met on the way, and a line search along it.

SciPy asks for a loss and its slopes wherever it likes, so that there is no single step to compile; the loss and the slopes
are one compiled graph.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from queue import SimpleQueue
from threading import Thread
from time import perf_counter
from typing import Any, NoReturn

import numpy as np

from ..autograd.differentiate import gradient
from ..autograd.errors import ParameterError
from ..autograd.executable import Executable, compile
from ..autograd.node import Leaf, Node
from ..autograd.ops import square
from ..autograd.ops import sum as total
from .module import Module
from .objectives import Loss
from .rows import Data, number, rows_of, whole
from .trainer import Trainer

CONVERGED, STUCK = "converged", "line search"
Question = tuple[str, np.ndarray]
Answer = tuple[float, np.ndarray] | None


@dataclass(frozen=True)
class Iteration:
    """An iteration, from 1: the loss and the greatest slope at its end, and how many losses were computed so far. `ended` is
    "converged" on the last where the loss or the slopes say that this is a minimum, "line search" where no place along the
    direction was lower, as rounding has it sooner or later. A start that is a minimum gives one iteration of the number 0.
    """

    number: int
    loss: float
    slope: float
    evaluations: int
    ended: str | None = None


class LBFGSTrainer(Trainer):
    """A training by L-BFGS: an epoch is an iteration on all rows, its rate 1, because the line search decides how far it goes.
    Where the search ends before the last epoch, `stopped` of the last record is "converged" or "line search". What is
    remembered of the curvature is forgotten from one `run` to the next."""

    def __init__(self, net: Module, loss: Loss | None, data: Data, *, batch: int | None = None, optimizer: LBFGS | None = None, **settings: Any) -> None:  # fmt: skip
        rows = len(rows_of(data, "data")[0])
        if batch is not None and batch < rows:
            raise ParameterError(f"batch={batch}: L-BFGS takes all {rows} rows at once, for its line search compares losses")
        super().__init__(net, loss, data, batch=rows, optimizer=optimizer or LBFGS(), **settings)  # type: ignore[arg-type]

    def _compiled(self, value: Node, inputs: Sequence[Leaf], engine: str | None) -> Executable:
        if self.learning.counter is not None:
            raise ParameterError(f"{self.net!r} draws at random while it learns, as Dropout does; L-BFGS needs a loss that stays")
        # Running statistics follow once an iteration, not at every place that the line search tries.
        self.after = compile([], inputs, self.learning.updates, engine) if self.learning.updates else None
        return self.optimizer.compiled(value, self.net.trainable(), inputs, engine)  # type: ignore[attr-defined]

    def _epochs(self, first: int, last: int) -> Iterator[tuple[int, float, float, float]]:
        self.ended = None
        began = perf_counter()
        for each in self.optimizer.iterations(self.step, self.net.trainable(), self.arrays, last - first):  # type: ignore[attr-defined]
            self.ended = each.ended
            if each.ended == STUCK and each.number:
                return
            if self.after is not None:
                self.after(*self.arrays)
            yield first + each.number - 1, each.loss, 1.0, perf_counter() - began
            began = perf_counter()


@dataclass(frozen=True)
class LBFGS:
    """p ← p − α·H·g by SciPy, where H is the inverse of the curvature that the last steps met, and a line search finds α. With the
    last `memory` steps s = Δp and y = Δg, H is such that H·y = s. Liu and Nocedal 1989, On the Limited Memory BFGS Method; Byrd, Lu,
    Nocedal and Zhu 1995, A Limited Memory Algorithm for Bound Constrained Optimization.

    It ends where an iteration lowers the loss by less than `tolerance` of it, or no slope is longer than `slope`. `decay` adds
    decay/2·Σp² of all matrices to the loss, as the decay of the other optimizers does to the gradients. It is best of float64.

    >>> import nngraph as ng
    >>> from nngraph import nets
    >>> X, t = [[-2.0], [-1.0], [1.0], [2.0]], [0.0, 1.0, 0.0, 1.0]
    >>> unit = nets.LogisticRegression(1, dtype="float64")
    >>> records = list(nets.train(unit, data=(X, t), epochs=50, optimizer=nets.LBFGS()))
    >>> records[-1].stopped, round(float(unit.values()["linear/W"][0, 0]), 4)
    ('converged', 0.4196)
    """

    memory: int = 10
    tolerance: float = 1e-10
    slope: float = 1e-6
    decay: float = 0.0

    trainer = LBFGSTrainer

    def __post_init__(self) -> None:
        whole(self.memory, "memory", of="LBFGS")
        for name in ("tolerance", "slope", "decay"):
            number(getattr(self, name), name, least=0, of="LBFGS")

    def updates(self, *about: Any) -> NoReturn:
        """There are none: L-BFGS asks for losses where it likes."""
        raise ParameterError("L-BFGS has no single steps to compile: nets.train(net, loss, data, optimizer=nets.LBFGS())")

    def rate_at(self, *about: Any) -> float:
        """1: the line search decides."""
        return 1.0

    def minimize(
        self, loss: Node, parameters: Mapping[str, Leaf], steps: int = 100, engine: str | None = None
    ) -> Iterator[Iteration]:
        """Move the parameters of a graph to where the loss is least, iteration by iteration; at each the leaves have the values
        that belong to it.

        >>> import nngraph as ng
        >>> from nngraph import nets
        >>> x, y = ng.parameter("x", -1.2), ng.parameter("y", 1.0)
        >>> rosenbrock = (1 - x) ** 2 + 100 * (y - x**2) ** 2
        >>> iterations = list(nets.LBFGS().minimize(rosenbrock, {"x": x, "y": y}))
        >>> iterations[-1].ended, round(float(x.value), 4), round(float(y.value), 4)
        ('converged', 1.0, 1.0)
        """
        return self.iterations(self.compiled(loss, parameters, (), engine), parameters, (), steps)

    def compiled(
        self, loss: Node, parameters: Mapping[str, Leaf], inputs: Sequence[Leaf], engine: str | None = None
    ) -> Executable:
        """The loss with its decay, and the slopes of all parameters."""
        leaves = list(parameters.values())
        if not leaves:
            raise ParameterError("L-BFGS was given no parameters to move")
        for p in leaves:
            if self.decay and len(p.shape) > 1:
                loss = loss + self.decay / 2 * total(square(p))
        return compile([loss, *gradient(loss, leaves)], inputs, engine=engine)

    def iterations(
        self, compiled: Executable, parameters: Mapping[str, Leaf], batch: Sequence[np.ndarray], steps: int
    ) -> Iterator[Iteration]:
        """The same on a batch, with what `compiled` gave."""
        if steps < 1:
            return
        leaves = list(parameters.values())
        kept = _joined([leaf.value for leaf in leaves])
        options = {"maxcor": self.memory, "maxiter": steps, "maxfun": 100 * steps, "ftol": self.tolerance, "gtol": self.slope}
        questions = _questions(kept, options)
        number = evaluations = 0
        here: tuple[float, float] | None = None
        found = (np.nan, np.nan)
        try:
            what, place = next(questions)
            while True:
                if what == "loss":
                    _take(leaves, place)
                    value, *parts = compiled(*batch)
                    slopes, evaluations = _joined(parts), evaluations + 1
                    found = (float(value), float(abs(slopes).max()))
                    here = here or found
                    what, place = questions.send((found[0], slopes))
                    continue
                number, kept, here = number + 1, place, found
                try:
                    what, place = questions.send(None)
                except StopIteration as end:
                    yield Iteration(number, *here, evaluations, CONVERGED if end.value.success else None)
                    return
                # What is asked next is asked after the iteration was looked at.
                yield Iteration(number, *here, evaluations)
        except StopIteration as end:
            yield Iteration(number, *(here or found), evaluations, CONVERGED if end.value.success else STUCK)
        finally:
            questions.close()
            _take(leaves, kept)


class _Over(BaseException):
    """Nobody asks for more iterations."""


def _questions(start: np.ndarray, options: Mapping[str, Any]) -> Generator[Question, Answer, Any]:
    """SciPy's minimizer the other way round: it is a function that calls, here it asks. ("loss", place) wants the loss and the
    slopes there; ("iteration", place) says that one ended, and wants nothing. What SciPy gives in the end is returned.

    It runs in a thread of its own, and only while this one waits, so that an order and a Ctrl-C are as without it.
    """
    try:
        from scipy.optimize import minimize  # type: ignore[import-untyped]
    except ImportError:
        raise ImportError('L-BFGS comes with SciPy: pip install "nngraph[learn]"') from None
    said: SimpleQueue[Any] = SimpleQueue()
    heard: SimpleQueue[Any] = SimpleQueue()

    def ask(what: str, place: np.ndarray) -> Any:
        said.put((what, place.copy()))
        answer = heard.get()
        if answer is _Over:
            raise _Over
        return answer

    def work() -> None:
        try:
            result = minimize(lambda x: ask("loss", x), start, jac=True, method="L-BFGS-B", callback=lambda x: ask("iteration", x), options=dict(options))
            said.put(("result", result))
        except _Over:
            pass
        except BaseException as error:
            said.put(("error", error))

    worker = Thread(target=work, name="L-BFGS", daemon=True)
    worker.start()
    try:
        while True:
            what, value = said.get()
            if what == "error":
                raise value
            if what == "result":
                return value
            heard.put((yield what, value))
    finally:
        heard.put(_Over)
        worker.join()


def _joined(arrays: Sequence[np.ndarray]) -> np.ndarray:
    """All numbers of some arrays in a row, in float64 as SciPy takes them."""
    return np.concatenate([np.asarray(array, np.float64).ravel() for array in arrays])


def _take(leaves: Sequence[Leaf], place: np.ndarray) -> None:
    """The numbers of a row, each in its leaf."""
    parts = np.split(place, np.cumsum([leaf.size for leaf in leaves])[:-1])
    for leaf, part in zip(leaves, parts, strict=True):
        leaf.value = part.reshape(tuple(map(int, leaf.shape))).astype(leaf.dtype)
