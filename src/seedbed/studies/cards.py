"""Cards: a question of the exercise with its answer in one or two short sentences, one small picture, and how sure it is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from seedbed import figures
from seedbed.figures import Dot, mean_curve
from seedbed.groups import Group
from seedbed.groups.statements import Certainty, Statement
from seedbed.records import finite
from seedbed.statistics import Interval

if TYPE_CHECKING:
    from seedbed.figures.theme import AnyChart

MOST_WORDS = 25
"""The greatest number of words of an answer."""

PICTURE_SIZE = (250, 130)
"""Width and height of a card's picture, without its axes (pixels)."""

ROW_NAMES = 60
"""Part of the width for names of rows (pixels)."""


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

    @property
    def statement(self) -> Statement:
        return Statement(self.answer, self.certainty)

    def as_json(self) -> dict[str, Any]:
        """The card's texts, for results.json."""
        plain: dict[str, Any] = finite(
            {"question": self.question, "answer": self.answer, "mark": self.certainty.mark, "rule": self.certainty.rule}
        )
        return plain


def accuracies_picture(named: Iterable[tuple[str, Interval | None]]) -> AnyChart | None:
    """Draw accuracies with their intervals, a row each; unknown ones are left out. None where none is known."""
    dots = [Dot("", name, "", accuracy) for name, accuracy in named if accuracy]
    if not dots:
        return None
    width, height = PICTURE_SIZE
    return figures.dot_panels(dots, "", [], x="validation accuracy", share=True, width=width - ROW_NAMES, height=height)


def curves_picture(named: Iterable[tuple[str, Group]], metric: Literal["accuracy", "loss"]) -> AnyChart | None:
    """Draw mean curves on validation images, a loss on a logarithmic axis. None where no run is left."""
    column = f"validation_{metric}"
    curves = [mean_curve(group.results, column, panel="", line=name).bare() for name, group in named if group.n]
    share, y = metric == "accuracy", f"validation {metric}"
    chart = figures.curve_panels
    return chart(curves, "", [], y=y, share=share, logarithmic=not share, size=PICTURE_SIZE) if curves else None
