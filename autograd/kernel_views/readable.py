"""The text of a kernel for readers: what only the compiler needs is left out, what stands there four times is a loop."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Sequence
from typing import Any

CASTS = frozenset({"uint32", "int32", "uint64", "int64", "float32", "float64"})
NUMBER = re.compile(r"\b\d+\b|(?<=[a-z0-9]_)\d+\b")
"""A number in a line, or at the end of a name."""


def readable(text: str) -> str:
    """A kernel's text without its casts to numbers of 32 and 64 bits, which say to the compiler what a reader sees anyway, and
    without + 0 and · 1 between whole numbers, without names that nobody reads; lines that differ in one number stand in a loop.

    >>> print(readable("def kernel(x, n):\\n    at = uint32(cuda.blockIdx.x * uint32(4))\\n    x[at] = float32(0)\\n"))
    def kernel(x, n):
        at = cuda.blockIdx.x * 4
        x[at] = 0
    """
    tree = _Plain().visit(ast.parse(text))
    while _without_dead(tree):
        pass
    return "\n".join(_rolled(ast.unparse(ast.fix_missing_locations(tree)).split("\n")))


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

def _without_dead(tree: ast.AST) -> bool:
    """Take out assignments to names that nobody reads, and what stands there twice; whether anything was."""
    read = {each.id for each in ast.walk(tree) if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Load)}
    changed = False
    for each in ast.walk(tree):
        body = getattr(each, "body", None)
        if not isinstance(body, list):
            continue
        kept: list[Any] = []
        for line in body:
            twice = kept and isinstance(line, ast.Expr | ast.Assign) and ast.dump(line) == ast.dump(kept[-1])
            if (twice and ("syncthreads" in ast.unparse(line) or isinstance(line, ast.Assign))) or _is_dead(line, read):
                changed = True
            else:
                kept.append(line)
        each.body = kept or [ast.Pass()]  # type: ignore[attr-defined]
    return changed


def _is_dead(line: Any, read: set[str]) -> bool:
    if not isinstance(line, ast.Assign) or any(isinstance(each, ast.Call) for each in ast.walk(line.value)):
        return False
    targets = [each for target in line.targets for each in (target.elts if isinstance(target, ast.Tuple) else [target])]
    return all(isinstance(each, ast.Name) and each.id not in read for each in targets)


def _rolled(lines: list[str]) -> list[str]:
    """Lines of which three or more follow each other that differ in one number stand in a loop."""
    said, at = list[str](), 0
    while at < len(lines):
        found = next(filter(None, (_run(lines, at, size) for size in (1, 2, 3))), None)
        if found is None:
            said.append(_in_one(lines[at]))
            at += 1
            continue
        size, values = found
        space = " " * (len(lines[at]) - len(lines[at].lstrip()))
        steady = values == list(range(len(values)))
        turns = f"range({len(values)})" if steady else f"({', '.join(map(str, values))})"
        head = f"{space}for each in {turns}:"
        above = next((line for line in reversed(said) if not line.startswith(space + "    ")), "")
        if above != head:
            said.append(head)
        for beside in range(size):
            others = [NUMBER.findall(lines[at + turn * size + beside]) for turn in range(len(values))]
            said.append("    " + _with_each(lines[at + beside], [len({one[place] for one in others}) > 1 for place in range(len(others[0]))]))
        at += size * len(values)
    return said


def _run(lines: Sequence[str], at: int, size: int) -> tuple[int, list[int]] | None:
    """How long a block is that is repeated three times or more from a line on, with the number that changes."""
    block = lines[at : at + size]
    shape = [NUMBER.sub("#", line) for line in block]
    if any(not line.strip() or line.rstrip().endswith(":") or (" = " not in line and "] = " not in line) for line in block):
        return None
    turns, values = 1, list[int]()
    while [NUMBER.sub("#", line) for line in lines[at + turns * size : at + (turns + 1) * size]] == shape:
        turns += 1
    while turns >= 3:
        numbers = [[int(each) for line in lines[at + turn * size : at + (turn + 1) * size] for each in NUMBER.findall(line)] for turn in range(turns)]
        changing = [column for column in zip(*numbers) if len(set(column)) > 1]
        if changing and len(set(changing)) == 1:
            values = list(changing[0])
            return size, values
        turns -= 1
    return None


def _with_each(line: str, changes: Iterable[bool]) -> str:
    flags = iter(changes)

    def said(found: re.Match[str]) -> str:
        if not next(flags):
            return found[0]
        return "§" if found.start() and line[found.start() - 1] == "_" else "each"

    return _in_one(NUMBER.sub(said, line).replace("_§", "[each]"))


def _in_one(line: str) -> str:
    """`v1[:] = ld4(…)` for four numbers that are read at once; `st4(…, v1)` for those that are written."""
    for pattern in (r"(\w+)_0, \1_1, \1_2, \1_3 = (?=ld4)", r"(?<=, )(\w+)_0, \1_1, \1_2, \1_3(?=\)$)"):
        line = re.sub(pattern, lambda found: found[1] + ("[:] = " if "=" in found[0] else "[:]"), line)
    return line


def named_arrays(text: str, arguments: Sequence[tuple[str, str]]) -> str:
    """The text with its arrays called as in the formula, where such a name is free."""
    taken = set(re.findall(r"[^\W\d]\w*", text))
    if re.search(r"^    x = thread$", text, re.M):
        text = re.sub(r"(?<!\.)\bx\b", "thread", text.replace("    x = thread\n", "", 1))
        taken -= {"x"}
    called = [(name, value.split()[0]) for name, value in arguments if not value.lstrip("-").isdigit()]
    for name, said in called:
        # Two arguments may be one array, and have distances of their own.
        if said.isidentifier() and said not in taken and [other for _, other in called].count(said) == 1:
            text = re.sub(rf"\b{name}(?=\b|_first\b|_by\d|_part\b)", said, text)
    return text
