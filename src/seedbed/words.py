"""Numbers, counts, times and settings in words: the wording that sentences, titles, axes and tables share."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import lru_cache


def counted(n: int, one: str, many: str = "") -> str:
    """Format a number with its noun.

    >>> counted(1, "seed"), counted(5000, "image")
    ('1 seed', '5,000 images')
    """
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def percent(share: float, digits: int = 1) -> str:
    """Format a share as a percentage.

    >>> percent(0.9774)
    '97.7 %'
    """
    return f"{100 * share:.{digits}f} %"


def ends(low: float, high: float) -> str:
    """Format the ends of an interval of shares, as percentages.

    >>> ends(0.97, 0.983), ends(math.nan, math.nan)
    ('97.00 % to 98.30 %', 'not known')
    """
    if math.isnan(low):
        return "not known"
    return f"{percent(low, 2)} to {percent(high, 2)}"


def capital(sentence: str) -> str:
    """Capitalize the first letter of a sentence; the others stay as they are."""
    return sentence[0].upper() + sentence[1:]


def listed(items: Sequence[str]) -> str:
    """Join items as a sentence lists them; items that contain commas are separated by semicolons.

    >>> listed(["a", "b", "c"]), listed(["x 1, y 2", "x 2, y 2"])
    ('a, b and c', 'x 1, y 2; and x 2, y 2')
    """
    if len(items) < 2:
        return "".join(items)
    comma, last = ("; ", "; and ") if any(", " in item for item in items) else (", ", " and ")
    return comma.join(items[:-1]) + last + items[-1]


def value(found: object, field: str = "") -> str:
    """Format the value of a field of the specs.

    >>> value((200, 100)), value(()), value(3e-4), value(0.001), value(0.0), value(None, "first"), value("tanh")
    ('200-100', 'none', '3e-4', '0.001', '0', 'all', 'tanh')
    """
    if found is None:
        return "all" if field == "first" else "none"
    if isinstance(found, tuple):
        return ("x" if field == "size" else "-").join(map(str, found)) or "none"
    if isinstance(found, float):
        return _number(found)
    return str(found)


def kind(name: str) -> str:
    """Format the kind of a verdict.

    >>> kind("no_better_than_guessing"), kind("too_short")
    ('no better than guessing', 'too short to judge')
    """
    return {"too_short": "too short to judge", "fits_training_better": "fits training images better"}.get(
        name, name.replace("_", " ")
    )


def kinds(counts: Mapping[str, int]) -> list[str]:
    """Format the number of runs of each kind of verdict.

    >>> kinds({"still_improving": 2, "collapsed": 1})
    ['2 still improving', '1 collapsed']
    """
    return [f"{count:,} {kind(name)}" for name, count in counts.items()]


def setting(fields: Mapping[str, object]) -> str:
    """Format fields with their values.

    >>> setting({"hidden": (100,), "learning_rate": 0.001})
    'hidden 100, learning rate 0.001'
    """
    return ", ".join(f"{name.replace('_', ' ')} {value(found, name)}" for name, found in fields.items())


def brief(fields: Mapping[str, object], between: str = ", ") -> str:
    """Format fields with their values for a place that is small: words stand for themselves.

    >>> brief({"activation": "tanh", "l2": 1e-4, "hidden": (200, 100)})
    'tanh, l2 1e-4, hidden 200-100'
    """
    return between.join(found if isinstance(found, str) else setting({name: found}) for name, found in fields.items())


@lru_cache(maxsize=4096)
def _number(found: float) -> str:
    """Format all digits; very small and very large numbers with an exponent."""
    if not (math.isfinite(found) and found):
        return f"{found:g}"
    plain = 1e-3 <= abs(found) < 1e6
    return format(Decimal(repr(found)).normalize(), "f" if plain else "E").replace("E+", "E").lower()


LONGEST_MILLISECONDS = 99.5
"""Below this, a time in seconds would have no digit left."""


def duration(seconds: float) -> str:
    """Format a time in the two units that matter; the second only where it is not 0.

    >>> duration(0.0042), duration(0.31), duration(7.4), duration(200), duration(8000), duration(1080)
    ('4.2 ms', '0.3 s', '7 s', '3 min 20 s', '2 h 13 min', '18 min')
    """
    if seconds < LONGEST_MILLISECONDS / 1000:
        return f"{1000 * seconds:.2g} ms"
    if not seconds >= 1:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, seconds = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    units = (("h", hours), ("min", minutes), ("s", 0 if hours else seconds))
    return " ".join(f"{number} {unit}" for unit, number in units if number)


def with_code(escaped: str) -> str:
    """Mark as code in HTML what stands between backticks; the text is escaped already.

    >>> with_code("`seedbed smallest` finds nets.")
    '<code>seedbed smallest</code> finds nets.'
    """
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escaped)


def quantity(number: float) -> str:
    """Format a large number with its power of ten.

    >>> quantity(2.5e12), quantity(3.2e9)
    ('2.5 x 10^12', '3.2 x 10^9')
    """
    if number < 1e6:
        return f"{number:,.0f}"
    mantissa, _, exponent = f"{number:.1e}".partition("e")
    return f"{mantissa} x 10^{int(exponent)}"
