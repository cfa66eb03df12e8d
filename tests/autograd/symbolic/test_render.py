"""Brackets, dots and signs: what is printed must mean what the term means."""

from __future__ import annotations

import math
import re
import xml.etree.ElementTree as ET

import nngraph.autograd.ops  # noqa: F401  (fills the table of ops)
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nngraph.autograd.op import OPS
from nngraph.autograd.sizes import Size
from nngraph.autograd.symbolic.evaluate import Labeled, evaluate
from nngraph.autograd.symbolic.mathml import MathmlPrinter
from nngraph.autograd.symbolic.numbers import digits, error_digits, lined_up, nested, table
from nngraph.autograd.symbolic.render import Style
from nngraph.autograd.symbolic.terms import (
    Apply,
    AxisSum,
    Delta,
    Element,
    Filled,
    IndexSum,
    Number,
    Partial,
    Prime,
    Product,
    Symbol,
    Tensor,
    Term,
)  # fmt: skip
from nngraph.autograd.symbolic.tex import LatexPrinter, latex_text
from nngraph.autograd.symbolic.unicode import UnicodePrinter, ascii_text

x, y, w5, X, W, P, T = (
    Symbol("x"),
    Symbol("y"),
    Symbol("w5"),
    Symbol("X", 2),
    Symbol("W", 2),
    Symbol("P", 2),
    Symbol("T", 2),
)


def op(name: str, *args: Term, **params: object) -> Apply:
    return Apply(OPS[name], args, params)


def text(term: Term, loose: bool = False, style: Style | None = None) -> str:
    return UnicodePrinter(style).plain(term, loose)


def latex(term: Term, style: Style | None = None) -> str:
    return LatexPrinter(style).plain(term)


@pytest.mark.parametrize(
    ("term", "written", "tex"),
    [
        (Product((Number(2), Symbol("d"))), "2d", "2 d"),
        (Product((Number(2), op("sub", y, x), y, op("sub", Number(1), y))), "2(y−x)·y(1−y)", r"2 (y-x) \cdot y (1-y)"),
        (Product((Number(2), Symbol("e1"))), "2·e1", r"2 \cdot e_{1}"),
        (Product((Number(2.5), x)), "2.5·x", r"2.5 \cdot x"),
        (Product((x, Number(-1))), "x·(−1)", r"x \cdot (-1)"),
        (op("add", Product((Number(-0.3), Number(1))), x), "(−0.3)·1 + x", r"(-0.3) \cdot 1 + x"),
        (op("sub", x, op("sub", y, w5)), "x − (y−w5)", "x - (y-w_{5})"),
        (op("sub", op("sub", x, y), w5), "x − y − w5", "x - y - w_{5}"),
        (op("add", x, op("neg", y)), "x − y", "x - y"),
        (op("sub", x, op("neg", y)), "x − (−y)", "x - (-y)"),
        (op("neg", op("add", x, y)), "−(x+y)", "-(x+y)"),
        (op("neg", Product((x, y))), "−x·y", r"-x \cdot y"),
        (Product((x, op("neg", y))), "x·(−y)", r"x \cdot (-y)"),
        (op("square", op("neg", x)), "(−x)²", "(-x)^{2}"),
        (op("square", op("exp", x)), "(e^x)²", "(e^{x})^{2}"),
        (op("exp", op("neg", x)), "e^(−x)", "e^{-x}"),
        (op("div", x, Product((y, w5))), "x/(y·w5)", r"\frac{x}{y \cdot w_{5}}"),
        (op("div", op("div", x, y), w5), "x/y/w5", r"\frac{\frac{x}{y}}{w_{5}}"),
        (op("div", x, op("div", y, w5)), "x/(y/w5)", r"\frac{x}{\frac{y}{w_{5}}}"),
        (op("sigmoid", op("add", Product((w5, x)), y)), "σ(w5·x + y)", r"\sigma(w_{5} \cdot x + y)"),
        (Prime(OPS["sigmoid"], Symbol("a3")), "σ′(a3)", r"\sigma'(a_{3})"),
        (op("abs", op("sub", x, y)), "|x − y|", r"\left\lvert x - y \right\rvert"),
        (op("sqrt", op("add", x, y)), "√(x + y)", r"\sqrt{x + y}"),
        (Product((X, W), "matrix"), "X·W", r"X \, W"),
        (Product((op("transpose", X), op("sub", P, T)), "matrix"), "Xᵀ(P−T)", r"X^{\top} (P-T)"),
        (Product((X, Product((P, W), "matrix")), "hadamard"), "X ⊙ (P·W)", r"X \odot (P \, W)"),
        (op("transpose", Partial("L", ("Z",), 2)), "(∂L/∂Z)ᵀ", r"\left(\frac{\partial L}{\partial Z}\right)^{\top}"),
        (IndexSum(("n",), Product((Element(X, ("n", "d")), Element(Partial("L", ("Z",), 2), ("n", "k"))))),
         "Σ_n x_nd · ∂L/∂z_nk", r"\sum_{n} x_{nd} \cdot \frac{\partial L}{\partial z_{nk}}"),
        (Product((IndexSum(("n",), x), y)), "(Σ_n x)·y", r"\left(\sum_{n} x\right) \cdot y"),
        (AxisSum((0,), ("n",), Partial("L", ("Z",), 2)), "Σ_n ∂L/∂Z", r"\sum_{n} \frac{\partial L}{\partial Z}"),
        (IndexSum(("n", "k"), op("add", x, y)), "Σ_n Σ_k (x+y)", r"\sum_{n} \sum_{k} (x+y)"),
        (Partial("E", ("w", "w")), "∂²E/∂w²", r"\frac{\partial^{2} E}{\partial w^{2}}"),
        (Partial("E", ("w", "b")), "∂²E/∂w∂b", r"\frac{\partial^{2} E}{\partial w \, \partial b}"),
        (Delta("i", "j"), "δ_ij", r"\delta_{ij}"),
        (Filled(Number(1), (3,)), "1", "1"),
        (Tensor(((1.0, 2.0), (3.0, -4.5))), "[[1, 2], [3, −4.5]]", r"\begin{pmatrix} 1 & 2 \\ 3 & -4.5 \end{pmatrix}"),
        (Number(3, "N"), "N", "N"),
        (op("div", Number(1), Number(6, "2·N")), "1/(2·N)", r"\frac{1}{2 \cdot N}"),
        (Symbol("權重"), "權重", r"\text{權重}"),
        (Symbol("theta1"), "theta1", r"\theta_{1}"),
        (Symbol("θ"), "θ", r"\theta"),
        (Symbol("ŷ"), "ŷ", r"\hat{y}"),
        (Symbol("W_ih", 2), "W_ih", r"W_{\text{ih}}"),
        (Symbol("mlp/layer1/W", 2), "mlp.layer1.W", r"\text{mlp.layer1.}W"),
    ],
)  # fmt: skip
def test_terms_are_written_as_on_a_board(term: Term, written: str, tex: str) -> None:
    assert text(term) == written
    assert latex(term) == tex


def test_the_three_notations_of_a_gradient() -> None:
    by_a, by_w, inner = Partial("E", ("a1",)), Partial("E", ("w",)), Partial("d", ("a1",))
    for name, expected in (
        ("partial", ["∂E/∂a1", "∂E/∂w", "∂d/∂a1"]),
        ("delta", ["δ_a1", "∂E/∂w", "∂d/∂a1"]),
        ("bar", ["a\u03041", "w\u0304", "∂d/∂a1"]),
    ):
        style = Style(name, "E", frozenset({"w"}))
        assert [text(term, style=style) for term in (by_a, by_w, inner)] == expected
    assert latex(Element(Partial("L", ("Z1",), 2), ("n", "k")), Style("delta", "L")) == r"\delta_{z_{1,nk}}"


# What is printed is read back by a reader that knows only the usual rules of precedence -----------------------------------
names = ("x", "y", "w5", "z")
leaves = st.one_of(
    st.sampled_from([Symbol(name) for name in names]),
    st.sampled_from([Number(value) for value in (2.0, 3.0, 0.5, -1.0, -0.25, 1.0)]),
)


def _combined(inner: st.SearchStrategy[Term]) -> st.SearchStrategy[Term]:
    pairs = st.tuples(inner, inner)
    return st.one_of(
        st.tuples(st.sampled_from(["add", "sub", "mul", "div"]), pairs).map(lambda made: op(made[0], *made[1])),
        st.tuples(st.sampled_from(["neg", "square", "sigmoid", "exp", "abs"]), inner).map(
            lambda made: op(made[0], made[1])
        ),
        st.lists(inner, min_size=2, max_size=4).map(lambda factors: Product(tuple(factors))),
        inner.map(lambda term: Prime(OPS["tanh"], term)),
    )


class _Reader:
    """Numbers, names, + − · / ², brackets, bars, calls; two things side by side are multiplied before · and /."""

    def __init__(self, written: str, values: dict[str, float]) -> None:
        self.tokens = re.findall(
            r"\d+\.?\d*(?:e[-−]?\d+)?|σ|tanh′|e\^|[a-z][a-z0-9]*|[-+−·/()²|]", written.replace(" ", "")
        )
        assert "".join(self.tokens) == written.replace(" ", "")
        self.values = values
        self.bars = 0

    def next(self) -> str:
        return self.tokens[0] if self.tokens else ""

    def take(self) -> str:
        return self.tokens.pop(0)

    def total(self) -> float:
        value = self.product()
        while self.next() in ("+", "−"):
            value = value + self.product() if self.take() == "+" else value - self.product()
        return value

    def product(self) -> float:
        if self.next() == "−":
            self.take()
            return -self.product()
        value = self.beside()
        while self.next() in ("·", "/"):
            value = value * self.beside() if self.take() == "·" else _over(value, self.beside())
        return value

    def beside(self) -> float:
        value = self.power()
        while self.next() and (self.next() == "(" or self.next() in ("σ", "tanh′") or self.next()[0].isalpha()):
            value *= self.power()
        return value

    def power(self) -> float:
        value = self.atom()
        while self.next() == "²":
            self.take()
            value *= value
        return value

    def atom(self) -> float:
        token = self.take()
        if token == "(":
            value = self.total()
            assert self.take() == ")"
            return value
        if token == "|":
            value = abs(self.total())
            assert self.take() == "|"
            return value
        if token in ("σ", "tanh′"):
            assert self.take() == "("
            value = self.total()
            assert self.take() == ")"
            return 1 / (1 + _exp(-value)) if token == "σ" else 1 - math.tanh(value) ** 2
        if token == "e^":
            return _exp(self.atom())
        return self.values[token] if token in self.values else float(token)


def _exp(value: float) -> float:
    with np.errstate(all="ignore"):
        return float(np.exp(value))


def _over(above: float, below: float) -> float:
    with np.errstate(all="ignore"):
        return float(np.float64(above) / np.float64(below))


@settings(max_examples=400, deadline=None)
@given(st.recursive(leaves, _combined, max_leaves=9), st.booleans())
def test_what_is_printed_has_the_value_of_the_term(term: Term, loose: bool) -> None:
    values = {"x": 0.7, "y": -0.4, "w5": 1.3, "z": 0.2}
    meant = float(evaluate(term, {name: Labeled(np.asarray(value)) for name, value in values.items()}).array)
    reader = _Reader(text(term, loose), values)
    read = reader.total()
    assert not reader.tokens
    assert read == pytest.approx(meant, rel=1e-6, abs=1e-9, nan_ok=True)


@settings(max_examples=150, deadline=None)
@given(st.recursive(leaves, _combined, max_leaves=9))
def test_latex_is_balanced_and_mathml_is_well_formed(term: Term) -> None:
    written = latex(term)
    assert written.count("{") == written.count("}")
    assert len(re.findall(r"\\left", written)) == len(re.findall(r"\\right", written))
    ET.fromstring(f"<math>{MathmlPrinter().plain(term)}</math>")


def test_a_term_of_any_depth_is_printed_without_recursion_trouble() -> None:
    term: Term = x
    for _ in range(5000):
        term = op("neg", op("sigmoid", term))
    assert "…" in text(term)
    assert r"\dots" in latex(term)
    assert "…" in MathmlPrinter().plain(term)


def test_a_size_with_an_expression_prints_as_it() -> None:
    size = Size("N", 4)
    assert text(Number(8, (2 * size).text)) == "2·N"
    assert text(Product((Number(3, (size - 1).text), x))) == "(N−1)·x"


def test_names_cannot_break_out_of_latex_or_html() -> None:
    assert latex(Symbol("a%b")) == r"\text{a\%b}"
    assert (
        latex_text("50% & {x} $1 #2 \\ ~^_")
        == r"50\% \& \{x\} \$1 \#2 \textbackslash{} \textasciitilde{}\textasciicircum{}\_"
    )
    assert "<script" not in MathmlPrinter().plain(Symbol("<script>"))


def test_ascii_has_no_other_character_and_tells_every_product() -> None:
    printer = UnicodePrinter(ascii=True)
    assert ascii_text(printer.plain(Product((Number(2), op("sub", y, x), op("sigmoid", y))))) == "2*(y-x)*sigmoid(y)"
    assert ascii_text(printer.plain(Product((op("transpose", X), W), "matrix"))) == "X.T @ W"
    assert ascii_text("權重 é ∂ √ Ω").isascii()


# Numbers ------------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0.534992, "0.534992"), (0.5349923, "0.5350"), (-0.465, "-0.465"), (1 / 3, "0.3333"), (2.0, "2"), (-0.033351234, "-0.03335"), (0.1 + 0.2, "0.3"), (-5.5921, "-5.5921"),
        (123456.789, "123457"), (9.9999999, "10.00"), (0.99999999, "1.000"), (1e-5, "1e-5"), (1.23456e-9, "1.235e-9"), (6.02214e23, "6.022e23"),
        (1e6, "1000000"), (1e7, "1e7"), (float("nan"), "nan"), (float("inf"), "inf"), (-math.inf, "-inf"), (0.0, "0"), (-0.0, "0"), (np.float32(0.1), "0.1"),
        (True, "1"), (5e-324, "4.941e-324"), (0.00012345678, "0.0001235"),
    ],
)  # fmt: skip
def test_numbers_are_rounded_for_the_eye(value: float, written: str) -> None:
    assert digits(value) == written


def test_a_column_of_numbers_is_padded_and_lined_up_at_the_point() -> None:
    assert [digits(value, padded=True) for value in (0.4, -0.25, 2.0, 1.5)] == ["0.4000", "-0.2500", "2", "1.500"]
    assert lined_up(["0.5", "-12", "3.25"]) == ["  0.5 ", "-12   ", "  3.25"]


def test_a_table_shares_its_decimals_and_leaves_rounding_dust_out() -> None:
    assert table([[-2.2, 2.2e-16], [-0.6, 1 / 3]]) == [["-2.2000", "0"], ["-0.6000", "0.3333"]]
    assert table([[1, 2.5], [3, 4]]) == [["1", "2.5"], ["3", "4"]]
    big = table(np.arange(400.0).reshape(20, 20))
    assert len(big) == 8
    assert len(big[0]) == 8
    assert big[-2] == ["…"] * 8
    assert big[0][-1] == "19"
    assert big[-1][-1] == "399"


@given(st.floats(-1e300, 1e300))
def test_rounding_keeps_four_digits(value: float) -> None:
    assert float(digits(value)) == pytest.approx(value, rel=6e-4, abs=5e-324)


def test_errors_have_one_digit() -> None:
    assert [error_digits(error) for error in (0.0, 3.1e-17, 0.25, 1.5, 2e-4, math.inf)] == [
        "0",
        "3e-17",
        "0.2",
        "2",
        "2e-4",
        "inf",
    ]


def test_json_numbers_keep_their_precision() -> None:
    assert nested(np.array([[1 / 3, math.inf], [math.nan, -math.inf]])) == [[1 / 3, "inf"], ["nan", "-inf"]]
    assert nested(np.array([1, 2])) == [1, 2]


def test_a_one_is_never_written_into_its_neighbor() -> None:
    b, W = Symbol("b", 1), Symbol("W", 2)
    turned = Apply(OPS["transpose"], (W,), {"axes": (1, 0)})
    assert UnicodePrinter().plain(Product((Number(1.0), b))) == "1·b"
    assert UnicodePrinter().plain(Product((Number(2.0), b))) == "2b"
    assert UnicodePrinter().plain(Product((Filled(Number(2.0), (3, 2)), turned), "matrix")) == "2·Wᵀ"
    assert UnicodePrinter().plain(Product((Filled(Number(1.0), (3, 2)), turned), "matrix")) == "1·Wᵀ"


def test_an_array_times_the_logarithm_of_an_array_is_entry_by_entry() -> None:
    loss = next(op for op in OPS.values() if op.notation.sign.startswith("·") and len(op.notation.sign) > 1)
    T, P, t, p = Symbol("T", 2), Symbol("P", 2), Symbol("t"), Symbol("p")
    assert UnicodePrinter().plain(Apply(loss, (T, P))) == "T ⊙ ln P"
    assert UnicodePrinter().plain(Apply(loss, (t, p))) == "t·ln p"
