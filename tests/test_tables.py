from __future__ import annotations

import csv
import io
import sys
from dataclasses import dataclass
from types import SimpleNamespace

import pytest

from seedbed.cli import screen
from seedbed.errors import SeedbedError
from seedbed.statistics import Interval
from seedbed.tables import Column, Table, interval_columns, keyed_columns


@dataclass(frozen=True)
class Net:
    name: str
    parameters: int
    accuracy: Interval | None
    loss: float | None = None


NETS = [
    Net("a, \x1b[31m<b>", 12_345, Interval(0.97, 0.96, 0.98, 5), 0.1234),
    Net("none", 7, None, float("nan")),
]

COLUMNS: list[Column[Net]] = [
    Column("network", lambda net: net.name, align="left", key="name"),
    Column("parameters", lambda net: net.parameters, ","),
    Column("loss", lambda net: net.loss, ".2f", unit="nats"),
    Column("accuracy", lambda net: net.accuracy, lambda found: f"{found.mean:.1%}" if found else "none is left", key="mean"),
]


def test_readers_see_titles_with_units_and_formatted_cells() -> None:
    table = Table(COLUMNS, NETS, "Two nets.")
    assert table.titles == ["network", "parameters", "loss (nats)", "accuracy"]
    assert table.texts[0] == ["a, \x1b[31m<b>", "12,345", "0.12", "97.0%"]
    assert table.texts[1][3] == "none is left"


def test_an_unknown_value_is_an_empty_cell_whatever_its_format() -> None:
    assert Table([Column[None]("x", lambda _: None, ",.3f")], [None]).texts == [[""]]


def test_csv_and_json_hold_raw_values_under_the_keys_and_nan_is_unknown() -> None:
    table = Table([*COLUMNS[:3], *interval_columns(lambda net: net.accuracy, "accuracy_")], NETS)
    rows = list(csv.DictReader(io.StringIO(table.csv())))
    assert list(rows[0]) == ["name", "parameters", "loss", "accuracy_mean", "accuracy_low", "accuracy_high"]
    assert (rows[0]["name"], rows[0]["parameters"], rows[0]["accuracy_low"]) == (NETS[0].name, "12345", "0.96")
    assert (rows[1]["loss"], rows[1]["accuracy_mean"]) == ("", "")
    assert table.records()[1] == {
        "name": "none",
        "parameters": 7,
        "loss": None,
        "accuracy_mean": None,
        "accuracy_low": None,
        "accuracy_high": None,
    }


def test_rows_may_be_mappings() -> None:
    assert Table(keyed_columns("a", "b"), [{"a": 1}, {"b": 2.5}]).csv() == "a,b\n1,\n,2.5\n"


def test_the_terminal_shows_a_table_with_nothing_in_it_that_steers_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    screen.table(Table(COLUMNS, NETS))
    shown = capsys.readouterr().out
    assert "\\x1b[31m<b>" in shown
    assert "\x1b" not in shown
    assert "12,345" in shown


def test_a_data_frame_holds_the_values(monkeypatch: pytest.MonkeyPatch) -> None:
    made = SimpleNamespace(DataFrame=lambda records, columns: (records, columns))
    monkeypatch.setitem(sys.modules, "pandas", made)
    records, columns = Table(COLUMNS[:2], NETS).to_pandas()
    assert columns == ["name", "parameters"]
    assert records[1] == {"name": "none", "parameters": 7}


def test_without_pandas_the_way_out_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(SeedbedError, match=r"seedbed\[pandas\]"):
        Table(COLUMNS, NETS).to_pandas()
