"""What goes between the driver and a worker: tasks there, reports back. Nothing here imports jax."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seedbed.errors import SeedbedError
from seedbed.models import Weights
from seedbed.records import History, ModelFacts
from seedbed.specs import Plan, RunSpec
from seedbed.training.members import EpochMetrics, JobState, Member
from seedbed.training.pruning import Pruning


@dataclass(frozen=True)
class Task:
    """A population to train, in one worker.

    Attributes:
        key: the population's name in the home.
        blocks: the runs, one tuple a seed; all blocks hold the same settings in the same order.
        save_every: seconds between checkpoints; None never saves.
        resume: where to go on.
        pruning: at which epochs the worse members stop; None trains all of them whole.
    """

    key: str
    blocks: tuple[tuple[RunSpec, ...], ...]
    save_every: float | None = 30.0
    resume: Checkpoint | None = None
    pruning: Pruning | None = None

    @property
    def plan(self) -> Plan:
        """One of the plans; their static parts are equal."""
        return self.blocks[0][0].plan

    @property
    def runs(self) -> list[tuple[Member, RunSpec]]:
        """All runs with their numbers."""
        return [((b, m), run) for b, block in enumerate(self.blocks) for m, run in enumerate(block)]

    @property
    def epochs(self) -> int:
        """Epochs of the longest run."""
        return max(run.plan.epochs for _, run in self.runs)

    @property
    def program(self) -> str:
        """Tasks with equal values share their compiled programs."""
        first = self.blocks[0]
        images = first[0].data.changed(label_noise=0.0)
        parts = (len(self.blocks), [run.model.identity for run in first], first[0].plan.static, images)
        return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Checkpoint:
    """Where a job goes on: arrays by `block.setting/kind/name` in Keras's layouts, and the numbers that go with them."""

    arrays: dict[str, NDArray[Any]]
    state: JobState


@dataclass(frozen=True)
class Begun:
    """The job is set up: its device, epochs, and steps of an epoch."""

    device: str
    epochs: int
    steps_per_epoch: int


@dataclass(frozen=True)
class Segment:
    """A segment ended after `step` of the epoch's `steps`; `rows` holds an epoch's metrics where it ended one."""

    epoch: int
    step: int
    steps: int
    rows: dict[Member, EpochMetrics]


@dataclass(frozen=True)
class Outcome:
    """A member is finished: its best and last weights, and both networks' predictions for the validation images, `(n, C)`.

    One that was `pruned` was not trained to its end.
    """

    member: Member
    history: History
    model: ModelFacts
    best: Weights
    last: Weights
    probabilities: NDArray[np.float32]
    last_probabilities: NDArray[np.float32]
    stopped_early: bool
    pruned: bool
    device: str
    compile_seconds: float
    training_seconds: float


@dataclass(frozen=True)
class Stopped:
    """The job was stopped; the checkpoint before this report is where it goes on."""


@dataclass(frozen=True)
class Failed:
    """The job ended with an error; a traceback where it was not foreseen."""

    error: SeedbedError
    traceback: str = ""


JobReport = Begun | Segment | Checkpoint | Outcome | Stopped | Failed
