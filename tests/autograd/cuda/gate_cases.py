"""Kernels of a GPU as PTX and machine code, one line of JSON for each; run as a program, because numba.cuda is a GPU's or the
simulator's for the whole of a process."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import nngraph as ng
import numpy as np
from nngraph.autograd.engines.compiled.calls import Scratch
from nngraph.autograd.engines.compiled.planned import planned
from nngraph.autograd.engines.cuda.binding import kind_of
from nngraph.autograd.engines.cuda.target import Gpu
from nngraph.autograd.kernels.cuda import rows
from nngraph.autograd.kernels.cuda.gate import seen
from nngraph.autograd.kernels.cuda.product import CudaProduct, Form
from nngraph.autograd.kernels.cuda.product_parts import CudaGathering, Gathering
from nngraph.autograd.kernels.cuda.product_tiles import DOUBLE, FLAT, LARGE, LITTLE, LOW, MIDDLE, TALL, THIN
from nngraph.autograd.kernels.cuda.tensor import BROAD, NARROW
from nngraph.autograd.kernels.cuda.twins import TWINS

UNSIGNED = {"rows", "columns", "depth", "near", "parts", "matrices", "span", "turns", "numbers"}
WAYS = {
    "NN": ("depth4", "columns4"),
    "NT": ("depth4", "depth4"),
    "TN": ("rows4", "columns4"),
    "any": ("rows", "columns"),
}


def products() -> Iterator[tuple[str, str, list[str], int]]:
    """Name, text, kinds of the arguments and threads of the ways a product is computed."""
    cases = [(tile, way, {}) for tile in (MIDDLE, LARGE) for way in WAYS if (tile, way) != (LARGE, "any")]
    cases += [(tile, "NT", {}) for tile in (TALL, FLAT, LITTLE, THIN, LOW)]
    cases += [(MIDDLE, "any", {each: True}) for each in ("turns", "flat")] + [
        (LARGE, "TN", {"parts": True, "add": True})
    ]
    for tile, way, options in cases:
        a, b = WAYS[way]
        form = Form(tile, "float32", a, b, way != "any", options.pop("add", False), **options)
        size = tile.height if tile.height == tile.width else f"{tile.height}x{tile.width}"
        yield " ".join(["product", way, str(size), *options]), *_made(CudaProduct(form))
    yield "product any 64 float64", *_made(CudaProduct(Form(DOUBLE, "float64", "rows", "depth", False, False)))
    for tile, way in ((NARROW, "NN"), (BROAD, "NT"), (BROAD, "TN")):
        code = CudaProduct(Form(tile, "float32", *WAYS[way], True, False))
        yield f"product {way} {tile.height} tf32", *_made(code)
    yield "product_parts", *_made(CudaGathering(Gathering("float32", True, False)))


def _made(code: Any) -> tuple[str, list[str], int]:
    kinds = [
        f"{code.form.dtype}*" if name in ("a", "b", "c", "sums")
        else "uint32" if name in UNSIGNED or name.endswith("_first") else "int32"
        for name in code.names()
    ]  # fmt: skip
    return code.text(), kinds, code.threads()


def laid(given: Any) -> list[Any]:
    """What is laid over lines of threads, over pieces of a loop, over four loops, and over eights."""
    rows, image, four = given("rows", 1024, 512), given("batch", 32, 64, 56, 56), given("four", 16, 32, 28, 28)
    bent = ng.tanh(four * given("f1", 32, 1, 1) + given("f2", 16, 1, 28, 1)) * given("f3", 28) + four
    long = ng.tanh(given("long", 1 << 22)) * 2.0
    return [ng.softmax(given("ten", 1024, 10)), ng.sum(rows, axis=0), ng.mean(image, axis=(0, 2, 3)), bent, long]


def calls() -> Iterator[tuple[str, str, list[str], int]]:
    """The same of everything in the plans of a training step, of long rows, of random numbers and of picks."""
    rng = np.random.default_rng(0)

    def given(name: str, *shape: int, dtype: type = np.float32) -> Any:
        return ng.input(name, shape=shape, dtype=dtype)

    x, t = given("x", 256, 64), given("t", 256, dtype=np.int64)
    weights = [
        ng.parameter(name, rng.standard_normal(shape).astype(np.float32))
        for name, shape in (("W1", (64, 32)), ("b1", (32,)), ("W2", (32, 12)), ("b2", (12,)))
    ]
    w1, b1, w2, b2 = weights
    loss = ng.softmax_loss(ng.tanh(x @ w1 + b1) @ w2 + b2, t)
    updates = {w: w - 0.1 * g for w, g in zip(weights, ng.gradient(loss, weights))}
    long, step = ng.sigmoid(given("y", 1 << 16)) * 2.0 + 1.0, ng.state("step", np.int64(0))
    table, places = given("table", 50, 8), given("i", 7, 1, dtype=np.int64)
    picked = ng.gather(table, places)
    (back,) = ng.gradient(ng.sum(picked * picked), [table])
    image, filters = given("image", 2, 3, 12, 12), given("filters", 4, 3, 3, 3)
    pooled = ng.max_pool2d(ng.average_pool2d(ng.conv2d(image, filters), 2), 2)
    images = [pooled, *ng.gradient(ng.sum(pooled * pooled), [image, filters])]
    many, taps, bias = given("many", 128, 64, 56, 56), given("taps", 64, 64, 3, 3), given("bias", 64, 1, 1)
    y = ng.conv2d(many, taps, padding=1)
    channels = [ng.relu(y + bias), *ng.gradient(ng.sum(y * given("g", *y.shape)), [many, taps])]
    plans = {
        "net": planned([loss], updates, Gpu()),
        "chain": planned([long, ng.sum(long)], {}, Gpu()),
        "picks": planned([picked, back], {}, Gpu()),
        "windows": planned(images, {}, Gpu()),
        "channels": planned(channels, {}, Gpu()),
        "running": planned([ng.cumsum(table, axis=0), ng.argmax(table, axis=1)], {}, Gpu()),
        "random": planned([draw((64,), step=step, dtype=np.float32) for draw in (ng.uniform, ng.normal)], {}, Gpu()),
        "laid": planned(laid(given), {}, Gpu()),
        "angles": planned([ng.sin(table), ng.cos(table), ng.tan(table)], {}, Gpu()),
    }
    for name, plan in plans.items():
        for number, call in enumerate(plan.calls):
            twin = TWINS.get(call.code.name)
            code, words = (twin.code(call), twin.words(call)) if twin else (call.code, call.words)
            words = [*words, *(word for nest in call.finishing for word in nest.words)]
            threads = code.threads()
            kinds = [kind_of(word) for word in words if not isinstance(word, Scratch)]
            yield f"{name} {number} {code.name}", code.text(), kinds, threads


def moved() -> Iterator[tuple[str, str, list[str], int]]:
    """The same of what takes batches and records results."""
    for size in (16, 12):
        dtype, at_once = rows.unit(size)
        for code in (rows.take_rows(at_once), rows.record_row(at_once)):
            yield f"{code.name} {size}", code.text(), rows.kinds_of(code, dtype), code.threads()
    end = rows.EndOfStep(2)
    yield end.name, end.text(), end.kinds(["float32", "float32"]), end.threads()


if __name__ == "__main__":
    arch = sys.argv[1] if len(sys.argv) > 1 else "90"
    known: set[str] = set()
    for name, source, kinds, threads in [*products(), *calls(), *moved()]:
        if source in known:
            continue
        known.add(source)
        found = asdict(seen(source, kinds, arch, threads))
        found["tensor_cores"] = found["sass"].count("HMMA")
        del found["ptx"], found["sass"]
        print(json.dumps({"name": name, "source": source, **found}), flush=True)
