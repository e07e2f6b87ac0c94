"""`train_runs`: plans populations, dispatches them to workers, ingests their reports.

It is idempotent: finished runs are read, half-done ones continued, and only missing ones trained from the beginning. `train`,
sweeps, studies and searches use it. The driver is the only writer, and never loads JAX.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from seedbed import populations
from seedbed.errors import DeviceError, Interrupted, ModelError, RunHalfDone, SeedbedError, SpecError, StorageError
from seedbed.executor import Executor, Lost, Message, Slow
from seedbed.notebook import in_notebook, option
from seedbed.records import Result
from seedbed.runs import ClaimedRuns, NamedRun
from seedbed.scheduler import planning
from seedbed.scheduler.clock import Clock
from seedbed.scheduler.execution import Execution
from seedbed.scheduler.ingesting import Ingest
from seedbed.scheduler.planning import TrainRequest
from seedbed.scheduler.signals import signals
from seedbed.training.events import Note, Progress, Snapshot, Started
from seedbed.training.pruning import Pruning
from seedbed.training.reports import Begun, Checkpoint, EpochWeights, Failed, Outcome, Segment, Task

MOST_REMARKS = 6
"""Notes after which remarks on the user's own networks are no longer shown, as in a sweep over many."""

_SLOW = {
    "segment": "After {seconds:.0f} s a worker is still setting up: loading images, building the networks or compiling them. "
    "A function of your own that never returns would look the same. Ctrl-C stops at once.",
    "worker": "After {seconds:.0f} s no worker is ready: the cluster has no free core or GPU for one, or they load slowly. "
    "Ctrl-C stops at once.",
}


def train_runs(
    entries: Sequence[NamedRun],
    execution: Execution,
    *,
    save_every: float | None = 30.0,
    pruning: Pruning | None = None,
    metrics_only: bool = False,
    until: Callable[[], bool] = lambda: False,
) -> list[Result]:
    """Train the runs that are not finished, and return all results in the order of the entries.

    Args:
        entries: names, groups and runs; the data specs are resolved here.
        execution: device, workers and run store.
        save_every: time between checkpoints of a population (s). None saves only when stopped.
        pruning: epochs at which the worse members of a population stop. Populations are then composed of all entries,
            finished ones included, and always for two workers, so that pruning depends on the entries alone.
        metrics_only: whether to keep no weights and no predictions, and to accept finished runs without them, or pruned ones.
        until: called after each worker report; when it returns True, training saves and stops, as on SIGINT.

    Raises:
        RunExists, RunHalfDone, HomeInUse, StorageError: see `RunStore.claim`.
        DataError: the images cannot be loaded.
        DeviceError: the device, Ray or its cluster is missing, or the device's memory is too small for a single run.
        WorkerError: a worker failed; other populations were finished first.
        Interrupted: a signal came, or `until` returned True (then `signal` is 0); everything is saved.
    """
    execution.check(len(entries))
    wanted, datasets = planning.resolved(entries)
    request = TrainRequest(execution, wanted, datasets, pruning, metrics_only)
    resume, fresh = execution.resume, execution.replace
    with execution.home.claim(wanted, resume=resume, replace=fresh, whole=not metrics_only) as claim:
        scheduler = Scheduler(request, claim)
        if not fresh:
            scheduler.ingest.copy_finished()
        if scheduler.ingest.missing():
            scheduler.train(save_every, until)
            scheduler.ingest.copy_finished()
        results = claim.done | scheduler.ingest.results
    return [results[entry.name] for entry in wanted]


class Scheduler:
    """The scheduler of one call; it trains the runs that the call has claimed."""

    def __init__(self, request: TrainRequest, claim: ClaimedRuns) -> None:
        self.ingest = Ingest(request, claim)
        self._request = request
        self._claim = claim
        self._home = request.execution.home
        self._on_event = request.execution.on_event
        self._clock = Clock()
        self._failures: list[SeedbedError] = []
        self._threads = 1
        self._noted: set[str] = set()

    def train(self, save_every: float | None, until: Callable[[], bool]) -> None:
        """Train the missing runs, population by population; the workers load while the driver plans."""
        resumed = planning.continued(self._request, self._claim, self.ingest.missing())
        kinds, memory = planning.workers(self._request, self.ingest.missing())
        if resumed and kinds[0].device == "cpu":  # results depend on the number of threads in the last bits
            kinds = [replace(kind, threads=max(threads for _, threads in resumed)) for kind in kinds]
        self._threads = kinds[0].threads
        with self._request.execution.engine.executor(kinds) as executor, signals(executor.stop) as received, self._marked():
            tasks = [task for task, _ in resumed]
            for task, want in list(
                planning.composed_now(self._request, self._claim, self.ingest.missing(), tasks, kinds, memory)
            ):
                if want:
                    self._failed(task, Failed(DeviceError(want)))
                else:
                    tasks.append(task)
            snapshots = self._request.execution.snapshots
            tasks = [replace(task, save_every=save_every, snapshots=snapshots, memory=memory) for task in tasks]
            self._begin(tasks)
            self._dispatch(executor, tasks, received, until)
        self._conclude(received)

    @contextlib.contextmanager
    def _marked(self) -> Iterator[None]:
        """If the disk fails, or a network cannot be built, mark the missing runs as failed, if the disk allows it."""
        try:
            yield
        except (StorageError, SpecError, ModelError) as error:
            with contextlib.suppress(StorageError):
                names = [entry.name for entry in self.ingest.missing()]
                self._home.mark(names, "failed", str(error))
            raise

    def _begin(self, tasks: Sequence[Task]) -> None:
        for task in tasks:
            self.ingest.begin(task)
            self._clock.plan(task)

    def _dispatch(self, executor: Executor, tasks: Sequence[Task], received: list[int], until: Callable[[], bool]) -> None:
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
        """Store a report and send an event; return the tasks that replace one whose population was too large."""
        if isinstance(report, Outcome):
            self.ingest.outcome(task, report)
            return []
        self.ingest.store_outcomes(task)
        match report:
            case Begun():
                names = tuple(self.ingest.names(task).values())
                for text in report.notes:
                    self._note(text)
                for text in report.remarks:
                    if len(self._noted) < MOST_REMARKS:
                        self._note(text)
                self._on_event(Started(names, report.device, report.epochs, report.steps_per_epoch))
            case Segment():
                self._segment(task, report)
            case EpochWeights():
                self._weights(task, report)
            case Checkpoint():
                self.ingest.save(task, report, self._threads)
            case Lost():
                self._on_event(Note(f"Worker {report.number} died ({report.how}); another continues from the last save."))
                self._begin([task])
            case Slow():
                self._on_event(Note(_SLOW[report.waits_for].format(seconds=report.seconds)))
            case Failed():
                return self._failed(task, report)
            case None:
                self.ingest.drop(task)
        return []

    def _note(self, text: str) -> None:
        """Send a note, once per call."""
        if text not in self._noted:
            self._noted.add(text)
            self._on_event(Note(text))

    def _segment(self, task: Task, segment: Segment) -> None:
        names = self.ingest.names(task)
        rows, left = self.ingest.segment(segment, names), self._clock.seconds_left(task, segment)
        at = (segment.epoch, task.epochs, segment.step, segment.steps)
        self._on_event(Progress(tuple(names.values()), *at, rows, left, segment.glance))

    def _weights(self, task: Task, report: EpochWeights) -> None:
        """Store an epoch's weights if the plan keeps them, and show them to those who look on."""
        name = self.ingest.names(task).get(report.member)
        if name is not None:
            self.ingest.keep(name, report)
            if self._request.execution.snapshots is not None:
                self._on_event(Snapshot(name, report.epoch, report.weights))

    def _failed(self, task: Task, failure: Failed) -> list[Task]:
        """Halve a population that was too large; else mark its runs as failed, and continue with the others."""
        smaller = populations.halves(task) if isinstance(failure.error, DeviceError) else []
        if smaller:
            self._on_event(Note(f"{failure.error} They are trained in halves."))
            self._begin(smaller)
            for half in smaller:
                if half.resume:
                    self.ingest.save(half, half.resume, self._threads)
            self._home.drop_population(task.key)
            return smaller
        self._home.mark(self.ingest.names(task).values(), "failed", str(failure.error))
        if failure.traceback:
            failure.error.add_note(failure.traceback)
        self._failures.append(failure.error)
        return []

    def _conclude(self, received: list[int]) -> None:
        if self._failures:
            raise self._failures[0]
        missing = self.ingest.missing()
        if not missing:
            if any(received):  # otherwise the caller would start its next runs
                raise Interrupted("Stopped; all runs of this call are finished and saved.", received[0])
            return
        groups = ", ".join(dict.fromkeys(entry.group for entry in missing))
        again = f"{'call' if in_notebook() else 'command'} with {option('resume')}"
        if received:
            raise Interrupted(f"Stopped; everything is saved. To continue, give the same {again} ({groups}).", received[0])
        raise RunHalfDone(f"Not all runs are finished ({groups}); give the same {again}.")
