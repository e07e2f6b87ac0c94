"""The report as a page: the answers in short, every question, the test ledger, the environment, feedback."""

from __future__ import annotations

import html
import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seedbed.figures import words
from seedbed.studies import files
from seedbed.studies import page as pages
from seedbed.studies.answers import Table
from seedbed.studies.page import Charts, Section, bullets, paragraphs, quantity, seconds_text, study_section, table

if TYPE_CHECKING:
    from seedbed.report.making import Report
    from seedbed.studies.answers import Answer

MOST_LOOKS = 100


def save(report: Report, path: Path) -> dict[str, list[Path]]:
    """See `Report.save`."""
    return files.save(report.answers, pages.checked_page(path), of(report), report.as_json())


def of(report: Report) -> str:
    """The whole page."""
    charts = Charts()
    sections = [
        Section("in-short", "The answers in short", _short(report)),
        *(_study(report, answer, charts) for answer in report.answers),
        Section("test-ledger", "Test ledger", _ledger(report)),
        Section("environment", "Environment and cost", _environment(report)),
        Section("feedback", "Feedback", _feedback(report)),
    ]
    title = f"What architecture and regularization do: {report.setup.data.name}"
    footer = f"Made by <code>{html.escape(command(report))}</code>, data {html.escape(report.setup.data.digest[:16])}."
    return pages.document(title, pages.intro(report.setup), sections, charts, footer)


def command(report: Report) -> str:
    """What repeats the report."""
    named = ["--studies", ",".join(report.named)] if report.named else []
    return shlex.join(["seedbed", "report", *report.setup.asked, *named])


def _short(report: Report) -> str:
    items = "".join(
        f'<li><b><a href="#{answer.name}">{html.escape(answer.title)}</a></b>{bullets(answer.short)}</li>'
        for answer in report.answers
    )
    return f'<ul class="short">{items}</ul>'


def _study(report: Report, answer: Answer, charts: Charts) -> Section:
    notes = report.notes
    before = _own_words("What I predicted", notes.before.get(answer.name, ())) if notes else ""
    after = _own_words("What I write afterwards", notes.after.get(answer.name, ())) if notes else ""
    return study_section(answer, charts, before, after)


def _own_words(heading: str, said: tuple[str, ...]) -> str:
    return f'<div class="notes"><h4>{heading}</h4>{paragraphs(said)}</div>' if said else ""


def _ledger(report: Report) -> str:
    if not report.looks:
        return "<p>Nobody has looked at the test part with a run of this home.</p>"
    rows = [[look.get("time", ""), look.get("run", ""), _seen(look.get("figures"))] for look in report.looks[-MOST_LOOKS:]]
    count = words.counted(len(report.looks), "look")
    said = f"{count} at the test part; what is chosen after a look is no longer judged fairly by it."
    listed = Table(dict.fromkeys(("time (UTC)", "run", "what was seen"), "left"), rows)
    return f"<p>{html.escape(said)}</p>{table(listed)}"


def _seen(figures: Any) -> str:
    if isinstance(figures, dict) and isinstance(figures.get("accuracy"), int | float):
        return f"accuracy {words.percent(figures['accuracy'], 2)}"
    return json.dumps(figures, ensure_ascii=False)[:200]


def _environment(report: Report) -> str:
    cost, here = report.cost, report.environment
    said = [pages.cost_text(cost)]
    if here.sgemm and cost.rate:
        share = words.percent(cost.rate / here.sgemm, 0)
        speed = f"One worker multiplies square float32 matrices at {quantity(here.sgemm)} operations a second"
        said.append(
            f"{speed}, measured while this report was made with all {here.workers} at it; training reached {share} of that, "
            "over all runs and without compilation."
        )
    said += [f"Matrix products could not be measured: {here.problem}"] if here.problem else []
    rows = [
        ["processor", f"{here.processor}, {words.counted(here.cores, 'core')} usable"],
        ["GPUs", str(here.gpus or "none found")],
        ["workers", str(here.workers)],
        ["system", here.system],
        ["Python", here.python],
        *([name, version] for name, version in here.versions.items()),
        *(
            [f"time of workers: {answer.title}", seconds_text(answer.cost.seconds + answer.cost.beside)]
            for answer in report.answers
        ),
    ]
    return paragraphs(said) + table(Table({"": "left", "here": "left"}, rows))


def _feedback(report: Report) -> str:
    found = report.feedback
    limits = f"<h3>What limited these answers</h3>{bullets(found.limits)}" if found.limits else ""
    commands = "".join(
        f"<p>{html.escape(why)}</p><pre><code>{html.escape(line)}</code></pre>" for why, line in found.next.items()
    )
    sheet = "" if report.notes else _sheet()
    return f"{limits}<h3>What to run next</h3>{commands}{sheet}"


def _sheet() -> str:
    return (
        "<p>Your own predictions beside the answers: fill in a worksheet, then hand it over.</p>"
        "<pre><code>seedbed report --worksheet\nseedbed report --notes worksheet.md</code></pre>"
    )
