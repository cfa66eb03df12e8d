"""The part of C that a block of threads computes, and the multiply stage of a product: from shared memory into registers."""

from __future__ import annotations

from dataclasses import dataclass

from .lines import Lines, together


@dataclass(frozen=True, slots=True)
class Tile:
    """The part of C that a block computes, and how: `height` × `width` numbers, of which a thread has `tall` × `wide` (both
    multiples of 4), in slices of `deep` numbers of the depth, `unrolled` of them without a jump."""

    height: int
    width: int
    deep: int
    tall: int = 4
    wide: int = 4
    unrolled: int = 16

    run: int = 4
    """Rows of a square of sums."""

    @property
    def threads(self) -> int:
        """Threads of a block."""
        return self.up * self.across

    @property
    def up(self) -> int:
        """Threads above each other."""
        return self.height // self.tall

    @property
    def across(self) -> int:
        """Threads side by side."""
        return self.width // self.wide

    def pitch(self, size: int, along_depth: bool) -> int:
        """How far apart two steps of the depth are in shared memory. Where the numbers that a thread brings are of several
        steps, four more than they are many, so that threads side by side write to different banks."""
        return size + 4 if along_depth and size >= 32 else size

    def kept(self, number: str) -> str:
        """A number on its way to shared memory."""
        return number

    def begin(self, lines: Lines, number: str) -> None:
        """A thread's place in the tile, and its sums. A warp is 4 × 8 threads where that divides the tile: it then reads
        the fewest numbers for its products."""
        lines.say(
            f"sums = cuda.local.array({self.tall * self.wide}, {number})",
            f"x = cuda.local.array({self.tall}, {number})",
            f"y = cuda.local.array({self.wide}, {number})",
        )
        if self.up % 4 == 0 and self.across % 8 == 0:
            warps = self.across // 8
            lines.say(
                "warp, lane = uint32(thread // uint32(32)), uint32(thread % uint32(32))",
                f"up = uint32(uint32(warp // uint32({warps})) * uint32(4) + uint32(lane // uint32(8)))",
                f"across = uint32(uint32(warp % uint32({warps})) * uint32(8) + uint32(lane % uint32(8)))",
            )
        else:
            lines.say(
                f"up, across = uint32(thread // uint32({self.across})), uint32(thread % uint32({self.across}))",
            )
        lines.say("mine_i, mine_j = uint32(up * uint32(4)), uint32(across * uint32(4))")
        with lines.under(f"for each in range({self.tall * self.wide}):"):
            lines.say(f"sums[each] = {number}(0)")

    def multiply(self, lines: Lines, number: str, pitches: tuple[int, int], firsts: tuple[str, str]) -> None:
        """All products of one slice, some steps of the depth without a jump. `pitches`: how far apart two steps lie in the
        slices of A and of B, which begin at the numbers `firsts`."""
        lines.say(f"of_x, of_y = uint32({firsts[0]} + mine_i), uint32({firsts[1]} + mine_j)")
        if self.unrolled >= self.deep:
            self._steps(lines, number, pitches, self.deep)
            return
        lines.say("kk = uint32(0)")
        with lines.under(f"while kk < uint32({self.deep}):"):
            self._steps(lines, number, pitches, self.unrolled)
            lines.say(
                f"of_x = uint32(of_x + uint32({self.unrolled * pitches[0]}))",
                f"of_y = uint32(of_y + uint32({self.unrolled * pitches[1]}))",
                f"kk = uint32(kk + uint32({self.unrolled}))",
            )

    def _steps(self, lines: Lines, number: str, pitches: tuple[int, int], count: int) -> None:
        for step in range(count):
            _fragment(lines, "x", "slice_a", "of_x", step * pitches[0], self.height, self.tall, number)
            _fragment(lines, "y", "slice_b", "of_y", step * pitches[1], self.width, self.wide, number)
            with lines.under(f"for i in range({self.tall}):"), lines.under(f"for j in range({self.wide}):"):
                lines.say(f"sums[i * {self.wide} + j] += x[i] * y[j]")

    @property
    def squares_down(self) -> list[tuple[int, int]]:
        """A thread's squares of 4 × 4 sums from above: how far below `mine_i` each begins, and which of its sums' rows is the
        first."""
        count = self.tall // 4
        return [(square * (self.height // count), 4 * square) for square in range(count)]

    @property
    def squares_across(self) -> list[tuple[int, int]]:
        """The same from the left."""
        count = self.wide // 4
        return [(square * (self.width // count), 4 * square) for square in range(count)]


def _fragment(
    lines: Lines, to: str, source: str, first: str, step: int, size: int, count: int, number: str
) -> None:  # fmt: skip
    """A thread's numbers of one step of the depth: squares of four that lie apart, so that threads side by side read from
    all banks of the shared memory."""
    squares = count // 4
    for square in range(squares):
        place = f"uint32({first} + uint32({step + square * (size // squares)}))"
        numbers = [f"{to}[{4 * square + each}]" for each in range(4)]
        if number == "float32":
            lines.say(f"{together(numbers)} = ld4({source}, {place})")
        else:
            lines.say(*(f"{name} = {source}[uint32({place} + uint32({each}))]" for each, name in enumerate(numbers)))


SMALL = Tile(16, 16, 16, unrolled=4)
"""For the simulator."""
LARGE, MIDDLE = Tile(128, 128, 8, 8, 8, unrolled=8), Tile(64, 64, 16, 8, 4)
TALL, FLAT, LITTLE = Tile(64, 32, 16), Tile(32, 64, 16), Tile(32, 32, 16)
THIN, LOW = Tile(128, 16, 32), Tile(16, 128, 32)
"""For few columns, and for few rows."""
DOUBLE = Tile(64, 64, 16, unrolled=8)
"""For float64, whose sums take two registers each."""
