"""`nngraph doctor`: what this installation can do, and what to install for the rest."""

from __future__ import annotations

import sys
from pathlib import Path

from ...autograd.language import current_language
from ...autograd.language import translate as _
from ..options import Color, ColorOption, LanguageOption

NAME = "doctor"
EXAMPLES = ("nngraph doctor",)


def HELP() -> str:
    return _("Say which layouter, renderer, fonts, vector instructions and GPU were found, and where machine code is kept.")


def run(lang: LanguageOption = None, color: ColorOption = Color.auto) -> int:
    """0 when derivations and pictures work here, else 1."""
    import platform
    import shutil

    from ... import __version__
    from .. import show

    layouter = _installed("pygraphviz") or (_("dot on the PATH") if shutil.which("dot") else "")
    renderer = _installed("resvg_py", "resvg-py")
    fonts = sorted(path.name for path in (Path(__file__).parents[2] / "viz" / "fonts").glob("*.[to]tf"))
    rows = [
        [_("nngraph"), f"{__version__}, Python {platform.python_version()}, {platform.system()} {platform.machine()}"],
        [_("numbers"), _versions("numpy", "sympy", "numba", "networkx")],
        [_("compiled engine"), _engine()],
        [_("machine code"), _machine_code()],
        [_("layout"), layouter or _("only columns; for good pictures: {command}", command="pip install pygraphviz")],
        [_("PNG"), renderer or _("missing: {command}", command="pip install resvg-py")],
        [_("PDF"), _("nngraph itself") if fonts else _("missing; install nngraph again")],
        [_("fonts"), ", ".join(fonts) or _("missing; install nngraph again")],
        [_("GPU"), _gpu()],
        [
            _("scikit-learn"),
            _installed("sklearn", "scikit-learn") or _("missing: {command}", command='pip install "nngraph[learn]"'),
        ],
        [
            _("terminal"),
            f"{sys.stdout.encoding}, {current_language()}"
            + ("" if show.can_print("∂σ中文") else ", " + _("plain signs only")),
        ],
    ]
    show.out(show.table([_("part"), _("found")], rows, show.wants_color(color.value)))
    return 0 if fonts and renderer else 1


def _installed(module: str, distribution: str | None = None) -> str:
    """`name version` of an installed package, without importing it; empty when it is not there."""
    import importlib.metadata
    import importlib.util

    if importlib.util.find_spec(module) is None:
        return ""
    name = distribution or module
    try:
        return f"{name} {importlib.metadata.version(name)}"
    except importlib.metadata.PackageNotFoundError:
        return name


def _versions(*names: str) -> str:
    return ", ".join(found for found in map(_installed, names) if found)


def _engine() -> str:
    """What the compiled engine finds in this processor, and how many threads it uses."""
    if not (_installed("numba") and _installed("llvmlite")):
        return _("missing: {command}", command="pip install numba")
    from ...autograd.errors import NngraphError
    from ...autograd.kernels.machine import machine
    from ...autograd.kernels.processors import threads

    here = machine()
    try:
        used = _("threads: {count}", count=threads())
    except NngraphError as error:
        used = str(error)
    vectors = _("vectors of {bits} bits, {registers} registers", bits=8 * here.vector_bytes, registers=here.registers)
    return f"{here.name}, {vectors}, {used}"


def _machine_code() -> str:
    """Where compiled code is kept, how much, and whether more can be added."""
    from ...autograd.kernels.cache_folders import code_folders

    folders = code_folders()
    shown = [folder for folder in folders if folder.pieces or folder is folders[0]]
    lines = []
    for folder in shown:
        said = _("{path}: {count} pieces, {size}", path=folder.path, count=folder.pieces, size=size_text(folder.bytes))
        lines.append(said if folder.writable else said + _(", cannot be written"))
    return "\n".join(lines)


def size_text(count: int) -> str:
    """A number of bytes as people write it.

    >>> size_text(512), size_text(2_100_000)
    ('512 B', '2.1 MB')
    """
    from ...autograd.report_text import short

    return short(count, "B")


def _gpu() -> str:
    """The name of the first NVIDIA GPU, as its driver tells; the simulator of numba is never taken for one."""
    import ctypes

    try:
        driver = ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return _("none")
    device, name = ctypes.c_int(), ctypes.create_string_buffer(100)
    if driver.cuInit(0) or driver.cuDeviceGet(ctypes.byref(device), 0) or driver.cuDeviceGetName(name, 100, device):
        return _("a driver, but no GPU")
    return name.value.decode(errors="replace")
