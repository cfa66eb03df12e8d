"""Where the slices of a product's operands come from: which numbers a thread brings, and where they lie.

A slice is `size` numbers (rows of A, columns of B) for each of `deep` steps of the depth. The threads of a block share it out
in loads of one number or of four that lie side by side. The kernel calls, in this order: `prepare` when a turn of the outer
depth loop begins; `fetch`, from memory into variables; and, after it has multiplied the slice before, `keep`, from variables
into shared memory.

Another source, say the windows of an image, is a subclass of `Source` that says four things as text: `begin` (what is known
of a load for the whole turn), `step` (what is known at depth `k` only), `inside` and `place`. It may use the names of the
kernel's arguments and

* `k`, the depth at which the slice begins; `end`, where the depth ends; `row` and `column`, where the tile begins;
* `{name}_e{load}`: which of the `size` numbers the load brings, the first of four where they lie along it;
* `{name}_k{load}`: which step of the slice, the first of four where they lie along the depth.

What it says itself it names after the load: f"{self.name}_…{load}".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .lines import Lines, together


@dataclass(frozen=True, slots=True)
class Source:
    """An operand: its name "a" or "b", and how it `lies`: along the "depth" or along its "rows" ("columns" of b), with a 4
    behind it where all of it goes four by four."""

    name: str
    lies: str
    size: int
    deep: int
    threads: int
    number: str

    # What another source says otherwise -------------------------------------------------------------------------------
    def begin(self, lines: Lines, load: int) -> None:
        """What is known of a load for a whole turn of the outer depth loop."""

    def step(self, lines: Lines, load: int) -> None:
        """What is known of a load at depth k."""

    def inside(self, load: int) -> str:
        """Whether the load's numbers are there; zeros are brought where not."""
        raise NotImplementedError(f"{type(self).__name__} has no inside(self, load)")

    def place(self, load: int) -> str:
        """The index of the load's first number in the array of the operand's name."""
        raise NotImplementedError(f"{type(self).__name__} has no place(self, load)")

    # What all have in common ------------------------------------------------------------------------------------------
    @property
    def four(self) -> int:
        """Numbers of a load."""
        return 4 if self.lies.endswith("4") else 1

    @property
    def along_depth(self) -> bool:
        """Whether a load's numbers, and those of threads side by side, are of several steps of the depth."""
        return self.lies.startswith("depth")

    @property
    def loads(self) -> int:
        """How many of them a thread does."""
        count = self.size * self.deep // self.four
        assert count < self.threads or count % self.threads == 0, (self, "threads would have unlike numbers of loads")
        return max(1, count // self.threads)

    @property
    def some(self) -> str:
        """Which threads bring something, where there are more of them than loads; else nothing."""
        count = self.size * self.deep // self.four
        return f"thread < uint32({count})" if count < self.threads else ""

    @property
    def across(self) -> int:
        """Loads side by side: those of one row of A, or of one step of the depth."""
        return (self.deep if self.along_depth else self.size) // self.four

    def prepare(self, lines: Lines, pitch: int) -> None:
        """Which numbers of every slice a thread brings, and where to: steps of the depth are `pitch` apart."""
        name = self.name
        for load in range(self.loads):
            e, k = f"{name}_e{load}", f"{name}_k{load}"
            near, far = (k, e) if self.along_depth else (e, k)
            if load == 0:
                lines.say(f"{near} = uint32(uint32(thread % uint32({self.across})) * uint32({self.four}))")
                lines.say(f"{far} = uint32(thread // uint32({self.across}))")
                lines.say(f"{name}_to = uint32({k} * uint32({pitch}) + {e})")
            else:
                before = [f"{each[:3]}{load - 1}" for each in (near, far)]
                lines.say(f"{near}, {far} = {before[0]}, uint32({before[1]} + uint32({self._rows}))")
            self.begin(lines, load)

    @property
    def _rows(self) -> int:
        """How far a thread's loads are apart, in rows of A or steps of the depth."""
        assert self.threads % self.across == 0, (self, "a thread's loads would not lie above each other")
        return self.threads // self.across

    def fetch(self, lines: Lines) -> None:
        """The numbers of the slice at depth k into variables."""
        for load in range(self.loads):
            numbers = self._numbers(load)
            self.step(lines, load)
            lines.say(f"{together(numbers)} = {together([f'{self.number}(0)'] * self.four)}")
            with lines.under(f"if {' and '.join(filter(None, (self.some, self.inside(load))))}:"):
                if self.four == 4:
                    lines.say(f"{together(numbers)} = ld4({self.name}, {self.place(load)})")
                else:
                    lines.say(f"{numbers[0]} = {self.name}[{self.place(load)}]")

    def keep(self, lines: Lines, pitch: int, first: str, kept: Callable[[str], str]) -> None:
        """The numbers into shared memory, where the slice begins at number `first`, as the tile wants them `kept`."""
        rows = self._rows * (1 if self.along_depth else pitch) if self.loads > 1 else 0
        for load in range(self.loads):
            numbers = [kept(each) for each in self._numbers(load)]
            if self.some:
                with lines.under(f"if {self.some}:"):
                    self._keep(lines, numbers, f"{first} + {self.name}_to", pitch)
            else:
                self._keep(lines, numbers, f"{first} + {self.name}_to + uint32({load * rows})", pitch)

    def _keep(self, lines: Lines, numbers: list[str], to: str, pitch: int) -> None:
        shared = f"slice_{self.name}"
        if self.four == 1:
            lines.say(f"{shared}[uint32({to})] = {numbers[0]}")
        elif self.along_depth:
            for each, number in enumerate(numbers):
                lines.say(f"{shared}[uint32({to} + uint32({each * pitch}))] = {number}")
        else:
            lines.say(f"st4({shared}, uint32({to}), {together(numbers)})")

    def _numbers(self, load: int) -> list[str]:
        return [f"{self.name}{load}_{each}" for each in range(self.four)]


@dataclass(frozen=True, slots=True)
class Matrix(Source):
    """Numbers that lie by strides: those of `first` (where the tile begins) to `limit` along `by`, and by `{name}_depth`."""

    first: str
    limit: str
    by: str

    def begin(self, lines: Lines, load: int) -> None:
        """See Source. Outside the matrix no number is in front of the end of the depth."""
        name, e = self.name, f"{self.first} + {self.name}_e{load}"
        lines.say(
            f"{name}_at{load} = uint32({name}_here + ({e}) * {self.by} + {name}_k{load} * {name}_depth)",
            f"{name}_end{load} = end if {e} < {self.limit} else uint32(0)",
        )

    def inside(self, load: int) -> str:
        """See Source."""
        return f"uint32(k + {self.name}_k{load}) < {self.name}_end{load}"

    def place(self, load: int) -> str:
        """See Source."""
        return f"uint32({self.name}_at{load} + k * {self.name}_depth)"
