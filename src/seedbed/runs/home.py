"""The home: a folder of runs."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, Self

from numpy.typing import NDArray

from seedbed import storage
from seedbed.errors import CorruptFile, RunError, RunHalfDone, StorageError, UnknownRun, nearest
from seedbed.records import Result, finite
from seedbed.runs import checkpoints, claims
from seedbed.runs.arrays import Arrays, checked_digest, npz, read_npz, read_safetensors, safetensors_pieces
from seedbed.runs.record import (
    LOCKS,
    METRICS_FILE,
    PREDICTIONS_FILE,
    RUN_FILE,
    Entry,
    Record,
    Status,
    folders,
    read,
    together,
    write,
)
from seedbed.specs import checked_name

Which = Literal["best", "last"]
LEDGER = "ledger.jsonl"


@dataclass(frozen=True)
class Listed:
    """A run as a list shows it: `record` is None, and `reason` says why, where its `run.json` cannot be read."""

    name: str
    status: Status | Literal["damaged"]
    reason: str
    record: Record | None


@dataclass(frozen=True)
class Ending:
    """What is to be kept of a run that has come to its end.

    Attributes:
        entry: a claimed entry; the result gets its name and group, so a result from elsewhere can be copied.
        result: of the same identity; its history becomes the metrics.
        scale: what images are divided by before the network sees them.
        best, last: the weights, named and laid out as Keras does; empty keeps none.
        predictions: arrays over the validation part; empty keeps none.

    Raises:
        RunError: the result is that of other settings.
    """

    entry: Entry
    result: Result
    scale: float
    best: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    last: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    predictions: Mapping[str, NDArray[Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.result.run.identity != self.entry.run.identity:
            raise RunError(f"Run {self.entry.name!r}: the result is that of other settings ({self.result.name!r}).")

    def rows(self) -> list[dict[str, Any]]:
        """The rows of its metrics."""
        history = self.result.history
        return [{"epoch": epoch, **finite(history.row(epoch))} for epoch in range(1, history.epochs + 1)]

    def files(self) -> dict[str, storage.FileContent]:
        """Path below the run's folder -> what the file holds, without the metrics."""
        facts = {
            "model": json.dumps(self.result.run.model.plain()),
            "classes": json.dumps(self.result.data.classes),
            "image_shape": json.dumps(self.result.data.image_shape),
            "scale": repr(float(self.scale)),
        }
        kept = {_weights_file(which): weights for which, weights in (("best", self.best), ("last", self.last)) if weights}
        files: dict[str, storage.FileContent] = {file: safetensors_pieces(weights, facts) for file, weights in kept.items()}
        return files | ({PREDICTIONS_FILE: npz(self.predictions)} if self.predictions else {})

    def record(self, named: Result, files: Mapping[str, storage.FileContent]) -> Record:
        """The record that commits it, of the result under the entry's name."""
        digests = {file: storage.sha256(content) for file, content in files.items()}
        return Record.begun(self.entry, "").of(named, scale=self.scale, files=digests)


class Home:
    """The run store. Plain folders are the truth:

        ROOT/NAME/run.json              state, settings, facts, verdict; written last, so it commits the run
        ROOT/NAME/metrics.jsonl         one row an epoch, each with a checksum
        ROOT/NAME/predictions.npz       on the validation part
        ROOT/NAME/weights/best.safetensors, last.safetensors
        ROOT/NAME/figures/
        ROOT/ledger.jsonl               every look at a test set
        ROOT/.populations/, ROOT/.locks/

    Args:
        root: the folder; made by the first claim.

    Its methods raise `StorageError` where the disk says no, `CorruptFile` where a file is damaged, and `UnknownRun` for a name
    that is not there.
    """

    def __init__(self, root: Path) -> None:
        self.root = Path(root)
        self._epochs: dict[str, int] = {}
        self._unsynced: set[str] = set()

    @classmethod
    def at(cls, place: str | os.PathLike[str] | None = None) -> Self:
        """The home in this folder. None means `SEEDBED_HOME`, or `./runs`."""
        return cls(Path(place or os.environ.get("SEEDBED_HOME") or "runs"))

    # Training

    def claim(
        self, entries: Sequence[Entry], *, resume: bool = False, replace: bool = False, whole: bool = True
    ) -> claims.Claim:
        """Sort the entries into done and to do, and hold those to do for this process until the claim is closed.

        Absent runs start from the beginning, and so do those that failed before their first epoch's end; a finished one of
        the same identity is read; all or none are claimed.

        Args:
            resume: continue half-done runs.
            replace: start all from the beginning, and remove what is under their names and in their groups.
            whole: a run counts as finished if it was trained to its end and kept its weights; else also without them, and
                also if it was pruned.

        Raises:
            RunExists: a name is taken by other settings (shows which), or is no run of seedbed.
            RunHalfDone: one was interrupted or failed on its way, and `resume` is not asked for.
            HomeInUse: another process trains one of them.
            StorageError: the home cannot be written.
        """
        claim = claims.claim(self.root, entries, resume=resume, replace=replace, whole=whole)
        for entry in claim.todo:
            self._epochs.pop(entry.name, None)
        return claim

    def append(self, name: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Append epochs to a claimed run's metrics: one row an epoch, with the columns of `History`. NaN becomes null.

        They outlive this process at once, and a power cut from the next `save_population` on.

        Raises:
            RunError: a row says of itself that it is another `epoch` than the next.
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
        """How many epochs a run's metrics have."""
        if name not in self._epochs:
            self._epochs[name] = len(storage.read_lines(self._file(name, METRICS_FILE)))
        return self._epochs[name]

    def cut(self, name: str, epoch: int) -> None:
        """Cut a claimed run's metrics back to its first `epoch` epochs."""
        storage.cut_lines(self._file(name, METRICS_FILE), epoch)
        self._epochs[name] = epoch

    def mark(self, names: Iterable[str], status: Literal["running", "interrupted", "failed"], reason: str = "") -> None:
        """Record the status of claimed runs that are not finished."""
        folders = [self.folder(name) for name in names]
        write({folder: read(folder).changed(status=status, reason=reason) for folder in folders})

    def finish(self, *endings: Ending) -> list[Result]:
        """Store finished runs; of each, `run.json`, written last, commits it.

        Returns:
            The results under their names, groups and folders.
        """
        return [result for few in together(endings) for result in self._finish(few)]

    def _finish(self, endings: Sequence[Ending]) -> list[Result]:
        folders = [self.folder(ending.entry.name) for ending in endings]
        files = [ending.files() for ending in endings]
        contents = {folder / file: content for folder, own in zip(folders, files, strict=True) for file, content in own.items()}
        metrics = [folder / METRICS_FILE for folder in folders]
        curves = {path: storage.lines(path, ending.rows()) for path, ending in zip(metrics, endings, strict=True)}
        storage.write_all(contents | curves)
        results = [e.result.named(e.entry.name, e.entry.group, str(folder)) for e, folder in zip(endings, folders, strict=True)]
        ended = zip(folders, endings, results, files, strict=True)
        write({folder: ending.record(result, own) for folder, ending, result, own in ended})
        for result in results:
            self._unsynced.discard(result.name)
            self._epochs[result.name] = result.history.epochs
        return results

    # Reading

    def results(self) -> list[Result]:
        """All finished runs, in the order of their names."""
        records = [(folder, read(folder)) for folder in folders(self.root)]
        return [record.result(folder) for folder, record in records if record.status == "finished"]

    def find(self, name: str) -> list[Result]:
        """A finished run, or the finished runs of a group.

        Raises:
            UnknownRun: neither has this name; offers the nearest.
            RunHalfDone: it is there, and nothing of it is finished.
        """
        found = self._named(name)
        finished = [record.result(folder) for folder, record in found if record.status == "finished"]
        if not finished:
            record = found[0][1]
            state, why = record.state(self.root), f" ({record.reason})" if record.reason else ""
            raise RunHalfDone(f"Run {record.name!r} is {state}{why}, not finished. Train it with --resume or --replace first.")
        return finished

    def find_identities(self, identities: Collection[str], *, whole: bool = False) -> dict[str, Result]:
        """identity -> a finished run that has it, for those that have one; reads the home once.

        Args:
            whole: only runs that kept their weights.
        """
        found: dict[str, Result] = {}
        wanted = set(identities)
        for name, record in claims.readable(self.root):
            finished = record.serves(whole=True) if whole else record.status == "finished"
            if finished and record.run.identity in wanted - found.keys():
                found[record.run.identity] = record.result(self.root / name)
        return found

    def status(self, name: str) -> Status:
        """The status of a run; one whose process has died is interrupted."""
        return self._record(name).state(self.root)

    def listing(self) -> list[Listed]:
        """Every run, finished or not, in the order of names, without its curve; a damaged one is listed as such."""
        return [self._listed(folder) for folder in folders(self.root)]

    def weights(self, name: str, which: Which, expected: Mapping[str, tuple[int, ...]] | None = None) -> Arrays:
        """A finished run's weights.

        Args:
            which: those of the best epoch, or of the last.
            expected: name -> shape, as the model spec makes them, checked before anything is allocated; None checks nothing.

        Raises:
            RunError: the run kept none.
            CorruptFile: the file's hash, names or shapes are not those recorded or expected.
        """
        return read_safetensors(self._kept(name, _weights_file(which)), expected)

    def predictions(self, name: str) -> Arrays:
        """A finished run's arrays over the validation part, as `finish` got them.

        Raises:
            RunError: the run kept none.
            CorruptFile: the file's hash is not the one recorded.
        """
        return read_npz(self._kept(name, PREDICTIONS_FILE))

    def scale(self, name: str) -> float:
        """What images are divided by before a finished run's network sees them."""
        scale = self._record(name).scale
        if scale is None:
            raise RunError(f"Run {name!r} is not finished, so it has no scale yet.")
        return scale

    def folder(self, name: str) -> Path:
        """Where a run of this name lives or would live.

        Raises:
            SpecError: no run may have this name.
        """
        return self.root / checked_name(name)

    def remove(self, name: str) -> list[str]:
        """Remove a run, or all runs of a group, with the checkpoints that only they need.

        Returns:
            The names of the runs removed.

        Raises:
            HomeInUse: one of them is being trained.
        """
        if not self.root.is_dir():
            raise self._unknown(name)
        with claims.home_lock(self.root):
            gone = self._to_remove(name)
            for each in gone:
                storage.remove_tree(self.folder(each))
                self._epochs.pop(each, None)
            claims.drop_orphans(self.root)
        return gone

    # Checkpoints of populations

    def save_population(self, key: str, arrays: Mapping[str, NDArray[Any]], manifest: Mapping[str, Any]) -> None:
        """Save a population's state; the last two saves are kept. Metrics appended until now are on the disk before it.

        Args:
            key: names the population; the rules of run names.
            arrays: name -> array; not copied.
            manifest: JSON values. Under `runs` it may list the names of the runs in it: when none of them is left to resume,
                removing runs removes the checkpoint too.
        """
        storage.sync([self._file(name, METRICS_FILE) for name in sorted(self._unsynced)])
        self._unsynced.clear()
        checkpoints.save(self.root, key, arrays, manifest)

    def load_population(self, key: str, on_damage: Callable[[str], None] | None = None) -> tuple[Arrays, dict[str, Any]] | None:
        """The arrays and the manifest of a population's newest sound save, or None where there is no save.

        Args:
            on_damage: called with a sentence for each damaged save that is passed over. None warns.

        Raises:
            CorruptFile: there are saves, and none is sound.
        """
        return checkpoints.load(self.root, key, on_damage or _warn)

    def drop_population(self, key: str) -> None:
        """Remove a population's saves."""
        checkpoints.drop(self.root, key)

    def populations(self) -> list[str]:
        """The keys of the populations that have a save."""
        return checkpoints.keys(self.root)

    # The ledger

    def look(self, name: str, figures: Mapping[str, Any]) -> None:
        """Write down that somebody looked at the test part with this run, and what was seen."""
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
        """The looks at the test part, oldest first: all, or those of one run or group. They outlive their runs."""
        rows = storage.read_lines(self.root / LEDGER)
        return [row for row in rows if name is None or name in (row.get("run"), row.get("group"))]

    # Help

    def _file(self, name: str, file: str) -> Path:
        return self.folder(name) / file

    def _record(self, name: str) -> Record:
        if not storage.is_file(self._file(name, RUN_FILE)):
            raise self._unknown(name)
        return read(self.folder(name))

    def _kept(self, name: str, file: str) -> Path:
        digest = self._record(name).files.get(file)
        if digest is None:
            raise RunError(f"Run {name!r} kept no {file}.")
        checked_digest(self._file(name, file), digest)
        return self._file(name, file)

    def _named(self, name: str) -> list[tuple[Path, Record]]:
        """The run of this name, or else the runs of this group."""
        if storage.is_file(self._file(name, RUN_FILE)):
            return [(self.folder(name), read(self.folder(name)))]
        members = [(self.root / each, record) for each, record in claims.readable(self.root) if record.group == name]
        if not members:
            raise self._unknown(name)
        return members

    def _to_remove(self, name: str) -> list[str]:
        try:
            found = [record for _, record in self._named(name)]
        except CorruptFile:
            return [checked_name(name)]
        for record in found:
            claims.check_free(self.root, record)
        return [record.name for record in found]

    def _unknown(self, name: str) -> UnknownRun:
        records = dict(claims.readable(self.root))
        known = dict.fromkeys([*(record.group for record in records.values()), *records])
        where = f"The home {self.root} has none" if not known else "See `seedbed runs list`"
        return UnknownRun(f"No run or group is named {name!r}.{nearest(name, known)} {where}.")

    def _listed(self, folder: Path) -> Listed:
        try:
            record = read(folder)
        except StorageError as error:
            return Listed(folder.name, "damaged", str(error), None)
        return Listed(folder.name, record.state(self.root), record.reason, record)


def _weights_file(which: str) -> str:
    return f"weights/{which}.safetensors"


def _warn(message: str) -> None:
    warnings.warn(message, stacklevel=4)
