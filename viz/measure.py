"""How wide a text is, in pixels, by the bundled fonts; and which of its characters they lack."""

from __future__ import annotations

import re
import unicodedata
from itertools import groupby
from pathlib import Path

from .fontfile import FontFile

FOLDER = Path(__file__).with_name("fonts")
LATIN = FontFile(FOLDER / "DejaVuSans.ttf", "DejaVu Sans")
CHINESE = FontFile(FOLDER / "NNGraphSansCJK-Regular.ttf", "NNGraph Sans CJK")
FONTS = (LATIN, CHINESE)

# The bundled names first, then what systems carry: Verdana has DejaVu's widths; the rest has 中文.
FAMILIES = (
    "DejaVu Sans",
    "NNGraph Sans CJK",
    "Verdana",
    "Noto Sans CJK TC",
    "Noto Sans TC",
    "PingFang TC",
    "Microsoft JhengHei",
    "Noto Sans CJK SC",
    "PingFang SC",
    "Microsoft YaHei",
    "sans-serif",
)


def font_of(character: str) -> FontFile | None:
    """The font that draws this character, None when neither has it.

    >>> font_of("反").family
    'NNGraph Sans CJK'
    """
    for font in FONTS:
        if font.has(character):
            return font
    return None


def width(text: str, size: float) -> float:
    """Width in pixels of one line at a font size in pixels; a character in neither font counts as a full em.

    >>> round(width("∂E/∂w₁", 10), 1) < width("反向傳播", 20) == 80.0
    True
    """
    total = 0.0
    for character in text:
        font = font_of(character)
        if font is not None:
            total += font.advance(character)
        elif not unicodedata.combining(character):
            total += 1.0
    return total * size


def runs(text: str) -> list[tuple[FontFile, str]]:
    """The text cut where the font changes; characters in neither font go with the first font (and draw its empty
    box)."""
    return [(font, "".join(part)) for font, part in groupby(text, key=lambda character: font_of(character) or LATIN)]


def missing(text: str) -> str:
    """The characters of the text that neither font has, each once.

    >>> missing("學 σ ∂ ′ ᵀ ₁ ² 🦊")
    '🦊'
    """
    return "".join(dict.fromkeys(character for character in text if font_of(character) is None))


def clean(text: str) -> str:
    """The text without what no picture can hold: control characters and lone surrogates become U+FFFD; tabs and
    returns a space."""
    kept = []
    for character in text:
        kind = unicodedata.category(character)
        if character in "\t\r\n\u2028\u2029":
            kept.append(" ")
        elif kind in ("Cc", "Cs") or ord(character) & 0xFFFE == 0xFFFE:
            kept.append("\ufffd")
        else:
            kept.append(character)
    return "".join(kept)


HALVES = {"，": ",", "、": ",", "；": ";", "：": ":", "。": "."}
"""Full-width signs that stand in the middle of their square in Traditional Chinese, as the bundled font has them, and at its lower
left in Simplified Chinese; and their half-width forms, which are the same in both."""


def punctuated(text: str, language: str) -> str:
    """The text with signs that stand where readers of the language expect them.

    >>> punctuated("反向，面积 0.9。", "zh-CN"), punctuated("反向，面積 0.9。", "zh-TW")
    ('反向, 面积 0.9.', '反向，面積 0.9。')
    """
    if language != "zh-CN":
        return text
    return re.sub("([，、；：。])[ ]*(.?)", lambda found: HALVES[found[1]] + (" " + found[2] if found[2] else ""), text)


NUMBERED = re.compile(r"(?<![0-9A-Za-z.])([A-Za-zα-ωΑ-Ω]{1,2}|[A-Z]{3})([0-9]{1,3})(?![0-9A-Za-z_.₀-₉])")
GREEK = dict(
    alpha="α", beta="β", gamma="γ", delta="δ", epsilon="ε", eta="η", theta="θ", lambda_="λ", mu="μ", rho="ρ", sigma="σ",
    phi="φ", psi="ψ", omega="ω",
)  # fmt: skip
GREEK_WORD = re.compile(r"(?<![0-9A-Za-z_.])(" + "|".join(GREEK) + r")(?![A-Za-z_.])")


def typeset(text: str) -> str:
    """A label as people write it: w1 with its number below, gamma as γ; longer words and numbers stay as they are.

    >>> typeset("∂E/∂w12"), typeset("m_W0"), typeset("gamma"), typeset("layer1"), typeset("1e5")
    ('∂E/∂w₁₂', 'm_W₀', 'γ', 'layer1', '1e5')
    """
    text = GREEK_WORD.sub(lambda found: GREEK[found[1]], clean(text).replace("⋆", "★"))  # the bundled ⋆ is a speck
    return NUMBERED.sub(lambda found: found[1] + "".join(chr(0x2080 + int(digit)) for digit in found[2]), text)


def shortened(text: str, longest: int) -> str:
    """The text, cut in the middle with … when it has more characters than `longest`.

    >>> shortened("encoder/layer1/attention", 11)
    'encod…ntion'
    """
    if len(text) <= longest:
        return text
    head = longest // 2
    return text[:head] + "…" + text[len(text) - (longest - head - 1) :]
