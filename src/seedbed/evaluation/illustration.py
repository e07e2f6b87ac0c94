"""Draw the figures of an evaluation."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from seedbed import figures, storage
from seedbed.data import Dataset, Part
from seedbed.evaluation.assessment import Evaluation, Mistake, PartEvaluation
from seedbed.records import PictureRule

ROWS, COLUMNS = 3, 5
"""Size of the exercise's grid of mistakes."""

ONE_LINE = 10
"""Letters of two classes' names that fit above an image in one line."""


def illustrate(evaluation: Evaluation, dataset: Dataset, folder: Path, kinds: tuple[str, ...] = ("png",)) -> list[Path]:
    """Draw the evaluation into a folder: `confusion`, `reliability`, `per_class`, and `mistakes.png`.

    The figures of the test part have the same names with the prefix `test_`. A part without mistakes has no picture of them.

    Args:
        evaluation: evaluation to draw.
        dataset: data set of the evaluation, for the images.
        folder: folder for the files.
        kinds: file kinds of the charts, as in `figures.save`.

    Returns:
        Paths of the files.

    Raises:
        StorageError: a file could not be written.
    """
    parts = {"validation": (evaluation.validation, dataset.validation), "test": (evaluation.test, dataset.test)}
    written: list[Path] = []
    for name, (scores, part) in parts.items():
        if scores is None or part is None:
            continue
        charts = {
            "confusion": figures.confusion(scores.confusion, evaluation.classes, part=name),
            "reliability": figures.reliability_curve(scores.calibration, part=name),
            "per_class": figures.per_class(scores.per_class, evaluation.classes, part=name),
        }
        prefix = "test_" if name == "test" else ""
        written += [path for kind, chart in charts.items() for path in figures.save(chart, folder / (prefix + kind), kinds)]
        picture = folder / f"{prefix}mistakes.png"
        if scores.mistakes:
            storage.write(picture, _mistakes(evaluation.name, scores, part, dataset.pictures, name))
            written.append(picture)
        else:
            storage.remove(picture)
    return written


def _title(mistake: Mistake, between: str) -> str:
    """What is said above an image; a file is named without its folder, which is that of its class."""
    source = f"#{mistake.source}" if mistake.source.isdecimal() else mistake.source.rpartition("/")[2]
    return f"{mistake.label}{between}taken for {mistake.predicted}\n{100 * mistake.confidence:.1f} % sure, {source}"


def _mistakes(run: str, scores: PartEvaluation, part: Part, rule: PictureRule, name: str) -> bytes:
    shown = scores.mistakes[: ROWS * COLUMNS]
    between = "\n" if any(len(mistake.label) + len(mistake.predicted) > ONE_LINE for mistake in shown) else " "
    titles = [_title(mistake, between) for mistake in shown]
    images = rule.shown(part.take(np.array([mistake.index for mistake in shown])))
    heading = f"{run}: {_heading(len(shown), len(scores.mistakes), scores.accuracy.n, name)}"
    return figures.picture_bytes(figures.picture_grid(images, titles, columns=COLUMNS, heading=heading, side=168))


def _heading(shown: int, mistakes: int, n: int, part: str) -> str:
    if mistakes == 1:
        return f"the only mistake on {n:,} {part} images"
    which = "all" if shown == mistakes else f"the {shown} surest of"
    return f"{which} {mistakes:,} mistakes on {n:,} {part} images"
