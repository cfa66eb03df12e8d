"""The printed numbers of the pages on trained weights, softmax, convolution, pooling and recurrence."""

import nngraph as ng
import numpy as np
import pytest


def test_the_trained_network(page):
    assert [f"{output:.6f}" for output in page("09")["outputs"]] == ["0.283146", "0.863842"]
    assert "0.283146" in page("09").text
    assert "0.863842" in page("09").text


def test_softmax_of_five_scores(page):
    p = page("10")["p"].value
    assert [f"{each:.4f}" for each in p] == ["0.0202", "0.9025", "0.0497", "0.0111", "0.0165"]
    assert "[0.0202 0.9025 0.0497 0.0111 0.0165]" in page("10").text
    np.testing.assert_allclose(page("10")["jacobian"], np.diag(p) - np.outer(p, p), rtol=0, atol=1e-15)
    np.testing.assert_allclose(page("10")["derivation"].gradients["z"].value, p - [0, 1, 0, 0, 0], rtol=0, atol=1e-15)
    for written in ("p_i(1 − p_i)   if i = j", "if i ≠ j", "p − t"):
        assert written in page("10").text


def test_forward_through_a_2_3_2_network(page):
    names, text = page("11").names, page("11").text
    assert names["z"].value.round(8).tolist() == [0.51615984, 1.21402696]
    assert names["p"].value.round(8).tolist() == [0.33228528, 0.66771472]
    assert "[0.51615984 1.21402696]" in text
    assert "[0.33228528 0.66771472]" in text


def test_softmax_regression(page):
    names, text = page("12").names, page("12").text
    W = ng.parameter("W", names["derivation"].givens["W"])
    loss = ng.softmax_loss(names["x"] @ W, names["t"])
    (dW,) = ng.gradient(loss, [W])
    assert ng.softmax(names["x"] @ W).value.round(8).tolist() == [0.73222998, 0.10288817, 0.16488185]
    assert round(float(loss.value), 8) == 1.80252613
    expected = [[0.43933799, 0.0617329, -0.50107089], [0.65900698, 0.09259935, -0.75160634]]
    assert dW.value.round(8).tolist() == expected
    assert names["derivation"].gradients["W"].value.round(8).tolist() == expected
    for written in ("[0.73222998 0.10288817 0.16488185]", "1.80252613", "0.43933799  0.0617329  -0.50107089", "0.65900698  0.09259935 -0.75160634", "x ⊗ (p−t)"):  # fmt: skip
        assert written in text


def test_the_textbook_weights_come_from_the_legacy_generator(page):
    W = page("12")["derivation"].givens["W"]
    assert W.tolist() == np.random.RandomState(42).randn(2, 3).tolist()


def test_convolution_both_ways(page):
    names = page("36").names
    assert names["m"].value.tolist() == [[34.0, 39.0], [54.0, 59.0]]
    assert names["turned"].value.tolist() == [[26.0, 31.0], [46.0, 51.0]]
    assert names["dkernel"].value.tolist() == names["again"].value.tolist()
    assert ng.check_gradient(names["L"], names["image"], names["kernel"]).orders[0].error < 1e-8


def test_pooling(page):
    names = page("37").names
    assert names["largest"].value.tolist() == [[6.0, 8.0], [14.0, 16.0]]
    assert names["average"].value.tolist() == [[3.5, 5.5], [11.5, 13.5]]
    assert np.flatnonzero(names["to_largest"].value).tolist() == [5, 7, 13, 15]
    assert names["to_average"].value.tolist() == np.full((4, 4), 0.25).tolist()


def test_the_7x7_image(page):
    names = page("38").names
    assert names["m"].value.tolist() == [
        [0.0, 1.0, 0.0, 0.0, 0.0],
        [0.0, 1.0, 1.0, 1.0, 0.0],
        [1.0, 0.0, 0.0, 2.0, 1.0],
        [1.0, 4.0, 2.0, 1.0, 0.0],
        [0.0, 0.0, 1.0, 2.0, 1.0],
    ]
    assert names["best"].value.tolist() == [[1.0, 1.0, 0.0], [4.0, 2.0, 1.0], [0.0, 2.0, 1.0]]
    assert names["smaller"].value.tolist() == [[1.0, 1.0], [4.0, 2.0]]


def test_the_recurrent_network_in_a_loop_and_unrolled(page):
    names = page("45").names
    assert names["outputs"].value.tolist() == [[4.0, 4.0], [12.0, 12.0], [32.0, 32.0]]
    assert [names[o].value.tolist() for o in ("o1", "o2", "o3")] == names["outputs"].value.tolist()
    assert names["last"].value.tolist() == [16.0, 16.0]


@pytest.mark.parametrize("weight", ["U", "V", "W"])
def test_gradients_through_the_loop_are_those_of_the_long_network(page, weight):
    names = page("45").names
    leaf = names[weight]
    (loop,) = ng.gradient(names["total"], [leaf])
    (written,) = ng.gradient(names["L"], [leaf])
    assert loop.value.tolist() == written.value.tolist()
    assert ng.check_gradient(names["total"], leaf).orders[0].error < 1e-8
