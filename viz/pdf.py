"""A one-page PDF from the same shapes as the SVG, with the fonts it uses inside: needs nothing installed, text can be
selected.

Only what our shapes need of PDF 1.7: filled and stroked paths, dashes, and two subset TrueType fonts with a map back
to Unicode.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from .curves import Curve
from .fontfile import FontFile
from .measure import FONTS, runs, width
from .png import refuse_missing
from .shapes import Line, Polygon, Rect, Shape, Text, pieces
from .svg import number, paper

if TYPE_CHECKING:
    from .drawing import Drawing

POINTS_PER_PIXEL = 0.75
KAPPA = 0.5523  # how far the controls of a quarter circle reach


def pdf(drawing: Drawing) -> bytes:
    """The picture as PDF bytes. DrawingError for a character no bundled font has."""
    refuse_missing(drawing, "PDF")
    placed = drawing.placed
    wide, high = (side * POINTS_PER_PIXEL for side in paper(drawing))
    scale = wide / placed.width
    shapes = [shape for piece in pieces(drawing) for shape in piece.shapes]
    used = {
        font: {
            c
            for shape in shapes
            if isinstance(shape, Text)
            for part, text in runs(shape.text)
            if part is font
            for c in text
        }
        for font in FONTS
    }
    used = {font: characters for font, characters in used.items() if characters}
    names = {font: f"F{k}" for k, font in enumerate(used)}
    content = [f"{number4(scale)} 0 0 {number4(-scale)} 0 {number4(high)} cm 1 J 1 j"]
    content += [_spoken(shape, names) for shape in shapes]
    objects: list[bytes] = [b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>"]
    first_font = 5
    resources = " ".join(f"/{names[font]} {first_font + 5 * k} 0 R" for k, font in enumerate(used))
    objects.append(
        f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {number4(wide)} {number4(high)}] /Contents 4 0 R"
        f" /Resources << /Font << {resources} >> >> >>".encode()
    )
    objects.append(_stream("\n".join(content).encode("ascii")))
    for k, (font, characters) in enumerate(used.items()):
        objects += _font_objects(font, characters, first_font + 5 * k)
    return _file(objects)


def _spoken(shape: Shape, names: dict[FontFile, str]) -> str:
    match shape:
        case Rect():
            paint = _paint(shape.fill, shape.stroke, shape.line, shape.dash)
            return f"q {paint[0]} {_rounded(shape)} {paint[1]} Q"
        case Line():
            return f"q {_paint('', shape.stroke, shape.line, shape.dash)[0]} {_curve(shape.curve)} S Q"
        case Polygon():
            (x, y), *rest = shape.points
            return (
                f"q {_color(shape.fill)} rg {number(x)} {number(y)} m "
                + " ".join(f"{number(a)} {number(b)} l" for a, b in rest)
                + " f Q"
            )
        case Text():
            x = shape.x - (width(shape.text, shape.size) / 2 if shape.anchor == "middle" else 0.0)
            said = []
            for font, part in runs(shape.text):
                codes = "".join(f"{font.glyph_of.get(ord(character), 0):04X}" for character in part)
                said.append(
                    f"/{names[font]} {number(shape.size)} Tf 1 0 0 -1 {number(x)} {number(shape.y)} Tm <{codes}> Tj"
                )
                x += width(part, shape.size)
            return f"q {_color(shape.fill)} rg BT {' '.join(said)} ET Q"


def _color(color: str) -> str:
    return " ".join(f"{int(color[k : k + 2], 16) / 255:.3f}" for k in (1, 3, 5))


def _paint(fill: str, stroke: str, line: float, dash: tuple[float, ...]) -> tuple[str, str]:
    setting = f"{_color(fill)} rg" if fill else ""
    if stroke:
        setting += f" {_color(stroke)} RG {number(line)} w [{' '.join(map(number, dash))}] 0 d"
    return setting, ("B" if fill else "S") if stroke else "f"


def _rounded(rect: Rect) -> str:
    x, y, wide, high = rect.x, rect.y, rect.width, rect.height
    r = min(rect.radius, wide / 2, high / 2)
    if r <= 0:
        return f"{number(x)} {number(y)} {number(wide)} {number(high)} re"
    k = r * (1 - KAPPA)
    right, bottom = x + wide, y + high
    numbers = [
        ("m", (x + r, y)),
        ("l", (right - r, y)),
        ("c", (right - k, y, right, y + k, right, y + r)),
        ("l", (right, bottom - r)),
        ("c", (right, bottom - k, right - k, bottom, right - r, bottom)),
        ("l", (x + r, bottom)),
        ("c", (x + k, bottom, x, bottom - k, x, bottom - r)),
        ("l", (x, y + r)),
        ("c", (x, y + k, x + k, y, x + r, y)),
    ]
    return " ".join(" ".join(map(number, values)) + f" {verb}" for verb, values in numbers) + " h"


def _curve(curve: Curve) -> str:
    (x, y), *rest = curve
    triples = [rest[k : k + 3] for k in range(0, len(rest), 3)]
    return f"{number(x)} {number(y)} m " + " ".join(
        " ".join(f"{number(a)} {number(b)}" for a, b in triple) + " c" for triple in triples
    )


def _font_objects(font: FontFile, characters: set[str], first: int) -> list[bytes]:
    """Five objects: the font, its descendant, its descriptor, the file, the map to Unicode."""
    em = 1000 / font.units_per_em
    name = "NNGRPH+" + font.family.replace(" ", "")
    glyphs = {font.glyph_of[ord(character)]: character for character in sorted(characters) if font.has(character)}
    widths = " ".join(f"{glyph} [{font.glyph_advance(glyph) * em:.0f}]" for glyph in sorted(glyphs))
    box = " ".join(f"{value * em:.0f}" for value in font.bounds)
    ascent, descent = font.ascent_descent
    data = font.subset(characters)
    lines = [
        f"<{glyph:04X}> <{character.encode('utf-16-be').hex().upper()}>" for glyph, character in sorted(glyphs.items())
    ]
    blocks = [lines[k : k + 100] for k in range(0, len(lines), 100)]
    mapping = (
        "/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /Unicode def /CMapType 2 def"
        " 1 begincodespacerange <0000> <FFFF> endcodespacerange\n"
        + "\n".join(f"{len(block)} beginbfchar\n" + "\n".join(block) + "\nendbfchar" for block in blocks)
        + "\nendcmap CMapName currentdict /CMap defineresource pop end end"
    )
    return [
        (
            f"<< /Type /Font /Subtype /Type0 /BaseFont /{name} /Encoding /Identity-H"
            f" /DescendantFonts [{first + 1} 0 R] /ToUnicode {first + 4} 0 R >>"
        ).encode(),
        (
            f"<< /Type /Font /Subtype /CIDFontType2 /BaseFont /{name} /FontDescriptor {first + 2} 0 R"
            " /CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >>"
            f" /CIDToGIDMap /Identity /DW 1000 /W [{widths}] >>"
        ).encode(),
        (
            f"<< /Type /FontDescriptor /FontName /{name} /Flags 4 /FontBBox [{box}] /ItalicAngle 0"
            f" /Ascent {ascent * em:.0f} /Descent {descent * em:.0f} /CapHeight {ascent * em * 0.78:.0f}"
            f" /StemV 80 /FontFile2 {first + 3} 0 R >>"
        ).encode(),
        _stream(data, f"/Length1 {len(data)} "),
        _stream(mapping.encode("ascii")),
    ]


def _stream(data: bytes, extra: str = "") -> bytes:
    packed = zlib.compress(data, 9)
    return f"<< {extra}/Length {len(packed)} /Filter /FlateDecode >>\nstream\n".encode() + packed + b"\nendstream"


def _file(objects: list[bytes]) -> bytes:
    out = bytearray(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
    offsets = []
    for index, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += f"{index} 0 obj\n".encode() + body + b"\nendobj\n"
    start = len(out)
    out += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode() + b"".join(
        f"{offset:010d} 00000 n \n".encode() for offset in offsets
    )
    out += f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n".encode()
    return bytes(out)


def number4(value: float) -> str:
    """Four decimals: for sizes and scales."""
    return f"{value:.4f}".rstrip("0").rstrip(".")
