"""The student's own words: a worksheet to be filled in before and after, and the notes in it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from seedbed.errors import SpecError, nearest
from seedbed.studies.answers import Study

BEFORE, AFTER = "I predict", "Afterwards"
MOST_BYTES = 1_000_000

INTRODUCTION = f"""\
# Worksheet

Fill in "{BEFORE}" before you make the report, and "{AFTER}" when you have read it. Then
`seedbed report --notes THIS-FILE.md` prints your words next to the answers. Leave the lines that begin with # as they are.
"""


@dataclass(frozen=True)
class Notes:
    """The notes of a student, study by study, as paragraphs of plain text."""

    before: dict[str, tuple[str, ...]]
    after: dict[str, tuple[str, ...]]


def worksheet(studies: Sequence[Study]) -> str:
    """An empty worksheet, Markdown: the questions and what will be compared, and no answers."""
    return "\n".join([INTRODUCTION, *map(_blank, studies)])


def _blank(study: Study) -> str:
    compared = "".join(f"> - {name}\n" for name in study.contrasts)
    announced = f"> Will be compared:\n{compared}" if compared else ""
    return f"## {study.name}\n\n> {study.question}\n{announced}\n### {BEFORE}\n\n\n### {AFTER}\n\n"


def read_notes(path: Path, known: Sequence[str]) -> Notes:
    """Read a worksheet that was filled in.

    Args:
        known: names of the studies; a heading `## NAME` must be one of them.

    Raises:
        SpecError: the file cannot be read, or has an unknown heading.
    """
    try:
        data = path.read_bytes()
        if len(data) > MOST_BYTES:
            raise SpecError(f"{path}: notes have {MOST_BYTES:,} bytes at most, and this file has {len(data):,}.")
        text = data.decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise SpecError(f"{path}: it cannot be read ({why}).") from None
    return _parsed(text, str(path), known)


def _parsed(text: str, source: str, known: Sequence[str]) -> Notes:
    lines_of: dict[str, dict[str, list[str]]] = {BEFORE: {}, AFTER: {}}
    study = kind = ""
    for number, line in enumerate(text.splitlines(), start=1):
        heading = re.fullmatch(r"(##|###)\s+(.+?)\s*", line)
        if heading and heading[1] == "##":
            study, kind = _known(heading[2], known, source, number), ""
        elif heading:
            kind = _known(heading[2], list(lines_of), source, number)
        elif study and kind and not line.startswith(">"):
            lines_of[kind].setdefault(study, []).append(line)
    before, after = ({name: _paragraphs(lines) for name, lines in lines_of[kind].items()} for kind in (BEFORE, AFTER))
    return Notes(before, after)


def _known(name: str, known: Sequence[str], source: str, line: int) -> str:
    if name not in known:
        raise SpecError(f"{source}, line {line}: {name!r} is no heading of a worksheet.{nearest(name, known)}")
    return name


def _paragraphs(lines: Sequence[str]) -> tuple[str, ...]:
    blocks = re.split(r"\n\s*\n", "\n".join(lines))
    return tuple(" ".join(block.split()) for block in blocks if block.strip())
