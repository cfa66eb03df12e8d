"""The restricted Boltzmann machine learns

No ties inside a layer, so that all hidden units can be drawn at once, and then all visible ones. Summing over the hidden units
leaves the free energy F of a picture v. Smolensky 1986.

    E(v, h) = −v·b − h·c − v·W·h     F(v) = −v·b − Σⱼ softplus((v·W + c)ⱼ)     p(v) = exp(−F(v))/Z

The likelihood wants F low at the data and high wherever the machine itself would go. Contrastive divergence (CD-k, Hinton 2002)
asks it by k steps from the data: the gradient is that of F(v) − F(ṽ), with ṽ held fixed. The derivation finds the well known rule,
ΔW = v⊗p(h|v) − ṽ⊗p(h|ṽ), without being told. PCD (Tieleman 2008) goes on from where its chains were instead.

With 9 visible and 3 hidden units Z is a sum over 8 states, and the true gradient can stand beside the sampled ones. Half way, that
of CD-1 is a third as long as it should be and points 58° aside; after 30 steps the two can hardly be told apart. On stripes of
3·3 pixels the exact log-likelihood rises from −6.24 to −3.29 with CD-1, −2.37 with CD-10, −2.32 with PCD and −2.30 with the true
gradient; −ln 8 = −2.08 is the most there is.
"""

from pathlib import Path

import nngraph as ng
import numpy as np
from nngraph import nets
from nngraph.autograd.language import translate as _
from nngraph.nets.boltzmann import all_states
from nngraph.viz import plots

stripes = np.repeat(all_states(3), 3, axis=1)
data = np.tile(stripes, (25, 1))
alike = {"start": nets.normal(0.1), "rng": 0}
v, ṽ = ng.input("v", [1.0, 0.0, 1.0]), ng.input("ṽ", [1.0, 1.0, 0.0])
W = ng.parameter("W", [[0.4, -0.2], [0.1, 0.3], [-0.5, 0.2]])
b, c = ng.parameter("b", [0.1, 0.0, -0.1]), ng.parameter("c", [0.2, -0.3])
L = (-(v @ b) - ng.sum(ng.softplus(v @ W + c))) - (-(ṽ @ b) - ng.sum(ng.softplus(ṽ @ W + c)))

if __name__ == "__main__":
    Path("out").mkdir(exist_ok=True)
    derivation = ng.explain(L, wrt=[W])
    print(derivation)
    exact, curves = _("exact"), {}
    ways = {"CD-1": {}, "CD-10": {"steps": 10}, "PCD": {"chains": 100}, exact: {}}
    for name, settings in ways.items():
        net = nets.RBM(9, 3, **settings, **alike)
        own = None if name != exact else lambda h, v, net=net: -net.log_likelihood(v)
        training = nets.Trainer(net, own, data, batch=20, optimizer=nets.SGD(nets.cosine_decay(0.2, steps=4000)))
        curves[name] = [float(net.log_likelihood(stripes).value) for turn in range(41) if not turn or list(training.run(10))]
        print(_("{name}: log-likelihood {before} before, {after} after learning", name=name, before=f"{curves[name][0]:.2f}", after=f"{curves[name][-1]:.2f}"))  # fmt: skip
    plots.lines(curves, range(0, 401, 10), labels=(_("epoch"), _("log-likelihood"))).save("out/53_rbm_likelihood.svg")
    half = nets.RBM(9, 3, **alike)
    list(nets.train(half, data=data, epochs=50, batch=20, optimizer=nets.SGD(0.2)))
    losses = {exact: -half.log_likelihood(stripes)}
    for k in (1, 3, 10, 30):
        half.steps = k
        with nets.training(seed=1):
            losses[f"CD-{k}"] = half.objective(ng.constant(np.tile(stripes, (2500, 1))))
    found = {name: -ng.gradient(loss, [half.W])[0].value for name, loss in losses.items()}
    for name, each in found.items():
        cosine = (each * found[exact]).sum() / np.linalg.norm(each) / np.linalg.norm(found[exact])
        print(_("{name}: gradient of length {length}, cosine with the exact one {cosine}", name=name, length=f"{np.linalg.norm(each):.3f}", cosine=f"{cosine:.3f}"))  # fmt: skip
    plots.image_grid(list(found.values()), list(found), columns=5, signed=True).save("out/53_rbm_gradients.svg")
