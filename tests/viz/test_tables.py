"""Matrices of at most 4×4 are written out in the values view."""

from __future__ import annotations

import nngraph as ng
import numpy as np
from nngraph.viz.shapes import Line, Text, pieces


def linear(rows):
    X = ng.input("X", np.arange(3.0 * rows).reshape(rows, 3))
    W, b = ng.parameter("W", [[1.0, -2.5], [3.0, 4.0], [0.25, 0.0]]), ng.parameter("b", [1.0, -1.0])
    return ng.sum(ng.square(X @ W + b)), W


def test_the_numbers_of_a_small_matrix_stand_in_brackets(measures):
    L, W = linear(4)
    drawing = ng.draw(L, view="values")
    box = next(box for box in drawing.boxes if box.lines == ("W",))
    assert box.above == "W =\n1\t−2.5\n3\t4\n0.25\t0"
    (gradient,) = ng.gradient(L, [W])
    assert box.below.split("\n")[0] == "∂L/∂W ="
    shown = [[float(cell.replace("−", "-")) for cell in row.split("\t")] for row in box.below.split("\n")[1:]]
    np.testing.assert_allclose(shown, gradient.value, rtol=5e-4)
    value = next(piece for piece in pieces(drawing) if piece.role == "value" and piece.id == box.id)
    assert [shape.text for shape in value.shapes if isinstance(shape, Text)] == ["W =", "1", "−2.5", "3", "4", "0.25", "0"]
    assert len([shape for shape in value.shapes if isinstance(shape, Line)]) == 2
    assert measures.overlapping(drawing) == []
    assert measures.through_foreign(drawing) == []
    assert "W = 1 −2.5; 3 4; 0.25 0" in drawing.text()


def test_rows_and_texts_do_not_touch():
    drawing = ng.draw(linear(4)[0], view="values")
    frames = []
    for piece in pieces(drawing):
        if piece.role in ("value", "gradient", "box"):
            rect = piece.shapes[0]
            frames.append((rect.x, rect.y, rect.x + rect.width, rect.y + rect.height, piece.id, piece.role))
    for k, a in enumerate(frames):
        for b in frames[:k]:
            assert a[0] >= b[2] - 0.5 or b[0] >= a[2] - 0.5 or a[1] >= b[3] - 1 or b[1] >= a[3] - 1, (a, b)


def test_a_larger_matrix_is_its_shape():
    drawing = ng.draw(linear(5)[0], view="values")
    assert next(box for box in drawing.boxes if box.lines == ("X",)).above == "X (5×3)"
    unknown = ng.draw(ng.sum(ng.square(ng.input("A", shape=(2, 2)))), view="values")
    assert unknown.boxes[0].above == "A = –"


def test_every_writer_writes_it(tmp_path):
    drawing = ng.draw(linear(2)[0], view="values")
    for suffix in ("svg", "png", "pdf", "html", "dot", "json", "tex", "txt"):
        assert drawing.save(tmp_path / f"table.{suffix}").stat().st_size > 0
