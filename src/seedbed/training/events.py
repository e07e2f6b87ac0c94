"""Events while networks train, for the callback `on_event`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray


@dataclass(frozen=True)
class Started:
    """A population started to train: its runs, device, epochs, and steps per epoch."""

    names: tuple[str, ...]
    device: str
    epochs: int
    steps_per_epoch: int


@dataclass(frozen=True)
class Progress:
    """A segment ended.

    Attributes:
        names: names of the population's runs.
        epoch, epochs: current epoch, from 1, and number of epochs.
        step, steps: steps taken in this epoch, and number of steps per epoch.
        rows: run -> its metrics if this segment ended an epoch; else empty.
        seconds_left: estimated time left for the whole call of `train_runs` (s); None before there is an estimate.
        glance: training loss and validation accuracy on one batch each, within a long epoch of a single run; else None.
    """

    names: tuple[str, ...]
    epoch: int
    epochs: int
    step: int
    steps: int
    rows: dict[str, dict[str, float]]
    seconds_left: float | None
    glance: Mapping[str, float] | None = None


@dataclass(frozen=True)
class Snapshot:
    """A run's weights at the end of an epoch, named and laid out as in Keras, for those who look on (`Execution.snapshots`)."""

    name: str
    epoch: int
    weights: Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class Done:
    """A run is finished and stored."""

    name: str


@dataclass(frozen=True)
class Copied:
    """A run was there under another name, and was copied: the same settings, data and seed."""

    name: str
    source: str


@dataclass(frozen=True)
class Note:
    """A message for the user, such as a worker that died and was replaced, or a damaged checkpoint."""

    text: str


@dataclass(frozen=True)
class StageStarted:
    """A stage of a search or report starts: a description, and its number of runs."""

    text: str
    runs: int = 0


@dataclass(frozen=True)
class Finding:
    """A result of a stage of a search or report."""

    text: str


@dataclass(frozen=True)
class FigureDrawn:
    """Another figure of a page is drawn: how many are, and of how many."""

    done: int
    total: int


Event = Started | Progress | Snapshot | Done | Copied | Note | StageStarted | Finding | FigureDrawn
OnEvent = Callable[[Event], None]


def ignore(event: Event) -> None:
    """Do nothing; the default for `on_event`."""
