"""The times of several machines together: medians with their spread, and ratios of times that are tested together."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from seedbed import words
from seedbed.statistics import Decision, decide, log_ratio
from seedbed.studies.timing.records import Device, Net, TimedTraining, Timings

Ratios = dict[tuple[str, ...], Decision]
"""Kind of comparison, device, and the network with its number, if there is one -> ratio of times."""


@dataclass(frozen=True)
class Spread:
    """The median of several measurements with the lowest and the highest of them."""

    median: float
    low: float
    high: float
    n: int

    @classmethod
    def of(cls, values: Sequence[float], factor: float = 1.0) -> Spread:
        """The spread of values, times a factor."""
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
    """Repeated trainings of `nets` networks of a kind together, on the device of this label."""

    device: str
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
    def images_per_second(self) -> float:
        """Training images of all networks; the evaluation of each epoch counts as time."""
        return self.timings.images.train / statistics.median(self.epochs)

    @cached_property
    def _cached(self) -> list[TimedTraining]:
        """Trainings with programs that were compiled before."""
        return [training for training in self.repeats if training.compiled != "anew"]

    @cached_property
    def wholes(self) -> list[float]:
        """Seconds of trainings that were measured to their last epoch, with programs compiled before."""
        whole = self.timings.epochs
        return [each.whole for each in self._cached if len(each.epochs) >= whole]

    @cached_property
    def seconds(self) -> dict[str, Spread | None]:
        """Phase -> time for all networks together (s); None where it was not measured."""
        later = self.timings.epochs - 1
        sums = [each.setup + each.compile + each.epochs[0] + later * each.epoch for each in self._cached or self.repeats]
        values = {
            "start": [each.setup for each in self.repeats],
            "compile_anew": [each.compile for each in self.repeats if each.compiled == "anew"],
            "compile_cached": [each.compile for each in self._cached],
            "first_epoch": [each.epochs[0] for each in self.repeats],
            "epoch": [each.epoch for each in self.repeats],
            "whole": self.wholes or sums,
        }
        return {name: Spread.of(each) if each else None for name, each in values.items()}

    @property
    def phases(self) -> list[float]:
        """Seconds of start, compilation, first epoch and other epochs, for all networks together."""
        start, anew, cached, first, epoch, _ = (spread.median if spread else 0.0 for spread in self.seconds.values())
        return [start, cached or anew, first, (self.timings.epochs - 1) * epoch]

    @property
    def start_rules(self) -> bool:
        """Whether start and compilation take more than the epochs."""
        start, compilation, *epochs = self.phases
        return start + compilation > sum(epochs)


@dataclass(frozen=True)
class TimedSteps:
    """Single steps of one dense network on the device of this label: batch size -> seconds, measurement by measurement."""

    device: str
    hidden: tuple[int, ...]
    seconds: dict[int, list[float]]

    def __str__(self) -> str:
        return words.value(self.hidden)

    def per_image(self, size: int) -> Spread | None:
        """Microseconds per image."""
        return Spread.of(self.seconds[size], 1e6 / size) if size in self.seconds else None


@dataclass(frozen=True)
class TimingSummary:
    """The times of all machines, this one first; those of the others as far as this one was measured, too."""

    machines: Sequence[Timings]

    @cached_property
    def devices(self) -> dict[str, tuple[Timings, int]]:
        """Label of each device -> its machine, and its number there."""
        found = [(timings, number) for timings in self.machines for number in range(len(timings.machine.devices))]
        names = [_name(timings.machine.devices[number]) for timings, number in found]
        seen = [f" ({names[: place + 1].count(name)})" if names.count(name) > 1 else "" for place, name in enumerate(names)]
        return {name + count: which for name, count, which in zip(names, seen, found, strict=True)}

    @cached_property
    def cases(self) -> list[TimedCase]:
        """All trainings, device by device."""
        here = dict.fromkeys((each.net, each.nets) for each in self.machines[0].trainings)
        found = [
            TimedCase(label, net, nets, [each for each in timings.trainings if each.case == (number, net, nets)], timings)
            for label, (timings, number) in self.devices.items()
            for net, nets in here
        ]
        return [case for case in found if case.repeats]

    @cached_property
    def steps(self) -> list[TimedSteps]:
        """All single steps, device by device."""
        here = {(step.hidden, step.batch_size) for step in self.machines[0].steps}
        found: dict[tuple[str, tuple[int, ...]], TimedSteps] = {}
        for label, (timings, number) in self.devices.items():
            for step in timings.steps:
                if step.device == number and (step.hidden, step.batch_size) in here:
                    steps = found.setdefault((label, step.hidden), TimedSteps(label, step.hidden, {}))
                    steps.seconds.setdefault(step.batch_size, []).append(step.seconds)
        return list(found.values())

    @cached_property
    def ratios(self) -> Ratios:
        """Ratios of times, where both were measured at least twice.

        Every device is compared with the first, networks alone with several together, the conv net with the dense one.
        """
        times: dict[tuple[str, ...], list[float]]
        times = {("devices", case.device, case.net, str(case.nets)): case.epochs for case in self.cases}
        times |= {
            ("steps", step.device, str(step), str(size)): each for step in self.steps for size, each in step.seconds.items()
        }
        first = next(iter(self.devices))
        pairs: dict[tuple[str, ...], tuple[list[float], list[float]]] = {}
        for (kind, device, net, number), seconds in times.items():
            if device != first:
                pairs[kind, device, net, number] = seconds, times.get((kind, first, net, number), [])
            if kind == "devices" and number != "1":
                pairs["together", device, net] = times.get((kind, device, net, "1"), []), seconds
            elif net == "conv":
                pairs["conv", device] = seconds, times.get((kind, device, "dense", "1"), [])
        known = {name: pair for name, pair in pairs.items() if min(map(len, pair)) > 1}
        decisions = decide([log_ratio(*pair) for pair in known.values()]) if known else []
        return {name: _exponential(decision) for name, decision in zip(known, decisions, strict=True)}


def _name(device: Device) -> str:
    name = device.name if len(device.name) <= 36 else device.name[:35].rstrip() + "…"
    return f"CPU {name}, {device.cores} cores" if device.kind == "cpu" else f"GPU {name}"


def _exponential(decision: Decision) -> Decision:
    """The decision on a logarithm as one on the ratio."""
    log = decision.interval
    return replace(decision, interval=replace(log, mean=math.exp(log.mean), low=math.exp(log.low), high=math.exp(log.high)))
