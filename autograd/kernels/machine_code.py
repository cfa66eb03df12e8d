"""Machine code: built once, kept on disk, loaded with LLVM alone.

A piece of code is asked for by a key that says everything it was made from; what is not in the cache (code_cache.py) is
built by the caller's function.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from threading import RLock
from typing import Any

from ..kept import kept
from . import code_cache
from .machine import machine

_MACHINERY = ("machine_code", "kernel")
"""Modules that make machine code; what they import from other folders is no part of it."""
_lock = RLock()
_addresses: dict[str, int] = {}

if hasattr(os, "register_at_fork"):
    # A child that is born while another thread compiles would wait for it for ever.
    os.register_at_fork(before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_lock.release)


class Compiled:
    """A piece of machine code, compiled when its address is first asked for. Each kind of piece says its key, which
    names all that it is made from, and builds its object code."""

    @kept
    def key(self) -> str:
        """What the machine code is made from."""
        raise NotImplementedError(f"{type(self).__name__} has no key that names all it is made from")

    def build(self) -> bytes:
        """Object code."""
        raise NotImplementedError(f"{type(self).__name__} has no build(self) that gives object code")

    @kept
    def address(self) -> int:
        """Where the machine code lies; compiled first when it is nowhere yet."""
        return address_of(self.key, self.build)

    @property
    def is_ready(self) -> bool:
        """Whether it need not be compiled."""
        return is_ready(self.key)


def key_of(*parts: str | bytes) -> str:
    """A name for code made from these parts on this processor with this version of LLVM."""
    import llvmlite

    here = machine()
    total = hashlib.sha256()
    for part in (*parts, here.name, here.features, here.triple, str(here.vector_bytes), llvmlite.__version__):
        data = part.encode() if isinstance(part, str) else part
        total.update(len(data).to_bytes(8, "little") + data)
    return total.hexdigest()[:32]


@cache
def text_of(*modules: str) -> bytes:
    """The source texts of modules of this folder and of those they import from it, as part of a key."""
    folder, found, waiting = Path(__file__).parent, dict[str, bytes](), list(modules)
    while waiting:
        name = waiting.pop()
        if name not in found and name != "code_cache":
            found[name] = (folder / f"{name}.py").read_bytes()
            text = found[name].decode()
            for page, names in re.findall(r"^\s*from \.(\w*) import (.*)", text, re.MULTILINE):
                words = [page] if page else re.findall(r"\w+", names)
                waiting += [word for word in words if (folder / f"{word}.py").exists()]
            if name not in _MACHINERY:
                # Coefficients and constants that others use too.
                for page in re.findall(r"^\s*from \.\.(\w+) import ", text, re.MULTILINE):
                    if (path := folder.parent / f"{page}.py").exists():
                        found[f"../{page}"] = path.read_bytes()
    return b"\0".join(found[name] for name in sorted(found))


def address_of(key: str, build: Callable[[], bytes]) -> int:
    """The address of the function `nngraph_KEY` in memory; `build` gives object code when the cache has none."""
    with _lock:
        found = _addresses.get(key)
        if found is None:
            code = code_cache.read(key)
            if code is None:
                code = build()
                code_cache.write(key, code)
            found = _addresses[key] = _load(key, code)
        return found


def symbol(key: str) -> str:
    """The name under which a function is exported."""
    return f"nngraph_{key}"


def is_ready(key: str) -> bool:
    """Whether the code is in memory or on disk already."""
    return key in _addresses or code_cache.read(key) is not None


# Building -------------------------------------------------------------------------------------------------------------
def _target_machine(level: int = 3) -> Any:
    import llvmlite.binding as llvm

    _initialize()
    here = machine()
    target = llvm.Target.from_triple(here.triple)
    # Absolute addresses, not position-independent code: an object with an offset table of its own (any call of a
    # library function makes one) would lead the constants of every object loaded after it astray.
    return target.create_target_machine(
        cpu=here.name, features=here.features, opt=level, reloc="default", codemodel="jitdefault", jit=True
    )


@cache
def _initialize() -> None:
    import llvmlite.binding as llvm

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()


def object_code(text: str, level: int = 2) -> bytes:
    """Object code from LLVM assembly, optimized."""
    return finish(parse(text), level)


def parse(text: str) -> Any:
    """LLVM assembly as a module, checked."""
    import llvmlite.binding as llvm

    _initialize()
    module = llvm.parse_assembly(text)
    module.verify()
    return module


def finish(module: Any, level: int = 2) -> bytes:
    """Optimize a module and turn it into object code."""
    import llvmlite.binding as llvm

    target = _target_machine()
    options = llvm.PipelineTuningOptions(speed_level=level)
    # Loops are written with vectors of the right width already.
    options.loop_vectorization = options.slp_vectorization = False
    options.loop_unrolling = True
    builder = llvm.create_pass_builder(target, options)
    builder.getModulePassManager().run(module, builder)
    return target.emit_object(module)


def object_code_as_written(text: str) -> bytes:
    """Object code from LLVM assembly whose instructions stand as they are to be run: only variables become registers.

    Three times faster than `object_code`, and fused loops run no slower.
    """
    return _target_machine().emit_object(as_written(text))


def as_written(text: str) -> Any:
    """LLVM assembly as a module, its variables made into registers."""
    import llvmlite.binding as llvm

    module, target = parse(text), _target_machine()
    passes = llvm.create_new_function_pass_manager()
    passes.add_sroa_pass()
    builder = llvm.create_pass_builder(target, llvm.PipelineTuningOptions(speed_level=1))
    for function in module.functions:
        if not function.is_declaration:
            passes.run(function, builder)
    return module


def assembly_of(module: Any) -> str:
    """The processor's own instructions as text, for `--show-source` and for looking at."""
    return _target_machine().emit_assembly(module)


# Loading --------------------------------------------------------------------------------------------------------------
@cache
def _engine() -> Any:
    import llvmlite.binding as llvm

    # The engine owns its target machine and is never dropped: code must outlive every plan that points to it.
    return llvm.create_mcjit_compiler(llvm.parse_assembly(""), _target_machine())


def _load(key: str, code: bytes) -> int:
    import llvmlite.binding as llvm

    engine = _engine()
    engine.add_object_file(llvm.ObjectFileRef.from_data(code))
    engine.finalize_object()
    address = engine.get_function_address(symbol(key))
    if not address:
        raise RuntimeError(f"machine code {key} does not hold its function")
    return address
