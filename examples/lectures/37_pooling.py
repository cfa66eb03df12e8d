"""Pooling: keep the largest, or the mean

A window of 2×2 moves in steps of 2, so no pixel is seen twice and the image shrinks to a quarter. Nothing is learned here.

Backward, the mean has weighed all four pixels by 1/4, so each gets a quarter of what arrives. The maximum has looked at one
pixel only: that one gets everything and the other three get nothing, because moving them a little changes nothing.
"""

from pathlib import Path

import nngraph as ng
import numpy as np

image = ng.input("image", np.arange(1.0, 17.0).reshape(4, 4))
largest = ng.max_pool2d(image, size=2, stride=2)
average = ng.average_pool2d(image, size=2, stride=2)
L1, L2 = ng.sum(largest), ng.sum(average)  # 1 arrives at every entry

if __name__ == "__main__":
    pictures = Path("out")
    pictures.mkdir(exist_ok=True)
    print(f"image\n{image.value}\n\nmax pooling\n{largest.value}\naverage pooling\n{average.value}\n")

    (to_largest,) = ng.gradient(L1, [image])
    (to_average,) = ng.gradient(L2, [image])
    print(f"gradient of the image under max pooling\n{to_largest.value}")
    print(f"gradient of the image under average pooling\n{to_average.value}")
    ng.draw(L1, view="mirror", wrt=[image]).save(pictures / "37_pooling.svg")
