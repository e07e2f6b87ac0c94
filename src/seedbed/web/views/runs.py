"""Runs: all of them in a table that is sorted, filtered and grouped by its address."""

from __future__ import annotations

import math
import operator
import re
from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from pydantic import Field, StringConstraints

from seedbed import words
from seedbed.errors import SeedbedError
from seedbed.groups.fields import FIELDS
from seedbed.records import Result
from seedbed.runs import Listed, LiveRuns
from seedbed.runs.record import Record
from seedbed.statistics import SHARE, Interval, interval_of
from seedbed.tables import Column, Table
from seedbed.web.selection import covered_runs
from seedbed.web.site import PageSite, View, ViewQuery

PER_PAGE = 50
"""Rows of a page: of a hundred, the browser's layout alone takes up to 80 ms of the 100 that a sort may take."""

KEPT_STATES = 32
PATIENCE = 0.03
"""Seconds for which a page reads runs for its sparklines; the others follow, and their table is there at once."""

SPARK = (60, 14)
"""Size of a sparkline in the units of its drawing."""

AtEpoch = Annotated[str, StringConstraints(pattern=r"^(best|last|[1-9]\d{0,5})$")]


class RunsQuery(ViewQuery):
    """Which runs are shown, and how.

    Attributes:
        q: words that a run's row must contain, and conditions such as `accuracy>0.97` or `hidden=200-100`.
        sort: column to sort by; a minus before it turns the order.
        group: columns and settings whose equal values are one row.
        epoch: the epoch whose accuracy is shown: "best", "last", or its number.
        page: which hundred rows, from 1.
    """

    q: Annotated[str, Field(max_length=500)] = ""
    sort: Annotated[str, Field(max_length=60)] = ""
    group: Annotated[list[Annotated[str, Field(max_length=60)]], Field(max_length=8)] = []  # noqa: RUF012  # pydantic copies it
    epoch: AtEpoch = "best"
    page: Annotated[int, Field(ge=1, le=1_000_000)] = 1


@dataclass(frozen=True, eq=False)
class RunRow:
    """A run of the table."""

    listed: Listed
    live: LiveRuns
    epoch: str = "best"

    @property
    def name(self) -> str:
        return self.listed.name

    @cached_property
    def record(self) -> Record | None:
        return self.listed.record

    @property
    def status(self) -> str:
        return self.listed.status

    @cached_property
    def group(self) -> str:
        return self.record.group if self.record else ""

    @property
    def network(self) -> str:
        return self.record.run.model.title if self.record else ""

    @property
    def data(self) -> str:
        return self.record.run.data.name if self.record else ""

    @property
    def verdict(self) -> str:
        return self.listed.verdict.label if self.listed.verdict else self.listed.reason

    @property
    def included(self) -> bool:
        """Whether the run enters means."""
        return bool(self.record and self.record.best and self.listed.verdict and self.listed.verdict.ranked)

    @property
    def result(self) -> Result | None:
        """The result, or that of the epochs so far; None where there is nothing yet, or nothing readable."""
        try:
            return self.live.result(self.name)
        except SeedbedError:  # a damaged run is a row of the table like any other
            return None

    def known(self, which: Literal["best", "last"]) -> Mapping[str, Any] | None:
        """Metrics of the best or the last epoch of an ended run."""
        return getattr(self.record, which) if self.record else None

    @cached_property
    def accuracy(self) -> float | None:
        """Validation accuracy at the epoch that is asked for; None before it, and where it is not finite."""
        if self.epoch in ("best", "last") and self.record and self.record.ended:
            known = self.known("best" if self.epoch == "best" else "last")
            return known["validation"]["accuracy"] if known else None
        result = self.result
        place = {"best": result.best, "last": result.history.epochs}.get(self.epoch) if result else None
        place = int(self.epoch) if self.epoch.isdecimal() else place
        if not result or not place or place > result.history.epochs:
            return None
        value = float(result.history["validation_accuracy"][place - 1])
        return value if math.isfinite(value) else None

    @property
    def best_epoch(self) -> int | None:
        known = self.known("best")
        return known["epoch"] if known else None

    @property
    def epochs(self) -> int | None:
        if self.record and self.record.ended:
            return self.record.epochs
        result = self.result
        return result.history.epochs if result else None

    @property
    def parameters(self) -> int | None:
        return self.record.model.parameters if self.record and self.record.model else None

    @property
    def seconds(self) -> float | None:
        return self.record.seconds.total if self.record and self.record.seconds else None

    def setting(self, name: str) -> str:
        """A field of the settings in words; empty where the run's network has no such field."""
        field = FIELDS[name]
        spec = getattr(self.record.run, field.part) if self.record else None
        return words.value(getattr(spec, field.attribute), name) if spec and field.attribute in type(spec).model_fields else ""

    @property
    def text(self) -> str:
        """What words of a filter are looked for in."""
        return " ".join((self.name, self.group, self.network, self.data, self.status, self.verdict)).lower()

    def spark(self) -> str | None:
        """The validation accuracy over epochs as the path of a small drawing.

        Empty before the second epoch; None for an ended run that was not read yet.
        """
        if self.listed.ended and not self.live.is_at_hand(self.name):
            return None
        return self._path

    @cached_property
    def _path(self) -> str:
        result = self.result
        return spark_path(result.history["validation_accuracy"].tolist() if result else [])


def spark_path(values: Sequence[float]) -> str:
    """Values from left to right as an SVG path, the lowest at the bottom; values that are not finite are gaps.

    >>> spark_path([0.0, 1.0])
    'M0 14L60 0'
    """
    width, height = SPARK
    known = [value for value in values if math.isfinite(value)]
    if len(known) < 2:
        return ""
    low, span = min(known), (max(known) - min(known)) or 1.0
    step = max(1, 2 * len(values) // width)
    places = sorted({*range(0, len(values), step), len(values) - 1})
    path, pen = "", "M"
    for place in places:
        if not math.isfinite(values[place]):
            pen = "M"
            continue
        path += f"{pen}{width * place / (len(values) - 1):.3g} {height * (1 - (values[place] - low) / span):.3g}"
        pen = "L"
    return path


def _share(value: float | None) -> str:
    return "" if value is None else words.percent(value, 2)


def _seconds(value: float | None) -> str:
    return "" if value is None else words.duration(value)


COLUMNS: tuple[Column[RunRow], ...] = (
    Column("run", lambda row: row.name, align="left", key="name"),
    Column("state", lambda row: row.status, align="left"),
    Column("network", lambda row: row.network, align="left"),
    Column("data", lambda row: row.data, align="left"),
    Column("seed", lambda row: row.record and row.record.run.seed),
    Column("accuracy", lambda row: row.accuracy, _share),
    Column("best epoch", lambda row: row.best_epoch, key="best"),
    Column("epochs", lambda row: row.epochs),
    Column("parameters", lambda row: row.parameters, ","),
    Column("time", lambda row: row.seconds, _seconds, key="seconds"),
    Column("verdict", lambda row: row.verdict, align="left"),
)
BY_KEY = {column.name: column for column in COLUMNS}

GROUPED = ("group", "network", "data", "state", "verdict", *FIELDS)
"""What rows can be grouped by: columns, and the fields of the settings."""

Key = tuple[str, ...]


@dataclass(frozen=True, eq=False)
class RowGroup:
    """Runs with equal values in some columns or settings.

    Attributes:
        values: what they have in common, in words.
    """

    values: Key
    rows: list[RunRow]

    @cached_property
    def accuracy(self) -> Interval | None:
        """Mean accuracy of the runs that neither diverged nor collapsed, with Student's 95 % interval over them."""
        known = [row.accuracy for row in self.rows if row.included]
        return interval_of([value for value in known if value is not None], limits=SHARE)

    @cached_property
    def parameters(self) -> int | None:
        sizes = {row.parameters for row in self.rows}
        return sizes.pop() if len(sizes) == 1 else None

    @cached_property
    def verdicts(self) -> str:
        counts = Counter(row.verdict or row.status for row in self.rows)
        return ", ".join(f"{count} {kind}" for kind, count in counts.most_common())

    @cached_property
    def name(self) -> str:
        """Name by which all of its runs can be selected; empty where they are not exactly one group."""
        groups = {row.group for row in self.rows}
        return groups.pop() if len(groups) == 1 else ""


def group_columns(keys: Sequence[str]) -> list[Column[RowGroup]]:
    """Columns of grouped rows: what they have in common, then their numbers."""

    def common(place: int, key: str) -> Column[RowGroup]:
        return Column(key.replace("_", " "), lambda group: group.values[place], align="left", key=key)

    def end(which: str) -> Callable[[RowGroup], float | None]:
        def value(group: RowGroup) -> float | None:
            found = getattr(group.accuracy, which, math.nan)
            return found if math.isfinite(found) else None

        return value

    return [
        *(common(place, key) for place, key in enumerate(keys)),
        Column("runs", lambda group: len(group.rows)),
        Column("accuracy", lambda group: group.accuracy and group.accuracy.mean, _share),
        Column("from", end("low"), _share, unit="95 % interval", key="low"),
        Column("to", end("high"), _share, key="high"),
        Column("parameters", lambda group: group.parameters, ","),
        Column("time", lambda group: sum(row.seconds or 0.0 for row in group.rows), _seconds, key="seconds"),
        Column("verdicts", lambda group: group.verdicts, align="left"),
    ]


# Filter, sort, group

CONDITION = re.compile(r"([A-Za-z][\w.]*)(>=|<=|!=|=|>|<)(.+)")
COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
    "=": operator.eq,
    "!=": operator.ne,
}


def condition(word: str) -> Callable[[RunRow], bool]:
    """What a word of a filter asks of a row: a condition on a column or a setting, or a part of the row's text."""
    parts = CONDITION.fullmatch(word)
    name = parts[1].replace("-", "_") if parts else ""
    if not parts or (name not in BY_KEY and name not in FIELDS and name != "group"):
        return lambda row: word.lower() in row.text
    compare, wanted = COMPARE[parts[2]], parts[3]
    number = _number(wanted)

    def holds(row: RunRow) -> bool:
        found = value_of(row, name)
        both = None if number is None else _number(found)
        if number is not None and both is not None:
            return compare(both, number)
        return parts[2] in ("=", "!=") and compare(str(found).lower(), wanted.lower())

    return holds


def value_of(row: RunRow, key: str) -> Any:
    """Value of a column or a setting of a row."""
    if key == "group":
        return row.group
    return BY_KEY[key].value(row) if key in BY_KEY else row.setting(key)


def _number(value: object) -> float | None:
    text = str(value)
    try:
        return float(text[:-1]) / 100 if text.endswith("%") else float(text)
    except ValueError:
        return None


def _ordered(rows: list[Any], column: Column[Any] | None, *, descending: bool) -> list[Any]:
    """Rows by a column; those without a value come last in either order."""
    if column is None:
        return rows
    valued = [(column.value(row), row) for row in rows]
    known = sorted(
        (pair for pair in valued if pair[0] not in (None, "")), key=lambda pair: _sortable(pair[0]), reverse=descending
    )
    return [row for _, row in known] + [row for value, row in valued if value in (None, "")]


def _sortable(value: Any) -> tuple[int, Any]:
    return (0, value) if isinstance(value, int | float) else (1, str(value).lower())


@dataclass(frozen=True, eq=False)
class RunsState:
    """What the view shows.

    Attributes:
        total, matching: numbers of runs in the home, and of those that the filter leaves.
        table: one page of rows: runs, or groups of them.
        rows: number of rows on all pages.
        covers: groups of this page, and selected names that are not those of runs -> their runs.
    """

    asked: RunsQuery
    total: int
    matching: int
    table: Table[Any]
    rows: int
    covers: Mapping[str, Sequence[str]]

    @property
    def grouped(self) -> bool:
        return bool(self.asked.group)

    @property
    def pages(self) -> int:
        return max(1, math.ceil(self.rows / PER_PAGE))

    @property
    def choices(self) -> tuple[str, ...]:
        return GROUPED

    @property
    def unseen(self) -> list[str]:
        """Selected names that are on another page."""
        seen = {row.name for row in self.table.rows}
        return [name for name in self.asked.name if name not in seen]

    @cached_property
    def selected(self) -> frozenset[str]:
        """The runs that are selected, each by its own name or by that of its group or sweep."""
        return frozenset(run for name in self.asked.name for run in self.covers.get(name, [name]))

    def is_selected(self, row: RunRow | RowGroup) -> bool:
        """Whether all runs of a row are selected."""
        return self.selected.issuperset(self.covers.get(row.name, [row.name]))

    def sparks(self) -> dict[str, str | None]:
        """Run -> its sparkline, for the runs of this page; None where it follows with the next look."""
        rows: Sequence[RunRow] = [] if self.grouped else self.table.rows
        if rows:
            rows[0].live.read([row.name for row in rows], PATIENCE)
        return {row.name: row.spark() for row in rows}

    def link(self, **changes: Any) -> str:
        """The query of this view with other parameters."""
        plain = {**self.asked.model_dump(exclude_defaults=True), **changes}
        return urlencode({name: value for name, value in plain.items() if value not in (None, "", [])}, doseq=True)

    def sorted_link(self, key: str) -> str:
        """The query that sorts by a column, or turns its order."""
        return self.link(sort=f"-{key}" if self.asked.sort == key else key, page=None)

    def order(self, key: str) -> str:
        """How a column is sorted, in the words of `aria-sort`; empty where it is not."""
        return {key: "ascending", f"-{key}": "descending"}.get(self.asked.sort, "")

    def as_json(self) -> dict[str, Any]:
        shown = {"page": self.asked.page, "pages": self.pages, "rows": self.rows}
        return {"total": self.total, "matching": self.matching, **shown, "runs": self.table.records()}


def state(site: PageSite, asked: RunsQuery) -> RunsState:
    """The state for a query; kept until a run changes, since many pages may ask for the same."""
    kept: OrderedDict[Any, RunsState] = site.kept.setdefault("runs", OrderedDict())
    key = (site.live.version, asked.model_dump_json())
    if key not in kept:
        kept[key] = _state(site, asked)
        while len(kept) > KEPT_STATES:
            kept.popitem(last=False)
    return kept[key]


def _state(site: PageSite, asked: RunsQuery) -> RunsState:
    conditions = [condition(word) for word in asked.q.split()]
    rows = site.once(("rows", site.live.version, asked.epoch), lambda: _rows(site, asked.epoch))
    matching = [row for row in rows if all(holds(row) for holds in conditions)]
    keys = [key for key in dict.fromkeys(asked.group) if key in GROUPED]
    columns: Sequence[Column[Any]] = group_columns(keys) if keys else COLUMNS
    shown: list[Any] = _grouped(matching, keys) if keys else matching
    sort = asked.sort.removeprefix("-")
    column = next((each for each in columns if each.name == sort), None)
    shown = _ordered(shown, column, descending=asked.sort.startswith("-"))
    first = PER_PAGE * (asked.page - 1)
    table = Table(columns, shown[first : first + PER_PAGE])
    covers = covered_runs(site, [*asked.name, *(row.name if keys else row.group for row in table.rows)])
    return RunsState(asked.model_copy(update={"group": keys}), len(rows), len(matching), table, len(shown), covers)


def _rows(site: PageSite, epoch: str) -> list[RunRow]:
    return [RunRow(listed, site.live, epoch) for listed in site.live.listing()]


def _grouped(rows: Sequence[RunRow], keys: Sequence[str]) -> list[RowGroup]:
    groups: dict[Key, list[RunRow]] = {}
    for row in rows:
        groups.setdefault(tuple(str(value_of(row, key)) for key in keys), []).append(row)
    return [RowGroup(values, some) for values, some in groups.items()]


VIEW = View("runs", "Runs", RunsQuery, state, key="r")
