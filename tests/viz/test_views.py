"""From a graph to a Drawing: what each view shows, what it folds, what it says."""

from __future__ import annotations

import sys

import nngraph as ng
import numpy as np
import pytest
from nngraph.viz import Drawing, DrawingError
from nngraph.viz.fold import folding, structure
from nngraph.viz.labels_of import number, order_matters

VALUES = {"x1": 1.0, "x2": 0.5, "w1": 0.2, "w2": -0.3, "w3": 0.4, "w4": 0.1, "w5": 0.6, "w6": -0.5, "z": 1.0}


def net221():
    """The 2-2-1 net of the lectures and its leaves."""
    leaf = {name: (ng.parameter if name[0] == "w" else ng.input)(name, value) for name, value in VALUES.items()}
    with ng.scope("hidden"):
        f1 = ng.sigmoid(leaf["w1"] * leaf["x1"] + leaf["w3"] * leaf["x2"])
        f2 = ng.sigmoid(leaf["w2"] * leaf["x1"] + leaf["w4"] * leaf["x2"])
    with ng.scope("output"):
        y = ng.sigmoid(leaf["w5"] * f1 + leaf["w6"] * f2)
    return ng.square(y - leaf["z"]), leaf


def deep(layers=12):
    """A tower of equal layers."""
    x = ng.input("X", np.ones((4, 8)))
    h = x
    with ng.scope("encoder"):
        for k in range(layers):
            with ng.scope(f"layer{k + 1}"):
                h = ng.relu(h @ ng.parameter("W", np.eye(8)) + ng.parameter("b", np.zeros(8)))
    return ng.sum(ng.square(h))


def labels(drawing: Drawing) -> list[str]:
    return [" ".join(box.lines) for box in drawing.boxes]


def by_label(drawing: Drawing, label: str):
    return next(box for box in drawing.boxes if " ".join(box.lines) == label)


@pytest.mark.parametrize("view", ["forward", "backward", "both", "mirror", "values", "neurons"])
def test_every_view_is_drawn_clean(view, measures):
    drawing = ng.draw(net221()[0], view=view)
    assert all(any(line.strip() for line in box.lines) for box in drawing.boxes)
    assert measures.overlapping(drawing) == []
    assert measures.through_foreign(drawing) == []
    assert drawing.svg()
    assert drawing.png(0.5)


def test_smallest_graph():
    drawing = ng.draw(ng.constant(2) + ng.constant(3), view="forward")
    assert labels(drawing) == ["2", "3", "+"]
    a, b, c = (ng.parameter(name, value) for name, value in zip("abc", (2.0, 3.0, 4.0), strict=True))
    drawing = ng.draw(a * b + c, view="values")
    below = {box.lines[0]: box.below.split(" = ")[1] for box in drawing.boxes}
    assert below == {"a": "3", "b": "2", "c": "1", "×": "1", "+": "1"}
    assert by_label(drawing, "+").above.endswith("= 10")


def test_values_stand_above_and_gradients_below():
    E, leaf = net221()
    drawing = ng.draw(E, view="values")
    box = by_label(drawing, "w1")
    gradient = ng.gradient(E, [leaf["w1"]])[0].value
    assert box.above == "w1 = 0.2"
    assert box.below.endswith(f"/∂w1 = {number(gradient)}")
    assert box.below.endswith("−0.03335")


def test_a_missing_value_is_a_dash_never_zero():
    x, w = ng.input("x"), ng.parameter("w", 2.0)
    drawing = ng.draw(ng.square(w * x), view="values")
    said = {box.lines[0]: (box.above, box.below) for box in drawing.boxes}
    assert said["x"][0] == "x = –"
    assert said["×"][0].endswith("= –")
    assert said["w"][0] == "w = 2"
    assert said["w"][1].endswith("= –")
    assert not any(text.endswith("= 0") for pair in said.values() for text in pair)


def test_backward_need_not_have_run_before():
    E, leaf = net221()
    assert leaf["w1"].grad is None
    assert "−0.03335" in by_label(ng.draw(E, view="values"), "w1").below


def test_mirror_faces_and_saves():
    E, _ = net221()
    drawing = ng.draw(E, view="mirror")
    boxes = {box.id: box for box in drawing.boxes}
    backward = [box for box in drawing.boxes if box.part == "backward"]
    assert all(boxes[box.faces].part == "forward" for box in backward)
    results = {
        " ".join(box.lines): boxes[box.faces].lines[0]
        for box in backward
        if box.result and box.faces and "∂" in box.lines[0]
    }
    assert len(results) == 6
    assert all(label.endswith(f"/∂{name}") for label, name in results.items())
    saved = {
        (boxes[arrow.source].lines[0], boxes[arrow.target].lines[0])
        for arrow in drawing.arrows
        if arrow.style == "saved"
    }
    assert ("σ", "σ′") in saved
    assert ("−", "∂( )²") in saved
    assert all(arrow.kept == 8 and "8 B" in arrow.note for arrow in drawing.arrows if arrow.style == "saved")
    assert {"× x1", "× w5", "× f1"} <= set(labels(drawing))  # said in words, so that no line is needed
    assert not any(source.startswith(("x", "w")) for source, _ in saved)
    assert labels(drawing).count("σ′") == 3


def test_a_used_twice_is_one_box_and_its_gradients_are_added():
    a = ng.parameter("a", 3.0)
    for view in ("forward", "mirror", "values"):
        drawing = ng.draw(a * a, view=view)
        curves = [route.curve for arrow, route in zip(drawing.arrows, drawing.placed.routes, strict=True) if arrow.style == "flow"]
        assert len(set(curves)) == 2  # two arrows, apart from each other
    drawing = ng.draw(a * a, view="both")
    assert labels(drawing).count("a") == 1
    assert "+" in labels(drawing)


def test_shapes_stand_on_arrows_and_leaves():
    X, W, b = ng.input("X", np.ones((4, 3))), ng.parameter("W", np.ones((3, 2))), ng.parameter("b", np.ones(2))
    drawing = ng.draw(ng.sum(ng.relu(X @ W + b)), view="forward")
    assert by_label(drawing, "X").detail == "4×3"
    assert {arrow.label for arrow in drawing.arrows} == {"", "4×2"}


def test_operand_order_shows_where_it_matters():
    x, y = ng.input("x", 2.0), ng.input("y", 3.0)
    orders = {
        sign: [arrow.order for arrow in ng.draw(node, view="forward").arrows]
        for sign, node in {"-": x - y, "/": x / y, "**": x**y, "+": x + y, "*": x * y}.items()
    }
    assert orders == {"-": [1, 2], "/": [1, 2], "**": [1, 2], "+": [0, 0], "*": [0, 0]}
    X = ng.input("X", np.ones((2, 2)))
    assert order_matters((X @ X).op)
    assert [arrow.order for arrow in ng.draw(X @ X, view="forward").arrows] == [1, 2]
    assert labels(ng.draw(x**2, view="forward")) != labels(ng.draw(2**x, view="forward"))


def test_repeated_blocks_fold_to_one():
    drawing = ng.draw(deep(), view="forward", fold=1)
    stack = by_label(drawing, "layer1 … layer12")
    assert stack.times == 12
    assert stack.detail.startswith("×12")
    two = ng.draw(deep(2), view="forward", fold=1)
    assert {"layer1", "layer2"} <= set(labels(two))


def test_blocks_are_equal_by_structure_not_by_name():
    def block(activation, scope):
        x = ng.input("x", np.ones((2, 3)))
        with ng.scope(scope):
            return activation(x @ ng.parameter("W", np.eye(3)))

    nodes = {
        name: [node for node in made.graph.nodes if node.scope]
        for name, made in {"a": block(ng.relu, "one"), "b": block(ng.relu, "two"), "c": block(ng.tanh, "three")}.items()
    }
    assert structure(nodes["a"]) == structure(nodes["b"])
    assert structure(nodes["a"]) != structure(nodes["c"])


def test_default_keeps_to_the_budget_and_says_so():
    for y in (deep(), long_chain(400)):
        drawing = ng.draw(y, view="forward")
        assert len(drawing.boxes) <= 60
        assert any("fold=False" in note for note in drawing.notes)
    everything = ng.draw(deep(), view="forward", fold=False)
    assert len(everything.boxes) == len(deep().graph)
    assert everything.notes == ()


def long_chain(length):
    y = ng.input("x", 1.0)
    for _ in range(length):
        y = ng.tanh(y)
    return y


def test_fold_by_depth_pattern_and_function():
    nodes = deep().graph.nodes
    assert set(folding(nodes, 0).owner.values()) == {"encoder"}
    assert len(set(folding(nodes, "encoder/layer1*").owner.values())) == 4  # layer1, layer10, layer11, layer12
    assert set(folding(nodes, lambda scope: scope.endswith("layer3")).owner.values()) == {"encoder/layer3"}
    assert by_label(ng.draw(deep(), view="mirror", fold="encoder"), "∇ encoder").result


def test_a_summary_of_a_very_long_graph_takes_work_in_proportion():
    def calls_to_draw(length):
        y, calls = long_chain(length), 0

        def counted(frame, event, argument):
            nonlocal calls
            calls += event in ("call", "c_call")

        sys.setprofile(counted)
        try:
            drawing = ng.draw(y, view="forward")
        finally:
            sys.setprofile(None)
        assert len(drawing.boxes) <= 60
        return calls

    # A count, so the machine's load is no part of it.
    assert calls_to_draw(20_000) < 2.2 * calls_to_draw(10_000)


def test_neurons_of_a_scalar_net_with_a_path():
    E, leaf = net221()
    drawing = ng.draw(E, view="neurons", highlight=leaf["w1"])
    columns = {}
    for box in drawing.boxes:
        columns.setdefault(box.place[0], []).append(box.lines[0])
    assert columns[0.0] == ["x1", "x2"]
    assert columns[1.0] == ["σ", "σ"]
    assert columns[2.0] == ["σ"]
    assert sorted(arrow.label for arrow in drawing.arrows if arrow.label) == ["w1", "w2", "w3", "w4", "w5", "w6"]
    assert sorted(arrow.label for arrow in drawing.arrows if arrow.highlighted and arrow.label) == ["w1", "w5"]
    assert "w1" in drawing.notes[0]


def test_neurons_of_a_formula_written_out():
    """The 2-3-2-1 net as one expression: weights that are plain inputs, and every hidden neuron written twice."""
    leaf = {name: ng.input(name, 0.3) for name in ["x1", "x2", "z", "a1", "a2", "a3", "b1", "b2", "b3", "c1", "c2", "c3", "d1", "d2", "d3", "e1", "e2"]}

    def hidden():
        return [ng.sigmoid(leaf[f"a{k}"] * leaf["x1"] + leaf[f"b{k}"] * leaf["x2"]) for k in (1, 2, 3)]

    def second(letter):
        one, two, three = hidden()
        return ng.sigmoid(leaf[f"{letter}1"] * one + leaf[f"{letter}2"] * two + leaf[f"{letter}3"] * three)

    E = ng.square(ng.sigmoid(leaf["e1"] * second("c") + leaf["e2"] * second("d")) - leaf["z"])
    drawing = ng.draw(E, view="neurons")
    sizes = [sum(box.place[0] == column for box in drawing.boxes) for column in (0.0, 1.0, 2.0, 3.0)]
    assert sizes == [2, 3, 2, 1]
    assert len([arrow for arrow in drawing.arrows if arrow.label]) == 14
    assert not any(arrow.highlighted for arrow in drawing.arrows)


def test_tensor_values_keep_their_texts_clear(measures):
    X, W, b = ng.input("X", np.ones((4, 3))), ng.parameter("W", np.ones((3, 2))), ng.parameter("b", np.ones(2))
    drawing = ng.draw(ng.sum(ng.square(X @ W + b)), view="values")
    said = {box.lines[0]: box.above for box in drawing.boxes}
    assert said["X"] == "X =" + "\n1\t1\t1" * 4
    assert said["b"] == "b = [1, 1]"
    placed = drawing.placed
    for arrow, route in zip(drawing.arrows, placed.routes, strict=True):
        assert route.curve[0][0] >= placed.boxes[arrow.source].x
        assert route.curve[-1][0] <= placed.boxes[arrow.target].x
    assert measures.through_foreign(drawing) == []


def test_neurons_of_a_tensor_net():
    x, T = ng.input("x", np.ones((1, 2))), ng.input("T", np.ones((1, 2)))
    W1, b1, W2 = (
        ng.parameter("W1", np.ones((2, 3))),
        ng.parameter("b1", np.ones(3)),
        ng.parameter("W2", np.ones((3, 2))),
    )
    L = ng.sum(ng.square(ng.sigmoid(x @ W1 + b1) @ W2 - T))
    drawing = ng.draw(L, view="neurons")
    sizes = [sum(box.place[0] == column for box in drawing.boxes) for column in (0.0, 1.0, 2.0)]
    assert sizes == [2, 3, 2]
    assert {arrow.label for arrow in drawing.arrows} >= {"W1₁₁", "W1₂₃", "W2₃₂"}
    wide = ng.input("x", np.ones((1, 64))) @ ng.parameter("W", np.ones((64, 30)))
    assert "⋮" in labels(ng.draw(ng.sum(wide), view="neurons"))


def test_neurons_says_when_there_are_none():
    with pytest.raises(DrawingError, match="weighted sums"):
        ng.draw(ng.exp(ng.input("x", 1.0)), view="neurons")


def test_steps_run_forward_then_backward():
    E, _ = net221()
    steps = ng.draw(E, view="values").steps
    kinds = [step.uncovers for step in steps]
    assert kinds == sorted(kinds, reverse=True)
    assert steps[0].text == "m1 = w1 · x1 = 0.2"
    assert any(step.text.startswith("f1 = σ(") for step in steps)


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        ({"view": "miror"}, "did you mean 'mirror'"),
        ({"theme": "blue"}, "light, dark, print"),
        ({"size": "huge"}, "slide"),
    ],
)
def test_unknown_wishes_are_named(wish, said):
    with pytest.raises(DrawingError, match=said):
        ng.draw(ng.input("x", 1.0), **wish)


def test_chinese_words():
    drawing = ng.draw(net221()[0], language="zh-TW")
    assert drawing.language == "zh-TW"
    assert any("反向" in group.title for group in drawing.groups)


def test_too_slow_becomes_coarser(monkeypatch):
    from nngraph.viz import graphviz_layout
    from nngraph.viz.layout import layout

    layout.cache_clear()
    real = graphviz_layout.run

    def slow_when_large(source, boxes, seconds):
        if boxes > 60:
            raise graphviz_layout.TooSlow
        return real(source, boxes, seconds)

    monkeypatch.setattr(graphviz_layout, "run", slow_when_large)
    drawing = ng.draw(deep(40), view="forward", fold=False)
    assert len(drawing.boxes) <= 60
    assert "coarser" in drawing.notes[-1]
    assert drawing.placed.engine == "pygraphviz"


def test_gradients_of_what_is_not_one_number_are_refused_kindly():
    X = ng.input("X", np.ones((2, 2)))
    drawing = ng.draw(ng.exp(X), view="values")
    assert any("not one number" in note for note in drawing.notes)


def test_gradients_are_those_of_the_parameters_unless_asked():
    E, leaf = net221()
    for view in ("values", "mirror"):
        drawing = ng.draw(E, view=view)
        said = {box.below for box in drawing.boxes} | {box.lines[0] for box in drawing.boxes if box.result}
        assert any("/∂w1" in text for text in said)
        assert not any("/∂x1" in text or "/∂z" in text for text in said)
    assert "∂E/∂x1" in labels(ng.draw(E, wrt=[leaf["x1"]]))
    a, b = ng.input("a", 2.0), ng.input("b", 3.0)
    assert {"∂y/∂a", "∂y/∂b"} <= set(labels(ng.draw(a * b, view="mirror")))  # no parameters: all inputs


def test_a_scalar_net_without_scopes_is_not_folded():
    x, h = [ng.input(f"x{k}", 1.0) for k in (1, 2)], []
    for k in range(3):
        h.append(ng.sigmoid(ng.parameter(f"a{k}", 0.1) * x[0] + ng.parameter(f"b{k}", 0.2) * x[1]))
    y = [ng.sigmoid(sum(ng.parameter(f"c{j}{k}", 0.3) * h[k] for k in range(3))) for j in range(2)]
    drawing = ng.draw(ng.square(ng.sigmoid(ng.parameter("d1", 0.1) * y[0] + ng.parameter("d2", 0.2) * y[1]) - 1.0))
    assert not any(box.kind == "module" for box in drawing.boxes)
    assert drawing.notes == ()


def test_the_gradient_of_a_bias_of_channels_is_a_sum():
    x, K = ng.input("x", np.ones((2, 1, 6, 6))), ng.parameter("K", np.ones((4, 1, 3, 3)))
    c = ng.parameter("c", np.ones((4, 1, 1)))
    drawing = ng.draw(ng.sum(ng.square(ng.relu(ng.conv2d(x, K) + c))))
    (into,) = [arrow.source for arrow in drawing.arrows if arrow.target == f"d{c.serial}"]
    assert next(box.lines for box in drawing.boxes if box.id == into) == ("Σ",)


def test_the_same_label_between_the_same_boxes_is_written_once():
    from nngraph.viz import Arrow, Box

    boxes = (Box("a", ("cell",)), Box("b", ("loop",)))
    drawing = Drawing(boxes, (Arrow("a", "b", label="N×16"), Arrow("a", "b", label="N×16")))
    assert [route.label is not None for route in drawing.placed.routes].count(True) == 1


def test_a_sentence_about_an_unknown_size_ends():
    with pytest.raises(DrawingError, match=r"no size '16:9'\. There are natural"):
        ng.draw(net221()[0], size="16:9")


def test_frozen_parameters_are_told_apart_and_not_differentiated_by():
    x, W, V = ng.input("x", [[1.0, 2.0]]), ng.parameter("W", [[0.1], [0.2]]), ng.parameter("V", [[0.3]])
    y = ng.sum(ng.tanh(x @ W) @ V)
    V.params = {"frozen": True}
    drawing = ng.draw(y, view="mirror")
    assert by_label(drawing, "V").kind == "leaf-frozen"
    labels = " ".join(line for box in drawing.boxes for line in box.lines)
    assert "∂y/∂W" in labels
    assert "∂y/∂V" not in labels
    assert [str(name) for name in ng.explain(y).gradients] == ["W"]
