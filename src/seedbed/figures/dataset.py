"""What a data set looks like before any training: how many images a class has, and how classes lie beside each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from seedbed.errors import StatisticsError
from seedbed.figures import theme, words

if TYPE_CHECKING:
    import altair as alt

    from seedbed.figures.theme import AnyChart

Rows = list[dict[str, Any]]

COLOURED_CLASSES = 10
WIDTH = 260
LETTERED = 2
"""Class names up to so many characters stand for themselves in a scatter plot: no legend to go back and forth to."""


def class_balance_rows(counts: Mapping[str, ArrayLike], classes: Sequence[str]) -> Rows:
    """The bars of `class_balance`: part, class, count, share of the part.

    Raises:
        StatisticsError: a part has not one count a class.
    """
    rows: Rows = []
    for part, values in counts.items():
        n = np.asarray(values, dtype=np.int64)
        if not n.shape == (len(classes),):
            raise StatisticsError(f"The {part} part needs one count a class: {len(classes)}; it has {n.size}.")
        total = max(int(n.sum()), 1)
        rows += [
            {"part": part, "class": classes[i], "count": int(n[i]), "share": int(n[i]) / total} for i in range(len(classes))
        ]
    return rows


def class_balance(counts: Mapping[str, ArrayLike], classes: Sequence[str]) -> AnyChart:
    """How many images each class has: a panel a part, on one scale of shares, the counts beside the bars.

    Args:
        counts: part -> images of each class, `(C,)`.
        classes: C names.

    Raises:
        StatisticsError: a part has not one count a class.
    """
    import altair as alt

    rows = class_balance_rows(counts, classes)
    most = max(row["share"] for row in rows)
    step = max(9, min(22, 600 // len(classes)))
    panels = []
    for i, part in enumerate(counts):
        data = [row for row in rows if row["part"] == part]
        axis = alt.Axis(grid=False, labels=i == 0, ticks=i == 0, domain=True)
        base = alt.Chart(theme.table(data)).encode(
            alt.X(
                "share:Q",
                title=f"share of the {part} images",
                scale=alt.Scale(domain=[0, most * 1.2]),
                axis=alt.Axis(format="~%", grid=False),
            ),
            alt.Y("class:N", sort=list(classes), title="class" if i == 0 else None, axis=axis),
            tooltip=["class:N", "count:Q", alt.Tooltip("share:Q", format=".2%")],
        )
        numbers = base.mark_text(style="quiet-text", align="right").encode(
            x=alt.value(WIDTH), text=alt.Text("count:Q", format=",d")
        )
        even = alt.Chart(theme.table([{"even": 1 / len(classes)}])).mark_rule(style="ideal").encode(x="even:Q")
        heading = theme.heading(f"{part} (n = {sum(row['count'] for row in data):,})")
        panels.append(alt.layer(base.mark_bar(), even, numbers).properties(width=WIDTH, height=alt.Step(step), title=heading))
    subtitle = "numbers: images; dashed: the share if all classes were equally large"
    return theme.finish(alt.hconcat(*panels), "Images of each class", subtitle)


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
    """Images as points of a plane, coloured by class and drawn as the class's name (if short) or as a shape.

    Args:
        points: `(n, 2)`.
        labels: the class of each, `(n,)`.
        classes: names.
        method: how the plane was found, for the title, for example "PCA".
        axes: titles of the two axes.
        note: a second line under the title.
        pictures: `data:` addresses of the images, shown beside the pointer on pages.

    Raises:
        StatisticsError: points and labels do not fit.
    """
    import altair as alt

    xy, which = np.asarray(points, dtype=np.float64), np.asarray(labels, dtype=np.int64)
    if not xy.shape == (len(which), 2):
        raise StatisticsError(f"An embedding needs a point (x, y) a label: {len(which)}; this has shape {xy.shape}.")
    rows: Rows = [
        {"x": round(float(xy[i, 0]), 4), "y": round(float(xy[i, 1]), 4), "class": classes[which[i]]} for i in range(len(which))
    ]
    for row, picture in zip(rows, pictures or [], strict=False):
        row["image"] = picture
    x, y = (
        alt.X("x:Q", title=axes[0], axis=alt.Axis(grid=False), scale=alt.Scale(zero=False)),
        alt.Y("y:Q", title=axes[1], axis=alt.Axis(grid=False), scale=alt.Scale(zero=False)),
    )
    subtitle = [f"n = {words.counted(len(rows), 'training image')}", *([note] if note else [])]
    tooltip = ["class:N", *(["image:N"] if pictures else [])]
    base = alt.Chart(theme.table(rows)).encode(x, y, tooltip=tooltip)
    return theme.finish(_classes(base, classes), f"Classes in a plane: {method}", subtitle, width=430, height=390)


def _classes(base: alt.Chart, classes: Sequence[str]) -> Any:
    """The points with their classes: letters and colours, or shapes and colours that repeat only together."""
    import altair as alt

    short = max(map(len, classes)) <= LETTERED
    legend = None if short else alt.Legend(columns=1 + len(classes) // 24, symbolLimit=0)
    colour = alt.Color("class:N", title="class", scale=alt.Scale(domain=list(classes), range="category"), legend=legend)
    if short:
        return base.mark_text(fontSize=10, fontWeight="bold", fillOpacity=0.85).encode(colour, text="class:N")
    shapes = [theme.SHAPES[(i + i // COLOURED_CLASSES) % len(theme.SHAPES)] for i in range(len(classes))]
    shape = alt.Shape("class:N", title="class", scale=alt.Scale(domain=list(classes), range=shapes), legend=legend)
    return base.mark_point(filled=True, fillOpacity=0.8, opacity=1, size=34).encode(colour, shape)
