"""The picture of blocks and threads over an array: nothing lies over anything else, and it shows what the data say."""

from __future__ import annotations

from dataclasses import replace

import pytest

import nngraph as ng
from nngraph.viz.drawing import DrawingError
from nngraph.viz.measure import missing, width
from nngraph.viz.shapes import Rect, Text, pieces


@pytest.fixture(scope="module")
def layer():
    X, W, b = (ng.input(name, shape=shape, dtype="float32") for name, shape in (("X", (200, 64)), ("W", (64, 100)), ("b", (100,))))
    return ng.kernels(ng.relu(X @ W + b))


@pytest.fixture(scope="module")
def sums():
    x = ng.input("x", shape=(3000, 400), dtype="float32")
    return ng.kernels([ng.softmax(x), ng.sum(ng.tanh(x * 2 + 1))])


def texts(drawing):
    return [shape for piece in pieces(drawing) for shape in piece.shapes if isinstance(shape, Text)]


@pytest.mark.parametrize("language", ["en", "zh-TW", "zh-CN"])
@pytest.mark.parametrize("which", ["layer", "sums"])
def test_everything_lies_on_the_paper_and_no_text_on_another(which, language, request):
    drawing = ng.draw(request.getfixturevalue(which), language=language, title="A title")
    boxes = []
    for text in texts(drawing):
        wide = width(text.text, text.size)
        left = text.x - wide / 2 if text.anchor == "middle" else text.x
        assert left >= 0
        assert left + wide <= drawing.wide
        assert 0 < text.y <= drawing.high
        if text.text:
            boxes.append((left, text.y - text.size * 0.8, left + wide, text.y, text.text))
    assert not missing("".join(box[4] for box in boxes))
    for at, one in enumerate(boxes):
        for other in boxes[at + 1 :]:
            apart = one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]
            assert apart, (one, other)


def test_every_number_has_its_thread(layer):
    (kernel,) = layer
    cells = [str(thread) for row in kernel.lay.corner for thread in row]
    shown = [text.text for text in texts(ng.draw(layer))]
    for cell in set(cells):
        assert shown.count(cell) >= cells.count(cell)
    assert "(1,0)" in shown


def test_what_thread_0_has_is_framed(layer):
    drawing = ng.draw(layer)
    mine = sum(thread == 0 for row in layer[1].lay.corner for thread in row)
    rects = [shape for piece in pieces(drawing) for shape in piece.shapes if isinstance(shape, Rect)]
    assert sum(rect.line == 1.8 for rect in rects) == mine > 1


@pytest.mark.parametrize("theme", ["light", "dark", "print"])
def test_themes_and_forms(theme, layer, tmp_path):
    drawing = ng.draw(layer, theme=theme, size="slide")
    assert drawing.svg().startswith("<svg")
    assert drawing.with_(theme="print").svg() != ng.draw(layer, theme="light").svg() or theme == "light"
    for ending in (".svg", ".png", ".pdf", ".tex", ".html"):
        assert drawing.save(tmp_path / f"{theme}{ending}").stat().st_size > 1000
    with pytest.raises(DrawingError, match=r"\.svg \.png"):
        drawing.save(tmp_path / "threads.dot")


def test_the_same_each_time(layer):
    assert ng.draw(layer).svg() == ng.draw(layer).svg()
    assert repr(ng.draw(layer)) == "<Drawing: threads of <1 kernel, cuda>>"


def test_kernels_without_a_lay_are_named_all_the_same(layer):
    bare = replace(layer, kernels=tuple(replace(each, lay=None) for each in layer))
    assert any("Kernel 1" in text.text for text in texts(ng.draw(bare)))
