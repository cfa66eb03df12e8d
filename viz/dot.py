"""A Drawing as a graphviz object: short ids, one statement per box, every label escaped."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .measure import clean
from .themes import THEMES

if TYPE_CHECKING:
    import graphviz

    from .drawing import Drawing


def digraph(drawing: Drawing) -> graphviz.Digraph:
    """The drawing as `graphviz.Digraph`, with our colors; rendering it needs a `dot` program, `drawing.save` does
    not."""
    import graphviz

    theme = THEMES[drawing.theme]
    graph = graphviz.Digraph(
        graph_attr={"rankdir": "LR", "fontname": "DejaVu Sans", "nslimit": "2", "nslimit1": "2"},
        node_attr={"fontname": "DejaVu Sans", "style": "filled,rounded", "shape": "box"},
        edge_attr={"fontname": "DejaVu Sans", "fontsize": "10"},
    )
    names = {box.id: f"n{k}" for k, box in enumerate(drawing.boxes)}
    frames = {group.id: f"cluster_{k}" for k, group in enumerate(drawing.groups)}

    def add_boxes(target: graphviz.Digraph, owner: str) -> None:
        for box in drawing.boxes:
            if box.group == owner:
                style = theme.style(box.kind)
                back = box.part == "backward"
                label = escaped(
                    "\n".join(
                        [
                            *([box.above] if box.above else []),
                            *box.lines,
                            *([box.detail] if box.detail else []),
                            *([box.below] if box.below else []),
                        ]
                    )
                )
                target.node(
                    names[box.id],
                    label,
                    fillcolor=theme.gradient_fill if back else style.fill,
                    color=theme.gradient if back else style.stroke,
                )

    children: dict[str, list[str]] = {}
    for group in drawing.groups:
        children.setdefault(group.parent, []).append(group.id)
    titles = {group.id: group.title for group in drawing.groups}
    built: dict[str, graphviz.Digraph] = {}
    order, waiting = [], list(children.get("", []))
    while waiting:
        name = waiting.pop()
        order.append(name)
        waiting += children.get(name, [])
    for name in reversed(order):  # inner frames first: a graphviz subgraph is copied when it is added
        part = graphviz.Digraph(name=frames[name], graph_attr={"label": escaped(titles[name])})
        add_boxes(part, name)
        for child in children.get(name, []):
            part.subgraph(built[child])
        built[name] = part
    add_boxes(graph, "")
    for name in children.get("", []):
        graph.subgraph(built[name])
    for arrow in drawing.arrows:
        color = {"gradient": theme.gradient, "saved": theme.saved}.get(arrow.style, theme.flow)
        more = {"style": "dashed", "constraint": "false"} if arrow.style == "saved" else {}
        label = escaped(arrow.writing) if arrow.writing else ""
        if arrow.order:
            more["headlabel"] = str(arrow.order)
        graph.edge(names[arrow.source], names[arrow.target], label=label or None, color=color, **more)
    return graph


def escaped(text: str) -> str:
    """Text that DOT shows as it is: backslashes doubled, a look of HTML taken away.

    >>> escaped("a\\\\b")
    'a\\\\\\\\b'
    """
    lines = [clean(line).replace("\\", "\\\\") for line in text.split("\n")]
    joined = "\\n".join(lines)
    if joined.startswith("<") and joined.endswith(">"):
        joined = "\u200b" + joined  # graphviz takes <…> for HTML; a space without width in front stops that
    return joined
