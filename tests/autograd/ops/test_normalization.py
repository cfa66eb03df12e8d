"""Normalization: which numbers are taken together, weights, running statistics."""

import nngraph as ng
import numpy as np
import pytest
from nngraph.autograd.errors import ParameterError, ShapeError


def standardized(x, axes, epsilon=1e-5):
    return (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + epsilon)


@pytest.fixture
def image(rng):
    return rng.normal(2, 3, (4, 6, 3, 2))


def test_what_is_taken_together(image):
    np.testing.assert_allclose(ng.batch_norm(image).value, standardized(image, (0, 2, 3)), rtol=1e-12)
    np.testing.assert_allclose(ng.instance_norm(image).value, standardized(image, (2, 3)), rtol=1e-12)
    np.testing.assert_allclose(ng.layer_norm(image).value, standardized(image, 3), rtol=1e-12)
    np.testing.assert_allclose(ng.layer_norm(image, axis=(1, 2, 3)).value, standardized(image, (1, 2, 3)), rtol=1e-12)
    groups = standardized(image.reshape(4, 2, 3, 3, 2), (2, 3, 4)).reshape(image.shape)
    np.testing.assert_allclose(ng.group_norm(image, 2).value, groups, rtol=1e-12)
    np.testing.assert_allclose(ng.group_norm(image, 6).value, ng.instance_norm(image).value, rtol=1e-12)
    last = np.moveaxis(image, 1, -1)
    np.testing.assert_allclose(ng.batch_norm(last, axis=-1).value, np.moveaxis(ng.batch_norm(image).value, 1, -1), rtol=1e-12)


@pytest.mark.parametrize("name", ["batch_norm", "instance_norm", "group_norm"])
def test_weights_stand_for_channels(name, image, rng):
    scale, shift = rng.normal(size=6), rng.normal(size=6)
    more = {"groups": 3} if name == "group_norm" else {}
    plain = getattr(ng, name)(image, **more).value
    weighed = getattr(ng, name)(image, scale=scale, shift=shift, **more).value
    np.testing.assert_allclose(weighed, plain * scale[:, None, None] + shift[:, None, None], rtol=1e-12)


def test_gradients(gradients_agree, rng):
    x, scale, shift = rng.normal(size=(3, 4, 5)), rng.normal(size=4), rng.normal(size=4)
    gradients_agree(ng.batch_norm, x, scale, shift)
    gradients_agree(ng.instance_norm, x, scale, shift)
    gradients_agree(lambda x, a, b: ng.group_norm(x, 2, a, b), x, scale, shift)
    gradients_agree(lambda x, a, b: ng.layer_norm(x, a, b, axis=1), x, scale, shift)
    gradients_agree(ng.batch_norm, x, scale, shift, rng.normal(size=4), rng.uniform(0.5, 2, 4))


def test_a_trained_net_uses_running_statistics(image):
    x = ng.input("x", image)
    mean, var = ng.batch_statistics(x)
    assert mean.shape == var.shape == (6,)
    np.testing.assert_allclose(ng.batch_norm(x, mean=mean, var=var).value, ng.batch_norm(x).value, rtol=1e-12)
    one = ng.batch_norm(x[:1], mean=mean, var=var)
    np.testing.assert_allclose(one.value, ng.batch_norm(x).value[:1], rtol=1e-12)
    with pytest.raises(ParameterError, match="go together"):
        ng.batch_norm(x, mean=mean)


def test_a_batch_of_one_becomes_the_shift():
    y = ng.batch_norm([[3.0, 5.0]], scale=[2.0, 2.0], shift=[7.0, 8.0])
    assert y.value.tolist() == [[7, 8]]


def test_single_precision_stays_single(image):
    x = ng.input("x", image.astype(np.float32))
    for y in (ng.batch_norm(x), ng.layer_norm(x), ng.instance_norm(x), ng.group_norm(x, 2)):
        assert y.dtype == y.value.dtype == np.float32
        assert ng.gradient(ng.sum(ng.square(y)), [x])[0].value.dtype == np.float32


def test_errors_say_what_to_do(image):
    with pytest.raises(ShapeError, match=r"scale has shape \(3,\); along axis 1 of x.*it needs shape \(6,\)"):
        ng.batch_norm(image, scale=np.ones(3))
    with pytest.raises(ParameterError, match="must divide the 6 channels"):
        ng.group_norm(image, 4)
    with pytest.raises(ShapeError, match="no places to average over"):
        ng.instance_norm(np.ones((2, 3)))
    with pytest.raises(ParameterError, match="axis 0 holds the examples"):
        ng.batch_norm(image, axis=0)
    with pytest.raises(ParameterError, match="epsilon"):
        ng.layer_norm(image, epsilon=-1.0)
