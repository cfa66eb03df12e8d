"""The threshold unit: logic from one neuron

The neuron of 1943 adds up its inputs, each times a weight, and says 1 if the sum is above a threshold, else 0. With the
threshold on the other side, as a bias b, this is

    y = [w·x + b > 0], 1 or 0                         (McCulloch and Pitts 1943)

Weights and a bias, chosen by hand, make it AND, OR, NAND or NOT. Each unit cuts the plane of its inputs along the line
w·x + b = 0. OR and NAND each answer as XOR does at three of the four corners; but where both say 1, between their two lines,
lie just the corners of XOR:

    x₁ XOR x₂ = (x₁ OR x₂) AND (x₁ NAND x₂)

So three units in two layers do what none can do alone; why not, is lecture 19. The units were told their weights. How to
learn them is the question of the next pages: the slope of a step is 0, so that its gradient says nothing.
"""

from pathlib import Path

import nngraph as ng
from nngraph import nets
from nngraph.autograd.language import translate as _
from nngraph.nets import data
from nngraph.viz import plots

corners = data.exclusive_or()
units = {"and": nets.ThresholdUnit.of([1.0, 1.0], -1.5), "or": nets.gate("or"), "nand": nets.gate("nand")}
xor = nets.ExclusiveOr()
x = ng.input("x", [0.0, 1.0])
y = xor(x)
slopes = ng.gradient(ng.sum(y), list(xor.parameters().values()))

if __name__ == "__main__":
    pictures = Path("out")
    pictures.mkdir(exist_ok=True)
    for name, unit in units.items():
        W, b = unit.values().values()
        print(f"{name.upper():5} w = ({W[0, 0]:g}, {W[1, 0]:g})   b = {b[0]:g}")
    print("NOT  ", nets.gate("not")([[0.0], [1.0]]).value.ravel(), "\n")

    answers = {name.upper(): unit(corners.X).value.ravel() for name, unit in units.items()}
    answers["XOR"] = xor(corners.X).value.ravel()
    print("x₁ x₂ ", *(f"{name:>5}" for name in answers))
    for row, (first, second) in enumerate(corners.X):
        print(f"{first:2g} {second:2g} ", *(f"{answer[row]:5g}" for answer in answers.values()))
    print("\n" + _("the largest slope by any weight of XOR:"), max(abs(slope.value).max() for slope in slopes))

    asked = {"OR": units["or"], "NAND": units["nand"], "XOR = OR AND NAND": xor}
    decide = {name: lambda points, unit=unit: unit(points).value for name, unit in asked.items()}
    lines = plots.decision_boundary(decide, corners.X, corners.t, columns=("x₁", "x₂"), title=_("dots: the answers of XOR"))
    lines.save(pictures / "13_gates.svg")
    ng.draw(y, view="neurons").save(pictures / "13_exclusive_or.svg")
