"""Convolution: a kernel walks over an image

The kernel is laid on the image, entries that meet are multiplied, the products are added: one number of the map. One step on,
the same again, always with the same nine weights. On the upper left corner: 2 + 5 + 7 + 9 + 11 = 34.

What networks call convolution is cross-correlation. The convolution of mathematics turns the kernel by 180 degrees first, and
for a kernel that is learned it makes no difference; for numbers in an exam it does.

Backward, a weight has touched every place of the map, each time beside another pixel. So its gradient is a sum over the
places, and that sum is again a correlation: the image with what arrives.
"""

from pathlib import Path

import nngraph as ng
import numpy as np

image = ng.input("image", np.arange(1.0, 17.0).reshape(4, 4))
kernel = ng.parameter("kernel", [[0.0, 1.0, 0.0], [1.0, 0.0, 1.0], [1.0, 0.0, 1.0]])

m = ng.conv2d(image, kernel)
turned = ng.conv2d(image, kernel, turned=True)
L = ng.sum(m * m) / 2  # so that the map m itself is what arrives backward

if __name__ == "__main__":
    pictures = Path("out")
    pictures.mkdir(exist_ok=True)
    print(f"image\n{image.value}\nkernel\n{kernel.value}\n")
    print(f"cross-correlation\n{m.value}\ntrue convolution (the kernel turned)\n{turned.value}\n")

    dkernel, dimage = ng.gradient(L, [kernel, image])
    again = ng.conv2d(image, m)
    print(f"gradient of the kernel\n{dkernel.value}\nthe image correlated with what arrives: the same\n{again.value}\n")
    print(f"gradient of the image: every pixel collects from the windows it lay in\n{dimage.value}")
    ng.draw(L, view="mirror", wrt=[kernel, image]).save(pictures / "36_convolution.svg")
