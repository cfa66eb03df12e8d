"""Real derivations, as ng.explain makes them, kept as text: what is said, in which order, in which form.

The sizes of rounding errors differ between machines, so they and the spaces around them are left out.
To rewrite: NNGRAPH_GOLDEN=rewrite python -m pytest tests/autograd/symbolic/test_explained_golden.py
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import nngraph as ng
import numpy as np
import pytest

GOLDEN = Path(__file__).parent / "golden_explained"


def two_two_one() -> ng.autograd.symbolic.derivation.Derivation:
    values = {"w1": 0.2, "w2": -0.3, "w3": 0.4, "w4": 0.1, "w5": 0.6, "w6": -0.5, "x1": 1.0, "x2": 0.5, "z": 1.0}
    v = {name: ng.input(name, value) for name, value in values.items()}
    f = ng.sigmoid
    hidden = [f(v[one] * v["x1"] + v[other] * v["x2"]) for one, other in (("w1", "w3"), ("w2", "w4"))]
    return ng.explain((f(v["w5"] * hidden[0] + v["w6"] * hidden[1]) - v["z"]) ** 2, wrt=[v["w1"], v["w5"]])


def softmax_regression() -> ng.autograd.symbolic.derivation.Derivation:
    n, d, k = ng.Size("N", 3), ng.Size("D", 2), ng.Size("K", 2)
    x = ng.input("X", [[1.0, 2.0], [0.0, 1.0], [3.0, 1.0]], shape=(n, d))
    w = ng.input("W", [[0.1, -0.2], [0.3, 0.4]], shape=(d, k))
    b = ng.input("b", [0.1, 0.0], shape=(k,))
    t = ng.input("T", np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]]), shape=(n, k))
    return ng.explain(ng.softmax_loss(x @ w + b, t), wrt=[w, b])


@pytest.mark.parametrize("make", [two_two_one, softmax_regression])
def test_as_before(make: Callable[[], ng.autograd.symbolic.derivation.Derivation]):
    text = make().text(language="en")
    masked = re.sub(r"(?<=[✓:] )(?:0|\d(?:\.\d)?e-\d+)(?=\s|$)", "·", text)
    written = "\n".join(re.sub(r" {2,}", "  ", line).rstrip() for line in masked.splitlines()) + "\n"
    path = GOLDEN / f"{make.__name__}.txt"
    if os.environ.get("NNGRAPH_GOLDEN") == "rewrite":
        path.parent.mkdir(exist_ok=True)
        path.write_text(written, encoding="utf-8")
    assert written == path.read_text(encoding="utf-8")


def test_the_sample_of_the_course_comes_out():
    derivation = softmax_regression()
    assert float(derivation.value) == pytest.approx(0.544147, abs=5e-7)
    np.testing.assert_allclose(derivation.gradients["W"].value, [[-0.43911, 0.43911], [-0.22979, 0.22979]], atol=5e-6)
    np.testing.assert_allclose(derivation.gradients["b"].value, [-0.07974, 0.07974], atol=5e-6)
