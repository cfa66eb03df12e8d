"""A deep belief net: learn to see, then to name

Deep nets of sigmoids were thought to be untrainable, because gradients fade on their way down. Hinton, Osindero and Teh 2006 let
each layer learn for itself: a restricted Boltzmann machine learns what the one below makes of the data, from the bottom up, and
without any labels. Then all of them together are one net that already sees; a layer for the classes is put on top, and ordinary
gradients tune it.

    h¹ = σ(v·W₁ + c₁)     h² = σ(h¹·W₂ + c₂)     h³ = σ(h²·W₃ + c₃)     p(class | v) = softmax(h³·U + d)

Here all 1797 digits are seen, but only 100 of them have labels. On the other 1697 the net is right on 89.3 % (mean of three
seeds), the same net from scratch on 82.8 %. Rectifiers with He's starting values, which came later, get 88.8 % from scratch: they
cured the gradients, so that pre-training is now used where labels are few, not because nets are deep.

The machines also remember what digits look like: the last picture shows what they come up with, from noise.
"""

from pathlib import Path

import nngraph as ng
import numpy as np
from nngraph import nets
from nngraph.autograd.language import translate as _
from nngraph.nets import data
from nngraph.viz import plots

digits = data.digits()
X, t = digits.X.astype(np.float32), digits.t
SIZES = [64, 100, 100, 100]
v = ng.input("v", X[100:])

if __name__ == "__main__":
    Path("out").mkdir(exist_ok=True)
    names = _("pre-trained"), _("sigmoids from scratch"), _("rectifiers from scratch")
    curves, scores = {}, {name: [] for name in names}
    for seed in range(3):
        order = np.random.default_rng(seed).permutation(len(X))
        few, rest = order[:100], order[100:]
        deep = nets.DeepBeliefNet(SIZES, rng=seed)
        list(deep.pretrain(X, epochs=30, seed=seed, optimizer=nets.Momentum(0.1, momentum=0.5)))
        starts = (
            deep.classifier(10, rng=seed),
            nets.MLP([*SIZES, 10], ng.sigmoid, start=nets.xavier, rng=seed),
            nets.MLP([*SIZES, 10], rng=seed),
        )
        for name, net in zip(names, starts):
            answer = ng.compile(net(v), v)
            tuning = nets.train(net, ng.softmax_loss, (X[few], t[few]), epochs=40, batch=20, optimizer=nets.Adam(0.003))
            curves[name] = [(answer(X[rest]).argmax(1) == t[rest]).mean() for record in tuning]
            scores[name].append(curves[name][-1])
    for name, found in scores.items():
        print(_("{name}: {mean} of the others right", name=name, mean=f"{np.mean(found):.1%}"))
    plots.lines(curves, labels=(_("epoch"), _("accuracy"))).save("out/55_deep_belief_net_tuning.svg")
    plots.image_grid(deep.sample(np.random.default_rng(0).random((30, 64)), steps=300).value.reshape(30, 8, 8), columns=10).save("out/55_deep_belief_net_samples.svg")  # fmt: skip
