"""Storing the workers' reports: metrics, saves of populations, finished runs. The driver is the only writer."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from seedbed import devices
from seedbed.diagnosis import LastPredictions, diagnose
from seedbed.records import Result, Seconds
from seedbed.runs import TOGETHER, ClaimedRuns, FinishedRun, NamedRun, together
from seedbed.scheduler.planning import TrainRequest
from seedbed.training import saves
from seedbed.training.events import Copied, Done
from seedbed.training.members import EpochMetrics, Member
from seedbed.training.reports import Checkpoint, EpochWeights, Outcome, Segment, Task


class Ingest:
    """Storage of the runs that one call trains.

    Attributes:
        results: name -> result of each run that this call finished or copied.
    """

    def __init__(self, request: TrainRequest, claim: ClaimedRuns) -> None:
        self.results: dict[str, Result] = {}
        self._request = request
        self._home = request.execution.home
        self._claim = claim
        self._entries = {entry.run.identity: entry for entry in claim.todo}
        self._ended: defaultdict[str, list[Outcome]] = defaultdict(list)

    def missing(self) -> list[NamedRun]:
        """The runs that are neither finished nor failed."""
        return [entry for entry in self._entries.values() if entry.name not in self.results]

    def names(self, task: Task) -> dict[Member, str]:
        """Names of the unfinished runs of a task that this call trains."""
        names = {member: self._entries[run.identity].name for member, run in task.runs if run.identity in self._entries}
        return {member: name for member, name in names.items() if name not in self.results}

    def copy_finished(self) -> None:
        """Copy finished runs of equal identity from other names, so that nothing is trained twice."""
        wanted = [e for e in self._claim.todo if e.name not in self.results and e.name not in self._claim.half_done]
        finished = self._home.find_identities({e.run.identity for e in wanted}, whole=not self._request.metrics_only)
        finished |= {result.run.identity: result for result in self.results.values()}
        copies = [(finished[entry.run.identity], entry) for entry in wanted if entry.run.identity in finished]
        for chunk in together(copies):
            self._store([self._copy(result, entry) for result, entry in chunk])
            for result, entry in chunk:
                self._request.execution.on_event(Copied(entry.name, result.name))

    def begin(self, task: Task) -> None:
        """Truncate the metrics of a task's runs to the epoch from which it continues."""
        for member, name in self.names(task).items():
            rows = task.resume.state.rows.get(member, []) if task.resume else []
            if self._home.epochs(name) > len(rows):
                self._home.cut(name, len(rows))

    def segment(self, segment: Segment, names: Mapping[Member, str]) -> dict[str, EpochMetrics]:
        """Append an epoch's metrics if the segment ended one, and return them by the names of the runs."""
        rows = {names[member]: row for member, row in segment.rows.items() if member in names}
        for name, row in rows.items():
            if self._home.epochs(name) < segment.epoch:
                self._home.append(name, [row])
        return rows

    def keep(self, name: str, report: EpochWeights) -> None:
        """Store a run's weights of an epoch, if its plan keeps them."""
        entry = next(entry for entry in self._entries.values() if entry.name == name)
        if report.epoch in entry.run.plan.keep_epochs and not self._request.metrics_only:
            dataset = self._request.datasets[entry.run.data]
            self._home.keep_epoch(entry, report.epoch, report.weights, dataset.facts(), dataset.scale)

    def save(self, task: Task, checkpoint: Checkpoint, threads: int) -> None:
        """Save a population."""
        manifest = saves.manifest(task, checkpoint, self.names(task), threads)
        self._home.save_population(task.key, checkpoint.arrays, manifest)

    def outcome(self, task: Task, outcome: Outcome) -> None:
        """Collect finished members, which mostly end together, and store several at once."""
        self._ended[task.key].append(outcome)
        if len(self._ended[task.key]) >= TOGETHER:
            self.store_outcomes(task)

    def store_outcomes(self, task: Task) -> None:
        """Store all finished members of a task."""
        if task.key in self._ended:
            names = self.names(task)
            self._store([self._ending(task, outcome) for outcome in self._ended.pop(task.key) if outcome.member in names])

    def drop(self, task: Task) -> None:
        """Remove a population's saves if all of its runs are finished."""
        if not self.names(task):
            self._home.drop_population(task.key)

    def _store(self, endings: Sequence[FinishedRun]) -> None:
        for result in self._home.finish(*endings):
            self.results[result.name] = result
            self._request.execution.on_event(Done(result.name))

    def _copy(self, result: Result, entry: NamedRun) -> FinishedRun:
        ending = FinishedRun(entry, result, self._home.scale(result.name))
        if self._request.metrics_only:
            return ending
        best, last = (self._home.weights(result.name, which) for which in ("best", "last"))
        epochs = {epoch: self._home.weights(result.name, epoch) for epoch in self._home.kept_epochs(result.name)}
        optimizer, predictions = self._home.optimizer(result.name), self._home.predictions(result.name)
        return replace(ending, best=best, last=last, epochs=epochs, optimizer=optimizer, predictions=predictions)

    def _ending(self, task: Task, outcome: Outcome) -> FinishedRun:
        block, member = outcome.member
        entry = self._entries[task.blocks[block][member].identity]
        dataset = self._request.datasets[entry.run.data]
        labels = dataset.validation.labels
        last = LastPredictions.of(outcome.last_probabilities, labels, entry.run.plan.class_weight)
        verdict = diagnose(outcome.history, entry.run, dataset.facts(), last, pruned=outcome.pruned)
        result = Result(
            entry.name,
            entry.group,
            entry.run,
            outcome.model,
            dataset.facts(),
            outcome.history,
            verdict,
            Seconds(outcome.compile_seconds, outcome.training_seconds, outcome.compile_seconds + outcome.training_seconds),
            outcome.device,
            versions=devices.versions(),
            pruned=outcome.pruned,
            form=outcome.form,
        )
        ending = FinishedRun(entry, result, dataset.scale)
        if self._request.metrics_only:
            return ending
        predictions = {
            "validation_probabilities": outcome.probabilities,
            "last_validation_probabilities": outcome.last_probabilities,
            "validation_labels": labels.astype(np.int32),
        }
        return replace(ending, best=outcome.best, last=outcome.last, optimizer=outcome.optimizer, predictions=predictions)
