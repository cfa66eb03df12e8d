"""Decision boundaries: tree, line, kernel, network

Eight learners see the same 200 points of two half circles that reach into each other, and are asked 400 new ones. What a learner
would answer everywhere says more of it than one number:

    tree                  the cut x_j < c that leaves the purest halves, again in each half             (Breiman et al. 1984)
    logistic regression   p = σ(w·x + b), one straight line                                             (Cox 1958)
    SVM                   min ½|w|² + C·Σ max(0, 1 − t·(w·φ(x) + b)), t = ±1                            (Cortes and Vapnik 1995)
                          φ only in products k(a, b) = φ(a)·φ(b): a·b, (γ·a·b + 1)³, exp(−γ|a − b|²)
    network               two layers that bend the plane before a line parts it                         (Rumelhart et al. 1986)

The tree of any depth has learned its points by heart, 1.000, and is right on 0.855 of the new ones. The network is right on 0.897
of them here; on other points it is another's turn. C is what a point on the wrong side costs: with 0.01 all 200 points hold the
boundary, with 100 it is 41, the support vectors (ringed), and with 10⁴ it winds around single points, 0.870 after 0.900.
"""

from pathlib import Path

from nngraph import nets
from nngraph.autograd.language import translate as _
from nngraph.nets import data, estimators
from nngraph.viz import plots
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

train, test = data.moons(600, noise=0.3, seed=1).split(2 / 3, seed=0)


def learners():
    return {
        _("tree of depth 3"): DecisionTreeClassifier(max_depth=3, random_state=0),
        _("tree of any depth"): DecisionTreeClassifier(random_state=0),
        _("logistic regression"): estimators.LogisticRegression(random_state=0),
        "SVM, k = a·b": SVC(kernel="linear"),
        "SVM, k = (γ·a·b + 1)³": SVC(kernel="poly", degree=3, coef0=1),
        "SVM, k = exp(−γ|a − b|²)": SVC(),
        _("the same, C = {C}", C="10⁴"): SVC(C=1e4),
        "MLP 2-16-16-2": nets.MLPClassifier((16, 16), optimizer=nets.Adam(0.01), epochs=60, random_state=0),
    }


if __name__ == "__main__":
    Path("out").mkdir(exist_ok=True)
    shown = {}
    for name, learner in (compared := learners()).items():
        learner.fit(train.X, train.t)
        known, new = learner.score(train.X, train.t), learner.score(test.X, test.t)
        print(_("{name}: right on {known} of the known points, {new} of the new", name=name, known=f"{known:.3f}", new=f"{new:.3f}"))
        shown[f"{name}: {new:.3f}"] = learner.predict
    plots.decision_boundary(shown, train.X, train.t).save("out/33_learners.svg")

    # The points that hold the boundary: without all others it would be the same.
    machines = {f"C = {C:g}": SVC(C=C).fit(train.X, train.t) for C in (0.01, 1, 100, 1e4)}
    for name, machine in machines.items():
        print(name, _("{count} support vectors", count=len(machine.support_)), f"{machine.score(test.X, test.t):.3f}", sep="   ")
    rings = {name: machine.support_ for name, machine in machines.items()}
    regions = {name: machine.predict for name, machine in machines.items()}
    plots.decision_boundary(regions, train.X, train.t, marked=rings).save("out/33_costs.svg")
