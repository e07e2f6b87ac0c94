"""The planner: which runs train together, in which programs. Pure.

Runs share a program when family, data and the static part of their plans are equal; convolutional ones also need equal
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
from seedbed.training.footprint import Footprint, certainly, footprint
from seedbed.training.reports import Checkpoint, Task

GIB = 2**30
WORTH_DEALING = 2e11
"""Operations of training below which settings that fit in one program are not dealt out as two: that would compile another."""
WORTH_A_PROGRAM = 2e12
"""Operations of training above which a population within a core's caches saves more than its program takes to compile."""
LEAST_ROOM = 64 * 2**20
"""Bytes of networks that a worker is given even where memory seems to be gone: its libraries alone take several times that."""


@dataclass(frozen=True)
class Limits:
    """How large a population may be.

    Attributes:
        members: settings of a block.
        parameters: of all members of a block together.
        blocks: seeds abreast.
        memory: bytes that a worker may take; None sets no limit.
        cached: of how many parameters a core's share of the caches keeps weights and moments; None where that is no question.
    """

    members: int
    parameters: int
    blocks: int
    memory: int | None = None
    cached: int | None = None


ON_CPU = Limits(members=64, parameters=2_500_000, blocks=1, cached=1_000_000)
"""More than a million parameters cost each network 5 % more; beyond a dozen nets of 784-200-100-10 it is no more than that."""
ON_GPU = Limits(members=256, parameters=200_000_000, blocks=16)


@dataclass(frozen=True)
class Site:
    """Where populations will train, and on what, as far as their memory depends on it.

    Attributes:
        on_cpu: else on a GPU.
        pixel_bytes: see `footprint`.
    """

    on_cpu: bool = True
    pixel_bytes: int = 1


def plan(runs: Sequence[RunSpec], data: DataFacts, *, limits: Limits, workers: int, site: Site = Site()) -> list[Task]:
    """Tasks that together train every run once, the costly ones first.

    Args:
        runs: of one data spec, all different.
        data: that data set's sizes.
        limits: see `Limits`.
        workers: number of workers that the tasks are dealt out to.
        site: decides with `limits.memory` how large a population may be.
    """
    tasks: list[Task] = []
    for group in _groups(runs, _program_group):
        for block in _equal_blocks(group):
            tasks += _split(block, data, limits, workers, site)
    return sorted(tasks, key=lambda task: -_cost(task, data))


def _groups(runs: Iterable[RunSpec], key: Any) -> list[list[RunSpec]]:
    """Runs of equal keys together, in the order in which the keys first appear."""
    found: dict[Hashable, list[RunSpec]] = {}
    for run in runs:
        found.setdefault(key(run), []).append(run)
    return list(found.values())


def _program_group(run: RunSpec) -> Hashable:
    model = run.model
    return FAMILIES[model.family].program(model), model.dropout > 0, run.plan.static


def _equal_blocks(runs: list[RunSpec]) -> list[list[list[RunSpec]]]:
    """Lists of blocks with equal settings: one block a seed, its runs in the program's order."""
    blocks = [sorted(block, key=_order) for block in _groups(runs, lambda run: run.seed)]
    found: dict[Hashable, list[list[RunSpec]]] = {}
    for block in blocks:
        found.setdefault(tuple(run.setting for run in block), []).append(block)
    return list(found.values())


def _order(run: RunSpec) -> tuple[Any, ...]:
    """Equal activations and shapes together, so that a program has few parts."""
    return (*FAMILIES[run.model.family].order(run.model), run.setting)


def _split(blocks: list[list[RunSpec]], data: DataFacts, limits: Limits, workers: int, site: Site) -> list[Task]:
    """Cuts the settings into parts of about equal cost, and the seeds into blocks that train abreast.

    Into more than the limits of number ask for where that deals out evenly, and where memory is short: first fewer seeds
    abreast, then fewer settings.
    """
    settings = blocks[0]
    sizes = [facts(run.model, data.image_shape, len(data.classes)) for run in settings]
    costs = [size.operations * run.plan.epochs for size, run in zip(sizes, settings, strict=True)]
    parameters = sum(size.parameters for size in sizes)
    fewest = max(-(-parameters // limits.parameters), -(-len(settings) // limits.members))
    work = 3 * sum(costs) * data.train * len(blocks)
    if limits.cached:
        fewest = max(fewest, min(-(-parameters // limits.cached), int(work / WORTH_A_PROGRAM)))
    fewest, abreast = min(fewest, len(settings)), limits.blocks
    dealt = workers if work >= WORTH_DEALING else 1
    while True:
        seeds = [blocks[at : at + abreast] for at in range(0, len(blocks), abreast)]
        bounds = _bounds(costs, _parts(fewest, len(settings), len(seeds), dealt), limits.members)
        large = [settings[start:stop] for start, stop in bounds if stop - start > 1 or len(seeds[0]) > 1]
        if all(_fits(runs, len(seeds[0]), data, limits, site) for runs in large):
            break
        abreast, fewest = (-(-len(seeds[0]) // 2), fewest) if len(seeds[0]) > 1 else (1, len(bounds) + 1)
    return [_task(tuple(tuple(block[start:stop]) for block in abreast)) for start, stop in bounds for abreast in seeds]


def _fits(runs: Sequence[RunSpec], blocks: int, data: DataFacts, limits: Limits, site: Site) -> bool:
    """Whether there is room for what grows with a population; below `LEAST_ROOM` nothing is won by dividing further."""
    if limits.memory is None:
        return True
    needed = _footprint(runs, blocks, data, site)
    return needed.growing <= max(limits.memory - needed.fixed, LEAST_ROOM)


def _footprint(runs: Sequence[RunSpec], blocks: int, data: DataFacts, site: Site) -> Footprint:
    return footprint(runs, data, blocks=blocks, pixel_bytes=site.pixel_bytes, on_cpu=site.on_cpu)


def workers_that_fit(runs: Iterable[RunSpec], data: DataFacts, *, memory: int, workers: int, site: Site = Site()) -> int:
    """How many workers have room side by side when each trains the largest of the runs alone: at least 1."""
    largest = max((_footprint([run], 1, data, site).total for run in runs), default=1)
    return max(1, min(workers, memory // largest))


def want_of_memory(task: Task, data: DataFacts, memory: int) -> str:
    """Why a task cannot be trained in so many bytes, as an error says it; "" where it may. Only what is certain counts."""
    runs = [run for block in task.blocks for run in block]
    needed = certainly(runs, data)
    if len(runs) > 1 or needed <= memory:
        return ""
    [run] = runs
    parameters = facts(run.model, data.image_shape, len(data.classes)).parameters
    return (
        f"Out of memory: a network of {parameters:,} parameters with {run.plan.optimizer!r} takes at least "
        f"{needed / GIB:.1f} GiB, and {memory / GIB:.1f} GiB are free. Use a smaller network, or a machine with more memory."
    )


def _parts(fewest: int, settings: int, seeds: int, workers: int) -> int:
    """The fewest parts that deal out evenly, if any do without a part being empty."""
    even = [parts for parts in range(fewest, min(settings, fewest + workers) + 1) if parts * seeds % workers == 0]
    return even[0] if even else fewest


def _bounds(costs: list[int], parts: int, most: int) -> list[tuple[int, int]]:
    """Consecutive ranges of about equal total cost, none empty, each of at most `most`."""
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
    """The name of a population of these runs in this order."""
    return hashlib.sha256(" ".join(run.identity for run in runs).encode()).hexdigest()[:24]


def _cost(task: Task, data: DataFacts) -> float:
    return sum(
        facts(run.model, data.image_shape, len(data.classes)).operations * run.plan.epochs * data.train
        for block in task.blocks
        for run in block
    )


def halves(task: Task) -> list[Task]:
    """The runs that still train as two smaller populations, for a device whose memory was too small.

    They go on from the task's checkpoint where it has one; finished members are left behind. One run alone gives none.
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
    """The task without the settings none of whose runs is wanted; None where nothing is left."""
    wanted = [
        setting for setting in range(len(task.blocks[0])) if any(block[setting].identity in identities for block in task.blocks)
    ]
    if len(wanted) == len(task.blocks[0]):
        return task
    return _part(task, list(range(len(task.blocks))), wanted) if wanted else None


def _part(task: Task, blocks: list[int], settings: list[int]) -> Task | None:
    """Some blocks and settings of a task as a task of its own; None where no run of it trains any more."""
    part = _task(tuple(tuple(task.blocks[block][setting] for setting in settings) for block in blocks))
    resume = task.resume and _part_of_checkpoint(task.resume, blocks, settings)
    if resume and not any(any(block) for block in resume.state.alive):
        return None
    return replace(part, save_every=task.save_every, resume=resume, pruning=task.pruning)


def _part_of_checkpoint(checkpoint: Checkpoint, blocks: list[int], settings: list[int]) -> Checkpoint:
    """The arrays and numbers of these members, under their new numbers."""
    moved = {f"{b}.{s}": f"{blocks.index(b)}.{settings.index(s)}" for b in blocks for s in settings}
    named = ((name.partition("/"), array) for name, array in checkpoint.arrays.items())
    arrays = {f"{moved[member]}/{rest}": array for (member, _, rest), array in named if member in moved}
    return Checkpoint(arrays, checkpoint.state.part(blocks, settings))
