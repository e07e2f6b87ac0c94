"""`seedbed train`: a network, or several seeds of it, from flags to a verdict."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from seedbed.cli import options, screen
from seedbed.cli.baselines import BaselineOutput
from seedbed.cli.columns import share_text
from seedbed.cli.screen import note, result
from seedbed.cli.settings import Choice, Sections, chosen, flags
from seedbed.cli.text import contents
from seedbed.cli.watch import fetching, watching
from seedbed.progress import Watcher, copies_sentence
from seedbed.tables import Column, Table
from seedbed.words import ends, percent

if TYPE_CHECKING:
    from seedbed.data import Dataset
    from seedbed.groups import Group
    from seedbed.models.architecture import LayerFacts
    from seedbed.records import Result
    from seedbed.scheduler import Execution
    from seedbed.specs import RunSpec

PATIENCE = 60.0
"""Seconds that a function of the user's may take before a note says so."""

MOST_ROWS = 20
"""Seeds that get a row of their own in the table."""

METRIC_TEXTS: dict[str, str | Callable[[Any], str]] = {"loss": ".4f", "accuracy": share_text}

EpochRow = tuple[str, "Result", int]
"""An epoch in words, its run, and its number; 0 means that no epoch is finite."""


@click.command("train", cls=Sections)
@options.name
@flags
@click.option("--seed", type=int, metavar="N", help="Fixes initial weights and minibatches.  [default: 0]")
@click.option("--seeds", type=int, metavar="K", help="Train K seeds together, from --seed on: runs NAME.0 ... of group NAME.")
@options.folds
@click.option("--config", type=click.Path(path_type=Path), metavar="FILE.yaml", help="Settings from a file; flags go first.")
@options.execution(
    resume="Continue runs that were interrupted, or go on with finished ones for more --epochs.",
    replace="Train again what has a name that is taken.",
)
@options.as_json
def command(
    name: str,
    seed: int | None,
    seeds: int | None,
    folds: int | None,
    config: Path | None,
    execution: Execution,
    **values: Any,
) -> options.Output:
    """Train a network, or several seeds of it together.

    \b
    The exercise's two networks are the defaults:
      seedbed train -m first -d     dense 784-200-100-10
      seedbed train -m second -c    conv 20@5x5, pool, conv 10@3x3, pool, dense 10
    """
    from seedbed.groups import Group
    from seedbed.runs import RunStore

    choice = chosen(values, seed=seed, seeds=seeds, folds=folds, config=config)
    results, watcher = _train(name, choice, execution)
    pictures = _draw(results)
    group = Group.read(execution.home, name, results)
    baselines = BaselineOutput.of(execution.home, [group])

    def show() -> None:
        if watcher.copies:
            result(f"Nothing to train: {copies_sentence(watcher.copies)}")
        elif not watcher.trained:
            result(f"Nothing to train: {name} exists, trained with these very settings. --replace trains it again.")
        _show(group)
        screen.lines(baselines.lines)
        result(f"Learning curves: {pictures[0]} (and {' and '.join(path.suffix for path in pictures[1:])})")
        home = execution.home.root
        result(f"Next: seedbed evaluate -m {name}" + ("" if home == RunStore.at().root else f" --home {home}"))

    return {"group": name, "runs": [run.as_json() for run in results], "baselines": baselines.plain}, show


def _train(name: str, choice: Choice, execution: Execution) -> tuple[list[Result], Watcher]:
    """Return the results, and what was seen while they were trained."""
    from seedbed import data
    from seedbed.baselines import computed_meanwhile
    from seedbed.groups.folds import on_fold
    from seedbed.groups.seeds import entries
    from seedbed.scheduler import train_runs
    from seedbed.scheduler.costs import notes_before

    spec = on_fold(choice.run, choice.seeds[0], choice.folds).data
    with fetching() as watch:
        dataset = data.load(data.spec_of(spec, watch), watch)
    run = choice.run.changed(data=dataset.spec.changed(fold=choice.run.data.fold))
    requested = entries(name, run, choice.seeds, choice.folds)
    _show_layers(run, dataset)
    for line in notes_before(requested, dataset.facts(), execution):
        note(f"note: {line}")
    if choice.folds > 1:
        note(f"The {len(requested)} seeds validate on {choice.folds} folds in turn; the note above is about the first.")
    meanwhile = computed_meanwhile(execution.home, dataset) if choice.folds == 1 else nullcontext()
    with meanwhile, watching(name, requested) as watcher:
        results = train_runs(requested, replace(execution, on_event=watcher))
    return results, watcher


def _show_layers(run: RunSpec, dataset: Dataset) -> None:
    from seedbed.models import describe

    facts = dataset.facts()
    with screen.noted_after(PATIENCE, "note: your function is still building its network. Ctrl-C stops at once."):
        layers = describe(run.model, facts.image_shape, len(facts.classes))
    note(f"Data: {run.data.name}, {contents(facts)}")
    for line in dataset.notes:
        note(f"note: {line}")
    if run.plan.batch_size > facts.train:
        note(f"note: A minibatch holds all {facts.train:,} training images; there are no {run.plan.batch_size:,}.")
    note(f"Network: {run.model.title}")
    note()
    screen.table(_layer_table(facts.image_shape, layers), aside=True)
    note()


def _layer_table(image: tuple[int, ...], layers: Sequence[LayerFacts]) -> Table[tuple[Any, ...]]:
    def shape(sides: Sequence[int]) -> str:
        return " x ".join(map(str, sides))

    rows: list[tuple[Any, ...]] = [("input", "", shape(image), None, None)]
    rows += [(layer.name, layer.kind, shape(layer.output_shape), layer.parameters, layer.operations) for layer in layers]
    rows.append(("total", "", "", sum(layer.parameters for layer in layers), sum(layer.operations for layer in layers)))
    words = [Column[Any](name, itemgetter(place), align="left") for place, name in enumerate(("layer", "kind", "output"))]
    counts = [Column[Any]("parameters", itemgetter(3), ","), Column[Any]("operations per image", itemgetter(4), ",")]
    return Table([*words, *counts], rows)


def _draw(results: Sequence[Result]) -> list[Path]:
    """Draw the learning curves into the figures of the run; those of several seeds are with the first seed's."""
    from seedbed import figures

    stem = Path(results[0].folder) / "figures" / ("learning_curves" if len(results) == 1 else "learning_curves_of_seeds")
    return figures.save(figures.learning_curves(results), stem)


def _show(group: Group) -> None:
    from seedbed.groups import optimism
    from seedbed.groups.caveats import class_sentences

    results = group.results
    rows = [(f"best: {run.best}" if run.best else "none is finite", run, run.best) for run in results[:MOST_ROWS]]
    if len(results) == 1:
        rows.append((f"last: {results[0].history.epochs}", results[0], results[0].history.epochs))
    result()
    screen.table(_epoch_table(rows, several=len(results) > 1))
    if len(results) > MOST_ROWS:
        result(f"... and {len(results) - MOST_ROWS} more seeds; `seedbed runs list` shows them.")
    result()
    if len(results) > 1:
        _show_mean(group)
    screen.lines([*class_sentences(group), *optimism(results)])
    _show_verdicts(results)


def _epoch_table(rows: Sequence[EpochRow], *, several: bool) -> Table[EpochRow]:
    def metric(name: str, text: str | Callable[[Any], str]) -> Column[EpochRow]:
        heading = name.replace("train_", "training ").replace("_", " ")
        return Column(heading, lambda row: row[1].history.row(row[2])[name] if row[2] else None, text)

    columns: list[Column[EpochRow]] = [
        Column("run", lambda row: row[1].name, align="left"),
        Column("epoch", itemgetter(0)),
        *(metric(f"{part}_{name}", text) for part in ("train", "validation") for name, text in METRIC_TEXTS.items()),
    ]
    if several:  # a single run has a row for its last epoch
        columns += [
            Column("epochs", lambda row: row[1].history.epochs, extra=2),
            Column("accuracy at the last", lambda row: float(row[1].history["validation_accuracy"][-1]), share_text, extra=1),
        ]
    return Table(columns, rows)


def _show_mean(group: Group) -> None:
    from seedbed.groups import same_start

    if group.accuracy is None:
        return
    excluded = f"; {group.left_out} that diverged or collapsed are excluded" if group.left_out else ""
    result(
        f"Validation accuracy at the best epoch, mean of {group.n} seeds: {percent(group.accuracy.mean, 2)} "
        f"(95 % interval {ends(*group.accuracy.pair())}, over seeds and images{excluded})"
        + (f"; at the last epoch {percent(group.last.mean, 2)}" if group.last else "")
    )
    for sentence in same_start([group]):
        result(sentence)


def _show_verdicts(results: Sequence[Result]) -> None:
    """Print a line for each kind of verdict, with the evidence of the first run that got it."""
    from seedbed.diagnosis import ENOUGH_SEEDS

    for kind in dict.fromkeys(each.verdict.kind for each in results):
        first, *others = (run for run in results if run.verdict.kind == kind)
        seeds = "" if len(results) == 1 else f"{1 + len(others)} of {len(results)} seeds, as {first.name}: "
        enough = kind == "good_fit" and len(results) >= ENOUGH_SEEDS  # it advises more seeds
        result(f"Verdict: {seeds}{first.verdict.finding if enough else first.verdict}")
    screen.times(sum(each.seconds.total for each in results))
