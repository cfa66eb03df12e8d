"""Autoencoders: say again what you saw

A network learns to give back what it was given. That would be easy if it could just copy, so the code in the middle is made too
narrow, or nearly silent; then it must find out what pictures have in common. Rumelhart, Hinton and Williams 1986.

    z = encoder(x)     y = decoder(z)     loss = mean (y − x)²     sparse: + λ·Σⱼ KL(ρ ‖ z̄ⱼ)

All three have digits of 64 pixels to say again. The dense one has 16 numbers for it, and its mean squared error on unseen digits
falls to 0.009; with linear layers it could at best do what the first 16 principal components do, 0.012 (Baldi and Hornik 1989).
The convolutional one has 16 numbers, too, as 4 maps of 2·2, and an eighth of the weights, because they are the same at each
place: 0.011.

The sparse one has more code than pixels, 100 units, but each is told to be active 5 % of the time (ρ = 0.05), by a divergence
that grows when its mean activity z̄ⱼ leaves ρ; left alone, units are active half of the time. A digit is then a few strokes out
of a hundred. The last picture shows what 40 of the units add to a picture, blue more ink, red less; the error is 0.012.
"""

from pathlib import Path

import nngraph as ng
import numpy as np
from nngraph import nets
from nngraph.autograd.language import translate as _
from nngraph.nets import data
from nngraph.viz import plots

X = data.digits().X.astype(np.float32)[np.random.default_rng(0).permutation(1797)]
learn, test = X[:1400], X[1400:]
dense = nets.Autoencoder(nets.MLP([64, 100, 16], rng=0), nets.MLP([16, 100, 64], rng=1))


def convolutional():
    down = nets.Conv2d(1, 16, 3, stride=2, padding=1, rng=0), nets.Conv2d(16, 4, 3, stride=2, padding=1, rng=1)
    up = nets.ConvTranspose2d(4, 16, 4, stride=2, padding=1, rng=2), nets.ConvTranspose2d(16, 1, 4, stride=2, padding=1, rng=3)
    return nets.Autoencoder(nets.Sequential(down[0], ng.relu, down[1]), nets.Sequential(up[0], ng.relu, up[1]))


def sparse(weight=0.05):
    encoder = nets.Sequential(nets.Linear(64, 100, rng=0), ng.sigmoid)
    return nets.Autoencoder(encoder, nets.Linear(100, 64, start=nets.normal(0.01), rng=1), sparsity=(0.05, weight))


if __name__ == "__main__":
    Path("out").mkdir(exist_ok=True)
    learned, pictures, errors = {_("dense"): dense, _("convolutional"): convolutional(), _("sparse"): sparse()}, {}, {}
    for name, net in learned.items():
        shape = (-1, 1, 8, 8) if name == _("convolutional") else (-1, 64)
        seen, unseen = learn.reshape(shape), test.reshape(shape)
        before = float(((net(unseen).value - unseen) ** 2).mean())
        list(nets.train(net, data=seen, epochs=60, batch=50, optimizer=nets.Adam(0.005)))
        again = net(unseen).value
        errors[name] = float(((again - unseen) ** 2).mean())
        print(_("{name}: {count} weights, error {before} before and {after} after learning", name=name, count=net.count, before=f"{before:.3f}", after=f"{errors[name]:.3f}"))  # fmt: skip
        pictures[name] = plots.reconstructions(test[:10].reshape(10, 8, 8), again[:10].reshape(10, 8, 8))
    print(_("mean activity of the sparse code: {activity}", activity=f"{learned[_('sparse')].encoder(test).value.mean():.3f}"))
    plots.side_by_side(pictures, columns=1).save("out/56_autoencoder_reconstructions.svg")
    strokes = learned[_("sparse")].decoder.W.value.reshape(100, 8, 8)
    plots.image_grid(strokes[:40], columns=10, signed=True).save("out/56_autoencoder_strokes.svg")
