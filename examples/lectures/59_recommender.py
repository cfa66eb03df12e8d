"""A recommender: what would you give this film?

Eleven people rated six films from 1 to 5 stars, but nobody has seen them all: 46 of 66 ratings are known. An autoencoder is shown each
person's line and gives it back; through a code of two numbers, it must find what tastes there are, and so it also says something
where nothing stood. A gap is no rating of 0: the mask m, 1 where a rating is known, keeps gaps out of the loss.

    loss = Σ m ⊙ (y − x)² / Σ m     ∂loss/∂y = 2·m ⊙ (y − x) / Σ m

The derivation shows it: where m is 0, no gradient flows. What goes in is stars − 3, so that a gap says nothing either way, and 30 %
of it are hidden anew in each step; else the network would learn to copy. Sedhain, Menon, Sanner and Xie 2015 (AutoRec).

Eight times, 8 ratings were put aside that the network never saw. It was 1.10 stars off there, the mean of all ratings 1.70,
each film's own mean 1.82. The pictures show the table with its gaps, and what the network thinks when it has seen all 46.
"""

from pathlib import Path

import nngraph as ng
import numpy as np
from nngraph import nets
from nngraph.autograd.language import translate as _
from nngraph.nets import data
from nngraph.viz import plots

ratings = data.movie_ratings()

x, m = ng.input("x", [[2.0, -1.0, 0.0], [0.0, -2.0, 1.0]]), ng.input("m", [[1.0, 1.0, 0.0], [0.0, 1.0, 1.0]])
y = ng.parameter("y", [[1.5, -1.5, 0.4], [0.3, -1.0, 1.0]])
L = ng.sum(m * ng.square(y - x)) / ng.sum(m)


def stars(table):
    """What a network thinks, in stars, that learned from the known ratings of a table; all users and all movies."""
    net = nets.Autoencoder(nets.Linear(6, 2, rng=0), nets.Linear(2, 6, rng=1), corrupt=nets.masking_noise(0.3))
    given = ((table.values - 3) * table.known).astype(np.float32)
    records = list(nets.train(net, data=(given, table.known), epochs=200, batch=11, optimizer=nets.Adam(0.02)))
    return np.clip(net(given).value + 3, 1, 5), records


if __name__ == "__main__":
    Path("out").mkdir(exist_ok=True)
    derivation = ng.explain(L, wrt=[y])
    print(derivation)
    errors = {_("network"): [], _("mean of all ratings"): [], _("mean of the film"): []}
    for seed in range(8):
        learn, hidden = ratings.without(8, seed)
        means = learn.values.sum() / learn.known.sum(), learn.values.sum(0) / learn.known.sum(0)
        for name, guess in zip(errors, (stars(learn)[0], *means)):
            errors[name].append(np.abs((guess - hidden.values)[hidden.known == 1]).mean())
    for name, off in errors.items():
        print(_("{name}: {off} stars off on ratings that were put aside", name=name, off=f"{np.mean(off):.2f}"))
    thought, records = stars(ratings)
    print(_("loss on the known ratings: {before} in the first epoch, {after} in the last", before=f"{records[0].loss:.2f}", after=f"{records[-1].loss:.2f}"))  # fmt: skip
    names = [_("user {number}", number=user) for user in range(1, 12)], [_(movie) for movie in ratings.movies]
    table = plots.heat_map(np.where(ratings.known, ratings.values, np.nan), *names)
    plots.side_by_side({_("given"): table, _("predicted"): plots.heat_map(thought, *names)}).save("out/59_recommender_ratings.svg")
