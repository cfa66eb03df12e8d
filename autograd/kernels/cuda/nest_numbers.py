"""How the text of a nest names its numbers: values in registers, places in memory, words applied."""

from __future__ import annotations

from typing import Any

from ..loop_passes import Add, Get, Item, Keep, Pour, Put, Reload, Row
from ..loops import FAR, NEXT, Apply, Buffer, Number, computed_in
from .nest_folds import literal
from .words import spoken


class Numbers:
    """Of the code of a nest. `given`: reads whose numbers are at hand."""

    def __init__(self, code: Any, given: dict[int, str]) -> None:
        self.given = given
        self.code, self.nest, self.loops = code, code.nest, code.loops
        self.layout, self.lie = code.layout, code.lie
        self.depth, self.abreast = self.loops.depth, self.layout.abreast
        self.slots = 1
        """How many turns of the loop abreast at once: four or eight, where numbers can be moved by 128 bits."""

    def _is_wide(self, item: Item) -> bool:
        """Whether something is done for every turn of the loop abreast."""
        nest = self.nest
        if isinstance(item, Get | Reload | Keep):
            return self.abreast in nest.varies[item.value]
        if isinstance(item, Put):
            return self.abreast in nest.varies[self.loops.writes[item.write].value]
        if isinstance(item, Pour):
            return self.abreast in nest.varies[nest.rows[item.row].operand]
        return isinstance(item, Add) and self.abreast in nest.values[item.fold].over

    def _moves_by_four(self, kind: str, at: int) -> bool:
        if self.slots == 1 or (kind == "r" and (at >= len(self.loops.reads) or at in self.given)):
            return False
        buffer = self.loops.reads[at] if kind == "r" else self.loops.writes[at].buffer
        same = kind == "r" or self.nest.dtype(self.loops.writes[at].value) == "float32"
        return same and buffer.dtype == "float32" and buffer.moves[self.abreast] == NEXT

    def _name(self, value: int, slot: int) -> str:
        """A value's variable; one for each slot where it varies over the loop abreast."""
        wide = self.slots > 1 and self.abreast in self.nest.varies[value]
        return f"v{value}_{slot}" if wide else f"v{value}"

    def _value(self, at: int, slot: int) -> str:
        value = self.nest.values[at]
        if at in self.given:
            return f"{self.given[at]}_{slot}" if self.slots > 1 else self.given[at]
        if isinstance(value, Buffer):
            return f"r{at}[{self._index('r', at, slot)}]"
        assert isinstance(value, Apply)
        dtypes = [None if isinstance(each, Number) else self.nest.dtype(each) for each in value.operands]
        operands = [
            literal(wanted, each.value)
            if isinstance(each, Number)
            else cast(self._name(each, slot), own or wanted, wanted)
            for each, own, wanted in zip(value.operands, dtypes, computed_in(value, dtypes))
        ]
        if value.word == "cast":
            return cast(operands[0], dtypes[0] or value.dtype, value.dtype)
        return spoken(value.word, value.dtype, operands)

    # Places -----------------------------------------------------------------------------------------------------------
    def _ahead(self, slot: int) -> int:
        """How many turns behind the first of this thread a slot is: fours lie side by side over the threads of a line."""
        slots = self.layout.slots
        return slot // slots * self.layout.across * slots + slot % slots

    def _index(self, kind: str, at: int, slot: int = 0) -> str:
        """Where in a read or a write the number of this turn is."""
        buffer = self.loops.reads[at] if kind == "r" else self.loops.writes[at].buffer
        terms = [f"{kind}{at}_first"]
        for loop, move in enumerate(buffer.moves):
            turn = f"(i{loop} + uint32({self._ahead(slot)}))" if slot and loop == self.abreast else f"i{loop}"
            if move == NEXT:
                terms.append(turn)
            elif move == FAR:
                terms.append(f"{turn} * {kind}{at}_by{loop}")
        if kind == "w" and at in self.code.partial:
            terms.append(f"part * w{at}_part")
        return f"uint32({' + '.join(terms)})"

    def _row_place(self, row: Row, slot: int) -> str:
        return f"w{row.write}[{self._index('w', row.write, slot)}]"

    def _kept(self, at: int, slot: int) -> str:
        write = self.nest.reloaded.get(at)
        if write is not None:
            return f"w{write}[{self._index('w', write, slot)}]"
        place = "0"
        for loop in self.nest.kept[at]:
            turn = f"i{loop}" if loop else "i0 - start"
            turn += f" + uint32({self._ahead(slot)})" if slot and loop == self.abreast else ""
            place = f"({place}) * n{loop} + {turn}"
        for owner, count in self.lie.owners(at):
            place = f"({place}) * uint32({count}) + {owner}"
        return f"k{at}[uint32(part * k{at}_part + {place})]"


def cast(number: str, source: str, target: str) -> str:
    """A number of one dtype as another."""
    if source == target:
        return number
    if target == "bool":
        return f"({number} != 0)"
    return f"{target}({number})"
