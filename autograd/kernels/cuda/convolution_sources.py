"""Operands of the products that convolutions are: windows of images, as they lie in the images.

Nothing is copied out. A load works out which number of the image it wants, of its window (known for the whole depth, or for
the whole slice) and of the entry in it; how many entries a window has down and right is known when the kernel is written, so
that the division by it costs two instructions. Indices wrap at 2³²: what lies before the image is far behind it.
"""

from __future__ import annotations

from dataclasses import dataclass

from .division import divided, names
from .lines import Lines
from .product_sources import Source

FAR, AWAY = "uint32(1 << 31)", "uint32(1 << 30)"
"""Rows that no image has, even with an entry's offset, nor has their sum."""

NAMES = (
    "height", "width", "by_channel", "by_image", "down", "right", "before_down", "before_right", "dilation_down",
    "dilation_right", "lines", "wide", "pixels", "channels", *names("wide"), *names("pixels"), *names("channels"),
)  # fmt: skip
"""Arguments of a kernel with windows: the image's sizes and strides; strides, padding and dilation; rows of windows, windows
of a row and of an image, channels of a group, and the divisors of the last three."""


@dataclass(frozen=True, slots=True)
class WindowSource(Source):
    """A source over windows of `taps` entries, down and right."""

    taps: tuple[int, int]

    def window(self, number: str, row: str, column: str, base: str) -> list[str]:
        """Lines that say where window `number`, counted through all images, begins: its row, its column, and the index of
        that place as far as its image and its entries say."""
        return [
            f"image, line = {divided(number, 'pixels')}, {divided(number, 'wide')}",
            f"{row} = uint32((line - image * lines) * down)",
            f"{column} = uint32((uint32({number}) - line * wide) * right)",
            f"{base} = uint32(image * by_image + {row} * width + {column})",
        ]

    def entry(self, number: str, row: str, column: str, base: str) -> list[str]:
        """The same of entry `number`, counted through all channels, in its window."""
        reach = self.taps[0] * self.taps[1]
        return [
            f"channel = uint32(uint32({number}) // uint32({reach}))",
            *self.tap(f"uint32(uint32({number}) - channel * uint32({reach}))", row, column),
            f"{base} = uint32(channel * by_channel + {row} * width + {column})",
        ]

    def tap(self, number: str, row: str, column: str) -> list[str]:
        """Lines that say how far from its window's first row and column an entry lies, counted in one channel."""
        right = self.taps[1]
        return [
            f"of_row = uint32({number} // uint32({right}))",
            f"{row} = uint32(of_row * dilation_down)",
            f"{column} = uint32(({number} - of_row * uint32({right})) * dilation_right)",
        ]

    def first(self, load: int, period: int) -> int:
        """The first of the loads that have what repeats after `period` threads in common with this one."""
        return load % max(1, period // self.threads)


@dataclass(frozen=True, slots=True)
class WindowsAcross(WindowSource):
    """Columns are windows, the depth their entries. `taps_first`: all channels of one tap after the other, and a slice holds one
    tap only, so that where it lies is found once for all loads of a slice."""

    taps_first: bool = False

    def begin(self, lines: Lines, load: int) -> None:
        """See Source."""
        if self.first(load, self.size // self.four) != load:
            return
        name, number = self.name, f"uint32(column + {self.name}_e{load})"
        row, column, at = (f"{name}_{word}{load}" for word in ("row", "column", "at"))
        lines.say(*self.window(number, row, column, at))
        lines.say(
            f"{row} = uint32({row} - before_down) if {number} < columns else {FAR}",
            f"{column} = uint32({column} - before_right)",
            f"{at} = uint32({name}_here + {at} - before_down * width - before_right)",
        )

    def step(self, lines: Lines, load: int) -> None:
        """See Source."""
        name, own = self.name, self.first(load, self.size // self.four)
        down, right, by = f"{name}_down", f"{name}_right", f"{name}_by"
        inside = f"uint32({name}_row{own} + {down}) < height and uint32({name}_column{own} + {right}) < width"
        if self.taps_first:
            if load == 0:
                lines.say(f"tap = {divided('k', 'channels')}", *self.tap("tap", down, right))
                lines.say(f"{by} = uint32((k - tap * channels) * by_channel + {down} * width + {right})")
            if own == load:
                lines.say(f"{name}_is{load} = {inside}")
            return
        number = f"{name}_depth"
        lines.say(f"{number} = uint32(k + {name}_k{load})", *self.entry(number, down, right, by))
        lines.say(f"{name}_is{own} = {number} < end and {inside}")

    def inside(self, load: int) -> str:
        """See Source."""
        return f"{self.name}_is{self.first(load, self.size // self.four)}"

    def place(self, load: int) -> str:
        """See Source."""
        further = f" + {self.name}_k{load} * by_channel" if self.taps_first else ""
        return f"uint32({self.name}_at{self.first(load, self.size // self.four)} + {self.name}_by{further})"


@dataclass(frozen=True, slots=True)
class WindowsDown(WindowSource):
    """Columns are entries of windows, the depth all windows of all images."""

    def begin(self, lines: Lines, load: int) -> None:
        """See Source."""
        name, number = self.name, f"uint32(column + {self.name}_e{load})"
        row, column, at = (f"{name}_{word}{load}" for word in ("row", "column", "at"))
        lines.say(*self.entry(number, row, column, at))
        lines.say(
            f"{row} = uint32({row} - before_down) if {number} < columns else {FAR}",
            f"{column} = uint32({column} - before_right)",
            f"{at} = uint32({name}_here + {at} - before_down * width - before_right)",
        )

    def step(self, lines: Lines, load: int) -> None:
        """See Source."""
        if self.first(load, self.deep) == load:
            number, down = f"depth_{self.name}{load}", f"{self.name}_down{load}"
            lines.say(f"{number} = uint32(k + {self.name}_k{load})")
            lines.say(*self.window(number, down, f"{self.name}_right{load}", f"{self.name}_by{load}"))
            by = f"{self.name}_by{load}"
            lines.say(f"{down} = {down} if {number} < end else {AWAY}", f"{by} = held({by})")

    def inside(self, load: int) -> str:
        """See Source."""
        name, own = self.name, self.first(load, self.deep)
        row, column = f"uint32({name}_row{load} + {name}_down{own})", f"uint32({name}_column{load} + {name}_right{own})"
        return f"{row} < height and {column} < width"

    def place(self, load: int) -> str:
        """See Source."""
        return f"uint32({self.name}_at{load} + {self.name}_by{self.first(load, self.deep)})"


@dataclass(frozen=True, slots=True)
class Results(Source):
    """What windows receive: rows are channels, the depth all windows of all images, which lie side by side."""

    def begin(self, lines: Lines, load: int) -> None:
        """See Source."""
        name, e = self.name, f"uint32(row + {self.name}_e{load})"
        lines.say(
            f"{name}_at{load} = uint32({name}_here + {e} * pixels)",
            f"{name}_end{load} = end if {e} < rows else uint32(0)",
        )

    def step(self, lines: Lines, load: int) -> None:
        """See Source. An image further, the channels of others are skipped."""
        name = self.name
        if load % max(1, self.deep // self.four // self.threads) == load:
            lines.say(
                f"depth_{name}{load} = uint32(k + {name}_k{load})",
                f"{name}_by{load} = uint32(depth_{name}{load} + {divided(f'depth_{name}{load}', 'pixels')} * {name}_skip)",
            )

    def _own(self, load: int) -> int:
        return load % max(1, self.deep // self.four // self.threads)

    def inside(self, load: int) -> str:
        """See Source."""
        return f"depth_{self.name}{self._own(load)} < {self.name}_end{load}"

    def place(self, load: int) -> str:
        """See Source."""
        return f"uint32({self.name}_at{load} + {self.name}_by{self._own(load)})"
