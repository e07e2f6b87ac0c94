"""Options that several commands share, each a decorator."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

home = click.option(
    "--home",
    type=click.Path(file_okay=False, path_type=Path),
    envvar="SEEDBED_HOME",
    default=Path("runs"),
    metavar="DIR",
    help="Where runs live; or set SEEDBED_HOME.  [default: runs]",
)
"""Passes `home: Path`."""

as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout, and nothing else there.")
"""Passes `as_json: bool`."""

data = click.option("--data", default="mnist", metavar="NAME", show_default=True, help="Data set; `seedbed data list`.")
"""Passes `data: str`."""

name = click.option("-m", "--name", "name", required=True, metavar="NAME", help="Name of the run or group.")
"""Passes `name: str`."""


def folder(text: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Passes `out: Path | None`, a folder for tables and figures."""
    return click.option("--out", type=click.Path(file_okay=False, path_type=Path), metavar="DIR", help=text)


def of_studies(function: Any) -> Any:
    """What a study is asked for: passes `data`, `quick`, `seeds`, `seed`, `protocol`."""
    choices = (
        data,
        click.option("--quick", is_flag=True, help="A preview: fewer seeds, epochs and settings; every figure says so."),
        click.option(
            "--seeds", type=int, metavar="K", help="Train each setting with so many seeds.  [default: 5; 3 of a preview]"
        ),
        click.option("--seed", type=int, default=0, show_default=True, metavar="N", help="The first of them."),
        click.option(
            "--protocol", metavar="NAME", help="Lock the test part (honest), or validate on it, as the exercise did (handout)."
        ),
    )
    for choice in reversed(choices):
        function = choice(function)
    return function


def execution(*, resume: str = "", replace: str = "") -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Passes `execution: Execution`, from `--device`, `--workers`, `--engine`, `--address`, `--home` and the two below.

    Args:
        resume, replace: help of `--resume` and `--replace`. An empty text leaves the option out.
    """
    flags = {"--resume": resume, "--replace": replace}
    choices = [
        click.option(
            "--device", type=click.Choice(["auto", "cpu", "gpu"]), default="auto", show_default=True, help="Where to train."
        ),
        click.option(
            "--workers", type=click.IntRange(1, 1024), metavar="N", help="Worker processes.  [default: one per core or GPU]"
        ),
        click.option(
            "--engine",
            type=click.Choice(["local", "ray"]),
            default="local",
            show_default=True,
            help="What runs the workers: this machine, or Ray (here, or a cluster at --address).",
        ),
        click.option("--address", metavar="HOST:PORT", help="A running Ray cluster's head, or auto; goes with --engine ray."),
        *(click.option(flag, is_flag=True, help=text) for flag, text in flags.items() if text),
        home,
    ]

    def decorated(command: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(command)
        def with_execution(*arguments: Any, **values: Any) -> Any:
            from seedbed.scheduler import Execution, ExecutionOptions

            own = {name: values.pop(name) for name in ExecutionOptions.__annotations__ if name in values}
            return command(*arguments, execution=Execution.of(**own), **values)

        for choice in reversed(choices):
            with_execution = choice(with_execution)
        return with_execution

    return decorated
