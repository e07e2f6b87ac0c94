"""A finished run on its way into the run store: its files, and the record that commits them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from numpy.typing import NDArray

from seedbed import storage
from seedbed.errors import RunError
from seedbed.models import trust
from seedbed.records import DataFacts, Result, finite
from seedbed.runs.arrays import npz, safetensors_pieces
from seedbed.runs.record import NETWORK_FOLDER, PREDICTIONS_FILE, NamedRun, Record
from seedbed.specs import ModelSpec

Which = Literal["best", "last"]
EpochChoice = Which | int
"""Weights of the best epoch, of the last, or of a numbered one that the plan keeps."""


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
        facts = metadata(self.result.run.model, self.result.data, self.scale)
        kinds = {"best": self.best, "last": self.last, "optimizer": self.optimizer}
        stored = {weights_file(which): weights for which, weights in kinds.items() if weights}
        stored |= {weights_file(epoch): weights for epoch, weights in self.epochs.items()}
        files: dict[str, storage.FileContent] = {file: safetensors_pieces(weights, facts) for file, weights in stored.items()}
        if self.predictions:
            files[PREDICTIONS_FILE] = npz(self.predictions)
        network = trust.contents(self.result.run.model) if stored else {}
        return files | {f"{NETWORK_FOLDER}/{name}": content for name, content in network.items()}

    def record(self, named: Result, files: Mapping[str, storage.FileContent | Path]) -> Record:
        """The record that commits the run with these files: path below its folder -> content, or the file itself."""
        digests = {file: storage.sha256(content) for file, content in files.items()}
        return Record.begun(self.entry, "").of(named, scale=self.scale, files=digests)


def metadata(model: ModelSpec, facts: DataFacts, scale: float) -> dict[str, str]:
    """What a file of weights says about its network, so that it can be read without the run."""
    return {
        "model": json.dumps(model.plain()),
        "classes": json.dumps(facts.classes),
        "image_shape": json.dumps(facts.image_shape),
        "scale": repr(float(scale)),
    }


def weights_file(which: EpochChoice | str) -> str:
    return f"weights/{f'epoch-{which:05}' if isinstance(which, int) else which}.safetensors"
