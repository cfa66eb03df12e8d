"""How an op is written by hand: a style, a sign and how tightly it binds. Renderers turn it into text, LaTeX and
MathML."""

from __future__ import annotations

from dataclasses import dataclass

# How tightly an expression binds; an operand that binds more loosely than its place asks for gets brackets.
COMPARE, SUM, PRODUCT, SIGN, POWER, ATOM = 0, 1, 2, 3, 4, 5


@dataclass(frozen=True, slots=True)
class Notation:
    """One way of writing an op.

    `style` is one of: call σ(x) · infix a + b · prefix −x · power aᵇ · superscript x² · exponential eˣ · fraction a/b ·
    root √x · fence |x| · postfix Xᵀ · element x_ij. `operands` says how tightly each operand must bind to stand without
    brackets. Of a call the last `hidden` arguments are not written, and `constants` stand behind the others.
    """

    style: str
    sign: str
    latex: str
    binding: int = ATOM
    operands: tuple[int, ...] = ()
    hidden: int = 0
    constants: tuple[str, ...] = ()


def call(sign: str, latex: str | None = None, *, hidden: int = 0, constants: tuple[str, ...] = ()) -> Notation:
    """`sign(x, …)`, as in σ(x); LaTeX sets a word upright unless told otherwise. `hidden` counts the last arguments that a
    reader does without, such as the key of random numbers; `constants` are written in their place, as in U(0, 1)."""
    upright = rf"\operatorname{{{sign}}}".replace("_", r"\_")
    return Notation("call", sign, upright if latex is None else latex, hidden=hidden, constants=constants)


def infix(sign: str, binding: int, latex: str | None = None, right: int | None = None) -> Notation:
    """`a sign b`; `right` is how tightly the right operand must bind, for signs such as − that are not associative."""
    return Notation(
        "infix", sign, latex if latex is not None else sign, binding, (binding, binding if right is None else right)
    )


NEGATIVE = Notation("prefix", "−", "-", SIGN, (SIGN,))
POWER_OF = Notation("power", "^", "^", POWER, (ATOM, SUM))
FRACTION = Notation("fraction", "/", r"\frac", PRODUCT, (PRODUCT, POWER))
ROOT = Notation("root", "√", r"\sqrt", POWER, (ATOM,))
EXPONENTIAL = Notation("exponential", "e", "e", POWER, (SUM,))
TRANSPOSED = Notation("postfix", "ᵀ", r"^{\top}", POWER, (ATOM,))


def superscript(sign: str) -> Notation:
    """`x` with a fixed exponent, as in x²."""
    return Notation("superscript", sign, sign, POWER, (ATOM,))


def fence(left: str, right: str, latex_left: str, latex_right: str) -> Notation:
    """`x` between two bars, as in |x| or ⌊x⌋."""
    return Notation("fence", left + right, latex_left + " " + latex_right, ATOM, (COMPARE,))
