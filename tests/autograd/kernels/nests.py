"""Random nests of loops whose results are exact, their evaluation in numpy, and running them on memory with guards.

Values are small whole numbers over small powers of two, so sums are exact in any order and results must agree to the
bit. Run as a program it compares so many nests: `python nests.py FIRST COUNT`; used with other vector widths.
"""

from __future__ import annotations

import ctypes
import sys
from dataclasses import dataclass

import numpy as np
from nngraph.autograd.kernels.loop_code import LoopCode, Place, compiled
from nngraph.autograd.kernels.loop_passes import Nest
from nngraph.autograd.kernels.loops import FAR, NEXT, STILL, Apply, Buffer, Fit, Fold, Loops, Number, Write
from nngraph.autograd.vocabulary import WORDS

GUARD = 77
JOIN = {"+": np.add, "*": np.multiply, "max": np.maximum, "min": np.minimum}


# What is right
# ------------------------------------------------------------------------------------------------------------
def evaluate(loops: Loops, extents: tuple[int, ...], reads: list[np.ndarray]) -> list[np.ndarray]:
    """Every value as an array with an axis for each loop, of one number where it does not vary."""
    values = list(reads)
    for step in loops.steps:
        if isinstance(step, Fold):
            operand = values[step.operand].astype(step.dtype)
            over = tuple(extents[at] if at in step.over else size for at, size in enumerate(operand.shape))
            operand = np.broadcast_to(operand, over)
            if 0 in over:
                shape = tuple(1 if at in step.over else size for at, size in enumerate(over))
                values.append(np.full(shape, start(step.word, step.dtype), step.dtype))
            else:
                more = {"dtype": step.dtype} if step.word in "+*" else {}
                values.append(JOIN[step.word].reduce(operand, axis=step.over, keepdims=True, **more))
            continue
        operands = [
            np.asarray(each.value, step.dtype if step.word not in COMPARE else _other(step, values))
            if isinstance(each, Number) else values[each] for each in step.operands
        ]  # fmt: skip
        result = np.asarray(operands[0] if step.word == "cast" else WORDS[step.word].numpy(*operands)).astype(
            step.dtype
        )
        result = result.reshape((1,) * (loops.depth - result.ndim) + result.shape)
        shape = [extents[at] if at in step.over else size for at, size in enumerate(result.shape)]
        values.append(np.broadcast_to(result, shape))
    return values


COMPARE = ("<", "<=", ">", ">=", "==", "!=")


def _other(step: Apply, values: list[np.ndarray]) -> np.dtype:
    return next(values[each].dtype for each in step.operands if not isinstance(each, Number))


def start(word: str, dtype: str) -> object:
    """What a fold over nothing gives."""
    kind = np.dtype(dtype).kind
    if word in "+*":
        return int(word == "*")
    low, high = (
        (-np.inf, np.inf) if kind == "f" else (0, 1) if kind == "b" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
    )
    return low if word == "max" else high


# Running
# ------------------------------------------------------------------------------------------------------------------
@dataclass
class Memory:
    """Numbers of a buffer with guards around them; `view` has an axis for each loop, of one number where it is
    STILL."""

    bytes: np.ndarray
    view: np.ndarray
    place: Place

    def touched(self) -> np.ndarray:
        """The bytes that belong to no number of the view, which must all be guards."""
        mine = np.zeros(self.bytes.size, bool)
        offsets = np.zeros((1,) * self.view.ndim, np.int64)
        for axis, (size, stride) in enumerate(zip(self.view.shape, self.view.strides)):
            shape = tuple(size if at == axis else 1 for at in range(self.view.ndim))
            offsets = offsets + (np.arange(size) * stride).reshape(shape)
        first = self.place.address - self.bytes.ctypes.data
        for byte in range(self.view.itemsize):
            mine[(first + offsets + byte).ravel()] = True
        return self.bytes[~mine]


def memory(rng: np.random.Generator, buffer: Buffer, extents: tuple[int, ...], parts: int = 1) -> Memory:
    """Memory in which a buffer moves as it says: far strides in any order, with gaps, forwards or backwards."""
    size = np.dtype(buffer.dtype).itemsize
    far = [loop for loop, move in enumerate(buffer.moves) if move == FAR]
    steps = {loop: 1 for loop, move in enumerate(buffer.moves) if move == NEXT}
    count = max([extents[loop] for loop in steps], default=1) or 1
    for loop in rng.permutation(far):
        count += int(rng.integers(0, 3))
        steps[loop] = count
        count *= max(extents[loop], 1)
    # One axis in front for the partial results of chunks.
    distance = count + int(rng.integers(0, 3))
    total = distance * parts
    first = 0
    for loop in far:
        if rng.random() < 0.2:
            first += steps[loop] * (max(extents[loop], 1) - 1)
            steps[loop] = -steps[loop]
    raw = np.full(192 + total * size, GUARD, np.uint8)
    offset = 64 + first * size + int(rng.choice([-raw.ctypes.data % 64, 0, size, 2 * size]))
    shape = tuple(extents[loop] if move != STILL else 1 for loop, move in enumerate(buffer.moves))
    strides = tuple(steps.get(loop, 0) * size for loop in range(len(shape)))
    base = np.ndarray((parts, *shape), buffer.dtype, raw, offset, (distance * size, *strides))
    return Memory(raw, base, Place(raw.ctypes.data + offset, [steps[loop] for loop in far], distance))


def call(code: LoopCode, words: list[int], first: int, last: int) -> None:
    """Run machine code on an argument block."""
    block = np.array(words, np.int64)
    kind = ctypes.CFUNCTYPE(None, ctypes.c_int64, ctypes.c_int64, ctypes.c_int64)
    kind(code.address)(block.ctypes.data, first, last)


def run(
    rng: np.random.Generator, loops: Loops, extents: tuple[int, ...], arrays: list[np.ndarray],
    chunk: int | None = None, share: dict[int, int] | None = None,
) -> list[np.ndarray]:  # fmt: skip
    """What the nest writes; in chunks of rows, the last first, with partial results put together. `share`: write ->
    read into whose numbers it goes."""
    code = compiled(loops)
    rows = extents[0] if loops.depth else 1
    chunk = chunk or max(rows, 1)
    parts = max(-(-rows // chunk), 1)
    reads = [memory(rng, buffer, extents) for buffer in loops.reads]
    for each, array in zip(reads, arrays):
        each.view[0] = array
    writes = [
        reads[share[at]]
        if share and at in share
        else memory(rng, write.buffer, extents, parts if at in code.partial else 1)
        for at, write in enumerate(loops.writes)
    ]
    space = code.scratch_bytes(extents)
    scratch = np.full(parts * space + 128, GUARD, np.uint8)
    address = scratch.ctypes.data + 63 & -64
    words = code.block(extents, [each.place for each in reads], [each.place for each in writes], chunk, address)
    for part in reversed(range(parts)):
        call(code, words, part * chunk, min((part + 1) * chunk, rows))
    used = address - scratch.ctypes.data
    assert (scratch[:used] == GUARD).all()
    assert (scratch[used + parts * space :] == GUARD).all()
    for each in (*reads, *writes):
        assert (each.touched() == GUARD).all(), "bytes outside a buffer were written"
    found = []
    for at, each in enumerate(writes):
        word = next((step.word for step in [_step(loops, loops.writes[at].value)] if isinstance(step, Fold)), "+")
        found.append(
            JOIN[word].reduce(each.view, axis=0).astype(each.view.dtype) if len(each.view) > 1 else each.view[0].copy()
        )
    return found


def _step(loops: Loops, value: int) -> object:
    return loops.steps[value - len(loops.reads)] if value >= len(loops.reads) else None


# Random nests
# ---------------------------------------------------------------------------------------------------------------
@dataclass
class Random:
    """A nest under construction. For each value: the largest size it can have, and the finest fraction, as a power of
    two."""

    rng: np.random.Generator
    extents: tuple[int, ...]
    real: str

    def __post_init__(self) -> None:
        self.depth = len(self.extents)
        self.reads: list[Buffer] = []
        self.steps: list[Apply | Fold] = []
        self.dtypes: list[str] = []
        self.varies: list[tuple[int, ...]] = []
        self.largest: list[float] = []
        self.finest: list[int] = []
        self.closed: set[int] = set()

    def pick(self, options: list) -> object:
        return options[int(self.rng.integers(len(options)))]

    def read(self) -> None:
        """One more buffer, moving along some of the loops."""
        loops = [loop for loop in range(self.depth) if self.rng.random() < 0.75]
        moves = [FAR if loop in loops else STILL for loop in range(self.depth)]
        if loops and self.rng.random() < 0.8:
            moves[loops[-1] if self.rng.random() < 0.8 else self.pick(loops)] = NEXT
        kinds = [self.real] * 6 + ["int64", "int32", "bool", "uint8", "float32", "float64"]
        self.reads.append(Buffer(str(self.pick(kinds)), tuple(moves)))
        self._note(self.reads[-1].dtype, tuple(loops), 4, 1)

    def _note(self, dtype: str, varies: tuple[int, ...], largest: float, finest: int) -> None:
        self.dtypes.append(dtype)
        self.varies.append(varies)
        self.largest.append(largest)
        self.finest.append(finest)

    def fits(self, dtype: str, largest: float, finest: int) -> bool:
        """Whether all values so bounded are exact in a dtype."""
        room = {"float32": 22, "float64": 50, "int64": 60, "int32": 30, "uint8": 7}[dtype]
        return largest * 2**finest < 2**room and finest < 9 and not (finest and dtype[0] in "iu")

    def step(self) -> None:
        """One more word or fold, when the one drawn can be exact."""
        open_values = [at for at in range(len(self.dtypes)) if at not in self.closed]
        a = self.pick(open_values[-3:] if self.rng.random() < 0.3 else open_values)
        same = [at for at in open_values if self.dtypes[at] == self.dtypes[a]]
        b = self.pick(same)
        word = str(
            self.pick(
                ["+", "-", "*", "/", "/", "max", "min", "neg", "abs", "<", ">=", "==", "where", "cast", *["fold"] * 5]
            )
        )
        dtype, both = self.dtypes[a], tuple(sorted({*self.varies[a], *self.varies[b]}))
        big, fine = max(self.largest[a], self.largest[b]), max(self.finest[a], self.finest[b])
        unsigned = dtype in ("bool", "uint8")
        if word == "fold":
            self.fold(a)
        elif word == "cast":
            target = str(self.pick(["float32", "float64", "int64", "bool", self.real]))
            over = tuple(loop for loop in range(self.depth) if self.rng.random() < 0.1)
            varies = tuple(sorted({*over, *self.varies[a]}))
            if target == "bool":
                self.add(Apply("cast", (a,), target, over), varies, 1, 0)
            elif self.fits(target, self.largest[a], self.finest[a]):
                self.add(Apply("cast", (a,), target, over), varies, self.largest[a], self.finest[a])
        elif word in COMPARE:
            operand = Number(1) if self.rng.random() < 0.3 and dtype != "bool" else b
            self.add(Apply(word, (a, operand), "bool"), self.varies[a] if operand is not b else both, 1, 0)
        elif word == "where":
            conditions = [at for at in open_values if self.dtypes[at] == "bool"]
            if conditions:
                c = self.pick(conditions)
                self.add(Apply(word, (c, a, b), dtype), tuple(sorted({*both, *self.varies[c]})), big, fine)
        elif word in ("max", "min"):
            self.add(Apply(word, (a, b), dtype), both, big, fine)
        elif word in ("neg", "abs"):
            if not unsigned:
                self.add(Apply(word, (a,), dtype), self.varies[a], self.largest[a], self.finest[a])
        elif word == "/":
            if dtype[0] == "f" and self.fits(dtype, self.largest[a], self.finest[a] + 1):
                self.add(Apply(word, (a, Number(2)), dtype), self.varies[a], self.largest[a], self.finest[a] + 1)
        elif dtype != "bool" and not (unsigned and word == "-"):
            largest, finest = (
                (2 * big, fine) if word != "*" else (self.largest[a] * self.largest[b], self.finest[a] + self.finest[b])
            )
            if self.fits(dtype, largest, finest):
                self.add(Apply(word, (a, b), dtype), both, largest, finest)

    def fold(self, a: int) -> None:
        """Fold a value over loops next to each other; a fold that keeps an inner loop is only written."""
        varies = self.varies[a]
        if not varies:
            return
        first = self.pick(list(varies))
        over = tuple(loop for loop in varies if loop >= first)
        if self.rng.random() < 0.5 and len(over) > 1:
            over = over[: int(self.rng.integers(1, len(over)))]
        word = str(self.pick(["+", "+", "max", "min"]))
        dtype = self.dtypes[a]
        if word == "+" and dtype in ("bool", "uint8"):
            dtype = "int64"
        count = int(np.prod([self.extents[loop] for loop in over])) if word == "+" else 1
        largest = self.largest[a] * max(count, 1)
        if (0 in self.extents and word != "+") or (dtype != "bool" and not self.fits(dtype, largest, self.finest[a])):
            return
        step = Fold(word, a, over, dtype)
        kept = tuple(loop for loop in varies if loop not in over)
        self.add(step, kept, largest, self.finest[a])
        try:
            Nest(Loops(self.depth, tuple(self.reads), tuple(self.steps), ()))
        except ValueError:
            self.drop()
            return
        if kept and kept[-1] > min(over):
            self.closed.add(len(self.dtypes) - 1)

    def add(self, step: Apply | Fold, varies: tuple[int, ...], largest: float, finest: int) -> None:
        """Note a step."""
        self.steps.append(step)
        self._note(step.dtype, varies, largest, finest)

    def drop(self) -> None:
        """Forget the last step."""
        for each in (self.steps, self.dtypes, self.varies, self.largest, self.finest):
            each.pop()

    def writes(self) -> tuple[Write, ...]:
        """Some values written, those among them that nothing uses."""
        used = {each for step in self.steps for each in (step.operands if isinstance(step, Apply) else (step.operand,))}
        found = []
        for at in range(len(self.dtypes)):
            if (at not in used and at >= len(self.reads)) or self.rng.random() < 0.15:
                moves = [FAR if loop in self.varies[at] else STILL for loop in range(self.depth)]
                if self.varies[at] and self.rng.random() < 0.85:
                    moves[self.varies[at][-1]] = NEXT
                found.append(Write(at, Buffer(self.dtypes[at], tuple(moves))))
        return tuple(found)


def random_nest(seed: int) -> tuple[Loops, tuple[int, ...], list[np.ndarray]]:
    """A nest, its extents, and what it reads."""
    rng = np.random.default_rng(seed)
    depth = int(rng.integers(0, 5)) if seed % 3 else int(rng.integers(1, 3))
    sizes = [1, 2, 3, 5, 15, 16, 17, 33, 70, 130] if depth < 3 else [1, 2, 3, 4, 5, 9, 17]
    extents = tuple(int(rng.choice(sizes)) for _ in range(depth))
    if depth and rng.random() < 0.05:
        extents = tuple(0 if at == int(rng.integers(depth)) else size for at, size in enumerate(extents))
    made = Random(rng, extents, str(rng.choice(["float32", "float32", "float64"])))
    for _ in range(int(rng.integers(1, 5))):
        made.read()
    for _ in range(int(rng.integers(2, 20))):
        made.step()
    abreast = int(rng.integers(depth)) if depth and seed % 2 else -1
    fit = Fit(abreast, int(rng.choice([0, 0, 1, 2, 4])), bool(rng.random() < 0.2))
    loops = Loops(depth, tuple(made.reads), tuple(made.steps), made.writes(), fit)
    arrays = []
    # What NaN is as a whole number is not said anywhere.
    strange = seed % 4 == 3 and not any(step.dtype == "int64" for step in loops.steps)
    for buffer in loops.reads:
        shape = tuple(extents[loop] if move != STILL else 1 for loop, move in enumerate(buffer.moves))
        low = 0 if buffer.dtype in ("bool", "uint8") else -4
        numbers = rng.integers(low, 2 if buffer.dtype == "bool" else 5, shape).astype(buffer.dtype)
        if strange and buffer.dtype.startswith("float"):
            numbers[rng.random(shape) < 0.03] = rng.choice([np.nan, np.inf, -np.inf])
        arrays.append(numbers)
    return loops, extents, arrays


def compare(seed: int) -> int:
    """Compare one random nest with numpy in every way it can be run; how many ways that were."""
    loops, extents, arrays = random_nest(seed)
    rng = np.random.default_rng(seed + 1)
    with np.errstate(all="ignore"):
        values = evaluate(loops, extents, arrays)
    right = [values[write.value] for write in loops.writes]
    code = compiled(loops)
    ways: list[dict] = [{}]
    if loops.depth and not code.whole and extents[0] > 1:
        ways.append({"chunk": 64 if loops.depth == 1 else max(extents[0] // 3, 1)})
    share: dict[int, int] = {}
    for write in range(len(loops.writes)):
        for read in range(len(loops.reads)):
            if read not in share.values() and write not in share and code.may_share(read, write):
                share[write] = read
    if share:
        ways.append({"share": share})
    for way in ways:
        found = run(rng, loops, extents, arrays, **way)
        for write, mine, exact in zip(loops.writes, found, right):
            skipped = set(range(code.nest.depths[write.value])) - set(code.nest.varies[write.value])
            if any(extents[loop] == 0 for loop in skipped):
                continue  # It stands in the body of a loop that has no turns.
            np.testing.assert_array_equal(
                mine, exact, err_msg=f"seed {seed}, {way}, {write}\n{loops}\n{extents}\n{code.source()}"
            )
    return len(ways)


if __name__ == "__main__":
    first, count = map(int, sys.argv[1:])
    print(sum(compare(seed) for seed in range(first, first + count)))
