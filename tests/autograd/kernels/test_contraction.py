"""Contractions of two operands: every form as matrix products, against numpy in float64."""

from __future__ import annotations

import numpy as np
import pytest
from nngraph.autograd.engines.compiled.lowering.contraction import lower
from nngraph.autograd.index import IndexForm

from .immediate import Immediate, array_of, filled
from .narrower import also_with_narrower_vectors

FORMS = [
    "nd,dk->nk", "dn,dk->nk", "nd,kd->nk", "dn,kd->nk", "nd,dk->kn", "dn,kd->kn",
    "d,d->", "n,k->nk", "n,k->kn", "nd,d->n", "dn,d->n", "d,dk->k", "d,kd->k",
    "bnd,bdk->bnk", "bnd,dk->bnk", "nd,bdk->bnk", "bnd,bkd->bnk", "bdn,bdk->bnk", "bnd,bnk->dk", "ank,adk->nd",
    "abnd,abdk->abnk", "abnd,bdk->abnk", "Abnd,abdk->abnk", "bd,bd->b", "db,db->b", "nbd,kbd->nbk", "nbd,kbd->bnk",
    "nhd,mhd->hnm", "hnm,mhd->nhd", "bnhd,bmhd->bhnm", "bhnm,bmhd->bnhd", "ij,kl->ik", "ij,jk->k", "i,jk->j",
    "iij,jk->ik", "ii,ij->j", "iji,jk->ki", "abc,cbd->ad", "abc,dca->bd", "abcd,cdef->abef", "acbd,cdef->abef",
    "cabd,dfce->aebf", "ijb,jkb->ikb", "bij,bjk->ikb", "n,dk->ndk", "n,dk->dnk", "xaybzc,ayczw->xbw",
]  # fmt: skip


def run(
    text: str, arrays: list[np.ndarray], split: int = 0, extra: dict[str, int] | None = None
) -> tuple[np.ndarray, Immediate]:
    form = IndexForm.read(text, [array.shape for array in arrays], extra)
    plan = Immediate(split)
    output = plan.new(form.shape, arrays[0].dtype)
    assert lower(plan, form, [filled(array) for array in arrays], output), text
    return array_of(output), plan


def check(text: str, arrays: list[np.ndarray], split: int = 0, extra: dict[str, int] | None = None) -> Immediate:
    form = IndexForm.read(text, [array.shape for array in arrays], extra)
    exact = form(*[array.astype(np.float64) for array in arrays])
    size = form(*[np.abs(array.astype(np.float64)) for array in arrays])
    depth = np.prod([form.sizes[label] for label in form.summed])
    found, plan = run(text, arrays, split, extra)
    assert found.dtype == arrays[0].dtype
    # Each of `depth` sums and products is rounded once.
    bound = (depth + 1) * np.finfo(arrays[0].dtype).eps * size
    np.testing.assert_array_less(np.abs(found - exact), bound + 1e-300)
    return plan


def arrays_for(text: str, sizes: dict[str, int], rng: np.random.Generator, dtype: str) -> list[np.ndarray]:
    operands = text.partition("->")[0].split(",")
    return [rng.standard_normal([sizes[label] for label in labels]).astype(dtype) for labels in operands]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("text", FORMS)
def test_form(text: str, dtype: str) -> None:
    rng = np.random.default_rng(3)
    for sizes in ((3, 5, 2, 4, 6, 7, 3), (17, 9, 33, 5, 8, 2, 4), (1, 4, 1, 3, 2, 5, 1)):
        labels = sorted(set(text) - set(",->"))
        by_label = {label: sizes[at % len(sizes)] for at, label in enumerate(labels)}
        check(text, arrays_for(text, by_label, rng, dtype), split=2 if sizes[0] == 3 else 0)


def test_labels_that_only_the_output_has_repeat() -> None:
    rng = np.random.default_rng(4)
    arrays = [rng.standard_normal((3, 4)), rng.standard_normal((4, 5))]
    check("nd,dk->nsk", arrays, extra={"s": 3})
    check("nd,dk->snkt", arrays, extra={"s": 2, "t": 3})
    check("nd,dk->snkt", arrays, extra={"s": 1, "t": 1})
    arrays = [rng.standard_normal((3, 2, 4, 5, 2, 3)), rng.standard_normal((2, 4, 3, 2, 6))]
    check("xaybzc,ayczw->xbsw", arrays, extra={"s": 1})


def test_refused_forms() -> None:
    plan = Immediate()
    for text, dtype in (
        ("nd,nd->nd", "float32"), ("ij,kj->", "float32"), ("nd,d->nd", "float32"), ("i,i->ii", "float64"),
        ("nd,dk->nk", "int64"), ("nd,dk->nk", "bool"),
    ):  # fmt: skip
        arrays = [np.ones([3] * len(labels), dtype) for labels in text.partition("->")[0].split(",")]
        form = IndexForm.read(text, [array.shape for array in arrays])
        assert not lower(plan, form, [filled(array) for array in arrays], plan.new(form.shape, dtype))
    assert plan.kernels == []


def test_empty_axes() -> None:
    for text, shapes in (("nd,dk->nk", ((3, 0), (0, 4))), ("nd,kd->nk", ((3, 0), (4, 0))), ("d,d->", ((0,), (0,))),
                         ("bnd,bdk->bnk", ((2, 3, 0), (2, 0, 4)))):  # fmt: skip
        found, _ = run(text, [np.zeros(shape, np.float32) for shape in shapes])
        assert np.all(found == 0)
    found, plan = run("nd,dk->nk", [np.zeros((0, 3), np.float32), np.zeros((3, 4), np.float32)])
    assert found.shape == (0, 4)
    assert plan.kernels == []


def test_strided_operands() -> None:
    rng = np.random.default_rng(5)
    x, w = rng.standard_normal((40, 60)), rng.standard_normal((60, 50))
    check("nd,dk->nk", [x[::2, ::3], w[1:21, ::2]])
    check("nd,dk->nk", [x[::-1, :20], w[10:30, ::-1]])
    check("nd,dk->nk", [np.broadcast_to(x[:1], (40, 60)), w])
    check("bnd,dk->bnk", [np.broadcast_to(x, (3, 40, 60)), w])
    check("nd,dk->nk", [x, np.broadcast_to(w[:, :1], w.shape)])
    check("nd,dk->nk", [x, np.broadcast_to(w[0], w.shape)])


def test_strided_output() -> None:
    rng = np.random.default_rng(6)
    x, w = rng.standard_normal((20, 30)).astype("f4"), rng.standard_normal((30, 18)).astype("f4")
    form = IndexForm.read("nd,dk->nk", (x.shape, w.shape))
    for part in (np.s_[:, 5:23], np.s_[:, ::2], np.s_[::2, 1:19]):
        whole = np.full((40, 36), 7, np.float32)
        target = whole[:20, part[1]] if part[0] == np.s_[:] else whole[part]
        assert lower(Immediate(), form, [filled(x), filled(w)], filled(target))
        np.testing.assert_allclose(target, x @ w, rtol=1e-4, atol=1e-5)
        target[...] = 7
        assert np.all(whole == 7)


test_narrower_vectors = also_with_narrower_vectors(test_form)
