"""Plan -> Drawing: what an engine runs, as boxes in running order; arrows are the arrays that go from one to the
next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from ..autograd.language import N_, translate
from ..autograd.reason import said as told
from ..autograd.report import Array, Instruction, Operation, PlanReport
from ..autograd.report_text import head, seconds_text, short
from ..autograd.sizes import shape_text
from .drawing import Arrow, Box, Drawing, Group
from .measure import shortened
from .plan_folds import KEPT, LAYERS, MOVING, PHASES, PlanFold, Unit, units
from .shapes import legend_words

CROWD = 24  # leaves or results of one instruction that are more than so many share a box
LEADING = (
    "linear",
    "loss",
    "random",
    "activation",
    "reduction",
    "control",
    "comparison",
    "function",
    "arithmetic",
    "shape",
)
"""Kinds in the order in which one gives an instruction that does several things its color."""
LONGEST, MOST_LINES, LINES_OF_FOLD = 26, 4, 2
NEXT_TURN = "t → t+1"
PHASE_WORDS = {"forward": N_("forward"), "backward": N_("backward"), "update": N_("update")}


def plan_drawing(
    plan: PlanReport, fold: PlanFold = None, language: str = "en", seconds: Mapping[str, float] | None = None
) -> Drawing:
    """The instructions of a plan with the leaves they read and what they give; a loop is a frame around its body.

    Leaves that are updated are drawn again, dashed, where they get their new value and what their old one is read for;
    one that a single instruction reads and writes is only named in its box. `fold` (see plan_folds) says which
    instructions share a box; of layers and phases the parameters are only named. `seconds`: measured times, by the
    number of an instruction.

    >>> import nngraph as ng
    >>> x, w = ng.input("x", shape=(8, 4)), ng.parameter("w", [[1.0]] * 4)
    >>> step = ng.compile(ng.sum(ng.tanh(x @ w)), inputs=[x], engine="numba")
    >>> [box.lines for box in plan_drawing(step.plan).boxes]
    [('x',), ('w',), ('@',), ('tanh Σ',), ('result',)]
    """
    return _Sheet(plan, fold, language, seconds or {}).drawing()


class _Sheet:
    """Boxes and arrows being laid."""

    def __init__(self, plan: PlanReport, fold: PlanFold, language: str, seconds: Mapping[str, float]) -> None:
        self.plan, self.language, self.seconds = plan, language, seconds
        self.total = sum(seconds.get(each.number, 0.0) for each in plan)
        self.boxes: dict[str, Box] = {}
        self.arrows: dict[tuple[str, str], Arrow] = {}
        self.groups: dict[str, Group] = {}
        self.made_back: set[str] = set()
        """Results that the backward pass gives."""
        self.writer: dict[int, str] = {}
        """Buffer -> the box that wrote it last."""
        self.units = units(plan, fold)
        self.frames = fold is None or fold is False
        """Whether loops are open."""
        self.coarse = fold is not False and fold in (PHASES, LAYERS)
        """Whether leaves that are learned are named in the boxes, not drawn."""
        self.own = _own(plan)
        """Buffer of a leaf -> the instruction that alone reads and writes it."""
        phases = {each.phase for each in plan}
        self.mirrored = fold is not False and fold == LAYERS and {"forward", "backward"} <= phases
        """Whether the backward pass is drawn below the forward pass, each layer below itself."""

    def drawing(self) -> Drawing:
        for each in self.plan:
            self._lay(each)
        if self.mirrored:
            self._mirror()
        kinds = {box.kind for box in self.boxes.values() if box.part == "forward"}
        legend = [(kind, legend_words(kind, self.language)) for kind in _LEGEND if kind in kinds]
        if self.mirrored:
            ways = ("arrow-flow", "arrow-gradient", "arrow-saved")
            legend += [(way, legend_words(way, self.language)) for way in ways]
        notes = head(self.plan, self.language)
        if self.total:
            notes.append(translate(N_("measured: {time} in all"), self.language, time=seconds_text(self.total)))
        return Drawing(
            tuple(self.boxes.values()), tuple(self.arrows.values()), tuple(self.groups.values()), legend=tuple(legend),
            notes=tuple(notes), language=self.language, arrangement="mirror" if self.mirrored else "flow",
        )  # fmt: skip

    def _mirror(self) -> None:
        """Puts the boxes into two halves, each layer's way back under the layer, and tells the arrows apart."""
        ahead = {unit.title: unit.id for unit in self.units.values() if unit.key.startswith("forward")}
        back = {unit.id: unit.title for unit in self.units.values() if not unit.key.startswith("forward")}
        back |= {name: "" for name, box in self.boxes.items() if box.kind == "result" and name in self.made_back}
        for part in ("forward", "backward"):
            self.groups[part] = Group(part, translate(PHASE_WORDS[part], self.language), part=part)
        last = next((name for name in reversed(self.boxes) if name in ahead.values()), "")
        for name, box in self.boxes.items():
            part = "backward" if name in back else "forward"
            faces = ahead.get(back.get(name, ""), last) if name in back else ""
            self.boxes[name] = replace(box, group=part, part=part, faces=faces)
        for ends, arrow in self.arrows.items():
            sides = [self.boxes[end].part for end in ends]
            style = "flow" if sides == ["forward"] * 2 else "gradient" if sides[0] == "backward" else "saved"
            self.arrows[ends] = replace(arrow, style=style, label=arrow.label if style == "flow" else "")

    # Instructions ---------------------------------------------------------------------------------------------------
    def _lay(self, each: Instruction, group: str = "") -> None:
        """An instruction, or the frame of a loop with all that is in it."""
        if each.body and self.frames:
            self._loop(each, group)
            return
        unit = self.units.get(each.number) or Unit((each,), (each,))
        name = unit.id
        self._read(each, name)
        if name not in self.boxes:
            self.boxes[name] = self._box(name, unit, group)
        self._written(each, name)

    def _read(self, each: Instruction, name: str) -> None:
        reads = [
            array for array in each.reads
            if (array.shape and not self.coarse) or array.role != "constant"
            if array.role not in ("parameter", "state") or not self.coarse
            if array.role not in KEPT or array.buffer not in self.own
            # What is made inside a closed loop is read there too.
            if array.role != "value" or array.buffer in self.writer
        ]  # fmt: skip
        if each.number in self.units and self.units[each.number].stacked:
            # Of a stack only what it gets from others: it names its leaves itself.
            reads = [array for array in reads if array.role not in KEPT or array.role == "input"]
        given = [array for array in reads if array.buffer not in self.writer]
        if len(given) > CROWD:
            self._link(self._crowd(f"{name}given", given, f"leaf-{given[0].role}"), name, "")
            reads = [array for array in reads if array.buffer in self.writer]
        rewritten = {array.buffer for array in each.writes}
        for array in reads:
            source = self.writer.get(array.buffer) or self._leaf(array)
            if array.buffer in rewritten and array.role in KEPT:
                source = self._old(array, name)
            # The box of a leaf, or of what the turn before has left, says its shape itself.
            self._link(source, name, "" if self.boxes[source].kind.startswith("leaf") else _shape(array))

    def _written(self, each: Instruction, name: str) -> None:
        shown = [
            array for array in each.writes
            if array.role == "result"
            or (array.role in KEPT and array.buffer not in self.own and not self.coarse and not self._stacked(each))
        ]  # fmt: skip
        if len(shown) > CROWD:
            self._link(name, self._crowd(f"{name}made", shown, "result"), "")
            shown = []
        for array in shown:
            if array.role == "result":
                result = f"result{array.buffer}"
                if each.phase != "forward":
                    self.made_back.add(result)
                self.boxes.setdefault(
                    result, Box(result, (_short(array.name),), "result", _shape(array), result=True, note=array.name)
                )
                self._link(name, result, "")
            else:
                self._updated(array, name)
        self.writer |= {array.buffer: name for array in each.writes}

    def _stacked(self, each: Instruction) -> bool:
        return each.number in self.units and self.units[each.number].stacked

    def _crowd(self, name: str, arrays: Sequence[Array], kind: str) -> str:
        """One box for very many leaves or results."""
        self.boxes[name] = Box(
            name, (f"{_short(arrays[0].name)} … ({len(arrays)})",), kind, note=f"{arrays[0].name} … {arrays[-1].name}"
        )
        return name

    def _loop(self, loop: Instruction, group: str) -> None:
        frame = f"g{loop.number}"
        title = ", ".join(dict.fromkeys(_sign(each) for each in loop.operations)) or loop.kernel
        self.groups[frame] = Group(frame, f"{loop.number} · {title} ×{loop.times}", group)
        # What is read before it is written in a turn comes from the turn before, and at first from outside.
        places = []
        for at, each in enumerate(loop.body):
            later = {array.buffer for other in loop.body[at:] for array in other.writes}
            before = {array.buffer for other in loop.body[:at] for array in other.writes}
            for array in () if each.body else each.reads:
                if array.buffer in later - before:
                    places.append((array, self._place(array, frame)))
            self._lay(each, frame)
        for array, place in places:
            self._link(self.writer[array.buffer], place, NEXT_TURN)

    def _place(self, array: Array, frame: str) -> str:
        """Where a turn of a loop finds what the turn before has left."""
        name = f"{frame}t{array.buffer}"
        if name not in self.boxes:
            self.boxes[name] = Box(name, ("t−1",), "leaf-state", _shape(array), group=frame, note=array.name)
            self._link(self.writer.get(array.buffer) or self._leaf(array), name, _shape(array))
            self.writer[array.buffer] = name
        return name

    # Boxes and arrows -----------------------------------------------------------------------------------------------
    def _box(self, name: str, unit: Unit, group: str) -> Box:
        first, members = unit.main[0], unit.members
        kept = {
            array.name: array for each in members for array in each.writes
            if array.role in KEPT and (unit.stacked or self.coarse or array.buffer in self.own)
        }  # fmt: skip
        operations = first.operations if unit.stacked else [op for each in unit.main for op in each.operations]
        moves = not unit.title and all(each.kernel in MOVING for each in unit.main)
        most = LINES_OF_FOLD if unit.title else MOST_LINES
        lines = [first.kernel] if moves or not operations else _lines(operations, most)
        if unit.title:
            lines = [*_called(unit.title, self.language), *lines]
        ordered = sorted(kept.values(), key=lambda array: array.role)
        lines += [_names([array.name for array in ordered])] if kept else []
        note = [f"{each.number} {each.kernel}  {told(each.why, self.language)}".rstrip() for each in members]
        note += [", ".join(each.op for each in operations)]
        return Box(
            name, tuple(lines), _kind(unit), self._cost(unit), group=group, times=len(unit.main) if unit.stacked else 1,
            note="\n".join(filter(None, note)),
        )  # fmt: skip

    def _cost(self, unit: Unit) -> str:
        """The small print of a box: numbers of the instructions, what computes them, what that costs."""
        members, first = unit.members, unit.main[0]
        numbers = _ranges([each.number for each in members])
        said = [
            numbers if len(numbers) <= 14 else translate(N_("{count} instructions"), self.language, count=len(members))
        ]
        if first.body and not unit.title:
            said += [f"×{first.times}"]
        elif not unit.title and first.operations and first.kernel not in (*MOVING, "loop", "fused loop"):
            said += [first.kernel]
        if all(each.number in self.seconds for each in members):
            spent = sum(self.seconds[each.number] for each in members)
            said += [seconds_text(spent)]
            if self.total and not any("." in each.number for each in members):
                said += [f"{100 * spent / self.total:.0f} %"]
            return " · ".join(said)
        flops, moved = (
            sum(each.flops for each in members),
            sum(each.bytes_read + each.bytes_written for each in members),
        )
        said += [short(flops, "flop")] if flops else []
        return " · ".join([*said, short(moved, "B")])

    def _leaf(self, array: Array) -> str:
        name = f"leaf{array.buffer}"
        self.boxes.setdefault(
            name,
            Box(name, (_short(array.name),), f"leaf-{array.role}", _shape(array), note=f"{array.name}  {array.dtype}"),
        )
        return name

    def _old(self, array: Array, reader: str) -> str:
        """A leaf beside the instruction that writes over it: its old value."""
        name = f"old{array.buffer}@{reader}"
        self.boxes.setdefault(
            name,
            Box(
                name, (_short(array.name),), f"leaf-{array.role}", translate(N_("old"), self.language),
                copy_of=f"leaf{array.buffer}", note=array.name,
            ),
        )  # fmt: skip
        return name

    def _updated(self, array: Array, writer: str) -> None:
        """A leaf where it gets its new value."""
        name = f"new{array.buffer}"
        self.boxes.setdefault(
            name,
            Box(
                name, (_short(array.name),), f"leaf-{array.role}", translate(N_("new"), self.language),
                copy_of=f"leaf{array.buffer}", note=array.name,
            ),
        )  # fmt: skip
        self._link(writer, name, "")

    def _link(self, source: str, target: str, label: str) -> None:
        if source != target:
            self.arrows.setdefault((source, target), Arrow(source, target, "flow", label))


_LEGEND = ("leaf-input", "leaf-parameter", "leaf-constant", "leaf-state", *LEADING)


def _own(plan: PlanReport) -> dict[int, str]:
    """Leaves that one instruction alone reads and writes."""
    users: dict[int, set[str]] = {}
    written: dict[int, str] = {}
    for each in plan.all():
        if not each.body:
            for array in (*each.reads, *each.writes):
                if array.role in KEPT:
                    users.setdefault(array.buffer, set()).add(each.number)
            written |= {array.buffer: each.number for array in each.writes}
    return {buffer: number for buffer, number in written.items() if users.get(buffer) == {number}}


def _kind(unit: Unit) -> str:
    kinds = {operation.kind for each in unit.main for operation in each.operations}
    if all(each.kernel in MOVING or not each.operations for each in unit.main):
        return "shape"
    return next((kind for kind in LEADING if kind in kinds), "arithmetic")


def _called(title: str, language: str) -> list[str]:
    """The title of a fold: a phase in words, else the name of its layer."""
    return [translate(PHASE_WORDS[title], language) if title in PHASE_WORDS else shortened(title, LONGEST)]


def _ranges(numbers: Sequence[str]) -> str:
    """Numbers of instructions, those in a row as first … last.

    >>> _ranges(["1", "2", "3", "5"]), _ranges(["2.1"])
    ('1 … 3, 5', '2.1')
    """
    runs: list[list[str]] = []
    for number in numbers:
        if runs and number.isdigit() and runs[-1][-1].isdigit() and int(number) == int(runs[-1][-1]) + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(run[0] if len(run) == 1 else f"{run[0]} … {run[-1]}" for run in runs)


def _sign(each: Operation) -> str:
    """The sign of an operation as other pictures write it."""
    sign = each.sign
    return each.op.replace("_", " ") if len(sign) == 1 and 0x25A0 <= ord(sign) <= 0x25FF else sign


def _lines(operations: Sequence[Operation], most: int = MOST_LINES) -> list[str]:
    """Signs in order, in lines of a box; what does not fit is counted."""
    words = [_word(each) for each in operations]
    lines: list[str] = []
    for at, word in enumerate(words):
        if lines and len(lines[-1]) + len(word) < LONGEST:
            lines[-1] += f" {word}"
        elif len(lines) == most:
            lines[-1] += f" … +{len(words) - at}"
            break
        else:
            lines.append(shortened(word, LONGEST))
    return lines


def _word(each: Operation) -> str:
    return f"{each.name} = {_sign(each)}" if each.name and each.op else _sign(each)


def _names(names: Sequence[str]) -> str:
    """What is written, named as far as it fits in one line."""
    whole = f"→ {', '.join(names)}"
    return whole if len(whole) <= LONGEST else f"→ {shortened(names[0], LONGEST - 10)}, … ({len(names)})"


def _short(text: str) -> str:
    return shortened(text, LONGEST)


def _shape(array: Array) -> str:
    return shape_text(array.shape) if array.shape else ""
