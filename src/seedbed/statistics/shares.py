"""The share of its images that one network has right."""

from __future__ import annotations

import math

from seedbed.errors import StatisticsError
from seedbed.statistics.interval import Interval, t_quantile


def wilson(successes: float, n: float, *, confidence: float = 0.95) -> Interval:
    """A share `successes / n` with Wilson's score interval.

    Raises:
        StatisticsError: n is not above 0, or the successes are not among 0 to n.

    Source: Brown, Cai, DasGupta 2001, "Interval Estimation for a Binomial Proportion".
    """
    if not (n > 0 and 0 <= successes <= n):
        raise StatisticsError(f"A share needs 0 <= successes <= n and n > 0; got {successes} of {n}.")
    return score_interval(successes / n, n, t_quantile(confidence, math.inf), round(n))


def score_interval(share: float, size: float, quantile: float, n: int) -> Interval:
    shift = quantile**2 / size
    centre = (share + shift / 2) / (1 + shift)
    reach = quantile * math.sqrt(share * (1 - share) / size + shift / (4 * size)) / (1 + shift)
    return Interval(share, max(0.0, centre - reach), min(1.0, centre + reach), n)
