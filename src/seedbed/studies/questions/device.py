"""Section 1 of the exercise: how long do its two networks take on a CPU and on a GPU, and for which networks does a GPU pay?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from seedbed import figures
from seedbed.data import load
from seedbed.figures import words
from seedbed.groups import Request
from seedbed.models import describe
from seedbed.specs import Conv, Dense
from seedbed.statistics import Decision, interval_of
from seedbed.studies.answers import Figure, Part, Study
from seedbed.studies.context import StudyContext
from seedbed.studies.setup import Setup
from seedbed.studies.timing import records
from seedbed.studies.timing.measuring import NETS, Extent, Stopwatch
from seedbed.studies.timing.records import TimedImages, Timings
from seedbed.studies.timing.summary import Ratios, Spread, TimedCase, TimedDevice, devices, ratios

WIDTHS, QUICK_WIDTHS = (25, 100, 400, 1600), (25, 400)
BATCHES, QUICK_BATCHES = (8, 32, 128, 512, 2048), (8, 128)
"""A network of width w has w and w/2 hidden units, as the exercise's 200-100 network has."""

QUICK_IMAGES = 10_000
BUSY = 0.15
"""Share of the processor from which on other programs disturb a measurement."""

OUTCOMES = ("faster", "slower", "not clearly different")


def extent(setup: Setup, train: int) -> Extent:
    """What is measured: minutes on MNIST, seconds for a preview."""
    sizes = [size for size in setup.pick(BATCHES, QUICK_BATCHES) if size <= train]
    steps = [((width, width // 2), size) for width in setup.pick(WIDTHS, QUICK_WIDTHS) for size in sizes]
    if setup.quick:
        return Extent({"dense": (1, 16), "conv": (1,)}, 10, 1, 1.0, steps, rounds=2, step_seconds=0.05, cold=False)
    return Extent({"dense": (1, 16), "conv": (1, 4)}, 10, 3, 5.0, steps, rounds=5, step_seconds=0.1, cold=True)


def design(setup: Setup) -> list[Request]:
    """No runs; files that cannot be merged are refused before anything is measured."""
    for path in setup.merge:
        records.read(path)
    return []


def parts(study: StudyContext) -> list[Part]:
    """Measure what is missing, merge what was measured elsewhere, and answer."""
    setup, trainer = study.setup, study.trainer
    few = setup.quick and setup.facts.train > QUICK_IMAGES
    spec = setup.data.changed(first=QUICK_IMAGES) if few else setup.data
    images = load(spec).facts()
    stopwatch = Stopwatch(spec, images, extent(setup, images.train), trainer.device, setup.quick, trainer.watch)
    here, seconds = stopwatch.measure(study.home, again=setup.again)
    study.seconds += seconds
    machines = records.joined(here, setup.merge)
    return [training(machines), crossover(machines)]


# Whole trainings


def training(machines: Sequence[Timings]) -> Part:
    """How long each network takes on each device."""
    here, several = machines[0], devices(machines)
    found, images = ratios(several), here.images
    cases = [(one, case) for one in several for case in one.cases]
    networks = "; ".join(f"{words.network(model)} ({_size(model, images)[0]:,} parameters)" for model in NETS.values())
    heads = ("start", "first compilation", "compilation, cached", "first epoch", "later epoch", "all epochs")
    rows = {
        (one.label, str(case)): {
            **{head: str(spread or "not measured") for head, spread in zip(heads, case.seconds.values(), strict=True)},
            "images/s": f"{case.images_per_second:,.0f}",
        }
        for one, case in cases
    }
    return Part(
        name="training",
        question="How long do the exercise's two networks take, alone and several together?",
        answer=[*map(_times, several), *_faster(several, found)],
        method=(
            f"The exercise's networks: {networks}, batch 128, Adam. Each training runs in new worker processes, as `seedbed "
            f"train` and sweeps start them; an epoch includes the evaluation on {images.validation:,} validation and as many "
            "training images. Ratios of times: Welch's intervals on logarithms, 95 % with Holm's correction over the study."
        ),
        figures=_training_figures(here, cases),
        tables=[
            _table(
                rows,
                "networks",
                "Seconds for all networks together, with evaluation: medians, in brackets the lowest and highest.",
            ),
            _machine_table(here, several),
        ],
        why=_reasons(images, found),
        cells=[_cell(one, case) for one, case in cases],
        marks=list(_caveats(machines, cases)),
        data={
            "machines": [timings.plain() for timings in machines],
            "ratios": {" | ".join(name): _ratio_json(ratio) for name, ratio in found.items()},
        },
    )


def _training_figures(here: Timings, cases: Sequence[tuple[TimedDevice, TimedCase]]) -> list[Figure]:
    times = [{"device": one.label, "row": str(case), **vars(Spread.of(case.epochs))} for one, case in cases]
    subtitle = f"{here.images.name}, {here.images.train:,} training images; n = {_range(times)}"
    title = "Seconds per epoch and network"
    by_row = figures.times_by_row(times, title, [subtitle, "dots: medians; bars: lowest to highest"], x=title.lower())
    phases = [
        {
            "row": f"{case}, {one.label}" if len({one.label for one, _ in cases}) > 1 else str(case),
            "phase": phase,
            "seconds": seconds,
        }
        for one, case in cases
        for phase, seconds in zip(figures.timings.PHASES, case.phases, strict=True)
    ]
    title = f"Where the time of {words.counted(here.epochs, 'epoch')} goes"
    by_phase = figures.time_by_phase(phases, title, [subtitle, "medians; several networks: the time of all of them"])
    return [
        Figure("device_epochs", by_row, "The first epoch is left out here: caches are still cold, and it is slower."),
        Figure("device_phases", by_phase, "Start: processes, libraries and images. Compilation with a warm cache."),
    ]


def _times(one: TimedDevice) -> str:
    alone = [
        f"the {case.net} net takes {_time(case.median('epoch'))} per epoch and {_time(case.median('whole'))} for "
        f"{case.timings.epochs} epochs from start to end"
        for case in one.cases
        if case.nets == 1
    ]
    return f"On {one.label} {'; '.join(alone) or 'no network was measured alone'}."


def _faster(several: Sequence[TimedDevice], found: Ratios) -> list[str]:
    """Devices compared with the first one, then several networks with one alone."""
    between, together = [], []
    for label, case in [(one.label, case) for one in several for case in one.cases]:
        if case.nets == 1 and (ratio := found.get(("devices", label, case.net, "1"))):
            between.append(_compared(ratio, f"The {case.net} net alone", label, several[0].label))
        if case.nets > 1 and (ratio := found.get(("together", label, case.net))):
            where = f"On {label}, an epoch of a {case.net} net"
            together.append(_compared(ratio, where, "one alone", f"each of {case.nets} together"))
    return between + together


def _reasons(images: TimedImages, found: Ratios) -> list[str]:
    (dense, dense_work), (conv, conv_work) = (_size(NETS[net], images) for net in ("dense", "conv"))
    fewer = f"{_ratio(dense / conv)} times fewer" if dense > conv else f"{_ratio(conv / dense)} times as many"
    work = (
        f"The conv net has {fewer} parameters ({conv:,} against {dense:,}), and training it takes "
        f"{_ratio(conv_work / dense_work)} times the operations per image, because a kernel works at every pixel."
    )
    slower = [(name[1], _ratio(ratio.interval.mean)) for name, ratio in found.items() if name[0] == "conv" and ratio.shown]
    return [
        work,
        *(f"On {label} an epoch of it takes {ratio} times as long as one of the dense net." for label, ratio in slower),
    ]


def _caveats(machines: Sequence[Timings], cases: Sequence[tuple[TimedDevice, TimedCase]]) -> Iterator[str]:
    for timings in machines:
        busy = max((each.busy for each in timings.trainings), default=0.0)
        if busy >= BUSY:
            yield (
                f"On {timings.machine.devices[0].name} other programs used up to {words.percent(busy, 0)} of the processor just "
                "before a measurement, so its times may be too long; `--again` measures again."
            )
        if timings.quick != machines[0].quick:
            yield "One of the machines was measured by a preview (--quick), the other was not."
    if unusable := machines[0].machine.unusable:
        yield f"Found on this machine, but not measured: {'; '.join(unusable)}."
    if summed := dict.fromkeys(str(case) for _, case in cases if not case.whole_measured):
        yield (
            f"No training to the last epoch was measured for {words.listed(list(summed))}: the whole is start, compilation, "
            "first epoch and the median of the other epochs, added up."
        )


def _machine_table(here: Timings, several: Sequence[TimedDevice]) -> Table:
    rows = {}
    for one in several:
        machine, where = one.timings.machine, "here" if one.timings is here else "merged"
        versions = {"Python": machine.python, **machine.versions}
        rows[one.label, one.device.name] = {
            "memory": f"{(one.device.memory or machine.memory) / 2**30:.0f} GiB",
            "system": machine.system,
            "versions": ", ".join(f"{name} {version}" for name, version in versions.items()),
            "measured": f"{where}, {one.timings.measured}",
        }
    return _table(rows, "full name", "The machines. A CPU's memory is its machine's.")


def _cell(one: TimedDevice, case: TimedCase) -> dict[str, object]:
    mean = interval_of(case.epochs)
    return {
        "setting": {"device": one.label, "net": case.net, "nets": case.nets},
        "label": f"{case}, {one.label}: seconds per epoch and network",
        "parameters": _size(NETS[case.net], case.timings.images)[0],
        "n": len(case.epochs),
        "mean": mean and mean.mean,
        "interval": mean and mean.pair(),
        "unit": "seconds",
        "seconds": {name: spread and vars(spread) for name, spread in case.seconds.items()},
        "whole_measured": case.whole_measured,
        "images_per_second": case.images_per_second,
    }


# Single steps


def crossover(machines: Sequence[Timings]) -> Part:
    """For which widths and batch sizes one device trains faster than another."""
    first, *others = several = devices(machines)
    found = ratios(several)
    times = [
        {
            "device": one.label,
            "panel": f"hidden units {words.value(hidden)}",
            "size": size,
            **vars(Spread.of(seconds, 1e6 / size)),
        }
        for one in several
        for (hidden, size), seconds in one.steps.items()
    ]
    rows: dict[tuple[str, str], dict[str, str]] = {}
    for time in times:
        rows.setdefault((time["device"], time["panel"]), {})[f"batch {time['size']:,}"] = str(Spread(*list(time.values())[3:]))
    subtitle = [f"{machines[0].images.name}; n = {_range(times)}; bars: lowest to highest"]
    titles = {"x": "batch size", "y": "microseconds per image"}
    return Part(
        name="crossover",
        question="For which widths and batch sizes does a GPU pay?",
        answer=[said for one in others for said in _turning(one.label, first.label, found)] or _nothing_to_compare(several),
        method=(
            "One dense net of w and w/2 hidden units, Adam: the time of a training step over the batch size, without "
            "evaluations; measurements go round over all sizes."
        ),
        figures=[
            Figure(
                "device_crossover",
                figures.times_over_sizes(times, "Training time per image", subtitle, **titles),
                "Where two lines cross, the faster device changes.",
            )
        ]
        if others
        else [],
        tables=[
            _table(rows, "network", "Microseconds of training per image: medians, in brackets the lowest and the highest.")
        ],
        why=list(_fixed_costs(several)),
    )


def _turning(label: str, first: str, found: Ratios) -> Iterator[str]:
    """How often a device is faster than the first one, then the batch sizes at each width."""
    outcomes = {
        name[2:]: "not clearly different" if not ratio.shown else "faster" if ratio.interval.mean < 1 else "slower"
        for name, ratio in found.items()
        if name[:2] == ("steps", label)
    }
    faster, slower, unclear = (list(outcomes.values()).count(outcome) for outcome in OUTCOMES)
    if outcomes:
        rest = f"; for {unclear} there is no clear difference" if unclear else ""
        what = words.counted(len(outcomes), "combination")
        yield f"Of {what} of width and batch size, {label} is faster than {first} for {faster} and slower for {slower}{rest}."
    for width in dict.fromkeys(width for width, _ in outcomes):
        sizes = {
            each: [size for (at, size), outcome in outcomes.items() if (at, outcome) == (width, each)] for each in OUTCOMES
        }
        said = [f"{outcome} at batch size {words.listed(each)}" for outcome, each in sizes.items() if each]
        yield f"With {width} hidden units {label} is {'; '.join(said)}."


def _nothing_to_compare(several: Sequence[TimedDevice]) -> list[str]:
    first, *others = several
    if others or first.device.kind == "gpu":
        why = "each was measured only once" if others else f"only {first.label} was measured"
        return [f"Where a GPU begins to pay cannot be said from this: {why}."]
    why = "This machine's GPU was not measured" if first.timings.machine.unusable else "This machine has no GPU"
    return [
        f"{why}, so there is nothing to compare with. On one that has, run `seedbed study device -o gpu.json`.",
        "Then `seedbed study device --merge gpu.json` here compares the two machines (docs/gpu.md).",
    ]


def _fixed_costs(several: Sequence[TimedDevice]) -> Iterator[str]:
    """Sentences on what a step costs even with few images: small steps gain nothing from a fast device."""
    for one in several:
        for hidden in dict.fromkeys([min(one.steps)[0], max(one.steps)[0]] if one.steps else []):
            times = {size: Spread.of(seconds) for (width, size), seconds in one.steps.items() if width == hidden}
            small, large = min(times), max(times)
            ratio = _ratio(times[large].median / times[small].median)
            yield (
                f"On {one.label}, with {words.value(hidden)} hidden units, a step of {large:,} images takes {ratio} times as long "
                f"as one of {small:,}, for {_ratio(large / small)} times the images."
            )


# Texts


def _table(rows: Mapping[tuple[str, str], Mapping[str, str]], second: str, caption: str) -> Table:
    """A row for each device and network, a column for each heading of its cells."""
    heads = list(dict.fromkeys(head for cells in rows.values() for head in cells))
    columns = {"device": "left", second: "left"} | dict.fromkeys(heads, "right")
    return Table(columns, [[*name, *(cells.get(head, "") for head in heads)] for name, cells in rows.items()], caption)


def _range(rows: Sequence[Mapping[str, Any]]) -> str:
    """How many measurements each row has, from the fewest to the most."""
    counts = {min(row["n"] for row in rows), max(row["n"] for row in rows)}
    return " to ".join(map(str, sorted(counts)))


def _size(model: Dense | Conv, images: TimedImages) -> tuple[int, int]:
    """Parameters, and operations of training on one image."""
    layers = describe(model, images.image_shape, images.classes)
    operations = [layer.operations for layer in layers if layer.operations]
    return sum(layer.parameters for layer in layers), 3 * sum(operations) - operations[0]


def _compared(ratio: Decision, where: str, a: str, b: str) -> str:
    """Which of `a` and `b` is faster, by the ratio of a's time to b's.

    >>> _compared(Decision(Interval(2.0, 1.5, 2.5, 3), 0.01, 0.99, True), "The dense net", "the CPU", "the GPU")
    'The dense net: the GPU is 2 times as fast as the CPU (1.5 to 2.5).'
    """
    mean, (low, high) = ratio.interval.mean, ratio.interval.pair()
    if not ratio.shown:
        return f"{where}: no clear difference between {a} and {b}; the ratio of their times is {_ratio(low)} to {_ratio(high)}."
    if mean < 1:
        a, b, mean, low, high = b, a, 1 / mean, 1 / high, 1 / low
    return f"{where}: {b} is {_ratio(mean)} times as fast as {a} ({_ratio(low)} to {_ratio(high)})."


def _ratio_json(ratio: Decision) -> dict[str, object]:
    plain = {"ratio": ratio.interval.mean, "interval": ratio.interval.pair(), "n": ratio.interval.n}
    return {**plain, "confidence": ratio.confidence, "shown": ratio.shown}


def _ratio(number: float) -> str:
    return f"{number:.3g}" if number < 1000 else f"{number:,.0f}"


def _time(seconds: float) -> str:
    """A time with two or three digits and its unit.

    >>> _time(0.0123), _time(0.456), _time(84.2)
    ('12 ms', '0.46 s', '84 s')
    """
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
