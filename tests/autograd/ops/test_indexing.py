"""gather, scatter_add, take, embedding, and numpy's rules for x[…]."""

import nngraph as ng
import numpy as np
import pytest
from nngraph.autograd.errors import DtypeError, ShapeError

I, J = np.array([0, 2, 2]), np.array([[1], [2]])
MASK = np.array([[True, False, True, False], [False, False, False, True], [True, True, False, False]])
INDICES = [
    I, (slice(None), I), (I, I), (I, 0), (0, I), (I, slice(None), 0), (0, slice(None), I), (slice(None), I, 0), (slice(None), 0, I), (J, I),
    (slice(None), J, I), (I, Ellipsis, I), (I, None, I), (None, I), (None, I, I), (Ellipsis, I, 1), MASK, (MASK, 0), (MASK, slice(1, 3)), (1, MASK[0]),
    (slice(None), slice(None), np.array([True, False, True, True, False])), (MASK, I[:1]), [0, 1], ([0, 1],), [], (slice(1, 3), I), (slice(None, None, -1), I),
    (np.array(1), I), np.array(1), (I[None, :], 1, 1), (-I - 1,), (slice(None), -I - 1), (I[:0], 1), (I, I, I), (I, slice(1, 3), slice(None, None, 2)),
    np.zeros((3, 4), bool),
]  # fmt: skip


@pytest.mark.parametrize("index", INDICES, ids=lambda index: str(index).replace("\n", ""))
def test_indexing_is_numpys(rng, index):
    a = rng.normal(size=(3, 4, 5))
    x = ng.input("x", a)
    y = x[index]
    assert y.shape == a[index].shape
    np.testing.assert_array_equal(y.value, a[index])
    weights = rng.normal(size=y.shape)
    (g,) = ng.gradient(ng.sum(y * weights), [x])
    expected = np.zeros_like(a)
    np.add.at(expected, index, weights)
    np.testing.assert_allclose(g.value, expected, atol=1e-14)


def test_indices_that_are_nodes_may_change(rng):
    a = rng.normal(size=(3, 4, 5))
    x, i, j = ng.input("x", a), ng.input("i", I), ng.input("j", J)
    built = [(x[i], lambda i, j: a[i]), (x[i, j], lambda i, j: a[i, j]), (x[:, i, 0], lambda i, j: a[:, i, 0]), (x[0, :, i], lambda i, j: a[0, :, i]), (x[i, 0, j], lambda i, j: a[i, 0, j])]
    for _ in range(2):
        for y, plain in built:
            np.testing.assert_array_equal(y.value, plain(i.value, j.value))
        i.value, j.value = [1, 1, 0], [[0], [1]]
    i.value = [0, 1, 9]
    for y, _ in built:
        with pytest.raises(ShapeError, match="index 9 is out of bounds"):
            _ = y.value


@pytest.mark.parametrize(
    ("index", "error", "message"),
    [
        (np.array([0, 3]), ShapeError, "index 3 is out of range for axis 0, which has 3 entries"),
        ((slice(None), [-5]), ShapeError, "index -5 is out of range for axis 1"),
        (np.array([0.5]), DtypeError, "must hold whole numbers, not float64"),
        ((I, np.array([0, 1])), ShapeError, r"\(3,\) and \(2,\) do not broadcast together"),
        (MASK.T, ShapeError, r"mask of shape \(4, 3\) stands at axes of sizes \(3, 4\)"),
        (MASK[0], ShapeError, r"mask of shape \(4,\) stands at axes of sizes \(3,\)"),
        ((0, 0, 0, I), ShapeError, "4 indices"),
        ((0, 9, I), ShapeError, "index 9 is out of range for axis 1"),
    ],
)
def test_indices_that_mean_nothing(index, error, message):
    x = ng.input("x", np.zeros((3, 4, 5)))
    with pytest.raises(error, match=message):
        x[index]


def test_a_mask_that_varies_is_refused_with_the_way_out():
    x = ng.input("x", np.zeros((3, 4)))
    with pytest.raises(DtypeError, match=r"how many entries it picks would depend on values.*ng\.where"):
        x[x > 0]


def test_all_of_x_is_x_itself():
    x = ng.input("x", np.zeros((3, 4)))
    assert x[:] is x
    assert x[...] is x
    assert x[()] is x
    assert len(list(x)) == 3


def test_indices_receive_no_gradient(rng):
    x, i = ng.input("x", rng.normal(size=3)), ng.input("i", I)
    assert ng.take(x, i, 0).op.differentiable
    from nngraph.autograd.errors import GradientError

    with pytest.raises(GradientError, match="makes no sense"):
        ng.gradient(ng.sum(x[i]), [i])


@pytest.mark.parametrize(("shape", "positions"), [((3, 4), [[0, 1], [2, 3], [0, 1]]), ((3, 4), [[[2]], [[0]]]), ((3,), [1]), ((3, 4), np.zeros((0, 2), int))])
def test_gather_and_scatter_add_are_a_pair(rng, are_adjoint, gradients_agree, shape, positions):
    positions = np.asarray(positions)
    are_adjoint(lambda x: ng.gather(x, positions), lambda y: ng.scatter_add(y, positions, shape), shape)
    picked = ng.gather(np.zeros(shape), positions).shape
    gradients_agree(lambda x: ng.gather(x, positions), rng.normal(size=shape))
    gradients_agree(lambda x: ng.scatter_add(x, positions, shape), rng.normal(size=picked))


def test_what_lands_in_one_place_adds_up():
    np.testing.assert_array_equal(ng.scatter_add([1.0, 2.0, 4.0], [[0], [2], [2]], (3,)).value, [1, 0, 6])
    np.testing.assert_array_equal(ng.scatter([1.0, 2.0, 4.0], [0, 2, 2], 3).value, [1, 0, 6])
    x = np.arange(6.0).reshape(2, 3)
    np.testing.assert_array_equal(ng.scatter(x, [0, 2, 2], 4, axis=1).value, [[0, 0, 3, 0], [3, 0, 9, 0]])
    with pytest.raises(ShapeError, match="must have the axes of indices"):
        ng.scatter(x, [0, 2], 4, axis=1)
    with pytest.raises(ShapeError, match="does not fit the places"):
        ng.scatter_add([1.0, 2.0], [[0], [2], [2]], (3,))


@pytest.mark.parametrize(("indices", "axis"), [([0, 2, 2], 0), ([[1, 0], [1, -1]], 1), (np.array(3), -1), ([11, 0], None), (np.array(1), 0)])
def test_take_and_scatter_are_a_pair(rng, are_adjoint, gradients_agree, indices, axis):
    a = rng.normal(size=(3, 4))
    np.testing.assert_array_equal(ng.take(a, indices, axis).value, np.take(a, indices, axis))
    gradients_agree(lambda x: ng.take(x, indices, axis), a)
    if axis is not None:
        are_adjoint(lambda x: ng.take(x, indices, axis), lambda y: ng.scatter(y, indices, a.shape[axis], axis % 2), a.shape)


@pytest.mark.parametrize(("shape", "axis"), [((3, 2), 1), ((1, 4), 0), ((2, 4), 0), ((3, 1), -1), ((1, 1), 1)])
def test_take_along_axis_is_numpys(rng, gradients_agree, shape, axis):
    a = rng.normal(size=(3, 4))
    indices = rng.integers(0, 3, shape)
    y = ng.take_along_axis(a, indices, axis)
    np.testing.assert_array_equal(y.value, np.take_along_axis(a, indices, axis))
    assert y.shape == y.value.shape
    gradients_agree(lambda x: ng.take_along_axis(x, indices, axis), a)
    with pytest.raises(ShapeError, match="must have the axes of x"):
        ng.take_along_axis(a, [0, 1], axis)


def test_embedding_sends_the_gradient_to_the_rows_that_were_looked_up():
    table, words = ng.parameter("table", np.arange(8.0).reshape(4, 2)), ng.input("words", [3, 1, 3])
    y = ng.embedding(table, words)
    np.testing.assert_array_equal(y.value, [[6, 7], [2, 3], [6, 7]])
    (g,) = ng.gradient(ng.sum(y), [table])
    np.testing.assert_array_equal(g.value, [[0, 0], [1, 1], [0, 0], [2, 2]])
    with pytest.raises(ShapeError, match="index 4 is out of range"):
        ng.embedding(table, [4])
    with pytest.raises(ShapeError, match="one row per entry"):
        ng.embedding(np.zeros(3), [0])
    with pytest.raises(DtypeError, match=r"ng\.cast"):
        ng.embedding(table, [0.0])


def test_the_numbers_of_the_index_do_not_change_the_dtype():
    x = ng.input("x", np.zeros((3, 4), np.float32))
    for y in (x[I], x[I, 0], ng.take(x, I, 1), ng.take_along_axis(x, I[:, None], 1), ng.scatter_add(x[0], [[0], [1], [1], [0]], (2,))):
        assert y.dtype == y.value.dtype == np.float32
        (g,) = ng.gradient(ng.sum(y), [x])
        assert g.dtype == g.value.dtype == np.float32


def test_only_the_result_of_an_index_takes_the_name_of_the_variable():
    x = ng.input("x", np.zeros((3, 4, 5)))
    corner = x[I, :, 0]
    assert corner.name == "corner"
    assert {node.name for node in corner.graph.nodes} == {"x", "corner", None}
    assert [node.name for node in corner.graph.nodes].count("corner") == 1


def test_a_bare_number_as_an_index_is_explained():
    with pytest.raises(DtypeError, match=r"write the index as np\.array\(1\)"):
        ng.take(ng.input("x", np.zeros(3)), 1, axis=0)


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint64])
def test_indices_of_any_whole_dtype_pick_alike(dtype):
    x, index = ng.input("x", np.arange(6.0).reshape(3, 2)), np.array([[1], [0], [1]], dtype)
    for given in (index, ng.input("index", index)):
        np.testing.assert_array_equal(ng.take_along_axis(x, given, axis=1).value, [[1.0], [2.0], [5.0]])
        np.testing.assert_array_equal(x[given, [0, 1]].value, x.value[index, [0, 1]])
        (slope,) = ng.gradient(ng.sum(x[given, [0, 1]]), [x])
        np.testing.assert_array_equal(slope.value, [[1.0, 1.0], [2.0, 2.0], [0.0, 0.0]])
