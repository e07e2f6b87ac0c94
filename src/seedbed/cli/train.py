"""`seedbed train`: a network, or several seeds of it, from flags to a verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from seedbed.cli import options, screen
from seedbed.cli.screen import note, result
from seedbed.cli.settings import Choice, Sections, chosen, flags
from seedbed.cli.text import duration
from seedbed.cli.watch import fetching, watching
from seedbed.figures.words import percent

if TYPE_CHECKING:
    from seedbed.data import Dataset
    from seedbed.records import Result
    from seedbed.runs import RunStore
    from seedbed.scheduler import Execution
    from seedbed.specs import RunSpec

PATIENCE = 60.0
"""Seconds that a function of the user's may take before that is told."""

MOST_ROWS = 20
"""Seeds that get a row of their own in the table."""


@click.command("train", cls=Sections)
@options.name
@click.option("-d", "--dense", is_flag=True, help="A dense network.  [default]")
@click.option("-c", "--conv", is_flag=True, help="A convolutional network.")
@flags
@click.option("--seed", type=int, metavar="N", help="Fixes initial weights and minibatches.  [default: 0]")
@click.option("--seeds", type=int, metavar="K", help="Train K seeds together, from --seed on: runs NAME.0 ... of group NAME.")
@click.option("--model", "target", metavar="FILE.py:FUNCTION", help="Your own function that returns a keras.Model.")
@click.option("--arg", "arguments", multiple=True, metavar="K=V", help="A setting for that function; may be repeated.")
@click.option("--config", type=click.Path(path_type=Path), metavar="FILE.yaml", help="Settings from a file; flags go first.")
@options.execution(resume="Continue runs that were interrupted.", replace="Train again what has a name that is taken.")
@options.as_json
def command(
    name: str,
    dense: bool,
    conv: bool,
    seed: int | None,
    seeds: int | None,
    target: str | None,
    arguments: tuple[str, ...],
    config: Path | None,
    execution: Execution,
    as_json: bool,
    **values: Any,
) -> None:
    """Train a network, or several seeds of it together.

    \b
    The exercise's two networks are the defaults:
      seedbed train -m first -d     dense 784-200-100-10
      seedbed train -m second -c    conv 20@5x5, pool, conv 10@3x3, pool, dense 10
    """
    if dense and conv:
        raise click.UsageError("-d and -c exclude each other.", click.get_current_context())
    family = "dense" if dense else "conv" if conv else None
    choice = chosen(values, family=family, target=target, arguments=arguments, seed=seed, seeds=seeds, config=config)
    results, trained = _train(name, choice, execution)
    pictures = _draw(results)
    if as_json:
        screen.emit({"group": name, "runs": [each.as_json() for each in results]})
        return
    if not trained:
        result(f"Nothing to train: {name} is there, trained with these very settings. --replace begins anew.")
    _show(name, execution.home, results)
    result(f"Learning curves: {pictures[0]} (and {' and '.join(path.suffix for path in pictures[1:])})")
    result(f"Next: seedbed evaluate -m {name}" + _home_flag(execution.home))


def _train(name: str, choice: Choice, execution: Execution) -> tuple[list[Result], bool]:
    """The results, and whether anything had to be trained for them."""
    from seedbed import data
    from seedbed.api import entries
    from seedbed.scheduler import train_runs

    spec = choice.run.data
    with fetching() as watch_download:
        dataset = data.load(spec.changed(name=data.named(spec.name)), watch_download)
    run = choice.run.changed(data=dataset.spec)
    wanted = entries(name, run, choice.seeds)
    _show_layers(run, dataset)
    with watching(name, len(wanted)) as watcher:
        results = train_runs(wanted, replace(execution, on_event=watcher))
    return results, watcher.trained


def _show_layers(run: RunSpec, dataset: Dataset) -> None:
    from seedbed.figures.words import network
    from seedbed.models import describe

    facts = dataset.facts()
    with screen.noted_after(PATIENCE, "note: your function is still building its network. Ctrl-C stops at once."):
        layers = describe(run.model, facts.image_shape, len(facts.classes))
    note(
        f"Data: {run.data.name}, {facts.train:,} images to train on, {facts.validation:,} to validate on, "
        f"{_shape(facts.image_shape)}, {len(facts.classes)} classes"
    )
    for line in dataset.notes:
        note(f"note: {line}")
    note(f"Network: {network(run.model)}")
    note()
    rows: list[Sequence[object]] = [("input", "", _shape(facts.image_shape), "", "")]
    for layer in layers:
        rows.append((layer.name, layer.kind, _shape(layer.output_shape), f"{layer.parameters:,}", f"{layer.operations:,}"))
    parameters, operations = sum(layer.parameters for layer in layers), sum(layer.operations for layer in layers)
    rows.append(("total", "", "", f"{parameters:,}", f"{operations:,}"))
    columns: dict[str, screen.Justify] = {"layer": "left", "kind": "left", "output": "left"}
    screen.table({**columns, "parameters": "right", "operations an image": "right"}, rows, aside=True)
    note()


def _shape(shape: Sequence[int]) -> str:
    return " x ".join(map(str, shape))


def _draw(results: Sequence[Result]) -> list[Path]:
    """The learning curves, in the figures of the run; those of several seeds are with the first seed's."""
    from seedbed import figures

    stem = Path(results[0].folder) / "figures" / ("learning_curves" if len(results) == 1 else "learning_curves_of_seeds")
    return figures.save(figures.learning_curves(results), stem)


def _show(name: str, home: RunStore, results: Sequence[Result]) -> None:
    columns: dict[str, screen.Justify] = {"run": "left", "epoch": "right"}
    for part in ("training", "validation"):
        columns |= {f"{part} loss": "right", f"{part} accuracy": "right"}
    rows = [_row(name, "last", results[0], results[0].history.epochs)] if len(results) == 1 else []
    shown = [_row(each.name, "best", each, each.best) for each in results[:MOST_ROWS]]
    result()
    screen.table(columns, shown + rows)
    if len(results) > MOST_ROWS:
        result(f"... and {len(results) - MOST_ROWS} more seeds; `seedbed runs list` shows them.")
    result()
    if len(results) > 1:
        _show_mean(name, home, results)
    _show_verdicts(results)


def _row(name: str, which: str, of: Result, epoch: int) -> list[object]:
    if epoch < 1:
        return [name, "none is finite", *[""] * 4]
    row = of.history.row(epoch)
    figures = [(f"{row[f'{part}_loss']:.4f}", percent(row[f"{part}_accuracy"], 2)) for part in ("train", "validation")]
    return [name, f"{which}: {epoch}", *figures[0], *figures[1]]


def _show_mean(name: str, home: RunStore, results: Sequence[Result]) -> None:
    from seedbed.comparison import candidate

    group = candidate(home, name, results)
    if group.accuracy is None:
        return
    low, high = percent(group.accuracy.low, 2), percent(group.accuracy.high, 2)
    aside = f"; {len(group.left_out)} that diverged or collapsed stand aside" if group.left_out else ""
    result(
        f"Validation accuracy at the best epoch, mean of {len(group.runs)} seeds: {percent(group.accuracy.mean, 2)} "
        f"(95 % interval {low} to {high}, over seeds and images{aside})"
    )


def _show_verdicts(results: Sequence[Result]) -> None:
    """One line for each kind of verdict, with the evidence of the first run that got it."""
    for kind in dict.fromkeys(each.verdict.kind for each in results):
        alike = [each for each in results if each.verdict.kind == kind]
        first = alike[0]
        of = "" if len(results) == 1 else f"{len(alike)} of {len(results)} seeds; {first.name}: "
        result(f"Verdict {kind}: {of}{first.verdict.evidence}")
    result(f"Time in the workers: {duration(sum(each.seconds.total for each in results))}")


def _home_flag(home: RunStore) -> str:
    """What a command for the same home must add: nothing where it finds the home by itself."""
    return "" if home.root == type(home).at().root else f" --home {home.root}"
