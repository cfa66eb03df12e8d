"""Optimizers on four classic surfaces

Eight rules start at the same place and take 150 steps. Each knows the slope where it stands, and no more; what it makes of it
is one line of its docstring in nets. The surfaces (Polyak 1964, Nesterov 2004, Beale 1958, Rosenbrock 1960):

    valley  ½x² + 10y²                    beale       (1.5 − x + xy)² + (2.25 − x + xy²)² + (2.625 − x + xy³)²
    saddle  ½x² − ½y² + ¼y⁴               rosenbrock  (1 − x)² + 100(y − x²)²

In the valley descent jumps from side to side, because its rate has to suit the steep direction; at 0.1 it would never come
to rest. It takes 23 steps. Momentum swings past the minimum and back, and takes 35; Nesterov's look ahead damps that: 12. At the saddle
slopes are nearly 0, and descent creeps along the ridge for 54 steps; the rules that divide by the length of past slopes
(AdaGrad, AdaDelta, RMSProp, Adam) walk off to the side at once.

Rosenbrock's valley is bent, and its floor is nearly flat: of the rules that take one slope at a time none does 99 % of the
fall. L-BFGS (Liu and Nocedal 1989; here SciPy's) learns the curvature from how slopes change and tries how long a step should
be: 23 steps, and after 37, for which it asked for 45 slopes, it stands in the minimum.
AdamW is missing: it shrinks matrices only, and moves two single numbers as Adam does.
"""

from pathlib import Path

import nngraph as ng
from nngraph import nets
from nngraph.autograd.language import translate as _
from nngraph.viz import plots

rates = {"valley": 0.08, "saddle": 0.1, "beale": 0.005, "rosenbrock": 0.0015}
adaptive = {"AdaGrad": nets.AdaGrad(0.5), "AdaDelta": nets.AdaDelta(epsilon=1e-3), "RMSProp": nets.RMSProp(0.03), "Adam": nets.Adam(0.1)}


def ways(surface):
    """Where each rule is after 0, 1, 2 … steps, by its name."""
    rate = rates[surface.name]
    rules = {"SGD": nets.SGD(rate), "Momentum": nets.Momentum(rate / 4), "Nesterov": nets.Nesterov(rate / 4), **adaptive, "L-BFGS": nets.LBFGS()}
    return {name: nets.trajectory(surface, rule, 150, engine="numpy") for name, rule in rules.items()}


def arrival(surface, way):
    """The first step at which no more than 1 % of the height above the minimum is left; 0 if there is none."""
    heights = surface.height(*way.T) - surface.height(*surface.minimum)
    return int((heights <= 0.01 * heights[0]).argmax())


corner = nets.surfaces["rosenbrock"].leaves()
height = nets.surfaces["rosenbrock"].f(*corner.values())

if __name__ == "__main__":
    Path("out").mkdir(exist_ok=True)
    print(derivation := ng.explain(height, wrt=list(corner.values())), "\n")
    taken = {name: ways(surface) for name, surface in nets.surfaces.items()}
    print(_("steps until 99 % of the fall are done"))
    print(" " * 8, *(f"{name:>11}" for name in taken))
    for rule in taken["valley"]:
        print(f"{rule:8}", *(f"{arrival(nets.surfaces[name], found[rule]) or '–':>11}" for name, found in taken.items()))
    last = list(nets.LBFGS().minimize(height, corner))[-1]
    print(_("L-BFGS ends after {steps} steps and {slopes} slopes", steps=last.number, slopes=last.evaluations))
    for name, surface in nets.surfaces.items():
        about = (surface.height, *surface.window, taken[name])
        plots.loss_surface(*about, minimum=surface.minimum).save(f"out/30_{name}.svg")
    plots.animated_trajectories(*about, minimum=surface.minimum).save("out/30_rosenbrock.gif")
