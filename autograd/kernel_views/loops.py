"""What a kernel computes, as loops of a processor that a person would write."""

from __future__ import annotations

from collections.abc import Sequence

from ..engines.compiled.calls import Call, Fallback, View, every_call
from ..engines.compiled.target import PROCESSOR
from ..graph import rebuild
from ..kernels.cuda.bundle import CudaBundle
from ..language import N_, translate
from ..node import Leaf, Node
from .named import Named

INDENT = "    "


def loops(call: Call, named: Named) -> str:
    """The loop nest; after a product also what is done with every number of its result."""
    if isinstance(call.code, CudaBundle):
        return "\n\n".join(_nest(part, named, call) for part in call.finishing)
    texts = [_one(call, named)]
    for part in call.finishing:
        texts += [f"# {translate(N_('and with every number of the result:'))}", _nest(part, named, call)]
    return "\n".join(text.rstrip("\n") for text in texts)


def _one(call: Call, named: Named) -> str:
    if call.loops is not None:
        return _nest(call, named, call)
    contractions = [node for node in call.nodes if not node.is_leaf and node.op.index is not None]
    if contractions:
        return "\n".join(_contraction(contractions[0], named))
    nodes = [call.code.node] if isinstance(call.code, Fallback) else call.nodes[:1]
    return "\n".join(_by_hand(node, str(call.code.name)) for node in nodes if not node.is_leaf)


def _nest(part: Call, named: Named, whole: Call) -> str:
    """A fused nest as the processor runs it, its arrays named above it."""
    assert part.loops is not None
    code = PROCESSOR.nest(part.loops, _sizes(part), ())
    near = named.around(whole)
    head = [
        f"# {word}{at} = {named.shaped(view, near)}"
        for word, views in (("read", part.reads), ("write", part.writes))
        for at, view in enumerate(_used(views, part, word))
    ]
    return "\n".join([*head, str(code.source())])


def _used(views: Sequence[View], part: Call, word: str) -> Sequence[View]:
    assert part.loops is not None
    return views[: len(part.loops.reads if word == "read" else part.loops.writes)]


def _sizes(part: Call) -> tuple[int, ...]:
    assert part.loops is not None
    words = dict(zip(part.code.names(), part.words))
    return tuple(int(words[f"n{loop}"].value) for loop in range(part.loops.depth))


def _contraction(node: Node, named: Named) -> list[str]:
    """A sum of products, loop by loop: those of the result outside, those that are summed inside."""
    form = node.op.index(*node.inputs, **node.params)
    lines: list[str] = []

    def loop(label: str, depth: int) -> int:
        lines.append(f"{INDENT * depth}for {label} in range({int(form.sizes[label])}):")
        return depth + 1

    depth = 0
    for label in dict.fromkeys(form.output):
        depth = loop(label, depth)
    result = _entry(named.node(node), form.output)
    factors = " * ".join(_entry(named.node(each), labels) for each, labels in zip(node.inputs, form.operands))
    if not form.summed:
        return [*lines, f"{INDENT * depth}{result} = {factors}"]
    outer = depth
    lines.append(f"{INDENT * outer}total = 0")
    for label in form.summed:
        depth = loop(label, depth)
    return [*lines, f"{INDENT * depth}total = total + {factors}", f"{INDENT * outer}{result} = total"]


def _entry(name: str, labels: str) -> str:
    return f"{name}[{', '.join(labels)}]" if labels else name


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
