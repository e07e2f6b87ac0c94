"""Several claims at once: what is decided of each after Holm's correction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from seedbed.errors import StatisticsError
from seedbed.statistics.differences import PairedDifference
from seedbed.statistics.interval import Claim, Floats, Interval


def holm(p: ArrayLike, *, others: int = 0) -> Floats:
    """Holm's adjusted p-values, in the order given: below alpha where the step-down test at alpha rejects.

    Args:
        p: p-values, shape `(n,)`.
        others: further claims that the correction counts, as if none of them could be shown.

    Source: Holm 1979, "A Simple Sequentially Rejective Multiple Test Procedure".
    """
    values = _p_values(p)
    order = np.argsort(values, kind="stable")
    adjusted = np.empty_like(values)
    adjusted[order] = np.minimum(1, np.maximum.accumulate(values[order] * (others + np.arange(len(values), 0, -1))))
    return adjusted


@dataclass(frozen=True)
class Decision:
    """What is decided of one of several claims.

    Attributes:
        interval: at the confidence that all claims share, whatever their number, so that rows can be compared.
        p: the p-value of "there is no difference", for this claim alone.
        corrected_p: the same after Holm's correction over all claims.
        shown: whether the corrected p-value is below 1 - confidence.
        claims: how many the correction went over.
    """

    interval: Interval
    p: float
    corrected_p: float
    shown: bool
    claims: int


def decide(claims: Sequence[Claim], *, confidence: float = 0.95, others: int = 0) -> list[Decision]:
    """What is shown of several claims at once: intervals of one confidence, decisions by Holm's correction over all of them.

    Args:
        claims: what may be shown.
        confidence: confidence of the intervals.
        others: further claims that the correction counts: where results chose what to compare, all that might have been.
    """
    raw = [claim.p for claim in claims]
    return [
        Decision(claim.interval(confidence), p, float(adjusted), bool(adjusted < 1 - confidence), len(claims) + others)
        for claim, p, adjusted in zip(claims, raw, holm(raw, others=others), strict=True)
    ]


@dataclass(frozen=True)
class Equivalence:
    """What is decided of "the two differ by less than a margin".

    Attributes:
        margin: in the units of the values.
        p, corrected_p: p-value of "they differ by the margin or more", for this claim alone and after Holm's correction.
        shown: whether the corrected p-value is below 1 - confidence.
    """

    margin: float
    p: float
    corrected_p: float
    shown: bool


def equivalent(
    claims: Sequence[PairedDifference], margin: float, *, confidence: float = 0.95, others: int = 0
) -> list[Equivalence]:
    """What is equivalent within a margin, of several differences at once, decided as by `decide`."""
    raw = [claim.equivalence_p(margin) for claim in claims]
    return [
        Equivalence(margin, p, float(adjusted), bool(adjusted < 1 - confidence))
        for p, adjusted in zip(raw, holm(raw, others=others), strict=True)
    ]


def _p_values(p: ArrayLike) -> Floats:
    values = np.asarray(p, dtype=np.float64)
    if not (values.ndim == 1 and ((values >= 0) & (values <= 1)).all()):
        raise StatisticsError(f"p-values lie between 0 and 1, in one row; got {values.tolist()}.")
    return values
