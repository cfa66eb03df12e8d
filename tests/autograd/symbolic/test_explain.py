"""Derivations of real expressions: the numbers of the course, the rules that must be shown, and lines that must fail."""

from __future__ import annotations

from dataclasses import replace

import nngraph as ng
import numpy as np
import pytest
from nngraph.autograd.errors import GradientError, ShapeError
from nngraph.autograd.node import Leaf
from nngraph.autograd.sizes import Size
from nngraph.autograd.symbolic import explain
from nngraph.autograd.symbolic.derivation import Derivation, Step
from nngraph.autograd.symbolic.terms import AxisSum, EntryPartial, Prime, Product


def two_two_one() -> tuple[ng.Node, dict[str, Leaf]]:
    values = {"w1": 0.2, "w2": -0.3, "w3": 0.4, "w4": 0.1, "w5": 0.6, "w6": -0.5, "x1": 1.0, "x2": 0.5, "z": 1.0}
    v = {name: ng.input(name, value) for name, value in values.items()}
    f = ng.sigmoid
    return (f(v["w5"] * f(v["w1"] * v["x1"] + v["w3"] * v["x2"]) + v["w6"] * f(v["w2"] * v["x1"] + v["w4"] * v["x2"])) - v["z"]) ** 2, v


def of(derivation: Derivation, section: str, node: str) -> Step:
    return next(step for step in derivation.steps if step.section == section and step.node == node)


def test_the_two_two_one_net_by_hand():
    error, v = two_two_one()
    names = [f"w{i}" for i in range(1, 7)]
    derivation = explain(error, [v[name] for name in names])
    assert derivation.ok
    f = lambda a: 1 / (1 + np.exp(-a))  # noqa: E731
    f1, f2 = f(0.2 * 1 + 0.4 * 0.5), f(-0.3 * 1 + 0.1 * 0.5)
    y = f(0.6 * f1 - 0.5 * f2)
    delta = 2 * (y - 1) * y * (1 - y)
    hidden = [delta * w * h * (1 - h) for w, h in ((0.6, f1), (-0.5, f2))]
    expected = [hidden[0] * 1, hidden[1] * 1, hidden[0] * 0.5, hidden[1] * 0.5, delta * f1, delta * f2]
    assert [float(derivation.gradients[name].value) for name in names] == pytest.approx(expected, abs=1e-15)
    assert derivation.output == "E"
    assert [step.node for step in derivation.steps if step.section == "forward"] == ["a1", "f1", "a2", "f2", "a3", "y", "d", "E"]


def test_every_line_is_checked_at_random_points_and_by_differences():
    error, v = two_two_one()
    for step in explain(error, [v["w1"], v["w5"]]).steps:
        assert step.check.passed is True
        assert step.check.points == 21
        if step.section in ("backward", "result"):
            assert step.check.difference < 1e-8


def test_the_chain_is_told_in_symbols_then_primes_then_names_then_numbers():
    error, v = two_two_one()
    forms = of(explain(error, [v["w1"]]), "result", "w1").forms
    assert [form.numbers for form in forms] == [False, False, False, True]
    assert len(forms[0].term.factors) == 6
    assert sum(isinstance(factor, Prime) for factor in forms[1].term.factors) == 2
    assert not any(isinstance(factor, Prime) for factor in forms[2].term.factors)


def net_of_matrices() -> tuple[ng.Node, list[Leaf]]:
    n, d, k = Size("N", 4), Size("D", 3), Size("K", 2)
    x, w, b, t = ng.input("X", shape=(n, d)), ng.input("W", shape=(d, k)), ng.input("b", shape=(k,)), ng.input("T", shape=(n, k))
    return ng.softmax_loss(x @ w + b, t), [w, b]


def test_matrix_form_has_shapes_under_every_factor_and_a_reason_for_the_transpose():
    loss, wrt = net_of_matrices()
    step = next(each for each in explain(loss, wrt).steps if each.id == "b1.W")
    (form,) = step.forms
    assert isinstance(form.term, Product) and form.term.style == "matrix"
    assert [tuple(size.text for size in shape) for shape in form.shapes] == [("D", "N"), ("N", "K")]
    reason = next(sentence for sentence in step.why if "reason" in sentence.fields)
    assert "allow no other order" in reason.template and "is turned" in reason.fields["reason"].template


def test_square_matrices_leave_a_choice_and_nobody_says_otherwise():
    w, x = ng.input("W", np.eye(2)), ng.input("X", [[1.0, 2.0], [3.0, 5.0]])
    step = next(each for each in explain(ng.sum(ng.square(x @ w)), [w]).steps if each.id == "b1.W")
    assert not any("no other order" in sentence.template for sentence in step.why)


def test_an_expression_already_written_for_columns_is_left_as_it_is():
    w, x = ng.parameter("W", np.ones((2, 3))), ng.input("X", np.ones((3, 4)))
    loss = ng.sum(ng.square(w @ x))
    np.testing.assert_array_equal(explain(loss, [w], data="columns").gradients["W"].value, explain(loss, [w]).gradients["W"].value)


def test_what_is_not_finite_is_said_and_gets_no_tick():
    x = ng.input("x", -1.0)
    derivation = explain(x * ng.log(x), [x])
    assert {step.check.passed for step in derivation.steps if not np.isfinite(step.value).all()} == {None}
    assert any("not finite" in note.template for note in derivation.notes)


def test_a_corner_at_the_given_values_sends_the_differences_elsewhere():
    y, z = ng.input("y", 1.0), ng.input("z", 0.0)
    assert all(step.check.passed for step in explain(ng.huber(y, z), [y]).steps)
    logits, labels = ng.input("z", [3.0, 6.0, 9.0]), ng.input("t", [1.0, 0.0, 0.0])
    assert all(step.check.passed for step in explain(ng.softmax_loss(logits, labels), [logits]).steps)


def test_a_bias_is_a_sum_over_the_batch_and_says_so():
    loss, wrt = net_of_matrices()
    step = next(each for each in explain(loss, wrt).steps if each.id == "b1.b")
    assert isinstance(step.after, AxisSum) and step.after.labels == ("n",)
    assert any("added up" in sentence.template for sentence in step.why)


def test_softmax_is_told_in_both_cases_before_the_fused_form():
    loss, wrt = net_of_matrices()
    derivation = explain(loss, wrt)
    at = {step.id: index for index, step in enumerate(derivation.steps)}
    (cases,) = [step for step in derivation.steps if isinstance(step.before, EntryPartial)]
    assert [form.where.template for form in cases.forms] == ["if {one} = {other}", "if {one} ≠ {other}"]
    fused = derivation.steps[at["b2.Z"]]
    assert at[cases.id] < at["b2.Z"]
    assert "since" in fused.forms[-1].note.template
    assert fused.check.passed and cases.check.passed


@pytest.mark.parametrize("layout", ["denominator", "numerator"])
@pytest.mark.parametrize("data", ["rows", "columns"])
def test_conventions_change_the_writing_and_every_line_still_holds(data: str, layout: str):
    loss, wrt = net_of_matrices()
    derivation = explain(loss, wrt, data=data, layout=layout)
    assert derivation.ok and all(step.check.passed for step in derivation.steps)
    turned = (data == "columns") != (layout == "numerator")
    plain = explain(loss, wrt).gradients["W"].value
    np.testing.assert_allclose(derivation.gradients["W"].value, plain.T if turned else plain, rtol=1e-12)


def test_second_derivatives_of_a_neuron():
    w, x, b = ng.input("w", 2.0), ng.input("x", -1.0), ng.input("b", 0.5)
    derivation = explain(ng.sigmoid(w * x + b), [w, w])
    y = 1 / (1 + np.exp(1.5))
    assert derivation.ok
    assert float(derivation.gradients["w,w"].value) == pytest.approx(y * (1 - y) * (1 - 2 * y) * 1.0, abs=1e-15)


def test_order_two_gives_every_pair():
    error, v = two_two_one()
    derivation = explain(error, [v["w1"], v["w5"]], order=2)
    assert derivation.ok
    (g,) = ng.gradient(error, [v["w1"]])
    (mixed,) = ng.gradient(g, [v["w5"]])
    assert float(derivation.gradients["w1,w5"].value) == pytest.approx(float(mixed.value), rel=1e-12)
    assert set(derivation.gradients) == {"w1", "w5", "w1,w1", "w1,w5", "w5,w5"}


def test_a_kink_chosen_by_the_user_is_named_and_not_ticked_against_differences():
    x = ng.input("x", 0.0)
    derivation = explain(ng.relu(x) * 2.0, [x])
    assert derivation.ok
    assert any("kink" in note.template for note in derivation.notes)


def test_a_wrong_rule_fails_the_line_that_uses_it():
    broken = replace(ng.sigmoid, gradient=lambda g, y, x: (g * (y * (1 + y)),), known={})
    w = ng.input("w", 0.3)
    derivation = explain(ng.square(broken.apply((w * 2.0,), {})), [w])
    assert not derivation.ok
    assert derivation.failed.section == "backward" and derivation.failed.check.difference > 1e-5


def test_more_than_four_paths_use_the_adjoint_form():
    x = ng.input("x", 0.5)
    y = x
    for _ in range(3):
        y = ng.tanh(y) + ng.sin(y)
    derivation = explain(y * 1.0, [x])
    assert derivation.ok
    assert any("more than" in sentence.template for sentence in of(derivation, "result", "x").why)


def test_what_cannot_be_derived_is_said():
    x = ng.input("x", [1.0, 2.0])
    with pytest.raises(GradientError, match="Sum it first"):
        explain(x * 2.0, [x])
    with pytest.raises(GradientError, match="does not depend"):
        explain(ng.sum(x), [ng.input("w", 1.0)])
    n = Size("N", 4)
    rows = ng.input("X", shape=(n, 3))
    with pytest.raises(ShapeError, match="does not hold for every N"):
        explain(ng.sum(ng.reshape(rows, (2, 6)) * 2.0), [rows])


def test_convolution_and_pooling_are_steps_of_their_own():
    x, k = ng.input("x", np.arange(16.0).reshape(4, 4)), ng.parameter("k", [[0.3, -0.2], [0.1, 0.4]])
    derivation = explain(ng.sum(ng.square(ng.max_pool2d(ng.conv2d(x, k), 2))), [k])
    assert [step.node for step in derivation.steps if step.section == "forward"] == ["Z", "P", "L"]
    assert [step.rule.template for step in derivation.steps if step.section == "backward"][1:] == ["derivative of {sign}"] * 2


def test_derivations_are_in_double_precision_whatever_the_leaves_are():
    w = ng.input("w", np.float32(0.3))
    assert explain(ng.square(ng.tanh(w * 2.0)), [w]).ok


def test_without_wrt_every_parameter_is_explained():
    x, w, b = ng.input("x", 2.0), ng.parameter("w", 0.5), ng.parameter("b", 0.1)
    assert list(ng.explain(ng.square(w * x + b)).gradients) == ["w", "b"]
    assert list(ng.explain(ng.square(x)).gradients) == ["x"]
    with pytest.raises(GradientError, match="depends on no parameter and no input of floats"):
        ng.explain(ng.square(ng.constant(2.0)))
