"""`seedbed study`: one question of the exercise, from nothing to sentences, tables and a page."""

from __future__ import annotations

from dataclasses import replace
from inspect import cleandoc
from pathlib import Path
from typing import TYPE_CHECKING

import click

from seedbed import studies
from seedbed.cli import options, screen
from seedbed.cli.screen import note, result
from seedbed.cli.watch import fetching, watching

if TYPE_CHECKING:
    from seedbed.scheduler import Execution
    from seedbed.studies.answers import Answer, AnswerPart, Study
    from seedbed.studies.setup import Setup

KINDS = (".html", ".htm", ".json")


@click.command("study")
@click.argument("name", metavar="NAME")
@options.of_studies
@click.option(
    "-o",
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="A page, FILE.html, with figures and tables beside it, or FILE.json.  [default: studies/NAME.html]",
)
@click.option(
    "--merge",
    multiple=True,
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE.json",
    help="device only: timings measured elsewhere, a results.json or what -o FILE.json wrote; may be repeated.",
)
@click.option("--again", is_flag=True, help="device only: measure again what was measured before.")
@options.execution()
@options.as_json
def command(
    name: str,
    data: str,
    quick: bool,
    seeds: int | None,
    seed: int,
    protocol: str | None,
    out: Path | None,
    merge: tuple[Path, ...],
    again: bool,
    execution: Execution,
    as_json: bool,
) -> None:
    """Answer a question of the exercise: train what it takes, compare, and say why.

    \b
    NAME is one of
      STUDIES

    Runs live in the home under names of their own; what is trained already is not trained again, and what was interrupted goes
    on. Written are a page, its figures (PNG, SVG), results.csv and results.json.
    """
    page = out or Path("studies") / f"{name}.html"
    if page.suffix.lower() not in KINDS:
        raise click.UsageError(f"--out {page}: it must end in .html or .json.", click.get_current_context())
    if (merge or again) and name != "device":
        option = "--merge" if merge else "--again"
        raise click.UsageError(f"{option} belongs to `seedbed study device`.", click.get_current_context())
    study = studies.find(name)
    with fetching() as watch:
        from seedbed.studies.setup import Setup

        setup = Setup.of(data, protocol=protocol, seeds=seeds, seed=seed, quick=quick, watch=watch, merge=merge, again=again)
    answer = _answered(study, setup, execution)
    files = _write(answer, page)
    if as_json:
        screen.emit(answer.as_json())
        return
    _show(answer)
    for kind, paths in files.items():
        listed = ", ".join(map(str, paths)) if len(paths) <= 2 else f"{len(paths)} files in {paths[0].parent}"
        result(f"{kind.capitalize()}: {listed}")


_LISTED = "\n".join(f"  {each.name:15} {each.about}" for each in studies.STUDIES.records())
command.help = cleandoc(command.help or "").replace("  STUDIES", _LISTED)


def _answered(study: Study, setup: Setup, execution: Execution) -> Answer:
    from seedbed.figures.words import counted
    from seedbed.groups.training import missing
    from seedbed.report.making import designed
    from seedbed.studies.context import StudyTrainer

    asked = designed([study], setup)
    untrained = len(missing(asked, execution.home))
    size = f"{counted(len(asked), 'setting')} x {counted(len(setup.seeds), 'seed')}"
    note(f"Study {study.name}: {size}, {counted(untrained, 'run')} to train")
    with watching(study.name, max(1, untrained)) as watcher, StudyTrainer(replace(execution, on_event=watcher)) as trainer:
        return study.answer(setup, trainer)


def _write(answer: Answer, page: Path) -> dict[str, list[Path]]:
    if page.suffix.lower() == ".json":
        from seedbed import storage

        storage.write_json(page, answer.as_json())
        return {"results": [page]}
    return answer.report(page)


def _show(answer: Answer) -> None:
    result(answer.title)
    for part in answer.parts:
        _show_part(part)
    for caveat in answer.caveats:
        result(f"! {caveat}")
    result(answer.cost.sentence)
    result(f"To repeat it: {answer.command}")


def _show_part(part: AnswerPart) -> None:
    result()
    result(part.question)
    for said in part.answer:
        result(f"  {said}")
    for said in part.why:
        result(f"  Why: {said}")
    for said in part.caveats:
        result(f"  ! {said}")
    for one in part.tables:
        result()
        screen.table(one)
        if one.caption:
            result(one.caption)
