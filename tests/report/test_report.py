"""The report: the same after a kill, one page with everything on it, and the student's own words."""

from __future__ import annotations

import csv
import html
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from hostile.engine import here
from report.samples import HERE
from seedbed import scheduler, studies
from seedbed.errors import Interrupted, SpecError
from seedbed.report import make, making, read_notes, worksheet
from seedbed.report.notes import Notes
from seedbed.runs import RunStore
from seedbed.scheduler import Execution, forecast
from seedbed.scheduler.forecasting import finished_names
from seedbed.specs import Dense, Plan
from seedbed.studies.answers import AnswerPart, Study
from seedbed.studies.context import Steps, StudyContext, StudyTrainer, requests
from seedbed.studies.files import checked_page
from seedbed.studies.setup import QUICK, Setup
from seedbed.training.events import Finding, StageStarted
from studies.reading import check
from studies.samples import SMALL, registry


@pytest.fixture(scope="module")
def setup() -> Setup:
    return Setup.of("digits", quick=True, seeds=2)


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """One small study instead of seven, trained in this process; the machine is not measured."""
    monkeypatch.setattr(studies, "STUDIES", registry(SMALL))
    monkeypatch.setattr(making, "examine", lambda *_: HERE)
    with here():
        yield


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> RunStore:
    return RunStore(tmp_path_factory.mktemp("home") / "runs")


@pytest.fixture
def report(setup, home):
    return make(setup, StudyTrainer(Execution(home, workers=1)))


def test_one_page_holds_everything_and_its_tables_lie_beside_it(report, tmp_path):
    files = report.save(tmp_path / "out" / "r.html")
    page = (tmp_path / "out" / "r.html").read_text()
    folder = tmp_path / "out" / "r"
    drawn = {path.name for path in files["figures"]}
    assert drawn == {f"{name}.{kind}" for name in ("card_small_one", "effects", "small_means") for kind in ("png", "svg")}
    text = re.sub(r"<script.*?</script>", "", page, flags=re.S)
    plain_text = re.sub(r"<[^>]+>", "", text).replace("\N{NO-BREAK SPACE}", " ")
    for said in (
        report.answers[0].parts[0].answer[0],
        "The answers in short",
        "What limited these answers?",
        "Glossary",
        "Test ledger",
        "No run of this home has been evaluated",
        "below nearest neighbour",
        "a preview",
        "seedbed study small --quick --data digits --seeds 2",
        "operations of training",
        "Feedback",
        "seedbed report --data digits --seeds 2",
    ):
        assert said in html.unescape(plain_text), said
    assert "<huge>" not in text
    assert "<processor>" not in text
    assert not re.search(r'(src|href)="(https?:)?//', text)
    assert len(page) < 12_000_000
    rows = list(csv.DictReader((folder / "results.csv").read_text().splitlines()))
    assert [row["kind"] for row in rows] == ["cell", "cell", "contrast"]
    plain = json.loads((folder / "results.json").read_text())
    (study,) = plain["studies"]
    cell, contrast = study["parts"][0]["cells"][0], study["parts"][0]["contrasts"][0]
    assert (cell["n"], cell["setting"]) == (2, {"l2": 0.0})
    assert cell["interval"][0] < cell["mean"] < cell["interval"][1]
    assert {"difference", "interval", "verdict"} <= contrast.keys()
    assert plain["cost"]["runs"] == 4
    assert plain["cost"]["operations"] == 4 * 2 * 1257 * (4 * 64 * 8 + 6 * 8 * 10)


def test_every_figure_of_a_preview_says_that_it_is_one(report):
    for figure in report.answers[0].figures:
        assert QUICK in figure.chart.title.subtitle


def test_a_study_killed_half_way_and_resumed_gives_the_same_report(setup, home, report, tmp_path):
    class Kill:
        done = 0

        def __call__(self, event) -> None:
            self.done += type(event).__name__ == "Done"
            if self.done == 2:
                raise Interrupted("killed", 15)

    cut = RunStore(tmp_path / "runs")
    with pytest.raises(Interrupted, match="The same command resumes"):
        make(setup, StudyTrainer(Execution(cut, workers=1, on_event=Kill())))
    assert 0 < len(cut.results()) < 4
    again = make(setup, StudyTrainer(Execution(cut, workers=1)))
    assert told(again) == told(report)


def told(report) -> object:
    plain = report.as_json()
    for each in (plain, *plain["studies"]):
        each["cost"] = {name: each["cost"][name] for name in ("runs", "operations", "devices")}
    return plain


def test_what_two_studies_need_on_their_way_grows_together_and_they_answer_as_they_would_alone(setup, tmp_path, monkeypatch):
    def going_on(name: str, width: int) -> Study:
        def parts(study: StudyContext) -> Steps[list[AnswerPart]]:
            yield from study.train(requests(setup.run(Dense(hidden=(width,)), Plan(epochs=1)), [{"l2": 0.0}]))
            return [replace(part, name=name, figures=[]) for part in (yield from SMALL.parts(study))]

        return replace(SMALL, name=name, parts=parts)

    both = {"one": going_on("one", 3), "other": going_on("other", 4)}
    monkeypatch.setattr(studies, "STUDIES", registry(*both.values()))
    calls: list[int] = []
    real = scheduler.train_runs

    def train_runs(entries, *arguments, **named):
        calls.append(sum(entry.group.startswith(("digits-h3", "digits-h4")) for entry in entries))
        return real(entries, *arguments, **named)

    monkeypatch.setattr(scheduler, "train_runs", train_runs)
    together = make(setup, StudyTrainer(Execution(RunStore(tmp_path / "runs"), workers=1)))
    assert [count for count in calls if count] == [4]
    alone = both["other"].answer(setup, StudyTrainer(Execution(RunStore(tmp_path / "alone"), workers=1)))
    assert [answer.name for answer in together.answers] == ["one", "other"]
    assert together.answers[1].sentences() == alone.sentences()
    assert together.answers[1].cost.runs == 6


def test_a_second_report_trains_nothing(setup, home, report):
    events = []
    again = make(setup, StudyTrainer(Execution(home, workers=1, on_event=events.append)))
    assert {type(event) for event in events} == {Finding, StageStarted}
    assert again.as_json() == report.as_json()


def test_changing_the_seeds_trains_only_the_new_ones(home, report):
    more = Setup.of("digits", quick=True, seeds=3, folds=1)
    entries = [entry for request in making.designed([SMALL], more) for entry in request.entries]
    expected = forecast(entries, Execution(home, workers=1))
    assert (expected.runs, expected.there) == (6, 4)
    assert {entry.run.seed for entry in entries if entry.name not in finished_names(home)} == {2}


# The student's own words


def test_a_worksheet_asks_and_does_not_answer(tmp_path):
    sheet = worksheet([SMALL])
    assert "none against far too much" in sheet
    assert "is better" not in sheet
    assert "[x]" not in sheet
    path = tmp_path / "w.md"
    path.write_text(sheet.replace("### I predict\n", "### I predict\n\nIt *will* <hurt>.\n\nMuch.\n"))
    assert read_notes(path, ["small"]) == Notes({"small": ("It *will* <hurt>.", "Much.")}, {"small": ()})


def test_the_students_words_stand_beside_the_answers_as_text(report, tmp_path):
    from dataclasses import replace

    with_notes = replace(report, notes=Notes({"small": ("It will <hurt>.",)}, {"small": ("It did.",)}))
    with_notes.save(tmp_path / "n.html")
    page = (tmp_path / "n.html").read_text()
    assert "What I predicted" in page
    assert "It will &lt;hurt&gt;." in page
    card = page[page.index('<article class="card">') :]
    assert card.index("You predicted:") < card.index("It will") < card.index("It costs accuracy.") < card.index("</article>")
    section = page[page.index('<section id="small"') :]
    assert section.index("It will") < section.index("Does l2 = 10 hurt?</h3>") < section.index("It did.")


def test_what_a_section_folds_away_is_behind_its_answer_picture_and_why(report, tmp_path):
    report.save(tmp_path / "f.html")
    page = (tmp_path / "f.html").read_text()
    section = page[page.index('<section id="small"') :]
    shown, folded = section[: section.index('<details class="fold">')], section[section.index('<details class="fold">') :]
    assert "It costs accuracy." in shown
    assert 'id="small_means"' in shown
    assert "Why" in shown
    for statistics in ("Two settings &lt;b&gt;.", report.answers[0].parts[0].answer[0].partition(" ")[0], "<table>"):
        assert statistics in folded[: folded.index("</details>")]


def test_a_card_says_what_was_compared_and_results_have_it(report):
    assert list(report.cards) == ["small-one", "feedback"]
    plain = report.as_json()["cards"]["small-one"]
    assert plain["answer"] == "It costs accuracy."
    assert plain["mark"] == report.cards["small-one"].certainty.mark
    check(report.cards["feedback"])
    assert "270 validation images and 2 seeds" in report.cards["feedback"].answer


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("## smal\n", "line 1: 'smal' is no heading of a worksheet. Did you mean 'small'?"),
        ("## small\n### I perdict\n", "I predict"),
    ],
)
def test_a_heading_that_is_not_known_is_told(tmp_path, text, says):
    path = tmp_path / "w.md"
    path.write_text(text)
    with pytest.raises(SpecError) as told:
        read_notes(path, ["small"])
    assert says in str(told.value)


def test_notes_that_cannot_be_read_are_told(tmp_path):
    with pytest.raises(SpecError, match="No such file"):
        read_notes(tmp_path / "none.md", ["small"])
    (tmp_path / "b.md").write_bytes(b"\xff\xfe")
    with pytest.raises(SpecError, match="not UTF-8"):
        read_notes(tmp_path / "b.md", ["small"])


@pytest.mark.parametrize("name", ["report.pdf", "report", "."])
def test_a_page_ends_in_html(name):
    with pytest.raises(SpecError, match=r"ends in \.html"):
        checked_page(Path(name))
