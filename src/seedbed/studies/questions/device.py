"""Section 1 of the exercise: how long do its two networks take on a CPU and on a GPU, and for which networks does a GPU pay?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from seedbed import figures
from seedbed.data import load
from seedbed.figures import Measured, Phase, words
from seedbed.groups import Request
from seedbed.models import describe, facts
from seedbed.statistics import interval_of
from seedbed.studies.answers import Figure, Part, Study
from seedbed.studies.context import StudyContext
from seedbed.studies.setup import Setup
from seedbed.studies.timing import files
from seedbed.studies.timing.measuring import NETS, Extent, measure
from seedbed.studies.timing.records import Net, Timings
from seedbed.studies.timing.summary import Found, Place, Speed
from seedbed.studies.timing.turning import crossover
from seedbed.studies.timing.wording import compared, ratio_text, spread_text, time_text
from seedbed.tables import Column, Table
from seedbed.training.events import Note

WIDTHS, QUICK_WIDTHS = (25, 100, 400, 1600), (25, 400)
BATCHES, QUICK_BATCHES = (8, 32, 128, 512, 2048), (8, 128)
"""A net of width w has w and w/2 hidden units, as the exercise's 200-100 net has."""

QUICK_IMAGES = 10_000
BUSY = 0.15
"""From which share of the processor on others count as disturbing."""

HOW_TO_ADD = (
    "On a machine with a GPU, `seedbed study device -o gpu.json` measures it, and `seedbed study device --merge gpu.json` here "
    "joins the two (docs/gpu.md)"
)


def extent(setup: Setup, train: int) -> Extent:
    """What is measured: minutes on MNIST, seconds for a preview."""
    sizes = [size for size in setup.pick(BATCHES, QUICK_BATCHES) if size <= train]
    steps = [((width, width // 2), size) for width in setup.pick(WIDTHS, QUICK_WIDTHS) for size in sizes]
    several: Mapping[Net, Sequence[int]] = setup.pick({"dense": (1, 16), "conv": (1, 4)}, {"dense": (1, 16), "conv": (1,)})
    if setup.quick:
        return Extent(several, epochs=10, repeats=1, seconds=1.0, steps=steps, rounds=2, step_seconds=0.05, cold=False)
    return Extent(several, epochs=10, repeats=3, seconds=5.0, steps=steps, rounds=5, step_seconds=0.1, cold=True)


def design(setup: Setup) -> list[Request]:
    """Nothing is trained for its accuracy; files that cannot be joined are refused before anything is measured."""
    for path in setup.merge:
        files.read(path)
    return []


def parts(study: StudyContext) -> list[Part]:
    """Measures what is missing, joins what was measured elsewhere, and answers."""
    setup = study.setup
    few = setup.quick and setup.facts.train > QUICK_IMAGES
    spec = setup.data.changed(first=QUICK_IMAGES) if few else setup.data
    images = load(spec).facts()
    here, seconds = measure(
        study.home,
        spec,
        images,
        extent(setup, images.train),
        device=study.trainer.execution.device,
        quick=setup.quick,
        again=setup.again,
        say=lambda text: study.trainer.execution.on_event(Note(text)),
    )
    study.seconds += seconds
    found = Found(here, files.joined(here, setup.merge)[1:])
    return [_training(found), crossover(found)]


# The first part: whole trainings


def _training(found: Found) -> Part:
    here = found.here
    rows = [f"{_net(one.net, one.nets)}" for one in found.speeds]
    subtitle = [f"{_images(found)}; {_repeats(found)}", "dots: medians; bars: lowest to highest"]
    times = [
        Measured(one.place.label, *one.epoch.scaled(1 / one.nets).three, row=row, n=one.epoch.n)
        for one, row in zip(found.speeds, rows, strict=True)
    ]
    several = len(found.places) > 1
    phases = [phase for one, row in zip(found.speeds, rows, strict=True) for phase in _phases(one, row, several)]
    epoch = figures.times_by_row(times, "Seconds an epoch and network", subtitle, x="seconds an epoch and network")
    total = f"Where the time of {words.counted(here.epochs, 'epoch')} goes"
    where = figures.time_by_phase(phases, total, [_images(found), "medians; of networks together, all of them"])
    return Part(
        name="training",
        question="How long do the exercise's two networks take, alone and several together?",
        answer=[*_answer(found), *_missing(found)],
        method=(
            f"{_both(found)}, batch 128, Adam. Each training runs in worker processes of its own, as `seedbed train` and "
            f"sweeps start them; an epoch includes its examination on {here.images.validation:,} validation and as many "
            "training images. Differences: Welch's interval of the ratio of times, Holm's correction over all of the study."
        ),
        figures=[
            Figure("device_epochs", epoch, "The first epoch is left out here: it is slower, for caches are still cold."),
            Figure("device_phases", where, "Start: the process, its libraries and the images. Compilation with a warm cache."),
        ],
        tables=[_speed_table(found), _machine_table(found)],
        why=_why(found),
        cells=[_cell(one) for one in found.speeds],
        marks=_marks(found),
        data={
            files.KEY: [timings.plain() for timings in (found.here, *found.others)],
            "ratios": {" | ".join(name): ratio.as_json() for name, ratio in found.ratios.items()},
        },
    )


def _answer(found: Found) -> list[str]:
    return [" ".join(_on(place, found) for place in found.places), *_between_devices(found), *_together(found)]


def _on(place: Place, found: Found) -> str:
    said = []
    for one in [one for one in found.speeds if one.place is place and one.nets == 1]:
        whole = f"{time_text(one.whole.median)} for {one.whole_epochs} epochs from start to end"
        said.append(f"the {one.net} net takes {time_text(one.epoch.median)} an epoch and {whole}")
    return f"On {place.label} {'; '.join(said) or 'nothing was measured'}."


def _between_devices(found: Found) -> list[str]:
    first, *others = found.places
    return [
        compared(f"The {net} net alone", place.label, first.label, ratio)
        for place in others
        for net in NETS
        if (ratio := found.ratios.get(("devices", place.label, net, "1")))
    ]


def _together(found: Found) -> list[str]:
    return [
        compared(f"On {one.place.label}, an epoch of a {one.net} net", "one alone", f"each of {one.nets} together", ratio)
        for one in found.speeds
        if one.nets > 1 and (ratio := found.ratios.get(("together", one.place.label, one.net)))
    ]


def _missing(found: Found) -> list[str]:
    gpus = [place for place in found.places if place.device.kind == "gpu"]
    unusable = found.here.machine.unusable
    said = [f"Found on this machine, but of no use: {'; '.join(unusable)}."] if unusable else []
    if not gpus and not unusable:
        said.append(f"No GPU was found on this machine, so these are the CPU's figures alone. {HOW_TO_ADD}.")
    elif not gpus:
        said.append(f"So these are the CPU's figures alone. {HOW_TO_ADD}.")
    elif all(place.timings is not found.here for place in gpus):
        said.append("No GPU was found on this machine; the GPU's figures were measured on another one.")
    return said


def _why(found: Found) -> list[str]:
    sizes = {net: _facts(found.here, net) for net in NETS}
    (dense, dense_work), (conv, conv_work) = sizes["dense"], sizes["conv"]
    said = [
        f"The conv net has {_fewer(dense, conv)} parameters ({conv:,} against {dense:,}), and training it takes "
        f"{ratio_text(conv_work / dense_work)} times the operations for an image, because a kernel works at every pixel."
    ]
    for place in found.places:
        ratio = found.ratios.get(("conv", place.label))
        if ratio and ratio.shown:
            low, high = map(ratio_text, ratio.interval.pair())
            said.append(
                f"On {place.label} an epoch of the conv net takes {ratio_text(ratio.interval.mean)} times as long as one of "
                f"the dense net ({low} to {high}; {100 * ratio.confidence:.4g} % interval)."
            )
    for one in [one for one in found.speeds if one.anew and one.cached and one.nets == 1]:
        anew = one.anew.median if one.anew else 0.0
        said.append(
            f"On {one.place.label} compiling the {one.net} net takes {time_text(anew)} the first time, and "
            f"{time_text(one.compile)} once the cache holds it; its first epoch takes {time_text(one.first.median)}."
        )
    return said


def _fewer(many: int, few: int) -> str:
    return f"{ratio_text(many / few)} times fewer" if many > few else f"{ratio_text(few / many)} times as many"


def _facts(timings: Timings, net: Net) -> tuple[int, float]:
    """Parameters, and operations of one image's training."""
    images = timings.images
    layers = describe(NETS[net], images.image_shape, images.classes)
    first, *later = [layer.operations for layer in layers if layer.operations]
    return facts(NETS[net], images.image_shape, images.classes).parameters, float(2 * first + 3 * sum(later))


def _marks(found: Found) -> list[str]:
    said = []
    for timings in (found.here, *found.others):
        busy = max((one.busy for one in timings.trainings), default=0.0)
        if busy >= BUSY:
            name = timings.machine.devices[0].name
            said.append(
                f"On {name} other programs used up to {words.percent(busy, 0)} of the processor just before a measurement, so "
                "its times may be too long; `--again` measures anew."
            )
        if timings is not found.here and timings.quick != found.here.quick:
            said.append("One of the machines was measured by a preview (--quick), the other was not.")
    if any(not one.measured for one in found.speeds):
        summed = words.listed(list(dict.fromkeys(_net(one.net, one.nets) for one in found.speeds if not one.measured)))
        said.append(
            f"Of {summed} no training was measured to its last epoch: the whole is start, compilation, first epoch and the "
            "median of the other epochs, added up."
        )
    return said


def _net(net: Net, nets: int) -> str:
    return f"{net} net alone" if nets == 1 else f"{nets} {net} nets together"


def _phases(one: Speed, row: str, several: bool) -> list[Phase]:
    label = f"{row}, {one.place.label}" if several else row
    others = (one.whole_epochs - 1) * one.epoch.median
    spent = zip(figures.timings.PHASES, (one.setup.median, one.compile, one.first.median, others), strict=True)
    return [Phase(label, phase, seconds) for phase, seconds in spent]


def _images(found: Found) -> str:
    return f"{found.here.images.name}, {found.here.images.train:,} training images"


def _repeats(found: Found) -> str:
    counts = sorted({one.epoch.n for one in found.speeds})
    return f"n = {' to '.join(map(str, dict.fromkeys((counts[0], counts[-1]))))} trainings of each"


def _both(found: Found) -> str:
    named = [f"{words.network(NETS[net])} ({_facts(found.here, net)[0]:,} parameters)" for net in NETS]
    return f"The exercise's networks: {'; '.join(named)}"


def _speed_table(found: Found) -> Table[Speed]:
    columns: list[Column[Speed]] = [
        Column("device", lambda one: one.place.label, align="left"),
        Column("networks", lambda one: _net(one.net, one.nets), align="left"),
        Column("start", lambda one: one.setup, spread_text),
        Column("compile anew", lambda one: one.anew, spread_text),
        Column("compile, cached", lambda one: one.cached, spread_text),
        Column("first epoch", lambda one: one.first, spread_text),
        Column("later epoch", lambda one: one.epoch, spread_text),
        Column("images/s", lambda one: one.images, ",.0f"),
        Column(f"{found.here.epochs} epochs in all", lambda one: spread_text(one.whole) + ("" if one.measured else " *")),
    ]
    found_cache = any(training.compiled == "as found" for one in found.speeds for training in one.trainings)
    caption = (
        "Seconds, of all networks together: medians, in brackets the lowest and the highest. Images/s: training images of all "
        "networks; the examination of each epoch counts as time. * added up from its parts."
        + (" The preview takes the cache of compiled programs as it finds it." if found_cache else "")
    )
    return Table(columns, found.speeds, caption)


def _machine_table(found: Found) -> Table[Place]:
    columns: list[Column[Place]] = [
        Column("device", lambda place: place.label, align="left"),
        Column("full name", lambda place: place.device.name, align="left"),
        Column("memory", lambda place: place.device.memory or place.timings.machine.memory, _memory, align="left"),
        Column("system", lambda place: place.timings.machine.system, align="left"),
        Column("versions", _versions, align="left"),
        Column("measured", lambda place: _when(place, found), align="left"),
    ]
    return Table(columns, found.places, "The machines. A CPU's memory is its machine's.")


def _memory(size: int) -> str:
    return f"{size / 2**30:.0f} GiB"


def _versions(place: Place) -> str:
    machine = place.timings.machine
    return ", ".join([f"Python {machine.python}", *(f"{name} {version}" for name, version in machine.versions.items())])


def _when(place: Place, found: Found) -> str:
    return f"{'here' if place.timings is found.here else 'merged'}, {place.timings.measured}"


def _cell(one: Speed) -> dict[str, object]:
    mean = interval_of([epoch / one.nets for epoch in one.epochs])
    return {
        "setting": {"device": one.place.label, "net": one.net, "nets": one.nets},
        "label": f"{_net(one.net, one.nets)}, {one.place.label}: seconds an epoch and network",
        "parameters": _facts(one.place.timings, one.net)[0],
        "n": one.epoch.n,
        "mean": mean.mean if mean else None,
        "interval": mean.pair() if mean else None,
        "unit": "seconds",
        "seconds": {
            name: vars(spread) if spread else None
            for name, spread in (
                ("epoch", one.epoch),
                ("first_epoch", one.first),
                ("start", one.setup),
                ("compile_anew", one.anew),
                ("compile_cached", one.cached),
                ("whole", one.whole),
            )
        },
        "whole_measured": one.measured,
        "images_per_second": one.images,
    }


STUDY = Study(
    name="device",
    title="CPU and GPU",
    question="How long does training take on the devices at hand, and for which networks does a GPU pay?",
    contrasts=(),
    design=design,
    parts=parts,
)
