"""Checkpoints: everything a training needs to go on exactly where it was, in one safetensors file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..autograd.errors import ParameterError
from .module import fitting, give
from .saving import load_values, save_values
from .trainer import Trainer

if TYPE_CHECKING:
    from .adversarial.trainer import AdversarialTrainer

EPOCHS = "training/epochs"
BEST = "training/best"


def save_checkpoint(path: str | Path, trainer: Trainer | AdversarialTrainer) -> None:
    """Write the values that the next epoch starts from, what the optimizer remembers, how far the draws are and how many
    epochs are done; with validation also the best values so far and their loss."""
    values = {f"net/{name}": value for name, value in trainer.net.values().items()}
    if isinstance(trainer, Trainer):
        last = trainer.last_values()
        values = {f"net/{name}": last[leaf] for name, leaf in trainer.own.items()}
        if trainer.best_values:
            values |= {f"best/{name}": trainer.best_values[leaf] for name, leaf in trainer.own.items()}
            values[BEST] = np.asarray(trainer.best)
    values |= {name: leaf.value for name, leaf in trainer.states.items()}
    save_values(path, {**values, EPOCHS: np.asarray(trainer.done, np.int64)})


def load_checkpoint(path: str | Path, trainer: Trainer | AdversarialTrainer) -> None:
    """Have a trainer that was made in the same way go on from a checkpoint: the same numbers as without the stop, bit for
    bit, where it stopped after an epoch. (After a Ctrl-C within an epoch a new one starts from there.) The network has the
    values of the last epoch, and those of the best again when it has run. An error changes nothing."""
    values = load_values(path)
    own = {f"net/{name}": leaf for name, leaf in {**trainer.net.parameters(), **trainer.net.states()}.items()}
    own |= trainer.states
    best = {f"best/{name}": leaf for name, leaf in trainer.own.items()} if isinstance(trainer, Trainer) else {}
    wanted = {*own, EPOCHS} | ({*best, BEST} if BEST in values else set())
    if values.keys() != wanted:
        strange = sorted(values.keys() ^ wanted)
        raise ParameterError(f"{path} is a checkpoint of another training: {', '.join(strange[:5])} does not fit")
    done = values[EPOCHS]
    if done.shape != () or done.dtype.kind not in "iu" or done < 0:
        raise ParameterError(f"{path}: {EPOCHS} is no number of epochs")
    kept = {}
    if BEST in values:
        kept = fitting({leaf: values[name] for name, leaf in best.items()}, {leaf: f"{path}: {name}" for name, leaf in best.items()})
    give({leaf: values[name] for name, leaf in own.items()}, {leaf: f"{path}: {name}" for name, leaf in own.items()})
    trainer.done = int(done)
    if isinstance(trainer, Trainer):
        trainer.start_here(float(values.get(BEST, np.inf)), kept)
