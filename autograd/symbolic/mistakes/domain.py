"""Where a wrong claim happens to be right: on a part of its domain that can be said in a few words, or only at special points."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...language import N_
from ...node import Leaf
from ..derivation import Sentence
from ..evaluate import Labeled
from .points import Point

FEW = 3
MOST_PAIRED = 8


@dataclass(frozen=True)
class Part:
    """Where a claim is right. `exact`: it is right there and nowhere else. `telling`: something other than 0 = 0 holds there."""

    said: Sentence
    exact: bool
    telling: bool
    condition: str = ""


def where_right(
    agrees: np.ndarray, true: np.ndarray, tried: list[Point], env: Mapping[Any, Labeled], leaves: Mapping[str, Leaf]
) -> Part | None:
    """On which part a claim is right that is wrong elsewhere. `agrees` and `true`: axes (point, entries of the result)."""
    drawn = np.array([point.kind != "special" for point in tried])
    counted = agrees[drawn]
    telling = bool(np.any(agrees & (true != 0)))
    if counted.any() and not counted.all():
        found = _condition(agrees, drawn, env, leaves)
        if found is not None:
            return Part(found[0], found[1], telling, found[0].fields["condition"])
    if not counted.any():
        names = [
            point.said for point, fine, value in zip(tried, agrees, true, strict=False)
            if point.kind == "special" and point.said is not None and fine.all() and np.any(value != 0)
        ]  # fmt: skip
        if names:
            return Part(
                Sentence(N_("It is right {points}, but not in general."), {"points": _listed(names)}), False, True
            )
    given = next((at for at, point in enumerate(tried) if point.kind == "given"), None)
    if given is not None and agrees[given].all() and np.any(true[given] != 0):
        return Part(Sentence(N_("At the given values it is right, but not in general.")), False, True)
    return None


def _condition(
    agrees: np.ndarray, drawn: np.ndarray, env: Mapping[Any, Labeled], leaves: Mapping[str, Leaf]
) -> tuple[Sentence, bool] | None:
    fallback = None
    for template, fields, holds in _conditions(agrees.shape, env, leaves):
        part, truth = holds[drawn], agrees[drawn]
        if part.sum() < FEW or (~part).sum() < FEW:
            continue
        if np.array_equal(part, truth):
            return Sentence(
                N_("It is right where {condition}, and wrong elsewhere."), {"condition": template.format(**fields)}
            ), True
        if (
            fallback is None
            and truth[part].all()
            and truth.mean() < 0.95
            and truth[~part].mean() < 0.5
            and template.endswith("0")
        ):
            fallback = Sentence(N_("It is right where {condition}."), {"condition": template.format(**fields)}), False
    return fallback


def _conditions(
    shape: tuple[int, ...], env: Mapping[Any, Labeled], leaves: Mapping[str, Leaf]
) -> Iterator[tuple[str, dict[str, str], np.ndarray]]:
    """Simple conditions on the named values, entry by entry where the shapes agree."""
    values = {}
    for name, value in sorted(env.items(), key=lambda item: item[0] not in leaves if isinstance(item[0], str) else 2):
        if not isinstance(name, str):
            continue
        array = value.array
        if array.ndim == 1:
            values[name] = np.broadcast_to(array.reshape(-1, *(1,) * (len(shape) - 1)), shape)
        elif array.shape == shape:
            values[name] = array
    for name, value in values.items():
        yield "{a} > 0", {"a": name}, value > 0
        yield "{a} < 0", {"a": name}, value < 0
    for name, value in values.items():
        yield "|{a}| < 1", {"a": name}, np.abs(value) < 1
        yield "{a} > 1", {"a": name}, value > 1
        yield "{a} < 1", {"a": name}, value < 1
    own = [(name, value) for name, value in values.items() if name in leaves][:MOST_PAIRED]
    for name, value in own:
        for other, second in own:
            if name != other:
                yield "{a} > {b}", {"a": name, "b": other}, value > second


def _listed(sentences: list[Sentence]) -> Sentence:
    """One sentence, or two joined; more would say no more."""
    if len(sentences) == 1:
        return sentences[0]
    return Sentence(N_("{first} and {second}"), {"first": sentences[0], "second": sentences[1]})
