"""The values a user gives: `--at w=2,X=[[1,2],[3,4]],W=@w.npy`, `--shape X=N,3`"""

from __future__ import annotations

import ast
import math
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..autograd.language import N_, translate
from ..autograd.sizes import Size
from .errors import CommandError
from .tokens import LONGEST_TEXT, SAME, fail, is_name

if TYPE_CHECKING:
    import numpy as np

CONSTANTS = {"pi": math.pi, "e": math.e, "inf": math.inf, "nan": math.nan, "true": True, "false": False}
LONGEST_VALUE = 200_000
SMALLEST_SIZE = 4
"""A symbolic size is never smaller; sizes that stand for different letters differ, so that a mixed-up axis shows."""


def split_options(text: str) -> list[str]:
    """The parts of an option at its commas, except those inside brackets or quotation marks.

    >>> split_options("w=2,X=[[1,2],[3,4]],b=f(1,2)")
    ['w=2', 'X=[[1,2],[3,4]]', 'b=f(1,2)']
    """
    parts, start, depth, quote = [], 0, 0, ""
    for at, character in enumerate(text):
        if quote:
            quote = "" if character == quote else quote
        elif character in '"':
            quote = character
        elif character in "([{（［【｛":
            depth += 1
        elif character in ")]}）］】｝":
            depth -= 1
        elif character in ",，、" and depth <= 0:
            parts.append(text[start:at])
            start = at + 1
    return [part.strip() for part in [*parts, text[start:]] if part.strip()]


def split_assignment(text: str, option: str) -> tuple[str, str]:
    """Name and rest of `name=rest`; ExpressionError, naming the option, for anything else.

    >>> split_assignment("w = 2", "--at")
    ('w', '2')
    """
    name, equals, rest = text.partition("=") if "=" in text else text.partition("＝")
    if not equals:
        fail(
            text,
            0,
            len(text),
            N_("{option} needs name=value"),
            N_("write {option} {name}=2"),
            option=option,
            name=text if is_name(text) else "x",
        )
    plain = name.translate(SAME).strip()
    if not is_name(plain):
        fail(text, 0, len(name), N_("{name} cannot be a variable's name"), name=repr(name.strip()))
    if not rest.strip():
        fail(text, len(name), len(text), N_("a value is missing after {sign}"), sign="=")
    return plain, rest.strip()


def parse_assignments(options: Iterable[str], option: str) -> dict[str, str]:
    """All name=rest pairs of a repeatable option, in order; CommandError when a name comes twice."""
    found: dict[str, str] = {}
    for text in options:
        for part in split_options(text):
            name, rest = split_assignment(part, option)
            if name in found:
                raise CommandError(translate(N_("{option} gives {name} twice"), option=option, name=name))
            found[name] = rest
    return found


def parse_names(options: Iterable[str]) -> list[str]:
    """The names in a repeatable option such as --wrt; a name may come twice (`w,w` asks for the second derivative)."""
    names = [name.translate(SAME) for text in options for name in split_options(text)]
    for name in names:
        if not all(is_name(part) for part in name.replace("/", ".").split(".")):
            fail(name, 0, len(name), N_("{name} cannot be a variable's name"), name=repr(name))
    return names


def parse_value(text: str, folder: Path | None = None) -> np.ndarray:
    """The array that `2`, `-1/3`, `[[1,2],[3,4]]`, `@file.npy` or `@file.csv` stands for; whole numbers stay whole.

    >>> parse_value("[[1,2],[3,4]]").tolist(), parse_value("-1/4").item()
    ([[1, 2], [3, 4]], -0.25)
    """
    import numpy as np

    if text.startswith(("@", "＠")):
        from .arrays import read_array

        return read_array(Path(folder or ".") / text[1:].strip())
    if len(text) > LONGEST_VALUE:
        fail(text, LONGEST_TEXT, len(text), N_("the value is longer than {limit} characters"), N_("put it into a file and write name=@file.csv"), limit=LONGEST_VALUE)  # fmt: skip
    if max(_depths(text), default=0) > 16:
        fail(text, 0, len(text), N_("brackets are nested more than {limit} deep"), limit=16)
    plain = text.translate(_ASCII)
    try:
        tree = ast.parse(plain.strip() or "?", mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        fail(
            text,
            0,
            len(text),
            N_("{text} is not a value"),
            N_("values look like 2, -1/3, [[1,2],[3,4]] or @file.csv"),
            text=repr(text),
        )
    value = _literal(text, tree)
    try:
        array = np.asarray(value)
    except ValueError:
        fail(text, 0, len(text), N_("the rows have different lengths"))
    except OverflowError:
        fail(text, 0, len(text), N_("{text} is not a value"), text=repr(text))
    if array.dtype.kind not in "biuf":
        fail(text, 0, len(text), N_("{text} is not a value"), text=repr(text))
    return array


def parse_shapes(options: Iterable[str]) -> tuple[dict[str, tuple[int, ...]], dict[str, Size]]:
    """The shapes of `--shape X=N,3`, and the named sizes among them.

    >>> shapes, sizes = parse_shapes(["X=N,3", "b=2", "s=()"])
    >>> shapes["X"], sizes["N"].text, shapes["b"], shapes["s"]
    ((4, 3), 'N', (2,), ())
    """
    shapes: dict[str, tuple[int, ...]] = {}
    sizes: dict[str, Size] = {}
    for text in options:
        name = ""
        for part in split_options(text):
            if "=" in part or "＝" in part:
                name, part = split_assignment(part, "--shape")
                if name in shapes:
                    raise CommandError(translate(N_("{option} gives {name} twice"), option="--shape", name=name))
                shapes[name] = ()
            elif not name:
                split_assignment(part, "--shape")
            inner = part.translate(SAME).strip().strip("()[]").strip()
            for size in split_options(inner) if inner not in ("", "scalar") else []:
                shapes[name] += (_size(text, size, sizes),)
    return shapes, sizes


_ASCII = str.maketrans(
    {chr(code): chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)}
    | {"−": "-", "–": "-", "\u3000": " ", "、": ",", "【": "[", "】": "]"}
)


def _depths(text: str) -> Iterable[int]:
    depth = 0
    for character in text:
        depth += (character in "([（［【") - (character in ")]）］】")
        yield depth


def _literal(text: str, node: ast.expr, depth: int = 0) -> Any:
    if depth > 40:
        fail(text, 0, len(text), N_("the expression is nested more than {limit} deep"), limit=40)
    match node:
        case ast.Constant(value=int() | float() as number):
            if isinstance(number, int) and abs(number) > 2**62:
                fail(text, 0, len(text), N_("the number {number} is larger than 1e12"), number=str(number)[:20] + "…")
            return number
        case ast.Name(id=name) if name.lower() in CONSTANTS:
            return CONSTANTS[name.lower()]
        case ast.UnaryOp(op=ast.USub() | ast.UAdd() as sign, operand=operand):
            value = _literal(text, operand, depth + 1)
            if isinstance(value, (int, float)):
                return -value if isinstance(sign, ast.USub) else value
        case ast.BinOp(left=left, op=ast.Div(), right=right):
            above, below = _literal(text, left, depth + 1), _literal(text, right, depth + 1)
            if isinstance(above, (int, float)) and isinstance(below, (int, float)):
                if below == 0:
                    fail(text, 0, len(text), N_("{text} divides by zero"), text=repr(text))
                return above / below
        case ast.List(elts=parts) | ast.Tuple(elts=parts):
            return [_literal(text, part, depth + 1) for part in parts]
    fail(
        text,
        0,
        len(text),
        N_("{text} is not a value"),
        N_("values look like 2, -1/3, [[1,2],[3,4]] or @file.csv"),
        text=repr(text),
    )


def _size(text: str, part: str, sizes: dict[str, Size]) -> int:
    at = max(text.find(part), 0)
    if part.isascii() and part.isdigit():
        if int(part) > 1_000_000:
            fail(text, at, at + len(part), N_("the size {size} is larger than {limit}"), size=part, limit=1_000_000)
        return int(part)
    if not is_name(part):
        fail(
            text,
            at,
            at + len(part),
            N_("{size} is not a size"),
            N_("a shape is written X=N,3, with whole numbers or letters"),
            size=repr(part),
        )
    if part not in sizes:
        sizes[part] = Size(part, SMALLEST_SIZE + len(sizes))
    return sizes[part]
