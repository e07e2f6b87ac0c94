"""docs/benchmarks/scaling.md and its chart, from costs and simulated worlds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench.scaling.costs import MEMBERS, RUNS, WORKERS, Costs
from bench.scaling.simulation import Fate, World, simulate
from bench.summary import ratios, summarize

MANY = 100_000
MACHINES = (1, 2, 5, 10, 20, 50, 100)
SHOWN = (10, 100)
EPOCHS = 10
METRICS_ONLY_BYTES = 20_000.0
ALLOWED = 1.10
NEARLY_ALL = 0.9


def world(costs: Costs, machines: int, runs: int = MANY) -> World:
    """Simulate many runs of the exercise's dense net on a number of machines, at the measured costs."""
    line = costs.messages["ray"]
    return World(
        machines,
        runs=runs,
        members=MEMBERS,
        epochs=EPOCHS,
        run_epoch=costs.run_epoch,
        task=costs.task,
        worker=costs.worker,
        message=line.message,
        byte=line.byte,
        row=costs.row,
        store=costs.store,
        save=costs.save,
        run_bytes=costs.run_bytes,
        checkpoint_bytes=costs.checkpoint_bytes,
    )


def variants(costs: Costs, machines: int, runs: int = MANY) -> dict[str, World]:
    """The compared cases: full storage, as it is now; metrics alone; and a driver without cost."""
    whole = world(costs, machines, runs)
    metrics = replace(whole, store=EPOCHS * costs.row, run_bytes=METRICS_ONLY_BYTES, save=0.0, checkpoint_bytes=0.0)
    free = replace(whole, message=0.0, byte=0.0, row=0.0, store=0.0, save=0.0)
    return {"weights and metrics stored": whole, "metrics alone stored": metrics, "a driver that costs nothing": free}


def page(costs: Costs, about: str, runs: int = MANY) -> tuple[str, Any]:
    """Write the page as Markdown, and draw its chart.

    Args:
        about: machine, day, and load.
        runs: number of runs to simulate.
    """
    fates = {(name, n): simulate(one) for n in MACHINES for name, one in variants(costs, n, runs).items()}
    parts = [_measured(costs, about), _simulated(costs, fates, runs), _bottleneck(costs, fates, runs)]
    return "\n\n".join([_INTRODUCTION, *parts, _OUTLOOK]) + "\n", chart(fates)


_INTRODUCTION = """# Scaling to many machines

`--engine ray` sends populations to actors of a [Ray](https://docs.ray.io) cluster. One process, the driver, plans, receives
results and is the only one that writes files; the machines share only a network with it. This page is written by
`python -m bench.scaling`."""

_OUTLOOK = """## Limits of the simulation

It has no network between machines (at 1 Gbit/s the driver receives 125 MB per second), no head of Ray, no threads of the driver
(one per worker), and no differences between machines. Nothing was measured on more than one machine: the costs above were
measured on one, the rest is computed from them by `bench/scaling/simulation.py`."""


def _measured(costs: Costs, about: str) -> str:
    local, ray = costs.shell["local"], costs.shell["ray"]
    ratio = ratios(local, ray)
    verdict = "within" if ratio.median <= ALLOWED else "beyond"
    mine, theirs = costs.messages["ray"], costs.messages["local"]
    rows = [
        ("the same runs, shell to shell, local", f"{summarize(local).text(1)} s"),
        ("the same runs, shell to shell, Ray (its cluster started and ended each time)", f"{summarize(ray).text(1)} s"),
        ("one epoch of one run in a population", f"{1e3 * costs.run_epoch:,.0f} ms"),
        ("overhead per task, programs compiled before", f"{1e3 * costs.task:,.0f} ms"),
        ("start of an actor until its first report, programs from the cache", f"{costs.worker:,.1f} s"),
        ("one message from an actor", f"{1e6 * mine.message:,.0f} µs (local pipe: {1e6 * theirs.message:,.0f} µs)"),
        ("one byte of a message", f"{1e9 * mine.byte:,.2f} ns (local pipe: {1e9 * theirs.byte:,.2f} ns)"),
        ("storing the metrics of one epoch of one run", f"{1e6 * costs.row:,.0f} µs"),
        ("storing a checkpoint, per run in it", f"{1e3 * costs.save:,.1f} ms for {costs.checkpoint_bytes / 1e6:,.1f} MB"),
        ("storing one finished run", f"{1e3 * costs.store:,.1f} ms for {costs.run_bytes / 1e6:,.1f} MB"),
    ]
    table = "\n".join(f"| {what} | {much} |" for what, much in rows)
    return f"""## Measured here

{about}. The runs: the exercise's dense net, 784-200-100-10, on MNIST; {RUNS} of them by {WORKERS} workers; median (smallest to
largest).

| cost | |
|---|---|
{table}

Ray took {ratio.text()} times as long as local for the same {RUNS} runs: {verdict} the allowed 10 %."""


def _simulated(costs: Costs, fates: dict[tuple[str, int], Fate], runs: int) -> str:
    one = world(costs, 1, runs)
    names = list(variants(costs, 1))
    rows = []
    for machines in MACHINES:
        cells = [f"{fates[name, machines].seconds / 3600:,.2f} h ({fates[name, machines].efficiency:.0%})" for name in names]
        busy = fates[names[0], machines].driver_busy
        rows.append(f"| {machines} | {one.cores * machines:,} | {' | '.join(cells)} | {busy:.0%} |")
    return f"""## Simulated: {one.runs:,} runs of {EPOCHS} epochs

Machines of {one.cores} cores, one worker per core, populations of {one.members}. {_weather(one)} The driver takes one message
after the other. In brackets: the time without any waiting, as a share of the simulated time.

| machines | workers | {" | ".join(names)} | driver busy (first case) |
|---|---|{"---|" * len(names)}---|
{chr(10).join(rows)}

![Hours over machines](scaling.png)"""


def _weather(one: World) -> str:
    return (
        f"Tasks differ in speed (standard deviation of the logarithm {one.spread}), {one.stragglers:.0%} take "
        f"{one.straggling:.0f} times as long.\nEach machine fails every {one.hours:,.0f} hours on average and is away for "
        f"{one.away:,.0f} s; what it trained since its last save, at most\n{one.save_every:.0f} s, is trained again."
    )


def _bottleneck(costs: Costs, fates: dict[tuple[str, int], Fate], runs: int) -> str:
    whole = world(costs, 1, runs)
    name, metrics, _ = variants(costs, 1)
    share = whole.runs * whole.store / whole.driver_least
    said = [f"- {n} machines: {_limit(fates[name, n])}" for n in SHOWN]
    alone = fates[metrics, SHOWN[-1]]
    return f"""## The bottleneck

{chr(10).join(said)}

The driver can receive {whole.runs / whole.driver_least:,.0f} runs per second and spends {share:.0%} of its time on storing
finished runs with weights and predictions. This is the output of {whole.ideal / whole.driver_least:,.1f} machines of
{whole.cores} cores; with full storage, further machines do not help. With metrics alone, {SHOWN[-1]} machines take
{_limit(alone)}"""


def _limit(fate: Fate) -> str:
    """Name the limit of the speed, from the simulated shares."""
    hours = f"{fate.seconds / 3600:,.2f} h"
    aside = f"the last tasks delay the end by {fate.tail:,.0f} s, and failures cost {fate.lost:.2%} of the training."
    if fate.driver_busy >= NEARLY_ALL:
        return f"{hours}, bound by the driver, which is busy for {fate.driver_busy:.0%} of it; {aside}"
    if fate.efficiency >= NEARLY_ALL:
        return f"{hours}, bound by the training itself (the driver is busy for {fate.driver_busy:.0%}); {aside}"
    return f"{hours}, of which training needs {fate.efficiency:.0%} and the driver {fate.driver_busy:.0%}; {aside}"


def chart(fates: dict[tuple[str, int], Fate]) -> Any:
    """Draw hours over machines, both logarithmic, one line per case."""
    from seedbed.figures import marks, scales

    rows = [{"case": name, "machines": n, "mean": fate.seconds / 3600} for (name, n), fate in fates.items()]
    x = marks.x("machines", scales.logarithmic(MACHINES), "machines of 16 cores", grid=True, values=list(MACHINES))
    y = marks.y("mean", scales.logarithmic(scales.reach(rows)), "hours")
    axes = marks.Axes(x, y, marks.Groups(list(marks.split(rows, "case")), field="case", columns=2))
    layers = [*axes.lines(rows, band=False), *axes.dots(rows)]
    subtitle = "Simulated from costs that were measured on one machine."
    return marks.single(layers, "100,000 runs", subtitle, (520, 300))


def write(costs: Costs, about: str, docs: Path) -> Sequence[Path]:
    """Write the page and its picture."""
    from seedbed import figures, storage

    text, drawn = page(costs, about)
    storage.write(docs / "scaling.md", text.encode())
    return [docs / "scaling.md", *figures.save(drawn, docs / "scaling", ["png"])]
