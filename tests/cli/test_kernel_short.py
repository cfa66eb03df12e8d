"""The short text of products and convolutions, and their loops: run as they are shown, they compute the node, and the threads of
the short text write what the threads of the compiled text write."""

from __future__ import annotations

import math
import re
from types import SimpleNamespace

import nngraph as ng
import numpy as np
import pytest
from nngraph.autograd.engines.compiled.calls import every_call
from nngraph.autograd.engines.compiled.planned import planned
from nngraph.autograd.engines.cuda.launch import launched
from nngraph.autograd.engines.cuda.target import target_of
from nngraph.autograd.kernel_views.loops import loops
from nngraph.autograd.kernel_views.named import Named
from nngraph.autograd.kernel_views.short import short
from nngraph.autograd.kernels.cuda.words import function
from nngraph.autograd.op import OPS

KNOWN = {"float32": np.float32, "float64": np.float64, "tanh": math.tanh, "exp": math.exp}


def tensor(name, *shape):
    return ng.input(name, np.random.default_rng(len(shape)).normal(size=shape).astype(np.float32))


def calls_of(node):
    plan = planned([node], {}, target_of("cuda"))
    named = Named(plan, ["result"])
    return [(call, named) for _, call in every_call(plan.calls)]


def in_words(text, arrays):
    """A text and arrays with names that Python has."""
    for at, name in enumerate(sorted(arrays, key=len, reverse=True)):
        text = re.sub(rf"(?<![\w.]){re.escape(name)}(?!\w)", f"array{at}", text)
        text = text.replace(f"slice_{name} ", f"slice_array{at} ").replace(f"slice_{name}[", f"slice_array{at}[")
        arrays = {(f"array{at}" if each == name else each): value for each, value in arrays.items()}
    return text, arrays


class Block:
    """Shared memory, in the order in which threads ask for it."""

    def __init__(self):
        self.made = []

    def cuda(self, block, thread):
        asked = iter(range(100))

        def shared(shape, dtype):
            at = next(asked)
            if at == len(self.made):
                self.made.append(np.full(shape, np.nan, dtype))
            return self.made[at]

        axes = dict(zip("xyz", block))
        return SimpleNamespace(
            blockIdx=SimpleNamespace(**axes), threadIdx=SimpleNamespace(x=thread), shared=SimpleNamespace(array=shared),
            local=SimpleNamespace(array=lambda shape, dtype: np.full(shape, np.nan, dtype)),
        )  # fmt: skip


class Writes:
    """An array that tells who wrote where."""

    def __init__(self, array):
        self.array, self.owners, self.thread = array, {}, None

    def __getitem__(self, place):
        return self.array[place]

    def __setitem__(self, place, value):
        self.array[place] = value
        self.owners[place] = self.thread


def run_short(text, arrays, how):
    """All blocks one after the other, their threads from barrier to barrier."""
    text, arrays = in_words(text.replace("cuda.syncthreads()", "yield"), arrays)
    arrays = {name: Writes(array) for name, array in arrays.items()}
    for block in np.ndindex(how.grid):
        memory, running = Block(), []
        for thread in range(how.threads):
            running.append((thread, function(text, KNOWN | {"cuda": memory.cuda(block, thread), "max": max, "min": min, "range": range})))
        running = [(thread, made(*arrays.values())) for thread, made in running]
        while running:
            going = []
            for thread, each in running:
                for array in arrays.values():
                    array.thread = thread
                if next(each, "done") != "done":
                    going.append((thread, each))
            assert len(going) in (0, len(running))
            running = going
    return {name: array for name, array in arrays.items()}


A, B, C = tensor("A", 37, 21), tensor("B", 21, 45), tensor("C", 45)
IMAGES, WEIGHTS = tensor("images", 2, 3, 9, 8), tensor("weights", 5, 3, 3, 2)
CASES = {
    "product": A @ B,
    "two layers in one": ng.relu(A @ B + C) * 2.0,
    "left turned round": tensor("L", 21, 37).T @ B,
    "right turned round": A @ tensor("R", 45, 21).T,
    "stack": tensor("S", 3, 18, 20) @ tensor("T", 3, 20, 17),
    "stack of two": tensor("S", 2, 3, 9, 8) @ tensor("T", 2, 3, 8, 7),
    "large tile": tensor("M", 130, 24) @ tensor("N", 24, 140),
    "convolution": ng.conv2d(IMAGES, WEIGHTS),
    "strides, padding": ng.relu(ng.conv2d(IMAGES, WEIGHTS, stride=2, padding=1)),
    "holes": ng.conv2d(IMAGES, WEIGHTS, dilation=(2, 1)),
    "along a line": ng.conv1d(tensor("line", 2, 3, 30), tensor("v", 4, 3, 5), padding=2),
    "to the weights": ng.gradient(ng.sum(ng.conv2d(IMAGES, WEIGHTS, padding=1)), [WEIGHTS])[0],
    "a long depth": tensor("D", 20, 900) @ tensor("E", 900, 18),
    "to the image": ng.conv_transpose2d(tensor("G", 2, 5, 7, 7), WEIGHTS),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_the_short_text_computes_the_node(name):
    node = CASES[name]
    found = [(call, named, how, made) for call, named in calls_of(node) for how in [launched(call)] if (made := short(call, how, named))]
    call, named, how, (text, arrays) = found[-1]
    values = {named.node(each): np.array(each.value) for each in call.nodes[-1].inputs}
    values |= {each._name: np.array(each.value) for each in (C,)}
    values["result"] = np.full(node.shape, np.nan)
    if how.threads * how.grid[0] * how.grid[1] * how.grid[2] > 2000:
        pytest.skip("many threads")
    names = [each for each, _ in arrays]
    parts = [each for each in names if each not in values]
    values |= {each: np.full((40, *node.shape), 0.0) for each in parts}
    ran = run_short(text, {each: values[each] for each in names}, how)
    result = list(ran.values())[names.index(*parts or ["result"])].array
    np.testing.assert_allclose(result.sum(0) if parts else result, node.value, rtol=2e-4, atol=2e-4)
    assert len(text.split("\n")) < 55


@pytest.mark.parametrize("name", CASES)
def test_threads_have_what_they_have_in_the_compiled_text(name):
    """By the places that examples of the lay tell."""
    (kernel,) = [each for each in ng.kernels(CASES[name], names=["result"]) if each.arrays][-1:]
    own = {thread.thread: thread.places for thread in kernel.lay.examples if thread.block == (0, 0, 0)}
    assert own
    if "part" in kernel.cuda:
        pytest.skip("its result has another axis")
    text, arrays = in_words(kernel.cuda.replace("cuda.syncthreads()", "pass"), {each: Anything() for each, _ in kernel.arrays})
    place = [each for each, _ in kernel.arrays].index(kernel.lay.array.removesuffix(".flat"))
    for thread, places in own.items():
        written = Anything()
        given = [written if at == place else each for at, each in enumerate(arrays.values())]
        function(text, KNOWN | {"cuda": Block().cuda((0, 0, 0), thread), "max": max, "min": min, "range": range})(*given)
        if not kernel.lay.array.endswith(".flat"):
            at = [{np.ravel_multi_index(each, shape) for each in some} for some, shape in
                  ((places, kernel.lay.shape), (written.places, CASES[name].shape))]  # fmt: skip
            assert at[0] <= at[1], thread


class Anything:
    """An array of zeros that remembers where it was written."""

    def __init__(self):
        self.places = []

    def __getitem__(self, place):
        return 0.0

    def __setitem__(self, place, value):
        self.places.append(place if isinstance(place, tuple) else (place,))


SUMS = [name for name in ("conv1d", "conv2d", "conv_transpose1d", "conv_transpose2d", "conv_weights", "matmul") if name in OPS]


@pytest.mark.parametrize(("name", "example"), [(name, at) for name in SUMS for at in range(len(OPS[name].examples))])
def test_the_loops_of_sums_compute_the_node(name, example):
    op = OPS[name]
    arrays = op.examples[example].arrays(np.random.default_rng(0), np.float32)
    node = op(*(ng.input(each, array) for each, array in zip(op.inputs, arrays)), **op.examples[example].params)
    found = [(call, named) for call, named in calls_of(node) if call.loops is None and node in call.nodes]
    if not found or not node.shape:
        pytest.skip("no loops of a sum")
    call, named = found[0]
    text = loops(call, named)
    values = {named.node(each): np.array(each.value) for each in node.inputs} | {named.node(node): np.full(node.shape, np.nan)}
    text, values = in_words(text, values)
    head = f"def kernel({', '.join(values)}):\n"
    function(head + "\n".join("    " + line for line in text.split("\n")), {"range": range})(*values.values())
    np.testing.assert_allclose(list(values.values())[-1], node.value, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("name", "example"), [(name, at) for name in ("conv1d", "conv2d", "conv_weights") for at in range(len(OPS[name].examples))])
def test_numpy_lines_of_convolutions_compute_the_node(name, example):
    op = OPS[name]
    arrays = op.examples[example].arrays(np.random.default_rng(0), np.float32)
    node = op(*(ng.input(each, array) for each, array in zip(op.inputs, arrays)), **op.examples[example].params)
    (kernel,) = [each for each in ng.kernels(node, names=["Y"]) if each.numpy][-1:]
    if "windows" not in "".join(kernel.numpy):
        pytest.skip("groups")
    head = f"def kernel(np, {', '.join(op.inputs)}):\n"
    made = function(head + "".join(f"    {line}\n" for line in kernel.numpy) + "    return Y\n", {})
    np.testing.assert_allclose(made(np, *arrays), node.value, rtol=1e-4, atol=1e-5)
