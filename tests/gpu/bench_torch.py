"""The rows as one writes them with PyTorch: eager, or the whole step captured as a CUDA graph. No TF32 but where a row asks."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import Any

import numpy as np
import torch
from bench_cases import GRAPHS, Arrays, Case

Measured = tuple[float, Callable[[int], float]]
RATE = 0.01
Tensors = dict[str, torch.Tensor]


def built(case: Case, arrays: Arrays, batch: int, peer: str, device: str) -> Measured:
    """A row as a peer does it: see bench_ours.built."""
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = case.tf32
    torch.backends.cudnn.benchmark = True
    tensors = {name: torch.from_numpy(np.array(array)).to(device) for name, array in arrays.items()}
    number, step = BUILDERS[case.model](tensors, batch)
    first = float(number())
    if peer == GRAPHS:
        step = _captured(step)
    return first, lambda times: elapsed(step, times, device) / times


def elapsed(step: Callable[[], Any], times: int, device: str) -> float:
    """Milliseconds for so many steps, by events of the device."""
    if device == "cpu":
        began = perf_counter()
        for _ in range(times):
            step()
        return 1e3 * (perf_counter() - began)
    began, ended = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    began.record()
    for _ in range(times):
        step()
    ended.record()
    ended.synchronize()
    return float(began.elapsed_time(ended))


def _captured(step: Callable[[], Any]) -> Callable[[], Any]:
    """The step as a graph; warmed up on another stream first, as PyTorch's manual asks."""
    aside = torch.cuda.Stream()
    aside.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(aside):
        for _ in range(3):
            step()
    torch.cuda.current_stream().wait_stream(aside)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step()
    return graph.replay


def copied(numbers: int, device: str) -> float:
    """Bytes that a copy of so many float32 numbers reads and writes in a millisecond."""
    source = torch.rand(numbers, device=device)
    target = torch.empty_like(source)
    times = []
    for _ in range(7):
        elapsed(lambda: target.copy_(source), 3, device)
        times.append(elapsed(lambda: target.copy_(source), 10, device) / 10)
    return 8 * numbers / float(np.median(times))


Built = tuple[Callable[[], Any], Callable[[], Any]]
"""What gives the number to be compared, asked for once, before; and a step."""


def net(tensors: Tensors, batch: int) -> Built:
    parameters = [tensors[name].requires_grad_() for name in tensors if name[0] in "Wb"]
    weights, biases = parameters[0::2], parameters[1::2]
    batches = list(zip(tensors["x"].split(batch), tensors["t"].split(batch)))
    x, t = (torch.empty_like(each) for each in batches[0])
    at = 0

    def forward(x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        for W, b in zip(weights[:-1], biases[:-1]):
            x = torch.relu(torch.addmm(b, x, W))
        return torch.nn.functional.cross_entropy(torch.addmm(biases[-1], x, weights[-1]), t)

    optimizer = torch.optim.SGD(parameters, RATE, foreach=True)

    def step() -> None:
        nonlocal at
        # A captured step reads its batch where the first one lay.
        x.copy_(batches[at][0])
        t.copy_(batches[at][1])
        at = (at + 1) % len(batches)
        optimizer.zero_grad(set_to_none=True)
        forward(x, t).backward()
        optimizer.step()

    return lambda: forward(*batches[0]).item(), step


def convolution(back: bool) -> Callable[[Tensors, int], Built]:
    def build(tensors: Tensors, batch: int) -> Built:
        x, w, g = (tensors[name] for name in "xwg")
        x.requires_grad_(back)
        w.requires_grad_(back)

        def forward() -> torch.Tensor:
            return torch.nn.functional.conv2d(x, w, padding=1)

        step = (lambda: torch.autograd.grad(forward(), (x, w), g)) if back else forward
        return lambda: _size(forward()), step

    return build


def _size(result: torch.Tensor) -> float:
    return float(torch.linalg.vector_norm(result.detach().double()))


def lstm(tensors: Tensors, batch: int) -> Built:
    x, hidden = tensors["x"].requires_grad_(), tensors["x"].shape[2]
    made = torch.nn.LSTM(hidden, hidden).to(x.device)
    with torch.no_grad():
        made.weight_ih_l0.copy_(tensors["Wx"].T)
        made.weight_hh_l0.copy_(tensors["Wh"].T)
        made.bias_ih_l0.copy_(tensors["b"])
        made.bias_hh_l0.zero_()
    wanted = (x, *made.parameters())

    def step() -> Any:
        return torch.autograd.grad(made(x)[0], wanted, tensors["g"])

    return lambda: _size(made(x)[0]), step


def chain(tensors: Tensors, batch: int) -> Built:
    leaves = [tensors[name].requires_grad_() for name in "xwb"]
    x, w, b = leaves

    def mean() -> torch.Tensor:
        return torch.mean(torch.tanh(torch.sigmoid(w * x + b) * x))

    return lambda: mean().item(), lambda: torch.autograd.grad(mean(), leaves)


def rbm(tensors: Tensors, batch: int) -> Built:
    W, a, b = (tensors[name] for name in "Wab")
    batches = tensors["v"].split(batch)
    at = 0

    def step() -> torch.Tensor:
        nonlocal at
        v, at = batches[at], (at + 1) % len(batches)
        h = torch.sigmoid(torch.addmm(b, v, W))
        v1 = torch.bernoulli(torch.sigmoid(torch.addmm(a, torch.bernoulli(h), W.T)))
        h1 = torch.sigmoid(torch.addmm(b, v1, W))
        W.add_(RATE / batch * (v.T @ h - v1.T @ h1))
        a.add_(RATE * (v - v1).mean(0))
        b.add_(RATE * (h - h1).mean(0))
        return torch.mean((v - v1) ** 2)

    return lambda: step().item(), step


def product(tensors: Tensors, batch: int) -> Built:
    a, b = tensors["a"], tensors["b"]
    return lambda: _size(a @ b), lambda: a @ b


BUILDERS: dict[str, Callable[[Tensors, int], Built]] = {
    "mlp": net, "digits": net, "iris": net, "conv2d forward": convolution(False), "conv2d": convolution(True), "lstm": lstm,
    "chain": chain, "rbm": rbm, "product": product,
}  # fmt: skip
