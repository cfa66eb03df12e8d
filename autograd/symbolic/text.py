"""A derivation for a terminal: tables of the forward and the backward pass, then the chain of each variable."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..language import cell_width
from .blocks import matrix_lines
from .cells import broken, center, left, right, wrapped
from .columns import GAP, Cells, Columns
from .derivation import BACKWARD, INSIDE, Check, Derivation, Form, Step
from .document import ERROR, GIVEN, SIZES, VALUE, Chain, Document, Row, Table, document, told
from .numbers import digits, error_digits, lined_up
from .render import BREAK_SUM, Style, unbroken
from .spoken import TextSpeaker
from .terms import Apply, Product
from .unicode import UnicodePrinter

MARKS = {True: "✓", False: "✗", None: "–"}
COLORS = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "failure": "1;31"}


def derivation_text(
    derivation: Derivation,
    *,
    width: int = 100,
    color: bool = False,
    language: str | None = None,
    ascii: bool = False,
    checks: bool = True,
) -> str:
    """The derivation as lines of at most `width` cells, unless a single factor is wider; ANSI colors only when asked."""
    writer = _Writer(document(derivation), width, color, language, ascii)
    writer.speaker.checks_shown = checks
    return "\n".join(writer.lines())


class _Writer:
    def __init__(self, document: Document, width: int, color: bool, language: str | None, ascii: bool) -> None:
        self.document = document
        self.speaker = TextSpeaker(Style.of(document.derivation), language, ascii)
        self.width = max(40, width)
        self.color = color

    def paint(self, text: str, color: str) -> str:
        return f"\x1b[{COLORS[color]}m{text}\x1b[0m" if self.color and color and text.strip() else text

    def say(self, template: str) -> str:
        return self.speaker.say(template)

    def lines(self) -> list[str]:
        """The whole derivation."""
        blocks = [self._head()]
        blocks += [
            self._table(block) if isinstance(block, Table) else self._chain(block) for block in self.document.blocks
        ]
        failed = self.document.failed
        if failed is not None:
            blocks.append(
                [
                    self.paint(line, "failure")
                    for line in wrapped(
                        f"{self.speaker.escaped(MARKS[False])} {self.speaker.failure(failed)}", self.width
                    )
                ]
            )
        notes = [line for note in self.document.notes for line in self._hanging(self.speaker.sentence(note), 2)]
        blocks.append([self.paint(line, "dim") for line in notes])
        lines: list[str] = []
        for block in blocks:
            lines += ([""] if lines and block else []) + [line.rstrip() for line in block]
        return lines

    def _hanging(self, text: str, indent: int) -> list[str]:
        lines = wrapped(text, self.width - indent)
        return [lines[0], *(" " * indent + line for line in lines[1:])]

    # Head --------------------------------------------------------------------------------------------------------
    def _head(self) -> list[str]:
        derivation, speaker = self.document.derivation, self.speaker
        wanted = ", ".join(unbroken(speaker.math(each)) for each in self.document.wanted)
        name = speaker.escaped(speaker.formulas.name(derivation.output))
        title = broken(f"{name} = {speaker.math(derivation.expression)}", self.width, self.width - 4)
        title = [title[0], *("    " + line for line in title[1:])]
        if len(title) == 1 and cell_width(title[0]) + 4 + cell_width(wanted) <= self.width:
            head = [self.paint(title[0], "bold") + right(wanted, self.width - cell_width(title[0]))]
        else:
            head = [*(self.paint(line, "bold") for line in title), *wrapped(wanted, self.width)]
        given = [self._given(each) for each in self.document.givens]
        if given:
            head += ["", *self._flowing(self.say(GIVEN), given)]
        if self.document.sizes:
            head += self._flowing(self.say(SIZES), [f"{name} = {size}" for name, size in self.document.sizes])
        if self.document.seeded is not None:
            head += [self.paint(line, "dim") for line in self._hanging(speaker.sentence(self.document.seeded), 2)]
        if derivation.detail == "brief" and derivation.value.ndim == 0:
            head += ["", f"{name} = {speaker.number(digits(derivation.value))}"]
        return head

    def _given(self, given: object) -> str:
        value, shape, symbol = given.value, given.shape, given.name  # type: ignore[attr-defined]
        name = self.speaker.escaped(self.speaker.formulas.name(symbol.name))
        formulas = self.speaker.formulas
        assert isinstance(formulas, UnicodePrinter)
        before = f"{name}{' ' + self.speaker.shape(shape) if shape else ''} = "
        room = self.width - cell_width(self.say(GIVEN)) - GAP - cell_width(before)
        return before + self.speaker.escaped(formulas.short(value, room))

    def _flowing(self, title: str, items: Sequence[str]) -> list[str]:
        """Items side by side after a title, on as many lines as they need; no item is broken."""
        indent = cell_width(title) + GAP
        lines, line = [], title + " " * (GAP - 1)
        empty = True
        for item in items:
            if not empty and cell_width(line) + GAP + cell_width(item) > self.width:
                lines.append(line)
                line, empty = " " * (indent - 1), True
            line += (" " if empty else " " * GAP) + item
            empty = False
        return [*lines, line]

    # Tables ------------------------------------------------------------------------------------------------------
    def _table(self, table: Table) -> list[str]:
        backward = table.section == BACKWARD
        rows = [self._cells(row, backward) for row in table.rows]
        rows_with_value = [row for row in rows if row.value]
        for row, text in zip(rows_with_value, lined_up([row.value for row in rows_with_value]), strict=True):
            row.value = text
        columns = Columns(rows, self.width, self.say(VALUE), self.say(ERROR) if self.speaker.checks_shown else "")
        lines = self._table_head(table, columns)
        for row in rows:
            # The way from entries to matrices is a paragraph of its own.
            if backward and row is not rows[0] and (row.lead or (row.number and not table.scalar)):
                lines.append("")
            lines += self._row_lines(row, columns, backward)
        return lines

    def _table_head(self, table: Table, columns: Columns) -> list[str]:
        title = self.speaker.sentence(table.title)
        before = columns.start + columns.formula
        text = self.paint(left(title, min(before, cell_width(title))), "bold")
        used = cell_width(title)
        hint = self.say(table.hint) if table.hint else ""
        if hint and used + GAP + cell_width(hint) <= before:
            text += " " * GAP + self.paint(hint, "dim")
            used += GAP + cell_width(hint)
            hint = ""
        text += " " * max(0, before - used)
        if columns.shape:
            text += " " * (GAP + columns.shape)
        if columns.value:
            text += " " * GAP + right(self.say(VALUE), columns.value)
        if columns.tick:
            text += " " * GAP + self.speaker.escaped(MARKS[True]) + " " + self.say(ERROR)
        return [text, *(" " * columns.start + self.paint(line, "dim") for line in wrapped(hint, self.width) if hint)]

    def _cells(self, row: Row, backward: bool) -> Cells:
        step, speaker = row.step, self.speaker
        equations = [("= " + speaker.math(form.term, backward), self._form_note(form)) for form in row.symbolic]
        under = None
        if row.symbolic and row.symbolic[-1].shapes:
            under = self._under(row.symbolic[-1])
            if under is not None:
                equations = equations[:-1]
        if row.numbers is not None:
            equations.append(("= " + speaker.math(row.numbers.term, backward), self._form_note(row.numbers)))
        lone = step.value is not None and step.value.ndim == 0
        value = speaker.number(digits(step.value, padded=True)) if step.value is not None and lone else ""
        rule = speaker.sentence(step.rule) if step.rule is not None else ""
        shape = speaker.shape(step.shape) if step.shape and under is None else ""
        lead = []
        if row.lead is not None:
            lead = [f"{unbroken(speaker.math(row.lead.before))} = {speaker.math(row.lead.after, True)}"]
            whence = [speaker.sentence(sentence) for sentence in row.lead.why[:1]]
            lead = [*whence, *lead]
        return Cells(
            row, str(row.number) if row.number else "", unbroken(speaker.math(step.before)), equations, value, shape,
            self._tick(step.check), rule, under, lead, self._tick(row.lead.check) if row.lead is not None else "",
        )  # fmt: skip

    def _form_note(self, form: Form) -> str:
        parts = [self.speaker.sentence(sentence) for sentence in (form.where, form.note) if sentence is not None]
        return (" " * GAP).join(parts)

    def _tick(self, check: Check) -> str:
        if not self.speaker.shows(check):
            return ""
        mark, error = self.speaker.escaped(MARKS[check.passed]), told(check)
        return mark if error is None or check.passed is None else f"{mark} {error_digits(error)}"

    def _mark_color(self, check: Check) -> str:
        return {True: "green", False: "failure", None: "yellow"}[check.passed]

    def _under(self, form: Form) -> tuple[str, str] | None:
        """A matrix product with the shape under every factor."""
        term, sign = form.term, ""
        if isinstance(term, Apply) and term.op.notation.style == "prefix":
            sign, term = self.speaker.escaped(term.op.notation.sign), term.args[0]
        if not isinstance(term, Product) or len(term.factors) != len(form.shapes):
            return None
        factors = [self.speaker.escaped(text) for text in self.speaker.formulas.factors(term)]
        shapes = [self.speaker.shape(shape) if shape else "" for shape in form.shapes]
        widths = [max(cell_width(factor), cell_width(shape)) for factor, shape in zip(factors, shapes, strict=True)]
        dot = self.speaker.escaped(self.speaker.formulas.dot(term.style, True))
        above = "= " + sign + dot.join(center(factor, size) for factor, size in zip(factors, widths, strict=True))
        below = (
            "  "
            + " " * cell_width(sign)
            + (" " * cell_width(dot)).join(center(shape, size) for shape, size in zip(shapes, widths, strict=True))
        )
        return above, below

    def _row_lines(self, row: Cells, columns: Columns, backward: bool) -> list[str]:
        speaker, step = self.speaker, row.row.step
        color = "red" if backward else "green"
        indent = " " * columns.start
        lines: list[str] = []
        if row.lead:
            lines += self._lead_lines(row, columns)
        formula = self._formula_lines(row, columns)
        under_at = None
        if row.under is not None:
            under_at = len(formula)
            formula = [*formula, row.under[0], row.under[1]]
        rules = wrapped(row.rule, columns.rule) if row.rule and columns.rule else []
        tail_at = (under_at if under_at is not None else len(formula) - 1) if formula else 0
        for at, text in enumerate(formula or [""]):
            number = row.number if at == 0 and not row.lead else ""
            name = (
                row.left
                if at == 0
                else speaker.shape(step.shape)
                if under_at is not None and at == under_at + 1
                else ""
            )
            head = self.paint(right(number, columns.number), "dim") + "  " + left(name, columns.left) + " "
            line = head + (self.paint(text, "dim") if under_at is not None and at == under_at + 1 else text)
            plain = (
                cell_width(right(number, columns.number))
                + 2
                + cell_width(left(name, columns.left))
                + 1
                + cell_width(text)
            )
            if at == tail_at:
                room = columns.start + columns.formula - plain
                if row.rule and not columns.rule and cell_width(row.rule) + GAP <= room:
                    line += " " * (room - cell_width(row.rule)) + self.paint(row.rule, "dim")
                    room = -1
                line += " " * max(0, room)
                if columns.shape:
                    line += " " * GAP + left(row.shape, columns.shape)
                if columns.value:
                    line += " " * GAP + self.paint(right(row.value, columns.value), color)
                line += " " * GAP + self.paint(row.tick, self._mark_color(step.check))
                if rules:
                    line += " " * (columns.tick - cell_width(row.tick) + GAP) + self.paint(rules.pop(0), "dim")
            elif at > tail_at and rules:
                line += " " * max(0, columns.rule_start - plain) + self.paint(rules.pop(0), "dim")
            lines.append(line)
        lines += [" " * columns.rule_start + self.paint(rule, "dim") for rule in rules]
        if row.rule and not columns.rule and not any(row.rule in line for line in lines):
            lines += [indent + self.paint(line, "dim") for line in wrapped(row.rule, self.width - columns.start)]
        if (
            step.value is not None
            and step.value.ndim > 0
            and (step.section != INSIDE or self.document.derivation.detail == "full")
        ):
            lines += [indent + self.paint(line, color) for line in self._block(step.value, self.width - columns.start)]
        if step.check.passed is None:
            for _, text in speaker.checks(step.check):
                lines += [indent + self.paint(line, "yellow") for line in wrapped(text, self.width - columns.start)]
        for sentence in row.row.why:
            lines += [
                indent + self.paint(line, "dim")
                for line in wrapped(speaker.sentence(sentence), self.width - columns.start)
            ]
        return lines

    def _lead_lines(self, row: Cells, columns: Columns) -> list[str]:
        """z_nk = Σ_d x_nd·w_dk  ⟹  ∂L/∂w_dk = …, before the matrix form."""
        assert row.row.lead is not None
        arrow = self.speaker.escaped("⟹") + "  "
        check = row.row.lead.check
        tick = self.paint(row.lead_tick, self._mark_color(check))
        head = self.paint(right(row.number, columns.number), "dim") + "  "
        indent = columns.number + 2
        room = self.width - indent
        whence, *gradient = row.lead
        joined = "  ".join([unbroken(whence), *[arrow + each for each in gradient]])
        at = columns.tick_start - indent
        if cell_width(unbroken(joined)) <= at - GAP:
            return [head + unbroken(joined) + " " * (at - cell_width(unbroken(joined))) + tick]
        lines = [*broken(whence, room), *(line for each in gradient for line in broken(arrow + each, at - GAP))]
        last = lines[-1]
        lines[-1] = last + " " * max(GAP, at - cell_width(last)) + tick
        return [head + lines[0], *(" " * indent + line for line in lines[1:])]

    def _formula_lines(self, row: Cells, columns: Columns) -> list[str]:
        equations = row.equations
        if len(equations) == 2 and not any(note for _, note in equations):
            first, second = (unbroken(text) for text, _ in equations)
            if (
                columns.symbolic
                and cell_width(first) <= columns.symbolic
                and columns.symbolic + 2 + cell_width(second) <= columns.formula
            ):
                return [left(first, columns.symbolic) + "  " + second]
            if cell_width(first) + 2 + cell_width(second) <= columns.formula:
                return [first + "  " + second]
        lines = []
        for text, note in equations:
            cut = broken(text, columns.formula, columns.formula - 4)
            lines += [cut[0], *("    " + line for line in cut[1:])]
            if note:
                if cell_width(lines[-1]) + GAP + cell_width(note) <= columns.formula:
                    lines[-1] += " " * GAP + note
                else:
                    lines += ["    " + line for line in wrapped(note, columns.formula - 4)]
        return lines

    def _block(self, value: np.ndarray, room: int) -> list[str]:
        rows = [self.speaker.escaped(line) for line in matrix_lines(value, room - 2, self.speaker.formulas.number)]
        return ["= " + rows[0], *("  " + line for line in rows[1:])]

    # Chains ------------------------------------------------------------------------------------------------------
    def _chain(self, chain: Chain) -> list[str]:
        speaker, step = self.speaker, chain.step
        name = unbroken(speaker.math(step.before))
        indent = min(cell_width(name) + GAP, 14)
        pad = " " * indent
        heads = [line for sentence in chain.why for line in wrapped(speaker.sentence(sentence), self.width - indent)]
        if step.shape and not heads:
            heads = [speaker.shape(step.shape)]
        first = self.paint(name, "bold")
        if heads and cell_width(name) + GAP <= indent:
            lines = [
                first + pad[cell_width(name) :] + self.paint(heads[0], "dim"),
                *(pad + self.paint(line, "dim") for line in heads[1:]),
            ]
        else:
            lines = [first, *(pad + self.paint(line, "dim") for line in heads)]
        lines += [pad + line for line in self._chain_forms(step, self.width - indent)]
        return lines + [pad + line for line in self._chain_value(step, self.width - indent)]

    def _chain_forms(self, step: Step, room: int) -> list[str]:
        texts = [("= " + self.speaker.math(form.term, True), self._form_note(form), form) for form in step.forms]
        # Several paths: if one form needs two lines, every form gets one line for each path, so that they can be compared.
        apart = any(BREAK_SUM in text and cell_width(unbroken(text)) > room for text, _, _ in texts)
        written: list[tuple[list[str], int, str]] = []
        for text, note, form in texts:
            if form.shapes and (under := self._under(form)) is not None:
                written.append((list(under), 0, note))
                continue
            first, *others = self._paths(text, room) if apart else broken(text, room, room - 4)
            written.append(([first, *("    " + line for line in others)], len(others), note))
        fitting = [
            cell_width(cut[at]) for cut, at, note in written if cell_width(cut[at]) + GAP + cell_width(note) <= room
        ]
        column = max(fitting, default=0)
        lines = []
        for cut, at, note in written:
            width = max(cell_width(cut[at]), column if column + GAP + cell_width(note) <= room else 0)
            if note and width + GAP + cell_width(note) <= room:
                cut[at] = left(cut[at], width) + " " * GAP + self.paint(note, "dim")
            elif note:
                cut += [self.paint("    " + line, "dim") for line in wrapped(note, room - 4)]
            lines += cut
        return lines

    @staticmethod
    def _paths(text: str, room: int) -> list[str]:
        first, *others = text.split(BREAK_SUM)
        return [*broken(first, room, room - 4), *(line for each in others for line in broken(each.strip(), room - 4))]

    def _chain_value(self, step: Step, room: int) -> list[str]:
        marks = [
            self.paint(
                f"{self.speaker.escaped(MARKS[passed])} {text}" if passed is not None else text,
                {True: "green", False: "failure", None: "yellow"}[passed],
            )
            for passed, text in self.speaker.checks(step.check)
        ]
        plain = [
            f"{self.speaker.escaped(MARKS[passed])} {text}" if passed is not None else text
            for passed, text in self.speaker.checks(step.check)
        ]
        lines: list[str] = []
        if step.value is not None and step.value.ndim > 0:
            lines = [self.paint(line, "red") for line in self._block(step.value, room)]
            used = room
        else:
            value = "= " + self.speaker.number(digits(step.value)) if step.value is not None else ""
            lines, used = [self.paint(value, "red")], max(20, cell_width(value))
            lines[0] += " " * (used - cell_width(value))
        for mark, text in zip(marks, plain, strict=True):
            if used + GAP + cell_width(text) <= room:
                lines[-1] += " " * GAP + mark
                used += GAP + cell_width(text)
            else:
                lines.append(mark)
                used = cell_width(text)
        return lines
