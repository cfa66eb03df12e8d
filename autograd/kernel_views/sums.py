"""Products and convolutions as what they are: every number of a result is a sum of products. One description, from which the
formula, the loops of a processor and the short text of a GPU's kernel are written."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from math import prod

from ..node import Node

INDENT = "    "
FREE = "mnpqtuhgefjkl"
"""Letters in place of those that an array has for its name."""


@dataclass(frozen=True, slots=True)
class Sum:
    """`output`: a letter for every axis of the result. `factors`: what is multiplied, and where in it, axis by axis. `summed`: the
    letters of the sum. `sizes`: how many turns a letter has. `inside`: what has to hold for a product to be counted."""

    node: Node
    output: tuple[str, ...]
    factors: tuple[tuple[Node, tuple[str, ...]], ...]
    summed: tuple[str, ...]
    sizes: Mapping[str, int]
    inside: tuple[str, ...] = ()

    def count(self, letters: Sequence[str]) -> int:
        """How many turns these letters have in all."""
        return prod(self.sizes[each] for each in letters)


def sum_of(node: Node) -> Sum | None:
    """What a node is a sum of; None where it is none."""
    if node.is_leaf or not isinstance(node.shape, tuple):
        return None
    if node.op.index is not None:
        form = node.op.index(*node.inputs, **node.params)
        factors = tuple((each, tuple(labels)) for each, labels in zip(node.inputs, form.operands))
        sizes = {label: int(size) for label, size in form.sizes.items()}
        return Sum(node, tuple(dict.fromkeys(form.output)), factors, tuple(form.summed), sizes)
    made = {"conv": _windows, "conv_image": _to_image, "conv_weights": _to_weights}.get(node.op.kernel or "")
    return made(node) if made is not None else None


def sum_beside(node: Node, names: Collection[str]) -> Sum | None:
    """The same with letters that are no array's name."""
    found = sum_of(node)
    if found is None or not set(names) & set(found.sizes):
        return found
    free = (each for each in FREE if each not in found.sizes and each not in names)
    new = {letter: next(free) if letter in names else letter for letter in found.sizes}

    def said(texts: Sequence[str]) -> tuple[str, ...]:
        return tuple(re.sub(r"\b[a-z]\b", lambda each: new.get(each[0], each[0]), text) for text in texts)

    factors = tuple((factor, said(places)) for factor, places in found.factors)
    sizes = {new[letter]: size for letter, size in found.sizes.items()}
    return Sum(node, said(found.output), factors, said(found.summed), sizes, said(found.inside))


def entry(name: str, places: Sequence[str]) -> str:
    """`X[n, d]`."""
    return f"{name}[{', '.join(places)}]" if places else name


def sum_loops(found: Sum, names: Mapping[Node, str], behind: Sequence[str] = ()) -> list[str]:
    """Loop by loop: those of the result outside, those that are summed inside. `behind`: what is done with a `total`; else it is
    the result's number."""
    lines: list[str] = []
    depth = 0

    def say(line: str) -> None:
        lines.append(INDENT * depth + line)

    for letter in found.output:
        say(f"for {letter} in range({found.sizes[letter]}):")
        depth += 1
    factors = " * ".join(entry(names[node], places) for node, places in found.factors)
    result = entry(names[found.node], found.output)
    if not found.summed:
        say(f"total = {factors}" if behind else f"{result} = {factors}")
    else:
        outer = depth
        say("total = 0")
        for letter in found.summed:
            say(f"for {letter} in range({found.sizes[letter]}):")
            depth += 1
        if found.inside:
            say(f"if {' and '.join(found.inside)}:")
            depth += 1
        say(f"total = total + {factors}")
        depth = outer
        if not behind:
            say(f"{result} = total")
    for line in behind:
        say(line)
    return lines


def sum_formula(found: Sum, names: Mapping[Node, str]) -> str:
    """`Y[n,o,i,j] = Σ_c Σ_r Σ_s x[n,c,i+r,j+s]·w[o,c,r,s]`."""
    sums = " ".join(f"Σ_{letter}" for letter in found.summed)
    factors = "·".join(_tight(entry(names[node], places)) for node, places in found.factors)
    return f"{_tight(entry(names[found.node], found.output))} = {sums} {factors}"


def _tight(text: str) -> str:
    return text.replace(" * ", "·").replace(" // ", "/").replace(" ", "")


# Convolutions -------------------------------------------------------------------------------------------------------------
WINDOWS, TAPS = "ij", "rs"
"""Letters of a window's row and column, and of the entry in it."""


def _windows(node: Node) -> Sum:
    """y[n,o,i,j] = Σ over c, r, s of x[n,c,i·stride + r·dilation − before,…]·w[o,c,r,s]."""
    x, w = node.inputs
    axes, batched = len(node.params["stride"]), len(x.shape) > len(node.params["stride"])
    spots, inside = _spots(node, x.shape[-axes:], w.shape[-axes:], node.shape[-axes:])
    taps = list(TAPS[:axes])
    if node.params["turned"]:
        taps = [f"{int(size) - 1} - {tap}" for size, tap in zip(w.shape[-axes:], taps)]
    lead, weights, output, summed = _channels(node, x, w.shape, batched)
    sizes = _sizes(output + summed, (*WINDOWS[:axes], *TAPS[:axes]), node.shape[-axes:] + w.shape[-axes:], x, w.shape, batched)
    return Sum(
        node, (*output, *WINDOWS[:axes]), ((x, (*lead, *spots)), (w, (*weights, *taps))), (*summed, *TAPS[:axes]), sizes, inside
    )


def _to_weights(node: Node) -> Sum:
    """w[o,c,r,s] = Σ over n, i, j of x[n,c,…]·g[n,o,i,j]."""
    x, g = node.inputs
    axes, batched = len(node.params["stride"]), len(x.shape) > len(node.params["stride"])
    spots, inside = _spots(node, x.shape[-axes:], node.shape[-axes:], g.shape[-axes:])
    lead, weights, output, _ = _channels(node, x, node.shape, batched)
    sizes = _sizes(
        ("n", "o", "c") if batched else (), (*WINDOWS[:axes], *TAPS[:axes]), g.shape[-axes:] + node.shape[-axes:], x, node.shape, batched
    )
    summed = (*output[:1], *WINDOWS[:axes])
    return Sum(node, (*weights, *TAPS[:axes]), ((x, (*lead, *spots)), (g, (*output, *WINDOWS[:axes]))), summed, sizes, inside)


def _to_image(node: Node) -> Sum:
    """x[n,c,i,j] = Σ over o, r, s of g[n,o,(i + before − r·dilation) / stride,…]·w[o,c,r,s], where that is whole."""
    g, w = node.inputs
    params, axes = node.params, len(node.params["stride"])
    batched, spots, inside = len(g.shape) > axes, list[str](), list[str]()
    for at, (i, r) in enumerate(zip(WINDOWS, TAPS[:axes])):
        step, dilation, before = int(params["stride"][at]), int(params["dilation"][at]), int(params["padding"][at][0])
        place = _joined(i, before, f"- {_times(r, dilation)}")
        many = int(g.shape[-axes + at])
        inside += [f"({place}) % {step} == 0"] * (step > 1)
        spots.append(f"({place}) // {step}" if step > 1 else place)
        inside.append(f"0 <= {spots[-1]} < {many}")
    lead, weights, output, summed = list[str](), list[str](), list[str](), list[str]()
    if batched:
        inner, outer = int(w.shape[1]), int(w.shape[0]) // int(params["groups"])
        channel = "o" if params["groups"] == 1 else f"c // {inner} * {outer} + o"
        lead, output, summed = ["n", channel], ["n", "c"], ["o"]
        weights = [channel, "c" if params["groups"] == 1 else f"c % {inner}"]
    sizes = dict(zip((*WINDOWS[:axes], *TAPS[:axes]), map(int, node.shape[-axes:] + w.shape[-axes:])))
    if batched:
        sizes |= {"n": int(g.shape[0]), "c": int(node.shape[1]), "o": int(w.shape[0]) // int(params["groups"])}
    return Sum(
        node, (*output, *WINDOWS[:axes]), ((g, (*lead, *spots)), (w, (*weights, *TAPS[:axes]))), (*summed, *TAPS[:axes]), sizes, tuple(inside)
    )


def _spots(node: Node, lengths: Sequence[int], taps: Sequence[int], counts: Sequence[int]) -> tuple[list[str], tuple[str, ...]]:
    """Where in the image an entry of a window is, axis by axis, and what holds where that is inside of it."""
    spots, inside = list[str](), list[str]()
    settings = zip(node.params["stride"], node.params["dilation"], node.params["padding"])
    for i, r, (step, dilation, (before, _)), length, size, count in zip(WINDOWS, TAPS, settings, lengths, taps, counts):
        spots.append(_joined(_times(i, int(step)), -int(before), f"+ {_times(r, int(dilation))}"))
        last = (int(count) - 1) * int(step) + (int(size) - 1) * int(dilation) - int(before)
        if before or last >= length:
            inside.append(f"0 <= {spots[-1]} < {int(length)}")
    return spots, tuple(inside)


def _channels(node: Node, x: Node, weights: Sequence[int], batched: bool) -> tuple[tuple[str, ...], ...]:
    """Letters in front of the image's axes: of x, of the weights, of the result, and of the sum."""
    if not batched:
        return (), (), (), ()
    groups = int(node.params["groups"])
    channel = "c" if groups == 1 else f"o // {int(weights[0]) // groups} * {int(weights[1])} + c"
    return ("n", channel), ("o", "c"), ("n", "o"), ("c",)


def _sizes(
    lead: Sequence[str], letters: Sequence[str], sizes: Sequence[int], x: Node, weights: Sequence[int], batched: bool
) -> dict[str, int]:  # fmt: skip
    found = dict(zip(letters, map(int, sizes)))
    return found | {"n": int(x.shape[0]), "o": int(weights[0]), "c": int(weights[1])} if batched else found


def _times(letter: str, number: int) -> str:
    return letter if number == 1 else f"{letter} * {number}"


def _joined(first: str, number: int, last: str) -> str:
    middle = f" {'-' if number < 0 else '+'} {abs(number)}" if number else ""
    return f"{first} {last}{middle}"
