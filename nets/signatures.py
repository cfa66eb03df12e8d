"""How a class or a function of nets is called, read from its source: nothing is imported for it."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent
Definition = ast.ClassDef | ast.FunctionDef


def call_of(place: str, name: str) -> str:
    """What stands in the brackets of a call, the brackets with it; empty for what is no class and no function.

    >>> call_of("linear", "Embedding")
    '(count, width, *, start=normal(1.0), rng=None, dtype="float32")'
    """
    found = definition(place, name)
    return "" if found is None else "(" + ", ".join(each + usual for each, usual in _parameters(*found).items()) + ")"


def definition(place: str, name: str) -> tuple[str, Definition] | None:
    """The class or function of that name and the module that has it, also where `place` only imports it."""
    tree = parsed(place)
    for node in tree.body if tree else ():
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)) and node.name == name:
            return place, node
    for node in tree.body if tree else ():
        if isinstance(node, ast.ImportFrom) and node.level and any((each.asname or each.name) == name for each in node.names):
            folders = place.split(".")[: -node.level]
            if len(place.split(".")) >= node.level:
                return definition(".".join([*folders, *(node.module or "").split(".")]), name)
    return None


@cache
def parsed(place: str) -> ast.Module | None:
    """The source of a module of nets; None where there is none."""
    path = FOLDER / (place.replace(".", "/") + ".py")
    return ast.parse(path.read_text(encoding="utf-8")) if path.exists() else None


def _parameters(place: str, node: Definition) -> dict[str, str]:
    """The parameters in their order and what stands behind each: `=` and its default, or nothing."""
    if isinstance(node, ast.FunctionDef):
        return _of_function(place, node.args, 0)
    for each in node.body:
        if isinstance(each, ast.FunctionDef) and each.name == "__init__":
            return _of_function(place, each.args, 1)
    found: dict[str, str] = {}
    for base in node.bases:
        above = definition(place, base.id) if isinstance(base, ast.Name) else None
        found |= _parameters(*above) if above else {}
    if any("dataclass" in ast.unparse(each) for each in node.decorator_list):
        for field in node.body:
            if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and "ClassVar" not in ast.unparse(field.annotation):
                found[field.target.id] = _usual(place, field.value)
    return found


def _of_function(place: str, given: ast.arguments, skipped: int) -> dict[str, str]:
    names = [*given.posonlyargs, *given.args]
    defaults: list[ast.expr | None] = [*[None] * (len(names) - len(given.defaults)), *given.defaults]
    found = {name.arg: _usual(place, usual) for name, usual in list(zip(names, defaults, strict=True))[skipped:]}
    if given.vararg or given.kwonlyargs:
        found["*" + (given.vararg.arg if given.vararg else "")] = ""
    found |= {name.arg: _usual(place, usual) for name, usual in zip(given.kwonlyargs, given.kw_defaults, strict=True)}
    return {**found, **({"**" + given.kwarg.arg: ""} if given.kwarg else {})}


def _usual(place: str, value: ast.expr | None) -> str:
    """A default as it is written, under the names that a reader knows, with the quotation marks of this house."""
    if value is None:
        return ""
    if isinstance(value, ast.Call) and ast.unparse(value.func) == "field":
        return "=…"
    tree = parsed(place)
    imports = [each for node in (tree.body if tree else ()) if isinstance(node, ast.ImportFrom) for each in node.names]
    known = {each.asname: each.name for each in imports if each.asname}
    text = re.sub(r"\b[A-Za-z_]\w*", lambda name: known.get(name[0], name[0]), ast.unparse(value))
    return "=" + text.replace("'", '"')
