"""Variational autoencoder: a plane of digits

An autoencoder whose code can be drawn. The encoder does not give a code but a bell curve q(z|x) of codes, N(μ, σ²); the decoder gives
probabilities p(x|z). All codes together shall lie like N(0, 1), p(z), so that a code drawn from there means a digit. Kingma and
Welling 2013; Rezende, Mohamed and Wierstra 2014.

    ln p(x) = ln ∫ p(x|z)·p(z) dz ≥ E_q[ln p(x|z)] − KL(q(z|x) ‖ p(z)) = ELBO        (Jensen: ln E ≥ E ln)
    KL(q(z|x) ‖ p(z)) = ½·Σ(μ² + σ² − ln σ² − 1)        what the bound lacks is KL(q(z|x) ‖ p(z|x))

A drawn z has no gradient, unless it is written z = μ + σ·ε with ε ~ N(0, 1): then chance is an input, as the derivation shows for
s = ln σ². Learning goes up the bound: from −33.4 in the first epoch to −24.3 in the last.

Each code is two numbers, so that all of them can be seen: the plane of codes, decoded, and where the encoder puts the digits. A
thousand codes drawn from N(0, 1) become pictures in which two classifiers of different kinds, which know real digits only, see the
same digit in 84 % of all cases, and every digit is among them; of noise they think the same in 24 %.
"""

from pathlib import Path

import nngraph as ng
import numpy as np
from nngraph import nets
from nngraph.autograd.language import translate as _
from nngraph.nets import data
from nngraph.viz import plots
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC

digits = data.digits()
X, t = digits.X.astype(np.float32), digits.t
net = nets.VariationalAutoencoder(nets.MLP([64, 200, 4], rng=0), nets.MLP([2, 200, 64], rng=1), 2)

x, ε = ng.input("x", [1.0, 0.0]), ng.input("ε", [0.5])
μ, s = ng.parameter("μ", [0.3]), ng.parameter("s", [-0.4])
a = (μ + ng.exp(0.5 * s) * ε) @ ng.constant([[1.0, -0.5]], name="W")
KL = 0.5 * ng.sum(ng.square(μ) + ng.exp(s) - s - 1)
L = ng.sum(ng.softplus(a) - x * a) + KL

if __name__ == "__main__":
    Path("out").mkdir(exist_ok=True)
    derivation = ng.explain(L, wrt=[μ, s])
    print(derivation)
    bound = [-record.loss for record in nets.train(net, data=X, epochs=120, batch=50, optimizer=nets.Adam(0.002))]
    print(_("ELBO: {before} in the first epoch, {after} in the last", before=f"{bound[0]:.1f}", after=f"{bound[-1]:.1f}"))
    rng = np.random.default_rng(0)
    drawn = net.decode(rng.normal(size=(1000, 2)).astype(np.float32)).value
    judges = SVC().fit(X, t), KNeighborsClassifier(3).fit(X, t)
    seen, noise = ([judge.predict(pictures) for judge in judges] for pictures in (drawn, rng.random((1000, 64))))
    print(_("two classifiers see the same digit in {drawn} of the samples, and in {noise} of pure noise", drawn=f"{(seen[0] == seen[1]).mean():.0%}", noise=f"{(noise[0] == noise[1]).mean():.0%}"))  # fmt: skip
    print(_("samples of each digit: {counts}", counts=" ".join(map(str, np.bincount(seen[0], minlength=10)))))
    plots.lines(bound, labels=(_("epoch"), "ELBO")).save("out/58_variational_bound.svg")
    steps = np.linspace(-2.2, 2.2, 12, dtype=np.float32)
    plane = net.decode(np.array([[across, -down] for down in steps for across in steps])).value.reshape(12, 12, 8, 8)
    plane = np.pad(plane, ((0, 0), (0, 0), (0, 2), (0, 0))).transpose(0, 2, 1, 3).reshape(1, 120, 96)
    plots.image_grid(plane).with_(inches=(5.0, 6.0)).save("out/58_variational_plane.svg")
    codes = net.code(X)[0].value
    plots.points({str(digit): codes[t == digit] for digit in range(10)}, labels=("z₁", "z₂"), within=codes).save("out/58_variational_codes.svg")
