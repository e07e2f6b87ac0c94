"""Times and ratios in words."""

from __future__ import annotations

from seedbed.studies.timing.summary import Ratio, Spread


def time_text(seconds: float) -> str:
    """A time with two or three digits and its unit.

    >>> time_text(0.0123), time_text(0.456), time_text(84.2)
    ('12 ms', '0.46 s', '84 s')
    """
    if seconds < 0.1:
        return f"{1000 * seconds:.2g} ms" if seconds < 0.01 else f"{1000 * seconds:.0f} ms"
    return f"{seconds:.2f} s" if seconds < 1 else f"{seconds:.1f} s" if seconds < 10 else f"{seconds:,.0f} s"


def ratio_text(number: float) -> str:
    """A ratio with three digits."""
    return f"{number:.3g}" if number < 1000 else f"{number:,.0f}"


def spread_text(found: Spread | None) -> str:
    """A median with the lowest and the highest, for tables.

    >>> spread_text(Spread(0.45, 0.44, 0.5, 3))
    '0.45 (0.44 to 0.5)'
    """
    if found is None:
        return "not measured"
    middle, low, high = (f"{value:.3g}" if value < 1000 else f"{value:,.0f}" for value in found.three)
    return middle if found.n == 1 else f"{middle} ({low} to {high})"


def compared(where: str, a: str, b: str, ratio: Ratio) -> str:
    """How `a` and `b` compare whose times have this ratio, bounded by the corrected interval.

    >>> compared("The dense net", "the CPU", "the GPU", Ratio(Interval(2.0, 1.5, 2.5, 3), True, 0.99))
    'The dense net: the GPU is 2 times as fast as the CPU (1.5 to 2.5; 99 % interval, n = 3 each).'
    """
    mean, low, high = ratio.interval.mean, *ratio.interval.pair()
    basis = f"{100 * ratio.confidence:.4g} % interval, n = {ratio.interval.n} each"
    if not ratio.shown:
        reach = f"the ratio of their times lies between {ratio_text(low)} and {ratio_text(high)}"
        return f"{where}: between {a} and {b} no difference shown; {reach} ({basis})."
    if mean < 1:
        a, b, mean, low, high = b, a, 1 / mean, 1 / high, 1 / low
    reach = f"{ratio_text(low)} to {ratio_text(high)}"
    return f"{where}: {b} is {ratio_text(mean)} times as fast as {a} ({reach}; {basis})."
