"""What every card must be: short, easy to read, marked by a rule, with a picture that draws."""

from __future__ import annotations

import re

import pyphen

from seedbed import figures
from seedbed.studies.answers import Answer
from seedbed.studies.cards import MOST_WORDS, Card

EASY = 55
"""The least Flesch reading ease of an answer: plain English for a reader of 15 years."""


def check(card: Card) -> None:
    """Check a card's form; what it says is for the tests of its study."""
    assert card.question.endswith("?")
    assert card.answer.endswith(".")
    assert card.certainty.rule.endswith(".")
    assert len(words(card.answer)) <= MOST_WORDS, card.answer
    assert reading_ease(card.answer) >= EASY, card.answer
    assert card.certainty.mark in ("clear", "likely", "not shown")
    if card.picture:
        assert not figures.specification(card.picture)["title"]["text"], "the question is the title"


STATISTICS = re.compile(r"95 % interval|\(-?[\d.,]+ to -?[\d.,]+\)|p [<=] ")
"""What stands in the details alone."""


def check_parts(answer: Answer) -> None:
    """Check that each part is told at a glance, with its mark and without statistics; the device's may have no conclusion."""
    for part in answer.parts:
        assert answer.name == "device" or part.lead.mark, part.lead
        plain = [*(statement.answer for statement in part.statements), part.reason or next(iter(part.why), "")]
        assert not any(map(STATISTICS.search, plain)), plain
        assert part.finding is None or part.finding.sentence in part.answer, part.finding


def words(text: str) -> list[str]:
    return [word for word in text.split() if re.search(r"\w", word)]


def reading_ease(text: str) -> float:
    """Flesch reading ease.

    Source: Flesch 1948, "A new readability yardstick".
    """
    hyphens = pyphen.Pyphen(lang="en_US")
    found = words(text)
    syllables = sum(len(hyphens.positions(re.sub(r"\W", "", word))) + 1 for word in found)
    sentences = max(1, len(re.findall(r"[.!?](?=\s|$)", text)))
    return 206.835 - 1.015 * len(found) / sentences - 84.6 * syllables / len(found)
