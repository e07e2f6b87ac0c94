"""What goes between the driver and a worker: tasks there, reports back. Nothing here imports jax."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from seedbed.errors import SeedbedError
from seedbed.models import Weights
from seedbed.records import History, ModelFacts
from seedbed.specs import Plan, RunSpec

if TYPE_CHECKING:
    from seedbed.training.pruning import Pruning

Row = dict[str, float]
Place = tuple[int, int]
"""Block and member, as numbered in the task."""


@dataclass(frozen=True)
class Task:
    """What a worker is to do.

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
    def program(self) -> str:
        """Tasks with equal values share their compiled programs."""
        first = self.blocks[0]
        images = first[0].data.changed(label_noise=0.0)
        parts = (len(self.blocks), [run.model.identity for run in first], first[0].plan.static, images)
        return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Checkpoint:
    """All that goes on is made of: arrays by `block.member/kind/name` in Keras's layouts, and the numbers beside them."""

    arrays: dict[str, NDArray[Any]]
    manifest: dict[str, Any]


@dataclass(frozen=True)
class Begun:
    """The job is set up: its device, epochs, and steps of an epoch."""

    device: str
    epochs: int
    steps_per_epoch: int


@dataclass(frozen=True)
class Segment:
    """A segment ended after `step` of the epoch's steps; `rows` holds an epoch's figures where it ended one."""

    epoch: int
    step: int
    rows: dict[Place, Row]


@dataclass(frozen=True)
class Outcome:
    """A member is finished: its best and last weights, and the answers of both networks to the validation images, `(n, C)`.

    One that was `pruned` was not trained to its end.
    """

    place: Place
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
    """The job was told to stop; the checkpoint before this report is where it goes on."""


@dataclass(frozen=True)
class Failed:
    """The job ended with an error; a traceback where it was not foreseen."""

    error: SeedbedError
    traceback: str = ""


Report = Begun | Segment | Checkpoint | Outcome | Stopped | Failed
