"""Attention, worked out in numbers

A query q asks, keys k answer how well they fit, and what comes out is a mean of the values v with weights that say how well:

    attention(Q, K, V) = softmax(Q·Kᵀ/√d)·V                     (Vaswani et al. 2017)
    causal: a score is −∞ where the key is later                position t: sin(t/10000^(2i/d)), cos(t/10000^(2i/d))

Three words, two numbers each: the derivation has the gradient by Q, K and V, and the reason of every transpose. The scores are
divided by √d, because a sum of d products of numbers of spread 1 has spread √d, and softmax of large numbers has no slope: of 10
keys the best gets a weight of 0.87 on average at d = 64 without it, and 0.32 with it.

Several heads are several attentions at once, each on its part of the width. The second picture has two of four heads that
compare positions with positions, all weights multiples of the identity: the first has the fast waves and sees little but the
place itself, the second slower ones and sees around it. The third has the waves.
"""

from pathlib import Path

import nngraph as ng
import numpy as np
from nngraph import nets
from nngraph.autograd.language import translate as _
from nngraph.viz import plots

Q = ng.parameter("Q", [[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
K = ng.parameter("K", [[1.0, 0.0], [0.0, 2.0], [1.0, 1.0]])
V = ng.parameter("V", [[1.0, 0.0], [0.0, 1.0], [2.0, 2.0]])
weights = ng.softmax(Q @ K.T / np.sqrt(2))
Y = weights @ V
L = ng.half_squared_error(Y, ng.input("t", np.eye(3, 2)))
_y, masked = nets.scaled_dot_product(Q, K, V, nets.causal(3))

positions = nets.positional_encoding(50, 32)
layer = nets.MultiHeadAttention(32, heads=4)
for part in (layer.query, layer.key, layer.value, layer.joined):
    part.W.value = np.eye(32) * (3 if part in (layer.query, layer.key) else 1)
_y, heads = layer(positions[None, :20], with_weights=True)


def largest(divided, d=64):
    """The mean weight of the best of 10 keys, for 1000 random queries."""
    q, k = (ng.constant(np.random.default_rng(seed).normal(size=(1000, n, d))) for seed, n in ((0, 1), (1, 10)))
    return ng.softmax(q @ k.mT / (np.sqrt(d) if divided else 1)).value.max(-1).mean()


if __name__ == "__main__":
    pictures = Path("out")
    pictures.mkdir(exist_ok=True)
    derivation = ng.explain(L, wrt=[Q, K, V])
    print(derivation, _("with a causal mask"), masked.value.round(4), sep="\n")
    print(_("largest weight of 10, d = 64: {plain} not divided, {divided} divided by √d", plain=f"{largest(False):.2f}", divided=f"{largest(True):.2f}"))
    asked = {"labels": (_("query"), _("key"))}
    seen = {_("all seen"): weights, _("with a causal mask"): masked}
    two = {_("head 1"): heads[0, 0], _("head 2"): heads[0, 1]}
    for name, tables in (("72_attention", seen), ("72_attention_heads", two)):
        shown = {title: plots.heat_map(each.value, **asked) for title, each in tables.items()}
        plots.side_by_side(shown).save(pictures / f"{name}.svg")
    plots.heat_map(positions.T, signed=True, labels=("i", _("position"))).save(pictures / "72_attention_positions.svg")
