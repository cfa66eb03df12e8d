"""A claim that is a plain number speaks of the given values; it is right when it is their value, rounded to its digits."""

from __future__ import annotations

import math
import re
from dataclasses import replace

from ...language import N_
from ..derivation import Sentence
from .scene import Scene
from .verdict import Slip, Verdict

FEWEST = 2
"""A single digit is too little to say that a number is right."""
WORKED_OUT = 3
"""A number that comes out of a calculation with rounded numbers must agree to so many digits."""
LITERAL = re.compile(r"\s*[-+−(\s]*((?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)[\s)]*")


def rounded(found: Scene, verdict: Verdict, text: str) -> Verdict:
    """The verdict on a number that is not the value everywhere: right if it is the value at the given point, as rounded."""
    at = next((at for at, point in enumerate(found.points) if point.kind == "given"), None)
    if at is None or found.true[at].size != 1 or found.others[0][at].size != 1:
        return verdict
    claimed, true = float(found.others[0][at].reshape(())), float(found.true[at].reshape(()))
    literal = LITERAL.fullmatch(text)
    figures = significant(literal[1]) if literal else agreement(claimed, true)
    if not math.isfinite(claimed) or (figures < (FEWEST if literal else WORKED_OUT) and claimed != true):
        return verdict
    unit = 10.0 ** (magnitude(claimed) - figures + 1)
    error = abs(claimed - true)
    names = {"of": found.of, "count": figures, "value": f"{true:.8g}".replace("-", "−")}
    verdict = replace(verdict, yours=text.strip())
    if literal is None or error <= 0.5 * unit * (1 + 1e-9):
        said = Sentence(
            N_("right at the given values: {of} = {value}")
            if claimed == true
            else N_("right to {count} significant digits: {of} = {value} at the given values"),
            names,
        )
        return replace(
            verdict, right=True, said=said, slip=None, holds=None, point=None, yours_value=None, correct_value=None
        )
    if error < unit:
        said = Sentence(N_("the last digit is rounded wrongly: {of} = {value} at the given values"), names)
        return replace(verdict, slip=Slip("rounding", said), holds=None)
    return verdict


def significant(number: str) -> int:
    """How many significant digits a number is written with; the zeros behind a whole number count.

    >>> significant("0.0334"), significant("12.50"), significant("1e-3"), significant("100")
    (3, 4, 1, 3)
    """
    digits = re.split("[eE]", number)[0].replace(".", "").lstrip("0")
    return max(1, len(digits))


def magnitude(number: float) -> int:
    """The power of ten of a number's first digit."""
    return math.floor(math.log10(abs(number))) if number else 0


def agreement(one: float, other: float) -> int:
    """To how many significant digits two numbers agree, 15 at most."""
    if not math.isfinite(one) or not math.isfinite(other) or other == 0:
        return 0
    error = abs(one - other) / 10.0 ** magnitude(other)
    return 15 if error == 0 else max(0, min(15, math.floor(-math.log10(2 * error)) + 1))
