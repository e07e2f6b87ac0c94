"""Messages between a page's server and the trainer, besides the events of training (`seedbed.training.events`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from seedbed.runs import NamedRun
from seedbed.specs import RunSpec

Outlook = Literal["finished", "interrupted", "failed"]

# To the trainer


@dataclass(frozen=True)
class PrepareRuns:
    """Compile what these runs need, so that their training begins at once."""

    runs: tuple[RunSpec, ...]


@dataclass(frozen=True)
class TrainEntries:
    """Train these runs, or continue them; a training that goes on is not disturbed, and this one follows."""

    entries: tuple[NamedRun, ...]
    resume: bool = False


@dataclass(frozen=True)
class StopTraining:
    """Save the training that goes on, and stop it."""


# From the trainer


@dataclass(frozen=True)
class TrainerReady:
    """The trainer waits for work, with workers that are warm for the runs that it last prepared."""


@dataclass(frozen=True)
class TrainingEnded:
    """A training ended, for a reason unless it is finished."""

    names: tuple[str, ...]
    how: Outlook
    reason: str = ""
