"""A gallery of kernels, and one that is learned

Nine numbers turn a photograph into another picture. What they add up to says what becomes of flat ground: with sum 1 it keeps
its brightness, with sum 0 it turns black, and only what differs from its surroundings is left.

    sharpen = identity + (identity − mean of the four neighbors)·4
    unsharp = 2·identity − blur            edges = 9·identity − 9·box blur
    slope   = √((Sobel x)² + (Sobel y)²)

The photograph is made gray (0.299 R + 0.587 G + 0.114 B, as bright as the eye finds the colors) and four times smaller; its
outermost pixels are repeated around it, so that no kernel looks over the edge. Of edges and slopes the size is shown.

Nobody has to invent a kernel. Given the photograph and its Sobel picture, gradient descent on the mean squared error, which
starts from random numbers, finds the nine weights by itself: each to within 0.034. Sobel and Feldman 1968. Photograph:
danielbuechele, CC BY 2.0, with scikit-learn.
"""

from pathlib import Path

import nngraph as ng
import numpy as np
from nngraph import nets
from nngraph.autograd.language import translate as _
from nngraph.viz import plots
from sklearn.datasets import load_sample_image

photograph = load_sample_image("china.jpg") / 255 @ [0.299, 0.587, 0.114]
gray = ng.average_pool2d(photograph, size=4).value


def seen_through(weights):
    return ng.conv2d(np.pad(gray, len(weights) // 2, mode="edge"), weights).value


gallery = {name: seen_through(kernel.weights) for name, kernel in nets.image_kernels().items()}
x, y = gallery["Sobel x"], gallery["Sobel y"]
slope = np.hypot(x, y)

if __name__ == "__main__":
    Path("out").mkdir(exist_ok=True)
    for kernel in nets.image_kernels().values():
        print(f"{_(kernel.name)}: {_(kernel.what)} Σ = {kernel.total:g}\n{kernel.weights.round(4)}\n")
    shown = {_(name): abs(image) / abs(image).max() if abs(image.mean()) < 0.05 else image for name, image in gallery.items()}
    shown[_("slope")] = slope / slope.max()
    plots.image_grid(list(shown.values()), list(shown), columns=3, light=True).save("out/40_gallery.svg")

    learner, target = nets.Conv2d(1, 1, 3, bias=False, rng=0), ng.conv2d(gray, nets.image_kernels()["Sobel x"].weights).value
    start = learner.W.value[0, 0].copy()
    rule = nets.Adam(nets.cosine_decay(0.3, 1000))
    records = list(nets.train(learner, ng.mean_squared_error, (gray[None, None], target[None, None]), epochs=1000, optimizer=rule))
    print(_("learned, after a loss of {first} and at last {last}", first=f"{records[0].loss:.2g}", last=f"{records[-1].loss:.2g}"))
    print(learner.W.value[0, 0].round(2))
    before, after = (seen_through(weights) for weights in (start, learner.W.value[0, 0]))
    pictures = {_("start"): before, _("learned"): after, _("Sobel x"): x}
    plots.image_grid([abs(image) / abs(x).max() for image in pictures.values()], list(pictures), columns=3, light=True).save("out/40_learned.svg")
