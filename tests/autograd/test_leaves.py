"""Leaves: inputs, parameters, states, constants; what they accept and what Python numbers become."""

import re

import nngraph as ng
import numpy as np
import pytest
from nngraph.autograd.errors import DtypeError, MissingValue, ShapeError


def test_roles_and_dtypes():
    assert ng.input("x", [1, 2]).dtype == np.int64
    assert ng.input("x", shape=(2,)).dtype == np.float64
    assert ng.input("x", np.float32([1])).dtype == np.float32
    assert ng.parameter("w", [1, 2]).dtype == np.float64
    assert ng.parameter("w", np.float32([1])).dtype == np.float32
    assert ng.state("n", 0).dtype == np.int64
    assert [leaf.role for leaf in (ng.input("x"), ng.parameter("w", 1.0), ng.state("s", 1.0), ng.constant(1.0))] == [
        "input", "parameter", "state", "constant",
    ]  # fmt: skip


def test_values_are_copied_and_keep_their_dtype():
    array = np.array([1.0, 2.0])
    x = ng.input("x", array)
    array[0] = 9.0
    assert x.value[0] == 1.0
    narrow = ng.input("n", np.float32([1.0]))
    narrow.value = np.array([0.5], np.float64)
    assert narrow.value.dtype == np.float32


@pytest.mark.parametrize(
    ("change", "error", "said"),
    [
        (lambda: setattr(ng.input("x", [1.0]), "value", [1.0, 2.0]), ShapeError, r"keeps its shape; the new value has shape \(2,\)"),
        (lambda: setattr(ng.constant(1.0), "value", 2.0), DtypeError, r"cannot be changed; use ng\.input or ng\.parameter"),
        (lambda: setattr(ng.input("k", [1, 2]), "value", [0.5, 1.0]), DtypeError, "would lose the fractions"),
        (lambda: setattr(ng.input("x", 1.0), "value", "one"), DtypeError, "takes numbers"),
        (lambda: ng.input("x", [[1.0], [1.0, 2.0]]), ShapeError, "rows of different lengths"),
        (lambda: ng.input("x", 1j), DtypeError, "complex numbers are not supported"),
        (lambda: ng.input("x", [1.0], shape=(2,)), ShapeError, r"the value has shape \(1,\), but shape=\(2,\)"),
        (lambda: ng.input("x", shape=(-1,)), ShapeError, "-1 is not a size"),
        (lambda: ng.input([1.0]), DtypeError, "needs a name as its first argument"),
        (lambda: ng.parameter("w", [1], dtype=int), DtypeError, "must hold floating-point numbers"),
        (lambda: ng.constant(ng.constant(1.0)), DtypeError, "wants numbers, not a node"),
    ],
)
def test_what_does_not_fit_is_refused_with_a_remedy(change, error, said):
    with pytest.raises(error, match=said):
        change()


def test_a_placeholder_has_no_value_until_it_is_given():
    x = ng.input("x", shape=(2,))
    with pytest.raises(MissingValue):
        _ = x.value
    x.value = [1.0, 2.0]
    np.testing.assert_array_equal((2 * x).value, [2.0, 4.0])


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int32, np.int64, np.bool_])
@pytest.mark.parametrize("number", [2, 2.5])
def test_python_numbers_are_weak_as_in_numpy(dtype, number):
    array = np.ones(3, dtype)
    x = ng.input("x", array)
    assert (x + number).dtype == (array + number).dtype
    assert (number * x).dtype == (number * array).dtype
    np.testing.assert_array_equal((x + number).value, array + number)


def test_a_size_as_a_constant_keeps_its_expression():
    n = ng.Size("N", 4)
    mean = ng.input("x", [1.0, 2.0, 3.0, 4.0]) / (2 * n)
    assert mean.inputs[1].params["size"].text == "2·N"
    np.testing.assert_array_equal(mean.value, np.array([1.0, 2.0, 3.0, 4.0]) / 8)


def test_a_bare_truth_value_is_no_operand():
    a, b = ng.input("a", [1.0, 2.0]), ng.input("b", [1.0, 3.0])
    for build in (lambda: ng.where(a == b, a, b), lambda: a * (a == a), lambda: ng.cast(a == b, "float64")):
        with pytest.raises(DtypeError, match=r"ng\.equal\(a, b\)"):
            build()
    np.testing.assert_array_equal(ng.where(ng.equal(a, b), a, 0.0).value, [1.0, 0.0])
    np.testing.assert_array_equal((a * ng.constant(True)).value, [1.0, 2.0])
    np.testing.assert_array_equal((a * np.array([True, False])).value, [1.0, 0.0])


@pytest.mark.parametrize(("shape", "remedy"), [((None, 2), "ng.Size('N', 4)"), (("B", 2), "ng.Size('B', 4)")])
def test_a_size_that_varies_needs_a_number_to_build_with(shape, remedy):
    with pytest.raises(ShapeError, match=re.escape(remedy)):
        ng.input("x", shape=shape)


def test_a_value_of_another_batch_size_is_told_how():
    x = ng.input("x", shape=(4, 2))
    with pytest.raises(ShapeError, match=re.escape("shape=(ng.Size('N', 4), 2)") + ".*ng.compile"):
        x.value = np.zeros((5, 2))
    with pytest.raises(ShapeError, match="Build a graph for the new shape"):
        x.value = np.zeros((4, 3))
    w = ng.parameter("w", [1.0, 2.0])
    with pytest.raises(ValueError, match="read-only"):
        w.value -= 1.0
    w.value = w.value - 1.0
    assert w.value.tolist() == [0.0, 1.0]


def test_a_shape_given_as_a_value_is_refused_with_what_to_write():
    with pytest.raises(ShapeError, match=r"as a shape write ng\.input\('x', shape=\(4, 2\)\), as values a list, \[4, 2\]"):
        ng.input("x", (4, 2))
    with pytest.raises(ShapeError, match=r"ng\.parameter\('W', np\.zeros\(\(ng\.Size\('N', 4\), 2\)\)\)"):
        ng.parameter("W", (ng.Size("N", 4), 2))
    assert ng.input("x", [4, 2]).value.tolist() == [4, 2]
    assert ng.input("x", (0.5, 2.0)).shape == (2,)


def test_a_name_in_the_second_place_is_noticed():
    with pytest.raises(DtypeError, match=r"the name comes before the value: ng\.parameter\('W', …\)"):
        ng.parameter(np.ones(3), "W")


def test_masks_are_not_lost_silently():
    masked = np.ma.masked_equal([1.0, 2.0, 1.0], 1.0)
    x = ng.input("x", [0.0, 0.0, 0.0])
    run = ng.compile(x * 2.0, [x])
    for take in (lambda: ng.input("y", masked), lambda: setattr(x, "value", masked), lambda: run(masked), lambda: x + masked):
        with pytest.raises(DtypeError, match=r"fill the 2 masked entries, array\.filled"):
            take()
    assert run(np.ma.masked_equal([1.0, 2.0, 3.0], 9.0)).tolist() == [2.0, 4.0, 6.0]


def test_rows_of_different_lengths_are_pointed_at():
    x = ng.input("x", shape=(2, 2))
    for take in (lambda: ng.input("y", [[1, 2], [3]]), lambda: ng.compile(x * 2.0, [x])([[1, 2], [3]])):
        with pytest.raises(ShapeError, match=r"different lengths .* \(row 0 has 2, row 1 has 1\)"):
            take()


def test_nodes_in_a_tuple_are_to_be_taken_out():
    w = ng.parameter("w", [1.0, 2.0])
    with pytest.raises(DtypeError, match=r"a tuple of 1 node: take it out, \(g,\) = …, or put nodes together with ng\.stack"):
        w - ng.gradient(ng.sum(w * w), [w])
