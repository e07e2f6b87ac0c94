"""Section 1 of the exercise: the time of its two networks on a CPU and on a GPU, and the networks for which a GPU pays."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Mapping, Sequence
from operator import itemgetter
from typing import Any

from seedbed import figures, words
from seedbed.data import load
from seedbed.groups import Request
from seedbed.groups.statements import Certainty, Statement
from seedbed.models import describe
from seedbed.specs import Conv, Dense
from seedbed.statistics import Decision, interval_of
from seedbed.studies.answers import AnswerPart, Figure, Study
from seedbed.studies.cards import PICTURE_SIZE, Card
from seedbed.studies.context import Steps, StudyContext
from seedbed.studies.setup import Setup
from seedbed.studies.texts import sized
from seedbed.studies.timing import records
from seedbed.studies.timing.measuring import NETS, Extent, Stopwatch
from seedbed.studies.timing.records import TimedImages
from seedbed.studies.timing.summary import Spread, TimedCase, TimedSteps, TimingSummary
from seedbed.tables import Column, Table

WIDTHS, QUICK_WIDTHS = (25, 100, 400, 1600), (25, 400)
BATCHES, QUICK_BATCHES = (8, 32, 128, 512, 2048), (8, 128)
"""A network of width w has w and w/2 hidden units, as the exercise's 200-100 network has."""

QUICK_IMAGES = 10_000
BUSY = 0.15
"""The share of the processor from which on other programs disturb a measurement."""


def extent(setup: Setup, train: int) -> Extent:
    """The extent of the measurements: minutes on MNIST, seconds for a preview."""
    sizes = [size for size in setup.pick(BATCHES, QUICK_BATCHES) if size <= train]
    steps = [((width, width // 2), size) for width in setup.pick(WIDTHS, QUICK_WIDTHS) for size in sizes]
    if setup.quick:
        return Extent({"dense": (1, 16), "conv": (1,)}, 10, 1, 1.0, steps, bool(setup.merge), 2, 0.05, cold=False)
    return Extent({"dense": (1, 16), "conv": (1, 4)}, 10, 3, 5.0, steps, True, 5, 0.1, cold=True)


def design(setup: Setup) -> list[Request]:
    """Request no runs; files that cannot be merged are refused before anything is measured."""
    for path in setup.merge:
        records.read(path)
    return []


def parts(study: StudyContext) -> Steps[list[AnswerPart]]:
    """Measure what is missing, merge what was measured elsewhere, and answer."""
    setup, execution = study.setup, study.trainer.execution
    few = setup.quick and setup.facts.train > QUICK_IMAGES
    spec = setup.data.changed(first=QUICK_IMAGES) if few else setup.data
    images = load(spec).facts()
    stopwatch = Stopwatch(spec, images, extent(setup, images.train), execution.device, setup.quick, execution.on_event)
    here, seconds = stopwatch.measure(study.home, again=setup.again)
    study.seconds += seconds
    yield from study.trained()
    summary = TimingSummary(records.joined(here, setup.merge))
    return [training(summary), crossover(summary)]


def _size(model: Dense | Conv, images: TimedImages) -> tuple[int, int]:
    """Parameters, and operations of training on one image."""
    layers = describe(model, images.image_shape, images.classes)
    operations = [layer.operations for layer in layers if layer.operations]
    return sum(layer.parameters for layer in layers), 3 * sum(operations) - operations[0]


# Whole trainings


def training(summary: TimingSummary) -> AnswerPart:
    """Answer how long each network takes on each device."""
    images = summary.machines[0].images
    networks = " and ".join(sized(model.title, _size(model, images)[0]) for model in NETS.values())
    return AnswerPart(
        name="training",
        question="How long do the exercise's two networks take, alone and several together?",
        answer=[*_times(summary), *_faster(summary)],
        method=(
            f"The exercise's networks: {networks}, batch 128, Adam. Each training runs in new worker processes, as `seedbed "
            f"train` and sweeps start them; an epoch includes the evaluation on {images.validation:,} validation and as many "
            "training images. Ratios of times: Welch's 95 % intervals on logarithms; Holm's correction decides."
        ),
        figures=_figures(summary),
        tables=[_case_table(summary), _machine_table(summary)],
        why=list(_reasons(summary)),
        cells=[_cell(case) for case in summary.cases],
        caveats=list(_caveats(summary)),
        card=_card(summary),
        data={
            "machines": [timings.plain() for timings in summary.machines],
            "ratios": {" | ".join(name): _ratio_json(ratio) for name, ratio in summary.ratios.items()},
        },
    )


def _card(summary: TimingSummary) -> Card:
    alone = [case for case in summary.cases if case.nets == 1]
    first, *others = summary.devices
    own = {case.net: case for case in alone if case.device == first}
    took = words.listed([f"{_time(case.seconds['whole'])} for the {net} net" for net, case in own.items()])
    short = all(case.start_rules for case in own.values())
    took_mostly = f"{took}, mostly starting and compiling" if short else took
    answer = f"Only a CPU was found. {words.counted(summary.machines[0].epochs, 'epoch')} take {took_mostly}."
    repeats = min((len(case.repeats) for case in own.values()), default=0)
    certainty = Certainty("clear", f"These are measured times: the median of {words.counted(repeats, 'training')} each.")
    ratios = {(device, net): summary.ratios.get(("devices", device, net, "1")) for device in others for net in own}
    known = {which: ratio for which, ratio in ratios.items() if ratio}
    if known:
        parts = [_relative(ratio, net, device) for (device, net), ratio in known.items()]
        shown = all(ratio.shown for ratio in known.values())
        answer = f"{words.capital('; '.join(parts[:2]))}. On the CPU {summary.machines[0].epochs} epochs take {took}."
        rule = "The 95 % interval of each ratio of times excludes 1, also after correction."
        certainty = Certainty("clear" if shown else "not shown", rule if shown else rule.replace("excludes", "must exclude"))
    rows = [{"device": case.device, "row": f"{case.net} net", **vars(Spread.of(case.epochs))} for case in alone]
    picture = figures.times_by_row(rows, "", [], x="seconds per epoch", size=PICTURE_SIZE) if rows else None
    return Card("Is a CPU or a GPU faster, and how long does training take?", answer, certainty, picture)


def _relative(ratio: Decision, net: str, device: str) -> str:
    """How the time of a device compares with that of the first one."""
    if not ratio.shown:
        return f"for the {net} net no difference between {device.split()[0]} and CPU is clear"
    mean = ratio.interval.mean
    faster = f"{_ratio(1 / mean)} times as fast" if mean < 1 else f"{_ratio(mean)} times as slow"
    return f"the {device.split()[0]} is {faster} for the {net} net"


def _times(summary: TimingSummary) -> Iterator[str]:
    for device in summary.devices:
        alone = [
            f"the {case.net} net takes {_time(case.seconds['epoch'])} per epoch and {_time(case.seconds['whole'])} for "
            f"{case.timings.epochs} epochs from start to end"
            for case in summary.cases
            if case.nets == 1 and case.device == device
        ]
        yield f"On {device} {'; '.join(alone) or 'no network was measured alone'}."


def _faster(summary: TimingSummary) -> list[str]:
    """Compare devices with the first one, then several networks with one alone."""
    first, between, together = next(iter(summary.devices)), [], []
    for case in summary.cases:
        if case.nets == 1 and (ratio := summary.ratios.get(("devices", case.device, case.net, "1"))):
            between.append(_compared(ratio, f"The {case.net} net alone", case.device, first))
        if case.nets > 1 and (ratio := summary.ratios.get(("together", case.device, case.net))):
            where = f"On {case.device}, an epoch of a {case.net} net"
            together.append(_compared(ratio, where, "one alone", f"each of {case.nets} together"))
    return between + together


def _compared(ratio: Decision, where: str, a: str, b: str) -> str:
    """Which of `a` and `b` is faster, by the ratio of a's time to b's.

    >>> _compared(Decision(Interval(2.0, 1.5, 2.5, 3), 0.01, 0.01, True, 1), "The dense net", "the CPU", "the GPU")
    'The dense net: the GPU is 2 times as fast as the CPU (1.5 to 2.5).'
    """
    mean, low, high = ratio.interval.mean, ratio.interval.low, ratio.interval.high
    if not ratio.shown:
        return f"{where}: no clear difference between {a} and {b}; the ratio of times is {_ratio(low)} to {_ratio(high)}."
    if mean < 1:
        a, b, mean, low, high = b, a, 1 / mean, 1 / high, 1 / low
    return f"{where}: {b} is {_ratio(mean)} times as fast as {a} ({_ratio(low)} to {_ratio(high)})."


def _reasons(summary: TimingSummary) -> Iterator[str]:
    (dense, dense_work), (conv, conv_work) = (_size(NETS[net], summary.machines[0].images) for net in ("dense", "conv"))
    fewer = f"{_ratio(dense / conv)} times fewer" if dense > conv else f"{_ratio(conv / dense)} times as many"
    yield (
        f"The conv net has {fewer} parameters ({conv:,} against {dense:,}), and training it takes "
        f"{_ratio(conv_work / dense_work)} times the operations per image, because a kernel works at every pixel."
    )
    for (kind, device, *_), ratio in summary.ratios.items():
        if kind == "conv" and ratio.shown:
            yield f"On {device} its epoch takes {_ratio(ratio.interval.mean)} times as long as one of the dense net."


def _caveats(summary: TimingSummary) -> Iterator[str]:
    here = summary.machines[0]
    for timings in summary.machines:
        busy = max((each.busy for each in timings.trainings), default=0.0)
        if busy >= BUSY:
            yield (
                f"On {timings.machine.devices[0].name} other programs used up to {words.percent(busy, 0)} of the processor "
                "just before a measurement, so its times may be too long; `--again` measures again."
            )
        if timings.quick != here.quick:
            yield "One of the machines was measured by a preview (--quick), the other was not."
    if here.machine.unusable:
        yield f"Found on this machine, but not measured: {'; '.join(here.machine.unusable)}."
    if summed := dict.fromkeys(str(case) for case in summary.cases if not case.wholes):
        yield (
            f"No training to the last epoch was measured for {words.listed(list(summed))}: the whole is start, compilation, "
            "first epoch and the median of the other epochs, added up."
        )


def _figures(summary: TimingSummary) -> list[Figure]:
    here, several = summary.machines[0], len(summary.devices) > 1
    times = [{"device": case.device, "row": str(case), **vars(Spread.of(case.epochs))} for case in summary.cases]
    phases = [
        {"row": f"{case}, {case.device}" if several else str(case), "phase": phase, "seconds": seconds}
        for case in summary.cases
        for phase, seconds in zip(figures.timings.PHASES, case.phases, strict=True)
    ]
    title, whole = "Seconds per epoch and network", f"Where the time of {words.counted(here.epochs, 'epoch')} goes"
    subtitle = f"{here.images.name}, {here.images.train:,} training images; {_counts(times)}"
    by_row = figures.times_by_row(times, title, [subtitle, "dots: medians; bars: lowest to highest"], x=title.lower())
    by_phase = figures.time_by_phase(phases, whole, [subtitle, "medians; several networks: the time of all of them"])
    return [
        Figure("device_epochs", by_row, "Without the first epoch, which is slower because caches are still cold."),
        Figure("device_phases", by_phase, "Start: processes, libraries and images. Compilation with a warm cache."),
    ]


def _case_table(summary: TimingSummary) -> Table[dict[str, str]]:
    heads = ("start", "first compilation", "compilation, cached", "first epoch", "later epoch", "all epochs")
    rows = []
    for case in summary.cases:
        times = {head: str(spread or "not measured") for head, spread in zip(heads, case.seconds.values(), strict=True)}
        rows.append({"device": case.device, "networks": str(case), **times, "images/s": f"{case.images_per_second:,.0f}"})
    caption = (
        "Seconds for all networks together: medians, in brackets the lowest and the highest. Images/s: training images of all "
        "networks; the evaluation of each epoch counts as time. A preview does not empty the cache of compiled programs first."
    )
    return _table(rows, 2, caption)


def _machine_table(summary: TimingSummary) -> Table[dict[str, str]]:
    rows = []
    for label, (timings, number) in summary.devices.items():
        machine, device = timings.machine, timings.machine.devices[number]
        versions = ", ".join(f"{name} {version}" for name, version in {"Python": machine.python, **machine.versions}.items())
        memory = f"{(device.memory or machine.memory) / 2**30:.0f} GiB"
        where = "here" if timings is summary.machines[0] else "merged"
        row = {"device": label, "full name": device.name, "memory": memory, "system": machine.system, "versions": versions}
        rows.append({**row, "measured": f"{where}, {timings.measured}"})
    return _table(rows, 6, "The machines. The memory of a CPU is that of its machine.")


def _cell(case: TimedCase) -> dict[str, object]:
    mean = interval_of(case.epochs, limits=(0, math.inf))
    return {
        "setting": {"device": case.device, "net": case.net, "nets": case.nets},
        "label": f"{case}, {case.device}: seconds per epoch and network",
        "parameters": _size(NETS[case.net], case.timings.images)[0],
        "n": len(case.epochs),
        "mean": mean and mean.mean,
        "interval": mean and mean.pair(),
        "unit": "seconds",
        "seconds": {name: spread and vars(spread) for name, spread in case.seconds.items()},
        "whole_measured": bool(case.wholes),
        "images_per_second": case.images_per_second,
    }


def _ratio_json(ratio: Decision) -> dict[str, object]:
    plain = {"ratio": ratio.interval.mean, "interval": ratio.interval.pair(), "n": ratio.interval.n}
    return {**plain, "confidence": 0.95, "shown": ratio.shown}


# Single steps


def crossover(summary: TimingSummary) -> AnswerPart:
    """Answer for which widths and batch sizes one device trains faster than another."""
    _, *others = summary.devices
    widths = [step.hidden for step in summary.steps if len(step.seconds) > 1]
    turning = [sentence for device in others for sentence in _turning(summary, device)]
    return AnswerPart(
        name="crossover",
        question="For which widths and batch sizes does a GPU pay?",
        answer=turning or _nothing_to_compare(summary),
        finding=Statement(turning[0], _certainty(summary)) if turning else None,
        method=(
            "One dense net of w and w/2 hidden units, Adam: the time of a training step over the batch size, without "
            "evaluations; measurements take turns over all sizes."
        ),
        figures=[_crossing(summary)] if others else [],
        tables=[_step_table(summary)] if summary.steps else [],
        why=[_fixed_cost(step) for step in summary.steps if step.hidden in {*widths[:1], *widths[-1:]}],
    )


def _crossing(summary: TimingSummary) -> Figure:
    """Draw the training time per image over the batch size, a line per device."""
    times = [
        {"device": step.device, "panel": f"hidden units {step}", "size": size, **vars(step.per_image(size))}
        for step in summary.steps
        for size in step.seconds
    ]
    subtitle = [f"{summary.machines[0].images.name}; {_counts(times)}; bars: lowest to highest"]
    axes = {"x": "batch size", "y": "µs per image"}
    chart = figures.times_over_sizes(times, "Training time per image", subtitle, **axes)
    return Figure("device_crossover", chart, "Where two lines cross, the faster device changes.")


def _certainty(summary: TimingSummary) -> Certainty:
    """How sure the first sentence on the steps is."""
    steps = [ratio for (kind, *_), ratio in summary.ratios.items() if kind == "steps"]
    among = f"also after correction for {words.counted(max(ratio.claims for ratio in steps), 'comparison')}"
    if any(ratio.shown for ratio in steps):
        return Certainty("clear", f"Faster or slower: the 95 % interval of the ratio of times excludes 1, {among}.")
    return Certainty("not shown", "Each 95 % interval of a ratio of times includes 1, or does so after correction.")


def _turning(summary: TimingSummary, device: str) -> Iterator[str]:
    """Say how often a device is faster than the first one, then the batch sizes at each width."""
    kinds = ("faster", "slower", "not clearly different")
    widths: dict[str, dict[str, list[str]]] = {}
    for (kind, label, *step), ratio in summary.ratios.items():
        if (kind, label) == ("steps", device):
            outcome = kinds[2] if not ratio.shown else kinds[ratio.interval.mean > 1]
            widths.setdefault(step[0], {kind: [] for kind in kinds})[outcome].append(step[1])
    faster, slower, unclear = (sum(len(sizes[kind]) for sizes in widths.values()) for kind in kinds)
    if widths:
        sizes_in_all = words.counted(faster + slower + unclear, "combination")
        rest = f"; for {unclear} there is no clear difference" if unclear else ""
        than = f"{device} is faster than {next(iter(summary.devices))}"
        yield f"Of {sizes_in_all} of width and batch size, {than} for {faster} and slower for {slower}{rest}."
    for width, sizes in widths.items():
        outcomes = [f"{kind} at batch size {words.listed(each)}" for kind, each in sizes.items() if each]
        yield f"With {width} hidden units {device} is {'; '.join(outcomes)}."


def _nothing_to_compare(summary: TimingSummary) -> list[str]:
    [(label, (here, number)), *others] = summary.devices.items()
    if others or here.machine.devices[number].kind == "gpu":
        why = "each was measured only once" if others else f"only {label} was measured"
        return [f"These measurements do not show where a GPU begins to pay: {why}."]
    why = "This machine's GPU was not measured" if here.machine.unusable else "This machine has no GPU"
    return [
        f"{why}, so there is nothing to compare with. On one that has, run `seedbed study device -o gpu.json`.",
        "Then `seedbed study device --merge gpu.json` here compares the two machines.",
    ]


def _fixed_cost(steps: TimedSteps) -> str:
    """Say what a step costs even with few images: the reason why small steps gain nothing from a fast device."""
    small, large = min(steps.seconds), max(steps.seconds)
    few, many = (statistics.median(steps.seconds[size]) for size in (small, large))
    return (
        f"On {steps.device}, with {steps} hidden units, a step of {large:,} images takes {_ratio(many / few)} times as long as "
        f"one of {small:,}, for {_ratio(large / small)} times the images."
    )


def _step_table(summary: TimingSummary) -> Table[dict[str, str]]:
    sizes = sorted({size for step in summary.steps for size in step.seconds})
    rows = []
    for step in summary.steps:
        parameters = _size(Dense(hidden=step.hidden), summary.machines[0].images)[0]
        times = {f"batch {size:,}": str(step.per_image(size) or "") for size in sizes}
        rows.append({"device": step.device, "hidden units": str(step), "parameters": f"{parameters:,}", **times})
    return _table(rows, 2, "Microseconds of training per image: medians, in brackets the lowest and the highest.")


# Texts


def _table(rows: Sequence[dict[str, str]], words_first: int, caption: str) -> Table[dict[str, str]]:
    heads = list(rows[0]) if rows else []
    return Table(
        [Column(head, itemgetter(head), align="left" if place < words_first else "right") for place, head in enumerate(heads)],
        rows,
        caption,
    )


def _counts(rows: Sequence[Mapping[str, Any]]) -> str:
    """The number of measurements per row, from the fewest to the most."""
    counts = {min(row["n"] for row in rows), max(row["n"] for row in rows)}
    return f"n = {' to '.join(map(str, sorted(counts)))}"


def _ratio(number: float) -> str:
    return f"{number:.3g}" if number < 1000 else f"{number:,.0f}"


def _time(spread: Spread | None) -> str:
    """The median with two or three digits and its unit.

    >>> [_time(Spread.of([seconds])) for seconds in (0.0123, 0.456, 84.2)]
    ['12 ms', '0.46 s', '84 s']
    """
    seconds = spread.median if spread else 0.0
    if seconds < 0.1:
        return f"{1000 * seconds:.2g} ms" if seconds < 0.01 else f"{1000 * seconds:.0f} ms"
    return f"{seconds:.2f} s" if seconds < 1 else f"{seconds:.1f} s" if seconds < 10 else f"{seconds:,.0f} s"


STUDY = Study(
    name="device",
    title="CPU and GPU",
    question="How long does training take on the devices at hand, and for which networks does a GPU pay?",
    contrasts=(),
    design=design,
    parts=parts,
)
