"""A graph convolution finds two sides

A karate club of 34 broke up, and each member went with the teacher, node 0, or the president, node 33. Who was friends with
whom is known; of the sides only those two are told (Zachary 1977). A graph convolution makes of every node a weighted sum of
itself and its neighbors, times a matrix:

    H ← ReLU(Â·H·W + b),     Â = D^(−½)·(A + I)·D^(−½),     D = the degrees of A + I

Two of them carry what is known of a node two edges far, so that a loss at two nodes teaches all 34 (Kipf and Welling 2017). Of
a member nothing is known but the edges: the features are rows of the identity matrix. Before training 17 of 34 stand on the
right side, as by a coin; after 200 steps 32, and the two that do not, 2 and 8, have friends on both sides.

The first picture shows the friends and the sides that were found; a member with a red rim went to the other. The second shows
how sure the net is of every member: the two that it was told are at the ends.
"""

from pathlib import Path

import nngraph as ng
import numpy as np
from nngraph import nets
from nngraph.autograd.language import translate as _
from nngraph.viz import plots

A, side = nets.karate_club()
net = nets.GCN(A, [16, 2], rng=0)
scores = net(np.arange(34))
sure = ng.softmax(scores)[:, 1]

if __name__ == "__main__":
    pictures = Path("out")
    pictures.mkdir(exist_ok=True)
    before = scores.value.argmax(1)
    rule = nets.Adam(0.01, decay=5e-4)
    losses = [each.loss for each in nets.train(net, ng.softmax_loss, ([0, 33], [0, 1]), epochs=200, optimizer=rule)]
    found = scores.value.argmax(1)
    wrong = np.flatnonzero(found != side)
    for loss, sides in (losses[0], before), (losses[-1], found):
        print(_("loss {loss}, on the right side {right} of 34", loss=f"{loss:.3f}", right=(sides == side).sum()))
    print(_("wrong: {members}", members=", ".join(map(str, wrong))))
    named = {"classes_named": (_("teacher"), _("president")), "known": [0, 33], "wrong": wrong}
    plots.nodes_and_edges(A, found, **named).save(pictures / "71_karate_club.svg")
    order = np.argsort(sure.value)
    labels = (_("member"), _("probability of the president's side"))
    plots.bars(sure.value[order], [str(node) for node in order], labels=labels).save(pictures / "71_karate_club_sure.svg")
