"""Checking engines against each other: the same graph, the same values, and where the results begin to differ."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .check_float64 import in_float64
from .engines.numpy import Program
from .errors import CheckFailed, ParameterError
from .executable import Executable, engines
from .graph import order, substitute
from .leaves import as_node
from .node import Leaf, Node, describe, fitted
from .report import Instruction, numbered
from .sites import source_line

__all__ = ["Difference", "EngineCheck", "EnginesDiffer", "ValueCheck", "check_engines"]

ULPS = 1000
"""Results may differ by so many units in the last place of the largest number of a result."""
ROUNDING = 4
"""Where numpy itself is further than that from what float64 gives, by so many times its own distance."""
SLICE, MOST_TRIES = 500, 64
"""So many nodes are asked for at once to find the first that differs; so many are asked for one by one."""


@dataclass(frozen=True, slots=True)
class ValueCheck:
    """How far an engine's value is from the first engine's: the largest difference, and relative to the largest number.

    `index` is where it is, `reference` and `value` what stands there; `agrees` says whether that is within the
    tolerance.
    """

    name: str
    engine: str
    absolute: float
    relative: float
    index: tuple[int, ...]
    reference: float
    value: float
    agrees: bool


@dataclass(frozen=True, slots=True)
class EngineCheck:
    """Engines that agreed: for every engine but the first and every output and update, by how much."""

    engines: tuple[str, ...]
    values: tuple[ValueCheck, ...]

    def __str__(self) -> str:
        lines = []
        for engine in self.engines[1:]:
            mine = [each for each in self.values if each.engine == engine]
            worst = max(mine, key=lambda each: each.relative, default=None)
            far = "" if worst is None else f"; {worst.name} differs most, by {worst.relative:.1e} of its size"
            lines.append(f"{engine} agrees with {self.engines[0]} on {len(mine)} value{'s' * (len(mine) != 1)}{far}")
        return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class Difference:
    """Where engines begin to differ: the value that was wrong, the first node that is, and the instruction that
    computes it.

    `alone` is false when the node is right when all values are asked for, and wrong only as a part of something fused.
    """

    value: ValueCheck
    node: Node
    instruction: Instruction | None
    alone: bool


class EnginesDiffer(CheckFailed):
    """An engine gave another result; `difference` says where it begins."""

    difference: Difference | None = None


def check_engines(
    f: Any, *values: Any, engines: Sequence[str] = ("numpy", "numba"), tolerance: float | None = None
) -> EngineCheck:
    """A record that all engines compute the same; EnginesDiffer otherwise, naming the first node whose value differs
    and the instruction that computes it.

    `f` is what `ng.compile` gave, and `values` those of its inputs: outputs and updates are compared, on copies of the
    leaves. Or `f` is a node or several, and `values` at most one mapping from leaves to values. Or `f` is a function of
    arrays, and `values` its arguments. The first of `engines` is the reference.

    `tolerance` is relative to the largest number of each result; without it 1000 units in the last place, and more
    where numpy's own rounding is as large. Whole numbers, nan and infinities must be the same.

    >>> import nngraph as ng
    >>> x = np.linspace(-2.0, 2.0, 12).reshape(4, 3)
    >>> print(ng.check_engines(lambda x: ng.softmax(ng.tanh(x)), x))  # doctest: +ELLIPSIS
    numba agrees with numpy on 1 value; result differs most, by ... of its size
    """
    names = tuple(engines)
    _known(names)
    subject = _subject(f, values)
    reference = subject.run(names[0])
    checks: list[ValueCheck] = []
    wide: list[np.ndarray] | None = None
    for engine in names[1:]:
        for at, (name, one, other) in enumerate(zip(subject.names, reference, subject.run(engine))):
            check = compared(name, engine, one, other, tolerance)
            if not check.agrees and tolerance is None and one.dtype.kind == "f":
                wide = wide or subject.run_wide()
                check = compared(name, engine, one, other, tolerance, wide[at])
            if not check.agrees:
                raise _failure(subject, names[0], check, at, tolerance)
            checks.append(check)
    return EngineCheck(names, tuple(checks))


def compared(
    name: str,
    engine: str,
    reference: np.ndarray,
    value: np.ndarray,
    tolerance: float | None,
    wide: np.ndarray | None = None,
) -> ValueCheck:
    """Two results compared. `wide`, the same in float64, tells how much of the difference the rounding of both may
    be."""
    if reference.shape != value.shape or reference.dtype != value.dtype:
        return ValueCheck(name, engine, np.inf, np.inf, (), np.nan, np.nan, False)
    if not reference.size:
        return ValueCheck(name, engine, 0.0, 0.0, (), 0.0, 0.0, True)
    real = reference.dtype.kind == "f"
    one, other = (np.asarray(each, np.float64 if each.dtype.kind != "c" else each.dtype) for each in (reference, value))
    with np.errstate(all="ignore"):
        off = np.where((one == other) | (np.isnan(one) & np.isnan(other)), 0.0, np.abs(one - other))
        off = np.where(np.isnan(off), np.inf, off)
        finite = np.abs(one[np.isfinite(one)])
    size = float(finite.max()) if finite.size else 0.0
    index = tuple(int(at) for at in np.unravel_index(int(np.argmax(off)), off.shape))
    absolute = float(off[index])
    allowed = (ULPS * float(np.finfo(reference.dtype).eps) if tolerance is None else tolerance) if real else 0.0
    limit = allowed * (size or 1.0)
    if wide is not None and np.isfinite(absolute):
        with np.errstate(all="ignore"):
            own = np.abs(one - np.asarray(wide, np.float64))
        limit += ROUNDING * float(np.nanmax(np.where(np.isfinite(own), own, 0.0)))
    relative = absolute / size if size else absolute
    return ValueCheck(
        name, engine, absolute, relative, index, float(one[index]), float(other[index]), absolute <= limit
    )


# What is checked ------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class _Subject:
    """Outputs and updates with the values of the leaves that are given."""

    outputs: tuple[Node, ...]
    updates: Mapping[Leaf, Node]
    given: Mapping[Leaf, np.ndarray]

    @property
    def names(self) -> tuple[str, ...]:
        """What each value is called."""
        return (
            *numbered([node.name for node in self.outputs], "result"),
            *(f"new {leaf._name}" for leaf in self.updates),
        )

    @property
    def nodes(self) -> tuple[Node, ...]:
        """All that is computed."""
        return (*self.outputs, *self.updates.values())

    def run(self, engine: str) -> list[np.ndarray]:
        """The outputs and the leaves after the update, by an engine; the leaves themselves stay as they are."""
        copies: dict[Node, Leaf] = {
            leaf: Leaf(leaf.role, leaf._name, np.array(leaf.value), leaf.shape, leaf.dtype) for leaf in self.updates
        }
        nodes = substitute(self.nodes, copies)
        count = len(self.outputs)
        plan = _made(engine, nodes[:count], dict(zip(copies.values(), nodes[count:])))
        results = plan(self.given)
        return [np.asarray(each) for each in results] + [copy.value for copy in copies.values()]

    def run_wide(self) -> list[np.ndarray]:
        """The same values in float64 throughout, by numpy."""
        nodes, wide = in_float64(self.nodes)
        return [
            np.asarray(each)
            for each in Program(nodes)({wide[leaf]: array for leaf, array in self.given.items() if leaf in wide})
        ]


def _subject(f: Any, values: Sequence[Any]) -> _Subject:
    if isinstance(f, Executable):
        if len(values) > len(f.inputs):
            raise ParameterError(f"check_engines: {f!r} takes {len(f.inputs)} values; got {len(values)}")
        arrays = [np.asarray(value) for value in values]
        shapes = (*(array.shape for array in arrays), *(leaf.shape for leaf in f.inputs[len(arrays) :]))
        inputs, nodes = f.for_shapes(shapes)
        given = {leaf: fitted(array, leaf.dtype, leaf) for leaf, array in zip(inputs, arrays)}
        count = len(f.outputs)
        return _Subject(tuple(nodes[:count]), dict(zip(f.updates, nodes[count:])), given)
    if isinstance(f, Node) or not callable(f):
        if len(values) > 1 or (values and not isinstance(values[0], Mapping)):
            raise ParameterError(
                "check_engines(nodes, {leaf: value, …}) takes the values as one mapping; for values in order give it"
                " what ng.compile made, or a function"
            )
        given = {
            leaf: fitted(np.asarray(value), leaf.dtype, leaf) for leaf, value in (values[0] if values else {}).items()
        }
        return _Subject((f,) if isinstance(f, Node) else tuple(map(as_node, f)), {}, given)
    leaves = []
    for at, value in enumerate(values, 1):
        array = np.asarray(value.value if isinstance(value, Node) else value)
        leaves.append(Leaf("input", "x" if len(values) == 1 else f"x{at}", array, array.shape, array.dtype))
    made = f(*leaves)
    return _Subject(tuple(map(as_node, made if isinstance(made, (tuple, list)) else (made,))), {}, {})


def _known(names: Sequence[str]) -> None:
    for name in names:
        if name not in engines:
            raise ParameterError(f"there is no engine {name!r}; there is {', '.join(map(repr, engines))}")
    if len(names) < 2:
        raise ParameterError("check_engines compares engines, so it needs two: engines=('numpy', 'numba')")


def _made(
    engine: str, outputs: Sequence[Node], updates: Mapping[Leaf, Node]
) -> Callable[[Mapping[Leaf, Any]], list[Any]]:
    return engines[engine](list(outputs), updates)


# Where they begin to differ -------------------------------------------------------------------------------------------
def _failure(subject: _Subject, reference: str, check: ValueCheck, at: int, tolerance: float | None) -> EnginesDiffer:
    wrong = subject.nodes[at]
    node, instruction, alone = _first(subject, reference, check.engine, wrong, tolerance)
    place = f" at index {check.index}" if check.index else ""
    file, line = source_line(node)
    lines = [
        f"{check.engine} and {reference} differ: {check.name}{place} is {check.value:.9g}, and {check.reference:.9g} by"
        f" {reference} ({check.relative:.1e} of its size)",
        f"  it begins at {describe(node)}, built at {file}:{line}"
        + ("" if alone else ", where it is fused with others"),
    ]
    if instruction is not None:
        ops = ", ".join(each.op for each in instruction.operations[:12])
        lines.append(f"  computed by instruction {instruction.number} ({instruction.kernel}: {ops})")
    error = EnginesDiffer("\n".join(lines))
    error.difference = Difference(check, node, instruction, alone)
    return error


def _first(
    subject: _Subject, reference: str, engine: str, wrong: Node, tolerance: float | None
) -> tuple[Node, Instruction | None, bool]:
    """The first node that differs, in running order; the instruction that computes it; whether it is wrong by
    itself."""
    nodes = [node for node in order(wrong) if not node.is_leaf and isinstance(node.shape, tuple)]
    for start in range(0, len(nodes), SLICE):
        asked = nodes[start : start + SLICE]
        bad, plan = _differing(subject, reference, engine, asked, tolerance)
        if bad is not None:
            return bad, _writer(plan, asked, bad), True
    # All is right when every value is asked for: it goes wrong only where values are not kept.
    tries = 0
    _, plan = _differing(subject, reference, engine, [wrong], tolerance)
    while True:
        for source in wrong.inputs:
            if source.is_leaf or not isinstance(source.shape, tuple) or tries >= MOST_TRIES:
                continue
            tries += 1
            bad, made = _differing(subject, reference, engine, [source], tolerance)
            if bad is not None:
                wrong, plan = source, made
                break
        else:
            return wrong, _writer(plan, [wrong], wrong), False


def _differing(
    subject: _Subject, reference: str, engine: str, asked: Sequence[Node], tolerance: float | None
) -> tuple[Node | None, Any]:
    """The first of these nodes whose values differ when they are the outputs; and the plan that computed them."""
    plan = _made(engine, asked, {})
    for node, one, other in zip(asked, _made(reference, asked, {})(subject.given), plan(subject.given)):
        if not compared("", engine, np.asarray(one), np.asarray(other), tolerance).agrees:
            return node, plan
    return None, plan


def _writer(plan: Any, asked: Sequence[Node], node: Node) -> Instruction | None:
    """The instruction that writes the value of one of the nodes asked for."""
    names = numbered([each.name for each in asked], "result")
    name = names[list(asked).index(node)]
    found = plan.report((), names).all()
    writers = [each for each in found if any(array.role == "result" and array.name == name for array in each.writes)]
    return writers[-1] if writers else None
