"""A restricted Boltzmann machine of 784 visible and 256 hidden units, contrastive divergence with one step (CD-1).

Peers draw with their own generators when they are timed. To compare them the draws are data: uniform numbers for two
batches of hidden and visible units, used in turn.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from . import Arrays, Implementation, Workload, first_weights

BATCH, RATE = 100, 0.01


def arrays(rng: np.random.Generator, tiny: bool) -> Arrays:
    rows, visible, hidden = (1100, 12, 8) if tiny else (10_000, 784, 256)
    pattern = rng.uniform(0, 1, (10, visible)) < 0.3
    rate = np.where(pattern[rng.integers(0, 10, rows)], 0.85, 0.05)
    return {
        "v": (rng.uniform(0, 1, (rows, visible)) < rate).astype(np.float32),
        "weights/W": rng.normal(0, 0.01, (visible, hidden)).astype(np.float32),
        "weights/a": np.zeros(visible, np.float32), "weights/b": np.zeros(hidden, np.float32),
        "uniform_h": rng.uniform(0, 1, (11 * BATCH, hidden)).astype(np.float32),
        "uniform_v": rng.uniform(0, 1, (11 * BATCH, visible)).astype(np.float32),
    }  # fmt: skip


class _Checked:
    """Timed with one program, which draws; compared by another, which is given the draws."""

    def __init__(self, timed: Implementation, compared: Implementation) -> None:
        self.timed, self.compared = timed, compared
        self.reset, self.run = timed.reset, timed.run

    def check(self) -> list[float]:
        self.compared.reset()
        self.compared.run(1)
        after_one = self.compared.run(1)
        self.compared.run(8)
        return [after_one, self.compared.run(1)]


def ours(arrays: Arrays) -> Implementation:
    import nngraph as ng

    from . import with_nngraph

    def steps(drawn: bool) -> Implementation:
        p = with_nngraph.parameters(first_weights(arrays))
        W, a, b = p["W"], p["a"], p["b"]
        step = ng.state("step", 0)
        v = with_nngraph.batch_input("v", arrays["v"], BATCH)
        inputs, data, updates = [v], [arrays["v"]], {}

        def sample(share: Any, unit: str) -> Any:
            if drawn:
                updates[step] = step + 1
                return ng.bernoulli(share, step=step, name=unit, draw=0)
            uniform = arrays[f"uniform_{unit}"]
            inputs.append(with_nngraph.batch_input(f"uniform_{unit}", uniform, BATCH))
            data.append(uniform)
            return ng.cast(inputs[-1] < share, dtype="float32")

        h = ng.sigmoid(v @ W + b)
        v1 = sample(ng.sigmoid(sample(h, "h") @ W.T + a), "v")
        h1 = ng.sigmoid(v1 @ W + b)
        updates |= {
            W: W + RATE / BATCH * (v.T @ h - v1.T @ h1),
            a: a + RATE * ng.mean(v - v1, axis=0),
            b: b + RATE * ng.mean(h - h1, axis=0),
        }
        rows = min(len(array) for array in data)
        return with_nngraph.Steps(ng.mean(ng.square(v - v1)), inputs, updates, [array[:rows] for array in data], BATCH)

    return _Checked(steps(True), steps(False))


class _Torch:
    """Written by hand without autograd, as PyTorch users write it; the products go to the weights in place."""

    def __init__(self, arrays: Arrays, drawn: bool) -> None:
        from . import with_torch

        self.weights, self.drawn = first_weights(arrays), drawn
        names = ["v"] if drawn else ["v", "uniform_h", "uniform_v"]
        rows = min(len(arrays[name]) for name in names)
        self.batches = with_torch.split([arrays[name][:rows] for name in names], BATCH)
        self.reset()

    def reset(self) -> None:
        import torch

        self.W, self.a, self.b = (torch.tensor(self.weights[name]) for name in "Wab")
        self.at = 0

    def run(self, steps: int) -> float:
        import torch

        W, a, b = self.W, self.a, self.b
        with torch.inference_mode():
            for _ in range(steps):
                v, *uniform = self.batches[self.at]
                h = torch.addmm(b, v, W).sigmoid_()
                h0 = torch.bernoulli(h) if self.drawn else (uniform[0] < h).float()
                shares = torch.addmm(a, h0, W.T).sigmoid_()
                v1 = shares.bernoulli_(shares) if self.drawn else (uniform[1] < shares).float()
                h1 = torch.addmm(b, v1, W).sigmoid_()
                W.addmm_(v.T, h, alpha=RATE / BATCH).addmm_(v1.T, h1, alpha=-RATE / BATCH)
                gap = v - v1
                a.add_(gap.mean(0), alpha=RATE)
                b.add_((h - h1).mean(0), alpha=RATE)
                loss = gap.square_().mean()
                self.at = (self.at + 1) % len(self.batches)
        return loss.item()


class _Scikit:
    """BernoulliRBM: the same work for one step, but its chains persist, so its losses are its own."""

    def __init__(self, arrays: Arrays) -> None:
        self.v, self.weights = arrays["v"], first_weights(arrays)
        self.count = len(self.v) // BATCH

    def reset(self) -> None:
        from sklearn.neural_network import BernoulliRBM

        self.machine = BernoulliRBM(self.weights["W"].shape[1], learning_rate=RATE, batch_size=BATCH, random_state=0)

    def run(self, steps: int) -> float:
        self.machine.n_iter = max(1, steps // self.count)
        self.machine.fit(self.v)
        return float(np.mean((self.v[:BATCH] - self.machine.gibbs(self.v[:BATCH])) ** 2))


WORKLOADS = (
    Workload(
        "rbm", "RBM 784x256 CD-1, batch 100, 10 000 rows per epoch", arrays,
        {
            "nngraph": ours, "torch": lambda given: _Checked(_Torch(given, True), _Torch(given, False)),
            "scikit-learn": _Scikit,
        },
        100, {"scikit-learn": 3, "torch": 1.5}, {"scikit-learn": 5, "torch": 2},
        # Three products forward, two for the weights.
        operations=lambda arrays: 5 * 2 * BATCH * arrays["weights/W"].size,
        incomparable={"scikit-learn": "its chains persist (PCD) and it draws its own first weights"},
    ),
)  # fmt: skip
