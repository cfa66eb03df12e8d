"""A 7×7 image: find a pattern, keep the best

Eight pixels of the image are on. The kernel answers 4 where the image holds its pattern exactly, and less where only parts of
it meet. Max pooling then keeps the best answer of each 2×2 window: where the pattern was, give or take one pixel.

The map is 5×5, and 5 is odd: the last row and column fill only half a window. In ceil mode such a window still counts, so
nothing at the edge is lost, and the result is 3×3; otherwise it would be 2×2.
"""

from pathlib import Path

import nngraph as ng
import numpy as np
from nngraph.autograd.language import translate as _

pixels = np.zeros((7, 7))
for row, column in [(1, 1), (1, 5), (3, 3), (4, 1), (4, 5), (5, 2), (5, 3), (5, 4)]:
    pixels[row, column] = 1.0
image = ng.input("image", pixels)
kernel = ng.parameter("kernel", [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 1.0, 1.0]])

m = ng.conv2d(image, kernel)
best = ng.max_pool2d(m, size=2, stride=2, ceil_mode=True)
smaller = ng.max_pool2d(m, size=2, stride=2)

if __name__ == "__main__":
    pictures = Path("out")
    pictures.mkdir(exist_ok=True)
    for name, node in ((_("image"), image), (_("{size} kernel", size="3×3"), kernel), (_("map"), m), (_("pooled, the edge too"), best), (_("pooled"), smaller)):
        print(f"{name}\n{node.value.astype(int)}\n")

    ng.draw(ng.sum(best), view="mirror").save(pictures / "38_image_7x7.svg")
