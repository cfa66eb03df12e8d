"""The one training loop of all games: in every round each side learns from its loss, against the others as they are now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from inspect import signature
from time import perf_counter
from typing import Any

import numpy as np

from ...autograd.differentiate import gradient
from ...autograd.errors import ParameterError, ShapeError
from ...autograd.executable import Executable, compile
from ...autograd.node import Leaf, Node
from ...autograd.ops import clip
from ...autograd.storage import store
from ..mode import Training, training
from ..module import Module
from ..objectives import check_frozen, inputs_for, rows_to_a_step
from ..optimizers import Adam, Memory, Optimizer, check_optimizer
from ..rows import Data, DataError, rows_of, whole
from .game import Game


@dataclass(frozen=True)
class AdversarialRecord:
    """An epoch of a game. Its number from 1, each side's mean loss, its seconds, and what was sampled after it, None unless asked for.

    The losses are of a game: that they stand still says that it is even, not that nothing is learned. `stopped` is "interrupt" on the
    last record of a training that was stopped.
    """

    epoch: int
    epochs: int
    losses: Mapping[str, float]
    seconds: float
    samples: np.ndarray | None = None
    stopped: str | None = None


@dataclass(eq=False)
class Side:
    """A turn as it runs: its loss, the parameters that learn, those that are frozen meanwhile, by path, and the compiled step."""

    loss: Node
    learned: dict[str, Leaf]
    frozen: dict[str, Leaf]
    memory: Memory
    learning: Training
    step: Executable


class AdversarialTrainer:
    """A training of a game that can be continued. `steps` is k: how many batches the discriminator learns from before the generator
    learns once; or how many each side takes, by name. Adam with rate 0.0002 and β₁ = 0.5 (Radford et al. 2015) unless said otherwise,
    one for all sides or by name.

    A side's step moves its own parameters and running statistics and nothing else. `samples` is a node, such as `net.sample(16)`, that
    is evaluated after every epoch. Each epoch goes through the data once, in an order of its own; rows that fill no batch are left for
    another epoch.
    """

    def __init__(
        self,
        net: Game,
        data: Data,
        *,
        batch: int | None = 64,
        steps: int | Mapping[str, int] = 1,
        optimizer: Optimizer | Mapping[str, Optimizer] | None = None,
        samples: Node | None = None,
        seed: int = 0,
        engine: str | None = None,
    ) -> None:
        if not isinstance(net, Game):
            raise ParameterError(f"{net!r} is no game, whose networks learn in turns; nets.train(net, loss, data) trains a network")
        if samples is not None and not isinstance(samples, Node):
            raise ParameterError(f"samples={samples!r}: it is a node, such as net.sample(16)")
        self.net, self.seed, self.done = net, whole(seed, "seed", 0), 0
        self.arrays = rows_of(data, "data")
        net.check_data(*self.arrays)
        self.batch = rows_to_a_step(batch, len(self.arrays[0]), least=2)
        if self.batch < 2:
            raise DataError("a game needs batches of two examples or more")
        turns = net.turns()
        for name, turn in turns.items():
            for each in turn.learns:
                if not isinstance(each, Module):
                    raise ParameterError(f"{each!r}, which learns in the turn of the {name}, is no network, such as nets.MLP([4, 5, 1])")
        names = list(turns)
        self.steps = {**dict.fromkeys(names, 1), **(steps if isinstance(steps, Mapping) else {names[0]: steps})}
        optimizers = optimizer if isinstance(optimizer, Mapping) else dict.fromkeys(names, optimizer)
        for given in (self.steps, optimizers):
            if given.keys() != set(names):
                raise ParameterError(f"{net!r} has the turns {', '.join(names)}; settings were given for {', '.join(given)}")
        for name in names:
            whole(self.steps[name], "steps")
            if optimizers[name] is not None:
                check_optimizer(optimizers[name])
        inputs, self.learned = inputs_for(self.arrays, self.batch), net.trainable()
        self.sides = {name: self._side(name, inputs, optimizers[name] or Adam(2e-4, beta1=0.5), engine) for name in names}
        self._sample = None if samples is None else compile(samples, engine=engine)

    def _side(self, name: str, inputs: list[Leaf], optimizer: Optimizer, engine: str | None) -> Side:
        with self.net.turn(name) as turn:
            takes = list(signature(turn.loss).parameters.values())
            if len(takes) != len(inputs) and all(each.kind is each.POSITIONAL_OR_KEYWORD for each in takes):
                rows = ", ".join(each.name for each in takes)
                raise ShapeError(f"{self.net!r} learns from rows ({rows}); data that hold {len(inputs)} arrays do not fit")
            with training(self.seed) as learning:
                loss = turn.loss(*inputs)
            learned = self.net.trainable()
        if not learned:
            raise ParameterError(f"{self.net!r}: nothing learns in the turn of the {name}; all of it is frozen")
        frozen = {path: leaf for path, leaf in self.net.parameters().items() if path not in learned}
        memory = Memory()
        updates = optimizer.updates(learned, gradient(loss, list(learned.values())), memory)
        if turn.bound is not None:
            updates |= {leaf: clip(updates[leaf], -turn.bound, turn.bound) for leaf in learned.values()}
        own = {leaf for module in turn.learns for leaf in module.states().values()}
        # Running statistics of the others stay as they are; the counter of the draws is nobody's.
        kept = {leaf: new for leaf, new in learning.updates.items() if leaf in own or leaf is learning.counter}
        return Side(loss, learned, frozen, memory, learning, compile(loss, inputs, {**updates, **kept}, engine))

    @property
    def states(self) -> dict[str, Leaf]:
        """What is needed besides the networks' own values to go on exactly here, by path."""
        kept: dict[str, Leaf] = {}
        for name, side in self.sides.items():
            kept |= {f"{name}/optimizer/{path}": leaf for path, leaf in side.memory.states.items()}
            if side.learning.counter is not None:
                kept[f"{name}/draws/step"] = side.learning.counter
        return kept

    def run(self, epochs: int) -> Iterator[AdversarialRecord]:
        """So many epochs more, a record after each. After Ctrl-C the networks have the values of the last step; an error in the first
        epoch leaves all as it was."""
        check_frozen(self.net, self.learned, type(self).__name__)
        return self._records(whole(epochs, "epochs", 0))

    def _records(self, epochs: int) -> Iterator[AdversarialRecord]:
        last, record = self.done + epochs, None
        own = (*self.net.parameters().values(), *self.net.states().values(), *self.states.values())
        before = {leaf: np.array(leaf.value) for leaf in own}
        try:
            for epoch in range(self.done, last):
                began = perf_counter()
                losses = self._epoch(epoch)
                samples = None if self._sample is None else np.array(self._sample())
                self.done = epoch + 1
                record = AdversarialRecord(self.done, last, losses, perf_counter() - began, samples)
                yield record
        except KeyboardInterrupt:
            if record is None:
                raise
            yield replace(record, stopped="interrupt")
        except Exception:
            if record is None:
                store(before)
            raise

    def _epoch(self, epoch: int) -> dict[str, float]:
        order = np.random.default_rng([self.seed, epoch]).permutation(len(self.arrays[0]))
        batches = iter([order[at : at + self.batch] for at in range(0, len(order) - self.batch + 1, self.batch)])
        losses: dict[str, list[float]] = {name: [] for name in self.sides}
        first = next(iter(self.sides))
        rows = next(batches, None)
        while rows is not None:
            for name, side in self.sides.items():
                for step in range(self.steps[name]):
                    # New data for every step of the first side; the others learn from the last of these.
                    following = next(batches, None) if name == first and step else rows
                    if following is None:
                        break
                    rows = following
                    losses[name].append(float(side.step(*[array[rows] for array in self.arrays])))
            rows = next(batches, None)
        return {name: float(np.mean(each)) for name, each in losses.items()}


def train_adversarial(net: Game, data: Data, *, epochs: int = 10, **settings: Any) -> Iterator[AdversarialRecord]:
    """Train a game: a record for every epoch. See `AdversarialTrainer` for the settings.

    >>> import numpy as np
    >>> from nngraph import nets
    >>> X = np.random.default_rng(0).normal(3.0, 0.1, (256, 1))
    >>> net = nets.GAN(nets.Linear(1, 1, rng=0), nets.MLP([1, 16, 1], rng=1), latent=1)
    >>> records = list(nets.train_adversarial(net, X, epochs=60, optimizer=nets.Adam(0.01, beta1=0.5)))
    >>> len(records), list(records[-1].losses), bool(abs(net.sample(100).value.mean() - 3) < 0.4)
    (60, ['discriminator', 'generator'], True)
    """
    return AdversarialTrainer(net, data, **settings).run(epochs)
