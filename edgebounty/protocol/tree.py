"""The shape of a round's reduce: one task that folds all outputs, or a tree of tasks with a fixed fan-in.

Level by level, each node folds the next `fan_in` outputs of the level below it, in their order; the root is the last.
The shape depends on the two numbers alone, so the requester, every worker and every verifier draw the same tree.
"""

from __future__ import annotations


def levels(leaves: int, fan_in: int | None) -> tuple[int, ...]:
    """How many nodes each level has, from the first above the leaves to the root. Without a fan-in: the root alone."""
    found = []
    below = leaves
    while fan_in is not None and below > fan_in:
        below = -(-below // fan_in)
        found.append(below)
    return (*found, 1)


def node_count(leaves: int, fan_in: int | None) -> int:
    """All nodes, the root included."""
    return sum(levels(leaves, fan_in))


def inputs_of(node: int, leaves: int, fan_in: int | None) -> range:
    """What a node folds, counted from the first leaf on: leaves first, then the nodes, in order.

    Raises `ValueError` for a node that is not in the tree.
    """
    first, below, at = 0, leaves, node
    for width in levels(leaves, fan_in):
        if at < width:
            if fan_in is None:
                return range(leaves)
            start = first + at * fan_in
            return range(start, min(start + fan_in, first + below))
        first, below, at = first + below, width, at - width
    raise ValueError(f"node {node} of a tree over {leaves} outputs")
