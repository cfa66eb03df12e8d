"""From what the user gave on the command line to a graph with values: an expression, standard input, or a Python file."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..autograd.errors import NngraphError
from ..autograd.language import N_, translate
from .errors import CommandError, ExpressionError
from .parse import function_table, free_names, nearest, parse
from .values import friendly, parse_assignments, parse_names, parse_shapes, parse_value

if TYPE_CHECKING:
    import numpy as np

    from ..autograd.node import Leaf, Node

FILE = re.compile(r"(?P<path>.+\.py)(?::(?P<name>\w+(?:\.\w+)*))?", re.DOTALL)
SIGNED, POSITIVE, CLASSES, ONE_HOT = "signed", "positive", "classes", "one-hot"


@dataclass
class Problem:
    """A graph to explain, draw or check: its output, its leaves by name, and which values were drawn rather than given."""

    text: str
    output: Node
    leaves: dict[str, Leaf]
    named: dict[str, Node] = field(default_factory=dict)
    functions: dict[str, str] = field(default_factory=dict)
    drawn: list[str] = field(default_factory=list)

    def wrt(self, options: Iterable[str], times: int = 1) -> list[Node]:
        """The nodes to differentiate by: the named ones, or every leaf of floating-point numbers; each `times` times."""
        names = parse_names(options)
        if not names:
            return [leaf for leaf in self.leaves.values() if leaf.dtype.kind == "f" for _ in range(times)]
        known: Mapping[str, Node] = {**self.named, **self.leaves}
        for name in names:
            if name not in known:
                meant = nearest(name, known)
                hint = N_("did you mean {meant}?") if meant else N_("the variables are {known}")
                raise CommandError(
                    translate(N_("--wrt {name}: there is no variable of that name"), name=name),
                    translate(hint, meant=meant, known=", ".join(known)),
                )
        return [known[name] for name in names for _ in range(times)]


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
        target = sys.stdin.read().strip()
    values = {name: parse_value(text, folder) for name, text in parse_assignments(at, "--at").items()}
    shapes, sizes = parse_shapes(shape)
    given = Given(values, shapes, sizes, seed, frozenset(parse_names(wrt)))
    if found := FILE.fullmatch(target):
        from .user_file import load_file

        return load_file(Path(found["path"]), found["name"], given)
    return load_expression(target, given, parse_assignments(let, "--let"))


@dataclass(frozen=True)
class Given:
    """What came with the expression: values, shapes, the letters in them, the seed, and what is differentiated by."""

    values: Mapping[str, np.ndarray]
    shapes: Mapping[str, tuple[int, ...]]
    sizes: Mapping[str, Any]
    seed: int = 0
    wrt: frozenset[str] = frozenset()

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
    given.unused([*names])
    variables = [name for name in names if name not in given.sizes or name in given.values or name in given.shapes]

    def build(leaves: Mapping[str, Leaf]) -> tuple[Node, dict[str, Node]]:
        from ..autograd.leaves import constant

        known: dict[str, Node] = {**{name: constant(size) for name, size in given.sizes.items()}, **leaves}
        named: dict[str, Node] = {}
        for name, rest in shorthands.items():
            node = parse(rest, known, functions=functions)
            if not node.is_leaf:
                node._name = name
            known[name] = named[name] = node
        return parse(text, known, functions=functions), named

    leaves, drawn, (output, named) = bind(variables, given, build)
    return Problem(text, output, leaves, named, functions, drawn)


def bind(
    names: Sequence[str],
    given: Given,
    build: Callable[[Mapping[str, Leaf]], Any],
    defaults: Mapping[str, Any] | None = None,
) -> Any:
    """Leaves with values for the names, and what `build` makes of them; drawn values suit the ops that take them.

    Whole numbers are read as floats first, because nearly everything is; where an op insists on classes or indices they
    stay whole. Drawn values are tried signed, then positive, until the output is finite.
    """
    drawn = [name for name in names if name not in given.values and name not in (defaults or {})]
    whole: frozenset[str] = frozenset()
    kinds = dict.fromkeys(drawn, SIGNED)
    try:
        leaves = _leaves(names, given, kinds, whole, defaults)
        result = build(leaves)
    except NngraphError as first:
        whole = frozenset(
            name
            for name in names
            if name not in given.wrt and (name in drawn or given.values.get(name, _nothing()).dtype.kind in "iub")
        )
        if not whole or isinstance(first, ExpressionError) and first.__cause__ is None:
            raise
        kinds = {name: CLASSES if name in whole and given.shapes.get(name) else SIGNED for name in drawn}
        try:
            leaves = _leaves(names, given, kinds, whole, defaults)
            result = build(leaves)
        except NngraphError:
            raise first from None
    output = result[0]
    wanted = {
        **kinds,
        **{name: kind for name, kind in _suited(output, leaves).items() if name in drawn and kinds[name] == SIGNED},
    }
    attempts = [wanted] if wanted != kinds else []
    if drawn and not _finite(output):
        attempts += [wanted, {name: POSITIVE if kind == SIGNED else kind for name, kind in wanted.items()}]
    for kinds in attempts:
        leaves = _leaves(names, given, kinds, whole, defaults)
        result = build(leaves)
        if _finite(result[0]):
            break
    return leaves, drawn, result


def _leaves(
    names: Sequence[str],
    given: Given,
    kinds: Mapping[str, str],
    whole: frozenset[str],
    defaults: Mapping[str, Any] | None,
) -> dict[str, Leaf]:
    """A leaf with a value for each name; what is differentiated by is a parameter, the rest is data."""
    import numpy as np

    from ..autograd.node import Leaf

    rng = np.random.default_rng(given.seed)
    leaves = {}
    for name in names:
        shape = given.shapes.get(name)
        if name in given.values:
            array = given.values[name]
        elif defaults and name in defaults:
            array = np.asarray(defaults[name])
        else:
            array = friendly(shape or (), rng, kinds[name], classes=2)
        if name not in whole and array.dtype.kind in "iub":
            array = array.astype(np.float64)
        if shape is None:
            shape = array.shape
        elif tuple(shape) != array.shape:
            array = _shaped(name, array, shape)
        leaves[name] = Leaf(
            "parameter" if name in given.wrt and array.dtype.kind == "f" else "input",
            name,
            array,
            tuple(shape),
            array.dtype,
        )
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


def _suited(output: Node, leaves: Mapping[str, Leaf]) -> dict[str, str]:
    """What kind of values the ops that take a leaf say they want, read from their examples."""
    from ..autograd.graph import order

    by_leaf = {leaf: name for name, leaf in leaves.items()}
    kinds: dict[str, str] = {}
    for node in order(output):
        for position, source in enumerate(node.inputs):
            name = by_leaf.get(source)
            if name is None or node.op is None or position >= len(node.op.inputs):
                continue
            example = node.op.examples[0]
            domain = (
                example.domain[position]
                if isinstance(example.domain[0], tuple) and position < len(example.domain)
                else example.domain
            )
            if position in example.simplex and source.shape:
                kinds[name] = ONE_HOT
            elif position in example.integers and source.dtype.kind == "f" and not source.shape:
                kinds[name] = SIGNED
            elif not isinstance(domain[0], tuple) and domain[0] >= 0:
                kinds.setdefault(name, POSITIVE)
    return kinds


def _finite(output: Node) -> bool:
    import numpy as np

    try:
        with np.errstate(all="ignore"):
            return bool(np.isfinite(output.value).all())
    except NngraphError:
        return False


def _nothing() -> np.ndarray:
    import numpy as np

    return np.empty(0)
