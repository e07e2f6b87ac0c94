"""`seedbed study`: one question of the exercise, from nothing to sentences, tables and a page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
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
    from seedbed.scheduler import Execution
    from seedbed.studies.answers import Answer, AnswerPart, Study
    from seedbed.studies.context import StudyTrainer
    from seedbed.studies.setup import Setup

KINDS = (".html", ".htm", ".json")


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
@options.as_json
def command(
    name: str, out: Path | None, merge: tuple[Path, ...], again: bool, execution: Execution, **asked: Any
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
    study = studies.find(name)
    with training(f"Study {name}", [study], execution, merge=merge, again=again, **asked) as (setup, trainer):
        answer = study.answer(setup, trainer)
    files = _write(answer, page)
    return answer.as_json(), lambda: _show(answer, files)


_LISTED = "\n".join(f"  {study.name:15} {study.about}" for study in studies.STUDIES.records())
command.help = cleandoc(command.help or "").replace("  STUDIES", _LISTED)


@contextmanager
def training(
    title: str, chosen: Sequence[Study], execution: Execution, *, data: str, **asked: Any
) -> Iterator[tuple[Setup, StudyTrainer]]:
    """Load the data of some studies, announce what they train, and yield what they need for it.

    Args:
        title: beginning of the announcement.
        data, asked: options of `Setup.of`.
    """
    from seedbed.groups.training import missing
    from seedbed.report.making import designed
    from seedbed.studies.context import StudyTrainer
    from seedbed.studies.setup import Setup
    from seedbed.words import counted

    with fetching() as watch:
        setup = Setup.of(data, watch=watch, **asked)
    requests = designed(chosen, setup)
    untrained = len(missing(requests, execution.home))
    size = f"{counted(len(requests), 'setting')} x {counted(len(setup.seeds), 'seed')}"
    note(f"{title} on {setup.data.name}: {size}, {counted(untrained, 'run')} to train first")
    with watching(title, max(1, untrained)) as watcher, StudyTrainer(replace(execution, on_event=watcher)) as trainer:
        yield setup, trainer


def _write(answer: Answer, page: Path) -> dict[str, list[Path]]:
    if page.suffix.lower() == ".json":
        from seedbed import storage

        storage.write_json(page, answer.as_json())
        return {"results": [page]}
    return answer.report(page)


def _show(answer: Answer, files: Mapping[str, Sequence[Path]]) -> None:
    result(answer.title)
    for part in answer.parts:
        _show_part(part)
    screen.lines(answer.caveats, indent="! ")
    result(answer.cost.sentence)
    result(f"To repeat it: {answer.command}")
    for kind, paths in files.items():
        listed = ", ".join(map(str, paths)) if len(paths) <= 2 else f"{len(paths)} files in {paths[0].parent}"
        result(f"{kind.capitalize()}: {listed}")


def _show_part(part: AnswerPart) -> None:
    result()
    result(part.question)
    screen.lines(part.answer, indent="  ")
    screen.lines(part.why, indent="  Why: ")
    screen.lines(part.caveats, indent="  ! ")
    for table in part.tables:
        result()
        screen.table(table)
        if table.caption:
            result(table.caption)
