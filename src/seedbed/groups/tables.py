"""Tables of settings and of their runs."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from seedbed import words
from seedbed.groups.fields import ARGUMENT, values_of
from seedbed.groups.group import Group, class_metrics, shows_classes
from seedbed.groups.speed import TimesToLevel, level_text, levels
from seedbed.records import Result
from seedbed.statistics import Interval
from seedbed.tables import Column, Row, Table, interval_columns

METRICS = ("train_loss", "train_accuracy", "validation_loss", "validation_accuracy")

GroupRun = tuple[Group, Result]


def field_columns(varying: Sequence[str], group: Callable[[Row], Group]) -> list[Column[Row]]:
    """Make columns of the fields that vary, or change with those, in words."""

    def column(name: str) -> Column[Row]:
        heading = name.removeprefix(ARGUMENT).replace("_", " ")
        return Column(heading, lambda row: _value_text(group(row), name), align="left", key=name)

    return [column(name) for name in varying]


def _value_text(group: Group, name: str) -> str:
    setting = group.setting if name in group.setting else values_of(group.run)
    return words.value(setting.get(name), name)


def setting_table(varying: Sequence[str], groups: Sequence[Group]) -> Table[Group]:
    """Make a table with one row per setting: varying fields, mean accuracies in [0, 1], median steps, runs by verdict."""

    def runs(verdict: str) -> Column[Group]:
        return Column(verdict, lambda group: group.verdicts.get(verdict, 0))

    def steps(level: float) -> Column[Group]:
        return Column(f"steps_to_{level_text(level).removesuffix(' %')}", lambda group: TimesToLevel.of(group, level).median())

    columns: list[Column[Group]] = [
        Column("group", lambda group: group.name),
        *field_columns(varying, lambda group: group),
        Column("parameters", lambda group: group.parameters),
        Column("n", lambda group: group.n),
        *interval_columns(lambda group: group.accuracy),
        *interval_columns(lambda group: group.last, "last_"),
        *_class_columns(groups),
        *(steps(level) for level in levels(groups)),
        *map(runs, dict.fromkeys(verdict for group in groups for verdict in group.verdicts)),
    ]
    return Table(columns, groups)


def _class_columns(groups: Sequence[Group]) -> list[Column[Group]]:
    """Make columns of the metrics that count all classes alike, where accuracy does not say enough."""
    if not shows_classes(groups):
        return []

    def of(name: str) -> list[Column[Group]]:
        return interval_columns(lambda group: class_metrics(group).get(name), f"{name}_")

    return [column for name in ("balanced_accuracy", "macro_f1") for column in of(name)]


def means_table(varying: Sequence[str], groups: Sequence[Group]) -> Table[Group]:
    """Make a table for readers, with one row per setting: its values, or its name where none varies; size, mean, interval."""
    excluded = sum(group.left_out for group in groups)
    left_out = f" {words.counted(excluded, 'seed')} excluded: diverged or collapsed." if excluded else ""
    columns: list[Column[Group]] = [
        *(field_columns(varying, lambda group: group) or [Column("network", lambda group: group.name, align="left")]),
        Column("parameters", lambda group: group.parameters, ","),
        Column("seeds", lambda group: group.n),
        Column("accuracy", lambda group: group.accuracy and 100 * group.accuracy.mean, ".2f", unit="%"),
        Column("95 % interval", lambda group: group.accuracy, _ends, unit="%"),
    ]
    data = ", ".join(dict.fromkeys(group.run.data.name for group in groups))
    measure = f"Validation accuracy on {data} at the best epoch, mean over seeds; intervals over seeds and images."
    return Table(columns, groups, f"{measure}{left_out}")


def _ends(interval: Interval | None) -> str:
    if interval is None or math.isnan(interval.low):
        return "not known"
    return f"{100 * interval.low:.2f} to {100 * interval.high:.2f}"


def run_table(varying: Sequence[str], groups: Sequence[Group]) -> Table[GroupRun]:
    """Make a table with one row per run: the fields that vary, the seed, and the metrics of its best and its last epoch."""
    columns: list[Column[GroupRun]] = [
        Column("name", lambda row: row[1].name),
        *field_columns(varying, lambda row: row[0]),
        Column("seed", lambda row: row[1].run.seed),
        Column("parameters", lambda row: row[0].parameters),
        *_epoch_columns("best", lambda result: result.best),
        *_epoch_columns("last", lambda result: result.history.epochs),
        Column("verdict", lambda row: row[1].verdict.kind),
        Column("seconds", lambda row: f"{row[1].seconds.total:.3f}"),
    ]
    return Table(columns, [(group, result) for group in groups for result in group.results])


def _epoch_columns(which: str, epoch: Callable[[Result], int]) -> list[Column[GroupRun]]:
    """Make columns of an epoch's number and metrics. Epoch 0 means that the run has none."""

    def metric(name: str) -> Column[GroupRun]:
        return Column(f"{which}_{name}", lambda row: row[1].history.row(at)[name] if (at := epoch(row[1])) else None)

    return [Column(f"{which}_epoch", lambda row: epoch(row[1]) or None), *map(metric, METRICS)]
