"""What `run.json` says: the state of one run, and all of its result but the curve."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from seedbed import storage
from seedbed.errors import CorruptFile, SpecError, StorageError
from seedbed.records import DataFacts, History, ModelFacts, Result, Seconds, Verdict, finite
from seedbed.specs import RunSpec, checked_name

FORMAT = 1
"""Counts up when an older seedbed could no longer read what a newer one writes."""

MOST_BYTES = 4 << 20
"""Of a `run.json`."""

TOGETHER = 32
"""Runs for whose files the disk is waited for together; some systems let a process have no more than 256 files open."""

T = TypeVar("T")

Status = Literal["running", "interrupted", "failed", "pruned", "finished"]
"""A run that is `pruned` was stopped by a search; everywhere else it does not count as finished."""

RUN_FILE, METRICS_FILE, PREDICTIONS_FILE, LOCKS = "run.json", "metrics.jsonl", "predictions.npz", ".locks"


_OF_AN_EPOCH = {"train": ("loss", "penalty", "accuracy"), "validation": ("loss", "accuracy")}


def _with_figures(at: dict[str, Any]) -> dict[str, Any]:
    """An epoch's figures, each of which is a number or null, and neither too large for a float."""
    for part, names in _OF_AN_EPOCH.items():
        row = at.get(part)
        if not isinstance(row, dict) or not all(name in row and _is_figure(row[name]) for name in names):
            raise ValueError(f"{part} has {', '.join(names)}, each a number or null")
    return at


def _is_figure(value: object) -> bool:
    return value is None or (isinstance(value, int | float) and abs(value) <= sys.float_info.max)


_Figures = Annotated[dict[str, Any], AfterValidator(_with_figures)]


@dataclass(frozen=True)
class Entry:
    """A run that is asked for: its name, the group whose runs differ only in seed, and what to train.

    Raises:
        SpecError: a name that some system could not have as a folder.
    """

    name: str
    group: str
    run: RunSpec

    def __post_init__(self) -> None:
        checked_name(self.name)
        checked_name(self.group)


class Record(BaseModel):
    """One `run.json`.

    Attributes:
        owner: name of the lock that the process that trains the run holds.
        reason: why it was interrupted or failed.
        epochs: rows that `metrics.jsonl` has, once it is finished.
        best, last: the figures of these epochs, as in `Result.summary`.
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
    verdict: Verdict | None = None
    best: _Figures | None = None
    last: _Figures | None = None
    epochs: Annotated[int, Field(ge=0)] = 0
    seconds: Seconds | None = None
    device: str = ""
    versions: dict[str, str] = {}
    files: dict[str, str] = {}

    @model_validator(mode="after")
    def _finished_is_whole(self) -> Record:
        if self.ended and None in (self.model, self.data, self.verdict, self.seconds):
            raise ValueError("a finished run has a model, data, a verdict and seconds")
        if self.best and self.best["validation"]["accuracy"] is None:
            raise ValueError("the best epoch is one that has a validation accuracy")
        if not self.run.model.names_its_code:
            raise ValueError("a run of a network of one's own says which text of its file was meant")
        return self

    @property
    def ended(self) -> bool:
        """Whether there is a result, if only that of a run that was pruned."""
        return self.status in ("finished", "pruned")

    def serves(self, *, whole: bool) -> bool:
        """Whether nothing is left to train.

        Args:
            whole: the run is wanted to its last epoch, with its weights; else its metrics are enough.
        """
        return self.status == "finished" and bool(self.files) if whole else self.ended

    @classmethod
    def begun(cls, entry: Entry, owner: str) -> Record:
        """The record of a run that is about to be trained."""
        identity = entry.run.identity
        return cls(status="running", owner=owner, name=entry.name, group=entry.group, identity=identity, run=entry.run)

    def changed(self, **values: Any) -> Record:
        return self.model_copy(update=values)

    def of(self, result: Result, *, scale: float, files: dict[str, str]) -> Record:
        """The record of the same run, finished."""
        summary = result.summary()
        return self.changed(
            **{name: getattr(result, name) for name in ("model", "data", "verdict", "seconds", "device", "versions")},
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
        """The status; a run that says `running`, and whose process is gone, is interrupted."""
        return "interrupted" if self.status == "running" and not self.trainer(root) else self.status

    def trainer(self, root: Path) -> str:
        """Which process trains the run, or ""."""
        return storage.holder(root / LOCKS / self.owner) if self.status == "running" and self.owner else ""

    def content(self, folder: Path) -> bytes:
        """What the `run.json` of a folder says.

        Raises:
            StorageError: a value breaks the format; what could not be read again is not to be written.
        """
        plain = finite(self.model_dump(mode="json"))
        _parsed(folder / RUN_FILE, plain)
        return storage.json_content(folder / RUN_FILE, plain)

    def result(self, folder: Path) -> Result:
        """The whole result, with the curve of `metrics.jsonl`.

        Raises:
            CorruptFile: the curve is damaged or does not have the epochs that were recorded.
        """
        if self.model is None or self.data is None or self.verdict is None or self.seconds is None:
            raise StorageError(f"{folder}: the run is {self.status}, and only a finished one has a result.")
        return Result(
            name=self.name,
            group=self.group,
            run=self.run,
            model=self.model,
            data=self.data,
            history=_history(folder / METRICS_FILE, self.epochs),
            verdict=self.verdict,
            seconds=self.seconds,
            device=self.device,
            folder=str(folder),
            versions=self.versions,
            pruned=self.status == "pruned",
        )


def write(records: Mapping[Path, Record]) -> None:
    """Put each record in its folder.

    Raises:
        StorageError: the disk said no, or a value breaks the format.
    """
    for few in together(list(records)):
        storage.write_all({folder / RUN_FILE: records[folder].content(folder) for folder in few})


def together(things: Sequence[T]) -> Iterator[Sequence[T]]:
    """The same in groups, for whose files the disk is waited for together."""
    return (things[first : first + TOGETHER] for first in range(0, len(things), TOGETHER))


def read(folder: Path) -> Record:
    """The record of a run's folder; its name is the folder's, whatever the file says.

    Raises:
        StorageError: there is none, or a newer seedbed wrote it.
        CorruptFile: it is damaged, or not what we write.
    """
    path = folder / RUN_FILE
    plain = storage.read_json(path, MOST_BYTES)
    if not isinstance(plain, dict):
        raise CorruptFile(f"{path}: it must hold a JSON object, and holds {type(plain).__name__}.")
    found = plain.get("format")
    if isinstance(found, int) and found > FORMAT:
        raise StorageError(f"{path}: a newer seedbed wrote it (format {found}; this one reads up to {FORMAT}). Update seedbed.")
    return _parsed(path, {**plain, "name": folder.name})


def folders(root: Path) -> Iterator[Path]:
    """The folders that hold a run, in the order of their names, `a.10` after `a.9`."""
    for name in sorted(storage.names(root), key=natural):
        if storage.is_file(root / name / RUN_FILE):
            yield root / name


def natural(name: str) -> list[tuple[int, str]]:
    """Sorts the numbers in names as numbers.

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
    """One printable line, not too long, of what a stranger may have written."""
    text = str(value)
    return "".join(letter if letter.isprintable() else "?" for letter in text[:200]) + ("..." if len(text) > 200 else "")


def _history(path: Path, epochs: int) -> History:
    rows = storage.read_lines(path)
    numbers = [row.pop("epoch", None) for row in rows]
    if numbers != list(range(1, epochs + 1)):
        raise CorruptFile(
            f"{path}: the run has {epochs} epochs, and the file has {len(rows)} sound rows or rows out of order. "
            f"Remove the run with `seedbed runs remove {path.parent.name}` and train it again."
        )
    for number, row in enumerate(rows, start=1):
        strange = [name for name, value in row.items() if not (value is None or type(value) in (int, float))]
        if strange:
            raise CorruptFile(f"{path}: line {number}: {_shown(strange[0])} is not a number.")
    try:
        return History.from_rows(rows)
    except OverflowError:
        raise CorruptFile(f"{path}: a number is too large.") from None
