"""The place of each operation's output in one block of memory, so that outputs that are no longer needed are overwritten."""

from __future__ import annotations

from dataclasses import dataclass

from seedbed.exports.graph import Activated, Affine, Graph, Reshaped

IN_PLACE = (Activated, Affine, Reshaped)
"""Operations that may overwrite their input."""


@dataclass(frozen=True)
class MemoryPlan:
    """Places in a block of memory.

    Attributes:
        offsets: number of an operation -> place of its first value.
        size: number of values of the block.
    """

    offsets: dict[int, int]
    size: int


def memory_plan(graph: Graph) -> MemoryPlan:
    """Place the outputs of all operations but the first, which is the caller's image, and the last, which is the caller's too.

    Operations whose input no other takes overwrite it. The others are placed in order, each at the lowest place that is free
    from its own time until that of the last operation that takes it.
    """
    last = len(graph.operations) - 1
    owner: dict[int, int] = {}
    until: dict[int, int] = {}
    for number in range(1, last):
        operation = graph.operations[number]
        before = operation.inputs[0]
        reused = isinstance(operation, IN_PLACE) and before in owner and len(graph.users(before)) == 1
        owner[number] = owner[before] if reused else number
        until[owner[number]] = max(graph.users(number))
    placed: list[tuple[int, int, int]] = []  # time of the last use, place, end of the place
    offsets: dict[int, int] = {}
    for number in until:
        size = max(graph.operations[each].size for each, root in owner.items() if root == number)
        taken = sorted((place, end) for time, place, end in placed if time >= number)
        offsets[number] = _free(taken, size)
        placed.append((until[number], offsets[number], offsets[number] + size))
    whole = {number: offsets[root] for number, root in owner.items()}
    return MemoryPlan(whole, max((end for _, _, end in placed), default=0))


def _free(taken: list[tuple[int, int]], size: int) -> int:
    """The lowest place between taken ones that has this size."""
    place = 0
    for start, end in taken:
        if place + size <= start:
            return place
        place = max(place, end)
    return place
