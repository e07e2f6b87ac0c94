"""Continuation of a finished run: the same run with more epochs, as if it had been that long from the start.

While it trains, the finished result stays in the folder `before` in the run's own folder, and all commands read it there; it is
removed when the longer run is finished.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from seedbed import storage
from seedbed.errors import StorageError
from seedbed.records import NO_SCORE, EpochColumns, History, epoch_scores, watched
from seedbed.runs.arrays import Arrays, checked_digest, read_safetensors
from seedbed.runs.record import METRICS_FILE, RUN_FILE, Record, read, read_history
from seedbed.specs import Plan, RunSpec

BEFORE = "before"
OPTIMIZER_FILE = "weights/optimizer.safetensors"

ARRAYS = {"best": "weights/best.safetensors", "weights": "weights/last.safetensors"}
"""Kind of a checkpoint's arrays -> file."""


@dataclass(frozen=True)
class FinishedState:
    """All that is needed to go on with a finished run.

    Attributes:
        arrays: `kind/name` -> array, as in a population's checkpoint.
        history: metrics of the epochs so far.
        seconds: training time so far (s).
        form: form of its computing, "" if it is not known.
    """

    arrays: Arrays
    history: History
    seconds: float
    form: str = ""


def is_longer(there: RunSpec, here: RunSpec) -> bool:
    """Whether `here` is `there` with more epochs, or with another patience."""
    plan = there.plan.changed(epochs=here.plan.epochs, patience=here.plan.patience)
    return there != here == there.changed(plan=plan) and here.plan.epochs >= there.plan.epochs


def hindrance(folder: Path, record: Record, plan: Plan) -> str:
    """The reason why a finished run cannot go on with a longer plan; "" if it can."""
    if plan.schedule != "constant":
        return f"its learning rate followed the schedule {plan.schedule!r} to its end after {record.run.plan.epochs} epochs"
    if record.files and OPTIMIZER_FILE not in record.files:
        return "it has no optimizer state, which an older seedbed did not keep"
    if not record.files:
        return "it has no weights, because a search trained it"
    ended = _end(read_history(folder / METRICS_FILE, record.epochs), plan)
    if ended < record.epochs:
        return f"with a patience of {plan.patience} it would have ended after {ended} of its {record.epochs} epochs"
    return ""


def is_over(history: History, plan: Plan) -> bool:
    """Whether a run with this history has nothing left to train: it diverged, or its patience is exhausted."""
    diverged = not all(np.isfinite(history[name][-1]) for name in ("train_loss", "train_penalty", "validation_loss"))
    return diverged or _end(history, plan) <= history.epochs


def _end(history: History, plan: Plan) -> float:
    """The epoch after which patience ends a run with this history; infinity if it does not."""
    best, at = NO_SCORE, 0
    for epoch, score in enumerate(epoch_scores(history, watched(plan.select), EpochColumns.of(plan)), start=1):
        if score > best:
            best, at = score, epoch
        if 0 < plan.patience <= epoch - at:
            return epoch
    return math.inf


def keep_aside(folders: Iterable[Path]) -> None:
    """Copy the finished results in these folders to where they stay while the runs go on; the records are written last."""
    for folder in folders:
        storage.remove_tree(folder / BEFORE)
        files = [METRICS_FILE, *read(folder).files]
        storage.write_all({folder / BEFORE / file: (folder / file).read_bytes() for file in files})
        storage.write(folder / BEFORE / RUN_FILE, (folder / RUN_FILE).read_bytes())


def current(folder: Path) -> tuple[Path, Record]:
    """Folder and record of the result under a run's name: the run's own, or while it goes on, the one from before."""
    record = read(folder)
    before = None if record.ended else kept_aside(folder)
    return (folder / BEFORE, before) if before else (folder, record)


def kept_aside(folder: Path) -> Record | None:
    """The record of the finished result that is kept while a run goes on; None if there is none, or it is damaged."""
    if not storage.is_file(folder / BEFORE / RUN_FILE):
        return None
    try:
        record = read(folder / BEFORE, folder.name)
    except StorageError:
        return None
    return record if record.ended else None


def finished_state(folder: Path) -> FinishedState:
    """Load what is needed to go on with the finished result that is kept in a run's folder.

    Raises:
        StorageError, CorruptFile: it cannot be read.
    """
    record, place = read(folder / BEFORE, folder.name), folder / BEFORE
    arrays: Arrays = {}
    for kind, file in ARRAYS.items():
        arrays |= {f"{kind}/{name}": array for name, array in _checked(place, record, file).items()}
    arrays |= _checked(place, record, OPTIMIZER_FILE)
    seconds = record.seconds.training if record.seconds else 0.0
    return FinishedState(arrays, read_history(place / METRICS_FILE, record.epochs), seconds, record.form)


def _checked(place: Path, record: Record, file: str) -> Arrays:
    checked_digest(place / file, record.files[file])
    return read_safetensors(place / file)
