"""The table test: everything an op declares is held against everything else it declares, for every op and example.

A new op is tested by existing. `pytest tests/test_every_op.py -k matmul` runs what concerns one op.
"""

from __future__ import annotations

import dataclasses
import functools
import re
import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from xml.etree import ElementTree

import nngraph as ng
import numpy as np
import pytest
from nngraph.autograd.check import check_gradient
from nngraph.autograd.differentiate import derived, rule
from nngraph.autograd.engines.numpy import Program, evaluate_all, meaning
from nngraph.autograd.errors import CheckFailed, GradientError, NngraphError
from nngraph.autograd.executable import engines
from nngraph.autograd.graph import order, rebuild
from nngraph.autograd.language import FIELD, translate
from nngraph.autograd.node import Leaf, Node
from nngraph.autograd.op import CONTROL, KINDS, OPS, RANDOM, Example, Op, document, inside, signature, word_of
from nngraph.autograd.ops.linear import from_form, sum_to
from nngraph.autograd.symbolic import explain
from nngraph.autograd.symbolic.lower import verify
from nngraph.autograd.vocabulary import WORDS

ng.sum  # noqa: B018 - the first public name fills the op table

CUT_ON_PURPOSE = {"stop_gradient"}
"""Ops whose gradient is zero by decree although their value moves: here finite differences must disagree."""

def _run_by(engine: str) -> Callable[[Sequence[Node], Mapping[Leaf, Any]], list[np.ndarray]]:
    return lambda nodes, values: engines[engine](nodes, {})(values)


ENGINES = {engine: _run_by(engine) for engine in engines}
"""Engine name -> values of nodes from values of leaves."""

TOLERANCE = 1e-7
"""Reverse mode against fourth-order central differences in float64, relative to 1 + |slope|."""

UNITS = 4
"""So many units in the last place may engines differ in an entry, and so many times what the entry moves when every
number given moves by one unit: where terms cancel, no order of rounding is the right one."""


def _id(op: Op, at: int) -> str:
    shapes = ",".join("x".join(map(str, shape)) or "scalar" for shape in op.examples[at].shapes)
    return f"{op.name}-{at}-{shapes}"


CASES = [(op, at) for op in OPS.values() for at in range(len(op.examples))]
every_example = pytest.mark.parametrize(("op", "at"), [pytest.param(op, at, id=_id(op, at)) for op, at in CASES])
# A scan and its parts hold several arrays and take a body: they have no example here and tests of their own in ops/test_control.py.
every_declaration = pytest.mark.parametrize("op", [pytest.param(op, id=name) for name, op in OPS.items()])
every_op = pytest.mark.parametrize("op", [pytest.param(op, id=name) for name, op in OPS.items() if op.examples])
"""Loops take functions, not arrays, and have no examples; test_loops_are_what_they_unroll_to tries them."""


def _generator(op: Op, at: int, purpose: str = "weights") -> np.random.Generator:
    # Weights must not repeat the inputs: normalized numbers weighed by themselves have no gradient.
    return np.random.default_rng(zlib.crc32(f"{op.name} {at} {purpose}".encode()))


def _names(op: Op, count: int) -> list[str]:
    return [f"{op.inputs[0]}{each + 1}" for each in range(count)] if op.variadic else list(op.inputs)


def _apply(op: Op, inputs: Sequence[Node], params: Mapping[str, Any]) -> Node:
    return op(list(inputs), **params) if op.variadic else op(*inputs, **params)


def _leaves(op: Op, example: Example, rng: np.random.Generator, dtype: Any = np.float64) -> list[Leaf]:
    return [ng.input(name, array) for name, array in zip(_names(op, len(example.shapes)), example.arrays(rng, dtype))]


def _case(op: Op, at: int, dtype: Any = np.float64) -> tuple[list[Leaf], Node]:
    example = op.examples[at]
    leaves = _leaves(op, example, _generator(op, at, "inputs"), dtype)
    return leaves, _apply(op, leaves, example.params)


def _floats(leaves: Sequence[Leaf]) -> list[Leaf]:
    return [leaf for leaf in leaves if leaf.dtype.kind == "f"]


def _projected(node: Node, rng: np.random.Generator) -> Node:
    """One number from a node of any shape: its entries weighed at random."""
    return ng.sum(node * ng.constant(rng.uniform(0.5, 1.5, node.shape).astype(node.dtype)))


def _direction(leaf: Leaf, rng: np.random.Generator) -> np.ndarray:
    return rng.uniform(0.5, 1.0, leaf.shape) * rng.choice([-1.0, 1.0], leaf.shape)


def _slope(output: Node, directions: Mapping[Leaf, np.ndarray], step: float = 1e-3) -> float:
    """The slope of a scalar along directions of its leaves, by central differences of fourth order."""
    program = Program([output])

    def at(distance: float) -> float:
        return float(program({leaf: leaf.value + distance * direction for leaf, direction in directions.items()})[0])

    return (8 * (at(step) - at(-step)) - (at(2 * step) - at(-2 * step))) / (12 * step)


def _worst(output: Node, leaves: Sequence[Leaf], rng: np.random.Generator) -> float:
    """How far reverse mode and finite differences lie apart, the worst over the leaves, each on its own."""
    worst = 0.0
    for leaf, sent in zip(leaves, evaluate_all(ng.gradient(output, leaves))):
        direction = _direction(leaf, rng)
        measured = _slope(output, {leaf: direction})
        worst = max(worst, abs(measured - float(np.sum(sent * direction))) / (1 + abs(measured)))
    return worst


def _smooth(node: Node, leaves: Sequence[Leaf]) -> bool:
    return node.dtype.kind == "f" and bool(_floats(leaves))


# What a declaration says -------------------------------------------------------------------------------------------


@every_declaration
def test_words_speak_of_the_inputs_by_name(op: Op) -> None:
    fields = {name: f"<{name}>" for name in (*op.inputs, *op.params)}
    assert set(FIELD.findall(op.words)) <= set(fields), f"{op.name}: a field that is neither input nor param"
    spoken = translate(op.words, None, **fields)
    assert "{" not in FIELD.sub("", spoken)
    if not op.variadic:  # "the operands" says it as well
        assert all(f"<{name}>" in spoken for name in op.inputs), f"{op.name}: words do not mention every input"
    assert not op.words.endswith(".")
    for language in ("zh-TW", "zh-CN"):
        assert set(FIELD.findall(translate(op.words, language))) == set(FIELD.findall(op.words))


@every_declaration
def test_declaration_is_complete(op: Op) -> None:
    assert len(op.why.split()) >= 5, f"{op.name}: why is no sentence"
    assert op.kind in KINDS
    assert op.examples or op.kind == CONTROL
    assert all(isinstance(pitfall, str) and pitfall for pitfall in op.pitfalls)
    meanings = [op.scalar, op.formula, op.index, op.shape]
    assert sum(each is not None for each in meanings) == 1, (
        f"{op.name}: exactly one of text, formula, index form, shape rule"
    )
    assert op.shape is None or op.numpy is not None
    assert op.name in signature(op)
    assert op.why in document(op)
    for text in (op.why, *op.pitfalls):
        assert "{" not in text, f"{op.name}: only words have fields"


@every_declaration
def test_notation_is_balanced(op: Op) -> None:
    notation = op.notation
    assert notation.style
    assert notation.sign
    assert notation.latex
    assert _balanced(notation.latex), f"{op.name}: {notation.latex}"
    if op.examples:
        assert op.sign_on(_case(op, 0)[1])


def _balanced(latex: str) -> bool:
    depth = 0
    bare = latex.replace(r"\{", "").replace(r"\}", "")
    for character in bare:
        depth += (character == "{") - (character == "}")
        if depth < 0:
            return False
    return depth == 0 and bare.count(r"\left") - bare.count(r"\leftarrow") == bare.count(r"\right") - bare.count(
        r"\rightarrow"
    )


# What it computes --------------------------------------------------------------------------------------------------


@every_example
@pytest.mark.parametrize("engine", ENGINES)
def test_shape_and_dtype_rules_foretell_the_value(op: Op, at: int, engine: str) -> None:
    _, node = _case(op, at)
    (value,) = ENGINES[engine]([node], {})
    assert isinstance(value, np.ndarray)
    assert value.shape == tuple(node.shape)
    assert value.dtype == node.dtype
    assert np.all(np.isfinite(value))


@every_example
@pytest.mark.parametrize("engine", ENGINES)
def test_engine_computes_the_meaning(op: Op, at: int, engine: str) -> None:
    leaves, node = _case(op, at)
    arrays = [leaf.value for leaf in leaves]
    if op.scalar is not None:
        meant = meaning(op)(*arrays, **node.params)
    elif op.formula is not None:
        meant = Program.of(inside(op, leaves, node.params)).only(*arrays)
    elif op.index is not None:
        meant = op.index(*leaves, **node.params)(*arrays)
    else:
        meant = op.numpy(*arrays, **node.params)
    # Random numbers agree bit for bit, but for normals, whose logarithm and cosine are every engine's own.
    close = 1e-6 if op.kind == RANDOM and node.dtype == np.float32 else 1e-12
    np.testing.assert_allclose(ENGINES[engine]([node], {})[0], meant, rtol=close, atol=close)


@every_example
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_engines_agree_on_value_and_gradient(op: Op, at: int, dtype: Any) -> None:
    leaves, node = _case(op, at, dtype)
    asked = [node]
    wrt = [leaf for leaf in leaves if leaf.dtype.kind == "f"]
    if op.differentiable and node.dtype.kind == "f" and wrt:
        weights = _generator(op, 1).standard_normal(tuple(map(int, node.shape))).astype(node.dtype)
        asked += ng.gradient(ng.sum(node * ng.constant(weights)), wrt)
    eps = np.finfo(np.float32 if np.float32 in (dtype, node.dtype) else np.float64).eps
    found = [run(asked, {}) for run in ENGINES.values()]
    sway = _sway(ENGINES["numpy"], asked, wrt, eps)
    if op.kind == RANDOM:  # A normal draw near 0 is the cosine of an angle, whose own last place counts.
        sway = [each + eps for each in sway]
    for moved, first, *others in zip(sway, *found, strict=True):
        for other in others:
            assert (other.dtype, other.shape) == (first.dtype, first.shape)
            if first.dtype.kind == "f":
                units = np.abs(other - first) / (eps * np.abs(first) + moved + np.finfo(first.dtype).tiny)
                assert units.max(initial=0) <= UNITS, f"{units.max():.3g} units: {other} instead of {first}"
            else:
                np.testing.assert_array_equal(other, first)


def _sway(run: Callable[..., list[np.ndarray]], asked: Sequence[Node], wrt: Sequence[Leaf], eps: float) -> list[Any]:
    """For every entry how far it moves when every number that is given moves by one unit in its last place."""
    rng, given = np.random.default_rng(8), {leaf: np.asarray(leaf.value) for leaf in wrt}
    before, found = run(asked, {}), [0.0] * len(asked)
    for _ in range(8 if wrt else 0):
        values = {
            leaf: array * (1 + eps * rng.choice([-1, 1], array.shape)).astype(array.dtype)
            for leaf, array in given.items()
        }
        for at, (one, other) in enumerate(zip(before, run(asked, values), strict=True)):
            if one.dtype.kind == "f":
                found[at] = np.maximum(found[at], np.abs(other - one))
    return found


@pytest.mark.parametrize(("op", "at"), [pytest.param(op, at, id=_id(op, at)) for op, at in CASES if op.expansion is not None])
@pytest.mark.parametrize("size", [1.0, 500.0])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_expansion_is_the_op_and_does_not_overflow(op: Op, at: int, size: float, dtype: Any) -> None:
    """Also far from 0, where the formula as it is written would overflow; shares and class numbers stay what they are."""
    leaves, _ = _case(op, at, dtype)
    for position, leaf in enumerate(leaves):
        if leaf.dtype.kind == "f" and position not in op.examples[at].simplex:
            leaf.value = leaf.value * dtype(size)
    node = _apply(op, leaves, op.examples[at].params)
    opened = op.expansion(*leaves, **node.params)
    assert (opened.shape, opened.dtype) == (node.shape, node.dtype)
    assert np.all(np.isfinite(node.value))
    few = 8 * np.finfo(dtype).eps
    np.testing.assert_allclose(opened.value, node.value, rtol=few, atol=few * size)


@pytest.mark.parametrize("op", [pytest.param(op, id=op.name) for op in OPS.values() if op.expansion is not None])
def test_an_expansion_ends_in_simpler_ops(op: Op) -> None:
    assert op.formula is not None, f"{op.name}: an expansion stands beside a formula"
    for at in range(len(op.examples)):
        leaves, node = _case(op, at)
        inner = [each.op for each in order(op.expansion(*leaves, **node.params)) if not each.is_leaf]
        assert all(each.formula is None or each.expansion is None for each in inner), f"{op.name} is opened into {inner}"


@pytest.mark.parametrize(("op", "at"), [pytest.param(op, at, id=_id(op, at)) for op, at in CASES if op.fold])
def test_fold_is_what_a_reduction_does_number_by_number(op: Op, at: int) -> None:
    leaves, node = _case(op, at)
    folded = np.asarray(leaves[0].value)
    for axis in reversed(node.params["axis"]):
        folded = functools.reduce(WORDS[op.fold].numpy, np.moveaxis(folded, axis, 0))
    np.testing.assert_allclose(folded.reshape(node.shape), node.value, rtol=1e-13)


@every_example
def test_building_again_gives_the_same(op: Op, at: int) -> None:
    _, node = _case(op, at)
    again = rebuild(node, node.inputs)
    assert (again.shape, again.dtype) == (node.shape, node.dtype)
    np.testing.assert_array_equal(again.value, node.value)


@every_example
def test_float32_stays_float32(op: Op, at: int) -> None:
    leaves, node = _case(op, at, np.float32)
    assert node.value.dtype == node.dtype
    asked = node.params.get("dtype")
    if node.dtype.kind == "f":
        assert node.dtype == np.dtype(asked or np.float32)
    _, wide = _case(op, at)
    np.testing.assert_allclose(node.value, wide.value, rtol=1e-4, atol=1e-4)
    if not _smooth(node, leaves):
        return
    rng = _generator(op, at)
    sent = ng.gradient(_projected(node, rng), _floats(leaves))
    for leaf, each in zip(_floats(leaves), sent):
        assert each.dtype == np.float32
        assert each.value.dtype == np.float32
        assert each.shape == leaf.shape
    if asked is None:
        wider = [each for each in order(sent) if each.dtype == np.float64]
        assert not wider, f"float64 inside: {wider}"


# Its gradient ------------------------------------------------------------------------------------------------------


@every_example
def test_gradient_against_finite_differences(op: Op, at: int) -> None:
    leaves, node = _case(op, at)
    rng = _generator(op, at)
    if not _smooth(node, leaves):
        with pytest.raises(GradientError):
            ng.gradient(ng.sum(node) if node.dtype.kind != "f" else _projected(node, rng), leaves or [node])
        return
    worst = _worst(_projected(node, rng), _floats(leaves), rng)
    if op.name in CUT_ON_PURPOSE:
        assert worst > 0.01
    else:
        assert worst <= (TOLERANCE if node.dtype == np.float64 else 1e-3)


@every_example
def test_second_gradient_against_finite_differences(op: Op, at: int) -> None:
    leaves, node = _case(op, at)
    if not _smooth(node, leaves):
        return
    rng = _generator(op, at)
    floats = _floats(leaves)
    first = _projected_all(ng.gradient(_projected(node, rng), floats), rng)
    assert _worst(first, floats, rng) <= TOLERANCE


def _projected_all(nodes: Sequence[Node], rng: np.random.Generator) -> Node:
    return functools.reduce(lambda a, b: a + b, [_projected(node, rng) for node in nodes])


@every_example
def test_gradient_override_is_the_derived_gradient(op: Op, at: int) -> None:
    derivable = op.index is not None or op.formula is not None or (op.scalar is not None and word_of(op) is None)
    leaves, node = _case(op, at)
    if op.gradient is None or not derivable or not _smooth(node, leaves):
        return
    rng = _generator(op, at)
    g = ng.input("g", rng.uniform(0.5, 1.5, node.shape))
    if op.index is not None:
        form = op.index(*node.inputs, **node.params)
        follows: Sequence[Node | None] = [
            from_form(form.derivative(i), [*leaves[:i], g, *leaves[i + 1 :]]) if leaf.dtype.kind == "f" else None
            for i, leaf in enumerate(leaves)
        ]
    else:
        follows = derived(node, g)
    one, other = [], []
    for leaf, a, b in zip(leaves, rule(node, g), follows, strict=True):
        zero = ng.constant(np.zeros(leaf.shape))
        if leaf.dtype.kind == "f":
            one.append(zero if a is None else sum_to(a, leaf.shape))
            other.append(zero if b is None else sum_to(b, leaf.shape))
    for a, b in zip(evaluate_all(one), evaluate_all(other)):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-9)
    if op.name in CUT_ON_PURPOSE:
        return
    state = rng.bit_generator.state
    second = ng.gradient(_projected_all(one, rng), [*_floats(leaves), g])
    rng.bit_generator.state = state
    second_derived = ng.gradient(_projected_all(other, rng), [*_floats(leaves), g])
    for a, b in zip(evaluate_all(second), evaluate_all(second_derived)):
        np.testing.assert_allclose(a, b, rtol=1e-8, atol=1e-8)


CORRUPTIONS: dict[str, Callable[[Node, Leaf], Node | None]] = {
    "one percent too large": lambda sent, leaf: sent * 1.01,
    "sign turned": lambda sent, leaf: -sent,
    "dropped": lambda sent, leaf: None,
    "one too much": lambda sent, leaf: sent + ng.constant(np.ones(leaf.shape)),
}


SMALLEST = {"one percent too large", "one too much"}
"""The corruptions a derivation is tried on: whoever sees these sees the others."""


def _lying(op: Op, position: int, corruption: Callable[[Node, Leaf], Node | None]) -> Op:
    """The op with a rule that is wrong for one of its inputs."""

    def rule_of_a_liar(g: Node, y: Node, *inputs: Node, **params: Any) -> list[Node | None]:
        sent = list(rule(op.apply(inputs, params), g))
        source = inputs[position]
        honest = sent[position]
        honest = ng.constant(np.zeros(source.shape)) if honest is None else sum_to(honest, source.shape)
        sent[position] = corruption(honest, source)
        return sent

    return dataclasses.replace(op, gradient=rule_of_a_liar, known={})


@every_op
def test_a_corrupted_rule_is_caught(op: Op) -> None:
    """By finite differences here, by `check_gradient` for users, by every derivation: all accept only the truth."""
    leaves, node = _case(op, 0)
    floats = _floats(leaves)
    if not _smooth(node, leaves) or op.name in CUT_ON_PURPOSE:
        return
    truth = dict(zip(floats, evaluate_all(ng.gradient(_projected(node, _generator(op, 0)), floats)), strict=True))
    assert check_gradient(node, *floats, order=1).orders[0].error < 1e-6
    assert explain(_projected(node, _generator(op, 0)), wrt=floats).ok
    for position, leaf in enumerate(leaves):
        for name, corruption in CORRUPTIONS.items():
            if leaf not in truth or (not np.any(truth[leaf]) and name != "one too much"):
                continue  # whole numbers have no gradient, and nothing times anything is nothing
            liar = _lying(op, position, corruption).apply(node.inputs, node.params)
            rng = _generator(op, 0)
            loss = _projected(liar, rng)
            what = f"{op.name}: {name} at {leaf.name} goes unnoticed"
            assert _worst(loss, floats, rng) > 100 * TOLERANCE, what
            with pytest.raises(CheckFailed):
                check_gradient(liar, *floats, order=1)
            if name in SMALLEST:
                assert not explain(loss, wrt=floats).ok, f"{what} by the derivation"


@every_op
def test_whole_numbers_have_no_gradient(op: Op) -> None:
    example = op.example
    rng = _generator(op, 0)
    leaves = [ng.input(name, array) for name, array in zip(_names(op, len(example.shapes)), example.arrays(rng))]
    whole = [
        leaf if leaf.dtype.kind != "f" else ng.input(leaf.name, np.ceil(leaf.value).astype(np.int64)) for leaf in leaves
    ]
    try:
        node = _apply(op, whole, example.params)
    except NngraphError:
        return
    if not whole:
        return
    with pytest.raises(GradientError, match=r"float|smoothly"):
        ng.gradient(ng.sum(node), whole)


# Its second opinion ------------------------------------------------------------------------------------------------


SYMBOLS_PER_INPUT = 3


@every_op
def test_sympy_derivative_of_the_forward_is_the_lowered_backward(op: Op) -> None:
    smallest = min(range(len(op.examples)), key=lambda at: sum(int(np.prod(shape)) for shape in op.examples[at].shapes))
    leaves, node = _case(op, smallest)
    if not _smooth(node, leaves) or op.name in CUT_ON_PURPOSE:
        return
    import sympy

    rng = _generator(op, smallest)
    symbols = {}
    for leaf in _floats(leaves):
        # All but a few entries are given as numbers, so that expressions stay small.
        entries = np.empty(leaf.shape, dtype=object)
        free = set(rng.permutation(leaf.size)[:SYMBOLS_PER_INPUT].tolist())
        for flat, index in enumerate(np.ndindex(leaf.shape)):
            entries[index] = (
                sympy.Symbol(f"{leaf.name}_{flat}", real=True)
                if flat in free
                else sympy.Float(float(leaf.value[index]))
            )
        symbols[leaf] = entries
    report = verify(_projected(node, rng), _floats(leaves), symbols=symbols, points=2, simplify=False)
    assert report.partials
    assert report.ok, [(each.leaf, each.index, each.error) for each in report.partials if not each.ok]


# Odd shapes --------------------------------------------------------------------------------------------------------


@every_op
def test_empty_arrays(op: Op) -> None:
    """An axis of length 0 gives an empty result or a clear error, never a crash and never numbers from nowhere."""
    example = op.example
    if not any(example.shapes):
        return
    length = next(shape[0] for shape in example.shapes if shape)
    shapes = tuple((0, *shape[1:]) if shape and shape[0] == length else shape for shape in example.shapes)
    empty = dataclasses.replace(example, shapes=shapes, distinct=False)
    try:
        leaves = _leaves(op, empty, _generator(op, 0, "inputs"))
        node = _apply(op, leaves, example.params)
        value = node.value
    except NngraphError:
        return
    assert value.shape == tuple(node.shape)
    if _smooth(node, leaves):
        for leaf, sent in zip(_floats(leaves), ng.gradient(_projected(node, _generator(op, 0)), _floats(leaves))):
            assert sent.value.shape == leaf.shape


PAIRS = [((3, 1), (1, 4)), ((), (3,)), ((2, 1, 3), (4, 1)), ((1,), (2, 3))]


@pytest.mark.parametrize(
    "op", [pytest.param(op, id=op.name) for op in OPS.values() if op.scalar is not None and len(op.inputs) >= 2]
)
@pytest.mark.parametrize("shapes", PAIRS, ids=str)
def test_broadcasting_as_numpy_does(op: Op, shapes: tuple[tuple[int, ...], tuple[int, ...]]) -> None:
    several = tuple(shapes[position % 2] for position in range(len(op.inputs)))
    leaves = _leaves(op, dataclasses.replace(op.example, shapes=several), _generator(op, 0, "inputs"))
    node = _apply(op, leaves, op.example.params)
    meant = meaning(op)(*[leaf.value for leaf in leaves], **node.params)
    assert node.shape == np.shape(meant)
    np.testing.assert_allclose(node.value, meant, rtol=1e-12)
    if _smooth(node, leaves):
        rng = _generator(op, 1)
        assert _worst(_projected(node, rng), _floats(leaves), rng) <= TOLERANCE


# Loops -------------------------------------------------------------------------------------------------------------


def _loop(reverse: bool, dtype: Any = np.float64) -> tuple[list[Leaf], Node]:
    """A small recurrent step with everything a loop can have: two carries, pieces, captured weights, stacked results."""
    rng = np.random.default_rng(11)
    shapes = {"s": (2,), "c": (), "x": (3, 2), "w": (2, 2)}
    leaves = [ng.input(name, rng.uniform(-1, 1, shape).astype(dtype)) for name, shape in shapes.items()]
    start, total, pieces, weights = leaves

    def step(carry: Any, piece: Any) -> Any:
        state, added = carry
        state = ng.tanh(state @ weights + piece)
        return (state, added + ng.sum(state * piece)), ng.square(state)

    (last, added), rows = ng.scan(step, (start, total), pieces, reverse=reverse)
    return leaves, ng.sum(last) * added + _projected(rows, rng)


@pytest.mark.parametrize("reverse", [False, True])
def test_loops_are_what_they_unroll_to(reverse: bool) -> None:
    leaves, loss = _loop(reverse)
    rng = np.random.default_rng(3)
    assert _worst(loss, leaves, rng) <= TOLERANCE
    first = ng.gradient(loss, leaves)
    assert _worst(_projected_all(first, rng), leaves, rng) <= TOLERANCE
    parts = [node for node in order(loss) if node.op is OPS["part"]]
    loop = parts[0].inputs[0]
    for part, plain in zip(parts, [ng.unroll(loop)[part.params["index"]] for part in parts], strict=True):
        np.testing.assert_allclose(part.value, plain.value, rtol=1e-13)
    assert verify(loss, leaves, points=2, simplify=False).ok
    narrow_leaves, narrow = _loop(reverse, np.float32)
    assert narrow.value.dtype == np.float32
    assert {sent.value.dtype for sent in ng.gradient(narrow, narrow_leaves)} == {np.dtype(np.float32)}


# How it looks ------------------------------------------------------------------------------------------------------


@every_op
def test_its_derivation_is_balanced_latex(op: Op) -> None:
    leaves, node = _case(op, 0)
    if not _smooth(node, leaves) or op.name in CUT_ON_PURPOSE:
        return
    derivation = explain(_projected(node, _generator(op, 0)), wrt=_floats(leaves))
    for latex in (derivation.latex(), derivation.latex(standalone=False)):
        assert _balanced(latex)
        open_environments = []
        for side, name in re.findall(r"\\(begin|end)\{([^{}]*)\}", latex):
            if side == "begin":
                open_environments.append(name)
            else:
                assert open_environments.pop() == name
        assert not open_environments
        assert r"\partial" in latex


@every_op
def test_drawable(op: Op) -> None:
    leaves, node = _case(op, 0)
    picture = ng.draw(node, view="forward")
    svg = ElementTree.fromstring(picture.svg())
    _, _, width, height = map(float, svg.attrib["viewBox"].split())
    assert width > 0
    assert height > 0
    assert len(picture.boxes) >= 1 + len({*leaves})
    if _smooth(node, leaves) and op.name not in CUT_ON_PURPOSE:
        both = ng.draw(_projected(node, _generator(op, 0)), view="mirror", wrt=_floats(leaves))
        assert len(both.boxes) > len(picture.boxes)
