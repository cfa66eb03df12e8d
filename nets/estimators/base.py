"""What all estimators share: data checked, a network built for their sizes, trained, asked, and copied.

A new estimator names its settings in `__init__`, and says in `_build` which network the sizes of the data ask for and
in `_loss` what it learns by. `fit` calls `_rows`, `_start` and `_learn`; `_ask` gives the network's answers. The kinds
of estimators, such as classifiers, are in `kinds`.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from numbers import Real
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from ...autograd.errors import ParameterError
from ...autograd.executable import Executable, compile
from ...autograd.leaves import input as input_leaf
from ...autograd.node import Node
from ...autograd.sizes import Size
from ..metrics import Metric
from ..module import Module
from ..objectives import Loss
from ..optimizers import Adam, Optimizer
from ..quasi_newton import LBFGS
from ..rows import DataError, refuse_masked, rows_of, whole
from ..trainer import Record, Trainer

GREATEST = float(np.finfo(np.float32).max)


class NetEstimator(BaseEstimator):
    """A network behind scikit-learn's conventions. Everything is learned in `fit`: `n_features_in_`, the Module `net_`,
    and `history_`, the records of the epochs.

    Settings that all have: `optimizer`, Adam() if None; `epochs`; `batch`, rows to a step; `early_stopping`, keep
    `validation_fraction` of the rows aside, take the epoch that is best on them, and end `patience` epochs after it;
    `random_state`, a seed for starting values, order and draws; `engine`, what computes, a name that ng.compile knows:
    "numba", "numpy", "cuda" (an NVIDIA GPU) …
    """

    net_: Module
    history_: list[Record]
    n_features_in_: int
    optimizer: Optimizer | None = None
    epochs: int = 1
    batch: int = 32
    early_stopping: bool = False
    validation_fraction: float = 0.1
    patience: int = 10
    random_state: Any = None
    engine: str | None = None

    _loss: Loss | None = None
    """(what the network gives, target) -> one number; None where the network has an objective of its own."""
    _metrics: Mapping[str, Metric] = {}
    """What is measured on the rows kept aside."""
    _measures_training = False
    """Whether it is measured on the rows for training as well."""
    _learned = ("net_", "_trainer", "_asked", "_others", "_resumed")

    def _build(self, seed: int) -> Module:
        """A new network for the sizes found in the data."""
        raise NotImplementedError(f"{type(self).__name__} has no _build(self, seed)")

    def _answer(self, net: Module, x: Node) -> Node:
        """What the network is asked for, as a node."""
        return net(x)

    def _optimizer(self) -> Optimizer:
        return Adam() if self.optimizer is None else self.optimizer

    # Data -----------------------------------------------------------------------------------------------------------
    def _rows(self, X: Any, y: Any = "no_validation", *, reset: bool = False, **checks: Any) -> Any:
        """X as float32 (rows, features), and y with it if there is one; errors name the column. With `reset`, what was
        learned before is given up first: what cannot be fitted anew is not fitted, rather than half of each."""
        if reset:
            self.__dict__.pop("net_", None)
        for values, name in ((X, "X"), (y, "y")):
            refuse_masked(values, name, [str(each) for each in getattr(values, "columns", ())])
        checks |= {"dtype": np.float64, "reset": reset, "ensure_all_finite": False}
        try:
            checked = validate_data(self, X, y, **checks)
        except ValueError as error:
            said = _text_column(X)
            if said is None:
                raise
            raise DataError(said) from error
        array = checked[0] if isinstance(checked, tuple) else checked
        wrong = ~(np.abs(array) <= GREATEST)
        if wrong.any():
            row, column = map(int, np.argwhere(wrong)[0])
            value = array[row, column]
            found = "NaN, a missing value," if np.isnan(value) else f"{value:g} (inf, or too large for float32)"
            raise DataError(
                f"X has {found} in {self._column(column)}, row {row}; {int(wrong.sum())} such in all. Fill or drop them"
                " first, for instance with sklearn.impute.SimpleImputer"
            )
        array = array.astype(np.float32)
        return (array, checked[1]) if isinstance(checked, tuple) else array

    def _column(self, at: int) -> str:
        names = getattr(self, "feature_names_in_", None)
        return f"column {at}" if names is None else f"column {str(names[at])!r}"

    # Learning -------------------------------------------------------------------------------------------------------
    def _start(self) -> None:
        """A new network that has learned nothing yet."""
        name = type(self).__name__
        for setting in ("epochs", "batch", "patience"):
            check_whole(self, setting)
        if not isinstance(self.validation_fraction, Real) or not 0 < self.validation_fraction < 1:
            raise ParameterError(f"{name}(validation_fraction={self.validation_fraction!r}): it lies between 0 and 1")
        if self.optimizer is not None and (not isinstance(self.optimizer, (Optimizer, LBFGS))):
            raise ParameterError(f"{name}(optimizer={self.optimizer!r}): it is one of nets, such as nets.Adam(0.01)")
        self._seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        self._adopt(self._build(self._seed))
        self.history_ = []
        self._fitted_with = self.get_params(deep=False)

    def _adopt(self, net: Module, resumed: Mapping[str, Any] | None = None) -> None:
        """Take this network as one's own, and make ready what asks it."""
        self.net_, self._resumed = net, resumed
        self._trainer: Trainer | None = None
        self._others: dict[str, Executable] = {}
        self._asked: Executable = self._executable(lambda x: self._answer(net, x), self.n_features_in_)

    def _learn(self, *arrays: np.ndarray, epochs: int | None = None, shares: np.ndarray | None = None) -> None:
        """Train on (X,) or (X, t), all epochs or so many. `shares` are the classes whose shares the rows kept aside
        keep. What ends in an error before it has learned anything is not fitted."""
        first = self._trainer is None and self._resumed is None
        try:
            self._train(arrays, epochs, shares)
        except BaseException:
            if first:
                self.__dict__.pop("net_", None)
            raise

    def _train(self, arrays: tuple[np.ndarray, ...], epochs: int | None, shares: np.ndarray | None) -> None:
        validation = None
        if self.early_stopping and epochs is None:
            try:
                parts = train_test_split(
                    *arrays, test_size=self.validation_fraction, random_state=self._seed, stratify=shares
                )
            except ValueError:
                each = "" if shares is None else ", some of each class,"
                raise DataError(
                    f"{type(self).__name__}(early_stopping=True) keeps validation_fraction={self.validation_fraction} of"
                    f" the rows aside{each} and {len(arrays[0])} rows are too few for that"
                ) from None
            arrays, validation = tuple(parts[::2]), tuple(parts[1::2])
        trainer = self._continued(arrays, validation)
        for record in trainer.run(epochs or self.epochs, self.patience if validation else None):
            self.history_.append(record)
            if record.stopped == "interrupt":
                warnings.warn(
                    f"{type(self).__name__} was interrupted after epoch {record.epoch}; it keeps the"
                    f" {'best' if validation else 'last'} values",
                    ConvergenceWarning,
                    stacklevel=4,
                )
            if not np.isfinite(record.loss):
                del self.net_
                raise DataError(
                    f"{type(self).__name__}: the loss is {record.loss} in epoch {record.epoch}. The rate is too high, or"
                    " the columns are of very different size: sklearn.preprocessing.StandardScaler brings them to one"
                )
            if self._is_done(record):
                break

    def _is_done(self, record: Record) -> bool:
        """Whether nothing is left to learn after this epoch."""
        return False

    def _continued(self, arrays: tuple[np.ndarray, ...], validation: tuple[np.ndarray, ...] | None) -> Trainer:
        """The training so far with these rows, or a new one."""
        trainer = self._trainer
        if trainer is not None:
            trainer.arrays, trainer.batch = rows_of(arrays, "data"), min(self.batch, len(arrays[0]))
            trainer.start_here()
            return trainer
        optimizer = self._optimizer()
        whole_trainer = getattr(optimizer, "trainer", None)  # one that takes all rows at once
        self._trainer = trainer = (whole_trainer or Trainer)(
            self.net_,
            self._loss,
            arrays,
            batch=None if whole_trainer else self.batch,
            optimizer=optimizer,
            validation=validation,
            metrics=self._metrics if validation or self._measures_training else None,
            seed=self._seed,
            engine=self.engine,
        )
        if self._resumed is not None:
            trainer.done = self._resumed["done"]
            for path, leaf in trainer.states.items():
                leaf.value = self._resumed[path]
        return trainer

    # Asking ---------------------------------------------------------------------------------------------------------
    def _executable(self, answer: Callable[[Node], Node], width: int) -> Executable:
        x = input_leaf("x", shape=(Size("N", 2), width), dtype="float32")
        return compile(answer(x), x, engine=self.engine)

    def _ask(self, X: Any) -> np.ndarray:
        check_is_fitted(self, "net_")
        return np.array(self._asked(self._rows(X)))

    def _ask_otherwise(self, name: str, answer: Callable[[Any, Node], Node], rows: np.ndarray) -> np.ndarray:
        """What `answer(net, rows)` is; compiled when it is first asked for."""
        if name not in self._others:
            self._others[name] = self._executable(lambda x: answer(self.net_, x), rows.shape[1])
        return np.array(self._others[name](rows))

    # Copies ---------------------------------------------------------------------------------------------------------
    def __getstate__(self) -> dict[str, Any]:
        """Compiled code stays here; values and what the optimizer remembers go along."""
        whole = super().__getstate__()
        state = {name: value for name, value in whole.items() if name not in self._learned}
        if "net_" in whole:
            trainer, resumed = self._trainer, self._resumed
            if trainer is not None:
                resumed = {"done": trainer.done, **{path: leaf.value for path, leaf in trainer.states.items()}}
            state["_values"] = (self.net_.values(), resumed)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        values, resumed = state.pop("_values", (None, None))
        super().__setstate__(state)
        if values is not None:
            # The network is that of the settings `fit` saw, which may have been changed since.
            now = self.get_params(deep=False)
            self.__dict__.update(self._fitted_with)
            self._adopt(self._build(self._seed).set_values(values), resumed)
            self.__dict__.update(now)


def check_whole(estimator: NetEstimator, setting: str, least: int = 1) -> None:
    """ParameterError where a setting is no whole number from so many up."""
    whole(getattr(estimator, setting), setting, least, type(estimator).__name__)


def _text_column(X: Any) -> str | None:
    """What to say of the first column that holds something that is no number; None where all are."""
    names = list(getattr(X, "columns", ()))
    array = np.asarray(X)
    if array.ndim != 2 or array.dtype.kind not in "OUS":
        return None
    for at in range(array.shape[1]):
        for row, value in enumerate(array[:, at].tolist()):
            try:
                float(value)
            except (TypeError, ValueError):
                name = f"column {str(names[at])!r}" if names else f"column {at}"
                return (
                    f"{name} of X has {value!r} at row {row}; numbers are needed. Turn categories into numbers first,"
                    " for instance with sklearn.preprocessing.OneHotEncoder"
                )
    return None
