"""Pooling: of four pixels keep the largest, or the mean

A window of 2×2 moves in steps of 2, so no pixel is seen twice and the image shrinks to a quarter. Nothing is learned here.

Backward, the mean has weighed all four pixels by 1/4, so each gets a quarter of what arrives. The maximum has looked at one
pixel only: that one gets everything and the other three get nothing, because moving them a little changes nothing.
"""

from pathlib import Path

import numpy as np

import nngraph as ng

pictures = Path("out")
pictures.mkdir(exist_ok=True)

image = ng.input("image", np.arange(1.0, 17.0).reshape(4, 4))
largest = ng.max_pool2d(image, size=2, stride=2)
average = ng.average_pool2d(image, size=2, stride=2)
print(f"image\n{image.value}\n\nmax pooling\n{largest.value}\naverage pooling\n{average.value}\n")

(to_largest,) = ng.gradient(ng.sum(largest), [image])
(to_average,) = ng.gradient(ng.sum(average), [image])
print(f"gradient of the image under max pooling\n{to_largest.value}")
print(f"gradient of the image under average pooling\n{to_average.value}")
ng.draw(ng.sum(largest), view="mirror", wrt=[image]).save(pictures / "14_pooling.svg")
