"""Digits to order: conditional GAN and AC-GAN

A GAN makes what it likes. To order a seven, the class y has to go in, and the discriminator has to care:

    conditional GAN    G(z, y) and D(x, y): both are told the class        (Mirza and Osindero 2014)
    AC-GAN             G(z, y), and D(x) names the class: L + CE(D(x), y)  (Odena, Olah and Shlens 2016)

In the first, a good seven that comes with y = 3 is a forgery. In the second, the discriminator is a classifier as well, and
both sides want its answers to be right: CE is the cross entropy, which the generator lowers, too.

Every column of the pictures is an order, every row a z. The test is a classifier that has seen real digits only: it names 0.96
of what the conditional GAN makes as it was ordered, and 0.98 with AC-GAN; before it was 0.09, mere luck. A network could cheat
and make one perfect picture for each class. It does not: the spread of a pixel within a class is 0.25 for both; 0.33 of real
digits.
"""

from pathlib import Path

import nngraph as ng
import numpy as np
from nngraph import nets
from nngraph.autograd.language import translate as _
from nngraph.nets import data
from nngraph.viz import plots
from sklearn.neighbors import KNeighborsClassifier

digits = data.digits()
X, t = (2 * digits.X - 1).astype(np.float32), digits.t
orders = np.tile(np.arange(10), 50)


def leaky(x):
    return ng.leaky_relu(x, slope=0.2)


def generator():
    return nets.Sequential(nets.MLP([16 + 10, 128, 64], rng=0), ng.tanh)


games = {
    "conditional GAN": nets.ConditionalGAN(generator(), nets.MLP([64 + 10, 128, 1], leaky, rng=1), 16, 10),
    "AC-GAN": nets.ACGAN(generator(), nets.MLP([64, 128, 1 + 10], leaky, rng=1), 16, 10),
}

if __name__ == "__main__":
    Path("out").mkdir(exist_ok=True)
    judge = KNeighborsClassifier(3).fit(X, t)
    spread = np.mean([X[t == digit].std(0).mean() for digit in range(10)])
    print(_("spread of real digits of a class: {spread}", spread=f"{spread:.2f}"))
    for name, net in games.items():
        before = (judge.predict(net.sample(orders).value) == orders).mean()
        samples, optimizer = net.sample(orders), nets.Adam(1e-3, beta1=0.5)
        records = list(nets.train_adversarial(net, (X, t), epochs=60, optimizer=optimizer, samples=samples))
        made = records[-1].samples
        right, apart = (judge.predict(made) == orders).mean(), made.reshape(50, 10, 64).std(0).mean()
        print(f"{name:16} {before:.2f} → {right:.2f}  ", _("spread {spread}", spread=f"{apart:.2f}"))
        picture = plots.image_grid((made[:60].reshape(-1, 8, 8) + 1) / 2, "0123456789", columns=10)
        picture.save(f"out/65_{name.lower().replace(' ', '_').replace('-', '_')}.svg")
        frames = [plots.image_grid((each.samples[:40].reshape(-1, 8, 8) + 1) / 2, columns=10) for each in records[::4]]
    plots.film(frames).save("out/65_ac_gan.gif")
