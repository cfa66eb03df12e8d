"""ng.compile: values, atomic updates, other batch sizes, dtypes, and what it refuses."""

import gc
import threading
import weakref

import nngraph as ng
import numpy as np
import pytest
from nngraph.autograd.errors import DtypeError, GradientError, MissingValue, ParameterError, ShapeError


@pytest.fixture
def fit():
    """A layer with named batch size N (built with 4), its loss and its gradients."""
    n = ng.Size("N", 4)
    x, t = ng.input("x", shape=(n, 3)), ng.input("t", shape=(n, 2))
    w, b = ng.parameter("w", np.full((3, 2), 0.1)), ng.parameter("b", np.zeros(2))
    loss = ng.mean(ng.sum(ng.square(x @ w + b - t), axis=1))
    return x, t, w, b, loss


def test_outputs_come_as_they_were_asked_for():
    x = ng.input("x", shape=(2,))
    one = ng.compile(x * x, [x])
    np.testing.assert_array_equal(one([1.0, 2.0]), [1.0, 4.0])
    assert isinstance(ng.compile([x * x], x)([1.0, 2.0]), tuple)
    assert ng.compile([], [x])([1.0, 2.0]) == ()
    a, b = ng.compile([x, 2.0], inputs=[x])(x=[1.0, 2.0])
    np.testing.assert_array_equal(a, [1.0, 2.0])
    assert float(b) == 2.0


def test_outputs_are_read_only_and_not_overwritten_later():
    x = ng.input("x", shape=(2,))
    f = ng.compile([x * 2.0, x.T], [x])
    given = np.array([1.0, 2.0])
    first, view = f(given)
    f(np.array([5.0, 6.0]))
    np.testing.assert_array_equal(first, [2.0, 4.0])
    with pytest.raises(ValueError, match="read-only"):
        first[0] = 0.0
    with pytest.raises(ValueError, match="read-only"):
        view[0] = 0.0
    given[0] = 7.0  # the caller's own array stays writable


def test_updates_read_old_values_and_apply_together():
    a, b = ng.state("a", 1.0), ng.state("b", 2.0)
    step = ng.compile([a, b], updates={a: b, b: a + b})
    for _ in range(3):
        step()
    assert (float(a.value), float(b.value)) == (5.0, 8.0)
    old_a, old_b = step()
    assert (float(old_a), float(old_b)) == (5.0, 8.0)


def test_training_steps_equal_the_ones_by_hand(fit, rng):
    x, t, w, b, loss = fit
    dw, db = ng.gradient(loss, [w, b])
    step = ng.compile([loss, dw], [x, t], updates={w: w - 0.1 * dw, b: b - 0.1 * db})
    for size in (4, 4, 7, 1, 4):
        data, target, weights, bias = rng.standard_normal((size, 3)), rng.standard_normal((size, 2)), w.value, b.value
        value, slope = step(data, t=target)
        off = data @ weights + bias - target
        assert float(value) == pytest.approx(np.mean(np.sum(off**2, 1)), rel=1e-12)
        np.testing.assert_allclose(slope, 2 * data.T @ off / size, rtol=1e-10, atol=1e-12)
        np.testing.assert_allclose(w.value, weights - 0.1 * slope, rtol=1e-12)
        np.testing.assert_allclose(b.value, bias - 0.2 * off.sum(0) / size, rtol=1e-10, atol=1e-12)
    assert len(step._others) == 2


def test_an_exception_leaves_leaves_untouched(fit):
    x, t, w, b, loss = fit
    spare = ng.input("spare", shape=())
    step = ng.compile(loss, [x, t], updates={w: w * 2.0, b: b + spare})
    before = w.value
    with pytest.raises(MissingValue, match=r"input 'spare'"):
        step(np.ones((4, 3)), np.ones((4, 2)))
    assert w.value is before and not b.value.any()
    with pytest.raises(ShapeError):
        step(np.ones((4, 3)), np.ones((4, 3)))
    assert w.value is before


def test_leaves_are_read_when_called():
    x, w = ng.input("x", 3.0), ng.parameter("w", 2.0)
    f = ng.compile(x * w)
    assert float(f()) == 6.0
    w.value = 5.0
    x.value = 1.0
    assert float(f()) == 5.0


def test_values_of_updated_leaves_are_read_only_copies():
    w = ng.parameter("w", [1.0, 2.0])
    x = ng.input("x", shape=(2,))
    step = ng.compile([], [x], updates={w: x})
    mine = np.array([3.0, 4.0])
    step(mine)
    mine[0] = 9.0
    np.testing.assert_array_equal(w.value, [3.0, 4.0])
    held = w.value
    step(np.array([5.0, 6.0]))
    np.testing.assert_array_equal(held, [3.0, 4.0])
    with pytest.raises(ValueError, match="read-only"):
        w.value[0] = 0.0


def test_nodes_see_what_an_executable_wrote():
    w = ng.parameter("w", 1.0)
    y = w * 10.0
    assert float(y.value) == 10.0
    ng.compile([], updates={w: w + 1.0})()
    assert float(y.value) == 20.0


def test_float32_stays_float32(rng):
    x, w = ng.input("x", shape=(4, 3), dtype=np.float32), ng.parameter("w", np.ones((3, 1), np.float32))
    loss = ng.mean(ng.square(x @ w))
    (slope,) = ng.gradient(loss, [w])
    step = ng.compile([loss, slope], [x], updates={w: w - 0.1 * slope})
    value, gradient = step(rng.standard_normal((4, 3)))
    assert value.dtype == gradient.dtype == w.value.dtype == np.float32


def test_a_counter_drives_new_draws():
    step = ng.state("step", 0)
    noise = ng.uniform((3,), step=step)
    draw = ng.compile(noise, updates={step: step + 1})
    first, second = draw(), draw()
    assert int(step.value) == 2 and not np.array_equal(first, second)
    step.value = 0
    np.testing.assert_array_equal(draw(), first)


def test_whole_numbers_are_accepted_where_floats_are_meant():
    x, k = ng.input("x", shape=(2,)), ng.input("k", shape=(2,), dtype=np.int64)
    f = ng.compile(x * k, [x, k])
    np.testing.assert_array_equal(f([1, 2], [3, 4]), [3.0, 8.0])
    with pytest.raises(DtypeError, match="input 'k'.* was given float64, which does not fit into int64"):
        f([1, 2], [0.5, 1.0])
    with pytest.raises(DtypeError, match="input 'x'.* was given <U1"):
        f(["a", "b"], [1, 2])
    with pytest.raises(DtypeError, match=r"wants numbers, not a node; pass its \.value"):
        f(x, [1, 2])


@pytest.mark.parametrize(
    ("call", "error", "said"),
    [
        (lambda f: f(np.ones((4, 3))), ParameterError, r"takes 2 inputs \(x, t\); got 1"),
        (lambda f: f(np.ones((4, 3)), np.ones((4, 2)), z=1.0), ParameterError, "has no input 'z'"),
        (lambda f: f(np.ones((4, 3)), x=np.ones((4, 3))), ParameterError, "input 'x' was given twice"),
        (lambda f: f(np.ones(4), np.ones((4, 2))), ShapeError, r"input 'x' \(N×3, float64\) was given shape \(4,\): 2 axes are needed"),
        (lambda f: f(np.ones((4, 5)), np.ones((4, 2))), ShapeError, r"input 'x' .* was given shape \(4, 5\): axis 1 is 5, .* built for 3"),
        (lambda f: f(np.ones((5, 3)), np.ones((6, 2))), ShapeError, r"input 't' .*where N is 6; input 'x' says that N is 5"),
    ],
)
def test_errors_name_the_input(fit, call, error, said):
    x, t, *_, loss = fit
    with pytest.raises(error, match=said):
        call(ng.compile(loss, [x, t]))


def test_a_size_without_a_name_does_not_vary():
    x = ng.input("x", shape=(4, 3))
    f = ng.compile(ng.mean(x), [x])
    with pytest.raises(ShapeError, match=r"needs a name: ng\.input\('x', shape=\(ng\.Size\('N', 4\), 3\)\)"):
        f(np.ones((5, 3)))


def test_a_graph_built_for_one_row_is_not_stretched():
    x = ng.input("x", shape=(ng.Size("N", 1), 3))
    f = ng.compile(ng.sum(x, axis=0), [x])
    assert f(np.ones((1, 3))).shape == (3,)
    with pytest.raises(ShapeError, match="cannot be told from one that is repeated; build it with N = 2 or more"):
        f(np.ones((5, 3)))


def test_a_leaf_of_the_same_size_must_be_given_too(fit):
    x, t, *_, loss = fit
    t.value = np.ones((4, 2))
    f = ng.compile(loss, [x])
    with pytest.raises(ShapeError, match="input 't' .* no value of the new size was given for it; list it among the inputs"):
        f(np.ones((5, 3)))


@pytest.mark.parametrize(
    ("build", "error", "said"),
    [
        (lambda x, w: ng.compile(x, [x], engine="abacus"), ParameterError, "there is no engine 'abacus'; there is 'numpy'"),
        (lambda x, w: ng.compile(x, [x * x]), ParameterError, "inputs are leaves"),
        (lambda x, w: ng.compile(x, [ng.constant(1.0)]), ParameterError, "inputs are leaves"),
        (lambda x, w: ng.compile(x, [x, x]), ParameterError, "two inputs are called 'x'"),
        (lambda x, w: ng.compile(x, [x], {x: x * 2.0}), ParameterError, "both given and updated"),
        (lambda x, w: ng.compile(x, [x], {x * x: x}), ParameterError, "updates go to leaves"),
        (lambda x, w: ng.compile(x, [x], {w: ng.sum(w)}), ShapeError, r"update of parameter 'w' .* has shape \(\); it must keep \(2,\)"),
        (lambda x, w: ng.compile(x, [x], {ng.state("n", 0): 0.5}), DtypeError, "holds float64, which does not fit into int64"),
    ],
)
def test_what_cannot_be_compiled(build, error, said):
    with pytest.raises(error, match=said):
        build(ng.input("x", shape=(2,)), ng.parameter("w", [1.0, 2.0]))


def test_two_threads_lose_no_step():
    count = ng.state("count", 0)
    step = ng.compile([], updates={count: count + 1})
    threads = [threading.Thread(target=lambda: [step() for _ in range(500)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert int(count.value) == 2000


def test_an_executable_is_freed_with_its_graph():
    w = ng.parameter("w", 1.0)
    step = ng.compile(w * 2.0, updates={w: w + 1.0})
    step()
    watched = weakref.ref(step)
    del step
    gc.collect()
    assert watched() is None


@pytest.mark.parametrize("part", [lambda x: x * 1, lambda x: x, lambda x: x[::-1], lambda x: ng.reshape(x, (1, 2))])
def test_a_result_never_shares_memory_with_the_callers_array(part):
    x = ng.input("x", shape=(2,))
    given = np.array([1.0, 2.0])
    result = ng.compile(part(x), inputs=[x])(given)
    before = result.copy()
    given[:] = 9.0  # a buffer that is filled anew for the next batch
    np.testing.assert_array_equal(result, before)


def test_given_whole_numbers_are_refused_where_they_would_wrap():
    i = ng.input("i", np.array([0], np.int8))
    run = ng.compile(i + i, inputs=[i])
    assert run([60]).tolist() == [120]
    with pytest.raises(DtypeError, match="300 does not fit"):
        run([300])


def test_a_program_that_draws_the_same_numbers_in_every_call_says_so():
    x, w = ng.input("x", shape=(50,)), ng.parameter("w", np.ones(50))
    loss = ng.sum(ng.dropout(x * w))
    with pytest.warns(UserWarning, match=r"ng\.state\('step', 0\)") as caught:
        ng.compile(loss, [x], {w: w - ng.gradient(loss, [w])[0]})
    assert len(caught) == 1 and caught[0].filename == __file__
    step = ng.state("step", 0)
    loss = ng.sum(ng.dropout(x * w, step=step))
    run = ng.compile(loss, [x], {step: step + 1})
    assert float(run(np.ones(50))) != float(run(np.ones(50)))
    with pytest.raises(DtypeError, match=r"ng\.state\('step', 0\)"):
        ng.dropout(x, step=ng.parameter("step", 0))


def test_an_array_of_a_wrong_shape_is_told_what_fits(fit):
    x, t, _, _, loss = fit
    run = ng.compile(loss, [x, t])
    with pytest.raises(ShapeError, match=r"input 'x' .* axis 1 is 5, .* give it the transpose, array\.T"):
        run(np.ones((3, 5)), np.ones((5, 2)))
    with pytest.raises(ShapeError, match=r"axis 1 is 4, the graph was built for 3\. A row must have as many") as caught:
        run(np.ones((5, 4)), np.ones((5, 2)))
    assert "ng.Size" not in str(caught.value)


def test_updates_and_gradients_in_the_wrong_form_are_told_the_right_one(fit):
    x, t, w, b, loss = fit
    with pytest.raises(ParameterError, match=r"updates=\{w: w - 0\.1 \* g\}.*; not a list"):
        ng.compile(loss, [x, t], updates=[(w, w)])
    with pytest.raises(GradientError, match=r"\(g,\) = ng\.gradient\(loss, \[w\]\)"):
        w - 0.1 * ng.gradient(loss, [w])
    with pytest.raises(GradientError, match="for w, g in zip"):
        -ng.gradient(loss, [w, b])


def test_a_wrong_number_of_threads_is_refused_at_once(fit, monkeypatch):
    x, t, _, _, loss = fit
    for wrong in ("abc", "0"):
        monkeypatch.setenv("NNGRAPH_THREADS", wrong)
        with pytest.raises(ParameterError, match="must be a whole number from 1 up"):
            ng.compile(loss, [x, t])
