"""`seedbed predict`: what a trained network says about image files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from seedbed.cli import options, screen
from seedbed.cli.text import escaped
from seedbed.tables import Column, Table
from seedbed.words import percent

if TYPE_CHECKING:
    from seedbed.evaluation import Prediction


MOST_SHOWN = 100
"""Images in the picture of what the network saw."""


@click.command("predict")
@options.name
@click.argument("images", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="IMAGE...")
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
    images: tuple[Path, ...],
    invert: Literal["auto", "yes", "no"],
    crop: Literal["auto", "none"],
    show: Path | None,
    top: int,
    home: Path,
) -> options.Output:
    """What a trained network says about image files (PNG, JPEG) of any size.

    The best run of a group is used. Notes say what is done to each picture first.
    """
    from seedbed.evaluation import predict
    from seedbed.runs import RunStore

    predictions = predict(RunStore(home), name, images, invert=invert, crop=crop)
    if show:
        _draw(predictions, show)
    plain = {"name": name, "predictions": [prediction.as_json() for prediction in predictions]}
    return plain, lambda: _show(predictions, top, show)


def _draw(predictions: Sequence[Prediction], path: Path) -> None:
    """Write the images that the network saw, with what it said, as one picture."""
    from seedbed import storage
    from seedbed.figures.pictures import picture_bytes, picture_grid

    shown = predictions[:MOST_SHOWN]
    titles = [f"{escaped(each.path.name)}: {escaped(each.best)}" for each in shown]
    storage.write(path, picture_bytes(picture_grid([each.shown for each in shown], titles)))


def _show(predictions: Sequence[Prediction], top: int, shown: Path | None) -> None:
    def likeliest(prediction: Prediction) -> str:
        return ", ".join(f"{name}: {percent(share)}" for name, share in prediction.top(top))

    for prediction in predictions:
        screen.note(f"{prediction.path}: {' '.join(prediction.preprocessing)}")
        if prediction.remark:
            screen.note(f"warning: {prediction.path}: {prediction.remark}")
    columns: list[Column[Prediction]] = [
        Column("image", lambda prediction: prediction.path, align="left"),
        Column("predicted", lambda prediction: prediction.best, align="left"),
        Column("classes by probability", likeliest, align="left"),
    ]
    screen.table(Table(columns, predictions))
    if shown:
        screen.result(f"What the network saw: {shown}")
