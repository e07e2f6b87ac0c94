"""What a contender is asked to do, as it travels to the contender's process, and what comes back."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

CLASSES = 10


@dataclass(frozen=True)
class Net:
    """One network to train once.

    Attributes:
        family: "dense"; "conv" for the exercise's convolutional net; or "keras" for a network of `bench/own_networks.py`.
        hidden: units of the hidden dense layers.
        activation: "relu", "tanh" or "sigmoid"; every contender has these.
        l2: the penalty is l2 * sum(w**2) over kernels.
        rate: Adam's.
        seed: of the initial weights and the order of the minibatches.
        own: of the family "keras", the function in `bench/own_networks.py`; only `rate` and `seed` count besides.
    """

    family: Literal["dense", "conv", "keras"] = "dense"
    hidden: tuple[int, ...] = (200, 100)
    activation: Literal["relu", "tanh", "sigmoid"] = "relu"
    l2: float = 0.0
    rate: float = 1e-3
    seed: int = 0
    own: str = ""

    @property
    def shape(self) -> tuple[Any, ...]:
        """Networks of equal shapes can share what was compiled."""
        return self.family, self.own, self.hidden, self.activation


@dataclass(frozen=True)
class Job:
    """Networks, images and epochs.

    Attributes:
        nets: what to train.
        epochs: of each.
        data: name of the data set; `first` keeps only so many training images.
        arrays: the folder with the same images for peers, see `prepare`.
        threads: that a process may use.
        device: "cpu" or "gpu".
        options: what only this contender knows.
    """

    nets: tuple[Net, ...]
    epochs: int = 10
    batch: int = 128
    data: str = "mnist"
    first: int | None = None
    protocol: Literal["honest", "handout"] = "honest"
    arrays: str = ""
    threads: int = 2
    device: Literal["cpu", "gpu"] = "cpu"
    options: dict[str, Any] = field(default_factory=dict)

    def text(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def of(cls, text: str) -> Self:
        facts = json.loads(text)
        nets = tuple(Net(**{**net, "hidden": tuple(net["hidden"])}) for net in facts.pop("nets"))
        return cls(nets=nets, **facts)

    def changed(self, **settings: Any) -> Job:
        return replace(self, **settings)


@dataclass(frozen=True)
class Answer:
    """What a contender's process measured itself.

    Attributes:
        epoch: seconds for one epoch of all its networks, compilation and warm-up apart; NaN where it cannot tell.
        warm: seconds of compilation and warm-up.
        accuracies: of each network on the validation images, after the last epoch.
        facts: anything else worth keeping.
    """

    epoch: float
    warm: float
    accuracies: list[float]
    facts: dict[str, Any] = field(default_factory=dict)


def take() -> Job:
    """The job that this process was given on its standard input."""
    return Job.of(sys.stdin.read())


def give(answer: Answer) -> None:
    """The last line of this process's standard output."""
    print(json.dumps(asdict(answer)), flush=True)


class Arrays(NamedTuple):
    """Images `(n, h, w, c)` float32 in [0, 1] and labels `(n,)` int64, as peers train on them."""

    images: NDArray[np.float32]
    labels: NDArray[np.int64]
    validation_images: NDArray[np.float32]
    validation_labels: NDArray[np.int64]


def prepare(job: Job, scratch: Path) -> Job:
    """The job with a folder of plain .npy files that hold the very images which seedbed trains and validates on."""
    from seedbed import data
    from seedbed.specs import DataSpec

    folder = scratch / "arrays" / f"{job.data}-{job.first}-{job.protocol}"
    if not folder.exists():
        dataset = data.load(DataSpec(name=job.data, first=job.first, protocol=job.protocol))
        folder.mkdir(parents=True)
        for name, part in (("train", dataset.train), ("validation", dataset.validation)):
            np.save(folder / f"{name}_images.npy", part.images)
            np.save(folder / f"{name}_labels.npy", part.labels)
        np.save(folder / "scale.npy", np.float32(dataset.scale))
    return job.changed(arrays=str(folder))


def arrays(job: Job) -> Arrays:
    """The images that `prepare` laid out, scaled."""
    folder = Path(job.arrays)
    scale = np.float32(np.load(folder / "scale.npy"))
    parts: list[Any] = []
    for name in ("train", "validation"):
        parts.append(np.load(folder / f"{name}_images.npy").astype(np.float32) / scale)
        parts.append(np.load(folder / f"{name}_labels.npy").astype(np.int64))
    return Arrays(*parts)


def steady(seconds: list[float]) -> tuple[float, float]:
    """Seconds of one epoch, and of the warm-up that the first epoch bore beyond that.

    Args:
        seconds: of each epoch, the first one with whatever had to be compiled.
    """
    if len(seconds) < 2:
        return float("nan"), float("nan")
    epoch = float(np.median(seconds[1:]))
    return epoch, max(0.0, seconds[0] - epoch)
