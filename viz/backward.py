"""The backward half of a picture: what reverse mode built, each gradient facing the forward box it belongs to.

`rules` draws one box per local derivative (what a lecture shows), `ops` every operation of the gradient graph.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from ..autograd.differentiate import Backward
from ..autograd.graph import order
from ..autograd.node import Node
from .drawing import Arrow, Box
from .labels_of import leaf_label, order_matters, picked, prime, several, shape_of, sign
from .sheet import Sheet, homes, short, without_scope

MANY_SAVED = 36  # dashed lines; from here on each is replaced by a small copy beside its reader


def lay_backward(
    sheet: Sheet,
    forward: Sequence[Node],
    record: Backward,
    wrt: Sequence[Node],
    titled: Mapping[str, str],
    symbol: str,
    detail: str = "rules",
) -> None:
    """Lays the gradient boxes, the arrows between them, and the dashed arrows of the values they need."""
    ahead = set(forward)
    graph = [node for node in order([record.adjoints[w] for w in wrt]) if node not in ahead]
    here = set(graph)
    origin = record.origin
    within = _give_sums_to_their_node(origin, record, here)
    home = homes(list(forward))
    boundary = {record.seed, *(sent for sent in record.contributions.values()), *record.adjoints.values()}
    inlined = {node for node in graph if node.is_leaf and node.shape == () and node is not record.seed}
    labels, inside = _labels(graph, here, record, boundary, inlined, within, detail, sheet.names)

    def key(node: Node) -> str:
        node = picked(node)
        owner = _owner(node)
        return f"g:{owner}" if owner is not None else f"b{node.serial}"

    def _owner(node: Node) -> str | None:
        source = origin.get(node)
        return sheet.owner.get(source) if source is not None else None

    folded_results: dict[str, list[str]] = {}
    for node in graph:
        if node not in labels:
            continue
        source = origin.get(node, record.output)
        owner = _owner(node)
        if owner is not None:
            title, times = sheet.titles[owner]
            outer = "/".join(owner.split("/")[:-1])
            sheet.add(
                Box(
                    f"g:{owner}",
                    ("∇ " + title,),
                    "module",
                    group=sheet.frame(outer, "backward", titled),
                    part="backward",
                    faces=f"m:{owner}",
                    times=times,
                )
            )
            continue
        scope = home.get(source, "")
        note = "  ".join(part for part in (sheet.names.get(source, ""), labels[node], shape_of(node)) if part)
        kind = "leaf-constant" if node.is_leaf else node.op.kind
        sheet.add(
            Box(
                key(node),
                (short(labels[node]),),
                kind,
                group=sheet.frame(scope, "backward", titled),
                part="backward",
                faces=sheet.key(source),
                result=node is record.seed,
                note=note,
            )
        )
    for node in graph:
        if node not in labels:
            continue
        for member in inside[node]:
            for source in member.inputs:
                if source in inlined or source in inside[node]:
                    continue
                if source in here:
                    sheet.link(key(source), key(node), "gradient", note=shape_of(source))
                elif source in ahead:
                    folded = _owner(node)
                    if not sheet.every_saved and _says_factor(labels[node], node, here, sheet.names):
                        continue  # the box says what it multiplies by: a dashed line would say it twice
                    if folded is None or sheet.owner.get(source) != folded:
                        told = (sheet.names.get(source, ""), shape_of(source), bytes_text(bytes_of(source)))
                        sheet.link(
                            sheet.key(source),
                            key(node),
                            "saved",
                            note="  ".join(filter(None, told)),
                            kept=bytes_of(source),
                        )
    for w in wrt:
        adjoint = record.adjoints[w]
        name = without_scope(leaf_label(w) if w.is_leaf else sheet.names.get(w, sign(w)), home.get(w, ""))
        folded = sheet.owner.get(w)
        if folded is not None:
            folded_results.setdefault(folded, []).append(name)
            if f"g:{folded}" not in sheet.boxes:  # only leaves are folded here
                title, times = sheet.titles[folded]
                frame = sheet.frame("", "backward", titled)
                sheet.add(
                    Box(
                        f"g:{folded}",
                        ("∇ " + title,),
                        "module",
                        group=frame,
                        part="backward",
                        faces=f"m:{folded}",
                        times=times,
                    )
                )
            if adjoint in here:
                sheet.link(key(adjoint), f"g:{folded}", "gradient")
            continue
        label = f"∂{symbol}/∂{name}" if len(name) < 12 else f"∂/∂{name}"
        sheet.add(
            Box(
                f"d{w.serial}",
                (short(label),),
                "leaf-parameter",
                shape_of(w),
                group=sheet.frame(home.get(w, ""), "backward", titled),
                part="backward",
                faces=sheet.key(w),
                result=True,
            )
        )
        if adjoint in here and adjoint not in inlined:
            sheet.link(key(adjoint), f"d{w.serial}", "gradient", note=shape_of(adjoint))
        elif adjoint in ahead:
            sheet.link(sheet.key(adjoint), f"d{w.serial}", "saved")
    for folded, names in folded_results.items():
        box = sheet.boxes.get(f"g:{folded}")
        if box is not None:
            said = ", ".join(f"∂{symbol}/∂{name}" for name in names[:2]) + (" …" if len(names) > 2 else "")
            sheet.boxes[box.id] = replace(box, detail=short(said), result=True)


def made(record: Backward) -> dict[tuple[Node, int], Node]:
    """The contributions that a rule made; one that only passes on what arrived, as a sum does, is no new box."""
    return {place: sent for place, sent in record.contributions.items() if sent is not record.adjoints.get(place[0])}


def _give_sums_to_their_node(origin: dict[Node, Node], record: Backward, here: set[Node]) -> set[Node]:
    """What adds up the gradients of a value used twice belongs to that value, not to the last of its readers.

    The sums within such a sum come back: they need no box of their own. A shared parameter keeps its chain of sums,
    one in
    each frame that uses it.
    """
    within: set[Node] = set()
    sent = {record.seed, *made(record).values()}
    known: set[Node] = set()
    for (
        node,
        adjoint,
    ) in record.adjoints.items():  # from the output on: the first node with this gradient is where it was added up
        waiting = [adjoint]
        while waiting:
            total = waiting.pop()
            if total in here and total not in sent and total not in known and not total.is_leaf:
                known.add(total)
                if not node.is_leaf:
                    origin[total] = node
                    if total is not adjoint:
                        within.add(total)
                waiting += total.inputs
    return within


def bytes_of(node: Node) -> int:
    """How many bytes the value of a node takes; of one that holds several values, all of them."""
    if several(node):
        return 0
    return int(node.size) * node.dtype.itemsize


def bytes_text(count: int) -> str:
    """Bytes as people read them.

    >>> bytes_text(512), bytes_text(65536)
    ('512 B', '64 KiB')
    """
    if not count:
        return ""
    return f"{count} B" if count < 10_000 else f"{count / 1024:.0f} KiB" if count < 10_000_000 else f"{count / 1024**2:.0f} MiB"


def _labels(
    graph: Sequence[Node],
    here: set[Node],
    record: Backward,
    boundary: set[Node],
    inlined: set[Node],
    within: set[Node],
    detail: str,
    names: Mapping[Node, str],
) -> tuple[dict[Node, str], dict[Node, list[Node]]]:
    """Label of each box, keyed by the node it ends in, and the nodes a box stands for."""
    inside: dict[Node, list[Node]] = {}
    labels: dict[Node, str] = {}
    if detail == "ops":
        for node in graph:
            if node not in inlined:
                inside[node], labels[node] = [node], with_constants(node, inlined)
        return labels, inside
    consumer: dict[Node, tuple[Node, int]] = {}
    for (user, position), sent in made(record).items():
        consumer.setdefault(picked(sent), (user, position))
    contributed = {record.seed, *made(record).values()}
    summed = [node for node in graph if node not in contributed and node not in inlined]
    # What lies behind a contribution, up to the next boundary, is one local derivative; what is left adds
    # contributions up.
    behind = {member for sent in contributed if sent in here for member in _behind(sent, here, boundary | inlined)}
    boundary = boundary | {node for node in summed if node not in behind and node not in within}
    boundary |= {node for node in graph if several(node)}  # one box with several results
    for node in graph:
        if node not in boundary or node in inlined or picked(node) is not node:
            continue
        members = inside[node] = _behind(node, here, boundary | inlined)
        reader = consumer.get(node)
        user, position = reader if reader is not None else (record.output, 0)
        main = [member for member in members if member.is_leaf or member.op.kind != "shape"]
        alone = (main if len(members) > 1 else members)[0] if len(main) == 1 or len(members) == 1 else None
        alone = None if alone is not None and alone.is_leaf else alone
        if node is record.seed:
            labels[node] = sign(node)
        elif reader is not None and alone is not None and _general(alone, user):
            labels[node] = _by_operand(user, position, names)
        elif len(members) > 1 and alone is not None:
            labels[node] = with_constants(alone, inlined)  # the rest only turns or stretches it
        elif len(main) > 1 and all(not each.is_leaf and each.op.kind == "reduction" for each in main) and (
            len({sign(each) for each in main}) == 1
        ):
            labels[node] = sign(main[0])  # a sum over some axes, then over others
        elif len(members) == 1 or reader is None:
            labels[node] = (
                with_operands(node, here, names)
                if len(node.inputs) == 2 and "·" in sign(node)
                else " ".join(filter(None, (with_constants(node, inlined), _factor(node, here, names))))
            )
        elif several(node) or sum((user, k) in record.contributions for k in range(len(user.inputs))) == 1:
            labels[node] = prime(sign(user))
        else:
            labels[node] = _by_operand(user, position, names)
    return labels, inside


def _general(node: Node, user: Node) -> bool:
    """Whether a node is a contraction so general that its sign says nothing, made for an op that has a better one."""
    return len(node.inputs) == 2 and user.op.kind == "linear" and sign(node) == "Σ"


def _by_operand(user: Node, position: int, names: Mapping[Node, str]) -> str:
    """Which of several local derivatives of a node this is: `∂★/∂K`."""
    source = user.inputs[position]
    said = leaf_label(source).split("/")[-1] if source.is_leaf else names.get(source, "")
    if said and len(said) <= 8:
        return f"∂{sign(user)}/∂{said}"
    return "∂" + sign(user) + (chr(0x2081 + position) if position < 9 else "")


def _factor(node: Node, here: set[Node], names: Mapping[Node, str]) -> str:
    """What the arriving gradient is multiplied by, when that is one named value: the x in `× x`."""
    if len(node.inputs) != 2 or node.op.notation.style != "infix" or order_matters(node.op):
        return ""
    others = [source for source in node.inputs if source not in here]
    if len(others) != 1 or others[0].shape != ():
        return ""
    said = leaf_label(others[0]) if others[0].is_leaf else names.get(others[0], "")
    return said if len(said) <= 5 else ""


def _says_factor(label: str, node: Node, here: set[Node], names: Mapping[Node, str]) -> bool:
    factor = _factor(node, here, names) if not node.is_leaf else ""
    return bool(factor) and label.endswith(f" {factor}")


def _behind(node: Node, here: set[Node], boundary: set[Node]) -> list[Node]:
    """The node and what it is computed from, up to the boundary."""
    members, waiting, seen = [], [node], {node}
    while waiting:
        member = waiting.pop()
        members.append(member)
        for source in member.inputs:
            if source in here and source not in boundary and source not in seen:
                seen.add(source)
                waiting.append(source)
    return members


LONGEST = 4
"""Characters of a factor's name inside a box."""


def with_operands(node: Node, here: set[Node], names: Mapping[Node, str]) -> str:
    """A product of two matrices with its factors: `Xᵀ·G`, where G is the gradient that arrives; `…ᵀ·G` where a factor has no
    name, or a long one."""
    left, _, right = sign(node).partition("·")
    first, second = (
        "G" if source in here else leaf_label(source).split("/")[-1] if source.is_leaf else names.get(source, "")
        for source in node.inputs
    )
    first, second = (name if 0 < len(name) <= LONGEST else "…" for name in (first, second))
    return f"{first}{left}·{second}{right}"


def with_constants(node: Node, inlined: set[Node]) -> str:
    """The sign of an operation with the plain numbers it is applied to: `2 ×`, `1 −`."""
    if node.is_leaf:
        return sign(node)
    said = sign(node)
    if len(node.inputs) == 2:
        first, second = node.inputs
        if first in inlined:
            return f"{leaf_label(first)} {said}"
        if second in inlined:
            return f"{said} {leaf_label(second)}"
    return said


def copies_for_saved(sheet: Sheet) -> None:
    """With very many dashed lines each becomes a small dashed copy of its source beside the box that reads it."""
    saved = [(name, arrow) for name, arrow in sheet.arrows.items() if arrow.style == "saved"]
    if len(saved) <= MANY_SAVED:
        return
    for name, arrow in saved:
        source, target = sheet.boxes[arrow.source], sheet.boxes[arrow.target]
        copy = f"{source.id}@{target.id}"
        if source.part == target.part:
            continue
        del sheet.arrows[name]
        label = (
            source.lines[0]
            if source.kind.startswith("leaf")
            else source.detail.split("  ")[0] or sheet_name(sheet, source)
        )
        sheet.boxes.setdefault(
            copy,
            Box(copy, (label,), source.kind, group=target.group, part="backward", copy_of=source.id, note=source.note),
        )
        sheet.arrows[copy, target.id, "saved", 0] = Arrow(copy, target.id, "saved", note=arrow.note)


def sheet_name(sheet: Sheet, box: Box) -> str:
    """The name of the node a box stands for, from its note; else its label."""
    return box.note.split("  ")[0] if box.note and box.kind != "module" else box.lines[0]


def copies_for_inputs(sheet: Sheet, most: int = 3) -> None:
    """A leaf read in more than `most` frames stands in each of them: the first time itself, then as a dashed copy."""
    readers: dict[str, list[Arrow]] = {}
    for arrow in sheet.arrows.values():
        if sheet.boxes[arrow.source].kind.startswith("leaf") and arrow.style == "flow":
            readers.setdefault(arrow.source, []).append(arrow)
    for source, arrows in readers.items():
        frames: dict[str, list[Arrow]] = {}
        for arrow in arrows:
            frames.setdefault(sheet.boxes[arrow.target].group, []).append(arrow)
        if len(frames) <= most:
            continue
        box = sheet.boxes[source]
        for frame, members in list(frames.items())[1:]:
            copy = f"{source}@{frame}"
            sheet.boxes[copy] = replace(box, id=copy, group=frame, copy_of=source)
            for arrow in members:
                sheet.arrows.pop((arrow.source, arrow.target, arrow.style, arrow.order))
                sheet.link(copy, arrow.target, arrow.style, arrow.label, arrow.order, arrow.note)
        for name, arrow in list(
            sheet.arrows.items()
        ):  # a dashed line starts at the copy in the frame its gradient faces
            facing = (
                sheet.boxes.get(sheet.boxes[arrow.target].faces)
                if arrow.style == "saved" and arrow.source == source
                else None
            )
            if facing is not None and f"{source}@{facing.group}" in sheet.boxes:
                del sheet.arrows[name]
                sheet.link(f"{source}@{facing.group}", arrow.target, "saved", arrow.label, arrow.order, arrow.note)
