"""Random graphs, compiled and by numpy: outputs, gradients and updates agree.

What a graph may differ by is measured on the graph itself: leaves are moved by the last digits of their dtype, and how far
numpy's own results move shows how far rounding reaches. Where rounding decides, as in a comparison of equal numbers, that is
far; everywhere else the engines must agree to 1e-9 of the largest number in float64.
"""

from __future__ import annotations

import numpy as np
import pytest
from nngraph.autograd.graph import order
from nngraph.autograd.node import Leaf

from .random_graphs import Case, random_case, values_of

SEEDS = {np.float64: range(40), np.float32: range(100, 115)}
NEAR = {np.float64: 1e-9, np.float32: 3e-5}
LEFT = 4
"""Units of rounding of 1 that may be left where numbers near 1 cancel and the leaves do not move the rest: 1e-15 in float64."""
MOVED = {np.float64: 1e-12, np.float32: 1e-6}


def _moved(case: Case, dtype: type, rng: np.random.Generator) -> list[np.ndarray]:
    """What numpy gives when all leaves are moved by their last digits."""

    def near(array: np.ndarray) -> np.ndarray:
        return (array * (1 + MOVED[dtype] * rng.choice([-1.0, 1.0], array.shape))).astype(array.dtype)

    nodes = order([*case.outputs, *case.updates.values()])
    leaves: list[Leaf] = [node for node in nodes if node.is_leaf and node.role == "parameter"]
    before = {leaf: leaf.value for leaf in leaves}
    for leaf, value in before.items():
        leaf.value = near(value)
    found = values_of(Case(case.outputs, case.inputs, [near(value) for value in case.values], case.updates), "numpy")
    for leaf, value in before.items():
        leaf.value = value
    return found


@pytest.mark.filterwarnings("ignore:.*draws the same numbers in every call:UserWarning")
@pytest.mark.parametrize(("dtype", "seed"), [(dtype, seed) for dtype, seeds in SEEDS.items() for seed in seeds])
def test_engines_agree(dtype, seed):
    case = random_case(seed, dtype)
    expected, found = values_of(case, "numpy"), values_of(case, "numba")
    rng, moved = np.random.default_rng(seed), None
    for at, (a, b) in enumerate(zip(expected, found, strict=True)):
        assert (a.dtype, a.shape) == (b.dtype, b.shape), at
        a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
        assert np.isfinite(a).all(), "a graph is made of finite numbers"
        far, near = np.abs(a - b), NEAR[dtype] * np.abs(a).max(initial=0.0) + LEFT * np.finfo(dtype).eps
        if not (far <= near).all():
            moved = moved or [_moved(case, dtype, rng) for _ in range(3)]
            reach = max(np.abs(np.asarray(each[at], np.float64) - a).max(initial=0.0) for each in moved)
            assert (far <= near + 100 * reach).all(), (at, far.max(), near, reach)


def test_a_seed_is_always_the_same_graph():
    texts = []
    for _ in range(2):
        case = random_case(7)
        number = {node: at for at, node in enumerate(order([*case.outputs, *case.updates.values()]))}
        texts.append([(node.role if node.is_leaf else node.op.name, [number[each] for each in node.inputs], node.shape) for node in number])
    assert texts[0] == texts[1] and len(texts[0]) > 20
