"""Messages between the driver and a worker: tasks, and reports in return. Without JAX."""

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
    """A population to train in one worker.

    Attributes:
        key: name of the population in the run store.
        blocks: runs, one tuple per seed; all blocks hold the same settings in the same order.
        save_every: time between checkpoints (s). None means no checkpoints.
        resume: checkpoint to continue from. None means a new population.
        pruning: epochs at which the worse members stop. None trains all members to the end.
        snapshots: time between reports of all members' weights (s). None reports those alone that a plan keeps.
        memory: memory of the worker (bytes). None means unknown.
    """

    key: str
    blocks: tuple[tuple[RunSpec, ...], ...]
    save_every: float | None = 30.0
    resume: Checkpoint | None = None
    pruning: Pruning | None = None
    snapshots: float | None = None
    memory: int | None = None

    @property
    def plan(self) -> Plan:
        """Plan of the first run; the static parts of all plans are equal."""
        return self.blocks[0][0].plan

    @property
    def runs(self) -> list[tuple[Member, RunSpec]]:
        """All runs with their member numbers."""
        return [((b, m), run) for b, block in enumerate(self.blocks) for m, run in enumerate(block)]

    @property
    def epochs(self) -> int:
        """Number of epochs of the longest run."""
        return max(run.plan.epochs for _, run in self.runs)

    @property
    def program(self) -> str:
        """Key of the compiled programs: tasks with equal keys share them."""
        first = self.blocks[0]
        data = first[0].data
        images = data.changed(label_noise=0.0, permutation=None, first=None, fold=data.fold and (0, data.fold[1]))
        parts = (len(self.blocks), [run.model.identity for run in first], first[0].plan.static, images)
        return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Checkpoint:
    """Checkpoint of a job: arrays by `block.setting/kind/name` in Keras's layouts, and the job's state."""

    arrays: dict[str, NDArray[Any]]
    state: JobState


@dataclass(frozen=True)
class Begun:
    """The job begins: device, number of epochs, steps per epoch, notes for the user, and remarks on networks of their own."""

    device: str
    epochs: int
    steps_per_epoch: int
    notes: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Segment:
    """A segment ended after `step` of the epoch's `steps`.

    `rows` holds the metrics if the epoch is complete. Within a long epoch of a single run, `glance` holds the training loss and
    the validation accuracy, measured on one batch of images each.
    """

    epoch: int
    step: int
    steps: int
    rows: dict[Member, EpochMetrics]
    glance: EpochMetrics | None = None


@dataclass(frozen=True)
class EpochWeights:
    """A member's weights at the end of an epoch; the plan keeps them, or the task asks for snapshots."""

    member: Member
    epoch: int
    weights: Weights


@dataclass(frozen=True)
class Outcome:
    """A member ended: best and last weights, and both networks' predictions for the validation images, `(n, C)`.

    `optimizer` holds what else a checkpoint has of the member; it is empty where the schedule is at its end. A `pruned` member
    was not trained to its last epoch. `form` is that of its computing.
    """

    member: Member
    history: History
    model: ModelFacts
    best: Weights
    last: Weights
    optimizer: dict[str, NDArray[Any]]
    probabilities: NDArray[np.float32]
    last_probabilities: NDArray[np.float32]
    pruned: bool
    device: str
    compile_seconds: float
    training_seconds: float
    form: str = ""


@dataclass(frozen=True)
class Stopped:
    """The job was stopped; it can be continued from the checkpoint before this report."""


@dataclass(frozen=True)
class Failed:
    """The job failed; the traceback is given for unexpected errors."""

    error: SeedbedError
    traceback: str = ""


JobReport = Begun | Segment | EpochWeights | Checkpoint | Outcome | Stopped | Failed
