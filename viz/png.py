"""PNG through resvg with the bundled fonts only: the same pixels on every machine, 中文 included."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from .drawing import DrawingError
from .measure import FONTS, missing
from .shapes import all_text
from .svg import paper, svg

if TYPE_CHECKING:
    from .drawing import Drawing


def png(drawing: Drawing, scale: float = 2.0) -> bytes:
    """The picture as PNG bytes, `scale` pixels per pixel of the SVG. DrawingError for a character no bundled font
    has."""
    refuse_missing(drawing, "PNG")
    try:
        import resvg_py
    except ImportError:
        raise DrawingError(
            "PNG needs resvg: pip install resvg-py (or save as .svg or .pdf, which need nothing)"
        ) from None
    wide, high = paper(drawing)
    if wide * scale * high * scale > 2e8:
        raise DrawingError(
            f"PNG of {wide * scale:.0f} by {high * scale:.0f} pixels is too large; fold the picture, or save it as .svg"
        )
    return bytes(
        resvg_py.svg_to_bytes(
            svg_string=svg(drawing),
            width=max(1, round(wide * scale)),
            skip_system_fonts=True,
            font_files=[str(font.path) for font in FONTS],
            font_family=FONTS[0].family,
            sans_serif_family=FONTS[0].family,
        )
    )


def refuse_missing(drawing: Drawing, format_name: str) -> None:
    """DrawingError that names the characters the bundled fonts lack, rather than a row of empty boxes."""
    lacking = missing(all_text(drawing))
    if lacking:
        said = ", ".join(
            f"{character!r} (U+{ord(character):04X} {unicodedata.name(character, '').lower()})".replace(" )", ")")
            for character in lacking[:5]
        )
        more = f" and {len(lacking) - 5} more" if len(lacking) > 5 else ""
        raise DrawingError(
            f"{format_name} cannot show {said}{more}: the bundled fonts do not have it."
            " Save as .svg or .html, which use your system's fonts, or choose another name."
        )
