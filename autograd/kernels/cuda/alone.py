"""One thread of a kernel, run alone by Python to see which numbers it reads and writes: nothing is computed that means anything.

So a picture of threads is made from the text that is compiled, whatever kernel that is. It needs neither a GPU nor numba: every
number of an array is taken to be 1, every whole number 0, and no thread waits for another. Numbers are NumPy's, which divide by
zero without a word.
"""

from __future__ import annotations

import ast
import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from types import FunctionType, SimpleNamespace
from typing import Any

import numpy as np

from .words import function, names

MOST_STEPS = 400_000
"""Whole numbers that a thread computes before it is given up."""
FOUR = frozenset({"ld4", "st4"})
EXCHANGES = frozenset({"shfl", "shfl_xor"})
"""Instructions that give a thread another one's number; alone it gets its own."""
WRITING = ("st", "add", "atomic")
"""How the names of instructions begin that write."""


class Enough(Exception):
    """A thread has been looked at for long enough."""


class Seen:
    """An array of a kernel that remembers which of its places were read and written, in that order; Enough as soon as these
    are `most`."""

    def __init__(self, number: float, most: int | None = None) -> None:
        self.number, self.most = number, most
        self.reads: dict[int, None] = {}
        self.writes: dict[int, None] = {}

    def __getitem__(self, at: Any) -> Any:
        self.touch(self.reads, at, 1)
        return self.number

    def __setitem__(self, at: Any, value: Any) -> None:
        self.touch(self.writes, at, 1)

    def touch(self, places: dict[int, None], at: Any, count: int) -> None:
        """So many places from one on are touched."""
        places |= dict.fromkeys(range(int(at), int(at) + count))
        if self.most is not None and len(places) >= self.most:
            raise Enough


class _Working(dict):
    """Shared memory and registers: what nobody has written is 1, or 0."""

    def __init__(self, number: float) -> None:
        super().__init__()
        self.number = number

    def __missing__(self, at: Any) -> Any:
        return self.number


def run_alone(
    text: str, arguments: Mapping[str, str | int], block: Sequence[int], grid: Sequence[int], thread: int, threads: int,
    watched: str = "", most: int | None = None,
) -> tuple[dict[str, Seen], bool]:  # fmt: skip
    """What one thread touches, name of an array -> its places, and whether that is all. `arguments`: a whole number, or the
    dtype of an array. It is stopped when it has touched `most` places of the array `watched`, or goes on for too long."""
    arrays = {
        name: Seen(_neutral(given), most if name == watched else None)
        for name, given in arguments.items()
        if isinstance(given, str)
    }
    given = [arrays.get(name, value) for name, value in arguments.items()]
    here = SimpleNamespace(x=thread, y=0, z=0)
    places = {"threadIdx": here, "blockDim": SimpleNamespace(x=threads, y=1, z=1)}
    places |= {"blockIdx": SimpleNamespace(**dict(zip("xyz", block))), "gridDim": SimpleNamespace(**dict(zip("xyz", grid)))}
    known = dict(_words()) | {"cuda": _Cuda(places), **_whole_numbers()}
    widths = _widths(text)
    known |= {name: _instruction(name, widths.get(name, 1)) for name in _instructions()}
    try:
        with np.errstate(all="ignore"):
            _function(text)(known, given)
    except Enough:
        return arrays, False
    return arrays, True


@cache
def _function(text: str) -> Callable[[dict[str, Any], list[Any]], None]:
    """The kernel of a text as a function of what it may name and of its arguments; it is read once."""
    made = function(text, {})
    return lambda known, given: FunctionType(made.__code__, known)(*given)


def _neutral(dtype: str) -> float:
    return np.float64(1.0) if dtype.startswith("float") else 0


@cache
def _words() -> Mapping[str, Any]:
    """The words of a kernel's text, on Python's own numbers."""
    found = names(None, True)
    return found | dict.fromkeys(("float16", "float32", "float64"), np.float64) | {"bool_": bool, "bool": bool, "power": _power}


@cache
def _instructions() -> tuple[str, ...]:
    from .prims import primitives
    from .warps import instructions

    return *vars(primitives(True)), *instructions(None, True)


def _power(base: float, exponent: float) -> float:
    try:
        return float(base**exponent)
    except (OverflowError, ZeroDivisionError, TypeError):
        return math.nan


def _whole_numbers() -> dict[str, Callable[[Any], int]]:
    """uint32 and its like, which count how often they are called."""
    steps = 0

    def made(bits: int, signed: bool) -> Callable[[Any], int]:
        most = 1 << bits

        def number(value: Any) -> int:
            nonlocal steps
            steps += 1
            if steps > MOST_STEPS:
                raise Enough
            wrapped = int(value) % most
            return wrapped - most if signed and wrapped >= most // 2 else wrapped

        return number

    return {f"{'' if signed else 'u'}int{bits}": made(bits, signed) for bits in (8, 16, 32, 64) for signed in (True, False)}


class _Cuda:
    """The name `cuda` in a kernel, for a thread that is alone: barriers are passed, votes and exchanges give its own."""

    def __init__(self, places: Mapping[str, Any]) -> None:
        self.__dict__.update(places)
        working = SimpleNamespace(array=lambda shape, dtype, **_: _Working(np.float64(1.0) if dtype is np.float64 else 0))
        self.shared = self.local = working
        self.atomic = SimpleNamespace(add=_add, max=_add, min=_add)
        self.laneid = self.threadIdx.x % 32
        self.warpsize = 32

    def __getattr__(self, name: str) -> Any:
        return lambda *given, **_: given[-1] if given else 0


def _add(array: Any, at: Any, number: Any) -> Any:
    array[at] = number
    return number


def _instruction(name: str, results: int) -> Callable[..., Any]:
    """An instruction of our own that gives so many numbers: it touches the places of arrays that it is given."""

    def run(*given: Any) -> Any:
        for array, at in itertools.pairwise(given):
            if isinstance(array, Seen):
                array.touch(array.writes if name.startswith(WRITING) else array.reads, at, 4 if name in FOUR else 1)
        if name in EXCHANGES:
            return given[1]
        return (1,) * results if results > 1 else 1

    return run


@cache
def _widths(text: str) -> dict[str, int]:
    """How many numbers every function gives whose results are unpacked in a text."""
    return {
        node.value.func.id: len(node.targets[0].elts)
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Tuple)
        and isinstance(node.value, ast.Call) and isinstance(node.value.func, ast.Name)
    }  # fmt: skip
