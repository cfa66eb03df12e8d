"""The colors of plots, taken from the themes of drawings: series, and scales from nothing to much and from minus to plus."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..themes import Theme

SERIES = ("leaf-input", "leaf-parameter", "activation", "loss", "leaf-state", "reduction", "comparison", "random")
"""The kinds of boxes whose lines lend their colors."""
DASHES: tuple[Any, ...] = ("-", "--", ":", "-.", (0, (5, 1)), (0, (1, 1)), (0, (3, 1, 1, 1, 1, 1)), (0, (8, 3)))
MARKERS = "os^Dv*PX"
GRAYS = ("#000000", "#6b6b6b")


@dataclass(frozen=True)
class Colors:
    """Colors by what they are for. Without color, in the theme print, dashes and markers tell series apart."""

    theme: Theme

    @property
    def gray(self) -> bool:
        return self.theme.name == "print"

    def series(self, number: int) -> str:
        """The color of a line or cloud of points."""
        if self.gray:
            return GRAYS[number % 2]
        return self.theme.style(SERIES[number % len(SERIES)]).stroke

    def area(self, number: int) -> str:
        """The color of an area of class `number`, under points of its series."""
        if self.gray:
            return ("#ffffff", "#d9d9d9", "#b0b0b0", "#efefef")[number % 4]
        return self.theme.style(SERIES[number % len(SERIES)]).fill

    def dash(self, number: int) -> Any:
        """The dashes of a line: with the color they are its own, also where colors begin anew."""
        return DASHES[(number + number // len(DASHES) if self.gray else number // len(SERIES)) % len(DASHES)]

    def marker(self, number: int) -> str:
        """The shape of a point, which with its color is its own, also where colors begin anew."""
        return MARKERS[(number + number // len(MARKERS)) % len(MARKERS)]

    @property
    def much(self) -> Any:
        """From the background to full color: counts, shares, attention."""
        from matplotlib.colors import LinearSegmentedColormap

        full = "#000000" if self.gray else self.theme.style("leaf-input").stroke
        return LinearSegmentedColormap.from_list("much", [self.theme.background, full])

    @property
    def ink(self) -> Any:
        """Images from 0 to 1: paper and ink in every theme, because the negative of a picture is another picture."""
        from matplotlib.colors import LinearSegmentedColormap

        return LinearSegmentedColormap.from_list("ink", ["#ffffff", "#10141a"])

    @property
    def signed(self) -> Any:
        """From minus over 0 to plus."""
        from matplotlib.colors import LinearSegmentedColormap

        ends = ("#000000", "#8c8c8c", "#ffffff") if self.gray else (self.theme.gradient, self.theme.background, self.theme.style("leaf-input").stroke)
        return LinearSegmentedColormap.from_list("signed", list(ends))

    def on(self, color: Any) -> str:
        """Black or white, whichever can be read on a color."""
        from matplotlib.colors import to_rgb

        red, green, blue = to_rgb(color)
        return "#ffffff" if 0.299 * red + 0.587 * green + 0.114 * blue < 0.55 else "#1d2129"
