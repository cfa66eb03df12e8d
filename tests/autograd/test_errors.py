"""Errors are said in the language that is spoken when they are printed."""

import nngraph as ng
import numpy as np
import pytest
from nngraph.autograd.errors import NngraphError, ShapeError
from nngraph.autograd.language import LANGUAGES, language


def integer():
    k = ng.input("k", [1, 2])
    return ng.gradient(ng.sum(ng.input("x", [1.0, 2.0]) * k), [k])


MISTAKES = {
    "sum of misfits": lambda x: x + ng.input("b", np.ones(3)),
    "transposed sum": lambda x: ng.input("A", np.ones((2, 3))) + ng.input("B", np.ones((3, 2))),
    "one per row": lambda x: ng.input("A", np.ones((2, 3))) * ng.input("r", np.ones(2)),
    "three shapes": lambda x: ng.where(ng.constant(True), x, ng.input("b", np.ones(3))),
    "inner sizes": lambda x: x @ ng.input("W", np.ones((3, 2))),
    "did you mean .T": lambda x: ng.input("A", np.ones((2, 3))) @ ng.input("W", np.ones((4, 3))),
    "product of a number": lambda x: x @ ng.input("w", 1.0),
    "no value": lambda x: ng.input("y").value,
    "not one number": lambda x: ng.gradient(x, [x]),
    "no axis": lambda x: ng.sum(x, axis=2),
    "no axis of a number": lambda x: ng.sum(ng.input("y", 1.0), axis=0),
    "gradient by integers": lambda x: integer(),
    "gradient of integers": lambda x: ng.gradient(ng.sum(ng.input("k", [1, 2])), [x]),
}


@pytest.mark.parametrize("mistake", MISTAKES.values(), ids=MISTAKES)
def test_frequent_messages_are_said_in_every_language(mistake):
    with pytest.raises(NngraphError) as caught:
        mistake(ng.input("x", np.ones((2, 2))))
    said = {}
    for name in LANGUAGES:
        with language(name):
            said[name] = str(caught.value)
    assert len(set(said.values())) == len(LANGUAGES)
    assert not any("{" in text for text in said.values())
    assert all(any("\u4e00" <= character <= "\u9fff" for character in said[name]) for name in ("zh-TW", "zh-CN"))


def test_where_it_happened_is_said_first():
    error = ShapeError("sizes {a} and {b} differ", a=2, b=3).within("dot: ").within("net: ")
    assert str(error) == "net: dot: sizes 2 and 3 differ" and isinstance(error, ValueError)
    # A text without fields may hold braces.
    assert str(ShapeError("{w}")) == "{w}"
