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
from ...remedies import installing
from .device import numba_cuda
from .ptx import capability, compiled


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
    instructions: int
    multiply_adds: float
    """Share of FFMA among the instructions of the loop that has most of them."""
    matrix: int
    """Instructions that multiply small matrices (HMMA)."""
    ptx: str
    sass: str


def seen(text: str, kinds: Sequence[str], arch: str = "90", threads: int | None = None) -> Seen:
    """The kernel of a text, given arguments of these kinds ("float32*" is a flat array), for compute capability `arch`."""
    return assembled([compiled(text, kinds, arch, threads)], arch)[0]


def assembled(sources: Sequence[str], arch: str, *, listed: bool = True) -> list[Seen]:
    """Kernels written in PTX, assembled together, since every start of a program of the toolkit takes half a second. Without
    `listed` their machine code is not looked at, and what would be seen there is 0."""
    with tempfile.TemporaryDirectory() as folder:
        source, cubin = Path(folder, "kernels.ptx"), Path(folder, "kernels.cubin")
        source.write_text(_joined(sources), encoding="utf-8")
        said = _run(tool("ptxas"), "-v", f"-arch=sm_{arch}", str(source), "-o", str(cubin))
        sass = _run(tool("cuobjdump"), "--dump-sass", str(cubin)) if listed else ""
    saying = _by_kernel(r"Compiling entry function '\w+_kernel(\d+)'", said)
    listing = _by_kernel(r"Function : \w+_kernel(\d+)", sass)
    return [_seen(ptx, saying[at], listing.get(at, "")) for at, ptx in enumerate(sources)]


def _joined(sources: Sequence[str]) -> str:
    """One module of many, in which every name that is not local to a function ends with the number of its kernel."""
    head = re.findall(r"^\.(?:version|target|address_size) .*$", sources[0], re.MULTILINE)
    parts = ["\n".join(head)]
    for at, ptx in enumerate(sources):
        body = re.sub(r"^\.(?:version|target|address_size) .*$", "", ptx, flags=re.MULTILINE)
        parts.append(re.sub(r"(?<![\w%$.])_\w+", lambda name, at=at: f"{name[0]}_kernel{at}", body))
    return "\n".join(parts) + "\n"


def _by_kernel(head: str, text: str) -> dict[int, str]:
    """What follows each kernel's head."""
    pieces = re.split(head, text)
    return {int(at): said for at, said in zip(pieces[1::2], pieces[2::2])}


def _seen(ptx: str, said: str, sass: str) -> Seen:
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
        instructions=len(code),
        multiply_adds=_hottest(sass),
        matrix=sum(each.startswith("HMMA") for each in code),
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


def compiled_for(text: str, kinds: Sequence[str], archs: Sequence[str], threads: int | None = None) -> list[str]:
    """PTX for several compute capabilities; types are found and LLVM is written once."""
    numba_cuda()
    from numba.cuda.codegen import CUDACodeLibrary

    made = []
    written = CUDACodeLibrary.get_asm_strs

    def kept(library: Any, cc: Any = None) -> list[str]:
        made.append(library)
        return written(library, cc)

    # numba hands out PTX and keeps to itself what it was made from.
    CUDACodeLibrary.get_asm_strs = kept
    try:
        first = compiled(text, kinds, archs[0], threads)
    finally:
        CUDACodeLibrary.get_asm_strs = written
    return [first, *("\n".join(written(made[-1], capability(arch))) for arch in archs[1:])]


def tool(name: str) -> str:
    """Where a program of NVIDIA's toolkit lies: in a package that pip has installed, else on the path."""
    import shutil

    here = sorted(Path(sysconfig.get_path("purelib"), "nvidia").glob(f"*/bin/{name}"))
    found = str(here[0]) if here else shutil.which(name)
    if found is None:
        raise NoDevice(f"{name} is not installed; install it with: {installing('[cuda-dev]')}")
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
