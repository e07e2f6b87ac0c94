"""Cards: a question of the exercise with its answer in one or two short sentences, one small picture, and how sure it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from seedbed.groups import Difference
from seedbed.records import finite

if TYPE_CHECKING:
    from seedbed.figures.theme import AnyChart

MOST_WORDS = 25
"""The greatest number of words of an answer."""

PICTURE_SIZE = (250, 130)
"""Width and height of a card's picture, without its axes (pixels)."""

Mark = Literal["clear", "likely", "not shown"]


@dataclass(frozen=True)
class Certainty:
    """How sure an answer is, and by which rule."""

    mark: Mark
    rule: str

    @classmethod
    def of(cls, difference: Difference, about: str = "") -> Certainty:
        """The certainty of an answer that rests on one difference.

        Args:
            about: what was compared, where the answer says more than one thing.
        """
        what = f"{about}: the" if about else "The"
        decision = difference.decision
        if decision is None:
            return cls("not shown", f"{what} comparison could not be made: {difference.method}.")
        among = f"after correction for {decision.claims} planned comparisons"
        if decision.shown:
            return cls("clear", f"{what} 95 % interval of the difference excludes 0, also {among}.")
        if decision.interval.excludes():
            return cls("likely", f"{what} 95 % interval of the difference excludes 0, but not {among}.")
        return cls("not shown", f"{what} 95 % interval of the difference includes 0: it may be chance.")


@dataclass(frozen=True, eq=False)
class Card:
    """One question of the exercise, answered at a glance.

    Attributes:
        question: in the words of the exercise.
        answer: at most `MOST_WORDS` words, with the most important number.
        picture: small chart without a title. None where nothing is left to draw.
    """

    question: str
    answer: str
    certainty: Certainty
    picture: AnyChart | None = None

    def as_json(self) -> dict[str, Any]:
        """The card's texts, for results.json."""
        plain: dict[str, Any] = finite(
            {"question": self.question, "answer": self.answer, "mark": self.certainty.mark, "rule": self.certainty.rule}
        )
        return plain
