"""A student's hand-written backward pass: run apart, with a time limit, and handed over as arrays by name."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..autograd.language import N_, translate
from .errors import CommandError

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Answer:
    """What a student's function computed: arrays by name, and what must be said about how it did.

    `source`: "returned" (a dict) or "locals". `overwritten`: arguments that the function changed in place. `whole`: names
    whose arrays hold whole numbers, which lose every fraction that is written into them.
    """

    values: dict[str, np.ndarray]
    source: str
    overwritten: tuple[str, ...]
    whole: tuple[str, ...]


def run_student(path: Path, name: str, arguments: Mapping[str, np.ndarray], seconds: float) -> Answer:
    """What the function NAME of the file computes from the arguments it asks for; CommandError when it cannot be run."""
    import numpy as np

    if not path.is_file():
        raise CommandError(translate(N_("there is no file {path}"), path=path))
    packed = io.BytesIO()
    np.savez(packed, **arguments)  # type: ignore[arg-type]
    with tempfile.TemporaryDirectory() as folder:
        _run_apart([str(path), name, folder], packed.getvalue(), path, seconds)
        report: dict[str, Any] = json.loads((Path(folder) / "report.json").read_text(encoding="utf-8"))
        with np.load(Path(folder) / "values.npz", allow_pickle=False) as archive:
            values = {key: archive[key] for key in archive.files}
    if report["missing"]:
        raise CommandError(
            translate(
                N_("{function} asks for {names}, which the loss does not have"),
                function=f"{path}:{name}",
                names=", ".join(report["missing"]),
            ),
            translate(N_("it can have {known}"), known=", ".join(arguments)),
        )
    if error := report["error"]:
        place = f"{path}:{error['line']}" if error["line"] else str(path)
        raise CommandError(f"{place}: {error['kind']}: {error['message']}", error["code"])
    return Answer(values, report["source"], tuple(report["overwritten"]), tuple(report["whole"]))


def _run_apart(arguments: list[str], stdin: bytes, path: Path, seconds: float) -> None:
    command = [sys.executable, "-m", f"{__package__}.student_child", *arguments]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True
    ) as process:
        try:
            _, complaint = process.communicate(stdin, timeout=seconds)
        except subprocess.TimeoutExpired:
            _end(process)
            raise CommandError(
                translate(N_("{path} was stopped after {seconds} seconds"), path=path, seconds=f"{seconds:g}")
            ) from None
    if process.returncode != 0:
        last = complaint.decode(errors="replace").strip().rpartition("\n")[2]
        raise CommandError(
            translate(N_("{path} crashed with exit code {code}"), path=path, code=process.returncode), last or None
        )


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the process and whatever it has started."""
    if hasattr(os, "killpg"):
        os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()
    process.communicate()
