"""An evaluation's figures, as files."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from seedbed import figures, storage
from seedbed.data import Dataset, Part
from seedbed.evaluation.assessment import Evaluation, Mistake, PartEvaluation

ROWS, COLUMNS = 3, 5
"""Of the exercise's grid of mistakes."""


def illustrate(evaluation: Evaluation, dataset: Dataset, folder: Path, kinds: tuple[str, ...] = ("png",)) -> list[Path]:
    """Draw the evaluation into a folder: `confusion`, `reliability`, `per_class`, and `mistakes.png`.

    Where the test part was evaluated, its figures have the same names with `test_` in front. A part without mistakes has no
    picture of them.

    Args:
        dataset: that of the evaluation, for the images.
        kinds: file kinds of the charts, as in `figures.save`.

    Returns:
        The paths written.

    Raises:
        StorageError: a file could not be written.
    """
    written = _part(evaluation, evaluation.validation, dataset.validation, dataset, folder, "validation", kinds)
    if evaluation.test is not None and dataset.test is not None:
        written += _part(evaluation, evaluation.test, dataset.test, dataset, folder, "test", kinds)
    return written


def _part(
    evaluation: Evaluation,
    found: PartEvaluation,
    part: Part,
    dataset: Dataset,
    folder: Path,
    which: str,
    kinds: tuple[str, ...],
) -> list[Path]:
    charts = {
        "confusion": figures.confusion(found.confusion, evaluation.classes, part=which),
        "reliability": figures.reliability_curve(found.calibration, part=which),
        "per_class": figures.per_class(found.per_class, evaluation.classes, part=which),
    }
    prefix = "test_" if which == "test" else ""
    written = [path for name, chart in charts.items() for path in figures.save(chart, folder / (prefix + name), kinds)]
    picture = folder / f"{prefix}mistakes.png"
    if found.mistakes:
        storage.write(picture, _mistakes(evaluation.name, found, part, dataset, which))
        written.append(picture)
    else:
        storage.remove(picture)
    return written


def _mistakes(name: str, found: PartEvaluation, part: Part, dataset: Dataset, which: str) -> bytes:
    shown = found.mistakes[: ROWS * COLUMNS]
    titles = [f"{one.label} taken for {one.predicted}\n{100 * one.confidence:.1f} % sure, {_source(one)}" for one in shown]
    images = part.take(np.array([one.index for one in shown]))
    heading = f"{name}: {_heading(len(shown), len(found.mistakes), found.accuracy.n, which)}"
    return figures.picture_bytes(
        figures.picture_grid(images, titles, columns=COLUMNS, top=dataset.scale, heading=heading, side=168)
    )


def _heading(shown: int, mistakes: int, n: int, which: str) -> str:
    of = f"{mistakes:,} mistakes on {n:,} {which} images"
    if mistakes == 1:
        return f"the only mistake on {n:,} {which} images"
    return f"all {of}" if shown == mistakes else f"the {shown} surest of {of}"


def _source(mistake: Mistake) -> str:
    return f"#{mistake.source}" if mistake.source.isdecimal() else mistake.source
