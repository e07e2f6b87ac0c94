"""The elements of a document to edit: headings, paragraphs, lists and pictures, one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Heading:
    """A heading; level 1 is the document's title."""

    level: int
    text: str


@dataclass(frozen=True)
class Paragraph:
    """A paragraph of plain text; what stands between backticks is code. A quoted one holds the student's own words."""

    text: str
    quoted: bool = False


@dataclass(frozen=True)
class Bullets:
    """A list of sentences."""

    items: Sequence[str]


@dataclass(frozen=True)
class Image:
    """A picture: the name of its file among the report's figures, without a suffix, and its caption."""

    name: str
    caption: str = ""


Element = Heading | Paragraph | Bullets | Image
