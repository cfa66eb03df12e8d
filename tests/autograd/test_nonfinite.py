"""find_nonfinite names the first bad node, its operands, and the cause."""

import nngraph as ng
import numpy as np
import pytest
from nngraph.autograd.errors import MissingValue


@pytest.mark.parametrize(
    ("build", "op", "index", "cause"),
    [
        (lambda x: ng.log(x), "log", (2,), "log of 0"),
        (lambda x: ng.log(x - 2.0), "log", (0,), "log of -1, which is below 0"),
        (lambda x: ng.log1p(x - 3.0), "log1p", (0,), "log1p of -2, which is below -1"),
        (lambda x: ng.exp(1000.0 * x), "exp", (0,), "overflow: exp of 1000"),
        (lambda x: x / x, "div", (2,), "division 0/0"),
        (lambda x: 1.0 / x, "div", (2,), "division of 1 by 0"),
        (lambda x: x * 1e100 / 1e-250, "div", (0,), "overflow: 1e+100 / 1e-250"),
        (lambda x: ng.sqrt(x - 1.0), "sqrt", (2,), "sqrt of the negative number -1"),
        (lambda x: x**-1.5, "pow", (2,), "0 to the negative power -1.5"),
        (lambda x: (x - 2.0) ** 0.5, "pow", (0,), "the negative number -1 to the fractional power 0.5"),
        (lambda x: (1e200 * x) ** 2.5, "pow", (0,), "overflow: 1e+200 to the power 2.5"),
        (lambda x: 1e308 * x, "mul", (1,), "overflow: 1e+308 · 3"),
        (lambda x: 1e308 * ng.minimum(x, 1.0) + 1e308, "add", (0,), "overflow: 1e+308 + 1e+308"),
        (lambda x: ng.square(1e200 * x), "square", (0,), "overflow: 1e+200 · 1e+200"),
        (lambda x: (1e200 * x) @ (1e200 * x), "matmul", (), "overflow: the result is beyond 1.8e+308, the largest number of float64"),
        (lambda x: ng.sum(ng.minimum(x, 1.0) * 1.5e308), "sum", (), "overflow: the result is beyond 1.8e+308, the largest number of float64"),
        (lambda x: ng.binary_cross_entropy(x / 3.0, np.array([0.0, 0.0, 1.0])), "binary_cross_entropy", (), "log of 0"),
    ],
)
def test_the_first_bad_node_and_its_cause(build, op, index, cause):
    x = ng.input("x", [1.0, 3.0, 0.0])
    found = ng.find_nonfinite(ng.sum(build(x) * 2.0))
    assert (found.node.op.name, found.index, found.cause) == (op, index, cause)
    assert all(np.isfinite(value).all() for value in found.operands.values())
    assert not np.isfinite(found.value[found.index])
    assert cause in str(found).splitlines()[0] and __file__ in str(found)


def test_all_is_finite():
    x = ng.input("x", [1.0, 3.0])
    assert ng.find_nonfinite(ng.sum(ng.log(x))) is None
    assert ng.find_nonfinite(ng.softmax_loss(ng.input("z", [[1000.0, -1000.0]]), np.array([0]))) is None


def test_the_text_names_scope_operands_and_count():
    rate = ng.input("rate", [0.0, 0.0, 2.0])
    with ng.scope("decoder"):
        bad = ng.exp(ng.log(rate))
    text = str(ng.find_nonfinite(bad))
    assert text.startswith("log in decoder (3, float64) is -inf at index (0,) (2 of 3 entries): log of 0")
    assert "x (rate) = [0. 0. 2.]" in text


def test_a_bad_leaf_is_named_itself():
    found = ng.find_nonfinite(ng.exp(ng.input("data", [[1.0, np.nan]])))
    assert found.node.name == "data" and found.index == (0, 1) and found.cause == "this value was given"


def test_the_gradient_is_searched_too():
    x = ng.input("x", [0.0, 4.0])
    y = ng.sum(ng.sqrt(x))
    assert ng.find_nonfinite(y) is None
    assert "by 0" in ng.find_nonfinite(ng.gradient(y, [x])).cause


def test_float32_has_its_own_largest_number():
    found = ng.find_nonfinite(ng.exp(ng.input("x", np.float32([50.0, 100.0]))))
    assert found.index == (1,) and found.cause == "overflow: exp of 100"
    big = ng.input("b", np.float32([1e30]))
    assert "3.4e+38, the largest number of float32" in ng.find_nonfinite(ng.dot(big, big)).cause


def test_other_values_for_one_search():
    x = ng.input("x", shape=(2,))
    with pytest.raises(MissingValue, match="find_nonfinite computes values"):
        ng.find_nonfinite(ng.log(x))
    assert ng.find_nonfinite(ng.log(x), {x: [1.0, 2.0]}) is None
    assert ng.find_nonfinite(ng.log(x), {x: [1.0, 0.0]}).index == (1,)
