"""`seedbed evaluate`: how good a trained network is, and where it fails."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from seedbed.cli import options, screen
from seedbed.cli.screen import note, result

if TYPE_CHECKING:
    from seedbed.evaluation import Evaluation, GroupEvaluation, PartEvaluation
    from seedbed.runs import RunStore
    from seedbed.statistics import Interval

MISTAKES = 10
"""Mistakes that are told; the picture shows more, `--json` all."""

MOST_CLASSES = 30
"""Classes that get a row of their own."""


@click.command("evaluate")
@options.name
@click.option("--test", is_flag=True, help="Look at the locked test part too; each look is written into a ledger.")
@options.home
@options.as_json
def command(name: str, test: bool, home: Path, as_json: bool) -> None:
    """Loss, accuracy and mistakes of a trained network.

    Its best epoch's weights are judged on the whole training part and on the validation part. Of a group, every seed is.
    """
    from seedbed.evaluation import evaluate, evaluate_group
    from seedbed.runs import RunStore

    store = RunStore(home)
    if len(store.find(name)) > 1:
        together = evaluate_group(store, name, test=test)
        pictures = _draw(store, max(together.runs, key=lambda run: run.validation.accuracy.mean))
        screen.emit(together.as_json()) if as_json else _show_group(together, pictures)
    else:
        alone = evaluate(store, name, test=test)
        pictures = _draw(store, alone)
        screen.emit(alone.as_json()) if as_json else _show(alone, pictures)


def _draw(home: RunStore, evaluation: Evaluation) -> list[Path]:
    from seedbed import data
    from seedbed.evaluation import illustrate

    [run] = home.find(evaluation.name)
    return illustrate(evaluation, data.load(run.run.data), home.folder(evaluation.name) / "figures")


def _show(evaluation: Evaluation, pictures: list[Path]) -> None:
    result(f"{evaluation.name}: best epoch {evaluation.epoch}, {evaluation.parameters:,} parameters")
    result(f"Verdict {evaluation.verdict.kind}: {evaluation.verdict.evidence}")
    result()
    _show_parts([evaluation])
    for part, called in ((evaluation.validation, "validation"), (evaluation.test, "test")):
        if part is not None:
            result()
            _show_part(part, called, evaluation.classes)
    if evaluation.test is not None:
        result(f"Looks at the test part with this run: {evaluation.looks}")
    result()
    for path in pictures:
        result(f"Picture: {path}")


def _show_group(together: GroupEvaluation, pictures: list[Path]) -> None:
    _show_parts(together.runs)
    result()
    for part, interval in (("Validation", together.validation), ("Test", together.test)):
        if interval is not None:
            result(f"{part} accuracy, mean of {interval.n} seeds: {_with_interval(interval)}")
    for name, verdict in together.left_out.items():
        note(f"{name} is left out of the means: {verdict.kind}. {verdict.evidence}")
    result()
    for path in pictures:
        result(f"Picture (of the best seed): {path}")


def _show_parts(runs: list[Evaluation]) -> None:
    """A row for each run and part."""
    columns: dict[str, screen.Justify] = {"run": "left", "part": "left", "images": "right", "loss": "right"}
    rows: list[list[object]] = []
    for run in runs:
        train = (f"{run.train_loss:.4f}", _percent(run.train_accuracy), "")
        rows.append([run.name, "training", f"{run.train_n:,}", *train])
        for called, part in (("validation", run.validation), ("test", run.test)):
            if part is not None:
                shown = (f"{part.loss:.4f}", _percent(part.accuracy.mean), _range(part.accuracy))
                rows.append([run.name, called, f"{part.accuracy.n:,}", *shown])
    screen.table({**columns, "accuracy": "right", "95 % interval": "right"}, rows)


def _show_part(part: PartEvaluation, called: str, classes: tuple[str, ...]) -> None:
    """Classes, calibration and the surest mistakes of one part."""
    columns: dict[str, screen.Justify] = {f"{called}: class": "left", "images": "right"}
    columns |= {"precision": "right", "recall": "right", "recall's 95 % interval": "right"}
    rows = [
        [name, f"{one.n:,}", _mean(one.precision), _mean(one.recall), _range(one.recall)]
        for name, one in zip(classes[:MOST_CLASSES], part.per_class, strict=False)
    ]
    screen.table(columns, rows)
    if len(classes) > MOST_CLASSES:
        note(f"... and {len(classes) - MOST_CLASSES} more classes; --json prints all.")
    result()
    result(f"Calibration: expected error {_percent(part.calibration.ece)}")
    if not part.mistakes:
        result(f"No mistake on {part.accuracy.n:,} images.")
        return
    result(f"Mistakes: {len(part.mistakes):,} of {part.accuracy.n:,}. The surest:")
    mistakes = [(one.source, one.label, one.predicted, _percent(one.confidence)) for one in part.mistakes[:MISTAKES]]
    screen.table({"image": "left", "is": "left", "taken for": "left", "sure": "right"}, mistakes)


def _percent(share: float) -> str:
    from seedbed.figures.words import percent

    return percent(share, 2)


def _mean(interval: Interval | None) -> str:
    return "" if interval is None else _percent(interval.mean)


def _range(interval: Interval | None) -> str:
    return "" if interval is None else f"{_percent(interval.low)} to {_percent(interval.high)}"


def _with_interval(interval: Interval) -> str:
    return f"{_mean(interval)} (95 % interval {_range(interval)}, over seeds and images)"
