"""Kernel: one compiled loop. It is written as a numba function over the vector type and compiled when first named.

Every kernel has the same signature, `kernel(block, start, stop)`: `block` is the address of its arguments, a row of
int64 words (addresses, sizes, strides counted in numbers, settings as float64 bits), and [start, stop) the rows it is
to do.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from ..errors import NngraphError
from ..kept import kept
from . import machine_code

KERNELS: dict[str, Kernel] = {}
"""Every kernel by name."""

_COMMON = ("vector", "for_numba", "functions", "kernel", "machine_code")


@dataclass(frozen=True)
class Kernel(machine_code.Compiled):
    """A loop for one dtype: `make(v)` gives the numba function from the vector type `v` (see vector.vectors)."""

    name: str
    dtype: str
    make: Callable[[SimpleNamespace], Callable[[int, int, int], None]]

    @kept
    def key(self) -> str:
        """What the machine code is made from."""
        page = Path(self.make.__code__.co_filename).stem
        return machine_code.key_of(self.name, self.dtype, machine_code.text_of(page, *_COMMON), _numba_version())

    def build(self) -> bytes:
        """Object code, through numba."""
        return machine_code.finish(self.module())

    def module(self) -> Any:
        """The kernel in LLVM's language, not yet optimized as a whole."""
        from .vector import vectors

        return _module(self.make(vectors(self.dtype)), machine_code.symbol(self.key))


def kernel(*dtypes: str) -> Callable[[Callable[..., Any]], Callable[[str], Kernel]]:
    """Declare a kernel, for these dtypes or for both floats, by the function that makes it; that then gives the Kernel.

    >>> from nngraph.autograd.kernels.pooling import max_pool
    >>> max_pool("float32").dtype, max_pool() is KERNELS["max_pool.float64"]
    ('float32', True)
    """

    def declare(make: Callable[..., Any]) -> Callable[[str], Kernel]:
        name = make.__name__
        for dtype in dtypes or ("float32", "float64"):
            if f"{name}.{dtype}" in KERNELS:
                other = KERNELS[f"{name}.{dtype}"].make.__module__
                raise NngraphError(f"two kernels are called {name}: {other} has one")
            KERNELS[f"{name}.{dtype}"] = Kernel(name, dtype, make)

        def of(dtype: Any = "float64") -> Kernel:
            return KERNELS[f"{name}.{dtype}"]

        of.__name__, of.__doc__ = name, make.__doc__
        return of

    return declare


def _numba_version() -> str:
    from importlib.metadata import version

    return version("numba")


def part(function: Callable[..., Any]) -> Any:
    """A function that kernels call, compiled into each of them."""
    import numba

    return numba.njit(error_model="numpy", no_cpython_wrapper=True, no_cfunc_wrapper=True)(function)


def _module(function: Callable[..., Any], name: str) -> Any:
    """A numba function of three int64 as an LLVM module that exports it under a name, without a trace of Python."""
    from numba import types
    from numba.core import config
    from numba.core.compiler import Flags, compile_extra
    from numba.core.compiler_lock import global_compiler_lock
    from numba.core.registry import cpu_target

    typing, target = cpu_target.typing_context, cpu_target.target_context
    typing.refresh()
    target.refresh()
    flags = Flags()
    flags.nrt = flags.enable_pyobject = False
    flags.error_model = "numpy"
    flags.no_cpython_wrapper = flags.no_cfunc_wrapper = flags.release_gil = True
    flags.no_compile = True
    # LLVM optimizes the whole in `machine_code.finish`; what numba would do for each part takes half of the time.
    with global_compiler_lock:
        level, config.OPT = config.OPT, type(config.OPT)(0)
        try:
            made = compile_extra(typing, target, function, (types.int64,) * 3, types.void, flags, {})
            made.library.finalize()
        finally:
            config.OPT = level
    inner = made.fndesc.llvm_func_name
    module = machine_code.parse(str(made.library._final_module))
    # numba returns a status and takes two places to put results; the exported function hides them.
    module.link_in(
        machine_code.parse(
            f"""
            declare i32 @{inner}(ptr, ptr, i64, i64, i64)
            define void @{name}(i64 %block, i64 %start, i64 %stop) {{
              %result = alloca ptr
              %error = alloca ptr
              %status = call i32 @{inner}(ptr %result, ptr %error, i64 %block, i64 %start, i64 %stop)
              ret void
            }}
            """
        )
    )
    for each in module.functions:
        if each.name != name and not each.is_declaration:
            each.linkage = "internal"
    return module


def all_kernels() -> dict[str, Kernel]:
    """Every kernel, after importing all pages that declare one."""
    from importlib import import_module

    for path in sorted(Path(__file__).parent.glob("*.py")):
        if "@kernel(" in path.read_text(encoding="utf-8") and path.stem != "kernel":
            import_module(f"{__package__}.{path.stem}")
    return KERNELS


assert sys.byteorder == "little", "argument blocks are read as little-endian words"
