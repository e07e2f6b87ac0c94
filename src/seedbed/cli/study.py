"""`seedbed study`: one question of the exercise, from nothing to sentences, tables and a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from inspect import cleandoc
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from seedbed import studies
from seedbed.cli import options, screen
from seedbed.cli.screen import note, result
from seedbed.cli.watch import fetching, watching

if TYPE_CHECKING:
    from seedbed.progress import Watcher
    from seedbed.scheduler import Execution, Forecast
    from seedbed.studies.answers import Answer, AnswerPart, Study
    from seedbed.studies.setup import Setup
    from seedbed.training.events import OnEvent

KINDS = (".html", ".htm", ".json")
FIGURES = 7
"""About how many figures a study has."""


@click.command("study")
@click.argument("name", metavar="NAME")
@options.of_studies
@options.file("-o", "--out", text="FILE.html, with figures and tables next to it, or FILE.json.  [default: studies/NAME.html]")
@options.file(
    "--merge",
    metavar="FILE.json",
    multiple=True,
    text="device only: timings measured elsewhere, a results.json or what -o FILE.json wrote; may be repeated.",
)
@click.option("--again", is_flag=True, help="device only: measure again what was measured before.")
@options.execution()
@options.details
@options.dry_run
@options.as_json
def command(
    name: str,
    out: Path | None,
    merge: tuple[Path, ...],
    again: bool,
    execution: Execution,
    details: bool,
    dry_run: bool,
    **asked: Any,
) -> options.Output:
    """Answer a question of the exercise: train what it takes, compare, and say why.

    \b
    NAME is one of
      STUDIES

    Runs live in the home under names of their own; what is trained already is not trained again, and what was interrupted is
    resumed. A page, its figures (PNG, SVG), results.csv and results.json are written.
    """
    page = out or Path("studies") / f"{name}.html"
    if page.suffix.lower() not in KINDS:
        raise click.UsageError(f"--out {page}: it must end in .html or .json.", click.get_current_context())
    if (merge or again) and name != "device":
        option = "--merge" if merge else "--again"
        raise click.UsageError(f"{option} belongs to `seedbed study device`.", click.get_current_context())
    from seedbed.studies.context import StudyTrainer

    study = studies.find(name)
    title = f"Study {name}"
    setup, expected = prepared(title, [study], execution, merge=merge, again=again, **asked)
    if dry_run:
        return options.forecast_output(expected)
    with watched(title, expected, studies=1) as watcher:
        with StudyTrainer(replace(execution, on_event=watcher)) as trainer:
            answer = study.answer(setup, trainer)
        files = _write(answer, page, watcher)
    return answer.as_json(), lambda: _show(answer, files, details=details)


_LISTED = "\n".join(f"  {study.name:15} {study.about}" for study in studies.STUDIES.records())
command.help = cleandoc(command.help or "").replace("  STUDIES", _LISTED)


def prepared(title: str, chosen: Sequence[Study], execution: Execution, *, data: str, **asked: Any) -> tuple[Setup, Forecast]:
    """Load the data of some studies, and announce what they begin with.

    Args:
        title: beginning of the announcement.
        data, asked: options of `Setup.of`.

    Returns:
        The setup, and the forecast of the runs of their designs and of their searches; further runs that the first results
        ask for come on top.
    """
    from seedbed.report.making import designed
    from seedbed.scheduler import forecast
    from seedbed.studies.setup import Setup
    from seedbed.words import counted

    with fetching() as watch:
        setup = Setup.of(data, watch=watch, **asked)
    requests = designed(chosen, setup)
    expected = forecast([entry for request in requests for entry in request.entries], execution)
    expected = replace(expected, searching=sum(study.searching(setup, execution) for study in chosen))
    size = f"{counted(len(requests), 'setting')} x {counted(len(setup.seeds), 'seed')}"
    note(f"{title} on {setup.data.name}, to begin with: {size}; {expected.sentence}.")
    return setup, expected


def watched(title: str, expected: Forecast, *, studies: int) -> AbstractContextManager[Watcher]:
    """Show the progress of some studies: of their runs, of the searches that follow, and of the figures that are drawn then."""
    from seedbed.devices import cores
    from seedbed.figures.drawing import SECONDS_PER_CHART
    from seedbed.progress import Ahead

    drawing = studies * FIGURES * SECONDS_PER_CHART / cores()
    training = 9 * drawing if expected.seconds is None else expected.seconds
    ahead = Ahead(training, expected.searching, drawing)
    return watching(title, max(1, expected.left), ahead=ahead)


def _write(answer: Answer, page: Path, on_event: OnEvent) -> dict[str, list[Path]]:
    if page.suffix.lower() == ".json":
        from seedbed import storage

        storage.write_json(page, answer.as_json())
        return {"results": [page]}
    return answer.report(page, on_event=on_event)


def _show(answer: Answer, files: Mapping[str, Sequence[Path]], *, details: bool) -> None:
    result(answer.title)
    for part in answer.parts:
        _show_details(part) if details else _show_part(part)
    if not details:
        result()
        screen.more_in_details()
    screen.lines(answer.caveats, indent="! ")
    result(answer.cost.sentence)
    result(f"To repeat it: {answer.command}")
    for kind, paths in files.items():
        listed = ", ".join(map(str, paths)) if len(paths) <= 2 else f"{len(paths)} files in {paths[0].parent}"
        result(f"{kind.capitalize()}: {listed}")


def _show_part(part: AnswerPart) -> None:
    """Print the answer with its most important numbers, how sure it is, and the first reason."""
    result()
    result(part.card.question if part.card else part.question)
    screen.statements(part.statements, details=False, indent="  ")
    screen.lines([part.reason] if part.reason else part.why[:1], indent="  Why: ")
    screen.lines(part.caveats, indent="  ! ")


def _show_details(part: AnswerPart) -> None:
    """Print all sentences of the answer, with their statistics and the rules of their marks, and the tables."""
    result()
    result(part.question)
    screen.statements(part.sentences, details=True, indent="  ")
    screen.lines(part.why, indent="  Why: ")
    screen.lines(part.caveats, indent="  ! ")
    result(f"  How: {part.method}")
    for table in part.tables:
        result()
        screen.table(table)
        if table.caption:
            result(table.caption)
