"""Activation functions: seven curves and slopes

Layers of sums alone are one sum. What makes more of them is the function y = f(x) behind each, and how well they learn depends
on its slope, because backpropagation multiplies by f′(x) in every layer:

    threshold [x > 0]      sigmoid σ = 1/(1 + e⁻ˣ), σ′ = σ(1 − σ) ≤ 1/4      tanh x = 2σ(2x) − 1, tanh′ = 1 − tanh² ≤ 1
    ReLU max(0, x)         leaky ReLU max(0.1x, x)       maxout max(z₁, …, zₖ)         softmax pᵢ = eᶻⁱ/Σⱼ eᶻʲ

A unit saturates where the slope is nearly 0: it still answers, but no longer learns. In the picture such places are shaded, and
below each curve stands what it is good for and what it is not. The same is printed, with the steepest slope and the slopes at −4
and 4. The derivation shows what three sigmoids leave of a gradient: three factors of at most 1/4, here 0.0120 in all. After ten
layers at most 0.25¹⁰ ≈ 10⁻⁶ would be left; ReLU leaves all of it, or nothing.

Maxout and softmax take several numbers. Shown are maxout with the pieces −x − 1, 0.2x and x − 1, and the softmax share of a
score x beside two that are 0. All slopes come from backpropagation; at a kink they are those that the engine chooses.
"""

from pathlib import Path

import nngraph as ng
import numpy as np
from nngraph import nets
from nngraph.autograd.language import translate as _
from nngraph.viz import plots

functions = nets.activation_functions()
x = ng.input("x", 0.5)
y = ng.sigmoid(ng.sigmoid(ng.sigmoid(x)))

if __name__ == "__main__":
    pictures = Path("out")
    pictures.mkdir(exist_ok=True)
    derivation = ng.explain(y, wrt=[x])
    print(derivation, "\n")

    line, ends = np.linspace(-4, 4, 801), np.array([-4.0, 4.0])
    print("max f′  f′(−4)   f′(4)")
    for each in functions.values():
        left, right = each.slopes(ends)
        print(f"{abs(each.slopes(line)).max():6.3f}  {left:6.3f}  {right:6.3f}   {_(each.name)} ({each.source})")
        for topic, remark in each.remarks.items():
            print(" " * 24, _("{topic}: {remark}", topic=_(topic), remark=_(remark)))

    curves = {f"{_(each.name)}   {each.formula}": (each.values, each.slopes) for each in functions.values()}
    remarks = {f"{_(each.name)}   {each.formula}": each.remarks for each in functions.values()}
    plots.activations(curves, remarks=remarks, flat=0.05).save(pictures / "18_activations.svg")
