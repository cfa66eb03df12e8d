"""Graphs whose plans ask for every kernel of the GPU's engine: all examples of ops, wide arrays, products in all forms,
training steps, and the rows of the benchmarks."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import nngraph as ng
import numpy as np
from nngraph import nets
from nngraph.autograd.engines.cuda.program import on_gpu
from nngraph.autograd.op import OPS
from recorder import Kernel, recording

TESTS = Path(__file__).parents[2]
sys.path[:0] = [str(TESTS / "every_op"), str(TESTS / "bench")]
from cases import case_of, floats_of, projected
from workloads import all_workloads, arrays_of

WORKLOADS = ("mlp784", "conv2d", "cnn", "lstm", "gan", "dcgan", "rbm", "chain1e7", "hvp")
"""Rows of tests/bench whose plans are compiled at their full size."""
F4, F8 = np.float32, np.float64


def kernels() -> list[Kernel]:
    """Every kernel once."""
    with recording() as recorder:
        for name, bind in plans():
            recorder.plan = name
            bind()
    return list(recorder.kernels.values())


def plans() -> Iterator[tuple[str, Callable[[], Any]]]:
    """Name of a plan, and what asks for its kernels."""
    for name, nodes in [*examples(), *wide(), *shapes(), *products()]:
        yield name, lambda nodes=nodes: on_gpu(nodes, {})
    for name, outputs, updates in optimizers():
        yield f"step of {name}", lambda outputs=outputs, updates=updates: on_gpu(outputs, updates)
    os.environ["NNGRAPH_BENCH_ENGINE"] = "cuda"
    for name in WORKLOADS:
        workload = all_workloads()[name]
        yield f"row {name}", lambda workload=workload: workload.builders["nngraph"](arrays_of(workload))
    yield "epochs", epochs
    for name, nodes in shapes():
        if name.startswith("convolution"):
            yield f"{name}, TF32", lambda nodes=nodes: ng.compile(nodes, [], engine="cuda-tf32")
    for name, nodes in products():
        if name.endswith((" large", " middle")):
            yield f"{name}, TF32", lambda nodes=nodes: ng.compile(nodes, [], engine="cuda-tf32")


def epochs() -> None:
    """Steps that bring their rows and keep their outputs themselves."""
    x, w = ng.input("x", shape=(4, 3), dtype=F4), ng.parameter("w", np.zeros((3, 2), F4))
    loss = ng.mean(x @ w)
    step = ng.compile([loss, ng.broadcast(x, shape=(800, 4, 3))], [x], {w: w - ng.gradient(loss, [w])[0]}, "cuda")
    for _ in step.epochs([np.zeros((16, 3), F4)], batch=4, shuffle=0):
        pass


def examples() -> Iterator[tuple[str, list[ng.Node]]]:
    """Every op's examples, with gradients, small and of both kinds of numbers."""
    for dtype in (F4, F8):
        for op in OPS.values():
            for at in range(len(op.examples)):
                leaves, node = case_of(op, at, dtype)
                yield f"{op.name} {np.dtype(dtype).name}", with_slopes(node, floats_of(leaves))


def with_slopes(node: ng.Node, leaves: Sequence[ng.Node]) -> list[ng.Node]:
    """A node, and the gradients of what its numbers weigh together."""
    if not leaves or node.dtype.kind != "f" or not node.op.differentiable:
        return [node]
    return [node, *ng.gradient(projected(node, np.random.default_rng(0)), leaves)]


def given(name: str, *shape: int, dtype: Any = F4) -> ng.Node:
    """Numbers that come from outside."""
    return ng.input(name, shape=shape, dtype=dtype)


def wide() -> Iterator[tuple[str, list[ng.Node]]]:
    """Scalar words on rows that are gone through four numbers at a time."""
    for op in OPS.values():
        if op.scalar is not None and op.examples and not op.variadic:
            example = op.examples[0]
            leaves = [
                given(name, 48, 64, dtype=array.dtype)
                for name, array in zip(op.inputs, example.arrays(np.random.default_rng(0), F4))
            ]
            yield f"wide {op.name}", with_slopes(op(*leaves, **example.params), floats_of(leaves))


def shapes() -> Iterator[tuple[str, list[ng.Node]]]:
    """Folds and broadcasts of every kind, over arrays that many blocks share."""
    x, long, rows = given("x", 256, 64), given("long", 1 << 20), given("rows", 64, 1000)
    deep, by = given("deep", 4, 6, 5, 32), given("by", 6, 1, 32)
    yield (
        "folds of all",
        [ng.sum(long), ng.max(long), ng.mean(ng.square(long)), ng.sum(ng.cast(long > 0, dtype=np.int64))],
    )
    yield "folds of rows", [ng.sum(rows, axis=1), ng.max(rows, axis=1), ng.softmax(rows), ng.logsumexp(rows, axis=1)]
    yield "folds of columns", [ng.sum(rows, axis=0), ng.max(rows, axis=0), ng.mean(x, axis=0), ng.var(x, axis=0)]
    yield "a fold of all that is used", [x / ng.sqrt(ng.sum(x * x)), ng.softmax(long, axis=0)]
    yield "broadcasts", with_slopes(ng.tanh(deep * by), [deep, by])
    yield "broadcast of a row", with_slopes(ng.sigmoid(x * given("row", 64)), [x])
    yield "transposed", [ng.exp(x.T) * 2.0, ng.sum(x.T * given("y", 64, 256), axis=1)]
    yield "strided", [rows[:, ::2] * 2.0, rows[1:, 3:] + 1.0]
    image, filters, bias = given("image", 128, 64, 56, 56), given("filters", 64, 64, 3, 3), given("bias", 64, 1, 1)
    y = ng.conv2d(image, filters, padding=1)
    slopes = ng.gradient(ng.sum(y * given("g", *y.shape)), [image, filters])
    yield "convolution of many channels", [ng.relu(y + bias), *slopes]
    classes = given("classes", 64, dtype=np.int64)
    yield "softmax and loss", with_slopes(ng.softmax_loss(rows, classes), [rows])
    for norm in (nets.LayerNorm(1000), nets.BatchNorm(1000)):
        with nets.training():
            yield type(norm).__name__, with_slopes(norm(rows), [rows])
    whole, yes = given("whole", 48, 64, dtype=np.int64), given("yes", 48, 64, dtype=np.bool_)
    yield "casts", [ng.cast(whole, dtype=F4) * 2.0, ng.cast(x > 0, dtype=np.int64), ng.cast(yes, dtype=F8) + 1.0]
    yield "whole numbers", [whole * 3 + whole, ng.sum(whole, axis=0), ng.where(yes, whole, -whole)]
    many = ng.gather(x, given("picks", 20000, 1, dtype=np.int64))
    yield "many picks", with_slopes(many, [x])
    step = ng.state("step", np.int64(0))
    kept = ng.uniform((64, 64), step=step, dtype=F4, name="u")
    drawn = ng.normal((64, 64), step=step, dtype=F4, name="n")
    yield "random", [kept, drawn, ng.tanh(kept), ng.bernoulli(ng.sigmoid(drawn), step=step, name="b")]


def products() -> Iterator[tuple[str, list[ng.Node]]]:
    """C = A·B for operands that lie this way and that, tiles of every size, and what rides on a product."""

    def both(rows: int, depth: int, columns: int, dtype: Any = F4) -> Iterator[tuple[str, ng.Node, ng.Node]]:
        for name, a, b in (
            ("NN", (rows, depth), (depth, columns)), ("NT", (rows, depth), (columns, depth)),
            ("TN", (depth, rows), (depth, columns)), ("TT", (depth, rows), (columns, depth)),
        ):  # fmt: skip
            left, right = given("a", *a, dtype=dtype), given("b", *b, dtype=dtype)
            yield name, left.T if name[0] == "T" else left, right.T if name[1] == "T" else right

    for words, size, dtype in (
        ("large", (4096, 64, 4096), F4), ("middle", (128, 512, 128), F4), ("odd", (129, 67, 65), F4),
        ("low", (8, 512, 2048), F4), ("thin", (1024, 512, 10), F4), ("little", (256, 256, 256), F4), ("deep", (64, 8192, 64), F4), ("float64", (128, 64, 128), F8),
    ):  # fmt: skip
        for name, a, b in both(*size, dtype):
            yield f"product {name} {words}", [a @ b]
    a, b = given("a", 16, 64, 64), given("b", 16, 64, 64)
    yield "stacked products", [a @ b, a @ ng.swapaxes(b, 1, 2)]
    x, w, bias = given("x", 1024, 512), given("w", 512, 512), given("bias", 512)
    yield "product and epilogue", [ng.relu(x @ w + bias)]
    yield "product that is kept", [x @ w, ng.tanh(x @ w + bias)]


def optimizers() -> Iterator[tuple[str, list[ng.Node], Mapping[ng.Node, ng.Node]]]:
    """A step of a small net by every optimizer, gradients clipped."""
    for rule in (
        nets.SGD(), nets.Momentum(), nets.Nesterov(), nets.AdaGrad(), nets.RMSProp(), nets.AdaDelta(), nets.Adam(), nets.AdamW(),
    ):  # fmt: skip
        net = nets.MLP([64, 32, 10], rng=0)
        x, t = given("x", 32, 64), given("t", 32, dtype=np.int64)
        loss, parameters = ng.softmax_loss(net(x), t), net.trainable()
        yield type(rule).__name__, [loss], rule.updates(parameters, ng.gradient(loss, list(parameters.values())))
