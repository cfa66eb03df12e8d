"""What `nngraph train` learns from and with: data by name or from files, rows kept aside, and what a system makes of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..autograd.language import N_
from ..autograd.language import translate as _
from .errors import CommandError

if TYPE_CHECKING:
    from ..autograd.node import Node
    from ..nets.data.dataset import Dataset
    from ..nets.module import Module
    from ..viz.plots import Plot

SETS = (
    "digits", "iris", "wine", "breast_cancer", "diabetes", "moons", "circles", "spirals", "blobs", "exclusive_or",
    "gaussian_ring", "churn", "golf", "houses",
)  # fmt: skip
TARGETS = {"churn": "churn", "golf": "play", "houses": "price"}
"""What the generated tables are about."""
OPTIMIZERS = {name.lower(): name for name in ("SGD", "Momentum", "Nesterov", "AdaGrad", "AdaDelta", "RMSProp", "Adam", "AdamW", "LBFGS")}


@dataclass
class Task:
    """Rows to learn from and rows kept aside (None without any), and how targets were scaled."""

    name: str
    train: Dataset
    validation: Dataset | None
    mean: float = 0.0
    spread: float = 1.0

    @property
    def mark(self) -> int:
        """A number that other rows would not have: a training goes on with those it began with."""
        from zlib import crc32

        parts = [array for part in (self.train, self.validation) if part is not None for array in (part.X, part.t)]
        return crc32(b"".join(np.round(np.asarray(array, np.float64), 3).tobytes() for array in parts))

    @property
    def judged(self) -> Dataset:
        """The rows that results are measured on."""
        return self.train if self.validation is None else self.validation


def load(
    data: str, target: str | None, validation: float, seed: int, missing: str, drop: Sequence[str], encoding: str = "utf-8-sig"
) -> Task:
    """The rows of a data set by name, of a CSV file, or of a folder of images; CommandError for what there is not."""
    from ..nets.data.dataset import standardized
    from ..nets.data.table import Table

    if not 0 <= validation < 1:
        raise CommandError(_("--validation {share}: the share of the rows kept aside is at least 0 and less than 1", share=validation))
    try:
        found = _found(data, encoding)
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


def _found(data: str, encoding: str) -> Any:
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
        from codecs import lookup

        from ..nets.rows import DataError

        try:
            lookup(encoding)
            return sets.read_table(path, encoding=encoding)
        except LookupError:
            raise CommandError(_("there is no encoding {name}", name=encoding), _("for example {example}", example="--encoding big5")) from None
        except DataError as error:
            said = str(error)
            hint = _("--encoding says how the file was written, such as big5 or gb18030") if f"in {encoding}" in said else None
            raise CommandError(said.partition("; say encoding=")[0] if hint else said, hint) from None
    from difflib import get_close_matches

    near = get_close_matches(data, SETS, 1)
    hint = _("did you mean {name}?", name=near[0]) if near else _("there are {known}; or give a CSV file, or a folder of images", known=", ".join(SETS))
    raise CommandError(_("there is no data set {name}", name=data), hint)


def placed(data: str) -> str:
    """The name of a data set, or the whole path of a file, so that the training can go on from another folder."""
    return str(Path(data).absolute()) if data not in SETS and data and Path(data).exists() else data


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
        encoding = Encoding(train, target, missing=missing, task=task, unseen="zeros")
        return _scaled(table.name, *[encoding(part) for part in (train, rest) if part is not None])
    except DataError as error:
        said = str(error)
        hint = None
        if "missing" in said:
            # What is to be learned cannot be made up.
            known = missing == "error" and "target" not in said
            hint = _("--missing fill puts in the median or a category of its own, --missing drop leaves such rows out") if known else _("--missing drop leaves such rows out")
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
    """A network, what it is trained with, and how the result is told: rows for training, for validation, loss, metrics.

    `samples` gives what is looked at after every epoch, and `shown` makes a picture of it; None where there is nothing to see.
    `objective` is what the number that is made small is called.
    """

    net: Module
    loss: Any
    data: Any
    validation: Any
    metrics: dict[str, Callable[..., float]]
    pictures: Callable[[], dict[str, Any]] = field(default=dict)
    samples: Callable[[], np.ndarray] | None = None
    shown: Callable[[np.ndarray], Plot] | None = None
    objective: str = "loss"


SAMPLES = 40
"""So many are made to be looked at after every epoch."""


def asked(net: Callable[[Any], Any], rows: np.ndarray, engine: str | None) -> np.ndarray:
    """What a network, or another function of a node, gives for some rows."""
    from ..autograd.executable import compile
    from ..autograd.leaves import input as input_leaf

    rows = rows.astype(np.float32)
    x = input_leaf("x", shape=rows.shape, dtype="float32")
    return np.array(compile(net(x), x, engine=engine)(rows))


def drawn(node: Node, engine: str | None) -> Callable[[], np.ndarray]:
    """The value of a node that needs no input, each time with the weights as they are then."""
    from ..autograd.executable import compile

    run = compile(node, engine=engine)
    return lambda: np.array(run())


def is_share(X: np.ndarray) -> bool:
    """Whether all numbers are from 0 to 1, as those of pixels are."""
    return bool(X.min() >= 0 and X.max() <= 1)


def side_of(columns: int) -> int | None:
    """The side of a square image of so many pixels; None where they are no image that can be seen."""
    side = round(columns**0.5)
    return side if side * side == columns and side >= 4 else None


def seen(task: Task, low: float = 0.0, high: float = 1.0, columns: int | None = None) -> Callable[[np.ndarray], Plot]:
    """How rows that were made are looked at: square images, whose pixels lie between `low` and `high`, side by side; other rows as
    points among the data, by their first two columns."""
    side = side_of(task.train.X.shape[1])

    def shown(made: np.ndarray) -> Plot:
        from ..viz.plots import image_grid, points

        if side is not None:
            return image_grid((made.reshape(-1, side, side) - low) / (high - low), columns=columns or 8)
        X, names = task.train.X, (*task.train.columns, "x", "y")
        return points({_("data"): X[:1000, :2], _("made"): made[:, :2]}, labels=(names[0], names[1]), within=X[:1000, :2])

    return shown


def optimizer(name: str, rate: float | None, adam: Mapping[str, float]) -> Any:
    """An optimizer by its name in small letters; its own usual rate unless one is given. Adam is told `adam` as well."""
    from .. import nets

    if name.lower() not in OPTIMIZERS:
        from difflib import get_close_matches

        near = get_close_matches(name.lower(), OPTIMIZERS, 1)
        raise CommandError(_("there is no optimizer {name}", name=name), _("did you mean {name}?", name=near[0]) if near else _("there are {known}", known=", ".join(OPTIMIZERS)))  # fmt: skip
    if rate is not None and not 0 < rate < float("inf"):
        raise CommandError(_("--rate {rate}: a learning rate is a number above 0", rate=rate))
    settings = {**({} if rate is None else {"rate": rate}), **(adam if name.lower() == "adam" else {})}
    return getattr(nets, OPTIMIZERS[name.lower()])(**settings)


# Names of figures and pictures, so that the catalogs have them.
WORDS = (
    N_("accuracy"), N_("error"), N_("reconstruction error"), N_("curves"), N_("confusion"), N_("boundary"), N_("reconstructions"),
    N_("filters"), N_("samples"), N_("epoch by epoch"),
)  # fmt: skip
