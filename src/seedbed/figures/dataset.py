"""Figures of a data set before any training: number of images per class, and similarity of classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from seedbed import words
from seedbed.errors import StatisticsError
from seedbed.figures import marks, scales, theme
from seedbed.figures.scales import Rows, Scale

if TYPE_CHECKING:
    from seedbed.figures.theme import AnyChart

COLOURED_CLASSES = 10
WIDTH = 260
LETTERED = 2
"""Class names up to this many characters stand for themselves in a scatter plot: no legend to go back and forth to."""


def class_balance_rows(counts: Mapping[str, ArrayLike], classes: Sequence[str]) -> Rows:
    """The bars of `class_balance`: part, class, count, share of the part, number (the count as text).

    Raises:
        StatisticsError: a part has not one count per class.
    """
    rows: Rows = []
    for part, values in counts.items():
        n = np.asarray(values, dtype=np.int64)
        if not n.shape == (len(classes),):
            raise StatisticsError(f"The {part} part needs one count per class: {len(classes)}; it has {n.size}.")
        total = max(int(n.sum()), 1)
        rows += [
            {"part": part, "class": name, "count": int(count), "share": int(count) / total, "number": f"{count:,}"}
            for name, count in zip(classes, n, strict=True)
        ]
    return rows


def class_balance(counts: Mapping[str, ArrayLike], classes: Sequence[str]) -> AnyChart:
    """Draw how many images each class has: a panel per part, on one scale of shares, with the counts.

    Args:
        counts: part -> images of each class, `(C,)`.
        classes: C names.

    Raises:
        StatisticsError: a part has not one count per class.
    """
    rows = class_balance_rows(counts, classes)
    scale = Scale((0.0, 1.2 * max(row["share"] for row in rows)), form="~%")
    height = max(9, min(22, 600 // len(classes))) * len(classes)
    panels: list[tuple[str, marks.Layers]] = []
    for part, mine in marks.split(rows, "part").items():
        first = not panels
        x = marks.x("share", scale, f"share of the {part} images")
        y = marks.names_axis("y", "class", classes, "class" if first else "", padding=0.1, labels=first, ticks=first)
        axes = marks.Axes(x, y, tooltip=marks.tips("class", count=",d", share=".2%"))
        numbers = marks.texts(mine, "number", y, style="quiet-text", align="right", x=WIDTH)
        layers = [axes.mark(mine, "bar"), *marks.line_at([1 / len(classes)], x), *numbers]
        panels.append((f"{part} (n = {sum(row['count'] for row in mine):,})", layers))
    subtitle = "numbers: images; dashed: the share if all classes were equally large"
    return marks.figure(panels, "Images of each class", subtitle, (WIDTH, height))


def embedding_scatter(
    points: ArrayLike,
    labels: ArrayLike,
    classes: Sequence[str],
    *,
    method: str,
    axes: tuple[str, str],
    note: str = "",
    pictures: Sequence[str] | None = None,
) -> AnyChart:
    """Draw images as points of a plane, coloured by class, as the class's name (if short) or as a shape.

    Args:
        points: `(n, 2)`.
        labels: the class of each, `(n,)`.
        classes: names.
        method: how the plane was found, for the title, for example "PCA".
        axes: titles of the two axes.
        note: a second line under the title.
        pictures: `data:` addresses of the images, shown next to the pointer on pages.

    Raises:
        StatisticsError: points and labels do not fit.
    """
    xy, which = np.asarray(points, dtype=np.float64), np.asarray(labels, dtype=np.int64)
    if not xy.shape == (len(which), 2):
        raise StatisticsError(f"An embedding needs a point (x, y) per label: {len(which)}; this has shape {xy.shape}.")
    places = np.round(xy, 4).tolist()
    rows: Rows = [{"x": x, "y": y, "class": classes[label]} for (x, y), label in zip(places, which, strict=True)]
    for row, picture in zip(rows, pictures or [], strict=False):
        row["image"] = picture
    letters = max(map(len, classes)) <= LETTERED
    shapes = [theme.SHAPES[(i + i // COLOURED_CLASSES) % len(theme.SHAPES)] for i in range(len(classes))]
    look: dict[str, Any] = {"columns": 1 + len(classes) // 24, "orient": "right", "shapes": shapes, "most": len(classes)}
    by = marks.Groups(list(classes), "class", "class", legend=not letters, **look)
    across, up = (scales.linear(values) for values in xy.T.tolist())
    x, y = marks.x("x", across, axes[0]), marks.y("y", up, axes[1], grid=False)
    plane = marks.Axes(x, y, by, marks.tips("class", "image"))
    if letters:
        text = plane.mark(rows, "text", coloured=True, fontSize=10, fontWeight="bold", fillOpacity=0.85)
        layers = [text.encode(marks.channel("Text", "class:N"))]
    else:  # shapes and colours repeat only together
        layers = [plane.mark(rows, "point", *plane.by.shape, coloured=True, fillOpacity=0.8, size=34)]
    subtitle = [f"n = {words.counted(len(rows), 'training image')}", *([note] if note else [])]
    return marks.single(layers, f"Classes in a plane: {method}", subtitle, (430, 390))
