"""The code of an instruction as text: a nest of loops as a person would write it, a kernel as it stands on its page, or
what LLVM and the processor make of them."""

from __future__ import annotations

import inspect
from textwrap import dedent
from typing import Any

from ...kernels import machine_code
from ...language import N_, translate
from ..numpy_report import source_of
from .calls import Call, Fallback


def source(call: Call, form: str) -> str:
    """The code of a call; `form` is source, llvm or assembly."""
    first, *finishing = [_source(part, form) for part in call.parts]
    return "\n".join([first, *(f"{_remark(form)} then, on rows that are done:\n{text}" for text in finishing)])


def _source(call: Call, form: str) -> str:
    code = call.code
    if isinstance(code, Fallback):
        return source_of(code.node.op, code.node)
    if form == "llvm":
        return str(_module(code))
    if form == "assembly":
        return str(machine_code.assembly_of(_module(code)))
    if call.loops is not None:
        return _names(call) + str(code.source())
    said = translate(N_("what makes this kernel, once for a type of number and a processor; it is not run at every call"))
    return f"# {said}\n{dedent(inspect.getsource(code.make))}"


def _remark(form: str) -> str:
    return ";" if form == "llvm" else "#"


def _names(call: Call) -> str:
    """A line for what is read and one for what is written, in the words of the loop."""
    lines = [
        f"# {name}{at}: {'×'.join(map(str, view.shape)) or 'scalar'} {view.dtype}"
        for name, views in (("read", call.reads), ("write", call.writes))
        for at, view in enumerate(views)
    ]
    return "\n".join([*lines, ""])


def _module(code: Any) -> Any:
    """A kernel or a nest as an LLVM module, optimized as it is when it is compiled."""
    if hasattr(code, "module"):
        module = code.module()
        machine_code.finish(module)
        return module
    return machine_code.as_written(code.text())
