"""Module: a part of a network. A tree of parameters, and a function from nodes to nodes that opens a scope when called."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from functools import wraps
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, Self

import numpy as np

from ..autograd.errors import DtypeError, ParameterError, ShapeError
from ..autograd.graph import order
from ..autograd.leaves import as_node, is_frozen, parameter, state
from ..autograd.node import Leaf, Node, array_of, current_scope, fitted, scope
from ..autograd.storage import store
from .initialize import Initializer, drawn, zeros

if TYPE_CHECKING:
    from .objectives import Loss
    from .summary import Summary
    from .trainer import Record

Given = ParamSpec("Given")
SEPARATOR = "/"
watched: ContextVar[dict[Any, Any] | None] = ContextVar("nngraph_watched", default=None)
"""Where calls of modules note what came out, while somebody wants to know."""


class Module:
    """A part of a network. Subclasses set parameters and other modules as attributes, and say in `forward` what comes out.

    The attribute names are the paths of the parameters, and the scopes that pictures fold by. Lists and dictionaries of
    modules and parameters count as well: `self.layers = [a, b]` gives layer1 and layer2, `self.heads = {"size": c}` gives
    heads_size, and a list in the list layer1_1, layer1_2. No two parts may have the same name, and none may hold itself.

    >>> import nngraph as ng
    >>> from nngraph import nets
    >>> class Net(nets.Module):
    ...     def __init__(self):
    ...         self.hidden, self.top = nets.Linear(4, 3), nets.Linear(3, 2)
    ...     def forward(self, x):
    ...         return self.top(ng.tanh(self.hidden(x)))
    >>> net = Net()
    >>> sorted(net.parameters())
    ['hidden/W', 'hidden/b', 'top/W', 'top/b']
    >>> net(ng.input("x", shape=(5, 4))).shape
    (5, 2)
    """

    _label: str = ""
    """Its name as a part of another, that of the attribute."""
    _own_label: str = ""
    """Its name where it is nobody's part, settled when it is first called."""

    def forward(self, *inputs: Node) -> Any:
        """What comes out for these inputs, as nodes."""
        raise NotImplementedError(f"{type(self).__name__} has no forward(self, x) that says what comes out")

    def check_data(self, *arrays: np.ndarray) -> None:
        """Raise DataError where it could not learn from these rows, the target last; asked before a training."""

    def __call__(self, *inputs: Any, **settings: Any) -> Any:
        """`forward` in the scope of this module. Numbers and arrays become constants."""
        nodes = [given if given is None or isinstance(given, (Node, tuple)) else as_node(given) for given in inputs]
        if not self._label and not self._own_label:
            object.__setattr__(self, "_own_label", self._free_label([node for node in nodes if isinstance(node, Node)]))
        parts = self._parts()
        with scope(self.label):
            for label, part in parts.items():
                if isinstance(part, Module):
                    part._label = part._label or label  # it may have come into a list later
            for leaf in (part for part in parts.values() if isinstance(part, Leaf)):
                # A leaf that several modules share belongs to the first that is called.
                leaf.scope = leaf.scope or current_scope.get()
            result = self.forward(*nodes, **settings)
        seen = watched.get()
        if seen is not None:
            seen[self] = result
        return result

    def __setattr__(self, name: str, value: Any) -> None:
        if not holds_parts(value):
            object.__setattr__(self, name, value)
            return
        self._parts({**vars(self), name: value})
        own = {label: part for label, part in _named(name, value) if isinstance(part, Module)}
        for label, module in own.items():
            if any(inner is self for _, inner in module.modules()):
                raise _holds_itself(self, label)
        object.__setattr__(self, name, value)
        for label, module in own.items():
            module._label = module._label or label

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.count:,} parameters>"

    @property
    def label(self) -> str:
        """The name of its scope: that of its attribute, or of its class where it is nobody's part."""
        kind = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", type(self).__name__).lower()
        return self._label or self._own_label or kind

    def _free_label(self, inputs: list[Node]) -> str:
        """The name of its class, numbered where what it is given comes out of another network of that name: two networks
        one behind the other are two frames in a picture."""
        outer = current_scope.get()
        inside = f"{outer}{SEPARATOR}" if outer else ""
        scopes = {node.scope for given in inputs for node in order(given)}
        taken = {name.removeprefix(inside).partition(SEPARATOR)[0] for name in scopes if name.startswith(inside)}
        numbered = (f"{self.label}{number}" for number in count(2))
        return self.label if self.label not in taken else next(name for name in numbered if name not in taken)

    # The tree -------------------------------------------------------------------------------------------------------
    def children(self) -> dict[str, Module]:
        """The modules that are its own attributes, by label."""
        return {label: part for label, part in self._parts().items() if isinstance(part, Module)}

    def leaves(self) -> dict[str, Leaf]:
        """The parameters and states that are its own attributes, by name."""
        return {name: part for name, part in self._parts().items() if isinstance(part, Leaf)}

    def _parts(self, attributes: Mapping[str, Any] | None = None) -> dict[str, Module | Leaf]:
        """The modules and leaves of some attributes, by label; ParameterError where two would have the same."""
        parts: dict[str, Module | Leaf] = {}
        for name, value in (vars(self) if attributes is None else attributes).items():
            for label, part in _named(name, value):
                if parts.setdefault(label, part) is not part:
                    raise ParameterError(
                        f"{type(self).__name__} has two parts of the name {label!r}, of which one comes from the attribute"
                        f" {name!r}; one of them needs another name"
                    )
        return parts

    def modules(self, path: str = "") -> Iterator[tuple[str, Module]]:
        """This module and all inside it, with their paths, parents first."""
        waiting = [(path, self, False)]
        around: set[Module] = set()
        while waiting:
            here, module, is_over = waiting.pop()
            if is_over:
                around.remove(module)
                continue
            if module in around:
                raise _holds_itself(module, here)
            yield here, module
            around.add(module)
            inside = [(f"{here}{SEPARATOR}{label}" if here else label, child, False) for label, child in module.children().items()]
            waiting += [(here, module, True), *reversed(inside)]

    def _by_path(self, role: str) -> dict[str, Leaf]:
        found: dict[str, Leaf] = {}
        for path, module in self.modules():
            for name, leaf in module.leaves().items():
                if leaf.role == role and not any(leaf is other for other in found.values()):
                    found[f"{path}{SEPARATOR}{name}" if path else name] = leaf
        return found

    def parameters(self) -> dict[str, Leaf]:
        """All parameters inside, by path, each once: one that is used in two places stands under the first."""
        return self._by_path("parameter")

    def states(self) -> dict[str, Leaf]:
        """All that is kept without being learned, such as running means, by path."""
        return self._by_path("state")

    def trainable(self) -> dict[str, Leaf]:
        """The parameters that are not frozen."""
        return {path: leaf for path, leaf in self.parameters().items() if not is_frozen(leaf)}

    @property
    def count(self) -> int:
        """How many numbers are learned."""
        return sum(leaf.size for leaf in self.parameters().values())

    def freeze(self, pattern: str = "*") -> Self:
        """Keep the parameters whose paths fit (`encoder/*`) as they are; ParameterError when none does. Itself again."""
        return self._mark(pattern, True)

    def unfreeze(self, pattern: str = "*") -> Self:
        """Let the parameters whose paths fit be learned again."""
        return self._mark(pattern, False)

    def _mark(self, pattern: str, frozen: bool) -> Self:
        from fnmatch import fnmatchcase

        fitting = [leaf for path, leaf in self.parameters().items() if fnmatchcase(path, pattern)]
        if not fitting:
            raise ParameterError(f"{self!r} has no parameter {pattern!r}; there are {', '.join(self.parameters())}")
        for leaf in fitting:
            leaf.params = {**leaf.params, "frozen": frozen}
        return self

    # Values ---------------------------------------------------------------------------------------------------------
    def values(self) -> dict[str, np.ndarray]:
        """The values of all parameters and states, by path."""
        return {path: leaf.value for path, leaf in {**self.parameters(), **self.states()}.items()}

    def set_values(self, values: Mapping[str, Any]) -> Self:
        """Give all parameters and states new values, all of them or, where a path or a shape does not fit, none."""
        own = {**self.parameters(), **self.states()}
        missing, unknown = own.keys() - values.keys(), values.keys() - own.keys()
        if missing or unknown:
            said = [f"without {', '.join(sorted(missing))}"] * bool(missing)
            said += [f"with {', '.join(sorted(unknown))}, which it has not"] * bool(unknown)
            raise ParameterError(f"{self!r} was given values {' and '.join(said)}")
        give({leaf: values[path] for path, leaf in own.items()}, {leaf: path for path, leaf in own.items()})
        return self

    def save(self, path: str | Path) -> None:
        """Write the values as a safetensors file, whole or not at all. The class and its sizes are code and stay there."""
        from .saving import save_values

        save_values(path, self.values())

    def load(self, path: str | Path) -> Self:
        """Take the values of a file that `save` wrote; errors name what does not fit, and change nothing."""
        from .saving import load_values

        return self.set_values(load_values(path))

    # Learning -------------------------------------------------------------------------------------------------------
    def fit(
        self, loss: Loss | None = None, data: Any = None, *, epochs: int = 10, patience: int | None = None, **settings: Any
    ) -> list[Record]:  # fmt: skip
        """Train it, all epochs at once, as `nets.train` does epoch by epoch, with the same settings; the records of the epochs.

        >>> import nngraph as ng, numpy as np
        >>> from nngraph import nets
        >>> X = np.linspace(-1, 1, 64).reshape(-1, 1)
        >>> net = nets.Linear(1, 1, rng=0)
        >>> len(net.fit(ng.mean_squared_error, (X, 3 * X - 1), epochs=60, optimizer=nets.SGD(0.1))), np.round(net.W.value, 2)
        (60, array([[3.]], dtype=float32))
        """
        from .trainer import train

        return list(train(self, loss, data, epochs=epochs, patience=patience, **settings))

    # What is told of it ---------------------------------------------------------------------------------------------
    def summary(self, *shapes: tuple[int, ...]) -> Summary:
        """The parts in the order they run, with shapes, parameters and bytes, to be printed; `shapes` are those of the
        inputs, batch first."""
        from .summary import summarize

        return summarize(self, shapes)


def without_engine(init: Callable[Given, None]) -> Callable[Given, None]:
    """An __init__ of a network whose name scikit-learn has for an estimator: who gives it an engine is told where that goes."""

    @wraps(init)
    def checked(*given: Given.args, **settings: Given.kwargs) -> None:
        if "engine" in settings:
            name, engine = type(given[0]).__name__, settings["engine"]
            raise ParameterError(
                f"nets.{name} is a network, which has no engine; what computes is said where it learns: net.fit(data=(X, t),"
                f" engine={engine!r}). Estimators have one: nets.estimators.LogisticRegression(engine={engine!r})"
            )
        init(*given, **settings)

    return checked


def new_parameter(
    name: str,
    shape: tuple[int, ...],
    start: Initializer = zeros,
    rng: np.random.Generator | int | None = None,
    dtype: Any = "float32",
) -> Leaf:
    """A parameter whose value is drawn by an initializer. Networks learn in float32 unless told otherwise."""
    return parameter(name, drawn(start, rng, shape, name), dtype=dtype)


def new_state(name: str, value: Any, dtype: Any = "float32") -> Leaf:
    """A number or an array that a network keeps without learning it."""
    return state(name, value, dtype=dtype)


def give(values: Mapping[Leaf, Any], names: Mapping[Leaf, str]) -> None:
    """Have some leaves take new values, all of them at one moment or, where one does not fit, none; errors say its name."""
    store(fitting(values, names))


def fitting(values: Mapping[Leaf, Any], names: Mapping[Leaf, str]) -> dict[Leaf, np.ndarray]:
    """New values as their leaves will have them; an error says the name of the first that does not fit."""
    taken = {}
    for leaf, value in values.items():
        array = array_of(value, names[leaf])
        if array.shape != tuple(leaf.shape):
            raise ShapeError(f"{names[leaf]} has shape {tuple(map(int, leaf.shape))}, not {array.shape}")
        with np.errstate(over="ignore"):
            taken[leaf] = np.array(fitted(array, leaf.dtype, names[leaf]))
        if leaf.dtype.kind == "f" and not (np.isfinite(taken[leaf]) == np.isfinite(array)).all():
            raise DtypeError(f"{names[leaf]} has a value that is too large for {leaf.dtype}")
    return taken


def _named(name: str, value: Any, around: tuple[Any, ...] = ()) -> Iterator[tuple[str, Module | Leaf]]:
    """The modules and leaves in the value of an attribute, with their labels."""
    if isinstance(value, (Module, Leaf)):
        yield name, value
    elif not holds_parts(value):
        return
    elif any(value is outer for outer in around):
        raise ParameterError(f"{name} is a {type(value).__name__} that holds itself; the parts in it would have no end")
    elif isinstance(value, Mapping):
        for key, each in value.items():
            if holds_parts(each) and (not isinstance(key, (str, int)) or SEPARATOR in str(key)):
                raise ParameterError(f"{name}[{key!r}]: a part is named by its key, a text without {SEPARATOR!r} or a whole number")
            yield from _named(f"{name}_{key}", each, (*around, value))
    elif isinstance(value, (list, tuple)):
        stem = name.removesuffix("s")
        for at, each in enumerate(value, 1):
            yield from _named(f"{stem}_{at}" if stem[-1:].isdigit() else f"{stem}{at}", each, (*around, value))
    else:
        raise ParameterError(f"{name} is a {type(value).__name__}, whose parts have no order; a list or a dictionary gives them names")


def holds_parts(value: Any, around: tuple[Any, ...] = ()) -> bool:
    """Whether a value is a module or a leaf, or a collection with one inside."""
    if not isinstance(value, (Mapping, list, tuple, set, frozenset)):
        return isinstance(value, (Module, Leaf))
    if any(value is outer for outer in around):
        return False  # it is being looked through
    return any(holds_parts(each, (*around, value)) for each in (value.values() if isinstance(value, Mapping) else value))


def _holds_itself(module: Module, path: str) -> ParameterError:
    return ParameterError(
        f"{type(module).__name__} is a part of itself, at {path!r}: a network is a tree. To reach the module around it, give"
        " what is needed of it to `forward`"
    )
