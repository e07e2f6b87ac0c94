"""`seedbed export`: a network as a file for other programs, or the metrics of runs as a table."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import click

from seedbed.cli import options, screen
from seedbed.cli.text import size
from seedbed.exports.formats import FORMATS
from seedbed.exports.protocol import ExportFormat, NetworkFormat

PATH_HELP = "File to write, or FOLDER/.  [default: exports/NAME with the format's ending]"

HELP = """A trained network as a file for other programs, or the metrics of runs, groups, sweeps and searches as a table.

\b
Formats of networks; of a group, the run with the best validation accuracy:
{networks}

\b
Formats of metrics, of one name or several:
{metrics}

A network's file takes pixels as stored and returns probabilities. It is loaded again by its own runtime before it is written,
and its probabilities on 256 validation images must be those of the network.
"""


def _listed(formats: Iterable[ExportFormat]) -> str:
    return "\n".join(f"  {each.name:<12}{each.title}" for each in formats)


def _help() -> str:
    networks = [each for each in FORMATS.records() if isinstance(each, NetworkFormat)]
    return HELP.format(networks=_listed(networks), metrics=_listed(each for each in FORMATS.records() if each not in networks))


@click.command("export", help=_help())
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@click.option("--format", "form", required=True, metavar="FORMAT", help="What to write, see above.")
@click.option(
    "--weights", type=click.Choice(["best", "last"]), default="best", show_default=True, help="Which epoch's network."
)
@click.option("-o", "--output", "path", type=click.Path(), metavar="PATH", help=PATH_HELP)
@click.option("--quantize", type=click.Choice(["int8"]), help="Weights and activations of 8 bits, in C.")
@click.option("--check/--no-check", default=True, help="Whether to load the file again and compare it with the network.")
@options.home
@options.as_json
def command(
    names: tuple[str, ...],
    form: str,
    weights: Literal["best", "last"],
    path: str | None,
    quantize: Literal["int8"] | None,
    check: bool,
    home: Path,
) -> options.Output:
    from seedbed.exports import export

    what = names[0] if len(names) == 1 else names
    written = export(what, form, path, weights=weights, quantize=quantize, check=check, home=home)

    def show() -> None:
        screen.lines(written.files, indent="Written: ")
        screen.result(f"Size: {size(written.size)}")
        screen.lines(written.lines)

    return written.as_json(), show
