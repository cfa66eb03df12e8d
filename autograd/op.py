"""Op: the declaration record. It holds what was said about an op and derives nothing but shape, dtype and the node.

An op is a sentence of mathematics; everything else reads it. Its meaning is exactly one of
`scalar` (a text over the vocabulary), `formula` (a function over simpler ops), `index` (a multilinear form in index
notation) or `numpy` with a `shape` rule. Engines, pictures and derivations read these fields and never the name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from . import node as _node
from .broadcasting import broadcast_shapes
from .errors import DtypeError, NngraphError, ParameterError, UnknownOp
from .graph import Graph
from .index import IndexForm
from .leaves import UNNAMED, as_node
from .node import Leaf, Node, no_params, open_scope
from .notation import Notation, call
from .vocabulary import call_of, parsed, spoken

ARITHMETIC, FUNCTION, ACTIVATION, COMPARISON = "arithmetic", "function", "activation", "comparison"
REDUCTION, SHAPE, LINEAR = "reduction", "shape", "linear"
LOSS, RANDOM, CONTROL = "loss", "random", "control"
KINDS = (ARITHMETIC, FUNCTION, ACTIVATION, COMPARISON, REDUCTION, SHAPE, LINEAR, LOSS, RANDOM, CONTROL)

OPS: dict[str, Op] = {}
"""Every op by name, in the order of declaration. Lists of ops anywhere are computed from here."""

REQUIRED = object()
"""The default of a param that has none."""


@dataclass(frozen=True, slots=True)
class Example:
    """What an op can be tried on: tests, documentation and `nngraph ops` draw their inputs from here.

    `shapes`: one per input. `domain`: (low, high) for every input or one pair per input. `avoid`: input values at which
    the function has a kink. `integers`: input position -> how many classes, for whole-number inputs. `booleans`:
    positions that hold true or false. `simplex`: positions whose last axis sums to one. `distinct`: values no two of
    which are near, for max and sort.
    """

    shapes: tuple[tuple[int, ...], ...]
    params: Mapping[str, Any] = field(default_factory=dict)
    domain: tuple[Any, ...] = (-2.0, 2.0)
    avoid: tuple[float, ...] = ()
    integers: Mapping[int, int] = field(default_factory=dict)
    booleans: tuple[int, ...] = ()
    simplex: tuple[int, ...] = ()
    distinct: bool = False

    def arrays(self, rng: np.random.Generator, dtype: Any = np.float64) -> list[np.ndarray]:
        """Seeded inputs in the domain, away from kinks; axes as in `shapes`."""
        arrays = []
        for position, shape in enumerate(self.shapes):
            low, high = self.domain[position] if isinstance(self.domain[0], tuple) else self.domain
            if position in self.integers:
                arrays.append(rng.integers(0, self.integers[position], shape))
                continue
            if position in self.booleans:
                arrays.append(rng.random(shape) < 0.5)
                continue
            values = rng.uniform(low, high, shape)
            if self.distinct:
                count = max(values.size, 1)
                values = (low + (high - low) * (rng.permutation(count) + 0.5) / count).reshape(shape)
            for kink in self.avoid:
                near = np.abs(values - kink) < 0.1
                values = np.where(near, kink + np.where(values >= kink, 0.1, -0.1) + (values - kink), values)
            if position in self.simplex:
                values = np.exp(values) / np.exp(values).sum(-1, keepdims=True)
            arrays.append(np.asarray(values, dtype=dtype))
        return arrays


def example(*shapes: tuple[int, ...], **more: Any) -> Example:
    """An Example from shapes: `example((3, 4), (4,), avoid=(0.0,))`."""
    return Example(shapes, **more)


@dataclass(frozen=True, slots=True, eq=False)
class Op:
    """One op, declared once. See the module text for the four kinds of meaning; the fields are what others read.

    `words`: a sentence template over the input names, in English, translated by catalogs. `why`: why the gradient is
    what it is. `gradient(g, y, *inputs, **params)`: one node per input or None, written in graph ops; g arrives, y is
    this node; a gradient may keep the broadcast shape, it is summed back for all ops in one place. `numpy`: beside
    `scalar`, `formula` or `index` it is an override (stable or fast) that a test compares with the meaning.
    `expansion`: beside a `formula`, the same mathematics over simpler ops arranged so that nothing overflows and
    nothing is computed twice; what compiled engines open the op into, never differentiated or shown. `fold`: the
    vocabulary word by which a reduction takes the numbers along its axes together, one by one. `kernel`: the compiled
    loops it is for. `placed`: beside `numpy`, a scalar text over the inputs, the params and `row` and `column`, the
    place of a number along the last two axes of the result; the inputs lie along its first axes. `numbered`: the param
    below which the whole numbers of the first input lie, counted from 0. `stacked(params, length)`: the params of the
    same op where operands have one more axis in front, for `length` examples that do not look at each other;
    elementwise and multilinear ops need not say it. `shared`: inputs that have no such axis, because all examples look
    into them. `adds_up`: with such an axis it gives the sum over the examples. `linear`: of one operand, f(a + b) =
    f(a) + f(b). `keeps_sign(params)`: whether f(x) > 0 exactly where x > 0. `scattered`: it moves numbers from or to
    places all over memory. `normalize(inputs, params)` checks and completes params once, when a node is built.
    `letter`: how derivations name its results (f1, a2, …).
    """

    name: str
    words: str
    why: str
    kind: str
    inputs: tuple[str, ...]
    examples: tuple[Example, ...]
    notation: Notation
    params: Mapping[str, Any] = field(default_factory=dict)
    pitfalls: tuple[str, ...] = ()
    source: str = ""
    symbol: str | Callable[[Node], str] = ""
    sign: str = ""
    letter: str = ""
    variadic: bool = False
    scalar: str | None = None
    formula: Callable[..., Node] | None = None
    index: Callable[..., IndexForm] | None = None
    numpy: Callable[..., Any] | None = None
    shape: Callable[..., Any] | None = None
    dtype: Callable[..., np.dtype] | None = None
    gradient: Callable[..., Sequence[Node | None]] | None = None
    normalize: Callable[..., Mapping[str, Any]] | None = None
    expansion: Callable[..., Node] | None = None
    fold: str = ""
    kernel: str = ""
    placed: str = ""
    numbered: str = ""
    stacked: Callable[[Mapping[str, Any], int], Mapping[str, Any]] | None = None
    shared: tuple[str, ...] = ()
    adds_up: bool = False
    linear: bool = False
    keeps_sign: Callable[[Mapping[str, Any]], bool] | None = None
    scattered: bool = False
    differentiable: bool = True
    known: dict[Any, Any] = field(default_factory=dict, repr=False)
    """Shapes and dtypes inferred so far; a cache, not part of the declaration."""

    @property
    def example(self) -> Example:
        """The first example."""
        return self.examples[0]

    @property
    def __name__(self) -> str:
        return self.name

    @property
    def __doc__(self) -> str:  # type: ignore[override]
        return document(self)

    def __repr__(self) -> str:
        return f"<op {self.name}>"

    def __copy__(self) -> Op:
        return self

    def __deepcopy__(self, memo: Any) -> Op:
        # Ops are told apart by identity; a second one of the same name would be another op.
        return self

    def sign_on(self, node: Node) -> str:
        """The short sign a picture shows for a node of this op."""
        sign = self.symbol or self.notation.sign
        return sign(node) if callable(sign) else sign

    def __call__(self, *inputs: Any, **params: Any) -> Node:
        """The node that applies this op; positional arguments after the inputs are params in declared order."""
        if self.params or params or self.variadic or len(inputs) != len(self.inputs):
            inputs, params = self._bind(inputs, params)
        else:
            params = no_params  # type: ignore[assignment]
        for value in inputs:
            if not isinstance(value, Node):
                node = self.apply(_lift(inputs), params)
                for source in node.inputs:
                    if source.site == UNNAMED:
                        code, instruction = node.site
                        source.site = (code, instruction if instruction < 0 else ~instruction)
                return node
        return self.apply(inputs, params)

    def apply(self, inputs: tuple[Node, ...], params: Mapping[str, Any]) -> Node:
        """The node from nodes and complete params: infers shape and dtype, raising at the user's line."""
        if self.normalize is not None:
            params = self.normalize(inputs, params)
        if self.scalar is None:
            shape, dtype = _general(self, inputs, params)
            return Node(self, inputs, params, shape, dtype)
        # The common case of one or two operands of one shape is written out: most nodes of most graphs are built here.
        if len(inputs) == 1:
            shape, key = inputs[0].shape, inputs[0].dtype
        elif len(inputs) == 2:
            a, b = inputs
            shape, key = a.shape, (a.dtype, b.dtype)
            if b.shape is not shape and b.shape != shape:
                shape = broadcast_shapes(self, inputs)
        else:
            shape, key = broadcast_shapes(self, inputs), tuple([node.dtype for node in inputs])
        if params:  # 0 keeps whole numbers whole and 0.0 does not, though they are equal
            key = (key, *[(type(value), value) for value in params.values()])
        dtype = self.known.get(key)
        if dtype is None:
            dtype = _result_dtype(self, inputs, params)
            if dtype.kind == "f" and word_of(self) is None and any(node.dtype.kind in "iu" for node in inputs):
                # The text means real numbers: −x of a whole number may have none in its dtype.
                to_float = _node.abilities["cast whole numbers"]
                return self.apply(tuple([to_float(node, dtype) for node in inputs]), params)
            self.known[key] = dtype
        return Node(self, inputs, params, shape, dtype)

    def _bind(self, inputs: tuple[Any, ...], params: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Inputs and complete params from what the caller wrote; errors name the op's own signature."""
        if self.variadic:
            if len(inputs) >= 1 and isinstance(inputs[0], (list, tuple)):
                inputs, positional = tuple(inputs[0]), inputs[1:]
            else:
                positional = ()
        else:
            count = len(self.inputs)
            inputs = inputs + tuple(params.pop(name) for name in self.inputs[len(inputs) :] if name in params)
            if len(inputs) < count:
                raise ParameterError(f"{signature(self)} needs {', '.join(self.inputs[len(inputs) :])}")
            inputs, positional = inputs[:count], inputs[count:]
        complete = dict(self.params)
        names = list(self.params)
        if len(positional) > len(names):
            raise ParameterError(
                f"{signature(self)} takes {len(self.inputs)} input{'s' * (len(self.inputs) != 1)}; got"
                f" {len(inputs) + len(positional)} arguments"
            )
        for name, value in zip(names, positional):
            complete[name] = value
        for name, value in params.items():
            if name not in complete:
                raise ParameterError(f"{signature(self)} has no setting {name!r}")
            complete[name] = value
        for name, value in complete.items():
            if value is REQUIRED:
                raise ParameterError(f"{signature(self)} needs {name}=…")
        return inputs, complete


def _lift(inputs: Sequence[Any]) -> tuple[Node, ...]:
    """Nodes from whatever was given; a Python number takes the dtype of the nodes and arrays beside it."""
    like = None
    for value in inputs:
        if isinstance(value, (Node, np.ndarray, np.generic)):
            dtype = value.dtype
            like = dtype if like is None or dtype is like else np.result_type(like, dtype)
    return tuple([value if isinstance(value, Node) else as_node(value, like) for value in inputs])


def _result_dtype(op: Op, nodes: tuple[Node, ...], params: Mapping[str, Any]) -> np.dtype:
    """What numpy itself gives for these dtypes, found by asking it once on empty arrays."""
    empty = [np.empty((0,), node.dtype) for node in nodes]
    try:
        with np.errstate(all="ignore"):
            return np.asarray(_node.abilities["numpy function"](op)(*empty, **params)).dtype
    except TypeError:
        dtypes = ", ".join(str(node.dtype) for node in nodes)
        raise DtypeError(
            f"{op.name}{open_scope()}: not defined for {dtypes}; convert with ng.cast(x, 'float64')"
        ) from None


def _general(op: Op, nodes: tuple[Node, ...], params: Mapping[str, Any]) -> tuple[Any, np.dtype]:
    try:
        key = (tuple([(node.shape, node.dtype) for node in nodes]), tuple(params.items()))
        found = op.known.get(key)
    except TypeError:  # a param that cannot be hashed, such as a graph or an index array
        key = found = None
    if found is None:
        found = _infer(op, nodes, params)
        if key is not None:
            op.known[key] = found
    return found


def _infer(op: Op, nodes: tuple[Node, ...], params: Mapping[str, Any]) -> tuple[Any, np.dtype]:
    try:
        if op.index is not None:
            shape: Any = op.index(*nodes, **params).shape
        elif op.shape is not None:
            shape = op.shape(*nodes, **params)
        else:
            inner = inside(op, nodes, params)
            return inner.outputs[0].shape, inner.outputs[0].dtype
    except NngraphError as error:
        # A formula raises from the simpler op inside it; the user called this one.
        raise (error if str(error).startswith(op.name) else error.within(f"{op.name}{open_scope()}: ")) from None
    if op.dtype is not None:
        return shape, np.dtype(op.dtype(*nodes, **params))
    return shape, np.result_type(*[node.dtype for node in nodes])


def inside(op: Op, nodes: Sequence[Node], params: Mapping[str, Any]) -> Any:
    """The graph inside a composite op: its formula applied to placeholders shaped like `nodes`."""
    holes = tuple(Leaf("input", name, None, node.shape, node.dtype) for name, node in zip(_names(op, nodes), nodes))
    output = formula_of(op)(*holes, **params)
    return Graph(holes, (output,))


def _names(op: Op, nodes: Sequence[Node]) -> tuple[str, ...]:
    return tuple(f"{op.inputs[0]}{i + 1}" for i in range(len(nodes))) if op.variadic else op.inputs


def formula_of(op: Op) -> Callable[..., Node]:
    """An op as a function over simpler ops: its formula, or its scalar text spoken in nodes."""
    if op.formula is not None:
        return op.formula
    if op.scalar is None or word_of(op) is not None:
        raise UnknownOp(f"{op.name} is not made of simpler ops")
    return spoken(op.scalar, op.inputs, lambda word: _node.infix[word])


def signature(op: Op) -> str:
    """The call as a user writes it: `softmax(x, axis=-1)`."""
    inputs = ["*" + op.inputs[0]] if op.variadic else list(op.inputs)
    params = [name if value is REQUIRED else f"{name}={value!r}" for name, value in op.params.items()]
    return f"{op.name}({', '.join(inputs + params)})"


def document(op: Op) -> str:
    """The docstring of an op, written from its declaration."""
    fields = {name: name for name in op.inputs} | {name: name for name in op.params}
    lines = [op.words.format_map(fields).capitalize() + ".", "", f"    {signature(op)}", "", f"Gradient: {op.why}"]
    lines += [f"Pitfall: {pitfall}" for pitfall in op.pitfalls]
    if op.source:
        lines.append(f"Source: {op.source}")
    return "\n".join(lines)


def declare(op: Op) -> Op:
    """Put an op in the table, and under its operator sign when it has one."""
    if op.name in OPS:
        raise NngraphError(f"op {op.name!r} is declared twice")
    OPS[op.name] = op
    if op.sign:
        _node.infix[op.sign] = op
    if op.scalar is not None and (word := word_of(op)) is not None:
        _node.infix.setdefault(word, op)
    return op


def word_of(op: Op) -> str | None:
    """The vocabulary word that an op is, when its scalar text is one word applied to its inputs; else None."""
    found = call_of(parsed(op.scalar)) if op.scalar is not None else None
    if found and [getattr(operand, "id", None) for operand in found[1]] == list(op.inputs):
        return found[0]
    return None


def lookup(name: str) -> Op:
    """The op of that name; UnknownOp with the nearest names otherwise."""
    if name not in OPS:
        import difflib

        near = difflib.get_close_matches(name, OPS, 3)
        raise UnknownOp(
            f"there is no op {name!r}"
            + (f"; did you mean {' or '.join(near)}?" if near else "; `nngraph ops` lists them")
        )
    return OPS[name]


def elementwise(name: str, scalar: str, *, inputs: Sequence[str] | None = None, **said: Any) -> Op:
    """Declare an op by a scalar text over the vocabulary; broadcasting and dtype are numpy's."""
    params = said.get("params", {})
    if inputs is None:
        inputs = _text_names(scalar, params)
    return _declared(name, tuple(inputs), scalar=scalar, **said)


def composite(name: str, formula: Callable[..., Node], *, inputs: Sequence[str], **said: Any) -> Op:
    """Declare an op by a formula over simpler ops; its gradient and its symbolic form follow unless overridden."""
    return _declared(name, tuple(inputs), formula=formula, **said)


def multilinear(name: str, index: Callable[..., IndexForm], *, inputs: Sequence[str], **said: Any) -> Op:
    """Declare an op by its index form; shape, numpy meaning, gradient and symbolic form all follow from it."""
    return _declared(name, tuple(inputs), index=index, **said)


def structural(
    name: str, numpy: Callable[..., Any], shape: Callable[..., Any], *, inputs: Sequence[str], **said: Any
) -> Op:
    """Declare an op by what it does to arrays and how shapes follow; it must also work on arrays of objects."""
    return _declared(name, tuple(inputs), numpy=numpy, shape=shape, **said)


def _declared(name: str, inputs: tuple[str, ...], *, example: Any, notation: Notation | None = None, **said: Any) -> Op:
    examples = tuple(example) if isinstance(example, (list, tuple)) else (example,)
    if said["kind"] not in KINDS:
        raise NngraphError(f"op {name!r}: kind must be one of {', '.join(KINDS)}")
    return declare(Op(name=name, inputs=inputs, examples=examples, notation=notation or call(name), **said))


def _text_names(scalar: str, params: Mapping[str, Any]) -> tuple[str, ...]:
    """The inputs of a scalar text in the order they first appear, params left out."""
    import ast

    names: list[str] = []
    called = {
        node.func.id
        for node in ast.walk(ast.parse(scalar))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    found = [node for node in ast.walk(ast.parse(scalar)) if isinstance(node, ast.Name)]
    for node in sorted(found, key=lambda each: each.col_offset):
        if node.id not in names and node.id not in params and node.id not in called:
            names.append(node.id)
    return tuple(names)
