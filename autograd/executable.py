"""ng.compile: a graph made into a function that can be called again and again, and that may write its results into
leaves."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from .engines.numpy_plan import NumpyPlan
from .errors import DtypeError, OutOfDeviceMemory, ParameterError, ShapeError
from .graph import order
from .leaves import as_node
from .node import Leaf, Node, array_of, describe, fitted
from .op import RANDOM
from .resize import resize
from .sizes import Size, resized

if TYPE_CHECKING:
    from .epochs import Progress
    from .report import PlanReport


ManySteps = Callable[[np.ndarray | None, int], Iterator[Any]]
"""Order of the rows (None: as they are) and how many steps -> the steps in stretches, each as it is done."""


class Plan(Protocol):
    """Outputs and updates as an engine runs them."""

    def __call__(self, values: Mapping[Leaf, Any], /) -> list[Any]:
        """The outputs' values for these values of leaves; the updates are stored."""

    def run(self, inputs: tuple[Leaf, ...], arrays: Sequence[np.ndarray]) -> Sequence[Any]:
        """The same for arrays in the order of the inputs, as outputs that nobody can write to. The inputs are the same
        tuple in every call."""

    def many_steps(
        self, inputs: tuple[Leaf, ...], arrays: Sequence[np.ndarray], batch: int
    ) -> ManySteps | None:
        """What runs many steps on batches of rows without coming back to Python for each; None where it cannot."""

    def report(self, inputs: Sequence[Leaf], names: Sequence[str | None]) -> PlanReport:
        """What it does, to be read; `names` are those of the outputs."""


Shapes = tuple[tuple[int, ...], ...]
Planned = tuple[tuple[Leaf, ...], Plan]
"""A plan and the leaves that its inputs are."""


def _compiled(outputs: Sequence[Node], updates: Mapping[Leaf, Node]) -> Plan:
    from .engines.compiled.running.program import Program as Compiled

    return Compiled(outputs, updates)


def _on_gpu(outputs: Sequence[Node], updates: Mapping[Leaf, Node]) -> Plan:
    from .engines.cuda.program import on_gpu

    return on_gpu(outputs, updates)


def _on_tensor_cores(outputs: Sequence[Node], updates: Mapping[Leaf, Node]) -> Plan:
    from .engines.cuda.program import on_tensor_cores

    return on_tensor_cores(outputs, updates)


def _on_cublas(outputs: Sequence[Node], updates: Mapping[Leaf, Node]) -> Plan:
    from .engines.cuda.program import on_cublas

    return on_cublas(outputs, updates)


def _on_simulator(outputs: Sequence[Node], updates: Mapping[Leaf, Node]) -> Plan:
    from .engines.cuda.program import on_simulator

    return on_simulator(outputs, updates)


engines: dict[str, Callable[[Sequence[Node], Mapping[Leaf, Node]], Plan]] = {
    "numpy": NumpyPlan, "numba": _compiled, "cuda": _on_gpu, "cuda-tf32": _on_tensor_cores,
    "cuda-cublas": _on_cublas, "cuda-simulator": _on_simulator,
}  # fmt: skip
"""Engine name -> what turns outputs and updates into a plan."""

OFFERED = tuple(name for name in engines if name != "cuda-simulator")
"""The engines that people choose from; numba's simulator of a GPU is for tests."""

DEFAULT = "numba"
"""The engine that runs what names none; the environment variable NNGRAPH_ENGINE names another."""


def chosen(engine: str | None = None) -> str:
    """The engine of this name; without one that of NNGRAPH_ENGINE, else the default. ParameterError for a name that is none.

    >>> chosen("numpy"), chosen() in engines
    ('numpy', True)
    """
    engine = engine or os.environ.get("NNGRAPH_ENGINE") or DEFAULT
    if engine not in engines:
        raise ParameterError(f"there is no engine {engine!r}; there is {', '.join(map(repr, OFFERED))}")
    return engine


MOST_OTHER_PLANS = 8
"""For so many other shapes than those that it was built for an executable keeps its plan: those called last. A plan holds
memory for all its values."""


def compile(
    outputs: Node | Sequence[Node],
    inputs: Leaf | Sequence[Leaf] = (),
    updates: Mapping[Leaf, Any] | None = None,
    engine: str | None = None,
) -> Executable:
    """A function of the inputs' values that gives the outputs' values, and then puts the updates into their leaves.

    Every update is computed from the old values; then all are applied together, or none when anything fails. Leaves
    that are not among the inputs are read when the function is called. Outputs come as a read-only array for a node, a
    tuple of them for several. Inputs with named sizes, `shape=(ng.Size("N", 32), 3)`, may be given with other sizes.
    `engine`: "numba", compiled kernels, is the default; "numpy" is the reference; "cuda" computes on an NVIDIA GPU,
    "cuda-tf32" also with its tensor cores: float32 products and convolutions then round what they multiply to 10 bits;
    "cuda-cublas" has NVIDIA's library compute products, as far as it can.

    >>> import nngraph as ng
    >>> x, w = ng.input("x", shape=(2,)), ng.parameter("w", [1.0, 1.0])
    >>> loss = ng.sum((w - x) ** 2)
    >>> (slope,) = ng.gradient(loss, [w])
    >>> step = ng.compile(loss, inputs=[x], updates={w: w - 0.25 * slope})
    >>> float(step([3.0, 5.0])), w.value, float(step([3.0, 5.0]))
    (20.0, array([2., 3.]), 5.0)
    """
    return Executable(outputs, inputs, updates, engine)


class Executable:
    """A compiled graph; see `compile`. Plans are kept per shape of the inputs: the one it was built with, and some others."""

    def __init__(
        self,
        outputs: Node | Sequence[Node],
        inputs: Leaf | Sequence[Leaf],
        updates: Mapping[Leaf, Any] | None,
        engine: str | None,
    ) -> None:
        engine = chosen(engine)
        threads = os.environ.get("NNGRAPH_THREADS", "1") or "1"
        if not threads.isdecimal() or int(threads) < 1:
            raise ParameterError(f"NNGRAPH_THREADS={threads!r} must be a whole number from 1 up")
        self.engine = engine
        self.single = isinstance(outputs, Node)
        self.outputs = (outputs,) if isinstance(outputs, Node) else tuple(as_node(output) for output in outputs)
        self.inputs: tuple[Leaf, ...] = (inputs,) if isinstance(inputs, Node) else tuple(inputs)
        if updates is not None and not isinstance(updates, Mapping):
            raise ParameterError(
                "updates say which leaf takes which new value: updates={w: w - 0.1 * g}, or dict(zip(weights, values));"
                f" not a {type(updates).__name__}"
            )
        self.updates = {leaf: as_node(new, getattr(leaf, "dtype", None)) for leaf, new in (updates or {}).items()}
        _check_leaves(self.inputs, self.updates)
        if self.updates:
            _warn_of_fixed_draws([*self.outputs, *self.updates.values()])
        self._names = {leaf._name: position for position, leaf in enumerate(self.inputs)}
        self._wanted = [(leaf, leaf.dtype) for leaf in self.inputs]
        self._built: Shapes = tuple(tuple(map(int, leaf.shape)) for leaf in self.inputs)
        self._first = self._plan(self.inputs, [*self.outputs, *self.updates.values()])
        self._others: dict[Shapes, Planned] = {}
        """Plans for other shapes, the one asked for last at the end."""
        self._plans: dict[Shapes, Planned] = {self._built: self._first}
        """The first plan and the one asked for last, to be found soonest."""

    def __repr__(self) -> str:
        names = ", ".join(str(leaf._name) for leaf in self.inputs)
        results = f"{len(self.outputs)} output{'s' * (len(self.outputs) != 1)}, {len(self.updates)} updates"
        return f"<executable ({names}) -> {results}, {self.engine}>"

    def __call__(self, *values: Any, **named: Any) -> Any:
        """The outputs' values for these values of the inputs, by position or by the inputs' names."""
        if named or len(values) != len(self.inputs):
            values = self._in_order(values, named)
        arrays = [
            # Most are as they must be already.
            value if type(value) is np.ndarray and value.dtype is dtype else self._array(leaf, value, values)
            for value, (leaf, dtype) in zip(values, self._wanted)
        ]
        shapes = tuple([array.shape for array in arrays])
        inputs, plan = self._plans.get(shapes) or self._plan_for(shapes)
        outputs = plan.run(inputs, arrays)
        return outputs[0] if self.single else tuple(outputs)

    # Whole epochs ---------------------------------------------------------------------------------------------------
    def epochs(
        self, data: Sequence[Any], batch: int | None = None, epochs: int | range = 1, shuffle: int | None = None
    ) -> Iterator[Progress]:
        """Run over a data set in mini-batches, again and again; records of what the steps gave, about ten a second. The
        steps run while the records are asked for, so go through them: `for record in step.epochs(…)`.

        `data`: one array (rows, …) for each input. `batch`: rows per step, all rows when left out; a short last batch
        needs inputs with a named size. `epochs`: how many, or range(3, 6) for the three after the first three. `shuffle`: a
        seed; every epoch then has an order of its own, the same in every engine. Outputs are stacked over the steps since the last record; `record.ended` says which epochs ended among
        them. The fast engine runs whole epochs without coming back to Python in between; Ctrl-C stops between two records,
        and the updates made so far are kept.

        >>> import nngraph as ng
        >>> x, w = ng.input("x", shape=(2,)), ng.parameter("w", 0.0)
        >>> loss = ng.mean((x - w) ** 2)
        >>> step = ng.compile(loss, inputs=[x], updates={w: w - 0.1 * ng.gradient(loss, [w])[0]})
        >>> records = list(step.epochs([[3.0, 5.0, 3.0, 5.0]], batch=2, epochs=50))
        >>> losses = [float(loss) for record in records for loss in record.outputs[0]]
        >>> len(losses), losses[0], round(losses[-1], 6), round(float(w.value), 6)
        (100, 17.0, 1.0, 4.0)
        """
        from .epochs import run_epochs

        return run_epochs(self, data, batch, epochs, shuffle)

    def outputs_of(self, arrays: Sequence[np.ndarray]) -> tuple[np.ndarray, ...]:
        """The outputs' values as a tuple, also when there is only one."""
        result = self(*arrays)
        return (result,) if self.single else result

    def array_for(self, leaf: Leaf, array: np.ndarray) -> np.ndarray:
        """Rows of data in the leaf's dtype, side by side in memory."""
        return np.ascontiguousarray(_array(leaf, array))

    def steps_of(self, arrays: Sequence[np.ndarray], batch: int) -> ManySteps | None:
        """What runs many steps of this batch size in one call; None where the engine cannot."""
        inputs, plan = self._plan_for(tuple((batch, *array.shape[1:]) for array in arrays))
        return plan.many_steps(inputs, arrays, batch)

    @property
    def plan(self) -> PlanReport:
        """What the engine does when this is called with the shapes it was built for, to be read: print it, `ng.draw` it,
        `.profile()` it.

        >>> import nngraph as ng
        >>> x, w = ng.input("x", shape=(200, 64)), ng.parameter("w", np.zeros(64))
        >>> step = ng.compile(ng.sum(ng.tanh(x * w), axis=1), inputs=[x], engine="numba")
        >>> step.plan, step.plan[1].why
        (<plan of 1 instruction, numba>, '3 ops fused: they run over the same numbers')
        """
        return self._first[1].report(self.inputs, [node.name for node in self.outputs])

    def _plan_for(self, shapes: Shapes) -> Planned:
        """The plan for these shapes; where it is a new one, the one that was asked for longest ago may go."""
        if shapes == self._built:
            return self._first
        found = self._others.pop(shapes, None) or self._plan(*self._resized(shapes))
        self._others[shapes] = found
        for oldest in list(self._others)[:-MOST_OTHER_PLANS]:
            self._others.pop(oldest, None)
        self._plans = {self._built: self._first, shapes: found}
        return found

    def _plan(self, inputs: tuple[Leaf, ...], nodes: Sequence[Node]) -> Planned:
        count = len(self.outputs)
        try:
            return inputs, engines[self.engine](nodes[:count], dict(zip(self.updates, nodes[count:])))
        except OutOfDeviceMemory as error:
            from .engines.cuda.room import advised

            raise advised(error, self, [tuple(map(int, leaf.shape)) for leaf in inputs]) from None

    def _in_order(self, values: tuple[Any, ...], named: dict[str, Any]) -> tuple[Any, ...]:
        """Values by position and by name, all by position."""
        given = list(values) + [None] * (len(self.inputs) - len(values))
        for name, value in named.items():
            at = self._names.get(name)
            if at is None or at < len(values):
                raise ParameterError(
                    f"{self!r} has no input {name!r}" if at is None else f"input {name!r} was given twice"
                )
            given[at] = value
        if len(given) != len(self.inputs) or any(value is None for value in given):
            raise self._miscounted(given)
        return tuple(given)

    def _miscounted(self, values: Sequence[Any]) -> ParameterError:
        names = ", ".join(str(leaf._name) for leaf in self.inputs) or "none"
        return ParameterError(
            f"{self!r} takes {len(self.inputs)} input{'s' * (len(self.inputs) != 1)} ({names}); got"
            f" {sum(value is not None for value in values)}"
        )

    def _array(self, leaf: Leaf, value: Any, values: Sequence[Any]) -> np.ndarray:
        if value is None:
            raise self._miscounted(values)
        return _array(leaf, value)

    def for_shapes(self, shapes: tuple[tuple[int, ...], ...]) -> tuple[tuple[Leaf, ...], list[Node]]:
        """The inputs and what is computed from them (outputs, then updates) for inputs of these shapes."""
        if shapes == self._built:
            return self.inputs, [*self.outputs, *self.updates.values()]
        return self._resized(shapes)

    def _resized(self, shapes: tuple[tuple[int, ...], ...]) -> tuple[tuple[Leaf, ...], list[Node]]:
        """The inputs and the graph for other sizes of the inputs; ShapeError naming the input that does not fit."""
        sizes: dict[str, int] = {}
        source: dict[str, str] = {}
        for leaf, shape in zip(self.inputs, shapes):
            if len(shape) != len(leaf.shape):
                raise ShapeError(
                    f"{describe(leaf)} was given shape {shape}: {len(leaf.shape)} axes are needed, not {len(shape)}"
                )
        # What has no name cannot vary: an array that is turned round is told so, and not as a quarrel about a name.
        for leaf, shape in zip(self.inputs, shapes):
            for axis, (size, actual) in enumerate(zip(leaf.shape, shape)):
                if not isinstance(size, Size) and size != actual:
                    raise ShapeError(_misfit(leaf, shape, axis))
        for leaf, shape in zip(self.inputs, shapes):
            for size, actual in zip(leaf.shape, shape):
                if isinstance(size, Size) and size.parts is None:
                    if sizes.setdefault(size.text, actual) != actual:
                        raise ShapeError(
                            f"{describe(leaf)} was given shape {shape}, where {size.text} is {actual};"
                            f" input {source[size.text]!r} says that {size.text} is {sizes[size.text]}"
                        )
                    source.setdefault(size.text, str(leaf._name))
                    if size < 2 and actual != size:
                        raise ShapeError(
                            f"{describe(leaf)} was given shape {shape}, but the graph was built with {size.text} ="
                            f" {int(size)}, where an axis of"
                            f" {size.text} cannot be told from one that is repeated; build it with {size.text} = 2 or"
                            " more"
                        )
        for leaf, shape in zip(self.inputs, shapes):
            for axis, (size, actual) in enumerate(zip(leaf.shape, shape)):
                if resized(size, sizes) != actual:
                    raise ShapeError(_misfit(leaf, shape, axis))
        new = tuple(
            Leaf(leaf.role, leaf._name, None, tuple(resized(size, sizes) for size in leaf.shape), leaf.dtype)
            for leaf in self.inputs
        )
        return new, resize([*self.outputs, *self.updates.values()], sizes, dict(zip(self.inputs, new)))


def report_of(
    engine: str, outputs: Sequence[Node], updates: Mapping[Leaf, Node], inputs: Sequence[Leaf],
    names: Sequence[str | None],
) -> PlanReport:  # fmt: skip
    """What an engine would do with outputs and updates, found without making it ready to; `names` are those of the
    outputs."""
    if engine.startswith("cuda"):
        from .engines.cuda import report as on_gpu

        return on_gpu.report_of(engine, outputs, updates, inputs, names)
    if engines[engine] is not _compiled:
        return engines[engine](outputs, updates).report(inputs, names)
    from .engines.compiled.planned import planned
    from .engines.compiled.report import report

    return report(planned(outputs, updates), inputs, names)


def _misfit(leaf: Leaf, shape: tuple[int, ...], axis: int) -> str:
    said = (
        f"{describe(leaf)} was given shape {shape}: axis {axis} is {shape[axis]}, the graph was built for"
        f" {int(leaf.shape[axis])}."
    )
    if len(shape) == 2 and all(isinstance(size, Size) or size == new for size, new in zip(leaf.shape, shape[::-1])):
        return f"{said} It fits turned round: give it the transpose, array.T"
    if len(shape) == 2 and axis == 1:
        return f"{said} A row must have as many numbers as the graph was built for; columns that belong elsewhere are left out"
    named = ", ".join(
        f"ng.Size('N', {int(size)})" if at == axis else repr(int(size)) for at, size in enumerate(leaf.shape)
    )
    return (
        f"{said} A size that varies, such as that of the last batch, needs a name: ng.input({leaf._name!r},"
        f" shape=({named}{',' * (len(shape) == 1)}))"
    )


def _check_leaves(inputs: tuple[Leaf, ...], updates: Mapping[Leaf, Node]) -> None:
    seen: set[str | None] = set()
    for leaf in inputs:
        if not isinstance(leaf, Leaf) or leaf.role == "constant":
            raise ParameterError(f"inputs are leaves such as ng.input('x', …); {leaf!r} is not one that can be given")
        if leaf._name in seen:
            raise ParameterError(f"two inputs are called {leaf._name!r}; names tell them apart when they are given")
        seen.add(leaf._name)
        if leaf in updates:
            raise ParameterError(f"{describe(leaf)} is both given and updated; one of the two must go")
    for leaf, new in updates.items():
        if not isinstance(leaf, Leaf) or leaf.role == "constant":
            raise ParameterError(
                f"updates go to leaves such as ng.parameter('w', …) and ng.state('m', …), not to {leaf!r}"
            )
        if new.shape != leaf.shape:
            raise ShapeError(
                f"the update of {describe(leaf)} has shape {tuple(map(int, new.shape))}; it must keep"
                f" {tuple(map(int, leaf.shape))}"
            )
        if not np.can_cast(new.dtype, leaf.dtype, "same_kind"):
            raise DtypeError(
                f"the update of {describe(leaf)} holds {new.dtype}, which does not fit into {leaf.dtype}; convert with"
                " ng.cast"
            )


def _warn_of_fixed_draws(nodes: Sequence[Node]) -> None:
    """UserWarning for random numbers in a program that goes on from call to call, where their step does not."""
    for node in order(nodes):
        if not node.is_leaf and node.op.kind == RANDOM and "step" in node.op.inputs:
            step = node.inputs[node.op.inputs.index("step")]
            if step.role == "constant":
                warnings.warn(
                    f"{describe(node)} draws the same numbers in every call, because its step is fixed; write"
                    " step = ng.state('step', 0), give step=step to what draws, and count it up: updates={…, step: step"
                    " + 1}",
                    stacklevel=4,
                )
                return


def _array(leaf: Leaf, value: Any) -> np.ndarray:
    """A given value as an array of the leaf's dtype; not copied when it already is one."""
    if isinstance(value, Node):
        raise DtypeError(f"{describe(leaf)} wants numbers, not a node; pass its .value")
    array = array_of(value, leaf)
    if array.dtype != leaf.dtype and (
        array.dtype.kind not in "biuf" or (array.dtype.kind == "f" and leaf.dtype.kind != "f")
    ):
        raise DtypeError(f"{describe(leaf)} was given {array.dtype}, which does not fit into {leaf.dtype}")
    return fitted(array, leaf.dtype, leaf)
