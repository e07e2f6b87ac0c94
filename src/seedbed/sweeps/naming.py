"""Names for the settings of a sweep: short, readable, good on every system, and no two alike."""

from __future__ import annotations

import hashlib
import re
from decimal import Decimal

from seedbed.errors import SpecError
from seedbed.specs import checked_group
from seedbed.sweeps.grid import ARGUMENT, Setting, Value, field

SHORT = {"hidden": "h", "filters": "f", "kernel": "k", "stride": "s", "pool": "p"}
ABBREVIATED = {"learning_rate": "lr", "batch_size": "batch", "label_noise": "noise", "weight_decay": "decay"}

LONGEST_SWEEP, LONGEST_GROUP = 60, 88
"""So that a group's name with a seed behind it stays below the hundred characters that a name may have."""


def checked_sweep(name: str) -> str:
    """The name, if a sweep may have it.

    Raises:
        SpecError: no group may have it, or it leaves no room for the settings behind it.
    """
    if len(checked_group(name)) > LONGEST_SWEEP:
        raise SpecError(
            f"name = {name!r}: a sweep's name has {LONGEST_SWEEP} characters at most; those of its settings follow it."
        )
    return name


def group(sweep: str, setting: Setting) -> str:
    """The name of a setting's group.

    >>> group("first", {"hidden": (200, 100), "activation": "tanh", "l2": 1e-4, "dropout": 0.25})
    'first-h200-100-tanh-l2_1e-4-dropout_0p25'
    """
    words = "-".join(_part(name, value) for name, value in setting.items())
    whole = f"{sweep}-{words}"
    if len(whole) <= LONGEST_GROUP:
        return whole
    digest = _digest(words)
    return f"{whole[: LONGEST_GROUP - len(digest) - 1].rstrip('-.')}-{digest}"


def _part(name: str, value: Value) -> str:
    if name in SHORT:
        return SHORT[name] + ("-".join(map(str, value)) if isinstance(value, tuple) and value else "0")
    known = field(name)
    says_enough = known.is_word and name != "augment"
    called = ABBREVIATED.get(name, name.removeprefix(ARGUMENT))
    if name == "first" and value is None:
        return "all"
    return _value(value) if says_enough else f"{called}_{_value(value)}"


def _value(value: Value) -> str:
    if value is None:
        return "none"
    if isinstance(value, tuple):
        return "x".join(map(str, value))
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return _number(value)
    plain = re.sub(r"[^a-z0-9_]+", "_", value.lower()).strip("_")
    return plain if plain == value else f"{plain[-30:].strip('_')}_{_digest(value)}"


def _number(value: float) -> str:
    """All digits of a number without a dot, which in names stands before the seed.

    >>> [_number(value) for value in (0.0, 1e-4, 0.25, 0.0125, 1000, -1.5, 1e20)]
    ['0', '1e-4', '0p25', '0p0125', '1000', 'm1p5', '1e20']
    """
    number = Decimal(repr(value)).normalize()
    _, digits, exponent = number.as_tuple()
    decimal = f"{abs(number):f}".replace(".", "p")
    scientific = f"{''.join(map(str, digits))}e{exponent}"
    few = len(digits) == 1 and decimal.startswith("0p0")
    sign = "m" if number < 0 else ""
    return sign + (scientific if few or len(decimal) > 9 else decimal)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:6]
