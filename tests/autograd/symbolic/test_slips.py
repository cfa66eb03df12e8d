"""Every kind of slip is found and called by its name: scalar nets path by path, tensor nets with their transposes and sums."""

import nngraph as ng
import pytest
from nngraph.autograd.symbolic.mistakes import check_claim
from nngraph.autograd.symbolic.mistakes.say import said
from nngraph.autograd.symbolic.mistakes.search import same

s = ng.sigmoid


def small_net():
    """E = (y − z)² of a 2-2-1 net of sigmoids, and its weights by name."""
    w = {f"w{at}": ng.parameter(f"w{at}", value) for at, value in enumerate([0.2, -0.3, 0.4, 0.1, 0.6, -0.5], 1)}
    x1, x2, z = ng.input("x1", 1.0), ng.input("x2", 0.5), ng.input("z", 1.0)
    hidden = [s(w["w1"] * x1 + w["w3"] * x2), s(w["w2"] * x1 + w["w4"] * x2)]
    return (s(w["w5"] * hidden[0] + w["w6"] * hidden[1]) - z) ** 2, w


@pytest.fixture
def small():
    return small_net()


def by_w1(n, **other):
    """∂E/∂w1, with some of its factors exchanged for others."""
    factors = {"slope3": n.prime(s, n["a3"]), "weight": n["w5"], "slope1": n.prime(s, n["a1"]), "data": n["x1"]} | other
    return 2 * (n["y"] - n["z"]) * factors["slope3"] * factors["weight"] * factors["slope1"] * factors["data"]


SCALAR = {
    "factor": lambda n: by_w1(n) / 2,
    "factor twice": lambda n: by_w1(n) * 2,
    "sign": lambda n: -by_w1(n),
    "activation-derivative": lambda n: by_w1(n, slope1=n["w5"] / n["w5"]),
    "activation-derivative, value for slope": lambda n: by_w1(n, slope3=n["y"]),
    "activation-derivative, half of it": lambda n: by_w1(n, slope3=1 - n["y"]),
    "activation-derivative, all": lambda n: 2 * (n["y"] - n["z"]) * n["w5"] * n["x1"],
    "post-activation": lambda n: by_w1(n, slope3=n.prime(s, n["y"])),
    "pre-activation": lambda n: by_w1(n, slope1=n["a1"] * (1 - n["a1"])),
    "index": lambda n: by_w1(n, data=n["x2"]),
    "index, weight": lambda n: by_w1(n, weight=n["w6"]),
    "argument": lambda n: by_w1(n, slope1=n.prime(s, n["a2"])),
    "missing-factor": lambda n: by_w1(n, weight=n["x1"] / n["x1"]),
    "extra-factor": lambda n: by_w1(n) * n["x2"],
    "extra-factor, slope": lambda n: by_w1(n) * n.prime(s, n["a2"]),
}


@pytest.mark.parametrize("name", SCALAR)
def test_slips_in_a_scalar_net(small, name):
    E, w = small
    verdict = check_claim(E, w["w1"], SCALAR[name])
    assert not verdict.right
    assert verdict.slip is not None
    assert verdict.slip.kind == name.partition(",")[0].partition(" ")[0]
    assert said(verdict.slip.said)


def test_slips_are_named_exactly(small):
    E, w = small
    assert said(check_claim(E, w["w1"], SCALAR["index"]).slip.said) == "wrong index: x2 stands where x1 belongs"
    assert said(check_claim(E, w["w1"], SCALAR["argument"]).slip.said).startswith("σ′(a2) stands where σ′(a1) belongs")
    assert (
        said(check_claim(E, w["w1"], SCALAR["activation-derivative"]).slip.said)
        == "the derivative of the activation, σ′(a1), is missing"
    )


def test_two_slips_at_once(small):
    E, w = small
    both = check_claim(E, w["w1"], lambda n: by_w1(n, weight=n["w6"], data=n["x2"]))
    assert "two slips" in both.slip.said.template
    assert "w6 stands where w5 belongs" in said(both.slip.said)
    assert "x2 stands where x1 belongs" in said(both.slip.said)
    as_w2 = check_claim(E, w["w1"], lambda n: by_w1(n, weight=n["w6"], slope1=n.prime(s, n["a2"])))
    assert said(as_w2.slip.said) == "this is ∂E/∂w2, not ∂E/∂w1"
    with_factor = check_claim(E, w["w1"], lambda n: by_w1(n, data=n["x2"]) / 2)
    assert said(with_factor.slip.said) == "wrong index: x2 stands where x1 belongs, and a factor 2 is missing"
    turned = check_claim(E, w["w1"], lambda n: -by_w1(n, data=n["x2"]))
    assert said(turned.slip.said) == "wrong index: x2 stands where x1 belongs, and the sign is turned"


def test_a_slip_that_nobody_knows_is_still_wrong(small):
    E, w = small
    verdict = check_claim(E, w["w1"], lambda n: ng.sin(by_w1(n)) + ng.exp(n["x2"]) * n["w4"])
    assert not verdict.right
    assert verdict.slip is None
    assert verdict.point
    assert said(verdict.headline()).startswith("wrong")


def test_the_derivative_by_something_else():
    x, y = ng.input("x", 1.4), ng.input("y", 0.6)
    verdict = check_claim(x**y, y, y * x ** (y - 1))
    assert verdict.slip.kind == "other-variable"
    assert said(verdict.slip.said).startswith("this is ∂")
    assert said(verdict.slip.said).partition(",")[0].endswith("/∂x")


# Several paths -----------------------------------------------------------------------------------------------------------
@pytest.fixture
def shared():
    """y = σ(u·h) + σ(v·h), h = σ(w·x): two paths from w to the output."""
    w, u, v = ng.parameter("w", 0.4), ng.parameter("u", -0.7), ng.parameter("v", 0.9)
    x, t = ng.input("x", 0.8), ng.input("t", -0.3)
    h = s(w * x + 0 * t)
    return (s(u * h) + s(v * h)) * t, w


def two_paths(n, u="u", v="v"):
    h = n["h"]
    first = n.prime(s, n["u"] * h) * n[u]
    second = n.prime(s, n["v"] * h) * n[v]
    return first, second, n.prime(s, n["w"] * n["x"]), n["t"], n["x"]


def test_a_missing_path(shared):
    y, w = shared

    def only_one(n):
        first, _, slope, t, x = two_paths(n)
        return first * slope * t * x

    verdict = check_claim(y, w, only_one)
    assert verdict.slip.kind == "contribution"
    assert "←" in said(verdict.slip.said)


def test_a_slip_in_one_path_names_the_path(shared):
    y, w = shared

    def mixed(n):
        first, second, slope, t, x = two_paths(n, v="u")
        return (first + second) * slope * t * x

    verdict = check_claim(y, w, mixed)
    assert verdict.slip.kind in ("index", "wrong-factor")
    assert said(verdict.slip.said).startswith("in the path")
    assert "u stands where v belongs" in said(verdict.slip.said)


# Tensors -----------------------------------------------------------------------------------------------------------------
N, D, K = ng.Size("N", 5), ng.Size("D", 3), ng.Size("K", 3)


def layer():
    return (
        ng.input("X", shape=(N, D)), ng.input("W", shape=(D, K)), ng.input("b", shape=(K,)),
        ng.input("V", shape=(K, K)), ng.input("Y", shape=(N, K)),
    )  # fmt: skip


def two_layers():
    X, W, b, V, Y = layer()
    h = s(X @ W + b)
    return X, W, b, V, h, 2 * (h @ V - Y), X @ W + b, ng.sum((h @ V - Y) ** 2)


TENSOR = {
    "right": ("W", lambda X, V, h, G, z: X.T @ ((G @ V.T) * h * (1 - h))),
    "transpose": ("W", lambda X, V, h, G, z: X.T @ ((G @ V) * h * (1 - h))),
    "transpose, whole": ("V", lambda X, V, h, G, z: G.T @ h),
    "activation-derivative": ("W", lambda X, V, h, G, z: X.T @ (G @ V.T)),
    "activation-derivative, value": ("W", lambda X, V, h, G, z: X.T @ ((G @ V.T) * h)),
    "pre-activation": ("W", lambda X, V, h, G, z: X.T @ ((G @ V.T) * z * (1 - z))),
    "pre-activation, factor": ("V", lambda X, V, h, G, z: z.T @ G),
    "post-activation": ("W", lambda X, V, h, G, z: X.T @ ((G @ V.T) * s(h) * (1 - s(h)))),
    "factor": ("V", lambda X, V, h, G, z: h.T @ G / 2),
    "1/N": ("V", lambda X, V, h, G, z: h.T @ G / 5),
    "sign": ("V", lambda X, V, h, G, z: -(h.T @ G)),
    "batch-sum": ("b", lambda X, V, h, G, z: (G @ V.T) * h * (1 - h)),
    "too-much-summed": ("b", lambda X, V, h, G, z: ng.sum((G @ V.T) * h * (1 - h))),
    "too-much-summed, everywhere": (
        "b",
        lambda X, V, h, G, z: ng.sum((G @ V.T) * h * (1 - h)) * ng.constant([1.0, 1.0, 1.0]),
    ),
    "axis": ("W", None),
}


@pytest.mark.parametrize("name", [name for name, (_, build) in TENSOR.items() if build])
def test_slips_in_a_tensor_net(name):
    X, W, b, V, h, G, z, L = two_layers()
    variable, build = TENSOR[name]
    verdict = check_claim(L, {"W": W, "b": b, "V": V}[variable], build(X, V, h, G, z))
    if name == "right":
        assert verdict.right
        return
    assert not verdict.right
    assert verdict.slip is not None
    assert verdict.slip.kind == name.partition(",")[0]


def test_a_mean_divides_by_the_batch():
    X, W, b, _, Y = layer()
    L = ng.softmax_loss(X @ W + b, Y)
    p = ng.softmax(X @ W + b)
    assert check_claim(L, W, X.T @ (p - Y) / 5).right
    verdict = check_claim(L, W, X.T @ (p - Y))
    assert verdict.slip.kind == "1/N"
    assert said(verdict.slip.said) == "not divided by N = 5"
    assert check_claim(L, b, p - Y).slip.kind == "batch-sum"


def test_shapes_that_differ_only_by_ones_are_said_so():
    X, W, b, _, Y = layer()
    L = ng.sum((X @ W + b - Y) ** 2)
    kept = check_claim(L, b, ng.sum(2 * (X @ W + b - Y), axis=0, keepdims=True))
    assert not kept.right
    assert kept.slip.kind == "shape"
    assert "the numbers are right" in said(kept.slip.said)


def test_softmax_on_a_batch_needs_its_axis():
    X = ng.input("X", shape=(4, 3))
    e = ng.exp(X)
    assert check_claim(ng.softmax(X), None, e / ng.sum(e, axis=1, keepdims=True)).right
    whole = check_claim(ng.softmax(X), None, e / ng.sum(e))
    assert whole.slip.kind == "too-much-summed"
    assert check_claim(ng.softmax(X), None, e / ng.sum(e, axis=0, keepdims=True)).slip.kind == "axis"


def test_a_slip_gives_the_same_numbers_as_the_claim():
    """The formula of a slip is no guess: it equals the claim wherever both were tried."""
    X, W, _b, V, h, G, _z, L = two_layers()
    from nngraph.autograd.symbolic.mistakes.scene import scene

    claim = X.T @ ((G @ V) * h * (1 - h))
    verdict = check_claim(L, W, claim)
    found, (moved,) = scene(L, W, {}, more=[claim])
    found.run(found.points, [moved])
    assert same(found.value(verdict.slip.term), found.others[0], 1.0)
