"""Pictures of plans: instructions in running order, arrays between them, loops as frames, stacks of what is alike."""

from __future__ import annotations

import json

import nngraph as ng
import numpy as np
import pytest
from nngraph.autograd.engines.compiled.planning.plan import Plan
from nngraph.autograd.engines.compiled.report import report
from nngraph.viz import DrawingError


def leaf(make, name, *shape):
    return make(name, np.full(shape, 0.5, np.float32))


def momentum(loss, parameters):
    updates = {}
    for parameter, slope in zip(parameters, ng.gradient(loss, parameters), strict=True):
        speed = ng.state(f"{parameter.name}.v", np.zeros(parameter.shape, np.float32))
        updates[speed] = faster = 0.9 * speed - 0.1 * slope
        updates[parameter] = parameter + faster
    return updates


def planned(loss, parameters):
    return report(Plan([loss], momentum(loss, parameters)))


def mlp():
    h, t = leaf(ng.input, "x", 20, 8), leaf(ng.input, "t", 20, 4)
    parameters = []
    for k, (inputs, outputs) in enumerate([(8, 6), (6, 6), (6, 4)], 1):
        parameters += [leaf(ng.parameter, f"W{k}", inputs, outputs), leaf(ng.parameter, f"b{k}", outputs)]
        h = ng.relu(h @ parameters[-2] + parameters[-1])
    loss = ng.softmax_loss(h, t)
    return planned(loss, parameters)


def cnn():
    x, t = leaf(ng.input, "x", 4, 1, 12, 12), leaf(ng.input, "t", 4, 3)
    K, b, W = leaf(ng.parameter, "K", 4, 1, 3, 3), leaf(ng.parameter, "b", 4, 1, 1), leaf(ng.parameter, "W", 4 * 36, 3)
    h = ng.max_pool2d(ng.relu(ng.conv2d(x, K, padding=1) + b), size=2)
    loss = ng.softmax_loss(ng.reshape(h, (4, 4 * 36)) @ W, t)
    return planned(loss, [K, b, W])


def lstm():
    X, t = leaf(ng.input, "X", 5, 3, 4), leaf(ng.input, "t", 3, 2)
    W, U, V = leaf(ng.parameter, "W", 4, 24), leaf(ng.parameter, "U", 6, 24), leaf(ng.parameter, "V", 6, 2)

    def cell(carry, x):
        h, c = carry
        z = x @ W + h @ U
        i, f, o, g = (z[:, 6 * k : 6 * k + 6] for k in range(4))
        c = ng.sigmoid(f) * c + ng.sigmoid(i) * ng.tanh(g)
        return (ng.sigmoid(o) * ng.tanh(c), c), None

    zero = ng.constant(np.zeros((3, 6), np.float32))
    (h, _), _ = ng.scan(cell, (zero, zero), X)
    loss = ng.softmax_loss(h @ V, t)
    return planned(loss, [W, U, V])


MODELS = {"mlp": mlp, "cnn": cnn, "lstm": lstm}


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("fold", [None, False])
def test_steps_of_typical_nets_are_drawn_clean(name, fold, measures):
    plan = MODELS[name]()
    drawing = ng.draw(plan, fold=fold)
    assert measures.overlapping(drawing) == []
    assert measures.through_foreign(drawing) == []
    shown = {box.detail.split(" ")[0] for box in drawing.boxes}
    numbers = {each.number for each in plan.all() if not each.body}
    assert (numbers <= shown) is (fold is False) or not any(box.times > 1 for box in drawing.boxes)
    assert all(len(line) <= 40 for box in drawing.boxes for line in box.lines)


def test_boxes_say_what_is_computed_and_what_it_costs():
    drawing = ng.draw(mlp(), title="a step")
    kinds = {" ".join(box.lines): box.kind for box in drawing.boxes}
    assert kinds["x"] == "leaf-input"
    assert kinds["W1"] == "leaf-parameter"
    first = next(box for box in drawing.boxes if box.id == "i1")
    assert first.detail.startswith("1 · product · ")
    assert first.detail.endswith("kB")
    assert first.kind == "linear"
    assert any(box.lines == ("loss",) and box.result for box in drawing.boxes)
    assert {arrow.label for arrow in drawing.arrows} >= {"20×6"}
    assert drawing.notes[0].startswith("engine numba, instructions: ")


def test_updates_are_stacked_where_they_are_alike():
    plan = mlp()
    stacked, apart = ng.draw(plan), ng.draw(plan, fold=False)
    (stack,) = [box for box in stacked.boxes if box.times > 1]
    assert stack.times == len(apart.boxes) - len(stacked.boxes) - sum(box.ghost for box in apart.boxes) + sum(
        box.ghost for box in stacked.boxes
    ) + 1  # fmt: skip
    assert stack.times >= 3
    assert f"({2 * stack.times})" in stack.lines[-1]
    updated = {box.lines[0] for box in apart.boxes if box.ghost}
    assert updated == {f"W{k}" for k in (1, 2, 3)} | {f"b{k}" for k in (1, 2, 3)}
    assert any(box.lines[-1] == "→ b1.v" for box in apart.boxes)


def test_loops_are_frames_with_a_way_back():
    drawing = ng.draw(lstm())
    titles = [group.title for group in drawing.groups]
    assert len(titles) == 2
    assert all(title.endswith("×5") for title in titles)
    back = [arrow for arrow in drawing.arrows if arrow.label == "t → t+1"]
    boxes = {box.id: box for box in drawing.boxes}
    assert len(back) >= 3
    for arrow in back:
        assert boxes[arrow.target].lines == ("t−1",)
        assert boxes[arrow.source].group == boxes[arrow.target].group != ""


@pytest.mark.parametrize("suffix", ["svg", "png", "pdf", "html", "dot", "json", "tex", "txt"])
def test_every_format(suffix, tmp_path):
    path = ng.draw(lstm(), theme="dark", language="zh-TW").save(tmp_path / f"plan.{suffix}")
    assert path.stat().st_size > 1000
    if suffix == "json":
        assert json.loads(path.read_text(encoding="utf-8"))["boxes"]


def test_the_numpy_engine_is_drawn_too():
    x, w = leaf(ng.input, "x", 3, 2), leaf(ng.parameter, "w", 2, 2)
    y = ng.sum(ng.tanh(x @ w))
    drawing = ng.draw(ng.compile(y, inputs=[x], engine="numpy").plan)
    assert [" ".join(box.lines) for box in drawing.boxes] == ["x", "w", "@", "tanh", "y = Σ", "y"]


def test_very_many_leaves_share_a_box():
    leaves = [ng.parameter(f"w{k}", np.full(3, float(k))) for k in range(40)]
    total = leaves[0]
    for leaf in leaves[1:]:
        total = total + leaf
    plan = report(Plan([total]))
    assert sum(len(each.reads) for each in plan) >= 40
    drawing = ng.draw(plan)
    assert len(drawing.boxes) < 20
    assert any("… (" in box.lines[0] for box in drawing.boxes)
    assert "more →" in str(plan)


def test_wishes_that_make_no_sense_for_a_plan():
    plan = mlp()
    with pytest.raises(DrawingError, match="of a plan"):
        ng.draw(plan, open="softmax_loss")
    assert not [box for box in ng.draw(plan, hide="parameter").boxes if box.kind == "leaf-parameter"]


def test_a_step_and_a_profile_are_drawn_as_plans():
    x, w = leaf(ng.input, "x", 3, 2), leaf(ng.parameter, "w", 2, 2)
    step = ng.compile(ng.sum(ng.tanh(x @ w)), inputs=[x])
    assert ng.draw(step).boxes == ng.draw(step.plan).boxes
    timed = ng.draw(step.plan.profile(repeat=1))
    assert [box.id for box in timed.boxes] == [box.id for box in ng.draw(step).boxes]
    assert any("s · " in box.detail and box.detail.endswith(" %") for box in timed.boxes)
    with pytest.raises(DrawingError, match="float is no node"):
        ng.draw(1.5)


@pytest.mark.parametrize("name", MODELS)
def test_folds_of_a_plan(name, measures):
    plan = MODELS[name]()
    count = [len(ng.draw(plan, fold=fold).boxes) for fold in (0, 1, 2, False)]
    assert count == sorted(set(count))
    every = {each.number for each in plan}
    for fold in (0, 1, 2):
        drawing = ng.draw(plan, fold=fold)
        assert measures.overlapping(drawing) == []
        told = {line.split(" ")[0] for box in drawing.boxes for line in box.note.split("\n")}
        assert every <= told  # no instruction is lost
    with pytest.raises(DrawingError, match="0 .phases"):
        ng.draw(plan, fold=7)


def test_layers_stand_above_their_way_back():
    drawing = ng.draw(mlp(), fold=1)
    boxes = {box.id: box for box in drawing.boxes}
    assert drawing.arrangement == "mirror"
    back = {box.lines[0]: box for box in drawing.boxes if box.part == "backward"}
    assert list(back) == ["W3, b3", "W2, b2", "W1, b1"]
    assert all(boxes[box.faces].lines[0] == title for title, box in back.items())
    assert any("G·W3ᵀ" in line for line in back["W3, b3"].lines)
    assert "→ W3, b3" in back["W3, b3"].lines[-1]
    assert not [box for box in drawing.boxes if box.kind == "leaf-parameter"]


def test_layers_are_the_scopes_where_the_user_wrote_some():
    x = leaf(ng.input, "x", 20, 8)
    with ng.scope("first"):
        h = ng.tanh(x @ leaf(ng.parameter, "W", 8, 6))
    with ng.scope("second"):
        y = ng.sum(ng.square(h @ leaf(ng.parameter, "V", 6, 4)))
    drawing = ng.draw(report(Plan([y])), fold=1)
    assert [box.lines[0] for box in drawing.boxes if not box.kind.startswith("leaf")][:2] == ["first", "second"]


@pytest.mark.parametrize("size", ["slide", "a4"])
@pytest.mark.parametrize("name", MODELS)
def test_a_plan_can_be_read_on_a_slide(name, size):
    from nngraph.viz.layout import PAPER

    drawing = ng.draw(MODELS[name](), size=size, language="zh-TW")
    wide, high = PAPER[size]
    assert 11.0 * min(wide / drawing.placed.width, high / drawing.placed.height) >= 6.5  # the small print
    assert drawing.notes[-1].startswith(("以 fold=1 繪製", "以 fold=2 繪製"))


def test_old_and_new_values_of_what_is_updated():
    x, t = leaf(ng.input, "x", 20, 8), leaf(ng.input, "t", 20, 4)
    W = leaf(ng.parameter, "W", 8, 4)
    loss = ng.softmax_loss(x @ W, t)
    (slope,) = ng.gradient(loss, [W])
    drawing = ng.draw(report(Plan([loss], {W: W - 0.1 * slope})))
    copies = {box.detail: box for box in drawing.boxes if box.ghost}
    assert set(copies) == {"old", "new"}
    (update,) = [arrow.target for arrow in drawing.arrows if arrow.source == copies["old"].id]
    assert any(arrow.source == update and arrow.target == copies["new"].id for arrow in drawing.arrows)
    assert any("xᵀ·G" in line for box in drawing.boxes for line in box.lines)


def test_arrowheads_lie_on_the_cards_of_a_stack():
    from nngraph.viz.shapes import pieces

    drawing = ng.draw(mlp())
    (stack,) = [box for box in drawing.boxes if box.times > 1]
    roles = [(piece.role, piece.id) for piece in pieces(drawing)]
    first_arrow = next(k for k, (role, _) in enumerate(roles) if role == "arrow")
    assert ("box", "") in roles[:first_arrow]
    assert ("box", stack.id) in roles[first_arrow:]
