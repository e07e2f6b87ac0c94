"""`seedbed data`: which data sets there are, what one holds, the user's own, and whether the bytes are still the same."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from seedbed.cli import options, screen
from seedbed.cli.frame import Group
from seedbed.cli.screen import note, result
from seedbed.cli.settings import size as size_of
from seedbed.tables import Column, Table

if TYPE_CHECKING:
    from seedbed.data import DataInfo
    from seedbed.data.description import Known
    from seedbed.specs import Protocol

SHORT = 12
"""Digits of a digest that people see."""

MANY = 12
"""Classes that are listed in full in a table of counts."""


@click.group("data", cls=Group)
def command() -> None:
    """The data sets that seedbed knows; add your own."""


@command.command("list")
@options.as_json
def list_sets(as_json: bool) -> None:
    """Every data set: where it lies, or what would be downloaded."""
    from seedbed import data

    known = data.known()
    if as_json:
        screen.emit({"data": [vars(each) for each in known]})
        return
    columns: list[Column[Known]] = [
        Column("name", lambda each: each.name, align="left"),
        Column("what", lambda each: each.title, align="left"),
        Column("kind", lambda each: each.kind, align="left"),
        Column("where", lambda each: each.where or f"downloaded when needed, {each.megabytes} MB", align="left"),
    ]
    screen.table(Table(columns, known))


@command.command("info")
@click.argument("name")
@click.option(
    "--protocol", type=click.Choice(["honest", "handout"]), default="honest", show_default=True, help="How it is split."
)
@options.as_json
def info(name: str, protocol: Protocol, as_json: bool) -> None:
    """Sizes, classes and balance of a data set (or of a path to your images), split as training would see it."""
    from seedbed import data
    from seedbed.cli.watch import fetching
    from seedbed.specs import DataSpec

    with fetching() as watch:
        facts = data.info(data.named(name), DataSpec(protocol=protocol), watch)
    _report(facts, as_json)


@command.command("add")
@click.argument("name")
@click.argument("path", type=click.Path(path_type=Path))
@click.option(
    "--size", type=size_of, metavar="HxW", help="Height and width: pictures are brought to it, rows of pixels have it."
)
@click.option("--label-column", metavar="NAME", help="Of a CSV: the column of labels, by name or number.")
@click.option("--replace", is_flag=True, help="Give the name to other files or settings than before.")
@options.as_json
def add(name: str, path: Path, size: tuple[int, int] | None, label_column: str | None, replace: bool, as_json: bool) -> None:
    """Give a name to your own images.

    PATH is a folder with one folder of PNG or JPEG files for each class (or with train, val and test above these), a folder of
    IDX or .npy files, an .npz file, or a .csv file with one image a row.
    """
    from seedbed import data

    _report(data.add(name, path, size=size, label_column=label_column, replace=replace), as_json)


@command.command("verify")
@click.argument("name")
@options.as_json
def verify(name: str, as_json: bool) -> None:
    """Look at every byte again."""
    from seedbed import data
    from seedbed.cli.watch import fetching

    with fetching() as watch:
        verified = data.verify(name, watch)
    if as_json:
        screen.emit(vars(verified))
        return
    if verified.repaired:
        note("What was kept in the cache was damaged, and has been made anew.")
    result(f"{verified.name} is sound: content {verified.digest[:SHORT]}, {verified.proof}. From {verified.where}.")


def _report(facts: DataInfo, as_json: bool) -> None:
    if as_json:
        screen.emit(vars(facts))
        return
    height, width, channels = facts.image_shape
    parts = ", ".join(f"{count:,} {part}" for part, count in facts.parts.items())
    result(f"{facts.name}: {parts}; {len(facts.classes)} classes")
    result(f"images: {height} x {width} {'grey' if channels == 1 else 'colour'}, {facts.dtype}, divided by {facts.scale:g}")
    result(f"content: {facts.digest[:SHORT]} ({facts.proof})")
    result(f"from: {facts.where}")
    for line in facts.notes:
        result(f"- {line}")
    if not facts.imbalance < 1.5:
        result(
            f"- The classes are uneven: the largest has {facts.imbalance:.1f} times as many training images as the smallest."
        )
    _balance(facts)


def _balance(facts: DataInfo) -> None:
    """Images of each class and part; of very many classes the largest and the smallest."""
    shown = list(range(len(facts.classes)))
    if len(facts.classes) > MANY:
        by_size = sorted(shown, key=lambda label: -facts.counts["train"][label])
        shown = [*by_size[: MANY // 2], *by_size[-MANY // 2 :]]
        note(f"Of {len(facts.classes)} classes, the {MANY // 2} largest and the {MANY // 2} smallest:")

    def images(part: str) -> Column[int]:
        return Column(part, lambda label: facts.counts[part][label], ",")

    screen.table(Table([Column("class", lambda label: facts.classes[label], align="left"), *map(images, facts.parts)], shown))
