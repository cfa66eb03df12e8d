"""The text of a product's kernel, whatever its operands are: two sources of slices, a tile, places of C.

A block of threads computes one tile of C. While it multiplies one slice of A and B, the next is on its way from memory into
registers; it then goes into the other half of shared memory, and the threads wait for each other once for every slice.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .lines import Lines
from .product_sources import Source
from .product_tiles import Tile
from .tensor import TensorTile


@dataclass(frozen=True, slots=True)
class Stages:
    """What a product is put together from. `begin`: lines that say `row`, `column` (where the tile begins), `begin` and `end`
    (of the depth), whatever the sources and places need, and, for epilogues, which `matrix` of the stack it is, where that is
    not the block's z; `turned`: lines for the next turn of the outer depth loop, whose turns are counted by `turn`
    up to the argument `turns`, None where there is no such loop; `store`: what writes the sums."""

    names: Sequence[str]
    tile: Tile | TensorTile
    number: str
    a: Source
    b: Source
    begin: Sequence[str]
    turned: Sequence[str] | None
    store: Callable[[Lines], None]


def written(stages: Stages) -> str:
    """The kernel."""
    tile, number, sources = stages.tile, stages.number, (stages.a, stages.b)
    pitches = {source.name: tile.pitch(source.size, source.along_depth) for source in sources}
    lines = Lines()
    say = lines.say
    with lines.under(f"def kernel({', '.join(stages.names)}):"):
        for source in sources:
            say(f"slice_{source.name} = cuda.shared.array({2 * tile.deep * pitches[source.name]}, {number})")
        say("thread = uint32(cuda.threadIdx.x)")
        tile.begin(lines, number)
        say("matrix = uint32(cuda.blockIdx.z)", *stages.begin)
        say("turn, k = uint32(0), begin")
        for source in sources:
            source.prepare(lines, pitches[source.name])
        for source in sources:
            source.fetch(lines)
        for source in sources:
            source.keep(lines, pitches[source.name], "uint32(0)", tile.kept)
        say("first_a, first_b = uint32(0), uint32(0)", "cuda.syncthreads()", "more = True")
        with lines.under("while more:"):
            _next_slice(lines, stages, pitches)
            with lines.under("if more:"):
                for source in sources:
                    source.fetch(lines)
            tile.multiply(lines, number, (pitches["a"], pitches["b"]), ("first_a", "first_b"))
            with lines.under("if more:"):
                for source in sources:
                    first = f"first_{source.name}"
                    say(f"{first} = uint32(uint32({tile.deep * pitches[source.name]}) - {first})")
                    source.keep(lines, pitches[source.name], first, tile.kept)
                say("cuda.syncthreads()")
        stages.store(lines)
    return lines.text


def _next_slice(lines: Lines, stages: Stages, pitches: dict[str, int]) -> None:
    """On to the next slice, of the next turn of the outer depth loop where this one's depth is done."""
    lines.say(f"k = uint32(k + uint32({stages.tile.deep}))")
    if stages.turned is None:
        lines.say("more = k < end")
        return
    with lines.under("if k >= end:"):
        lines.say("turn, k = uint32(turn + uint32(1)), begin", *stages.turned)
        for source in (stages.a, stages.b):
            source.prepare(lines, pitches[source.name])
    lines.say("more = turn < turns")
