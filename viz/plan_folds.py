"""Which instructions of a plan share a box: those alike, what only moves numbers with its reader, layers, phases."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from ..autograd.language import N_, translate
from ..autograd.report import Array, Instruction, PlanReport
from .drawing import Drawing, DrawingError
from .extent import LABEL

PlanFold = int | bool | None
PHASES, LAYERS, READERS = 0, 1, 2
MOVING = ("copy", "fill", "pack")  # what only puts numbers elsewhere
KEPT = ("input", "parameter", "state")
STACK = 3  # so many instructions that do the same to other leaves are drawn as one stack
CROWDED = 60  # boxes; a picture of its natural size with more is drawn coarser
LEAST_LABEL = 9.5  # pixels of a label on a slide; the small print under it is then just readable


@dataclass(frozen=True)
class Unit:
    """The instructions of one box. `stacked`: they do the same to other leaves; `title` is what a fold is called."""

    members: tuple[Instruction, ...]
    main: tuple[Instruction, ...]
    """Those whose operations the box names."""
    stacked: bool = False
    title: str = ""
    """Of a layer or a phase."""
    key: str = ""
    """Phase and layer."""

    @property
    def id(self) -> str:
        return f"i{self.members[0].number}"


def plan_fold(fold: object) -> PlanFold:
    """The wish as a number, None, or False; DrawingError for one that plans do not have."""
    if fold is None or fold is False or fold == "none":
        return None if fold is None else False
    if isinstance(fold, (int, str)) and str(fold) in "012":
        return int(fold)
    raise DrawingError(
        f"draw: fold={fold!r} of a plan; there is 0 (phases), 1 (layers), 2 (what only moves numbers, with its reader)"
        " and False or none (nothing)"
    )


def units(plan: PlanReport, fold: PlanFold) -> dict[str, Unit]:
    """Number of an instruction -> the box it is in, where it shares one."""
    if fold is False:
        return {}
    if fold is None:
        return _alike(plan.instructions)
    held = _with_readers(plan.instructions)
    if fold == READERS:
        stacks = _alike(plan.instructions)
        groups: dict[str, list[Instruction]] = {}
        for each in plan:
            target = held.get(each.number, each)
            groups.setdefault(stacks[target.number].id if target.number in stacks else target.number, []).append(each)
        found: dict[str, Unit] = {}
        for members in groups.values():
            main = tuple(each for each in members if each.number not in held)
            stacked = len(main) >= STACK and main[0].number in stacks
            unit = Unit(tuple(members), main or tuple(members), stacked)
            found |= {each.number: unit for each in members}
        return found
    key = _phase if fold == PHASES else _layers(plan.instructions, held)
    sorted_by: dict[tuple[str, str], list[Instruction]] = {}
    for each in plan:
        sorted_by.setdefault(key(held.get(each.number, each)), []).append(each)
    found = {}
    for (name, title), members in sorted_by.items():
        main = tuple(each for each in members if each.number not in held) or tuple(members)
        unit = Unit(tuple(members), main, title=title, key=name)
        found |= {each.number: unit for each in members}
    return found


def readable(make: Callable[[PlanFold], Drawing], fold: PlanFold, language: str) -> Drawing:
    """The drawing as it is wished; without a wish as fine as it can be read."""
    drawing = make(fold)
    if fold is not None or _fits(drawing):
        return drawing
    for coarser in (READERS, LAYERS, PHASES):
        drawing = make(coarser)
        if _fits(drawing):
            break
    said = translate(
        N_("Drawn with fold={fold}, so that it can be read; fold=False (--fold none) shows every instruction."),
        language, fold=coarser,
    )  # fmt: skip
    return drawing.with_(notes=(*drawing.notes, said))


def _fits(drawing: Drawing) -> bool:
    from .layout import PAPER

    if drawing.size not in PAPER:
        return len(drawing.boxes) <= CROWDED
    wide, high = PAPER[drawing.size]
    placed = drawing.placed
    return LABEL * min(wide / placed.width, high / placed.height) >= LEAST_LABEL


def _alike(instructions: Iterable[Instruction]) -> dict[str, Unit]:
    """The instructions that do the same to other leaves, and write nothing else."""
    stacks: dict[tuple[object, ...], list[Instruction]] = {}
    for each in instructions:
        if each.writes and not each.body and all(array.role in KEPT for array in each.writes):
            key = (each.kernel, *((op.op, op.name) for op in each.operations))
            stacks.setdefault(key, []).append(each)
    return {
        each.number: Unit(tuple(stack), tuple(stack), stacked=True)
        for stack in stacks.values() if len(stack) >= STACK for each in stack
    }  # fmt: skip


def _with_readers(instructions: Sequence[Instruction]) -> dict[str, Instruction]:
    """What only moves, checks or prepares numbers for one other instruction -> that instruction."""
    held: dict[str, Instruction] = {}
    readers: dict[int, list[Instruction]] = {}
    later: Instruction | None = None
    for each in reversed(instructions):
        found = [other for array in each.writes for other in readers.get(array.buffer, ())]
        inside = bool(each.writes) and all(array.role == "value" for array in each.writes)
        reader = found[-1] if inside and found and not each.body else None
        if (
            reader is not None
            and each.kernel not in MOVING
            and not (
                len({other.number for other in found}) == 1
                and reader.kernel not in MOVING
                and set(each.operations) <= set(reader.operations)
            )
        ):
            reader = None
        if not each.writes:
            reader = later
        if reader is not None:
            held[each.number] = held.get(reader.number, reader)
        for array in each.reads:
            readers.setdefault(array.buffer, []).append(each)
        later = each
    return held


def _phase(each: Instruction) -> tuple[str, str]:
    return each.phase, each.phase or "forward"


def _layers(
    instructions: Sequence[Instruction], held: dict[str, Instruction]
) -> Callable[[Instruction], tuple[str, str]]:
    """For each instruction its phase and layer: the scope its user wrote, else the parameters of a linear map."""
    from ..autograd.op import OPS

    scopes = {
        each.number: next((scope.split("/")[0] for scope in each.scopes if scope.split("/")[0] not in OPS), "")
        for each in instructions
    }
    scoped = any(scopes.values())
    layer_of: dict[int, str] = {}  # buffer -> the layer that made it
    of_leaf: dict[str, str] = {}  # parameter -> its layer
    named: dict[str, list[str]] = {}
    found: dict[str, str] = {}
    place: dict[str, int] = {"": -1}
    aims = _aims(instructions)
    for each in instructions:
        given = [array for array in each.reads if array.buffer in layer_of]
        read = [array for array in (*_packed(each, held, instructions), *each.reads) if array.role == "parameter"]
        own = next(
            (of_leaf[name] for name in (aims[each.number], *(array.name for array in read)) if name in of_leaf), ""
        )
        before = [layer_of[array.buffer] for array in given]
        linear = any(op.kind == "linear" for op in each.operations) or bool(each.body)
        if each.phase == "forward":
            layer = own or max(before, key=place.__getitem__, default="")
            if scopes[each.number]:
                layer = scopes[each.number]
            elif linear and read and not own and not scoped and each.number not in held:
                layer = f"{len(place)}"
            place.setdefault(layer, len(place))
            if each.number not in held:
                for array in read:
                    of_leaf.setdefault(array.name, layer)
                    if array.name not in named.setdefault(layer, []):
                        named[layer].append(array.name)
        else:
            # The slope of an activation belongs to the layer whose value it needs, not to the one its gradient is from.
            layer = (
                own
                or (scopes[each.number] if scoped else "")
                or min(filter(None, before), key=place.__getitem__, default="")
            )
            place.setdefault(layer, len(place))
        if each.number not in held:
            layer_of |= {array.buffer: layer for array in each.writes}
        found[each.number] = layer
    for each in reversed(instructions):  # what no layer gave anything to, such as chance, belongs to its first reader
        if each.phase == "forward" and not found[each.number]:
            written = {array.buffer for array in each.writes}
            readers = [other for other in instructions if written & {array.buffer for array in other.reads}]
            layers = [found[other.number] for other in readers if other.phase == "forward"]
            found[each.number] = next(filter(None, layers), "")

    def key(each: Instruction) -> tuple[str, str]:
        layer = found[each.number]
        phase = "forward" if each.phase == "forward" else "backward" if layer else "update"
        title = layer if scoped else ", ".join(named.get(layer, ()))
        return f"{phase} {layer}", title or phase

    return key


def _aims(instructions: Sequence[Instruction]) -> dict[str, str]:
    """For each instruction the parameter whose new value is all that its results are for; else nothing."""
    readers: dict[int, list[str]] = {}
    aims: dict[str, str] = {}
    for each in reversed(instructions):
        own = [array.name for array in each.writes if array.role == "parameter"]
        after = {
            aims[number] for array in each.writes if array.role == "value" for number in readers.get(array.buffer, ())
        }
        aims[each.number] = (
            own[0] if own and not after - set(own) else after.pop() if len(after) == 1 and not own else ""
        )
        for array in each.reads:
            readers.setdefault(array.buffer, []).append(each.number)
    return aims


def _packed(each: Instruction, held: dict[str, Instruction], instructions: Sequence[Instruction]) -> list[Array]:
    """What is read of leaves for an instruction by those that only move numbers for it."""
    return [
        array for other in instructions
        if held.get(other.number) is each for array in other.reads
    ]  # fmt: skip
