"""`seedbed evaluate`: how good a trained network is, and where it fails."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING

import click

from seedbed.cli import options, screen
from seedbed.cli.baselines import BaselineOutput
from seedbed.cli.columns import accuracy_columns, range_text, share_text
from seedbed.cli.screen import note, result
from seedbed.tables import Column, Table

if TYPE_CHECKING:
    from seedbed.evaluation import Evaluation, PartEvaluation
    from seedbed.evaluation.assessment import Mistake
    from seedbed.groups.evaluation import GroupEvaluation
    from seedbed.records import Result
    from seedbed.runs import RunStore
    from seedbed.statistics import ClassFigures, Interval

MISTAKES = 10
"""Mistakes that are printed; the picture shows more, `--json` all."""

MOST_CLASSES = 30
"""Classes that get a row of their own."""


@click.command("evaluate")
@options.name
@click.option("--test", is_flag=True, help="Look at the locked test part too; each look is written into a ledger.")
@options.home
@options.as_json
def command(name: str, test: bool, home: Path) -> options.Output:
    """Loss, accuracy and mistakes of a trained network.

    Its best epoch's weights are evaluated on the whole training part and on the validation part; of a group, every seed's;
    of a sweep, those of every setting.
    """
    from seedbed.evaluation import evaluate
    from seedbed.groups import Group
    from seedbed.groups.evaluation import evaluate_group
    from seedbed.runs import RunStore
    from seedbed.sweeps.stored import is_known, stored_sweep

    store = RunStore(home)
    stored = None if is_known(store, name) else stored_sweep(store, name)
    if stored:
        groups = [evaluate_group(store, group, test=test) for group in stored.groups]
        baselines = BaselineOutput.of(store, [each.group for each in groups], name=True)
        plain = {"sweep": name, "groups": [each.as_json() for each in groups], "baselines": baselines.plain}
        return plain, lambda: _show_sweep(groups, baselines)
    if len(store.find(name)) > 1:
        group = evaluate_group(store, name, test=test)
        pictures = _draw(store, max(group.runs, key=lambda run: run.validation.accuracy.mean))
        baselines = BaselineOutput.of(store, [group.group])
        return {**group.as_json(), "baselines": baselines.plain}, lambda: _show_group(group, baselines, pictures)
    [trained] = store.find(name)
    run = evaluate(store, name, test=test)
    pictures = _draw(store, run)
    baselines = BaselineOutput.of(store, [Group.read(store, name, [trained])])
    plain = {**run.as_json(), "last": trained.summary()["last"], "baselines": baselines.plain}
    return plain, lambda: _show(run, trained, baselines, pictures)


def _draw(home: RunStore, evaluation: Evaluation) -> list[Path]:
    from seedbed import data
    from seedbed.evaluation import illustrate

    [run] = home.find(evaluation.name)
    screen.note_boxes(evaluation.classes)
    return illustrate(evaluation, data.load(run.run.data), home.folder(evaluation.name) / "figures")


def _show(evaluation: Evaluation, trained: Result, baselines: BaselineOutput, pictures: list[Path]) -> None:
    from seedbed.groups import Group, optimism
    from seedbed.groups.caveats import uneven_classes

    result(f"{evaluation.name}: best epoch {evaluation.epoch}, {evaluation.parameters:,} parameters")
    result(f"Verdict: {evaluation.verdict}")
    result()
    _show_parts([evaluation], alike=_counts_alike(trained))
    last = trained.history.row(trained.history.epochs)
    accuracy = share_text(last["validation_accuracy"])
    result(f"At the last epoch, {trained.history.epochs}: validation loss {last['validation_loss']:.4f}, accuracy {accuracy}.")
    screen.lines(optimism([trained]))
    uneven = uneven_classes([Group(trained.group, [trained])])
    screen.lines([*uneven, *_agreement(evaluation.test_minus_validation), *baselines.lines])
    for part, called in ((evaluation.validation, "validation"), (evaluation.test, "test")):
        if part is not None:
            result()
            _show_part(part, called, evaluation.classes)
    if evaluation.test is not None:
        result(f"Looks at the test part with this run: {evaluation.looks}")
    result()
    screen.lines(pictures, indent="Picture: ")


def _agreement(difference: Interval | None) -> list[str]:
    from seedbed.evaluation import agreement_sentence

    return [] if difference is None else [agreement_sentence(difference)]


def _show_group(group: GroupEvaluation, baselines: BaselineOutput, pictures: list[Path]) -> None:
    from seedbed.groups import same_start
    from seedbed.groups.caveats import class_sentences

    _show_parts(group.runs, alike=_counts_alike(group.group.results[0]))
    result()
    for part, interval in (("Validation", group.validation), ("Test", group.test)):
        if interval is not None:
            result(
                f"{part} accuracy, mean of {interval.n} seeds: {share_text(interval.mean)} "
                f"(95 % interval {range_text(interval)}, over seeds and images)"
            )
    screen.lines(
        [*class_sentences(group.group), *same_start([group.group]), *_agreement(group.test_minus_validation), *baselines.lines]
    )
    folds = group.group.folds
    if folds > 1:
        result(f"{folds} folds: each network judged the validation images of its own fold, and was trained on the others.")
        if group.test is not None:
            result("All networks judged the whole test part. One that is trained on all images may do better.")
    for name, verdict in group.left_out.items():
        note(f"{name} is excluded from the means: {verdict.label}. {verdict.evidence}")
    result()
    screen.lines(pictures, indent="Picture (of the best seed): ")


def _show_sweep(groups: Sequence[GroupEvaluation], baselines: BaselineOutput) -> None:
    """Print a row for each setting of a sweep."""
    columns: list[Column[GroupEvaluation]] = [
        Column("setting", lambda group: group.name, align="left"),
        Column("runs", lambda group: len(group.runs)),
        *accuracy_columns("validation accuracy", lambda group: group.validation),
        *(accuracy_columns("test accuracy", lambda group: group.test) if any(group.test for group in groups) else []),
        Column("excluded", lambda group: len(group.left_out) or ""),
    ]
    screen.table(Table(columns, groups))
    screen.lines(baselines.lines)


def _counts_alike(trained: Result) -> bool:
    """Whether accuracy alone does not say enough."""
    from seedbed.groups import Group
    from seedbed.groups.group import shows_classes

    return shows_classes([Group(trained.group, [trained])])


PartRow = tuple[str, str, int, float, float, "PartEvaluation | None"]
"""Run, part, images, loss, accuracy, and all metrics of the part; None for the training part."""


def _show_parts(runs: list[Evaluation], *, alike: bool) -> None:
    """Print a row for each run and part.

    Args:
        alike: whether the metrics that count all classes alike have columns.
    """
    rows: list[PartRow] = []
    for run in runs:
        rows.append((run.name, "training", run.train_n, run.train_loss, run.train_accuracy, None))
        for name, part in (("validation", run.validation), ("test", run.test)):
            if part is not None:
                rows.append((run.name, name, part.accuracy.n, part.loss, part.accuracy.mean, part))

    def shown(heading: str, interval: Callable[[PartEvaluation], Interval]) -> list[Column[PartRow]]:
        return accuracy_columns(heading, lambda row: interval(row[5]) if row[5] else None, unknown="")

    columns: list[Column[PartRow]] = [
        Column("run", itemgetter(0), align="left"),
        Column("part", itemgetter(1), align="left"),
        Column("images", itemgetter(2), ","),
        Column("loss", itemgetter(3), ".4f"),
        Column("accuracy", itemgetter(4), share_text),
        Column("95 % interval", lambda row: row[5] and row[5].accuracy, range_text),
        *(shown("balanced accuracy", lambda part: part.balanced_accuracy) if alike else []),
        *(shown("macro F1", lambda part: part.macro_f1) if alike else []),
    ]
    screen.table(Table(columns, rows))


def _show_part(part: PartEvaluation, called: str, classes: tuple[str, ...]) -> None:
    """Print classes, calibration and the surest mistakes of one part."""
    screen.table(_class_table(part, called, classes))
    if len(classes) > MOST_CLASSES:
        note(f"... and {len(classes) - MOST_CLASSES} more classes; --json prints all.")
    result()
    result(f"Calibration: expected error {share_text(part.calibration.ece)}")
    if not part.mistakes:
        result(f"No mistake on {part.accuracy.n:,} images.")
        return
    result(f"Mistakes: {len(part.mistakes):,} of {part.accuracy.n:,}. The surest:")
    columns: list[Column[Mistake]] = [
        Column("image", lambda mistake: mistake.source, align="left"),
        Column("is", lambda mistake: mistake.label, align="left"),
        Column("taken for", lambda mistake: mistake.predicted, align="left"),
        Column("sure", lambda mistake: mistake.confidence, share_text),
    ]
    screen.table(Table(columns, part.mistakes[:MISTAKES]))


def _class_table(part: PartEvaluation, called: str, classes: tuple[str, ...]) -> Table[tuple[str, ClassFigures]]:
    columns: list[Column[tuple[str, ClassFigures]]] = [
        Column(f"{called}: class", lambda row: row[0], align="left"),
        Column("images", lambda row: row[1].n, ","),
        Column("precision", lambda row: row[1].precision and row[1].precision.mean, share_text),
        *accuracy_columns("recall", lambda row: row[1].recall, ends="recall's 95 % interval", unknown=""),
    ]
    return Table(columns, list(zip(classes[:MOST_CLASSES], part.per_class, strict=False)))
