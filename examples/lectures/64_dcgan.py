"""DCGAN: digits out of noise

A generator of convolutions blows noise up to an image: a linear layer makes many small maps, and each transposed convolution
doubles their sides. The discriminator is its mirror, and halves them. What made it work is a list of habits (Radford, Metz and
Chintala 2015): strides instead of pooling, batch normalization, ReLU in one and leaky ReLU in the other, tanh at the end, Adam
with β₁ = 0.5.

    z (16) → 16 maps of 2×2 → 8 maps of 4×4 → image 8×8

Is it any good? Losses do not tell. Here two numbers do: how far a sample is from the digit nearest to it, 6.1 before and 3.4
after 15 epochs (a digit is 2.4 from its neighbor), and how many of the ten digits a classifier finds among 200 samples: 10.

The last picture goes from one z to another in a straight line: the digit changes little by little, and most of what lies on
the way is a digit, too. A network that had learned its images by heart would jump.
"""

from pathlib import Path

import nngraph as ng
import numpy as np
from nngraph import nets
from nngraph.autograd.language import translate as _
from nngraph.nets import data
from nngraph.viz import plots
from sklearn.neighbors import KNeighborsClassifier

digits = data.digits(flat=False)
X = (2 * digits.X - 1).astype(np.float32)
generator = nets.DCGANGenerator(16, [16, 8], 1, lengths=(8, 8), rng=0)
discriminator = nets.DCGANDiscriminator(1, [8, 16], lengths=(8, 8), rng=1)
net = nets.GAN(generator, discriminator, 16)


def nearest(images, others):
    """How far each image is from the nearest of the others, on average."""
    far = np.linalg.norm(images.reshape(-1, 1, 64) - others.reshape(1, -1, 64), axis=2)
    return far.min(1).mean()


if __name__ == "__main__":
    Path("out").mkdir(exist_ok=True)
    judge = KNeighborsClassifier(3).fit(X.reshape(-1, 64), digits.t)
    print(generator.summary((1, 16)), end="\n\n")
    ng.draw(net(ng.input("z", shape=(1, 16), dtype="float32")), view="forward", fold=3).save("out/64_dcgan_generator.svg")
    print(_("a digit and the one nearest to it:"), f"{nearest(X[:400], X[400:]):.2f}")
    print(_("before: {distance}", distance=f"{nearest(net.sample(200).value, X):.2f}"))
    how = {"epochs": 15, "optimizer": nets.Adam(2e-3, beta1=0.5), "samples": net.sample(200)}
    records = list(nets.train_adversarial(net, X, **how))
    made = records[-1].samples
    kinds = len(set(judge.predict(made.reshape(-1, 64))))
    print(_("after: {distance}, kinds of digits: {kinds}", distance=f"{nearest(made, X):.2f}", kinds=kinds))
    shown = [plots.image_grid((record.samples[:40] + 1) / 2, columns=10) for record in records]
    shown[-1].save("out/64_dcgan.svg")
    plots.film(shown).save("out/64_dcgan.gif")
    plots.learning_curves(records).save("out/64_dcgan_losses.svg")
    ends = np.random.default_rng(5).normal(size=(5, 2, 16))
    way = np.linspace(ends[:, 0], ends[:, 1], 10, axis=1).reshape(-1, 16)
    plots.image_grid((net(way.astype(np.float32)).value + 1) / 2, columns=10).save("out/64_dcgan_between.svg")
