"""The perceptron learns from its mistakes

A threshold unit is shown one flower after another, sepal and petal length in cm, and says y = 1 for versicolor. When it is
right nothing happens. When it is wrong, the weights move by the input, towards it or away from it (Rosenblatt 1958):

    Δw = α(t − y)·x        Δb = α(t − y)

The slope of the step is 0. But the rule is gradient descent on another loss, L = (y − t)·z with z = w·x + b and y taken as
fixed (nets.perceptron_loss): 0 for a right answer, |z| for a wrong one. Its gradient is (y − t)·x, as the derivation finds.

Does it end? If some line keeps all examples (x, 1) a distance γ away on their sides, and none is longer than R, there are at
most (R/γ)² mistakes, whatever α is (Novikoff 1962): each takes w at least αγ along that line's normal, while k of them make w at
most αR√k long. The widest gap here allows 390 mistakes; ten are made, in five epochs, and the sixth has none. With the sepals
alone the gap is a hair, and it takes 1489.
"""

from pathlib import Path

import nngraph as ng
from nngraph import nets
from nngraph.autograd.language import translate as _
from nngraph.nets import data
from nngraph.viz import plots

iris = data.iris().rows(slice(100))  # 50 setosa, 50 versicolor
lengths, t_all = iris.X[:, [0, 2]], iris.t

# One mistake: a setosa, t = 0, after one versicolor has been learned.
x, t = ng.input("x", [5.1, 1.4]), ng.input("t", 0.0)
w, b = ng.parameter("w", [7.0, 4.7]), ng.parameter("b", 1.0)
z = x @ w + b
L = (ng.stop_gradient(ng.step(z)) - t) * z

if __name__ == "__main__":
    from sklearn.svm import LinearSVC

    pictures = Path("out")
    pictures.mkdir(exist_ok=True)
    derivation = ng.explain(L, wrt=[w, b])
    print(derivation, "\n")

    steps = list(nets.perceptron_steps(lengths, t_all))
    last, lines = steps[-1], {}
    for before, step in zip([None, *steps], steps, strict=False):
        if step.mistakes and (before is None or step.mistakes > before.mistakes):
            print(f"{step.mistakes:2}  x = {step.x.tolist()}  t − y = {step.t - step.y:+g}   w = {step.weights.round(1).tolist()}  b = {step.bias:g}".replace("-", "−"))
            if step.mistakes in (5, 8, last.mistakes):
                weights, bias = step.weights, step.bias
                name = _("after {count} mistakes", count=step.mistakes)
                lines[name] = lambda points, w=weights, b=bias: points @ w + b > 0
    widest = LinearSVC(C=1e4, loss="hinge", max_iter=100_000, random_state=0).fit(lengths, t_all)
    bound = nets.perceptron_bound(lengths, t_all, widest.coef_[0], widest.intercept_[0])
    print("\n" + _("mistakes: {made} in {epochs} epochs; the bound (R/γ)² = ({radius}/{margin})² allows {most}", made=last.mistakes, epochs=last.epoch,
                   radius=f"{bound.radius:.3f}", margin=f"{bound.margin:.3f}", most=f"{bound.mistakes:.0f}"))  # fmt: skip
    hair = list(nets.perceptron_steps(iris.X[:, :2], t_all, epochs=1000))[-1]
    print(_("with the sepals alone: {made} mistakes in {epochs} epochs", made=hair.mistakes, epochs=hair.epoch))
    shuffled = nets.Perceptron(random_state=0).fit(lengths, t_all)
    print(_("in another order: accuracy {accuracy}, epochs: {epochs}", accuracy=f"{(right := shuffled.score(lengths, t_all)):g}", epochs=len(shuffled.history_)))
    columns = [_("sepal length (cm)"), _("petal length (cm)")]
    plots.decision_boundary(lines, lengths, t_all, classes=iris.classes, columns=columns).save(pictures / "14_perceptron.svg")
