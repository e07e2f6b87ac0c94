"""The planner: it groups runs into populations that train together in one program. Pure.

Runs share a program if family, data and the static part of their plans are equal; convolutional networks also need equal
shapes. A population is small enough for a core's caches (or a GPU's memory), and there are enough of them for all workers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from seedbed.models import FAMILIES, facts
from seedbed.records import DataFacts
from seedbed.specs import RunSpec
from seedbed.training.footprint import UINT8_ON_CPU, Site, footprint, shortage
from seedbed.training.reports import Checkpoint, Task

WORTH_SPLITTING = 2e11
"""Least work for which settings that fit in one program are split over workers, which compiles more programs (operations)."""
WORTH_A_PROGRAM = 2e12
"""Work above which fitting a population into a core's caches saves more time than its program takes to compile (operations)."""
LEAST_MEMORY = 64 * 2**20
"""Memory for networks that a worker gets even if none seems free (bytes): its libraries alone take several times as much."""


@dataclass(frozen=True)
class Limits:
    """Limits of a population's size.

    Attributes:
        members: largest number of settings per block.
        parameters: largest number of parameters per block.
        blocks: largest number of blocks (seeds) that train at once.
        memory: memory of a worker (bytes). None means no limit.
        cached: parameters whose weights and moments fit in a core's share of the caches. None means no limit.
    """

    members: int
    parameters: int
    blocks: int
    memory: int | None = None
    cached: int | None = None


ON_CPU = Limits(members=64, parameters=2_500_000, blocks=1, cached=1_000_000)
"""With more than a million parameters each network takes 5 % longer, and not more than that beyond a dozen 784-200-100-10."""
ON_GPU = Limits(members=256, parameters=200_000_000, blocks=16)


def plan(runs: Sequence[RunSpec], data: DataFacts, *, limits: Limits, workers: int, site: Site = UINT8_ON_CPU) -> list[Task]:
    """Compose tasks that together train every run once, the most expensive first.

    Args:
        runs: runs of one data spec, all different.
        data: sizes of the data set.
        limits: limits of a population's size.
        workers: number of workers among which the tasks are divided.
        site: device and pixel size, which determine memory use.
    """
    tasks: list[Task] = []
    for group in _groups(runs, _program_group):
        for block in _equal_blocks(group):
            tasks += _split(block, data, limits, workers, site)
    alike = len({run.setting for task in tasks for run in task.blocks[0]}) <= 1
    return tasks if alike else sorted(tasks, key=lambda task: -_cost(task, data))


def _groups(runs: Iterable[RunSpec], key: Any) -> list[list[RunSpec]]:
    """Group runs by key, in the order in which the keys first appear."""
    groups: dict[Hashable, list[RunSpec]] = {}
    for run in runs:
        groups.setdefault(key(run), []).append(run)
    return list(groups.values())


def _program_group(run: RunSpec) -> Hashable:
    model = run.model
    return FAMILIES[model.family].program(model), model.dropout > 0, run.plan.static


def _equal_blocks(runs: list[RunSpec]) -> list[list[list[RunSpec]]]:
    """Group blocks with equal settings; a block is the runs of one seed, in the program's order."""
    blocks = [sorted(block, key=_order) for block in _groups(runs, lambda run: run.seed)]
    groups: dict[Hashable, list[list[RunSpec]]] = {}
    for block in blocks:
        groups.setdefault(tuple(run.setting for run in block), []).append(block)
    return list(groups.values())


def _order(run: RunSpec) -> tuple[Any, ...]:
    """Sort key that places equal activations and shapes next to each other, so that a program has few parts."""
    return (*FAMILIES[run.model.family].order(run.model), run.setting)


def _split(blocks: list[list[RunSpec]], data: DataFacts, limits: Limits, workers: int, site: Site) -> list[Task]:
    """Split the settings into parts of about equal cost, and the seeds into groups that train at once.

    There are more parts than the limits require if that divides them evenly among the workers, or if memory is short: then
    first fewer seeds train at once, then fewer settings.
    """
    settings = blocks[0]
    if len(settings) == limits.blocks == 1:  # nothing to divide, so that no network needs to be built for its size
        return [_task((tuple(block),)) for block in blocks]
    sizes = [facts(run.model, data.image_shape, len(data.classes)) for run in settings]
    costs = [size.operations * run.plan.epochs for size, run in zip(sizes, settings, strict=True)]
    parameters = sum(size.parameters for size in sizes)
    fewest = max(-(-parameters // limits.parameters), -(-len(settings) // limits.members))
    work = 3 * sum(costs) * data.train * len(blocks)
    if limits.cached:
        fewest = max(fewest, min(-(-parameters // limits.cached), int(work / WORTH_A_PROGRAM)))
    fewest, at_once = min(fewest, len(settings)), limits.blocks
    used = workers if work >= WORTH_SPLITTING else 1
    while True:
        seeds = [blocks[at : at + at_once] for at in range(0, len(blocks), at_once)]
        bounds = _bounds(costs, _parts(fewest, len(settings), len(seeds), used), limits.members)
        large = [settings[start:stop] for start, stop in bounds if stop - start > 1 or len(seeds[0]) > 1]
        if all(_fits(runs, len(seeds[0]), data, limits, site) for runs in large):
            break
        at_once, fewest = (-(-len(seeds[0]) // 2), fewest) if len(seeds[0]) > 1 else (1, len(bounds) + 1)
    return [_task(tuple(tuple(block[start:stop]) for block in group)) for start, stop in bounds for group in seeds]


def _fits(runs: Sequence[RunSpec], blocks: int, data: DataFacts, limits: Limits, site: Site) -> bool:
    """Whether the part that grows with a population fits in memory; below `LEAST_MEMORY` further splits gain nothing."""
    if limits.memory is None:
        return True
    needed = footprint(runs, data, site, blocks=blocks)
    return needed.growing <= max(limits.memory - needed.fixed, LEAST_MEMORY)


def workers_that_fit(runs: Iterable[RunSpec], data: DataFacts, *, memory: int, workers: int, site: Site = UINT8_ON_CPU) -> int:
    """Number of workers that fit in memory when each trains the largest of the runs alone; at least 1."""
    largest = max((footprint([run], data, site).total for run in runs), default=1)
    return max(1, min(workers, memory // largest))


def want_of_memory(task: Task, data: DataFacts, memory: int) -> str:
    """Error message if a task certainly needs more than `memory` bytes; else "".

    A network whose size is known only once it is built is checked by its worker, which builds it.
    """
    [run, *others] = (run for _, run in task.runs)
    if others or FAMILIES[run.model.family].weight_shapes(run.model, data.image_shape, len(data.classes)) is None:
        return ""
    return shortage(run.plan, facts(run.model, data.image_shape, len(data.classes)).parameters, memory)


def _parts(fewest: int, settings: int, seeds: int, workers: int) -> int:
    """Least number of parts that divides evenly among the workers, if there is one without an empty part; else `fewest`."""
    even = [parts for parts in range(fewest, min(settings, fewest + workers) + 1) if parts * seeds % workers == 0]
    return even[0] if even else fewest


def _bounds(costs: list[int], parts: int, most: int) -> list[tuple[int, int]]:
    """Consecutive non-empty ranges of about equal total cost, each of at most `most` elements."""
    total, bounds, start, spent = sum(costs), [], 0, 0.0
    for part in range(parts):
        left = parts - part - 1
        stop = max(start + 1, len(costs) - left * most)
        spent += sum(costs[start:stop])
        while stop < min(start + most, len(costs) - left) and (
            left == 0 or spent + costs[stop] / 2 <= total * (part + 1) / parts
        ):
            spent += costs[stop]
            stop += 1
        bounds.append((start, stop))
        start = stop
    return bounds


def _task(blocks: tuple[tuple[RunSpec, ...], ...]) -> Task:
    return Task(key_of(run for block in blocks for run in block), blocks)


def key_of(runs: Iterable[RunSpec]) -> str:
    """Name of the population of these runs in this order."""
    return hashlib.sha256(" ".join(run.identity for run in runs).encode()).hexdigest()[:24]


def _cost(task: Task, data: DataFacts) -> float:
    operations = (facts(run.model, data.image_shape, len(data.classes)).operations * run.plan.epochs for _, run in task.runs)
    return data.train * sum(operations)


def halves(task: Task) -> list[Task]:
    """Split the unfinished runs into two smaller populations, for a device whose memory was too small.

    They continue from the task's checkpoint, if there is one; finished members are dropped. A single run cannot be split: then
    the list is empty.
    """
    blocks = list(range(len(task.blocks)))
    settings = list(task.resume.state.settings if task.resume else range(len(task.blocks[0])))
    if len(blocks) > 1:
        middle = len(blocks) // 2
        parts = [(blocks[:middle], settings), (blocks[middle:], settings)]
    elif len(settings) > 1:
        middle = len(settings) // 2
        parts = [(blocks, settings[:middle]), (blocks, settings[middle:])]
    else:
        return []
    return [half for half in (_part(task, *part) for part in parts) if half is not None]


def restricted(task: Task, identities: Collection[str]) -> Task | None:
    """The task without the settings of which no run is wanted; None if no setting is left."""
    wanted = [
        setting for setting in range(len(task.blocks[0])) if any(block[setting].identity in identities for block in task.blocks)
    ]
    if len(wanted) == len(task.blocks[0]):
        return task
    return _part(task, list(range(len(task.blocks))), wanted) if wanted else None


def _part(task: Task, blocks: list[int], settings: list[int]) -> Task | None:
    """A task of some blocks and settings of another; None if all of its runs are finished."""
    part = _task(tuple(tuple(task.blocks[block][setting] for setting in settings) for block in blocks))
    resume = task.resume and _part_of_checkpoint(task.resume, blocks, settings)
    if resume and not any(any(block) for block in resume.state.alive):
        return None
    return replace(part, save_every=task.save_every, resume=resume, pruning=task.pruning, snapshots=task.snapshots)


def _part_of_checkpoint(checkpoint: Checkpoint, blocks: list[int], settings: list[int]) -> Checkpoint:
    """The arrays and the state of these members, renumbered."""
    moved = {f"{b}.{s}": f"{blocks.index(b)}.{settings.index(s)}" for b in blocks for s in settings}
    named = ((name.partition("/"), array) for name, array in checkpoint.arrays.items())
    arrays = {f"{moved[member]}/{rest}": array for (member, _, rest), array in named if member in moved}
    return Checkpoint(arrays, checkpoint.state.part(blocks, settings))
