"""X or O: three kernels, and a vote

A pixel is 1 or −1. A kernel is a small picture of 3×3 such pixels, a stroke or a crossing, and it is compared with every
window of the image: the nine products are 1 where the two agree and −1 where they do not, and their mean is the score.

    score = (1/9)·Σ window·kernel,   1 where all nine agree, −1 where none does

ReLU forgets what does not fit, max pooling keeps the best score of each 2×2 and with it some freedom where the stroke may
be, and what is left, 3·4·4 numbers, is laid in a row: flattened. Each number votes for X or for O; only the votes are learned.

Deformed letters agree badly pixel by pixel, but a stroke is still a stroke: from 20 letters the votes of pixels learn to tell
84.2 % of new ones apart, those of strokes 93.0 %: means of ten lessons, at worst 75.8 % and 89.1 %. (After Rohrer 2016.)
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
perfect, others, *lessons = data.x_and_o(2, deformed=0), data.x_and_o(400), *(data.x_and_o(20, seed=k) for k in range(1, 11))


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
    for of, count, who in ((pixels, 81, _("votes of pixels")), (strokes, 48, _("votes of strokes"))):
        shares = right[of.__name__] = []
        for seen in lessons:
            vote = nets.Linear(count, 2, start=nets.zeros)
            list(nets.train(vote, ng.softmax_loss, (of(seen.X).value, seen.t), epochs=50, batch=20, optimizer=nets.SGD(0.5)))
            p, known = ng.softmax(vote(of(others.X))).value, (others.X[:, None] == seen.X).all((2, 3, 4)).any(1)
            shares.append((p.argmax(1) == others.t)[~known].mean())  # a few letters happen to be deformed alike
        print(_("{who}: {mean} of new letters told apart, at worst {worst}", who=who, mean=f"{np.mean(shares):.1%}", worst=f"{min(shares):.1%}"))
    plots.image_grid(others.X[:16], [f"{'XO'[each.argmax()]} {each.max():.2f}" for each in p[:16]], columns=8).save("out/39_letters.svg")
    sheets, words, votes = {}, (_("means"), "ReLU", _("max pooling"), _("votes")), (vote.W.value @ [1, -1]).reshape(3, 4, 4)
    for name, image, sign in zip("XO", perfect.X, (1, -1), strict=True):
        maps = zip(words, [*(step.value[0] for step in steps(image[None])), sign * votes], strict=True)
        sheets |= {name: plots.image_grid(image)} | {f"{name}: {word}": plots.image_grid(each, columns=1, signed=True) for word, each in maps}
    plots.side_by_side(sheets, columns=5).save("out/39_steps.svg")
