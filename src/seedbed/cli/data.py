"""`seedbed data`: list, describe, add and verify data sets."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from seedbed.cli import options, screen
from seedbed.cli.frame import CommandGroup
from seedbed.cli.screen import note, result
from seedbed.cli.settings import size as size_of
from seedbed.specs import DataSpec, Protocol
from seedbed.tables import Column, Table

if TYPE_CHECKING:
    from seedbed.data import DataInfo
    from seedbed.data.description import Known

SHORT = 12
"""Digits of a digest that people see."""

MANY = 12
"""Classes that are listed in full in a table of counts."""


def reading(command: options.Command) -> options.Command:
    """Pass how the user's files are read: `kind`, and the settings of `data.ReadOptions`."""
    return options.together(
        command,
        click.option(
            "--size", type=size_of, metavar="HxW", help="Height and width: pictures are brought to it, rows of pixels have it."
        ),
        click.option(
            "--fit", metavar="NAME", help="What is done to pictures of other proportions: pad, crop, stretch.  [default: pad]"
        ),
        click.option("--channels", metavar="NAME", help="Read pictures as grey or colour.  [default: colour if any has some]"),
        click.option("--label-column", metavar="NAME", help="A table's column of labels, by name or number."),
        click.option("--separator", metavar="SIGN", help="What separates a table's columns: a character, tab or space."),
        click.option(
            "--label-pattern", metavar="REGEX", help="Finds the label in a picture's name: its first group, or all it matches."
        ),
        click.option("--prefix", metavar="TEXT", help="Beginning of the names of files, where a folder has several data sets."),
        click.option("--transpose", is_flag=True, help="Swap the rows and columns of each image in arrays."),
        click.option("--skip-damaged", is_flag=True, help="Leave damaged pictures out."),
        click.option("--kind", metavar="NAME", help="Reader of the files, where several would fit; a wrong one lists them."),
    )


@click.group("data", cls=CommandGroup)
def command() -> None:
    """The data sets that seedbed knows; add your own."""


@command.command("list")
@options.as_json
def list_sets() -> options.Output:
    """Every data set: where it is, or what would be downloaded."""
    from seedbed import data

    known = data.known()
    columns: list[Column[Known]] = [
        Column("name", lambda each: each.name, align="left"),
        Column("what", lambda each: each.title, align="left"),
        Column("kind", lambda each: each.kind, align="left"),
        Column("where", lambda each: each.where or f"downloaded when needed, {each.megabytes} MB", align="left"),
    ]
    return {"data": [vars(each) for each in known]}, lambda: screen.table(Table(columns, known))


@command.command("info")
@click.argument("name", metavar="NAME|PATH")
@reading
@options.protocol()
@options.as_json
def info(name: str, protocol: Protocol, kind: str | None, **settings: Any) -> options.Output:
    """Sizes, classes and balance of a data set, split as training would see it.

    A PATH to images that have no name yet is read as `seedbed data add` would read it, described, and not kept.
    """
    from seedbed import data
    from seedbed.cli.watch import fetching

    spec = DataSpec(protocol=protocol)
    path = data.unnamed(name)
    with fetching() as watch:
        if path is not None:
            facts = data.info_of_path(path, spec, data.ReadOptions(**settings), kind=kind, on_progress=watch)
        elif kind or any(settings.values()):
            raise click.UsageError(f"{name} is a known data set; only a PATH that has no name yet can be read in other ways.")
        else:
            facts = data.info(data.named(name), spec, watch)
    return vars(facts), lambda: _show(facts)


@command.command("add")
@click.argument("name")
@click.argument("path", type=click.Path(path_type=Path))
@reading
@click.option("--replace", is_flag=True, help="Give the name to other files or settings than before.")
@options.as_json
def add(name: str, path: Path, kind: str | None, replace: bool, **settings: Any) -> options.Output:
    """Give a name to your own images.

    PATH is a folder with one folder of pictures for each class (or with train, val and test above these), pictures with a
    table of their labels, IDX, .npy, .npz, .mat, HDF5, Parquet or CSV files, or a .zip or .tar of these.
    The page "Your own images" of the documentation has all layouts.
    """
    from seedbed import data
    from seedbed.cli.watch import fetching

    if not path.exists() and Path(name).exists():
        swapped = f"`seedbed data add {path.name} {name}`"
        raise click.UsageError(f"{name!r} exists, and {str(path)!r} does not: the name comes first. Did you mean {swapped}?")
    with fetching() as watch:
        facts = data.add(name, path, data.ReadOptions(**settings), kind=kind, replace=replace, on_progress=watch)
    return vars(facts), lambda: _show(facts)


@command.command("remove")
@click.argument("name")
@options.as_json
def remove(name: str) -> options.Output:
    """Forget a name; the files and the runs that used it stay."""
    from seedbed import data

    entry = data.remove(name)
    return {"name": entry.name, "path": entry.path}, lambda: result(
        f"{entry.name} is no data set any more; {entry.path} stays."
    )


@command.command("rename")
@click.argument("name")
@click.argument("to")
@options.as_json
def rename(name: str, to: str) -> options.Output:
    """Give a data set of yours another name."""
    from seedbed import data

    entry = data.rename(name, to)
    return {"name": entry.name, "path": entry.path}, lambda: result(f"{name} is now {entry.name}.")


@command.command("verify")
@click.argument("name")
@options.as_json
def verify(name: str) -> options.Output:
    """Look at every byte again."""
    from seedbed import data
    from seedbed.cli.watch import fetching

    with fetching() as watch:
        verified = data.verify(name, watch)
    if verified.repaired:
        note("The copy in the cache was damaged, and has been made again.")
    sentence = f"{verified.name} is sound: content {verified.digest[:SHORT]}, {verified.proof}. From {verified.where}."
    return vars(verified), lambda: result(sentence)


def _show(facts: DataInfo) -> None:
    height, width, channels = facts.image_shape
    parts = ", ".join(f"{count:,} {part}" for part, count in facts.parts.items())
    result(f"{facts.name}: {parts}; {len(facts.classes)} classes")
    result(f"images: {height} x {width} {'grey' if channels == 1 else 'colour'}, {facts.dtype}, divided by {facts.scale:g}")
    result(f"content: {facts.digest[:SHORT]} ({facts.proof})")
    result(f"from: {facts.where}")
    screen.lines(facts.notes, indent="- ")
    if not facts.imbalance < 1.5:
        ratio = f"the largest has {facts.imbalance:.1f} times as many training images as the smallest"
        result(f"- The classes are uneven: {ratio}.")
    _show_balance(facts)


def _show_balance(facts: DataInfo) -> None:
    """Print the images of each class and part; of very many classes the largest and the smallest."""
    shown = list(range(len(facts.classes)))
    if len(facts.classes) > MANY:
        by_size = sorted(shown, key=lambda label: -facts.counts["train"][label])
        shown = [*by_size[: MANY // 2], *by_size[-MANY // 2 :]]
        note(f"Of {len(facts.classes)} classes, the {MANY // 2} largest and the {MANY // 2} smallest:")

    def images(part: str) -> Column[int]:
        return Column(part, lambda label: facts.counts[part][label], ",")

    screen.table(Table([Column("class", lambda label: facts.classes[label], align="left"), *map(images, facts.parts)], shown))
