"""Digits read by convolution: LeNet, residual

LeNet, the network that read checks: convolution, pooling, convolution, pooling, three linear layers. Its digits are 28×28, so
those of 8×8 are made three times as large, with paper around them.

The other network takes them as they are. A batch is normalized behind each convolution, and a residual block adds to its input
what two convolutions make of it; where they have nothing to say, the input passes (through a 1×1 convolution P, where the
number of channels changes), and so does the gradient:

    y = relu(P·x + f(x)),   ∂y/∂x = P + ∂f/∂x   where the sum is positive

Both learn from 1213 digits, each also moved by a pixel up, down, left and right. Of 449 that are seen at the end only, LeNet
and the residual network read 0.991 each. LeCun et al. 1998; He et al. 2015, arXiv:1512.03385. Look at the filters, blue
above and red below 0: most take a difference in a direction of their own. The maps say where in a digit each of them was found.
"""

from pathlib import Path

import nngraph as ng
import numpy as np
from nngraph import nets
from nngraph.autograd.language import translate as _
from nngraph.nets import data
from nngraph.viz import plots

rest, test = data.digits(flat=False).split(0.25, seed=0)
learned, watched = rest.split(0.1, seed=0)
train = data.nudged(learned)
rng = np.random.default_rng(0)
lenet = nets.LeNet(rng=rng)
first, block = nets.Conv2d(1, 16, 3, padding=1, bias=False, rng=rng), nets.ResidualBlock(16, 32, stride=2, rng=rng)
residual = nets.Sequential(first, nets.BatchNorm(16), ng.relu, block, nets.Flatten(), nets.Dropout(0.3), nets.Linear(32 * 16, 10, rng=rng))


def enlarged(images):
    return np.pad(np.kron(images, np.ones((1, 1, 3, 3))), ((0, 0), (0, 0), (2, 2), (2, 2))).astype(np.float32)


def right(t, scores):
    return float((scores.argmax(1) == t).mean())


if __name__ == "__main__":
    Path("out").mkdir(exist_ok=True)
    records, accuracy = {}, {}
    for name, net, taken in (("LeNet", lenet, enlarged), ("ResNet", residual, np.float32)):
        before = right(test.t, net(taken(test.X)).value)
        rule = nets.Adam(nets.cosine_decay(0.005 if net is residual else 0.003, 4 * -(-len(train) // 32)))
        how = {"validation": (taken(watched.X), watched.t), "metrics": {"accuracy": right}, "optimizer": rule, "epochs": 4}
        records[name] = list(nets.train(net, ng.softmax_loss, (taken(train.X), train.t), **how))
        accuracy[name] = right(test.t, net(taken(test.X)).value)
        print(_("{name}: {count} weights, right on {before} before and {after} after", name=name, count=net.count, before=f"{before:.3f}", after=f"{accuracy[name]:.3f}"))
    plots.learning_curves(records, log=True).save("out/43_digits_cnn_curves.svg")

    one = np.float32(test.X[:1])
    maps = nets.Sequential(*residual.layers[:3])(one)
    sheets = {_("filters"): first.W.value[:, 0], _("feature maps"): maps.value[0], _("behind the block"): block(maps).value[0]}
    grids = {name: plots.image_grid(images, columns=len(images) // 4, signed=True) for name, images in sheets.items()}
    plots.side_by_side({_("digit"): plots.image_grid(one[0])} | grids, columns=2).save("out/43_digits_cnn_maps.svg")
