"""What the leaves of a user's own graph are called: by their names, and where several have the same, by their place as well."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..autograd.node import Leaf, Node


def by_name(leaves: Iterable[Leaf], taken: Container[str] = ()) -> dict[str, Leaf]:
    """Named leaves that are no constants. One whose name others have, too, or that is `taken`, has as much of its scope before
    it as tells them apart: layer1/W and layer2/W; the whole of it and a number where even that is the same."""
    named = [(leaf.name, leaf) for leaf in leaves if leaf.role != "constant" and leaf.name]
    paths = [[*leaf.scope.split("/"), name] if leaf.scope else [name] for name, leaf in named]
    called = ["/".join(path[-1:]) for path in paths]
    for length in range(2, max(map(len, paths), default=0) + 1):
        count = Counter(called)
        called = ["/".join(path[-length:]) if count[name] > 1 or name in taken else name for name, path in zip(called, paths, strict=True)]
    count, found = Counter(called), {}
    for name, (_, leaf) in zip(called, named, strict=True):
        number = sum(each.startswith(f"{name} (") for each in found) + 1
        found[f"{name} ({number})" if count[name] > 1 or name in taken else name] = leaf
    return found


def meant(name: str, known: Mapping[str, Node]) -> list[str]:
    """The names that a name can mean: itself, else those whose scope and name end with it."""
    if name in known:
        return [name]
    return [each for each, node in known.items() if f"/{node.scope}/{node.name}".endswith(f"/{name}")]
