"""What a sweep found: all settings with their intervals, accuracy over a field that is a number, and over parameters."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from seedbed import words
from seedbed.errors import StatisticsError
from seedbed.figures import marks, scales
from seedbed.figures.scales import FieldScale, Rows
from seedbed.statistics import Interval

if TYPE_CHECKING:
    from seedbed.figures.theme import AnyChart

OF_SIZE = ("hidden", "filters", "kernel", "stride", "pool", "padding", "separable", "head", "data", "size")
"""Fields that the number of parameters stands for."""

MOST_ROWS, MOST_PANELS, MOST_COLOURS = 60, 24, 8


class MeasuredSetting(Protocol):
    """What the figures need to know of one setting of a sweep.

    Attributes:
        setting: the fields that vary -> their values.
        total: how many runs were trained; left_out: how many of them diverged or collapsed and are excluded.
        accuracy: mean validation accuracy at the best epoch; None where no run is left.
    """

    @property
    def setting(self) -> Mapping[str, Any]: ...
    @property
    def parameters(self) -> int: ...
    @property
    def total(self) -> int: ...
    @property
    def left_out(self) -> int: ...
    @property
    def accuracy(self) -> Interval | None: ...


def _rows(cell: MeasuredSetting) -> dict[str, Any]:
    known = {} if cell.accuracy is None else scales.estimate(cell.accuracy)
    return known | {
        "setting": words.setting(cell.setting),
        "n": cell.total - cell.left_out,
        "left_out": cell.left_out,
        "out": f"{cell.left_out} of {cell.total} excluded" if cell.left_out else "",
        "parameters": cell.parameters,
    }


ACCURACY = "validation accuracy"
TOOLTIP: dict[str, str] = {**marks.SHARES, "parameters": ",d", "n": "d"}


def _subtitle(cells: Sequence[MeasuredSetting], where: Layout, excluded: str = "excluded") -> list[str]:
    counts = sorted({cell.total - cell.left_out for cell in cells if cell.accuracy})
    n = words.counted(counts[0], "seed") if len(counts) == 1 else f"{counts[0]} to {counts[-1]} seeds"
    chance = "images" if counts == [1] else "seeds x images"
    lines = [f"n = {n} per setting; mean at the best epoch, bars: 95 % intervals ({chance})"]
    if any(cell.left_out for cell in cells):
        lines.append(f"{excluded}: runs that diverged or collapsed")
    if where.cut:
        lines.append(f"the first {len(where.panels)} of {len(where.panels) + where.cut} panels")
    return lines


# Accuracy over a field


@dataclass(frozen=True)
class Layout:
    """How the fields that are not on the axis are shown: one by colour, the rest by panels.

    Attributes:
        colours: values of the field `colour`, in words; panels: those of the fields `by`.
        cut: how many panels more there would be.
    """

    colour: str | None
    by: tuple[str, ...]
    colours: tuple[str, ...] = ()
    panels: tuple[str, ...] = ("",)
    cut: int = 0

    @classmethod
    def of(cls, cells: Sequence[MeasuredSetting], colour: str | None, by: Sequence[str]) -> Layout:
        bare = cls(colour, tuple(by))
        colours, panels = dict.fromkeys(map(bare.group, cells)), tuple(dict.fromkeys(map(bare.panel, cells)))
        return cls(colour, tuple(by), tuple(colours), panels[:MOST_PANELS], len(panels[MOST_PANELS:]))

    def panel(self, cell: MeasuredSetting) -> str:
        return words.setting({name: cell.setting[name] for name in self.by})

    def group(self, cell: MeasuredSetting) -> str:
        return words.value(cell.setting[self.colour], self.colour) if self.colour else ""

    def step(self, cell: MeasuredSetting) -> float:
        """How far a cell's mark is nudged, so that colours do not cover each other."""
        return self.colours.index(self.group(cell)) - (len(self.colours) - 1) / 2

    def groups(self) -> marks.Groups:
        return marks.Groups(self.colours, self.colour.replace("_", " "), legend=True) if self.colour else marks.Groups(())


def by_colour(cells: Sequence[MeasuredSetting], fields: Sequence[str]) -> str | None:
    """The field with the fewest values, if they are few enough for colours."""
    counts = {name: len({cell.setting[name] for cell in cells}) for name in fields}
    few = [name for name in fields if counts[name] <= MOST_COLOURS]
    return min(few, key=lambda name: counts[name]) if few else None


def layout(cells: Sequence[MeasuredSetting], field: str) -> Layout:
    """A second field as small multiples; of several others, the one with the fewest values by colour instead."""
    others = [name for name in cells[0].setting if name != field]
    colour = by_colour(cells, others) if len(others) > 1 else None
    return Layout.of(cells, colour, [name for name in others if name != colour])


def field_rows(cells: Sequence[MeasuredSetting], field: str, where: Layout, scale: FieldScale) -> Rows:
    """The marks of `accuracy_over_field`: panel, group, place, value_place, apart, and those of `setting_rows`."""
    return [
        {
            "panel": where.panel(cell),
            "group": where.group(cell),
            "place": scale.nudged(scale.places[cell.setting[field]], where.step(cell)),
            "value_place": scale.places[cell.setting[field]],
            "apart": scale.apart(cell.setting[field]),
            **_rows(cell),
        }
        for cell in cells
        if where.panel(cell) in where.panels
    ]


def out_rows(rows: Rows) -> Rows:
    """How many of all runs at each value of a panel diverged or collapsed, where any did: place, out."""
    found: Rows = []
    for place, mine in marks.split(rows, "value_place").items():
        out = sum(row["left_out"] for row in mine)
        found += [{"place": place, "out": f"{out}/{out + sum(row['n'] for row in mine)}"}] * bool(out)
    return found


def accuracy_over_field(cells: Sequence[MeasuredSetting], field: str) -> AnyChart:
    """Draw mean validation accuracy over one field, with intervals; a second field as small multiples, a third by colour.

    The axis is logarithmic where that spreads the values more evenly; 0 then stands apart, as "none" always does.

    Args:
        cells: the settings of a sweep.
        field: one of theirs, a quantity.

    Raises:
        StatisticsError: the field is none, or every run of every setting diverged or collapsed.
    """
    if not (field in cells[0].setting and scales.is_quantity(field, [cell.setting[field] for cell in cells])):
        raise StatisticsError(f"{field!r} is no field of this sweep with two numbers or more, so it makes no axis.")
    where, scale = layout(cells, field), scales.field_scale([cell.setting[field] for cell in cells], field)
    rows = field_rows(cells, field, where, scale)
    x, y = marks.x("place", scale, scales.called(field)), marks.y("mean", scales.shares(scales.reach(rows)), ACCURACY)
    axes = marks.Axes(x, y, where.groups(), marks.tips("setting", "out", **TOOLTIP))
    panels = []
    for panel, mine in marks.split(rows).items():
        above = marks.texts(out_rows(mine), "out", axes.x, style="quiet-text", y=-7)
        panels.append((panel, [*axes.over_field([row for row in mine if "mean" in row], scale.breaks), *above]))
    title = f"Validation accuracy over {scales.called(field)}"
    size = (420, 260) if len(panels) == 1 else (230, 180)
    return marks.figure(panels, title, _subtitle(cells, where, "above a panel"), size, columns=3, lift=24)


# All settings


def setting_rows(cells: Sequence[MeasuredSetting]) -> Rows:
    """The rows of `setting_means`: of more than fit, those of the highest means, in the order that was given."""
    ranked = sorted(cells, key=lambda cell: -cell.accuracy.mean if cell.accuracy else math.inf)
    kept = {id(cell) for cell in ranked[:MOST_ROWS]}
    rows = [_rows(cell) for cell in cells if id(cell) in kept]
    for row in rows:
        row["share"] = words.percent(row["mean"], 2) if "mean" in row else "no mean"
        row["size"] = words.counted(row["parameters"], "parameter")
    return rows


def setting_means(cells: Sequence[MeasuredSetting]) -> AnyChart:
    """Draw every setting's mean validation accuracy with its interval, one row per setting, in the order that is given.

    Raises:
        StatisticsError: every run of every setting diverged or collapsed.
    """
    rows = setting_rows(cells)
    x = marks.x("mean", scales.shares(scales.reach(rows)), ACCURACY, grid=True)
    y = marks.names_axis("y", "setting", [row["setting"] for row in rows], labelLimit=420)
    axes = marks.Axes(x, y, tooltip=marks.tips("setting", "out", **TOOLTIP))
    layers = axes.dots(rows)
    for name, align, place in (("share", "right", 482), ("size", "right", 610), ("out", "left", 624)):
        layers += marks.texts(rows, name, axes.y, align=align, x=place)
    subtitle = _subtitle(cells, Layout(None, ()))
    if len(rows) < len(cells):
        subtitle.append(f"the {len(rows)} highest means of {len(cells):,} settings")
    return marks.single(layers, "All settings", subtitle, (420, 22 * len(rows)))


# Accuracy over parameters


def parameter_rows(cells: Sequence[MeasuredSetting], where: Layout) -> Rows:
    """The marks of `accuracy_over_parameters`: those of `setting_rows`, panel, group, at, label, frontier.

    Colours stand slightly apart (`at`), so that equal sizes do not cover each other. On the frontier of a panel are the
    networks that are more accurate than all that are smaller or equally large.
    """
    sizes = [cell.parameters for cell in cells if cell.accuracy]
    spread = (max(sizes) / min(sizes)) ** 0.016
    rows: Rows = [
        {
            **_rows(cell),
            "panel": where.panel(cell),
            "group": where.group(cell),
            "at": cell.parameters * spread ** where.step(cell),
            "label": words.setting({name: cell.setting[name] for name in cell.setting if name in OF_SIZE}) or where.group(cell),
        }
        for cell in cells
        if cell.accuracy and where.panel(cell) in where.panels
    ]
    best: dict[str, float] = {}
    for row in sorted(rows, key=lambda row: (row["parameters"], -row["mean"])):
        row["frontier"] = row["mean"] > best.get(row["panel"], -math.inf)
        best[row["panel"]] = max(row["mean"], best.get(row["panel"], -math.inf))
    return sorted(rows, key=lambda row: row["parameters"])


def accuracy_over_parameters(cells: Sequence[MeasuredSetting], conditions: Sequence[str] = ()) -> AnyChart:
    """Draw mean validation accuracy over parameters, with intervals; a line joins those that no smaller network beats.

    Args:
        cells: the settings of a sweep.
        conditions: fields of the data; each combination of their values is a panel with a line of its own.

    Raises:
        StatisticsError: all settings have equally many parameters, or no run is left.
    """
    if len({cell.parameters for cell in cells if cell.accuracy}) < 2:
        raise StatisticsError("The settings that are left have equally many parameters, so these make no axis.")
    fields = [name for name in cells[0].setting if name not in (*OF_SIZE, *conditions)]
    where = Layout.of(cells, by_colour(cells, fields), conditions)
    rows = parameter_rows(cells, where)
    size = scales.logarithmic((row["at"] for row in rows), form="~s")
    x, nudged = (marks.x(name, size, "parameters") for name in ("parameters", "at"))
    y, tooltip = marks.y("mean", scales.shares(scales.reach(rows)), ACCURACY), marks.tips("setting", "out", **TOOLTIP)
    axes, aside = marks.Axes(x, y, where.groups(), tooltip), 7 + 4 * len(where.colours)
    parts = marks.split(rows).items()
    panels = [(panel, axes.cost_scatter(mine, nudged=nudged, aside=aside)) for panel, mine in parts]
    subtitle = [*_subtitle(cells, where), "dashed: no network that is smaller has a higher mean"]
    room = (460, 300) if len(panels) == 1 else (280, 210)
    return marks.figure(panels, "Validation accuracy over parameters", subtitle, room, columns=2)
