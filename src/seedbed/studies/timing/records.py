"""Timings as plain records, validated wherever they come from: another machine's file is a stranger's."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from seedbed.specs import Spec


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("it must hold nothing but printable characters, on one line")
    return text


Text = Annotated[str, Field(strict=True, min_length=1, max_length=160), AfterValidator(_printable)]
Time = Annotated[float, Field(strict=True, gt=0, lt=1e7, allow_inf_nan=False)]
Spent = Annotated[float, Field(strict=True, ge=0, lt=1e7, allow_inf_nan=False)]
Number = Annotated[int, Field(strict=True, ge=0, lt=2**60)]
Several = Annotated[int, Field(strict=True, ge=1, lt=2**31)]
Share = Annotated[float, Field(strict=True, ge=0, le=1, allow_inf_nan=False)]

Net = Literal["dense", "conv"]
Compiled = Literal["anew", "from the cache", "as found"]


class Images(Spec):
    """The images that were trained on: times compare where all of these but the name are equal."""

    name: Text
    train: Several
    validation: Several
    image_shape: tuple[Several, Several, Several]
    classes: Several

    @property
    def sizes(self) -> tuple[object, ...]:
        """All but the name."""
        return self.train, self.validation, self.image_shape, self.classes


class Device(Spec):
    """Something that networks can be trained on.

    Attributes:
        name: of a GPU as its driver calls it, of the CPU as its maker does.
        cores: that the CPU's workers may use; 0 of a GPU.
        memory: bytes; 0 where it is not known.
    """

    kind: Literal["cpu", "gpu"]
    name: Text
    cores: Number = 0
    memory: Number = 0


class Machine(Spec):
    """Where something was measured.

    Attributes:
        memory: bytes.
        versions: library -> version.
        devices: all that were measured.
        unusable: what was found and could not be used, with the reason.
    """

    system: Text
    python: Text
    memory: Number
    versions: dict[Text, Text] = Field(max_length=20)
    devices: tuple[Device, ...] = Field(min_length=1, max_length=64)
    unusable: tuple[Text, ...] = Field(default=(), max_length=64)


class Training(Spec):
    """One training from its beginning to its end, in workers that were started for it.

    Attributes:
        device: number among the machine's devices.
        nets: how many networks trained together, in `workers` processes side by side.
        setup: seconds until the workers were ready: processes, libraries, images.
        compiled: whether the programs were compiled "anew" or read "from the cache" of an earlier training; "as found" does
            not know.
        compile: seconds for that.
        epochs: seconds of each epoch of all networks together, their examination at its end included.
        whole: seconds from the first process's start to the last network's arrival.
        busy: the share of the processor that others used just before.
    """

    device: Number
    net: Net
    nets: Several
    workers: Several
    setup: Spent
    compiled: Compiled
    compile: Spent
    epochs: tuple[Time, ...] = Field(min_length=2, max_length=1000)
    whole: Time
    busy: Share


class Step(Spec):
    """Seconds of one step of training of one dense network: a minibatch of `batch_size` images."""

    device: Number
    hidden: tuple[Several, ...] = Field(min_length=1, max_length=16)
    batch_size: Several
    seconds: Time


class Timings(Spec):
    """What was measured on one machine.

    Attributes:
        measured: the day, as 2026-01-31.
        quick: by a preview of the study.
        epochs: of a whole training.
    """

    format: Literal[1] = 1
    measured: Text
    quick: bool
    images: Images
    epochs: Several
    machine: Machine
    trainings: tuple[Training, ...] = Field(max_length=1_000)
    steps: tuple[Step, ...] = Field(max_length=10_000)

    @model_validator(mode="after")
    def _devices_are_there(self) -> Self:
        named = [training.device for training in self.trainings] + [step.device for step in self.steps]
        highest = max(named, default=0)
        if highest >= len(self.machine.devices):
            raise ValueError(f"device {highest} is named, and there are {len(self.machine.devices)}")
        return self
