"""The bundled fonts: they hold what was promised, and our small reader agrees with fontTools."""

from __future__ import annotations

from io import BytesIO

import pytest
from nngraph.autograd.language import _catalog
from nngraph.viz import measure
from nngraph.viz.measure import CHINESE, FONTS, LATIN


@pytest.mark.parametrize("font", FONTS, ids=lambda font: font.family)
def test_reader_agrees_with_fonttools(font):
    from fontTools.ttLib import TTFont

    theirs = TTFont(font.path)
    cmap, glyf, hmtx = theirs.getBestCmap(), theirs["glyf"], theirs["hmtx"]
    assert font.glyph_of == {point: theirs.getGlyphID(name) for point, name in cmap.items()}
    assert all(font.glyph_advance(font.glyph_of[point]) == hmtx[name][0] for point, name in cmap.items())
    for point in list(cmap)[::41]:
        expected, _, _ = glyf[cmap[point]].getCoordinates(glyf)
        mine = [place for contour in font.outline(chr(point)) for place, _ in contour]
        assert len(mine) == len(expected)
        assert all(abs(x - a) <= 1 and abs(y - b) <= 1 for (x, y), (a, b) in zip(mine, expected, strict=True))


@pytest.mark.parametrize(("font", "text"), [(LATIN, "Ŷσ∂Å"), (CHINESE, "反向傳播链式法则")])
def test_subset_keeps_outlines_and_is_small(font, text):
    from fontTools.ttLib import TTFont

    data = font.subset(set(text))
    assert len(data) < 100_000
    small, whole = TTFont(BytesIO(data)), TTFont(font.path)
    for character in text:
        glyph = font.glyph_of[ord(character)]
        name, other = small.getGlyphOrder()[glyph], whole.getGlyphOrder()[glyph]
        assert (
            small["glyf"][name].getCoordinates(small["glyf"])[0]
            == whole["glyf"][other].getCoordinates(whole["glyf"])[0]
        )


def test_every_common_character_is_there(cut_cjk_font):
    cut = cut_cjk_font
    wanted = (
        cut.wanted_traditional() | cut.wanted_simplified() | {ord(sign) for sign in "，。：；？！（）「」『』、《》"}
    )
    assert len(cut.wanted_simplified()) == 3755
    assert len(cut.wanted_traditional()) == 5401
    lacking = [chr(point) for point in wanted if measure.font_of(chr(point)) is None]
    assert lacking == []
    assert measure.missing("σ ∂ ′ ᵀ ₁ ² ∇ Σ × · − √ ≤ ≥ → θ δ ŷ ⋮ …") == ""


@pytest.mark.parametrize("name", ["zh-TW", "zh-CN"])
def test_whatever_the_catalogs_say_can_be_drawn(name):
    """A lacking character is added to RARE_TRADITIONAL or RARE_SIMPLIFIED, and the font is cut again."""
    assert measure.missing("".join(_catalog(name).values()).replace("\n", "")) == ""


def test_licenses_stand_beside_the_fonts():
    for font in FONTS:
        license_file = font.path.with_name(font.path.name.split("-")[0].removesuffix(".ttf") + "-LICENSE.txt")
        assert len(license_file.read_text(encoding="utf-8")) > 1000


def test_width_counts_full_characters_and_unknown_ones():
    assert measure.width("中文", 10) == pytest.approx(20.0)
    assert measure.width("🦊", 10) == pytest.approx(10.0)
    assert measure.width("iii", 10) < measure.width("WWW", 10)


def test_fonts_cost_nothing_until_something_is_drawn():
    fresh = measure.FontFile(LATIN.path, "test")
    assert "_bytes" not in vars(fresh)
