"""Nets as circles: numbers on them, softmax after them, one neuron, a recurrence."""

from __future__ import annotations

import nngraph as ng
import numpy as np
from nngraph.viz.measure import width
from nngraph.viz.shapes import Text, all_text, pieces


def net(*sizes):
    """A net of scalar weights, all values known, and its weights."""
    rng = np.random.default_rng(3)
    layer = [ng.input(f"x{k + 1}", 0.5 + k) for k in range(sizes[0])]
    weights = []
    for depth, size in enumerate(sizes[1:], 1):
        layer = [
            ng.sigmoid(sum((w := ng.parameter(f"w{depth}{j + 1}{k + 1}", rng.normal()), weights.append(w))[0] * source
                           for j, source in enumerate(layer)))
            for k in range(size)
        ]  # fmt: skip
    return ng.square(layer[0] - ng.input("z", 1.0)), weights


def by_label(drawing):
    return {arrow.label: arrow for arrow in drawing.arrows if arrow.label}


def test_values_at_the_circles_gradients_under_the_weights():
    E, weights = net(2, 2, 1)
    drawing = ng.draw(E, view="neurons", highlight=weights[0])
    arrows = by_label(drawing)
    for weight, gradient in zip(weights, ng.gradient(E, weights), strict=True):
        arrow = arrows[weight.name]
        assert float(arrow.value.replace("−", "-")) == float(f"{weight.value:.4g}")
        assert float(arrow.gradient.replace("−", "-")) == float(f"{gradient.value:.4g}")
    above = {box.lines[0]: box.above for box in drawing.boxes}
    assert above["x1"] == "0.5"
    assert above["E"] == f"{E.value:.4g}"
    assert [kind for kind, _ in drawing.legend] == ["value", "gradient", "arrow-highlight"]
    # The 0 with which Python's sum begins is no bias, and a neuron has all its terms.
    assert [box.detail for box in drawing.boxes] == [""] * 6
    plain = ng.draw(E, view="neurons", hide="values")
    assert not any(arrow.value or arrow.gradient for arrow in plain.arrows)
    assert "w₁₁₁ = " not in plain.svg()


def test_no_numbers_where_a_value_is_missing():
    w, x = ng.parameter("w", 2.0), ng.input("x")
    drawing = ng.draw(ng.square(ng.sigmoid(w * x)), view="neurons")
    assert not any(arrow.value or arrow.gradient for arrow in drawing.arrows)
    assert "–" not in all_text(drawing)


def test_texts_keep_clear_of_each_other_and_none_is_left_out():
    for sizes in ((2, 2, 1), (2, 3, 2, 1), (3, 3, 1)):
        drawing = ng.draw(net(*sizes)[0], view="neurons")
        assert all(route.label for arrow, route in zip(drawing.arrows, drawing.placed.routes, strict=True) if arrow.label)
        texts = [shape for piece in pieces(drawing) for shape in piece.shapes if isinstance(shape, Text)]
        frames = []
        for text in texts:
            left = text.x - (width(text.text, text.size) / 2 if text.anchor == "middle" else 0)
            frames.append((left, text.y - text.size * 0.75, left + width(text.text, text.size), text.y, text.text))
        for k, (left, top, right, bottom, _) in enumerate(frames):
            for other_left, other_top, other_right, other_bottom, said in frames[:k]:
                apart = left >= other_right - 0.5 or other_left >= right - 0.5 or top >= other_bottom or other_top >= bottom
                assert apart, (sizes, frames[k][4], said)


def test_softmax_stands_between_the_outputs_and_the_loss():
    X, T = ng.input("X", np.ones((4, 3))), ng.input("T", np.eye(2)[[0, 1, 0, 1]])
    W, b = ng.parameter("W", np.ones((3, 2))), ng.parameter("b", np.zeros(2))
    drawing = ng.draw(ng.softmax_loss(X @ W + b, T), view="neurons", highlight=W)
    columns = {}
    for box in drawing.boxes:
        columns.setdefault(box.place[0], []).append(box.lines[0])
    assert columns == {0.0: ["X₁", "X₂", "X₃"], 1.0: ["Σ", "Σ"], 2.0: ["softmax"], 3.0: ["L"]}
    softmax = next(box for box in drawing.boxes if box.lines == ("softmax",))
    assert sum(arrow.target == softmax.id for arrow in drawing.arrows) == 2
    assert all(arrow.highlighted for arrow in drawing.arrows)


def test_a_vector_of_weights_is_one_neuron():
    X = ng.input("X", np.ones((4, 3)))
    w, b = ng.parameter("w", [1.0, 2.0, 3.0]), ng.parameter("b", 0.0)
    for y in (ng.sigmoid(X @ w + b), ng.sigmoid(w @ X[0] + b)):
        drawing = ng.draw(y, view="neurons")
        assert [box.lines[0] for box in drawing.boxes if box.kind == "neuron"] == ["σ"]
        assert [arrow.label for arrow in drawing.arrows] == ["w₁", "w₂", "w₃"]
        assert drawing.arrows[2].note == "w₃ = 3"


def test_the_number_on_an_arrow_is_that_of_its_weight():
    values = np.arange(6.0).reshape(2, 3)
    x = ng.input("x", np.ones(3))
    turned = ng.draw(ng.parameter("W", values) @ x, view="neurons")
    assert by_label(turned)["W₁₃"].note == "W₁₃ = 2"
    plain = ng.draw(ng.input("x", np.ones(2)) @ ng.parameter("W", values), view="neurons")
    assert by_label(plain)["W₁₃"].note == "W₁₃ = 2"
    (third,) = (arrow for arrow in plain.arrows if arrow.label == "W₁₃")
    assert (third.source, third.target) == ("c0-0", "c1-2")


def test_whatever_is_marked_shows():
    w, x, b, z = ng.parameter("w", 2.0), ng.input("x", -1.0), ng.parameter("b", 0.5), ng.input("z", 1.0)
    E = ng.square(ng.sigmoid(w * x + b) - z)
    marked = {leaf.name: ng.draw(E, view="neurons", highlight=leaf) for leaf in (w, x, b, z)}
    lit = {name: [arrow.highlighted for arrow in drawing.arrows] for name, drawing in marked.items()}
    assert lit == {"w": [True, True], "x": [True, True], "b": [False, True], "z": [False, False]}
    circles = {name: [box.lines[0] for box in drawing.boxes if box.highlighted] for name, drawing in marked.items()}
    assert circles == {"w": ["σ", "E"], "x": ["σ", "E"], "b": ["σ", "E"], "z": ["E"]}
    X, W, c = ng.input("X", np.ones((4, 3))), ng.parameter("W", np.ones((3, 2))), ng.parameter("c", np.zeros(2))
    drawing = ng.draw(ng.sum(ng.square(X @ W + c)), view="neurons", highlight=c)
    assert [arrow.highlighted for arrow in drawing.arrows] == [False] * 6 + [True] * 2


def recurrence(make):
    h, w, u = make("h0", 0.1), make("w", 0.5), make("u", 0.3)
    for t in (1, 2, 3):
        h = ng.sigmoid(w * h + u * make(f"x{t}", 1.0))
    return ng.square(h - 1.0), w


def test_a_recurrence_is_drawn_step_after_step(measures):
    for make in (ng.input, lambda name, value: (ng.parameter if name in ("w", "u") else ng.input)(name, value)):
        E, w = recurrence(make)
        drawing = ng.draw(E, view="neurons", highlight=w)
        places = {box.lines[0]: box.place[0] for box in drawing.boxes if box.kind == "neuron-input"}
        assert places == {"h0": 0.0, "x1": 0.0, "x2": 1.0, "x3": 2.0}
        assert sorted(arrow.label for arrow in drawing.arrows if arrow.label) == ["u"] * 3 + ["w"] * 3
        assert measures.through_foreign(drawing) == []
        (gradient,) = ng.gradient(E, [w])
        said = f"∂E/∂w = {gradient.value:.4g}".replace("-", "−")
        assert drawing.notes[0] == f"{said} is the sum over the 3 arrows of w."
        assert not any(arrow.gradient for arrow in drawing.arrows)


def test_a_threshold_that_is_taken_off_and_a_bias_that_is_a_number():
    x1, x2 = ng.input("x1", 1.0), ng.input("x2", 0.0)
    w = [ng.parameter(f"w{k}", value) for k, value in enumerate([1.0, 1.0, -1.0, -1.0, 1.0, 1.0], 1)]
    threshold = ng.parameter("θ", 0.5)
    either = ng.step(w[0] * x1 + w[1] * x2 - threshold)
    not_both = ng.step(w[2] * x1 + w[3] * x2 + 1.5)
    y = ng.step(w[4] * either + w[5] * not_both - 1.5)
    drawing = ng.draw(y, view="neurons")
    circles = [box for box in drawing.boxes if box.kind == "neuron"]
    assert [(box.lines, box.detail) for box in circles] == [(("step",), "−θ"), (("step",), "+1.5"), (("step",), "−1.5")]
    assert sum(box.kind == "neuron-input" for box in drawing.boxes) == 2
    # Taken off without an activation behind it, a number is a target.
    loss = ng.draw(ng.square(w[0] * x1 + w[1] * x2 - 3.0), view="neurons")
    assert [box.detail for box in loss.boxes if box.kind == "neuron"] == [""]
