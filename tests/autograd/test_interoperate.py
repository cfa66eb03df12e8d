"""Nodes in numpy expressions: the same expression on an array and on a node gives the same numbers."""

import nngraph as ng
import numpy as np
import pytest
from nngraph.autograd.errors import DtypeError, ParameterError, ShapeError
from nngraph.autograd.interoperate import op_for
from nngraph.autograd.vocabulary import WORDS

B = np.random.default_rng(5).uniform(0.5, 2, (3, 4))
EXPRESSIONS = {
    "ufunc": lambda x: np.exp(x), "array + node": lambda x: B + x, "array - node": lambda x: B - x, "array / node": lambda x: B / x, "array @ node": lambda x: B.T @ x,
    "scalar * node": lambda x: np.float64(2) * x, "number - node": lambda x: 2 - x, "array > node": lambda x: x < B, "power": lambda x: np.power(x, 2),
    "divide": lambda x: np.divide(1, x), "maximum": lambda x: np.maximum(x, 1), "absolute": lambda x: np.absolute(x), "negative": lambda x: np.negative(x),
    "square": lambda x: np.square(x), "matmul": lambda x: np.matmul(B.T, x), "sum": lambda x: np.sum(x, 0), "sum keepdims": lambda x: np.sum(x, axis=1, keepdims=True),
    "mean": lambda x: np.mean(x, axis=0), "var": lambda x: np.var(x, ddof=1), "max": lambda x: np.max(x, axis=1), "argmax": lambda x: np.argmax(x, axis=1),
    "prod": lambda x: np.prod(x), "cumsum": lambda x: np.cumsum(x, axis=1), "concatenate": lambda x: np.concatenate([x, B], axis=1),
    "stack": lambda x: np.stack((x, B)), "where": lambda x: np.where(x > 1, x, 0.0), "reshape": lambda x: np.reshape(x, (2, 6)), "transpose": lambda x: np.transpose(x, (1, 0)),
    "ravel": lambda x: np.ravel(x), "squeeze": lambda x: np.squeeze(x[:1]), "expand_dims": lambda x: np.expand_dims(x, 0), "swapaxes": lambda x: np.swapaxes(x, 0, 1),
    "moveaxis": lambda x: np.moveaxis(x, 0, 1), "clip": lambda x: np.clip(x, 0.7, 1.2), "clip by arrays": lambda x: np.clip(x, B, None), "clip max": lambda x: np.clip(x, max=1),
    "pad": lambda x: np.pad(x, ((1, 0), (0, 2)), constant_values=3.0), "take": lambda x: np.take(x, [0, 1], axis=1), "take flat": lambda x: np.take(x, [0, 9]),
    "take_along_axis": lambda x: np.take_along_axis(x, np.array([[0], [1], [2]]), 1), "tile": lambda x: np.tile(x, 2), "repeat": lambda x: np.repeat(x, 2, axis=0),
    "flip": lambda x: np.flip(x), "tril": lambda x: np.tril(x, -1), "split": lambda x: np.split(x, 2, axis=1)[1], "outer": lambda x: np.outer(x[0], x[1]),
    "diagonal": lambda x: np.diagonal(np.stack([x, x], 2), 1), "trace": lambda x: np.trace(x[:, :3]), "einsum": lambda x: np.einsum("ij,kj->ik", x, B),
    "broadcast_to": lambda x: np.broadcast_to(x, (2, 3, 4)), "dot": lambda x: np.dot(x, B.T), "dot vectors": lambda x: np.dot(x[0], B[0]), "dot scalar": lambda x: np.dot(3, x),
    "zeros_like": lambda x: np.zeros_like(x), "ones_like": lambda x: np.ones_like(x, dtype=np.float32), "method sum": lambda x: x.sum(axis=0), "method mean": lambda x: x.mean(1),
    "method max": lambda x: x.max(), "method std": lambda x: x.std(axis=0), "method reshape": lambda x: x.reshape(4, 3), "method reshape open": lambda x: x.reshape((-1,)),
    "method transpose": lambda x: x.transpose(1, 0), "method transpose all": lambda x: x.transpose(), "method dot": lambda x: x.T.dot(B), "method astype": lambda x: x.astype("float32"),
    "method flatten": lambda x: x.flatten(), "method ravel": lambda x: x.ravel(), "method squeeze": lambda x: x[None].squeeze(0), "method clip": lambda x: x.clip(0.7, 1.2),
    "method take": lambda x: x.take([2, 0], axis=0), "method cumsum": lambda x: x.cumsum(0), "method swapaxes": lambda x: x.swapaxes(0, 1), "method repeat": lambda x: x.repeat(2),
    "method diagonal": lambda x: x.diagonal(), "method argmin": lambda x: x.argmin(1), "method trace": lambda x: x[:, 1:].trace(), "method prod": lambda x: x.prod(axis=0),
}  # fmt: skip


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_a_node_stands_for_its_array(rng, name):
    a = rng.uniform(0.5, 2, (3, 4))
    expected = np.asarray(EXPRESSIONS[name](a))
    y = EXPRESSIONS[name](ng.input("x", a))
    assert isinstance(y, ng.Node)
    assert y.shape == expected.shape
    assert y.dtype == expected.dtype
    np.testing.assert_allclose(y.value, expected, rtol=1e-14)


def test_every_word_of_the_vocabulary_is_understood(rng):
    for word, meaning in WORDS.items():
        if isinstance(meaning.numpy, np.ufunc):
            arrays = [rng.uniform(0.5, 0.9, (2, 3)) for _ in range(meaning.numpy.nin)]
            y = meaning.numpy(*[ng.input("x", array) for array in arrays])
            assert isinstance(y, ng.Node), word
            np.testing.assert_allclose(y.value, meaning.numpy(*arrays), err_msg=word)


def test_what_numpy_asks_about_the_shape_is_answered():
    x = ng.input("x", np.zeros((3, 4)))
    assert (np.shape(x), np.ndim(x), np.size(x)) == ((3, 4), 2, 12)


def test_gradients_flow_through_numpy_expressions():
    x = ng.input("x", [1.0, 2.0])
    (g,) = ng.gradient(np.sum(np.array([3.0, 4.0]) * np.exp(x)), [x])
    np.testing.assert_allclose(g.value, [3 * np.exp(1), 4 * np.exp(2)])


def test_float32_follows_numpys_rules():
    x = ng.input("x", np.ones(3, np.float32))
    assert (x * 2.0).dtype == np.float32
    assert (np.float64(2) * x).dtype == np.result_type(np.float64, np.float32)
    assert (np.ones(3, np.float32) + x).value.dtype == np.float32


def test_a_variable_names_what_numpy_built():
    x = ng.input("x", np.ones((3, 4)))
    hidden = np.exp(x)
    total = np.sum(hidden, axis=0)
    turned = x.reshape(4, 3)
    assert (hidden.name, total.name, turned.name) == ("hidden", "total", "turned")


def add_in_place(x):
    a = np.ones((3, 4))
    a += x
    return a


@pytest.mark.parametrize(
    ("expression", "error", "message"),
    [
        (lambda x: np.fft.fft(x), DtypeError, r"np\.fft\.fft is not an op of nngraph.*node\.value"),
        (lambda x: np.arctan2(x, 1), DtypeError, r"np\.arctan2 is not an op of nngraph.*node\.value"),
        (lambda x: np.array_equal(x, x), DtypeError, "array_equal"),
        (lambda x: np.asarray(x), DtypeError, r"input 'x' .* is a node of a graph, not an array.*node\.value"),
        (lambda x: np.array([x, x]), DtypeError, r"ng\.stack"),
        (add_in_place, DtypeError, r"write a = a \+ x instead of a \+= x"),
        (lambda x: np.add.reduce(x), DtypeError, r"np\.add\.reduce"),
        (lambda x: np.add(x, 1, where=[True]), ParameterError, "takes no where"),
        (lambda x: np.sum(x, 0, np.float32), ParameterError, "takes no dtype"),
        (lambda x: np.sum(x, where=np.ones((3, 4), bool)), ParameterError, "takes no where"),
        (lambda x: np.reshape(x, (4, 3), order="F"), ParameterError, "takes no order='F'"),
        (lambda x: np.reshape(x, (5, 3)), ShapeError, "holds 12 numbers"),
        (lambda x: np.cumsum(x), ParameterError, "flatten first"),
        (lambda x: np.pad(x, 1, "edge"), ParameterError, "mode 'edge'"),
        (lambda x: np.concatenate([x, x], axis=2), ParameterError, "no axis 2"),
        (lambda x: np.dot(np.ones((2, 3, 3)), np.stack([x, x])), ParameterError, r"ng\.einsum"),
        (lambda x: x.item(), AttributeError, "no attribute 'item'"),
    ],
)
def test_what_cannot_be_in_a_graph_says_so(expression, error, message):
    with pytest.raises(error, match=message):
        expression(ng.input("x", np.ones((3, 4))))


def test_numpys_names_lead_to_the_ops():
    assert op_for(np.concatenate) is ng.concat
    assert op_for(np.maximum) is ng.maximum
    assert op_for(np.matmul) is ng.matmul
    assert op_for(np.linalg.norm) is ng.norm
    assert op_for(np.fft.fft) is None


def test_a_table_of_another_library_is_told_how_it_goes_in():
    w = ng.parameter("W", np.ones((2, 1)))
    with pytest.raises(DtypeError, match=r"pass node\.value, which no gradient goes through; .* df\.to_numpy\(\)"):
        np.asarray(w)
