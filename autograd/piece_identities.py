"""Identities of cutting and joining for `simplify`: what is cut apart and put together again, as a cell does with its
gates."""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

from .node import Node
from .ops import concat, reshape, slice, unslice
from .ops.arithmetic import add
from .simplify import Alone, identity

MOST_TERMS = 16
"""A sum is searched this far for pieces that fit together: a rule looks at every sum, and long ones are many."""
MOST_PARTS = 256
"""More parts than this are joined in several steps."""

Index = tuple[Any, ...]
"""A complete index, as a slice holds it: per axis a number or (start, stop, step), and None for a new axis."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Where a piece lies: from `start` to `stop` along one axis, everywhere along the others."""

    axis: int
    start: int
    stop: int


def stretch(index: Index, shape: tuple[int, ...]) -> Stretch | None:
    """The stretch that an index means; None where it takes less than the whole of several axes, or goes in steps."""
    if None in index:
        return None
    found = None
    for axis, (entry, size) in enumerate(zip(index, shape)):
        start, stop, step = entry if isinstance(entry, tuple) else (entry, entry + 1, 1)
        if isinstance(entry, tuple) and (start, stop, step) == (0, size, 1):
            continue
        if step != 1 or found is not None:
            return None
        found = Stretch(axis, start, stop)
    return found


def index_of(piece: Stretch, shape: tuple[int, ...]) -> Index:
    """The index that means a stretch."""
    return tuple((piece.start, piece.stop, 1) if at == piece.axis else (0, size, 1) for at, size in enumerate(shape))


def whole(index: Index, shape: tuple[int, ...]) -> bool:
    """Whether an index takes everything as it stands."""
    return index == tuple((0, size, 1) for size in shape)


@identity("x[:] = x, zeros filled everywhere with x = x", slice, unslice)
def everything(node: Node, alone: Alone) -> Node | None:
    """A cut that leaves nothing out changes nothing, and neither does filling all places. Exact."""
    (x,) = node.inputs
    return x if x.shape == node.shape and whole(node.params["index"], x.shape) else None


@identity("x[0] of a single row = x arranged", slice)
def axes_of_one(node: Node, alone: Alone) -> Node | None:
    """A cut that takes all numbers, and only drops or adds axes of length 1, is another arrangement. Exact."""
    (x,) = node.inputs
    entries = [entry for entry in node.params["index"] if entry is not None]
    if len(entries) == len(node.params["index"]) and all(isinstance(entry, tuple) for entry in entries):
        return None
    taken = [
        1 if isinstance(entry, int) else size if entry == (0, size, 1) else 0 for entry, size in zip(entries, x.shape)
    ]
    return reshape(x, shape=node.shape) if tuple(taken) == x.shape else None


@identity("x[a][b] = x[a then b]", slice)
def cut_twice(node: Node, alone: Alone) -> Node | None:
    """Places counted in a cut are places counted in what was cut. Exact."""
    (x,) = node.inputs
    if x.op is not slice or None in x.params["index"] or None in node.params["index"]:
        return None
    later = iter(zip(node.params["index"], x.shape))
    index: list[Any] = []
    for first, size in zip(x.params["index"], x.inputs[0].shape):
        second, between = next(later) if isinstance(first, tuple) else (None, None)
        if second is None or second == (0, between, 1):
            index.append(first)
        elif first == (0, size, 1):
            index.append(second)
        elif isinstance(second, int):
            index.append(first[0] + second * first[2])
        else:
            places = range(size)[builtins.slice(*first)][builtins.slice(*second)]
            if not places or places.step < 0:
                return None
            index.append((places[0], places[-1] + 1, places.step))
    return slice(x.inputs[0], index=tuple(index))


@identity("(parts joined)[inside one part] = part[…]", slice)
def cut_out_of_joined(node: Node, alone: Alone) -> Node | None:
    """A cut that lies inside one of the parts that were joined is a cut of that part, or the part. Exact."""
    (joined,) = node.inputs
    piece = stretch(node.params["index"], joined.shape)
    if joined.op is not concat or piece is None or piece.axis != joined.params["axis"]:
        return None
    start = 0
    for part in joined.inputs:
        stop = start + part.shape[piece.axis]
        if start <= piece.start and piece.stop <= stop:
            index = list(node.params["index"])
            entry = index[piece.axis]
            index[piece.axis] = (
                (piece.start - start, piece.stop - start, 1) if isinstance(entry, tuple) else piece.start - start
            )
            return slice(part, index=tuple(index))
        start = stop
    return None


@identity("(x put at places)[the same places] = x", slice)
def cut_where_put(node: Node, alone: Alone) -> Node | None:
    """What was put somewhere is found there. Exact."""
    (filled,) = node.inputs
    if filled.op is unslice and filled.params["index"] == node.params["index"]:
        return filled.inputs[0]
    return None


@identity("(a, b joined, c) joined = a, b, c joined", concat)
def joined_twice(node: Node, alone: Alone) -> Node | None:
    """Joining along one axis may be done in any grouping, and a single part need not be joined. Exact."""
    axis = node.params["axis"]
    if len(node.inputs) == 1:
        return node.inputs[0]
    parts: list[Node] = []
    for part in node.inputs:
        parts += part.inputs if part.op is concat and part.params["axis"] == axis and alone(part) else [part]
    return concat(parts, axis=axis) if len(node.inputs) < len(parts) <= MOST_PARTS else None


@identity("x[a:b] and x[b:c] joined = x[a:c]", concat)
def neighbors_joined(node: Node, alone: Alone) -> Node | None:
    """Cuts that lie side by side are joined by cutting once. Exact."""
    axis = node.params["axis"]
    parts: list[Node] = []
    pieces: list[Stretch | None] = []
    for part in node.inputs:
        piece = _kept_piece(part, axis)
        last = pieces[-1] if pieces else None
        if piece and last and parts[-1].inputs[0] is part.inputs[0] and last.stop == piece.start:
            source = part.inputs[0]
            pieces[-1] = longer = Stretch(axis, last.start, piece.stop)
            parts[-1] = slice(source, index=index_of(longer, source.shape))
        else:
            parts.append(part)
            pieces.append(piece)
    return concat(parts, axis=axis) if len(parts) < len(node.inputs) else None


def _kept_piece(part: Node, axis: int) -> Stretch | None:
    """The stretch that a part cuts out of its operand along `axis`, when it keeps that axis."""
    if part.op is not slice or len(part.shape) != len(part.inputs[0].shape):
        return None
    piece = stretch(part.params["index"], part.inputs[0].shape)
    return piece if piece and piece.axis == axis else None


@identity("zeros filled with x + zeros filled there with y = zeros filled with x + y", add)
def filled_in_the_same_places(node: Node, alone: Alone) -> Node | None:
    """Where nothing was filled, 0 + 0 is 0; so what is filled in may be added first. Exact."""
    if all(source.op is not unslice for source in node.inputs) or not _alike(node):
        return None
    terms = _terms(node, alone)
    by_place: dict[Index, list[Node]] = {}
    for term in terms:
        if term.op is unslice:
            by_place.setdefault(term.params["index"], []).append(term)
    if all(len(same) < 2 for same in by_place.values()):
        return None
    added = [
        unslice(reduce(add, [term.inputs[0] for term in same]), index=index, shape=node.shape)
        for index, same in by_place.items()
    ]
    return reduce(add, [*[term for term in terms if term.op is not unslice], *added])


@identity("zeros filled at a:b + zeros filled at b:c = zeros filled at a:c", add)
def filled_side_by_side(node: Node, alone: Alone) -> Node | None:
    """Nothing is added where one operand is 0, so arrays filled side by side add up to one, filled with the parts
    joined. Exact (−0 + 0 is 0, which equals −0)."""
    if all(source.op is not unslice for source in node.inputs) or not _alike(node):
        return None
    terms = _terms(node, alone)
    found = [(stretch(term.params["index"], node.shape), term) for term in terms if term.op is unslice]
    places = sorted([(piece.axis, piece.start, piece.stop, at) for at, (piece, _) in enumerate(found) if piece])
    if any(one[0] == next_[0] and one[2] > next_[1] for one, next_ in zip(places, places[1:])):
        return None
    runs: list[list[tuple[int, int, int, int]]] = []
    for place in places:
        if runs and runs[-1][-1][0] == place[0] and runs[-1][-1][2] == place[1]:
            runs[-1].append(place)
        else:
            runs.append([place])
    runs = [run for run in runs if len(run) > 1]
    if not runs:
        return None
    gone = {found[place[3]][1] for run in runs for place in run}
    filled = [_filled(run, [found[place[3]][1] for place in run], node.shape) for run in runs]
    return reduce(add, [*[term for term in terms if term not in gone], *filled])


def _alike(node: Node) -> bool:
    """Whether a sum adds arrays of its own shape and dtype."""
    return all(source.shape == node.shape and source.dtype == node.dtype for source in node.inputs)


def _terms(node: Node, alone: Alone) -> list[Node]:
    """The terms of a sum of several arrays of one shape, from left to right; the first ones of a long sum stay a
    sum."""
    terms, stack = [], [node]
    while stack:
        each = stack.pop()
        few = len(terms) + len(stack) < MOST_TERMS
        if each is node or (few and each.op is add and _alike(each) and alone(each)):
            stack += each.inputs
        else:
            terms.append(each)
    return terms[::-1]


def _filled(run: Sequence[tuple[int, int, int, int]], pieces: Sequence[Node], shape: tuple[int, ...]) -> Node:
    """Pieces that lie side by side, joined and put in their places."""
    axis, start, stop = run[0][0], run[0][1], run[-1][2]
    parts = [piece.inputs[0] for piece in pieces]
    sizes = [tuple(last - first if at == axis else size for at, size in enumerate(shape)) for _, first, last, _ in run]
    joined = concat(
        [part if part.shape == each else reshape(part, shape=each) for part, each in zip(parts, sizes)], axis=axis
    )
    where = index_of(Stretch(axis, start, stop), shape)
    return joined if joined.shape == shape else unslice(joined, index=where, shape=shape)


__all__ = ["Stretch", "index_of", "stretch", "whole"]
