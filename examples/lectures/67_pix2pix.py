"""pix2pix: half a digit, and the rest of it

Images into images, learned from pairs (x, y): here x is the upper half of a digit, and y all of it. Whoever minimizes squares
alone paints the mean of all that might come, which is gray. pix2pix (Isola et al. 2016) has a judge, and a milder distance:

    generator        L_adv(D(x, G(x))) + λ·mean |G(x) − y|       λ = 10

The discriminator sees x beside y, so that the answer has to fit the question. It is a PatchGAN: a score for every patch in
place of one for all, as it is details that it is there for. The generator is a U-Net (Ronneberger et al. 2015): down to a
small image and up again, and at every size what was there on the way down is put beside what comes up. Its picture shows the
bridge.

The test digits were not learned from. A classifier of real digits reads 0.50 of the halves, 0.84 of what was made of them, and
0.87 of what squares alone made: a mean is a good guess. What the judge brings is decision: 0.53 of the pixels are nearly black
or white, 0.41 with squares alone, 0.58 in real digits. (In halves 0.78, as half is empty: that share alone says little.) The
last picture has the scores of the patches, of whole digits above and of made ones below.
"""

from pathlib import Path

import nngraph as ng
import numpy as np
from nngraph import nets
from nngraph.autograd.language import translate as _
from nngraph.nets import data
from nngraph.viz import plots
from sklearn.neighbors import KNeighborsClassifier

train, test = data.digits(flat=False).split(0.2, seed=0)


def pairs(digits):
    """The upper halves, and the whole digits."""
    whole = (2 * digits.X - 1).astype(np.float32)
    half = whole.copy()
    half[:, :, 4:] = -1
    return half, whole


net = nets.Pix2Pix(nets.UNet(1, 1, [16, 32], rng=0), nets.PatchGAN(2, [16], rng=1), weight=10.0)
alone = nets.UNet(1, 1, [16, 32], rng=0)

if __name__ == "__main__":
    Path("out").mkdir(exist_ok=True)
    ng.draw(net(ng.input("x", shape=(1, 1, 8, 8), dtype="float32")), view="forward", fold=2).save("out/67_pix2pix_u_net.svg")
    judge = KNeighborsClassifier(3).fit(train.X.reshape(-1, 64), train.t)
    half, whole = pairs(test)
    how = {"epochs": 12, "batch": 50, "optimizer": nets.Adam(1e-3, beta1=0.5)}
    records = list(nets.train_adversarial(net, pairs(train), **how))
    list(nets.train(alone, ng.mean_squared_error, pairs(train), **how))
    made = net(half).value
    print(_("distance, share that is read, share of pixels that are nearly black or white"))
    rows = {_("halves"): half, _("squares alone"): alone(half).value, _("with a judge"): made, _("whole digits"): whole}
    for name, images in rows.items():
        read = judge.score((images.reshape(-1, 64) + 1) / 2, test.t)
        print(f"{abs(images - whole).mean():.3f}  {read:.2f}  {(abs(images) > 0.9).mean():.2f}  {name}")
    plots.reconstructions(*((images[:12] + 1) / 2 for images in (whole, made, half))).save("out/67_pix2pix.svg")
    scores = np.concatenate([net.judged(ng.constant(half[:12]), ng.constant(images[:12])).value for images in (whole, made)])
    plots.image_grid(scores, columns=12, signed=True).save("out/67_pix2pix_scores.svg")
    plots.learning_curves(records).save("out/67_pix2pix_losses.svg")
