"""The write-up: a report as a document that a student edits and hands in, or as a printed page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from seedbed import storage
from seedbed.report.document import Bullets, Element, Heading, Image, Paragraph
from seedbed.report.formats import FORMATS, printed
from seedbed.studies.answers import Answer, AnswerPart, picture_name
from seedbed.studies.cards import Card

if TYPE_CHECKING:
    from seedbed.report.notes import Notes
    from seedbed.report.page import Report

WRITE_HERE = "(Write here what you conclude.)"


def save(report: Report, page: Path, kind: str) -> Path:
    """Write a report, whose page was saved, as a further document of the same name.

    Args:
        kind: "pdf" (the printed page), "md", "ipynb" or "docx" (to edit).

    Raises:
        SpecError: what the kind needs is missing.
        StorageError: the file could not be written.
    """
    document, figures = page.with_suffix(f".{kind}"), page.with_suffix("") / "figures"
    if kind == "pdf":
        written = printed(page)
    else:
        written = FORMATS[kind](elements(report), figures if kind == "docx" else figures.relative_to(page.parent))
    storage.write(document, written)
    return document


def elements(report: Report) -> list[Element]:
    """The report in the order of its page: the answers in short, every study, what limited them, and the cost."""
    return [
        Heading(1, report.title),
        Paragraph(report.setup.summary),
        Heading(2, "The answers in short"),
        *(element for place, card in report.cards.items() for element in _card(place, card)),
        *(element for answer in report.answers for element in _study(answer, report.notes)),
        Heading(2, "What limited these answers"),
        Bullets(report.feedback.limits or ["Nothing that these data show."]),
        Heading(2, "Cost"),
        Paragraph(report.cost.sentence),
        Paragraph(f"Made by `{report.command}`."),
    ]


def _card(place: str, card: Card) -> Iterator[Element]:
    yield Heading(3, card.question)
    yield Paragraph(f"{card.answer} ({card.certainty.mark})")
    if card.picture:
        yield Image(picture_name(place))


def _study(answer: Answer, notes: Notes | None) -> Iterator[Element]:
    before, after = (words.get(answer.name) or () for words in ((notes.before, notes.after) if notes else ({}, {})))
    yield Heading(2, answer.title)
    yield Paragraph(answer.question)
    yield from (Paragraph(f"I predicted: {text}", quoted=True) for text in before)
    for part in answer.parts:
        yield from _part(part)
    yield from (Paragraph(text, quoted=True) for text in after or [WRITE_HERE])


def _part(part: AnswerPart) -> Iterator[Element]:
    yield Heading(3, part.question)
    yield Paragraph(f"{part.lead.answer} ({part.lead.mark})" if part.lead.mark else part.lead.answer)
    yield from (Image(figure.name, figure.caption) for figure in part.figures[: part.shown])
    if part.why:
        yield Bullets(part.why)
