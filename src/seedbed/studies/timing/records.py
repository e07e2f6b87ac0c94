"""Times as validated records, and files of them; a file from another machine is not trusted."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from seedbed import storage
from seedbed.errors import SpecError
from seedbed.validation import Spec

MOST_BYTES = 32 << 20
MOST_DEVICES = 8
"""The most devices that a figure can distinguish."""


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("it must hold nothing but printable characters, on one line")
    return text


Text = Annotated[str, Field(strict=True, min_length=1, max_length=160), AfterValidator(_printable)]
Elapsed = Annotated[float, Field(strict=True, ge=0, lt=1e7, allow_inf_nan=False)]
Time = Annotated[Elapsed, Field(gt=0)]
BusyShare = Annotated[float, Field(strict=True, ge=0, le=1, allow_inf_nan=False)]
Number = Annotated[int, Field(strict=True, ge=0, lt=2**60)]
Several = Annotated[int, Field(strict=True, ge=1, lt=2**31)]
Net = Literal["dense", "conv"]
Compiled = Literal["anew", "from the cache", "as found"]


class TimedImages(Spec):
    """The images of a measurement: times are comparable where everything but the name is equal."""

    name: Text
    train: Several
    validation: Several
    image_shape: tuple[Several, Several, Several]
    classes: Several

    def __str__(self) -> str:
        shape = "x".join(map(str, self.image_shape))
        return f"{self.name} ({self.train:,} training images, {shape}, {self.classes} classes)"


class Device(Spec):
    """A processor or GPU, with the name that its maker gives it.

    Attributes:
        cores: cores that the CPU's workers may use; 0 for a GPU.
        memory: bytes; 0 where it is not known.
    """

    kind: Literal["cpu", "gpu"]
    name: Text
    cores: Number = 0
    memory: Number = 0


class Machine(Spec):
    """A computer with its devices.

    Attributes:
        memory: bytes.
        versions: library -> version.
        devices: measured devices.
        unusable: devices that were found and not measured, with the reason.
    """

    system: Text
    python: Text
    memory: Number
    versions: dict[Text, Text] = Field(max_length=20)
    devices: tuple[Device, ...] = Field(min_length=1, max_length=64)
    unusable: tuple[Text, ...] = Field(default=(), max_length=64)


class TimedTraining(Spec):
    """One training from start to end, in workers that were started for it.

    Attributes:
        device: index among the machine's devices.
        nets: number of networks that trained together, in `workers` processes side by side.
        setup: time until the workers were ready: processes, libraries, images (s).
        compiled: source of the programs: the compiler, the cache of an earlier training, or unknown ("as found").
        compile: time of compilation (s).
        epochs: time of each epoch of all networks together, with the evaluation at its end (s).
        whole: time from the first process's start to the last network's end (s).
        busy: share of the processor that other programs used just before.
    """

    device: Number
    net: Net
    nets: Several
    workers: Several
    setup: Elapsed
    compiled: Compiled
    compile: Elapsed
    epochs: tuple[Time, ...] = Field(min_length=2, max_length=1000)
    whole: Time
    busy: BusyShare

    @property
    def case(self) -> tuple[int, Net, int]:
        """The identity of repeats: device, kind of network, number of networks."""
        return self.device, self.net, self.nets

    @property
    def epoch(self) -> float:
        """The median epoch after the first, which is slower."""
        return statistics.median(self.epochs[1:])


class TimedStep(Spec):
    """Seconds of one training step of one dense network, on a minibatch of `batch_size` images."""

    device: Number
    hidden: tuple[Several, ...] = Field(min_length=1, max_length=16)
    batch_size: Several
    seconds: Time


class Timings(Spec):
    """All times of one machine.

    Attributes:
        measured: day, as 2026-01-31.
        quick: whether a preview of the study measured it.
        epochs: epochs of a whole training.
    """

    format: Literal[1] = 1
    measured: Text
    quick: bool
    images: TimedImages
    epochs: Several
    machine: Machine
    trainings: tuple[TimedTraining, ...] = Field(max_length=1_000)
    steps: tuple[TimedStep, ...] = Field(max_length=10_000)

    @model_validator(mode="after")
    def _devices_are_there(self) -> Self:
        highest = max([0, *(each.device for each in self.trainings), *(each.device for each in self.steps)])
        if highest >= len(self.machine.devices):
            raise ValueError(f"device {highest} does not exist; there are {len(self.machine.devices)}")
        return self


def read(path: Path) -> list[Timings]:
    """Read the timings in the output of `study device --json`, or in a page's results.json.

    Raises:
        StorageError: the file cannot be read, or is no JSON.
        SpecError: it holds no timings, or impossible ones.
    """
    machines = list(_machines(storage.read_json(path, MOST_BYTES)))
    if not machines:
        raise SpecError(f"--merge {path}: it holds no timings as `seedbed study device --json` writes them.")
    try:
        return [Timings(**machine) for machine in machines]
    except SpecError as error:
        raise SpecError(f"--merge {path}: these are no sound timings: {str(error)[:300]}") from None


def _machines(content: Any) -> Iterator[dict[str, Any]]:
    """The machines in the answer of a device study, alone or among a report's studies."""
    several = isinstance(content, dict) and isinstance(content.get("studies"), list)
    studies = content["studies"] if several else [content]
    for study in studies:
        match study:
            case {"study": "device", "parts": [*parts]}:
                for part in parts:
                    match part:
                        case {"data": {"machines": [*machines]}}:
                            yield from (machine for machine in machines if isinstance(machine, dict))


def joined(here: Timings, paths: Sequence[Path]) -> list[Timings]:
    """This machine's timings, then those of files, each once.

    Raises:
        StorageError, SpecError: as `read`; or the times were measured on other images, or on too many devices.
    """
    machines = [here]
    for path in paths:
        for other in read(path):
            if other.images.changed(name=here.images.name) != here.images:
                raise SpecError(
                    f"--merge {path}: it was measured on {other.images}, and this study is on {here.images}. Times are "
                    "comparable only on images of the same number and size: use the same --data, --protocol and --quick."
                )
            if other not in machines:
                machines.append(other)
    devices = sum(len(timings.machine.devices) for timings in machines)
    if devices > MOST_DEVICES:
        raise SpecError(f"--merge: at most {MOST_DEVICES} devices can be compared in one figure, and these are {devices}.")
    return machines
