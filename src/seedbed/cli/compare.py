"""`seedbed compare`: which of several settings is better, and whether that may be chance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import click

from seedbed.cli import options, screen
from seedbed.cli.baselines import BaselineOutput
from seedbed.cli.columns import accuracy_columns, class_columns, share_text
from seedbed.cli.screen import result
from seedbed.errors import SpecError
from seedbed.specs import Metric
from seedbed.tables import Column, Table
from seedbed.words import value as value_text

if TYPE_CHECKING:
    from seedbed.figures.theme import AnyChart
    from seedbed.groups import Comparison, Difference, Group
    from seedbed.sweeps.comparison import SweepComparison
    from seedbed.sweeps.effects import Marginal

MOST_ROWS = 100
"""Settings and sentences of a part that are printed; `--json` has all."""


@click.command("compare")
@click.argument("names", nargs=-1, required=True, metavar="NAME NAME... | SWEEP")
@click.option("--against", default="", metavar="SETTING", help="The sweep's setting to compare with.  [default: the best]")
@options.stem("img/comparison")
@options.file("--latex", text="Write the table of differences as LaTeX too (package booktabs).")
@options.margin
@options.details
@click.option("--metric", type=click.Choice(get_args(Metric)), help="What is compared.  [default: what the runs go by]")
@options.home
@options.as_json
def command(
    names: tuple[str, ...],
    against: str,
    out: Path,
    latex: Path | None,
    margin: float,
    details: bool,
    metric: Metric | None,
    home: Path,
) -> options.Output:
    """Differences in accuracy, loss and speed of learning between runs or groups, or the settings of a sweep.

    \b
      seedbed compare plain small
      seedbed compare SWEEP
      seedbed compare SWEEP --against relu-adam

    Groups are paired by their seeds; single runs are compared on the same images. The verdicts are corrected for the number
    of pairs. A sweep's settings are compared with one of them, and the values of each field with each other, averaged over
    the other fields. Against the best setting the correction counts all pairs of settings, because results chose it; with
    --against it counts the other settings only.
    """
    from seedbed.groups import compare
    from seedbed.runs import RunStore
    from seedbed.sweeps.comparison import compare_sweep
    from seedbed.sweeps.stored import is_known, read_sweep, stored_sweep

    store = RunStore(home)
    if len(names) == 1 and not is_known(store, names[0]) and stored_sweep(store, names[0]):
        swept = compare_sweep(read_sweep(store, names[0]), against, margin=margin / 100, metric=metric)
        drawn = _drawn(swept.charts(), out, latex, swept.table())
        baselines = BaselineOutput.of(store, swept.groups)
        return {**swept.as_json(), "baselines": baselines.plain}, lambda: _show_sweep(swept, baselines, drawn, details=details)
    if against:
        raise SpecError(f"--against belongs to the comparison of one sweep; got: {', '.join(names)}.")
    comparison = compare(store, names, margin=margin / 100, metric=metric)
    charts = {"differences": comparison.figure(), "learning_curves": comparison.curves()} if comparison.pairs else {}
    drawn = _drawn(charts, out, latex, comparison.table())
    baselines = BaselineOutput.of(store, comparison.groups, name=True)
    return {**comparison.as_json(), "baselines": baselines.plain}, lambda: _show(comparison, baselines, drawn, details=details)


def _drawn(charts: Mapping[str, AnyChart], out: Path, latex: Path | None, table: Table[Difference]) -> dict[str, list[Path]]:
    """Save charts, the differences under the stem itself, others with their names added; and the table."""
    from seedbed import storage
    from seedbed.figures.saving import save_all

    if latex:
        storage.write(latex, table.latex().encode())

    stems = {name: out if name == "differences" else out.with_name(f"{out.name}_{name}") for name in charts}
    written = save_all({stems[name]: chart for name, chart in charts.items()})
    return {name.replace("_", " "): written[stems[name]] for name in charts}


def _show_sweep(
    comparison: SweepComparison, baselines: BaselineOutput, drawn: Mapping[str, Sequence[Path]], *, details: bool
) -> None:
    _show_groups(comparison.groups[:MOST_ROWS], details=details)
    if comparison.effects and details:
        columns: list[Column[Marginal]] = [
            Column("field", lambda row: row.field.replace("_", " "), align="left"),
            Column("value", lambda row: value_text(row.value, row.field), align="left"),
            Column("seeds", lambda row: row.group.n),
            *accuracy_columns("mean over the other fields", lambda row: row.group.accuracy),
        ]
        screen.table(Table(columns, comparison.effects))
        result()
    for heading, found in comparison.statements().items():
        if found:
            result(heading if heading.endswith("?") else f"{heading}:")
            screen.statements(found[:MOST_ROWS], details=details, indent="  ")
    screen.statements(baselines.statements, details=details)
    _show_method(comparison, drawn, details=details)


def _show_method(comparison: Comparison | SweepComparison, drawn: Mapping[str, Sequence[Path]], *, details: bool) -> None:
    from seedbed.groups import optimism

    screen.lines(optimism([run for group in comparison.groups for run in group.results]))
    method = comparison.method
    if method:
        result(method) if details else screen.more_in_details()
    for name, paths in drawn.items():
        screen.picture(paths, f"Figure of {name}")


def _show(comparison: Comparison, baselines: BaselineOutput, drawn: Mapping[str, Sequence[Path]], *, details: bool) -> None:
    _show_groups(comparison.groups, details=details)
    if comparison.differs:
        screen.table(_differences(comparison))
        result()
    for found in comparison.statements().values():
        screen.statements(found, details=details)
    screen.statements(baselines.statements, details=details)
    _show_method(comparison, drawn, details=details)


def _show_groups(groups: Sequence[Group], *, details: bool) -> None:
    """Print the groups' accuracies; with `details` also how soon they reach some."""
    from seedbed.groups.speed import speed_columns

    name: Column[Group] = Column("name", lambda group: group.name, align="left")
    columns: list[Column[Group]] = [
        name,
        Column("seeds", lambda group: group.n),
        Column("parameters", lambda group: group.parameters, ",", extra=2),
        *accuracy_columns("validation accuracy", lambda group: group.accuracy),
        Column("at the last epoch", lambda group: group.last and group.last.mean, share_text, extra=1),
        *class_columns(groups),
    ]
    screen.table(Table(columns, groups))
    result()
    speed = speed_columns(groups)
    if speed and details:
        screen.table(Table([name, *speed], groups))
        result()


def _differences(comparison: Comparison) -> Table[str]:
    """Make the table of the settings that differ, one column per group."""
    settings: Column[str] = Column("setting that differs", lambda setting: setting, align="left")

    def value(name: str) -> Column[str]:
        return Column(name, lambda setting: comparison.differs[setting].get(name), align="left")

    return Table([settings, *(value(group.name) for group in comparison.groups)], list(comparison.differs))
