"""`seedbed predict`: what a trained network says about image files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from seedbed.cli import options, screen
from seedbed.tables import Column, Table
from seedbed.words import percent

if TYPE_CHECKING:
    from seedbed.evaluation import Prediction


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
@click.option("--top", type=click.IntRange(1), default=3, show_default=True, metavar="N", help="Likeliest classes shown.")
@options.home
@options.as_json
def command(name: str, images: tuple[Path, ...], invert: Literal["auto", "yes", "no"], top: int, home: Path) -> options.Output:
    """What a trained network says about image files (PNG, JPEG) of any size.

    The best run of a group is used. Notes say what is done to each picture first.
    """
    from seedbed.evaluation import predict
    from seedbed.runs import RunStore

    predictions = predict(RunStore(home), name, images, invert=invert)
    plain = {"name": name, "predictions": [prediction.as_json() for prediction in predictions]}
    return plain, lambda: _show(predictions, top)


def _show(predictions: Sequence[Prediction], top: int) -> None:
    def likeliest(prediction: Prediction) -> str:
        return ", ".join(f"{name}: {percent(share)}" for name, share in prediction.top(top))

    for prediction in predictions:
        screen.note(f"{prediction.path}: {' '.join(prediction.preprocessing)}")
    columns: list[Column[Prediction]] = [
        Column("image", lambda prediction: prediction.path, align="left"),
        Column("predicted", lambda prediction: prediction.best, align="left"),
        Column("classes by probability", likeliest, align="left"),
    ]
    screen.table(Table(columns, predictions))
