"""What an engine does with a graph, as data for people: instructions in running order, what each computes, reads and
writes, where memory is used again, and why. It knows no engine; each engine fills it in."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from .errors import NngraphError, ParameterError
from .node import Leaf, Node

if TYPE_CHECKING:
    from .profile import Profile

__all__ = ["Array", "Instruction", "Operation", "PlanReport", "Update"]

FORMS = ("source", "llvm", "assembly")
"""How the code of an instruction can be shown."""


@dataclass(frozen=True, slots=True)
class Operation:
    """A node that an instruction computes. Of a leaf, which can only be copied, `op` is empty.

    `sign` is how pictures write it, `kind` that of the op, or `leaf-` and the role; `name` is what the user called it.
    """

    op: str
    sign: str
    kind: str
    name: str | None
    scope: str
    shape: tuple[int, ...]
    dtype: str

    @classmethod
    def of(cls, node: Node, factors: Sequence[str] = ()) -> Operation:
        """A node as it is spoken of; of several values only the first's shape is told. `factors` are the names of its
        operands, which a product with a transpose is written with: Xᵀ·G."""
        several = not isinstance(node.shape, tuple)
        shape = () if several else tuple(map(int, node.shape))
        dtype = "" if several or node.dtype is None else node.dtype.name
        if node.is_leaf:
            return cls("", node.name or node.role, f"leaf-{node.role}", node.name, node.scope, shape, dtype)
        sign = str(node.op.sign_on(node) or node.op.name)
        if len(factors) == 2 and sign in ("ᵀ·", "·ᵀ", "ᵀ·ᵀ"):
            (left, right), (first, second) = sign.split("·"), factors
            sign = f"{first}{left}·{second}{right}"
        return cls(node.op.name, sign, node.op.kind, node.name, node.scope, shape, dtype)


@dataclass(frozen=True, slots=True)
class Array:
    """What an instruction reads or writes.

    `buffer` numbers the memory it lies in, from 1. `role` is that of a leaf (input, parameter, state, constant),
    `result`, or `value` for what lives inside the plan. `bytes` counts each number once. `over`: the operand whose
    memory is written over. `moves`: another piece of the buffer at every turn of a loop.
    """

    buffer: int
    name: str
    role: str
    shape: tuple[int, ...]
    dtype: str
    bytes: int
    over: str = ""
    moves: bool = False


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction. `number` counts from 1; inside a loop it is `5.1`.

    `kernel`: what computes it. `rows`: units of independent work, done in `chunks` that threads may share. `flops`:
    words of the vocabulary applied to numbers, each counted once; of a loop, over all its turns. `why`: why these
    operations are one instruction, or why it is there. `fallback`: no kernel, so numpy computes it. `times`, `body`:
    the turns of a loop and what is done in each. `phase`: forward, backward or update; empty for what computes nothing.
    `blocks`, `threads`: on a GPU, how many blocks of how many threads it is launched with; 0 on a processor
    and of what a library does.
    """

    number: str
    kernel: str
    operations: tuple[Operation, ...]
    reads: tuple[Array, ...]
    writes: tuple[Array, ...]
    rows: int = 1
    chunks: int = 1
    flops: int = 0
    why: str = ""
    fallback: bool = False
    times: int = 1
    body: tuple[Instruction, ...] = ()
    phase: str = ""
    blocks: int = 0
    threads: int = 0

    @property
    def bytes_read(self) -> int:
        """Bytes of its operands."""
        return sum(array.bytes for array in self.reads)

    @property
    def bytes_written(self) -> int:
        """Bytes of its results."""
        return sum(array.bytes for array in self.writes)

    @property
    def in_place(self) -> tuple[Array, ...]:
        """The results that are written over an operand."""
        return tuple(array for array in self.writes if array.over)

    @property
    def scopes(self) -> tuple[str, ...]:
        """The scopes of its operations, each once."""
        return tuple(dict.fromkeys(each.scope for each in self.operations if each.scope))

    def record(self) -> dict[str, Any]:
        """Everything as plain lists, numbers and texts."""
        plain = asdict(self)
        plain |= {"bytes_read": self.bytes_read, "bytes_written": self.bytes_written}
        plain["body"] = [each.record() for each in self.body]
        return plain


@dataclass(frozen=True, slots=True)
class Update:
    """How a leaf gets its new value: by which instruction, and whether that computes it right over the old one."""

    leaf: str
    instruction: str
    in_place: bool


class Details(Protocol):
    """What an engine can still say of a plan when it is asked."""

    def source(self, number: str, form: str) -> str:
        """The code of an instruction as text."""

    def seconds(self, values: Mapping[Leaf, Any], repeat: int) -> dict[str, float]:
        """How long each instruction takes, by its number."""


@dataclass(frozen=True)
class PlanReport:
    """A plan, to be read: what an engine does when a compiled graph is called. `print(step.plan)` shows it as a table,
    `ng.draw(step.plan)` as a picture.

    `memory`: bytes that all values inside share; `values`: what they would take if each had its own (of a loop, its
    results count). `inputs` and `outputs`: their names.

    >>> import nngraph as ng
    >>> x, w = ng.input("x", shape=(2, 3)), ng.parameter("w", [1.0, 2.0, 3.0])
    >>> step = ng.compile(ng.sum(ng.exp(w * x)), inputs=[x], engine="numba")
    >>> len(step.plan), [each.op for each in step.plan[1].operations]
    (1, ['mul', 'exp', 'sum'])
    """

    engine: str
    instructions: tuple[Instruction, ...]
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    updates: tuple[Update, ...] = ()
    memory: int = 0
    values: int = 0
    leaves: tuple[Leaf, ...] = field(default=(), repr=False, compare=False)
    """The leaves that are given when the plan is run, in order."""
    details: Details | None = field(default=None, repr=False, compare=False)

    def __repr__(self) -> str:
        return f"<plan of {len(self)} instruction{'s' * (len(self) != 1)}, {self.engine}>"

    def __str__(self) -> str:
        return self.explain()

    def __len__(self) -> int:
        return len(self.instructions)

    def __iter__(self) -> Iterator[Instruction]:
        return iter(self.instructions)

    def __getitem__(self, number: int | str) -> Instruction:
        """The instruction of this number: `plan[5]`, or `plan["5.1"]` inside a loop."""
        for each in self.all():
            if each.number == str(number):
                return each
        raise ParameterError(
            f"{self!r} has no instruction {number!r}; they are numbered from 1, and 5.1 is the first inside 5"
        )

    def all(self) -> Iterator[Instruction]:
        """Every instruction, those inside loops behind the loop."""
        waiting = list(reversed(self.instructions))
        while waiting:
            each = waiting.pop()
            yield each
            waiting += reversed(each.body)

    @property
    def flops(self) -> int:
        """Of all instructions together."""
        return sum(each.flops for each in self.instructions)

    @property
    def bytes(self) -> int:
        """Bytes read and written by the instructions, one after the other."""
        return sum(each.bytes_read + each.bytes_written for each in self.instructions)

    @property
    def fallbacks(self) -> tuple[Instruction, ...]:
        """The instructions that numpy computes because there is no kernel for them."""
        return tuple(each for each in self.all() if each.fallback)

    # Showing it ---------------------------------------------------------------------------------------------------
    def explain(self, source: bool = False, width: int = 100, language: str | None = None) -> str:
        """The plan as text: a head with what it costs, then a few lines for each instruction, at most `width` columns
        wide, in a language (en, zh-TW, zh-CN; by default the current one).

        `source` adds the code of every instruction: fused loops as a person would write them, what makes a kernel, or
        what numpy is asked.
        """
        from .report_text import explained

        return explained(self, source, width, language)

    def source(self, number: int | str, form: str = "source") -> str:
        """The code of one instruction: a fused loop as a person would write it; of a kernel the Python text that makes
        it for a type of number and a processor.

        `form="llvm"` and `form="assembly"` show what is made of it for this processor.
        """
        if form not in FORMS:
            raise ParameterError(f"source: form={form!r} must be one of {', '.join(map(repr, FORMS))}")
        if self.details is None:
            raise NngraphError(f"{self!r} came without its engine, so there is no code to show")
        return self.details.source(self[number].number, form)

    def records(self) -> list[dict[str, Any]]:
        """The instructions as plain dictionaries, ready for JSON or a data frame."""
        return [each.record() for each in self.instructions]

    def json(self) -> str:
        """Everything as JSON text."""
        head = {
            name: getattr(self, name) for name in ("engine", "inputs", "outputs", "memory", "values", "flops", "bytes")
        }
        whole = {**head, "updates": [asdict(each) for each in self.updates], "instructions": self.records()}
        return json.dumps(whole, ensure_ascii=False, indent=1) + "\n"

    def profile(self, *values: Any, repeat: int = 20) -> Profile:
        """How long every instruction takes here: the least of `repeat` rounds, each instruction by itself, on copies of
        all leaves; inside loops the time of one turn.

        `values` are those of the inputs, in order; an input that has none gets numbers between 0 and 1, or zeros where
        whole numbers are asked for.
        """
        from .profile import Profile, given_values

        if self.details is None:
            raise NngraphError(f"{self!r} came without its engine, so nothing can be measured")
        return Profile(self, self.details.seconds(given_values(self.leaves, values), max(1, repeat)))


def numbered(names: Sequence[str | None], otherwise: str) -> tuple[str, ...]:
    """A name of its own for each; what has none is called `otherwise`, numbered where there are several.

    >>> numbered(["loss", None, "loss"], "result"), numbered([None], "result")
    (('loss', 'result 2', 'loss 3'), ('result',))
    """
    found: list[str] = []
    for at, name in enumerate(names, 1):
        said = name or otherwise
        found.append(f"{said} {at}" if said in found or (not name and len(names) > 1) else said)
    return tuple(found)
