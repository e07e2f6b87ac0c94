"""What a sweep found: all settings with their intervals, accuracy over a field that is a number, and over parameters."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Protocol

from seedbed.errors import StatisticsError
from seedbed.figures import theme, words
from seedbed.statistics import Interval

if TYPE_CHECKING:
    import altair as alt

    from seedbed.figures.theme import AnyChart

Rows = list[dict[str, Any]]

NAMES_NOT_QUANTITIES = ("split_seed", "permutation")
"""Numbers that say which, not how much."""

OF_SIZE = ("hidden", "filters", "kernel", "stride", "pool", "padding", "separable", "head", "data", "size")
"""Fields that the number of parameters stands for."""

CALLED = {
    "hidden": "hidden units",
    "first": "training images",
    "label_noise": "share of labels replaced",
    "batch_size": "images of a minibatch",
    "kernel": "side of the kernels",
}
"""Axes of fields whose names alone do not say what is counted."""

MOST_ROWS, MOST_PANELS, MOST_COLOURS, MOST_LABELS = 60, 24, 8, 12

GAP = 0.16
"""How far apart from the numbers of an axis 0 (where it is logarithmic) and "none" stand, as a share of its length."""


class Measured(Protocol):
    """What the figures need to know of one setting of a sweep.

    Attributes:
        setting: the fields that vary -> their values.
        total: how many runs were trained; left_out: how many of them diverged or collapsed and are in no mean.
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


# A field as an axis


def number(value: object) -> float | None:
    """A value as a quantity: a number, or the one number of a list; none at all for a list that is empty."""
    if isinstance(value, tuple) and len(value) <= 1:
        value = value[0] if value else 0
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def is_quantity(field: str, values: Iterable[object]) -> bool:
    """Whether a field's values are numbers that can be drawn on an axis, two of them at least; None may be among them."""
    known = [number(value) for value in values if value is not None]
    return field not in NAMES_NOT_QUANTITIES and None not in known and len(set(known)) > 1


@dataclass(frozen=True)
class Axis:
    """Where a field's values are drawn.

    Attributes:
        places: value -> position; 0 on a logarithmic axis, and None on any, stand apart from the others.
        breaks: positions of the lines between those and the others.
        domain: of the axis.
    """

    logarithmic: bool
    places: dict[Any, float]
    breaks: tuple[float, ...]
    domain: tuple[float, float]

    def apart(self, value: object) -> str:
        """On which side of the breaks a value stands; lines join values of the same side."""
        return "".join(str(int(self.places[value] > at)) for at in self.breaks)

    def nudged(self, place: float, steps: float) -> float:
        """A position moved by a hundredth of the axis a step, so that equal ones do not cover each other."""
        low, high = self.domain
        share = 0.01 * steps
        return place * (high / low) ** share if self.logarithmic else place + share * (high - low)


def axis(values: Sequence[Any]) -> Axis:
    """The axis of a quantity; logarithmic where that spreads the values more evenly."""
    numbers = {value: number(value) for value in values if value is not None}
    known = sorted(found for found in numbers.values() if found is not None)
    logarithmic = _is_logarithmic(known)
    inside = [found for found in known if found > 0] if logarithmic else known
    low, high = inside[0], inside[-1]
    below, above = _beyond(low, high, GAP, logarithmic)
    places = {value: below if logarithmic and found == 0 else found for value, found in numbers.items() if found is not None}
    places |= dict.fromkeys([value for value in values if value is None], above)
    half_below, half_above = _beyond(low, high, GAP / 2, logarithmic)
    breaks = [half_below] * (below in places.values()) + [half_above] * (None in places)
    domain = _beyond(min(places.values()), max(places.values()), 0.05, logarithmic)
    return Axis(logarithmic, places, tuple(breaks), domain)


def _is_logarithmic(known: Sequence[float]) -> bool:
    positive = [found for found in known if found > 0]
    if known[0] < 0 or len(positive) < 2:
        return False
    if len(positive) == 2:
        return positive[1] / positive[0] >= 10
    return _unevenness([math.log(found) for found in positive]) < _unevenness(positive)


def _unevenness(places: Sequence[float]) -> float:
    gaps = [high - low for low, high in pairwise(places)]
    return max(gaps) / min(gaps)


def _beyond(low: float, high: float, share: float, logarithmic: bool) -> tuple[float, float]:
    """The ends of a range made longer by a share at both sides."""
    if logarithmic:
        factor = max((high / low) ** share, 1.05)
        return low / factor, high * factor
    reach = share * (high - low)
    return low - reach, high + reach


# Accuracy over a field


@dataclass(frozen=True)
class Layout:
    """How the fields beside an axis are shown: one by colour, the rest by panels.

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
    def of(cls, cells: Sequence[Measured], colour: str | None, by: Sequence[str]) -> Layout:
        bare = cls(colour, tuple(by))
        colours, panels = dict.fromkeys(map(bare.group, cells)), tuple(dict.fromkeys(map(bare.panel, cells)))
        return cls(colour, tuple(by), tuple(colours), panels[:MOST_PANELS], len(panels[MOST_PANELS:]))

    def panel(self, cell: Measured) -> str:
        return words.setting({name: cell.setting[name] for name in self.by})

    def group(self, cell: Measured) -> str:
        return words.value(cell.setting[self.colour], self.colour) if self.colour else ""

    def step(self, cell: Measured) -> float:
        """How far a cell's mark is nudged, so that colours do not cover each other."""
        return self.colours.index(self.group(cell)) - (len(self.colours) - 1) / 2


def by_colour(cells: Sequence[Measured], fields: Sequence[str]) -> str | None:
    """The field with the fewest values, if they are few enough for colours."""
    counts = {name: len({cell.setting[name] for cell in cells}) for name in fields}
    few = [name for name in fields if counts[name] <= MOST_COLOURS]
    return min(few, key=lambda name: counts[name]) if few else None


def beside(cells: Sequence[Measured], field: str) -> Layout:
    """A second field as small multiples; of several others, the one with the fewest values by colour instead."""
    others = [name for name in cells[0].setting if name != field]
    colour = by_colour(cells, others) if len(others) > 1 else None
    return Layout.of(cells, colour, [name for name in others if name != colour])


def field_rows(cells: Sequence[Measured], field: str, where: Layout, scale: Axis) -> Rows:
    """The marks of `accuracy_over_field`: panel, group, place, value_place, apart, and those of `setting_rows`."""
    return [
        {
            "panel": where.panel(cell),
            "group": where.group(cell),
            "place": scale.nudged(scale.places[cell.setting[field]], where.step(cell)),
            "value_place": scale.places[cell.setting[field]],
            "apart": scale.apart(cell.setting[field]),
            **_facts(cell),
        }
        for cell in cells
        if where.panel(cell) in where.panels
    ]


def _facts(cell: Measured) -> dict[str, Any]:
    found = cell.accuracy
    known = {} if found is None else {"mean": found.mean, "low": found.low, "high": found.high}
    out = f"{cell.left_out} of {cell.total} out" if cell.left_out else ""
    n = cell.total - cell.left_out
    return {
        "setting": words.setting(cell.setting),
        "n": n,
        "left_out": cell.left_out,
        "out": out,
        "parameters": cell.parameters,
    } | known


def out_rows(rows: Rows) -> Rows:
    """How many runs of all at each value of a panel diverged or collapsed, where any did: place, out."""
    found: dict[float, tuple[int, int]] = {}
    for row in rows:
        out, total = found.get(row["value_place"], (0, 0))
        found[row["value_place"]] = (out + row["left_out"], total + row["n"] + row["left_out"])
    return [{"place": place, "out": f"{out}/{total}"} for place, (out, total) in found.items() if out]


def accuracy_over_field(cells: Sequence[Measured], field: str) -> AnyChart:
    """Mean validation accuracy over one field, with intervals; a second field as small multiples, a third by colour.

    The axis is logarithmic where that spreads the values more evenly; 0 then stands apart, as "none" always does.

    Args:
        cells: the settings of a sweep.
        field: one of theirs, a quantity.

    Raises:
        StatisticsError: the field is none, or every run of every setting diverged or collapsed.
    """
    import altair as alt

    if not (field in cells[0].setting and is_quantity(field, [cell.setting[field] for cell in cells])):
        raise StatisticsError(f"{field!r} is no field of this sweep with two numbers or more, so it makes no axis.")
    where, scale = beside(cells, field), axis(list(dict.fromkeys(cell.setting[field] for cell in cells)))
    rows = field_rows(cells, field, where, scale)
    x = axis_of_field(scale, field)
    size = (420, 260) if len(where.panels) == 1 else (230, 180)
    panels = [_field_panel(rows, panel, where, scale, x, size) for panel in where.panels]
    chart = panels[0] if len(panels) == 1 else alt.concat(*panels, columns=min(3, len(panels)))
    subtitle = _subtitle(cells, where, "above a panel")
    return theme.finish(chart, f"Validation accuracy over {_called(field)}", subtitle)


def _called(field: str) -> str:
    return CALLED.get(field, field.replace("_", " "))


def _field_panel(
    rows: Rows, panel: str, where: Layout, scale: Axis, x: alt.X, size: tuple[int, int]
) -> alt.LayerChart | alt.FacetChart:
    import altair as alt

    mine = [row for row in rows if row["panel"] == panel]
    known = [row for row in mine if "mean" in row]
    colour = _colour(where)
    y = _share(alt.Y, rows)
    layers = [alt.Chart(theme.table([{"at": at} for at in scale.breaks])).mark_rule(strokeDash=[2, 3]).encode(x="at:Q")]
    layers.append(alt.Chart(theme.table(known)).mark_line().encode(x, y, *colour, detail="apart:N"))
    layers += _marks(known, x, y, where)
    above = alt.Chart(theme.table(out_rows(mine))).mark_text(style="quiet-text")
    layers.append(above.encode(x, y=alt.value(-7), text="out:N"))
    heading = {"title": theme.heading(panel)} if panel else {}
    return alt.layer(*layers).properties(width=size[0], height=size[1], **heading)


def _marks(rows: Rows, x: alt.X, y: alt.Y, where: Layout) -> list[alt.Chart]:
    """Means with their intervals, along the axis that the means are on."""
    import altair as alt

    ends = (x, alt.Y("low:Q"), alt.Y2("high:Q")) if y.shorthand == "mean:Q" else (y, alt.X("low:Q"), alt.X2("high:Q"))
    chart, colour = alt.Chart(theme.table(rows)), _colour(where)
    bars = chart.mark_rule(style="interval").encode(*ends, *colour)
    return [bars, chart.mark_point(style="solid").encode(x, y, *colour, *_shape(where), tooltip=_tooltip())]


def _colour(where: Layout) -> list[Any]:
    import altair as alt

    if where.colour is None:
        return []
    scale = alt.Scale(domain=list(where.colours), range="category")
    return [alt.Color("group:N", title=where.colour.replace("_", " "), scale=scale, legend=alt.Legend(orient="top"))]


def _shape(where: Layout) -> list[Any]:
    import altair as alt

    if where.colour is None:
        return []
    scale = alt.Scale(domain=list(where.colours), range=list(theme.SHAPES)[: len(where.colours)])
    return [alt.Shape("group:N", title=where.colour.replace("_", " "), scale=scale, legend=alt.Legend(orient="top"))]


def _share(channel: Any, rows: Rows) -> Any:
    """The mean on an axis that shows all intervals, the same in all panels.

    Args:
        channel: altair's X or Y.
    """
    import altair as alt

    low, high = _reach(rows)
    ticks = alt.Axis(format=".1%" if high - low < 0.05 else "~%", tickCount=6)
    return channel(
        "mean:Q", title="validation accuracy", scale=alt.Scale(domain=[low, high], nice=False, zero=False), axis=ticks
    )


def axis_of_field(scale: Axis, field: str) -> alt.X:
    """The axis itself, labelled with the values."""
    import altair as alt

    title = _called(field) + (" (log scale)" if scale.logarithmic else "")
    kind = alt.Scale(type="log" if scale.logarithmic else "linear", domain=list(scale.domain), nice=False, zero=False)
    labels = " : ".join(
        f"abs(datum.value - {place!r}) <= {1e-9 * abs(place)!r} ? '{words.value(value, field)}'"
        for value, place in scale.places.items()
    )
    ticks = alt.Axis(values=sorted(scale.places.values()), labelExpr=f"{labels} : ''", labelOverlap=True, grid=False)
    return alt.X("place:Q", title=title, scale=kind, axis=ticks)


def _reach(rows: Rows) -> list[float]:
    lows, highs = [row["low"] for row in rows if "low" in row], [row["high"] for row in rows if "high" in row]
    if not lows:
        raise StatisticsError("Every run of every setting diverged or collapsed; there is no mean to draw.")
    pad = 0.06 * max(max(highs) - min(lows), 1e-3)
    return [max(0.0, min(lows) - pad), min(1.0, max(highs) + pad)]


def _tooltip() -> list[Any]:
    import altair as alt

    shares = [alt.Tooltip(f"{name}:Q", format=".2%") for name in ("mean", "low", "high")]
    return ["setting:N", *shares, alt.Tooltip("parameters:Q", format=",d"), "n:Q", "out:N"]


def _subtitle(cells: Sequence[Measured], where: Layout, out: str = "out") -> list[str]:
    counts = sorted({cell.total - cell.left_out for cell in cells if cell.accuracy})
    n = words.counted(counts[0], "seed") if len(counts) == 1 else f"{counts[0]} to {counts[-1]} seeds"
    chance = "images" if counts == [1] else "seeds x images"
    said = [f"n = {n} a setting; mean at the best epoch, bars: 95 % intervals ({chance})"]
    if any(cell.left_out for cell in cells):
        said.append(f"{out}: runs that diverged or collapsed; they are in no mean")
    if where.cut:
        said.append(f"the first {len(where.panels)} of {len(where.panels) + where.cut} panels")
    return said


# All settings


def setting_rows(cells: Sequence[Measured]) -> Rows:
    """The rows of `setting_means`: of more than fit, those of the highest means, in the order that was given."""
    ranked = sorted(cells, key=lambda cell: -cell.accuracy.mean if cell.accuracy else math.inf)
    kept = {id(cell) for cell in ranked[:MOST_ROWS]}
    rows = [_facts(cell) for cell in cells if id(cell) in kept]
    for row in rows:
        row["share"] = words.percent(row["mean"], 2) if "mean" in row else "no mean"
        row["size"] = words.counted(row["parameters"], "parameter")
    return rows


def setting_means(cells: Sequence[Measured]) -> AnyChart:
    """Every setting's mean validation accuracy with its interval, one row a setting, in the order that is given.

    Raises:
        StatisticsError: every run of every setting diverged or collapsed.
    """
    import altair as alt

    rows = setting_rows(cells)
    labels = [row["setting"] for row in rows]
    where = Layout(None, ())
    known = [row for row in rows if "mean" in row]
    y = alt.Y("setting:N", sort=labels, title=None, axis=alt.Axis(grid=False, labelLimit=420), scale=alt.Scale(domain=labels))
    table = alt.Chart(theme.table(rows))
    beside_it = [
        table.mark_text(align="right", x=482).encode(y, text="share:N"),
        table.mark_text(align="right", x=610).encode(y, text="size:N"),
        table.mark_text(align="left", x=624).encode(y, text="out:N"),
    ]
    layers = [*_marks(known, _share(alt.X, rows), y, where), *beside_it]
    subtitle = _subtitle(cells, where)
    if len(rows) < len(cells):
        subtitle.append(f"the {len(rows)} highest means of {len(cells):,} settings")
    return theme.finish(alt.layer(*layers), "All settings", subtitle, width=420, height=alt.Step(22))


# Accuracy over parameters


def parameter_rows(cells: Sequence[Measured], where: Layout) -> Rows:
    """The marks of `accuracy_over_parameters`: those of `setting_rows`, panel, group, at, label, label_at, frontier.

    Colours stand a little beside each other (`at`), so that equal sizes do not cover each other. On the frontier of a panel
    are the networks that no smaller one, and none as large, beats.
    """
    sizes = [cell.parameters for cell in cells if cell.accuracy]
    spread, rows = (max(sizes) / min(sizes)) ** 0.016, []
    for cell in cells:
        if cell.accuracy and where.panel(cell) in where.panels:
            size = words.setting({name: found for name, found in cell.setting.items() if name in OF_SIZE})
            at = cell.parameters * spread ** where.step(cell)
            rows.append({"panel": where.panel(cell), "group": where.group(cell), "at": at, "label": size, **_facts(cell)})
            rows[-1]["label_at"] = cell.parameters * spread ** (len(where.colours) / 2)
    best: dict[str, float] = {}
    for row in sorted(rows, key=lambda row: (row["parameters"], -row["mean"])):
        row["frontier"] = row["mean"] > best.get(row["panel"], -math.inf)
        best[row["panel"]] = max(row["mean"], best.get(row["panel"], -math.inf))
    return sorted(rows, key=lambda row: row["parameters"])


def accuracy_over_parameters(cells: Sequence[Measured], conditions: Sequence[str] = ()) -> AnyChart:
    """Mean validation accuracy over the number of parameters, with intervals; a line joins those that no smaller one beats.

    Args:
        cells: the settings of a sweep.
        conditions: fields of the data; each combination of their values is a panel with a line of its own.

    Raises:
        StatisticsError: all settings have equally many parameters, or no run is left.
    """
    import altair as alt

    if len({cell.parameters for cell in cells if cell.accuracy}) < 2:
        raise StatisticsError("The settings that are left have equally many parameters, so these make no axis.")
    beside_size = [name for name in cells[0].setting if name not in (*OF_SIZE, *conditions)]
    where = Layout.of(cells, by_colour(cells, beside_size), conditions)
    rows = parameter_rows(cells, where)
    size = (460, 300) if len(where.panels) == 1 else (280, 210)
    panels = [_parameter_panel(rows, panel, where, size) for panel in where.panels]
    chart = panels[0] if len(panels) == 1 else alt.concat(*panels, columns=min(2, len(panels)))
    subtitle = [*_subtitle(cells, where), "dashed: no network that is smaller has a higher mean"]
    return theme.finish(chart, "Validation accuracy over parameters", subtitle)


def _parameter_panel(rows: Rows, panel: str, where: Layout, size: tuple[int, int]) -> alt.LayerChart | alt.FacetChart:
    import altair as alt

    mine = [row for row in rows if row["panel"] == panel]
    frontier = [row for row in mine if row["frontier"]]
    low, high = _beyond(rows[0]["parameters"], rows[-1]["parameters"], 0.08, logarithmic=True)
    scale = alt.Scale(type="log", domain=[low, high], nice=False)
    x = alt.X("parameters:Q", title="parameters (log scale)", scale=scale, axis=alt.Axis(format="~s", grid=False))
    y, nudged = _share(alt.Y, rows), alt.X("at:Q", title="parameters (log scale)", scale=scale)
    line = alt.Chart(theme.table(frontier)).mark_line(style="ideal", interpolate="step-after").encode(x, y)
    layers = [line, *_marks(mine, nudged, y, where)]
    if len(frontier) <= MOST_LABELS:
        labels = alt.Chart(theme.table(frontier)).mark_text(style="quiet-text", align="left", dx=5, dy=9)
        layers.append(labels.encode(alt.X("label_at:Q"), y, text="label:N"))
    heading = {"title": theme.heading(panel)} if panel else {}
    return alt.layer(*layers).properties(width=size[0], height=size[1], **heading)
