"""A derivation in Markdown: tables of numbers, `$$` blocks of formulas; for GitHub, Jupyter, Hugo and the like."""

from __future__ import annotations

from collections.abc import Iterator

from .derivation import Derivation, Step
from .document import ERROR, GIVEN, SIZES, VALUE, Chain, Document, Row, Speaker, Table, document, told
from .latex import SLIDE, LatexSpeaker, chain_lines, row_lines
from .numbers import digits, error_digits
from .render import Style, unbroken
from .tex import LatexPrinter

SPECIAL = str.maketrans({character: "\\" + character for character in "\\`*_[]<>|#"})


def derivation_markdown(derivation: Derivation, *, language: str | None = None, checks: bool = True) -> str:
    """The derivation in Markdown; every `$` opens or closes a formula that KaTeX and MathJax read."""
    style = Style.of(derivation)
    speaker = MarkdownSpeaker(style, language)
    speaker.checks_shown = checks
    return "\n".join(_lines(document(derivation), speaker, LatexSpeaker(style, language))) + "\n"


class MarkdownSpeaker(Speaker):
    """Sentences as Markdown text with their formulas in dollars."""

    def __init__(self, style: Style, language: str | None) -> None:
        super().__init__(LatexPrinter(style), language)

    def escaped(self, text: str) -> str:
        return text.translate(SPECIAL).replace("$", "\\$")

    def inline(self, formula: str) -> str:
        # A star or an underscore inside a formula must not look like emphasis to Markdown, nor a bar like a table's.
        return f"${formula.strip()}$"


def _lines(blocks: Document, speaker: MarkdownSpeaker, tex: LatexSpeaker) -> Iterator[str]:
    derivation = blocks.derivation
    name = speaker.formulas.name(derivation.output)
    yield f"## {speaker.inline(f'{name} = {unbroken(tex.math(derivation.expression))}')}"
    if blocks.givens:
        printer = speaker.formulas
        assert isinstance(printer, LatexPrinter)
        flat = [each for each in blocks.givens if not each.shape]
        if flat:
            yield ""
            yield f"**{speaker.say(GIVEN)}** " + ", ".join(
                speaker.inline(f"{printer.name(each.name.name)} = {printer.array(each.value)}") for each in flat
            )
        arrays = [each for each in blocks.givens if each.shape]
        if arrays:
            if not flat:
                yield ""
                yield f"**{speaker.say(GIVEN)}**"
            yield ""
            yield from _block(
                [
                    rf"& \underset{{{tex.bare_shape(each.shape)}}}{{{printer.name(each.name.name)}}} = {printer.array(each.value)}"
                    for each in arrays
                ]
            )
    if blocks.sizes:
        yield ""
        yield f"**{speaker.say(SIZES)}** " + ", ".join(
            speaker.inline(f"{speaker.formulas.size(name)} = {size}") for name, size in blocks.sizes
        )
    if blocks.seeded is not None:
        yield ""
        yield f"*{speaker.sentence(blocks.seeded)}*"
    for block in blocks.blocks:
        yield ""
        if isinstance(block, Chain):
            yield from _chain(block, speaker, tex)
        else:
            yield f"### {speaker.sentence(block.title)}"
            yield ""
            if block.hint:
                yield f"*{speaker.say(block.hint)}*"
                yield ""
            yield from (_table(block, speaker, tex) if block.scalar else _formulas(block, blocks, speaker, tex))
    if blocks.failed is not None:
        yield ""
        yield f"**✗ {speaker.failure(blocks.failed)}**"
    for note in blocks.notes:
        yield ""
        yield f"> {speaker.sentence(note)}"


def _block(lines: list[str]) -> Iterator[str]:
    yield "$$"
    yield r"\begin{aligned}"
    yield " \\\\\n".join(lines)
    yield r"\end{aligned}"
    yield "$$"


def _table(table: Table, speaker: MarkdownSpeaker, tex: LatexSpeaker) -> Iterator[str]:
    rules = any(row.step.rule for row in table.rows)
    marks = any(speaker.shows(row.step.check) for row in table.rows)
    title = [f"✓ {speaker.say(ERROR)}" if speaker.checks_shown else ""] if marks else []
    heads = ["", "", speaker.say(VALUE), *title, *([""] if rules else [])]
    yield "| " + " | ".join(heads) + " |"
    yield "|--:|:--|--:|" + ":--|" * (marks + rules)
    for row in table.rows:
        step = row.step
        forms = [unbroken(tex.math(form.term)) for form in [*row.symbolic, *([row.numbers] if row.numbers else [])]]
        left = unbroken(tex.math(step.before))
        value = (
            speaker.inline(speaker.formulas.number(digits(step.value, padded=True))) if step.value is not None else ""
        )
        cells = [str(row.number or ""), speaker.inline(" = ".join([left, *forms])), value]
        if marks:
            cells.append(mark(step, speaker))
        if rules:
            cells.append(speaker.sentence(step.rule) if step.rule else "")
        yield "| " + " | ".join(cells) + " |"
    for sentence in [sentence for row in table.rows for sentence in row.why]:
        yield ""
        yield speaker.sentence(sentence)


def mark(step: Step, speaker: Speaker) -> str:
    """✓ 3e-17, ✗ 0.2, or why there is neither."""
    check = step.check
    if not speaker.shows(check):
        return ""
    if check.passed is None:
        return speaker.checks(check)[0][1]
    sign, error = "✓" if check.passed else "✗", told(check)
    return f"{sign} {error_digits(error)}" if error is not None else sign


def _formulas(table: Table, blocks: Document, speaker: MarkdownSpeaker, tex: LatexSpeaker) -> Iterator[str]:
    for at, row in enumerate(table.rows):
        if at:
            yield ""
        yield from _row(row, speaker, tex)


def _row(row: Row, speaker: MarkdownSpeaker, tex: LatexSpeaker) -> Iterator[str]:
    step = row.step
    about = [f"**{row.number}**"] if row.number else []
    about += [speaker.sentence(step.rule)] if step.rule else []
    about += [speaker.shape(step.shape)] if step.shape else []
    about += [mark(step, speaker)] if speaker.shows(step.check) else []
    if about:
        yield " · ".join(about)
        yield ""
    yield from _block(list(row_lines(row, tex)))
    for sentence in row.why:
        yield ""
        yield speaker.sentence(sentence)


def _chain(chain: Chain, speaker: MarkdownSpeaker, tex: LatexSpeaker) -> Iterator[str]:
    step = chain.step
    yield f"### {speaker.inline(unbroken(tex.math(step.before)))}"
    for sentence in chain.why:
        yield ""
        yield speaker.sentence(sentence)
    yield ""
    yield from _block(list(chain_lines(step, tex, SLIDE + 28, "")))
    marks = [("✓ " if passed else "" if passed is None else "✗ ") + text for passed, text in speaker.checks(step.check)]
    if marks:
        yield ""
        yield " · ".join(marks)
