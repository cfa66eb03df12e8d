"""Convolution: a kernel walks over an image

The kernel is laid on the image, entries that meet are multiplied, the products are added: one number of the map. One step on,
the same again, always with the same nine weights. On the upper left corner: 2 + 5 + 7 + 9 + 11 = 34. The picture of windows
has a line for each place.

    m_ij = Σ image_(i+a, j+b)·kernel_ab,   the sum over a and b from 0 to 2

What networks call convolution is cross-correlation. The convolution of mathematics turns the kernel by 180 degrees first, and
for a kernel that is learned it makes no difference; for numbers in an exam it does.

Backward, a weight has touched every place of the map, each time beside another pixel. So its gradient is a sum over the
places, and that sum is again a correlation: the image with what arrives.
"""

from pathlib import Path

import nngraph as ng
import numpy as np
from nngraph.autograd.language import translate as _
from nngraph.viz import plots

image = ng.input("image", np.arange(1.0, 17.0).reshape(4, 4))
kernel = ng.parameter("kernel", [[0.0, 1.0, 0.0], [1.0, 0.0, 1.0], [1.0, 0.0, 1.0]])

m = ng.conv2d(image, kernel)
turned = ng.conv2d(image, kernel, turned=True)
L = ng.sum(m * m) / 2  # so that the map m itself is what arrives backward

if __name__ == "__main__":
    pictures = Path("out")
    pictures.mkdir(exist_ok=True)
    print(f"{_('image')}\n{image.value}\n{_('{size} kernel', size='3×3')}\n{kernel.value}\n")

    # A convolution is all windows beside each other, times the kernel, added up.
    cut = ng.patches(image, size=(3, 3)).value
    for i, j in np.ndindex(m.shape):
        products = cut[:, :, i, j] * kernel.value
        print(f"{(i, j)}   {' + '.join(f'{each:g}' for each in products.ravel() if each)} = {products.sum():g}")
    print(f"\n{_('cross-correlation')}\n{m.value}\n{_('convolution of mathematics: the kernel turned')}\n{turned.value}\n")
    plots.windows(image.value, kernel.value).save(pictures / "36_windows.svg")

    dkernel, dimage = ng.gradient(L, [kernel, image])
    again = ng.conv2d(image, m)
    print(f"{_('gradient of the kernel')}\n{dkernel.value}\n{_('the image correlated with what arrives: the same')}\n{again.value}\n")
    print(f"{_('gradient of the image: every pixel collects from the windows it lay in')}\n{dimage.value}")
    ng.draw(L, view="mirror", wrt=[kernel, image]).save(pictures / "36_convolution.svg")
