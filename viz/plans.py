"""Plan -> Drawing: what an engine runs, as boxes in running order; arrows are the arrays that go from one to the
next."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..autograd.report import Array, Instruction, Operation, PlanReport
from ..autograd.report_text import head, short
from ..autograd.sizes import shape_text
from .drawing import Arrow, Box, Drawing, Group
from .measure import shortened
from .shapes import legend_words

CROWD = 24  # leaves or results of one instruction that are more than so many share a box
STACK = 3  # so many instructions that do the same to other leaves are drawn as one stack
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
LONGEST, MOST_LINES = 26, 4
MOVING = ("copy", "fill", "pack")  # what only puts numbers elsewhere
NEXT_TURN = "t → t+1"
_KEPT = ("input", "parameter", "state")


def plan_drawing(plan: PlanReport, fold: bool | None = None, language: str = "en") -> Drawing:
    """The instructions of a plan with the leaves they read and what they give; a loop is a frame around its body.

    Leaves that are updated are drawn again, dashed, where they get their new value; one that a single instruction reads
    and writes is only named in its box. Instructions that do the same to other leaves, as the steps of an optimizer do,
    are drawn as one stack; not so with `fold=False`.

    >>> import nngraph as ng
    >>> x, w = ng.input("x", shape=(8, 4)), ng.parameter("w", [[1.0]] * 4)
    >>> step = ng.compile(ng.sum(ng.tanh(x @ w)), inputs=[x], engine="numba")
    >>> [box.lines for box in plan_drawing(step.plan).boxes]
    [('x',), ('w',), ('@',), ('tanh Σ',), ('result',)]
    """
    return _Sheet(plan, fold is not False, language).drawing()


class _Sheet:
    """Boxes and arrows being laid."""

    def __init__(self, plan: PlanReport, fold: bool, language: str) -> None:
        self.plan, self.language = plan, language
        self.boxes: dict[str, Box] = {}
        self.arrows: dict[tuple[str, str], Arrow] = {}
        self.groups: dict[str, Group] = {}
        self.writer: dict[int, str] = {}
        """Buffer -> the box that wrote it last."""
        self.alike = _alike(plan.instructions) if fold else {}
        self.own = _own(plan)
        """Buffer of a leaf -> the instruction that alone reads and writes it."""

    def drawing(self) -> Drawing:
        for each in self.plan:
            self._lay(each)
        kinds = {box.kind for box in self.boxes.values()}
        legend = [(kind, legend_words(kind, self.language)) for kind in _LEGEND if kind in kinds]
        return Drawing(
            tuple(self.boxes.values()), tuple(self.arrows.values()), tuple(self.groups.values()), legend=tuple(legend),
            notes=tuple(head(self.plan, self.language)), language=self.language,
        )  # fmt: skip

    # Instructions ---------------------------------------------------------------------------------------------------
    def _lay(self, each: Instruction, group: str = "") -> None:
        """An instruction, or the frame of a loop with all that is in it."""
        if each.body:
            self._loop(each, group)
            return
        stack = self.alike.get(each.number, (each,))
        name = f"i{stack[0].number}"
        self._read(each, name)
        if name not in self.boxes:
            self.boxes[name] = self._box(name, stack, group)
        self._written(each, name)

    def _read(self, each: Instruction, name: str) -> None:
        rewritten = {array.buffer for array in each.writes} | self.own.keys()
        reads = [
            array for array in each.reads
            if array.shape or array.role != "constant"
            if array.role not in _KEPT or array.buffer not in rewritten
        ]  # fmt: skip
        given = [array for array in reads if array.buffer not in self.writer]
        if len(given) > CROWD:
            self._link(self._crowd(f"{name}given", given, f"leaf-{given[0].role}"), name, "")
            reads = [array for array in reads if array.buffer in self.writer]
        for array in reads:
            source = self.writer.get(array.buffer) or self._leaf(array)
            # The box of a leaf, or of what the turn before has left, says its shape itself.
            self._link(source, name, "" if self.boxes[source].kind.startswith("leaf") else _shape(array))

    def _written(self, each: Instruction, name: str) -> None:
        shown = [
            array for array in each.writes
            if array.role == "result"
            or (array.role in _KEPT and array.buffer not in self.own and each.number not in self.alike)
        ]  # fmt: skip
        if len(shown) > CROWD:
            self._link(name, self._crowd(f"{name}made", shown, "result"), "")
            shown = []
        for array in shown:
            if array.role == "result":
                result = f"result{array.buffer}"
                self.boxes.setdefault(
                    result, Box(result, (_short(array.name),), "result", _shape(array), result=True, note=array.name)
                )
                self._link(name, result, "")
            else:
                self._updated(array, name)
        self.writer |= {array.buffer: name for array in each.writes}

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
    def _box(self, name: str, stack: Sequence[Instruction], group: str) -> Box:
        first = stack[0]
        kept = [
            array for each in stack for array in each.writes
            if array.role in _KEPT and (len(stack) > 1 or array.buffer in self.own)
        ]  # fmt: skip
        lines = [first.kernel] if first.kernel in MOVING else _lines(first.operations)
        lines += [_names([array.name for array in sorted(kept, key=lambda array: array.role)])] if kept else []
        flops, moved = sum(each.flops for each in stack), sum(each.bytes_read + each.bytes_written for each in stack)
        said = [first.number if len(stack) == 1 else f"{first.number} … {stack[-1].number}"]
        said += [first.kernel] if first.kernel not in (*MOVING, "loop", "fused loop") else []
        said += [short(flops, "flop")] if flops else []
        note = [f"{first.number} {first.kernel}", first.why, ", ".join(each.op for each in first.operations)]
        note += [", ".join(each.number for each in stack)] if len(stack) > 1 else []
        return Box(
            name, tuple(lines) or (first.kernel,), _kind(first), " · ".join([*said, short(moved, "B")]), group=group,
            times=len(stack), note="\n".join(filter(None, note)),
        )  # fmt: skip

    def _leaf(self, array: Array) -> str:
        name = f"leaf{array.buffer}"
        self.boxes.setdefault(
            name,
            Box(name, (_short(array.name),), f"leaf-{array.role}", _shape(array), note=f"{array.name}  {array.dtype}"),
        )
        return name

    def _updated(self, array: Array, writer: str) -> None:
        """A leaf where it gets its new value."""
        name = f"new{array.buffer}"
        self.boxes.setdefault(
            name,
            Box(name, (_short(array.name),), f"leaf-{array.role}", copy_of=f"leaf{array.buffer}", note=array.name),
        )
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
                if array.role in _KEPT:
                    users.setdefault(array.buffer, set()).add(each.number)
            written |= {array.buffer: each.number for array in each.writes}
    return {buffer: number for buffer, number in written.items() if users.get(buffer) == {number}}


def _alike(instructions: Iterable[Instruction]) -> dict[str, tuple[Instruction, ...]]:
    """Number -> the instructions that do the same to other leaves, and write nothing else."""
    stacks: dict[tuple[object, ...], list[Instruction]] = {}
    for each in instructions:
        if each.writes and not each.body and all(array.role in _KEPT for array in each.writes):
            key = (each.kernel, *((op.op, op.name) for op in each.operations))
            stacks.setdefault(key, []).append(each)
    return {each.number: tuple(stack) for stack in stacks.values() if len(stack) >= STACK for each in stack}


def _kind(each: Instruction) -> str:
    kinds = {operation.kind for operation in each.operations}
    if each.kernel in MOVING:
        return "shape"
    return next((kind for kind in LEADING if kind in kinds), "arithmetic")


def _sign(each: Operation) -> str:
    """The sign of an operation as other pictures write it."""
    sign = each.sign
    return each.op.replace("_", " ") if len(sign) == 1 and 0x25A0 <= ord(sign) <= 0x25FF else sign


def _lines(operations: Sequence[Operation]) -> list[str]:
    """Signs in order, in lines of a box; what does not fit is counted."""
    words = [_word(each) for each in operations]
    lines: list[str] = []
    for at, word in enumerate(words):
        if lines and len(lines[-1]) + len(word) < LONGEST:
            lines[-1] += f" {word}"
        elif len(lines) == MOST_LINES:
            lines[-1] += f" … +{len(words) - at}"
            break
        else:
            lines.append(shortened(word, LONGEST))
    return lines


def _word(each: Operation) -> str:
    return f"{each.name}={_sign(each)}" if each.name and each.op else _sign(each)


def _names(names: Sequence[str]) -> str:
    """What is written, named as far as it fits in one line."""
    whole = f"→ {', '.join(names)}"
    return whole if len(whole) <= LONGEST else f"→ {shortened(names[0], LONGEST - 10)}, … ({len(names)})"


def _short(text: str) -> str:
    return shortened(text, LONGEST)


def _shape(array: Array) -> str:
    return shape_text(array.shape) if array.shape else ""
