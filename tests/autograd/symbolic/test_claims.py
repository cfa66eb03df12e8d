"""Claims from Python: equal forms are right however written, wrong ones come with a point that shows it and a slip by name."""

import json

import nngraph as ng
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nngraph.autograd.engines.numpy import Program
from nngraph.autograd.errors import GradientError, ParameterError
from nngraph.autograd.graph import leaves
from nngraph.autograd.symbolic.mistakes import check_claim
from nngraph.autograd.symbolic.mistakes.prime import Primes

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


# What is right ---------------------------------------------------------------------------------------------------------
FORMS_OF_W5 = [
    lambda n: 2 * (n["y"] - n["z"]) * n.prime(s, n["a3"]) * n["f1"],
    lambda n: 2 * (n["y"] - n["z"]) * n["y"] * (1 - n["y"]) * n["f1"],
    lambda n: -2 * (n["z"] - n["y"]) * (n["y"] - n["y"] ** 2) * n["f1"],
    lambda n: n["f1"] * 2 * n["d"] * ng.exp(-n["a3"]) / (1 + ng.exp(-n["a3"])) ** 2,
    lambda n: (2 * n["y"] * n["f1"] - 2 * n["z"] * n["f1"]) * s(n["a3"]) * s(-n["a3"]),
    lambda n: 0.5 * (n["y"] - n["z"]) / ng.square(ng.exp(n["a3"] / 2) / 2 + ng.exp(-n["a3"] / 2) / 2) * n["f1"],
]


@pytest.mark.parametrize("form", FORMS_OF_W5)
def test_equal_forms_are_right(small, form):
    E, w = small
    verdict = check_claim(E, w["w5"], form)
    assert verdict.right
    assert verdict.slip is None
    assert verdict.point is None
    assert verdict.tested > 25


@given(st.lists(st.sampled_from(["swap", "expand", "divide", "zero", "power"]), max_size=6), st.integers(0, 5))
@settings(max_examples=12, deadline=None)
def test_any_rearrangement_stays_right_and_any_disturbance_is_wrong(steps, which):
    x, w, b = ng.input("x", 0.7), ng.parameter("w", -0.4), ng.parameter("b", 0.2)
    y = s(w * x + b)
    form = 2 * y * (y * (1 - y)) * x
    for step in steps:
        match step:
            case "swap":
                form = x + form - x
            case "expand":
                form = form * y + form * (1 - y)
            case "divide":
                form = form / (1 + x * x) + form * x * x / (1 + x**2)
            case "zero":
                form = form + 0 * w
            case "power":
                form = ng.square(form) / form
    assert check_claim(y**2, w, form).right
    disturbed = [form * 2, -form, form + 1e-3, form * x, form * (1 - y), form + 0.01 * ng.relu(x)][which]
    verdict = check_claim(y**2, w, disturbed)
    assert not verdict.right
    assert_point_shows_it(verdict)


def assert_point_shows_it(verdict):
    """The counter-example is one: both values are there and differ."""
    assert verdict.point
    assert not np.allclose(verdict.yours_value, verdict.correct_value, rtol=1e-9, atol=0)


def test_the_point_of_a_counter_example_can_be_checked_by_hand(small):
    E, w = small
    y = E.inputs[0].inputs[0]
    claim = (y - ng.input("z", 1.0)) * y
    verdict = check_claim(E, w["w5"], claim)
    (gradient,) = ng.gradient(E, [w["w5"]])
    values = {leaf: verdict.point[leaf.name] for leaf in leaves(E) if leaf.name in verdict.point}
    np.testing.assert_allclose(Program([gradient])(values)[0], verdict.correct_value, rtol=1e-12)


def test_values_are_compared_without_a_variable():
    x = ng.input("x", 0.3)
    right = (ng.exp(x) - ng.exp(-x)) / (ng.exp(x) + ng.exp(-x))
    assert check_claim(ng.tanh(x), None, right).right
    turned = check_claim(ng.tanh(x), None, (ng.exp(-x) - ng.exp(x)) / (ng.exp(-x) + ng.exp(x)))
    assert not turned.right
    assert turned.slip.kind == "sign"


def test_the_derivative_of_tanh():
    x = ng.input("x", 0.3)
    y = ng.tanh(x)
    assert check_claim(y, x, 1 - y * y).right
    assert check_claim(y, x, 4 / (ng.exp(x) + ng.exp(-x)) ** 2).right
    for wrong in (1 - y, 1 + y * y, y * (1 - y), 1 - x * x):
        verdict = check_claim(y, x, wrong)
        assert not verdict.right
        assert verdict.slip is not None


def test_second_derivatives_are_claims_about_gradients():
    x = ng.input("x", 0.3)
    (first,) = ng.gradient(x**3, [x])
    assert check_claim(first, x, 6 * x).right
    assert check_claim(first, x, 3 * x).slip.kind == "factor"


def test_one_number_may_stand_for_every_entry():
    x = ng.input("x", [1.0, 2.0, 3.0])
    verdict = check_claim(ng.sum(x), x, 1.0)
    assert verdict.right
    assert verdict.notes
    assert not check_claim(ng.sum(x), x, 2.0).right


# Where a wrong claim is right ------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("build", "claim", "condition"),
    [
        (lambda x: ng.relu(x) * x, lambda x: 2 * x, "x > 0"),
        (lambda x: ng.abs(x), lambda x: x * 0 - 1, "x < 0"),
        (lambda x: x**2, lambda x: 2 * ng.abs(x), "x > 0"),
        (lambda x: ng.maximum(x, 1.0) * 2, lambda x: x * 0 + 2, "x > 1"),
    ],
)
def test_right_on_a_part_of_the_domain(build, claim, condition):
    x = ng.input("x", 0.6)
    verdict = check_claim(build(x), x, claim(x))
    assert not verdict.right
    assert verdict.slip.kind == "domain"
    assert verdict.slip.said.fields["condition"] == condition
    assert_point_shows_it(verdict)


def test_right_entry_by_entry_on_a_part_of_the_domain():
    x = ng.input("x", [0.5, -0.5, 1.0])
    verdict = check_claim(ng.sum(ng.relu(x) ** 2), x, 2 * x)
    assert verdict.slip.kind == "domain"
    assert verdict.slip.said.fields["condition"] == "x > 0"


def test_right_at_special_points_only():
    w1, w2, x = ng.parameter("w1", 0.5), ng.parameter("w2", 0.5), ng.input("x", 2.0)
    at_given = check_claim(s(w1 * x) * w2, w2, s(w2 * x))
    assert not at_given.right
    assert at_given.slip.kind in ("index", "argument")
    assert "At the given values" in at_given.holds.template or "equal" in str(at_given.holds.fields)
    w1.value = 0.3
    verdict = check_claim(s(w1 * x) * w2, w2, s(w2 * x))
    assert not verdict.right
    assert verdict.holds.template == "It is right {points}, but not in general."


def test_a_claim_without_a_value_is_wrong_there():
    x = ng.input("x", 0.5)
    verdict = check_claim(x**2, x, 2 * ng.sqrt(x) * ng.sqrt(x))
    assert not verdict.right
    assert verdict.slip.said.fields.get("condition") == "x > 0"


def test_a_hole_at_a_single_point_does_not_matter():
    x = ng.input("x", 0.5)
    assert check_claim(x**2, x, 2 * x**2 / x).right


# Data ------------------------------------------------------------------------------------------------------------------
def test_a_verdict_as_data(small):
    E, w = small
    verdict = check_claim(E, w["w5"], lambda n: (n["y"] - n["z"]) * n.prime(s, n["a3"]) * n["f1"])
    record = json.loads(verdict.json())
    assert record["right"] is False
    assert record["slip"]["kind"] == "factor"
    assert record["yours"]["value"] * 2 == pytest.approx(record["correct"]["value"], rel=1e-12)
    assert record["correct"]["formula"] == "2(y−z)·y(1−y)·f1"
    assert set(record["point"]) == {"w1", "w2", "w3", "w4", "w5", "w6", "x1", "x2", "z"}


def test_the_text_of_a_verdict(small):
    E, w = small
    verdict = check_claim(E, w["w5"], lambda n: (n["y"] - n["z"]) * n.prime(s, n["a3"]) * n["f1"])
    first, yours, correct, _at, *names, where = str(verdict).splitlines()
    assert first.startswith("✗ wrong by a factor 2")
    assert yours.split("  ")[1].strip() == "yours"
    assert yours.endswith("= −0.06925")
    assert correct.endswith("= −0.1385")
    assert "(y−z)²" in where
    assert "½(y−z)²" in where
    legend = " ".join(names).split()
    assert legend[:4] == ["with", "a1", "=", "w1·x1"], "our own names are said"
    assert {"y", "f1", "a3"} <= set(legend)
    assert max(map(len, str(verdict).splitlines())) <= 100
    assert "\x1b[" not in str(verdict)
    assert "\x1b[" in verdict.text(color=True)


def test_a_derivative_needs_one_number():
    x = ng.input("x", [1.0, 2.0])
    with pytest.raises(GradientError, match="one number"):
        check_claim(s(x), x, x)


def test_a_prime_is_for_curves_only():
    x = ng.input("x", [1.0, 2.0])
    with pytest.raises(GradientError, match="Jacobian"):
        Primes().derivative(ng.softmax, 1, x)
    with pytest.raises(GradientError, match="2 inputs"):
        Primes().derivative(ng.maximum, 1, x)


@pytest.mark.parametrize("op", [ng.sigmoid, ng.tanh, ng.gelu, ng.softplus, ng.sin])
def test_primes_are_slopes(op):
    x = ng.input("x", [0.3, -1.2, 2.0])
    for times in (1, 2):
        value = Primes().derivative(op, times, x).value
        step = 1e-4 if times == 1 else 1e-3
        at = x.value
        f = lambda points: op(ng.input("t", points)).value  # noqa: E731
        central = (
            (f(at + step) - f(at - step)) / (2 * step)
            if times == 1
            else (f(at + step) - 2 * f(at) + f(at - step)) / step**2
        )
        np.testing.assert_allclose(value, central, atol=1e-6)


@pytest.mark.parametrize(
    ("claim", "right", "said"),
    [
        (-0.149, True, "right to 3 significant digits: ∂y/∂w = −0.14914645 at the given values"),
        (-0.15, True, "right to 2 significant digits"),
        (-0.1492, False, "the last digit is rounded wrongly: ∂y/∂w = −0.14914645 at the given values"),
        (-0.1491, True, "right to 4 significant digits: ∂y/∂w = −0.14914645 at the given values"),
        (-0.1, False, "wrong: ∂y/∂w is something else"),
        (0.149, False, "wrong"),
        (-0.1495, False, "wrong: ∂y/∂w is something else"),
    ],
)
def test_a_plain_number_is_about_the_given_values(claim: float, right: bool, said: str) -> None:
    w, x, b = ng.input("w", 2.0), ng.input("x", -1.0), ng.input("b", 0.5)
    verdict = ng.check_claim(ng.sigmoid(w * x + b), w, claim)
    assert verdict.right is right
    assert said in verdict.text()
    assert said in verdict.record()["said"] or not right


def test_a_number_that_is_the_derivative_everywhere_is_simply_right() -> None:
    y = ng.input("y", 4.0)
    assert "agrees at all" in ng.check_claim(3 * y, y, 3.0).text()
    assert "right at the given values: ∂y1/∂y = 8" in ng.check_claim(y**2, y, 8.0).text()


def test_an_array_of_numbers_is_no_claim(small):
    E, w = small
    with pytest.raises(ParameterError, match=r"a claim is a formula, .* np\.allclose\(claim, ng\.gradient"):
        check_claim(E, w["w1"], np.zeros(3))
