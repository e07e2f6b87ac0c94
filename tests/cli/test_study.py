"""`seedbed study` and `seedbed report` from end to end, on a small study."""

from __future__ import annotations

import json

import pytest

from report.samples import HERE
from seedbed import studies
from seedbed.cli.frame import run
from seedbed.report import making
from studies.samples import SMALL, registry

pytestmark = pytest.mark.usefixtures("engine_here")

SHORT = ["--quick", "--data", "digits", "--seeds", "2"]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return str(tmp_path_factory.mktemp("home") / "runs")


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(studies, "STUDIES", registry(SMALL))
    monkeypatch.setattr(making, "examine", lambda *_: HERE)
    return tmp_path


def test_a_study_is_told_and_written(home, folder, capsys):
    assert run(["study", "small", *SHORT, "--home", home]) == 0
    out, err = capsys.readouterr()
    assert "2 settings x 2 seeds; 4 runs; about" in err
    assert "[not shown] It costs accuracy." in out
    assert "95 % interval" not in out
    assert run(["study", "small", *SHORT, "--home", home, "--details"]) == 0
    out = capsys.readouterr().out
    assert "Does l2 = 10 hurt?" in out
    assert "95 % interval" in out
    assert "seedbed study small --quick --data digits --seeds 2" in out
    assert (folder / "studies" / "small.html").is_file()
    assert (folder / "studies" / "small" / "results.csv").is_file()
    assert run(["study", "small", *SHORT, "--home", home, "--json", "-o", "a.json"]) == 0
    out, err = capsys.readouterr()
    assert "4 runs, all there: nothing to train" in err
    assert json.loads(out) == json.loads((folder / "a.json").read_text())
    assert json.loads(out)["study"] == "small"


def test_a_report_is_told_and_written(home, folder, capsys):
    assert run(["report", *SHORT, "--home", home, "-o", "r.html"]) == 0
    out, _ = capsys.readouterr()
    assert "Report: r.html" in out
    assert {path.name for path in (folder / "r").iterdir()} == {"figures", "results.csv", "results.json"}


def test_a_worksheet_is_written_and_never_written_over(folder, capsys):
    assert run(["report", "--worksheet"]) == 0
    assert (folder / "worksheet.md").read_text().startswith("# Worksheet")
    assert run(["report", "--worksheet"]) == 1
    assert "worksheet.md exists already" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["study", "small", "-o", "a.pdf"], 2, "must end in .html or .json"),
        (["study", "small", "--again"], 2, "--again belongs to `seedbed study device`"),
        (["study", "small", "--data", "digit"], 1, "Did you mean 'digits'?"),
        (["study", "small", "--data", "digits", "--seeds", "0"], 1, "seeds = 0"),
        (["study", "small", "--data", "digits", "--protocol", "honst"], 1, "Did you mean 'honest'?"),
        (["report", "-o", "a"], 1, "ends in .html"),
        (["report", "--notes", "none.md"], 1, "none.md: it cannot be read"),
    ],
)
def test_what_a_user_gets_wrong_is_told_before_anything_is_trained(arguments, code, says, capsys):
    assert run(arguments) == code
    assert says in capsys.readouterr().err


def test_an_unknown_study_is_offered_the_nearest(monkeypatch, capsys):
    monkeypatch.undo()
    assert run(["study", "regularisation", "--data", "digits"]) == 1
    assert "Did you mean 'regularization'?" in capsys.readouterr().err
