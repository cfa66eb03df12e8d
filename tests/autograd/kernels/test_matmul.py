"""Matrix products: shapes, strides, what is not a number, and vectors of every width."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
import pytest
from nngraph.autograd.engines.compiled.lowering import products
from nngraph.autograd.engines.compiled.lowering.contraction import lower
from nngraph.autograd.index import IndexForm
from nngraph.autograd.kernels.matmul import EPILOGUE

from .immediate import ENTRY, Immediate, filled
from .narrower import also_with_narrower_vectors
from .test_contraction import check, run


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("text", ["nd,dk->nk", "dn,dk->nk", "nd,kd->nk", "dn,kd->nk"])
def test_random_shapes(text: str, dtype: str) -> None:
    rng = np.random.default_rng(1)
    for split in (0, 1, 2):
        for _ in range(15):
            n, d, k = (int(2 ** rng.uniform(0, 7.5)) for _ in range(3))
            sizes = {"n": n, "d": d, "k": k}
            arrays = [rng.standard_normal([sizes[x] for x in labels]).astype(dtype) for labels in text[:5].split(",")]
            check(text, arrays, split)


def test_every_height_and_width_of_tile() -> None:
    rng = np.random.default_rng(2)
    for n in range(1, 20):
        for k in (1, 2, 15, 16, 17, 31, 32, 33, 40):
            check("nd,dk->nk", [rng.standard_normal((n, 3)).astype("f4"), rng.standard_normal((3, k)).astype("f4")])
            check("nd,kd->nk", [rng.standard_normal((n, 37)), rng.standard_normal((k, 37))])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("many", [20, 96, 1000])
def test_copies_of_large_matrices(dtype: str, many: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("LARGE", 0), ("SLICE", 20), ("MANY", many)):
        monkeypatch.setattr(products, name, value)
    monkeypatch.setattr(products.Dots, "possible", False)
    monkeypatch.setattr(products.Turned, "possible", False)
    rng = np.random.default_rng(8)
    for text in ("nd,dk->nk", "dn,dk->nk", "nd,kd->nk", "dn,kd->nk", "bnd,bdk->bnk", "nbd,kbd->bnk", "ank,adk->nd"):
        for n, d, k in ((16, 3, 70), (100, 50, 33), (57, 41, 20)):
            sizes = {"n": n, "d": d, "k": k, "a": 2, "b": 3}
            arrays = [
                rng.standard_normal([sizes[x] for x in part]).astype(dtype) for part in text.split("->")[0].split(",")
            ]
            for split in (0, 1, 2):
                assert "large_product" in check(text, arrays, split).kernels


@pytest.mark.parametrize(("n", "d", "k"), [(5, 6, 40), (200, 70, 33), (9, 200, 1), (1, 200, 9), (30, 5, 3)])
def test_what_is_not_a_number_spreads(n: int, d: int, k: int) -> None:
    x, w = np.zeros((n, d), np.float32), np.ones((d, k), np.float32)
    w[d // 2, k // 2] = np.inf
    x[0, 0] = np.nan
    for text, arrays in (("nd,dk->nk", [x, w]), ("nd,kd->nk", [x, w.T.copy()]), ("dn,dk->nk", [x.T.copy(), w])):
        found, _ = run(text, arrays)
        with np.errstate(invalid="ignore"):
            np.testing.assert_array_equal(np.isnan(found), np.isnan(x.astype("f8") @ w.astype("f8")))
    w[d // 2, k // 2] = np.nan
    found, _ = run("nd,dk->nk", [np.zeros((n, d), np.float32), w])
    assert np.isnan(found[:, k // 2]).all()
    assert np.isnan(found).sum() == n


FAMILIES = [
    ("nd,dk->nk", (40, 30), (30, 50)),
    ("nd,kd->nk", (40, 300), (3, 300)),
    ("bnd,bdk->bnk", (3, 40, 30), (3, 30, 20)),
    ("abnd,bdk->abnk", (2, 3, 40, 5), (3, 5, 20)),
    ("nd,dk->nk", (1, 30), (30, 300)),
]


@pytest.mark.parametrize(("text", "left", "right"), FAMILIES)
def test_added_to_what_is_there(text: str, left: tuple[int, ...], right: tuple[int, ...]) -> None:
    rng = np.random.default_rng(9)
    for large in (1 << 21, 0):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(products, "LARGE", large)
            x, w = rng.standard_normal(left), rng.standard_normal(right)
            form = IndexForm.read(text, (left, right))
            total = rng.standard_normal(form.shape)
            wanted = total + form(x, w)
            assert lower(Immediate(), form, [filled(x), filled(w)], filled(total), accumulate=True)
            np.testing.assert_allclose(total, wanted, rtol=0, atol=1e-13 * form.sizes["d"])
    assert not lower(
        Immediate(), IndexForm.read("n,k->nsk", ((2,), (3,)), {"s": 4}), [filled(x), filled(w)],
        filled(np.zeros((2, 4, 3))), accumulate=True,
    )  # fmt: skip


class Recording(Immediate):
    """Keeps the calls, and gives every product code to call after its units."""

    def __init__(self, split: int) -> None:
        super().__init__(split)
        self.seen: list[tuple[int, int, int]] = []
        self.after = ENTRY(lambda block, start, stop: self.seen.append((block, start, stop)))
        self.rows: list[int] = []

    def call(self, code: Any, words: Any, reads: Any, writes: Any, **more: Any) -> None:
        if code.name != "pack":
            words[EPILOGUE : EPILOGUE + 2] = [ctypes.cast(self.after, ctypes.c_void_p).value, 4711]
            self.rows.append(more["finish"])
        super().call(code, words, reads, writes, **more)


@pytest.mark.parametrize(("text", "left", "right"), FAMILIES)
def test_what_follows_every_unit(text: str, left: tuple[int, ...], right: tuple[int, ...]) -> None:
    form = IndexForm.read(text, (left, right))
    rows = int(np.prod(form.shape[:-1]))
    for large, work in ((1 << 21, 1 << 17), (1 << 21, 1 << 10), (0, 1 << 10)):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(products, "LARGE", large)
            patch.setattr(products, "WORK", work)
            plan = Recording(split=2)
            output = plan.new(form.shape, "float32")
            operands = [filled(np.ones(shape, "float32")) for shape in (left, right)]
            assert lower(plan, form, operands, output)
        assert plan.rows == [rows]
        assert all(block == 4711 for block, _, _ in plan.seen)
        assert sorted(row for _, start, stop in plan.seen for row in range(start, stop)) == list(range(rows))


def test_rows_that_do_not_follow_each_other_are_known() -> None:
    form = IndexForm.read("nd,dk->nk", ((40, 30), (30, 50)))
    operands = [filled(np.ones(shape, "float32")) for shape in ((40, 30), (30, 50))]
    whole = np.zeros((41, 51), "float32")
    for target in (whole[:40, 1:], whole[:40, :50], whole.ravel()[:2000].reshape(50, 40).T):
        plan = Recording(split=0)
        assert lower(plan, form, operands, filled(target))
        # The last one is the product of the turned matrices: 50 rows in order, each a column of what was asked for.
        assert plan.rows == [50 if target.strides[0] == 4 else 0]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_sizes_around_those_of_tiles(dtype: str, rng: np.random.Generator) -> None:
    for n in (1, 2, 5, 6, 7, 13, 40):
        for k in (1, 3, 4, 7, 8, 9, 15, 16, 17, 33):
            x, w = rng.standard_normal((n, 21)).astype(dtype), rng.standard_normal((21, k)).astype(dtype)
            check("nd,dk->nk", [x, w])
            check("nd,kd->nk", [x, w.T.copy()])
            check("dn,dk->nk", [x.T.copy(), w])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_nothing_beside_the_matrices_is_used(dtype: str, rng: np.random.Generator) -> None:
    for n, k in ((9, 5), (30, 1)):
        for m in range(1, 37):
            form = IndexForm.read("nk,km->nm", ((n, k), (k, m)))
            shapes = ((n, k), (k, m), (n, m))
            left, right, whole = (np.full((rows + 2, columns + 3), np.nan, dtype) for rows, columns in shapes)
            for array in (left, right):
                array[1:-1, 1:-2] = rng.standard_normal((array.shape[0] - 2, array.shape[1] - 3))
            a, b, c = (array[1:-1, 1:-2] for array in (left, right, whole))
            beside = np.ones(whole.shape, bool)
            beside[1:-1, 1:-2] = False
            assert lower(Immediate(), form, [filled(a), filled(b)], filled(c))
            np.testing.assert_allclose(c, a @ b, rtol=0, atol=1e-6 if dtype == "float32" else 1e-14)
            assert lower(Immediate(), form, [filled(a), filled(b)], filled(c), accumulate=True)
            np.testing.assert_allclose(c, 2 * (a @ b), rtol=0, atol=3e-6 if dtype == "float32" else 3e-14)
            assert np.isnan(whole[beside]).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_dots_of_every_height_and_width(dtype: str, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(products.Tiles, "possible", False)
    monkeypatch.setattr(products.Turned, "possible", False)
    for n in range(1, 10):
        for m in range(1, 10):
            for k in (4, 16, 37):
                form = IndexForm.read("nk,mk->nm", ((n, k), (m, k)))
                a, b = (rng.standard_normal((rows, k)).astype(dtype) for rows in (n, m))
                for c in (np.full((n, m), np.nan, dtype), np.full((m, n), np.nan, dtype).T):
                    for accumulate in (False, True):
                        plan = Immediate()
                        assert lower(plan, form, [filled(a), filled(b)], filled(c), accumulate)
                        assert plan.kernels[-1] == "dots"
                        limit = 1e-5 if dtype == "float32" else 1e-13
                        np.testing.assert_allclose(c, (1 + accumulate) * (a @ b.T), rtol=0, atol=limit)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_dots_of_every_depth(dtype: str, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(products.Tiles, "possible", False)
    monkeypatch.setattr(products.Turned, "possible", False)
    for k in (447, 448, 449, 895, 896, 897, 1500, 1791, 1792, 1793, 4001):
        a, b = rng.standard_normal((2, 6, k)).astype(dtype), rng.standard_normal((2, 5, k)).astype(dtype)
        for text, arrays in (("nk,mk->nm", [a[0], b[0]]), ("snk,smk->snm", [a, b]), ("snk,smk->nm", [a, b])):
            assert check(text, arrays).kernels == ["dots"]


test_narrower_vectors = also_with_narrower_vectors(
    test_sizes_around_those_of_tiles, test_nothing_beside_the_matrices_is_used, test_dots_of_every_height_and_width,
    test_dots_of_every_depth,
)  # fmt: skip
