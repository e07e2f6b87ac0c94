"""Tables: one list of columns for the terminal, HTML, CSV, JSON and pandas."""

from __future__ import annotations

import csv
import io
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from functools import cached_property
from html import escape
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar

from seedbed import words
from seedbed.errors import SeedbedError
from seedbed.records import finite

if TYPE_CHECKING:
    from seedbed.statistics import Interval

Row = TypeVar("Row")

MOST_ROWS = 50
"""Rows that a notebook shows."""


@dataclass(frozen=True)
class Column(Generic[Row]):
    """A column: the source of its values, and their text for readers.

    Attributes:
        heading: name of the column for readers, without the unit.
        value: row -> value. None means unknown.
        text: format specification of known values, such as `".2f"`; or a function of every value, None included.
        align: "left" for words, "right" for numbers.
        unit: unit of the texts, added to the heading in brackets.
        key: name of the column in CSV, JSON and data frames. Empty means the heading.
        extra: how soon a narrow terminal leaves the column out: those with the highest number first, those with 0 never.
    """

    heading: str
    value: Callable[[Row], Any]
    text: str | Callable[[Any], str] = ""
    _: KW_ONLY
    align: Literal["left", "right"] = "right"
    unit: str = ""
    key: str = ""
    extra: int = 0

    @property
    def title(self) -> str:
        """The heading with its unit."""
        return f"{self.heading} ({self.unit})" if self.unit else self.heading

    @property
    def name(self) -> str:
        """The name in CSV, JSON and data frames."""
        return self.key or self.heading

    def shown(self, row: Row) -> str:
        """Return the cell of a row as readers see it."""
        value = self.value(row)
        if callable(self.text):
            return self.text(value)
        return "" if value is None else format(value, self.text)


@dataclass(frozen=True)
class Table(Generic[Row]):
    """Rows under columns.

    Attributes:
        rows: objects of any kind that the columns can read.
        caption: sentences that explain the values, for readers.
    """

    columns: Sequence[Column[Row]]
    rows: Sequence[Row]
    caption: str = ""

    @property
    def titles(self) -> list[str]:
        """The headings with their units."""
        return [column.title for column in self.columns]

    @cached_property
    def texts(self) -> list[list[str]]:
        """The cells as readers see them, row by row."""
        return [[column.shown(row) for column in self.columns] for row in self.rows]

    def records(self) -> list[dict[str, Any]]:
        """Return the values of each row by the columns' names, as JSON values (NaN is null)."""
        return [{column.name: finite(column.value(row)) for column in self.columns} for row in self.rows]

    def csv(self) -> str:
        """Write the values as CSV under the columns' names; unknown and infinite values are empty."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow([column.name for column in self.columns])
        writer.writerows(record.values() for record in self.records())
        return text.getvalue()

    def latex(self) -> str:
        """Write the texts as a LaTeX table with rules of the package booktabs; the caption is a comment below."""
        align = "".join("l" if column.align == "left" else "r" for column in self.columns)
        rows = [" & ".join(map(_latex, row)) + r" \\" for row in [self.titles, *self.texts]]
        body = [r"\toprule", rows[0], r"\midrule", *rows[1:], r"\bottomrule"]
        table = [rf"\begin{{tabular}}{{{align}}}", *body, r"\end{tabular}"]
        return "\n".join([*table, *([rf"% {self.caption}"] if self.caption else [])]) + "\n"

    def html(self, most: int = MOST_ROWS) -> str:
        """Write the texts as an HTML table of up to `most` rows, for a notebook."""
        aligned = [f' style="text-align: {column.align}"' for column in self.columns]

        def row(cells: Sequence[str], tag: str) -> str:
            return "".join(f"<{tag}{how}>{escape(cell)}</{tag}>" for how, cell in zip(aligned, cells, strict=True))

        lines = [f"<tr>{row(cells, 'td')}</tr>" for cells in Table(self.columns, self.rows[:most]).texts]
        more = f"<p>... and {len(self.rows) - most:,} more rows.</p>" if len(self.rows) > most else ""
        return f"<table><thead><tr>{row(self.titles, 'th')}</tr></thead><tbody>{''.join(lines)}</tbody></table>{more}"

    def to_pandas(self) -> Any:
        """Return the values as a `pandas.DataFrame`.

        Raises:
            SeedbedError: pandas is not installed.
        """
        try:
            import pandas as pd
        except ImportError as error:
            raise SeedbedError(
                "Data frames need pandas, which is not installed. Install it with: pip install 'seedbed[pandas]'"
            ) from error
        return pd.DataFrame(self.records(), columns=[column.name for column in self.columns])


class Tabular(ABC):
    """What has a table: shown in a notebook, and taken along as a data frame or in LaTeX."""

    @abstractmethod
    def table(self) -> Table[Any]:
        """Make the table for readers."""

    def values(self) -> Table[Any]:
        """Make the table of plain values, for data frames."""
        return self.table()

    def heading(self) -> str:
        """Name what is shown, in a line."""
        return ""

    def sentences(self) -> list[str]:
        """Say what the table shows."""
        return []

    def frame(self) -> Any:
        """Return the values as a `pandas.DataFrame`.

        Raises:
            SeedbedError: pandas is not installed.
        """
        return self.values().to_pandas()

    def to_latex(self) -> str:
        """Write the table in LaTeX, with rules of the package booktabs."""
        return self.table().latex()

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        said = "".join(f"<p>{words.with_code(escape(sentence))}</p>" for sentence in self.sentences())
        heading = f"<p><b>{escape(self.heading())}</b></p>" if self.heading() else ""
        return f"{heading}{self.table().html()}{said}"


LATEX = {
    **{letter: f"\\{letter}" for letter in "&%$#_{}"},
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
}
"""Letters with a meaning in LaTeX, as it prints them."""


def _latex(text: str) -> str:
    return "".join(LATEX.get(letter, letter) for letter in " ".join(text.split()))


def interval_columns(interval: Callable[[Row], Interval | None], prefix: str = "") -> list[Column[Row]]:
    """Make columns `mean`, `low` and `high` of an interval, for CSV, JSON and data frames."""

    def column(end: str) -> Column[Row]:
        return Column(prefix + end, lambda row: getattr(interval(row), end, None))

    return [column(end) for end in ("mean", "low", "high")]


def keyed_columns(*keys: str) -> list[Column[Mapping[str, Any]]]:
    """Make columns of rows that are mappings, each under its key; a key that a row lacks is unknown."""

    def column(key: str) -> Column[Mapping[str, Any]]:
        return Column(key, lambda row: row.get(key))

    return [column(key) for key in keys]
