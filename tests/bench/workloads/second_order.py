"""Second derivatives: the Hessian of the 784-128-10 loss times a vector, and all of the Hessian of Rosenbrock's function."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import Arrays, Implementation, Workload, draw, first_weights, numbers_of
from .convolution import Once

BATCH, SIZE = 128, 50


# Hessian times vector -------------------------------------------------------------------------------------------------
def net_arrays(rng: np.random.Generator, tiny: bool) -> Arrays:
    sizes = (12, 6, 3) if tiny else (784, 128, 10)
    x, t = draw.clusters(rng, BATCH, sizes[:1], sizes[-1])
    weights = draw.layers(rng, sizes)
    along = {
        name.replace("weights", "along"): rng.normal(0, 1, array.shape).astype(np.float32)
        for name, array in weights.items()
    }
    return {"x": x, "t": t, **weights, **along}


def _along(arrays: Arrays) -> Arrays:
    return {name.removeprefix("along/"): array for name, array in arrays.items() if name.startswith("along/")}


def operations(arrays: Arrays) -> int:
    """The first layer: the scores, how they change along v, how the gradient changes. The second: the scores, and two
    products each for how the scores, what is sent back and the gradient change."""
    weights = first_weights(arrays)
    return 2 * BATCH * (3 * weights["W0"].size + 7 * weights["W1"].size)


def our_product(arrays: Arrays) -> Implementation:
    import nngraph as ng

    from . import with_nngraph

    p = with_nngraph.parameters(first_weights(arrays))
    x, t = ng.input("x", arrays["x"]), ng.input("t", arrays["t"])
    along = {name: ng.input(f"along_{name}", array) for name, array in _along(arrays).items()}
    loss = ng.softmax_loss(ng.relu(x @ p["W0"] + p["b0"]) @ p["W1"] + p["b1"], t)
    products = ng.hvp(loss, list(p.values()), [along[name] for name in p])
    return with_nngraph.Results(dict(zip(p, products)), lambda values: numbers_of(*(values[name] for name in p)))


def torch_product(arrays: Arrays) -> Implementation:
    """Reverse over reverse, the quickest of torch's ways here."""
    import torch
    from torch.nn import functional

    p = {name: torch.tensor(array).requires_grad_() for name, array in first_weights(arrays).items()}
    along = [torch.tensor(array) for array in _along(arrays).values()]
    x, t = torch.from_numpy(arrays["x"]), torch.from_numpy(arrays["t"])
    leaves = list(p.values())

    def step() -> Any:
        hidden = torch.relu(torch.addmm(p["b0"], x, p["W0"]))
        loss = functional.cross_entropy(torch.addmm(p["b1"], hidden, p["W1"]), t)
        slopes = torch.autograd.grad(loss, leaves, create_graph=True)
        return torch.autograd.grad(slopes, leaves, along)

    return Once(step, lambda found: numbers_of(*found))


def jax_product(arrays: Arrays) -> Implementation:
    """Forward over reverse."""
    import jax
    import jax.numpy as jnp

    from . import with_jax

    names = list(first_weights(arrays))
    p, along = (jax.tree.map(jnp.asarray, given) for given in (first_weights(arrays), _along(arrays)))
    x, t = jnp.asarray(arrays["x"]), jnp.asarray(arrays["t"])

    def loss(p: Any) -> Any:
        return with_jax.cross_entropy(jax.nn.relu(x @ p["W0"] + p["b0"]) @ p["W1"] + p["b1"], t)

    product = jax.jit(lambda p, along: jax.jvp(jax.grad(loss), (p,), (along,))[1])
    return Once(
        lambda: jax.block_until_ready(product(p, along)), lambda found: numbers_of(*(found[name] for name in names))
    )


# Hessian --------------------------------------------------------------------------------------------------------------
def point(rng: np.random.Generator, tiny: bool) -> Arrays:
    return {"x": rng.normal(0, 1, 5 if tiny else SIZE).astype(np.float32)}


def rosenbrock(x: Any, total: Any) -> Any:
    """Σ 100(x₊₁ − x²)² + (1 − x)², in any library."""
    head, tail = x[:-1], x[1:]
    return total(100 * (tail - head * head) ** 2 + (1 - head) ** 2)


def our_hessian(arrays: Arrays) -> Implementation:
    import nngraph as ng

    from . import with_nngraph

    x = ng.input("x", arrays["x"])
    return with_nngraph.Results({"H": ng.hessian(rosenbrock(x, ng.sum), x)}, lambda values: numbers_of(values["H"]))


def torch_hessian(arrays: Arrays) -> Implementation:
    import torch

    x = torch.from_numpy(arrays["x"])
    hessian = torch.func.hessian(lambda x: rosenbrock(x, torch.sum))
    return Once(lambda: hessian(x), numbers_of)


def torch_hessian_rows(arrays: Arrays) -> Implementation:
    import torch

    x = torch.from_numpy(arrays["x"])

    def step() -> Any:
        return torch.autograd.functional.hessian(lambda x: rosenbrock(x, torch.sum), x, vectorize=True)

    return Once(step, numbers_of)


def jax_hessian(arrays: Arrays) -> Implementation:
    import jax
    import jax.numpy as jnp

    x = jnp.asarray(arrays["x"])
    hessian = jax.jit(jax.hessian(lambda x: rosenbrock(x, jnp.sum)))
    return Once(lambda: jax.block_until_ready(hessian(x)), numbers_of)


WORKLOADS = (
    Workload(
        "hvp", "Hessian-vector product of the 784-128-10 loss, batch 128", net_arrays,
        {"nngraph": our_product, "torch": torch_product, "jax": jax_product},
        20, {"jax": 1.2, "torch": 5}, {"jax": 2}, learns=False, operations=operations,
    ),
    Workload(
        "rosenbrock", "the full 50x50 Hessian of Rosenbrock's function", point,
        {
            "nngraph": our_hessian, "torch: func": torch_hessian, "torch: functional": torch_hessian_rows,
            "jax": jax_hessian,
        },
        50, {"jax": 1.2, "torch": 5}, {"jax": 2}, learns=False,
    ),
)  # fmt: skip
