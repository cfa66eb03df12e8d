"""Random numbers: known answers, counters, distributions, and the dropout built on them."""

import zlib

import nngraph as ng
import numpy as np
import pytest
from nngraph.autograd.errors import DtypeError, ParameterError
from nngraph.autograd.philox import philox, words

PI = (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344)


@pytest.fixture(autouse=True)
def _numbered_from_zero():
    ng.restart_draws()


@pytest.mark.parametrize(
    ("counter", "key", "answer"),
    [
        ((0, 0, 0, 0), (0, 0), "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
        ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, "408f276d 41c83b0e a20bc7c6 6d5451fd"),
        (PI, (0xA4093822, 0x299F31D0), "d16cfe09 94fdcceb 5001e420 24126ea1"),
    ],
)
def test_known_answers_of_the_authors(counter, key, answer):
    found = philox(tuple(np.array([word], np.uint64) for word in counter), key)
    assert " ".join(f"{int(word):08x}" for word in found[:, 0]) == answer


def test_the_key_and_counter_of_a_node():
    with ng.scope("net"):
        node = ng.uniform((2, 3), seed=7, step=5, name="noise", draw=2)
    expected = [
        philox(tuple(np.array([word], np.uint64) for word in (element // 4, 2, 5, 0)), (7, zlib.crc32(b"net/noise")))[element % 4, 0]
        for element in range(6)
    ]
    np.testing.assert_array_equal(node.value.ravel(), np.array(expected, float) * 2.0**-32)
    assert node.name == "noise"


def test_longer_draws_begin_like_shorter_ones():
    np.testing.assert_array_equal(words(10, 1, 2, 3, 4)[:7], words(7, 1, 2, 3, 4))
    assert words(0, 1, 2, 3, 4).shape == (0,)


def test_one_node_gives_one_draw_until_its_step_moves():
    step = ng.state("step", 0)
    x = ng.normal((4,), step=step)
    first = x.value.copy()
    np.testing.assert_array_equal(x.value, first)
    step.value = 1
    assert (x.value != first).all()
    step.value = 0
    np.testing.assert_array_equal(x.value, first)


def test_draws_in_one_place_differ_and_can_be_repeated():
    a, b = ng.uniform(8), ng.uniform(8)
    assert (a.value != b.value).all()
    ng.restart_draws()
    np.testing.assert_array_equal(ng.uniform(8).value, a.value)
    np.testing.assert_array_equal(ng.uniform(8, draw=1).value, b.value)
    with ng.scope("other"):
        assert (ng.uniform(8, draw=0).value != a.value).all()
    assert (ng.uniform(8, seed=1, draw=0).value != a.value).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_distributions(dtype):
    count = 100_000
    u, n = ng.uniform(count, dtype=dtype).value, ng.normal(count, dtype=dtype).value
    assert u.dtype == n.dtype == dtype
    assert u.min() >= 0
    assert u.max() < 1
    # Five standard errors of each moment.
    assert abs(u.mean() - 0.5) < 5 / np.sqrt(12 * count)
    assert abs(u.var() - 1 / 12) < 5 / np.sqrt(180 * count)
    assert abs(n.mean()) < 5 / np.sqrt(count)
    assert abs(n.var() - 1) < 5 * np.sqrt(2 / count)
    assert abs(np.mean(n**4) - 3) < 5 * np.sqrt(96 / count)
    assert abs(np.corrcoef(n[:-1], n[1:])[0, 1]) < 5 / np.sqrt(count)
    histogram = np.histogram(u, 50, (0, 1))[0]
    assert np.sum((histogram - count / 50) ** 2 / (count / 50)) < 49 + 5 * np.sqrt(2 * 49)


def test_mean_and_scale_receive_gradients():
    mean, scale = ng.parameter("mean", [1.0, 2.0]), ng.parameter("scale", [0.5, 3.0])
    z = ng.normal((3, 2), mean, scale)
    unit = (z.value - mean.value) / scale.value
    to_mean, to_scale = ng.gradient(ng.sum(z), [mean, scale])
    np.testing.assert_array_equal(to_mean.value, [3, 3])
    np.testing.assert_allclose(to_scale.value, unit.sum(0))


def test_bernoulli():
    p = ng.parameter("p", np.full(10_000, 0.3))
    b = ng.bernoulli(p)
    assert set(b.value.tolist()) == {0.0, 1.0}
    assert abs(b.value.mean() - 0.3) < 5 * np.sqrt(0.21 / 10_000)
    np.testing.assert_array_equal(ng.gradient(ng.sum(b), [p])[0].value, 0)
    assert ng.bernoulli([0.0, 1.0]).value.tolist() == [0, 1]


def test_dropout_keeps_the_mean_and_its_gradient_meets_the_same_mask():
    x = ng.input("x", np.ones((100, 100)))
    y = ng.dropout(x, 0.25)
    assert set(np.unique(y.value).tolist()) == {0.0, 1 / 0.75}
    assert abs(y.value.mean() - 1) < 5 * np.sqrt(0.25 / 0.75) / 100
    np.testing.assert_array_equal(ng.gradient(ng.sum(y), [x])[0].value, y.value)


def test_dropout_is_only_for_training():
    x = ng.input("x", np.ones(20))
    assert ng.dropout(x, 0.5, training=False) is x
    assert ng.dropout(x, 0.0) is x
    training = ng.state("training", True)
    y = ng.dropout(x, 0.5, training)
    assert set(y.value.tolist()) == {0.0, 2.0}
    training.value = False
    np.testing.assert_array_equal(y.value, 1)


def test_single_precision_stays_single():
    x = ng.input("x", np.ones(4, np.float32))
    assert ng.dropout(x).value.dtype == np.float32
    assert ng.bernoulli(x * 0.5).value.dtype == np.float32


def test_errors_say_what_to_do():
    x = ng.input("x", [1.0])
    with pytest.raises(ParameterError, match=r"rate=1\.5"):
        ng.dropout(x, 1.5)
    with pytest.raises(DtypeError, match="floating-point"):
        ng.dropout(ng.input("n", [1, 2]))
    with pytest.raises(DtypeError, match="float32 or float64"):
        ng.uniform(3, dtype="int64")
    with pytest.raises(ParameterError, match="seed"):
        ng.uniform(3, seed=-1)
    with pytest.raises(DtypeError, match="step is one whole number"):
        ng.uniform(3, step=0.5)
