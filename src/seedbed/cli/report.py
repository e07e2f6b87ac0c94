"""`seedbed report`: every question of the exercise, answered on one page."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from seedbed.cli import options, screen
from seedbed.cli.screen import note, result
from seedbed.cli.watch import fetching, watching

if TYPE_CHECKING:
    from seedbed.report import Notes, Report
    from seedbed.scheduler import Execution
    from seedbed.studies.setup import Setup

WORKSHEET = Path("worksheet.md")


@click.command("report")
@options.of_studies
@click.option("--studies", "named", metavar="A,B", help="Only these studies; `seedbed study -h` lists them.  [default: all]")
@click.option(
    "--notes",
    "notes_file",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE.md",
    help="A worksheet that you filled in; your words stand beside the answers.",
)
@click.option(
    "--worksheet", is_flag=True, help=f"Write an empty worksheet instead, to {WORKSHEET} or --out FILE.md; trains nothing."
)
@click.option(
    "-o",
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="The page; figures and tables go into a folder of its name beside it.  [default: report.html]",
)
@options.execution()
@options.as_json
def command(
    data: str,
    quick: bool,
    seeds: int | None,
    seed: int,
    protocol: str | None,
    named: str | None,
    notes_file: Path | None,
    worksheet: bool,
    out: Path | None,
    execution: Execution,
    as_json: bool,
) -> None:
    """Answer all questions of the exercise on one page that needs no network.

    Trains whatever is missing, all studies side by side; what is trained already is not trained again, and after an
    interruption the same command goes on. `--quick --data digits` is a preview within a minute or two.
    """
    names = [name.strip() for name in named.split(",") if name.strip()] if named else []
    if worksheet:
        _write_worksheet(names, out or WORKSHEET, as_json)
        return
    page = out or Path("report.html")
    from seedbed.report.making import chosen
    from seedbed.studies.files import checked_page

    checked_page(page)
    notes = _notes(notes_file, [study.name for study in chosen(names)])
    with fetching() as watch:
        from seedbed.studies.setup import Setup

        setup = Setup.of(data, protocol=protocol, seeds=seeds, seed=seed, quick=quick, watch=watch)
    report = _made(names, setup, notes, execution)
    note("Drawing")
    files = report.save(page)
    if as_json:
        listed = {kind: [str(path) for path in paths] for kind, paths in files.items()}
        screen.emit({"page": str(page), "files": listed, "short": report.short(), "cost": report.cost.as_json()})
        return
    _show(report, files)


def _notes(path: Path | None, names: list[str]) -> Notes | None:
    if path is None:
        return None
    from seedbed.report import read_notes

    return read_notes(path, names)


def _write_worksheet(names: list[str], path: Path, as_json: bool) -> None:
    from seedbed import storage
    from seedbed.errors import SpecError
    from seedbed.report import worksheet
    from seedbed.report.making import chosen

    if path.exists():
        raise SpecError(f"{path} is there already, perhaps with words of yours; give another one by --out FILE.md, or move it.")
    storage.write(path, worksheet(chosen(names)).encode())
    if as_json:
        screen.emit({"worksheet": str(path)})
        return
    result(f"Worksheet: {path}. Fill in what you predict, then: seedbed report --notes {path}")


def _made(names: list[str], setup: Setup, notes: Notes | None, execution: Execution) -> Report:
    from seedbed.figures.words import counted
    from seedbed.groups.training import missing
    from seedbed.report import make
    from seedbed.report.making import chosen, designed
    from seedbed.studies.context import StudyTrainer

    asked = chosen(names)
    untrained = len(missing(designed(asked, setup), execution.home))
    note(f"Report on {setup.data.name}: {counted(len(asked), 'study', 'studies')}, {counted(untrained, 'run')} to begin with")
    with watching("report", max(1, untrained)) as watcher, StudyTrainer(replace(execution, on_event=watcher)) as trainer:
        return make(setup, trainer, names, notes=notes)


def _show(report: Report, files: dict[str, list[Path]]) -> None:
    for answer in report.answers:
        result(answer.title)
        for said in answer.short:
            result(f"  {said}")
        result()
    result(report.cost.sentence)
    result(f"Figures: {len(files['figures'])} files in {files['figures'][0].parent}" if files["figures"] else "Figures: none")
    result(f"Tables: {', '.join(map(str, files['tables']))}")
    result(f"Report: {files['page'][0]}")
