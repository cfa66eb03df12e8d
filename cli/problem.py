"""From what the user gave on the command line to a graph with values: an expression, standard input, or a Python file."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..autograd.errors import NngraphError
from ..autograd.language import N_, translate
from .errors import CommandError, ExpressionError
from .notes import notes
from .parse import free_names, function_table, nearest, parse
from .show import note
from .streams import standard_input
from .tokens import NAME, fail, tokenize
from .values import parse_assignments, parse_names, parse_shapes, parse_value

if TYPE_CHECKING:
    import numpy as np

    from ..autograd.executable import Executable
    from ..autograd.node import Leaf, Node

FILE = re.compile(r"(?P<path>.+\.py)(?::(?P<name>\w+(?:\.\w+)*))?", re.DOTALL)

# w, w5, W_out, b2, theta: in a formula the name is all that tells a weight from data.
WEIGHT = re.compile(r"(?:[wWbBθ]|theta|weight|bias|權重|权重|偏置)(?:[\d_₀₁₂₃₄₅₆₇₈₉].*)?")

NUMBERS = {
    "pi": "--let pi=3.141592653589793",
    "π": "--let π=3.141592653589793",
    "inf": "--at inf=inf",
    "nan": "--at nan=nan",
}
"""Names of numbers, and the option that makes them one."""


@dataclass
class Problem:
    """A graph to explain, draw or check: its output, its leaves by name, and the shorthands that were put in."""

    text: str
    output: Node
    leaves: dict[str, Leaf]
    named: dict[str, Node] = field(default_factory=dict)
    functions: dict[str, str] = field(default_factory=dict)
    seed: int = 0
    compiled: Executable | None = None
    """What a name in a file stood for, when that was a compiled step: `output` is then its first output."""
    network: bool = False
    """Whether the name stood for a network, which gives as many numbers as it likes."""

    def add_up(self) -> None:
        """Make the output of a network one number, because a derivation and a gradient belong to one; a note says so."""
        if self.network and self.output.size != 1:
            from ..autograd import ops

            note(translate(N_("note: {target} gives {count} numbers; this is about their sum"), target=self.text, count=self.output.size))
            self.output = ops.sum(self.output)

    def fill(self) -> list[str]:
        """Give friendly seeded values to the leaves that have none; their names."""
        from ..autograd.symbolic.givens import friendly

        empty = [name for name, leaf in self.leaves.items() if leaf._value is None]
        if empty:
            values = friendly(self.output, list(self.leaves.values()), self.seed)
            for name in empty:
                self.leaves[name].value = values[self.leaves[name]]
        return empty

    def wrt(self, options: Iterable[str], times: int = 1) -> list[Node]:
        """The nodes to differentiate by: the named ones, or every leaf of floating-point numbers; each `times` times."""
        names = parse_names(options)
        if not names:
            return [leaf for leaf in self.leaves.values() if leaf.dtype.kind == "f" for _ in range(times)]
        return [node for name in names for node in [self.node(name, "--wrt")] * times]

    def node(self, name: str, option: str) -> Node:
        """What an option names: a variable, or a part that has a name; CommandError where it is none, or several."""
        from .leaf_names import meant

        known: Mapping[str, Node] = {**self.named, **self.leaves}
        found = meant(name, known)
        if len(found) > 1:
            raise CommandError(
                translate(N_("{option} {name}: several variables have that name"), option=option, name=name),
                translate(N_("there are {known}"), known=", ".join(found)),
            )
        if not found:
            from ..autograd.symbolic.local import board

            # A derivation numbers what shares a name, W1 and W2; who has read one may say so.
            shown: dict[str, Node] = {symbol.name: leaf for leaf, symbol in board(self.output).symbols.items() if leaf.is_leaf}
            if name in shown:
                return shown[name]
            near = nearest(name, known)
            hint = N_("did you mean {meant}?") if near else N_("the variables are {known}")
            raise CommandError(
                translate(N_("{option} {name}: there is no variable of that name"), option=option, name=name),
                translate(hint, meant=near, known=", ".join(known)),
            )
        return known[found[0]]


def load(
    target: str | None,
    at: Sequence[str] = (),
    shape: Sequence[str] = (),
    seed: int = 0,
    wrt: Sequence[str] = (),
    let: Sequence[str] = (),
    folder: Path | None = None,
) -> Problem:
    """The problem the user means by an expression, `-` (standard input) or `FILE.py:NAME`; CommandError when there is none.

    >>> problem = load("w*x", at=["w=2,x=3"])
    >>> problem.output.value.item(), list(problem.leaves)
    (6.0, ['w', 'x'])
    """
    if target is None:
        raise CommandError(
            translate(N_("there is no expression")),
            translate(N_("write for example {example}"), example="sigmoid(w*x+b)"),
        )
    if target == "-":
        target = standard_input().strip()
    values = {name: parse_value(text, folder) for name, text in parse_assignments(at, "--at").items()}
    shapes, sizes = parse_shapes(shape)
    given = Given(values, shapes, sizes, seed, frozenset(parse_names(wrt)))
    if found := FILE.fullmatch(target):
        from .user_file import load_file

        problem = load_file(Path(found["path"]), found["name"], given)
    else:
        problem = load_expression(target, given, parse_assignments(let, "--let"))
    for said in notes(
        problem.output,
        [leaf for name, leaf in problem.leaves.items() if leaf._value is None and not given.speaks_of(name)],
    ):
        note(said)
    return problem


@dataclass(frozen=True)
class Given:
    """What came with the expression: values, shapes, the letters in them, the seed, and what is differentiated by."""

    values: Mapping[str, np.ndarray]
    shapes: Mapping[str, tuple[int, ...]]
    sizes: Mapping[str, Any]
    seed: int = 0
    wrt: frozenset[str] = frozenset()

    def resized(self) -> Given:
        """The same with every letter standing for another number, and no values that would fix it."""
        from ..autograd.sizes import Size

        other = {name: Size(name, int(size) + len(self.sizes) + 1) for name, size in self.sizes.items()}
        shapes = {
            name: tuple(other.get(getattr(size, "text", ""), size) for size in shape)
            for name, shape in self.shapes.items()
        }
        values = {name: array for name, array in self.values.items() if name not in shapes}
        return replace(self, shapes=shapes, sizes=other, values=values)

    def speaks_of(self, name: str) -> bool:
        """Whether a value or a shape was given for a variable."""
        return name in self.values or name in self.shapes

    def unused(self, names: Iterable[str]) -> None:
        """CommandError for a value or shape whose name occurs nowhere."""
        known = list(names)
        for option, given in (("--at", self.values), ("--shape", self.shapes)):
            for name in given:
                if name not in known:
                    meant = nearest(name, known)
                    raise CommandError(
                        translate(N_("{option} {name}: there is no variable of that name"), option=option, name=name),
                        translate(N_("did you mean {meant}?"), meant=meant) if meant else None,
                    )


def load_expression(text: str, given: Given, let: Mapping[str, str]) -> Problem:
    """The problem of an expression, shorthands (`--let`) put in."""
    functions = {name: rest for name, rest in let.items() if rest in function_table() and rest not in given.values}
    shorthands = {name: rest for name, rest in let.items() if name not in functions}
    names: dict[str, None] = {}
    for part in (*shorthands.values(), text):
        names |= dict.fromkeys(name for name in free_names(part, functions) if name not in shorthands)
    names = {name: None for name in free_names(text, functions) if name in names} | names
    _check_run_together(text, names, given)
    given.unused([*names])
    variables = [name for name in names if name not in given.sizes or given.speaks_of(name)]
    assumed = frozenset(name for name in variables if not given.speaks_of(name) and name not in given.wrt)

    for name in variables:
        if name in NUMBERS and name not in given.values and name not in given.shapes:
            note(translate(N_("note: {name} is a variable here; for the number add {example}"), name=name, example=NUMBERS[name]))  # fmt: skip

    def build(leaves: Mapping[str, Leaf]) -> tuple[Node, dict[str, Node]]:
        from ..autograd.leaves import constant

        known: dict[str, Node] = {**{name: constant(size) for name, size in given.sizes.items()}, **leaves}
        named: dict[str, Node] = {}
        for name, rest in shorthands.items():
            node = parse(rest, known, functions=functions, assumed=assumed)
            if not node.is_leaf:
                node._name = name
            known[name] = named[name] = node
        return parse(text, known, functions=functions, assumed=assumed), named

    leaves, (output, named) = bind(variables, given, build)
    return Problem(text, output, leaves, named, functions, given.seed)


def _check_run_together(text: str, names: Mapping[str, None], given: Given) -> None:
    """ExpressionError for a name like wx when w and x were given and one of them occurs nowhere else."""
    known = {*given.values, *given.shapes, *given.wrt}
    for name in names:
        parts = None if name in known else _parts(name, known)
        if parts and any(part not in names for part in parts):
            token = next((each for each in tokenize(text) if each.kind == NAME and each.text == name), None)
            if token is not None:
                fail(text, token.start, token.end, N_("unknown variable {name}"), N_("did you mean {meant}?"), name=repr(name), meant="*".join(parts))  # fmt: skip


def _parts(name: str, known: set[str]) -> list[str] | None:
    """Known names that make up a name when they are written one after the other.

    >>> _parts("w1x1", {"w1", "x1", "w"})
    ['w1', 'x1']
    """
    found: dict[int, list[str]] = {0: []}
    for end in range(1, len(name) + 1):
        start = next((at for at in range(end) if at in found and name[at:end] in known), None)
        if start is not None:
            found[end] = [*found[start], name[start:end]]
    return found.get(len(name)) if len(found.get(len(name), [])) > 1 else None


def bind(
    names: Sequence[str],
    given: Given,
    build: Callable[[Mapping[str, Leaf]], Any],
    defaults: Mapping[str, Any] | None = None,
) -> tuple[dict[str, Leaf], Any]:
    """Leaves for the names, and what `build` makes of them.

    Whole numbers are read as floats first, because nearly everything is; where an op insists on classes or indices, what is
    not differentiated by stays whole. A name without a value becomes a leaf without one.
    """
    defaults = defaults or {}
    leaves = _leaves(names, given, defaults, whole=frozenset())
    try:
        return leaves, build(leaves)
    except NngraphError as first:
        whole = frozenset(name for name in names if name not in given.wrt and _could_be_whole(name, given, defaults))
        typed = isinstance(first, ExpressionError) and first.__cause__ is None
        if typed or not whole:
            raise
        try:
            leaves = _leaves(names, given, defaults, whole)
            return leaves, build(leaves)
        except NngraphError:
            raise first from None


def _could_be_whole(name: str, given: Given, defaults: Mapping[str, Any]) -> bool:
    if name in given.values:
        return given.values[name].dtype.kind in "iub"
    return name not in defaults and bool(given.shapes.get(name))


def _leaves(names: Sequence[str], given: Given, defaults: Mapping[str, Any], whole: frozenset[str]) -> dict[str, Leaf]:
    """A leaf for each name; what is differentiated by or is called like a weight is a parameter, the rest is data."""
    import numpy as np

    from ..autograd.node import Leaf

    leaves = {}
    for name in names:
        shape = given.shapes.get(name)
        array = given.values.get(name, np.asarray(defaults[name]) if name in defaults else None)
        if array is not None and name not in whole and array.dtype.kind in "iub":
            array = array.astype(np.float64)
        if array is not None and shape is not None:
            array = _shaped(name, array, shape)
        dtype = array.dtype if array is not None else np.dtype(np.int64 if name in whole else np.float64)
        if shape is None:
            shape = () if array is None else array.shape
        learned = name in given.wrt or WEIGHT.fullmatch(name) is not None
        role = "parameter" if learned and dtype.kind == "f" else "input"
        leaves[name] = Leaf(role, name, array, tuple(shape), dtype)
    return leaves


def _shaped(name: str, array: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    from ..autograd.sizes import product, shape_text

    if array.size != product(shape):
        raise CommandError(
            translate(
                N_("{name} has the shape {found}, but --shape says {wanted}"),
                name=name,
                found=shape_text(array.shape),
                wanted=shape_text(shape),
            )
        )
    return array.reshape(tuple(int(size) for size in shape))
