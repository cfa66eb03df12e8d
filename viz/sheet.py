"""A sheet on which boxes of a graph are laid down: it knows names, scopes and folding; views decide what to lay."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ..autograd.node import Node
from .drawing import Arrow, Box, Group
from .labels_of import exchangeable, inlined, kind_of, leaf_label, picked, shape_of, sign

LONGEST_LABEL = 28


@dataclass
class Sheet:
    """Boxes, arrows and groups so far. `owner` says which folded scope a node disappears into, if any."""

    names: Mapping[Node, str]
    owner: Mapping[Node, str] = field(default_factory=dict)
    titles: Mapping[str, tuple[str, int]] = field(default_factory=dict)  # folded scope -> its title, how many alike
    boxes: dict[str, Box] = field(default_factory=dict)
    arrows: dict[tuple[str, str, str, int], Arrow] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    stand_in: dict[Node, Node] = field(default_factory=dict)  # what picks a result of an opened loop -> its maker
    every_saved: bool = False  # dashed lines also to boxes that say in words what they need

    def key(self, node: Node) -> str:
        """The id of the box a node is drawn in."""
        node = picked(self.stand_in.get(node, node))
        folded = self.owner.get(node)
        return f"m:{folded}" if folded is not None else f"n{node.serial}"

    def frame(self, scope: str, part: str = "forward", titled: Mapping[str, str] | None = None) -> str:
        """The id of the frame of a scope path, made with all frames around it; with `titled`, inside the half of that
        title."""
        outer = ""
        if titled is not None:
            outer = f"half-{part}"
            self.groups.setdefault(outer, Group(outer, titled[part], part=part))
        for k, _ in enumerate(scope.split("/") if scope else []):
            path = "/".join(scope.split("/")[: k + 1])
            name = f"{part}:{path}"
            if name not in self.groups:
                title = path.split("/")[-1] + (" ∇" if part == "backward" else "")
                self.groups[name] = Group(name, title, outer, part)
            outer = name
        return outer

    def add(self, box: Box) -> None:
        """Lays a box down once."""
        self.boxes.setdefault(box.id, box)

    def link(
        self, source: str, target: str, style: str = "flow", label: str = "", order: int = 0, note: str = "", nth: int = 0,
        kept: int = 0,
    ) -> None:
        """An arrow between two boxes; within one folded box there is none, and the same arrow is drawn once: in a · a,
        `nth` tells the second use from the first."""
        if source != target:
            key = (source, target, style, order or -nth)
            self.arrows.setdefault(key, Arrow(source, target, style, label, order, note=note, kept=kept))


def forward_sheet(
    nodes: Iterable[Node], sheet: Sheet, titled: Mapping[str, str] | None = None, shapes: bool = True
) -> None:
    """Lays the forward graph: a box per node or folded scope, arrows with shapes and, where it matters, operand
    numbers."""
    hidden = inlined(nodes)
    nodes = [node for node in nodes if node not in hidden]
    home = homes(nodes)
    used = {source for node in nodes for source in node.inputs}
    members: dict[str, list[Node]] = {}
    for node in nodes:
        if (folded := sheet.owner.get(node)) is not None:
            members.setdefault(folded, []).append(node)
    for node in nodes:
        if picked(node) is not node or node in sheet.stand_in:
            continue
        folded = sheet.owner.get(node)
        if folded is not None:
            if sheet.key(node) not in sheet.boxes:
                title, times = sheet.titles[folded]
                outer, inside = "/".join(folded.split("/")[:-1]), members[folded]
                sheet.add(
                    Box(
                        sheet.key(node),
                        (title,),
                        "module",
                        folded_detail(inside, times),
                        group=sheet.frame(outer, titled=titled),
                        times=times,
                        note="\n".join([folded, *(sign(each) for each in inside if not each.is_leaf)][:12]),
                    )
                )
            continue
        scope = home[node]
        if node.is_leaf:
            label = without_scope(leaf_label(node), scope)
            sheet.add(
                Box(
                    sheet.key(node),
                    (short(label),),
                    kind_of(node),
                    shape_of(node),
                    group=sheet.frame(scope, titled=titled),
                    note=note_of(node, sheet),
                )
            )
        else:
            detail = sheet.names.get(node, node.name) if node.name is not None else repeats(node)
            if node not in used and shape_of(node):
                detail = f"{detail}  {shape_of(node)}".strip()
            sheet.add(
                Box(
                    sheet.key(node),
                    (short(sign(node)),),
                    kind_of(node),
                    short(detail),
                    group=sheet.frame(scope, titled=titled),
                    note=note_of(node, sheet),
                )
            )
    for node in nodes:
        if picked(node) is not node or node in sheet.stand_in:
            continue
        numbered = sheet.owner.get(node) is None and not hidden.intersection(node.inputs) and exchangeable(node)
        for position, source in enumerate(node.inputs):
            if source in hidden:
                continue
            here = sheet.owner.get(source)
            label = shape_of(source) if shapes and not source.is_leaf else ""
            if picked(source) is not source or (here is not None and not source.is_leaf):
                label = " ".join(part for part in (source.name or "", label) if part)
            sheet.link(
                sheet.key(source),
                sheet.key(node),
                "flow",
                label,
                position + 1 if numbered else 0,
                note_of(source, sheet),
                node.inputs[:position].count(source) if folded_apart(sheet, source, node) else 0,
            )


def folded_apart(sheet: Sheet, source: Node, node: Node) -> bool:
    """Whether both ends of an arrow have boxes of their own."""
    return sheet.owner.get(source) is None and sheet.owner.get(node) is None


def repeats(node: Node) -> str:
    """How often a node that holds a graph runs it."""
    length = node.params.get("length")
    return (
        f"×{length}"
        if isinstance(length, int) and any(hasattr(value, "outputs") for value in node.params.values())
        else ""
    )


def note_of(node: Node, sheet: Sheet) -> str:
    """What shows when one points at a node: its name, sign and shape."""
    name = sheet.names.get(node, "")
    said = [name, sign(node) if not node.is_leaf else "", shape_of(node), str(node.dtype)]
    return "  ".join(part for part in said if part)


def folded_detail(inside: list[Node], times: int) -> str:
    """The small line of a folded box: how many parameters, how many operations, or which one."""
    numbers = sum(node.size for node in inside if node.role == "parameter")
    computed = [node for node in inside if not node.is_leaf]
    alone = computed[0].op.name if len(computed) == 1 and computed[0].op else ""
    each = f"{numbers:,} θ".replace(",", " ") if numbers else alone or f"{len(computed)} ops"
    return f"×{times}  {each}" if times > 1 else each


def homes(nodes: list[Node]) -> dict[Node, str]:
    """The scope each node is drawn in: its own; a leaf made outside moves in where all its users live."""
    found = {node: node.scope for node in nodes}
    users: dict[Node, set[str]] = {}
    for node in nodes:
        for source in node.inputs:
            users.setdefault(source, set()).add(found[node])
    for node in nodes:
        if node.is_leaf and node.role != "input" and users.get(node):
            common = common_scope(users[node])
            if common.startswith(found[node]) or len(users[node]) == 1:
                found[node] = common
    return found


def common_scope(scopes: Iterable[str]) -> str:
    """The deepest scope around all of these.

    >>> common_scope(["a/b/c", "a/b", "a/b/d"])
    'a/b'
    """
    paths = [scope.split("/") if scope else [] for scope in scopes]
    shared = []
    for parts in zip(*paths, strict=False):
        if len(set(parts)) > 1:
            break
        shared.append(parts[0])
    return "/".join(shared)


def without_scope(name: str, scope: str) -> str:
    """A parameter's path without the part its frame already says.

    >>> without_scope("mlp/layer1/W", "mlp/layer1")
    'W'
    """
    return name[len(scope) + 1 :] if scope and name.startswith(scope + "/") else name


def short(text: str) -> str:
    """A label cut in the middle when it is too long for a box."""
    from .measure import shortened

    return shortened(text, LONGEST_LABEL)
