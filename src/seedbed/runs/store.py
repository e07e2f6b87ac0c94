"""The run store: a folder of runs."""

from __future__ import annotations

import json
import os
import re
import warnings
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, Self

from numpy.typing import NDArray

from seedbed import storage
from seedbed.errors import CorruptFile, RunError, RunHalfDone, SpecError, StorageError, UnknownRun, nearest
from seedbed.models import trust
from seedbed.names import checked_name
from seedbed.records import DataFacts, Result, finite
from seedbed.runs import checkpoints, claims, longer
from seedbed.runs.arrays import Arrays, checked_digest, npz, read_npz, read_safetensors, safetensors_pieces
from seedbed.runs.record import (
    LOCKS,
    METRICS_FILE,
    NETWORK_FOLDER,
    PREDICTIONS_FILE,
    RUN_FILE,
    Listed,
    NamedRun,
    Record,
    Status,
    folders,
    read,
    together,
    write,
)
from seedbed.specs import ModelSpec

Which = Literal["best", "last"]
EpochChoice = Which | int
"""Weights of the best epoch, of the last, or of a numbered one that the plan keeps."""
LEDGER = "ledger.jsonl"


@dataclass(frozen=True)
class FinishedRun:
    """A finished run to store.

    Attributes:
        entry: claimed entry; the result gets its name and group, so that a result of another name can be copied.
        result: result of the same identity; its history becomes the metrics.
        scale: divisor that maps stored images to the network's inputs.
        best, last: weights of the best and last epoch, named and laid out as in Keras; empty means not stored.
        predictions: arrays over the validation part; empty means not stored.
        optimizer: further arrays that are needed to go on with the run; empty means that it cannot go on.
        epochs: weights of numbered epochs that are to be stored now; those that the store has kept already stay.

    Raises:
        RunError: the result has another identity.
    """

    entry: NamedRun
    result: Result
    scale: float
    best: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    last: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    predictions: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    optimizer: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    epochs: Mapping[int, Mapping[str, NDArray[Any]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.result.run.identity != self.entry.run.identity:
            raise RunError(f"Run {self.entry.name!r}: the result is that of other settings ({self.result.name!r}).")

    def rows(self) -> list[dict[str, Any]]:
        """Rows of the metrics file."""
        history = self.result.history
        return [{"epoch": epoch, **finite(history.row(epoch))} for epoch in range(1, history.epochs + 1)]

    def files(self) -> dict[str, storage.FileContent]:
        """Path below the run's folder -> content, for all files except metrics and record."""
        facts = _metadata(self.result.run.model, self.result.data, self.scale)
        kinds = {"best": self.best, "last": self.last, "optimizer": self.optimizer}
        stored = {_weights_file(which): weights for which, weights in kinds.items() if weights}
        stored |= {_weights_file(epoch): weights for epoch, weights in self.epochs.items()}
        files: dict[str, storage.FileContent] = {file: safetensors_pieces(weights, facts) for file, weights in stored.items()}
        if self.predictions:
            files[PREDICTIONS_FILE] = npz(self.predictions)
        network = trust.contents(self.result.run.model) if stored else {}
        return files | {f"{NETWORK_FOLDER}/{name}": content for name, content in network.items()}

    def record(self, named: Result, files: Mapping[str, storage.FileContent | Path]) -> Record:
        """The record that commits the run with these files: path below its folder -> content, or the file itself."""
        digests = {file: storage.sha256(content) for file, content in files.items()}
        return Record.begun(self.entry, "").of(named, scale=self.scale, files=digests)


class RunStore:
    """The run store, a plain folder:

        ROOT/NAME/run.json              state, settings, facts, verdict; written last, so it commits the run
        ROOT/NAME/metrics.jsonl         one row per epoch, each with a checksum
        ROOT/NAME/predictions.npz       predictions for the validation part
        ROOT/NAME/weights/best.safetensors, last.safetensors, epoch-NUMBER.safetensors, optimizer.safetensors
        ROOT/NAME/network/              copies of the files of a user's own network
        ROOT/NAME/before/               while a finished run goes on: its result so far
        ROOT/NAME/figures/
        ROOT/ledger.jsonl               every evaluation on a test part
        ROOT/.populations/, ROOT/.locks/

    Args:
        root: the folder; created by the first claim.

    Methods raise `StorageError` if reading or writing fails, `CorruptFile` for a damaged file, and `UnknownRun` for an unknown
    name.
    """

    def __init__(self, root: Path) -> None:
        self.root = Path(root)
        self._epochs: dict[str, int] = {}
        self._unsynced: set[str] = set()

    @classmethod
    def at(cls, place: str | os.PathLike[str] | None = None) -> Self:
        """Open the run store in a folder. None means `SEEDBED_HOME`, or `./runs`."""
        return cls(Path(place or os.environ.get("SEEDBED_HOME") or "runs"))

    # Training

    def claim(
        self, entries: Sequence[NamedRun], *, resume: bool = False, replace: bool = False, whole: bool = True
    ) -> claims.ClaimedRuns:
        """Divide the entries into finished ones and ones to train, and lock the latter until the claim is closed.

        Missing runs start from the beginning, and so do runs that failed in their first epoch; a finished run of the same
        identity is read. All entries are claimed, or none.

        Args:
            entries: the runs.
            resume: whether to continue half-done runs, and to go on with finished ones of fewer epochs.
            replace: whether to start all from the beginning, and remove the runs under their names and in their groups.
            whole: whether only a run that was trained to its end and kept its weights counts as finished; otherwise also one
                without weights, or a pruned one.

        Raises:
            RunExists: a name is taken by other settings (the message lists them), or by something that is no run.
            RunHalfDone: a run was interrupted or failed, and `resume` is False.
            HomeInUse: another process trains one of the runs.
            StorageError: the run store cannot be written.
        """
        claim = claims.claim(self.root, entries, resume=resume, replace=replace, whole=whole)
        for entry in claim.todo:
            self._epochs.pop(entry.name, None)
        return claim

    def append(self, name: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Append epochs to a claimed run's metrics: one row per epoch, with the columns of `History`. NaN becomes null.

        They survive the end of this process at once, and a power failure from the next `save_population` on.

        Raises:
            RunError: the `epoch` of a row is not the next one.
        """
        first = self.epochs(name) + 1
        numbered = [{"epoch": first + index, **finite(dict(row))} for index, row in enumerate(rows)]
        for index, row in enumerate(numbered):
            if row["epoch"] != first + index:
                raise RunError(f"Run {name!r}: epoch {row['epoch']} was given where epoch {first + index} is next.")
        storage.append_lines(self._file(name, METRICS_FILE), numbered, sync=False)
        self._epochs[name] = first - 1 + len(numbered)
        self._unsynced.add(name)

    def epochs(self, name: str) -> int:
        """Number of epochs in a run's metrics."""
        if name not in self._epochs:
            self._epochs[name] = len(storage.read_lines(self._file(name, METRICS_FILE)))
        return self._epochs[name]

    def cut(self, name: str, epoch: int) -> None:
        """Truncate a claimed run's metrics to the first `epoch` epochs."""
        storage.cut_lines(self._file(name, METRICS_FILE), epoch)
        self._epochs[name] = epoch

    def keep_epoch(
        self, entry: NamedRun, epoch: int, weights: Mapping[str, NDArray[Any]], facts: DataFacts, scale: float
    ) -> None:
        """Store a claimed run's weights at the end of an epoch; they belong to the run once it is finished."""
        pieces = safetensors_pieces(weights, _metadata(entry.run.model, facts, scale))
        storage.write(self._file(entry.name, _weights_file(epoch)), pieces)

    def mark(self, names: Iterable[str], status: Literal["running", "interrupted", "failed"], reason: str = "") -> None:
        """Record the status of claimed, unfinished runs."""
        folders = [self.folder(name) for name in names]
        write({folder: read(folder).changed(status=status, reason=reason) for folder in folders})

    def finish(self, *endings: FinishedRun) -> list[Result]:
        """Store finished runs; each is committed by its `run.json`, written last.

        Returns:
            The results under their names, groups and folders.
        """
        return [result for chunk in together(endings) for result in self._finish(chunk)]

    def _finish(self, endings: Sequence[FinishedRun]) -> list[Result]:
        contents: dict[Path, storage.FileContent] = {}
        records, results = {}, []
        for ending in endings:
            folder, files = self.folder(ending.entry.name), ending.files()
            results.append(ending.result.named(ending.entry.name, ending.entry.group, str(folder)))
            there = {file: folder / file for file in map(_weights_file, ending.entry.run.plan.keep_epochs)}
            kept = {file: path for file, path in there.items() if file not in files and storage.is_file(path)}
            records[folder] = ending.record(results[-1], {**files, **kept})
            files[METRICS_FILE] = storage.lines(folder / METRICS_FILE, ending.rows())
            contents |= {folder / file: content for file, content in files.items()}
        storage.write_all(contents)
        write(records)
        for folder in records:
            storage.remove_tree(folder / longer.BEFORE)
        for result in results:
            self._unsynced.discard(result.name)
            self._epochs[result.name] = result.history.epochs
        return results

    # Reading

    def results(self, on_damage: Callable[[str], None] | None = None) -> list[Result]:
        """All finished runs that can be read, in the order of their names.

        Args:
            on_damage: called with a message for each run that cannot be read. None means a warning.
        """
        results = []
        for folder in folders(self.root):
            try:
                results += _finished([folder])
            except StorageError as damage:
                (on_damage or _warn)(f"{damage} It is left out.")
        return results

    def find(self, name: str) -> list[Result]:
        """Load a finished run, or the finished runs of a group.

        Raises:
            UnknownRun: no run or group has this name; the message suggests the nearest.
            RunHalfDone: it exists, but no run of it is finished.
        """
        records = self._named(name)
        finished = _finished([folder for folder, _ in records])
        if not finished:
            record = records[0][1]
            state, why = record.state(self.root), f" ({record.reason})" if record.reason else ""
            raise RunHalfDone(f"Run {record.name!r} is {state}{why}, not finished. Train it with --resume or --replace first.")
        return finished

    def find_identities(self, identities: Collection[str], *, whole: bool = False) -> dict[str, Result]:
        """Identity -> a finished run, for each identity that has one; reads the run store once.

        Args:
            identities: identities of runs.
            whole: whether to return only runs that kept their weights.
        """
        results: dict[str, Result] = {}
        wanted = set(identities)
        for name, record in claims.readable(self.root):
            finished = record.serves(whole=True) if whole else record.status == "finished"
            if finished and record.run.identity in wanted - results.keys():
                results[record.run.identity] = record.result(self.root / name)
        return results

    def status(self, name: str) -> Status:
        """Status of a run; a run whose process has died is interrupted."""
        return self._record(name).state(self.root)

    def listing(self) -> list[Listed]:
        """All runs in the order of their names, without their metrics; damaged ones are marked."""
        return [self.listed(folder.name) for folder in folders(self.root)]

    def listed(self, name: str) -> Listed:
        """One row of the listing; a run that cannot be read is marked as damaged."""
        try:
            folder = self.folder(name)
            record = read(folder)
            before = None if record.ended else longer.kept_aside(folder)
            kept = f"its result after {before.epochs} epochs is kept" if before else ""
            reason = "; ".join(filter(None, (record.reason, kept)))
            return Listed(name, record.state(self.root), reason, record, record.judged(folder))
        except (StorageError, SpecError) as error:
            return Listed(name, "damaged", str(error), None)

    def kept_epochs(self, name: str) -> list[int]:
        """Numbers of the epochs of a finished run whose weights are kept besides those of the best and the last."""
        self._record(name)
        found = (re.fullmatch(r"weights/epoch-(\d+)\.safetensors", file) for file in longer.current(self.folder(name))[1].files)
        return sorted(int(match[1]) for match in found if match)

    def weights(self, name: str, which: EpochChoice, expected: Mapping[str, tuple[int, ...]] | None = None) -> Arrays:
        """Load a finished run's weights.

        Args:
            name: name of the run.
            which: "best" for the best epoch, "last" for the last, or the number of an epoch from `kept_epochs`.
            expected: name -> shape, checked before anything is allocated. None means no check.

        Raises:
            RunError: the run kept no weights.
            CorruptFile: the file's hash is not the recorded one, or its names or shapes are not the expected ones.
        """
        return read_safetensors(self._kept(name, _weights_file(which)), expected)

    def predictions(self, name: str) -> Arrays:
        """Load a finished run's arrays over the validation part, as given to `finish`.

        Raises:
            RunError: the run kept no predictions.
            CorruptFile: the file's hash is not the recorded one.
        """
        return read_npz(self._kept(name, PREDICTIONS_FILE))

    def optimizer(self, name: str) -> Arrays:
        """Load the arrays that are needed to go on with a finished run; none if it cannot go on."""
        kept = longer.OPTIMIZER_FILE in self._record(name).files
        return read_safetensors(self._kept(name, longer.OPTIMIZER_FILE)) if kept else {}

    def finished_state(self, name: str) -> longer.FinishedState:
        """Load the state of the finished run from which a claimed one goes on.

        Raises:
            StorageError, CorruptFile: it cannot be read.
        """
        return longer.finished_state(self.folder(name))

    def scale(self, name: str) -> float:
        """Divisor that maps stored images to the inputs of a finished run's network.

        Raises:
            RunError: the run is not finished.
        """
        self._record(name)
        scale = longer.current(self.folder(name))[1].scale
        if scale is None:
            raise RunError(f"Run {name!r} is not finished, so it has no scale yet.")
        return scale

    def folder(self, name: str) -> Path:
        """Folder of a run, whether or not it exists.

        Raises:
            SpecError: the name is not valid.
        """
        return self.root / checked_name(name)

    def remove(self, name: str) -> list[str]:
        """Remove a run, or all runs of a group, with the checkpoints that no other run needs.

        Returns:
            Names of the removed runs.

        Raises:
            HomeInUse: a process trains one of them.
        """
        if not self.root.is_dir():
            raise self._unknown(name)
        with claims.home_lock(self.root):
            runs = self._to_remove(name)
            for run in runs:
                storage.remove_tree(self.folder(run))
                self._epochs.pop(run, None)
            claims.drop_orphans(self.root)
        return runs

    # Checkpoints of populations

    def save_population(self, key: str, arrays: Mapping[str, NDArray[Any]], manifest: Mapping[str, Any]) -> None:
        """Save a population's state; the last two saves are kept. Appended metrics are synced to the disk first.

        Args:
            key: name of the population, with the rules of run names.
            arrays: name -> array; not copied.
            manifest: JSON values. `runs` may list the names of its unfinished runs: once all of them are finished or removed,
                removing runs removes the checkpoint too.
        """
        storage.sync([self._file(name, METRICS_FILE) for name in sorted(self._unsynced)])
        self._unsynced.clear()
        checkpoints.save(self.root, key, arrays, manifest)

    def load_population(self, key: str, on_damage: Callable[[str], None] | None = None) -> tuple[Arrays, dict[str, Any]] | None:
        """Load arrays and manifest of a population's newest sound save; None if there is no save.

        Args:
            key: name of the population.
            on_damage: called with a message for each damaged save that is skipped. None means a warning.

        Raises:
            CorruptFile: there are saves, but none is sound.
        """
        return checkpoints.load(self.root, key, on_damage or _warn)

    def drop_population(self, key: str) -> None:
        """Remove a population's saves."""
        checkpoints.drop(self.root, key)

    def populations(self) -> list[str]:
        """Keys of the populations that have a save."""
        return checkpoints.keys(self.root)

    # The ledger

    def look(self, name: str, figures: Mapping[str, Any]) -> None:
        """Record in the ledger that a run was evaluated on the test part, with its metrics."""
        record = self._record(name)
        row = {
            "time": datetime.now(UTC).isoformat(timespec="seconds"),
            "run": name,
            "group": record.group,
            "identity": record.run.identity,
            "figures": finite(dict(figures)),
        }
        with storage.lock(self.root / LOCKS / "ledger", "The ledger", wait=claims.PATIENCE):
            storage.append_lines(self.root / LEDGER, [row])

    def looks(self, name: str | None = None) -> list[dict[str, Any]]:
        """Evaluations on the test part, oldest first: all, or those of one run or group. They outlive their runs."""
        rows = storage.read_lines(self.root / LEDGER)
        return [row for row in rows if name is None or name in (row.get("run"), row.get("group"))]

    # Helpers

    def _file(self, name: str, file: str) -> Path:
        return self.folder(name) / file

    def _record(self, name: str) -> Record:
        if not storage.is_file(self._file(name, RUN_FILE)):
            raise self._unknown(name)
        return read(self.folder(name))

    def _kept(self, name: str, file: str) -> Path:
        self._record(name)
        folder, record = longer.current(self.folder(name))
        digest = record.files.get(file)
        if digest is None:
            raise RunError(f"Run {name!r} kept no {file}.")
        checked_digest(folder / file, digest)
        return folder / file

    def _named(self, name: str) -> list[tuple[Path, Record]]:
        """The run of this name, or otherwise the runs of this group."""
        if storage.is_file(self._file(name, RUN_FILE)):
            return [(self.folder(name), read(self.folder(name)))]
        members = [(self.root / run, record) for run, record in claims.readable(self.root) if record.group == name]
        if not members:
            raise self._unknown(name)
        return members

    def _to_remove(self, name: str) -> list[str]:
        try:
            records = [record for _, record in self._named(name)]
        except CorruptFile:
            return [checked_name(name)]
        for record in records:
            claims.check_free(self.root, record)
        return [record.name for record in records]

    def _unknown(self, name: str) -> UnknownRun:
        records = dict(claims.readable(self.root))
        known = dict.fromkeys([*(record.group for record in records.values()), *records])
        where = f"The run store {self.root} is empty" if not known else "See `seedbed runs list`"
        return UnknownRun(f"No run or group is named {name!r}.{nearest(name, known)} {where}.")


def _finished(places: Iterable[Path]) -> list[Result]:
    """The results of the finished runs in these folders."""
    found = [(place, *longer.current(place)) for place in places]
    finished = [(place, folder, record) for place, folder, record in found if record.status == "finished"]
    return [replace(record.result(folder), folder=str(place)) for place, folder, record in finished]


def _weights_file(which: EpochChoice | str) -> str:
    return f"weights/{f'epoch-{which:05}' if isinstance(which, int) else which}.safetensors"


def _metadata(model: ModelSpec, facts: DataFacts, scale: float) -> dict[str, str]:
    """What a file of weights says about its network, so that it can be read without the run."""
    return {
        "model": json.dumps(model.plain()),
        "classes": json.dumps(facts.classes),
        "image_shape": json.dumps(facts.image_shape),
        "scale": repr(float(scale)),
    }


def _warn(message: str) -> None:
    warnings.warn(message, stacklevel=4)
