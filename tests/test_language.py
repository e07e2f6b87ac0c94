"""The words of the house: field terms in docstrings, help, messages and sentences; no dialect.

A word is banned where a reader from the field would stop at it; the right-hand side says what stands for it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

HOUSE = Path(__file__).parents[1]
SOURCES = sorted((HOUSE / "src" / "seedbed").rglob("*.py"))
SITE = sorted(path for path in (HOUSE / "docs").rglob("*.md") if "_build" not in path.parts)
PAGES = [HOUSE / "README.md", HOUSE / "CONTRIBUTING.md", *SITE]

BANNED = {
    r"anew": "again",
    r"whoever": "who, or the name of the thing",
    r"nobody": "no one; or say what does not happen",
    r"so many": "this number of",
    r"beside": "next to, besides, and",
    r"told|tells?": "named, said, reported, shown",
    r"flatters?|flattering": "is optimistic",
    r"in no mean": "excluded",
    r"gone on with|goes? on with|going on with": "continues, resumes",
    r"harvest|shelf|exams?|sheets": "scheduler, store, evaluation",
    r"what (be|)came of": "outcome, result",
    r"grief": "fails",
    r"in vain": "without effect",
    r"abreast": "side by side",
    r"thereby|therein|thereof": "so, in it, of it",
}
COUNTED = "epoch|step|image|second|run|seed|worker|core|GPU|setting|class|layer"
RATES = rf"\b({COUNTED}|byte|parameter|operation)e?s an? ({COUNTED})\b"
WORDS = re.compile(rf"\b({'|'.join(BANNED)})\b", re.IGNORECASE)


def texts(source: str) -> Iterator[tuple[int, str]]:
    """Line and text of all strings of a module that are prose: docstrings, messages, help."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value:
            yield node.lineno, node.value


def named(path: Path, line: int, word: str) -> str:
    return f"{path.relative_to(HOUSE)}:{line}: {word!r}"


@pytest.mark.parametrize("pattern", [WORDS, re.compile(RATES)], ids=["words", "rates"])
def test_no_docstring_and_no_message_has_a_banned_word(pattern: re.Pattern[str]) -> None:
    found = [
        named(path, line, match.group())
        for path in SOURCES
        for line, text in texts(path.read_text())
        for match in pattern.finditer(text)
    ]
    assert not found, "\n".join(found)


def test_no_line_about_an_argument_begins_with_of() -> None:
    found = [
        named(path, line, match.group().strip())
        for path in SOURCES
        for line, text in texts(path.read_text())
        for match in re.finditer(r"^\s+[\w, *]+: [Oo]f .*$", text, re.MULTILINE)
    ]
    assert not found, "\n".join(found)


def test_the_pages_have_no_banned_word() -> None:
    logs = {"log.md", "speed.md", "speed-avx2.md", "mnist.md"}  # dated: what was said then stands
    found = [
        named(path, number, match.group())
        for path in PAGES
        if path.name not in logs
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        for match in WORDS.finditer(line)
    ]
    assert not found, "\n".join(found)


def test_a_banned_word_is_found() -> None:
    assert WORDS.search("what is told beside it") is not None
    assert re.search(RATES, "8 ms and 3 steps an epoch") is not None
    assert [line for line, _ in texts('"""Whoever reads this."""')] == [1]
