"""Runs a student's file in a process of its own and reports what its function computed: `python -m nngraph.cli.student_child`.

Standard input holds the arguments as .npz, `0|x` for x in the first run; the answer goes to the folder named last, as
values.npz and report.json. Nothing the student writes reaches the program that asked.
"""

from __future__ import annotations

import ast
import contextlib
import inspect
import io
import json
import os
import sys
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np

MEMORY = 4 * 2**30
"""Bytes of address space beyond what Python and numpy have taken at the start, where the system can limit them."""


def main() -> None:
    """Run FILE's function NAME on the arrays of standard input and write the report into FOLDER."""
    path, name, folder, question = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]), json.loads(sys.argv[4])
    with np.load(io.BytesIO(sys.stdin.buffer.read()), allow_pickle=False) as archive:
        packed = {key: archive[key] for key in archive.files}
    runs: list[dict[str, np.ndarray]] = [{} for _ in range(question["runs"])]
    for key, array in packed.items():
        number, _, argument = key.partition("|")
        runs[int(number)][argument] = array
    # What the student prints must not mix with the program's own result, and nobody will answer a question.
    os.dup2(2, 1)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    given_function = _loss(question["loss"]) if question.get("function") else None
    limit_memory()
    report, values = run_all(path, name, runs, question.get("function") or "", given_function)
    np.savez(folder / "values.npz", **values)  # type: ignore[arg-type]
    (folder / "report.json").write_text(json.dumps(report), encoding="utf-8")


def limit_memory() -> None:
    """Stop the process from taking more memory than a lecture example can need; does nothing where the system has no limits."""
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (taken + MEMORY, resource.getrlimit(resource.RLIMIT_AS)[1]))


def run_all(
    path: Path,
    name: str,
    runs: list[dict[str, np.ndarray]],
    function_name: str,
    given_function: Callable[..., Any] | None,
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """The report, one entry per run, and the arrays found: `0|dW` for dW in the first run."""
    report: dict[str, Any] = {"error": None, "wanted": [], "missing": [], "runs": []}
    values: dict[str, np.ndarray] = {}
    try:
        function = load(path, name)
        names = wanted(function)
    except BaseException as error:  # a student's file may raise anything, also SystemExit
        report["error"] = describe(error, path)
        return report, values
    report["wanted"] = names
    report["missing"] = [each for each in names if each not in runs[0] and each != function_name]
    if report["missing"]:
        return report, values
    taken = parameters(function)
    for number, given in enumerate(runs):
        one, found = run(
            function,
            path,
            {key: given[key] for key in taken if key in given},
            {function_name: given_function} if function_name else {},
        )
        report["runs"].append(one)
        values |= {f"{number}|{key}": array for key, array in found.items()}
    return report, values


def run(
    function: Any, path: Path, given: dict[str, np.ndarray], functions: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """One run: what went wrong, what was overwritten, and the arrays: the returned ones and the locals at return."""
    report: dict[str, Any] = {
        "error": None,
        "overwritten": [],
        "line": None,
        "code": None,
        "whole": [],
        "returned": "nothing",
        "named": [],
        "arguments": [],
    }
    arguments = {name: _own(array) for name, array in given.items()}
    try:
        result, variables = call(function, {**arguments, **functions})
    except BaseException as error:  # a student's function may raise anything, also SystemExit
        report["error"] = describe(error, path)
        return report, {}
    report["overwritten"] = [
        name for name, array in arguments.items() if isinstance(array, np.ndarray) and not _equal(array, given[name])
    ]
    if report["overwritten"]:
        report["line"], report["code"] = _where_written(function, path, given, functions)
    values: dict[str, np.ndarray] = {}
    result, others = _parts(result)
    if isinstance(result, dict):
        report["returned"] = "dict"
        values = _numbers({str(name): value for name, value in result.items()})
    elif isinstance(result, (tuple, list)) and not _is_array(result):
        report["returned"] = "tuple"
        values = _numbers({f"return.{number}": value for number, value in enumerate(result)})
        report["named"] = [_called(value, variables) for value in result]
    elif as_numbers(result) is not None:
        report["returned"] = "array"
        values = _numbers({"return": result})
        report["named"] = [_called(result, variables)]
    # Inside a dict's report a name may be anything; what is beside it is told apart by a prefix no identifier has.
    values |= _numbers({f"local.{name}": value for name, value in variables.items() if name not in given})
    values |= _numbers({f"beside.{number}": value for number, value in enumerate(others)})
    report["arguments"] = parameters(function)
    report["whole"] = [
        name for name, array in values.items() if array.dtype.kind in "iu" and not name.startswith("beside.")
    ]
    return report, values


def load(path: Path, name: str) -> Any:
    """The function of that name in the file; without one of that name the error says what there is."""
    import runpy

    sys.path.insert(0, str(path.resolve().parent))
    variables = runpy.run_path(str(path), run_name="student")
    if not callable(variables.get(name)):
        functions = [key for key, value in variables.items() if inspect.isfunction(value)]
        raise NoFunction(", ".join(functions))
    return variables[name]


class NoFunction(LookupError):
    """The file has no function of the name that was asked for; the message lists those it has."""


def parameters(function: Any) -> list[str]:
    """The parameters that can be given by name."""
    kinds = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return [each.name for each in inspect.signature(function).parameters.values() if each.kind not in kinds]


def wanted(function: Any) -> list[str]:
    """The parameters that must be given."""
    own = inspect.signature(function).parameters
    return [name for name in parameters(function) if own[name].default is inspect.Parameter.empty]


def call(function: Any, arguments: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """What the function returns, and its local variables at that moment."""
    kept: dict[str, Any] = {}

    def watch(frame: FrameType, event: str, _value: Any) -> None:
        if event == "return" and frame.f_code is function.__code__:
            kept.clear()
            kept.update(frame.f_locals)

    sys.setprofile(watch if hasattr(function, "__code__") else None)
    try:
        positional = [
            arguments.pop(name)
            for name, each in inspect.signature(function).parameters.items()
            if each.kind is each.POSITIONAL_ONLY and name in arguments
        ]
        result = function(*positional, **arguments)
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
    """Kind, message, the last line of the student's file on the way to the error, and the shapes of what it names."""
    lines = [frame for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename).name == path.name]
    line = error.lineno if isinstance(error, SyntaxError) else lines[-1].lineno if lines else None
    code = lines[-1].line if lines and not isinstance(error, SyntaxError) else None
    found: dict[str, Any] = {"kind": type(error).__name__, "message": str(error), "line": line, "code": code}
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    own = [frame for frame in frames if Path(frame.f_code.co_filename).name == path.name]
    if code and own:
        with contextlib.suppress(Exception):  # a hint only: whatever the student's names hold, the error itself is told
            found |= misfit(code, own[-1].f_locals)
    return found


def misfit(code: str, variables: Mapping[str, Any]) -> dict[str, Any]:
    """The shapes of the arrays that a line names, and which factor of its matrix product has to be turned."""
    tree = ast.parse(code.strip().removesuffix(":"))
    names = dict.fromkeys(
        node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
    )
    shapes = {name: list(variables[name].shape) for name in names if isinstance(variables.get(name), np.ndarray)}
    return {"shapes": shapes, "turned": _turned(tree, variables)}


def _turned(tree: ast.AST, variables: Mapping[str, Any]) -> list[str]:
    """The ways of turning a factor of the first matrix product that does not fit, so that it fits; best first."""
    target = tree.body[0].targets[0] if isinstance(tree, ast.Module) and isinstance(tree.body[0], ast.Assign) else None
    belongs = (
        target.id.removeprefix("d").removeprefix("grad_").removeprefix("_") if isinstance(target, ast.Name) else ""
    )
    wanted = np.shape(variables[belongs]) if isinstance(variables.get(belongs), np.ndarray) else None
    for node in ast.walk(tree):
        pair = _factors(node)
        shapes = [_shape(each, variables) for each in pair]
        if len(pair) != 2 or any(shape is None or len(shape) != 2 for shape in shapes):
            continue
        (rows, left), (right, columns) = shapes[0], shapes[1]  # type: ignore[misc]
        if left == right:
            continue
        texts, turned = [ast.unparse(each) for each in pair], [ast.unparse(_flipped(each)) for each in pair]
        dotted = "{} @ {}" if isinstance(node, ast.BinOp) else ast.unparse(node.func) + "({}, {})"  # type: ignore[attr-defined]
        ways = [
            (fits, shape, dotted.format(*names))
            for fits, shape, names in (
                (rows == right, (left, columns), (turned[0], texts[1])),
                (left == columns, (rows, right), (texts[0], turned[1])),
                (rows == columns, (left, right), (turned[0], turned[1])),
            )
        ]
        return [text for _, _, text in sorted((way for way in ways if way[0]), key=lambda way: way[1] != wanted)][:1]
    return []


def _factors(node: ast.AST) -> list[ast.expr]:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
        return [node.left, node.right]
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ("dot", "matmul"):
        return list(node.args) if len(node.args) == 2 else []
    return []


def _flipped(each: ast.expr) -> ast.expr:
    """The same turned: h for h.T, h.T for h."""
    if isinstance(each, ast.Attribute) and each.attr == "T":
        return each.value
    return ast.Attribute(each, "T", ast.Load())


def _shape(each: ast.expr, variables: Mapping[str, Any]) -> tuple[int, ...] | None:
    """The shape an expression would have, read from its names; None where that needs running it."""
    match each:
        case ast.Name(id=name) if isinstance(variables.get(name), np.ndarray):
            return tuple(variables[name].shape)
        case ast.Constant(value=int() | float()):
            return ()
        case ast.Attribute(value=value, attr="T"):
            shape = _shape(value, variables)
            return shape[::-1] if shape is not None else None
        case ast.UnaryOp(operand=value):
            return _shape(value, variables)
        case ast.BinOp(left=left, op=op, right=right):
            one, other = _shape(left, variables), _shape(right, variables)
            if one is None or other is None:
                return None
            if not isinstance(op, ast.MatMult):
                return np.broadcast_shapes(one, other)
            return (*one[:-1], *other[-1:]) if len(one) == len(other) == 2 and one[1] == other[0] else None
    return None


def _parts(result: Any) -> tuple[Any, list[Any]]:
    """The gradients in what is returned, and what stands beside them: `return loss, grads` returns a dict, too."""
    if isinstance(result, (tuple, list)):
        dicts = [value for value in result if isinstance(value, dict)]
        if len(dicts) == 1:
            return dicts[0], [value for value in result if not isinstance(value, dict)]
    return result, []


def _is_array(value: Any) -> bool:
    """Whether a list is one array written out, not a list of arrays."""
    return (
        isinstance(value, list)
        and not any(isinstance(each, np.ndarray) for each in value)
        and as_numbers(value) is not None
    )


def _called(value: Any, variables: Mapping[str, Any]) -> list[str]:
    """The local names of this very object."""
    return [name for name, each in variables.items() if each is value and isinstance(value, np.ndarray)]


def _own(array: np.ndarray) -> Any:
    """An argument as a caller would pass it: an array of its own, a single number as a plain number."""
    return array.copy() if array.ndim else array.item()


def _equal(one: Any, other: np.ndarray) -> bool:
    return bool(np.array_equal(one, other, equal_nan=other.dtype.kind == "f"))


def _numbers(found: dict[str, Any]) -> dict[str, np.ndarray]:
    return {name: array for name, value in found.items() if (array := as_numbers(value)) is not None}


def _where_written(
    function: Any, path: Path, given: dict[str, np.ndarray], functions: dict[str, Any]
) -> tuple[int | None, str | None]:
    """The line that writes into an argument, found by running once more on arrays that refuse it."""
    arguments = {name: _own(array) for name, array in given.items()}
    for array in arguments.values():
        if isinstance(array, np.ndarray):
            array.flags.writeable = False
    try:
        function(**arguments, **functions)
    except Exception as error:
        found = describe(error, path)
        return found["line"], found["code"]
    return None, None


def _loss(question: dict[str, Any]) -> Callable[..., Any]:
    """The expression as a function of arrays, for a student's function that takes one (a central difference)."""
    from .problem import load as load_problem

    problem = load_problem(question["target"], (), question["shape"], question["seed"], (), question["let"])
    leaves = [leaf for leaf in problem.leaves.values() if leaf.role != "constant"]

    def loss(*arrays: Any) -> Any:
        for leaf, array in zip(leaves, arrays, strict=False):
            leaf.value = np.asarray(array, dtype=leaf.dtype)
        value = problem.output.value
        return float(value) if value.ndim == 0 else np.array(value)

    return loss


if __name__ == "__main__":
    main()
