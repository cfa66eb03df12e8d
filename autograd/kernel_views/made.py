"""From a plan to its kernels as they are shown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..engines.compiled.calls import STATUS, Buffer, Call, Fallback, View, every_call
from ..engines.compiled.planned import planned
from ..engines.compiled.report import kernel_of
from ..engines.cuda.launch import Launched, launched
from ..engines.cuda.target import FALLBACKS, target_of
from ..errors import NngraphError
from ..kernels.cuda.bundle import CudaBundle
from ..kernels.cuda.nest import CudaNest
from ..kernels.loop_source import LETTERS
from ..language import N_, translate
from ..node import Leaf, Node
from ..phases import Phases
from ..reason import Reason
from ..report import Operation
from ..sizes import shape_text
from . import Kernel
from .formulas import formulas
from .loops import loops
from .named import Named, own_nodes
from .numpy_lines import numpy_lines
from .readable import named_arrays, readable
from .short import short
from .threads import Lay, lay


def made(
    outputs: Sequence[Node], updates: Mapping[Leaf, Node], engine: str, names: Sequence[str | None]
) -> Iterator[Kernel]:
    """The kernels of a plan, in running order."""
    plan = planned(outputs, updates, target_of(engine))
    named, phases = Named(plan, names), Phases(plan.outputs, plan.updates)
    turns: dict[str, int] = {}
    done: set[Node] = set()
    parts: set[Buffer] = set()
    """Memory that holds a result for every block, to be put together."""
    for number, call in every_call(plan.calls):
        if call.body is not None:
            turns[number] = call.body.length
            continue
        around = number.rpartition(".")[0]
        nests = call.finishing if isinstance(call.code, CudaBundle) else [call]
        combines = done.issuperset(own_nodes(call)) and all(any(view.buffer in parts for view in nest.reads) for nest in nests)
        done |= set(own_nodes(call))
        yield _kernel(number, call, named, phases, turns.get(around, 1), combines)
        if hasattr(call.code, "form") and call.nodes and call.writes[0].size > call.nodes[-1].size:
            parts.add(call.writes[0].buffer)
        for nest in nests:
            if isinstance(nest.code, CudaNest) and nest.rows > nest.chunk:
                parts |= {nest.writes[at].buffer for at in nest.code.partial}


def _kernel(number: str, call: Call, named: Named, phases: Phases, times: int, combines: bool) -> Kernel:
    own = own_nodes(call)
    near = named.around(call)
    said: dict[str, Any] = {
        "number": number, "kernel": kernel_of(call),
        "operations": tuple(Operation.of(node, phases.factors(node)) for node in own),
        "results": tuple(dict.fromkeys(named.array(view, near) for part in call.parts for view in part.writes)),
        "formulas": () if combines else formulas(call, named), "numpy": () if combines else numpy_lines(call, named),
        "loop": loops(call, named), "times": times, "combines": combines, "why": call.why,
    }  # fmt: skip
    if isinstance(call.code, Fallback):
        why = FALLBACKS.get(call.code.node.op.kernel, "")
        return Kernel(**said, cuda="", exact="", arguments=(), grid=(0, 0, 0), threads=0, shared_out=(), lay=None, fallback=why or N_("there is no kernel for it"))
    how = launched(call)
    exact, rolled = how.code.text(), _rolled(how)
    text, arrays = short(call, how, named) or (named_arrays(readable(rolled), list(_arguments(how, near, named))), ())
    return Kernel(
        **said, cuda=text, arrays=arrays, exact=exact, arguments=tuple(_arguments(how, near, named)), grid=how.grid,
        threads=how.threads, shared_out=tuple(_shared_out(call, how)), lay=_lay(call, how, rolled, named),
    )  # fmt: skip


def _rolled(how: Launched) -> str:
    """The text with a long sum in a loop, which is written out step by step where it is compiled."""
    form: Any = getattr(how.code, "form", None)
    tile: Any = getattr(form, "tile", None)
    if getattr(tile, "unrolled", 1) == 1:
        return str(how.code.text())
    try:
        return str(replace(how.code, form=replace(form, tile=replace(tile, unrolled=1))).text())
    except (NngraphError, TypeError, ValueError):
        return str(how.code.text())


def _lay(call: Call, how: Launched, text: str, named: Named) -> Lay | None:
    try:
        return lay(call, how, text, named)
    except ArithmeticError:
        # A thread that cannot go on alone, because what it divides by is made by other threads, shows nothing.
        return None


def _shared_out(call: Call, how: Launched) -> Iterator[Reason]:
    """How the work is shared out among blocks and threads, in sentences."""
    code = how.code
    if isinstance(code, CudaNest):
        layout = code.layout
        if how.grid[0] > 1:
            yield Reason(N_("Turns of the loop over {loop} that a block takes: {turns}; the next block takes the next ones."), turns=call.chunk, loop=LETTERS[0])
        if how.grid[1] > 1:
            yield Reason(N_("Blocks share out the loop over {loop} as well, {turns} turns each."), turns=layout.tile, loop=LETTERS[layout.split])
        if layout.lines > 1:
            yield Reason(N_("A block has {lines} lines of {threads} threads; every line takes turns of the loop over {loop} of its own."), lines=layout.lines, threads=layout.across, loop=LETTERS[layout.down])
        if layout.across > 1:
            sentence = N_("Thread t takes turn t of the loop over {loop}, then the one that lies {threads} further, and so on.")
            if layout.slots > 1:
                sentence = N_("Thread t takes turns 4t to 4t + 3 of the loop over {loop} at once, then those that lie {threads} times four further, and so on; what is left at the end is taken one by one.")
            yield Reason(sentence, loop=LETTERS[layout.abreast], threads=layout.across)
    elif isinstance(code, CudaBundle):
        yield Reason(N_("{count} loops that do not wait for each other are launched as one; each has blocks of its own."), count=len(code.codes))
    elif (tile := getattr(getattr(code, "form", None), "tile", None)) is not None:
        yield Reason(N_("A block computes a tile of {height}×{width} numbers of the result, slice by slice of the sum: all its threads bring a slice of both factors into shared memory, wait for each other, and then multiply."), height=tile.height, width=tile.width)
    else:
        yield Reason(N_("Every thread has a place of its own; there are as many threads as places, rounded up to whole blocks."))


def _arguments(how: Launched, near: Sequence[Node], named: Named) -> Iterator[tuple[str, str]]:
    """Name -> what stands there: an array with its shape, or a whole number."""
    for name, word in zip(how.code.names(), how.words):
        if word is STATUS:
            yield name, translate(N_("set to 1 where the data are refused"))
        elif not word.is_array:
            yield name, str(word.value)
        elif isinstance(word.value, View):
            shape = f" {shape_text(word.value.shape)}" if word.value.shape else ""
            yield name, f"{named.array(word.value, near)}{shape} {word.dtype}"
        else:
            yield name, translate(N_("working memory of {dtype}"), dtype=word.dtype)
