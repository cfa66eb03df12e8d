"""What this installation can do, as data: versions, processor, GPUs, code on disk, and which engine would run here.

Nothing is compiled, the simulator is never loaded, and a driver that does not answer is not waited for.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from .errors import NngraphError
from .language import N_
from .reason import Reason
from .remedies import NO_NUMBA, NOT_INSTALLED, installing

if TYPE_CHECKING:
    from .kernels.cache_folders import CodeFolder

PATIENCE = 10.0
"""Seconds in which a driver must have answered."""
PACKAGES = (
    "numpy", "sympy", "networkx", "numba", "llvmlite", "numba-cuda", "cuda-core", "cuda-bindings", "cuda-toolkit",
    "nvidia-cuda-nvrtc", "nvidia-nvvm", "nvidia-nvjitlink", "nvidia-cublas", "nvidia-cuda-nvcc",
)  # fmt: skip
"""Packages whose versions matter; those of a GPU belong to the extras cuda and cuda-dev."""


@dataclass(frozen=True, slots=True)
class Processor:
    """The processor: how many of it this process may use, how wide its vectors are in bits, how many registers hold one, and
    how many threads a program would use; `trouble`: why that cannot be said."""

    name: str
    count: int
    vector_bits: int
    registers: int
    threads: int
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Gpu:
    """A GPU as its driver describes it; memory in bytes, None where the driver does not say."""

    name: str
    capability: str
    processors: int
    free: int | None
    total: int | None


@dataclass(frozen=True, slots=True)
class EngineState:
    """Whether an engine would run here, and if not why and what to install. `fallbacks`: kernel families that NumPy computes
    in the middle of its programs, with the ops that they serve and the reason."""

    name: str
    runs: bool
    why: str = ""
    install: str = ""
    fallbacks: tuple[tuple[str, tuple[str, ...], str], ...] = ()
    default: bool = False


@dataclass(frozen=True)
class Diagnosis:
    """What was found. `driver`: the version of CUDA that the GPU's driver knows, as in "13.0"; `no_gpu`: why there is none.

    >>> found = diagnosis()
    >>> [state.name for state in found.engines if state.runs][:2], found.versions["numpy"] is not None
    (['numpy', 'numba'], True)
    """

    nngraph: str
    python: str
    system: str
    versions: Mapping[str, str | None]
    processor: Processor | None
    driver: str
    gpus: tuple[Gpu, ...]
    no_gpu: str
    code: tuple[CodeFolder, ...]
    engines: tuple[EngineState, ...]
    settings: Mapping[str, str] = field(default_factory=dict)

    def engine(self, name: str) -> EngineState | None:
        """What was found about an engine; None for a name that is none."""
        return next((each for each in self.engines if each.name == name), None)

    @property
    def works(self) -> bool:
        """Whether the engine that runs what names none would run."""
        return any(each.default and each.runs for each in self.engines)

    def record(self) -> dict[str, Any]:
        """Everything as plain lists, numbers and texts."""
        plain = asdict(self)
        plain["code"] = [{**asdict(each), "path": str(each.path)} for each in self.code]
        plain["works"] = self.works
        return plain


def diagnosis() -> Diagnosis:
    """What can be found out in half a second."""
    from .. import __version__
    from .executable import DEFAULT, engines
    from .kernels.cache_folders import code_folders

    versions = {name: _version(name) for name in PACKAGES}
    driver, gpus, no_gpu = gpus_here()
    default = os.environ.get("NNGRAPH_ENGINE") or DEFAULT
    states = tuple(_state(name, versions, gpus, no_gpu, default) for name in engines)
    if default not in engines:
        states += (EngineState(default, False, Reason(N_("NNGRAPH_ENGINE names it, and there is no such engine")), default=True),)
    settings = {name: value for name, value in sorted(os.environ.items()) if name.startswith("NNGRAPH_") or name == "NUMBA_ENABLE_CUDASIM"}
    return Diagnosis(
        __version__, platform.python_version(), f"{platform.system()} {platform.machine()}", versions, _processor(versions),
        driver, gpus, no_gpu, tuple(code_folders()) if versions["llvmlite"] else (), states, settings,
    )  # fmt: skip


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _processor(versions: Mapping[str, str | None]) -> Processor | None:
    if not versions["llvmlite"]:
        return None
    from .kernels.machine import machine
    from .kernels.processors import processors, threads

    here = machine()
    try:
        used, trouble = threads(), ""
    except NngraphError as error:
        used, trouble = 0, str(error)
    return Processor(here.name, processors(), 8 * here.vector_bytes, here.registers, used, trouble)


# Engines ------------------------------------------------------------------------------------------------------------------
def _state(
    name: str, versions: Mapping[str, str | None], gpus: Sequence[Gpu], no_gpu: str, default: str
) -> EngineState:  # fmt: skip
    why, install = _obstacle(name, versions, gpus, no_gpu)
    return EngineState(name, not why, why, install, _fallbacks(name), name == default)


def _obstacle(name: str, versions: Mapping[str, str | None], gpus: Sequence[Gpu], no_gpu: str) -> tuple[str, str]:
    """Why an engine would not run here, and the line that installs what it lacks; both empty where it would."""
    if name == "numpy":
        return "", ""
    if not (versions["numba"] and versions["llvmlite"]):
        return Reason(NO_NUMBA), installing("numba")
    if not name.startswith("cuda"):
        return "", ""
    if not versions["numba-cuda"] or find_spec("numba_cuda") is None:
        return Reason(NOT_INSTALLED), installing("[cuda]")
    if name == "cuda-simulator":
        return "", ""
    if os.environ.get("NUMBA_ENABLE_CUDASIM", "0") != "0":
        return Reason(N_("NUMBA_ENABLE_CUDASIM is set, so that numba.cuda only simulates a GPU")), ""
    if not gpus:
        return no_gpu, ""
    if not _writes_ptx(versions):
        return Reason(N_("NVVM, which turns kernels into PTX, is not found")), installing("[cuda]")
    if name.endswith("cublas") and not _finds_cublas(versions):
        return Reason(N_("the library cuBLAS is not found")), installing("[cublas]")
    return "", ""


def _writes_ptx(versions: Mapping[str, str | None]) -> bool:
    """Whether NVVM is here: as a package, or in the folder of a toolkit."""
    if versions["nvidia-nvvm"]:
        return True
    from pathlib import Path

    places = [os.environ.get(name) for name in ("NUMBA_CUDA_HOME", "CUDA_HOME", "CUDA_PATH")]
    return any(list(Path(place, "nvvm").glob("**/*nvvm*")) for place in [*filter(None, places), "/usr/local/cuda"])


def _finds_cublas(versions: Mapping[str, str | None]) -> bool:
    from ctypes.util import find_library

    return bool(versions["nvidia-cublas"] or find_library("cublas"))


def _fallbacks(name: str) -> tuple[tuple[str, tuple[str, ...], str], ...]:
    """Kernel families that an engine leaves to NumPy, and the ops that they serve."""
    if not name.startswith("cuda"):
        return ()
    from . import ops as _declared  # noqa: F401  (importing it fills the table)
    from .engines.cuda.target import FALLBACKS
    from .op import OPS

    return tuple(
        (family, tuple(op.name for op in OPS.values() if op.kernel == family), why) for family, why in FALLBACKS.items()
    )


# GPUs ---------------------------------------------------------------------------------------------------------------------
def gpus_here(patience: float = PATIENCE) -> tuple[str, tuple[Gpu, ...], str]:
    """What the driver of the GPU knows, the GPUs, and why there are none. A driver is asked by another process, which can be
    left alone when it hangs."""
    from .kernels.cuda.driver import library

    try:
        library()
    except OSError:
        return "", (), Reason(N_("there is no driver of an NVIDIA GPU"))
    asked = [sys.executable, "-P", "-c", f"from {__name__} import ask; ask()"]
    try:
        done = subprocess.run(asked, capture_output=True, text=True, timeout=patience, check=True, env=_environment())
        answer = json.loads(done.stdout)
    except subprocess.TimeoutExpired:
        return "", (), Reason(N_("the driver of the GPU has not answered within {seconds} seconds"), seconds=f"{patience:g}")
    except (OSError, subprocess.CalledProcessError, ValueError):
        return "", (), Reason(N_("the driver of the GPU could not be asked"))
    gpus = tuple(Gpu(**each) for each in answer["gpus"])
    if gpus:
        return answer["driver"], gpus, ""
    return answer["driver"], (), Reason(N_("there is a driver, but it finds no GPU{said}"), said=f": {answer['error']}" if answer["error"] else "")


def _environment() -> dict[str, str]:
    from .kernels.compile_ahead import environment

    return environment()


def ask() -> None:
    """Print what the driver says as JSON; this runs in a process of its own."""
    print(json.dumps(answer()))


def answer(driver: Any = None) -> dict[str, Any]:
    """What the driver says."""
    from .kernels.cuda.driver import MAJOR, MINOR, PROCESSORS, Driver, library

    said: dict[str, Any] = {"driver": "", "gpus": [], "error": ""}
    try:
        driver = driver or Driver(lambda name: getattr(library(), name))
        number = driver.number(driver.cuDriverGetVersion)
        said["driver"] = f"{number // 1000}.{number % 1000 // 10}"
        driver.cuInit(0)
        for at in range(driver.number(driver.cuDeviceGetCount)):
            device = driver.number(driver.cuDeviceGet, at)
            major, minor, processors = (driver.number(driver.cuDeviceGetAttribute, each, device) for each in (MAJOR, MINOR, PROCESSORS))
            free, total = _memory(driver, device)
            said["gpus"].append(
                {"name": _name(driver, device), "capability": f"{major}.{minor}", "processors": processors, "free": free, "total": total}
            )
    except (OSError, AttributeError, NngraphError) as error:
        said["error"] = str(error)
    return said


def _name(driver: Any, device: int) -> str:
    import ctypes

    found = ctypes.create_string_buffer(100)
    driver.cuDeviceGetName(found, len(found), device)
    return found.value.decode(errors="replace")


def _memory(driver: Any, device: int) -> tuple[int | None, int | None]:
    """Free and total bytes; a GPU whose memory cannot be asked for, as when another program has all of it, is one still."""
    import ctypes

    free, total = ctypes.c_size_t(), ctypes.c_size_t()
    try:
        context = driver.number(driver.cuDevicePrimaryCtxRetain, device, of=ctypes.c_void_p)
        driver.cuCtxPushCurrent_v2(context)
        driver.cuMemGetInfo_v2(ctypes.byref(free), ctypes.byref(total))
    except NngraphError:
        return None, None
    return free.value, total.value
