"""Curves: accuracy and loss over epochs, live; one setting with its seeds, or several in one picture."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from seedbed import figures, words
from seedbed.errors import StatisticsError
from seedbed.groups import ACCURACY, Group
from seedbed.groups.curves import learning_curves, named_curves
from seedbed.groups.speed import speed_columns
from seedbed.tables import Column, Table
from seedbed.web.selection import Selection, select
from seedbed.web.site import PageSite, View, ViewQuery

if TYPE_CHECKING:
    from seedbed.figures.theme import AnyChart

MOST_APART = 60
"""Settings that get a panel each."""


class CurvesQuery(ViewQuery):
    """Which curves, and how.

    Attributes:
        layout: all settings in one picture, or each by itself with its single seeds.
        smoothing: weight of the exponential moving average that is drawn over the measured curves. 0 means none.
    """

    layout: Literal["together", "apart"] = "together"
    smoothing: Annotated[float, Field(ge=0, le=0.99)] = 0.0


@dataclass(frozen=True, eq=False)
class CurvesState:
    """What the view shows."""

    asked: CurvesQuery
    selection: Selection
    table: Table[Group]

    @property
    def groups(self) -> list[Group]:
        return self.selection.groups

    @property
    def apart(self) -> list[Group]:
        """The settings that get panels of their own."""
        return self.groups[:MOST_APART] if self.asked.layout == "apart" and len(self.groups) > 1 else []

    def as_json(self) -> dict[str, Any]:
        runs = [{"group": group.name, "runs": [result.as_json() for result in group.results]} for group in self.groups]
        busy = {"running": self.selection.running, "waiting": self.selection.waiting}
        return {"groups": runs, **busy, "table": self.table.records()}


def _table(groups: Sequence[Group]) -> Table[Group]:
    columns: list[Column[Group]] = [
        Column("name", lambda group: group.name, align="left"),
        Column("runs", lambda group: len(group.results)),
        Column("epochs", _epochs, align="left"),
        Column("parameters", lambda group: group.parameters or None, ","),
        Column("accuracy at best epoch", _accuracy, lambda share: "" if share is None else words.percent(share, 2)),
        *speed_columns(groups),
    ]
    return Table(columns, groups)


def _epochs(group: Group) -> str:
    counts = sorted({result.history.epochs for result in group.results})
    return str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"


def _accuracy(group: Group) -> float | None:
    values = group.values(ACCURACY).values()
    return sum(values) / len(values) if values else None


def state(site: PageSite, asked: CurvesQuery) -> CurvesState:
    selection = select(site, asked.name)
    table = site.once(("table of curves", *asked.name, selection.key), lambda: _table(selection.groups))
    return CurvesState(asked, selection, table)


def _learning(site: PageSite, asked: CurvesQuery) -> AnyChart:
    selection = select(site, asked.name)
    if not selection.groups:
        raise StatisticsError("There is nothing to draw yet: no selected run has an epoch.")
    key = ("curves", *asked.name, selection.key, asked.smoothing)
    return site.once(key, lambda: learning_curves(selection.groups, smoothing=asked.smoothing))


def _apart(measure: Literal["accuracy", "loss"]) -> Callable[[PageSite, CurvesQuery], AnyChart]:
    def draw(site: PageSite, asked: CurvesQuery) -> AnyChart:
        selection = select(site, asked.name)
        if not selection.groups:
            raise StatisticsError("There is nothing to draw yet: no selected run has an epoch.")
        named = named_curves(selection.groups[:MOST_APART])
        key = ("apart", measure, *asked.name, selection.key, asked.smoothing)
        return site.once(key, lambda: figures.small_multiples(named, measure, smoothing=asked.smoothing))

    return draw


CHARTS: dict[str, Callable[[PageSite, CurvesQuery], AnyChart]] = {
    "learning_curves": _learning,
    "apart_accuracy": _apart("accuracy"),
    "apart_loss": _apart("loss"),
}


def reads(site: PageSite, asked: CurvesQuery) -> list[str]:
    return select(site, asked.name).names


VIEW = View("curves", "Curves", CurvesQuery, state, reads, key="c", charts=CHARTS)
