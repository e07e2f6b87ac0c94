"""Trainings whose every epoch is judged on a large pool of held-out images."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from seedbed import data
from seedbed.data import Dataset, Part
from seedbed.specs import Conv, DataSpec, Dense, ModelSpec, Plan, RunSpec
from seedbed.statistics import losses


@dataclass(frozen=True)
class Case:
    """Networks trained on the same images.

    Attributes:
        name: images and networks in words.
        data: training images; the pool is made of the held-out ones.
        models: networks that train together.
        epochs: length of the training.
        seeds: number of trainings; each has its own seed, and on digits its own split.
        pool: number of held-out images; None takes all.
        plan: settings other than the length.
    """

    name: str
    data: DataSpec
    models: tuple[ModelSpec, ...]
    epochs: int
    seeds: int
    pool: int | None = None
    plan: Plan = field(default_factory=Plan)


@dataclass(frozen=True)
class Training:
    """One network's epochs on the pool: correct and loss of each image, `(epochs, images)`; its training losses `(epochs,)`."""

    case: str
    model: str
    correct: NDArray[np.bool_]
    losses: NDArray[np.float16]
    train_losses: NDArray[np.float64]


def _mnist(first: int | None, noise: float = 0.0) -> DataSpec:
    return DataSpec(name="mnist", protocol="handout", first=first, label_noise=noise)


DENSE = (Dense(hidden=(16,)), Dense(hidden=(200, 100)))
CASES = (
    Case("digits", DataSpec(name="digits"), DENSE, 400, 12),
    Case("digits, conv", DataSpec(name="digits"), (Conv(),), 200, 8),
    Case("digits, 20 % of labels wrong", DataSpec(name="digits", label_noise=0.2), DENSE, 200, 8),
    Case("digits, rate 0.01", DataSpec(name="digits"), DENSE, 200, 6, plan=Plan(learning_rate=1e-2)),
    Case("MNIST, 500 images", _mnist(500), DENSE, 300, 4),
    Case("MNIST, 1,000 images", _mnist(1_000), DENSE, 200, 4),
    Case("MNIST, 1,000 images, 20 % of labels wrong", _mnist(1_000, 0.2), DENSE, 80, 3, pool=6_000),
    Case("MNIST, 5,000 images", _mnist(5_000), DENSE, 60, 3, pool=6_000),
    Case("MNIST, 1,000 images, conv", _mnist(1_000), (Conv(),), 40, 2, pool=2_000),
    Case("MNIST, 1,000 images, dropout", _mnist(1_000), (Dense(dropout=0.5),), 100, 3, pool=6_000),
)


def trainings(case: Case, folder: Path | None = None) -> Iterator[Training]:
    """Train the case's networks, or read them from a folder in which they were kept."""
    for seed in range(case.seeds):
        path = folder and folder / f"{case.name.replace(' ', '_')}-{seed}.npz"
        if path and path.exists():
            with np.load(path) as file:
                correct, image_losses, train_losses = (file[name] for name in ("correct", "losses", "train_losses"))
        else:
            correct, image_losses, train_losses = _trained(case, seed)
            if path:
                path.parent.mkdir(parents=True, exist_ok=True)
                np.savez_compressed(path, correct=correct, losses=image_losses, train_losses=train_losses)
        for column, model in enumerate(case.models):
            yield Training(case.name, model.title, correct[:, column], image_losses[:, column], train_losses[:, column])


def _trained(case: Case, seed: int) -> tuple[NDArray[np.bool_], NDArray[np.float16], NDArray[np.float64]]:
    """Correct and losses `(epochs, models, images)`, and training losses `(epochs, models)`."""
    from seedbed.training.job import Job
    from seedbed.training.programs import Programs
    from seedbed.training.reports import Segment, Task

    class Watched(Job):
        """A job that hands out the logits of the last epoch."""

        @property
        def logits(self) -> NDArray[np.float32]:
            logits: NDArray[np.float32] = np.asarray(self._last_logits)[0]
            return logits

    dataset = _pooled(case, seed)
    plan = case.plan.changed(epochs=case.epochs)
    runs = tuple(RunSpec(model=model, plan=plan, data=dataset.spec, seed=seed) for model in case.models)
    job = Watched(Task("case", (runs,), save_every=None), dataset, Programs())
    labels = dataset.validation.labels
    correct, image_losses, train_losses = [], [], []
    for report in job.reports():
        if isinstance(report, Segment) and report.rows:
            judged = [_judged(own, labels) for own in job.logits[:, :, : len(labels)]]
            correct.append([right for right, _ in judged])
            image_losses.append(np.array([loss for _, loss in judged], np.float16))
            train_losses.append([report.rows[0, column]["train_loss"] for column in range(len(runs))])
    return np.array(correct, bool), np.array(image_losses), np.array(train_losses)


def _judged(logits: NDArray[np.float32], labels: NDArray[np.int32]) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    odds = np.exp(logits - logits.max(axis=0))
    probabilities = np.asarray((odds / odds.sum(axis=0)).T)
    return probabilities.argmax(axis=1) == labels, losses(probabilities, labels)


def _pooled(case: Case, seed: int) -> Dataset:
    """The images with all held-out ones as the validation part, or `case.pool` of them."""
    spec = case.data if case.data.protocol == "handout" else case.data.changed(split_seed=seed)
    dataset = data.load(spec)
    held: Sequence[Part] = [part for part in (dataset.validation, dataset.test) if part is not None]
    rows, labels = (np.concatenate([getattr(part, name) for part in held]) for name in ("rows", "labels"))
    order = np.argsort(rows)[: case.pool]
    return replace(dataset, validation=Part(held[0].pictures, rows[order], labels[order]), test=None)
