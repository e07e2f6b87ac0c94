"""What a run costs in small and in large company: sweeps, images, widths, members."""

from __future__ import annotations

from itertools import cycle, islice, product

from bench import ours
from bench.contenders import OURS_COLD, Trial
from bench.job import Job, Net, prepare
from bench.race import images, operations_per_image
from bench.sitting import Measured, Outcome, Settings, Table
from bench.summary import Summary, summarize
from seedbed.populations import WORTH_SPLITTING

SHAPES = [(first, second) for first, second in product((8, 16, 24, 32, 48), (8, 12, 16, 24))]
FEW, MANY = 20, 1_000


def sweep(settings: Settings) -> Outcome:
    """Twenty runs against a thousand of the same mix of shapes."""
    many = 100 if settings.quick else MANY
    jobs = {number: _sweep(settings, number) for number in (FEW, many)}
    contestants = {f"{number:,}": (OURS_COLD, job) for number, job in jobs.items()}
    trials = ours.rounds(settings, contestants, settings.rounds(2))
    small, large = ([_cost(trial, number) for trial in trials[f"{number:,}"]] for number in jobs)
    ratio = summarize([b / a for a, b in zip(small, large, strict=True)])
    rows = [_sweep_row(name, trials[name], int(name.replace(",", ""))) for name in trials]
    columns = ["runs", "shell to shell, s", "a run, s", "compile and warm-up, s", "programs"]
    text = (
        f"Dense nets of {len(SHAPES)} shapes from 784-8-8-10 to 784-48-24-10, each with its own rate and penalty, on "
        f"{jobs[FEW].first:,} images, {jobs[FEW].epochs} epochs, nothing compiled before; every run is stored."
    )
    measured = [Measured("sweep", "shell to shell, nothing compiled before", ratio)]
    raw = {name: [{"seconds": t.seconds, **vars(ours.answer(t))} for t in each] for name, each in trials.items()}
    return Outcome("sweep", "A sweep of 20 runs against one of 1,000", text, [Table("", columns, rows)], measured, raw=raw)


def _sweep(settings: Settings, runs: int) -> Job:
    """As many settings as runs, all different."""
    each = -(-runs // len(SHAPES))
    knobs = [(1e-4 * 1.1**k, 1e-6 * 1.2**k) for k in range(each)]
    nets = [Net(hidden=shape, rate=rate, l2=l2) for (rate, l2), shape in product(knobs, SHAPES)]
    return Job(tuple(nets[:runs]), epochs=2 if settings.quick else 3, first=5_000, device=settings.device)


def _cost(trial: Trial, runs: int) -> float:
    return trial.seconds / runs


def _sweep_row(name: str, trials: list[Trial], runs: int) -> list[str]:
    shell = summarize([trial.seconds for trial in trials])
    each = summarize([_cost(trial, runs) for trial in trials])
    warm = summarize([ours.answer(trial).warm for trial in trials])
    return [name, shell.text(1), each.text(3), warm.text(1), str(len(ours.answer(trials[-1]).facts["programs"]))]


def scaling(settings: Settings) -> Outcome:
    """An epoch over the number of images, of units, and of members."""
    sizes = (1_000, 5_000) if settings.quick else (1_000, 5_000, 20_000, None)
    widths = (50, 200) if settings.quick else (25, 50, 100, 200, 400, 800)
    members = (1, 4) if settings.quick else (1, 2, 4, 8, 16, 32, 64)
    some = 2_000 if settings.quick else 10_000
    tables = {
        "Images": [(f"{size or 55_000:,} images", _alike(4, 200, size)) for size in sizes],
        "Width": [(f"784-{width}-{width // 2}-10, 4 nets", _alike(4, width, some)) for width in widths],
        "Members": [
            (f"{number} net{'s' if number > 1 else ''} 784-200-100-10", _alike(number, 200, some)) for number in members
        ],
    }
    raw: dict[str, dict[str, list[float]]] = {}
    shown = []
    for title, jobs in tables.items():
        raw[title], rows = {}, []
        for name, asked in jobs:
            job = prepare(asked.changed(device=settings.device), settings.scratch)
            epochs = [ours.answer(ours.trial(settings, job)).epoch for _ in range(settings.rounds(1))]
            raw[title][name] = epochs
            rows.append([name, *_cells(job, summarize(epochs))])
        shown.append(Table(title, ["", "an epoch, s", "of an image and net, µs", "GFLOP/s"], rows))
    text = (
        f"Epochs of ours; where nothing else is said on {some:,} images; each the median of the later epochs of one run. An "
        "epoch has an exam of as many images as are validated on (5,000) and of a sample of those trained on, which weighs on "
        "small sets. A network alone has two threads; several have one each, and two workers where they train for more than "
        f"{WORTH_SPLITTING / 1e9:,.0f} billion operations in all, as many as are worth compiling them in two parts."
    )
    return Outcome("scaling", "Cost over images, width and members", text, shown, raw=raw)


def _alike(members: int, width: int, size: int | None) -> Job:
    penalties = islice(cycle([1e-5 * 1.5**k for k in range(64)]), members)
    return Job(tuple(Net(hidden=(width, width // 2), l2=l2) for l2 in penalties), epochs=4, first=size)


def _cells(job: Job, epoch: Summary) -> list[str]:
    number, nets = images(job), len(job.nets)
    operations = number * sum(operations_per_image(job, net) for net in range(nets))
    return [epoch.text(3), f"{1e6 * epoch.median / number / nets:.2f}", f"{operations / epoch.median / 1e9:,.0f}"]
