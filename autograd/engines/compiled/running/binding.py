"""Calls as words: every argument block and every instruction in one row of int64 numbers, with addresses put in."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from ....errors import NngraphError
from ....kernels.layout import REPEAT, REPEAT_PROGRAM, REPEAT_TABLE, STATUS_WORD, STEP_WORD, WORKERS_WORD
from ..calls import CHUNK, STATUS, STEP, Body, Buffer, Call, Fallback, Scratch, View


class Words:
    """Words being written. What is not known before the row lies in memory is filled in at the end.

    `address` gives where a buffer lies, or None when that is known only when the program is called: then `patches` tells
    which words it goes into, and how many bytes are added. `state`: where the words of the program's state lie.
    """

    def __init__(self, address: Callable[[Buffer], int | None], state: int) -> None:
        self.words: list[int] = []
        self.relative: list[int] = []
        """Words that hold the number of another word, to become its address."""
        self.patches: dict[Buffer, list[tuple[int, int]]] = {}
        self._address, self._state = address, state
        self._tables: dict[Buffer, list[tuple[int, int, int]]] = {}
        """Moving buffer -> the table of its loop: (word, word that holds where it starts, bytes it moves by)."""
        self._starts: list[View] = []
        """Where moving buffers are at the first turn."""
        self._local: list[tuple[Mapping[Buffer, int], int]] = []
        """Arenas of the loops around: offsets, and the word that holds the arena's address at the time of binding."""

    def block(self, call: Call, number: int, scratch: Mapping[tuple[int, int], int], base: int) -> int:
        """The argument block of a call; the number of its first word."""
        inner = self._body(call.body, base + scratch[number, 0]) if call.body is not None else None
        first = len(self.words)
        if inner is not None:
            program, count, table, moving = inner
            length, state = call.body.length, self._state  # type: ignore[union-attr]
            block = [program, count, length, state + 8 * STATUS_WORD, table, moving, state + 8 * WORKERS_WORD]
            if len(block) != REPEAT:
                raise NngraphError(f"a loop reads {REPEAT} words and is given {len(block)}")
            self.words += block
            self.relative += [first + REPEAT_PROGRAM, first + REPEAT_TABLE]
            return first
        epilogue = self._finish(call, base) if call.finishing else None
        first = len(self.words)
        for position, word in enumerate(call.words):
            self.words.append(0)
            at = len(self.words) - 1
            if isinstance(word, View):
                self._place(at, word)
            elif isinstance(word, Scratch):
                self.words[at] = base + scratch.get((number, position), 0)
            elif word is CHUNK:
                self.words[at] = call.chunk
            elif word is STATUS:
                self.words[at] = self._state + 8 * STATUS_WORD
            elif word is STEP:
                self.words[at] = self._state + 8 * STEP_WORD
            else:
                self.words[at] = int(np.float64(word).view(np.int64)) if isinstance(word, float) else int(word)
        if epilogue is not None:
            self.words[first + 3 : first + 5] = epilogue
            self.relative.append(first + 4)
        return first

    def _finish(self, call: Call, base: int) -> list[int]:
        """The two words that tell a kernel what to run on rows that are done."""
        from ....kernels.interpreter import finish

        blocks = [self.block(nest, -1, {}, base) for nest in call.finishing]
        first = len(self.words)
        self.words.append(len(blocks))
        for nest, block in zip(call.finishing, blocks):
            self.relative.append(len(self.words) + 1)
            self.words += [nest.code.address, block, nest.rows // call.finish]
        return [finish("float64").address, first]

    def instruction(self, call: Call, block: int) -> tuple[int, int, int, int]:
        """What the interpreter runs for a call: kernel, number of the block's first word, rows, rows per chunk."""
        return call.code.address, block, call.rows, call.chunk

    def _body(self, body: Body, arena: int) -> tuple[int, int, int, int]:
        """The program of a loop; the numbers of its first word and of its table's, and how long both are."""
        table: list[tuple[int, int, int]] = []
        for buffer in body.moving:
            self._tables[buffer] = table
        self._local.append((body.offsets, arena))
        code: list[tuple[int, int, int, int]] = []
        for number, call in enumerate(body.calls):
            if isinstance(call.code, Fallback):
                raise NngraphError("a plan would have a loop run numpy")
            code.append(self.instruction(call, self.block(call, number, body.scratch, arena)))
        self._local.pop()
        program = len(self.words)
        for kernel, block, rows, chunk in code:
            self.relative.append(len(self.words) + 1)
            self.words += [kernel, block, rows, chunk]
        first = len(self.words)
        for word, start, stride in table:
            self.relative.append(len(self.words))
            place = len(self.words) + 1
            self.words += [word, 0, stride]
            self._place(place, self._starts[start])
        return program, len(code), first, len(table)

    def _place(self, at: int, view: View) -> None:
        """Put the address of a view's first number into a word."""
        extra = view.offset * view.dtype.itemsize
        buffer = view.buffer
        if buffer.role == "moving":
            outer, stride = buffer.owner
            self._tables[buffer].append((at, len(self._starts), stride))
            self._starts.append(View(outer.buffer, view.dtype, view.shape, view.strides, view.offset))
            return
        for offsets, arena in reversed(self._local):
            if buffer in offsets:
                self.words[at] = arena + offsets[buffer] + extra
                return
        known = self._address(buffer)
        if known is None:
            self.patches.setdefault(buffer, []).append((at, extra))
        else:
            self.words[at] = known + extra

    def array(self) -> np.ndarray:
        """All words, with the addresses of other words filled in."""
        found = np.array(self.words or [0], np.int64)
        places = np.array(self.relative, np.int64)
        if places.size:
            found[places] = found.ctypes.data + 8 * found[places]
        return found
