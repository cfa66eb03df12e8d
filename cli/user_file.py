"""A Python file the user names on purpose is run, and a function or node in it becomes a problem."""

from __future__ import annotations

import importlib.util
import inspect
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from ..autograd.language import N_, translate
from .errors import CommandError
from .parse import nearest

if TYPE_CHECKING:
    from ..autograd.node import Node
    from .problem import Given, Problem


def load_file(path: Path, name: str | None, given: Given) -> Problem:
    """The problem that `FILE.py:NAME` means: a node as it is, a function called with leaves named as its parameters; of
    a compiled step its first output."""
    from ..autograd.executable import Executable
    from ..autograd.graph import leaves
    from ..autograd.node import Leaf, Node
    from .problem import Problem, bind

    from .leaf_names import by_name

    module = run_file(path)
    target = find(module, path, name)
    text = f"{path}:{name}"
    compiled = target if isinstance(target, Executable) else None
    if compiled is not None:
        target = compiled.outputs[0]
    if isinstance(target, Node):
        known = by_name(leaf for leaf in leaves(target) if isinstance(leaf, Leaf))
        given.unused(known)
        for leaf_name, array in given.values.items():
            known[leaf_name].value = array
        return Problem(text, target, known, seed=given.seed, compiled=compiled)
    network = is_network(target)
    parameters = inspect.signature(target.forward if hasattr(target, "forward") else target).parameters.values()
    wanted = [each.name for each in parameters if _is_wanted(each, given)]
    if network and not all(map(given.speaks_of, wanted)):
        example = " ".join(f"--shape {each}=8,{max(_columns(target), 1)}" for each in wanted)
        raise CommandError(
            translate(N_("{target} is a network: say what comes into it"), target=text),
            translate(N_("for example {example}; or name a function of the file that gives the loss"), example=example),
        )
    defaults = {
        each.name: each.default for each in parameters if each.name in wanted and each.default is not each.empty
    }

    def build(arguments: Any) -> tuple[Node]:
        with users_errors(path):
            output = target(*arguments.values()) if network else target(**arguments)
        if not isinstance(output, Node):
            raise CommandError(
                translate(N_("{target} returns {kind}, not a node"), target=text, kind=type(output).__name__)
            )
        return (output,)

    found, (output,) = bind(wanted, given, build, defaults)
    if given.sizes:
        _same_in_other_sizes(text, output, bind(wanted, given.resized(), build, defaults)[1][0])
    own = {id(leaf) for leaf in found.values()}
    others = by_name((leaf for leaf in leaves(output) if id(leaf) not in own), found)
    given.unused([*found, *others])
    for leaf_name in others.keys() & given.values.keys():
        others[leaf_name].value = given.values[leaf_name]
    return Problem(text, output, {**found, **others}, seed=given.seed, network=network)


def is_network(target: Any) -> bool:
    """Whether a thing of a user's file is a network, which is called with what comes in."""
    from ..autograd.of_network import Network

    return isinstance(target, Network) and not isinstance(target, type)


def _columns(network: Any) -> int:
    """How many columns a network seems to take: the rows of its first matrix."""
    return next((int(leaf.shape[0]) for leaf in network.parameters().values() if len(leaf.shape) == 2), 0)


def run_file(path: Path) -> ModuleType:
    """The module that running the file gives; CommandError, naming the line, when it fails."""
    if not path.is_file():
        raise CommandError(translate(N_("there is no file {path}"), path=path))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(path.resolve().parent))
    try:
        with users_errors(path):
            spec.loader.exec_module(module)
    finally:
        sys.path.pop(0)
    return module


def find(module: ModuleType, path: Path, name: str | None) -> Any:
    """What `NAME` is in the file; without a name the only function that is defined there."""
    from ..autograd.node import Node

    usable = {
        key: value
        for key, value in vars(module).items()
        if not key.startswith("_")
        and (isinstance(value, Node) or is_network(value) or (inspect.isfunction(value) and value.__module__ == module.__name__))
    }
    if name is None:
        functions = [key for key, value in usable.items() if inspect.isfunction(value)]
        if len(functions) != 1:
            raise CommandError(
                translate(N_("say which function or node of {path} you mean"), path=path),
                translate(N_("there are {known}"), known=", ".join(f"{path}:{key}" for key in usable))
                if usable
                else None,
            )
        name = functions[0]
    target: Any = module
    for part in name.split("."):
        if not hasattr(target, part):
            meant = nearest(part, usable)
            raise CommandError(
                translate(N_("{path} has no {name}"), path=path, name=name),
                translate(N_("did you mean {meant}?"), meant=f"{path}:{meant}") if meant else None,
            )
        target = getattr(target, part)
    if not isinstance(target, Node) and not callable(target):
        raise CommandError(
            translate(
                N_("{target} is {kind}, neither a function nor a node"),
                target=f"{path}:{name}",
                kind=type(target).__name__,
            )
        )
    return target


@contextmanager
def users_errors(path: Path) -> Iterator[None]:
    """What goes wrong inside the user's own file is said with its line."""
    from ..autograd.errors import NngraphError

    try:
        yield
    except CommandError:
        raise
    except SyntaxError as error:
        raise CommandError(f"{error.filename}:{error.lineno}: SyntaxError: {error.msg}") from error
    except (Exception, SystemExit) as error:
        lines = [
            frame
            for frame in traceback.extract_tb(error.__traceback__)
            if Path(frame.filename) == path or Path(frame.filename) == path.resolve()
        ]
        place = f"{path}:{lines[-1].lineno}: " if lines else f"{path}: "
        kind = "" if isinstance(error, NngraphError) else f"{type(error).__name__}: "
        raise CommandError(f"{place}{kind}{error}", lines[-1].line if lines else None) from error


def _is_wanted(parameter: inspect.Parameter, given: Given) -> bool:
    """Whether a parameter becomes a leaf: all without a default, and those whose default is a float or an array."""
    import numpy as np

    if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
        return False
    if parameter.default is parameter.empty or parameter.name in given.values or parameter.name in given.shapes:
        return True
    return isinstance(parameter.default, (float, np.ndarray, list))


def _same_in_other_sizes(text: str, one: Node, other: Node) -> None:
    """CommandError when a function builds another graph for other sizes: its derivation would hold for one size only."""
    from ..autograd.graph import order

    def structure(output: Node) -> list[Any]:
        nodes = order(output)
        place = {node: number for number, node in enumerate(nodes)}
        return [(getattr(node.op, "name", node.role), [place[source] for source in node.inputs]) for node in nodes]

    if structure(one) != structure(other):
        raise CommandError(
            translate(N_("{target} builds another graph for other sizes"), target=text),
            translate(N_("give the sizes as numbers")),
        )
