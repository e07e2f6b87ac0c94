"""What happens while networks train."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Started:
    """A population began to train: its runs, where, and how long an epoch is."""

    names: tuple[str, ...]
    device: str
    epochs: int
    steps_per_epoch: int


@dataclass(frozen=True)
class Progress:
    """A segment ended.

    Attributes:
        names: the runs of the population.
        epoch, epochs: epochs begun, counted from 1, and in all.
        step, steps: steps taken in this epoch, and in all of it.
        rows: run -> its metrics, where this segment ended an epoch; else empty.
        seconds_left: an estimate for the whole call of `train_runs`, None before there is one.
    """

    names: tuple[str, ...]
    epoch: int
    epochs: int
    step: int
    steps: int
    rows: dict[str, dict[str, float]]
    seconds_left: float | None


@dataclass(frozen=True)
class Done:
    """A run is finished and stored."""

    name: str


@dataclass(frozen=True)
class Note:
    """Something that the user should know: a worker that died and was replaced, a checkpoint that was damaged."""

    text: str


@dataclass(frozen=True)
class StageStarted:
    """The next stage of a search or report begins: what it does, and its number of runs."""

    text: str
    runs: int = 0


@dataclass(frozen=True)
class Finding:
    """What a stage of a search or report found."""

    text: str


Event = Started | Progress | Done | Note | StageStarted | Finding
OnEvent = Callable[[Event], None]


def ignore(event: Event) -> None:
    """The callback of callers that want no events."""
