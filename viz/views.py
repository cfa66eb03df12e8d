"""Graph -> Drawing: forward, backward, both, mirror and values. Each view is a function; `picture.draw` chooses one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..autograd.differentiate import Backward
from ..autograd.differentiate import backward as differentiate
from ..autograd.graph import order
from ..autograd.language import N_, translate
from ..autograd.leaves import is_frozen
from ..autograd.naming import names as named
from ..autograd.node import Node
from .backward import copies_for_inputs, copies_for_saved, lay_backward
from .drawing import Arrow, Drawing, Step
from .fold import Fold, Folding, folding, options, with_repeats
from .labels_of import equation, leaf_label, shape_of, sign
from .opened import rolled
from .paths import with_paths
from .shapes import legend_words
from .sheet import Sheet, forward_sheet
from .tables import with_table

BUDGET = 60  # boxes of a picture that was not asked to show more
LEGEND = (
    "leaf-input",
    "leaf-parameter",
    "leaf-frozen",
    "leaf-constant",
    "leaf-state",
    "module",
    "activation",
    "linear",
    "reduction",
    "shape",
    "loss",
    "random",
    "comparison",
)


def forward(
    y: Node,
    fold: Fold = None,
    language: str = "en",
    budget: int | None = BUDGET,
    loops: Sequence[Node] = (),
    marked: Sequence[Node] = (),
) -> Drawing:
    """The graph as it is computed, left to right: shapes on the arrows, frames for scopes. `loops` show their body;
    from `marked` nodes (in every view) the paths to the output are marked.

    >>> import nngraph as ng
    >>> w, x = ng.parameter("w", 2.0), ng.input("x", 3.0)
    >>> [box.lines[0] for box in forward(w * x + 1.0).boxes]
    ['w', 'x', '×', '1', '+']
    """
    nodes = order(y)
    rolls = [rolled(node, y) for node in loops]
    for loop in rolls:
        at = nodes.index(loop.node)
        nodes[at : at + 1] = loop.members
    found, notes = _fitting(nodes, fold, budget, language, 1.0)
    sheet = Sheet(_names(y, nodes), found.owner, found.titles)
    sheet.stand_in = {pick: made for loop in rolls for pick, made in loop.stand_in}
    forward_sheet(nodes, sheet)
    for loop in rolls:
        for given, place in loop.arrives:
            sheet.link(sheet.key(given), sheet.key(place))
        for made, place in loop.returns:
            sheet.link(sheet.key(made), sheet.key(place), "flow", "t → t+1")
    _mark_result(sheet, y)
    copies_for_inputs(sheet)
    return _marked(_drawing(sheet, "flow", language, notes), sheet, y, marked)


def mirror(
    y: Node,
    wrt: Sequence[Node] | None = None,
    fold: Fold = None,
    language: str = "en",
    budget: int | None = BUDGET,
    detail: str = "rules",
    every_saved: bool = False,
    marked: Sequence[Node] = (),
) -> Drawing:
    """Forward above, backward below, each gradient under the box it belongs to; dashed: values kept for the backward
    pass (`every_saved`: also those that the box they go to names)."""
    wanted = wanted_leaves(y, wrt, marked)
    nodes = order(y)
    found, notes = _fitting(nodes, fold, budget, language, 2.0)
    sheet = Sheet(_names(y, nodes), found.owner, found.titles, every_saved=every_saved)
    titled = {"forward": translate(N_("forward"), language), "backward": translate(N_("backward"), language)}
    forward_sheet(nodes, sheet, titled)
    record = differentiate(y, wanted)
    lay_backward(sheet, nodes, record, wanted, titled, symbol_of(y, sheet), detail)
    _mark_result(sheet, y)
    copies_for_inputs(sheet)
    copies_for_saved(sheet)
    return _marked(_drawing(sheet, "mirror", language, notes), sheet, y, marked)


def both(
    y: Node,
    wrt: Sequence[Node] | None = None,
    fold: Fold = None,
    language: str = "en",
    budget: int | None = BUDGET,
    marked: Sequence[Node] = (),
) -> Drawing:
    """The mirror with every operation of the gradient as a box of its own, where the mirror has one per local
    derivative."""
    return mirror(y, wrt, fold, language, budget, "ops", marked=marked)


def backward(
    y: Node,
    wrt: Sequence[Node] | None = None,
    fold: Fold = None,
    language: str = "en",
    budget: int | None = BUDGET,
    marked: Sequence[Node] = (),
) -> Drawing:
    """The backward pass alone; the forward values it needs stand beside it as dashed boxes."""
    whole = mirror(y, wrt, fold, language, budget, "ops", marked=marked)
    boxes = {box.id: box for box in whole.boxes}
    shown = {box.id: replace(box, faces="") for box in whole.boxes if box.part == "backward"}
    kept: list[Arrow] = []
    for arrow in whole.arrows:
        source, target = boxes[arrow.source], boxes[arrow.target]
        if source.part == target.part == "backward":
            kept.append(arrow)
        elif target.part == "backward":  # a value from the forward pass: a small copy in the frame that reads it
            copy = f"{source.id}@{target.group}"
            label = source.lines if source.kind.startswith("leaf") else (source.note.split("  ")[0] or source.lines[0],)
            shown[copy] = replace(
                source, id=copy, lines=label, detail="", group=target.group, copy_of=source.id, highlighted=False
            )
            kept.append(replace(arrow, source=copy))
    groups = tuple(group for group in whole.groups if group.part == "backward")
    legend = tuple(row for row in whole.legend if row[0] != "arrow-flow")
    return whole.with_(
        boxes=tuple(shown.values()), arrows=tuple(kept), groups=groups, arrangement="flow", legend=legend
    )


def values(
    y: Node,
    wrt: Sequence[Node] | None = None,
    fold: Fold = None,
    language: str = "en",
    budget: int | None = BUDGET,
    marked: Sequence[Node] = (),
) -> Drawing:
    """For a small lecture: above each node its value, below it the gradient; what is not known yet is a dash, never
    0."""
    nodes = order(y)
    found, notes = _fitting(nodes, fold, budget, language, 1.0)
    table = _names(y, nodes)
    sheet = Sheet(table, found.owner, found.titles)
    forward_sheet(nodes, sheet, shapes=False)
    symbol = symbol_of(y, sheet)
    record, why = _gradients(y, wrt, language, marked)
    if why:
        notes = (*notes, why)
    steps: list[Step] = []
    below: dict[str, str] = {}
    said: dict[str, str] = {}
    for node in nodes:
        key = sheet.key(node)
        if key not in sheet.boxes:
            continue
        box = sheet.boxes[key]
        if box.kind == "module":
            continue
        name = table.get(node, "")
        if node.is_leaf and node.role == "constant":
            above = equation(name, node) if node._name else ""  # an unnamed constant shows its number already
        else:
            above = with_table(name, node)
        if record and node in record.adjoints:
            slope = f"∂{symbol}/∂{name or sign(node)}", record.adjoints[node]
            below[key], said[key] = with_table(*slope), equation(*slope)
        detail = shape_of(node) if node.is_leaf else ""
        sheet.boxes[key] = replace(box, above=above, below=below.get(key, ""), detail=detail)
        if not node.is_leaf:
            written = formula(node, table)
            steps.append(Step(equation(f"{name} = {written}" if name else written, node), (key,), "value"))
    steps += [
        Step(said[sheet.key(node)], (sheet.key(node),), "gradient")
        for node in reversed(nodes)
        if below.get(sheet.key(node))
    ]
    drawing = _drawing(sheet, "flow", language, notes)
    more = (("value", legend_words("value", language)),) + (
        (("gradient", legend_words("gradient", language)),) if record else ()
    )
    return _marked(drawing.with_(steps=tuple(steps), legend=drawing.legend + more), sheet, y, marked)


def formula(node: Node, table: dict[Node, str]) -> str:
    """One operation written out with the names of its operands, as far as its notation says how."""
    said = [table.get(source) or (leaf_label(source) if source.is_leaf else sign(source)) for source in node.inputs]
    notation = node.op.notation
    match notation.style, len(said):
        case (("infix" | "fraction" | "power"), 2):
            return (
                f"{said[0]}{notation.sign}{said[1]}"
                if notation.style != "infix"
                else f"{said[0]} {notation.sign} {said[1]}"
            )
        case "prefix", 1:
            return f"{notation.sign}{said[0]}"
        case "superscript", 1:
            return f"{said[0]}{'²' if notation.sign == '2' else '^' + notation.sign}"
        case "postfix", 1:
            return f"{said[0]}{notation.sign}"
        case "exponential", 1:
            return f"e^{said[0]}"
        case "root", 1:
            return f"√{said[0]}"
        case "fence", 1:
            half = len(notation.sign) // 2
            return f"{notation.sign[:half]}{said[0]}{notation.sign[half:]}"
    return f"{sign(node)}({', '.join(said)})"


def wanted_leaves(y: Node, wrt: Sequence[Node] | None, marked: Sequence[Node] = ()) -> list[Node]:
    """What to differentiate by: what was asked for, else the parameters, else the inputs that vary smoothly; and what
    is marked."""
    if isinstance(wrt, Node):
        wanted = [wrt]
    elif wrt is not None:
        wanted = list(wrt)
    else:
        leaves = [node for node in order(y) if node.is_leaf and smooth(node)]
        learned = [leaf for leaf in leaves if leaf.role == "parameter" and not is_frozen(leaf)]
        wanted = learned or [leaf for leaf in leaves if leaf.role == "input"]
    return wanted + [node for node in marked if node not in wanted and smooth(node)]


def smooth(node: Node) -> bool:
    """Whether the values of a node are floating-point numbers, so that there is a derivative by it."""
    return node.dtype is not None and node.dtype.kind == "f"


def symbol_of(y: Node, sheet: Sheet) -> str:
    """What the output is called in ∂E/∂w."""
    return sheet.names.get(y) or "y"


def _names(y: Node, nodes: list[Node]) -> dict[Node, str]:
    return named(y) if len(nodes) <= 5000 else {node: node._name for node in nodes if node._name}


def _gradients(
    y: Node, wrt: Sequence[Node] | None, language: str, marked: Sequence[Node] = ()
) -> tuple[Backward | None, str]:
    if y.shape != () or not smooth(y):
        return None, translate(N_("No gradients: the output is not one number."), language)
    wanted = wanted_leaves(y, wrt, marked)
    if not wanted:
        return None, translate(N_("No gradients: nothing here varies."), language)
    return differentiate(y, wanted), ""


def _fitting(
    nodes: list[Node], fold: Fold, budget: int | None, language: str, per_node: float
) -> tuple[Folding, tuple[str, ...]]:
    """What to fold: as wished, else as little as keeps the picture within the budget; and a word about it."""
    if fold is not None or budget is None:
        return with_repeats(nodes, folding(nodes, fold)), ()
    tried = options(nodes)
    if not any(node.scope for node in nodes):
        budget *= 2  # without scopes the next coarser picture would cut across what belongs together
    chosen = tried[-1]
    for each in tried:
        shown = len({each.owner.get(node, node) for node in nodes}) * per_node
        if shown <= budget:
            chosen = each
            break
    if not chosen.owner:
        return chosen, ()
    shown = len({chosen.owner.get(node, node) for node in nodes})
    return chosen, (
        translate(
            N_(
                "{nodes} nodes folded to {boxes} boxes; fold=False (--fold none) shows all,"
                ' fold=1 or fold="encoder/*" chooses.'
            ),
            language,
            nodes=len(nodes),
            boxes=shown,
        ),
    )


def _mark_result(sheet: Sheet, y: Node) -> None:
    box = sheet.boxes[sheet.key(y)]
    name = sheet.names.get(y, "")
    if box.kind != "module" and not y.is_leaf and name and not box.detail:
        sheet.boxes[box.id] = replace(box, detail=name)


def _drawing(sheet: Sheet, arrangement: str, language: str, notes: tuple[str, ...]) -> Drawing:
    kinds = {box.kind for box in sheet.boxes.values() if box.part == "forward"}
    styles = {arrow.style for arrow in sheet.arrows.values()}
    legend = [(kind, legend_words(kind, language)) for kind in LEGEND if kind in kinds]
    if styles & {"gradient", "saved"}:
        legend += [
            (f"arrow-{style}", legend_words(f"arrow-{style}", language))
            for style in ("flow", "gradient", "saved")
            if style in styles
        ]
    return Drawing(
        tuple(sheet.boxes.values()),
        tuple(sheet.arrows.values()),
        tuple(sheet.groups.values()),
        legend=tuple(legend),
        notes=notes,
        arrangement=arrangement,
        language=language,
    )


def _marked(drawing: Drawing, sheet: Sheet, y: Node, marked: Sequence[Node]) -> Drawing:
    """The drawing with the paths of the derivatives by `marked` nodes."""
    if not marked:
        return drawing
    results = {f"d{node.serial}" for node in marked} | {
        f"g:{sheet.owner[node]}" for node in marked if node in sheet.owner
    }
    symbol = symbol_of(y, sheet)
    said = [f"∂{symbol}/∂{sheet.names.get(node) or sign(node)}" for node in marked]
    return with_paths(drawing, {sheet.key(node) for node in marked}, sheet.key(y), results, said)
