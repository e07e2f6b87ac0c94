"""`seedbed report`: every question of the exercise, answered on one page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from seedbed.cli import options, screen
from seedbed.cli.screen import result
from seedbed.cli.study import prepared, watched

if TYPE_CHECKING:
    from seedbed.report import Report
    from seedbed.scheduler import Execution
    from seedbed.studies.answers import Study

WORKSHEET = Path("worksheet.md")
KINDS = ("html", "md", "ipynb", "docx", "pdf")


@click.command("report")
@options.of_studies
@click.option("--studies", "named", metavar="A,B", help="Only these studies; `seedbed study -h` lists them.  [default: all]")
@options.file("--notes", metavar="FILE.md", text="A worksheet that you filled in; your words stand next to the answers.")
@click.option(
    "--worksheet", is_flag=True, help=f"Write an empty worksheet instead, to {WORKSHEET} or --out FILE.md; trains nothing."
)
@click.option(
    "--class",
    "class_folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="For teachers: what students expected (worksheets and results.json in FOLDER) against what came out; trains nothing.",
)
@click.option("--names", is_flag=True, help="With --class: show whose words they are.")
@click.option(
    "--format",
    "kind",
    type=click.Choice(KINDS),
    help="Write this next to the page: the printed page (pdf), or a document to edit.  [default: html, the page alone]",
)
@options.file("-o", "--out", text="The page; a folder of its name gets figures and tables.  [default: report.html]")
@options.execution()
@options.dry_run
@options.as_json
def command(
    named: str | None,
    notes: Path | None,
    worksheet: bool,
    class_folder: Path | None,
    names: bool,
    kind: str | None,
    out: Path | None,
    execution: Execution,
    dry_run: bool,
    **asked: Any,
) -> options.Output:
    """Answer all questions of the exercise on one page that needs no network.

    Trains what is missing, all studies side by side; what is trained already is not trained again, and after an
    interruption the same command resumes. `--quick --data digits` is a preview within a minute or two.
    """
    from seedbed.report import make, read_notes, writeup
    from seedbed.report.making import chosen
    from seedbed.studies.context import StudyTrainer
    from seedbed.studies.files import checked_page

    asked_for = [name.strip() for name in (named or "").split(",") if name.strip()]
    studies = chosen(asked_for)
    if worksheet:
        return _write_worksheet(studies, out or WORKSHEET)
    if class_folder:
        return _write_class(class_folder, studies, out or Path("class.html"), names=names)
    page, kind = _page(out or Path("report.html"), kind)
    checked_page(page)
    words = read_notes(notes, [study.name for study in studies]) if notes else None
    setup, expected = prepared("Report", studies, execution, **asked)
    if dry_run:
        return options.forecast_output(expected)
    with watched("Report", expected, studies=len(studies)) as watcher:
        with StudyTrainer(replace(execution, on_event=watcher)) as trainer:
            report = make(setup, trainer, asked_for, notes=words)
        files = report.save(page, on_event=watcher)
    if kind != "html":
        files["document"] = [writeup.save(report, page, kind)]
    listed = {kind: [str(path) for path in paths] for kind, paths in files.items()}
    plain = {"page": str(page), "files": listed, "short": report.short(), "cost": report.cost.as_json()}
    return plain, lambda: _show(report, files)


def _page(out: Path, kind: str | None) -> tuple[Path, str]:
    """The page and the kind of document that a path and an option ask for: `-o homework.docx` is `--format docx`."""
    suffix = out.suffix.removeprefix(".").lower()
    if suffix in KINDS[1:]:
        if kind not in (None, suffix):
            raise click.UsageError(f"--out {out} and --format {kind} ask for different formats; leave one of them out.")
        return out.with_suffix(".html"), suffix
    return out, kind or "html"


def _write_worksheet(studies: Sequence[Study], path: Path) -> options.Output:
    from seedbed import storage
    from seedbed.errors import SpecError
    from seedbed.report import worksheet

    if path.exists():
        raise SpecError(f"{path} exists already, perhaps with words of yours; give another one by --out FILE.md, or move it.")
    storage.write(path, worksheet(studies).encode())
    sentence = f"Worksheet: {path}. Fill in what you predict, then: seedbed report --notes {path}"
    return {"worksheet": str(path)}, lambda: result(sentence)


def _write_class(folder: Path, studies: Sequence[Study], page: Path, *, names: bool) -> options.Output:
    from seedbed.report.classroom import read_class
    from seedbed.studies.files import checked_page

    classroom = read_class(folder, [study.name for study in studies], names=names)
    classroom.save(checked_page(page))

    def show() -> None:
        screen.lines(classroom.sentences)
        screen.table(classroom.table())
        result(f"Page: {page}")

    return {"page": str(page), **classroom.as_json()}, show


def _show(report: Report, files: dict[str, list[Path]]) -> None:
    for card in report.cards.values():
        result(card.question)
        screen.statements([card.statement], details=False, indent="  ")
        result()
    result(report.cost.sentence)
    result(f"Figures: {len(files['figures'])} files in {files['figures'][0].parent}" if files["figures"] else "Figures: none")
    result(f"Tables: {', '.join(map(str, files['tables']))}")
    result(f"Report: {files['page'][0]}")
    for document in files.get("document", []):
        result(f"Document: {document}")
