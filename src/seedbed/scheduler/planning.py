"""From the runs that are missing to populations: which go on from a save, which are composed now, and for which workers."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from seedbed import data, devices, populations
from seedbed.data import Dataset
from seedbed.devices import WorkerKind
from seedbed.errors import SpecError
from seedbed.models import trust
from seedbed.populations import Site
from seedbed.records import DataFacts
from seedbed.runs import Claim, Entry
from seedbed.scheduler.execution import Execution
from seedbed.specs import DataSpec, RunSpec
from seedbed.training import saves
from seedbed.training.events import Note
from seedbed.training.pruning import Pruning
from seedbed.training.reports import Task

WORKERS_WHERE_PRUNED = 2
"""Number of workers for which populations are composed whose worse members are stopped, however many there are."""


@dataclass(frozen=True)
class TrainRequest:
    """What one call of `train_runs` asks for.

    Attributes:
        entries: all runs, the finished ones too; their data specs are resolved.
        datasets: the images of each data spec.
    """

    execution: Execution
    entries: Sequence[Entry]
    datasets: dict[DataSpec, Dataset]
    pruning: Pruning | None
    metrics_only: bool


def resolved(entries: Sequence[Entry]) -> tuple[list[Entry], dict[DataSpec, Dataset]]:
    """The entries with their data specs resolved, and the images.

    Raises:
        DataError: the images cannot be had.
        SpecError: a minibatch of more images than there are.
    """
    specs = {spec: data.resolve(spec) for spec in {entry.run.data: None for entry in entries}}
    for model in {entry.run.model: None for entry in entries}:
        trust.remember(model)
    datasets = {spec: data.load(spec) for spec in specs.values()}
    for run in (entry.run for entry in entries):
        size, images = run.plan.batch_size, len(datasets[specs[run.data]].train)
        if not size <= images:
            raise SpecError(f"batch_size = {size}: it must be at most {images}, the training images of {run.data.name}.")
    return [Entry(e.name, e.group, e.run.changed(data=specs[e.run.data])) for e in entries], datasets


def continued(request: TrainRequest, claim: Claim, missing: Sequence[Entry]) -> list[tuple[Task, int]]:
    """Populations that were interrupted, composed as they were, so that they go on bit for bit; with their workers' threads.

    Raises:
        CorruptFile: a population has no sound save, or one that seedbed did not write.
    """
    home = request.execution.home
    left = {entry.run.identity for entry in missing if entry.name in claim.half_done}
    found = []
    for key in home.populations() if left else []:
        loaded = home.load_population(key, lambda text: request.execution.on_event(Note(text)))
        if loaded is not None:
            found.append((key, loaded[0], saves.read(key, loaded[1])))
    known = {entry.run.identity: entry.run for entry in claim.todo}
    done = {result.run.identity for result in claim.done.values()}
    tasks = []
    # Of a population and its halves, where the driver died over halving it, the whole goes on.
    for key, arrays, save in sorted(found, key=lambda each: -len(each[2].wanted)):
        if save.wanted & left and save.wanted <= left | done | home.find_identities(save.wanted).keys():
            left -= save.wanted
            tasks.append((save.task(key, arrays, known), save.threads))
    return tasks


def workers(request: TrainRequest, missing: Sequence[Entry]) -> tuple[list[WorkerKind], int | None]:
    """The workers, and the memory of each (bytes). None means that it is not known, or on other machines.

    There are fewer than there could be where memory is short.
    """
    execution, composed = request.execution, _composed(request, missing)
    kinds = execution.kinds(len(composed))
    if execution.engine.name != "local":
        return kinds, None
    if kinds[0].device == "gpu":
        return kinds, devices.free_gpu_memory()
    memory = devices.free_memory()
    if memory is None:
        return kinds, None
    if len(kinds) > 1:
        room = min(
            populations.workers_that_fit(runs, facts, memory=memory, workers=len(kinds), site=site)
            for runs, facts, site in _by_data(request, composed, on_cpu=True)
        )
        if room < len(kinds):
            free = f"{memory / populations.GIB:.1f} GiB of memory are free"
            execution.on_event(Note(f"{free}, which is enough for {room} of {len(kinds)} workers at a time."))
            kinds = devices.workers(execution.device, room, len(composed))
    return kinds, memory // len(kinds)


def composed_now(
    request: TrainRequest,
    missing: Sequence[Entry],
    going_on: Collection[Task],
    kinds: Sequence[WorkerKind],
    memory: int | None,
) -> Iterator[tuple[Task, str]]:
    """New populations of the runs that do not go on from a save, each with "" or with why it cannot fit into memory."""
    continued = {run.identity for task in going_on for block in task.blocks for run in block}
    fresh = [entry for entry in missing if entry.run.identity not in continued]
    wanted, specs = {entry.run.identity for entry in fresh}, {entry.run.data for entry in fresh}
    composed = [entry for entry in _composed(request, missing) if entry.run.data in specs] if request.pruning else fresh
    on_cpu = kinds[0].device == "cpu"
    limits = replace(populations.ON_CPU if on_cpu else populations.ON_GPU, memory=memory)
    number = WORKERS_WHERE_PRUNED if request.pruning else len(kinds)
    for runs, facts, site in _by_data(request, composed, on_cpu=on_cpu):
        for whole in populations.plan(runs, facts, limits=limits, workers=number, site=site):
            task = populations.restricted(whole, wanted)
            if task is not None:
                want = "" if memory is None else populations.want_of_memory(task, facts, memory)
                yield replace(task, pruning=request.pruning), want


def _composed(request: TrainRequest, missing: Sequence[Entry]) -> list[Entry]:
    """The runs of which populations are composed: the missing ones; with pruning all, each once, the finished ones too."""
    if request.pruning is None:
        return list(missing)
    return list({entry.run.identity: entry for entry in request.entries}.values())


def _by_data(request: TrainRequest, entries: Sequence[Entry], *, on_cpu: bool) -> list[tuple[list[RunSpec], DataFacts, Site]]:
    """Runs of one data spec together, with its sizes and with what their memory depends on."""
    found = []
    for spec in {entry.run.data: None for entry in entries}:
        dataset = request.datasets[spec]
        _, pixels = dataset.train.pictures.image
        runs = [entry.run for entry in entries if entry.run.data == spec]
        found.append((runs, dataset.facts(), Site(on_cpu, pixels.itemsize)))
    return found
