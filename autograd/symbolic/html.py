"""A derivation as one HTML page: MathML, no script, no request; light and dark, and good on paper."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape

from ..language import current_language, known_language
from .derivation import INSIDE, Check, Derivation, Form, Step
from .document import ERROR, GIVEN, SIZES, VALUE, Chain, Document, Row, Speaker, Table, document, told
from .mathml import MathmlPrinter
from .mathml import row as mathml_row
from .numbers import digits, error_digits
from .render import BREAK_FACTOR, BREAK_SUM, Style, unbroken
from .terms import Apply, Product, Term

LOOK = """
.nngraph-derivation { line-height: 1.55; }
.nngraph-derivation * { box-sizing: border-box; }
.nngraph-derivation math { font-size: 1.08em; }
.nngraph-derivation h1 { font-size: 1.25rem; font-weight: 600; margin: 0 0 1rem; }
.nngraph-derivation h2 { font-size: .95rem; letter-spacing: .06em; color: var(--dim); margin: 2.2rem 0 .4rem; border-bottom: 1px solid var(--rule); padding-bottom: .3rem; }
.nngraph-derivation h3 { font-size: 1.1rem; margin: 2.2rem 0 .3rem; }
.nngraph-derivation dl { display: flex; flex-wrap: wrap; gap: .2rem 1.4rem; margin: .2rem 0; align-items: center; }
.nngraph-derivation dt { color: var(--dim); font-weight: 400; }
.nngraph-derivation dd { margin: 0; }
.nngraph-derivation .scroll { overflow-x: auto; }
.nngraph-derivation table { border-collapse: collapse; width: 100%; margin: 0; font-size: inherit; }
.nngraph-derivation td, .nngraph-derivation th { padding: .4rem .55rem; text-align: left; vertical-align: baseline; }
.nngraph-derivation th { font-weight: 400; color: var(--dim); font-size: .85rem; }
.nngraph-derivation tr.line > td { border-top: 1px solid var(--rule); }
.nngraph-derivation .number { color: var(--dim); text-align: right; width: 2rem; }
.nngraph-derivation .left { text-align: right; white-space: nowrap; width: 1%; padding-right: 0; }
.nngraph-derivation .value { text-align: right; white-space: nowrap; color: var(--value); }
.nngraph-derivation .backward .value, .nngraph-derivation .gradient { color: var(--gradient); }
.nngraph-derivation .check { white-space: nowrap; font-size: .85rem; color: var(--dim); }
.nngraph-derivation .tick { color: var(--value); }
.nngraph-derivation .cross { color: var(--gradient); font-weight: 700; }
.nngraph-derivation :is(.rule, .note, .why, .seed, footer) { color: var(--dim); font-size: .9rem; }
.nngraph-derivation .why { max-width: 46rem; }
.nngraph-derivation .form { margin: .1rem 0; }
.nngraph-derivation .form.short { display: inline-block; margin-right: .1rem; }
.nngraph-derivation .chain { width: auto; }
.nngraph-derivation .chain .left { width: auto; }
.nngraph-derivation .chain td { padding: .2rem .45rem; border: 0; }
.nngraph-derivation .failed { border: 1px solid var(--gradient); color: var(--gradient); border-radius: .4rem; padding: .6rem .9rem; }
.nngraph-derivation footer { margin-top: 2.5rem; border-top: 1px solid var(--rule); padding-top: .6rem; }
@media print { .nngraph-derivation tr, .nngraph-derivation .chain { break-inside: avoid; } .nngraph-derivation :is(h2, h3) { break-after: avoid; } .nngraph-derivation .scroll { overflow: visible; } }
"""
"""How a derivation looks, on a page of its own or inside another page: nothing outside of it is touched."""
PAGE_STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --dim: #667079; --paper: #fff; --rule: #dfe3e8; --value: #0a7a3c; --gradient: #c0261d; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ec; --dim: #97a1ab; --paper: #14171b; --rule: #2c333a; --value: #5fd08d; --gradient: #ff8a7d; } }
body { margin: 2rem auto; padding: 0 1.25rem; max-width: 66rem; color: var(--ink); background: var(--paper);
  font-family: system-ui, "Segoe UI", "Noto Sans", "PingFang TC", "Microsoft JhengHei", "Noto Sans TC", "Noto Sans CJK TC", sans-serif; }
:lang(zh-CN) body, body:lang(zh-CN) { font-family: system-ui, "Segoe UI", "Noto Sans", "PingFang SC", "Microsoft YaHei", "Noto Sans SC", "Noto Sans CJK SC", sans-serif; }
@media print { body { margin: 0; max-width: none; font-size: 10.5pt; } }
"""
PART_STYLE = """
.nngraph-derivation { --dim: #7b858e; --rule: #8886; --value: #1c9150; --gradient: #d9483c; }
"""
"""Inside another page, light or dark, the text takes that page's color; these can be read on both."""


def derivation_html(
    derivation: Derivation, *, standalone: bool = True, language: str | None = None, checks: bool = True
) -> str:
    """One self-contained page whose content policy forbids every request and every script; or a part for another page."""
    speaker = HtmlSpeaker(Style.of(derivation), language)
    speaker.checks_shown = checks
    tongue = known_language(language) if language else current_language()
    body = "\n".join(_body(document(derivation), speaker))
    if not standalone:
        return f'<div class="nngraph-derivation" lang="{tongue}">\n<style>{PART_STYLE}{LOOK}</style>\n{body}\n</div>\n'
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    return (
        f'<!DOCTYPE html>\n<html lang="{tongue}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(derivation.output)}</title>\n<style>{PAGE_STYLE}{LOOK}</style>\n</head>\n<body>\n"
        f'<article class="nngraph-derivation">\n{body}\n</article>\n</body>\n</html>\n'
    )


class HtmlSpeaker(Speaker):
    """Sentences as HTML with their formulas in MathML."""

    def __init__(self, style: Style, language: str | None) -> None:
        super().__init__(MathmlPrinter(style), language)

    def escaped(self, text: str) -> str:
        return escape(text)

    def inline(self, formula: str) -> str:
        return f"<math>{formula}</math>"

    def display(self, formula: str) -> str:
        """A formula on its own, with fractions at full size."""
        return f'<math displaystyle="true">{formula}</math>'

    def flowing(self, marked: str) -> str:
        """A formula with break marks as several pieces that a browser may put on several lines."""
        return "<wbr>".join(self.display(piece) for piece in re.split(f"[{BREAK_SUM}{BREAK_FACTOR}]", marked) if piece)

    def math(self, term: Term) -> str:
        """A term with its break marks."""
        return self.formulas.term(term, True)

    def value(self, step: Step) -> str:
        """The value of a line."""
        assert step.value is not None
        assert isinstance(self.formulas, MathmlPrinter)
        lone = step.value.ndim == 0
        return self.inline(
            self.formulas.number(digits(step.value, padded=True)) if lone else self.formulas.array(step.value)
        )

    def form(self, form: Form) -> str:
        """One right-hand side, with the shape under every factor where there are shapes."""
        term, sign = form.term, ""
        if form.shapes and isinstance(term, Apply) and term.op.notation.style == "prefix":
            sign, term = f"<mo>{term.op.notation.sign}</mo>", term.args[0]
        if form.shapes and isinstance(term, Product) and len(term.factors) == len(form.shapes):
            parts = [
                f"<munder>{mathml_row(factor)}<mtext>{escape(self.shape_text(shape))}</mtext></munder>"
                if shape
                else factor
                for factor, shape in zip(self.formulas.factors(term), form.shapes, strict=True)
            ]
            return self.display(self.formulas.equals() + sign + self.formulas.dot(term.style, True).join(parts))
        return self.flowing(self.formulas.equals() + self.math(form.term))

    def shape_text(self, shape: tuple[int, ...]) -> str:
        """(N×K), unescaped."""
        from ..sizes import size_text

        return f"({'×'.join(size_text(size) for size in shape)})"


def _body(blocks: Document, speaker: HtmlSpeaker) -> Iterator[str]:
    derivation = blocks.derivation
    name = speaker.formulas.name(derivation.output)
    yield f"<h1>{speaker.flowing(name + speaker.formulas.equals() + speaker.math(derivation.expression))}</h1>"
    printer = speaker.formulas
    assert isinstance(printer, MathmlPrinter)
    if blocks.givens:
        given = "".join(
            f"<dd>{speaker.inline(printer.name(each.name.name) + printer.equals() + printer.array(each.value))}"
            + (f' <span class="note">{speaker.shape(each.shape)}</span>' if each.shape else "") + "</dd>"
            for each in blocks.givens
        )  # fmt: skip
        yield f"<dl><dt>{speaker.say(GIVEN)}</dt>{given}</dl>"
    if blocks.sizes:
        sizes = "".join(
            f"<dd>{speaker.inline(printer.size(size) + printer.equals() + printer.number(str(count)))}</dd>"
            for size, count in blocks.sizes
        )
        yield f"<dl><dt>{speaker.say(SIZES)}</dt>{sizes}</dl>"
    if blocks.seeded is not None:
        yield f'<p class="seed">{speaker.sentence(blocks.seeded)}</p>'
    for block in blocks.blocks:
        yield from (
            _table(block, derivation.detail == "full", speaker) if isinstance(block, Table) else _chain(block, speaker)
        )
    if blocks.failed is not None:
        yield f'<p class="failed">✗ {speaker.failure(blocks.failed)}</p>'
    if blocks.notes:
        yield "<footer>" + "".join(f"<div>{speaker.sentence(note)}</div>" for note in blocks.notes) + "</footer>"


def _table(table: Table, full: bool, speaker: HtmlSpeaker) -> Iterator[str]:
    hint = f' <span class="note">{speaker.say(table.hint)}</span>' if table.hint else ""
    yield f"<h2>{speaker.sentence(table.title)}{hint}</h2>"
    yield f'<div class="scroll"><table class="{table.section}">'
    lone = any(row.step.value is not None and row.step.value.ndim == 0 for row in table.rows)
    yield (
        f'<tr><th></th><th></th><th></th><th class="value">{speaker.say(VALUE) if lone else ""}</th>'
        f'<th class="check">{"✓ " + speaker.say(ERROR) if speaker.checks_shown else ""}</th><th></th></tr>'
    )
    for row in table.rows:
        yield from _row(row, full, speaker)
    yield "</table></div>"


def _row(row: Row, full: bool, speaker: HtmlSpeaker) -> Iterator[str]:
    step = row.step
    number = row.number or ""
    starts = ' class="line"' if row.number else ""
    if row.lead is not None:
        lead = row.lead
        whence = "".join(speaker.sentence(sentence) for sentence in lead.why[:1])
        arrow = " <math><mo>⟹</mo></math> " if whence else ""
        entry = speaker.display(unbroken(speaker.math(lead.before))) + "".join(
            speaker.form(form) for form in lead.forms
        )
        yield f'<tr{starts}><td class="number">{number}</td><td colspan="3">{whence}{arrow}{entry}</td><td class="check">{_mark(lead.check, speaker)}</td><td></td></tr>'
        number, starts = "", ""
    parts = []
    for form in [*row.symbolic, *([row.numbers] if row.numbers else [])]:
        notes = "".join(
            f' <span class="note">{speaker.sentence(sentence)}</span>'
            for sentence in (form.where, form.note)
            if sentence is not None
        )
        parts.append(f'<div class="form{"" if notes else " short"}">{speaker.form(form)}{notes}</div>')
    lone = step.value is not None and step.value.ndim == 0
    if step.value is not None and not lone and (step.section != INSIDE or full):
        color = "value" if step.section != "backward" else "gradient"
        parts.append(
            f'<div class="form {color}" style="text-align:left">{speaker.inline(speaker.formulas.equals())}{speaker.value(step)}</div>'
        )
    parts += [f'<p class="why">{speaker.sentence(sentence)}</p>' for sentence in row.why]
    shape = (
        f' <span class="note">{speaker.shape(step.shape)}</span>'
        if step.shape and not any(form.shapes for form in step.forms)
        else ""
    )
    if shape and parts:
        parts[0] = parts[0].replace("</div>", shape + "</div>", 1)
    left = speaker.display(unbroken(speaker.math(step.before)))
    rule = speaker.sentence(step.rule) if step.rule is not None else ""
    yield (
        f'<tr{starts}><td class="number">{number}</td><td class="left">{left}</td><td>{"".join(parts)}</td>'
        f'<td class="value">{speaker.value(step) if lone else ""}</td><td class="check">{_mark(step.check, speaker)}</td><td class="rule">{rule}</td></tr>'
    )


def _mark(check: Check, speaker: HtmlSpeaker) -> str:
    if not speaker.shows(check):
        return ""
    if check.passed is None:
        return speaker.checks(check)[0][1]
    error = told(check)
    sign = '<span class="tick">✓</span>' if check.passed else '<span class="cross">✗</span>'
    return f"{sign} {error_digits(error)}" if error is not None else sign


def _chain(chain: Chain, speaker: HtmlSpeaker) -> Iterator[str]:
    step = chain.step
    left = speaker.display(unbroken(speaker.math(step.before)))
    yield f"<h3>{left}</h3>"
    for sentence in chain.why:
        yield f'<p class="why">{speaker.sentence(sentence)}</p>'
    yield '<div class="scroll"><table class="chain">'
    for at, form in enumerate(step.forms):
        notes = " ".join(speaker.sentence(sentence) for sentence in (form.where, form.note) if sentence is not None)
        yield f'<tr><td class="left">{left if at == 0 else ""}</td><td>{speaker.form(form)}</td><td class="rule">{notes}</td></tr>'
    if step.value is not None:
        yield f'<tr><td class="left"></td><td class="gradient">{speaker.inline(speaker.formulas.equals())}{speaker.value(step)}</td><td></td></tr>'
    yield "</table></div>"
    marks = [
        ('<span class="tick">✓</span> ' if passed else "" if passed is None else '<span class="cross">✗</span> ') + text
        for passed, text in speaker.checks(step.check)
    ]
    if marks:
        yield f'<p class="check">{" &nbsp; ".join(marks)}</p>'
