"""scan: against the same loop written out, to third order; nesting, capturing, freeing, errors."""

import gc
import weakref

import nngraph as ng
import numpy as np
import pytest
from nngraph.autograd.errors import DtypeError, ParameterError, ShapeError

STEPS = 4


@pytest.fixture
def leaves(rng):
    return {
        "x": ng.input("x", rng.normal(size=(STEPS, 2))), "u": ng.parameter("U", rng.normal(size=(2, 3))), "w": ng.parameter("W", 0.5 * rng.normal(size=(3, 3))),
        "b": ng.parameter("b", rng.normal(size=3)), "h": ng.input("h", rng.normal(size=3)),
    }  # fmt: skip


def recurrent(leaves):
    """One step of a recurrent layer, with a whole number in its carry."""

    def step(carry, x):
        h, count = carry
        h = ng.tanh(x @ leaves["u"] + h @ leaves["w"] + leaves["b"])
        return (h, count + 1), [h, h * ng.cast(count, "float64")]

    return step


def written_out(leaves, reverse):
    step, carry, outputs = recurrent(leaves), (leaves["h"], ng.constant(0)), {}
    for t in reversed(range(STEPS)) if reverse else range(STEPS):
        carry, outputs[t] = step(carry, leaves["x"][t])
    return carry[0], *(ng.stack([outputs[t][at] for t in range(STEPS)]) for at in range(2))


@pytest.mark.parametrize("reverse", [False, True])
def test_a_scan_is_the_loop_written_out_to_third_order(leaves, rng, reverse):
    (last, count), (hs, weighed) = ng.scan(recurrent(leaves), (leaves["h"], 0), leaves["x"], reverse=reverse)
    assert count.value == STEPS
    assert hs.shape == (STEPS, 3)
    wrt = list(leaves.values())
    weights = [rng.normal(size=node.shape) for node in (last, hs, weighed)]
    projections = [[rng.normal(size=leaf.shape) for leaf in wrt] for _ in range(2)]
    results = []
    for nodes in ((last, hs, weighed), written_out(leaves, reverse)):
        values = [node.value for node in nodes]
        y = ng.sum(nodes[0] * weights[0]) + ng.sum(ng.square(nodes[1]) * weights[1]) + ng.sum(nodes[2] * weights[2])
        gradients = ng.gradient(y, wrt)
        values += [g.value for g in gradients]
        for projection in projections:
            y = sum(ng.sum(g * weight) for g, weight in zip(gradients, projection, strict=True))
            gradients = ng.gradient(y, wrt)
            values += [g.value for g in gradients]
        results.append(values)
    for looped, plain in zip(*results, strict=True):
        np.testing.assert_allclose(looped, plain, rtol=1e-9, atol=1e-11)


def test_the_loop_is_one_node_however_long():
    sizes = set()
    for steps in (2, 200):
        x = ng.input("x", np.linspace(0, 1, steps))
        last, _ = ng.scan(lambda total, piece: (total + ng.sin(piece), None), 0.0, x)
        (slope,) = ng.gradient(last, [x])
        np.testing.assert_allclose(slope.value, np.cos(x.value))
        sizes.add((len(last.graph), len(slope.graph)))
    assert len(sizes) == 1


def test_the_lecture_recurrence():
    x = ng.input("x", [[1.0, 1.0], [1.0, 1.0], [2.0, 2.0]])
    u = w = v = ng.constant(np.ones((2, 2)))

    def step(s, x):
        s = x @ u + s @ w
        return s, s @ v

    _, outputs = ng.scan(step, [0.0, 0.0], x)
    assert outputs.value.tolist() == [[4, 4], [12, 12], [32, 32]]


def test_a_scan_in_a_scan(gradients_agree, rng):
    def product_of_rows(a, x):
        def row(total, piece):
            return total * ng.sum(ng.sin(piece * a)), None

        def matrix(total, rows):
            last, _ = ng.scan(row, total, rows)
            return last + 1.0, last

        return ng.scan(matrix, 1.0, x)[1]

    gradients_agree(product_of_rows, np.array(0.7), rng.normal(size=(2, 3, 2)))


def test_what_does_not_change_is_computed_outside():
    a = ng.parameter("a", 2.0)
    last, _ = ng.scan(lambda c, _: (c + ng.exp(a), None), 0.0, length=3)
    body = last.inputs[0].params["body"]
    assert [node.op.name for node in body.nodes if node.op is not None] == ["add"]
    assert float(ng.gradient(last, [a])[0].value) == pytest.approx(3 * np.exp(2))


def test_lengths_zero_and_given():
    assert float(ng.scan(lambda c, _: (c * 2.0, c), 1.0, length=5)[0].value) == 32
    last, ys = ng.scan(lambda c, x: (c + x, c), 1.0, np.zeros(0))
    assert float(last.value) == 1
    assert ys.value.shape == (0,)
    start = ng.input("c", 1.0)
    (slope,) = ng.gradient(ng.scan(lambda c, _: (c * 3.0, None), start, length=0)[0], [start])
    assert float(slope.value) == 1


def test_unrolled_it_is_the_same(leaves):
    (last, _), _ = ng.scan(recurrent(leaves), (leaves["h"], 0), leaves["x"], reverse=True)
    node = last.inputs[0]
    for plain, looped in zip(ng.unroll(node), node.value, strict=True):
        np.testing.assert_allclose(plain.value, looped)
    with pytest.raises(ParameterError, match="not a scan"):
        ng.unroll(leaves["x"])


def test_random_numbers_by_a_step_in_the_carry():
    def walk(carry, _):
        place, step = carry
        place = place + ng.normal((), step=step, name="walk")
        return (place, step + 1), place

    _, places = ng.scan(walk, (0.0, 0), length=6)
    steps = np.diff(places.value, prepend=0.0)
    assert len(set(steps.tolist())) == 6


def test_single_precision_stays_single(rng):
    x = ng.input("x", rng.normal(size=(3, 2)).astype(np.float32))
    a = ng.parameter("a", np.float32(0.5))
    last, ys = ng.scan(lambda c, x: (c * a + ng.sum(x), c), np.float32(1), x)
    for node in (last, ys, *ng.gradient(ng.sum(ys) + last, [a, x])):
        assert node.dtype == node.value.dtype == np.float32


def test_a_body_is_freed_with_its_node():
    gc.disable()
    try:
        x = ng.input("x", [1.0, 2.0])
        last, _ = ng.scan(lambda c, x: (c * x, None), 1.0, x)
        (slope,) = ng.gradient(last, [x])
        assert slope.value.tolist() == [2, 1]
        body = weakref.ref(last.inputs[0].params["body"])
        del last, slope
        assert body() is None
    finally:
        gc.enable()


def test_errors_say_what_to_do():
    with pytest.raises(DtypeError, match=r"starts as int64 and f gives float64.*0\.0 instead of 0"):
        ng.scan(lambda c, x: (c + 0.5, None), 0, length=2)
    with pytest.raises(ShapeError, match=r"starts as \(\) and f gives \(2,\)"):
        ng.scan(lambda c, x: (c * [1.0, 2.0], None), 0.0, length=2)
    with pytest.raises(ParameterError, match="must give a pair"):
        ng.scan(lambda c, x: c, 0.0, length=2)
    with pytest.raises(ParameterError, match="nested otherwise"):
        ng.scan(lambda c, x: ((c, c), None), 0.0, length=2)
    with pytest.raises(ParameterError, match="give xs, or length"):
        ng.scan(lambda c, x: (c, None), 0.0)
    with pytest.raises(ShapeError, match="has 3 pieces for 2 steps"):
        ng.scan(lambda c, x: (c, None), 0.0, np.ones(3), length=2)
    with pytest.raises(ShapeError, match="single number"):
        ng.scan(lambda c, x: (c, None), 0.0, 1.0)
