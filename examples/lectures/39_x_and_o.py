"""X or O: three kernels, and a vote

A pixel is 1 or −1. A kernel is a small picture of 3×3 such pixels, a stroke or a crossing, and it is compared with every
window of the image: the nine products are 1 where the two agree and −1 where they do not, and their mean is the score.

    score = (1/9)·Σ window·kernel,   1 where all nine agree, −1 where none does

ReLU forgets what does not fit, max pooling keeps the best score of each 2×2 and with it some freedom where the stroke may
be, and what is left, 3·4·4 numbers, is laid in a row: flattened. Each number votes for X or for O; only the votes are learned.

Deformed letters agree badly pixel by pixel, but a stroke is still a stroke: from 20 letters the votes of pixels learn to tell
85.0 % of 400 others apart, the votes of strokes 95.0 %. After Rohrer 2016, How do convolutional neural networks work?
"""

from pathlib import Path

import nngraph as ng
import numpy as np
from nngraph import nets
from nngraph.autograd.language import translate as _
from nngraph.nets import data
from nngraph.viz import plots

stroke, crossing = 2 * np.eye(3) - 1, 2 * np.maximum(np.eye(3), np.eye(3)[::-1]) - 1
kernels = np.array([stroke, crossing, stroke[::-1]])
perfect, seen, others = data.x_and_o(2, deformed=0), data.x_and_o(20, seed=3), data.x_and_o(400)


def steps(images):
    """The three maps of each image, what ReLU leaves of them, and the best of each 2×2; 7 is odd, so the last are half empty."""
    maps = ng.conv2d(ng.constant(images), kernels[:, None] / 9)
    return [maps, ng.relu(maps), ng.max_pool2d(ng.relu(maps), size=2, ceil_mode=True)]


def pixels(images):
    return ng.flatten(ng.constant(images), 1)


def strokes(images):
    return ng.flatten(steps(images)[-1], 1)


if __name__ == "__main__":
    Path("out").mkdir(exist_ok=True)
    plots.windows(perfect.X[0, 0], stroke, end="mean", at=[(0, 0), (1, 1), (3, 3)]).save("out/39_windows.svg")
    right = {}
    for of, count in ((pixels, 81), (strokes, 48)):
        vote = nets.Linear(count, 2, start=nets.zeros)
        list(nets.train(vote, ng.softmax_loss, (of(seen.X).value, seen.t), epochs=50, batch=20, optimizer=nets.SGD(0.5)))
        p = ng.softmax(vote(of(others.X))).value
        right[of.__name__] = float((p.argmax(1) == others.t).mean())
    print(_("told apart by the votes of pixels: {a}, of strokes: {b}", a=f"{right['pixels']:.1%}", b=f"{right['strokes']:.1%}"))
    plots.image_grid(others.X[:16], [f"{'XO'[each.argmax()]} {each.max():.2f}" for each in p[:16]], columns=8).save("out/39_letters.svg")
    sheets, words = {}, (_("means"), "ReLU", _("max pooling"), _("votes"))
    for name, image, sign in zip("XO", perfect.X, (1, -1), strict=True):
        votes = sign * (vote.W.value[:, 0] - vote.W.value[:, 1]).reshape(3, 4, 4)
        sheets[name] = plots.image_grid(image)
        for word, maps in zip(words, [*(step.value[0] for step in steps(image[None])), votes], strict=True):
            sheets[f"{name}: {word}"] = plots.image_grid(maps, columns=1, signed=True)
    plots.side_by_side(sheets, columns=5).save("out/39_steps.svg")
