"""What a kernel becomes on a GPU that is not here: PTX by numba.cuda, machine code by ptxas, and what is to be seen in it.

Nothing of this runs a kernel. It needs the packages of the extra `cuda-dev`.
"""

from __future__ import annotations

import re
import subprocess
import sysconfig
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...errors import NoDevice
from .device import numba_cuda
from .words import function, names


@dataclass(frozen=True, slots=True)
class Seen:
    """What ptxas says of a kernel, and what its code holds."""

    registers: int
    spilled: int
    stack: int
    shared: int
    doubles: int
    """Operations on float64."""
    wide_loads: int
    wide_stores: int
    loads: int
    stores: int
    multiply_adds: float
    """Share of FFMA among the instructions of the loop that has most of them."""
    ptx: str
    sass: str


def seen(text: str, kinds: Sequence[str], arch: str = "90", threads: int | None = None) -> Seen:
    """The kernel of a text, given arguments of these kinds ("float32*" is a flat array), for compute capability `arch`."""
    ptx = compiled(text, kinds, arch, threads)
    with tempfile.TemporaryDirectory() as folder:
        source, cubin = Path(folder, "kernel.ptx"), Path(folder, "kernel.cubin")
        source.write_text(ptx, encoding="utf-8")
        said = _run(tool("ptxas"), "-v", f"-arch=sm_{arch}", str(source), "-o", str(cubin))
        sass = _run(tool("cuobjdump"), "--dump-sass", str(cubin))
    code = re.findall(r"/\*[0-9a-f]{4,}\*/\s+(?:@!?U?P\d+ )?([A-Z][A-Z0-9_.]*)", sass)
    number = lambda pattern: int((re.findall(pattern, said) or ["0"])[0])  # noqa: E731
    return Seen(
        registers=number(r"Used (\d+) registers"),
        spilled=number(r"(\d+) bytes spill stores") + number(r"(\d+) bytes spill loads"),
        stack=number(r"(\d+) bytes stack frame"),
        shared=number(r"(\d+) bytes smem"),
        doubles=len(re.findall(r"\.f64\b", ptx)),
        wide_loads=sum(each.startswith("LD") and ".128" in each for each in code),
        wide_stores=sum(each.startswith("ST") and ".128" in each for each in code),
        loads=sum(each.startswith(("LDG", "LD.")) for each in code),
        stores=sum(each.startswith(("STG", "ST.")) for each in code),
        multiply_adds=_hottest(sass),
        ptx=ptx,
        sass=sass,
    )


def _hottest(sass: str) -> float:
    """Share of FFMA in the loop that has most of them; a loop is what lies between a jump back and where it leads."""
    code = [(int(at, 16), text) for at, text in re.findall(r"/\*([0-9a-f]{4,})\*/\s+(.*?);", sass)]
    most, share = 0, 0.0
    for at, text in code:
        jump = re.search(r"BRA\S* 0x([0-9a-f]+)", text)
        if jump is None or int(jump.group(1), 16) >= at:
            continue
        body = [inside for place, inside in code if int(jump.group(1), 16) <= place <= at]
        count = sum("FFMA" in inside for inside in body)
        if count > most:
            most, share = count, count / len(body)
    return share


def compiled(text: str, kinds: Sequence[str], arch: str, threads: int | None = None) -> str:
    """PTX."""
    cuda = numba_cuda()
    from numba.cuda import types

    def kind(name: str) -> Any:
        if name.endswith("*"):
            # A bare address: one word of the kernel's parameters, where an array would be seven.
            return types.CPointer(getattr(types, {"bool": "boolean"}.get(name[:-1], name[:-1])))
        return getattr(types, name)

    python = function(text, names(cuda, False))
    # Two blocks of 256 threads share a processor, or as many of others: a thread has at most 128 registers.
    options = {"launch_bounds": (threads, max(1, 512 // threads))} if threads else {}
    ptx, _ = cuda.compile_ptx(python, tuple(map(kind, kinds)), cc=(int(arch[:-1]), int(arch[-1])), **options)
    return ptx


def tool(name: str) -> str:
    """Where a program of NVIDIA's toolkit lies: in a package that pip has installed, else on the path."""
    import shutil

    here = sorted(Path(sysconfig.get_path("purelib"), "nvidia").glob(f"*/bin/{name}"))
    found = str(here[0]) if here else shutil.which(name)
    if found is None:
        raise NoDevice(f"{name} is not installed; install it with: pip install 'nngraph[cuda-dev]'")
    return found


def _run(*command: str) -> str:
    import os

    folder = str(Path(command[0]).parent)
    # cuobjdump calls nvdisasm, which lies beside it.
    environment = {**os.environ, "PATH": f"{folder}{os.pathsep}{os.environ.get('PATH', '')}"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        raise RuntimeError(f"{command[0]}: {done.stderr[-2000:]}")
    return done.stdout + done.stderr
