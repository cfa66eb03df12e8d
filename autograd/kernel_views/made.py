"""From a plan to its kernels as they are shown."""

from __future__ import annotations

import ast
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
from .threads import Lay, lay

CASTS = frozenset({"uint32", "int32", "uint64", "int64", "float32", "float64"})


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
    exact, short = how.code.text(), _short(how)
    return Kernel(
        **said, cuda=readable(short), exact=exact, arguments=tuple(_arguments(how, near, named)), grid=how.grid,
        threads=how.threads, shared_out=tuple(_shared_out(call, how)), lay=_lay(call, how, short, named),
    )  # fmt: skip


def _short(how: Launched) -> str:
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
            sentence = N_("Threads side by side take turns of the loop over {loop}: each takes one, then one that lies {threads} further.")
            if layout.slots > 1:
                sentence = N_("Threads side by side take turns of the loop over {loop}: each takes four, whose numbers it moves at once, then four that lie {threads} times four further.")
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


# Reading ------------------------------------------------------------------------------------------------------------------
def readable(text: str) -> str:
    """A kernel's text without its casts to numbers of 32 and 64 bits, which say to the compiler what a reader sees anyway, and
    without + 0 and · 1 between whole numbers.

    >>> print(readable("def kernel(x, n):\\n    at = uint32(cuda.blockIdx.x * uint32(4))\\n    x[at] = float32(0)\\n"))
    def kernel(x, n):
        at = cuda.blockIdx.x * 4
        x[at] = 0
    """
    return ast.unparse(ast.fix_missing_locations(_Plain().visit(ast.parse(text))))


class _Plain(ast.NodeTransformer):
    def __init__(self) -> None:
        self.fractions: set[ast.Constant] = set()
        """Numbers with fractions, to which nothing is added in vain: −0 + 0 is 0."""

    def visit_Call(self, node: ast.Call) -> Any:
        """A cast gives way to what it casts."""
        self.generic_visit(node)
        if isinstance(node.func, ast.Name) and node.func.id in CASTS and len(node.args) == 1:
            if node.func.id.startswith("float") and isinstance(node.args[0], ast.Constant):
                self.fractions.add(node.args[0])
            return node.args[0]
        return node

    def visit_BinOp(self, node: ast.BinOp) -> Any:
        """Nothing is added to a place, and no distance is taken once."""
        self.generic_visit(node)
        neutral = 0 if isinstance(node.op, ast.Add) else 1 if isinstance(node.op, ast.Mult) else None
        for one, other in ((node.left, node.right), (node.right, node.left)):
            if isinstance(one, ast.Constant) and one not in self.fractions and type(one.value) is int and one.value == neutral:
                return other
        return node
