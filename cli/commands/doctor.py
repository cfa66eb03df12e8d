"""`nngraph doctor`: what this installation can do, what would run where, and what to install for the rest."""

from __future__ import annotations

import sys
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ...autograd.executable import engines
from ...autograd.language import N_, current_language
from ...autograd.language import translate as _
from ...autograd.remedies import INSTALL_IT, WITHOUT_A_GPU, installing
from ..options import Color, ColorOption, LanguageOption

if TYPE_CHECKING:
    from ...autograd.diagnosis import Diagnosis, EngineState, Gpu

NAME = "doctor"
EXAMPLES = ("nngraph doctor", "nngraph doctor --engine cuda", "nngraph doctor --json")
LATEX = ("lualatex", "xelatex", "pdflatex")
"""Programs that make pages of the .tex files that nngraph writes."""
GPU_PACKAGES = (
    "numba-cuda", "cuda-core", "cuda-bindings", "cuda-toolkit", "nvidia-cuda-nvrtc", "nvidia-nvvm", "nvidia-nvjitlink",
    "nvidia-cublas", "nvidia-cuda-nvcc",
)  # fmt: skip


def HELP() -> str:
    return _(
        "Say what would run here: engines, processor, GPU and the packages for it, where machine code is kept, layouter, renderer and fonts; and what to install for the rest."
    )


AnyEngine = StrEnum("AnyEngine", {name: name for name in engines})  # type: ignore[misc]


@dataclass(frozen=True, slots=True)
class Pictures:
    """What pictures and pages are made with; empty where it is missing."""

    layout: str
    png: str
    fonts: tuple[str, ...]
    latex: str
    plots: str


def run(
    engine: Annotated[
        AnyEngine | None,
        typer.Option("--engine", help=_("Ask for one engine: exit code 0 where it would run, else 1 and why not."), show_default=False),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help=_("As JSON."))] = False,
    lang: LanguageOption = None,
    color: ColorOption = Color.auto,
) -> int:
    """0 when the default engine, derivations and pictures work here, else 1."""
    from ...autograd.diagnosis import diagnosis
    from .. import show

    found = diagnosis()
    if engine is not None:
        return _one(found, engine.value, as_json)
    pictures = _pictures()
    trouble = found.processor is not None and found.processor.trouble
    fine = found.works and bool(pictures.png and pictures.fonts) and not trouble
    if as_json:
        import json

        record = found.record() | {"pictures": asdict(pictures), "fine": fine}
        show.out(json.dumps(record, ensure_ascii=not show.can_print("中文∂"), indent=1))
        return 0 if fine else 1
    wanted = show.wants_color(color.value)
    show.out(show.table([_("part"), _("found")], _parts(found, pictures), wanted))
    show.out("\n" + show.table([_("engine"), _("would run here"), _("through NumPy")], [_engine_row(each) for each in found.engines], wanted))
    return 0 if fine else 1


def _one(found: Diagnosis, name: str, as_json: bool) -> int:
    """Whether one engine would run."""
    from ...autograd.errors import NoDevice
    from .. import show

    state = found.engine(name)
    assert state is not None
    if not state.runs:
        why = _("engine {engine} does not run here: {why}", engine=name, why=_why(state))
        lacks_only_a_gpu = name.startswith("cuda") and not state.install and not found.gpus
        raise NoDevice(_("{why}; {instead}", why=why, instead=_(WITHOUT_A_GPU)) if lacks_only_a_gpu else why)
    if as_json:
        import json

        show.out(json.dumps(asdict(state), ensure_ascii=not show.can_print("中文∂"), indent=1))
    else:
        show.out(_("engine {engine} would run here", engine=name))
    return 0


# The parts ----------------------------------------------------------------------------------------------------------------
def _parts(found: Diagnosis, pictures: Pictures) -> list[list[str]]:
    from .. import show

    return [
        [_("nngraph"), f"{found.nngraph}, Python {found.python}, {found.system}"],
        [_("numbers"), _versions(found, ("numpy", "sympy", "numba", "networkx"))],
        [_("compiled engine"), _processor(found)],
        [_("machine code"), _machine_code(found)],
        [_("GPU"), _gpus(found)],
        [_("for a GPU"), _for_a_gpu(found)],
        [_("layout"), pictures.layout or _("only columns; for good pictures: {command}", command=installing("pygraphviz"))],
        [_("PNG"), pictures.png or _("missing: {command}", command=installing("resvg-py"))],
        [_("PDF"), _("nngraph itself") if pictures.fonts else _("missing; install nngraph again")],
        [_("fonts"), ", ".join(pictures.fonts) or _("missing; install nngraph again")],
        [_("LaTeX"), pictures.latex or _("none; .tex files are written all the same")],
        [_("scikit-learn"), pictures.plots or _("missing: {command}", command=installing("[learn]"))],
        [
            _("terminal"),
            f"{sys.stdout.encoding}, {current_language()}"
            + ("" if show.can_print("∂σ中文") else ", " + _("plain signs only")),
        ],
    ]


def _pictures() -> Pictures:
    import shutil

    fonts = sorted(path.name for path in (Path(__file__).parents[2] / "viz" / "fonts").glob("*.[to]tf"))
    return Pictures(
        layout=_installed("pygraphviz") or (_("dot on the PATH") if shutil.which("dot") else ""),
        png=_installed("resvg_py", "resvg-py"),
        fonts=tuple(fonts),
        latex=", ".join(filter(shutil.which, LATEX)),
        plots=_installed("sklearn", "scikit-learn"),
    )


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


def _versions(found: Diagnosis, names: tuple[str, ...]) -> str:
    return ", ".join(f"{name} {found.versions[name]}" for name in names if found.versions[name])


def _processor(found: Diagnosis) -> str:
    """What the compiled engine finds in this processor, and how many threads it uses."""
    here = found.processor
    if here is None:
        return _("missing: {command}", command=installing("numba"))
    vectors = _("vectors of {bits} bits, {registers} registers", bits=here.vector_bits, registers=here.registers)
    used = here.trouble or _("threads: {count} of {processors}", count=here.threads, processors=here.count)
    return f"{here.name}, {vectors}, {used}"


def _machine_code(found: Diagnosis) -> str:
    """Where compiled code is kept, how much, and whether more can be added."""
    lines = []
    for folder in found.code:
        if folder.pieces or folder is found.code[0]:
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


def _gpus(found: Diagnosis) -> str:
    from ...autograd.reason import said

    return "\n".join(map(_gpu, found.gpus)) or f"{said(found.no_gpu)}\n{_(WITHOUT_A_GPU)}"


def _gpu(gpu: Gpu) -> str:
    memory = ""
    if gpu.free is not None and gpu.total is not None:
        memory = ", " + _("{free} of {total} free", free=size_text(gpu.free), total=size_text(gpu.total))
    about = _("compute capability {capability}, processors: {count}", capability=gpu.capability, count=gpu.processors)
    return f"{gpu.name}, {about}{memory}"


def _for_a_gpu(found: Diagnosis) -> str:
    """Driver and packages."""
    driver = _("driver for CUDA {version}", version=found.driver) if found.driver else ""
    packages = _versions(found, GPU_PACKAGES)
    return ", ".join(filter(None, (driver, packages))) or _("missing: {command}", command=installing("[cuda]"))


# Engines ------------------------------------------------------------------------------------------------------------------
def _why(state: EngineState) -> str:
    from ...autograd.reason import said

    reason = said(state.why)
    return _(INSTALL_IT, why=reason, command=state.install) if state.install else reason


NOTHING = N_("nothing")


def _engine_row(state: EngineState) -> list[str]:
    name = _("{engine} (default)", engine=state.name) if state.default else state.name
    runs = _("yes") if state.runs else _("no: {why}", why=_why(state))
    if state.name == "cuda-simulator" and state.runs:
        runs = _("yes, for tests: it computes on the processor, slowly")
    if state.name == "numpy":
        return [name, runs, _("everything")]
    return [name, runs, "; ".join(f"{', '.join(ops)}" for _family, ops, _why_ in state.fallbacks) or _(NOTHING)]
