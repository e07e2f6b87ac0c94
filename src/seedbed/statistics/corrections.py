"""Several claims at once: Holm's correction of p-values and of intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from seedbed.errors import StatisticsError
from seedbed.statistics.interval import Claim, Floats, Interval


def holm(p: ArrayLike) -> Floats:
    """Holm's adjusted p-values, in the order given: below alpha where the step-down test at alpha rejects.

    Source: Holm 1979, "A Simple Sequentially Rejective Multiple Test Procedure".
    """
    values = _p_values(p)
    order = np.argsort(values, kind="stable")
    adjusted = np.empty_like(values)
    adjusted[order] = np.minimum(1, np.maximum.accumulate(values[order] * np.arange(len(values), 0, -1)))
    return adjusted


def holm_confidences(p: ArrayLike, *, confidence: float = 0.95) -> Floats:
    """For each claim the confidence at which its interval excludes 0 exactly where Holm's test rejects.

    The claim of rank k (from 1) among m is held against alpha / (m - k + 1); from the first that is not rejected on, all are
    held against that one's level.
    """
    values, alpha = _p_values(p), 1 - confidence
    levels = alpha / np.arange(len(values), 0, -1)
    order = np.argsort(values, kind="stable")
    kept = np.flatnonzero(~(values[order] < levels))
    if kept.size:
        levels[kept[0] :] = levels[kept[0]]
    confidences = np.empty_like(values)
    confidences[order] = 1 - levels
    return confidences


@dataclass(frozen=True)
class Corrected:
    """One of several claims after Holm's correction; `shown` where its corrected interval excludes 0."""

    interval: Interval
    p: float
    confidence: float
    shown: bool


def corrected(claims: Sequence[Claim], *, confidence: float = 0.95) -> list[Corrected]:
    """Holm's correction over all claims of one table: corrected intervals, adjusted p-values and verdicts."""
    raw = [claim.p for claim in claims]
    rows = zip(claims, holm(raw), holm_confidences(raw, confidence=confidence), strict=True)
    found = [(claim.interval(float(level)), float(p), float(level)) for claim, p, level in rows]
    return [Corrected(at, p, level, bool(at.excludes(0) and p < 1 - confidence)) for at, p, level in found]


def _p_values(p: ArrayLike) -> Floats:
    values = np.asarray(p, dtype=np.float64)
    if not (values.ndim == 1 and ((values >= 0) & (values <= 1)).all()):
        raise StatisticsError(f"p-values lie between 0 and 1, in one row; got {values.tolist()}.")
    return values
