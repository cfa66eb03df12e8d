"""A plot as a value: how it is painted, and a theme, a size and a language that can still be changed before it is saved."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from io import BytesIO
from math import log10
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...autograd.errors import NngraphError
from ...autograd.files import write_whole
from ...autograd.language import current_language, known_language, translate
from ..measure import FONTS, clean, punctuated
from ..themes import THEMES
from .colors import Colors

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMATS = ("png", "svg", "pdf")
SIZES = {"natural": None, "slide": (13.333, 7.5), "a4": (11.69, 8.27)}
"""Inches; a slide is 16:9, a4 lies."""
POINTS = {"natural": 10.0, "slide": 18.0, "a4": 13.0}
Paint = Callable[["Figure", "Look"], None]


class PlotError(NngraphError, ValueError):
    """A plot that cannot be made of what was given, or matplotlib is not there."""


@dataclass(frozen=True)
class Look:
    """What a plot is painted with: its colors, the size of letters in points, and its language."""

    colors: Colors
    points: float
    language: str

    def say(self, sentence: str, **fields: Any) -> str:
        """A sentence in the language of the plot."""
        return translate(sentence, self.language, **fields)

    @property
    def line(self) -> float:
        """The width of a line of data in points."""
        return self.points / 6


@dataclass(frozen=True)
class Plot:
    """A picture of numbers: `.save("curves.svg")` (png, svg, pdf), `.svg()`, `.png()`, or its own display in Jupyter.

    `inches` is its natural size; `size` may ask for "slide" or "a4" instead. `language` None is the one spoken when it is
    painted.
    """

    paint: Paint
    inches: tuple[float, float] = (6.4, 4.0)
    title: str = ""
    theme: str = "light"
    size: str = "natural"
    language: str | None = None

    def __post_init__(self) -> None:
        for what, word, words in (("theme", self.theme, THEMES), ("size", self.size, SIZES)):
            if word not in words:
                raise PlotError(f"plot: no {what} {word!r}. There are {', '.join(words)}.")

    def __repr__(self) -> str:
        return f"<Plot{f' {self.title!r}' if self.title else ''}: {self.theme}, {self.size}>"

    def with_(self, **changes: Any) -> Plot:
        """The same with another theme, size, title or language."""
        return replace(self, **changes)

    def entitle(self, figure: Figure) -> None:
        """Set its title above a figure, if it has one, and the signs of all its texts as its language has them."""
        if self.title:
            figure.suptitle(clean(self.title), color=THEMES[self.theme].text)
        self.punctuate(figure)

    def punctuate(self, figure: Figure) -> None:
        """Set the commas and stops of all texts in a figure as readers of the language expect them."""
        from matplotlib.text import Text

        language = current_language() if self.language is None else known_language(self.language)
        for text in figure.findobj(Text):
            if (said := punctuated(text.get_text(), language)) != text.get_text():
                text.set_text(said)

    def png(self, scale: float = 2.0) -> bytes:
        """PNG bytes at 100·scale pixels to the inch."""
        return self._rendered("png", dpi=100 * scale)

    def svg(self) -> str:
        """The picture as SVG text, letters as outlines, so that it looks the same where a font is missing."""
        return in_pixels(self._rendered("svg").decode())

    def pdf(self) -> bytes:
        """The picture as a PDF page of its own size."""
        return self._rendered("pdf")

    def save(self, path: str | Path) -> None:
        """Write the picture, whole or not at all, in the format that the ending of the file names: .png, .svg or .pdf."""
        form = Path(path).suffix.lower().removeprefix(".")
        if form not in FORMATS:
            raise PlotError(f"{path}: a plot is saved as {', '.join('.' + each for each in FORMATS)}")
        write_whole(path, self.svg().encode() if form == "svg" else self._rendered(form, dpi=200))

    def _repr_svg_(self) -> str:
        return self.svg()

    def _rendered(self, form: str, dpi: float = 100) -> bytes:
        buffer = BytesIO()
        with painted(self) as figure, _hushed():
            # Without a date the same plot is the same file.
            about: dict[str, Any] = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(form, {})
            figure.savefig(buffer, format=form, dpi=dpi, metadata=about, facecolor=figure.get_facecolor())
        return buffer.getvalue()


@contextmanager
def painted(plot: Plot) -> Iterator[Figure]:
    """The figure of a plot, in which matplotlib's own settings are those of the plot's theme."""
    matplotlib = library()
    from matplotlib.figure import Figure

    theme, points = THEMES[plot.theme], POINTS[plot.size]
    language = current_language() if plot.language is None else known_language(plot.language)
    with matplotlib.rc_context(settings(plot.theme, points)):
        figure = Figure(figsize=SIZES[plot.size] or plot.inches, facecolor=theme.background, layout="constrained")
        plot.paint(figure, Look(Colors(theme), points, language))
        plot.entitle(figure)
        yield figure


def settings(theme_name: str, points: float) -> dict[str, Any]:
    """matplotlib's settings for a theme: bundled fonts only, thin axes on two sides, and no dollar sign starts a formula."""
    theme = THEMES[theme_name]
    return {
        "font.family": list(_families()), "font.size": points, "text.parse_math": False, "axes.unicode_minus": True,
        "axes.titlesize": points, "axes.labelsize": points, "figure.titlesize": 1.2 * points, "figure.titleweight": "normal",
        "xtick.labelsize": 0.9 * points, "ytick.labelsize": 0.9 * points, "legend.fontsize": 0.9 * points,
        "text.color": theme.text, "axes.labelcolor": theme.text, "axes.titlecolor": theme.text,
        "xtick.color": theme.muted, "ytick.color": theme.muted, "axes.edgecolor": theme.muted,
        "xtick.labelcolor": theme.text, "ytick.labelcolor": theme.text,
        "axes.facecolor": theme.background, "axes.spines.top": False, "axes.spines.right": False,
        "axes.linewidth": points / 14, "legend.frameon": False, "legend.labelcolor": theme.text,
        "svg.fonttype": "path", "svg.hashsalt": "nngraph", "pdf.fonttype": 42,
    }  # fmt: skip


def library() -> Any:
    """matplotlib; PlotError with the line that brings it where it is not there."""
    try:
        import matplotlib
    except ImportError:
        raise PlotError('plots are drawn with matplotlib: pip install "nngraph[learn]"') from None
    return matplotlib


def in_pixels(svg: str) -> str:
    """SVG text whose own size is in pixels, of which an inch has 96: not all programs know points.

    >>> in_pixels('<svg width="72pt" height="36.5pt" viewBox="0 0 72 36.5">')
    '<svg width="96" height="48.667" viewBox="0 0 72 36.5">'
    """
    return re.sub(r'\b(width|height)="([\d.]+)pt"', lambda found: f'{found[1]}="{round(float(found[2]) * 96 / 72, 3):g}"', svg, count=2)


def logarithmic(panel: Any) -> None:
    """The upright axis of a panel made logarithmic, with marks like all others: 10⁻³. Where it spans less than two powers
    of ten, 2 and 5 times each are marked as well."""
    from matplotlib.ticker import FuncFormatter

    def between(value: float, place: int | None) -> str:
        low, high = panel.get_ylim()
        first = f"{value:.0e}"[0]
        return f"{value:g}" if first in "25" and high < 100 * low else ""

    panel.set_yscale("log")
    panel.yaxis.set_major_formatter(FuncFormatter(lambda value, place: power_of_ten(value)))
    panel.yaxis.set_minor_formatter(FuncFormatter(between))


def power_of_ten(value: float) -> str:
    """A power of ten as people write it.

    >>> power_of_ten(0.001), power_of_ten(1.0)
    ('10⁻³', '1')
    """
    power = round(log10(value)) if value > 0 else 0
    if abs(power) < 2:
        return f"{value:g}"
    return "10" + str(power).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))


@contextmanager
def _hushed() -> Iterator[None]:
    """fontTools, which cuts fonts for PDF, says on standard error that the bundled font has an early date."""
    import logging

    logger = logging.getLogger("fontTools")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


@cache
def _families() -> tuple[str, ...]:
    """The bundled fonts, made known to matplotlib: letters from the first that has them."""
    from matplotlib import font_manager

    for font in FONTS:
        font_manager.fontManager.addfont(str(font.path))
    return tuple(font_manager.FontProperties(fname=str(font.path)).get_name() for font in FONTS)
