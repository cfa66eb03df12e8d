"""LaTeX that compiles: checked in structure everywhere, and by LaTeX itself where it is installed."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from types import ModuleType

import pytest
from nngraph.autograd.language import LANGUAGES
from nngraph.autograd.symbolic.derivation import Derivation
from nngraph.autograd.symbolic.latex import signs
from nngraph.autograd.symbolic.latex_page import with_chinese_fonts
from nngraph.autograd.symbolic.spelling import GREEK, is_full_width

# Everything our LaTeX may use in formulas; KaTeX and MathJax know all of these.
MATH_COMMANDS = set(
    ["frac", "partial", "sigma", "sum", "cdot", "odot", "otimes", "left", "right", "begin", "end", "text", "mathit", "operatorname", "underset", "quad", "qquad", "top", "bar", "hat", "tilde", "dot", "lvert", "rvert", "tanh", "theta", "delta", "pmatrix", "exp", "ln", "sqrt", "times", "infty", "dots", "cdots", "leftarrow", "to", "le", "ge", "ne", "land", "lor", "lfloor", "rfloor", "sin", "cos", "tan", "log", "max", "min", "tfrac"]
) | set(GREEK)  # fmt: skip
DOCUMENT_COMMANDS = MATH_COMMANDS | set(
    ["documentclass", "usepackage", "allowdisplaybreaks", "setlength", "parindent", "section", "subsection", "noindent", "par", "footnotesize", "scriptsize", "normalsize", "checkmark", "enspace", "parbox", "raggedright", "intertext", "hfill", "displaystyle", "boldmath", "boldsymbol", "bigskip", "medskip", "textbf", "mathrlap", "Longrightarrow", "ifPDFTeX", "fi", "else", "newcommand", "otherfont", "CJKfamily", "simplified", "traditional", "nonefound", "IfFontExistsTF", "renewcommand", "setCJKmainfont", "setCJKsansfont", "setCJKmonofont", "newCJKfontfamily", "otherfamily", "ifx", "typeout"]
)  # fmt: skip


def problems(latex: str, commands: set[str]) -> list[str]:
    """What LaTeX would stumble over: open braces, dollars or environments, unknown commands, characters it has no font for."""
    found = []
    bare = re.sub(r"(?<!\\)%.*", "", latex)
    depth = 0
    for character in re.sub(r"\\[{}]", "", bare):
        depth += (character == "{") - (character == "}")
        if depth < 0:
            break
    if depth:
        found.append("braces")
    if len(re.findall(r"(?<!\\)\$", bare)) % 2:
        found.append("dollars")
    stack: list[str] = []
    for kind, name in re.findall(r"\\(begin|end)\{([\w*]+)\}", bare):
        if kind == "begin":
            stack.append(name)
        elif not stack or stack.pop() != name:
            found.append(f"environment {name}")
    if stack:
        found.append(f"open {stack}")
    if bare.count(r"\left") - bare.count(r"\leftarrow") != bare.count(r"\right"):
        found.append("left and right")
    known = commands | set(re.findall(r"\\begin\{(\w+)", bare))
    found += sorted({f"\\{name}" for name in re.findall(r"\\([A-Za-z]+)", bare)} - {f"\\{name}" for name in known})
    found += sorted({character for character in bare if not character.isascii() and not is_full_width(character)})
    return found


@pytest.mark.parametrize("language", LANGUAGES)
def test_structure(real: dict[str, Derivation], made: ModuleType, language: str) -> None:
    for name, derivation in (real | {"made": made.scalar(), "failed": made.failing(made.matrix(), "b1")}).items():
        slide = derivation.latex(standalone=False, language=language)
        assert slide.startswith("\\allowdisplaybreaks\n\\begin{align*}")
        assert problems(slide.removeprefix("\\allowdisplaybreaks\n"), MATH_COMMANDS) == [], name
        page = derivation.latex(language=language)
        assert problems(page, DOCUMENT_COMMANDS) == [], name
        assert page.rstrip().endswith(r"\end{document}")


@pytest.mark.skipif(
    shutil.which("pdflatex") is None, reason="pdflatex is not installed; the structure of the same documents is tested"
)
@pytest.mark.slow
@pytest.mark.parametrize("name", ["made", "failed", "neuron", "paths", "second", "matrix", "softmax"])
def test_documents_compile_and_nothing_runs_over_the_margin(
    real: dict[str, Derivation], made: ModuleType, name: str, tmp_path: Path
) -> None:
    derivation = (
        made.scalar() if name == "made" else made.failing(made.matrix(), "b1") if name == "failed" else real[name]
    )
    log = compiled(derivation.latex(), tmp_path)
    wide = [float(points) for points in re.findall(r"Overfull \\hbox \(([\d.]+)pt", log)]
    assert max(wide, default=0) < 10  # a third of a centimeter, well inside the margin


@pytest.mark.skipif(
    shutil.which("pdflatex") is None, reason="pdflatex is not installed; the structure of the same fragments is tested"
)
@pytest.mark.slow
def test_fragments_compile_with_amsmath_alone(real: dict[str, Derivation], tmp_path: Path) -> None:
    body = "\n\n".join(derivation.latex(standalone=False) for name, derivation in real.items() if name != "chinese")
    compiled(
        "\\documentclass{article}\n\\usepackage{amsmath}\n\\begin{document}\n" + body + "\n\\end{document}\n", tmp_path
    )


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
@pytest.mark.slow
def test_a_long_fragment_goes_on_over_several_slides(real: dict[str, Derivation], tmp_path: Path) -> None:
    if shutil.which("kpsewhich") is None or subprocess.run(["kpsewhich", "beamer.cls"], check=False).returncode:
        pytest.skip("beamer is not installed")
    body = real["softmax"].latex(standalone=False)
    page = "\\documentclass[aspectratio=169]{beamer}\n\\begin{document}\n\\begin{frame}[allowframebreaks]\n"
    log = compiled(page + body + "\n\\end{frame}\n\\end{document}\n", tmp_path)
    assert "Overfull \\vbox" not in log


def _has_cjk() -> bool:
    if shutil.which("kpsewhich") is None or shutil.which("pdflatex") is None:
        return False
    return bool(
        subprocess.run(["kpsewhich", "CJKutf8.sty"], capture_output=True, text=True, check=False).stdout.strip()
    )


@pytest.mark.skipif(
    not _has_cjk(), reason="LaTeX's CJK package is not installed; the structure of the same documents is tested"
)
@pytest.mark.slow
@pytest.mark.parametrize("language", ["zh-TW", "zh-CN", "en"])
def test_chinese_documents_compile(real: dict[str, Derivation], language: str, tmp_path: Path) -> None:
    compiled(real["chinese"].latex(language=language), tmp_path)


@pytest.mark.skipif(
    not _has_cjk() or shutil.which("xelatex") is None,
    reason="xelatex or its Chinese fonts are not installed; the structure of the same documents is tested",
)
@pytest.mark.slow
@pytest.mark.parametrize("language", ["zh-TW", "zh-CN"])
def test_xelatex_finds_a_sign_for_every_character(real: dict[str, Derivation], language: str, tmp_path: Path) -> None:
    log = compiled(real["chinese"].latex(language=language), tmp_path, "xelatex")
    assert "Missing character" not in log


def compiled(document: str, folder: Path, program: str = "pdflatex") -> str:
    """LaTeX's log after one run."""
    (folder / "derivation.tex").write_text(document, encoding="utf-8")
    run = subprocess.run(
        [program, "-interaction=nonstopmode", "-halt-on-error", "derivation.tex"],
        cwd=folder, capture_output=True, timeout=120, check=False,
    )  # fmt: skip
    log = (folder / "derivation.log").read_text(encoding="utf-8", errors="replace")
    assert run.returncode == 0, "\n".join(line for line in log.split("\n") if line.startswith(("!", "l.")))
    return log


def test_a_character_that_the_main_font_lacks_comes_from_the_other() -> None:
    body, main, other = with_chinese_fonts("權权㐀", ["權", "权", "㐀"], "zh-TW")
    assert (main, other) == ("bsmi", "gbsn")
    assert body == r"權\otherfont{权}\texttt{U+3400}"


def test_the_width_of_a_formula_is_counted_in_signs() -> None:
    assert signs(r"\frac{\partial E}{\partial w_{12}}") < 8
    assert signs("abc") == 3
