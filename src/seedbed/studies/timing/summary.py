"""What timings say: medians with their spread, and ratios with intervals that are corrected over all that are asked."""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from seedbed.figures import words
from seedbed.statistics import Decision, Interval, decide, log_ratio
from seedbed.studies.timing.records import Device, Net, Timings, Training


@dataclass(frozen=True)
class Spread:
    """The median of several measurements with the lowest and the highest of them."""

    median: float
    low: float
    high: float
    n: int

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        return cls(statistics.median(values), min(values), max(values), len(values))

    @property
    def three(self) -> tuple[float, float, float]:
        return self.median, self.low, self.high

    def scaled(self, factor: float) -> Spread:
        return Spread(factor * self.median, factor * self.low, factor * self.high, self.n)


Size = tuple[tuple[int, ...], int]
"""Hidden units and batch size."""


@dataclass(frozen=True, eq=False)
class Place:
    """A device of one of the machines.

    Attributes:
        label: unlike that of every other device here.
        number: among its machine's devices.
    """

    timings: Timings
    number: int
    label: str

    @property
    def device(self) -> Device:
        return self.timings.machine.devices[self.number]

    def trainings(self, net: Net, nets: int) -> list[Training]:
        wanted = (self.number, net, nets)
        return [one for one in self.timings.trainings if (one.device, one.net, one.nets) == wanted]

    def steps(self) -> dict[Size, list[float]]:
        """Seconds a step, measurement by measurement."""
        found: dict[Size, list[float]] = {}
        for step in self.timings.steps:
            if step.device == self.number:
                found.setdefault((step.hidden, step.batch_size), []).append(step.seconds)
        return found


def places(several: Sequence[Timings]) -> list[Place]:
    """All devices of all machines, this one's first."""
    found = [(timings, number) for timings in several for number in range(len(timings.machine.devices))]
    names = [_called(timings.machine.devices[number]) for timings, number in found]
    twice = {name for name, count in Counter(names).items() if count > 1}
    seen: Counter[str] = Counter()
    labelled = []
    for (timings, number), name in zip(found, names, strict=True):
        seen[name] += 1
        labelled.append(Place(timings, number, f"{name} ({seen[name]})" if name in twice else name))
    return labelled


def _called(device: Device) -> str:
    name = device.name if len(device.name) <= 36 else device.name[:35].rstrip() + "…"
    return f"CPU {name}, {device.cores} cores" if device.kind == "cpu" else f"GPU {name}"


@dataclass(frozen=True, eq=False)
class Speed:
    """So many networks of a kind, trained together on a device: where their time goes, in seconds.

    Attributes:
        epochs: of each repeat the median epoch after the first, of all networks together.
        epoch, first, setup: over the repeats; `first` is the first epoch.
        anew, cached: compiling afresh, and with what was compiled before; None where that was not measured.
        whole: of a training of all epochs; `measured` says whether one was, else it is the sum of its parts.
    """

    place: Place
    net: Net
    nets: int
    epochs: Sequence[float]
    first: Spread
    setup: Spread
    anew: Spread | None
    cached: Spread | None
    whole: Spread
    measured: bool
    whole_epochs: int

    @property
    def trainings(self) -> list[Training]:
        return self.place.trainings(self.net, self.nets)

    @property
    def epoch(self) -> Spread:
        return Spread.of(self.epochs)

    @property
    def compile(self) -> float:
        """The compilation of a training whose programs were compiled before, if that is known."""
        known = self.cached or self.anew
        return known.median if known else 0.0

    @property
    def images(self) -> float:
        """Training images a second, of all networks together; each epoch's examination counts as time."""
        return self.nets * self.place.timings.images.train / self.epoch.median


def speeds(several: Sequence[Place]) -> list[Speed]:
    """Every case that was measured, device by device."""
    found = []
    for place in several:
        cases = {(one.net, one.nets): None for one in place.timings.trainings if one.device == place.number}
        found += [_speed(place, net, nets) for net, nets in cases]
    return found


def _speed(place: Place, net: Net, nets: int) -> Speed:
    trainings, epochs = place.trainings(net, nets), place.timings.epochs
    later = [statistics.median(one.epochs[1:]) for one in trainings]
    compiled = {
        how: Spread.of(times) if (times := [one.compile for one in trainings if one.compiled == how]) else None
        for how in ("anew", "from the cache", "as found")
    }
    whole = [one.whole for one in trainings if len(one.epochs) >= epochs and one.compiled != "anew"]
    summed = [
        one.setup + one.compile + one.epochs[0] + (epochs - 1) * epoch
        for one, epoch in zip(trainings, later, strict=True)
        if one.compiled != "anew" or len(trainings) == 1
    ]
    return Speed(
        place,
        net,
        nets,
        later,
        Spread.of([one.epochs[0] for one in trainings]),
        Spread.of([one.setup for one in trainings]),
        compiled["anew"],
        compiled["from the cache"] or compiled["as found"],
        Spread.of(whole or summed or [sum((one.setup, one.compile, *one.epochs)) for one in trainings]),
        bool(whole),
        epochs,
    )


Question = tuple[str, ...]


def ratios(asked: Mapping[Question, tuple[Sequence[float], Sequence[float]]]) -> dict[Question, Ratio]:
    """How many times larger the first values of each question are than the second; those with one measurement are left out."""
    known = {name: pair for name, pair in asked.items() if min(map(len, pair)) > 1}
    verdicts = decide([log_ratio(*pair) for pair in known.values()]) if known else []
    return {name: Ratio.of(verdict) for name, verdict in zip(known, verdicts, strict=True)}


@dataclass(frozen=True)
class Ratio:
    """How many times larger one is than another; `shown` where the corrected interval excludes 1."""

    interval: Interval
    shown: bool
    confidence: float

    @classmethod
    def of(cls, verdict: Decision) -> Ratio:
        found = verdict.interval
        mean, low, high = (math.exp(value) for value in (found.mean, *found.pair()))
        return cls(Interval(mean, low, high, found.n), verdict.shown, 0.95)

    def as_json(self) -> dict[str, object]:
        return {
            "ratio": self.interval.mean,
            "interval": self.interval.pair(),
            "confidence": self.confidence,
            "shown": self.shown,
            "n": self.interval.n,
        }


@dataclass(frozen=True, eq=False)
class Found:
    """All that was measured, here first.

    Attributes:
        here: this machine's timings.
        others: those that were measured elsewhere.
    """

    here: Timings
    others: Sequence[Timings]

    @cached_property
    def places(self) -> list[Place]:
        return places([self.here, *self.others])

    @cached_property
    def speeds(self) -> list[Speed]:
        """Of the cases that were measured here."""
        here = {(one.net, one.nets) for one in self.here.trainings}
        return [one for one in speeds(self.places) if (one.net, one.nets) in here]

    def steps(self, place: Place) -> dict[Size, list[float]]:
        """Seconds a step, measurement by measurement, of the sizes that were measured here."""
        here = self.places[0].steps()
        found = place.steps()
        return {size: found[size] for size in here if size in found}

    @cached_property
    def ratios(self) -> dict[Question, Ratio]:
        """Everything that may be called faster or slower, corrected together."""
        asked = _of_trainings(self.speeds) | _of_steps(self.places)
        return ratios(asked)


def _of_trainings(several: Sequence[Speed]) -> dict[Question, tuple[Sequence[float], Sequence[float]]]:
    """Time per network: alone over together, conv over dense, and every device over the first."""
    asked: dict[Question, tuple[Sequence[float], Sequence[float]]] = {}
    for one in several:
        each = [epoch / one.nets for epoch in one.epochs]
        for other in several:
            same_place, same_net = other.place is one.place, other.net == one.net
            if same_place and same_net and one.nets == 1 < other.nets:
                asked["together", one.place.label, one.net] = each, [epoch / other.nets for epoch in other.epochs]
            if same_place and one.nets == other.nets == 1 and (one.net, other.net) == ("conv", "dense"):
                asked["conv", one.place.label] = each, other.epochs
            if other.place is several[0].place is not one.place and same_net and one.nets == other.nets:
                asked["devices", one.place.label, one.net, str(one.nets)] = one.epochs, other.epochs
    return asked


def _of_steps(several: Sequence[Place]) -> dict[Question, tuple[Sequence[float], Sequence[float]]]:
    """Seconds a step of every device over the first one's."""
    first = several[0].steps()
    return {
        ("steps", place.label, words.value(hidden), str(size)): (times, first[hidden, size])
        for place in several[1:]
        for (hidden, size), times in place.steps().items()
        if (hidden, size) in first
    }
