"""`nngraph check student.py --against lecture.py:loss`: which runs to make, what the answers are taken for, and the verdict."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..autograd.language import N_, translate
from .errors import CommandError
from .grading import PASS, judged
from .parse import free_names
from .problem import FILE, Problem, load
from .students import Answer, MissingArguments, Stopped, run_student
from .values import parse_assignments, parse_shapes, parse_value

if TYPE_CHECKING:
    import numpy as np

    from ..autograd.node import Leaf, Node
    from ..autograd.symbolic.mistakes.pass_verdict import PassVerdict
    from ..autograd.symbolic.mistakes.points import Point

POINTS = 5
"""The student's function is run on the given values and at so many drawn points."""


@dataclass
class Homework:
    """A student's function and the problem it is compared with."""

    path: Path
    name: str
    problem: Problem
    output: Node
    seconds: float
    loss: Mapping[str, Any]
    extra: dict[str, np.ndarray]
    """Arguments that are no leaves, given with --at: a step size."""
    whole: bool
    """Whether the user gave whole numbers, which a student's caller may well do."""
    renamed: dict[str, str]
    """Parameter -> leaf, when the student calls things by other names."""
    function: str = ""
    """The parameter that gets the loss as a function."""
    upstream: str = ""
    """The parameter that gets the gradient arriving from above, when the output is not one number."""


def check_file(
    target: str,
    against: str,
    at: Sequence[str],
    shape: Sequence[str],
    wrt: Sequence[str],
    let: Sequence[str],
    mapping: Sequence[str],
    seed: int,
    seconds: float,
) -> PassVerdict:
    """The verdict on a function of a student's file: its gradients, or the value it returns.

    A returned dict, or else the local variables, are matched by name (dW, grad_W, delta2). A single returned array of a
    function that is not called `backward` is taken for the value of the expression, or with --wrt for its gradient.
    """  # fmt: skip
    work = _prepared(target, against, at, shape, wrt, let, seed, seconds)
    try:
        return judged(work, *_asked(work, seed), wrt, mapping, seed)
    except Stopped as error:
        from ..autograd.symbolic.derivation import Sentence
        from ..autograd.symbolic.mistakes.pass_verdict import PassVerdict
        from ..autograd.symbolic.mistakes.verdict import Slip

        why = (Sentence("{text}", {"text": error.hint}),) if error.hint else ()
        return PassVerdict(False, (), slips=(Slip("stopped", Sentence("{message}", {"message": error.message}), why),))


def _prepared(
    target: str,
    against: str,
    at: Sequence[str],
    shape: Sequence[str],
    wrt: Sequence[str],
    let: Sequence[str],
    seed: int,
    seconds: float,
) -> Homework:
    from ..autograd.symbolic.explain import in_float64

    found = FILE.fullmatch(target)
    if not found:
        raise CommandError(
            translate(N_("{target} is not a Python file"), target=target),
            translate(N_("write for example {example}"), example="student.py:backward"),
        )
    path, name = Path(found["path"]), found["name"] or PASS
    texts = parse_assignments(at, "--at")
    own = (
        None
        if FILE.fullmatch(against)
        else {
            *free_names(against),
            *(each for rest in parse_assignments(let, "--let").values() for each in free_names(rest)),
        }
    )
    extra = {each: parse_value(text) for each, text in texts.items() if own is not None and each not in own}
    given = [f"{each}={text}" for each, text in texts.items() if each not in extra]
    if not path.is_file():
        raise CommandError(translate(N_("there is no file {path}"), path=path))
    try:
        problem = load(against, given, shape, seed, wrt, let)
    except CommandError as error:
        # What the student's own file lacks is said first: it is the nearer mistake.
        known = functions(path)
        if known is not None and name not in known[0] and name not in known[1]:
            raise CommandError(
                translate(N_("{path} has no function {name}"), path=path, name=name),
                translate(N_("it has {known}"), known=", ".join(known[0])) if known[0] else None,
            ) from None
        raise _with_shapes(error, against, texts, shape) from None
    output, moved = in_float64(problem.output, list(problem.leaves.values()))
    problem = replace(problem, output=output, leaves=dict(zip(problem.leaves, moved, strict=False)))  # type: ignore[arg-type]
    whole = any(
        parse_value(text).dtype.kind in "iu"
        for each, text in texts.items()
        if each not in extra and problem.leaves[each].dtype.kind == "f"
    )
    sizes = [
        f"{each}={','.join(str(int(size)) for size in leaf.shape)}"
        for each, leaf in problem.leaves.items()
        if leaf.shape
    ]
    loss = {"target": against, "shape": sizes, "seed": seed, "let": list(let)}
    return Homework(path, name, problem, output, seconds, loss, extra, whole, {})


def functions(path: Path) -> tuple[list[str], list[str]] | None:
    """What a Python file defines and what it imports at its top level, found without running it; None when that cannot be told."""
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except (OSError, SyntaxError, ValueError):
        return None
    found: list[str] = []
    imported: list[str] = []
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            found.append(node.name)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            names = [each.asname or each.name.partition(".")[0] for each in node.names]
            if "*" in names:
                return None
            imported += names
        elif isinstance(node, (ast.If, ast.Try, ast.With, ast.For, ast.While)):
            return None  # it may bind anything; running the file will tell
        elif isinstance(node, ast.Assign):
            found += [each.id for each in node.targets if isinstance(each, ast.Name)]
    return found, imported


def _with_shapes(error: CommandError, against: str, at: Mapping[str, str], shape: Sequence[str]) -> CommandError:
    """The error, and which shapes nobody gave: without one, a name is a single number."""
    given = {*at, *parse_shapes(shape)[0]}
    lacking = [name for name in _asked_for(against) if name not in given]
    # Errors of ours that a shape may cure: those of an op, in the user's file or in the expression; no typing errors.
    of_an_op = re.search(r"\.py:\d+: (?!\w+Error: )", error.message) if FILE.fullmatch(against) else error.hint is None
    if not lacking or not of_an_op:
        return error
    error.hint = translate(
        N_(
            "no shape was given for {names}, so each is a single number; write one for every array, for example {example}"
        ),
        names=", ".join(lacking),
        example=f"--shape {lacking[0]}=5,3",
    )
    return error


def _asked_for(against: str) -> list[str]:
    """The leaves of what is compared with: the parameters of a function, the names of an expression."""
    found = FILE.fullmatch(against)
    if not found:
        return list(free_names(against))
    try:
        tree = ast.parse(Path(found["path"]).read_text(encoding="utf-8"))
    except (OSError, SyntaxError, ValueError):
        return []
    wanted = (found["name"] or "").split(".")[-1]
    defined = [node for node in tree.body if isinstance(node, ast.FunctionDef) and wanted in ("", node.name)]
    return [each.arg for each in (*defined[0].args.posonlyargs, *defined[0].args.args)] if len(defined) == 1 else []


def _asked(work: Homework, seed: int) -> tuple[list[Point], list[Answer]]:
    """Run the student's function; what it asks for beyond the leaves is found out from its own complaint."""
    for _ in range(3):
        tried = _points(work, seed)
        try:
            return tried, run_student(
                work.path,
                work.name,
                [_arguments(work, point) for point in tried],
                work.seconds,
                work.function,
                work.loss,
            )
        except MissingArguments as error:
            if not _understood(work, error):
                raise
    raise CommandError(translate(N_("{function} cannot be called"), function=f"{work.path}:{work.name}"))


def _points(work: Homework, seed: int) -> list[Point]:
    """The given point, drawn ones, and one of whole numbers last."""
    from ..autograd.graph import order
    from ..autograd.node import Leaf
    from ..autograd.symbolic.givens import friendly
    from ..autograd.symbolic.mistakes.points import Point, points
    from ..autograd.symbolic.verify import simplex_leaves

    leaves = tuple(node for node in order(work.output) if isinstance(node, Leaf) and node.role != "constant")
    givens = friendly(work.output, leaves, seed)
    drawn = [point for point in points(work.output, leaves, givens, seed) if point.kind in ("given", "generic")]
    chosen = drawn[:1] + drawn[1 :: max(1, (len(drawn) - 1) // POINTS)][:POINTS]
    if simplex_leaves(work.output) or not any(leaf.dtype.kind == "f" for leaf in leaves):
        return chosen
    return [*chosen, Point(_rounded(givens, leaves, work.whole), "whole")]


def _rounded(givens: Mapping[Leaf, np.ndarray], leaves: Sequence[Leaf], whole: bool) -> dict[Leaf, np.ndarray]:
    """Whole numbers in whole-number arrays: the user's own when they are whole, else drawn ones."""
    import numpy as np

    rng = np.random.default_rng(3)
    own = whole and all(np.array_equal(value, np.round(value)) for value in givens.values())
    return {
        leaf: np.asarray(givens[leaf] if own else rng.choice([-3, -2, -1, 1, 2, 3], leaf.shape)).astype(np.int64)
        for leaf in leaves
    }


def _arguments(work: Homework, point: Point) -> dict[str, np.ndarray]:
    import numpy as np

    by_leaf = {leaf: name for name, leaf in work.problem.leaves.items()}
    values = {by_leaf.get(leaf) or leaf._name: np.asarray(value) for leaf, value in point.values.items()}
    for parameter, leaf_name in work.renamed.items():
        values[parameter] = values[leaf_name]
    return {**{str(name): value for name, value in values.items()}, **work.extra}


def _understood(work: Homework, error: MissingArguments) -> bool:
    """Whether what is missing can be supplied: the gradient from above, the loss as a function, or leaves by other names."""
    from ..autograd.leaves import input as leaf
    from ..autograd.ops.linear import sum as total

    names = list(work.problem.leaves)
    given = [name for name in error.wanted if name in names or name in work.extra]
    missing = [name for name in error.missing if name != work.upstream]
    if len(missing) == 1 and given and work.output.shape and not work.upstream:
        work.upstream = missing[0]
        arriving = leaf(missing[0], shape=work.output.shape)
        work.problem.leaves[missing[0]] = arriving
        work.output = total(work.output * arriving)
        return True
    if len(missing) == 1 and given and not work.output.shape and not work.function:
        work.function = missing[0]
        return True
    if not given and len(missing) == len(names) and not work.renamed:
        work.renamed = dict(zip(missing, names, strict=False))
        return True
    return False
