"""What one call of `train_runs` asks for, with its images found, and what can be wrong with it checked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from seedbed import data
from seedbed.data import Dataset
from seedbed.errors import SpecError
from seedbed.models import trust
from seedbed.runs import Entry
from seedbed.scheduler.execution import Execution
from seedbed.specs import DataSpec, Keras
from seedbed.training.pruning import Pruning


@dataclass(frozen=True)
class Request:
    """What one call asks for; see `train_runs`.

    Attributes:
        entries: all runs, the finished ones too; their data specs are resolved.
        datasets: the images of each data spec.
    """

    entries: Sequence[Entry]
    execution: Execution
    datasets: dict[DataSpec, Dataset]
    save_every: float | None
    pruning: Pruning | None
    metrics_only: bool

    @classmethod
    def of(
        cls,
        entries: Sequence[Entry],
        execution: Execution,
        *,
        save_every: float | None,
        pruning: Pruning | None,
        metrics_only: bool,
    ) -> Request:
        """Resolve the data specs, and find the images.

        Raises:
            DataError: the images cannot be had.
            SpecError: a minibatch of more images than there are.
        """
        specs = {spec: data.resolve(spec) for spec in {entry.run.data: None for entry in entries}}
        for model in {entry.run.model: None for entry in entries if isinstance(entry.run.model, Keras)}:
            trust.remember(model)
        resolved = [Entry(e.name, e.group, e.run.changed(data=specs[e.run.data])) for e in entries]
        datasets = {spec: data.load(spec) for spec in specs.values()}
        for entry in resolved:
            size, images = entry.run.plan.batch_size, len(datasets[entry.run.data].train)
            if not size <= images:
                raise SpecError(
                    f"batch_size = {size}: it must be at most {images}, the training images of {entry.run.data.name}."
                )
        return cls(resolved, execution, datasets, save_every, pruning, metrics_only)
