"""A LaTeX document around formulas: its preamble, and Chinese fonts when there is something to set in them."""

from __future__ import annotations

from collections.abc import Sequence

from .spelling import is_full_width

PREAMBLE = r"""\documentclass[11pt]{article}
\usepackage[a4paper,margin=2cm]{geometry}
\usepackage{amsmath,amssymb,mathtools}
"""
SPACING = "\\allowdisplaybreaks\n\\setlength{\\parindent}{0pt}\n"


# pdflatex takes the CJK package, xelatex and lualatex take ctex.
CHINESE = r"""\usepackage{iftex}
\ifPDFTeX
  \usepackage{CJKutf8}
  \newcommand{\otherfont}[1]{{\CJKfamily{%(other)s}#1}}
\else
  \usepackage[fontset=none,scheme=plain]{ctex}
  %% The fonts that come with ctex lack most Traditional forms.
  \newcommand{\simplified}{FandolSong-Regular.otf}
  \newcommand{\traditional}{\simplified}
%(search)s
  \setCJKmainfont{%(font)s}[AutoFakeBold=true,AutoFakeSlant=true]
  \setCJKsansfont{%(font)s}[AutoFakeBold=true]
  \setCJKmonofont{%(font)s}
  \newCJKfontfamily{\otherfamily}{%(otherfont)s}
  \newcommand{\otherfont}[1]{{\otherfamily #1}}
\fi
"""
NONE_FOUND = r"""  \newcommand{\nonefound}{\simplified}
  \ifx\traditional\nonefound\typeout{No font with Traditional Chinese was found: install one, such as Noto Serif CJK TC.}\fi"""
TRADITIONAL = (
    "Noto Serif CJK TC",
    "Noto Serif TC",
    "Source Han Serif TC",
    "Noto Sans CJK TC",
    "Songti TC",
    "PMingLiU",
    "AR PL UMing TW",
    "bsmi00lp.ttf",
)
"""Fonts with Traditional forms, the best first: of Linux, macOS and Windows; the last one comes with TeX Live."""


def page(body: str, language: str, preamble: str = PREAMBLE, spacing: str = SPACING) -> str:
    """The whole document; the first line says which LaTeX compiles it and what that needs."""
    chinese = sorted({character for character in body if is_full_width(character)})
    begin, end, how, extra = "", "", "% Compile with pdflatex, xelatex or lualatex.\n", ""
    if chinese:
        body, main, other = with_chinese_fonts(body, chinese, language)
        begin = f"\\ifPDFTeX\\begin{{CJK}}{{UTF8}}{{{main}}}\\fi\n"
        end = "\\ifPDFTeX\\end{CJK}\\fi\n"
        how = (
            "% Compile with pdflatex, which needs the CJK package (Debian: latex-cjk-chinese),\n"
            "% or with xelatex, which needs ctex and its fonts (Debian: texlive-lang-chinese).\n"
        )
        fonts = {"gbsn": r"\simplified", "bsmi": r"\traditional"}
        search = "\n".join(
            rf"  \IfFontExistsTF{{{font}}}{{\renewcommand{{\traditional}}{{{font}}}}}{{%" for font in TRADITIONAL
        )
        search += "\n  " + "}" * len(TRADITIONAL)
        if main == "bsmi":
            search += "\n" + NONE_FOUND
        extra = CHINESE % {"other": other, "search": search, "font": fonts[main], "otherfont": fonts[other]}
    return f"{how}{preamble}{extra}{spacing}\\begin{{document}}\n{begin}{body}\n{end}\\end{{document}}\n"


FONTS = {"gbsn": "gb2312", "bsmi": "big5"}
"""The fonts of the CJK package and the character sets they cover."""


def with_chinese_fonts(body: str, chinese: Sequence[str], language: str) -> tuple[str, str, str]:
    """The text with a change of font around characters that the main font lacks; the names of the main and the other font."""
    order = ["bsmi", "gbsn"] if language == "zh-TW" else ["gbsn", "bsmi"]
    if language == "en":
        order.sort(key=lambda font: sum(not _covers(font, character) for character in chinese))
    main, other = order
    missing = {character for character in chinese if not _covers(main, character)}

    def changed(character: str) -> str:
        if character not in missing:
            return character
        if _covers(other, character):
            return rf"\otherfont{{{character}}}"
        return rf"\texttt{{U+{ord(character):04X}}}"

    return "".join(map(changed, body)), main, other


def _covers(font: str, character: str) -> bool:
    try:
        character.encode(FONTS[font])
    except UnicodeEncodeError:
        return False
    return True
