"""f-GAN: every divergence is a game

How far apart are the data P and what is made, Q? An f-divergence adds up a convex function of the ratio p/q, weighed by q, with f(1) = 0. A
convex f lies above all its tangents, and so it is a maximum over their slopes t (f* its conjugate):

    D_f(P‖Q) = Σ q·f(p/q)        f(u) = max over t of  u·t − f*(t)        f*(t) = max over u of  u·t − f(u)

Put in for f, a sum over outcomes with a t for each: D_f is the most that Σ p·T − Σ q·f*(T) can reach, a game in which the
discriminator chooses T (Nowozin, Cseke and Tomioka 2016). The derivation is for one outcome and Kullback-Leibler: the slope by
t is p − q·exp(t − 1), which is 0 at t = f′(p/q) = 1 + ln p/q. The first picture: on four outcomes the bound climbs to the
divergence and never above it.

Toy run: a bell at 1, as wide as 0.7, imitates two bumps at −2 and 2. Kullback-Leibler wants all data covered: a bell in the
middle, σ = 2.03. The reverse one forbids places without data, and the bell takes one bump: μ = 2.01, σ = 0.49.
"""

from pathlib import Path

import nngraph as ng
import numpy as np
from nngraph import nets
from nngraph.autograd.language import translate as _
from nngraph.viz import plots

names = ("kullback-leibler", "reverse-kullback-leibler", "jensen-shannon", "pearson", "squared-hellinger")
p, q, t = ng.input("p", 0.5), ng.input("q", 0.2), ng.parameter("t", 0.4)
bound = p * t - q * nets.divergences["kullback-leibler"].conjugate(t)
P, Q = np.array([0.5, 0.3, 0.15, 0.05]), np.array([0.1, 0.2, 0.3, 0.4])
rng = np.random.default_rng(0)
X = rng.normal(np.where(rng.random(4000) < 0.5, -2.0, 2.0), 0.5)[:, None]


def climbed(name, steps=600):
    each, v = nets.divergences[name], ng.parameter("v", np.zeros(4))
    value = ng.sum(P * each.activation(v)) - ng.sum(Q * each.conjugate(each.activation(v)))
    step = ng.compile(value, updates=nets.Adam(0.05).updates({"v": v}, ng.gradient(-value, [v])))
    return [float(step()) for _ in range(steps)], float(np.sum(Q * each.f(ng.constant(P / Q)).value))


def imitated(name):
    bell, rounds = nets.Linear(1, 1), 800
    bell.W.value, bell.b.value = [[0.7]], [1.0]
    net = nets.GAN(bell, nets.MLP([1, 32, 32, 1], ng.tanh, rng=1), 1, loss=nets.f_gan(name, saturating=True))
    rates = {"discriminator": nets.cosine_decay(0.01, 5 * rounds), "generator": nets.cosine_decay(0.02, rounds)}
    each = {side: nets.Adam(rate, beta1=0.5) for side, rate in rates.items()}
    for _record in nets.train_adversarial(net, X, epochs=rounds // 4, batch=200, steps=5, optimizer=each):
        pass
    return net.sample(4000).value.ravel()


if __name__ == "__main__":
    Path("out").mkdir(exist_ok=True)
    print(derivation := ng.explain(bound, wrt=[t]))
    ways = {name: climbed(name) for name in names}
    print("\n".join(f"{name:26} {way[0]:7.4f} → {way[-1]:.4f}   D_f = {truth:.4f}" for name, (way, truth) in ways.items()))
    plots.lines({name: way for name, (way, _d) in ways.items()}, labels=(_("step"), _("bound"))).save("out/63_f_gan_bound.svg")
    bells = {name: imitated(name) for name in names[:3]}
    print("\n".join(f"{name:26} μ = {bell.mean():5.2f}   σ = {bell.std():.2f}" for name, bell in bells.items()))
    heights = {each: np.histogram(row, 40, (-5, 5), density=True)[0] for each, row in {_("data"): X.ravel(), **bells}.items()}
    plots.lines(heights, np.arange(-4.875, 5, 0.25), labels=("x", _("density"))).save("out/63_f_gan.svg")
