"""The activation functions of a first course on a line: curve, slope, strengths, weaknesses, and where each saturates."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..autograd.differentiate import gradient
from ..autograd.language import N_
from ..autograd.leaves import input as input_leaf
from ..autograd.node import Node
from ..autograd.ops import leaky_relu, maxout, relu, sigmoid, softmax, stack, step, tanh
from ..autograd.ops import sum as total


@dataclass(frozen=True)
class Activation:
    """An activation function y = f(x) of one number x, and in a sentence each: its strengths, its weaknesses, and where
    it saturates, which is where its slope is nearly 0, so that a unit learns nothing there. The sentences are English;
    `translate` speaks them."""

    name: str
    formula: str
    function: Callable[[Node], Node]
    strengths: str
    weaknesses: str
    saturation: str
    source: str

    def values(self, x: Any) -> np.ndarray:
        """f(x) for each number of an array, in its shape."""
        return self.function(_line(x)).value

    def slopes(self, x: Any) -> np.ndarray:
        """f′(x) for each number of an array, by backpropagation; at a kink the slope that the engine chooses."""
        place = _line(x)
        return gradient(total(self.function(place)), [place])[0].value

    @property
    def remarks(self) -> Mapping[str, str]:
        """The sentences by what they are about."""
        return {
            N_("strengths"): self.strengths,
            N_("weaknesses"): self.weaknesses,
            N_("saturation"): self.saturation,
        }


def _line(x: Any) -> Node:
    return input_leaf("x", np.asarray(x, np.float64))


def activation_functions() -> dict[str, Activation]:
    """The activation functions of a first course by name: threshold, sigmoid, tanh, ReLU, leaky ReLU, maxout, softmax.
    The last two take several numbers: maxout is shown with three pieces, softmax as the share of a score x beside two
    that are 0.

    >>> from nngraph import nets
    >>> page = nets.activation_functions()
    >>> page["sigmoid"].values([-2.0, 0.0, 2.0]).round(3).tolist(), page["sigmoid"].slopes(0.0).item()
    ([0.119, 0.5, 0.881], 0.25)
    >>> page["threshold"].saturation
    'everywhere'
    """
    return {each.name: each for each in _FUNCTIONS}


def _three_pieces(x: Node) -> Node:
    return maxout(stack([-x - 1.0, 0.2 * x, x - 1.0], axis=-1), pieces=3)[..., 0]


def _one_of_three(x: Node) -> Node:
    return softmax(stack([x, 0.0 * x, 0.0 * x], axis=-1))[..., 0]


_FUNCTIONS = (
    Activation(
        N_("threshold"), "[x > 0]", step,
        N_("a plain yes or no, simple to compute and to understand"),
        N_("its slope is 0 on both sides of the jump: no gradient can teach it"),
        N_("everywhere"),
        "McCulloch and Pitts 1943, A Logical Calculus of the Ideas Immanent in Nervous Activity",
    ),
    Activation(
        "sigmoid", "1/(1 + e⁻ˣ)", sigmoid,
        N_("smooth, between 0 and 1, so that it can be read as a probability"),
        N_("its slope is at most 1/4, so that gradients shrink in every layer; its values are never negative"),
        N_("at both ends"),
        "Verhulst 1845; Rumelhart, Hinton and Williams 1986",
    ),
    Activation(
        "tanh", "(eˣ − e⁻ˣ)/(eˣ + e⁻ˣ)", tanh,
        N_("smooth and centered at 0, so that the next layer is given both signs; its slope reaches 1"),
        N_("gradients still vanish in deep networks where units are far from 0"),
        N_("at both ends, sooner than the sigmoid"),
        "LeCun, Bottou, Orr and Müller 1998, Efficient BackProp",
    ),
    Activation(
        "ReLU", "max(0, x)", relu,
        N_("cheap; where it is positive the whole gradient passes, however deep the network"),
        N_("a unit that is negative for all data receives no gradient any more: it is dead"),
        N_("on the left only"),
        "Fukushima 1969; Nair and Hinton 2010",
    ),
    Activation(
        "leaky ReLU", "max(0.1x, x)", lambda x: leaky_relu(x, slope=0.1),
        N_("as cheap, and no unit dies: on the left a part of the gradient passes"),
        N_("the slope on the left, here 0.1, must be chosen, and the gain over ReLU is often small"),
        N_("nowhere"),
        "Maas, Hannun and Ng 2013, Rectifier Nonlinearities Improve Neural Network Acoustic Models",
    ),
    Activation(
        "maxout", "max(−x − 1, 0.2x, x − 1)", _three_pieces,
        N_("it learns its own form, of straight pieces, and the whole gradient passes through the largest"),
        N_("every piece has weights of its own: three pieces, three times as many"),
        N_("nowhere, unless it learns a level piece"),
        "Goodfellow et al. 2013, Maxout Networks",
    ),
    Activation(
        "softmax", "eˣ/(eˣ + e⁰ + e⁰)", _one_of_three,
        N_("turns the scores of all classes into probabilities, which add up to 1"),
        N_("for the top layer only: its values compete, and each depends on all scores"),
        N_("at both ends; with cross-entropy as the loss the slope by the score is p − t and does not vanish"),
        "Bridle 1990, Probabilistic Interpretation of Feedforward Classification Network Outputs",
    ),
)  # fmt: skip
