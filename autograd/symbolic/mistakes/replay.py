"""A derivation worked through again with some numbers exchanged: what follows from a student's own intermediate values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ...errors import NngraphError
from ..derivation import BACKWARD, INSIDE
from ..evaluate import POINT, Labeled, evaluate
from ..terms import Element, Partial, Symbol, Term, symbols
from .scene import Scene

Key = str | tuple[str, tuple[str, ...]]


def forward_again(
    scene: Scene, own: Mapping[Key, np.ndarray], defined: Mapping[str, Term] | None = None
) -> dict[Any, Labeled]:
    """The scene's named values where the values in `own` (axes point, …) stand and all that is made of them is made anew.

    `defined`: names whose definition is another one; what their value changes is made anew as well.
    """
    env, defined = dict(scene.env), defined or {}
    env.update({name: Labeled(value, (POINT,)) for name, value in own.items() if isinstance(name, str)})
    changed = {name for name in own if isinstance(name, str)}
    for name, definition in definitions(scene):
        definition = defined.get(name, definition)
        if name in own or not (
            name in defined or {part.name for part in symbols(definition) if isinstance(part, Symbol)} & changed
        ):
            continue
        value = evaluated(definition, env, scene)
        if value is not None:
            env[name] = value
            changed.add(name)
    return env


def backward_again(scene: Scene, env: Mapping[Any, Labeled], own: Mapping[Key, np.ndarray]) -> np.ndarray | None:
    """What the lines of the backward pass give for the scene's gradient, with the gradients in `own` on the way."""
    env = dict(env)
    found = None
    for step in scene.derivation.steps if scene.derivation is not None else ():
        if step.section != BACKWARD or not isinstance(step.before, Partial):
            continue
        key = (step.before.of, step.before.by)
        value = evaluated(step.after, env, scene)
        if step.before == scene.of:
            found = value
        elif key in own:
            value = Labeled(own[key], (POINT,))
        if value is not None:
            env[key] = value
    return found.array if found is not None and found.labels == (POINT,) else None


def definitions(scene: Scene) -> list[tuple[str, Term]]:
    """Name -> what it is made of, in run order; with the names inside a composite op, such as the shares P of a softmax loss."""
    inner = [
        (step.before.name, step.after)
        for step in (scene.derivation.steps if scene.derivation is not None else ())
        if step.section == INSIDE and isinstance(step.before, Symbol) and not isinstance(step.after, Element)
    ]
    known = {line.symbol.name for line in scene.board.lines}
    return [
        *((line.symbol.name, line.plain) for line in scene.board.lines),
        *(each for each in inner if each[0] not in known),
    ]


def evaluated(term: Term, env: Mapping[Any, Labeled], scene: Scene) -> Labeled | None:
    """The value of a term from these named values; None where it makes no sense."""
    try:
        found = evaluate(term, env, scene.sizes)
    except (NngraphError, ValueError, KeyError, IndexError, TypeError, AssertionError):
        return None
    return found if not set(found.labels) - {POINT} else None
