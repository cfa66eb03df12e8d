"""The slope of x² at 3, and its tangent

Walk a little to the right, h = 1e-4, and see how much higher you are: (f(3 + h) − f(3)) / h = 6.0001. That is close to the
slope, and wrong by exactly h. Look to both sides instead: (f(3 + h) − f(3 − h)) / 2h = 6.0000. The errors cancel.
The derivative needs no step at all: f′(x) = 2x, which is 6 at x = 3.

The tangent touches the curve there and has this slope: t ↦ f(3) + 6·(t − 3) = 6t − 9.
"""

from pathlib import Path

import nngraph as ng
from nngraph.autograd.language import translate as _
from nngraph.viz import plots

x = ng.input("x", 3.0)
f = ng.square(x)
(slope,) = ng.gradient(f, [x])  # again a graph: 2·x


def height(t):
    """The value of f at t."""
    x.value = t
    return float(f.value)


def tangent(t):
    """The straight line through (3, f(3)) with the slope there, 6t − 9."""
    return height(3.0) + slope.value * (t - 3)


if __name__ == "__main__":
    pictures = Path("out")
    pictures.mkdir(exist_ok=True)
    h = 1e-4
    forward = (height(3 + h) - height(3)) / h
    central = (height(3 + h) - height(3 - h)) / (2 * h)
    height(3.0)  # back to where the slope is asked for
    print(_("forward difference"), f"{forward:.4f}")
    print(_("central difference"), f"{central:.4f}")
    print(_("derivative"), f"{slope.value:g}")
    print(_("tangent"), f"{slope.value:g}t − {-tangent(0):g}\n")
    derivation = ng.explain(f, wrt=[x])
    print(derivation)
    curve = plots.curve(lambda t: ng.square(t).value, 0.0, 4.0, tangents=[3.0], labels=("t", "t²"))
    curve.save(pictures / "04_tangent.svg")
