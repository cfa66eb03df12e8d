"""Every kind of kernel once, small, for compute-sanitizer to watch: python tests/gpu/gpu_sanitized.py [--engine cuda]

Results are not looked at here; tests do that.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator

import nngraph as ng
import numpy as np
from nngraph import nets

F4 = np.float32


def numbers(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).standard_normal(shape, dtype=F4)


def with_slopes(node: ng.Node, *leaves: ng.Node) -> list[ng.Node]:
    """A node, and the gradients of the sum of its squares."""
    return [node, *ng.gradient(ng.sum(node * node), leaves)]


def plans() -> Iterator[tuple[str, list[ng.Node]]]:
    """Name and nodes of what is run."""
    x, rows = ng.input("x", numbers(70, 40)), ng.input("rows", numbers(9, 300))
    w, deep = ng.input("w", numbers(40, 50)), ng.input("deep", numbers(3, 200, 20))
    yield "chain", with_slopes(ng.tanh(x * 2.0 + 1.0), x)
    yield (
        "folds",
        [ng.sum(x), ng.sum(x, axis=0), ng.max(rows, axis=1), ng.mean(rows), rows / ng.sqrt(ng.sum(rows * rows))],
    )
    yield "softmax", with_slopes(ng.softmax(rows), rows)
    yield "broadcast", with_slopes(ng.sigmoid(deep * ng.input("by", numbers(1, 200, 1))), deep)
    yield "products", with_slopes(ng.relu(x @ w + ng.input("b", numbers(50))), x, w)
    yield "stacks", with_slopes(deep @ ng.swapaxes(deep, 1, 2), deep)
    yield "deep product", [ng.input("a", numbers(20, 5000)) @ ng.input("c", numbers(5000, 12))]
    image, filters = ng.input("image", numbers(2, 3, 13, 11)), ng.input("filters", numbers(5, 3, 3, 3))
    yield "convolution", with_slopes(ng.conv2d(image, filters, padding=1), image, filters)
    yield "poolings", with_slopes(ng.max_pool2d(image, 2) + ng.average_pool2d(image, 2), image)
    yield "windows", with_slopes(ng.patches(image, size=(3, 3)), image)
    picks = ng.input("picks", np.array([[3], [0], [3], [69]]))
    yield "picks", with_slopes(ng.gather(x, picks), x)
    many = ng.input("many", np.arange(20000)[:, None] % 70)
    yield "many picks", with_slopes(ng.gather(x, many), x)
    yield "running", [ng.cumsum(x, axis=0), ng.argmax(x, axis=1), ng.argmin(x, axis=0)]
    step = ng.state("step", np.int64(1))
    yield "random", [kind((50, 30), step=step, dtype=F4, name=kind.__name__) for kind in (ng.uniform, ng.normal)]


def train(engine: str) -> None:
    """Epochs of a net with a loss on classes, by Adam; and a recurrent one."""
    net = nets.MLP([20, 16, 4], rng=0)
    data = numbers(64, 20), np.random.default_rng(1).integers(0, 4, 64)
    for _ in nets.train(net, ng.softmax_loss, data, batch=16, epochs=3, optimizer=nets.Adam(), engine=engine):
        pass
    x, w = ng.input("x", numbers(5, 6, 8)), ng.input("w", numbers(8, 8))

    def cell(h: ng.Node, x_t: ng.Node) -> tuple[ng.Node, ng.Node]:
        h = ng.tanh(h @ w + x_t)
        return h, h

    _, states = ng.scan(cell, ng.constant(np.zeros((6, 8), F4)), x)
    recurrent = ng.compile(with_slopes(states, x, w), engine=engine)
    recurrent()
    recurrent()


def main() -> None:
    parser = argparse.ArgumentParser(prog="gpu_sanitized.py")
    parser.add_argument("--engine", default="cuda")
    engine = parser.parse_args().engine
    for name, nodes in plans():
        step = ng.compile(nodes, engine=engine)
        # The second call is a graph.
        step()
        step()
        print(name, flush=True)
    train(engine)
    print("training", flush=True)


if __name__ == "__main__":
    main()
