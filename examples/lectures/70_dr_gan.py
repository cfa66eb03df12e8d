"""DR-GAN: who it is, apart from how it stands

A face, and the same face turned: who it is and how it stands lie tangled in the pixels. DR-GAN (Tran, Yin and Liu 2017) takes
them apart. An encoder makes a code of what it is shown, and a decoder makes an image of the code, of a pose that is asked for,
and of noise. The discriminator D names who (with "made" as one more name) and how:

    D     −ln D_who(x, identity) − ln D_how(x, pose) − ln D_who(G(x, p, z), made)
    G     −ln D_who(G(x, p, z), identity) − ln D_how(G(x, p, z), p)             p drawn at random

As the pose p comes from outside, the code need not know how; but it must know who. So it comes to hold what a face has in
common with itself in all poses. The derivation is of one wish, −ln D_who: its slope is P, minus 1 at the name that is wanted.

Toy run: four digits stand for faces, turned by quarters, with noise. Asked for any pose, the generator makes what is nearest
to the right digit in the right pose: 0.04 of the time before, 1.00 after. A straight line reads who and how from the pixels
(1.00 and 1.00); from the code it reads who in 1.00 of the cases, and how in 0.58.
"""

from pathlib import Path

import nngraph as ng
import numpy as np
from nngraph import nets
from nngraph.autograd.language import translate as _
from nngraph.nets import data
from nngraph.viz import plots
from sklearn.linear_model import LogisticRegression

rng = np.random.default_rng(0)
digits = data.digits(flat=False)
faces = [2 * digits.X[digits.t == digit][0, 0] - 1 for digit in (3, 4, 6, 7)]
seen = np.stack([[np.rot90(face, pose) for pose in range(4)] for face in faces]).reshape(4, 4, 64)
who, how = rng.integers(0, 4, (2, 1500))
X = (seen[who, how] + rng.normal(0, 0.2, (1500, 64))).astype(np.float32)
scores, wanted = ng.input("s", [[0.2, -0.4, 1.0]]), ng.input("w", [[0.0, 1.0, 0.0]])
wish = ng.softmax_loss(scores, wanted)
encoder, discriminator = nets.MLP([64, 128, 16], rng=0), nets.MLP([64, 128, 4 + 1 + 4], rng=2)
decoder = nets.Sequential(nets.MLP([16 + 4 + 2, 128, 64], rng=1), ng.tanh)
net = nets.DRGAN(encoder, decoder, discriminator, latent=2, identities=4, poses=4)


def right(asked):
    far = np.linalg.norm(net(X, asked).value[:, None] - seen.reshape(16, 64), axis=2)
    return (far.argmin(1) == 4 * who + asked).mean()


def read(rows, targets):
    return LogisticRegression(max_iter=500).fit(rows[:1000], targets[:1000]).score(rows[1000:], targets[1000:])


if __name__ == "__main__":
    Path("out").mkdir(exist_ok=True)
    print(derivation := ng.explain(wish, wrt=[scores]))
    before = right(asked := rng.integers(0, 4, 1500))
    list(nets.train_adversarial(net, (X, who, how), epochs=100, batch=100, optimizer=nets.Adam(2e-3, beta1=0.5)))
    print(_("the right face in the right pose:"), f"{before:.2f} → {right(asked):.2f}")
    for name, rows in ((_("read from the pixels"), X), (_("read from the code"), encoder(X).value)):
        print(f"{name}:", _("who {who}, how {how}", who=f"{read(rows, who):.2f}", how=f"{read(rows, how):.2f}"))
    shown = np.concatenate([each for row in range(10) for each in (X[[row]], net(X[[row] * 4], np.arange(4)).value)])
    titles = 2 * ["x", "0°", "90°", "180°", "270°"]
    plots.image_grid((shown.reshape(-1, 8, 8) + 1) / 2, titles, columns=10).save("out/70_dr_gan.svg")
