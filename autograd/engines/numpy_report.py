"""A plan of the numpy engine as a report: one instruction for every node, in the order they are run."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Mapping, Sequence
from functools import lru_cache
from textwrap import dedent
from time import perf_counter
from typing import Any

import numpy as np

from ..graph import bodies, order
from ..node import Leaf, Node
from ..op import Op, inside
from ..phases import Phases
from ..report import Array, Instruction, Operation, PlanReport, Update, numbered
from ..vocabulary import call_of, parsed
from .numpy import Program
from .rounds import least


def report(
    outputs: Sequence[Node], updates: Mapping[Leaf, Node], inputs: Sequence[Leaf], names: Sequence[str | None]
) -> PlanReport:
    """What is run for these nodes; `names` are those of the outputs."""
    roots = [*outputs, *updates.values()]
    nodes = [node for node in order(roots)]
    said = numbered(names, "result")
    numbers: dict[Node, int] = {}
    results = dict(zip(outputs, said))

    def array(node: Node) -> Array:
        number = numbers.setdefault(node, len(numbers) + 1)
        several = not isinstance(node.shape, tuple)
        shape = () if several else tuple(map(int, node.shape))
        if isinstance(node, Leaf):
            value = np.asarray(node._value) if node.role == "constant" else None
            name = node._name or (f"{value.item():.6g}" if value is not None and value.size == 1 else node.role)
            return Array(number, str(name), node.role, shape, node.dtype.name, bytes_of(node))
        name, role = (results[node], "result") if node in results else (f"b{number}", "value")
        return Array(number, name, role, shape, "" if several else node.dtype.name, bytes_of(node))

    computed = [node for node in nodes if not node.is_leaf]
    phases = Phases(outputs, updates)
    number_of = {node: str(at) for at, node in enumerate(computed, 1)}
    instructions = tuple(
        Instruction(
            number_of[node], "numpy", (Operation.of(node, phases.factors(node)),), tuple(map(array, node.inputs)),
            (array(node),), flops=flops_of(node), phase=phases.of([node]),
        )
        for node in computed
    )  # fmt: skip
    return PlanReport(
        engine="numpy",
        instructions=instructions,
        inputs=tuple(str(leaf._name) for leaf in inputs),
        outputs=said,
        updates=tuple(Update(str(leaf._name), number_of.get(new, ""), False) for leaf, new in updates.items()),
        memory=_most_alive(nodes, roots),
        values=sum(map(bytes_of, computed)),
        leaves=tuple(inputs),
        details=_Details(roots, {number: node for node, number in number_of.items()}),
    )


def bytes_of(node: Node) -> int:
    """Bytes of a node's value; nothing for one that holds several, whose parts are counted."""
    if not isinstance(node.shape, tuple):
        return 0
    size = int(node.dtype.itemsize)
    for axis in node.shape:
        size *= int(axis)
    return size


def flops_of(node: Node) -> int:
    """Words applied to numbers: those of a scalar text for each number, a product and a sum for each term of an index
    form, all of them inside a formula or in all turns of a loop; nothing for what only moves numbers."""
    total, waiting = 0, [(node, 1)]
    while waiting:
        each, times = waiting.pop()
        op, within, turns = each.op, bodies(each), times
        if op.scalar is not None:
            total += times * _words(op.scalar) * bytes_of(each) // each.dtype.itemsize
        elif op.index is not None:
            form = op.index(*each.inputs, **each.params)
            terms = 1
            for label in {*"".join(form.operands), *form.output}:
                terms *= int(form.sizes[label])
            total += times * terms * (len(form.operands) - 1 + bool(form.summed))
        elif within:
            turns *= int(each.params.get("length", 1))
        elif op.formula is not None:
            within = [inside(op, each.inputs, each.params)]
        waiting += [(inner, turns) for graph in within for inner in graph.nodes if not inner.is_leaf]
    return total


def _words(text: str) -> int:
    return sum(call_of(tree) is not None for tree in ast.walk(parsed(text)) if isinstance(tree, ast.expr))


def _most_alive(nodes: Sequence[Node], roots: Sequence[Node]) -> int:
    """Bytes of all computed values at the moment when they are most: a value goes when its last reader has run."""
    last: dict[Node, int] = {}
    for at, node in enumerate(nodes):
        for source in node.inputs:
            last[source] = at
    last |= dict.fromkeys(roots, len(nodes))
    ending: dict[int, list[Node]] = {}
    for node, at in last.items():
        ending.setdefault(at, []).append(node)
    alive = most = 0
    for at, node in enumerate(nodes):
        alive += 0 if node.is_leaf else bytes_of(node)
        most = max(most, alive)
        alive -= sum(bytes_of(each) for each in ending.get(at, ()) if not each.is_leaf)
    return most


def source_of(op: Op, node: Node | None = None) -> str:
    """What numpy is asked to do for an op, or for one node of it: the text of the op, or the function its declaration
    names, with what that calls of its own page."""
    if op.numpy is not None:
        return _text(op.numpy, op.name)
    if op.scalar is not None:
        return f"{op.name} = {op.scalar}\n"
    if op.index is not None and node is not None:
        form = op.index(*node.inputs, **node.params)
        return f"{op.name} = {','.join(form.operands)}->{form.output}\n"
    return _text(op.index or op.formula, op.name)


def _text(function: Any, name: str) -> str:
    function = getattr(function, "func", function)
    try:
        texts = [_own_text(function, name)]
    except (OSError, TypeError):
        # A function of numpy's own, written in C.
        return f"{getattr(function, '__module__', None) or 'numpy'}.{getattr(function, '__name__', function)}\n"
    seen, waiting = {function}, [function]
    while waiting:
        each = waiting.pop(0)
        for called in each.__code__.co_names:
            helper = each.__globals__.get(called)
            if called.startswith("_") and inspect.isfunction(helper) and helper not in seen:
                seen.add(helper)
                waiting.append(helper)
                texts.append(_own_text(helper, called))
    return "\n".join(texts)


def _own_text(function: Any, name: str) -> str:
    """A function as it stands on its page; of one that stands in a declaration, `name(x) = …`."""
    text = dedent(inspect.getsource(function))
    if function.__name__ != "<lambda>":
        return text
    page = inspect.getsource(inspect.getmodule(function))
    here = function.__code__
    for tree in _lambdas(page):
        # Several may stand in one line; the code itself depends on what the page imports.
        there = compile(ast.Expression(tree), "", "eval").co_consts[0]
        if tree.lineno == here.co_firstlineno and (here.co_names, here.co_varnames) == (there.co_names, there.co_varnames):
            first, _, rest = (ast.get_source_segment(page, tree.body) or "").partition("\n")
            return f"{name}({ast.unparse(tree.args)}) = {first}\n{dedent(rest)}".rstrip("\n") + "\n"
    return text


@lru_cache(maxsize=4)
def _lambdas(page: str) -> list[ast.Lambda]:
    return [tree for tree in ast.walk(ast.parse(page)) if isinstance(tree, ast.Lambda)]


class _Details:
    """Code and times of the nodes."""

    def __init__(self, roots: Sequence[Node], nodes: Mapping[str, Node]) -> None:
        self.roots, self.nodes = list(roots), nodes

    def source(self, number: str, form: str) -> str:
        """See Details; numpy's own code is not ours to show."""
        node = self.nodes[number]
        return source_of(node.op, node)

    def seconds(self, values: Mapping[Leaf, Any], repeat: int) -> dict[str, float]:
        """See Details."""
        program = Program(self.roots)
        memory = program.load(values)
        found = {}
        with np.errstate(all="ignore"):
            for number, (function, operands, slot) in zip(self.nodes, program.instructions):
                given = [memory[operand] for operand in operands]

                def lap(function: Any = function, given: list[Any] = given, slot: int = slot) -> float:
                    began = perf_counter()
                    memory[slot] = function(*given)
                    return perf_counter() - began

                found[number] = least(lap, repeat)
        return found
