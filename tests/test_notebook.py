"""In a notebook a node, a drawing and a derivation show themselves."""

from __future__ import annotations

import xml.etree.ElementTree

import nngraph as ng


def test_a_node_shows_the_picture_of_its_graph():
    w, x = ng.parameter("w", 2.0), ng.input("x", 3.0)
    bundle = ng.sigmoid(w * x)._repr_mimebundle_()
    assert bundle["text/plain"].startswith("<sigmoid")
    written = [text.strip() for text in xml.etree.ElementTree.fromstring(bundle["image/svg+xml"]).itertext()]
    assert {"w", "x", "σ"} <= set(written)


def test_a_leaf_and_a_long_graph_show_something_too():
    x = ng.input("x", 1.0)
    y = x
    for _ in range(300):
        y = ng.tanh(y * 1.01)
    for node in (x, y):
        assert node._repr_mimebundle_()["image/svg+xml"].startswith("<svg")


def test_a_derivation_and_a_drawing_show_themselves():
    x = ng.input("x", 1.0)
    y = ng.square(x)
    assert "text/html" in ng.explain(y, wrt=[x])._repr_mimebundle_()
    assert "image/svg+xml" in ng.draw(y)._repr_mimebundle_()
