"""What can be called in an expression, by name; and for what cannot, the name or the form that was most likely meant."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from inspect import isfunction
from typing import Any

ALIASES = {"ln": "log", "σ": "sigmoid", "logistic": "sigmoid", "Σ": "sum", "avg": "mean"}

OTHER_FORMS = {
    "cosh": "(exp({x})+exp(-{x}))/2",
    "sinh": "(exp({x})-exp(-{x}))/2",
    "coth": "1/tanh({x})",
    "cot": "cos({x})/sin({x})",
    "sec": "1/cos({x})",
    "csc": "1/sin({x})",
    "tg": "tan({x})",
    "lg": "log({x})/log(10)",
    "log10": "log({x})/log(10)",
    "cbrt": "{x}**(1/3)",
    "expit": "sigmoid({x})",
    "sgn": "sign({x})",
    "heaviside": "step({x})",
}
"""Functions that are no op, in terms of those that are."""

LIBRARIES = frozenset({"np", "numpy", "ng", "nngraph", "math", "torch", "tf", "jnp", "jax", "nn", "F"})
"""What stands before a function's name in a program, and is not needed in an expression."""


@cache
def function_table() -> dict[str, Callable[..., Any]]:
    """Everything that can be called in an expression, by name: every op, and the helpers that make a node of arrays."""
    from ..autograd import ops
    from ..autograd.op import OPS

    table: dict[str, Callable[..., Any]] = dict(OPS)
    for name, helper in vars(ops).items():
        said = getattr(helper, "__annotations__", {})
        ours = str(getattr(helper, "__module__", "")).startswith(f"{ops.__name__}.") and not name.startswith("_")
        if ours and isfunction(helper) and said.get("return") == "Node" and "Any" in said.values():
            table.setdefault(name, helper)
    for alias, name in ALIASES.items():
        if name in table:
            table.setdefault(alias, table[name])
    return table


def nearest(name: str, candidates: Iterable[str]) -> str | None:
    """The candidate that a mistyped name most likely meant, if any comes near.

    >>> nearest("sgmoid", ["sigmoid", "softmax"])
    'sigmoid'
    """
    import difflib

    by_lower = {candidate.lower(): candidate for candidate in candidates}
    found = difflib.get_close_matches(name.lower(), by_lower, 1, 0.6)
    return by_lower[found[0]] if found else None


def other_form(name: str, argument: str) -> str | None:
    """How a function that is no op is written with those that are; None when that is not known.

    >>> other_form("cosh", "w*x")
    '(exp(w*x)+exp(-(w*x)))/2'
    """
    form = OTHER_FORMS.get(name)
    if form is None:
        return None
    plain = argument.isidentifier() or argument.isdigit()
    whole = argument if plain else f"({argument})"
    return form.replace("({x})", f"({argument})").replace("{x}", whole)
