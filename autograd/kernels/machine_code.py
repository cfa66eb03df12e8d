"""Machine code: built once, kept on disk, loaded with LLVM alone.

A piece of code is asked for by a key that says everything it was made from; what is not in the cache is built by the
caller's function. The cache may be read-only, shared by several processes, damaged or lost: then code is built again.
"""

from __future__ import annotations

import hashlib
import os
import re
import sys
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from threading import RLock
from typing import Any

from ..files import write_whole
from .machine import machine

_MARK = b"nngraph machine code 1\n"
_lock = RLock()
_addresses: dict[str, int] = {}


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
        if name not in found:
            found[name] = (folder / f"{name}.py").read_bytes()
            for page, names in re.findall(r"^\s*from \.(\w*) import (.*)", found[name].decode(), re.MULTILINE):
                words = [page] if page else re.findall(r"\w+", names)
                waiting += [word for word in words if (folder / f"{word}.py").exists()]
    return b"\0".join(found[name] for name in sorted(found))


def address_of(key: str, build: Callable[[], bytes]) -> int:
    """The address of the function `nngraph_KEY` in memory; `build` gives object code when the cache has none."""
    with _lock:
        found = _addresses.get(key)
        if found is None:
            code = _read(key)
            if code is None:
                code = build()
                _write(key, code)
            found = _addresses[key] = _load(key, code)
        return found


def symbol(key: str) -> str:
    """The name under which a function is exported."""
    return f"nngraph_{key}"


def is_ready(key: str) -> bool:
    """Whether the code is in memory or on disk already."""
    return key in _addresses or _read(key) is not None


# Building -------------------------------------------------------------------------------------------------------------
def _target_machine(level: int = 3) -> Any:
    import llvmlite.binding as llvm

    _initialize()
    here = machine()
    target = llvm.Target.from_triple(here.triple)
    # Absolute addresses, not position-independent code: an object with an offset table of its own (any call of a library
    # function makes one) would lead the constants of every object loaded after it astray.
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


# Loading ----------------------------------------------------------------------------------------------------------------
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


# The cache ----------------------------------------------------------------------------------------------------------------
@cache
def folders() -> tuple[Path, ...]:
    """Where machine code is looked for, the first one that can be written to takes what is new.

    `NNGRAPH_CACHE` names the folder; else it is the user's cache folder, and where that cannot be written the
    temporary folder.
    """
    asked = os.environ.get("NNGRAPH_CACHE")
    if asked:
        return (Path(asked),)
    if sys.platform == "win32":
        home = os.environ.get("LOCALAPPDATA") or str(Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        home = str(Path.home() / "Library" / "Caches")
    else:
        home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    user = str(os.getuid()) if hasattr(os, "getuid") else "user"
    return (Path(home) / "nngraph" / "code", Path(tempfile.gettempdir()) / f"nngraph-{user}" / "code")


def _read(key: str) -> bytes | None:
    for folder in folders():
        try:
            data = (folder / f"{key}.o").read_bytes()
        except OSError:
            continue
        # Machine code is run, so a file counts only when whole, and when it is the user's own.
        head = len(_MARK) + 32
        if data.startswith(_MARK) and hashlib.sha256(data[head:]).digest() == data[len(_MARK) : head]:
            return data[head:]
    return None


def _write(key: str, code: bytes) -> None:
    for folder in folders():
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            write_whole(folder / f"{key}.o", _MARK + hashlib.sha256(code).digest() + code)
            return
        except OSError:
            continue
