"""Options that several commands share, each a decorator."""

from __future__ import annotations

from pathlib import Path

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
