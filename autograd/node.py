"""Node: an op, its inputs, its params, and the shape and dtype that follow. Immutable; that is all a graph is.

No op is named here. Operators find their op by its sign, and what a node can do besides (`.value`, `.backward()`)
is registered in `abilities` by the layers that know how, so that no import runs upwards.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from types import CodeType
from typing import Any

import numpy as np

from .errors import DtypeError, ShapeError
from .sizes import Size, shape_text
from .storage import Clock, at_one_moment, store

Shape = tuple[int, ...]
Site = tuple[CodeType, int]

infix: dict[str, Any] = {}
"""Sign -> op; filled by the op declarations that have one."""
abilities: dict[str, Callable[..., Any]] = {}
"""Name -> function of a node; filled by the layers above."""

_ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_OWN = tuple(os.path.join(_ROOT, folder) + os.sep for folder in ("autograd", "nets", "viz", "cli"))
_CARRIERS = tuple(
    os.path.join(_ROOT, "autograd", name)
    for name in ("op.py", "node.py", "leaves.py", "interoperate.py", "ops" + os.sep)
)
"""Files that only carry a call from the user's line to the node it builds."""
_USER, _CARRIER, _OURS = 1, 2, 3
_kinds: dict[str, int] = {}
"""File -> whose code it is, looked up once per file."""
no_params: Mapping[str, Any] = {}
next_serial = itertools.count().__next__
current_scope: ContextVar[str] = ContextVar("nngraph_scope", default="")
current_site: ContextVar[Site | None] = ContextVar("nngraph_site", default=None)
"""The user's line while rules build many nodes on their behalf; None: each node looks for its own."""


class Node:
    """A value in a graph: the result of `op` applied to `inputs`. Never changed once built.

    `serial` grows with every node built, so sorting by it is a topological order. `site` is where the user's code built
    the node, as (code object, instruction); names are looked up from it on demand. It is kept in two slots, because a
    tuple for each node is one more object for the garbage collector to walk over.
    """

    __slots__ = (
        "__weakref__",
        "_code",
        "_instruction",
        "_name",
        "_stamp",
        "_value",
        "dtype",
        "inputs",
        "op",
        "params",
        "scope",
        "serial",
        "shape",
    )

    role = "op"
    is_leaf = False
    __array_priority__ = 1000

    def __init__(
        self,
        op: Any,
        inputs: tuple[Node, ...],
        params: Mapping[str, Any],
        shape: Any,
        dtype: Any,
        name: str | None = None,
        site: Site | None = None,
    ) -> None:
        self.op = op
        self.inputs = inputs
        self.params = params
        self.shape = shape
        self.dtype = dtype
        self._name = name
        self._value = None
        self._stamp = -1
        self.serial = next_serial()
        self.scope = current_scope.get()
        # Frame 1 is the op's or the leaf's own.
        self._code, self._instruction = site or current_site.get() or user_site(sys._getframe(2))

    # What a node is -------------------------------------------------------------------------------------------
    @property
    def name(self) -> str | None:
        """The name given with `name=`, or the variable this node was assigned to; None when it has neither."""
        return self._name if self._name is not None else abilities["assigned_name"](self)

    @property
    def site(self) -> Site:
        """Where the user's code built this node."""
        return self._code, self._instruction

    @site.setter
    def site(self, site: Site) -> None:
        self._code, self._instruction = site

    @property
    def ndim(self) -> int:
        """How many axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """How many numbers."""
        count = 1
        for length in self.shape:
            count *= length
        return count

    def __len__(self) -> int:
        if not self.shape:
            raise ShapeError(f"{describe(self)} is a single number and has no length")
        if isinstance(self.shape[0], Size):
            name = self.name or "x"
            raise ShapeError(
                f"{describe(self)}: len() would make a plain {int(self.shape[0])} of {self.shape[0].text}, and the"
                f" graph would hold for that size only; write {name}.shape[0]"
            )
        return int(self.shape[0])

    def __repr__(self) -> str:
        return f"<{describe(self)}>"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        """What a notebook shows: the picture of the graph beside the plain text."""
        bundle = {"text/plain": repr(self)}
        if "picture" in abilities:
            bundle["image/svg+xml"] = abilities["picture"](self)
        return bundle

    def __iter__(self) -> Iterator[Node]:
        if not self.shape:
            raise ShapeError(f"{describe(self)} is a single number and cannot be taken apart")
        return (self[i] for i in range(int(self.shape[0])))

    def __bool__(self) -> bool:
        raise DtypeError(
            f"{describe(self)} stands for a value that is not known while the graph is built, so it is neither true nor"
            " false; use ng.where(condition, a, b), or test node.value"
        )

    __hash__ = object.__hash__

    def __eq__(self, other: Any) -> bool:
        """Whether both are the same node: nodes are keys of dictionaries. ng.equal compares values."""
        if isinstance(other, (int, float, complex, np.generic, np.ndarray)):
            raise DtypeError(
                f"{describe(self)} == {other}: == asks whether two names mean the same node, and a number is none; to"
                " compare values write ng.equal(a, b)"
            )
        return NotImplemented

    # What the layers above taught it ----------------------------------------------------------------------------
    @property
    def value(self) -> np.ndarray:
        """The value as a read-only array; recomputed when a leaf it depends on has changed.

        numpy refuses `w.value -= …` and `w.value[0] = …` because the array is read-only: a leaf takes a new array,
        `w.value = w.value - …`, and everything else follows from the leaves.
        """
        return abilities["evaluate"](self)

    def backward(self) -> None:
        """Set `.grad` of every parameter this number depends on; overwrites what was there."""
        abilities["backward"](self)

    @property
    def graph(self) -> Any:
        """This node and all it depends on, as a Graph."""
        return abilities["graph"](self)

    @property
    def T(self) -> Node:
        """All axes in reverse order, as in numpy."""
        return abilities["transpose"](self)

    @property
    def mT(self) -> Node:
        """The last two axes swapped: the transpose of every matrix in a stack."""
        return abilities["matrix_transpose"](self)

    def __getitem__(self, index: Any) -> Node:
        return abilities["getitem"](self, index)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        return abilities["array_ufunc"](ufunc, method, inputs, kwargs)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        return abilities["array_function"](function, args, kwargs)

    # Operators find their op by its sign; between two nodes there is nothing to bind or convert -------------------
    def __add__(self, other: Any) -> Node:
        return infix["+"].apply((self, other), no_params) if isinstance(other, Node) else infix["+"](self, other)

    def __radd__(self, other: Any) -> Node:
        return infix["+"](other, self)

    def __sub__(self, other: Any) -> Node:
        return infix["-"].apply((self, other), no_params) if isinstance(other, Node) else infix["-"](self, other)

    def __rsub__(self, other: Any) -> Node:
        return infix["-"](other, self)

    def __mul__(self, other: Any) -> Node:
        return infix["*"].apply((self, other), no_params) if isinstance(other, Node) else infix["*"](self, other)

    def __rmul__(self, other: Any) -> Node:
        return infix["*"](other, self)

    def __truediv__(self, other: Any) -> Node:
        return infix["/"].apply((self, other), no_params) if isinstance(other, Node) else infix["/"](self, other)

    def __rtruediv__(self, other: Any) -> Node:
        return infix["/"](other, self)

    def __pow__(self, other: Any) -> Node:
        return infix["**"].apply((self, other), no_params) if isinstance(other, Node) else infix["**"](self, other)

    def __rpow__(self, other: Any) -> Node:
        return infix["**"](other, self)

    def __matmul__(self, other: Any) -> Node:
        return infix["@"](self, other)

    def __rmatmul__(self, other: Any) -> Node:
        return infix["@"](other, self)

    def __float__(self) -> float:
        raise DtypeError(
            f"{describe(self)} is a node of a graph, not a number; for its number write float(node.value), for a"
            " function of it ng.exp and the like"
        )

    __int__ = __float__  # type: ignore[assignment]

    def __format__(self, form: str) -> str:
        if not form:
            return str(self)
        raise DtypeError(
            f"{describe(self)} is a node of a graph, not a number that {form!r} could shape; format its .value"
        )

    def __reduce_ex__(self, protocol: Any) -> Any:
        raise DtypeError(
            f"{describe(self)} is a part of a graph and is not copied or pickled; save the values of its leaves (.value)"
            " and build the graph again, or copy a whole graph with copy.deepcopy"
        )

    def __deepcopy__(self, memo: dict[int, Any]) -> Node:
        return abilities["deepcopy"](self, memo)

    def __neg__(self) -> Node:
        return infix["neg"](self)

    def __pos__(self) -> Node:
        return self

    def __abs__(self) -> Node:
        return infix["abs"](self)

    def __lt__(self, other: Any) -> Node:
        return infix["<"](self, other)

    def __le__(self, other: Any) -> Node:
        return infix["<="](self, other)

    def __gt__(self, other: Any) -> Node:
        return infix[">"](self, other)

    def __ge__(self, other: Any) -> Node:
        return infix[">="](self, other)


_taught: set[str] = set()
"""Methods that layers above have added."""


def add_method(name: str, function: Callable[..., Any]) -> None:
    """Teach all nodes a method, `x.name(…)` for `function(x, …)`; what the class itself defines stays.

    A `__getattr__` would do without, but with one in the class CPython looks up every attribute the slow way.
    """

    def method(self: Node, *args: Any, **kwargs: Any) -> Any:
        return function(self, *args, **kwargs)

    if name in _taught or not hasattr(Node, name):
        method.__name__ = name
        setattr(Node, name, method)
        _taught.add(name)


def user_site(frame: Any) -> Site:
    """The user's (code, instruction) from which `frame` was called; the instruction is negated (~) when it only led to
    a rule or a layer that built the node, so that no variable is named after it."""
    while True:
        code = frame.f_code
        try:
            kind = _kinds[code.co_filename]
        except KeyError:
            kind = _kind(code.co_filename)
        if kind != _CARRIER or frame.f_back is None:
            break
        frame = frame.f_back
    if kind == _USER:
        return code, frame.f_lasti
    while _kind(frame.f_code.co_filename) != _USER and frame.f_back is not None:
        frame = frame.f_back
    return frame.f_code, ~frame.f_lasti


def _kind(file: str) -> int:
    kind = _kinds.get(file)
    if kind is None:
        kind = _kinds[file] = _CARRIER if file.startswith(_CARRIERS) else _OURS if file.startswith(_OWN) else _USER
    return kind


@contextlib.contextmanager
def on_behalf() -> Iterator[None]:
    """All nodes built inside belong to the line of the user's that called; looked up once instead of for every node."""
    if current_site.get() is not None:
        yield
        return
    code, instruction = user_site(sys._getframe(2))
    token = current_site.set((code, instruction if instruction < 0 else ~instruction))
    try:
        yield
    finally:
        current_site.reset(token)


_kept: Any = Node.__dict__["_value"]
"""Where a node keeps its value."""


class Leaf(Node):
    """A node that is given, not computed: an input, a parameter, a state or a constant.

    Setting `.value` (same shape) makes everything that depends on it be recomputed when it is next asked for.
    """

    __slots__ = ("_home", "grad", "role")
    is_leaf = True

    def __init__(
        self,
        role: str,
        name: str | None,
        value: Any,
        shape: Shape | None = None,
        dtype: np.dtype | None = None,
        site: Site | None = None,
    ) -> None:
        if value is not None:
            value = np.array(value, dtype=dtype)
            value.flags.writeable = False
            shape, dtype = value.shape if shape is None else shape, value.dtype
        # Written out, because CPython runs one line that sets attributes of two classes by turns several times slower.
        self.op = None
        self.inputs = ()
        self.params = no_params
        self.shape = shape
        self.dtype = dtype
        self._name = name
        self._home = None
        _kept.__set__(self, value)
        # Nothing depends on a new leaf yet, so the clock need not move.
        self._stamp = 0
        self.serial = next_serial()
        self.scope = current_scope.get()
        self._code, self._instruction = site or current_site.get() or user_site(sys._getframe(1))
        self.role = role
        self.grad: np.ndarray | None = None

    @property
    def _value(self) -> Any:  # type: ignore[override]
        if self._home is not None:
            return at_one_moment((self,), lambda: _kept.__get__(self))
        return _kept.__get__(self)

    @_value.setter
    def _value(self, new: Any) -> None:
        _kept.__set__(self, new)

    @property
    def value(self) -> np.ndarray:
        """The value as a read-only array, to be replaced as a whole; MissingValue when none has been given."""
        return abilities["leaf_value"](self)

    @value.setter
    def value(self, new: Any) -> None:
        if self.role == "constant":
            raise DtypeError(f"{describe(self)} cannot be changed; use ng.input or ng.parameter for what varies")
        array = array_of(new, self)
        if array.shape != tuple(self.shape):
            varying = ", ".join([f"ng.Size('N', {int(size)})" if at == 0 else str(int(size)) for at, size in enumerate(self.shape)])  # fmt: skip
            raise ShapeError(
                f"{describe(self)} keeps its shape; the new value has shape {array.shape}."
                + (
                    f" For batches of other sizes name the size, shape=({varying}{',' * (self.ndim == 1)}), and call"
                    " ng.compile(…, inputs=[…]) with any of them"
                    if array.ndim == self.ndim and array.shape[1:] == tuple(self.shape)[1:]
                    else " Build a graph for the new shape instead"
                )
            )
        store({self: np.array(fitted(array, self.dtype, self))})


def array_of(value: Any, what: Any) -> np.ndarray:
    """A given value as an array; ShapeError for rows of different lengths, DtypeError for a mask that would be lost."""
    if hasattr(value, "mask") and isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value):
        raise DtypeError(
            f"{_spoken(what)} was given a masked array, and a graph knows no masks: fill the {int(np.sum(value.mask))} masked"
            " entries, array.filled(0.0), or weigh them with 0 where the loss is summed"
        )
    try:
        return np.asarray(value)
    except ValueError as error:
        lengths = [len(row) for row in value if hasattr(row, "__len__")] if isinstance(value, (list, tuple)) else []
        at = next((at for at, length in enumerate(lengths) if length != lengths[0]), None)
        why = f"row 0 has {lengths[0]}, row {at} has {lengths[at]}" if at is not None else str(error)
        raise ShapeError(f"{_spoken(what)}: rows of different lengths do not make an array ({why})") from None


def fitted(array: np.ndarray, dtype: np.dtype, what: Any) -> np.ndarray:
    """The numbers in another dtype, the same array where it has that dtype; DtypeError where they would change.

    Rounding from float64 to float32 is no change. `what` is the leaf that the message speaks of, or words for it.
    """
    if array.dtype == dtype:
        return array
    if array.dtype.kind not in "biuf":
        raise DtypeError(f"{_spoken(what)} takes numbers; this is an array of {array.dtype}")
    if dtype.kind == "f" or np.can_cast(array.dtype, dtype, "safe"):
        return array.astype(dtype)
    if dtype.kind == "b":
        low, high = 0, 1
    else:
        low, high = int(np.iinfo(dtype).min), int(np.iinfo(dtype).max)
    if array.size and not (
        int(array.min()) >= low and int(array.max()) <= high
        if array.dtype.kind != "f"
        else _whole_within(array, low, high)
    ):
        if array.dtype.kind == "f" and np.isfinite(array).all() and not (array == np.floor(array)).all():
            raise DtypeError(f"{_spoken(what)} holds {dtype} and would lose the fractions; build it from floats")
        wrong = next(number for number in array.ravel().tolist() if not low <= number <= high)
        raise DtypeError(f"{_spoken(what)} holds {dtype}, {low} to {high}; {wrong} does not fit")
    return array.astype(dtype)


def _whole_within(array: np.ndarray, low: int, high: int) -> bool:
    # high + 1 is a power of two, which every float64 holds exactly; high itself would round up to it.
    array = array.astype(np.float64)
    return bool(((array >= low) & (array < high + 1) & (array == np.floor(array))).all())


def _spoken(what: Any) -> str:
    return describe(what) if isinstance(what, Node) else str(what)


def describe(node: Node) -> str:
    """How an error message speaks of a node: its op or role, its name if it has one, its scope, shape and dtype."""
    what = node.role if node.is_leaf else node.op.name
    name = f" {node.name!r}" if node.name else ""
    where = f" in {node.scope}" if node.scope else ""
    if not isinstance(node.shape, tuple):
        return f"{what}{name}{where}"
    return f"{what}{name}{where} ({shape_text(node.shape)}, {node.dtype})"


def open_scope() -> str:
    """` in mlp/layer2` while a scope is open, for error messages; else nothing."""
    name = current_scope.get()
    return f" in {name}" if name else ""


@contextlib.contextmanager
def scope(name: str) -> Iterator[None]:
    """Nodes built inside belong to the named part of the model; scopes nest as `encoder/layer1`.

    >>> import nngraph as ng
    >>> with ng.scope("encoder"):
    ...     y = ng.input("x", 1.0) * 2
    >>> y.scope
    'encoder'
    """
    outer = current_scope.get()
    token = current_scope.set(f"{outer}/{name}" if outer else name)
    try:
        yield
    finally:
        current_scope.reset(token)
