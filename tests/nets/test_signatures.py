"""How classes and functions are called, as their source says it: the same names in the same order as Python finds."""

import importlib
import inspect

import pytest
from nngraph import nets
from nngraph.nets import data
from nngraph.nets.signatures import call_of, definition
from nngraph.nets.systems import systems

KEYWORD = inspect.Parameter.KEYWORD_ONLY


def python_says(found):
    """The parameters as inspect has them, with the star before the first that is given by name only."""
    names, star = [], False
    for each in inspect.signature(found).parameters.values():
        if each.kind is each.VAR_POSITIONAL:
            names, star = [*names, "*" + each.name], True
        elif each.kind is each.VAR_KEYWORD:
            names.append("**" + each.name)
        else:
            if each.kind is KEYWORD and not star:
                names, star = [*names, "*"], True
            names.append(each.name)
    return names


OWN = [each for each in systems() if not each.place.startswith(("ops.", "scikit"))]


@pytest.mark.parametrize("system", OWN, ids=lambda each: each.full_name)
def test_it_is_what_python_finds(system):
    module = importlib.import_module(f"nngraph.nets.{system.place}")
    found = getattr(module, system.name.rpartition(".")[2])
    said = call_of(system.place, system.name.rpartition(".")[2])
    if not (inspect.isclass(found) or inspect.isfunction(found)) or definition(system.place, system.name.rpartition(".")[2]) is None:
        assert said == ""
        return
    names = [part.partition("=")[0] for part in _split(said[1:-1])]
    assert names == python_says(found)


def _split(text):
    """The parts at the commas outside brackets."""
    parts, depth, start = [], 0, 0
    for at, sign in enumerate(text):
        depth += (sign in "([{") - (sign in ")]}")
        if sign == "," and not depth:
            parts.append(text[start:at].strip())
            start = at + 1
    return [each for each in [*parts, text[start:].strip()] if each]


def test_defaults_are_as_they_are_written():
    assert call_of("optimizers", "SGD") == "(rate=0.1, decay=0.0, clip=None)"
    assert call_of("feed_forward", "MLP").startswith("(sizes, activation=relu, *")
    assert call_of("boltzmann", "RBM").count("normal(0.01)") == 1
    assert call_of("classic_surfaces", "surfaces") == ""
    assert nets.SGD() == nets.SGD(rate=0.1, decay=0.0, clip=None)
    assert call_of("data.shapes", "moons").startswith("(")
    assert callable(data.moons)
