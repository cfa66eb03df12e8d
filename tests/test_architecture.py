"""The shape of the house, read from the source: who imports whom, what is imported when, and what nobody may do."""

import ast
import tomllib
from functools import cache
from pathlib import Path

import pytest

from nngraph.autograd import ops as _declared  # noqa: F401  (fills the table)
from nngraph.autograd.op import OPS

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("autograd", "nets", "viz", "cli")
SOURCES = sorted([*ROOT.glob("*.py"), *(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))])
# A rung may stand on its own rung and on those before it, also through modules that are on no rung.
RUNGS = {
    "errors": 0,
    "node": 1,
    "graph": 2,
    "op": 3,
    "ops": 4,
    "differentiate": 5,
    "rewrite": 5,
    "engines": 5,
    "symbolic": 5,
    "check": 6,
}
HEAVY = {"sympy", "numba", "llvmlite", "networkx", "graphviz", "pygraphviz", "matplotlib", "sklearn", "scipy"}
NETWORK = {"socket", "urllib", "http", "requests", "httpx", "ftplib", "smtplib"}
UNSAFE_MODULES = {"pickle", "cPickle", "dill", "marshal", "shelve"}
UNSAFE_CALLS = {"eval", "exec", "__import__", "sympify", "parse_expr", "parse_latex"}


@cache
def tree(path):
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def name_of(path):
    """`autograd.ops.linear` for autograd/ops/linear.py, `autograd.ops` for its __init__."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(path): path for path in SOURCES}


def imports(path, only_at_start=False):
    """Every module a file imports, at the top or inside a function; inside `if TYPE_CHECKING` nothing is imported."""
    package = path.relative_to(ROOT).parent.parts
    source = tree(path)
    skipped = {
        (inner.lineno, inner.col_offset)
        for node in ast.walk(source)
        if (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test))
        or (only_at_start and isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)))
        for part in (node.body if isinstance(node.body, list) else [node.body])
        for inner in ast.walk(part)
        if isinstance(inner, (ast.Import, ast.ImportFrom))
    }
    for node in ast.walk(source):
        if not isinstance(node, (ast.Import, ast.ImportFrom)) or (node.lineno, node.col_offset) in skipped:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif node.level == 0:
            yield node.module
        else:
            base = package[: len(package) - node.level + 1]
            module = ".".join([*base, *([node.module] if node.module else [])])
            for alias in node.names:
                inner = f"{module}.{alias.name}" if module else alias.name
                yield inner if inner in MODULES else module


def ours(path):
    """Imports of our own modules only."""
    return {name for name in imports(path) if name in MODULES}


def rung(name):
    parts = name.split(".")
    return RUNGS.get(parts[1]) if parts[0] == "autograd" and len(parts) > 1 else None


def test_the_engine_stands_on_the_rungs_below():
    direct = {name: ours(path) for name, path in MODULES.items()}
    wrong = []
    for name in MODULES:
        if (mine := rung(name)) is None:
            continue
        seen, waiting = {name}, [name]
        while waiting:
            for other in direct[waiting.pop()]:
                # The package's own __init__ joins all rungs for the user and is nobody's foundation.
                if other in seen or other == "autograd":
                    continue
                seen.add(other)
                # What stands on a rung answers for its own imports; only modules on no rung are looked through.
                if (theirs := rung(other)) is None:
                    waiting.append(other)
                elif theirs > mine:
                    wrong.append(f"{name} imports {other}")
    assert not wrong


@pytest.mark.parametrize(
    ("folder", "forbidden"), [("autograd", {"nets", "viz", "cli"}), ("nets", {"viz", "cli"}), ("viz", {"nets", "cli"})]
)
def test_folders_know_only_what_is_below(folder, forbidden):
    wrong = [
        f"{name} imports {other}"
        for name, path in MODULES.items()
        if name.split(".")[0] == folder
        for other in ours(path)
        if other.split(".")[0] in forbidden
    ]
    assert not wrong


def test_imports_inside_the_package_are_relative():
    wrong = [f"{name} imports {other}" for name, path in MODULES.items() for other in imports(path) if other and other.split(".")[0] in ("nngraph", *FOLDERS) and other not in MODULES]  # fmt: skip
    absolute = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in SOURCES
        for node in ast.walk(tree(path))
        if (isinstance(node, ast.ImportFrom) and node.level == 0 and node.module.split(".")[0] in ("nngraph", *FOLDERS))
        or (
            isinstance(node, ast.Import)
            and any(alias.name.split(".")[0] in ("nngraph", *FOLDERS) for alias in node.names)
        )
    ]
    assert not wrong
    assert not absolute


def test_heavy_packages_are_imported_where_they_are_used():
    # Kernels are numba functions, and estimators have a base class of scikit-learn's: their modules are themselves imported
    # only where they are used.
    wrong = [f"{name} imports {other} at the top" for name, path in MODULES.items() if not name.startswith(("autograd.kernels", "nets.estimators")) for other in imports(path, only_at_start=True) if other.split(".")[0] in HEAVY]  # fmt: skip
    assert not wrong


def test_the_terminal_library_stays_at_the_edge():
    wrong = [f"{name} imports {other}" for name, path in MODULES.items() for other in imports(path) if other.split(".")[0] in ("rich", "typer") and name.split(".")[0] != "cli" and name != "nets.progress"]  # fmt: skip
    assert not wrong


def test_nothing_unsafe_and_no_network():
    wrong = []
    for name, path in MODULES.items():
        wrong += [
            f"{name} imports {other}" for other in imports(path) if other.split(".")[0] in UNSAFE_MODULES | NETWORK
        ]
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Call):
                called = (
                    node.func.id
                    if isinstance(node.func, ast.Name)
                    else node.func.attr
                    if isinstance(node.func, ast.Attribute)
                    else ""
                )
                pickles = [
                    word
                    for word in node.keywords
                    if word.arg == "allow_pickle"
                    and not (isinstance(word.value, ast.Constant) and word.value.value is False)
                ]
                if (
                    called in UNSAFE_CALLS and not (isinstance(node.func, ast.Attribute) and called in ("eval", "exec"))
                ) or pickles:
                    wrong.append(f"{path.relative_to(ROOT)}:{node.lineno} calls {called}")
    assert not wrong


def test_pictures_and_engines_know_no_op_by_name():
    """Colors, shapes and kernels follow from what an op declares; a name in a comparison or a table would be a second list of ops.

    A table of the compiled engine may be keyed by kernel families, which is what an op's `kernel` field says.
    """
    families = {op.kernel for op in OPS.values() if op.kernel}
    wrong = []
    for name, path in MODULES.items():
        if not name.startswith(("viz", "autograd.engines")):
            continue
        for node in ast.walk(tree(path)):
            compared = []
            if isinstance(node, ast.Compare) and any(
                "op" in part or "name" in part
                for part in (ast.unparse(side) for side in (node.left, *node.comparators))
            ):
                compared = [inner for side in (node.left, *node.comparators) for inner in ast.walk(side)]
            elif isinstance(node, ast.Dict):
                compared = [key for key in node.keys if key is not None]
                names = [key.value for key in compared if isinstance(key, ast.Constant) and key.value in OPS]
                by_family = name.startswith("autograd.engines.compiled") and all(key in families for key in names)
                compared = compared if len(names) > 2 and not by_family else []
            elif isinstance(node, ast.MatchValue):
                compared = [node.value]
            wrong += [
                f"{path.relative_to(ROOT)}:{node.lineno} {part.value}"
                for part in compared
                if isinstance(part, ast.Constant) and isinstance(part.value, str) and part.value in OPS
            ]
    assert not wrong


def test_the_root_holds_only_the_public_face():
    assert {path.name for path in ROOT.glob("*.py")} == {"__init__.py", "__main__.py"}


def test_the_package_list_is_the_folders():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    folders = {
        "nngraph",
        *("nngraph." + name_of(path) for folder in FOLDERS for path in (ROOT / folder).rglob("__init__.py")),
    }
    assert set(settings["tool"]["setuptools"]["packages"]) == folders
    # A module in a folder without __init__.py would be left out of every installation.
    assert not [path for path in SOURCES if not (path.parent / "__init__.py").exists()]


def test_every_data_file_is_shipped():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    shipped = {path for package, patterns in settings["tool"]["setuptools"]["package-data"].items() for pattern in patterns for path in (ROOT / Path(*package.split(".")[1:])).glob(pattern)}  # fmt: skip
    data = {
        path
        for folder in FOLDERS
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and path.suffix not in (".py", ".pyc", ".md")
    }
    assert data <= shipped, sorted(str(path.relative_to(ROOT)) for path in data - shipped)


def test_files_say_what_they_are_for():
    assert not [
        str(path.relative_to(ROOT)) for path in SOURCES if tree(path).body and not ast.get_docstring(tree(path))
    ]
