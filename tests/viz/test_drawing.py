"""A Drawing as data: what it refuses, how it saves itself, how it shows itself."""

from __future__ import annotations

import os
import re

import pytest
from nngraph.viz.drawing import WRITERS, Arrow, Box, Drawing, DrawingError, Group


def two() -> Drawing:
    return Drawing((Box("a", ("x",), "leaf-input"), Box("b", ("σ",), "activation")), (Arrow("a", "b"),))


def test_refuses_what_cannot_be_drawn():
    with pytest.raises(DrawingError, match="two boxes have the id 'a'"):
        Drawing((Box("a", ("x",)), Box("a", ("y",))))
    with pytest.raises(DrawingError, match="box 'c', which is not there"):
        Drawing((Box("a", ("x",)),), (Arrow("a", "c"),))
    with pytest.raises(DrawingError, match="group 'g' is not there"):
        Drawing((Box("a", ("x",), group="g"),))
    assert Drawing((Box("a", ("x",), group="g"),), groups=(Group("g", "scope"),)).svg()


@pytest.mark.parametrize("suffix", sorted(WRITERS))
def test_saves_by_suffix(tmp_path, suffix):
    target = two().save(tmp_path / f"picture{suffix.upper()}")
    assert target.stat().st_size > 10
    assert os.listdir(tmp_path) == [target.name]


@pytest.mark.parametrize("name", ["picture.gif", "picture"])
def test_unknown_suffix_names_the_allowed_ones(tmp_path, name):
    with pytest.raises(DrawingError, match=r"\.svg \.png \.pdf \.html \.dot \.json"):
        two().save(tmp_path / name)
    assert os.listdir(tmp_path) == []


def test_a_failed_save_leaves_the_old_file(tmp_path, monkeypatch):
    target = tmp_path / "picture.svg"
    target.write_text("old")

    def broken(*_):
        raise OSError("disk full")

    monkeypatch.setattr(os, "replace", broken)
    with pytest.raises(DrawingError, match="disk full"):
        two().save(target)
    assert target.read_text() == "old"
    assert os.listdir(tmp_path) == ["picture.svg"]


def test_missing_folder_is_said(tmp_path):
    with pytest.raises(DrawingError, match=r"the folder .* is not there"):
        two().save(tmp_path / "nowhere" / "picture.svg")


def test_shows_itself_in_jupyter():
    bundle = two()._repr_mimebundle_()
    assert bundle["image/svg+xml"].startswith("<svg")
    assert "2 boxes" in bundle["text/plain"]


def test_an_empty_drawing_is_a_picture():
    assert Drawing(()).svg().startswith("<svg")


def test_same_drawing_same_text(samples):
    assert samples.net221().svg() == samples.net221().svg()


def test_signs_of_a_simplified_picture_are_half_width():
    import nngraph as ng

    x = ng.input("x", 1.0)
    for language, title in (("zh-CN", "反向, 面积"), ("zh-TW", "反向，面积")):
        drawn = ng.draw(x * 2, view="forward", title="反向，面积", language=language).svg()
        assert title in re.findall(">([^<>]*)</text>", drawn)
