"""Networks as people train them: whole fits beside scikit-learn's, and what every lecture takes.

By hand, from a checkout with the extra [learn]: python tests/bench/networks.py --markdown tests/bench/NETWORKS.md. Both sides
get the same rows, sizes, rate, batch and epochs; a fit is timed from fit() to its end, after one that is not counted, and the
rounds alternate. A lecture runs in a process of its own; the least of the rounds counts.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import machine
import numpy as np
from nngraph import nets
from nngraph.nets import data
from units import seconds

ROOT = Path(__file__).resolve().parents[2]
LECTURES = ROOT / "examples" / "lectures"


def fits() -> dict[str, tuple[Callable[[], Any], Callable[[], Any], Callable[[Any], float]]]:
    """Each row: our fit, scikit-learn's fit, and the figure that both are judged by."""
    from sklearn.linear_model import Perceptron
    from sklearn.neural_network import BernoulliRBM, MLPClassifier, MLPRegressor

    train, test = data.digits().split(0.25, seed=0)
    flowers = data.iris()
    X = (flowers.X - flowers.X.mean(0)) / flowers.X.std(0)
    wave = np.linspace(-3, 3, 1000, dtype=np.float32)[:, None]
    height = np.sin(2 * wave[:, 0])
    ink = (train.X > 0.5).astype(np.float32)
    adam = {"learning_rate_init": 0.001, "batch_size": 32, "tol": 0.0, "n_iter_no_change": 10_000, "alpha": 0.0}
    return {
        "digits, MLP 64-30-30-30-10, Adam, batch 32, 30 epochs": (
            lambda: nets.MLPClassifier((30, 30, 30), optimizer=nets.Adam(0.001), epochs=30, random_state=0).fit(train.X, train.t),
            lambda: MLPClassifier(hidden_layer_sizes=(30, 30, 30), max_iter=30, random_state=0, **adam).fit(train.X, train.t),
            lambda learned: learned.score(test.X, test.t),
        ),
        "iris, MLP 4-5-3, Adam, batch 32, 200 epochs": (
            lambda: nets.MLPClassifier((5,), "tanh", optimizer=nets.Adam(0.01), epochs=200, random_state=0).fit(X, flowers.t),
            lambda: MLPClassifier(hidden_layer_sizes=(5,), activation="tanh", max_iter=200, random_state=0, **{**adam, "learning_rate_init": 0.01}).fit(X, flowers.t),
            lambda learned: learned.score(X, flowers.t),
        ),
        "sin(2x), MLP 1-32-32-1, Adam, batch 32, 100 epochs": (
            lambda: nets.MLPRegressor((32, 32), "tanh", optimizer=nets.Adam(0.005), epochs=100, random_state=0).fit(wave, height),
            lambda: MLPRegressor(hidden_layer_sizes=(32, 32), activation="tanh", max_iter=100, random_state=0, **{**adam, "learning_rate_init": 0.005}).fit(wave, height),
            lambda learned: learned.score(wave, height),
        ),
        "digits, RBM 64x100, PCD, batch 10, 10 epochs": (
            lambda: nets.BernoulliRBM(100, epochs=10, batch=10, chains=10, optimizer=nets.SGD(0.05), random_state=0).fit(ink),
            lambda: BernoulliRBM(100, n_iter=10, batch_size=10, learning_rate=0.05, random_state=0).fit(ink),
            lambda learned: _reconstruction_error(learned, ink),
        ),
        "digits 3 and 8, perceptron, 20 epochs": (
            lambda: nets.Perceptron(epochs=20, random_state=0).fit(*_two(train, 3, 8)),
            lambda: Perceptron(max_iter=20, tol=None, random_state=0).fit(*_two(train, 3, 8)),
            lambda learned: learned.score(*_two(test, 3, 8)),
        ),
    }  # fmt: skip


def _two(rows: Any, a: int, b: int) -> tuple[np.ndarray, np.ndarray]:
    kept = np.isin(rows.t, (a, b))
    return rows.X[kept], rows.t[kept]


def _reconstruction_error(learned: Any, X: np.ndarray) -> float:
    """Mean squared difference of the rows and what comes back through the means of the hidden units."""
    if hasattr(learned, "components_"):
        W, b, c = learned.components_.T, learned.intercept_visible_, learned.intercept_hidden_
    else:
        W, b, c = learned.net_.W.value, learned.net_.b.value, learned.net_.c.value
    sigmoid = lambda z: 1 / (1 + np.exp(-z))  # noqa: E731
    return float(np.mean((sigmoid(sigmoid(X @ W + c) @ W.T + b) - X) ** 2))


def timed(call: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds of a call, and what it gave."""
    began = perf_counter()
    result = call()
    return perf_counter() - began, result


def fit_table(rounds: int) -> list[str]:
    """A row of the report for each fit."""
    lines = ["| fit | nngraph | scikit-learn | ratio | figure, nngraph | figure, scikit-learn |", "|---|---|---|---|---|---|"]
    for name, (ours, theirs, figure) in fits().items():
        first, _ = timed(ours)
        theirs()
        times: list[tuple[float, float]] = []
        for _ in range(rounds):
            (mine, learned), (other, peer) = timed(ours), timed(theirs)
            times.append((mine, other))
        mine, other = (median(each) for each in zip(*times, strict=True))
        lines.append(f"| {name} | {seconds(mine)} (first {seconds(first)}) | {seconds(other)} | {other / mine:.2f}x | {figure(learned):.4f} | {figure(peer):.4f} |")
        print(lines[-1], file=sys.stderr)
    return lines


def lecture_table(rounds: int) -> list[str]:
    """A row of the report for each lecture: the least wall time, with a warm code cache."""
    lines = ["| lecture | a process, start to end |", "|---|---|"]
    environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
    for path in sorted(LECTURES.glob("[0-9]*.py")):
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, str(path)]
            runs = [timed(lambda: subprocess.run(command, cwd=folder, env=environment, capture_output=True, check=True))[0] for _ in range(rounds)]  # noqa: B023
        lines.append(f"| {path.name} | {seconds(min(runs))} |")
        print(lines[-1], file=sys.stderr)
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description="Whole fits beside scikit-learn, and the lectures.")
    parser.add_argument("--rounds", type=int, default=5, metavar="N")
    parser.add_argument("--lecture-rounds", type=int, default=2, metavar="N")
    parser.add_argument("--markdown", type=Path, metavar="FILE")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    about = machine.describe()
    versions = ", ".join(f"{name} {version}" for name, version in about["versions"].items() if name in ("nngraph", "numpy", "numba", "scikit-learn"))
    text = "\n".join(
        [
            "# Networks as people train them", "",
            f"Measured on {about['date']}: {about['processor']}, {about['cores']} cores, {about['vectors']}, {about['memory']}, {about['system']}."
            f" Python {about['python']}, {versions}. Written by `python tests/bench/networks.py`.", "",
            "A fit from `fit()` to its end, the same rows, sizes, rate, batch and epochs on both sides: medians of"
            f" {options.rounds} rounds that alternate. *ratio* is scikit-learn over nngraph: above 1 nngraph is quicker. *first* is a"
            " fit in a process that has made no machine code yet, with a warm code cache.", "",
            *fit_table(options.rounds), "",
            "Every lecture in a process of its own, start of Python, imports, training and pictures, with a warm code cache:"
            f" the least of {options.lecture_rounds}.", "",
            *lecture_table(options.lecture_rounds), "",
        ]
    )  # fmt: skip
    if options.markdown:
        options.markdown.write_text(text, encoding="utf-8")
    else:
        print(text)


if __name__ == "__main__":
    main()
