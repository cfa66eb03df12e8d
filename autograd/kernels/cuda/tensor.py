"""Products on tensor cores: numbers rounded to TF32 (the exponents of float32, 10 bits of fraction), their sums in float32.

A warp does mma.m16n8k8: 16 × 8 numbers of A times 8 × 8 of B. With lane = 4·g + t, a lane has of A rows g and g + 8, each in
columns t and t + 4; of B rows t and t + 4 of column g; of the sums rows g and g + 8 in columns 2t and 2t + 1. In which order a
lane names them was compared with CUTLASS, number by number: MMA_Traits<SM80_16x8x8_F32TF32TF32F32_TN> of its
include/cute/atom/mma_traits_sm80.hpp (a test spells that out).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from .lines import Lines, together
from .warps import WARP, meeting_of

ROWS, COLUMNS, DEPTH = 16, 8, 8


@dataclass(frozen=True, slots=True)
class TensorTile:
    """See Tile of product_tiles.py. `up` × `across` warps, each with blocks of 16 × 16 numbers: two products side by side, in
    which column 2g + s is number g of product s, so that a lane's four columns lie side by side."""

    height: int
    width: int
    deep: int
    up: int
    across: int
    run: int = 1

    @property
    def threads(self) -> int:
        """Threads of a block."""
        return WARP * self.up * self.across

    @property
    def blocks(self) -> tuple[int, int]:
        """Blocks of a warp, down and across."""
        return self.height // self.up // ROWS, self.width // self.across // ROWS

    @property
    def tall(self) -> int:
        """Rows of a lane's sums."""
        return 2 * self.blocks[0]

    @property
    def wide(self) -> int:
        """Columns of a lane's sums."""
        return 4 * self.blocks[1]

    def pitch(self, size: int, along_depth: bool) -> int:
        """How far apart two steps of the depth are in shared memory: lanes with other t read from other banks."""
        return size + 8

    def kept(self, number: str) -> str:
        """A number on its way to shared memory: rounded."""
        return f"tf32({number})"

    def begin(self, lines: Lines, number: str) -> None:
        """A lane's place in the tile, and its sums."""
        down, across = self.blocks
        lines.say(
            f"sums = cuda.local.array({self.tall * self.wide}, {number})",
            f"x = cuda.local.array({4 * down}, {number})",
            f"y = cuda.local.array({4 * across}, {number})",
            "warp, lane = uint32(thread // uint32(32)), uint32(thread % uint32(32))",
            "g, t = uint32(lane // uint32(4)), uint32(lane % uint32(4))",
            f"mine_i = uint32(uint32(warp // uint32({self.across})) * uint32({ROWS * down}) + g)",
            f"first_j = uint32(uint32(warp % uint32({self.across})) * uint32({ROWS * across}))",
            "mine_j = uint32(first_j + t * uint32(4))",
        )
        with lines.under(f"for each in range({self.tall * self.wide}):"):
            lines.say(f"sums[each] = {number}(0)")

    def multiply(self, lines: Lines, number: str, pitches: tuple[int, int], firsts: tuple[str, str]) -> None:
        """All products of one slice."""
        lines.say(
            f"of_x = uint32({firsts[0]} + t * uint32({pitches[0]}) + mine_i)",
            f"of_y = uint32({firsts[1]} + t * uint32({pitches[1]}) + first_j + g * uint32(2))",
        )
        for step in range(0, self.deep, DEPTH):
            self._step(lines, step, pitches)

    def _step(self, lines: Lines, step: int, pitches: tuple[int, int]) -> None:
        down, across = self.blocks
        for block in range(down):
            for each in range(4):
                place = (step + 4 * (each // 2)) * pitches[0] + ROWS * block + 8 * (each % 2)
                lines.say(f"x[{4 * block + each}] = slice_a[uint32(of_x + uint32({place}))]")
        for block in range(across):
            for each in range(4):
                place = (step + 4 * (each % 2)) * pitches[1] + ROWS * block + each // 2
                lines.say(f"y[{4 * block + each}] = slice_b[uint32(of_y + uint32({place}))]")
        for block in range(down):
            for other in range(across):
                for side in range(2):
                    at = [2 * block * self.wide + 4 * other + side + 2 * each for each in range(2)]
                    sums = together(f"sums[{each}]" for each in (*at, *(each + self.wide for each in at)))
                    left = together(f"x[{4 * block + each}]" for each in range(4))
                    right = together(f"y[{4 * other + 2 * side + each}]" for each in range(2))
                    lines.say(f"{sums} = mma({left}, {right}, {sums})")

    @property
    def squares_down(self) -> list[tuple[int, int]]:
        """See Tile: rows one by one."""
        return [(8 * row, row) for row in range(self.tall)]

    @property
    def squares_across(self) -> list[tuple[int, int]]:
        """See Tile."""
        return [(ROWS * block, 4 * block) for block in range(self.blocks[1])]


BROAD, NARROW = TensorTile(128, 128, 16, 2, 4), TensorTile(64, 64, 16, 2, 2)


@cache
def instructions(simulated: bool) -> dict[str, Callable[..., Any]]:
    """`tf32(number)`: rounded to TF32, halves away from zero. `mma(a0, a1, a2, a3, b0, b1, c0, c1, c2, c3)`: what a lane
    has of the sums, when all lanes of a warp have said what they have."""
    return {"tf32": _tf32, "mma": _mma} if simulated else _intrinsics()


def _tf32(number: Any) -> Any:
    bits = np.float32(number).view(np.uint32)
    if bits & 0x7F800000 == 0x7F800000:
        return np.float32(number)
    return np.uint32((int(bits) + 0x1000) & 0xFFFFE000).view(np.float32)


def _mma(*fragment: Any) -> tuple[Any, ...]:
    assert all(isinstance(each, np.float32) for each in fragment), [type(each) for each in fragment]
    # A tensor core does not look at the last 13 bits.
    assert not any(int(each.view(np.uint32)) & 0x1FFF for each in fragment[:6] if np.isfinite(each)), "not rounded"
    meeting, lane = meeting_of(0xFFFFFFFF)
    g, t = divmod(lane, 4)
    have = meeting.gathered(lane, fragment)
    a, b = np.empty((ROWS, DEPTH), np.float32), np.empty((DEPTH, COLUMNS), np.float32)
    for other, numbers in have.items():
        row, column = divmod(other, 4)
        for each in range(4):
            a[row + 8 * (each % 2), column + 4 * (each // 2)] = numbers[each]
        for each in range(2):
            b[column + 4 * each, row] = numbers[4 + each]
    rows, columns = [g, g, g + 8, g + 8], [2 * t, 2 * t + 1, 2 * t, 2 * t + 1]
    with np.errstate(all="ignore"):
        return tuple(
            np.float32(sum_ + np.dot(a[row], b[:, column]))
            for row, column, sum_ in zip(rows, columns, fragment[6:], strict=True)
        )


def _intrinsics() -> dict[str, Callable[..., Any]]:
    from llvmlite import ir
    from numba.cuda import types
    from numba.cuda.extending import intrinsic

    number, word = ir.FloatType(), ir.IntType(32)

    @intrinsic
    def tf32(typing: Any, value: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            kind = ir.FunctionType(word, [number])
            said = ir.InlineAsm(kind, "cvt.rna.tf32.f32 $0, $1;", "=r,f")
            return builder.bitcast(builder.call(said, values), number)

        return types.float32(types.float32), generate

    @intrinsic
    def mma(
        typing: Any, a0: Any, a1: Any, a2: Any, a3: Any, b0: Any, b1: Any, c0: Any, c1: Any, c2: Any, c3: Any
    ) -> Any:  # fmt: skip
        def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            kind = ir.FunctionType(ir.LiteralStructType([number] * 4), [word] * 6 + [number] * 4)
            text = (
                "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32"
                " {$0, $1, $2, $3}, {$4, $5, $6, $7}, {$8, $9}, {$10, $11, $12, $13};"
            )
            said = ir.InlineAsm(kind, text, ",".join(["=f"] * 4 + ["r"] * 6 + ["f"] * 4), side_effect=True)
            bits = [builder.bitcast(each, word) for each in values[:6]]
            sums = builder.call(said, [*bits, *values[6:]])
            numbers = [builder.extract_value(sums, each) for each in range(4)]
            return context.make_tuple(builder, signature.return_type, numbers)

        return types.UniTuple(types.float32, 4)(*[types.float32] * 10), generate

    return {"tf32": tf32, "mma": mma}
