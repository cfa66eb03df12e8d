"""Looking inside nodes, unrolling loops, hiding and showing, and long flows in rows."""

from __future__ import annotations

import nngraph as ng
import numpy as np
import pytest
from nngraph.viz import DrawingError
from nngraph.viz.curves import cut_at, straight
from nngraph.viz.opened import chosen, opened


def classifier():
    X, T = ng.input("X", np.arange(12.0).reshape(4, 3)), ng.input("T", np.eye(2)[[0, 1, 1, 0]])
    W, b = ng.parameter("W", np.ones((3, 2)) * 0.1), ng.parameter("b", np.zeros(2))
    z = X @ W + b
    return ng.softmax_loss(z, T), W


def rnn(length=5):
    xs = ng.input("xs", np.ones((length, 2)))
    U, W = ng.parameter("U", np.ones((2, 3)) * 0.2), ng.parameter("W", np.ones((3, 3)) * 0.1)

    def step(h, x):
        h = ng.tanh(x @ U + h @ W)
        return h, h

    last, every = ng.scan(step, ng.constant(np.zeros(3)), xs)
    return ng.sum(ng.square(last)) + ng.sum(every), U, W


def labels(drawing):
    return [" ".join(box.lines) for box in drawing.boxes]


def test_an_op_opens_as_its_formula_in_a_frame():
    loss, W = classifier()
    plain, inside = ng.draw(loss, view="forward"), ng.draw(loss, view="forward", open="softmax_loss")
    assert len(plain.groups) == 0
    assert len(inside.groups) == 1
    assert "softmax" in labels(inside)
    assert "softmax loss" not in labels(inside)
    framed = [box for box in inside.boxes if box.group]
    assert len(framed) > 3
    same, _ = opened(loss, ["softmax_loss"])
    assert float(same.value) == pytest.approx(float(loss.value), rel=1e-12)
    assert ng.gradient(same, [W])[0].value == pytest.approx(ng.gradient(loss, [W])[0].value, rel=1e-10)
    mirror = ng.draw(loss, view="mirror", open=[loss])
    assert {group.part for group in mirror.groups if group.parent} == {"forward", "backward"}


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        ({"open": "softmaxloss"}, "did you mean 'softmax_loss'"),
        ({"open": "W"}, "given, not computed"),
        ({"steps": "1..2"}, "has none"),
        ({"hide": "consts"}, "const, input"),
        ({"show": "memory"}, "saved, bytes"),
        ({"between": ("L", "W")}, "no arrow leads"),
    ],
)
def test_wishes_that_cannot_be_met_say_why(wish, said):
    L, _ = classifier()
    with pytest.raises(DrawingError, match=said):
        ng.draw(L, **wish)


def test_steps_are_read_as_written():
    assert chosen("1..3,T", 9) == [0, 1, 2, 8]
    assert chosen("T", 4) == [3]
    assert chosen(2, 4) == chosen("1..2", 4) == [0, 1]
    assert chosen("1..9", 4) == [0, 1, 2, 3]
    for wrong in ("0..2", "a", "", "1...3"):
        with pytest.raises(DrawingError, match="T is the last"):
            chosen(wrong, 4)


def test_a_loop_unrolled():
    loss, U, W = rnn()
    drawing = ng.draw(loss, view="forward", steps="1..2,T")
    assert [name for name in labels(drawing) if name.startswith("t=")] == ["t=1", "t=2", "t=3…4", "t=5"]
    assert "U, W" in labels(drawing)
    flat, _ = opened(loss, [], "1..2,T")
    assert float(flat.value) == pytest.approx(float(loss.value), rel=1e-12)
    for ours, truth in zip(ng.gradient(flat, [U, W]), ng.gradient(loss, [U, W]), strict=True):
        assert ours.value == pytest.approx(truth.value, rel=1e-10)
    back = ng.draw(loss, view="mirror", steps=5)
    assert [name for name in labels(back) if name.startswith("∇ t=")] == [f"∇ t={k}" for k in range(5, 0, -1)]
    result = next(box for box in back.boxes if box.lines == ("∇ U, W",))
    assert "/∂U" in result.detail
    assert "/∂W" in result.detail
    everything = ng.draw(loss, view="forward", steps=2, fold=False)
    assert {"t=1", "t=2", "t=3…5"} <= {group.title for group in everything.groups}


def test_a_loop_rolled_shows_its_way_back(measures):
    loss, _, _ = rnn()
    drawing = ng.draw(loss, view="forward", open="scan")
    boxes = {box.id: box for box in drawing.boxes}
    back = [arrow for arrow in drawing.arrows if "t+1" in arrow.label]
    assert len(back) == 1
    assert boxes[back[0].target].kind == "leaf-state"
    places = drawing.placed.boxes
    assert places[back[0].source].x > places[back[0].target].x
    assert "↻" not in labels(drawing)
    assert measures.overlapping(drawing) == []
    assert drawing.text()
    with pytest.raises(DrawingError, match="forward"):
        ng.draw(loss, view="mirror", open="scan")


def test_a_loop_closed_is_one_box_in_each_half():
    loss, _, _ = rnn()
    drawing = ng.draw(loss, view="mirror")
    assert labels(drawing).count("↻") == 1
    assert labels(drawing).count("∂↻") == 1
    results = [box for box in drawing.boxes if box.result and "/∂" in box.lines[0]]
    (loop,) = [box.id for box in drawing.boxes if box.lines == ("∂↻",)]
    assert {arrow.target for arrow in drawing.arrows if arrow.source == loop} == {box.id for box in results}
    assert "part" not in labels(drawing)
    assert "0" in labels(drawing)  # the state it starts from


def test_hide_and_show():
    X, W = ng.input("X", np.ones((4, 3))), ng.parameter("W", np.ones((3, 2)))
    L = ng.sum(ng.square((X @ W) / ng.constant(3.0)))
    everything = ng.draw(L)
    assert "leaf-constant" in {box.kind for box in everything.boxes}
    less = ng.draw(L, hide="const,saved,shapes,legend")
    assert "leaf-constant" not in {box.kind for box in less.boxes if box.part == "forward"}
    assert "saved" not in {arrow.style for arrow in less.arrows}
    assert not any(arrow.label for arrow in less.arrows)
    assert less.legend == ()
    told = {arrow.label for arrow in ng.draw(L, show=["bytes"]).arrows if arrow.style == "saved"}
    assert f"{4 * 3 * 8} B" in told
    w, x = ng.parameter("w", 2.0), ng.input("x", 3.0)
    lines = {shown: [a for a in ng.draw(ng.square(w * x), show=shown).arrows if a.style == "saved"] for shown in ("", "saved")}
    assert len(lines["saved"]) == len(lines[""]) + 1


def test_between_two_nodes():
    x, W1, W2 = ng.input("x", np.ones((2, 3))), ng.parameter("W1", np.ones((3, 3))), ng.parameter("W2", np.ones((3, 3)))
    h = ng.tanh(x @ W1)
    y = ng.sum(ng.relu(h @ W2))
    part = ng.draw(y, view="forward", between=(h, y))
    assert set(labels(part)) == {"tanh", "W2", "@", "ReLU", "Σ"}
    assert labels(ng.draw(y, view="forward", between=("h", "ReLU"))) == ["W2", "tanh", "@", "ReLU"]


def test_long_flows_stand_in_rows_on_a_slide(measures):
    def tower():
        h = ng.input("X", np.ones((4, 8)))
        for k in range(5):
            with ng.scope(f"layer{k + 1}"):
                h = ng.relu(h @ ng.parameter("W", np.eye(8)) + ng.parameter("b", np.zeros(8)))
        return h

    wide, rows = ng.draw(tower(), view="forward"), ng.draw(tower(), view="forward", size="slide")
    assert wide.placed.width > 4 * wide.placed.height
    assert rows.placed.width < 3 * rows.placed.height
    assert measures.overlapping(rows) == []
    assert measures.through_foreign(rows) == []
    for arrow, route in zip(rows.arrows, rows.placed.routes, strict=True):
        target = rows.placed.boxes[arrow.target]
        assert abs(route.curve[-1][0] - target.x) <= target.width / 2 + 2
        assert abs(route.curve[-1][1] - target.y) <= target.height / 2 + 2


def test_a_curve_is_cut_at_an_x():
    first, rest = cut_at(straight((0, 0), (10, 0), (20, 10)), 15)
    assert first[0] == (0, 0)
    assert rest[-1] == (20, 10)
    assert first[-1] == pytest.approx((15, 5))
    assert rest[0] == pytest.approx((15, 5))
