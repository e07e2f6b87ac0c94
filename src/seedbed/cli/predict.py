"""`seedbed predict`: what a trained network says about pictures and arrays of images."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from seedbed.cli import options, screen
from seedbed.cli.text import escaped
from seedbed.tables import Column, Table
from seedbed.words import counted, percent

if TYPE_CHECKING:
    from seedbed.evaluation.batch import BatchPrediction

MOST_SHOWN = 20
"""Images that are printed; `-o` writes all."""


@click.command("predict")
@options.name
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE... | FOLDER")
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE.csv", help="Write a row per image."
)
@click.option(
    "--columns", metavar="C,C", help="Columns of that file, such as id,label.  [default: image and likeliest classes]"
)
@click.option(
    "--invert",
    type=click.Choice(["auto", "yes", "no"]),
    default="auto",
    show_default=True,
    help="Turn pictures to their negatives; auto compares their borders with the training images'.",
)
@click.option(
    "--crop",
    type=click.Choice(["auto", "none"]),
    default="auto",
    show_default=True,
    help="Find the ink of a photo and place it as in the training images; or take the whole picture.",
)
@options.file("--show", text="Write what the network saw as a PNG.", metavar="FILE.png")
@click.option("--top", type=click.IntRange(1), default=3, show_default=True, metavar="N", help="Likeliest classes shown.")
@options.home
@options.as_json
def command(
    name: str,
    paths: tuple[Path, ...],
    output: Path | None,
    columns: str | None,
    invert: Literal["auto", "yes", "no"],
    crop: Literal["auto", "none"],
    show: Path | None,
    top: int,
    home: Path,
) -> options.Output:
    """What a trained network says about pictures of any size, folders of pictures, and arrays of images.

    \b
      seedbed predict -m first photo.png
      seedbed predict -m first photos/ -o predictions.csv
      seedbed predict -m first test.csv -o submission.csv --columns ImageId,Label

    Files of arrays are .npz, .npy, IDX, or .csv with one image per row; their pixels are taken as they are. The best run of a
    group is used. Notes say what is done to each picture first. Columns: image, id (of a table, else the picture's name, else
    the number of the row), label, probability, or the name of a class for its probability; capitals are yours.
    """
    from seedbed import storage
    from seedbed.evaluation.batch import predict_batch
    from seedbed.runs import RunStore

    chosen = [each.strip() for each in columns.split(",")] if columns else []
    with _counting() as on_progress:
        batch = predict_batch(RunStore(home), name, paths, invert=invert, crop=crop, on_progress=on_progress)
    table = batch.table(chosen, top)
    if output:
        storage.write(output, table.csv().encode())
    if show:
        _draw(batch, show)
    return batch.as_json(), lambda: _show(batch, top, output, show)


def _draw(batch: BatchPrediction, path: Path) -> None:
    """Write the images that the network saw, with what it said, as one picture."""
    from seedbed import storage
    from seedbed.errors import DataError
    from seedbed.figures.pictures import picture_bytes, picture_grid

    if not batch.seen:
        raise DataError("--show: there is no picture among these; arrays are taken as they are.")
    screen.note_boxes(batch.classes)
    titles = [f"{escaped(Path(batch.images[row]).name)}\n{_likeliest(batch, row)}" for row in batch.seen]
    storage.write(path, picture_bytes(picture_grid(list(batch.seen.values()), titles)))


def _likeliest(batch: BatchPrediction, row: int) -> str:
    [(name, share)] = batch.top(row, 1)
    return f"{escaped(name)}: {percent(share)}"


@contextmanager
def _counting() -> Iterator[Callable[[int, int], None] | None]:
    """Show a bar of images on a terminal's standard error."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    with Progress(BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), console=screen.console(sys.stderr)) as bar:
        task = bar.add_task("images", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _show(batch: BatchPrediction, top: int, output: Path | None, seen: Path | None) -> None:
    def likeliest(row: int) -> str:
        return ", ".join(f"{name}: {percent(share)}" for name, share in batch.top(row, top))

    rows = range(min(len(batch), MOST_SHOWN))
    for row in rows:
        if batch.preprocessing[row]:
            screen.note(f"{batch.images[row]}: {' '.join(batch.preprocessing[row])}")
        if batch.remarks[row]:
            screen.note(f"warning: {batch.images[row]}: {batch.remarks[row]}")
    columns: list[Column[int]] = [
        Column("image", lambda row: batch.images[row], align="left"),
        Column("predicted", lambda row: batch.top(row, 1)[0][0], align="left"),
        Column("classes by probability", likeliest, align="left"),
    ]
    screen.table(Table(columns, rows))
    if len(batch) > MOST_SHOWN:
        screen.result(f"{counted(len(batch), 'image')}, of which the first {MOST_SHOWN} are shown. By class:")
        screen.lines(batch.counts(), indent="  ")
    unlike = sum(map(bool, batch.remarks))
    if unlike and len(batch) > 1:
        looks = "looks" if unlike == 1 else "look"
        screen.result(f"{counted(unlike, 'image')} of {len(batch):,} {looks} like nothing in the training images.")
    if seen:
        screen.result(f"What the network saw: {seen}")
    if output:
        screen.result(f"Written: {output} ({counted(len(batch), 'row')})")
