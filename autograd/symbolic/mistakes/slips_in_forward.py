"""Slips made on the way forward: the backward formulas are right, but one line they read was computed wrong."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ...language import N_
from ...ops.arithmetic import div
from ...ops.functions import exp
from ..convert import rank_of
from ..derivation import Sentence
from ..evaluate import POINT
from ..terms import Apply, AxisSum, Partial, Term, walk
from .replay import backward_again, definitions, evaluated, forward_again
from .scene import Scene
from .slips_in_sums import sign_slips
from .tree import Slipped, places, put
from .verdict import Slip

COST = 1.55


def forward_slips(scene: Scene) -> Iterator[tuple[np.ndarray, Slip]]:
    """What the right backward formulas give after one slip on the way forward: (values at all points, the slip)."""
    for name, definition in definitions(scene):
        for place, part in places(definition):
            for new, kind, said, _, why in _slips(part):
                env = forward_again(scene, {}, {name: put(definition, place, new)})
                if name not in scene.env or env[name].array.shape != scene.env[name].array.shape:
                    continue
                slip = Slip(kind, Sentence(N_("on the way forward: {slip}"), {"slip": said}), why)
                for base in scene.bases:
                    if any(isinstance(each, Partial) for each in walk(base.term)):
                        continue
                    value = evaluated(base.term, env, scene)
                    if value is not None and value.labels == (POINT,):
                        yield value.array, slip
                again = backward_again(scene, env, {})
                if again is not None:
                    yield again, slip


def _slips(part: Term) -> Iterator[Slipped]:
    if not isinstance(part, Apply):
        return
    yield from sign_slips(part)
    if part.op.name == "softmax" and rank_of(part.args[0]) > 1:
        shares = Apply(exp, part.args)
        over_all = Apply(div, (shares, AxisSum(tuple(range(rank_of(part.args[0]))), (), shares)))
        said = N_("{right} is taken over all entries at once: each row has a sum of its own")
        yield over_all, "too-much-summed", Sentence(said, {"right": part}), 1.3, ()
