"""The kernels of image processing: eight windows that nobody has to learn, and what each does to a picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..autograd.errors import ParameterError
from ..autograd.language import N_


@dataclass(frozen=True, eq=False)
class ImageKernel:
    """A kernel by name: its weights (height, width), and in a sentence what it does when it is laid on an image as it is
    (cross-correlation, as ng.conv2d)."""

    name: str
    weights: np.ndarray
    what: str

    @property
    def total(self) -> float:
        """The sum of the weights: where the image is all of one gray, that gray is multiplied by it. 1 keeps the
        brightness, 0 leaves black."""
        return round(float(self.weights.sum()), 12)


def gaussian_kernel(size: int, spread: float) -> np.ndarray:
    """The weights of a Gaussian blur, divided by their sum. At i, j pixels from the middle they are exp(−(i² + j²)/2σ²), where σ is
    `spread`, in pixels: the product of a column and a row, so that blurring down and then across gives the same.

    >>> gaussian_kernel(3, 0.85).round(3).tolist()
    [[0.063, 0.125, 0.063], [0.125, 0.25, 0.125], [0.063, 0.125, 0.063]]
    """
    if size < 1 or size % 2 == 0 or not spread > 0:
        raise ParameterError(f"gaussian_kernel({size!r}, {spread!r}): the size is an odd number of pixels, the spread more than 0")
    bell = np.exp(-0.5 * (np.arange(size) - size // 2) ** 2 / spread**2)
    return np.outer(bell, bell) / bell.sum() ** 2


def image_kernels() -> dict[str, ImageKernel]:
    """The kernel gallery by name: identity, edges, sharpen, box and Gaussian blur, unsharp masking, Sobel across and down.

    >>> {name: kernel.total for name, kernel in image_kernels().items()}
    {'identity': 1.0, 'edges': 0.0, 'sharpen': 1.0, 'box blur': 1.0, 'Gaussian blur': 1.0, 'unsharp': 1.0, 'Sobel x': 0.0, 'Sobel y': 0.0}
    """
    return {kernel.name: kernel for kernel in GALLERY}


def _kernel(name: str, weights: Sequence[Sequence[float]], what: str, over: float = 1.0) -> ImageKernel:
    array: Any = np.array(weights, float) / over
    array.flags.writeable = False
    return ImageKernel(name, array, what)


IDENTITY = _kernel(N_("identity"), [[0, 0, 0], [0, 1, 0], [0, 0, 0]], N_("Every pixel as it is."))
"""Sum 1. The neutral element: what all others are measured against."""

EDGES = _kernel(
    N_("edges"), [[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]],
    N_("How much a pixel differs from its eight neighbors: nothing on flat ground, much at an edge in any direction."),
)  # fmt: skip
"""Sum 0. Nine times the pixel less the nine of its window: a discrete Laplacian, with the sign turned."""

SHARPEN = _kernel(
    N_("sharpen"), [[0, -1, 0], [-1, 5, -1], [0, -1, 0]],
    N_("The pixel, and on top of it how much it differs from its four neighbors."),
)  # fmt: skip
"""Sum 1. The identity and the Laplacian of four neighbors, with the sign turned."""

BOX_BLUR = _kernel(N_("box blur"), [[1, 1, 1]] * 3, N_("The mean of the pixel and its eight neighbors, all with the same weight."), 9)
"""Sum 1. Average pooling with stride 1."""

GAUSSIAN_BLUR = _kernel(
    N_("Gaussian blur"), [[1, 2, 1], [2, 4, 2], [1, 2, 1]],
    N_("A mean in which near neighbors count more: smoother than the box, without its streaks."), 16,
)  # fmt: skip
"""Sum 1. The column 1 2 1 times the row 1 2 1: binomial numbers, which come near a Gaussian of spread 0.85 pixels."""

UNSHARP = _kernel(
    N_("unsharp"), [[-1, -4, -6, -4, -1], [-4, -16, -24, -16, -4], [-6, -24, 476, -24, -6], [-4, -16, -24, -16, -4], [-1, -4, -6, -4, -1]],
    N_("Twice the pixel less a blurred one: what the blur takes away is put on top."), 256,
)  # fmt: skip
"""Sum 1. 2·identity − the 5×5 binomial blur; named after the unsharp negative that photographers laid on the sharp one."""

SOBEL_X = _kernel(
    N_("Sobel x"), [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]],
    N_("How much brighter it is on the right than on the left: upright edges."),
)  # fmt: skip
"""Sum 0. The row −1 0 1, a difference, times the column 1 2 1, a blur along the edge. Sobel and Feldman 1968."""

SOBEL_Y = _kernel(
    N_("Sobel y"), [[-1, -2, -1], [0, 0, 0], [1, 2, 1]],
    N_("How much brighter it is below than above: level edges."),
)  # fmt: skip
"""Sum 0. SOBEL_X transposed. The length √(x² + y²) of both is how steep the image is, in any direction."""

GALLERY = (IDENTITY, EDGES, SHARPEN, BOX_BLUR, GAUSSIAN_BLUR, UNSHARP, SOBEL_X, SOBEL_Y)
