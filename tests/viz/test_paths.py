"""The paths of a derivative, marked in every view."""

from __future__ import annotations

import nngraph as ng
import numpy as np
import pytest
from nngraph.viz import DrawingError


def net():
    """A 2-2-1 net whose w1 has one path to E."""
    values = {"x1": 1.0, "x2": 0.5, "w1": 0.2, "w2": -0.3, "w3": 0.4, "w4": 0.1, "w5": 0.6, "w6": -0.5, "z": 1.0}
    leaf = {name: (ng.parameter if name[0] == "w" else ng.input)(name, value) for name, value in values.items()}
    f1 = ng.sigmoid(leaf["w1"] * leaf["x1"] + leaf["w3"] * leaf["x2"])
    f2 = ng.sigmoid(leaf["w2"] * leaf["x1"] + leaf["w4"] * leaf["x2"])
    return ng.square(ng.sigmoid(leaf["w5"] * f1 + leaf["w6"] * f2) - leaf["z"]), leaf


def marked(drawing, part):
    return [" ".join(box.lines) for box in drawing.boxes if box.highlighted and box.part == part and not box.ghost]


@pytest.mark.parametrize("view", ["forward", "mirror", "values", "both"])
def test_the_way_there(view):
    E, leaf = net()
    drawing = ng.draw(E, view=view, highlight=leaf["w1"])
    assert marked(drawing, "forward") == ["w1", "×", "+", "σ", "×", "+", "σ", "−", "( )²"]
    there = [arrow for arrow in drawing.arrows if arrow.highlighted and arrow.style == "flow"]
    assert len(there) == 8
    assert drawing.notes[-1] == "Marked: every path along which ∂E/∂w1 is carried."
    assert drawing.legend[-1][0] == "arrow-highlight"


def test_the_way_back():
    E, leaf = net()
    assert sorted(marked(ng.draw(E, highlight=leaf["w1"]), "backward")) == sorted(
        ["1", "∂( )²", "σ′", "× w5", "σ′", "× x1", "∂E/∂w1"]
    )
    for view in ("both", "backward"):
        drawing = ng.draw(E, view=view, highlight=leaf["w1"])
        assert {"1", "∂E/∂w1"} <= set(marked(drawing, "backward"))
        assert not {"∂E/∂w2", "∂E/∂w5", "1 −", "2 ×"} & set(marked(drawing, "backward"))
        assert not any(box.highlighted for box in drawing.boxes if box.ghost)


def test_several_paths_and_several_variables():
    E, leaf = net()
    drawing = ng.draw(E, highlight=[leaf["x1"], leaf["z"]])
    assert marked(drawing, "forward").count("σ") == 3
    assert {"∂E/∂x1", "∂E/∂z"} <= set(marked(drawing, "backward"))  # shown although no parameters
    assert "∂E/∂x1, ∂E/∂z" in drawing.notes[-1]


def test_marking_moves_nothing():
    E, leaf = net()
    for view in ("mirror", "values", "forward", "both"):
        plain, lit = ng.draw(E, view=view), ng.draw(E, view=view, highlight=leaf["w1"])
        assert list(plain.placed.boxes.values()) == list(lit.placed.boxes.values())


def test_in_a_folded_part_and_in_an_unfolded_one():
    x = ng.input("x", np.ones((1, 3)))
    with ng.scope("layer"):
        W = ng.parameter("W", np.eye(3))
        h = ng.relu(x @ W)
    L = ng.sum(ng.square(h))
    assert {"layer", "∇ layer"} <= {" ".join(b.lines) for b in ng.draw(L, fold=0, highlight=W).boxes if b.highlighted}
    assert any(box.highlighted for box in ng.draw(L, highlight=h).boxes)


def test_what_is_not_there_is_said():
    with pytest.raises(DrawingError, match="highlight='elsewhere' is not part of this graph"):
        ng.draw(net()[0], highlight=ng.parameter("elsewhere", 1.0))


def test_whole_picture_first():
    page = ng.draw(net()[0], view="values").html()
    assert "let view = full.slice(), at = 0;" in page
    assert ": 0);" in page
    assert "start again" not in page


def test_both_runs_back_from_right_to_left():
    drawing = ng.draw(net()[0], view="both")
    places = drawing.placed.boxes
    back = [arrow for arrow in drawing.arrows if arrow.style == "gradient"]
    assert back
    assert all(places[arrow.target].x < places[arrow.source].x for arrow in back)
    low = max(frame.y + frame.height for frame in drawing.placed.frames.values())
    high = min(frame.y for frame in drawing.placed.frames.values())
    assert all(high <= y <= low for route in drawing.placed.routes for _, y in route.curve)
