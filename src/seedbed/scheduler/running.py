"""`train_runs`: plans populations, deals them out to workers, stores what comes back.

It is idempotent: a run whose identity is finished in the home is read, one half-done goes on, and only the rest is trained.
`train`, sweeps, studies and searches are its clients. The driver is the only writer, and never loads jax.
"""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from types import FrameType

import numpy as np

from seedbed import data, devices, diagnosis, populations
from seedbed.data import Dataset
from seedbed.devices import WorkerKind
from seedbed.errors import DeviceError, Interrupted, ModelError, RunHalfDone, SeedbedError, SpecError, StorageError
from seedbed.executor import Executor, Lost, Message, Slow
from seedbed.models import trust
from seedbed.populations import Site
from seedbed.records import DataFacts, Result, Seconds, Verdict
from seedbed.runs import TOGETHER, Claim, Ending, Entry, together
from seedbed.scheduler.execution import Execution
from seedbed.specs import DataSpec, RunSpec
from seedbed.training import saves
from seedbed.training.events import Done, Note, Progress, Started
from seedbed.training.pruning import Pruning
from seedbed.training.reports import Begun, Checkpoint, Failed, Outcome, Place, Segment, Task

_SLOW = {
    "segment": "After {seconds:.0f} s a worker is still setting up: loading images, building the networks or compiling them. "
    "A function of your own that never returns would look the same. Ctrl-C stops at once.",
    "worker": "After {seconds:.0f} s no worker has come up: the cluster has no free core or GPU for one, or they load slowly. "
    "Ctrl-C stops at once.",
}


DEALT_WHERE_PRUNED = 2
"""Workers for which populations are composed whose worse members are stopped, however many there are."""

_PRUNED = "It stopped at epoch {epoch} of {epochs}, because others of its population were better."


def train_runs(
    entries: Sequence[Entry],
    execution: Execution,
    *,
    save_every: float | None = 30.0,
    pruning: Pruning | None = None,
    metrics_only: bool = False,
    until: Callable[[], bool] | None = None,
) -> list[Result]:
    """Train what is not yet trained, and return all results in the order of the entries.

    Args:
        entries: names, groups and runs; the data specs are resolved here.
        execution: device, workers and run store.
        save_every: seconds between checkpoints of a population. None saves only when stopped.
        pruning: at which epochs the worse members of a population stop. Populations are then composed of all the entries,
            however many of them are done, and for two workers, however many there are: who is pruned depends on them alone.
        metrics_only: keep no weights and no predictions, and accept as done what kept none, or was pruned.
        until: called after each worker report; when it returns True, training saves and stops, as on SIGINT.

    Raises:
        RunExists, RunHalfDone, HomeInUse, StorageError: see `Home.claim`.
        DataError: the images cannot be had.
        DeviceError: the device, Ray or its cluster is missing, or the device's memory too small for a single run.
        WorkerError: a worker failed; other populations were finished first.
        Interrupted: a signal came, or `until` returned True (then its `signal` is 0); everything is saved.
    """
    execution.check(len(entries))
    specs = {spec: data.resolve(spec) for spec in {entry.run.data: None for entry in entries}}
    for model in {entry.run.model: None for entry in entries}:
        trust.remember(model)
    resolved = [Entry(e.name, e.group, e.run.changed(data=specs[e.run.data])) for e in entries]
    datasets = {spec: data.load(spec) for spec in specs.values()}
    for entry in resolved:
        _check_batch(entry.run, datasets[entry.run.data])
    home = execution.home
    with home.claim(resolved, resume=execution.resume, replace=execution.replace, whole=not metrics_only) as claim:
        todo = _Harvest(execution, claim, datasets, _Terms(resolved, pruning, metrics_only))
        if not execution.replace:
            todo.copy_finished()
        if todo.missing():
            todo.train(save_every, until or _never)
            todo.copy_finished()
        results = claim.done | todo.results
    return [results[entry.name] for entry in resolved]


def _check_batch(run: RunSpec, dataset: Dataset) -> None:
    size, images = run.plan.batch_size, len(dataset.train)
    if not size <= images:
        raise SpecError(f"batch_size = {size}: it must be at most {images}, the training images of {run.data.name}.")


@dataclass(frozen=True)
class _Terms:
    """What a call asks for beside its runs; `entries` are all of them, the finished ones too."""

    entries: Sequence[Entry]
    pruning: Pruning | None
    metrics_only: bool


def _never() -> bool:
    """Stops nothing."""
    return False


class _Harvest:
    """The runs of one call that are to be trained, and what has come of them."""

    def __init__(self, execution: Execution, claim: Claim, datasets: dict[DataSpec, Dataset], terms: _Terms) -> None:
        self._execution = execution
        self._home = execution.home
        self._datasets = datasets
        self._on_event = execution.on_event
        self._claim = claim
        self._terms = terms
        self._entries = {entry.run.identity: entry for entry in claim.todo}
        self.results: dict[str, Result] = {}
        self._ended: defaultdict[str, list[Outcome]] = defaultdict(list)
        self._failures: list[SeedbedError] = []
        self._clock = _Clock()
        self._threads = 1
        self._memory: int | None = None

    def missing(self) -> list[Entry]:
        """What is neither finished nor failed."""
        return [entry for entry in self._entries.values() if entry.name not in self.results]

    def copy_finished(self) -> None:
        """Takes over runs of the same identity that are finished under other names; nothing is trained twice."""
        wanted = [e for e in self._claim.todo if e.name not in self.results and e.name not in self._claim.half_done]
        found = self._home.find_identities({entry.run.identity for entry in wanted}, whole=not self._terms.metrics_only)
        found |= {result.run.identity: result for result in self.results.values()}
        there = [(found[entry.run.identity], entry) for entry in wanted if entry.run.identity in found]
        for few in together(there):
            self._store([self._copy(result, entry) for result, entry in few])

    def _copy(self, found: Result, entry: Entry) -> Ending:
        ending = Ending(entry, found, self._home.scale(found.name))
        if self._terms.metrics_only:
            return ending
        best, last = (self._home.weights(found.name, which) for which in ("best", "last"))
        return replace(ending, best=best, last=last, predictions=self._home.predictions(found.name))

    def _store(self, endings: Sequence[Ending]) -> None:
        for result in self._home.finish(*endings):
            self.results[result.name] = result
            self._on_event(Done(result.name))

    # Training

    def train(self, save_every: float | None, until: Callable[[], bool]) -> None:
        """Trains all that is missing, population by population; the workers load while the driver plans."""
        saved = self._saved_tasks()
        kinds = self._kinds()
        if saved and kinds[0].device == "cpu":
            threads = max(1, *(task.resume.manifest["threads"] for task in saved if task.resume))
            kinds = [replace(kind, threads=threads) for kind in kinds]
        self._threads = kinds[0].threads
        with self._execution.engine.executor(kinds) as executor, _signals(executor.stop) as received, self._marked():
            tasks = [replace(task, save_every=save_every) for task in saved + self._new_tasks(saved, kinds)]
            self._begin(tasks)
            self._reap(executor, tasks, received, until)
        self._conclude(received)

    def _kinds(self) -> list[WorkerKind]:
        """The workers; fewer than there could be where memory is short. What other machines have is not known here."""
        kinds = self._execution.kinds(len(self._composing()))
        if self._execution.engine.name != "local":
            return kinds
        on_cpu = kinds[0].device == "cpu"
        self._memory = devices.free_memory() if on_cpu else devices.free_gpu_memory()
        if on_cpu and self._memory is not None and len(kinds) > 1:
            room = min(
                populations.workers_that_fit(runs, facts, memory=self._memory, workers=len(kinds), site=site)
                for runs, facts, site in self._by_data(self._composing(), on_cpu=True)
            )
            if room < len(kinds):
                free = f"{self._memory / populations.GIB:.1f} GiB of memory are free"
                self._on_event(Note(f"{free}, which is enough for {room} of {len(kinds)} workers at a time."))
                kinds = devices.workers(self._execution.device, room, len(self._composing()))
            self._memory //= len(kinds)
        return kinds

    def _composing(self) -> list[Entry]:
        """Of whom populations are composed: those that are missing; with pruning all, each once, whoever is done."""
        if self._terms.pruning is None:
            return self.missing()
        return list({entry.run.identity: entry for entry in self._terms.entries}.values())

    def _by_data(self, entries: Sequence[Entry], *, on_cpu: bool) -> list[tuple[list[RunSpec], DataFacts, Site]]:
        """Runs of one data spec together, with its sizes and with what their memory depends on."""
        found = []
        for spec in {entry.run.data: None for entry in entries}:
            dataset = self._datasets[spec]
            _, pixels = dataset.train.pictures.image
            runs = [entry.run for entry in entries if entry.run.data == spec]
            found.append((runs, dataset.facts(), Site(on_cpu, pixels.itemsize)))
        return found

    @contextlib.contextmanager
    def _marked(self) -> Iterator[None]:
        """If the disk says no, or a network cannot be built, the runs at hand are marked as failed.

        Where the disk has room for that at least.
        """
        try:
            yield
        except (StorageError, SpecError, ModelError) as error:
            with contextlib.suppress(StorageError):
                self._home.mark([entry.name for entry in self.missing()], "failed", str(error))
            raise

    def _new_tasks(self, saved: Sequence[Task], kinds: Sequence[WorkerKind]) -> list[Task]:
        planned = {run.identity for task in saved for block in task.blocks for run in block}
        fresh = [entry for entry in self.missing() if entry.run.identity not in planned]
        on_cpu = kinds[0].device == "cpu"
        limits = replace(populations.ON_CPU if on_cpu else populations.ON_GPU, memory=self._memory)
        tasks: list[Task] = []
        specs = {entry.run.data for entry in fresh}
        composed = [entry for entry in self._composing() if entry.run.data in specs] if self._terms.pruning else fresh
        dealt = DEALT_WHERE_PRUNED if self._terms.pruning else len(kinds)
        for runs, facts, site in self._by_data(composed, on_cpu=on_cpu):
            for whole in populations.plan(runs, facts, limits=limits, workers=dealt, site=site):
                task = populations.restricted(whole, {entry.run.identity for entry in fresh})
                if task is None:
                    continue
                want = populations.want_of_memory(task, facts, limits.memory) if limits.memory is not None else ""
                if want:
                    self._failed(task, Failed(DeviceError(want)))
                else:
                    tasks.append(replace(task, pruning=self._terms.pruning))
        return tasks

    def _saved_tasks(self) -> list[Task]:
        """Populations that were interrupted, composed as they were, so that they go on bit for bit."""
        left = {entry.run.identity for entry in self.missing() if entry.name in self._claim.half_done}
        found = []
        for key in self._home.populations() if left else []:
            loaded = self._home.load_population(key, lambda text: self._on_event(Note(text)))
            if loaded is not None:
                found.append((key, loaded[0], saves.read(key, loaded[1])))
        known = {identity: entry.run for identity, entry in self._entries.items()}
        done = {result.run.identity for result in self._claim.done.values()}
        tasks = []
        # Of a population and its halves, where the driver died over halving it, the whole goes on.
        for key, arrays, save in sorted(found, key=lambda each: -len(each[2].wanted)):
            if save.wanted & left and save.wanted <= left | done | self._home.find_identities(save.wanted).keys():
                left -= save.wanted
                tasks.append(save.task(key, arrays, known))
        return tasks

    def _begin(self, tasks: Sequence[Task]) -> None:
        """Metrics are cut back to where their population goes on."""
        for task in tasks:
            for place, run in _places(task):
                if run.identity in self._entries and self._entries[run.identity].name not in self.results:
                    self._cut(task, place, self._entries[run.identity].name)
        self._clock.begin(tasks)

    def _cut(self, task: Task, place: Place, name: str) -> None:
        rows = task.resume.manifest["rows"].get(f"{place[0]}.{place[1]}", []) if task.resume else []
        if self._home.epochs(name) > len(rows):
            self._home.cut(name, len(rows))

    def _reap(self, executor: Executor, tasks: Sequence[Task], received: list[int], until: Callable[[], bool]) -> None:
        waiting = list(tasks)
        while waiting:
            again: list[Task] = []
            for task, report in executor.run(waiting):
                again += self._take(task, report)
                if not received and until():
                    received.append(0)
                    executor.stop()
            waiting = [] if received else again

    def _take(self, task: Task, report: Message) -> list[Task]:
        """Stores a report; returns the tasks to do instead of one whose population was too large.

        Members of a population mostly end together, and are stored together, before anything else is told of it.
        """
        ended = self._ended[task.key]
        if isinstance(report, Outcome):
            ended.append(report)
            if len(ended) < TOGETHER:
                return []
        if ended:
            self._finish(task, self._ended.pop(task.key))
        match report:
            case Begun():
                names = tuple(self._names(task).values())
                self._on_event(Started(names, report.device, report.epochs, report.steps_per_epoch))
                self._clock.began(task, report)
            case Segment():
                self._store_segment(task, report)
            case Checkpoint():
                self._save(task, report)
            case Lost():
                self._on_event(Note(f"Worker {report.number} died ({report.how}); another goes on from its last save."))
                self._begin([task])
            case Slow():
                self._on_event(Note(_SLOW[report.waits_for].format(seconds=report.seconds)))
            case Failed():
                return self._failed(task, report)
            case None if not self._names(task):
                self._home.drop_population(task.key)
        return []

    def _names(self, task: Task) -> dict[Place, str]:
        """The runs of a task that this call asked for and that are not finished."""
        found = {place: self._entries[run.identity].name for place, run in _places(task) if run.identity in self._entries}
        return {place: name for place, name in found.items() if name not in self.results}

    def _store_segment(self, task: Task, segment: Segment) -> None:
        names = self._names(task)
        rows = {names[place]: row for place, row in segment.rows.items() if place in names}
        for name, row in rows.items():
            if self._home.epochs(name) < segment.epoch:
                self._home.append(name, [row])
        left = self._clock.seconds_left(task, segment)
        epochs = max(run.plan.epochs for _, run in _places(task))
        steps = self._clock.steps(task)
        self._on_event(Progress(tuple(names.values()), segment.epoch, epochs, segment.step, steps, rows, left))

    def _save(self, task: Task, checkpoint: Checkpoint) -> None:
        manifest = saves.manifest(task, checkpoint, self._names(task), self._threads)
        self._home.save_population(task.key, checkpoint.arrays, manifest)

    def _finish(self, task: Task, outcomes: Sequence[Outcome]) -> None:
        names = self._names(task)
        self._store([self._ending(task, outcome) for outcome in outcomes if outcome.place in names])

    def _ending(self, task: Task, outcome: Outcome) -> Ending:
        block, member = outcome.place
        entry = self._entries[task.blocks[block][member].identity]
        dataset = self._datasets[entry.run.data]
        predicted = outcome.probabilities.argmax(axis=1)
        verdict = diagnosis.diagnose(outcome.history, predicted, dataset.classes, stopped_early=outcome.stopped_early)
        if outcome.pruned and verdict.ranked:
            verdict = Verdict("undertrained", _PRUNED.format(epoch=outcome.history.epochs, epochs=entry.run.plan.epochs))
        spent = Seconds(outcome.compile_seconds, outcome.training_seconds, outcome.compile_seconds + outcome.training_seconds)
        result = Result(
            entry.name,
            entry.group,
            entry.run,
            outcome.model,
            dataset.facts(),
            outcome.history,
            verdict,
            spent,
            outcome.device,
            versions=devices.versions(),
            pruned=outcome.pruned,
        )
        ending = Ending(entry, result, dataset.scale)
        if self._terms.metrics_only:
            return ending
        predictions = {
            "validation_probabilities": outcome.probabilities,
            "last_validation_probabilities": outcome.last_probabilities,
            "validation_labels": dataset.validation.labels.astype(np.int32),
        }
        return replace(ending, best=outcome.best, last=outcome.last, predictions=predictions)

    def _failed(self, task: Task, failure: Failed) -> list[Task]:
        """Halves a population that was too large; else marks its runs as failed and goes on with the others."""
        smaller = populations.halves(task) if isinstance(failure.error, DeviceError) else []
        if smaller:
            self._on_event(Note(f"{failure.error} They are trained in halves."))
            self._begin(smaller)
            for half in smaller:
                if half.resume:
                    self._save(half, half.resume)
            self._home.drop_population(task.key)
            return smaller
        self._home.mark(self._names(task).values(), "failed", str(failure.error))
        if failure.traceback:
            failure.error.add_note(failure.traceback)
        self._failures.append(failure.error)
        return []

    def _conclude(self, received: list[int]) -> None:
        if self._failures:
            raise self._failures[0]
        missing = self.missing()
        if not missing:
            return
        groups = ", ".join(dict.fromkeys(entry.group for entry in missing))
        if received:
            raise Interrupted(
                f"Stopped; everything is saved. To go on, give the same command with --resume ({groups}).", received[0]
            )
        raise RunHalfDone(f"Not all runs came to their end ({groups}); give the same command with --resume.")


def _places(task: Task) -> list[tuple[Place, RunSpec]]:
    return [((b, m), run) for b, block in enumerate(task.blocks) for m, run in enumerate(block)]


class _Clock:
    """How much of the work is done, and how long the rest will take."""

    def __init__(self) -> None:
        self._work: dict[str, float] = {}
        self._done: dict[str, float] = {}
        self._steps: dict[str, int] = {}
        self._whole: dict[str, int] = {}
        self._first: float | None = None
        self._before = 0.0

    def begin(self, tasks: Sequence[Task]) -> None:
        for task in tasks:
            runs = [run for _, run in _places(task)]
            self._whole[task.key] = max(run.plan.epochs for run in runs)
            self._work[task.key] = float(sum(run.plan.epochs for run in runs))
            if task.pruning:
                self._work[task.key] = len(runs) * task.pruning.work(self._whole[task.key], self._whole[task.key])

    def began(self, task: Task, report: Begun) -> None:
        self._steps[task.key] = report.steps_per_epoch

    def steps(self, task: Task) -> int:
        return self._steps.get(task.key, 1)

    def seconds_left(self, task: Task, segment: Segment) -> float | None:
        """By the run-epochs done since the first report, which bore the compilation."""
        runs = len(_places(task))
        whole = segment.epoch - 1 + segment.step / self.steps(task)
        each = task.pruning.work(whole, self._whole[task.key]) if task.pruning else whole
        self._done[task.key] = min(runs * each, self._work[task.key])
        now, done = time.monotonic(), sum(self._done.values())
        if self._first is None:
            self._first, self._before = now, done
            return None
        if done <= self._before:
            return None
        return (now - self._first) / (done - self._before) * (sum(self._work.values()) - done)


@contextlib.contextmanager
def _signals(stop: Callable[[], None]) -> Iterator[list[int]]:
    """The first Ctrl-C or SIGTERM stops at the next segment's end; the second at once. Yields the signals that came."""
    received: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield received
        return

    def handle(number: int, _: FrameType | None) -> None:
        received.append(number)
        if len(received) > 1:
            raise Interrupted("Stopped at once; what was saved last is kept. --resume goes on from there.", number)
        stop()

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
