"""Pooling: keep the largest, or the mean

A window of 2×2 moves in steps of 2, so no pixel is seen twice and the image shrinks to a quarter. Nothing is learned here.
The L2 norm of a window, √Σx², counts all four, the large ones more.

Backward, the mean has weighed all four pixels by 1/4, so each gets a quarter of what arrives. The maximum has looked at one
pixel only: that one gets everything and the other three get nothing, because moving them a little changes nothing.
"""

from pathlib import Path

import nngraph as ng
import numpy as np
from nngraph.autograd.language import translate as _
from nngraph.viz import plots

image = ng.input("image", np.arange(1.0, 17.0).reshape(4, 4))
largest = ng.max_pool2d(image, size=2, stride=2)
average = ng.average_pool2d(image, size=2, stride=2)
lengths = ng.norm(ng.patches(image, size=(2, 2), stride=2), axis=(0, 1))
L1, L2 = ng.sum(largest), ng.sum(average)  # 1 arrives at every entry

if __name__ == "__main__":
    pictures = Path("out")
    pictures.mkdir(exist_ok=True)
    pooled = {_("max pooling"): largest, _("average pooling"): average, _("L2 pooling"): lengths}
    print(f"{_('image')}\n{image.value}\n")
    for name, node in pooled.items():
        print(f"{name}\n{node.value.round(2)}\n")
    tables = [plots.windows(image.value, size=2, stride=2, end=end) for end in ("max", "mean", "l2")]
    plots.side_by_side(dict(zip(pooled, tables, strict=True))).save(pictures / "37_windows.svg")

    (to_largest,) = ng.gradient(L1, [image])
    (to_average,) = ng.gradient(L2, [image])
    print(f"{_('gradient of the image under max pooling')}\n{to_largest.value}")
    print(f"{_('gradient of the image under average pooling')}\n{to_average.value}")
    ng.draw(L1, view="mirror", wrt=[image]).save(pictures / "37_pooling.svg")
