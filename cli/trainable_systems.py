"""What `nngraph train` can train, by name: how a network of the kind is made for some rows, and what is usual for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..autograd.language import translate as _
from .errors import CommandError
from .trainable import Model, Task, optimizer
from .trainable_games import conditional, dcgan, gan
from .trainable_nets import autoencoder, mlp, rbm, vae

if TYPE_CHECKING:
    from ..nets.adversarial.trainer import AdversarialTrainer
    from ..nets.trainer import Trainer

USUAL: dict[str, Any] = {
    "system": "mlp", "data": None, "target": None, "hidden": None, "latent": None, "loss": None, "steps": None, "epochs": 30,
    "optimizer": "adam", "rate": None, "batch": 32, "validation": 0.2, "patience": None, "seed": 0, "engine": None, "missing": "error",
    "drop": [], "encoding": "utf-8-sig", "rows": None,
}  # fmt: skip
"""Every setting of a training, as it is where nobody says otherwise."""


@dataclass(frozen=True)
class System:
    """How it is made, the sizes of its hidden layers, where its usual settings differ from USUAL, which settings only some systems
    have it takes, and what Adam is told beside the rate."""

    make: Callable[[Task, Sequence[int], Mapping[str, Any]], Model]
    hidden: tuple[int, ...]
    usual: Mapping[str, Any] = field(default_factory=dict)
    takes: tuple[str, ...] = ("validation", "patience")
    adam: Mapping[str, float] = field(default_factory=dict)


GAME: dict[str, Any] = {"latent": 16, "loss": "non-saturating", "steps": 1, "rate": 1e-3, "batch": 64, "validation": 0.0}
TOLD = ("latent", "loss", "steps")
SYSTEMS = {
    "mlp": System(mlp, (30,)),
    "rbm": System(rbm, (64,), {"optimizer": "sgd", "rate": 0.1}),
    "autoencoder": System(autoencoder, (32, 8)),
    "vae": System(vae, (128,), {"latent": 8, "rate": 3e-3}, ("validation", "patience", "latent")),
    "gan": System(gan, (128,), GAME, TOLD, {"beta1": 0.5}),
    "wgan": System(gan, (128,), {**GAME, "loss": "wasserstein-gp", "steps": 3}, TOLD, {"beta1": 0.5, "beta2": 0.9}),
    "dcgan": System(dcgan, (16, 8), {**GAME, "rate": 2e-3}, TOLD, {"beta1": 0.5}),
    "conditional": System(conditional, (128,), {**GAME, "rate": 2e-3}, TOLD, {"beta1": 0.5}),
}
"""What can be trained, in the order of the course."""
ALL_ROWS = ("batch", "rate")
"""Settings that an optimizer which takes all rows at once has no use for."""
NOTHING, SHARE = type(None), (int, float)
KINDS: dict[str, Any] = {
    **dict.fromkeys(("system", "data", "optimizer", "missing", "encoding"), str), **dict.fromkeys(("target", "hidden", "loss", "engine"), (str, NOTHING)),
    **dict.fromkeys(("epochs", "seed"), int), **dict.fromkeys(("latent", "steps", "batch", "patience", "rows"), (int, NOTHING)),
    "validation": SHARE, "rate": (*SHARE, NOTHING), "drop": list,
}  # fmt: skip
"""What each setting is."""
SOME = ("validation", "patience", "latent", "loss", "steps")
"""Settings that some systems have no use for."""


def settled(said: Mapping[str, Any]) -> dict[str, Any]:
    """All settings of a training of which some were said; CommandError for one that its system has no use for."""
    system = SYSTEMS[said["system"]]
    for name in SOME:
        if name in said and name not in system.takes:
            users = ", ".join(each for each, other in SYSTEMS.items() if name in other.takes)
            raise CommandError(_("--{name} means nothing to {system}", name=name, system=said["system"]), _("it is for {systems}", systems=users))
    usual = {**USUAL, **system.usual}
    if said.get("optimizer", usual["optimizer"]) != usual["optimizer"]:
        usual["rate"] = None  # the rate was that of another optimizer
    return {**usual, **_for_optimizer(said, system), **said}


def _for_optimizer(said: Mapping[str, Any], system: System) -> dict[str, Any]:
    """What is usual with an optimizer that takes no single steps; CommandError where it cannot be."""
    if str(said.get("optimizer")).lower() != "lbfgs":
        return {}
    if "steps" in system.takes:
        raise CommandError(_("--{name} means nothing to {system}", name="optimizer lbfgs", system=said["system"]), _("a game has no loss that one could search for the least of"))
    for name in ALL_ROWS:
        if name in said:
            raise CommandError(_("--{name} means nothing to {system}", name=name, system="lbfgs"), _("it takes all rows at once and finds out itself how far to go"))
    return dict.fromkeys(ALL_ROWS)


def checked(found: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that were read from a file, all of them; ValueError for what can be none."""
    for name, value in found.items():
        kinds = KINDS.get(name)
        if kinds is None or isinstance(value, bool) or not isinstance(value, kinds):
            raise ValueError(name)
    if found.get("system") not in SYSTEMS or not isinstance(found.get("data"), str):
        raise ValueError("system")
    if not all(isinstance(column, str) for column in found.get("drop", ())):
        raise ValueError("drop")
    return {**USUAL, **found}


def model(task: Task, sizes: Sequence[int] | None, settings: Mapping[str, Any]) -> Model:
    """The network of a system for some rows."""
    system = SYSTEMS[settings["system"]]
    return system.make(task, system.hidden if sizes is None else sizes, settings)


def trainer_of(made: Model, settings: Mapping[str, Any]) -> Trainer | AdversarialTrainer:
    """What trains it: of a game each side in turn."""
    from ..nets.adversarial.game import Game
    from ..nets.adversarial.trainer import AdversarialTrainer
    from ..nets.trainer import Trainer

    learner = optimizer(settings["optimizer"], settings["rate"], SYSTEMS[settings["system"]].adam)
    alike: dict[str, Any] = {name: settings[name] for name in ("batch", "seed", "engine")}
    if isinstance(made.net, Game):
        return AdversarialTrainer(made.net, made.data, steps=settings["steps"], optimizer=learner, **alike)
    kind = getattr(learner, "trainer", Trainer)
    return kind(made.net, made.loss, made.data, optimizer=learner, validation=made.validation, metrics=made.metrics, **alike)
