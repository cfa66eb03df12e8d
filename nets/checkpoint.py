"""Checkpoints: everything a training needs to go on exactly where it was, in one safetensors file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..autograd.errors import ParameterError
from .module import give
from .saving import load_values, save_values
from .trainer import Trainer

if TYPE_CHECKING:
    from .adversarial.trainer import AdversarialTrainer

EPOCHS = "training/epochs"


def save_checkpoint(path: str | Path, trainer: Trainer | AdversarialTrainer) -> None:
    """Write the network's values, what the optimizer remembers, how far the draws are and how many epochs are done."""
    values = {f"net/{name}": value for name, value in trainer.net.values().items()}
    values |= {name: leaf.value for name, leaf in trainer.states.items()}
    save_values(path, {**values, EPOCHS: np.int64(trainer.done)})


def load_checkpoint(path: str | Path, trainer: Trainer | AdversarialTrainer) -> None:
    """Have a trainer that was made in the same way go on from a checkpoint: the same numbers as without the stop, bit for
    bit. An error changes nothing."""
    values = load_values(path)
    own = {f"net/{name}": leaf for name, leaf in {**trainer.net.parameters(), **trainer.net.states()}.items()}
    own |= trainer.states
    if values.keys() != {*own, EPOCHS}:
        strange = sorted(values.keys() ^ {*own, EPOCHS})
        raise ParameterError(f"{path} is a checkpoint of another training: {', '.join(strange[:5])} does not fit")
    done = values[EPOCHS]
    if done.shape != () or done.dtype.kind not in "iu" or done < 0:
        raise ParameterError(f"{path}: {EPOCHS} is no number of epochs")
    give({leaf: values[name] for name, leaf in own.items()}, {leaf: f"{path}: {name}" for name, leaf in own.items()})
    trainer.done = int(done)
