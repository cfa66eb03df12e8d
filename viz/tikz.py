r"""A Drawing as TikZ: the same shapes at the same places, for LaTeX. 中文 needs XeLaTeX or LuaLaTeX with a Chinese
font."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .shapes import Line, Polygon, Rect, Shape, Text, pieces
from .svg import number

if TYPE_CHECKING:
    from .drawing import Drawing

# Characters that LaTeX needs spelled; the rest goes through as Unicode.
SPECIAL = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
}
MATHS = {
    "×": r"$\times$",
    "·": r"$\cdot$",
    "−": r"$-$",
    "÷": r"$\div$",
    "∂": r"$\partial$",
    "∇": r"$\nabla$",
    "′": r"$'$",
    "²": r"$^2$",
    "³": r"$^3$",
    "ᵀ": r"$^{\top}$",
    "σ": r"$\sigma$",
    "Σ": r"$\Sigma$",
    "√": r"$\surd$",
    "δ": r"$\delta$",
    "θ": r"$\theta$",
    "≥": r"$\ge$",
    "≤": r"$\le$",
    "≠": r"$\ne$",
    "∞": r"$\infty$",
    "★": r"$\star$",
    "…": r"\ldots{}",
    "–": "--",
    "—": "---",
    "∞ ": r"$\infty$ ",
    "μ": r"$\mu$",
    "λ": r"$\lambda$",
    "α": r"$\alpha$",
    "β": r"$\beta$",
}
GREEK = {
    "γ": "gamma", "ε": "varepsilon", "η": "eta", "ρ": "rho", "φ": "varphi", "ψ": "psi", "ω": "omega", "τ": "tau",
    "π": "pi", "Δ": "Delta", "Π": "Pi", "→": "rightarrow", "↑": "uparrow", "⊙": "odot",
    "⊗": "otimes", "∗": "ast", "⋮": "vdots", "±": "pm", "∈": "in", "⌊": "lfloor", "⌋": "rfloor", "∘": "circ",
    "¬": "neg", "∧": "wedge", "∨": "vee", "‖": "|", "⇄": "leftrightarrow", "≡": "equiv", "⊞": "oplus", "⋆": "star",
}  # fmt: skip
MATHS |= {character: rf"$\{word}$" for character, word in GREEK.items()}
MATHS |= {character: f"$^{{{plain}}}$" for character, plain in zip("⁰¹⁴⁵⁶⁷⁸⁹⁻", "01456789-", strict=True)}
MATHS |= {"⁺": "$^+$", "⧺": "$+\\!+$", "▦": "$\\#$"}
MATHS["↻"] = r"$\circ$"  # the turning arrow would need a package
MATHS |= {chr(0x2080 + digit): f"$_{digit}$" for digit in range(10)}
INDEX = re.compile(r"(?:\$_[0-9]\$){2,}")  # w₁₂: one index of two digits


PREAMBLE = r"""\documentclass[border=2bp]{standalone}
\usepackage{iftex}
\ifPDFTeX\usepackage[T1]{fontenc}\usepackage{textcomp}\fi
\usepackage{tikz}
"""


def document(drawing: Drawing) -> str:
    r"""A document of one page, as large as the picture, that LaTeX compiles as it is; its `tikzpicture` may be copied
    into another one, or the whole read with `\includestandalone`."""
    from ..autograd.symbolic.latex_page import page

    return page(tikz(drawing).rstrip("\n"), drawing.language, PREAMBLE, "")


def tikz(drawing: Drawing) -> str:
    """A `tikzpicture` (needs only `\\usepackage{tikz}`); one unit is one pixel at 96 per inch, y down."""
    lines = [r"\begin{tikzpicture}[x=0.75bp,y=-0.75bp,every node/.style={inner sep=0,outer sep=0,anchor=base}]"]
    lines += [_spoken(shape) for piece in pieces(drawing) if piece.role != "background" for shape in piece.shapes]
    lines.append(r"\end{tikzpicture}")
    return "\n".join(lines) + "\n"


def _spoken(shape: Shape) -> str:
    match shape:
        case Rect():
            options = [f"fill={_color(shape.fill)}"] + (
                [f"draw={_color(shape.stroke)}", f"line width={number(shape.line * 0.75)}bp"] if shape.stroke else []
            )
            options += _dashes(shape.dash) + (
                [f"rounded corners={number(min(shape.radius, shape.height / 2) * 0.75)}bp"] if shape.radius else []
            )
            corner = f"({number(shape.x + shape.width)},{number(shape.y + shape.height)})"
            return rf"\path[{','.join(options)}] ({number(shape.x)},{number(shape.y)}) rectangle {corner};"
        case Line():
            (x, y), *rest = shape.curve
            said = f"({number(x)},{number(y)})"
            for k in range(0, len(rest), 3):
                (a, b), (c, d), (e, f) = rest[k : k + 3]
                said += (
                    f" .. controls ({number(a)},{number(b)}) and ({number(c)},{number(d)}) .. ({number(e)},{number(f)})"
                )
            options = [
                f"draw={_color(shape.stroke)}",
                f"line width={number(shape.line * 0.75)}bp",
                *_dashes(shape.dash),
            ]
            return rf"\path[{','.join(options)}] {said};"
        case Polygon():
            return (
                rf"\path[fill={_color(shape.fill)}] "
                + " -- ".join(f"({number(x)},{number(y)})" for x, y in shape.points)
                + " -- cycle;"
            )
        case Text():
            anchor = ",anchor=base west" if shape.anchor == "start" else ""
            size = shape.size * 0.75
            return (
                rf"\node[text={_color(shape.fill)}{anchor},"
                rf"font=\fontsize{{{number(size)}bp}}{{{number(size * 1.2)}bp}}\sffamily\selectfont]"
                rf" at ({number(shape.x)},{number(shape.y)}) {{{escaped(shape.text)}}};"
            )


def _color(color: str) -> str:
    red, green, blue = (int(color[k : k + 2], 16) for k in (1, 3, 5))
    return f"{{rgb,255:red,{red};green,{green};blue,{blue}}}"


def _dashes(dash: tuple[float, ...]) -> list[str]:
    return [f"dash pattern=on {number(dash[0] * 0.75)}bp off {number(dash[1] * 0.75)}bp"] if dash else []


def escaped(text: str) -> str:
    r"""Text that LaTeX shows as it is.

    >>> escaped("a_1 × 50%")
    'a\\_1 $\\times$ 50\\%'
    """
    said = "".join(SPECIAL.get(character) or MATHS.get(character) or character for character in text)
    return INDEX.sub(lambda found: "$_{" + "".join(re.findall("[0-9]", found[0])) + "}$", said)
