"""Planning: the populations of the missing runs, continued from saves or composed now, and the workers for them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from seedbed import data, devices, populations
from seedbed.data import Dataset
from seedbed.devices import WorkerKind
from seedbed.errors import SpecError
from seedbed.models import FAMILIES, trust
from seedbed.records import DataFacts
from seedbed.runs import ClaimedRuns, FinishedState, NamedRun, is_over
from seedbed.scheduler.execution import Execution
from seedbed.specs import DataSpec, Plan, RunSpec
from seedbed.training import saves
from seedbed.training.events import Note
from seedbed.training.footprint import GIB, Site
from seedbed.training.members import JobState
from seedbed.training.pruning import Pruning
from seedbed.training.reports import Checkpoint, Task

DEFAULT_BATCH = int(Plan.model_fields["batch_size"].default)
"""The default number of images of a minibatch; where there are fewer, it holds all of them."""

ONE_THREAD = 0.1
"""Share of the training of a network of the user's own that further threads do not shorten (LeNet-5, MLP-Mixer)."""

WORKERS_WHERE_PRUNED = 2
"""Number of workers for which populations with pruning are composed, whatever the number of actual workers."""


@dataclass(frozen=True)
class TrainRequest:
    """The arguments of one call of `train_runs`.

    Attributes:
        execution: device, workers and run store.
        entries: all runs, finished ones included, with resolved data specs.
        datasets: images of each data spec.
        pruning: epochs at which the worse members of a population stop. None means no pruning.
        metrics_only: whether to keep no weights and no predictions.
    """

    execution: Execution
    entries: Sequence[NamedRun]
    datasets: dict[DataSpec, Dataset]
    pruning: Pruning | None
    metrics_only: bool


def resolved(entries: Sequence[NamedRun]) -> tuple[list[NamedRun], dict[DataSpec, Dataset]]:
    """Resolve the entries' data specs, and load the images.

    Raises:
        DataError: the images cannot be loaded.
        SpecError: a batch size exceeds the number of training images. The default does not: a minibatch is then all of them.
    """
    specs = {spec: data.resolve(spec) for spec in {entry.run.data: None for entry in entries}}
    for model in {entry.run.model: None for entry in entries}:
        trust.remember(model)
    datasets = {spec: data.load(spec) for spec in specs.values()}
    for run in (entry.run for entry in entries):
        size, images = run.plan.batch_size, len(datasets[specs[run.data]].train)
        if not size <= max(images, DEFAULT_BATCH):
            raise SpecError(f"batch_size = {size}: it must be at most {images}, the training images of {run.data.name}.")
    return [NamedRun(e.name, e.group, e.run.changed(data=specs[e.run.data])) for e in entries], datasets


def continued(request: TrainRequest, claim: ClaimedRuns, missing: Sequence[NamedRun]) -> list[tuple[Task, int]]:
    """Interrupted populations with unchanged composition, which continue bit for bit, with the threads of their workers.

    Raises:
        CorruptFile: a population has no sound save, or one that seedbed did not write.
    """
    home = request.execution.home
    left = {entry.run.identity for entry in missing if entry.name in claim.half_done}
    loaded = []
    for key in home.populations() if left else []:
        content = home.load_population(key, lambda text: request.execution.on_event(Note(text)))
        if content is not None:
            loaded.append((key, content[0], saves.read(key, content[1])))
    known = {entry.run.identity: entry.run for entry in claim.todo}
    done = {result.run.identity for result in claim.done.values()}
    tasks = []
    # If the driver died while it halved a population, the whole continues, not its halves.
    for key, arrays, save in sorted(loaded, key=lambda item: -len(item[2].wanted)):
        if save.wanted & left and save.wanted <= left | done | home.find_identities(save.wanted).keys():
            left -= save.wanted
            tasks.append((save.task(key, arrays, known), save.threads))
    return tasks


def workers(request: TrainRequest, missing: Sequence[NamedRun]) -> tuple[list[WorkerKind], int | None]:
    """The workers, fewer if memory is short, and the memory of each (bytes); None if it is unknown, or on other machines."""
    execution, composed = request.execution, _composed(request, missing)
    kinds = execution.kinds(len(composed))
    if execution.engine.name != "local":
        return kinds, None
    fewer = fastest_workers(composed) if execution.workers is None and kinds[0].device == "cpu" else None
    if fewer is not None:
        kinds = devices.workers("cpu", fewer, len(composed))
    if kinds[0].device == "gpu":
        return kinds, devices.free_gpu_memory()
    memory = devices.free_memory()
    if memory is None:
        return kinds, None
    if len(kinds) > 1:
        fitting = min(
            populations.workers_that_fit(runs, facts, memory=memory, workers=len(kinds), site=site)
            for runs, facts, site in _by_data(request, composed, on_cpu=True)
        )
        if fitting < len(kinds):
            free = f"{memory / GIB:.1f} GiB of memory are free"
            execution.on_event(Note(f"{free}, which is enough for {fitting} of {len(kinds)} workers at a time."))
            kinds = devices.workers(execution.device, fitting, len(composed))
    return kinds, memory // len(kinds)


def fastest_workers(entries: Sequence[NamedRun]) -> int | None:
    """Number of workers for seeds of one network of the user's own; None for other runs: one per core.

    Each seed is a population of its own, so five seeds in two workers leave a core without work at the end. One worker with two
    threads takes less time, and builds and compiles the network once.
    """
    family = FAMILIES[entries[0].run.model.family]
    if family.program(entries[0].run.model) != entries[0].run.model or len({entry.run.setting for entry in entries}) > 1:
        return None

    def turns(workers: int) -> float:
        threads = devices.cores() // workers
        return -(-len(entries) // workers) * (ONE_THREAD + (1 - ONE_THREAD) / threads)

    return min(range(1, min(devices.cores(), len(entries)) + 1), key=turns)


def composed_now(
    request: TrainRequest,
    claim: ClaimedRuns,
    missing: Sequence[NamedRun],
    resumed: Collection[Task],
    kinds: Sequence[WorkerKind],
    memory: int | None,
) -> Iterator[tuple[Task, str]]:
    """New populations of the runs that do not continue from a save, each with "" or the reason why it cannot fit in memory.

    Runs that go on from a finished result are in populations of their own, with runs of as many epochs.
    """
    continued = {run.identity for task in resumed for _, run in task.runs}
    fresh = [entry for entry in missing if entry.run.identity not in continued]
    wanted, specs = {entry.run.identity for entry in fresh}, {entry.run.data for entry in fresh}
    composed = [entry for entry in _composed(request, missing) if entry.run.data in specs] if request.pruning else fresh
    on_cpu = kinds[0].device == "cpu"
    limits = replace(populations.ON_CPU if on_cpu else populations.ON_GPU, memory=memory)
    number = WORKERS_WHERE_PRUNED if request.pruning else len(kinds)
    for states, entries in _by_beginning(request, claim, composed):
        for runs, facts, site in _by_data(request, entries, on_cpu=on_cpu):
            for whole in populations.plan(runs, facts, limits=limits, workers=number, site=site):
                task = populations.restricted(whole, wanted)
                if task is not None:
                    want = "" if memory is None else populations.want_of_memory(task, facts, memory)
                    yield replace(task, pruning=request.pruning, resume=_checkpoint(task, states)), want


States = dict[str, FinishedState]
"""Identity of a run that goes on -> state of the finished one."""


def _by_beginning(
    request: TrainRequest, claim: ClaimedRuns, entries: Sequence[NamedRun]
) -> Iterator[tuple[States, list[NamedRun]]]:
    """Group runs by the number of epochs that they have; those with nothing left to train join the longest ones."""
    home = request.execution.home
    states = {entry.run.identity: home.finished_state(entry.name) for entry in entries if entry.name in claim.longer}
    most = max((state.history.epochs for state in states.values()), default=0)
    groups: dict[int, list[NamedRun]] = {}
    for entry in entries:
        state = states.get(entry.run.identity)
        over = state is not None and is_over(state.history, entry.run.plan)
        groups.setdefault(most if over else state.history.epochs if state else 0, []).append(entry)
    for group in groups.values():
        yield states, group


def _checkpoint(task: Task, states: States) -> Checkpoint | None:
    """The checkpoint from which runs go on that are finished with fewer epochs; None for runs from the beginning."""
    own = {member: states[run.identity] for member, run in task.runs if run.identity in states}
    if not own:
        return None
    arrays = {
        f"{block}.{member}/{name}": array for (block, member), state in own.items() for name, array in state.arrays.items()
    }
    rows = {member: [state.history.row(epoch) for epoch in range(1, state.history.epochs + 1)] for member, state in own.items()}
    state = replace(
        JobState.begin(len(task.blocks), len(task.blocks[0])),
        epoch=max(map(len, rows.values())),
        rows=rows,
        training_seconds=sum(state.seconds for state in own.values()),
        form=next(iter(own.values())).form,
    )
    return Checkpoint(arrays, state)


def _composed(request: TrainRequest, missing: Sequence[NamedRun]) -> list[NamedRun]:
    """The runs of which populations are composed: the missing ones, or with pruning all, each once, finished ones included."""
    if request.pruning is None:
        return list(missing)
    return list({entry.run.identity: entry for entry in request.entries}.values())


def _by_data(
    request: TrainRequest, entries: Sequence[NamedRun], *, on_cpu: bool
) -> list[tuple[list[RunSpec], DataFacts, Site]]:
    """Group runs by data spec, with its sizes, and the device and pixel size on which memory depends."""
    groups = []
    for spec in {entry.run.data: None for entry in entries}:
        dataset = request.datasets[spec]
        _, pixels = dataset.train.pictures.image
        runs = [entry.run for entry in entries if entry.run.data == spec]
        groups.append((runs, dataset.facts(), Site(on_cpu, pixels.itemsize)))
    return groups
