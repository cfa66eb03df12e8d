"""The cheapest set of nodes that separates sources from targets in a directed graph: a minimal vertex cut."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from itertools import pairwise

from ..node import Node


def cheapest_cut(
    operands: Mapping[Node, Iterable[Node]], weights: Mapping[Node, int], targets: Iterable[Node]
) -> set[Node]:
    """Nodes of the least total weight that every path from a source to a target goes through.

    `operands` says, for every node, from which others its value is made; a node without any is a source. Of several
    cheapest cuts it is the one nearest the targets. Ford and Fulkerson 1956: a flow is augmented along shortest paths
    until none is left, every node being an edge of its weight from its entry to its exit.
    """
    forward: dict[Node, list[Node]] = {node: [] for node in operands}
    for node, sources in operands.items():
        for source in sources:
            forward[source].append(node)
    targets = set(targets)
    flow: dict[Node, int] = dict.fromkeys(operands, 0)
    """Through each node."""
    along: dict[tuple[Node, Node], int] = {}
    """From each node to the next."""
    starts = [node for node, sources in operands.items() if not sources]

    def path() -> list[tuple[Node, bool]] | None:
        """The shortest way that can carry more, as places: (node, its exit?)."""
        came: dict[tuple[Node, bool], tuple[Node, bool] | None] = {(node, False): None for node in starts}
        queue = deque(came)
        while queue:
            here = queue.popleft()
            node, at_exit = here
            ways: list[tuple[Node, bool]] = []
            if at_exit:
                if node in targets:
                    way: tuple[Node, bool] | None = here
                    places = []
                    while way is not None:
                        places.append(way)
                        way = came[way]
                    return places[::-1]
                ways += [(user, False) for user in forward[node]]
                if flow[node]:
                    ways.append((node, False))
            else:
                if flow[node] < weights[node]:
                    ways.append((node, True))
                ways += [(source, True) for source in operands[node] if along.get((source, node))]
            for way in ways:
                if way not in came:
                    came[way] = here
                    queue.append(way)
        return None

    while (places := path()) is not None:
        steps = list(pairwise(places))
        room = [weights[a] - flow[a] if not exit_a else flow[a] for (a, exit_a), (b, exit_b) in steps if a is b]
        room += [along[b, a] for (a, exit_a), (b, exit_b) in steps if a is not b and not exit_a]
        more = min(room)
        for (a, exit_a), (b, _) in steps:
            if a is b:
                flow[a] += -more if exit_a else more
            elif exit_a:
                along[a, b] = along.get((a, b), 0) + more
            else:
                along[b, a] -= more
    return _nearest(operands, forward, weights, targets, flow, along)


def _nearest(
    operands: Mapping[Node, Iterable[Node]],
    forward: Mapping[Node, Iterable[Node]],
    weights: Mapping[Node, int],
    targets: set[Node],
    flow: Mapping[Node, int],
    along: Mapping[tuple[Node, Node], int],
) -> set[Node]:
    """The full nodes at whose exit a target can still be reached, but not at their entry."""
    reached = {(node, True) for node in targets}
    waiting = list(reached)
    while waiting:
        node, at_exit = waiting.pop()
        # Backwards over what can carry more: places from which this one can be reached.
        if at_exit:
            before = [(node, False)] if flow[node] < weights[node] else []
            before += [(user, False) for user in forward[node] if along.get((node, user))]
        else:
            before = [(source, True) for source in operands[node]]
            if flow[node]:
                before.append((node, True))
        for place in before:
            if place not in reached:
                reached.add(place)
                waiting.append(place)
    return {node for node in operands if (node, True) in reached and (node, False) not in reached}
