"""Adam: the rule, and why it is corrected

Adam (Kingma and Ba 2014) keeps two running averages, m of the gradients and v of their squares. Where gradients agree, m is as
large as √v and the step as long as the rate α; where they contradict each other it is shorter:

    m ← β₁·m + (1 − β₁)·g      m̂ = m/(1 − β₁ᵗ)      w ← w − α·m̂/(√v̂ + ε)
    v ← β₂·v + (1 − β₂)·g²     v̂ = v/(1 − β₂ᵗ)      β₁ = 0.9, β₂ = 0.999, ε = 10⁻⁸

Both start at 0. The weights of the t gradients seen so far sum to (1 − β) · (1 + β + … + βᵗ⁻¹) = 1 − βᵗ, not to 1: after the
first step m is a tenth of g and v a thousandth of g². Dividing by that sum corrects it. Without it, where every gradient is
1, the first step is 3.16 rates long, the 12th 6.57, and the 300th still 1.96.

The derivation is that of the first step: w moves by the rate, 0.1, and its slope by g is 0 but for ε. Ten times the gradient
gives the same step, and so a loss times 1000 falls as the loss does. On digits at the rate 0.05, Adam's loss is 0.09 after
five epochs. Without the correction it is 1.84: the long first steps have left 29 of 30 hidden neurons at 0 for every digit.
"""

from pathlib import Path

import nngraph as ng
import numpy as np
from nngraph import nets
from nngraph.autograd.language import translate as _
from nngraph.nets import data
from nngraph.viz import plots

w, g, t = ng.parameter("w", 1.0), ng.input("g", 4.0), ng.input("t", 1.0)
m_before, v_before = ng.state("m_before", 0.0), ng.state("v_before", 0.0)
m = 0.9 * m_before + 0.1 * g
v = 0.999 * v_before + 0.001 * g**2
m_hat = m / (1 - 0.9**t)
v_hat = v / (1 - 0.999**t)
new = w - 0.1 * m_hat / (ng.sqrt(v_hat) + 1e-8)


class Uncorrected(nets.Adam):
    def rule(self, p, g, own, rate):
        own.correction = lambda beta: own.number(1.0)
        return super().rule(p, g, own, rate)


if __name__ == "__main__":
    Path("out").mkdir(exist_ok=True)
    print(derivation := ng.explain(new, wrt=[g]), "\n")
    ng.draw(new, view="values", wrt=[g]).save("out/32_adam.svg")
    lengths, digits = {}, data.digits()
    adam, uncorrected = nets.Adam(0.05), Uncorrected(0.05)
    print(_("lengths of steps 1, 12 and 300, losses of five epochs, hidden neurons at 0 for every digit"))
    rules = {_("corrected"): (adam, 1), _("loss times 1000"): (adam, 1000), _("uncorrected"): (uncorrected, 1)}
    for name, (rule, times) in rules.items():
        p = ng.parameter("p", 0.0)
        step = ng.compile(p, updates=rule.updates({"p": p}, [ng.constant(float(times))]))
        lengths[name] = -np.diff([float(step()) for _step in range(301)]) / rule.rate
        net, loss = nets.MLP([64, 30, 10], ng.relu, rng=0), lambda z, t, times=times: times * ng.softmax_loss(z, t)
        losses = [each.loss / times for each in nets.train(net, loss, (digits.X, digits.t), epochs=5, optimizer=rule)]
        dead = (net.layers[0](digits.X).value <= 0).all(0).sum()
        print(*(f"{each:.2f}" for each in lengths[name][[0, 11, 299]]), " ", *(f"{each:.3f}" for each in losses), f" {dead:2}/30 ", name)
    drawn = {name: lengths[name] for name, (_rule, times) in rules.items() if times == 1}
    plots.lines(drawn, labels=(_("step"), _("length in rates"))).save("out/32_lengths.svg")
