"""The words of titles and axes: numbers, names and counts as a reader wants them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from seedbed.specs import ModelSpec

if TYPE_CHECKING:
    from seedbed.statistics import Interval


def counted(n: int, one: str, many: str = "") -> str:
    """A number with its noun.

    >>> counted(1, "seed"), counted(5000, "image")
    ('1 seed', '5,000 images')
    """
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def percent(share: float, digits: int = 1) -> str:
    """A share as a percentage.

    >>> percent(0.9774)
    '97.7 %'
    """
    return f"{100 * share:.{digits}f} %"


def ends(interval: Interval) -> str:
    """The ends of an interval of shares, as percentages.

    >>> from seedbed.statistics import Interval
    >>> ends(Interval(0.9774, 0.97, 0.983, 5))
    '97.00 % to 98.30 %'
    """
    return f"{percent(interval.low, 2)} to {percent(interval.high, 2)}"


def capital(sentence: str) -> str:
    """A sentence with a capital letter at its beginning; the others stay as they are."""
    return sentence[0].upper() + sentence[1:]


def listed(items: Sequence[str]) -> str:
    """Items as a sentence lists them.

    >>> listed(["a", "b", "c"])
    'a, b and c'
    """
    return " and ".join([", ".join(items[:-1]), items[-1]] if len(items) > 1 else items)


def network(spec: ModelSpec) -> str:
    """A model spec in a few words.

    >>> network(Dense(hidden=(200, 100)))
    'dense 200-100, relu'
    """
    return spec.title


def value(found: object, field: str = "") -> str:
    """The value of a field of the specs.

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


def setting(fields: Mapping[str, object]) -> str:
    """Fields with their values.

    >>> setting({"hidden": (100,), "learning_rate": 0.001})
    'hidden 100, learning rate 0.001'
    """
    return ", ".join(f"{name.replace('_', ' ')} {value(found, name)}" for name, found in fields.items())


def _number(found: float) -> str:
    """All digits; very small and very large numbers with an exponent."""
    if not (math.isfinite(found) and found):
        return f"{found:g}"
    plain = 1e-3 <= abs(found) < 1e6
    return format(Decimal(repr(found)).normalize(), "f" if plain else "E").replace("E+", "E").lower()


def seconds(spent: float) -> str:
    """A time, to two digits or so.

    >>> seconds(0.4), seconds(75), seconds(7300)
    ('0.4 s', '75 s', '2 h 2 min')
    """
    if spent < 10:
        return f"{spent:.1f} s"
    if spent < 120:
        return f"{spent:.0f} s"
    minutes = round(spent / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"


def quantity(number: float) -> str:
    """A large number with its power of ten.

    >>> quantity(2.5e12), quantity(3.2e9)
    ('2.5 x 10^12', '3.2 x 10^9')
    """
    if number < 1e6:
        return f"{number:,.0f}"
    mantissa, _, exponent = f"{number:.1e}".partition("e")
    return f"{mantissa} x 10^{int(exponent)}"
