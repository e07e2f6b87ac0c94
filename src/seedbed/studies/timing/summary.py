"""Several machines' times as one: medians with their spread, and ratios that are tested together."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from seedbed.figures import words
from seedbed.statistics import Decision, Interval, decide, log_ratio
from seedbed.studies.timing.records import Device, Net, TimedTraining, Timings

Question = tuple[str, ...]
"""What is compared: kind, device, network and number, as far as there are any."""
Ratios = dict[Question, Decision]


@dataclass(frozen=True)
class Spread:
    """The median of several measurements with the lowest and the highest of them."""

    median: float
    low: float
    high: float
    n: int

    @classmethod
    def of(cls, values: Sequence[float], factor: float = 1.0) -> Spread:
        """The values' spread, times a factor."""
        return cls(factor * statistics.median(values), factor * min(values), factor * max(values), len(values))

    def __str__(self) -> str:
        """
        >>> str(Spread(0.45, 0.44, 0.5, 3))
        '0.45 (0.44 to 0.5)'
        """
        middle, low, high = (
            f"{value:.3g}" if value < 1000 else f"{value:,.0f}" for value in (self.median, self.low, self.high)
        )
        return middle if self.n == 1 else f"{middle} ({low} to {high})"


@dataclass(frozen=True)
class TimedCase:
    """The repeated trainings of `nets` networks of a kind together on one device."""

    net: Net
    nets: int
    repeats: Sequence[TimedTraining]
    timings: Timings

    def __str__(self) -> str:
        return f"{self.net} net alone" if self.nets == 1 else f"{self.nets} {self.net} nets together"

    @property
    def epochs(self) -> list[float]:
        """Seconds per network of an epoch after the first, the median of each repeat."""
        return [training.epoch / self.nets for training in self.repeats]

    @property
    def whole_measured(self) -> bool:
        """Whether a training was timed to its last epoch; else `whole` is the sum of its parts."""
        return any(one.compiled != "anew" and len(one.epochs) >= self.timings.epochs for one in self.repeats)

    @cached_property
    def seconds(self) -> dict[str, Spread | None]:
        """What takes time -> seconds for all networks together; None where it was not measured."""
        cached = [one for one in self.repeats if one.compiled != "anew"]
        later = self.timings.epochs - 1
        values = {
            "start": [one.setup for one in self.repeats],
            "compile_anew": [one.compile for one in self.repeats if one.compiled == "anew"],
            "compile_cached": [one.compile for one in cached],
            "first_epoch": [one.epochs[0] for one in self.repeats],
            "epoch": [one.epoch for one in self.repeats],
            "whole": [one.whole for one in cached if len(one.epochs) > later]
            or [one.setup + one.compile + one.epochs[0] + later * one.epoch for one in cached or self.repeats],
        }
        return {name: Spread.of(each) if each else None for name, each in values.items()}

    def median(self, *names: str) -> float:
        """The median of the first of these seconds that was measured."""
        return next((spread.median for name in names if (spread := self.seconds[name])), 0.0)

    @property
    def phases(self) -> list[float]:
        """Seconds of start, compilation, first epoch and other epochs, for all networks together."""
        later = (self.timings.epochs - 1) * self.median("epoch")
        return [self.median("start"), self.median("compile_cached", "compile_anew"), self.median("first_epoch"), later]

    @property
    def images_per_second(self) -> float:
        """Training images of all networks; the evaluation of each epoch counts as time."""
        return self.timings.images.train / statistics.median(self.epochs)


@dataclass(frozen=True)
class TimedDevice:
    """A device of one of the machines, with the times of what was measured on this machine, too.

    Attributes:
        label: unlike every other device's.
        steps: hidden units, batch size -> seconds of a step, measurement by measurement.
    """

    label: str
    device: Device
    timings: Timings
    cases: Sequence[TimedCase]
    steps: Mapping[tuple[tuple[int, ...], int], list[float]]

    @property
    def times(self) -> dict[Question, list[float]]:
        """Everything that is compared: kind of time, network, how many together or batch size -> seconds per network."""
        epochs = {("devices", case.net, str(case.nets)): case.epochs for case in self.cases}
        return epochs | {("steps", words.value(hidden), str(size)): seconds for (hidden, size), seconds in self.steps.items()}


def devices(machines: Sequence[Timings]) -> list[TimedDevice]:
    """The devices of all machines, the first machine's first."""
    here = [dict.fromkeys(one.case[1:] for one in several) for several in (machines[0].trainings, machines[0].steps)]
    found = [(timings, number, device) for timings in machines for number, device in enumerate(timings.machine.devices)]
    names = [_name(device) for *_, device in found]
    summaries = []
    for place, (timings, number, device) in enumerate(found):
        trainings = {case: [one for one in timings.trainings if one.case == (number, *case)] for case in here[0]}
        steps = {size: [one.seconds for one in timings.steps if one.case == (number, *size)] for size in here[1]}
        cases = [TimedCase(*case, repeats, timings) for case, repeats in trainings.items() if repeats]
        count = f" ({names[: place + 1].count(names[place])})" if names.count(names[place]) > 1 else ""
        known = {size: seconds for size, seconds in steps.items() if seconds}
        summaries.append(TimedDevice(names[place] + count, device, timings, cases, known))
    return summaries


def _name(device: Device) -> str:
    name = device.name if len(device.name) <= 36 else device.name[:35].rstrip() + "…"
    return f"CPU {name}, {device.cores} cores" if device.kind == "cpu" else f"GPU {name}"


def ratios(several: Sequence[TimedDevice]) -> Ratios:
    """How many times longer one takes than another, where both were measured twice; shown where the interval excludes 1.

    Every device is compared with the first, networks alone with several together, the conv net with the dense one.
    """
    pairs: dict[Question, tuple[list[float], list[float]]] = {}
    for one in several:
        for (kind, net, number), seconds in one.times.items():
            alone = one.times.get((kind, net, "1"), [])
            if one is not several[0]:
                pairs[kind, one.label, net, number] = seconds, several[0].times.get((kind, net, number), [])
            if kind == "devices" and number != "1":
                pairs["together", one.label, net] = alone, seconds
            elif net == "conv":
                pairs["conv", one.label] = seconds, one.times.get((kind, "dense", "1"), [])
    known = {name: pair for name, pair in pairs.items() if min(map(len, pair)) > 1}
    verdicts = decide([log_ratio(*pair) for pair in known.values()]) if known else []
    return {name: _of_ratio(verdict) for name, verdict in zip(known, verdicts, strict=True)}


def _of_ratio(verdict: Decision) -> Decision:
    """The verdict on a logarithm as one on the ratio."""
    log = verdict.interval
    return replace(verdict, interval=Interval(math.exp(log.mean), math.exp(log.low), math.exp(log.high), log.n))
