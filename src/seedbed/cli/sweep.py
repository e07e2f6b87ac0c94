"""`seedbed sweep`: a grid of settings, from fields and their values to a table, figures and sentences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from seedbed.cli import options, screen
from seedbed.cli.baselines import BaselineOutput
from seedbed.cli.columns import accuracy_columns, class_columns, share_text
from seedbed.cli.screen import note, result
from seedbed.cli.settings import Sections, checked_parts, counted_seeds, flags, given_fields, read_yaml, run_of
from seedbed.cli.text import contents
from seedbed.cli.watch import fetching, watching
from seedbed.errors import SpecError
from seedbed.progress import copies_sentence
from seedbed.tables import Column, Table
from seedbed.words import kinds

if TYPE_CHECKING:
    from seedbed.groups import Group
    from seedbed.scheduler import Execution, Forecast
    from seedbed.specs import DataSpec, RunSpec
    from seedbed.sweeps import Design, Grid, Sweep
    from seedbed.validation import Spec

KEYS = ("base", "grid", "seeds", "folds")
PARTS = ("model", "plan", "data")
MODEL_SHOWN = ("family", "hidden", "filters", "kernel", "activation")
PLAN_SHOWN = ("epochs", "batch_size", "optimizer", "learning_rate")
"""Settings that are shown whatever they are."""

SEEDS = 5
MOST_ROWS = 200
"""Settings that get a row in the table on the screen; the files have all."""


@click.command("sweep", cls=Sections)
@options.name
@click.argument("file", required=False, type=click.Path(path_type=Path), metavar="[FILE.yaml]")
@click.option(
    "--set", "pairs", multiple=True, metavar="FIELD=VALUES", help="A field that varies and its values; may be repeated."
)
@click.option("--seeds", type=int, metavar="K", help=f"Train each setting with the seeds 0 ... K-1.  [default: {SEEDS}]")
@options.folds
@click.option("--sort", type=click.Choice(["grid", "mean"]), default="grid", show_default=True, help="Order of the table.")
@options.folder("Where tables and figures go.  [default: sweeps/NAME]")
@flags
@options.execution(
    resume="Continue runs that were interrupted, or go on with finished ones for more --epochs.",
    replace="Train all of it again.",
)
@options.details
@options.dry_run
@options.as_json
def command(
    name: str,
    file: Path | None,
    pairs: tuple[str, ...],
    seeds: int | None,
    folds: int | None,
    sort: str,
    out: Path | None,
    execution: Execution,
    details: bool,
    dry_run: bool,
    **values: Any,
) -> options.Output:
    """Train a grid of settings: every combination of the fields that vary, each with the same seeds.

    \b
    A field is any of the options under Network, Training and Data.
    Values stand between commas, or come one by one:
      seedbed sweep -m penalty --set l2=0,1e-4,1e-3
      seedbed sweep -m units --set hidden=100 --set hidden=200,100
    Of hidden, filters, kernel, stride and pool one value is itself a list
    with commas in it, so each --set is one value: the line above compares
    one layer of 100 with two of 200 and 100.
    Several fields make a grid; all other settings are the same in all runs:
      seedbed sweep -m both --set l2=0,1e-4 --set activation=relu,tanh --epochs 20
    Fields that change together, here a learning rate for each optimizer:
      seedbed sweep -m tuned --set optimizer+lr=adam:0.001,sgd:0.1
    Also: family=dense,conv; permutation=none,1; first=1000,all;
    arg.width=32,64 for a function of your own.

    \b
    The same as a file, `seedbed sweep -m both FILE.yaml`:
      base: {plan: {epochs: 20}, data: {name: mnist}}
      grid: {l2: [0, 1e-4], activation: [relu, tanh], hidden: [[100], [200, 100]]}
      seeds: 5
      folds: 5

    Runs are named NAME-SETTING.SEED. What is trained already is not trained again: add a value, a field or seeds, and only
    what is new will be.
    """
    from seedbed.scheduler import forecast
    from seedbed.sweeps import design

    asked = read_yaml(file, KEYS) if file else {}
    grid = _grid(asked, pairs, given_fields(values))
    base = run_of(values, _base(asked, file))
    parts = folds if folds is not None else asked.get("folds", 1)
    numbers = counted_seeds(seeds if seeds is not None else asked.get("seeds"), parts, default=SEEDS)
    with fetching() as watch_download:
        planned = design(name, base, grid, numbers, watch_download, folds=parts)
    _show_design(planned)
    expected = forecast(planned.entries, execution)
    if dry_run:
        return options.forecast_output(expected)
    sweep = _train(planned, execution, expected)
    order = sweep.by_mean() if sort == "mean" else sweep.groups
    files = sweep.save(out or Path("sweeps") / name, order)
    baselines = BaselineOutput.of(execution.home, order)
    settings = [group.as_json() for group in order]
    plain = {
        "group": name,
        "runs": [run.as_json() for run in sweep.results],
        "settings": settings,
        "baselines": baselines.plain,
    }
    return plain, lambda: _show(sweep, order, baselines, files, details=details)


def _grid(asked: dict[str, Any], pairs: Sequence[str], given: Sequence[str]) -> Grid:
    """Read the fields of the file, and those of `--set`, which replace them where both name one."""
    from seedbed.sweeps import Grid, names_of

    filed = asked.get("grid", {})
    if not isinstance(filed, dict):
        raise SpecError(f"grid = {filed!r}: it must be a mapping from fields to lists of their values.")
    named = {"+".join(names_of(name)): values for name, values in filed.items()}
    if len(named) < len(filed):
        raise SpecError("grid: a field occurs under two names; give it once.")
    grid = {**named, **Grid.texts(pairs)}
    if not grid:
        message = "A sweep needs a field that varies: --set l2=0,1e-4, or a FILE.yaml with a grid."
        raise click.UsageError(message, click.get_current_context())
    varied = {name for key in grid for name in names_of(key)}
    for name in given:
        if name in varied:
            raise SpecError(f"{name} is given one value for all runs and varies too; give one of the two.")
    return Grid.of(grid)


def _base(asked: dict[str, Any], file: Path | None) -> dict[str, Any]:
    base = asked.get("base", {})
    if not isinstance(base, dict) or base.keys() - set(PARTS):
        raise SpecError(f"{file}: 'base' must be a mapping with some of {', '.join(PARTS)}, and is {base!r}.")
    return checked_parts(base, str(file))


def _train(planned: Design, execution: Execution, expected: Forecast) -> Sweep:
    nothing = "Nothing to train: all runs exist, trained with these very settings. --replace trains them again."
    note(f"{expected.sentence}." if expected.left else nothing)
    with watching(planned.name, expected.missing) as watcher:
        sweep = planned.train(replace(execution, on_event=watcher))
    if watcher.copies:
        note(f"note: {copies_sentence(watcher.copies)}")
    return sweep


def _show_design(planned: Design) -> None:
    from seedbed.words import counted, value

    settings, seeds = len(planned.requests), len(planned.seeds)
    note(
        f"Sweep {planned.name}: {counted(settings, 'setting')} x {counted(seeds, 'seed')} = {counted(settings * seeds, 'run')}"
    )
    for name, values in planned.grid.values.items():
        note(f"  {name}: {', '.join(value(each, name) for each in values)}")
        for other, own in planned.grid.paired.get(name, {}).items():
            note(f"    with {other}: {', '.join(value(each, other) for each in own)}")
        if len(values) == 1 and isinstance(values[0], tuple) and len(values[0]) > 1:
            many = len(values[0])
            note(f"  note: {name} has one value, a list of {many}; for {many} values repeat it, --set {name}=A --set {name}=B")
    note(f"  all else: {_rest(planned.base, planned.grid)}")
    for spec, facts in planned.data.items():
        note(f"Data: {_data(spec)}, {contents(facts)}")
    if planned.folds > 1:
        note(f"The seeds validate on {planned.folds} folds in turn.")
    note()


def _rest(base: RunSpec, grid: Grid) -> str:
    """Name the settings that are the same in all runs: those that name the network, and those that are not the default."""
    from seedbed.specs import Keras
    from seedbed.words import setting

    def shown(spec: Spec, defaults: Spec, always: Sequence[str]) -> dict[str, Any]:
        values = {name: getattr(spec, name) for name in type(spec).model_fields}
        return {name: value for name, value in values.items() if name in always or value != getattr(defaults, name)}

    if isinstance(base.model, Keras):
        model = {"function": base.model.function, **{f"arg.{name}": value for name, value in base.model.arguments.items()}}
    else:
        model = shown(base.model, type(base.model)(family=base.model.family), MODEL_SHOWN)
    both = {**model, **shown(base.plan, type(base.plan)(), PLAN_SHOWN)}
    return setting({name: value for name, value in both.items() if name not in next(iter(grid))})


def _data(spec: DataSpec) -> str:
    """Name a data set, and what a study did to it."""
    from seedbed.words import setting

    changed = {name: getattr(spec, name) for name in ("first", "label_noise", "permutation", "size", "split_seed")}
    changes = [setting({name: value}) for name, value in changed.items() if value]
    changes += [] if spec.protocol == "honest" else [spec.protocol]
    return f"{spec.name} ({', '.join(changes)})" if changes else spec.name


def _show(
    sweep: Sweep, order: Sequence[Group], baselines: BaselineOutput, files: dict[str, list[Path]], *, details: bool
) -> None:
    result()
    screen.table(_setting_table(sweep.grid.columns, order[:MOST_ROWS]))
    if len(order) > MOST_ROWS:
        result(f"... and {len(order) - MOST_ROWS:,} more settings; results.csv has all.")
    result("Mean validation accuracy of n runs, at each one's best epoch and at its last; the interval is that of the best.")
    result()
    screen.statements(sweep.statements(), details=details)
    screen.statements(baselines.statements, details=details)
    if not details:
        screen.more_in_details()
    screen.times(sum(group.seconds for group in sweep.groups))
    screen.files(files)
    result(f"To repeat it: {files['yaml'][0]}")


def _setting_table(varying: Sequence[str], groups: Sequence[Group]) -> Table[Group]:
    from seedbed.groups.speed import TimesToLevel, common_level, level_text
    from seedbed.groups.tables import field_columns

    level = common_level(groups)
    speed: list[Column[Group]] = []
    if level is not None:
        speed = [Column(f"steps to {level_text(level)}", lambda group: TimesToLevel.of(group, level).text, extra=4)]
    fields = field_columns(varying, lambda group: group)
    columns: list[Column[Group]] = [
        *(fields or [Column("group", lambda group: group.name, align="left")]),
        Column("parameters", lambda group: group.parameters, ","),
        Column("n", lambda group: group.n, extra=1),
        *accuracy_columns("at best epoch", lambda group: group.accuracy),
        Column("at last", lambda group: group.last and group.last.mean, share_text, extra=2),
        *class_columns(groups),
        *speed,
        Column("verdicts", lambda group: ", ".join(kinds(group.verdicts)), align="left", extra=3),
    ]
    return Table(columns, groups)
