"""Training steps of the kind a first course has: what `nngraph warmup` compiles ahead."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from ..autograd.differentiate import gradient
from ..autograd.leaves import input as input_leaf
from ..autograd.node import Node
from ..autograd.ops import binary_cross_entropy_logits, mean_squared_error, relu, sigmoid, softmax_loss, tanh
from .feed_forward import MLP
from .image_models import ConvNet, LeNet
from .mode import training
from .module import Module
from .optimizers import SGD, Adam, Momentum, Updates
from .recurrent import LSTM
from .sequence_models import ManyToOne
from .sequential import Sequential

CLASSES = 10
PIXELS = (28, 28)
BATCH = 64

Loss = Callable[[Node, Node], Node]


def steps() -> Iterator[tuple[str, Sequence[Node], Updates]]:
    """Name, outputs and updates of each training step."""
    for name, net, loss, shape, target in nets():
        x, t = (input_leaf(each, shape=(BATCH, *axes)) for each, axes in (("x", shape), ("t", target)))
        with training() as learning:
            value = loss(net(x), t)
        parameters = net.trainable()
        slopes = gradient(value, list(parameters.values()))
        for optimizer in (SGD(), Momentum(), Adam()):
            updates = {**optimizer.updates(parameters, slopes), **learning.updates}
            yield f"{name}, {type(optimizer).__name__}", [value], updates


def nets() -> Iterator[tuple[str, Module, Loss, tuple[int, ...], tuple[int, ...]]]:
    """Name, network, loss, and the shapes of a sample and of its target."""
    scores, pixels = (CLASSES,), (PIXELS[0] * PIXELS[1],)
    for activation in (relu, sigmoid, tanh):
        net = MLP([*pixels, 128, 64, CLASSES], activation)
        yield f"multilayer perceptron of {activation.name}", net, softmax_loss, pixels, scores
    coder = MLP([*pixels, 128, 32, 128, *pixels])
    yield "autoencoder", coder, binary_cross_entropy_logits, pixels, pixels
    yield "autoencoder of squares", Sequential(coder, sigmoid), mean_squared_error, pixels, pixels
    yield "LeNet", LeNet(CLASSES), softmax_loss, (1, *PIXELS), scores
    yield "convolutional net", ConvNet([1, 16, 32], CLASSES, lengths=PIXELS), softmax_loss, (1, *PIXELS), scores
    yield "LSTM", ManyToOne(LSTM(64, 128), CLASSES), softmax_loss, (16, 64), scores
