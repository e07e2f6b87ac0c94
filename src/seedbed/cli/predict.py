"""`seedbed predict`: what a trained network says about image files."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click

from seedbed.cli import options, screen


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
def command(
    name: str, images: tuple[Path, ...], invert: Literal["auto", "yes", "no"], top: int, home: Path, as_json: bool
) -> None:
    """What a trained network says about image files (PNG, JPEG) of any size.

    Of a group, its best run answers. What is done to each picture first is told.
    """
    from seedbed.evaluation import predict
    from seedbed.figures.words import percent
    from seedbed.runs import RunStore

    answers = predict(RunStore(home), name, images, invert=invert)
    if as_json:
        screen.emit({"name": name, "predictions": [answer.as_json() for answer in answers]})
        return
    for answer in answers:
        screen.note(f"{answer.path}: {' '.join(answer.preprocessing)}")
    columns: dict[str, screen.Justify] = {"image": "left", "predicted": "left", "classes by probability": "left"}
    rows = [
        (answer.path, answer.best, ", ".join(f"{each}: {percent(share)}" for each, share in answer.top(top)))
        for answer in answers
    ]
    screen.table(columns, rows)
