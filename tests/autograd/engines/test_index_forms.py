"""Index forms in the compiled engine: every form has a kernel, whatever its labels, dtypes and sizes."""

from __future__ import annotations

import nngraph as ng
import numpy as np
import pytest
from nngraph.autograd.engines.compiled.calls import Fallback
from nngraph.autograd.engines.compiled.running.program import Program

SIZES = dict(zip("abcdefghijk", (3, 5, 4, 6, 7, 2, 8, 9, 3, 4, 5), strict=True))
LARGE = {**SIZES, "a": 40, "b": 50, "c": 60, "d": 30}
CLOSE = {"float32": 1e-4, "float64": 1e-11}


def operands(text: str, dtype: str, sizes: dict[str, int]) -> list[np.ndarray]:
    rng = np.random.default_rng(len(text))
    shapes = [[sizes[label] for label in labels] for labels in text.split("->")[0].split(",")]
    if np.dtype(dtype).kind == "f":
        return [rng.standard_normal(shape).astype(dtype) for shape in shapes]
    return [rng.integers(0, 2 if dtype == "bool" else 9, shape).astype(dtype) for shape in shapes]


def check(text: str, arrays: list[np.ndarray], sizes: tuple[tuple[str, int], ...] = ()) -> list[str]:
    """The kernels that ran; the result is that of the numpy engine."""
    leaves = [ng.input(f"x{at}", array) for at, array in enumerate(arrays)]
    node = ng.contract(leaves, text=text, sizes=sizes)
    program = Program([node])
    assert not [call for call in program.plan.calls if isinstance(call.code, Fallback)], text
    (found,), wanted = program(), np.asarray(node.value)
    assert found.dtype == wanted.dtype
    close = CLOSE.get(found.dtype.name, 0)
    np.testing.assert_allclose(found, wanted, rtol=close, atol=close * 10, err_msg=text)
    return [getattr(call.code, "name", "loops") for call in program.plan.calls]


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "bool"])
@pytest.mark.parametrize("text", [
    "a->aa", "ab->aba", "aa->a", "aa->aa", "ab,bc->aac", "a,a->aa", "ab,bc,cd->ad", "ab,bc,cd->ada", "abc,abd,cd->",
    "ab,ab,ab->ab", "ab,ab,ab->a", "ab,cd->", "aab->b", "a,b,c->abc",
])  # fmt: skip
def test_small_forms(text: str, dtype: str) -> None:
    check(text, operands(text, dtype, SIZES))


@pytest.mark.parametrize("dtype", ["float32", "int64"])
@pytest.mark.parametrize("text", [
    "ab,bc,cd->ad", "ab,bc,cd->da", "ab,ac,ad->bcd", "ab,abc,d->cd", "ab,ab,ab->ab", "ab,cd->ac", "ab,bcd->ac",
    "abc,cbd->ad", "ab,b,bc,cd,d->a", "a,b,c->abc", "ab,bc,cd->aad", "ab,ab->ab", "abcd,abcd,e->e",
])  # fmt: skip
def test_large_forms_two_by_two(text: str, dtype: str) -> None:
    ran = check(text, operands(text, dtype, LARGE))
    if dtype == "float32" and text == "ab,bc,cd->ad":
        assert ran == ["product", "product"]


def test_labels_that_only_the_output_has() -> None:
    check("a->ab", operands("a->", "float64", SIZES), (("b", 4),))
    check("a,ac->ab", operands("a,ac->", "float64", SIZES), (("b", 4),))
    check("ab,bc,cd->eaed", operands("ab,bc,cd->", "float32", LARGE), (("e", 3),))


def test_operands_of_several_dtypes_and_of_nothing() -> None:
    whole, real = operands("ab,bc->", "int32", LARGE)[0], operands("ab,bc->", "float64", LARGE)[1]
    assert "product" in check("ab,bc->ac", [whole, real])
    check("ab,bc->ac", [np.zeros((3, 0)), np.zeros((0, 7))])
    check("ab,bc,cd->ad", [np.zeros((3, 0), "i4"), np.zeros((0, 7), "i4"), np.ones((7, 2), "i4")])
    check("ab->a", [np.zeros((3, 0))])
    check("ab->", [np.zeros((0, 3), bool)])
