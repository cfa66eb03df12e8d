"""Transposed convolution: four ways to enlarge

Two by two numbers become five by five. All four ways give the same:

    1  every number lays down the kernel, times itself, 2 apart; where they overlap, they are added up
    2  zeros are put between the numbers and around them; an ordinary convolution with the turned kernel, stride 1
    3  the gradient of a convolution with stride 2 by its image, when the numbers arrive
    4  y = Cᵀ·x, where C is the matrix of that convolution: image → small

By 2 a step on the large image is half a step on the small: a fractional stride. By 3 and 4 it is no inverse: it has the shapes
of the way back, not the numbers. Zeiler et al. 2010; Dumoulin and Visin 2016, arXiv:1603.07285.

Where the stride does not divide the kernel, places are laid on unevenly: 1 1 2 1 2 1 …, which shows as a checkerboard (Odena,
Dumoulin and Olah 2016). With 4 and stride 2 the inner ones have 2 each. Such a kernel, learned on a photograph, brings it back
from half its size with a mean squared error of 0.00254; pixels that are just repeated have 0.00273.
"""

from pathlib import Path

import nngraph as ng
import numpy as np
from nngraph import nets
from nngraph.autograd.language import translate as _
from nngraph.viz import plots
from sklearn.datasets import load_sample_image

x = ng.input("x", [[1.0, 2.0], [3.0, 4.0]])
w = ng.parameter("w", [[1.0, 2.0, 0.0], [0.0, 3.0, 1.0], [1.0, 0.0, 2.0]])
y = ng.conv_transpose2d(x, w, stride=2)

laid = {f"{x.value[i, j]:g}·w": np.pad(x.value[i, j] * w.value, ((2 * i, 2 - 2 * i), (2 * j, 2 - 2 * j))) for i in (0, 1) for j in (0, 1)}
spread = np.zeros((7, 7))
spread[2:5:2, 2:5:2] = x.value  # a zero between, and two around
by_zeros = ng.conv2d(spread, w, turned=True)
image = ng.parameter("image", np.zeros((5, 5)))
small = ng.conv2d(image, w, stride=2)
L = ng.sum(small * x)
(by_gradient,) = ng.gradient(L, [image])
C = ng.jacobian(small, image).value.reshape(4, 25)

if __name__ == "__main__":
    Path("out").mkdir(exist_ok=True)
    ways = y.value, sum(laid.values()), by_zeros.value, by_gradient.value, (C.T @ x.value.ravel()).reshape(5, 5)
    apart = max(abs(way - y.value).max() for way in ways[1:])
    print(y.value, _("laying down, zeros, gradient and matrix differ from it by {most} at most", most=f"{apart:g}"), sep="\n")
    for k in (3, 4):
        print(f"k = {k}, s = 2: {ng.conv_transpose1d(np.ones(6), np.ones(k), stride=2).value.astype(int)}")
    plots.windows(spread, w.value[::-1, ::-1], at=[(0, 0), (0, 1), (1, 1), (2, 2)]).save("out/42_zero_insertion.svg")
    plots.side_by_side({name: plots.heat_map(table) for name, table in (laid | {"Σ": y.value}).items()}, columns=5).save("out/42_laid_down.svg")
    ng.draw(L, view="mirror", wrt=[image]).save("out/42_gradient.svg")

    photograph = ng.average_pool2d(load_sample_image("china.jpg")[:424] / 255 @ [0.299, 0.587, 0.114], size=4).value
    half = ng.average_pool2d(photograph, size=2).value
    learner = nets.ConvTranspose2d(1, 1, 4, stride=2, padding=1, bias=False, rng=0)
    records = list(nets.train(learner, ng.mean_squared_error, (half[None, None], photograph[None, None]), epochs=1000, optimizer=nets.Adam(nets.cosine_decay(0.3, 1000))))
    repeated = float(((np.kron(half, np.ones((2, 2))) - photograph) ** 2).mean())
    print(_("mean squared error: {start} at first, {learned} learned, {repeated} for repeated pixels", start=f"{records[0].loss:.3f}", learned=f"{records[-1].loss:.5f}", repeated=f"{repeated:.5f}"))
