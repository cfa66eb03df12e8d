"""InfoGAN: names that nobody gave

A GAN uses its noise as it likes, all tangled. InfoGAN (Chen et al. 2016) sets a part of it aside as a code c: here a name, one
of four, and a number between −1 and 1. Both sides get an additional wish: the code shall be readable from what was made.

    L = the game + λ·(CE(name read, name) + ½·(number read − number)²)

This is −ln q(c|x), and it bounds the mutual information I(c; G(z, c)) from below: the smaller it is, the more a look at x says
about c. Nobody says what the code means.

The data are points on four rays, without any targets. With λ = 1 each name becomes a ray of its own (1.00 of its points lie
there), and the number the distance from the middle (correlation 1.00). The reader is good for real data, too: it tells their
rays apart, 1.00 of them. With λ = 0, in the same game, the code says much less: 0.58, 0.72 and 0.49.
"""

from pathlib import Path

import numpy as np
from nngraph import nets
from nngraph.autograd.language import translate as _
from nngraph.viz import plots

rng, c = np.random.default_rng(0), np.linspace(-1, 1, 50)
ray, radius = rng.integers(0, 4, 1500), rng.uniform(0.6, 2.0, (1500, 1))
X = radius * np.stack([np.cos(np.pi * ray / 2), np.sin(np.pi * ray / 2)], 1) + rng.normal(0, 0.06, (1500, 2))


def learned(weight):
    networks = nets.MLP([2 + 4 + 1, 64, 64, 2], rng=0), nets.MLP([2, 64, 64, 1 + 4 + 1], rng=5)
    net = nets.InfoGAN(*networks, latent=2, categories=4, numbers=1, weight=weight)
    for _record in nets.train_adversarial(net, X, epochs=150, batch=50, optimizer=nets.Adam(1e-3, beta1=0.5)):
        pass
    return net


def ordered(net, names, numbers, z=0.0):
    """What is made of names (n,), numbers (n,) and noise (n, 2), or the same noise for all."""
    given = [np.broadcast_to(z, (len(names), 2)), np.eye(4)[names], numbers[:, None]]
    return net.generator(np.concatenate(given, axis=1).astype(np.float32)).value


def measured(net, made):
    own = np.mean([np.bincount(np.round(np.arctan2(*each.T) / (np.pi / 2)).astype(int) % 4).max() / len(each) for each in made])
    along = [np.corrcoef(c, np.linalg.norm(ordered(net, [name] * 50, c), axis=1))[0, 1] for name in range(4)]
    read = net.discriminator(X.astype(np.float32)).value[:, 1:5].argmax(1)
    return own, np.abs(along).mean(), sum(np.bincount(ray[read == name], minlength=4).max() for name in range(4)) / len(X)


if __name__ == "__main__":
    Path("out").mkdir(exist_ok=True)
    print(_("share on one ray, correlation of number and distance, real rays told apart"))
    pictures, names, z = {}, rng.integers(0, 4, 400), rng.normal(size=(400, 2))
    for weight in (0.0, 1.0):
        net = learned(weight)
        made = [net.sample(300, category=name).value for name in range(4)]
        print(f"λ = {weight:g}", *(f"{figure:.2f}" for figure in measured(net, made)))
        pictures[f"λ = {weight:g}"] = plots.points(dict(zip("1234", made)), within=X)
    numbers = {f"c = {c:g}": ordered(net, names, np.full(400, c), z) for c in (-1.0, 0.0, 1.0)}
    pictures[_("λ = 1, by the number")] = plots.points(numbers, within=X)
    plots.side_by_side(pictures).save("out/66_info_gan.svg")
