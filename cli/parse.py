"""Expression text -> Node, by walking Python's `ast` over a whitelist. Nothing the user typed is ever evaluated by Python.

Names are replaced by plain ones before Python's parser sees them, so `lambda`, `E` or `權重` are names like any other;
what stands where is known from the tokens, so errors point at the user's own characters.
"""

from __future__ import annotations

import ast
import re
from bisect import bisect_right
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, NoReturn

from ..autograd.errors import NngraphError
from ..autograd.language import N_, translate
from .equal_signs import check_equal_signs, named_result
from .errors import ExpressionError
from .functions import function_table, nearest, other_form
from .literals import as_inputs, floats, is_literal, is_numbers, is_product, literal_number
from .operands import without_brackets
from .tokens import DOTS, NAME, NUMBER, OPERATOR, STRING, Token, fail, tokenize

MOST_NODES = 500
DEEPEST = 50
LARGEST_EXPONENT = 64
MOST_NUMBERS = 100_000_000

WORDS = {"True": True, "False": False, "None": None}
BINARY = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.Pow: "**", ast.MatMult: "@"}
COMPARISONS = {ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">="}

Derivative = Callable[[str, int, Any], Any]
"""What f′ means where it is allowed: (function name, number of primes, argument or None) -> Node."""

__all__ = ["free_names", "function_table", "nearest", "parse"]


def parse(
    text: str,
    names: Mapping[str, Any] | Callable[[str], Any],
    *,
    functions: Mapping[str, str] | None = None,
    derivative: Derivative | None = None,
    assumed: Collection[str] = (),
) -> Any:
    """The Node that the expression describes; ExpressionError, pointing at the place, for anything else.

    `names` gives a Node for each variable (a mapping, or a function that raises KeyError). `functions` lets other names
    stand for ops (`{"f": "sigmoid"}`); `derivative` gives f′ and f′(e) a meaning, without it they are refused. `assumed`
    are the names that stand for variables only because they occur. `y = w*x` gives the result the name y. Between a
    matrix and what fits it as a matrix product, `·` is that product; else it multiplies number by number.

    >>> import nngraph as ng
    >>> parse("sigmoid(w*x+b)", lambda name: ng.input(name, 0.0)).value.item()
    0.5
    """
    reader = _Reader(text, names, functions or {}, derivative, assumed)
    node = reader.node_of(reader.value(reader.tree, 0))
    if reader.result and not isinstance(reader.tree, ast.Name) and not node.is_leaf:
        node._name = reader.result
    return node


def free_names(text: str, functions: Iterable[str] = ()) -> list[str]:
    """The variables of an expression, in the order in which they first appear; ExpressionError for text that is none.

    >>> free_names("sigmoid(w*x + sum(X, axis=0)) - w")
    ['w', 'x', 'X']
    """
    tokens = tokenize(text)
    padded = [None, *tokens, None]
    found = {
        token.text: None
        for before, token, after in zip(padded, tokens, padded[2:], strict=False)
        if token.kind == NAME
        and not token.primes
        and not (before and before.kind == OPERATOR and before.text == ".")
        and not (after and after.kind == OPERATOR and after.text in ("(", "="))
        and token.text not in WORDS
    }
    return [name for name in found if name not in functions]


class _Reader:
    """One text being read: its tokens, the tree Python made of them, and the way back from tree to text."""

    def __init__(
        self,
        text: str,
        names: Any,
        functions: Mapping[str, str],
        derivative: Derivative | None,
        assumed: Collection[str] = (),
    ) -> None:
        self.text = text
        self.names = names
        self.aliases = functions
        self.derivative = derivative
        self.assumed = assumed
        self.result, self.tokens = named_result(text, tokenize(text))
        self.starts: list[int] = []
        self.spellings: list[Token] = []
        self.table = function_table()
        self.tree = self._tree()

    # Text to tree ----------------------------------------------------------------------------------------------
    def _tree(self) -> ast.expr:
        check_equal_signs(self.text, self.tokens)
        pieces, column, codes = [], 0, {}
        for before, token in zip([None, *self.tokens], self.tokens, strict=False):
            after_dot = before is not None and before.kind == OPERATOR and before.text == "."
            if token.kind == STRING or (token.kind == NAME and not after_dot):
                code = codes.setdefault((token.kind, token.text, token.primes), len(codes))
                if code == len(self.spellings):
                    self.spellings.append(token)
                piece = f'"s{code}"' if token.kind == STRING else f"n{code}"
            elif token.kind == NUMBER:
                piece = str(int(token.text)) if token.text.isdigit() else repr(float(token.text))
            else:
                piece = token.text
            self.starts.append(column)
            pieces.append(piece)
            column += len(piece) + 1
        try:
            tree = ast.parse(" ".join(pieces), mode="eval").body
        except SyntaxError as error:
            token = self.tokens[max(0, bisect_right(self.starts, (error.offset or 1) - 1) - 1)]
            fail(self.text, token.start, token.end, N_("the expression cannot be read here"))
        except (RecursionError, MemoryError, ValueError):
            fail(self.text, 0, len(self.text), N_("the expression is nested more than {limit} deep"), limit=DEEPEST)
        if sum(isinstance(node, ast.expr) for node in ast.walk(tree)) > MOST_NODES:
            fail(self.text, 0, len(self.text), N_("the expression has more than {limit} parts"), limit=MOST_NODES)
        return tree

    # Tree to text ----------------------------------------------------------------------------------------------
    def span(self, node: ast.AST) -> tuple[int, int]:
        """Where a part of the tree stands in the user's text, as characters."""
        first = self.tokens[bisect_right(self.starts, node.col_offset) - 1]  # type: ignore[attr-defined]
        last = self.tokens[bisect_right(self.starts, node.end_col_offset - 1) - 1]  # type: ignore[attr-defined]
        return first.start, last.end

    def fail(self, node: ast.AST, message: str, hint: str | None = None, /, **fields: Any) -> NoReturn:
        fail(self.text, *self.span(node), message, hint, **fields)

    def spelled(self, name: str) -> Token:
        return self.spellings[int(name[1:])]

    # Tree to nodes ---------------------------------------------------------------------------------------------
    def node_of(self, value: Any) -> Any:
        """A Node, also for a bare number or a list of numbers."""
        from ..autograd.leaves import constant
        from ..autograd.node import Node

        if isinstance(value, Node):
            return value
        if not is_numbers(value):
            fail(self.text, 0, len(self.text), N_("the expression does not describe a number or an array"))
        return constant(floats(value))

    def value(self, node: ast.expr, depth: int) -> Any:
        """What a part of the tree stands for: a Node, a plain number, or a list of these."""
        if depth > DEEPEST:
            self.fail(node, N_("the expression is nested more than {limit} deep"), limit=DEEPEST)
        # A long sum leans to the left; it is walked in a loop so that only real nesting counts as depth.
        chain: list[ast.BinOp] = []
        while isinstance(node, ast.BinOp):
            if isinstance(node.op, ast.Pow):
                self._check_power(node)
            chain.append(node)
            node = node.left
        left = self._part(node, depth)
        for part in reversed(chain):
            left = self._binary(part, left, depth)
        return left

    def _part(self, node: ast.expr, depth: int) -> Any:
        match node:
            case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
                return number
            case ast.Constant(value=str()):
                self.fail(node, N_("text in quotation marks is only a setting of a function"))
            case ast.Name(id=name):
                return self._variable(node, self.spelled(name))
            case ast.UnaryOp(op=ast.USub() | ast.UAdd() as sign, operand=operand):
                value = self.value(operand, depth + 1)
                if isinstance(value, list):
                    value = self.node_of(value)
                return value if isinstance(sign, ast.UAdd) else self._apply(node, lambda: -value)
            case ast.Compare(left=left, ops=[sign], comparators=[right]):
                return self._operator(
                    node, COMPARISONS.get(type(sign), ""), self.value(left, depth + 1), self.value(right, depth + 1)
                )
            case ast.Compare():
                self.fail(node, N_("comparisons cannot be chained"), N_("write (a < b) * (b < c)"))
            case ast.Call():
                return self._call(node, depth)
            case ast.Attribute(value=inner, attr="T" | "mT" as attribute):
                matrix = self.node_of(self.value(inner, depth + 1))
                return self._apply(node, lambda: getattr(matrix, attribute))
            case ast.Subscript(value=inner, slice=index):
                base = self.node_of(self.value(inner, depth + 1))
                place = self._index(index)
                return self._apply(node, lambda: base[place])
            case ast.List(elts=parts):
                return [self.value(part, depth + 1) for part in parts]
        self.fail(node, N_("this is not part of the language of expressions"))

    def _variable(self, node: ast.expr, token: Token) -> Any:
        name = token.text
        if token.primes:
            return self._prime(node, token, None)
        try:
            return self.names(name) if callable(self.names) else self.names[name]
        except KeyError:
            pass
        if name in self.table:
            self.fail(node, N_("{name} is a function"), N_("write {name}(…)"), name=name)
        known = () if callable(self.names) else self.names
        meant = nearest(name, known)
        hint = N_("did you mean {meant}?") if meant else N_("the variables are {known}") if known else None
        self.fail(node, N_("unknown variable {name}"), hint, name=repr(name), meant=meant, known=", ".join(known))

    def _is_only_a_letter(self, name: str) -> bool:
        """Whether nothing was said about a variable: it has no value, no shape, no meaning."""
        return name in self.assumed or not (callable(self.names) or name in self.names)

    def _prime(self, node: ast.expr, token: Token, argument: Any) -> Any:
        if self.derivative is None:
            self.fail(
                node,
                N_("{name} has a meaning only in a claim"),
                N_("ask for derivatives with --wrt"),
                name=token.text + "′" * token.primes,
            )
        derivative, name = self.derivative, self.aliases.get(token.text, token.text)
        return self._apply(node, lambda: derivative(name, token.primes, argument))

    def _binary(self, node: ast.BinOp, left: Any, depth: int) -> Any:
        sign = BINARY.get(type(node.op))
        if sign is None:
            self.fail(node, N_("this is not part of the language of expressions"))
        right = self.value(node.right, depth + 1)
        if sign == "*" and self._is_dot(node):
            left, right = (self.node_of(side) if isinstance(side, list) else side for side in (left, right))
            sign = "@" if is_product(left, right) else sign
        return self._operator(node, sign, left, right)

    def _is_dot(self, node: ast.BinOp) -> bool:
        """Whether the sign of a product was typed as a dot."""
        at = bisect_right(self.starts, node.left.end_col_offset - 1)  # type: ignore[operator]
        while self.tokens[at].text == ")":
            at += 1
        return self.text[self.tokens[at].start] in DOTS

    def _check_power(self, node: ast.BinOp) -> None:
        if isinstance(node.left, ast.Name) and self.spelled(node.left.id).text == "e" and self._is_only_a_letter("e"):
            start, end = self.span(node.right)
            exponent = without_brackets(self.text[start:end].strip())
            self.fail(node, N_("e is a variable like any other here, not the number 2.718…"), N_("write {form}"), form=f"exp({exponent})")  # fmt: skip
        exponent = literal_number(node.right)
        if exponent is not None and abs(exponent) > LARGEST_EXPONENT:
            self.fail(
                node.right, N_("the exponent {number} is larger than {limit}"), number=exponent, limit=LARGEST_EXPONENT
            )
        towers = [part for part in (node.left, node.right) if is_literal(part) and any(isinstance(inner, ast.BinOp) and isinstance(inner.op, ast.Pow) for inner in ast.walk(part))]  # fmt: skip
        if towers and is_literal(node.right):
            self.fail(node, N_("a power of powers of numbers is not computed"))

    def _operator(self, node: ast.expr, sign: str, left: Any, right: Any) -> Any:
        from ..autograd.node import Node, infix

        if sign not in infix:
            self.fail(node, N_("{sign} is not an operation on a graph"), sign=sign)
        # Two plain numbers stay a graph: "2+3" is the smallest one a course begins with.
        if not isinstance(left, Node) and (isinstance(left, list) or not isinstance(right, Node)):
            left = self.node_of(left)
        if isinstance(right, list):
            right = self.node_of(right)
        return self._apply(node, lambda: infix[sign](left, right))

    def _call(self, node: ast.Call, depth: int) -> Any:
        if not isinstance(node.func, ast.Name):
            self.fail(node.func, N_("only a function's name can stand before a bracket"))
        token = self.spelled(node.func.id)
        if token.primes:
            if len(node.args) != 1 or node.keywords:
                self.fail(node, N_("{name} takes one value"), name=token.text + "′" * token.primes)
            return self._prime(node, token, self.node_of(self.value(node.args[0], depth + 1)))
        name = self.aliases.get(token.text, token.text)
        function = self._function(node, name)
        values = [self._argument(part, depth) for part in node.args]
        if name in ("max", "min") and len(values) > 1:
            self._check_extreme(node, name, values)
        settings = {self._setting_name(part): self._setting(part.value, depth) for part in node.keywords}
        values = as_inputs(function, values)
        return self._apply(node, lambda: function(*values, **settings))

    def _function(self, node: ast.Call, name: str) -> Callable[..., Any]:
        if name in self.table:
            return self.table[name]
        variables = () if callable(self.names) else self.names
        if name in variables and name not in self.assumed:
            self.fail(node.func, N_("{name} is a variable, not a function"), N_("write {name}*(…)"), name=name)
        if len(node.args) == 1 and (form := other_form(name, self._quoted(node.args[0]))):
            self.fail(node.func, N_("unknown function {name}"), N_("write {form}"), name=repr(name), form=form)
        meant = nearest(name, [*self.table, *self.aliases])
        hint = N_("did you mean {meant}?") if meant else N_("nngraph ops lists the functions")
        self.fail(node.func, N_("unknown function {name}"), hint, name=repr(name), meant=meant)

    def _check_extreme(self, node: ast.Call, name: str, values: list[Any]) -> None:
        """max(x, 0) may mean the larger of two or the largest along axis 0; only the op's own way of saying so is read."""
        first, second = (self._quoted(part) for part in node.args[:2])
        numbers = [isinstance(value, (int, float)) for value in values[:2]]
        if numbers[0] and not numbers[1]:
            first, second = second, first
        forms = [f"{name}imum({first}, {second})"]
        if name == "max" and second.strip() in ("0", "0.0", "0."):
            forms.append(f"relu({first})")
        if numbers[1] and getattr(values[0], "shape", ()):
            forms.append(f"{name}({first}, axis={second})")
        shown = forms[0] if len(forms) == 1 else translate(N_("{these} or {last}"), these=", ".join(forms[:-1]), last=forms[-1])  # fmt: skip
        self.fail(node, N_("{name} takes one value and settings"), N_("write {form}"), name=name, form=shown)

    def _quoted(self, node: ast.expr) -> str:
        """A part of the tree as the user typed it."""
        start, end = self.span(node)
        return re.sub(r"\s+", " ", self.text[start:end])

    def _setting_name(self, keyword: ast.keyword) -> str:
        if keyword.arg is None:
            self.fail(keyword.value, N_("this is not part of the language of expressions"))
        return self.spelled(keyword.arg).text

    def _setting(self, node: ast.expr, depth: int) -> Any:
        """The value of a keyword: a literal where it is one, else a Node (an input given by name)."""
        try:
            return self._literal(node)
        except ExpressionError:
            return self.value(node, depth + 1)

    def _argument(self, node: ast.expr, depth: int) -> Any:
        if isinstance(node, ast.Tuple) or (isinstance(node, ast.Constant) and isinstance(node.value, str)):
            return self._literal(node)
        if isinstance(node, ast.Starred):
            self.fail(node, N_("this is not part of the language of expressions"))
        return self.value(node, depth + 1)

    def _literal(self, node: ast.expr) -> Any:
        match node:
            case ast.Constant(value=str() as code):
                return self.spelled(code).text
            case ast.Constant(value=int() | float() as number):
                return number
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as number)):
                return -number
            case ast.Name(id=name) if self.spelled(name).text in WORDS and not self.spelled(name).primes:
                return WORDS[self.spelled(name).text]
            case ast.Tuple(elts=parts) | ast.List(elts=parts):
                return tuple(self._literal(part) for part in parts)
        self.fail(node, N_("a plain number is expected here"))

    def _index(self, node: ast.expr) -> Any:
        if isinstance(node, ast.Tuple):
            return tuple(self._index(part) for part in node.elts)
        if isinstance(node, ast.Slice):
            return slice(
                *(None if part is None else self._literal(part) for part in (node.lower, node.upper, node.step))
            )
        place = self._literal(node)
        return list(place) if isinstance(place, tuple) else place

    def _apply(self, node: ast.expr, build: Callable[[], Any]) -> Any:
        """Build a node; what the engine objects to is said at the place in the text that asked for it."""
        try:
            result = build()
            numbers = getattr(result, "size", 1)
        except ExpressionError:
            raise
        except NngraphError as error:
            raise ExpressionError(str(error), *self.span(node), None, self.text) from error
        except (
            TypeError,
            ValueError,
            LookupError,
            ArithmeticError,
            AttributeError,
            MemoryError,
            RecursionError,
        ) as error:
            said = str(error) or type(error).__name__
            raise ExpressionError(
                translate(N_("this cannot be built: {reason}"), reason=said), *self.span(node), None, self.text
            ) from error
        if numbers > MOST_NUMBERS:
            self.fail(
                node,
                N_("the result would hold {count} numbers; the limit is {limit}"),
                count=numbers,
                limit=MOST_NUMBERS,
            )
        return result
