"""The receptive field: what a unit sees

A unit of the first convolution sees one window of the image. A unit of the next layer sees a window of such units, and so more
of the image. Along each axis, from layer to layer, with windows of k, stride s, dilation d and padding p:

    size ← size + (k − 1)·d·jump      start ← start − p·jump      jump ← jump·s

jump is how many pixels lie between neighbors, start where the first unit begins to see; −2 is in the padding. In LeNet a unit
before the linear layers sees 16 of 28 pixels. No theory is needed to check it: the gradient of a unit by the image is not zero
where the unit looks, and nowhere else.

Three 3×3 convolutions see as far as one of 7×7, with 27 weights in place of 49. Pooling behind each, or a dilation that doubles
from layer to layer, reaches further: the sixth sees 158 or 127 pixels instead of 13. But the middle of the field counts most:
behind ten layers of equal weights the gradient is a bell over 21×21 pixels, and 94 % of it lies on the inner 11×11. Luo et al.
2016, arXiv:1701.04128.
"""

from pathlib import Path

import nngraph as ng
import numpy as np
from nngraph import nets
from nngraph.autograd.language import translate as _
from nngraph.nets import data
from nngraph.viz import plots

digit = np.pad(np.kron(data.digits(flat=False).X[5, 0], np.ones((3, 3))), 2)  # 28×28, as LeNet takes it
lenet = nets.LeNet(rng=0)
fields = [field for field in nets.receptive_fields(lenet, digit.shape)[:7] if field.kind != "tanh"]


def slope(net, image, *unit):
    x = ng.parameter("x", image[None, None])
    (found,) = ng.gradient(net(x)[(0, 0, *unit)], [x])
    return abs(found.value[0, 0])


def sizes(layers):
    return [field.size[0] for field in nets.receptive_fields(nets.Sequential(*layers), (400, 400)) if field.kind == "Conv2d"]


reach = {
    "Conv2d 3×3": sizes(nets.Conv2d(1, 1, 3) for _layer in range(6)),
    "Conv2d 3×3, MaxPool2d 2×2": sizes([nets.Conv2d(1, 1, 3), nets.MaxPool2d(2)] * 6),
    "d = 1, 2, 4, 8, 16, 32": sizes(nets.Conv2d(1, 1, 3, dilation=2**layer) for layer in range(6)),
}
measured = slope(nets.Sequential(*lenet.layers[:6]), digit, 2, 2)
even = [nets.Conv2d(1, 1, 3, bias=False, start=lambda rng, shape: np.full(shape, 1 / 9)) for _layer in range(10)]
bell = slope(nets.Sequential(*even), np.zeros((21, 21), np.float32), 0, 0)

if __name__ == "__main__":
    Path("out").mkdir(exist_ok=True)
    for field in fields:
        words = (_("units"), field.count[0]), (_("size"), field.size[0]), (_("jump"), field.jump[0]), (_("start"), field.start[0])
        print(f"{field.kind:14}", "".join(f"{word} {number:<4}" for word, number in words))
    frames = {f"{field.kind} {field.size[0]}": field.of(*[count // 2 for count in field.count]) for field in fields}
    found = plots.regions(measured / measured.max(), {"AveragePool2d 16": fields[3].of(2, 2)})
    plots.side_by_side({_("computed"): plots.regions(digit, frames), _("gradient of a unit"): found}).save("out/41_fields.svg")
    lines = plots.lines(reach, labels=(_("layer"), _("size")), log=True)
    plots.side_by_side({_("how far they see"): lines, _("ten layers"): plots.regions(bell / bell.max(), {"11×11": (range(5, 16),) * 2})}).save("out/41_reach.svg")
