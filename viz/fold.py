"""Which nodes disappear into one box: by depth of scope, by a pattern on scope names, by a function, or so far that
the picture fits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from ..autograd.node import Node
from .opened import STEP
from .sheet import homes

Fold = int | str | bool | Callable[[str], bool] | None
REPEATS = 3  # from this many equal blocks in a row on, they are drawn as one
CHUNKS = 40  # boxes of a summary of a graph that has no scopes


@dataclass
class Folding:
    """node -> the folded scope it disappears into; that scope -> (title, how many alike)."""

    owner: dict[Node, str] = field(default_factory=dict)
    titles: dict[str, tuple[str, int]] = field(default_factory=dict)


def folding(nodes: Sequence[Node], fold: Fold) -> Folding:
    """What a wish folds. None and False fold nothing; an int is a depth; a text is a pattern such as `encoder/*`; a
    function says yes per scope."""
    if fold is None or fold is False:
        return Folding()
    home = homes(list(nodes))
    chosen: dict[str, str | None] = {}

    def owner_of(scope: str) -> str | None:
        if scope not in chosen:
            parts = scope.split("/") if scope else []
            prefixes = ["/".join(parts[: k + 1]) for k in range(len(parts))]
            chosen[scope] = next((prefix for k, prefix in enumerate(prefixes) if _wanted(fold, prefix, k)), None)
        return chosen[scope]

    found = Folding()
    for node in nodes:
        if node.is_leaf and node.role == "input":
            continue
        scope = owner_of(home[node])
        if scope is not None:
            found.owner[node] = scope
            found.titles[scope] = (scope.split("/")[-1], 1)
    return _shared(nodes, found)


def _shared(nodes: Sequence[Node], found: Folding) -> Folding:
    """The parameters that all steps of an unrolled loop read become one box, lest each send an arrow to every step."""
    readers: dict[Node, set[str]] = {}
    for node in nodes:
        owner = found.owner.get(node, "")
        if owner.rpartition("/")[2].startswith(STEP):
            for source in node.inputs:
                readers.setdefault(source, set()).add(owner)
    alike = [leaf for leaf in nodes if leaf.is_leaf and leaf.role == "parameter" and len(readers.get(leaf, ())) > 1]
    if len(alike) > 1:
        title = ", ".join(str(leaf.name or "θ").split("/")[-1] for leaf in alike[:6]) + (" …" if len(alike) > 6 else "")
        found.owner |= dict.fromkeys(alike, title)
        found.titles[title] = (title, 1)
    return found


def _wanted(fold: Fold, scope: str, depth: int) -> bool:
    if callable(fold):
        return bool(fold(scope))
    if isinstance(fold, str):
        return fnmatchcase(scope, fold)
    return depth >= int(fold or 0)


def depth(nodes: Sequence[Node]) -> int:
    """How deep scopes are nested."""
    return max((len(node.scope.split("/")) for node in nodes if node.scope), default=0)


def with_repeats(nodes: Sequence[Node], found: Folding) -> Folding:
    """Rows of folded blocks with the same inside, each fed by the one before, become one box that says how many."""
    inside: dict[str, list[Node]] = {}
    for node in nodes:
        if node in found.owner:
            inside.setdefault(found.owner[node], []).append(node)
    prints = {scope: structure(members) for scope, members in inside.items()}
    feeds: dict[str, set[str]] = {}
    for node in nodes:
        for source in node.inputs:
            a, b = found.owner.get(source), found.owner.get(node)
            if a is not None and b is not None and a != b:
                feeds.setdefault(a, set()).add(b)
    order = list(inside)  # by first node, so a row of blocks stands in run order
    rows: list[list[str]] = []
    for scope in order:
        before = rows[-1][-1] if rows else None
        same = (
            before is not None
            and before.rpartition("/")[0] == scope.rpartition("/")[0]
            and prints[before] == prints[scope]
            and not scope.rpartition("/")[2].startswith(STEP)
        )
        if same and scope in feeds.get(before or "", ()):
            rows[-1].append(scope)
        else:
            rows.append([scope])
    result = Folding(dict(found.owner), dict(found.titles))
    for row in rows:
        if len(row) < REPEATS:
            continue
        first, last = row[0].split("/")[-1], row[-1].split("/")[-1]
        result.titles[row[0]] = (f"{first} … {last}", len(row))
        members = set(row)
        for node, scope in found.owner.items():
            if scope in members:
                result.owner[node] = row[0]
    return result


def structure(members: Sequence[Node]) -> tuple[object, ...]:
    """What makes two blocks equal: the same ops on the same shapes, wired in the same way; names and values do not
    count."""
    place = {node: k for k, node in enumerate(members)}
    outside: dict[Node, int] = {}
    rows = []
    for node in members:
        wires = tuple(
            place[source] if source in place else -1 - outside.setdefault(source, len(outside))
            for source in node.inputs
        )
        what = node.role if node.is_leaf else node.op.name
        params = repr(
            sorted(
                (name, str(value))
                for name, value in node.params.items()
                if isinstance(value, (int, float, str, bool, tuple, type(None)))
            )
        )
        rows.append(
            (what, params, tuple(map(int, node.shape)) if isinstance(node.shape, tuple) else str(node.shape), wires)
        )
    return tuple(rows)


def chunks(nodes: Sequence[Node]) -> Folding:
    """For a large graph without scopes: neighbors in run order share a box, so that about `CHUNKS` boxes are left."""
    from .labels_of import sign

    computed = [node for node in nodes if not (node.is_leaf and node.role in ("input", "parameter", "state"))]
    found = Folding()
    size = max(2, -(-len(computed) // CHUNKS))
    for k in range(0, len(computed), size):
        part = computed[k : k + size]
        if len(part) > 1:
            signs = list(dict.fromkeys(sign(node) for node in part if not node.is_leaf))
            name = f"part {k // size + 1}"
            for node in part:
                found.owner[node] = name
            found.titles[name] = (" ".join(signs[:3]) + (" …" if len(signs) > 3 else ""), 1)
    leaves = [node for node in nodes if node.is_leaf and node.role in ("input", "parameter", "state")]
    if len(leaves) > CHUNKS:
        for role in ("input", "parameter", "state"):
            alike = [leaf for leaf in leaves if leaf.role == role]
            if len(alike) > 6:
                name = f"{len(alike)} × {role}"
                found.owner |= dict.fromkeys(alike, name)
                found.titles[name] = (name, 1)
    return found


def options(nodes: Sequence[Node]) -> list[Folding]:
    """Foldings from none to the coarsest; a view takes the first that fits its budget."""
    if len(nodes) > 5000:
        finest: list[Folding] = []
    else:
        finest = [Folding()]
    deepest = depth(nodes)
    by_depth = [folding(nodes, level) for level in range(deepest - 1, -1, -1)]
    return [*finest, *(with_repeats(nodes, each) for each in by_depth), chunks(nodes)]
