"""No tick without a check: every way in which a line could be shown as checked although nothing was compared."""

from __future__ import annotations

from dataclasses import replace

import nngraph as ng
import numpy as np
import pytest
from nngraph.autograd.errors import ParameterError
from nngraph.autograd.symbolic import explain
from nngraph.autograd.symbolic.derivation import Check, Derivation, Step
from nngraph.autograd.symbolic.terms import EntryPartial, Number, Pullback, walk
from nngraph.autograd.symbolic.verify import Checker


def step_of(derivation: Derivation, name: str) -> Step:
    return next(step for step in derivation.steps if step.id == name)


def test_without_a_single_usable_point_no_line_gets_a_tick():
    x, w = ng.input("x", 0.0), ng.input("w", 2.0)
    derivation = explain(ng.relu(w * (x - x)) * w, [w])  # every point lies on the kink
    assert [step.check.passed for step in derivation.steps] == [None] * len(derivation.steps)
    assert "✓ 0" not in derivation.text() and "not checked" in derivation.text()


def test_a_wrong_jacobian_is_found_at_its_own_line():
    wrong = replace(
        ng.softmax, gradient=lambda g, y, x, axis: (y * (g - ng.sum(g, axis=axis, keepdims=True)),), known={}
    )
    z = ng.input("Z", [[1.0, 2.0, 0.5], [0.3, -0.4, 1.0]])
    derivation = explain(ng.sum(ng.square(wrong.apply((z,), {"axis": 1}))), [z])
    assert isinstance(derivation.failed.before, EntryPartial)
    assert derivation.failed.check.difference > 0.01


def test_a_right_jacobian_agrees_with_differences():
    z = ng.input("Z", [[1.0, 2.0, 0.5], [0.3, -0.4, 1.0]])
    derivation = explain(ng.sum(ng.square(ng.softmax(z, axis=0))), [z])
    (cases,) = [step for step in derivation.steps if isinstance(step.before, EntryPartial)]
    assert cases.check.passed and cases.check.difference < 1e-9


def test_lines_entry_by_entry_are_judged_by_differences_too():
    x, w = ng.input("X", [[1.0, 2.0], [0.5, -1.0]]), ng.input("W", [[0.3, 0.1], [0.7, -0.2]])
    z = x @ w
    step = step_of(explain(ng.sum(ng.tanh(z)), [w]), "i1.W")
    assert step.check.passed and step.check.difference < 1e-9


def test_numbers_are_checked_as_well_as_symbols(monkeypatch: pytest.MonkeyPatch):
    from nngraph.autograd.symbolic import explain as module

    w = ng.input("w", 2.0)
    assert explain(ng.square(w) * 3.0, [w]).ok
    # What a slip in the substitution of values would do: the line in symbols is right, its numbers are not.
    monkeypatch.setattr(module.__globals__["Explanation"], "_numbers", lambda self, term: Number(1.0))
    derivation = explain(ng.square(w) * 3.0, [w])
    assert derivation.failed is not None and derivation.failed.section == "forward"


def test_a_way_back_that_is_only_named_needs_differences(monkeypatch: pytest.MonkeyPatch):
    x = ng.input("x", np.random.default_rng(0).normal(size=(3, 4)))
    squares = ng.sum(ng.square(ng.tanh(ng.take(ng.tanh(x), np.array([2, 0, 2]), axis=1))))

    def named(derivation: Derivation) -> list[Step]:
        return [
            step
            for step in derivation.steps
            if any(isinstance(each, Pullback) for form in step.forms for each in walk(form.term))
        ]

    steps = named(explain(squares, [x]))
    assert steps
    assert all(step.check.passed and step.check.error is None and step.check.difference < 1e-7 for step in steps)
    monkeypatch.setattr(Checker, "difference", lambda self, name: None)
    assert all(step.check.passed is None for step in named(explain(squares, [x])))


def test_a_way_back_that_is_only_named_stays_one_factor_of_a_product():
    X, W = ng.input("X", [[1.0, 2.0], [3.0, 4.0]]), ng.parameter("W", [[0.1, 0.2], [0.3, 0.4]])
    derivation = explain(ng.softmax_loss(ng.take(X @ W, np.array([1, 0]), axis=0), np.array([0, 1])), [W])
    assert derivation.ok
    assert "Xᵀ · ∂L/∂Z" in str(derivation)


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        (Check(True, 1e-12), Check(True, 1e-10), True),
        (Check(True, 1e-12), Check(None), None),
        (Check(None), Check(True, 0.0), None),
        (Check(None), Check(False, 1.0), False),
        (Check(False, 1.0), Check(None), False),
    ],
)
def test_a_line_is_as_good_as_its_worst_form(one: Check, other: Check, both: bool | None):
    assert one.worse(other).passed is both
    assert one.worse(other).error == max(
        (each.error for each in (one, other) if each.passed is both and each.error is not None), default=None
    )


def test_settings_that_do_not_exist_are_refused():
    w = ng.input("w", 2.0)
    for wrong in (
        {"detail": "most"},
        {"notation": "nabla"},
        {"data": "pages"},
        {"layout": "both"},
        {"verify": "maple"},
        {"order": 3},
        {"order": 0},
    ):
        (name,) = wrong
        with pytest.raises(ParameterError, match="order" if name == "order" else "there (is|are)"):
            explain(w * w, [w], **wrong)


def test_a_rule_that_is_one_percent_off_is_found_whatever_the_values():
    wrong = replace(ng.prod, gradient=lambda g, y, x, **more: (1.01 * ng.prod.gradient(g, y, x, **more)[0],), known={})
    for seed in range(12):  # every entry of x times its gradient is the same number, so random signs may cancel
        x = ng.input("x", np.random.default_rng(seed).uniform(-2, 2, (3, 4)))
        assert not explain(wrong.apply((x,), {"axis": (0, 1), "keepdims": False}) * 1.2, [x]).ok


def log_loss(sigmoid=ng.sigmoid):
    """−t·ln p − (1−t)·ln(1−p) where x is large, so that random points come to lie where 1 − p has few digits left."""
    x, t, w, b = ng.input("x", 17.0), ng.input("t", 0.0), ng.parameter("w", 1.0), ng.parameter("b", -15.0)
    p = sigmoid(w * x + b)
    return -t * ng.log(p) - (1 - t) * ng.log(1 - p), w


def test_rounding_is_no_reason_to_call_a_line_wrong():
    L, w = log_loss()
    derivation = ng.explain(L, wrt=[w])
    assert derivation.ok
    assert all(step.check.passed for step in derivation.steps)
    assert 3 <= derivation.steps[-1].check.points < derivation.steps[0].check.points  # where rounding decides does not count


@pytest.mark.parametrize("factor", [1.001, 1 - 1e-7])
def test_rounding_excuses_no_wrong_line(factor):
    wrong = replace(ng.sigmoid, gradient=lambda g, y, x: (factor * g * y * (1 - y),), known={})
    L, w = log_loss(wrong)
    assert not ng.explain(L, wrt=[w]).ok
