"""The choices of the options are those of the layers below: neither side knows one that the other does not."""

from __future__ import annotations

from nngraph.autograd.symbolic.derivation import NOTATIONS
from nngraph.autograd.symbolic.explain import DETAILS
from nngraph.cli.commands import draw, explain
from nngraph.viz.picture import VIEWS


def test_choices_of_explain_are_those_of_derivations():
    assert [choice.value for choice in explain.Detail] == list(DETAILS)
    for name, choices in (("derivative", explain.Notation), ("data", explain.Data), ("layout", explain.Layout)):
        assert {choice.value for choice in choices} == set(NOTATIONS[name])


def test_choices_of_draw_are_those_of_pictures():
    assert {choice.value for choice in draw.View} == set(VIEWS)
