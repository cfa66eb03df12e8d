"""A student's file, run apart: a process of its own, with a time limit and no input; what it computed comes back as arrays."""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..autograd.language import N_, translate
from .errors import CommandError

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Answer:
    """What a student's function computed in one run.

    `returned`: the arrays of a returned dict by name, of a tuple as "0", "1", …, a single one as "". `local`: its variables
    when it returned. `form`: dict, tuple, array or nothing. `overwritten`: arguments that it changed in place, `place` where.
    `whole`: names whose arrays hold whole numbers, which lose every fraction that is written into them. `error`: what it
    raised, `about` the shapes on that line. `beside`: what is returned beside a dict, such as the loss. `named`: the local
    names of each returned array. `arguments`: what the function can be given.
    """

    returned: Mapping[str, np.ndarray]
    local: Mapping[str, np.ndarray]
    form: str = "dict"
    overwritten: tuple[str, ...] = ()
    place: str = ""
    whole: tuple[str, ...] = ()
    error: str = ""
    about: tuple[str, ...] = ()
    beside: tuple[np.ndarray, ...] = ()
    named: tuple[tuple[str, ...], ...] = ()
    arguments: tuple[str, ...] = ()


class MissingArguments(CommandError):
    """The function asks for arguments that nobody gave."""

    def __init__(self, message: str, hint: str | None, missing: Sequence[str], wanted: Sequence[str]) -> None:
        super().__init__(message, hint)
        self.missing = tuple(missing)
        self.wanted = tuple(wanted)


class Stopped(CommandError):
    """The function was stopped by the time limit, or took its whole process down."""


def run_student(
    path: Path,
    name: str,
    runs: Sequence[Mapping[str, np.ndarray]],
    seconds: float,
    function: str = "",
    loss: Mapping[str, Any] | None = None,
) -> list[Answer]:
    """What the function NAME of the file computes in each run from the arguments it asks for by name.

    `function`: the argument that gets the expression itself as a function (`loss` says which expression). CommandError when
    the file cannot be run at all; what the function raises in a run is in its answer.
    """  # fmt: skip
    import numpy as np

    if not path.is_file():
        raise CommandError(translate(N_("there is no file {path}"), path=path))
    packed = io.BytesIO()
    np.savez(packed, **{f"{number}|{key}": array for number, run in enumerate(runs) for key, array in run.items()})  # type: ignore[arg-type]
    question = json.dumps({"runs": len(runs), "function": function, "loss": dict(loss or {})})
    with tempfile.TemporaryDirectory() as folder:
        _run_apart([str(path), name, folder, question], packed.getvalue(), path, seconds)
        report: dict[str, Any] = json.loads((Path(folder) / "report.json").read_text(encoding="utf-8"))
        with np.load(Path(folder) / "values.npz", allow_pickle=False) as archive:
            values = {key: archive[key] for key in archive.files}
    if error := report["error"]:
        if error["kind"] == "NoFunction":
            raise CommandError(*_no_function(path, name, error["message"], list(runs[0])))
        raise CommandError(_place(path, error), error["code"])
    if report["missing"]:
        raise MissingArguments(
            translate(
                N_("{function} asks for {names}, which the loss does not have"),
                function=f"{path}:{name}",
                names=", ".join(report["missing"]),
            ),
            translate(N_("it can have {known}"), known=", ".join(runs[0])),
            report["missing"],
            report["wanted"],
        )
    return [_answer(path, one, number, values) for number, one in enumerate(report["runs"])]


def _answer(path: Path, one: dict[str, Any], number: int, values: Mapping[str, np.ndarray]) -> Answer:
    own = {key.partition("|")[2]: array for key, array in values.items() if key.partition("|")[0] == str(number)}
    form = one["returned"]
    local = {key[6:]: array for key, array in own.items() if key.startswith("local.")}
    beside = [array for key, array in own.items() if key.startswith("beside.")]
    returned = {
        key if form == "dict" else key[7:]: array
        for key, array in own.items()
        if (not key.startswith(("local.", "beside.")) if form == "dict" else key.startswith("return"))
    }
    whole = tuple(
        key if form == "dict" else key.partition(".")[2]
        for key in one["whole"]
        if not (form == "dict" and key.startswith("local."))
    )
    place = f"{path}:{one['line']}: {one['code']}" if one["line"] else ""
    error = one["error"]
    return Answer(
        returned,
        local,
        form,
        tuple(one["overwritten"]),
        place,
        whole,
        _place(path, error) if error else "",
        _about(error) if error else (),
        tuple(beside),
        tuple(tuple(names) for names in one["named"]),
        tuple(one["arguments"]),
    )


def _about(error: Mapping[str, Any]) -> tuple[str, ...]:
    """The line that failed, the shapes of what it names, and which factor to turn."""
    from ..autograd.sizes import shape_text

    said = [error["code"]] if error["code"] else []
    if shapes := error.get("shapes"):
        named = ", ".join(f"{name}: {shape_text(tuple(shape))}" for name, shape in shapes.items())
        said.append(translate(N_("the shapes on that line: {shapes}"), shapes=named))
    if turned := error.get("turned"):
        said.append(translate(N_("a transpose is missing or too many: {product} fits"), product=turned[0]))
    return tuple(said)


def _no_function(path: Path, name: str, known: str, leaves: Sequence[str]) -> tuple[str, str]:
    """What to say when the function is not there, and what the file should have."""
    said = translate(N_("{path} has no function {name}"), path=path, name=name)
    if known:
        said += "; " + translate(N_("it has {known}"), known=known)
    example = (
        f"def backward({', '.join(leaves)}): … return {{"
        + ", ".join(f'"d{leaf}": d{leaf}' for leaf in leaves[:2])
        + "}"
    )
    return said, translate(
        N_("name it after a colon, {path}:NAME, or write {example}, with the leaves as arguments"),
        path=path,
        example=example,
    )


def _place(path: Path, error: Mapping[str, Any]) -> str:
    place = f"{path}:{error['line']}" if error["line"] else str(path)
    return f"{place}: {error['kind']}: {error['message']}"


def _run_apart(arguments: list[str], stdin: bytes, path: Path, seconds: float) -> None:
    command = [sys.executable, "-m", f"{__package__}.student_child", *arguments]
    # Complaints go to a file: a pipe would stay open as long as anything the student started holds it.
    with tempfile.TemporaryFile() as complaints:
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=complaints, start_new_session=True
        ) as process:
            try:
                process.communicate(stdin, timeout=seconds)
            except subprocess.TimeoutExpired:
                _end(process)
                raise Stopped(
                    translate(N_("{path} was stopped after {seconds} seconds"), path=path, seconds=f"{seconds:g}")
                ) from None
            except BaseException:
                _end(process)
                raise
            _end_what_it_started(process)
        complaints.seek(0)
        last = complaints.read().decode(errors="replace").strip().rpartition("\n")[2]
    if process.returncode != 0:
        raise Stopped(
            translate(N_("{path} crashed with exit code {code}"), path=path, code=process.returncode), last or None
        )


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the process and whatever it has started."""
    _end_what_it_started(process)
    process.kill()
    process.communicate()


def _end_what_it_started(process: subprocess.Popen[bytes]) -> None:
    """End what is left of the process's own session, also after it has gone."""
    if hasattr(os, "killpg"):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
