"""The planner: which runs train together, in which programs. Pure.

Runs share a program when family, data and the static part of their plans are equal; convolutional ones also need equal
shapes. A population is small enough for a core's caches (or a GPU's memory), and there are enough of them for all workers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from seedbed.models import facts
from seedbed.records import DataFacts
from seedbed.specs import Conv, Dense, Keras, RunSpec
from seedbed.training.reports import Checkpoint, Task


@dataclass(frozen=True)
class Limits:
    """How large a population may be.

    Attributes:
        members: settings of a block.
        parameters: of all members of a block together.
        blocks: seeds abreast.
    """

    members: int
    parameters: int
    blocks: int


ON_CPU = Limits(members=64, parameters=2_500_000, blocks=1)
"""About a dozen nets of 784-200-100-10 keep a core's share of the caches busy; more cost about as much for each."""
ON_GPU = Limits(members=256, parameters=200_000_000, blocks=16)


def plan(runs: Sequence[RunSpec], data: DataFacts, *, limits: Limits, workers: int) -> list[Task]:
    """Tasks that together train every run once, the costly ones first.

    Args:
        runs: of one data spec, all different.
        data: that data set's sizes.
        limits: see `Limits`.
        workers: among how many the tasks will be dealt out.
    """
    tasks: list[Task] = []
    for group in _groups(runs, _program_group):
        for block in _equal_blocks(group):
            tasks += _split(block, data, limits, workers)
    return sorted(tasks, key=lambda task: -_cost(task, data))


def _groups(runs: Iterable[RunSpec], key: Any) -> list[list[RunSpec]]:
    """Runs of equal keys together, in the order in which the keys first appear."""
    found: dict[Hashable, list[RunSpec]] = {}
    for run in runs:
        found.setdefault(key(run), []).append(run)
    return list(found.values())


def _program_group(run: RunSpec) -> Hashable:
    model = run.model
    shape = model.changed(dropout=0.0) if isinstance(model, Conv) else model if isinstance(model, Keras) else "dense"
    drops = not isinstance(model, Keras) and model.dropout > 0
    return shape, drops, run.plan.static


def _equal_blocks(runs: list[RunSpec]) -> list[list[list[RunSpec]]]:
    """Lists of blocks with equal settings: one block a seed, its runs in the program's order."""
    blocks = [sorted(block, key=_order) for block in _groups(runs, lambda run: run.seed)]
    found: dict[Hashable, list[list[RunSpec]]] = {}
    for block in blocks:
        found.setdefault(tuple(run.setting for run in block), []).append(block)
    return list(found.values())


def _order(run: RunSpec) -> tuple[Any, ...]:
    """Equal activations and shapes together, so that a program has few parts."""
    model = run.model
    shape = (model.activation, len(model.hidden), model.hidden) if isinstance(model, Dense) else ()
    return (*shape, run.setting)


def _split(blocks: list[list[RunSpec]], data: DataFacts, limits: Limits, workers: int) -> list[Task]:
    """Cuts the settings into parts of about equal cost, and the seeds into blocks that train abreast."""
    settings = blocks[0]
    sizes = [facts(run.model, data.image_shape, len(data.classes)) for run in settings]
    fewest = max(-(-sum(size.parameters for size in sizes) // limits.parameters), -(-len(settings) // limits.members))
    seeds = [blocks[at : at + limits.blocks] for at in range(0, len(blocks), limits.blocks)]
    parts = _parts(min(fewest, len(settings)), len(settings), len(seeds), workers)
    bounds = _bounds([size.operations * run.plan.epochs for size, run in zip(sizes, settings, strict=True)], parts)
    return [_task(tuple(tuple(block[start:stop]) for block in abreast)) for start, stop in bounds for abreast in seeds]


def _parts(fewest: int, settings: int, seeds: int, workers: int) -> int:
    """The fewest parts that deal out evenly, if any do without a part being empty."""
    even = [parts for parts in range(fewest, min(settings, fewest + workers) + 1) if parts * seeds % workers == 0]
    return even[0] if even else fewest


def _bounds(costs: list[int], parts: int) -> list[tuple[int, int]]:
    """Consecutive ranges of about equal total cost, none empty."""
    total, bounds, start, spent = sum(costs), [], 0, 0.0
    for part in range(parts):
        stop = start + 1
        spent += costs[start]
        left = parts - part - 1
        while len(costs) - stop > left and (left == 0 or spent + costs[stop] / 2 <= total * (part + 1) / parts):
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
    settings = list(task.resume.manifest["settings"] if task.resume else range(len(task.blocks[0])))
    if len(blocks) > 1:
        middle = len(blocks) // 2
        parts = [(blocks[:middle], settings), (blocks[middle:], settings)]
    elif len(settings) > 1:
        middle = len(settings) // 2
        parts = [(blocks, settings[:middle]), (blocks, settings[middle:])]
    else:
        return []
    return [half for half in (_part(task, *part) for part in parts) if half is not None]


def _part(task: Task, blocks: list[int], settings: list[int]) -> Task | None:
    """Some blocks and settings of a task as a task of its own; None where nobody in it trains any more."""
    part = _task(tuple(tuple(task.blocks[block][setting] for setting in settings) for block in blocks))
    padded = task.padded and tuple(task.padded[setting] for setting in settings)
    resume = task.resume and _part_of_checkpoint(task.resume, blocks, settings)
    if resume and not any(any(block) for block in resume.manifest["alive"]):
        return None
    return replace(part, padded=padded, save_every=task.save_every, resume=resume)


def _part_of_checkpoint(checkpoint: Checkpoint, blocks: list[int], settings: list[int]) -> Checkpoint:
    """The arrays and figures of these places, under their new numbers."""
    moved = {f"{b}.{s}": f"{blocks.index(b)}.{settings.index(s)}" for b in blocks for s in settings}
    named = ((name.partition("/"), array) for name, array in checkpoint.arrays.items())
    arrays = {f"{moved[place]}/{rest}": array for (place, _, rest), array in named if place in moved}
    before = checkpoint.manifest
    columns = [before["settings"].index(setting) for setting in settings]
    after = {
        "settings": list(range(len(settings))),
        "alive": [[before["alive"][block][column] for column in columns] for block in blocks],
        "rows": {moved[place]: rows for place, rows in before["rows"].items() if place in moved},
    }
    return Checkpoint(arrays, {**before, **after})
