"""The student's own words: a worksheet to be filled in before and after, and the notes in it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from seedbed.errors import SpecError, nearest
from seedbed.studies.answers import Study

BEFORE, AFTER = "I predict", "Afterwards"
MOST_BYTES = 1_000_000

Expectation = Literal["better", "the same", "worse"]
EXPECTATIONS = get_args(Expectation)

INTRODUCTION = f"""\
# Worksheet

Fill in "{BEFORE}" before you make the report, and "{AFTER}" when you have read it. In the lists, put an x into one pair of
brackets of each line: how will the first network do, against the second? Then `seedbed report --notes THIS-FILE.md` prints your
words next to the answers. Leave the lines that begin with # as they are.
"""


@dataclass(frozen=True)
class Notes:
    """The notes of a student, study by study.

    Attributes:
        before, after: paragraphs of plain text.
        expected: name of a planned comparison -> how the first network was expected to do against the second.
    """

    before: dict[str, tuple[str, ...]]
    after: dict[str, tuple[str, ...]]
    expected: dict[str, dict[str, Expectation]] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        return {"before": self.before, "after": self.after, "expected": self.expected}


def worksheet(studies: Sequence[Study]) -> str:
    """An empty worksheet, Markdown: the questions and what will be compared, and no answers."""
    return "\n".join([INTRODUCTION, *map(_blank, studies)])


def _blank(study: Study) -> str:
    boxes = " ".join(f"[ ] {expectation}" for expectation in EXPECTATIONS)
    compared = "".join(f"- {name}: {boxes}\n" for name in study.contrasts)
    return f"## {study.name}\n\n> {study.question}\n\n{compared}\n### {BEFORE}\n\n\n### {AFTER}\n\n"


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
    expected: dict[str, dict[str, Expectation]] = {}
    study = kind = ""
    for number, line in enumerate(text.splitlines(), start=1):
        heading = re.fullmatch(r"(##|###)\s+(.+?)\s*", line)
        if heading and heading[1] == "##":
            study, kind = _known(heading[2], known, source, number), ""
        elif heading:
            kind = _known(heading[2], list(lines_of), source, number)
        elif study and (ticked := _ticked(line, source, number)):
            expected.setdefault(study, {}).update(ticked)
        elif study and kind and not line.startswith(">"):
            lines_of[kind].setdefault(study, []).append(line)
    before, after = ({name: _paragraphs(lines) for name, lines in lines_of[kind].items()} for kind in (BEFORE, AFTER))
    return Notes(before, after, expected)


def _ticked(line: str, source: str, number: int) -> dict[str, Expectation]:
    """The planned comparison and the expectation that a line ticks; empty for other lines, and where nothing is ticked.

    Raises:
        SpecError: several are ticked.
    """
    boxes = r"\s*".join(rf"\[([^\]]?)\]\s*{expectation}" for expectation in EXPECTATIONS)
    found = re.fullmatch(rf"\s*-\s*(.+?):\s*{boxes}\s*", line)
    if not found:
        return {}
    name, *marks = found.groups()
    ticked = [expectation for expectation, mark in zip(EXPECTATIONS, marks, strict=True) if mark.strip()]
    if len(ticked) > 1:
        raise SpecError(f"{source}, line {number}: {name!r} has {len(ticked)} boxes ticked; leave one.")
    return {name: ticked[0]} if ticked else {}


def _known(name: str, known: Sequence[str], source: str, line: int) -> str:
    if name not in known:
        raise SpecError(f"{source}, line {line}: {name!r} is no heading of a worksheet.{nearest(name, known)}")
    return name


def _paragraphs(lines: Sequence[str]) -> tuple[str, ...]:
    blocks = re.split(r"\n\s*\n", "\n".join(lines))
    return tuple(" ".join(block.split()) for block in blocks if block.strip())
