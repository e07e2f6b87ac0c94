"""An interval, what can be asked for one, and the checks that the whole room shares."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from seedbed.errors import StatisticsError
from seedbed.lazy import loaded_when_used

Floats = NDArray[np.float64]

ValueRange = tuple[float, float]
"""Ends of the range of values that are possible at all."""

SHARE: ValueRange = (0.0, 1.0)
UNLIMITED: ValueRange = (-math.inf, math.inf)


@dataclass(frozen=True)
class Interval:
    """A mean with its 95 % confidence interval (or another one that was asked for), in the units of the data.

    `n` is the number of independent values behind it: seeds, or images where there is one network.
    """

    mean: float
    low: float
    high: float
    n: int

    def excludes(self, value: float = 0.0) -> bool:
        """Whether the value lies outside; an interval that is not known (NaN) excludes nothing."""
        return self.low > value or self.high < value

    def within(self, low: float, high: float) -> Interval:
        """The same mean with ends not beyond these; unknown ends (NaN) stay."""
        return replace(self, low=min(max(self.low, low), high), high=min(max(self.high, low), high))

    def pair(self) -> list[float]:
        """`[low, high]`, as the JSON contracts give it."""
        return [self.low, self.high]


class Claim(Protocol):
    """A value of which intervals and the p-value of "it is 0" can be asked."""

    @property
    def p(self) -> float: ...

    def interval(self, confidence: float = 0.95) -> Interval: ...


@dataclass(frozen=True)
class Estimate:
    """A mean, its standard error and the error's degrees of freedom (infinite: the error is known)."""

    mean: float
    error: float
    freedom: float
    n: int

    def interval(self, confidence: float = 0.95) -> Interval:
        """Student's t interval."""
        reach = t_quantile(confidence, self.freedom) * self.error
        return Interval(self.mean, self.mean - reach, self.mean + reach, self.n)

    @property
    def p(self) -> float:
        """Two-sided p-value of "the mean is 0"."""
        if not self.error > 0:
            return 1.0 if self.mean == 0 else 0.0
        return float(2 * special().stdtr(self.freedom, -abs(self.mean) / self.error))


@cache
def special() -> Any:
    """SciPy's special functions, without what it loads besides and no one here uses, a third of the time of their first use."""
    with loaded_when_used("numpy.f2py", "numpy.testing"):
        import scipy.special

    return scipy.special


def t_quantile(confidence: float, freedom: float) -> float:
    """The two-sided quantile of Student's t; of the normal distribution where the freedom is infinite."""
    if not 0 < confidence < 1:
        raise StatisticsError(f"confidence = {confidence!r}: it must lie between 0 and 1.")
    level = (1 + confidence) / 2
    return float(special().ndtri(level) if math.isinf(freedom) else special().stdtrit(freedom, level))


def checked(name: str, values: ArrayLike, *, least: int) -> Floats:
    sample = np.asarray(values, dtype=np.float64)
    if not (sample.ndim == 1 and len(sample) >= least):
        raise StatisticsError(f"{name}: at least {least} values in one row are needed; the shape is {sample.shape}.")
    if not np.isfinite(sample).all():
        raise StatisticsError(f"{name}: a value is not finite; exclude diverged runs, and count them.")
    return sample
