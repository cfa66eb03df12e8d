"""Runs a student's file in a process of its own and reports what its function computed: `python -m nngraph.cli.student_child`.

Standard input holds the arguments as .npz; the report goes to the folder named last: values.npz and report.json.
"""

from __future__ import annotations

import inspect
import io
import json
import os
import sys
import traceback
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np


def main() -> None:
    """Run FILE's function NAME on the arrays of standard input and write the report into FOLDER."""
    path, name, folder = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
    with np.load(io.BytesIO(sys.stdin.buffer.read()), allow_pickle=False) as archive:
        given = {key: archive[key] for key in archive.files}
    # What the student prints must not mix with the program's own result.
    os.dup2(2, 1)
    report, values = run(path, name, given)
    np.savez(folder / "values.npz", **values)  # type: ignore[arg-type]
    (folder / "report.json").write_text(json.dumps(report), encoding="utf-8")


def run(path: Path, name: str, given: dict[str, np.ndarray]) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """The report and the arrays found: the returned dict, or else the function's locals when it returned."""
    report: dict[str, Any] = {"source": "", "error": None, "overwritten": [], "missing": [], "whole": []}
    try:
        function = load(path, name)
        names = wanted(function)
        report["missing"] = [each for each in names if each not in given]
        if report["missing"]:
            return report, {}
        arguments = {each: given[each].copy() for each in names if each in given}
        result, found = call(function, arguments)
    except BaseException as error:  # a student's file may raise anything, also SystemExit
        report["error"] = describe(error, path)
        return report, {}
    report["overwritten"] = [
        each for each, array in arguments.items() if not np.array_equal(array, given[each], equal_nan=True)
    ]
    if isinstance(result, dict):
        report["source"], found = "returned", result
    else:
        report["source"] = "locals"
    values = {
        str(key): array
        for key, value in found.items()
        if (array := as_numbers(value)) is not None and str(key) not in arguments
    }
    report["whole"] = [key for key, array in values.items() if array.dtype.kind in "iu"]
    return report, values


def load(path: Path, name: str) -> Any:
    """The function of that name in the file; without one of that name the error says what there is."""
    import runpy

    sys.path.insert(0, str(path.resolve().parent))
    variables = runpy.run_path(str(path), run_name="student")
    if not callable(variables.get(name)):
        functions = [key for key, value in variables.items() if inspect.isfunction(value)]
        raise LookupError(f"there is no function {name}; there are {', '.join(functions) or 'none'}")
    return variables[name]


def wanted(function: Any) -> list[str]:
    """The parameters that must be given."""
    kinds = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    parameters = inspect.signature(function).parameters.values()
    return [each.name for each in parameters if each.kind not in kinds and each.default is each.empty]


def call(function: Any, arguments: dict[str, np.ndarray]) -> tuple[Any, dict[str, Any]]:
    """What the function returns, and its local variables at that moment."""
    kept: dict[str, Any] = {}

    def watch(frame: FrameType, event: str, _value: Any) -> None:
        if event == "return" and frame.f_code is function.__code__:
            kept.clear()
            kept.update(frame.f_locals)

    sys.setprofile(watch)
    try:
        result = function(**arguments)
    finally:
        sys.setprofile(None)
    return result, kept


def as_numbers(value: Any) -> np.ndarray | None:
    """The value as an array of numbers, or None when it is something else."""
    if isinstance(value, (bool, str)) or not isinstance(value, (int, float, list, tuple, np.ndarray, np.generic)):
        return None
    try:
        array = np.asarray(value)
    except ValueError:
        return None
    return array if array.dtype.kind in "iuf" else None


def describe(error: BaseException, path: Path) -> dict[str, Any]:
    """Kind, message, and the last line of the student's file on the way to the error."""
    lines = [frame for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename).name == path.name]
    line = error.lineno if isinstance(error, SyntaxError) else lines[-1].lineno if lines else None
    code = lines[-1].line if lines and not isinstance(error, SyntaxError) else None
    return {"kind": type(error).__name__, "message": str(error), "line": line, "code": code}


if __name__ == "__main__":
    main()
