"""Derivations on a terminal: width, columns, colors, other languages, lines that fail or could not be checked."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from types import ModuleType

import nngraph as ng
import numpy as np
import pytest
from nngraph.autograd.language import LANGUAGES, cell_width, current, language, translate
from nngraph.autograd.symbolic.blocks import matrix_lines
from nngraph.autograd.symbolic.cells import broken, wrapped
from nngraph.autograd.symbolic.derivation import Check, Derivation
from nngraph.autograd.symbolic.render import BREAK_FACTOR, BREAK_INNER, BREAK_SUM


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("width", [80, 100, 140])
def test_no_line_is_wider_than_asked(real: dict[str, Derivation], width: int, language: str) -> None:
    for name, derivation in real.items():
        for line in derivation.text(width=width, language=language).split("\n"):
            assert cell_width(line) <= width, (name, line)
            assert line == line.rstrip()


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_values_of_a_table_stand_in_one_column_also_in_chinese(
    made: ModuleType, real: dict[str, Derivation], language: str
) -> None:
    for derivation in (made.scalar(), real["chinese"], real["paths"]):
        lines = derivation.text(language=language).split("\n")
        titles = [at for at, line in enumerate(lines) if line.endswith("✓ " + translate("error", language))]
        assert len(titles) == 2
        for title in titles:
            tick = cell_width(lines[title][: lines[title].rindex("✓")])
            rows = [line for line in lines[title + 1 : lines.index("", title)] if "✓" in line]
            assert rows
            for row in rows:
                assert cell_width(row[: row.index("✓")]) == tick
            points = {cell_width(number[0]) for row in rows if (number := re.match(r".*\d(?=\.\d+ +✓)", row))}
            assert len(points) == 1


def test_the_equal_signs_of_a_chain_stand_under_each_other(made: ModuleType) -> None:
    lines = made.scalar().text().split("\n")
    start = next(at for at, line in enumerate(lines) if "the path" in line)
    chain = lines[start + 1 : start + 6]
    assert [line.index("=") for line in chain] == [lines[start].index("the path")] * 5


def test_ascii_is_ascii_and_keeps_its_columns(real: dict[str, Derivation], made: ModuleType) -> None:
    for derivation in (*real.values(), made.scalar(), made.matrix()):
        assert derivation.text(ascii=True).isascii()
    lines = [line for line in made.scalar().text(ascii=True).split("\n") if " ok 3e-17" in line]
    assert len({line.index(" ok ") for line in lines[:4]}) == 1


def test_color_changes_no_character(real: dict[str, Derivation]) -> None:
    for derivation in real.values():
        colored = derivation.text(color=True)
        assert "\x1b[31m" in colored
        assert re.sub(r"\x1b\[[\d;]*m", "", colored) == derivation.text()
        assert "\x1b" not in derivation.text()


def test_a_failed_line_shows_its_error_and_nothing_comes_after_it(made: ModuleType) -> None:
    derivation = made.failing(made.scalar(), "b2.a1")
    for written in (derivation.text(), derivation.markdown(), derivation.html()):
        assert "✗" in written
        assert "0.2" in written
        assert "reverse mode disagrees by 0.2. The derivation stops here." in " ".join(written.split())
    text = derivation.text()
    assert "∂E/∂a1 does not survive" in text
    assert "the path" not in text
    assert "∂E/∂w  =" not in text


@pytest.mark.parametrize(
    ("check", "said", "beside"),
    [
        (Check(False, 2e-16, 21, 0.3), "finite differences disagree by 0.3", "✗ 0.3"),
        (Check(False, 5e-9, 21, 1e-7), "reverse mode disagrees by 5e-9", "✗ 5e-9"),
        (Check(False, None, 21, 0.3), "finite differences disagree by 0.3", "✗ 0.3"),
        (Check(False, 2e-16, 21, math.nan), "finite differences disagree by nan", "✗ nan"),
        (Check(False, math.inf, 21), "it does not agree with the other way of computing it", "✗ inf"),
        (Check(False, None, 1), "the numbers do not agree", "✗"),
    ],
)
def test_a_failed_line_quotes_the_measure_that_failed(made: ModuleType, check: Check, said: str, beside: str) -> None:
    failed = made.scalar()
    steps = tuple(replace(step, check=check) if step.id == "b2.a1" else step for step in failed.steps)
    failed = replace(failed, steps=steps)
    for written in (failed.text(), failed.markdown(), failed.html(), failed.latex(), failed.latex(standalone=False)):
        assert said in " ".join(written.split())
    assert beside in failed.text()
    assert json.loads(failed.json())["steps"][-1]["reason"] == said


def test_checks_can_be_hidden_but_a_failed_one_is_shown(made: ModuleType) -> None:
    for derivation in (made.scalar(), made.matrix()):
        for written in (
            derivation.text(checks=False),
            derivation.text(checks=False, width=64),
            derivation.markdown(checks=False),
            derivation.html(checks=False),
            derivation.latex(checks=False),
            derivation.latex(checks=False, standalone=False),
        ):
            assert not re.search(r"✓|\\checkmark|e-17|not checked|reverse mode|error", written)
    failed = made.failing(made.scalar(), "b2.a1")
    assert "✗ 0.2" in failed.text(checks=False)
    assert "does not survive" in failed.latex(checks=False)
    assert "✗ 0.2" in failed.markdown(checks=False)


def test_a_derivation_is_short_in_a_list_and_whole_when_printed(made: ModuleType) -> None:
    assert repr(made.matrix()) == "<Derivation of ∂L/∂W: 7 lines, all checked>"
    assert repr(made.scalar()) == "<Derivation of ∂E/∂w: 9 lines, 1 not checked>"
    assert repr(made.failing(made.scalar(), "f1")) == "<Derivation of ∂E/∂w: 9 lines, the check of f1 failed>"
    assert str(made.scalar()) == made.scalar().text()


def test_printing_speaks_the_language_of_the_environment_or_the_one_that_was_set(
    made: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NNGRAPH_LANG", "zh_TW")
    token = current.set(None)  # nothing was set: the program, run by another test, sets its own
    assert str(made.scalar()) == made.scalar().text(language="zh-TW") != made.scalar().text(language="en")
    with language("zh-CN"):
        assert str(made.scalar()) == made.scalar().text(language="zh-CN")
    current.reset(token)


def test_a_failed_line_is_shown_even_in_brief(made: ModuleType) -> None:
    brief = made.failing(made.scalar(detail="brief"), "b2.a1").text()
    assert "✗ 0.2" in brief
    assert "∂E/∂a1 = " in brief


def test_a_line_that_could_not_be_checked_has_no_tick_but_its_reason(made: ModuleType) -> None:
    lines = made.scalar().text().split("\n")
    at = next(at for at, line in enumerate(lines) if line.startswith(" 1  ∂E/∂w"))
    assert "✓" not in lines[at]
    assert lines[at + 1].strip() == "not checked: no finite point was found near x"


def test_detail_decides_what_is_said(made: ModuleType) -> None:
    brief, normal, full = (made.scalar(detail=detail).text() for detail in ("brief", "normal", "full"))
    assert "FORWARD" not in brief
    assert "chain rule" in brief
    assert "E = 0.6684" in brief
    assert "each factor is the slope of the other" in full
    assert "each factor is the slope of the other" not in normal
    assert set(brief.split("\n")) - {"E = 0.6684"} <= set(normal.split("\n"))


def test_shapes_stand_under_their_factors(made: ModuleType) -> None:
    lines = made.matrix().text().split("\n")
    above = next(line for line in lines if "Xᵀ" in line and "∂L/∂Z " in line and "Why" not in line)
    below = lines[lines.index(above) + 1]
    assert below.index("(D×K)") == above.index("∂L/∂W")
    assert below.index("(D×N)") < above.index("Xᵀ") < below.index("(D×N)") + 5
    assert below.index("(N×K)") <= above.index("∂L/∂Z") + 1


def test_the_output_is_said_in_the_language_asked_for(made: ModuleType) -> None:
    for language, word in (("zh-TW", "連鎖律"), ("zh-CN", "链式法则")):
        assert word in made.scalar().text(language=language)
        assert "chain rule" not in made.scalar().text(language=language)


# Cells --------------------------------------------------------------------------------------------------------------------
def test_chinese_wraps_between_characters_and_not_before_a_comma() -> None:
    for width in range(8, 40):
        lines = wrapped(
            "為什麼是 Xᵀ：加總是對 n（兩個因子的第一軸）進行；矩陣乘法把左邊的最後一軸與右邊的第一軸相乘加總，所以 X 要轉置。",
            width,
        )
        # A sign that may not begin a line hangs over the edge instead.
        assert all(cell_width(line) <= width + 2 for line in lines)
        assert not any(line[0] in "，。：；）" for line in lines)


def test_a_formula_breaks_before_a_plus_rather_than_inside_a_product() -> None:
    formula = f"= aaaa{BREAK_FACTOR}·bbbb{BREAK_SUM} + cccc{BREAK_FACTOR}·dddd"
    assert broken(formula, 100) == ["= aaaa·bbbb + cccc·dddd"]
    assert broken(formula, 20) == ["= aaaa·bbbb", "+ cccc·dddd"]
    assert broken(f"= aaaa{BREAK_FACTOR} · bbbb{BREAK_FACTOR} · cccc", 14) == ["= aaaa · bbbb", "· cccc"]
    assert broken("= unbreakable", 5) == ["= unbreakable"]


def test_arrays_of_any_rank_are_printed_in_bounded_space() -> None:
    for shape in ((0,), (3,), (1000,), (0, 3), (3, 0), (2, 3), (100, 100), (2, 3, 4), (50, 50, 50), (2, 2, 2, 2)):
        lines = matrix_lines(np.random.default_rng(0).normal(size=shape) * 1000, 80, str)
        assert 1 <= len(lines) <= 100
        assert max(map(len, lines)) <= 100


def test_arrays_of_four_axes_are_given_short_and_shown_by_place() -> None:
    rng = np.random.default_rng(0)
    image, kernel = ng.input("I", rng.normal(size=(2, 3, 6, 6))), ng.input("K", rng.normal(size=(2, 3, 3, 3)))
    text = ng.explain(ng.sum(ng.conv2d(image, kernel)), wrt=[kernel]).text()
    assert max(map(cell_width, text.split("\n"))) <= 100
    assert "I (2×3×6×6) = [[[[0." in text
    assert "= [0, 0, :, :]  [ " in text
    assert "[1, 2, :, :]  [ " in text


def test_a_long_constant_in_a_formula_is_cut_short_and_the_line_broken() -> None:
    X, W = ng.input("X", np.ones((3, 2))), ng.input("W", np.ones((2, 4)))
    text = ng.explain(ng.softmax_loss(X @ W, np.eye(4)[[0, 1, 2]]), wrt=[W]).text()
    assert "[[1, 0, …], [0, 1, …], …]" in text
    assert max(map(cell_width, text.split("\n"))) <= 100


def test_a_formula_is_broken_inside_brackets_only_when_nothing_else_helps() -> None:
    assert broken(f"a + b(c{BREAK_INNER} + d)", 8) == ["a + b(c", "+ d)"]
    assert broken(f"aaaa{BREAK_SUM} + b(c{BREAK_INNER} + d)", 11) == ["aaaa", "+ b(c + d)"]


def test_division_of_arrays_is_explained_once(made: ModuleType) -> None:
    P, T = ng.input("P", np.ones((2, 3))), ng.input("T", np.ones((2, 3)))
    text = ng.explain(-ng.sum(T * ng.log(P)), wrt=[P]).text()
    assert text.count("Arrays are divided entry by entry, as in 1/P.") == 1
    assert "divided" not in made.scalar().text()


@pytest.mark.parametrize("width", [64, 100])
def test_what_a_backward_line_is_made_of_is_said_in_every_form(made: ModuleType, width: int) -> None:
    scalar, matrix = made.scalar(), made.matrix()
    for one in (scalar.text(width=width), scalar.markdown(), scalar.html()):
        assert "gradient arriving × local derivative" in one
    assert r"gradient arriving $\times$ local derivative" in scalar.latex()
    assert "gradient arriving" not in matrix.text() + matrix.latex() + matrix.html() + matrix.markdown()


def test_random_numbers_are_written_without_their_key():
    z = ng.parameter("z", [0.5, -0.5])
    step = ng.state("step", 3)
    y = ng.sum(z * ng.normal(2, step=step) + ng.bernoulli(ng.sigmoid(z), step=step) * ng.uniform(2, step=step) * z)
    derivation = ng.explain(y, wrt=[z])
    assert derivation.ok
    for written in ("N(0, 1)", "U(0, 1)", "bernoulli(σ(z))"):
        assert written in str(derivation)
    assert "\\mathcal{N}(0, 1)" in derivation.latex()
    # A key is three whole numbers, the seed 0 the first; values are two.
    assert not re.search(r"\[0, [^\]]*, [^\]]*\]", str(derivation))


def test_a_line_is_not_called_after_a_sum_that_is_only_its_first_step():
    v, w, m = ng.parameter("v", 4.0), ng.parameter("w", 1.0), ng.parameter("m", 0.3)
    fraction = {step.id: step.rule.template for step in ng.explain(w - m / (ng.sqrt(v) + 1e-8), wrt=[v]).steps if step.rule}
    assert fraction["b2.r"] == "quotient rule"
    plain = {step.id: step.rule.template for step in ng.explain(ng.square(v + w), wrt=[v]).steps if step.rule}
    assert plain["b1.v"] == "sum: handed on unchanged"
