"""`run.json`: the state of one run, and its result without the metrics of each epoch."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from seedbed import storage
from seedbed.diagnosis import LastPredictions, diagnose
from seedbed.errors import CorruptFile, SpecError, StorageError
from seedbed.models import trust
from seedbed.names import checked_name
from seedbed.records import DataFacts, History, ModelFacts, Result, Seconds, Verdict, finite
from seedbed.runs.arrays import read_npz
from seedbed.specs import ClassWeight, RunSpec

FORMAT = 2
"""Version of the format; it increases when an older seedbed could not read the files of a newer one.

Format 2 has verdicts with advice.
"""

MOST_BYTES = 4 << 20
"""Largest accepted size of a `run.json` (bytes)."""

KEPT = 512
"""Number of last read records that a process keeps: a report needs each several times, and checks take longer than reading."""

TOGETHER = 32
"""Number of runs whose files are synced to the disk at once; some systems limit a process to 256 open files."""

T = TypeVar("T")

Status = Literal["running", "interrupted", "failed", "pruned", "finished"]
"""A `pruned` run was stopped by a search; except there it does not count as finished."""

RUN_FILE, METRICS_FILE, PREDICTIONS_FILE, LOCKS = "run.json", "metrics.jsonl", "predictions.npz", ".locks"
NETWORK_FOLDER = "network"
WEIGHTS_FILE = "weights/best.safetensors"

_SHARED = ("model", "data", "verdict", "seconds", "device", "versions", "form")
"""Fields that records and results share, once a run is finished."""

NUMBERS = frozenset((int, float, type(None)))
"""Types of the values in a row of metrics; null is a number that was not finite."""

_EPOCH_METRICS = {"train": ("loss", "penalty", "accuracy"), "validation": ("loss", "accuracy")}


def _checked_metrics(epoch: dict[str, Any]) -> dict[str, Any]:
    """Check that an epoch's metrics are complete, each null or a number that a float can hold."""
    for part, names in _EPOCH_METRICS.items():
        row = epoch.get(part)
        if not isinstance(row, dict) or not all(name in row and _is_metric(row[name]) for name in names):
            raise ValueError(f"{part} has {', '.join(names)}, each a number or null")
    return epoch


def _is_metric(value: object) -> bool:
    return value is None or (isinstance(value, int | float) and abs(value) <= sys.float_info.max)


_Metrics = Annotated[dict[str, Any], AfterValidator(_checked_metrics)]


@dataclass(frozen=True)
class NamedRun:
    """A named run: name, group (whose runs differ only in seed), and spec.

    Raises:
        SpecError: the name is not valid as a folder on every operating system.
    """

    name: str
    group: str
    run: RunSpec

    def __post_init__(self) -> None:
        checked_name(self.name)
        checked_name(self.group)


@dataclass(frozen=True)
class OldVerdict:
    """The verdict of a run by the rules of format 1; the run is diagnosed again from its files when it is read."""

    kind: Literal["ok", "diverged", "collapsed", "undertrained", "overfitting"]
    evidence: str


class Record(BaseModel):
    """One `run.json`.

    Attributes:
        owner: name of the lock of the process that trains the run.
        reason: cause of the interruption or failure.
        epochs: number of rows in `metrics.jsonl`, once finished.
        best, last: metrics of the best and last epoch, as in `Result.summary`.
        files: path below the folder -> SHA-256.
    """

    model_config = ConfigDict(frozen=True, protected_namespaces=())

    format: int = FORMAT
    status: Status
    reason: Annotated[str, Field(max_length=10_000)] = ""
    owner: Annotated[str, Field(pattern=r"^[0-9a-f]*$")] = ""
    name: str
    group: str
    identity: str
    run: RunSpec
    scale: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    model: ModelFacts | None = None
    data: DataFacts | None = None
    verdict: Verdict | OldVerdict | None = None
    best: _Metrics | None = None
    last: _Metrics | None = None
    epochs: Annotated[int, Field(ge=0)] = 0
    seconds: Seconds | None = None
    device: str = ""
    versions: dict[str, str] = {}
    form: Annotated[str, Field(max_length=64)] = ""
    files: dict[str, str] = {}

    @model_validator(mode="after")
    def _finished_is_whole(self) -> Record:
        if self.ended and None in (self.model, self.data, self.verdict, self.seconds):
            raise ValueError("a finished run must have a model, data, a verdict and seconds")
        if self.best and self.best["validation"]["accuracy"] is None:
            raise ValueError("the best epoch must have a validation accuracy")
        if not self.run.model.names_its_code:
            raise ValueError("a run of a user's own network must hold the digest of its file")
        return self

    @property
    def ended(self) -> bool:
        """Whether the run has a result: it is finished or pruned."""
        return self.status in ("finished", "pruned")

    @property
    def has_weights(self) -> bool:
        """Whether the run has ended and kept its network."""
        return self.ended and WEIGHTS_FILE in self.files

    def serves(self, *, whole: bool) -> bool:
        """Whether nothing is left to train.

        Args:
            whole: whether the run is needed to its last epoch, with weights; otherwise metrics suffice.
        """
        return self.status == "finished" and bool(self.files) if whole else self.ended

    @classmethod
    def begun(cls, entry: NamedRun, owner: str) -> Record:
        """The record of a run whose training starts."""
        identity = entry.run.identity
        return cls(status="running", owner=owner, name=entry.name, group=entry.group, identity=identity, run=entry.run)

    def changed(self, **values: Any) -> Record:
        return self.model_copy(update=values)

    def of(self, result: Result, *, scale: float, files: dict[str, str]) -> Record:
        """The record of the same run, finished."""
        summary = result.summary()
        return self.changed(
            **{name: getattr(result, name) for name in _SHARED},
            status="pruned" if result.pruned else "finished",
            reason="",
            owner="",
            scale=scale,
            best=summary["best"],
            last=summary["last"],
            epochs=result.history.epochs,
            files=files,
        )

    def state(self, root: Path) -> Status:
        """Current status; a `running` run whose process has ended is interrupted."""
        return "interrupted" if self.status == "running" and not self.trainer(root) else self.status

    def trainer(self, root: Path) -> str:
        """Description of the process that trains the run, or ""."""
        return storage.holder(root / LOCKS / self.owner) if self.status == "running" and self.owner else ""

    def content(self, folder: Path) -> bytes:
        """Content of the `run.json` in a folder.

        Raises:
            StorageError: a value breaks the format, so that the file could not be read.
        """
        plain = finite(self.model_dump(mode="json"))
        _parsed(folder / RUN_FILE, plain)
        return storage.json_content(folder / RUN_FILE, plain)

    def result(self, folder: Path) -> Result:
        """The result, with the metrics of each epoch from `metrics.jsonl`.

        Raises:
            StorageError: the run is not finished.
            CorruptFile: the metrics are damaged, or do not have the recorded epochs.
        """
        if not self.ended:
            raise StorageError(f"{folder}: the run is {self.status}, and only a finished one has a result.")
        trust.offer(self.run.model, folder / NETWORK_FOLDER)
        fields: dict[str, Any] = {name: getattr(self, name) for name in ("name", "group", "run", *_SHARED)}
        history = read_history(folder / METRICS_FILE, self.epochs)
        if isinstance(self.verdict, OldVerdict):
            fields["verdict"] = self._diagnosed(self.verdict, history, folder)
        return Result(**fields, history=history, folder=str(folder), pruned=self.status == "pruned")

    def judged(self, folder: Path) -> Verdict | None:
        """The verdict by today's rules; None where the run has not ended.

        Raises:
            CorruptFile: the run is of format 1, and its metrics are damaged.
        """
        return self.result(folder).verdict if isinstance(self.verdict, OldVerdict) else self.verdict

    def _diagnosed(self, old: OldVerdict, history: History, folder: Path) -> Verdict:
        """Diagnose a run of format 1; without predictions (a search kept none, or they are damaged) "collapsed" stands."""
        assert self.data is not None
        last = (
            _last_predictions(folder / PREDICTIONS_FILE, self.run.plan.class_weight) if PREDICTIONS_FILE in self.files else None
        )
        verdict = diagnose(history, self.run, self.data, last, pruned=self.status == "pruned")
        if old.kind == "collapsed" and last is None:
            return replace(verdict, kind="collapsed", evidence=old.evidence)
        return verdict


@dataclass(frozen=True)
class Listed:
    """A row of a list of runs; if its `run.json` cannot be read, `record` is None, and `reason` is the error."""

    name: str
    status: Status | Literal["damaged"]
    reason: str
    record: Record | None
    verdict: Verdict | None = None

    @property
    def ended(self) -> bool:
        """Whether the run has a result that can be read."""
        return self.record is not None and self.record.ended


def _last_predictions(path: Path, class_weight: ClassWeight) -> LastPredictions | None:
    """The predictions of the last network; of the best one where an older seedbed kept only these."""
    try:
        arrays = read_npz(path)
        best = arrays["validation_probabilities"]
        return LastPredictions.of(arrays.get("last_validation_probabilities", best), arrays["validation_labels"], class_weight)
    except (StorageError, KeyError):
        return None


def write(records: Mapping[Path, Record]) -> None:
    """Write each record to its folder.

    Raises:
        StorageError: writing fails, or a value breaks the format.
    """
    for chunk in together(list(records)):
        storage.write_all({folder / RUN_FILE: records[folder].content(folder) for folder in chunk})


def together(runs: Sequence[T]) -> Iterator[Sequence[T]]:
    """Chunks of runs whose files are synced to the disk at once."""
    return (runs[first : first + TOGETHER] for first in range(0, len(runs), TOGETHER))


def read(folder: Path, name: str | None = None) -> Record:
    """Read the record in a run's folder; its name is that of the folder unless given, whatever the file holds.

    Raises:
        StorageError: there is no record, or a newer seedbed wrote it.
        CorruptFile: it is damaged, or seedbed did not write it.
    """
    path = folder / RUN_FILE
    return _read(path, name or folder.name, storage.json_text(path, MOST_BYTES))


@lru_cache(KEPT)
def _read(path: Path, name: str, text: bytes) -> Record:
    plain = storage.parsed_json(path, text)
    if not isinstance(plain, dict):
        raise CorruptFile(f"{path}: it must hold a JSON object, and holds {type(plain).__name__}.")
    version = plain.get("format")
    if isinstance(version, int) and version > FORMAT:
        newer = f"a newer seedbed wrote it (format {version}; this one reads up to {FORMAT})"
        raise StorageError(f"{path}: {newer}. Update seedbed.")
    return _parsed(path, {**plain, "name": name})


def folders(root: Path) -> Iterator[Path]:
    """Yield the folders that hold a run, in the order of their names, `a.10` after `a.9`."""
    for name in sorted(storage.names(root), key=natural):
        if storage.is_file(root / name / RUN_FILE):
            yield root / name


def natural(name: str) -> list[tuple[int, str]]:
    """Sort key that compares the numbers in names as numbers.

    >>> sorted(["a.10", "a.9", "a"], key=natural)
    ['a', 'a.9', 'a.10']
    """
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", name) if part]


def _parsed(path: Path, plain: dict[str, Any]) -> Record:
    try:
        checked_name(str(plain.get("name")))
        checked_name(str(plain.get("group")))
        return Record.model_validate(plain)
    except SpecError as error:
        raise CorruptFile(f"{path}: {_shown(error)}") from None
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "the whole"
        raise CorruptFile(f"{path}: {_shown(place)}: {_shown(first['msg'])}.") from None


def _shown(value: object) -> str:
    """Shorten untrusted text to one printable line."""
    text = str(value)
    return "".join(letter if letter.isprintable() else "?" for letter in text[:200]) + ("..." if len(text) > 200 else "")


def read_history(path: Path, epochs: int) -> History:
    """Read the metrics of a finished run.

    Raises:
        CorruptFile: they are damaged, or do not have these epochs.
    """
    rows = storage.read_lines(path)
    numbers = [row.pop("epoch", None) for row in rows]
    if numbers != list(range(1, epochs + 1)):
        raise CorruptFile(
            f"{path}: the run has {epochs} epochs, and the file has {len(rows)} sound rows or rows out of order. "
            f"Remove the run with `seedbed runs remove {path.parent.name}` and train it again."
        )
    for number, row in enumerate(rows, start=1):
        if not NUMBERS.issuperset(map(type, row.values())):
            wrong = next(name for name, value in row.items() if type(value) not in NUMBERS)
            raise CorruptFile(f"{path}: line {number}: {_shown(wrong)} is not a number.")
    try:
        return History.from_rows(rows)
    except OverflowError:
        raise CorruptFile(f"{path}: a number is too large.") from None
