"""What the rules for loops stand on: ops over all steps at once, costs, the cheapest cut."""

from __future__ import annotations

import nngraph as ng
import numpy as np
import pytest
from nngraph.autograd.loops import cost, cut, steps
from nngraph.autograd.op import OPS


def _examples():
    for op in OPS.values():
        for at, example in enumerate(op.examples):
            yield pytest.param(op, example, id=f"{op.name}-{at}")


@pytest.mark.parametrize(("op", "example"), list(_examples()))
def test_an_op_on_all_steps_is_the_op_on_each(op, example):
    """Whatever says that it can work on all steps at once gives each step's value, for every choice of operands that
    change with the step."""
    rng = np.random.default_rng(8)
    sets = [example.arrays(rng) for _ in range(3)]
    count = len(example.shapes)
    known = 0
    for chosen in range(1, 2**count):
        moving = [bool(chosen >> at & 1) for at in range(count)]
        values = [[(each if moves else first) for each, first, moves in zip(one, sets[0], moving)] for one in sets]
        each = [op.apply(tuple(ng.constant(value) for value in row), dict(op.params) | dict(example.params)) for row in values]
        operands = [ng.constant(np.stack([row[at] for row in values]) if moves else sets[0][at]) for at, moves in enumerate(moving)]
        together = steps.on_all_steps(each[0], operands, moving, 3)
        if together is not None:
            known += 1
            np.testing.assert_allclose(together.value, np.stack([node.value for node in each]), rtol=1e-13, atol=1e-13)
        total = steps.summed_over_steps(each[0], operands, moving, 3)
        if total is not None:
            np.testing.assert_allclose(total.value, np.sum([node.value for node in each], axis=0), rtol=1e-12, atol=1e-13)
    if op.scalar is not None or op.index is not None:
        assert known == 2**count - 1  # fmt: skip


def test_cheap_and_dear():
    x, w = ng.input("x", np.ones((2, 2))), ng.input("w", np.ones((2, 2)))
    for node in (x * w + 1.0, ng.relu(x), x.T, x[0], ng.concat([x, w]), ng.where(x > 0, x, w), x / w, ng.dropout(x)):
        assert cost.cheap(node)
    for node in (x @ w, ng.exp(x), ng.silu(x), ng.sum(x), ng.softmax(x), x**w, ng.uniform(2), ng.embedding(x, np.array([1]))):
        assert not cost.cheap(node)
    assert cost.products(x @ w) == 8
    assert cost.products(x * w) == cost.products(ng.sum(x)) == cost.products(x) == 0


def test_the_cheapest_cut(rng):
    """Against trying all sets, on random graphs."""
    for _ in range(30):
        nodes = [ng.constant(float(at)) for at in range(7)]
        operands = {node: [other for other in nodes[:at] if rng.random() < 0.4] for at, node in enumerate(nodes)}
        weights = {node: int(rng.integers(0, 6)) for node in nodes}
        targets = {node for node in nodes if rng.random() < 0.3} | {nodes[-1]}

        def separates(chosen, operands=operands, targets=targets):
            reached = set()
            for node, sources in operands.items():
                if node not in chosen and (not sources or any(source in reached for source in sources)):
                    reached.add(node)
            return not reached & targets

        best = min(
            sum(weights[node] for node in some)
            for some in ([node for at, node in enumerate(nodes) if bits >> at & 1] for bits in range(2**7))
            if separates(some)
        )
        found = cut.cheapest_cut(operands, weights, targets)
        assert separates(found)
        assert sum(weights[node] for node in found) == best
