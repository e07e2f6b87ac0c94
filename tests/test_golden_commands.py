"""The work of an older seedbed, finished and half done: each command reads it, continues it, and trains nothing twice.

The folder is what a user has: a home, and the files of a sweep next to it. The tests use only the command line, the run
folders and the public names, since everything between them may change.
"""

from __future__ import annotations

import csv
import json
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import pytest

import seedbed as sb
from golden.asked import Asked, runs
from golden.make_commands import HALF_SWEEP, ON_ONE, SEARCH, SMALLEST, STUDY
from golden.make_names import COMMANDS, NAMES, SELECT, asked_by, asked_by_python
from hostile.engine import check_sound, here
from hostile.pictures import hashed
from seedbed.cli.frame import run
from seedbed.figures import drawing
from seedbed.groups.naming import setting_name

GOLDEN = Path(__file__).parent / "golden" / "commands-1"
RECORDED = json.loads((GOLDEN / "recorded.json").read_text())
NAMED = json.loads(NAMES.read_text())
ONE_PART = ("--folds", "1")
"""Studies and reports had one validation part, and still have one where they are asked to."""

ALL = 10**9
"""More calls for workers than any command makes: everything is trained."""

MEASURED = ("state", "accuracy", "epochs", "seconds")
"""Columns of a trial that its training decides; all others are known before."""


class Ended(NamedTuple):
    """Exit code and output of a command."""

    code: int
    out: str
    err: str


class Call(Protocol):
    def __call__(self, *arguments: str, calls: int = 0) -> Ended: ...


@pytest.fixture(scope="module", autouse=True)
def engine() -> Iterator[None]:
    """The engine in this process; a chart is its hash, since drawing is not under test."""
    with here(Asked) as patch:
        patch.setattr(drawing, "draw", hashed)
        yield


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy, so that nothing is written next to the original."""
    shutil.copytree(GOLDEN, tmp_path / "copy")
    monkeypatch.chdir(tmp_path / "copy")
    return tmp_path / "copy"


@pytest.fixture
def call(folder: Path, capsys: pytest.CaptureFixture[str]) -> Call:
    """Run a command in the copy; only its first `calls` calls for workers are trained."""

    def called(*arguments: str, calls: int = 0) -> Ended:
        Asked.begin(calls)
        capsys.readouterr()
        return Ended(run([*arguments, *ON_ONE]), *capsys.readouterr())

    return called


def named(prefix: str, *statuses: str) -> dict[str, str]:
    """Name -> identity of a command's recorded runs with one of these states."""
    known = RECORDED["runs"].items()
    return {name: each["identity"] for name, each in known if name.startswith(prefix) and each["status"] in statuses}


def files_of(home: Path, names: Mapping[str, str]) -> dict[Path, bytes]:
    return {path: path.read_bytes() for name in names for path in sorted((home / name).rglob("*")) if path.is_file()}


def rows(home: Path, name: str) -> list[str]:
    return (home / name / "metrics.jsonl").read_text().splitlines()


def table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(text.splitlines()))


def flat(value: Any, place: str = "") -> dict[str, Any]:
    """Place -> value of every number and word in a JSON value or a table; digits in a table's text are numbers."""
    if isinstance(value, dict | list):
        parts = value.items() if isinstance(value, dict) else enumerate(value)
        return {key: leaf for name, part in parts for key, leaf in flat(part, f"{place}/{name}").items()}
    try:
        return {place: float(value)}
    except (TypeError, ValueError):
        return {place: value}


OF_VERDICTS = re.compile(r"/(verdicts?|left_out|ok|collapsed|diverged)(/|$)")
"""Places of verdicts and of their counts, which today's rules give again."""


def check_says(found: Any, recorded: Any) -> None:
    """Assert that everything recorded is there, number for number, but verdicts; `found` may hold more."""
    wanted = {place: value for place, value in flat(recorded).items() if not OF_VERDICTS.search(place)}
    there = flat(found)
    assert wanted.keys() <= there.keys()
    words = {place for place, value in wanted.items() if not isinstance(value, float)}
    assert {place: there[place] for place in words} == {place: wanted[place] for place in words}
    numbers = {place: value for place, value in wanted.items() if place not in words}
    assert numbers
    assert {place: there[place] for place in numbers} == pytest.approx(numbers, rel=1e-9, abs=0, nan_ok=True)


def test_every_run_is_listed_under_its_name_identity_and_state(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["runs", "list", "--json", "--home", "runs"]) == 0
    listed = {each["name"]: each for each in json.loads(capsys.readouterr().out)["runs"]}
    facts = ("group", "identity", "status")
    assert {name: {fact: each[fact] for fact in facts} for name, each in listed.items()} == RECORDED["runs"]
    check_sound(folder / "runs")


# A sweep that is finished


@pytest.fixture
def read_again(folder: Path, call: Call) -> tuple[Any, Path]:
    """What the sweep's own YAML file prints, and the folder of its tables."""
    code, out, err = call("sweep", "-m", "done", "sweeps/done/sweep.yaml", "--out", "again", "--json")
    assert code == 0, err
    assert Asked.identities == set()
    return json.loads(out), folder / "again"


def test_the_tables_of_a_finished_sweep_are_those_recorded(read_again: tuple[Any, Path]) -> None:
    printed, written = read_again
    recorded = json.loads((GOLDEN / "sweeps" / "done" / "results.json").read_text())
    kept = {name: recorded[name] for name in ("name", "measure", "confidence", "seeds", "varying", "settings")}
    assert [each["n"] for each in kept["settings"]] == [3, 0, 3, 0]
    assert sum(sum(each["verdicts"].values()) for each in kept["settings"]) == 12
    check_says(printed["settings"], kept["settings"])
    assert [each["verdicts"] for each in printed["settings"]] == [{"too_short": 3}, {"diverged": 3}] * 2
    found = json.loads((written / "results.json").read_text())
    assert found.keys() >= recorded.keys()
    check_says(found, kept)
    for name in ("results.csv", "runs.csv"):
        check_says(table((written / name).read_text()), table((GOLDEN / "sweeps" / "done" / name).read_text()))
    now_named = (written / "sweep.yaml").read_text().replace("    select: accuracy\n", "")
    assert now_named == (GOLDEN / "sweeps" / "done" / "sweep.yaml").read_text()


# An interrupted sweep


def test_an_interrupted_sweep_is_not_retrained_without_resume(folder: Path, call: Call) -> None:
    code, _, err = call(*HALF_SWEEP)
    assert (code, Asked.identities) == (1, set())
    assert "half-h5" in err
    assert "--resume" in err
    assert runs(folder / "runs").items() >= named("half-", "finished", "interrupted").items()


def test_an_interrupted_sweep_resumes_from_its_save(folder: Path, call: Call) -> None:
    home, left = folder / "runs", named("half-", "interrupted")
    done = files_of(home, named("half-", "finished"))
    saved = {name: rows(home, name) for name in left}
    assert {len(epochs) for epochs in saved.values()} == {5}
    code, out, err = call(*HALF_SWEEP, "--resume", "--json", calls=ALL)
    assert code == 0, err
    assert Asked.identities == set(left.values())
    assert {path: path.read_bytes() for path in done} == done
    for name, epochs in saved.items():
        assert rows(home, name)[:5] == epochs, "the saved epochs keep the seconds that they took"
        assert len(rows(home, name)) == 60
    assert [each["n"] for each in json.loads(out)["settings"]] == [2, 2]
    check_sound(home)


# A search


@pytest.mark.slow
def test_a_search_resumes_from_its_journal_with_the_same_trials(folder: Path, call: Call) -> None:
    home, journal = folder / "runs", folder / "runs" / ".searches" / "hunt.journal"
    lines, ended = journal.read_text(), named("hunt-", "finished", "pruned")
    done, saved = files_of(home, ended), {name: rows(home, name) for name in named("hunt-", "interrupted")}
    assert call(*SEARCH).code == 1
    code, _, err = call(*SEARCH, "--resume", calls=ALL)
    assert code == 0, err
    assert journal.read_text().startswith(lines)
    assert [text.count('"distributions"') for text in (lines, journal.read_text())] == [4, 8], "one line per trial"
    assert {path: path.read_bytes() for path in done} == done
    assert all(rows(home, name)[: len(epochs)] == epochs for name, epochs in saved.items())
    found, recorded = table((folder / "searches" / "hunt" / "trials.csv").read_text()), table("\n".join(RECORDED["trials"]))
    proposed = [{name: value for name, value in trial.items() if name not in MEASURED} for trial in recorded]
    check_says(found[:4], recorded[:4])
    check_says(found, proposed)
    assert len(found) == len(recorded) == 8
    code, out, _ = call(*SEARCH, "--json")
    assert (code, json.loads(out)["trials"], Asked.identities) == (0, 8, set()), "a finished search is only read"
    assert {name for name in runs(home) if name.startswith("hunt-trial-")} == {f"hunt-trial-{number}" for number in range(8)}


# A study


def test_a_study_finds_its_cells_and_asks_for_the_others_alone(folder: Path, call: Call) -> None:
    home, there = folder / "runs", named("digits-", "finished")
    asked = NAMED["commands"]["study hidden-units --quick --data digits"]
    done = files_of(home, there)
    assert len(there) == 5
    assert there.items() <= asked.items()
    assert call(*STUDY, *ONE_PART).code == 1
    assert Asked.identities.isdisjoint(there.values())
    assert Asked.identities >= set(asked.values()) - set(there.values())
    assert {path: path.read_bytes() for path in done} == done
    assert runs(home).items() >= asked.items()


# The smallest network


def test_smallest_finds_the_settings_it_had_tried(folder: Path, call: Call) -> None:
    home, there = folder / "runs", named("few-", "finished")
    done = files_of(home, there)
    assert call(*SMALLEST).code == 1
    code, out, err = call(*SMALLEST, "--resume", "--minutes", "1e-9", "--json", calls=ALL)
    assert code == 0, err
    found = json.loads(out)
    check_says(found["choosing"], RECORDED["choosing"])
    assert len(found["choosing"]) == len(RECORDED["choosing"]) == 27
    assert found["stopped"]
    assert Asked.identities == set(named("few-", "interrupted").values())
    assert {path: path.read_bytes() for path in done} == done


# Names


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_asks_for_the_recorded_names_and_identities(command: str, tmp_path: Path) -> None:
    recorded = NAMED["commands"][command]
    assert recorded
    asked = asked_by(command, tmp_path)
    assert {name: asked.get(name) for name in recorded} == recorded


def test_runs_without_a_name_get_the_recorded_one(tmp_path: Path) -> None:
    assert asked_by_python(tmp_path) == NAMED["python"]


@pytest.mark.parametrize("group", NAMED["cells"])
def test_a_cell_of_a_study_has_the_recorded_name_and_identities(group: str) -> None:
    """Every cell of a complete quick report, also those that a study requests only after it has seen others."""
    cell = NAMED["cells"][group]
    settings = cell["run"]
    setting = sb.RunSpec(**{**settings, "plan": {**settings["plan"], "select": SELECT}})
    assert setting_name(setting) == group
    assert {seed: setting.changed(seed=int(seed)).identity for seed in cell["identities"]} == cell["identities"]
