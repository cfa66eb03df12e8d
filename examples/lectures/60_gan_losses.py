"""Two losses for one generator

A discriminator gives a score s to what it sees, and D = σ(s) is how likely it takes that for real. The generator of Goodfellow
et al. (2014) wants it to be wrong, and there are two ways to say so:

    minimax          ln(1 − D)      ∂/∂D = −1/(1 − D)    ∂/∂s = −D
    non-saturating   −ln D          ∂/∂D = −1/D          ∂/∂s = −(1 − D)

Both fall as D grows, and both are at rest in the same place. The difference lies at the beginning, when the discriminator is
sure that all is made: D = 0.001. A network learns through s, and by s the first loss has a slope of −0.001, the second one
of −0.999. The first picture shows it: in the logit the minimax loss is flat on the left, just where the generator is bad.

The second picture is the same game twice: data around 3, a generator that begins around −3, a discriminator that learns five
times for each step of the generator, which takes plain steps downhill. With the minimax loss it stays at −3.00; with the other
it comes to 2.96. (Adam would divide the slope by its own size, and hide the difference.)
"""

from pathlib import Path

import nngraph as ng
import numpy as np
from nngraph import nets
from nngraph.autograd.language import translate as _
from nngraph.viz import plots

losses = {"ln(1 − D)": lambda d: ng.log(1 - d), "−ln D": lambda d: -ng.log(d)}
s = ng.input("s", np.log(0.001 / 0.999))
minimax, other = (loss(ng.sigmoid(s)) for loss in losses.values())
X = np.random.default_rng(0).normal(3.0, 0.5, (640, 1))


def drawn(loss):
    def slope(places):
        at = ng.input("at", places)
        return ng.gradient(ng.sum(loss(at)), [at])[0].value

    return lambda places: loss(ng.constant(places)).value, slope


def means(game):
    """Where the generator's bell is after each epoch."""
    generator = nets.Linear(1, 1)
    generator.W.value, generator.b.value = [[0.5]], [-3.0]
    net = nets.GAN(generator, nets.MLP([1, 32, 1], ng.tanh, rng=1), 1, loss=game)
    how = {"steps": 5, "optimizer": {"discriminator": nets.Adam(0.02, beta1=0.5), "generator": nets.SGD(0.1)}}
    return [record.samples.mean() for record in nets.train_adversarial(net, X, epochs=120, samples=net.sample(500), **how)]


if __name__ == "__main__":
    Path("out").mkdir(exist_ok=True)
    print(derivation := ng.explain(minimax, wrt=[s]))
    for name, value in zip(losses, (minimax, other)):
        print(f"D = 0.001: {name:10} = {value.value:8.4f}   ∂/∂s = {ng.gradient(value, [s])[0].value:.4f}")
    in_d = plots.activations({name: drawn(loss) for name, loss in losses.items()}, 0.1, 0.9)
    in_s = plots.activations({name: drawn(lambda s, loss=loss: loss(ng.sigmoid(s))) for name, loss in losses.items()}, -7, 7)
    plots.side_by_side({_("by D"): in_d, _("by the score s"): in_s}, columns=1).save("out/60_gan_losses.svg")
    ways = {name: means(game) for name, game in zip(losses, ("minimax", "non-saturating"))}
    print("\n".join(f"{name:10} {way[0]:.2f} → {way[-1]:.2f}" for name, way in ways.items()))
    plots.lines(ways, labels=(_("epoch"), _("mean of what is made (data: 3)"))).save("out/60_gan_losses_game.svg")
