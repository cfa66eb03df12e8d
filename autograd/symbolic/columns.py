"""The columns of a table on a terminal: how wide each is, and what goes below its line where the room is short."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..language import cell_width
from .document import Row
from .render import unbroken

GAP = 3
"""Cells between two columns."""
RULE_WIDTH = 30


@dataclass(eq=False, repr=False)
class Cells:
    """A table row, written: what stands in every column, and the lines below it."""

    row: Row
    number: str
    left: str
    equations: list[tuple[str, str]]
    value: str
    shape: str
    tick: str
    rule: str
    under: tuple[str, str] | None
    lead: list[str]
    lead_tick: str


class Columns:
    """The widths of a table's columns, in cells; what does not fit beside the formula goes below it."""

    def __init__(self, rows: Sequence[Cells], width: int, value_title: str, error_title: str) -> None:
        self.number = max(2, *(cell_width(row.number) for row in rows))
        self.left = max(max(cell_width(row.left), cell_width(row.shape) if row.under else 0) for row in rows)
        self.left = max(self.left, *(0 if row.under is None else 5 for row in rows))
        self.start = self.number + 2 + self.left + 1
        self.value = max((cell_width(row.value) for row in rows), default=0)
        self.value = max(self.value, cell_width(value_title)) if self.value else 0
        self.shape = max((cell_width(row.shape) for row in rows), default=0)
        self.tick = max(
            2 + cell_width(error_title) if error_title else 0,
            *(max(cell_width(row.tick), cell_width(row.lead_tick)) for row in rows),
        )
        self.rule = min(max((cell_width(row.rule) for row in rows), default=0), RULE_WIDTH)
        fixed = self.start + GAP + self.tick + sum(GAP + size for size in (self.value, self.shape) if size)
        needed = max(self._needed(row) for row in rows)
        room = width - fixed - (GAP + self.rule if self.rule else 0)
        if self.rule and room < min(needed, 44):
            self.rule, room = 0, width - fixed
        # Side by side, symbols and numbers need this much; more would only push the values away from their formulas.
        pairs = [
            tuple(cell_width(unbroken(text)) for text, _ in row.equations) for row in rows if len(row.equations) == 2
        ]
        fitting = [pair for pair in pairs if sum(pair) + 2 <= room]
        self.symbolic = max((pair[0] for pair in fitting), default=0)
        if self.symbolic + 2 + max((pair[1] for pair in fitting), default=0) > room:
            self.symbolic = 0
        wide = max(
            [needed, *(self.symbolic + 2 + pair[1] if self.symbolic else sum(pair) + 2 for pair in fitting)], default=0
        )
        self.formula = max(12, min(room, wide))
        self.tick_start = self.start + self.formula + GAP + sum(GAP + size for size in (self.value, self.shape) if size)
        self.rule_start = self.tick_start + self.tick + GAP

    def _needed(self, row: Cells) -> int:
        """Cells for the longest formula of a row on one line, seen from the formula column."""
        texts = [text for text, _ in row.equations] + ([row.under[0]] if row.under else [])
        lead = sum(cell_width(unbroken(text)) for text in row.lead) + 5 - self.left - 1 if row.lead else 0
        return max([lead, *(cell_width(unbroken(text)) for text in texts)])
