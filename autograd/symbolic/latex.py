r"""A derivation in LaTeX: a document that compiles as it is, or `aligned` blocks for a slide, MathJax or KaTeX."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ..language import current_language, known_language
from ..sizes import size_text
from .cells import broken
from .derivation import INSIDE, Check, Derivation, Form, Step
from .document import GIVEN, SIZES, Chain, Document, Row, Speaker, Table, document, told
from .latex_page import page
from .numbers import digits, error_digits
from .render import Style, unbroken
from .terms import Apply, Product, Term
from .tex import LatexPrinter, latex_text

LINE = 84
"""About how many signs of mathematics fit on a line of an A4 page."""
SLIDE = 68
"""The same for a slide."""


def derivation_latex(
    derivation: Derivation, *, standalone: bool = True, language: str | None = None, checks: bool = True
) -> str:
    r"""A LaTeX document; or, not `standalone`, `align*` blocks that need only amsmath and break between lines, also over
    slides: `\begin{frame}[allowframebreaks]`."""
    blocks = document(derivation)
    speaker = LatexSpeaker(Style.of(derivation), language)
    speaker.checks_shown = checks
    body = _page(blocks, speaker) if standalone else _slide(blocks, speaker)
    return page(body, known_language(language) if language else current_language()) if standalone else body


class LatexSpeaker(Speaker):
    """Sentences as LaTeX text with their formulas in dollars."""

    def __init__(self, style: Style, language: str | None) -> None:
        super().__init__(LatexPrinter(style), language)

    def escaped(self, text: str) -> str:
        return latex_text(text)

    def inline(self, formula: str) -> str:
        return f"${formula}$"

    def shape(self, shape: tuple[int, ...]) -> str:
        return f"${self.bare_shape(shape)}$"

    def bare_shape(self, shape: tuple[int, ...]) -> str:
        """A shape in math mode."""
        return r"(" + r" \times ".join(self.formulas.size(size_text(size)) for size in shape) + ")"

    def math(self, term: Term) -> str:
        """A term with its break marks."""
        return self.formulas.term(term, True)

    def value(self, step: Step) -> str:
        """The value of a line in math mode."""
        assert step.value is not None
        assert isinstance(self.formulas, LatexPrinter)
        return (
            self.formulas.number(digits(step.value, padded=True))
            if step.value.ndim == 0
            else self.formulas.array(step.value)
        )

    def under(self, form: Form) -> str | None:
        """A matrix product with the shape under every factor."""
        term, sign = form.term, ""
        if isinstance(term, Apply) and term.op.notation.style == "prefix":
            sign, term = term.op.notation.latex, term.args[0]
        if not isinstance(term, Product) or len(term.factors) != len(form.shapes):
            return None
        parts = [
            rf"\underset{{{self.bare_shape(shape)}}}{{{factor}}}" if shape else factor
            for factor, shape in zip(self.formulas.factors(term), form.shapes, strict=True)
        ]
        return sign + self.formulas.dot(term.style, True).join(parts)

    def sides(self, forms: Sequence[Form], before: str, width: int) -> list[tuple[str, str]]:
        """The right-hand sides of a line and their notes: each form on lines of about `width` signs; cases in one brace."""
        if len(forms) > 1 and all(form.where is not None for form in forms):
            lines = r" \\ ".join(
                rf"{unbroken(self.math(form.term))} & \text{{{self.sentence(form.where)}}}"
                for form in forms
                if form.where
            )
            return [(rf"\begin{{cases}} {lines} \end{{cases}}", "")]
        sides: list[tuple[str, str]] = []
        for form in forms:
            under = self.under(form) if form.shapes else None
            notes = [self.sentence(sentence) for sentence in (form.where, form.note) if sentence is not None]
            text = unbroken(under) if under else unbroken(self.math(form.term))
            if under or signs(text) <= width:
                sides.append((text, ", ".join(notes)))
                continue
            parts = _cut(self.math(form.term), width)
            sides += [(part, "") for part in parts[:-1]]
            sides.append((parts[-1], ", ".join(notes)))
        return sides


CONTINUED = r"\quad "
"""How a line begins that goes on with the one above it."""


def _cut(marked: str, width: int) -> list[str]:
    """A long formula in several lines; widths are counted in signs, so the marks are set on a stand-in of that width."""
    lines: list[str] = []
    factor = max(1.0, len(unbroken(marked)) / max(1, signs(unbroken(marked))))
    for part in broken(marked, int(width * factor), int((width - 4) * factor)):
        lines.append(part if not lines else CONTINUED + part)
    return lines


def signs(latex: str) -> int:
    """About how wide a formula prints, in signs: a fraction is as wide as its wider part, indices count half."""
    text = latex
    while found := re.search(r"\\frac\{((?:[^{}]|\{[^{}]*\})*)\}\{((?:[^{}]|\{[^{}]*\})*)\}", text):
        text = text[: found.start()] + max(found[1], found[2], key=len) + text[found.end() :]
    text = re.sub(r"[_^]\{([^{}]*)\}", lambda match: "x" * ((len(match[1]) + 1) // 2), text)
    text = re.sub(r"\\(text|mathit|operatorname|underset|bar|left|right|begin|end)\b", "", text)
    text = re.sub(r"\\sum\b", "xxx", re.sub(r"\\(cdot|odot)\b| [=+-] ", "xx", text))
    return len(re.sub(r"\\[a-zA-Z]+|\\.", "x", text).replace("{", "").replace("}", "").replace(" ", ""))


# The page ------------------------------------------------------------------------------------------------------------
def _page(blocks: Document, speaker: LatexSpeaker) -> str:
    derivation = blocks.derivation
    name = speaker.formulas.name(derivation.output)
    title = _cut(f"{name} = {speaker.math(derivation.expression)}", LINE)
    # What stands in brackets cannot be broken; a long expression is set smaller instead.
    longest = max(map(signs, title))
    size = "" if longest <= 66 else r"\small" if longest <= 84 else r"\footnotesize"
    lines = ["{" + size + r"\begin{gather*}", " \\\\\n".join(f"  {line}" for line in title), r"\end{gather*}}"]
    lines += ["", *_givens(blocks, speaker)]
    for block in blocks.blocks:
        lines += ["", *(_table(block, blocks, speaker) if isinstance(block, Table) else _chain(block, speaker))]
    if blocks.failed is not None:
        lines += ["", r"\medskip\noindent\textbf{$\times$ " + speaker.failure(blocks.failed) + "}"]
    if blocks.notes:
        lines += [
            "",
            r"\bigskip\noindent{\footnotesize "
            + r" \\ ".join(speaker.sentence(note) for note in blocks.notes)
            + r"\par}",
        ]
    return "\n".join(lines)


def _givens(blocks: Document, speaker: LatexSpeaker) -> Iterator[str]:
    printer = speaker.formulas
    assert isinstance(printer, LatexPrinter)
    given = []
    for each in blocks.givens:
        below = (
            rf"\underset{{{speaker.bare_shape(each.shape)}}}{{{printer.name(each.name.name)}}}"
            if each.shape
            else printer.name(each.name.name)
        )
        given.append(f"${below} = {printer.array(each.value)}$")
    if given:
        yield r"\noindent " + speaker.say(GIVEN) + r"\quad " + ",\\quad\n".join(given) + r"\par"
    if blocks.sizes:
        sizes = ", ".join(f"${printer.size(name)} = {size}$" for name, size in blocks.sizes)
        yield r"\noindent " + speaker.say(SIZES) + r"\quad " + sizes + r"\par"
    if blocks.seeded is not None:
        yield r"\noindent{\footnotesize " + speaker.sentence(blocks.seeded) + r"\par}"


def _table(table: Table, blocks: Document, speaker: LatexSpeaker) -> Iterator[str]:
    yield rf"\section*{{{speaker.sentence(table.title)}}}"
    if table.hint:
        yield rf"\noindent{{\footnotesize {speaker.say(table.hint)}\par}}"
    pending: list[str] = []
    for row in table.rows:
        pending += _row_lines(row, blocks.derivation.detail == "full", speaker)
        if row.why:
            yield from _aligned(pending)
            pending = []
            yield (
                r"\noindent{\footnotesize "
                + r" \\ ".join(speaker.sentence(sentence) for sentence in row.why)
                + r"\par}"
            )
    yield from _aligned(pending)


def _aligned(lines: list[str]) -> Iterator[str]:
    if lines and lines[0].startswith(BETWEEN):
        yield r"\noindent" + lines.pop(0).removeprefix(BETWEEN) + r"\par"
    if lines:
        yield r"\begin{alignat*}{3}"
        yield "\n".join(
            "  " + line + ("" if at == len(lines) - 1 or line.startswith(BETWEEN) else r" \\")
            for at, line in enumerate(lines)
        )
        yield r"\end{alignat*}"


BETWEEN = r"\intertext"


_ARROW = r" $\;\Longrightarrow\;$ "


def _row_lines(row: Row, full: bool, speaker: LatexSpeaker) -> Iterator[str]:
    step = row.step
    number = rf"\text{{\footnotesize {row.number}}}" if row.number else ""
    if row.lead is not None:
        before = unbroken(speaker.math(row.lead.before))
        whence = [
            speaker.sentence(sentence).replace("$ = $", " = ").replace("$", r"$\displaystyle ", 1)
            for sentence in row.lead.why[:1]
        ]
        gradient = " ".join(
            ("" if text.startswith(CONTINUED) else "= ") + text
            for text, _ in speaker.sides(row.lead.forms, before, 10 * LINE)
        )
        parts = [*whence, rf"$\displaystyle {before} {gradient}$"]
        mark = rf"\hfill ${_mark(row.lead.check, speaker)}$" if speaker.shows(row.lead.check) else ""
        yield rf"{BETWEEN}{{\footnotesize {row.number or ''}\normalsize\quad {_ARROW.join(parts)}{mark}}}"
        number = ""
    shape = (
        rf" \qquad {speaker.bare_shape(step.shape)}"
        if step.shape and not any(form.shapes for form in step.forms)
        else ""
    )
    sides = speaker.sides([*row.symbolic, *([row.numbers] if row.numbers else [])], "", LINE - 16)
    left = unbroken(speaker.math(step.before))
    texts = _noted(sides, r"\footnotesize ", LINE - 40)
    value = (
        f"= {speaker.value(step)}"
        if step.value is not None and (step.value.ndim == 0 or step.section != INSIDE or full)
        else ""
    )
    lone = step.value is None or step.value.ndim == 0
    if value and not lone:
        texts = [*_packed(texts, LINE - 40), value]
    else:
        texts = _packed([*texts, value] if value else texts, LINE - 40)
    texts[0] += shape
    rule = ""
    if step.rule is not None:
        said = speaker.sentence(step.rule)
        rule = r"\enspace " + (
            rf"\text{{\footnotesize {said}}}"
            if signs(said) <= 18
            else rf"\parbox[t]{{8em}}{{\footnotesize\raggedright {said}}}"
        )
    for at, text in enumerate(texts):
        tail = f"{_mark(step.check, speaker)}{rule}" if at == 0 else ""
        yield rf"{number if at == 0 else ''} & \quad & {left if at == 0 else ''} & {text} & \quad & {tail}"
    for _, text in speaker.checks(step.check) if step.check.passed is None else ():
        yield rf" & \quad & & {CONTINUED}\mathrlap{{\text{{\footnotesize {text}}}}} & \quad & "


def _noted(sides: Sequence[tuple[str, str]], size: str, width: int) -> list[str]:
    """Right-hand sides with their sign and their note, a long note on a line of its own."""
    texts: list[str] = []
    for text, note in sides:
        texts.append(text if text.startswith(CONTINUED) else f"= {text}")
        if note and len(note) <= 24 and signs(text) + len(note) <= width:
            texts[-1] += rf" \quad \text{{{size}{note}}}"
        elif note:
            texts.append(rf"{CONTINUED}\mathrlap{{\text{{{size}{note}}}}}" if size else rf"{CONTINUED}\text{{{note}}}")
    return texts


def _packed(texts: list[str], width: int) -> list[str]:
    """As many equal forms on a line as fit: w·x = 2·3 = 6."""
    lines: list[str] = []
    for text in texts:
        if (
            lines
            and not text.startswith(CONTINUED)
            and r"\text" not in lines[-1] + text
            and signs(lines[-1]) + signs(text) <= width
        ):
            lines[-1] += " " + text
        else:
            lines.append(text)
    return lines


def _mark(check: Check, speaker: LatexSpeaker) -> str:
    if not speaker.shows(check):
        return ""
    if check.passed is None:
        return r"\text{--}"
    sign, error = r"\checkmark" if check.passed else r"\boldsymbol{\times}", told(check)
    return rf"{sign}\,\text{{\scriptsize {error_digits(error)}}}" if error is not None else sign


def _chain(chain: Chain, speaker: LatexSpeaker) -> Iterator[str]:
    step = chain.step
    left = unbroken(speaker.math(step.before))
    yield rf"\subsection*{{\boldmath$\displaystyle {left}$}}"
    for sentence in chain.why:
        yield r"\noindent " + speaker.sentence(sentence) + r"\par"
    yield r"\begin{alignat*}{2}"
    yield " \\\\\n".join(f"  {line}" for line in chain_lines(step, speaker, LINE, r"\footnotesize "))
    yield r"\end{alignat*}"
    marks = [
        (r"$\checkmark$ " if passed else "" if passed is None else r"$\boldsymbol{\times}$ ") + text
        for passed, text in speaker.checks(step.check)
    ]
    if marks:
        yield r"\noindent{\footnotesize " + r"\quad ".join(marks) + r"\par}"


def chain_lines(step: Step, speaker: LatexSpeaker, width: int, size: str) -> Iterator[str]:
    left = unbroken(speaker.math(step.before))
    sides = speaker.sides(step.forms, left, width - 28)
    if step.value is not None:
        sides.append((speaker.value(step), ""))
    for at, (text, note) in enumerate(sides):
        sign = "" if text.startswith(CONTINUED) else "= "
        yield f"{left if at == 0 else ''} & {sign}{text}" + (rf" & & \quad \text{{{size}{note}}}" if note else "")


# The slide -----------------------------------------------------------------------------------------------------------
def _slide(blocks: Document, speaker: LatexSpeaker) -> str:
    name = speaker.formulas.name(blocks.derivation.output)
    title = _cut(f"{name} = {speaker.math(blocks.derivation.expression)}", SLIDE)
    parts = [_display(f"{'' if at == 0 else ' '}& {line}" for at, line in enumerate(title))]
    for block in blocks.blocks:
        if isinstance(block, Chain):
            checks = "; ".join(text for _, text in speaker.checks(block.step.check))
            comment = "% " + _comment(checks) + "\n" if checks else ""
            parts.append(comment + _display(chain_lines(block.step, speaker, SLIDE + 28, "")))
            continue
        lines: list[str] = []
        for row in block.rows:
            lines += row_lines(row, speaker)
        parts.append("% " + _comment(speaker.sentence(block.title)) + "\n" + _display(lines))
    if blocks.failed is not None:
        parts.append(_display([rf"& \text{{{speaker.failure(blocks.failed)}}}"]))
    return "\\allowdisplaybreaks\n" + "\n\n".join(parts)


def _comment(text: str) -> str:
    return text.replace("\n", " ")


def _display(lines: Iterator[str] | list[str]) -> str:
    return "\\begin{align*}\n" + " \\\\\n".join(f"  {line}" for line in lines) + "\n\\end{align*}"


def row_lines(row: Row, speaker: LatexSpeaker) -> Iterator[str]:
    step = row.step
    if row.lead is not None:
        before = unbroken(speaker.math(row.lead.before))
        for at, (text, _) in enumerate(speaker.sides(row.lead.forms, before, SLIDE)):
            yield f"{before if at == 0 else ''} & {'' if text.startswith(CONTINUED) else '= '}{text}"
    sides = speaker.sides([*row.symbolic, *([row.numbers] if row.numbers else [])], "", SLIDE)
    texts = _noted(sides, "", SLIDE)
    if step.value is not None and step.section != INSIDE:
        value = f"= {speaker.value(step)}"
        texts = _packed([*texts, value], SLIDE) if step.value.ndim == 0 else [*_packed(texts, SLIDE), value]
    left = unbroken(speaker.math(step.before))
    for at, text in enumerate(texts):
        yield f"{left if at == 0 else ''} & {text}"
