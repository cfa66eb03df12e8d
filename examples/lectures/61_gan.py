"""A game: one makes, one judges, in turns

A generator makes points out of noise z, a discriminator gives them and the data scores. In a round the discriminator learns
from k batches, then the generator learns once, against the discriminator as it now is (Goodfellow et al. 2014):

    discriminator    L_D = −mean ln D(x) − mean ln(1 − D(G(z)))          k times
    generator        L_G = −mean ln D(G(z))                              once, D frozen

While the generator learns, the gradient runs through the discriminator and changes nothing in it: in the first picture its
weights are marked as frozen, and no gradient arrives at them. Which losses are played is a pair of formulas and no other
program: least squares (LSGAN, Mao et al. 2016) wants scores of 1 for the data and 0 for what is made.

The data are two moons. After 1200 rounds this share of what is made lies on a moon, within 0.15: 0.84 with least squares and k
= 3; with the losses above 0.78 with k = 1 and 0.92 with k = 3; before it was 0.20. The animation shows the last game. Its losses do not fall: they say
who is ahead, not how good the points are.
"""

from pathlib import Path

import nngraph as ng
import numpy as np
from nngraph import nets
from nngraph.autograd.language import translate as _
from nngraph.nets import data
from nngraph.viz import plots

X = data.moons(1000, noise=0.03).X


def game(loss):
    return nets.GAN(nets.MLP([2, 64, 64, 2], rng=0), nets.MLP([2, 64, 64, 1], rng=1), 2, loss=loss)


def good(made):
    """The share of points that lie on a moon."""
    return (np.linalg.norm(made[:, None] - X, axis=2).min(1) < 0.15).mean()


def learned(loss, k):
    net, how = game(loss), {"steps": k, "batch": 50, "optimizer": nets.Adam(1e-3, beta1=0.5)}
    return list(nets.train_adversarial(net, X, epochs=60 * k, samples=net.sample(500), **how))


if __name__ == "__main__":
    Path("out").mkdir(exist_ok=True)
    small = nets.GAN(nets.Linear(2, 2, rng=0), nets.Linear(2, 1, rng=1), 2)
    with small.turn("generator") as turn:
        ng.draw(turn.loss(ng.input("x", X[:4])), view="mirror").save("out/61_gan_generator_learns.svg")
    print(_("before:"), f"{good(game('minimax').sample(500).value):.2f}")
    for loss, k in (("least-squares", 3), ("non-saturating", 1), ("non-saturating", 3)):
        records = learned(loss, k)
        print(f"{loss:15} k = {k}: {good(records[-1].samples):.2f}")
    plots.learning_curves(records).save("out/61_gan_losses.svg")
    frames = [plots.points({_("data"): X, _("made"): each.samples}, within=X) for each in records[::9]]
    plots.film(frames).save("out/61_gan.gif")
