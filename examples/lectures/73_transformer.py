"""A Transformer turns sequences round

Ten symbols are read, and the same ten written from back to front. There is no recurrence: the encoder's words look at each other,
the decoder's at those written before (a causal mask) and at all that was read. Each part adds to what passes by:

    x ← x + attention(norm(x))        x ← x + attention(norm(x), memory)        x ← x + W₂·ReLU(W₁·norm(x))

One block each, four heads, 32 numbers to a word, 22 312 parameters (Vaswani et al. 2017; the norm stands before the part, Xiong
et al. 2020). To learn, the decoder reads the right words; to answer, its own, one after another. The rate warms up for 100 steps.
A sequence counts as right if all ten are: of 500 new ones none before, all after 4 epochs.

The first picture shows where each of the four heads of the decoder looks in what was read, a row for each symbol written: the
weights run from the end to the beginning. Nobody told them. The second is the net, folded into its parts.
"""

from math import sqrt
from pathlib import Path

import nngraph as ng
import numpy as np
from nngraph import nets
from nngraph.autograd.language import translate as _
from nngraph.nets import data
from nngraph.viz import plots

train, new = data.reversal(5000, 10, symbols=8, seed=1), data.reversal(500, 10, symbols=8, seed=2)
net = nets.Transformer(8, 8, length=10, width=32, heads=4, depth=1, hidden=64, rng=0)


def exact(t, scores):
    """The share of sequences without a mistake."""
    return float((scores.argmax(-1) == t).all(axis=1).mean())


def looks(x, t):
    """The weights of the decoder's attention to what was read, (N, heads, written, read)."""
    decoder, block = net.decoder, net.decoder.blocks[0]
    read = np.concatenate([np.full((len(t), 1), net.words), t[:, :-1]], axis=1)  # the sign that begins, then all but the last
    h = decoder.positions(decoder.embedding(read) * sqrt(decoder.width))
    h = h + block.attention(block.norms[0](h), None, nets.causal(10))
    return block.memory_attention(block.norms[1](h), net.encoder(x), with_weights=True)[1].value


if __name__ == "__main__":
    pictures = Path("out")
    pictures.mkdir(exist_ok=True)
    print(_("parameters"), net.count, " ", _("exact match"), f"{exact(new.t, net(new.X).value):.3f}")
    rule = nets.Adam(nets.warm_up(nets.cosine_decay(0.005, 400), 100), clip=1.0)
    for each in nets.train(net, None, (train.X, train.t), epochs=4, batch=50, optimizer=rule):
        share = exact(new.t, net(new.X).value)
        print(_("epoch {epoch}: loss {loss}, exact match {share}", epoch=each.epoch, loss=f"{each.loss:.3f}", share=f"{share:.3f}"))
    x, t = new.X[:1], new.t[:1]
    print(*x[0], "→", *net(x).value[0].argmax(-1))
    weights = looks(x, t)[0]
    heads = {_("head {number}", number=k + 1): plots.heat_map(each, t[0], x[0], labels=(_("written"), _("read")), numbers=False) for k, each in enumerate(weights)}
    plots.side_by_side(heads, columns=2).save(pictures / "73_transformer.svg")
    taught = net(ng.input("x", new.X[:2]), ng.input("t", new.t[:2]))
    ng.draw(taught, view="forward", fold=2).save(pictures / "73_transformer_net.svg")
