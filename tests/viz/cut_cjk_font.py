"""How NNGraphSansCJK-Regular.ttf was cut: run once by hand, needs fontTools and Debian's fonts-noto-cjk.

    python tests/viz/cut_cjk_font.py /usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc

Holds every character of GB2312 level 1 and Big5 level 1, the rarer ones of the course, CJK punctuation and full-width
forms. A character of Big5 has its Traditional (TC) form, one found only in GB2312 its Simplified (SC) form. Outlines
become quadratic (TrueType), so that one small reader (viz/fontfile.py) serves measuring, PDF and text as paths. The family
is renamed, as the Open Font License asks.
"""

from __future__ import annotations

import sys
from pathlib import Path

FAMILY = "NNGraph Sans CJK"
TARGET = Path(__file__).resolve().parents[2] / "viz" / "fonts" / "NNGraphSansCJK-Regular.ttf"
RARE_TRADITIONAL, RARE_SIMPLIFIED = "熵饋閾軛", "阈鸢闵轭"
"""Entropy, feedback, threshold, conjugate, iris: words of the course that are on the second level of both."""
LARGEST_ERROR = 1.5  # of 1000 units per em: a tenth of a pixel at 64 px


def wanted_traditional() -> set[int]:
    """The code points of Big5 level 1 (0xA440 to 0xC67E)."""
    found = set()
    for lead in range(0xA4, 0xC7):
        for trail in [*range(0x40, 0x7F), *range(0xA1, 0xFF)]:
            if (lead, trail) <= (0xC6, 0x7E):
                found.update(map(ord, bytes([lead, trail]).decode("big5", "ignore")))
    return found


def wanted_simplified() -> set[int]:
    """The code points of GB2312 level 1 (rows 16 to 55)."""
    found = set()
    for row in range(16, 56):
        for cell in range(1, 95):
            found.update(map(ord, bytes([0xA0 + row, 0xA0 + cell]).decode("gb2312", "ignore")))
    return found


def wanted_signs() -> set[int]:
    """CJK punctuation and full-width forms."""
    return {*range(0x3000, 0x3020), *range(0xFF01, 0xFF5F), *range(0xFFE0, 0xFFE7)}


def main(source: str) -> None:
    from fontTools.fontBuilder import FontBuilder
    from fontTools.pens.cu2quPen import Cu2QuPen
    from fontTools.pens.ttGlyphPen import TTGlyphPen
    from fontTools.ttLib import TTCollection

    faces = {face["name"].getDebugName(1): face for face in TTCollection(source).fonts}
    traditional, simplified = faces["Noto Sans CJK TC"], faces["Noto Sans CJK SC"]
    big5, gb2312 = wanted_traditional(), wanted_simplified()
    big5, gb2312 = big5 | set(map(ord, RARE_TRADITIONAL)), gb2312 | set(map(ord, RARE_SIMPLIFIED))
    characters: dict[int, tuple[object, str]] = {}
    for point in sorted(big5 | gb2312 | wanted_signs()):
        face = simplified if point in gb2312 and point not in big5 else traditional
        name = face.getBestCmap().get(point)
        if name is not None:
            characters[point] = (face, name)
    order, glyphs, widths, cmap = [".notdef"], {}, {}, {}
    faces_of = {".notdef": (traditional, ".notdef")} | {f"u{point:04X}": pair for point, pair in characters.items()}
    for new_name, (face, name) in faces_of.items():
        glyph_set = face.getGlyphSet()
        pen = TTGlyphPen(None)
        glyph_set[name].draw(Cu2QuPen(pen, LARGEST_ERROR, reverse_direction=True))
        glyphs[new_name], widths[new_name] = pen.glyph(), glyph_set[name].width
        if new_name != ".notdef":
            order.append(new_name)
            cmap[int(new_name[1:], 16)] = new_name
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder(order)
    builder.setupCharacterMap(cmap)
    builder.setupGlyf(glyphs)
    builder.setupHorizontalMetrics(
        {name: (widths[name], glyphs[name].xMin if glyphs[name].numberOfContours else 0) for name in order}
    )
    builder.setupHorizontalHeader(ascent=880, descent=-120)
    copyright_line = traditional["name"].getDebugName(0)
    builder.setupNameTable(
        {
            "familyName": FAMILY,
            "styleName": "Regular",
            "uniqueFontIdentifier": FAMILY,
            "fullName": FAMILY,
            "psName": "NNGraphSansCJK-Regular",
            "version": traditional["name"].getDebugName(5),
            "copyright": copyright_line,
            "licenseDescription": traditional["name"].getDebugName(13),
            "licenseInfoURL": "https://openfontlicense.org",
        }
    )
    builder.setupOS2(sTypoAscender=880, sTypoDescender=-120, usWinAscent=1160, usWinDescent=288)
    builder.setupPost(keepGlyphNames=False)
    builder.font["head"].created = builder.font["head"].modified = 0
    builder.font.recalcTimestamp = False
    builder.save(TARGET)
    print(f"{len(cmap)} characters, {TARGET.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main(sys.argv[1])
