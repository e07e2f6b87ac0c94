"""How many times larger one quantity is than another: for times and rates, whose chance multiplies."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from seedbed.errors import StatisticsError
from seedbed.statistics.interval import Estimate, checked


def log_ratio(a: ArrayLike, b: ArrayLike) -> Estimate:
    """The natural logarithm of how many times larger `a` is than `b`, between their geometric means.

    The two are independent of each other and may spread differently (Welch's test on logarithms).

    Args:
        a, b: positive values, at least two each, shapes `(n,)` and `(m,)`.

    Raises:
        StatisticsError: fewer values, or one that is not positive.

    Source: Welch 1947, "The generalization of Student's problem when several different population variances are involved".
    """
    samples = [checked(name, values, least=2) for name, values in (("a", a), ("b", b))]
    if not all((sample > 0).all() for sample in samples):
        raise StatisticsError("A ratio of times needs times above 0.")
    first, second = (np.log(sample) for sample in samples)
    shares = [float(part.var(ddof=1)) / len(part) for part in (first, second)]
    n = min(len(first), len(second))
    below = sum(share**2 / (len(part) - 1) for share, part in zip(shares, (first, second), strict=True))
    freedom = sum(shares) ** 2 / below if below > 0 else len(first) + len(second) - 2
    return Estimate(float(first.mean() - second.mean()), math.sqrt(sum(shares)), freedom, n)
