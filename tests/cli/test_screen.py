"""What is printed, on a terminal and into a pipe."""

from __future__ import annotations

import io

import pytest

from seedbed.cli import screen
from seedbed.tables import Column, Table

SENTENCE = (
    "  ReLU is more accurate than the logistic-sigmoid by 0.98 points (95 % interval: 0.19 to 1.78). Its loss is lower too."
)


class Terminal(io.StringIO):
    """A terminal that keeps what was printed."""

    def isatty(self) -> bool:
        return True


def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Stdout is a terminal of 60 columns from now on."""
    shown = Terminal()
    monkeypatch.setattr("sys.stdout", shown)
    monkeypatch.setenv("COLUMNS", "60")
    return shown


def test_sentences_wrap_between_words_on_a_terminal_and_keep_their_indent(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = terminal(monkeypatch)
    screen.result(SENTENCE)
    lines = shown.getvalue().splitlines()
    assert len(lines) == 3
    assert all(len(line) < 60 and line.startswith("  ") for line in lines)
    assert " ".join(line.strip() for line in lines) == SENTENCE.strip()


def test_what_is_piped_is_never_wrapped(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    screen.result(SENTENCE)
    assert capsys.readouterr().out == f"{SENTENCE}\n"


def table(*extra: int) -> Table[str]:
    columns = [
        Column[str](f"column {place}", lambda row: row, align="left", extra=number) for place, number in enumerate(extra)
    ]
    return Table(columns, ["fifteen letters"])


def test_a_narrow_terminal_leaves_out_the_least_important_columns_and_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = terminal(monkeypatch)
    screen.table(table(0, 2, 0, 1, 3))
    head = shown.getvalue().splitlines()[0]
    assert [name for name in range(5) if f"column {name}" in head] == [0, 2, 3]
    assert "column 4, column 1" in capsys.readouterr().err


def test_a_wide_enough_terminal_gets_all_columns(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    shown = terminal(monkeypatch)
    screen.table(table(0, 2, 1))
    assert "column 1" in shown.getvalue()
    assert capsys.readouterr().err == ""
