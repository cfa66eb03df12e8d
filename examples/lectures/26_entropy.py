"""From entropy to cross entropy and divergence

Shannon (1948) measures surprise: an answer of probability p is worth −log₂ p bits. Entropy is the surprise to be expected;
cross entropy is what is expected by someone who believes q while p is true; what that belief costs more is the divergence of
Kullback and Leibler (1951). It is never below 0, and 0 only for q = p:

    H(p) = −Σ p·log p      H(p, q) = −Σ p·log q      KL(p‖q) = Σ p·log(p/q) = H(p, q) − H(p)

The entropy of p does not depend on q, so both losses have the same gradient. For q = softmax(z) it is q − p; the derivation
shows it. Learning with either brings H(p, q) down to H(p) = 0.8018 nats, and not to 0.

On 9 of 14 days golf was played (Quinlan 1986): 0.940 bits. Told the outlook, 0.694 are left on the average, so that the
outlook is worth 0.247 bits; humidity 0.152, wind 0.048, temperature 0.029. A tree asks for the outlook first.
"""

from pathlib import Path

import nngraph as ng
import numpy as np
from nngraph import nets
from nngraph.autograd.language import translate as _
from nngraph.nets import data
from nngraph.viz import plots

p, z = ng.input("p", [0.7, 0.2, 0.1]), ng.parameter("z", [0.0, 1.0, -1.0])
q = ng.softmax(z)
entropy, cross, divergence = ng.cross_entropy(p, p), ng.softmax_loss(z, p), ng.kl_divergence(p, q)
days = data.golf()


def surprise(p, q):
    return (-ng.xlogy(p, q) - ng.xlogy(1 - np.asarray(p), 1 - np.asarray(q))).value


def bits(answers):
    shares = np.unique(answers, return_counts=True)[1] / len(answers)
    return float(ng.cross_entropy(shares, shares).value) / np.log(2)


def gain(column):
    """How many bits the answer of a column is worth: the entropy of play, less what is left on the average."""
    play, told = days["play"].values, days[column].values
    return bits(play) - sum((told == each).mean() * bits(play[told == each]) for each in np.unique(told))


if __name__ == "__main__":
    Path("out").mkdir(exist_ok=True)
    print(derivation := ng.explain(cross, wrt=[z]), "\n")
    slopes = ng.gradient(cross, [z]) + ng.gradient(divergence, [z])
    step = ng.compile([cross, divergence, q, *slopes], updates=nets.SGD(1.0).updates({"z": z}, slopes[:1]))
    for at in range(101):
        H, KL, *arrays = step()
        if at in (0, 10, 100):
            print(f"{at:3}  H(p, q) = {H:.4f}  KL(p‖q) = {KL:.4f}  q, ∂H/∂z, ∂KL/∂z =", *((each.round(3) + 0.0).tolist() for each in arrays))
    at = np.linspace(0.02, 0.98, 97)
    curves = {"H(q)": surprise(at, at), "H(0.3, q)": surprise(0.3, at), "KL(0.3‖q)": surprise(0.3, at) - surprise(0.3, 0.3)}
    plots.lines(curves, at, labels=("q", "nat")).save("out/26_entropy.svg")
    gains = {name: gain(name) for name in ("outlook", "humidity", "wind", "temperature")}
    print(_("bits of play: {bits}", bits=f"{bits(days['play'].values):.3f}"), *(f"{name} {each:.3f}" for name, each in gains.items()), sep="  ")
    plots.bars(list(gains.values()), list(gains), labels=("", _("information gain in bits"))).save("out/26_golf.svg")
