"""Networks that `nngraph train` trains with a loss of their own: each with the pictures that show what it learned."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ..autograd.language import N_
from ..autograd.language import translate as _
from .errors import CommandError
from .trainable import SAMPLES, Model, Task, asked, drawn, is_share, seen, side_of


def mlp(task: Task, hidden: Sequence[int], settings: Mapping[str, Any]) -> Model:
    from ..autograd.ops import mean_squared_error, softmax_loss
    from ..nets.feed_forward import MLP

    classes, train, engine = task.train.classes, task.train, settings["engine"]
    outputs = len(classes) or train.t.shape[1]
    net = MLP([train.X.shape[1], *hidden, outputs], rng=settings["seed"])

    def pictures() -> dict[str, Any]:
        if not classes:
            return {}
        from ..viz.plots import confusion_matrix, decision_boundary

        answers = asked(net, task.judged.X, engine).argmax(1)
        counts = np.zeros((outputs, outputs), int)
        np.add.at(counts, (task.judged.t, answers), 1)
        made = {"confusion": confusion_matrix(counts, classes)}
        if train.X.shape[1] == 2:
            made["boundary"] = decision_boundary(lambda points: asked(net, points, engine), train.X, train.t, classes=classes, columns=train.columns)  # fmt: skip
        return made

    metrics: dict[str, Callable[..., float]]
    if classes:
        metrics = {"accuracy": lambda t, scores: float((scores.argmax(1) == t).mean())}
    else:
        metrics = {"error": lambda t, y: task.spread * float(np.sqrt(np.mean((y - t) ** 2)))}
    kept = None if task.validation is None else (task.validation.X, task.validation.t)
    return Model(net, softmax_loss if classes else mean_squared_error, (train.X, train.t), kept, metrics, pictures)


def rbm(task: Task, hidden: Sequence[int], settings: Mapping[str, Any]) -> Model:
    from ..nets.boltzmann import RBM

    X = task.train.X
    if len(hidden) != 1:
        raise CommandError(_("rbm has one layer of hidden units: --hidden {count}", count=hidden[0]))
    binary = is_share(X)
    net = RBM(X.shape[1], hidden[0], units="bernoulli" if binary else "gaussian", rng=settings["seed"])

    def again(x: Any) -> Any:
        return net.visible_mean(net(x))

    def error(t: np.ndarray, _hidden: np.ndarray) -> float:
        return float(np.mean((asked(again, task.judged.X, settings["engine"]) - task.judged.X) ** 2))

    # The value of its objective says little, so that no epoch is called best by it, and it is not called a loss.
    return Model(
        net, None, (X,), None, {"reconstruction error": error}, lambda: _images(task, net.W.value.T, again, settings["engine"]),
        objective=N_("free energy, data − chain"),
    )  # fmt: skip


def autoencoder(task: Task, hidden: Sequence[int], settings: Mapping[str, Any]) -> Model:
    from ..autograd.ops import sigmoid
    from ..nets.autoencoders import Autoencoder
    from ..nets.feed_forward import MLP
    from ..nets.sequential import Sequential

    X = task.train.X
    rng = np.random.default_rng(settings["seed"])
    sizes = [X.shape[1], *hidden]
    binary = is_share(X)
    encoder, decoder = MLP(sizes, rng=rng), MLP(sizes[::-1], rng=rng)
    net = Autoencoder(encoder, Sequential(decoder, sigmoid) if binary else decoder)
    kept = None if task.validation is None else (task.validation.X,)
    return Model(net, None, (X,), kept, {}, lambda: _images(task, encoder.layers[0].W.value.T, net, settings["engine"]))


def vae(task: Task, hidden: Sequence[int], settings: Mapping[str, Any]) -> Model:
    """The code is drawn and decoded after every epoch, so that what is drawn can be seen to become what was learned."""
    from ..nets.autoencoders import VariationalAutoencoder
    from ..nets.feed_forward import MLP

    X, latent, rng = task.train.X, settings["latent"], np.random.default_rng(settings["seed"])
    if not is_share(X):
        raise CommandError(_("vae takes numbers between 0 and 1, such as pixels; {data} has others", data=task.name))
    encoder, decoder = MLP([X.shape[1], *hidden, 2 * latent], rng=rng), MLP([latent, *hidden[::-1], X.shape[1]], rng=rng)
    net = VariationalAutoencoder(encoder, decoder, latent)
    codes = np.random.default_rng(settings["seed"]).normal(size=(SAMPLES, latent)).astype(np.float32)
    kept = None if task.validation is None else (task.validation.X,)
    return Model(
        net, None, (X,), kept, {}, lambda: _images(task, encoder.layers[0].W.value.T, net, settings["engine"]),
        drawn(net.decode(codes), settings["engine"]), seen(task),
    )  # fmt: skip


def _images(task: Task, filters: np.ndarray, again: Any, engine: str | None) -> dict[str, Any]:
    """Filters and reconstructions where rows are square images."""
    side = side_of(filters.shape[1])
    if side is None:
        return {}
    from ..viz.plots import image_grid, reconstructions

    some = task.judged.X[:12]
    came = asked(again, some, engine)
    shape = (-1, side, side)
    return {
        "reconstructions": reconstructions(some.reshape(shape), came.reshape(shape)),
        "filters": image_grid(filters[:64].reshape(shape), signed=True),
    }
