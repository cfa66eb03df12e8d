"""What `nngraph train` can train: which data there are, and for each system its network, its loss and its pictures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..autograd.language import N_
from ..autograd.language import translate as _
from .errors import CommandError

if TYPE_CHECKING:
    from ..nets.data.dataset import Dataset
    from ..nets.module import Module

SETS = (
    "digits", "iris", "wine", "breast_cancer", "diabetes", "moons", "circles", "spirals", "blobs", "exclusive_or",
    "gaussian_ring", "churn", "golf", "houses",
)  # fmt: skip
TARGETS = {"churn": "churn", "golf": "play", "houses": "price"}
"""What the generated tables are about."""
OPTIMIZERS = ("sgd", "momentum", "nesterov", "adagrad", "adadelta", "rmsprop", "adam", "adamw")
HIDDEN = {"mlp": (30,), "rbm": (64,), "autoencoder": (32, 8)}
"""Systems and the sizes they have unless told otherwise."""


@dataclass
class Task:
    """Rows to learn from and rows kept aside (None without any), and how targets were scaled."""

    name: str
    train: Dataset
    validation: Dataset | None
    mean: float = 0.0
    spread: float = 1.0

    @property
    def judged(self) -> Dataset:
        """The rows that results are measured on."""
        return self.train if self.validation is None else self.validation


def load(data: str, target: str | None, validation: float, seed: int, missing: str, drop: Sequence[str]) -> Task:
    """The rows of a data set by name, of a CSV file, or of a folder of images; CommandError for what there is not."""
    from ..nets.data.dataset import standardized
    from ..nets.data.table import Table

    if not 0 <= validation < 1:
        raise CommandError(_("--validation {share}: the share of the rows kept aside is at least 0 and less than 1", share=validation))
    try:
        found = _found(data)
        if isinstance(found, Table):
            target = target or TARGETS.get(data)
            if target is None:
                raise CommandError(_("{data} is a table: --target says which column is to be learned", data=data), _("there are {known}", known=", ".join(found.columns)))  # fmt: skip
            return _of_table(found, target, validation, seed, missing, drop)
    except ImportError as error:
        raise CommandError(str(error)) from None
    if target is not None:
        raise CommandError(_("--target is for tables; {data} has its own", data=data))
    rows = found.X.reshape(len(found), -1)
    found = type(found)(found.name, rows, found.t, found.columns, found.classes, found.source)
    parts = found.split(validation, seed) if validation else (found,)
    if rows.min() < 0 or rows.max() > 1:
        parts = standardized(*parts)
    return _scaled(data, *parts)


def _found(data: str) -> Any:
    from ..nets import data as sets

    path = Path(data)
    if data in SETS:
        made = getattr(sets, data)
        return made(200) if data == "exclusive_or" else made()
    if path.is_dir():
        packed = any("idx" in each.name for each in path.iterdir())
        return sets.mnist(path, flat=True) if packed else sets.image_folder(path)
    if path.suffix.lower() in (".csv", ".tsv", ".txt"):
        if not path.exists():
            raise CommandError(_("there is no file {path}", path=path))
        return sets.read_table(path)
    from difflib import get_close_matches

    near = get_close_matches(data, SETS, 1)
    hint = _("did you mean {name}?", name=near[0]) if near else _("there are {known}; or give a CSV file, or a folder of images", known=", ".join(SETS))
    raise CommandError(_("there is no data set {name}", name=data), hint)


def _of_table(table: Any, target: str, share: float, seed: int, missing: str, drop: Sequence[str]) -> Task:
    from ..nets.data.encoding import Encoding
    from ..nets.rows import DataError

    for column in (target, *drop):
        if column not in table.columns:
            raise CommandError(_("{name} has no column {column}", name=table.name, column=column), _("there are {known}", known=", ".join(table.columns)))
    table = table.without(*drop)
    try:
        task = Encoding(table, target, missing=missing).task
        by = target if task == "classes" else None
        if missing == "drop" and by is not None:
            gaps = np.any([column.missing for column in table.columns.values()], axis=0)
            table = table.rows(~gaps)
        train, rest = table.split(share, seed, by) if share else (table, None)
        encoding = Encoding(train, target, missing=missing, task=task)
        return _scaled(table.name, *[encoding(part) for part in (train, rest) if part is not None])
    except DataError as error:
        said = str(error)
        hint = _("--missing fill puts in the median or a category of its own, --missing drop leaves such rows out") if "missing" in said else None
        raise CommandError(said, hint) from None


def _scaled(name: str, train: Dataset, validation: Dataset | None = None) -> Task:
    """Amounts at mean 0 and spread 1, as the training rows have them: a network starts near 0."""
    from dataclasses import replace

    if train.classes:
        return Task(name, train, validation)
    mean, spread = float(train.t.mean()), float(train.t.std()) or 1.0
    train, *rest = (replace(part, t=((part.t - mean) / spread).reshape(len(part), -1)) for part in (train, validation) if part is not None)
    return Task(name, train, rest[0] if rest else None, mean, spread)


@dataclass
class Model:
    """A network, what it is trained with, and how the result is told: rows for training, for validation, loss, metrics."""

    net: Module
    loss: Any
    data: Any
    validation: Any
    metrics: dict[str, Callable[..., float]]
    pictures: Callable[[], dict[str, Any]] = field(default=dict)


def model(system: str, task: Task, hidden: Sequence[int], seed: int, engine: str | None) -> Model:
    """The network of a system for some rows."""
    made = {"mlp": _mlp, "rbm": _rbm, "autoencoder": _autoencoder}[system]
    return made(task, hidden, seed, engine)


def _asked(net: Any, rows: np.ndarray, engine: str | None, ask: Callable[[Any], Any]) -> np.ndarray:
    from ..autograd.executable import compile
    from ..autograd.leaves import input as input_leaf

    rows = rows.astype(np.float32)
    x = input_leaf("x", shape=rows.shape, dtype="float32")
    return np.array(compile(ask(x), x, engine=engine)(rows))


def _mlp(task: Task, hidden: Sequence[int], seed: int, engine: str | None) -> Model:
    from ..autograd.ops import mean_squared_error, softmax_loss
    from ..nets.feed_forward import MLP

    classes, train = task.train.classes, task.train
    outputs = len(classes) or train.t.shape[1]
    net = MLP([train.X.shape[1], *hidden, outputs], rng=seed)

    def pictures() -> dict[str, Any]:
        if not classes:
            return {}
        from ..viz.plots import confusion_matrix, decision_boundary

        answers = _asked(net, task.judged.X, engine, net).argmax(1)
        counts = np.zeros((outputs, outputs), int)
        np.add.at(counts, (task.judged.t, answers), 1)
        made = {"confusion": confusion_matrix(counts, classes)}
        if train.X.shape[1] == 2:
            made["boundary"] = decision_boundary(lambda points: _asked(net, points, engine, net), train.X, train.t, classes=classes, columns=train.columns)  # fmt: skip
        return made

    metrics: dict[str, Callable[..., float]]
    if classes:
        metrics = {"accuracy": lambda t, scores: float((scores.argmax(1) == t).mean())}
    else:
        metrics = {"error": lambda t, y: task.spread * float(np.sqrt(np.mean((y - t) ** 2)))}
    kept = None if task.validation is None else (task.validation.X, task.validation.t)
    return Model(net, softmax_loss if classes else mean_squared_error, (train.X, train.t), kept, metrics, pictures)


def _rbm(task: Task, hidden: Sequence[int], seed: int, engine: str | None) -> Model:
    from ..nets.boltzmann import RBM

    X = task.train.X
    if len(hidden) != 1:
        raise CommandError(_("rbm has one layer of hidden units: --hidden {count}", count=hidden[0]))
    binary = X.min() >= 0 and X.max() <= 1
    net = RBM(X.shape[1], hidden[0], units="bernoulli" if binary else "gaussian", rng=seed)

    def again(x: Any) -> Any:
        return net.visible_mean(net(x))

    def error(t: np.ndarray, _hidden: np.ndarray) -> float:
        return float(np.mean((_asked(net, task.judged.X, engine, again) - task.judged.X) ** 2))

    # The value of its objective says little, so that no epoch is called best by it.
    return Model(net, None, (X,), None, {"reconstruction error": error}, lambda: _images(task, net.W.value.T, again, net, engine))


def _autoencoder(task: Task, hidden: Sequence[int], seed: int, engine: str | None) -> Model:
    from ..autograd.ops import sigmoid
    from ..nets.autoencoders import Autoencoder
    from ..nets.feed_forward import MLP
    from ..nets.module import Module
    from ..nets.sequential import Sequential

    class Sigmoid(Module):
        """Numbers between 0 and 1, as pixels are."""

        def forward(self, x: Any) -> Any:
            return sigmoid(x)

    X = task.train.X
    rng = np.random.default_rng(seed)
    sizes = [X.shape[1], *hidden]
    binary = X.min() >= 0 and X.max() <= 1
    encoder, decoder = MLP(sizes, rng=rng), MLP(sizes[::-1], rng=rng)
    net = Autoencoder(encoder, Sequential(decoder, Sigmoid()) if binary else decoder)
    kept = None if task.validation is None else (task.validation.X,)
    return Model(net, None, (X,), kept, {}, lambda: _images(task, encoder.layers[0].W.value.T, net, net, engine))


def _images(task: Task, filters: np.ndarray, again: Callable[[Any], Any], net: Any, engine: str | None) -> dict[str, Any]:
    """Filters and reconstructions where rows are square images."""
    side = round(filters.shape[1] ** 0.5)
    if side * side != filters.shape[1] or side < 4:
        return {}
    from ..viz.plots import image_grid, reconstructions

    some = task.judged.X[:12]
    came = _asked(net, some, engine, again)
    shape = (-1, side, side)
    return {
        "reconstructions": reconstructions(some.reshape(shape), came.reshape(shape)),
        "filters": image_grid(filters[:64].reshape(shape), signed=True),
    }


def optimizer(name: str, rate: float | None) -> Any:
    """An optimizer by its name in small letters; its own usual rate unless one is given."""
    from .. import nets

    if name.lower() not in OPTIMIZERS:
        from difflib import get_close_matches

        near = get_close_matches(name.lower(), OPTIMIZERS, 1)
        raise CommandError(_("there is no optimizer {name}", name=name), _("did you mean {name}?", name=near[0]) if near else _("there are {known}", known=", ".join(OPTIMIZERS)))  # fmt: skip
    if rate is not None and not 0 < rate < float("inf"):
        raise CommandError(_("--rate {rate}: a learning rate is a number above 0", rate=rate))
    made = {each.lower(): getattr(nets, each) for each in ("SGD", "Momentum", "Nesterov", "AdaGrad", "AdaDelta", "RMSProp", "Adam", "AdamW")}
    return made[name.lower()]() if rate is None else made[name.lower()](rate)


# Names of figures and pictures, so that the catalogs have them.
WORDS = (N_("accuracy"), N_("error"), N_("reconstruction error"), N_("curves"), N_("confusion"), N_("boundary"), N_("reconstructions"), N_("filters"))
