"""`seedbed curves`: the learning curves of several settings in one picture."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import click

from seedbed.cli import options, screen
from seedbed.cli.columns import share_text
from seedbed.tables import Column, Table


@click.command("curves")
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@options.stem("img/curves")
@options.home
@options.as_json
def command(names: tuple[str, ...], out: Path, home: Path) -> options.Output:
    """Learning curves of runs, groups and sweeps in one picture.

    Validation is solid, training dashed and faint. Of more than eight settings the highest and the lowest are drawn.
    """
    from seedbed import figures
    from seedbed.groups import ACCURACY, Group
    from seedbed.groups.curves import learning_curves
    from seedbed.groups.speed import speed_columns
    from seedbed.runs import RunStore
    from seedbed.sweeps.stored import found_groups

    groups = found_groups(RunStore(home), names)
    pictures = figures.save(learning_curves(groups), out)
    columns: list[Column[Group]] = [
        Column("name", lambda group: group.name, align="left"),
        Column("runs", lambda group: len(group.kept)),
        Column("accuracy at best epoch", lambda group: _mean(group.values(ACCURACY).values()), share_text),
        *speed_columns(groups),
    ]

    def show() -> None:
        screen.table(Table(columns, groups))
        screen.picture(pictures)

    plain = {"groups": [group.name for group in groups], "figures": list(map(str, pictures))}
    return plain, show


def _mean(values: Collection[float]) -> float | None:
    return sum(values) / len(values) if values else None
