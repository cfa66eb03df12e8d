"""What a single = means in an expression: the name of a setting, or once, at the start, the name of the result."""

from __future__ import annotations

from ..autograd.language import N_
from .tokens import NAME, OPERATOR, Token, fail

INSTEAD = N_("write == to compare; values are given with --at, shorthands with --let")


def named_result(text: str, tokens: list[Token]) -> tuple[str | None, list[Token]]:
    """The name that `y = …` gives the result, if it does, and the tokens of the expression itself."""
    name, sign, *rest = tokens if len(tokens) > 2 else (tokens[0], tokens[0])
    if sign.text != "=" or sign.kind != OPERATOR or name.kind != NAME or name.primes:
        return None, tokens
    if not any(token.kind in (NAME, OPERATOR) for token in rest):
        return None, tokens  # w = 3 gives a value, which is not what an expression does
    if any(token.kind == NAME and token.text == name.text for token in rest):
        fail(text, name.start, sign.end, N_("{name} stands on both sides of ="), INSTEAD, name=name.text)
    return name.text, rest


def check_equal_signs(text: str, tokens: list[Token]) -> None:
    """ExpressionError for a = that names no setting of a function."""
    inside_call: list[bool] = []
    for at, token in enumerate(tokens):
        if token.kind != OPERATOR:
            continue
        if token.text in ("(", "["):
            inside_call.append(token.text == "(" and at > 0 and tokens[at - 1].kind == NAME)
        elif token.text in (")", "]"):
            inside_call.pop()
        elif token.text == "=":
            named = at > 1 and tokens[at - 1].kind == NAME and tokens[at - 2].text in ("(", ",")
            if not (named and inside_call and inside_call[-1]):
                fail(text, token.start, token.end, N_("'=' has no meaning here"), INSTEAD)
