"""The class: predictions are read from worksheets and reports, counted, and compared with what came out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from seedbed.errors import SpecError
from seedbed.report.classroom import read_class
from seedbed.report.notes import read_notes, worksheet
from studies.samples import SMALL

NAME = "none against far too much"
BOXES = {"better": "[x] better [ ] the same [ ] worse", "worse": "[ ] better [ ] the same [X] worse"}


def fill(path: Path, expectation: str, words: str = "") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    sheet = worksheet([SMALL]).replace("[ ] better [ ] the same [ ] worse", BOXES[expectation])
    path.write_text(sheet.replace("### I predict\n", f"### I predict\n\n{words}\n"))


def results(path: Path, difference: float, corrected_p: float) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    contrast = {"name": NAME, "difference": difference, "corrected_p": corrected_p}
    path.write_text(json.dumps({"studies": [{"study": "small", "parts": [{"contrasts": [contrast]}]}]}))


def test_a_ticked_box_is_an_expectation_and_an_empty_worksheet_has_none(tmp_path):
    fill(tmp_path / "w.md", "worse")
    assert read_notes(tmp_path / "w.md", ["small"]).expected == {"small": {NAME: "worse"}}
    (tmp_path / "e.md").write_text(worksheet([SMALL]))
    assert read_notes(tmp_path / "e.md", ["small"]).expected == {}


def test_two_ticked_boxes_are_refused_with_their_line(tmp_path):
    sheet = worksheet([SMALL]).replace("[ ] better [ ] the same", "[x] better [x] the same")
    (tmp_path / "w.md").write_text(sheet)
    with pytest.raises(SpecError, match=rf"line \d+: '{NAME}' has 2 boxes ticked"):
        read_notes(tmp_path / "w.md", ["small"])


def test_predictions_are_counted_against_what_came_out(tmp_path):
    fill(tmp_path / "anna" / "worksheet.md", "better", "Much better.")
    results(tmp_path / "anna" / "report" / "results.json", 0.2, 0.001)
    fill(tmp_path / "ben.md", "worse")
    fill(tmp_path / "cem.md", "better")
    classroom = read_class(tmp_path, ["small"])
    [compared] = classroom.compared
    assert compared.expected == {"better": 2, "worse": 1}
    assert (compared.outcome, compared.right) == ("better", 2)
    assert classroom.sentences[0] == "3 students with predictions, of 1 comparison."
    assert "Of 3 predictions with a clear outcome 2 came true (67 %)." in classroom.sentences


@pytest.mark.parametrize(("difference", "p", "outcome"), [(-0.2, 0.01, "worse"), (0.2, 0.2, "not shown")])
def test_an_outcome_is_the_decision_of_the_report(tmp_path, difference, p, outcome):
    fill(tmp_path / "a" / "w.md", "better")
    results(tmp_path / "a" / "results.json", difference, p)
    [compared] = read_class(tmp_path, ["small"]).compared
    assert (compared.outcome, compared.right) == (outcome, 0)


def test_the_page_shows_no_name_unless_asked(tmp_path):
    fill(tmp_path / "hand" / "anna.md", "better", "Much <better>.")
    for names in (False, True):
        classroom = read_class(tmp_path / "hand", ["small"], names=names)
        classroom.save(tmp_path / "class.html")
        page = (tmp_path / "class.html").read_text()
        assert "Much &lt;better&gt;." in page
        assert ("anna" in page) == ("anna" in json.dumps(classroom.as_json())) == names


@pytest.mark.parametrize(("name", "text"), [("results.json", "[1]"), ("results.json", "{"), ("readme.txt", "hello")])
def test_what_is_no_hand_in_is_refused_by_its_name(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    with pytest.raises(SpecError, match=name if name.endswith("json") else "no worksheet"):
        read_class(tmp_path, ["small"])


def test_a_class_that_predicted_nothing_is_shown_the_way_out(tmp_path):
    results(tmp_path / "results.json", 0.2, 0.001)
    with pytest.raises(SpecError, match="--worksheet"):
        read_class(tmp_path, ["small"]).save(tmp_path / "class.html")
