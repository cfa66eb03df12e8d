"""Products and convolutions of real and of odd sizes on a GPU, against float64.

A sum of k products in float32 is off by at most k·2⁻²⁴ of the sum of their sizes, in whatever order it is added up; twice
that is allowed, as products and sums are both rounded.
"""

import nngraph as ng
import numpy as np
import pytest

pytestmark = pytest.mark.gpu
ENGINE = "cuda"
SHAPES = [(1, 1, 1), (3, 33, 18), (127, 65, 33), (1025, 513, 257), (8, 512, 2048), (64, 8192, 64), (2048, 2048, 2048)]
UNIT = 2.0**-24


def numbers(rng, *shape):
    return rng.standard_normal(shape, dtype=np.float32)


@pytest.mark.parametrize("turned", ["", "a", "b", "ab"])
@pytest.mark.parametrize("shape", SHAPES)
def test_products(turned, shape, rng):
    rows, depth, columns = shape
    a = numbers(rng, *((depth, rows) if "a" in turned else (rows, depth)))
    b = numbers(rng, *((columns, depth) if "b" in turned else (depth, columns)))
    x, y = (ng.input(name, shape=array.shape, dtype=np.float32) for name, array in (("x", a), ("y", b)))
    found = ng.compile((x.T if "a" in turned else x) @ (y.T if "b" in turned else y), [x, y], engine=ENGINE)(a, b)
    left, right = (a.T if "a" in turned else a).astype(float), (b.T if "b" in turned else b).astype(float)
    assert (np.abs(found - left @ right) <= 2 * depth * UNIT * (np.abs(left) @ np.abs(right))).all()


def test_stacks_of_products(rng):
    a, b = numbers(rng, 24, 130, 70), numbers(rng, 24, 70, 90)
    x, y = ng.input("x", shape=a.shape, dtype=np.float32), ng.input("y", shape=b.shape, dtype=np.float32)
    found = ng.compile(x @ y, [x, y], engine=ENGINE)(a, b)
    room = 2 * 70 * UNIT * (np.abs(a).astype(float) @ np.abs(b).astype(float))
    assert (np.abs(found - a.astype(float) @ b.astype(float)) <= room).all()


CONVOLUTIONS = [
    ((2, 3, 13, 11), (5, 3, 3, 3), 1, 1), ((16, 64, 28, 28), (64, 64, 3, 3), 1, 1), ((8, 3, 65, 65), (32, 3, 7, 7), 2, 3),
    ((4, 32, 16, 16), (48, 32, 1, 1), 1, 0), ((3, 17, 9, 30), (6, 17, 2, 5), 3, 2),
]  # fmt: skip


@pytest.mark.parametrize(("image", "filters", "stride", "padding"), CONVOLUTIONS)
def test_convolutions_and_their_gradients(image, filters, stride, padding, rng):
    arrays = {"x": numbers(rng, *image), "w": numbers(rng, *filters)}

    def results(dtype, engine):
        leaves = [ng.input(name, array.astype(dtype)) for name, array in arrays.items()]
        y = ng.conv2d(*leaves, stride=stride, padding=padding)
        g = ng.constant(np.random.default_rng(1).standard_normal(y.shape).astype(dtype))
        return ng.compile([y, *ng.gradient(ng.sum(y * g), leaves)], engine=engine)()

    for mine, right in zip(results(np.float32, ENGINE), results(np.float64, "numba")):
        assert np.linalg.norm(mine - right) <= 1e-5 * np.linalg.norm(right)
        assert np.abs(mine - right).max() <= 1e-4 * np.abs(right).max()
