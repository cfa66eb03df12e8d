"""Descent on a curve, and three learning rates

The slope says which way is up. Gradient descent (Cauchy 1847) takes a step the other way, as long as the slope times the
rate α. Gradient ascent takes the same step upwards, the second formula. Both end where the tangent lies flat:

    x ← x − α · f′(x)        x ← x + α · f′(x)        f(x) = x⁴ − 3x² + x

Which valley it ends in depends on where it starts: from 0.5 it finds the right one at 1.131, which is not the deeper one;
from −0.2 it finds the left one at −1.301. Ascent from 0.5 climbs to the hill between them, at 0.170.

On x² a step is x ← x − 2αx = (1 − 2α) · x. With α = 0.1 it shrinks to 0.8 of itself. With 0.8 it becomes −0.6 of itself, so
that it jumps over the valley and back, nearer each time. With 1.0 it becomes −x and jumps for ever between two points; the
loss never changes. Beyond 1 each jump ends higher than it began.
"""

from pathlib import Path

import nngraph as ng
import numpy as np
from nngraph import nets
from nngraph.autograd.language import translate as _
from nngraph.viz import plots


def height(x):
    return x**4 - 3 * x**2 + x


x = ng.parameter("x", 0.5)
f, bowl = height(x), x**2


def way(f, start, rate, steps):
    """Where x is after 0, 1, 2 … steps; upwards with a rate below 0."""
    updates = nets.SGD(abs(rate)).updates({"x": x}, ng.gradient(f if rate > 0 else -f, [x]))
    step, places = ng.compile(f, updates=updates), [start]
    x.value = start
    for _step in range(steps):
        step()
        places.append(float(x.value))
    return places


if __name__ == "__main__":
    Path("out").mkdir(exist_ok=True)
    derivation = ng.explain(f, wrt=[x])
    print(derivation, "\n")
    ways = {_("descent from 0.5"): way(f, 0.5, 0.05, 30), _("descent from −0.2"): way(f, -0.2, 0.05, 30)}
    ways[_("ascent from 0.5")] = way(f, 0.5, -0.05, 30)
    for name, places in ways.items():
        print(f"{places[0]:6.3f} → {places[-1]:6.3f}  {name}".replace("-", "−"))
    plots.curve(height, -1.9, 1.7, tangents=[0.5, -0.2], descents=ways).save("out/22_valleys.svg")
    left = way(f, -0.2, 0.05, 14)
    scenes = [plots.curve(height, -1.9, 1.7, tangents=left[at : at + 1], descents=left[: at + 1]) for at in range(15)]
    plots.film(scenes, seconds=6).save("out/22_descent.gif")
    rates = {f"α = {rate}": way(bowl, 1.5, rate, 20) for rate in (0.1, 0.8, 1.0)}
    for name, places in rates.items():
        print(name, " ".join(f"{place:6.3f}" for place in places[:6]).replace("-", "−"), f"… {places[-1]:.3f}")
    bowls = {name: plots.curve(np.square, -1.8, 1.8, descents=places) for name, places in rates.items()}
    plots.side_by_side(bowls).save("out/22_rates.svg")
