"""Index forms against numpy's einsum, and what einsum refuses: output-only and repeated output labels."""

import nngraph as ng
import numpy as np
import pytest
from nngraph.autograd.errors import ShapeError
from nngraph.autograd.index import IndexForm
from nngraph.autograd.ops.linear import from_form

FORMS = [
    ("nd,dk->nk", [(2, 3), (3, 4)]),
    ("nd,nk->dk", [(2, 3), (2, 4)]),
    ("nk,dk->nd", [(2, 4), (3, 4)]),
    ("nd,dk->kn", [(2, 3), (3, 4)]),
    ("i,i->", [(4,), (4,)]),
    ("i,j->ij", [(3,), (4,)]),
    ("ij->ji", [(2, 3)]),
    ("ijk->ki", [(2, 3, 4)]),
    ("ii->i", [(3, 3)]),
    ("ii->", [(3, 3)]),
    ("bij,bjk->bik", [(5, 2, 3), (5, 3, 4)]),
    ("ij,ij->j", [(2, 3), (2, 3)]),
    ("i,ij,j->", [(2,), (2, 3), (3,)]),
    ("d,dk->k", [(3,), (3, 4)]),
    ("nd,d->n", [(2, 3), (3,)]),
]


@pytest.mark.parametrize(("text", "shapes"), FORMS)
def test_values_shapes_and_derivatives_are_einsums(text, shapes, rng):
    arrays = [rng.standard_normal(shape) for shape in shapes]
    form = IndexForm.read(text, shapes)
    expected = np.einsum(text, *arrays)
    assert form.shape == expected.shape
    np.testing.assert_allclose(form(*arrays), expected, rtol=1e-13)
    np.testing.assert_allclose(from_form(form, [ng.input(f"x{i}", a) for i, a in enumerate(arrays)]).value, expected, rtol=1e-13)
    # <g, form(v in place i)> = <derivative(g), v>: the derivative is the adjoint of the form, which is linear in each operand.
    g = rng.standard_normal(expected.shape)
    for at, shape in enumerate(shapes):
        v = rng.standard_normal(shape)
        moved = form(*arrays[:at], v, *arrays[at + 1 :])
        sent = form.derivative(at)(*arrays[:at], g, *arrays[at + 1 :])
        assert sent.shape == shape
        np.testing.assert_allclose(np.sum(sent * v), np.sum(g * moved), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(
    ("text", "shape", "sizes", "expected"),
    [
        ("d->nd", (3,), {"n": 2}, lambda x: np.broadcast_to(x, (2, 3))),
        ("i->ii", (3,), {}, np.diag),
        ("->ij", (), {"i": 2, "j": 3}, lambda x: np.full((2, 3), x)),
        ("->ii", (), {"i": 3}, lambda x: x * np.eye(3)),
        ("i->ij", (2,), {"j": 3}, lambda x: np.repeat(x[:, None], 3, 1)),
    ],
)
def test_what_einsum_refuses(text, shape, sizes, expected, rng):
    x = rng.standard_normal(shape)
    form = IndexForm.read(text, [shape], sizes)
    np.testing.assert_array_equal(form(x), expected(x))
    g = rng.standard_normal(form.shape)
    np.testing.assert_allclose(np.sum(form.derivative(0)(g) * x), np.sum(g * form(x)), rtol=1e-12)


def test_the_language_is_closed_under_differentiation():
    form = IndexForm.read("nd,dk->nk", [(2, 3), (3, 4)])
    assert form.derivative(1).text == "nd,nk->dk" and form.derivative(1).derivative(1).text == "nd,dk->nk"


@pytest.mark.parametrize(
    ("text", "shapes", "expected"),
    [
        ("nd,dk->nk", [(2, 3), (3, 4)], (False, False, False)),
        ("nd,nk->dk", [(2, 3), (2, 4)], (False, True, False)),
        ("nk,dk->nd", [(2, 4), (3, 4)], (False, False, True)),
        ("dk,nd->nk", [(3, 4), (2, 3)], (True, False, False)),
        ("d,dk->k", [(3,), (3, 4)], (False, False, False)),
        ("nd,nd->nd", [(2, 3), (2, 3)], None),
        ("nd,nd->n", [(2, 3), (2, 3)], None),
    ],
)
def test_matrix_products_are_recognized(text, shapes, expected):
    assert IndexForm.read(text, shapes).matrix_product() == expected


@pytest.mark.parametrize(
    ("text", "shapes", "said"),
    [
        ("ij,jk", [(2, 3), (3, 4)], "says no output"),
        ("ij->i", [(2, 3), (3, 4)], "speaks of 1 operands; 2 were given"),
        ("ij->i", [(2,)], "has 2 labels for an operand of shape"),
        ("i1->i", [(2, 3)], "is not a letter"),
        ("ij,jk->ik", [(2, 3), (4, 5)], "label 'j' in 'ij,jk->ik' is 3 in one place and 4 in another"),
        ("i->ij", [(2,)], r"label 'j' stands only in the output .* give its size"),
    ],
)
def test_texts_that_say_nothing_are_refused(text, shapes, said):
    with pytest.raises(ShapeError, match=said):
        IndexForm.read(text, shapes)


def test_object_arrays_are_contracted_too():
    left = np.array([[1, 2], [3, 4]], object)
    for text in ("ij,jk->ik", "ij,ij->ij", "ij,ij->"):
        form = IndexForm.read(text, [(2, 2), (2, 2)])
        expected = np.einsum(text, left.astype(float), left.astype(float))
        assert (np.asarray(form(left, left), float) == expected).all()
