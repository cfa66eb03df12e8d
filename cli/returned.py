"""What a student's function returned is taken for: gradients by name, gradients in an order, or the value of the expression."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..autograd.language import N_, translate
from .errors import CommandError
from .students import Answer

if TYPE_CHECKING:
    import numpy as np

    from ..autograd.symbolic.derivation import Sentence
    from .homework import Homework

GRADIENTS = re.compile(
    r"backward|backprop|back_?pass|grad|deriv|delta|d[A-Z_]\w*|d\w?|.*(?:grad|backward|deriv|backprop).*"
)
"""What a function is called that returns a gradient, not a value."""


@dataclass(frozen=True)
class Taken:
    """How the arrays of one run are read. `value`: the one array is the value of the expression. `names`: what the returned
    arrays are the gradients of, in their order; None for one that is not a gradient."""

    value: bool = False
    names: tuple[str | None, ...] = ()
    notes: tuple[Sentence, ...] = ()

    def named(self, answer: Answer) -> dict[str, np.ndarray]:
        """The returned arrays by the names they are matched by."""
        if answer.form == "dict":
            return dict(answer.returned)
        pairs = zip(self.names, answer.returned.values(), strict=False)
        return {name: array for name, array in pairs if name is not None}


def taken_for(work: Homework, answer: Answer, wrt: Sequence[str]) -> Taken:
    """What the returned arrays are taken for; CommandError when nobody can tell."""
    arrays = list(answer.returned.values())
    if answer.form == "dict" or not arrays:
        return Taken()
    if answer.form == "array" and not wrt and _is_value(work, answer, arrays[0]):
        return Taken(value=True)
    if (own := _by_local_names(work, answer)) is not None:
        return Taken(names=own)
    from ..autograd.symbolic.derivation import Sentence

    targets = list(wrt) or _parameters(work, answer, len(arrays))
    found = _in_order(work, arrays, targets)
    if found is None:
        raise CommandError(
            translate(
                N_("it is not clear which gradients the {count} arrays are that {function} returns"),
                count=len(arrays),
                function=f"{work.path}:{work.name}",
            ),
            translate(N_("return them by name, {example}, or say --wrt with one name for each"), example='{"dW": dW}'),
        )
    names = ", ".join(name for name in found if name is not None)
    note = Sentence(N_("what it returns is taken for the gradient of {name}"), {"name": names})
    if len(arrays) > 1:
        note = Sentence(N_("what it returns is taken for the gradients of {names}, in this order"), {"names": names})
    taken = tuple(None if name is None else f"d{name}" for name in found)
    return Taken(names=taken, notes=() if wrt and len(arrays) == 1 else (note,))


def _is_value(work: Homework, answer: Answer, array: np.ndarray) -> bool:
    """Whether a single array is the value of the expression and not a gradient."""
    if work.upstream or work.function or GRADIENTS.fullmatch(work.name):
        return False
    if array.shape == tuple(map(int, work.output.shape)):
        return True
    shapes = [tuple(map(int, work.problem.leaves[name].shape)) for name in _parameters(work, answer, 1)]
    return array.shape not in shapes


def _by_local_names(work: Homework, answer: Answer) -> tuple[str | None, ...] | None:
    """The names the function itself has for what it returns, when all of them speak of gradients of leaves."""
    from ..autograd.symbolic.local import board
    from ..autograd.symbolic.mistakes.matching import matched

    written = board(work.output)
    found: list[str | None] = []
    for names in answer.named:
        fits = [match.name for match in matched(names, written, {})[0] if match.is_gradient and match.node.is_leaf]
        if not fits:
            return None
        found.append(fits[0])
    return tuple(found) if found and len(set(found)) == len(found) else None


def _parameters(work: Homework, answer: Answer, count: int) -> list[str]:
    """The arguments, in their order, whose gradients a function returns: the parameters, or all numbers when so many are returned."""
    leaves = work.problem.leaves
    renamed = [work.renamed.get(name, name) for name in answer.arguments]
    arguments = [
        name for name in renamed if name in leaves and name != work.upstream and leaves[name].dtype.kind == "f"
    ]
    others = [
        name for name in leaves if name not in arguments and name != work.upstream and leaves[name].role == "parameter"
    ]
    parameters = [name for name in [*arguments, *others] if leaves[name].role == "parameter"]
    return parameters if parameters and count <= len(parameters) + 1 else arguments


def _in_order(work: Homework, arrays: Sequence[np.ndarray], targets: Sequence[str]) -> list[str | None] | None:
    """What each array is the gradient of: in the order of the targets, else by shape where only one fits."""
    known = _shapes(work)
    shapes = [known[name] for name in targets]
    first: list[str | None] = []
    if len(arrays) == len(targets) + 1 and not arrays[0].shape and all(shapes):
        arrays, first = arrays[1:], [None]  # return loss, dW, db
    by_shape = [[name for name, shape in zip(targets, shapes, strict=True) if shape == array.shape] for array in arrays]
    clear = all(len(names) == 1 for names in by_shape) and len({names[0] for names in by_shape}) == len(arrays)
    if clear:
        return [*first, *(names[0] for names in by_shape)]
    return [*first, *targets] if len(arrays) == len(targets) else None


def _shapes(work: Homework) -> dict[str, tuple[int, ...]]:
    from ..autograd.symbolic.local import board

    return {symbol.name: tuple(map(int, node.shape)) for node, symbol in board(work.output).symbols.items()}
