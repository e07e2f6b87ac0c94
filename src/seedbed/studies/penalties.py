"""The outcome of a sweep over l2 under one condition, and the figures that show it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from seedbed import figures, words
from seedbed.figures import Dot, mean_curve
from seedbed.groups import ACCURACY, Difference, Group, Measure, best
from seedbed.runs import RunStore
from seedbed.specs import DataSpec
from seedbed.statistics import Interval
from seedbed.studies.answers import Figure
from seedbed.studies.charts import compared, weight_pictures
from seedbed.studies.likeness import Likeness
from seedbed.studies.setup import Setup
from seedbed.studies.tables import GAP
from seedbed.studies.texts import BANDS, subtitle
from seedbed.studies.why import NEAR_ZERO, probed

COMPARED = (0.0, 1e-3, 1e-2)
"""Strengths whose learning curves stand in one picture; more would cover each other."""

PICTURED, MOST_PICTURED = (0.0, 1e-4, 1e-2), 8
"""Strengths whose first-layer weights are drawn, and units of each."""


@dataclass(frozen=True)
class Condition:
    """Images on which the net is trained.

    Attributes:
        contrast: announced comparison of the best l2 with none, if there is one.
        measure: measure by which the best l2 is selected and compared. Where labels are wrong it is the accuracy at the last
            epoch, because stopping at the best epoch is a regularization of its own.
    """

    label: str
    images: DataSpec
    epochs: int
    contrast: str | None
    measure: Measure = ACCURACY


@dataclass(frozen=True, eq=False)
class Penalized:
    """The outcome of one condition.

    Attributes:
        cells: groups over l2, none first.
        ladder: nets without penalty, the largest first.
        near_zero: l2 -> share of the weights near 0 at the last epoch.
        like: likeness of each l2 above 0 to the nets without penalty.
        caveats: sentences on the end of the sweep.
        contrasts: announced comparisons on these images.
    """

    where: Condition
    cells: list[Group]
    ladder: list[Group]
    near_zero: dict[float, Interval | None]
    like: list[Likeness]
    caveats: list[str]
    contrasts: list[Difference]

    @property
    def plain(self) -> Group:
        return self.cells[0]


def strength(cell: Group) -> float:
    return cell.run.plan.l2


def l2_name(cell: Group) -> str:
    return f"l2 {words.value(strength(cell))}"


# Figures


def curves_figure(found: Penalized) -> list[Figure]:
    """Learning curves with little, some and much penalty in one picture; none where no run is left."""
    chosen = [cell for cell in found.cells if strength(cell) in COMPARED]
    caption = "The loss without the penalty. Where the dashed training curve falls away from the solid one, the net overfits."
    title = f"With and without penalty, {found.where.label}"
    return [Figure("l2_learning_curves", chart, caption) for chart in compared(chosen, l2_name, title)]


def overfitting_figure(found: Penalized) -> list[Figure]:
    """Learning curves without a penalty and with the best one; none where no run is left."""
    top = best([cell for cell in found.cells if strength(cell) > 0], found.where.measure)
    chosen = [found.plain, *([top] if top else [])]
    caption = (
        "Without penalty the training loss goes on falling while the validation loss rises: the net learns the wrong labels."
    )
    if not found.where.images.label_noise:
        caption = "Solid: validation images, dashed: training images. The penalty keeps the two together."
    charts = compared(chosen, l2_name, f"With and without penalty, {found.where.label}")
    return [Figure("l2_overfitting", chart, caption) for chart in charts]


def weights_figure(setup: Setup, home: RunStore, found: Penalized) -> list[Figure]:
    """First-layer weights as images, at several strengths; none where no run is left."""
    pictures = [
        picture
        for cell in found.cells
        if strength(cell) in PICTURED
        for picture in weight_pictures(home, cell, l2_name(cell), MOST_PICTURED)
    ]
    if not pictures:
        return []
    said = [f"{setup.data.name}; one run each, last epoch; the {MOST_PICTURED} units with the largest weights"]
    said += ["grey: 0, white: positive, black: negative; each row has its own scale"]
    chart = figures.picture_panels(pictures, "Weights of the first layer as images", said, columns=MOST_PICTURED)
    caption = "The penalty leaves only weights that many images need, so that the noise goes."
    return [Figure("l2_weights", chart, caption)]


def penalty_figure(setup: Setup, found: Penalized) -> Figure:
    """The penalty itself over epochs."""
    curves = [
        mean_curve(cell.results, "train_penalty", panel="", line=l2_name(cell)) for cell in found.cells if strength(cell) > 0
    ]
    said = subtitle(setup, found.cells, f"{found.where.label}; {BANDS}")
    chart = figures.curve_panels(curves, "Penalty over epochs", said, y="penalty (nats)", logarithmic=True, size=(420, 220))
    return Figure("l2_penalty", chart, "The penalty alone: the optimizer minimizes the sum of it and the training data loss.")


ACCURACY_PANEL, LAST_PANEL, NEAR_PANEL = (
    "validation accuracy, best epoch",
    "validation accuracy, last epoch",
    "share of weights near 0",
)


def measures_figure(setup: Setup, several: Sequence[Penalized]) -> Figure:
    """Accuracies, gap and weights over l2, a colour for each condition."""
    points = [point for found in several for cell in found.cells for point in _points(found, cell)]
    order = list(dict.fromkeys(point.panel for point in points))
    points.sort(key=lambda point: order.index(point.panel))
    cells = [cell for found in several for cell in found.cells]
    said = subtitle(setup, cells, f"bars: 95 % intervals (accuracies: {setup.chance}; else Student t over seeds)")
    shares = (ACCURACY_PANEL, LAST_PANEL, NEAR_PANEL)
    by, title = "trained on" if len(several) > 1 else "", "Effect of the penalty"
    chart = figures.measures_over(points, "l2", title, said, group=by, shares=shares)
    caption = f"A weight is near 0 below {words.percent(NEAR_ZERO, 0)} of the range of its initial values."
    return Figure("l2_harder_data" if len(several) > 1 else "l2_effect", chart, caption)


def _points(found: Penalized, cell: Group) -> list[Dot]:
    at, label = strength(cell), found.where.label
    panels = {
        ACCURACY_PANEL: cell.measured(ACCURACY),
        LAST_PANEL: cell.last,
        "gap: validation - training loss (nats)": cell.measured(GAP),
        **{f"norm of {layer}'s weights": norm for layer, norm in probed(cell, "weights").items()},
        NEAR_PANEL: found.near_zero[at],
    }
    return [Dot(panel, at, label, mean) for panel, mean in panels.items()]
