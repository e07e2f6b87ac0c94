"""One network on its images: the share it has right, and two networks on the same images."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

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


@dataclass(frozen=True)
class Discordance:
    """Two networks on the same images: how many only the first has right, and how many only the second."""

    only_a: int
    only_b: int
    n: int

    @classmethod
    def of(cls, a: ArrayLike, b: ArrayLike) -> Discordance:
        """From correctness, booleans `(images,)`, of both networks on the same images."""
        first, second = np.asarray(a, dtype=bool), np.asarray(b, dtype=bool)
        if not (first.shape == second.shape and first.ndim == 1 and first.size):
            raise StatisticsError(f"Both networks need the same images; a has {first.shape}, b has {second.shape}.")
        return cls(int((first & ~second).sum()), int((second & ~first).sum()), len(first))

    @property
    def method(self) -> str:
        """Which of McNemar's tests `p` is: exact below 25 images that differ, mid-p from there on."""
        return "McNemar, exact" if self.only_a + self.only_b < 25 else "McNemar, mid-p"

    @property
    def p(self) -> float:
        """McNemar's p-value of "both are right equally often".

        Source: Fagerland, Lydersen, Laake 2013, "The McNemar test for binary matched-pairs data: mid-p and asymptotic are
        better than exact conditional".
        """
        from scipy.special import bdtr, gammaln

        few, all_ = min(self.only_a, self.only_b), self.only_a + self.only_b
        exact = min(1.0, 2 * float(bdtr(few, all_, 0.5)))
        if self.method == "McNemar, exact":
            return exact
        point = math.exp(gammaln(all_ + 1) - gammaln(few + 1) - gammaln(all_ - few + 1) - all_ * math.log(2))
        return min(1.0, 2 * float(bdtr(few, all_, 0.5)) - point)

    def interval(self, confidence: float = 0.95) -> Interval:
        """The first's share of right answers minus the second's, with the interval of Bonett and Price.

        Source: Bonett, Price 2012, "Adjusted Wald Confidence Interval for a Difference of Binomial Proportions Based on
        Paired Data".
        """
        a, b = (self.only_a + 1) / (self.n + 2), (self.only_b + 1) / (self.n + 2)
        reach = t_quantile(confidence, math.inf) * math.sqrt((a + b - (a - b) ** 2) / (self.n + 2))
        difference = (self.only_a - self.only_b) / self.n
        return Interval(difference, max(-1.0, a - b - reach), min(1.0, a - b + reach), self.n)
