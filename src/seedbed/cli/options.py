"""Options that several commands share, each a decorator."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import click

from seedbed.specs import AUTO, AUTO_EPOCHS, AUTO_PATIENCE, ClassWeight, Metric, Select

if TYPE_CHECKING:
    from seedbed.scheduler import Forecast

Command = Callable[..., Any]
Decorator = Callable[[Command], Command]

Output = tuple[Mapping[str, Any], Callable[[], None]]
"""What a command returns: the JSON object of `--json`, and a function that prints the same for a reader."""

EPOCHS_HELP = (
    f"Passes over the training images; {AUTO} stops after {AUTO_PATIENCE} without a lower validation loss, "
    f"at {AUTO_EPOCHS} at most."
)
SELECT_HELP = (
    "The best epoch: highest mean accuracy of five epochs (smoothed), lowest loss, highest accuracy of one epoch, or the last: "
    f"{', '.join(get_args(Select))}."
)

METRIC_HELP = f"What the best epoch, rankings and comparisons go by: {', '.join(get_args(Metric))}."
CLASS_WEIGHT_HELP = f"Weight of the classes in the loss; balanced counts all alike: {', '.join(get_args(ClassWeight))}."
FIRST_HELP = "Train on N of the training images, drawn by class: the effects of a large set in minutes."

home = click.option(
    "--home",
    type=click.Path(file_okay=False, path_type=Path),
    envvar="SEEDBED_HOME",
    default=Path("runs"),
    metavar="DIR",
    help="Where runs live; or set SEEDBED_HOME.  [default: runs]",
)
"""Passes `home: Path`."""

data = click.option("--data", default="mnist", metavar="NAME", show_default=True, help="Data set; `seedbed data list`.")
"""Passes `data: str`."""

name = click.option("-m", "--name", "name", required=True, metavar="NAME", help="Name of the run or group.")
"""Passes `name: str`."""


folds = click.option(
    "--folds", type=int, metavar="K", help="Cross-validation, for small data: the seeds validate on K folds in turn."
)
"""Passes `folds: int | None`."""

details = click.option("--details", is_flag=True, help="Say intervals, p-values and the method too, and show all tables.")
"""Passes `details: bool`."""

margin = click.option(
    "--margin",
    type=click.FloatRange(min=0, max=100, min_open=True),
    default=1.0,
    show_default=True,
    metavar="POINTS",
    help="Accuracies that are shown to differ by less are called equivalent.",
)
"""Passes `margin: float`, in percentage points."""


def together(command: Command, *choices: Decorator) -> Command:
    """Add several options to a command, in the order of its help."""
    for choice in reversed(choices):
        command = choice(command)
    return command


def forecast_output(expected: Forecast) -> Output:
    """What a command returns for `--dry-run`."""
    from seedbed.cli.screen import result

    return expected.as_json(), lambda: result(f"{expected.sentence}. Nothing was trained.")


dry_run = click.option("--dry-run", is_flag=True, help="Say what would be trained and about how long it takes; train nothing.")
"""Passes `dry_run: bool`."""


def as_json(command: Callable[..., Output]) -> Command:
    """Add `--json` to a command that returns an `Output`, and print the half of it that is asked for."""

    @click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout, and nothing else there.")
    @functools.wraps(command)
    def printed(*arguments: Any, as_json: bool, **values: Any) -> None:
        from seedbed.cli import screen

        plain, show = command(*arguments, **values)
        screen.emit(plain) if as_json else show()

    return printed


def folder(text: str) -> Decorator:
    """Pass `out: Path | None`, a folder for tables and figures."""
    return click.option("-o", "--out", type=click.Path(file_okay=False, path_type=Path), metavar="DIR", help=text)


def stem(default: str) -> Decorator:
    """Pass `out: Path`, where a figure goes."""
    text = "Where the figure goes: STEM.png, STEM.svg, STEM.html."
    path = click.Path(path_type=Path)
    return click.option("-o", "--out", type=path, default=Path(default), metavar="STEM", show_default=True, help=text)


def file(*names: str, text: str, metavar: str = "FILE", multiple: bool = False) -> Decorator:
    """Pass a `Path | None`, or a tuple of paths where the option may be repeated."""
    kind = click.Path(dir_okay=False, path_type=Path)
    return click.option(*names, type=kind, metavar=metavar, multiple=multiple, help=text)


epochs = click.option(
    "--epochs",
    metavar="N|auto|own",
    help=f"{EPOCHS_HELP} own: those of each study.  [default: own; on small data until done where nets are compared]",
)
"""Passes `epochs: str | None`, which the plan checks."""

select = click.option("--select", metavar="NAME", help=SELECT_HELP)
"""Passes `select: str | None`, which the plan checks."""


metric = click.option("--metric", metavar="NAME", help=METRIC_HELP)
"""Passes `metric: str | None`, which the plan checks."""

class_weight = click.option("--class-weight", metavar="NAME", help=CLASS_WEIGHT_HELP)
"""Passes `class_weight: str | None`, which the plan checks."""


def protocol(default: str | None = "honest") -> Decorator:
    """Pass `protocol: str | None`, which the data spec checks."""
    text = "Lock the test part (honest), or validate on it, as the exercise did (handout)."
    return click.option("--protocol", default=default, show_default=True, metavar="NAME", help=text)


def of_studies(command: Command) -> Command:
    """Pass what a study is asked for: `data`, `first`, `quick`, `seeds`, `folds`, `seed`, `protocol`, `epochs`, `select`,
    `metric`, `class_weight`.
    """
    quick = "A preview: fewer seeds, epochs and settings; every figure says so."
    seeds = "Number of seeds of each setting.  [default: 5; 3 of a preview]"
    folds = "Cross-validation: the seeds validate on K folds in turn.  [default: 3 or more where validation images are few]"
    return together(
        command,
        data,
        click.option("--first", type=click.IntRange(min=1), metavar="N", help=FIRST_HELP),
        click.option("--quick", is_flag=True, help=quick),
        click.option("--seeds", type=int, metavar="K", help=seeds),
        click.option("--folds", type=int, metavar="K", help=folds),
        click.option("--seed", type=int, default=0, show_default=True, metavar="N", help="The first of them."),
        protocol(None),
        epochs,
        select,
        metric,
        class_weight,
    )


def execution(*, resume: str = "", replace: str = "") -> Decorator:
    """Pass `execution: Execution`, from `--device`, `--workers`, `--engine`, `--address`, `--home` and the two below.

    Args:
        resume, replace: help of `--resume` and `--replace`. An empty text leaves the option out.
    """
    flags = {"--resume": resume, "--replace": replace}
    engine = "What runs the workers: this machine, or Ray (here, or a cluster at --address)."
    devices, engines = click.Choice(["auto", "cpu", "gpu"]), click.Choice(["local", "ray"])
    workers = "Worker processes.  [default: one per core or GPU]"
    choices = [
        click.option("--device", type=devices, default="auto", show_default=True, help="Where to train."),
        click.option("--workers", type=click.IntRange(1, 1024), metavar="N", help=workers),
        click.option("--engine", type=engines, default="local", show_default=True, help=engine),
        click.option("--address", metavar="HOST:PORT", help="A running Ray cluster's head, or auto; goes with --engine ray."),
        *(click.option(flag, is_flag=True, help=text) for flag, text in flags.items() if text),
        home,
    ]

    def decorated(command: Command) -> Command:
        @functools.wraps(command)
        def with_execution(*arguments: Any, **values: Any) -> Any:
            from seedbed.scheduler import Execution, ExecutionOptions

            own = {name: values.pop(name) for name in ExecutionOptions.__annotations__ if name in values}
            return command(*arguments, execution=Execution.of(**own), **values)

        return together(with_execution, *choices)

    return decorated
