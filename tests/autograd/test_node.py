"""Nodes: what they say of themselves, where they were built, what they refuse, and that they are freed."""

import copy
import gc
import math
import sys
import threading
import traceback
import tracemalloc
import weakref
from pathlib import Path

import nngraph as ng
import numpy as np
import pytest
from nngraph.autograd.errors import DtypeError, MissingValue, ParameterError, ShapeError
from nngraph.autograd.node import describe, on_behalf
from nngraph.autograd.sites import source_line


@pytest.fixture
def x():
    return ng.input("x", [[1.0, 2.0], [3.0, 4.0]])


def test_a_node_says_its_shape_size_and_dtype(x):
    y = x @ x.T
    assert (y.shape, y.ndim, y.size, y.dtype, len(y)) == ((2, 2), 2, 4, np.float64, 2)
    assert repr(ng.square(x)) == "<square (2×2, float64)>"
    with pytest.raises(ShapeError, match="no length"):
        len(ng.sum(x))


def test_names_come_from_name_then_from_the_variable(x):
    hidden = x * x
    assert hidden.name == "hidden"
    assert ng.square(x).name is None
    assert ng.input("given", 1.0).name == "given"

    class Model:
        pass

    model = Model()
    model.layer = ng.exp(x)
    assert model.layer.name == "layer"


def test_numbers_and_gradients_take_no_name_from_the_variable(x):
    y = 2.0 * x
    assert y.name == "y" and y.inputs[0].name is None
    loss = ng.sum(y)
    slope = ng.gradient(loss, [x])
    assert slope[0].name is None


def test_the_line_is_where_the_user_wrote_it(x):
    y = x * 2.0
    (slope,) = ng.gradient(ng.sum(ng.square(y)), [x])
    here = source_line(y)[1]
    assert source_line(y)[0] == __file__
    assert source_line(y.inputs[1]) == (__file__, here)
    assert source_line(slope) == (__file__, here + 1)


def test_nodes_built_on_behalf_of_a_line_belong_to_it(x):
    with on_behalf():
        a = ng.exp(x)
    with on_behalf(), on_behalf():
        b = ng.exp(x)
    assert a.name is None and b.name is None
    assert source_line(a)[0] == __file__ and source_line(b)[1] == source_line(a)[1] + 2


def test_scopes_nest_and_close():
    with ng.scope("encoder"), ng.scope("layer1"):
        y = ng.input("x", 1.0) * 2.0
    assert y.scope == "encoder/layer1" and (y * y).scope == ""
    assert "encoder/layer1" in describe(y)


def test_truth_and_attributes_are_refused(x):
    with pytest.raises(DtypeError, match=r"neither true nor false; use ng\.where"):
        bool(x > 0)
    with pytest.raises(AttributeError, match="no attribute 'shap'"):
        _ = x.shap


def test_equality_is_identity(x):
    assert x == x and x != ng.input("x", [[1.0, 2.0], [3.0, 4.0]])
    assert len({x, x, -x}) == 2


@pytest.mark.parametrize(
    ("build", "error", "said"),
    [
        (lambda x: x @ ng.input("W", np.ones((3, 2))), ShapeError, r"matmul in mlp: \(2, 2\) @ \(3, 2\): inner sizes 2 and 3 differ"),
        (lambda x: ng.input("A", np.ones((2, 3))) @ ng.input("W", np.ones((4, 3))), ShapeError, r"did you mean W\.T\?"),
        (lambda x: x + ng.input("b", np.ones(3)), ShapeError, r"add in mlp: shapes x \(2, 2\) and b \(3,\) do not broadcast: axis -1 has 2 and 3"),
        (lambda x: ng.input("A", np.ones((2, 3))) - ng.input("B", np.ones((3, 2))), ShapeError, r"transpose one of them \(\.T\)"),
        (lambda x: ng.input("A", np.ones((2, 3))) * ng.input("r", np.ones(2)), ShapeError, r"did you mean r\[:, None\]"),
        (lambda x: ng.sum(x, axis=2), ParameterError, r"there is no axis 2: axes run from 0 to 1"),
        (lambda x: ng.sum(x, axes=1), ParameterError, r"sum\(x, axis=None, keepdims=False\) has no setting 'axes'"),
        (lambda x: ng.square(), ParameterError, r"square\(x\) needs x"),
        (lambda x: ng.square(x, x, x), ParameterError, r"takes 1 input; got 3 arguments"),
        (lambda x: x + "text", DtypeError, "takes numbers; got <U4"),
    ],
)
def test_errors_say_op_shapes_and_remedy_at_the_users_line(x, build, error, said):
    with ng.scope("mlp"), pytest.raises(error, match=said) as caught:
        build(x)
    ours = Path(ng.__file__).parent / "autograd"
    users = [frame for frame in traceback.extract_tb(caught.tb) if not Path(frame.filename).is_relative_to(ours)]
    assert users[-1].filename == __file__ and users[-1].name == "<lambda>"


def test_an_error_names_the_scope(x):
    with ng.scope("encoder"), ng.scope("layer2"), pytest.raises(ShapeError, match="add in encoder/layer2: shapes"):
        x + np.ones(3)


def test_values_are_read_only_and_cached(x):
    y = ng.exp(x)
    assert y.value is y.value
    with pytest.raises(ValueError, match="read-only"):
        y.value[0, 0] = 1.0
    with pytest.raises(ValueError, match="read-only"):
        x.value[0, 0] = 1.0
    first = y.value
    x.value = np.zeros((2, 2))
    np.testing.assert_array_equal(y.value, np.ones((2, 2)))
    np.testing.assert_array_equal(first, np.exp([[1.0, 2.0], [3.0, 4.0]]))


def test_only_what_depends_on_a_leaf_is_computed_again(x):
    other = ng.input("other", 1.0)
    y = ng.exp(x)
    before = y.value
    other.value = 2.0
    assert y.value is before


def test_a_missing_value_names_all_leaves():
    a, b, c = ng.input("a", shape=(2,)), ng.input("b", shape=(2,)), ng.input("c", [1.0, 2.0])
    with pytest.raises(MissingValue, match=r"input 'a' \(2, float64\), input 'b' \(2, float64\); set a\.value = "):
        _ = (a * b + c).value
    with pytest.raises(MissingValue, match=r"input 'a'.*set a\.value"):
        _ = a.value


def test_no_cycle_ties_nodes_and_gradients_together():
    gc.disable()
    try:
        x = ng.parameter("x", [1.0, 2.0])
        loss = ng.sum(ng.sin(x) * x)
        _ = loss.value
        slopes = ng.gradient(loss, [x])
        _ = slopes[0].value
        loss.backward()
        short = ng.simplify(slopes[0])
        step = ng.compile(loss, updates={x: x - slopes[0]})
        step()
        watched = [weakref.ref(node) for node in (loss, slopes[0], short, x)]
        del x, loss, slopes, short, step
        assert [each() for each in watched] == [None] * 4
    finally:
        gc.enable()


def test_memory_is_flat_over_many_builds():
    x, w = ng.input("x", np.ones((3, 2))), ng.parameter("w", np.ones((2, 2)))

    def round_trip():
        loss = ng.sum(ng.square(ng.tanh(x @ w)))
        (slope,) = ng.gradient(loss, [w])
        return float(slope.value[0, 0])

    for _ in range(200):
        round_trip()
    gc.collect()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for _ in range(1000):
            round_trip()
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < 50_000  # bytes; one round builds about 10 000, a thousand of them 10 000 000


def test_ten_thousand_rounds_leave_no_object_behind():
    x = ng.input("x", [1.0, 2.0])
    for _ in range(100):
        ng.gradient(ng.sum(x * x), [x])
    gc.collect()
    before = len(gc.get_objects())
    for _ in range(10_000):
        ng.gradient(ng.sum(x * x), [x])
    assert len(gc.get_objects()) - before < 50


def test_two_threads_may_evaluate_one_node():
    x = ng.input("x", 1.0)
    y = x
    for _ in range(200):
        y = ng.sin(y) + x
    expected = {}
    for value in (0.25, 1.0):
        x.value = value
        expected[value] = float(y.value)
    errors = []

    def read():
        for _ in range(300):
            found = float(y.value)
            if found not in expected.values():
                errors.append(found)

    def write():
        for i in range(300):
            x.value = (0.25, 1.0)[i % 2]

    threads = [threading.Thread(target=each) for each in (read, read, write)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    x.value = 0.25
    assert float(y.value) == expected[0.25]


@pytest.mark.parametrize(
    "dtype, value, said",
    [
        (np.int8, [300, 2], "holds int8, -128 to 127; 300 does not fit"),
        (np.uint8, [-1, 2], "-1 does not fit"),
        (np.uint8, [256.0, 2.0], "256.0 does not fit"),
        (np.int64, [2.0**63, 0.0], "does not fit"),
        (np.int64, [np.nan, 1.0], "nan does not fit"),
        (np.int64, [np.inf, 1.0], "inf does not fit"),
        (np.int64, [1.5, 1.0], "would lose the fractions"),
        (bool, [5, 0], "5 does not fit"),
        (np.int64, ["a", "b"], "takes numbers"),
    ],
)
def test_whole_numbers_that_do_not_fit_are_refused_not_wrapped(dtype, value, said):
    leaf = ng.input("i", np.array([0, 1], dtype))
    with pytest.raises(DtypeError, match=said):
        leaf.value = value
    np.testing.assert_array_equal(leaf.value, np.array([0, 1], dtype))


def test_whole_numbers_that_fit_are_taken_in_any_dtype():
    small, flag = ng.input("small", np.array([0, 1], np.int8)), ng.input("flag", np.array([True, False]))
    small.value = np.array([127.0, -128.0])
    flag.value = [0, 1]
    assert small.value.tolist() == [127, -128] and small.dtype == np.int8
    assert flag.value.tolist() == [False, True] and flag.dtype == bool
    with pytest.raises(DtypeError, match="300 does not fit into int8"):
        small * 300
    with pytest.raises(DtypeError, match="does not fit into float64"):
        ng.input("x", 1.0) * 10**400


def test_a_number_is_not_made_of_a_node_behind_the_users_back(x):
    with pytest.raises(DtypeError, match=r"not a number; for its number write float\(node\.value\)"):
        math.exp(ng.sum(x))


def test_a_deep_copy_has_leaves_of_its_own_and_the_same_ops():
    w, x = ng.parameter("w", [1.0, 2.0]), ng.input("x", [3.0, 4.0])
    with ng.scope("net"):
        y = ng.sum(ng.sigmoid(w * x) * np.array([1.0, 2.0]))
    before = y.value
    other, leaf = copy.deepcopy((y, w))
    assert other.op is y.op and other.scope == "net" and leaf is not w and leaf in other.graph.inputs
    leaf.value = [5.0, 6.0]
    assert y.value == before != other.value
    other.backward()
    assert w.grad is None and leaf.grad is not None
    assert ng.explain(other, wrt=[leaf]).ok


def test_a_deep_copy_of_a_long_chain_does_not_recurse():
    w = ng.parameter("w", 1.0)
    y = w
    for _ in range(5000):
        y = ng.sin(y)
    assert copy.deepcopy(y).value == y.value


def test_threads_that_set_leaves_never_leave_a_stale_value():
    v, w = ng.parameter("v", 0.0), ng.parameter("w", 0.0)
    difference = v - w
    step = ng.compile((), updates={v: v + 1, w: w + 1})
    torn: list[float] = []

    def read():
        for _ in range(2000):
            if difference.value != 0:
                torn.append(float(difference.value))

    threads = [threading.Thread(target=read), *[threading.Thread(target=lambda: [step() for _ in range(500)]) for _ in range(2)]]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert not torn
    assert v.value == w.value == 1000


def test_comparing_a_node_with_a_number_is_refused():
    x, other = ng.input("x", [1.0, 2.0]), ng.input("x", [1.0, 2.0])
    assert x == x and x != other and x != None and x != "x"  # noqa: E711
    for number in (0, 1.5, True, np.float64(1), np.array([1.0])):
        with pytest.raises(DtypeError, match=r"ng\.equal\(a, b\)"):
            x == number  # noqa: B015
        with pytest.raises(DtypeError, match=r"ng\.equal\(a, b\)"):
            x != number  # noqa: B015
    with pytest.raises(DtypeError):
        0 in [x]  # noqa: B015


def test_the_length_of_an_axis_with_a_name_is_asked_of_the_shape():
    x = ng.input("x", shape=(ng.Size("N", 4), 2))
    with pytest.raises(ShapeError, match=r"write x\.shape\[0\]"):
        len(x)
    assert len(x[0]) == 2 and x.shape[0].text == "N"
    first, *rest = ng.input("y", [1.0, 2.0, 3.0])
    assert float(first.value) == 1.0 and len(rest) == 2


@pytest.mark.parametrize("use", [float, int, complex, "{:.3f}".format, copy.copy])
def test_a_node_is_no_number(use):
    with pytest.raises(DtypeError, match=r"\.value"):
        use(ng.input("x", 1.0) * 2)
    assert f"{ng.input('x', 1.0) * 2}" == "<mul (scalar, float64)>"


def test_a_node_is_not_pickled():
    import pickle

    with pytest.raises(TypeError, match=r"save the values of its leaves \(\.value\)"):
        pickle.dumps(ng.parameter("w", 1.0))
