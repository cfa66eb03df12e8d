"""WGAN: a critic that may not be steep

The discriminator becomes a critic: it raises its scores of the data and lowers those of what is made, as far apart as they go.
If its slope is at most 1 everywhere, what it reaches is a distance, that of moving earth from one heap to the other:

    W = max over critics of   mean s(x) − mean s(G(z))       (Arjovsky, Chintala and Bottou 2017)

WGAN keeps the slope low by clipping each weight. WGAN-GP (Gulrajani et al. 2017) asks for slope 1 at points x̂ between data
and what is made: λ·mean (‖∂s/∂x̂‖ − 1)². To learn from that takes the gradient of a gradient; it is explained first, on a
critic of one neuron.

The data are eight small clouds on a ring. Samples within three spreads of a cloud are good: clipping brings 0.02, in 6 clouds,
the penalty 0.89, in all 8. The curves are what the critics hold the distance to be. That of WGAN-GP falls as the picture gets
better; a critic that is clipped to 0.01 is almost flat and sees no clouds.
"""

from dataclasses import replace
from functools import partial
from pathlib import Path

import nngraph as ng
import numpy as np
from nngraph import nets
from nngraph.autograd.language import translate as _
from nngraph.nets import data
from nngraph.viz import plots

x, w, v = ng.input("x", 0.7), ng.parameter("w", 1.2), ng.parameter("v", 0.8)
penalty = (ng.gradient(v * ng.tanh(w * x), [x])[0] - 1) ** 2
ring = data.gaussian_ring(128 * 60, spread=0.05)
centres = np.array([ring.X[ring.t == cloud].mean(0) for cloud in range(8)])
table = nets.adversarial_losses  # λ = 10 was chosen for images; these clouds are smaller
games = {"WGAN": (table["wasserstein"], nets.RMSProp, 0.002)}
games["WGAN-GP"] = replace(table["wasserstein-gp"], penalty=0.1), partial(nets.Adam, beta1=0.5, beta2=0.9), 0.006


def learned(name, rounds=3000):
    loss, optimizer, rate = games[name]
    net = nets.GAN(nets.MLP([8, 64, 64, 2], rng=0), nets.MLP([2, 64, 64, 1], rng=10), 8, loss=loss)
    each = {side: optimizer(nets.cosine_decay(rate, k * rounds)) for side, k in (("discriminator", 3), ("generator", 1))}
    how = {"epochs": rounds // 20, "batch": 128, "steps": 3, "samples": net.sample(1000)}
    return list(nets.train_adversarial(net, ring.X, optimizer=each, **how))


def shown(record):
    return plots.points({_("data"): ring.X[:400], _("made"): record.samples}, within=ring.X[:400])


if __name__ == "__main__":
    Path("out").mkdir(exist_ok=True)
    print(derivation := ng.explain(penalty, wrt=[w]))
    runs = {name: learned(name) for name in games}
    for name, records in runs.items():
        distance = np.linalg.norm(records[-1].samples[:, None] - centres, axis=2)
        count = len({*distance.argmin(1)[good := distance.min(1) < 0.15]})
        print(f"{name:8}", _("clouds: {count}, good: {share}", count=count, share=f"{good.mean():.2f}"))
    plots.side_by_side({name: shown(records[-1]) for name, records in runs.items()}).save("out/62_wasserstein.svg")
    said = {name: [-record.losses["discriminator"] for record in records] for name, records in runs.items()}
    plots.lines(said, labels=(_("epoch"), _("distance, as the critic has it"))).save("out/62_wasserstein_distance.svg")
    plots.film([shown(record) for record in runs["WGAN-GP"][::9]]).save("out/62_wasserstein.gif")
