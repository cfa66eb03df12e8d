"""Slices of any bounds mean what numpy means by them, also when a named size becomes another number."""

from __future__ import annotations

import itertools

import nngraph as ng
import numpy as np
import pytest
from nngraph.autograd.errors import ParameterError

BOUNDS = (None, -7, -4, -2, -1, 0, 1, 3, 8)


@pytest.mark.parametrize("length", range(6))
def test_every_slice_is_numpys(length):
    values = np.arange(float(length))
    x = ng.parameter("x", values)
    for first, last, step in itertools.product((None, *range(-8, 8)), (None, *range(-8, 8)), (1, 2, 3, -1, -2, -7)):
        wanted, y = values[first:last:step], x[first:last:step]
        assert y.shape == wanted.shape, (first, last, step)
        assert (y.value == wanted).all(), (first, last, step)
        if length == 3:
            places = np.zeros(length)
            places[first:last:step] = 1
            assert (ng.gradient(ng.sum(y), [x])[0].value == places).all(), (first, last, step)


@pytest.mark.parametrize(("built", "given"), [(5, 2), (5, 5), (5, 9), (4, 1)])
def test_slices_follow_a_named_size(built, given):
    i, data, refused = ng.input("i", shape=(ng.Size("N", built),)), np.arange(float(given)), 0
    for first, last, step in itertools.product(BOUNDS, BOUNDS, (1, 2, -1, -2)):
        if last == built:
            continue
        try:
            y = i[first:last:step]
        except ParameterError as error:
            assert step < 0
            assert "leave that bound out" in str(error)
            refused += 1
            continue
        found = ng.compile(y, inputs=[i], engine="numpy")(data)
        assert found.tolist() == data[first:last:step].tolist(), (first, last, step)
    assert refused < 80
