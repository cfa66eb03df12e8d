"""Denoising: give back what was clean

The input is spoiled by noise, and the loss still asks for the clean picture. What the network learns is to guess what is likely, given
what it sees: it pulls a point that noise has pushed off the digits back to where digits are. Vincent, Larochelle, Bengio and
Manzagol 2008.

    x̃ = x + ε,  ε ~ N(0, 0.4²)     loss = mean (decoder(encoder(x̃)) − x)²     SNR = 10·log₁₀(Σx²/Σ(y − x)²) dB

Pixels go from 0 to 1, so that noise of spread 0.4 nearly hides a digit: 1.7 dB. Three decibels more mean half the noise. The network
gives back unseen digits at 9.0 dB; a blur, the mean of each pixel's neighborhood, comes to 5.2 dB only, because it knows nothing
of digits. The noise is drawn anew in every step, which also makes many digits out of few.

The derivation shows the rule on one layer: the spoiled x̃ stands where inputs stand, in x̃ᵀ, the clean x only in the error D.
"""

from pathlib import Path

import nngraph as ng
import numpy as np
from nngraph import nets
from nngraph.autograd.language import translate as _
from nngraph.nets import data
from nngraph.viz import plots

rng = np.random.default_rng(0)
X = data.digits().X.astype(np.float32)[rng.permutation(1797)]
learn, test = X[:1400], X[1400:]
noisy = test + rng.normal(0, 0.4, test.shape).astype(np.float32)
net = nets.Autoencoder(nets.MLP([64, 128, 32], rng=0), nets.MLP([32, 128, 64], rng=1), corrupt=nets.gaussian_noise(0.4))

clean = ng.input("x", [[1.0, 0.0], [0.0, 1.0]])
spoiled = ng.input("x̃", [[0.8, 0.3], [-0.2, 1.1]])
W = ng.parameter("W", [[0.9, 0.1], [0.2, 0.7]])
L = ng.mean_squared_error(spoiled @ W, clean)


def decibels(found):
    return float(10 * np.log10((test**2).sum() / ((found - test) ** 2).sum()))


def blurred(pictures):
    """Each pixel the mean of its 3·3 neighborhood."""
    kernel = np.full((1, 1, 3, 3), 1 / 9, np.float32)
    return ng.conv2d(pictures.reshape(-1, 1, 8, 8), kernel, padding=1).value.reshape(-1, 64)


if __name__ == "__main__":
    Path("out").mkdir(exist_ok=True)
    derivation = ng.explain(L, wrt=[W])
    print(derivation)
    print(_("noisy input: {noise} dB; blurred: {blur} dB", noise=f"{decibels(noisy):.1f}", blur=f"{decibels(blurred(noisy)):.1f}"))
    training, curve = nets.Trainer(net, None, learn, batch=50, optimizer=nets.Adam(0.002)), [decibels(net(noisy).value)]
    curve += [decibels(net(noisy).value) for turn in range(20) if list(training.run(5))]
    print(_("network: {before} dB before learning, {after} dB after", before=f"{curve[0]:.1f}", after=f"{curve[-1]:.1f}"))
    constant = {_("network"): curve, _("noisy input"): [decibels(noisy)] * 21, _("blurred"): [decibels(blurred(noisy))] * 21}
    plots.lines(constant, range(0, 101, 5), labels=(_("epoch"), "dB")).save("out/57_denoising_curve.svg")
    shown = (each[:10].reshape(10, 8, 8) for each in (test, net(noisy).value, noisy))
    plots.reconstructions(*shown).save("out/57_denoising_pictures.svg")
