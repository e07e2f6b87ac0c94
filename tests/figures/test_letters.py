"""Letters that no font has are told, so that boxes in pictures are no riddle."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from data.samples import write_pictures
from seedbed.cli.frame import seedbed
from seedbed.figures import missing_letters
from seedbed.figures.pictures import _ordered

PRIVATE = "\U000f1234"
"""A code of private use, which no font of a common machine has."""


def test_letters_without_a_shape_are_told_and_others_are_not() -> None:
    assert missing_letters(["Größe", f"ко{PRIVATE}шка {PRIVATE}"]) == [PRIVATE]
    assert missing_letters(["Größe & <b>", "кошка", "γάτα", "\u0301"]) == []
    assert missing_letters([]) == []


def test_a_number_after_a_name_written_from_right_to_left_stays_after_it() -> None:
    assert _ordered("قطة: 1 % & кошка") == "قطة\u200e: 1 % &amp; кошка"


def test_a_command_that_draws_class_names_says_which_letters_are_boxes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_pictures(tmp_path / "pets", {"cat": 9, f"dog{PRIVATE}": 9})
    shown = CliRunner().invoke(seedbed, ["visualize", "--data", str(tmp_path / "pets")])
    assert shown.exit_code == 0
    assert f"No font on this machine has the letters {PRIVATE}: pictures show boxes" in shown.stderr.replace(
        "\\U000f1234", PRIVATE
    )
