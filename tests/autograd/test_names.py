"""The names that `ng.` offers are the documented ones and no others."""

import inspect
from types import ModuleType

import nngraph as ng
import pytest
from nngraph.autograd import ops
from nngraph.autograd.op import OPS, Op


def test_only_what_is_documented_is_offered():
    names = [name for name in dir(ng) if not name.startswith("_")]
    modules = [name for name in names if isinstance(getattr(ng, name), ModuleType)]
    assert modules == ["autograd", "cli", "nets", "viz"]
    undocumented = [name for name in names if name not in modules and not inspect.getdoc(getattr(ng, name))]
    assert not undocumented
    foreign = [
        name
        for name in names
        if not isinstance(getattr(ng, name), (Op, ModuleType))
        and not getattr(ng, name).__module__.startswith("nngraph.")
    ]
    assert not foreign


def test_every_op_and_helper_is_listed_once_by_its_page():
    listed = list(ops.__all__)
    assert len(set(listed)) == len(listed) and set(listed) <= set(dir(ng))
    assert all(isinstance(getattr(ops, name), Op) or inspect.isfunction(getattr(ops, name)) for name in listed)
    # A loop is made by a function of its own name; what batch_norm uses once it is trained is reached through it.
    assert {op.name for op in OPS.values()} - set(listed) == {"batch_norm_fixed"}


@pytest.mark.parametrize("name", ["np", "structural", "linear", "from_form", "sum_to", "sigmod", "_PAGES"])
def test_what_is_not_offered_is_not_there(name):
    assert not hasattr(ng, name)
