"""Matrix products: shapes, strides, what is not a number, and vectors of every width."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from nngraph.autograd.engines.compiled import lower_contraction

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
        monkeypatch.setattr(lower_contraction, name, value)
    monkeypatch.setattr(lower_contraction._Dots, "possible", False)
    rng = np.random.default_rng(8)
    for text in ("nd,dk->nk", "dn,dk->nk", "nd,kd->nk", "dn,kd->nk", "bnd,bdk->bnk", "nbd,kbd->bnk", "ank,adk->nd"):
        for n, d, k in ((16, 3, 70), (100, 50, 33), (57, 41, 20)):
            sizes = {"n": n, "d": d, "k": k, "a": 2, "b": 3}
            arrays = [rng.standard_normal([sizes[x] for x in part]).astype(dtype) for part in text.split("->")[0].split(",")]
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


@pytest.mark.parametrize("width", ["32", "16"])
def test_narrower_vectors(width: str) -> None:
    text = (
        "import numpy as np\n"
        "from nngraph.autograd.kernels.machine import machine\n"
        f"assert machine().vector_bytes == {width}\n"
        "from tests.autograd.kernels.test_contraction import FORMS, check, test_form\n"
        "rng = np.random.default_rng(0)\n"
        "for dtype in ('f4', 'f8'):\n"
        "    for n in (1, 2, 5, 6, 7, 13, 40):\n"
        "        for k in (1, 3, 4, 7, 8, 9, 15, 16, 17, 33):\n"
        "            x, w = rng.standard_normal((n, 21)).astype(dtype), rng.standard_normal((21, k)).astype(dtype)\n"
        "            check('nd,dk->nk', [x, w])\n"
        "            check('nd,kd->nk', [x, w.T.copy()])\n"
        "            check('dn,dk->nk', [x.T.copy(), w])\n"
        "for text in FORMS[::5]:\n"
        "    test_form(text, 'float32')\n"
    )
    root = Path(__file__).parents[3]
    environment = {**os.environ, "NNGRAPH_VECTOR_BYTES": width, "PYTHONPATH": str(root)}
    done = subprocess.run([sys.executable, "-c", text], env=environment, capture_output=True, text=True, cwd=root)
    assert done.returncode == 0, done.stderr
