"""Graphs said in SymPy: exact forms, choices by value, and a judge that catches a wrong gradient."""

from __future__ import annotations

import dataclasses
import subprocess
import sys

import nngraph as ng
import numpy as np
import pytest
import sympy
from nngraph.autograd.differentiate import rule
from nngraph.autograd.errors import GradientError
from nngraph.autograd.symbolic.entries import Entry, Undecided, number
from nngraph.autograd.symbolic.lower import LoweringError, derivative, lower, verify


def _symbols(text: str) -> tuple[sympy.Symbol, ...]:
    return sympy.symbols(text, real=True)


def test_a_scalar_graph_is_the_formula_one_would_write() -> None:
    w, x, b = (ng.input(name) for name in ("w", "x", "b"))
    sw, sx, sb = _symbols("w x b")
    assert lower(ng.sigmoid(w * x + b)).equals(1 / (1 + sympy.exp(-(sw * sx + sb))))
    assert lower(ng.tanh(w) / x - b) == sympy.tanh(sw) / sx - sb
    assert lower(ng.log1p(w) + ng.expm1(x)) == sympy.log(1 + sw) + sympy.exp(sx) - 1
    assert lower(ng.erf(w)) == sympy.erf(sw)


def test_a_matrix_product_entry_by_entry() -> None:
    a, b = ng.input("A", shape=(2, 2)), ng.input("B", shape=(2,))
    a11, a12, a21, a22, b1, b2 = _symbols("A_1_1 A_1_2 A_2_1 A_2_2 B_1 B_2")
    product = lower(a @ b)
    assert product.shape == (2,)
    assert list(product) == [a11 * b1 + a12 * b2, a21 * b1 + a22 * b2]
    assert lower(ng.trace(a.T @ a)) == a11**2 + a12**2 + a21**2 + a22**2


def test_constants_are_exact() -> None:
    x = ng.input("x", shape=(3,))
    assert lower(ng.mean(x)) == sum(_symbols("x_1 x_2 x_3")) / 3
    assert number(0.1) == sympy.Rational(1, 10)
    assert number(1 / 3) == sympy.Rational(1, 3)
    assert number(1e-8) == sympy.Rational(1, 10**8)
    assert number(np.sqrt(2.0)) == sympy.Float(float(np.sqrt(2.0)))
    assert number(float("-inf")) == -sympy.oo
    assert number(np.True_) is sympy.true


def test_conditions_stay_open() -> None:
    x = ng.input("x")
    (sx,) = _symbols("x,")
    assert lower(ng.where(x > 0, x, 0.5 * x)) == sympy.Piecewise((sx, sx > 0), (sx / 2, True))
    assert lower(ng.maximum(x, 1.0)) == sympy.Max(sx, 1)


def test_moving_entries_about_is_exact() -> None:
    x = ng.input("x", shape=(2, 3))
    entries = lower(x)
    assert np.array_equal(lower(ng.reshape(x, (3, 2))), entries.reshape(3, 2))
    assert np.array_equal(lower(x[:, ::-1]), entries[:, ::-1])
    assert np.array_equal(lower(ng.concat([x, x], axis=0)), np.concatenate([entries, entries]))
    picked = lower(x[np.array([1, 1, 0])])
    assert np.array_equal(picked, entries[[1, 1, 0]])


def test_leaves_of_one_name_are_two_symbols() -> None:
    a, b = ng.input("x"), ng.input("x")
    assert lower(a - b) != 0
    assert verify(a * b * b, [a, b]).ok


def test_given_entries_replace_symbols() -> None:
    w, x = ng.input("w", [1.0, 2.0]), ng.input("x", [3.0, 4.0])
    t = sympy.Symbol("t", real=True)
    assert lower(ng.dot(w, x), {w: [t, 2], x: [3, 4]}) == 3 * t + 8
    report = verify(ng.dot(w, x), [w], symbols={w: [t, 2]})
    assert [partial.index for partial in report.partials] == [(0,)]
    assert report.ok


def test_largest_of_symbols_follows_the_values_and_says_so() -> None:
    scores = ng.input("s", [0.5, 2.0, 1.0])
    values = ng.input("v", shape=(3,))
    chosen = ng.take(values, ng.argmax(scores))
    assert lower(chosen) == sympy.Symbol("v_2", real=True)
    report = verify(ng.square(chosen), [values])
    assert report.ok
    assert report.assumptions
    assert all("s_" in assumption for assumption in report.assumptions)
    with pytest.raises(LoweringError, match="give every input a value"):
        lower(ng.take(values, ng.argmax(ng.input("r", shape=(3,)))))


def test_whole_numbers_need_their_value() -> None:
    places = ng.input("i", shape=(2,), dtype=np.int64)
    with pytest.raises(LoweringError, match="needs a value"):
        lower(ng.take(ng.input("x", shape=(3,)), places))


def test_entries_do_what_numpy_asks_of_them() -> None:
    assumptions: list[tuple[object, bool]] = []
    a, b = _symbols("a b")
    array = np.array([Entry(a, 2.0, assumptions), Entry(b, -0.5, assumptions)], dtype=object)
    assert [entry.expression for entry in np.exp(array) * 2 + 1] == [2 * sympy.exp(a) + 1, 2 * sympy.exp(b) + 1]
    assert np.maximum.reduce(array).expression == a
    assert [entry.expression for entry in np.abs(array)] == [a, -b]
    assert [entry.expression for entry in 3 / array] == [3 / a, 3 / b]
    assert (2.0**array)[0].value == 4.0
    assert np.where(array > 0, 1, 0).tolist() == [1, 0]
    assert (b < 0, True) in assumptions
    with pytest.raises(Undecided):
        bool(Entry(a, None, assumptions) > 0)


def test_slopes_at_jumps_are_flat() -> None:
    (x,) = _symbols("x,")
    assert derivative(sympy.Abs(x), x) == sympy.sign(x)
    assert derivative(sympy.floor(x) + sympy.sign(x) * x, x) == sympy.sign(x)
    assert derivative(sympy.Max(x, 0), x) == sympy.Heaviside(x)
    assert derivative(derivative(sympy.Max(x, 0), x), x) == 0


def test_verification_is_data() -> None:
    w, x = ng.input("w", 2.0), ng.input("x", 3.0)
    report = verify(ng.exp(w * x), [w, x])
    assert report.ok
    assert report.proved == 2
    assert report.error == 0.0
    assert report.points == 0
    assert [(partial.leaf, partial.index) for partial in report.partials] == [("w", ()), ("x", ())]
    sw, sx = _symbols("w x")
    assert report.partials[0].sympy == report.partials[0].nngraph == sx * sympy.exp(sw * sx)


def test_what_simplify_leaves_open_is_decided_by_numbers() -> None:
    x = ng.input("x", [[0.3, -0.2, 0.5], [1.0, 0.1, -0.4]])
    report = verify(ng.sum(ng.square(ng.softmax(ng.tanh(x)))), [x], points=4)
    assert report.ok
    assert report.proved < 6
    assert report.points == 4
    assert report.error is not None
    assert report.error < 1e-12


@pytest.mark.parametrize("factor", [1.01, -1.0, 0.0])
def test_a_wrong_rule_is_caught(factor: float) -> None:
    op = dataclasses.replace(ng.sigmoid, gradient=lambda g, y, x: (factor * (g * y * (1 - y)),), known={})
    x = ng.input("x", [0.2, 0.7])
    report = verify(ng.sum(op.apply((x,), {})), [x])
    assert not report.ok
    assert not any(partial.ok for partial in report.partials)
    assert report.error is not None
    assert report.error > 1e-4


def test_no_good_point_is_not_a_tick() -> None:
    """√x at a negative number has no slope; that is said, and is not called right."""
    x = ng.input("x", -5.0)
    wrong = dataclasses.replace(ng.sqrt, gradient=lambda g, y, x: (g / (3 * y),), known={})
    report = verify(wrong.apply((x,), {}), [x])
    assert report.partials[0].error is None
    assert not report.ok


def test_only_leaves_are_symbols() -> None:
    x = ng.input("x", 2.0)
    y = ng.square(x)
    with pytest.raises(GradientError, match="leaves"):
        verify(y * y, [y])


def test_the_derived_rule_of_a_formula_lowers_too() -> None:
    x = ng.input("x", 0.4)
    g = ng.input("g", 1.0)
    (sent,) = rule(ng.silu(x), g)
    sx, sg = _symbols("x g")
    assert sympy.simplify(lower(sent) - sg * sympy.diff(sx / (1 + sympy.exp(-sx)), sx)) == 0


def test_sympy_is_not_imported_before_it_is_used() -> None:
    code = "import sys, nngraph.autograd.symbolic.lower; print('sympy' in sys.modules)"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
        == "False"
    )
