"""Statements: an answer with its most important number, how sure it is, and the statistics behind it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from seedbed.groups.sentences import margin_text
from seedbed.statistics import Decision, Equivalence

Mark = Literal["clear", "likely", "not shown"]
MARKS: tuple[Mark, ...] = ("clear", "likely", "not shown")


@dataclass(frozen=True)
class Certainty:
    """How sure an answer is, and by which rule."""

    mark: Mark
    rule: str

    @classmethod
    def of(cls, decision: Decision, equivalence: Equivalence | None = None, about: str = "") -> Certainty:
        """The certainty of an answer that rests on one difference, or on the absence of one.

        Args:
            equivalence: where the answer says that two settings are equal once that is shown; else None.
            about: what was compared, where the answer says more than one thing.
        """
        what = f"{about}: the" if about else "The"
        several = decision.claims > 1
        among = f"after correction for {decision.claims} comparisons"
        if decision.shown:
            return cls("clear", f"{what} 95 % interval of the difference excludes 0{f', also {among}' if several else ''}.")
        if equivalence and equivalence.shown:
            return cls("clear", f"{what} difference is less than {margin_text(equivalence)}, by two one-sided tests.")
        if decision.interval.excludes():
            return cls("likely", f"{what} 95 % interval of the difference excludes 0, but not {among}.")
        return cls("not shown", f"{what} 95 % interval of the difference includes 0: it may be chance.")


@dataclass(frozen=True)
class Statement:
    """One thing that an experiment says.

    Attributes:
        answer: one or two short sentences, without intervals and p-values. Empty where all of it is statistics.
        certainty: None for a remark that is no conclusion from data.
        statistics: the same with intervals and what else decided it. Empty where there is nothing to add.
    """

    answer: str
    certainty: Certainty | None = None
    statistics: str = ""

    @property
    def mark(self) -> str:
        """*clear*, *likely* or *not shown*; empty for a remark."""
        return self.certainty.mark if self.certainty else ""

    @property
    def sentence(self) -> str:
        """The whole sentence, with its statistics where there are any."""
        return self.statistics or self.answer

    def as_json(self) -> dict[str, Any]:
        return {"answer": self.answer, "mark": self.mark or None, "rule": self.certainty and self.certainty.rule}


def remarks(sentences: Iterable[str]) -> list[Statement]:
    """Sentences that conclude nothing: caveats and notes."""
    return [Statement(sentence) for sentence in sentences]
