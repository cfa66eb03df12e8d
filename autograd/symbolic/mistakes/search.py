"""Which slip gives exactly the claimed numbers: slips made on purpose are compared with the claim at many points at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from ...language import N_
from ...ops.arithmetic import add, div, sub
from ..derivation import Sentence
from ..terms import Apply, Number, Partial, Product, Symbol, Term
from .contributions import EARLY_COST, KEPT_COST, kept_alone, updated_early
from .factors import axis_sizes, constant_ratio, factor_slip, nice
from .mutations import Change, combined, mutations
from .repairs import repaired
from .scene import Base, Scene
from .slips_in_forward import COST as FORWARD_COST
from .slips_in_forward import forward_slips
from .slips_in_rules import COST as RULE_COST
from .slips_in_rules import rule_slips
from .tree import places
from .verdict import Slip

RELATIVE, ABSOLUTE = 1e-7, 1e-10
MOST_WORK = 120_000
"""How many parts of formulas are evaluated in the search for two slips at once; about a second."""
CHEAP = 1.75
BRACKETED = 0.5
"""Brackets are an unlikely slip for who wrote a product with brackets."""


def find_slip(scene: Scene, claim: np.ndarray, yours: Term | None) -> Slip | None:
    """The simplest slip that turns the correct formula into the claim; `claim` has the axes (point, …)."""
    whole = factor_slip(scene, claim)
    if whole is not None:
        return whole
    scale = max(_scale(claim), _scale(scene.true))
    found: list[tuple[float, Slip]] = []
    singles = [(base, mutations(scene, base)) for base in scene.bases]
    own = yours if claim.shape == scene.true.shape else None
    bracketed = yours is not None and any(
        isinstance(part, Product) and any(isinstance(each, Apply) and each.op in (add, sub) for each in part.factors)
        for _, part in places(yours)
    )
    found += [
        *_made(scene, kept_alone(scene), KEPT_COST, claim, scale),
        *_made(scene, rule_slips(scene), RULE_COST, claim, scale),
    ]
    if (early := updated_early(scene, claim)) is not None:
        found.append((EARLY_COST, early))
    if (mended := _repaired(scene, own, ("extra-term", "brackets", "argument"))) is not None:
        found.append(mended)
    found.sort(key=lambda each: each[0])
    for change in sorted((change for _, changes in singles for change in changes), key=lambda each: each.cost):
        if found and change.cost >= found[0][0]:
            break
        for extra, also in _matches(scene, change, claim, scale):
            doubt = BRACKETED if change.kind == "brackets" and bracketed else 0.0
            found.append((change.cost + extra + doubt, _slip(change, also)))
            found.sort(key=lambda each: each[0])
    if not found or found[0][0] > FORWARD_COST:
        found += _made(scene, forward_slips(scene), FORWARD_COST, claim, scale)
        found.sort(key=lambda each: each[0])
    if found:
        return found[0][1]
    if (other := _other_variable(scene, claim, scale)) is not None:
        return other
    if (mended := _repaired(scene, own)) is not None:
        return mended[1]
    if (lost := _lost_share(scene, claim, scale)) is not None:
        return lost
    pair = _pair(scene, singles, claim, scale)
    twice = _repaired(scene, own, twice=True) if pair is None else None
    return pair or (twice[1] if twice is not None else None)


def _made(
    scene: Scene, made: Iterable[tuple[np.ndarray, Slip]], cost: float, claim: np.ndarray, scale: float
) -> list[tuple[float, Slip]]:
    """Which of these values are the claim, as they are or up to a sign or a usual factor."""
    return [
        (cost + extra, replace(slip, said=_joined(slip.said, also)))
        for value, slip in made
        for extra, also in _alike(scene, value, slip.kind, claim, scale)
    ]


def _matches(
    scene: Scene, change: Change, claim: np.ndarray, scale: float
) -> Iterator[tuple[float, tuple[Sentence, ...]]]:
    """(extra cost, further slips) when the changed formula gives the claim, as it is or up to a sign or a factor 2."""
    value = scene.value(change.term)
    if value is not None:
        yield from _alike(scene, value, change.kind, claim, scale)


def _alike(
    scene: Scene, value: np.ndarray, kind: str, claim: np.ndarray, scale: float
) -> Iterator[tuple[float, tuple[Sentence, ...]]]:
    if not np.all(np.isfinite(value)):
        return
    if value.shape != claim.shape:
        if value.ndim == 1 and claim.shape == scene.true.shape:  # one number, handed to every entry
            value = np.broadcast_to(value.reshape(-1, *(1,) * (claim.ndim - 1)), claim.shape)
        elif (
            value.size == claim.size
            and kind in ("too-much-summed", "batch-sum")
            and _squeezed(value).shape == _squeezed(claim).shape
        ):
            value = value.reshape(claim.shape)
        else:
            return
    if same(value, claim, scale):
        yield 0.0, ()
        return
    ratio = constant_ratio(claim, value)
    if ratio is not None and nice(ratio, scene):
        also = (
            Sentence(N_("and the sign is turned"))
            if ratio == -1
            else Sentence(N_("and a factor {factor} is too many"), {"factor": Number(ratio)})
        )
        letter = axis_sizes(scene).get(round(ratio))
        if letter and ratio != 2:
            also = Sentence(N_("and it is not divided by {letter}"), {"letter": letter})
        elif 0 < abs(ratio) < 1:
            also = Sentence(N_("and a factor {factor} is missing"), {"factor": Number(1 / ratio)})
        yield 1.0, (also,)


def _other_variable(scene: Scene, claim: np.ndarray, scale: float) -> Slip | None:
    """A claim that is the derivative by something else."""
    for of, by in scene.adjoints:
        value = scene.env[(of, by)].array
        if value.shape == claim.shape and same(value, claim, scale):
            fields = {"other": Partial(of, by, value.ndim - 1), "of": scene.of}
            return Slip("other-variable", Sentence(N_("this is {other}, not {of}"), fields))
    return None


def _lost_share(scene: Scene, claim: np.ndarray, scale: float) -> Slip | None:
    """A claim that lacks p(1 − p), as whoever takes a probability for its logit, or has it too often."""
    if claim.shape != scene.true.shape:
        return None
    for name in scene.env:
        symbol = Symbol(name, claim.ndim - 1) if isinstance(name, str) else None
        if symbol is None or scene.env[name].array.shape != claim.shape:
            continue
        style = "hadamard" if symbol.rank else "scalar"
        share = Product((symbol, Apply(sub, (Number(1.0), symbol))), style)
        value = scene.value(share)
        if value is None or not np.all(np.isfinite(value)) or not value.all():
            continue
        if same(claim, scene.true * value, scale):
            factor = Apply(div, (Number(1.0), share))
            return Slip("missing-factor", Sentence(N_("the factor {factor} is missing"), {"factor": factor}))
        if same(claim * value, scene.true, scale):
            return Slip("missing-factor", Sentence(N_("the factor {factor} is missing"), {"factor": share}))
    return None


def same(one: np.ndarray, other: np.ndarray, scale: float) -> bool:
    """Whether two arrays agree up to rounding."""
    if not (np.all(np.isfinite(one)) and np.all(np.isfinite(other))):
        return False
    return bool(np.all(np.abs(one - other) <= RELATIVE * np.maximum(np.abs(one), np.abs(other)) + ABSOLUTE * scale))


def _slip(change: Change, also: Sequence[Sentence]) -> Slip:
    return Slip(change.kind, _joined(change.said, also), change.why, change.term)


def _joined(said: Sentence, also: Sequence[Sentence]) -> Sentence:
    for sentence in also:
        said = Sentence(N_("{first}, {second}"), {"first": said, "second": sentence})
    return said


def _scale(values: np.ndarray) -> float:
    finite = np.abs(values[np.isfinite(values)])
    return float(np.median(finite)) if finite.size and np.median(finite) > 0 else 1.0


def _squeezed(values: np.ndarray) -> np.ndarray:
    return values.reshape(values.shape[0], *(size for size in values.shape[1:] if size != 1))


def _pair(scene: Scene, singles: Sequence[tuple[Base, list[Change]]], claim: np.ndarray, scale: float) -> Slip | None:
    """Two slips at once, the simple ones only, as far as the work allows."""
    best: tuple[float, Slip] | None = None
    left = MOST_WORK
    for base, changes in singles:
        cheap = sorted((each for each in changes if each.cost <= CHEAP and each.parts), key=lambda each: each.cost)
        size = sum(1 for _ in places(base.term))
        for at, first in enumerate(cheap):
            for second in cheap[at + 1 :]:
                cost = first.cost + second.cost
                if best is not None and cost >= best[0]:
                    break
                term = combined(base, first, second)
                if term is None:
                    continue
                left -= size
                if left < 0:
                    return best[1] if best else None
                value = scene.value(term)
                if value is not None and value.shape == claim.shape and same(value, claim, scale):
                    said = Sentence(
                        N_("two slips: {first}; and {second}"), {"first": first.said, "second": second.said}
                    )
                    best = (
                        cost,
                        Slip(
                            first.kind, said, (*first.why, *(why for why in second.why if why not in first.why)), term
                        ),
                    )
    return best[1] if best else None


def _repaired(
    scene: Scene, yours: Term | None, kinds: Sequence[str] = (), twice: bool = False
) -> tuple[float, Slip] | None:
    """(cost, slip): what must be changed in the claim itself to make it right, when it is written in another form than ours."""
    if yours is None:
        return None
    scale = _scale(scene.true)
    ways = sorted(repaired(scene, yours), key=lambda each: each.cost)
    ways = [each for each in ways if not kinds or each.kind in kinds]
    best: tuple[float, Slip] | None = None
    left = MOST_WORK
    size = sum(1 for _ in places(yours))
    for first in ways:
        for second in sorted(repaired(scene, first.term), key=lambda each: each.cost) if twice else (None,):
            cost = first.cost + (second.cost if second is not None else 0.0)
            if best is not None and cost >= best[0]:
                break
            left -= size
            if left < 0:
                return best
            value = scene.value((second or first).term)
            if value is None or value.shape != scene.true.shape or not same(value, scene.true, scale):
                continue
            said = (
                first.said
                if second is None
                else Sentence(N_("two slips: {first}; and {second}"), {"first": first.said, "second": second.said})
            )
            best = cost, Slip(first.kind, said, first.why, None)
    return best


__all__ = ["find_slip", "same"]
