"""What a kernel computes, as loops of a processor that a person would write."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..engines.compiled.calls import Call, Fallback, View, every_call
from ..engines.compiled.target import PROCESSOR
from ..graph import rebuild
from ..kernels.cuda.bundle import CudaBundle
from ..language import N_, translate
from ..node import Leaf, Node
from .behind import behind, closed
from .named import Named, sum_in
from .sums import entry, sum_loops

LONG = 90
"""So long may a line become."""


def loops(call: Call, named: Named) -> str:
    """The loop nest; after a product also what is done with every number of its result."""
    if isinstance(call.code, CudaBundle):
        return "\n\n".join(_nest(part, named, call) for part in call.finishing)
    if (whole := _whole(call, named)) is not None:
        return "\n".join(whole)
    texts = [_one(call, named)]
    for part in call.finishing:
        texts += [f"# {translate(N_('and with every number of the result:'))}", _nest(part, named, call)]
    return "\n".join(text.rstrip("\n") for text in texts)


def _one(call: Call, named: Named) -> str:
    if call.loops is not None:
        return _nest(call, named, call)
    found = sum_in(call, named)
    if found is not None:
        return "\n".join(sum_loops(found, {node: named.node(node) for node in (found.node, *found.node.inputs)}))
    nodes = [call.code.node] if isinstance(call.code, Fallback) else call.nodes[:1]
    return "\n".join(_by_hand(node, str(call.code.name)) for node in nodes if not node.is_leaf)


def _nest(part: Call, named: Named, whole: Call) -> str:
    """A fused nest as the processor runs it, over arrays as they are called."""
    assert part.loops is not None
    code = PROCESSOR.nest(part.loops, _sizes(part), ())
    near, text = named.around(whole), str(code.source())
    for word, views in (("read", part.reads), ("write", part.writes)):
        for at, view in enumerate(_used(views, part, word)):
            said = named.array(view, near)
            text = re.sub(rf"\b{word}{at}\b", lambda _, said=said: said, text)  # type: ignore[misc]
    return "\n".join(_inlined(text.split("\n")))


def _inlined(lines: list[str]) -> list[str]:
    """Numbers that are used once stand where they are used, as long as the line is short enough and nothing was written between."""
    for number in dict.fromkeys(re.findall(r"\bv\d+\b", "\n".join(lines))):
        uses = [at for at, line in enumerate(lines) for _ in re.findall(rf"\b{number}\b", line)]
        if len(uses) != 2 or uses[0] == uses[1]:
            continue
        first, last = uses
        found = re.fullmatch(rf"( *){number} = (.+)", lines[first])
        if found is None or "inf" in found[2] or any("[" in line.partition(" = ")[0] for line in lines[first + 1 : last]):
            continue
        away = [line for line in lines[first + 1 : last + 1] if not line.startswith(found[1])]
        head, _, told = lines[last].partition(" = ")
        held = found[2] if told == number or (re.search(rf"[(, ]{number}[,)]", f" {told}") and "(" in told) else closed(found[2], bool(re.fullmatch(rf"\w+ \+ {number}|{number} \+ \w+", told)))
        said = f"{head} = " + re.sub(rf"\b{number}\b", lambda _, held=held: held, told)  # type: ignore[misc]
        deeper = len(lines[last]) - len(lines[last].lstrip()) > len(found[1])
        if away or not told or len(said) > LONG or (deeper and not re.fullmatch(r"[^\W\d]\w*|[\d.]+", found[2])):
            continue
        lines[last] = said
        del lines[first]
    return lines


def _used(views: Sequence[View], part: Call, word: str) -> Sequence[View]:
    assert part.loops is not None
    return views[: len(part.loops.reads if word == "read" else part.loops.writes)]


def _sizes(part: Call) -> tuple[int, ...]:
    assert part.loops is not None
    words = dict(zip(part.code.names(), part.words))
    return tuple(int(words[f"n{loop}"].value) for loop in range(part.loops.depth))


def _whole(call: Call, named: Named) -> list[str] | None:
    """A sum of products with all that is done with its numbers, in one nest of loops; None for what is no such thing."""
    found = sum_in(call, named) if call.loops is None else None
    if found is None or isinstance(call.code, Fallback):
        return None
    names, lines = {node: named.node(node) for node in (found.node, *found.node.inputs)}, list[str]()
    epilogues = getattr(getattr(call.code, "form", None), "epilogues", ())
    if len(epilogues) != len(call.finishing):
        return None
    if epilogues and getattr(call.code.form, "keeps", False):
        lines.append(f"{entry(names[found.node], found.output)} = total")
    for part, epilogue in zip(call.finishing, epilogues):
        more = None if epilogue.draws else behind(part, epilogue.results, "total", found, named, call)
        if more is None:
            return None
        lines += more
    return sum_loops(found, names, lines)


def _by_hand(node: Node, kernel: str) -> str:
    """The kernel of the processor's own for an op: its page, which is code that makes it for a type of number."""
    from ..engines.compiled.planning.plan import Plan
    from ..engines.compiled.sources import source

    leaves = [Leaf("input", f"x{at}", None, each.shape, each.dtype) if each.dtype != object else each for at, each in enumerate(node.inputs)]
    calls = [call for _, call in every_call(Plan([rebuild(node, tuple(leaves))]).calls)]
    made = [call for call in calls if call.loops is None and call.body is None and not isinstance(call.code, Fallback)]
    # Where several kernels do it there is one of the same name.
    made = [call for call in made if call.code.name in (kernel, node.op.kernel)] or made
    return "\n".join(dict.fromkeys(source(call, "source") for call in made or calls))
