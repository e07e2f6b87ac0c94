"""Names of settings and their runs: short, readable, valid on every system, and distinct."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from decimal import Decimal

from seedbed.errors import SpecError
from seedbed.groups.fields import ARGUMENT, FIELDS, Setting, Value, field, values_of
from seedbed.names import checked_group
from seedbed.specs import RunSpec

SHORT = {"hidden": "h", "filters": "f", "kernel": "k", "stride": "s", "pool": "p"}
ABBREVIATED = {"learning_rate": "lr", "batch_size": "batch", "label_noise": "noise", "weight_decay": "decay"}

LONGEST_PREFIX, LONGEST_GROUP, LONGEST_SETTING = 60, 88, 70
"""Longest names, so that one with a seed added stays below the hundred characters that a run's name may have."""


def checked_prefix(name: str) -> str:
    """Return the name, if names of settings may begin with it.

    Raises:
        SpecError: the name breaks a rule of names of groups, or leaves no space for a setting and a seed.
    """
    if len(checked_group(name)) > LONGEST_PREFIX:
        raise SpecError(f"name = {name!r}: it may have {LONGEST_PREFIX} characters here; those of its settings follow it.")
    return name


def setting_name(run: RunSpec) -> str:
    """Name a setting's runs by its spec alone, so that none is trained or kept twice.

    >>> from seedbed.specs import DataSpec, Dense, Plan
    >>> setting_name(RunSpec(model=Dense(hidden=(16,)), plan=Plan(l2=1e-4), data=DataSpec(name="digits")))
    'digits-h16-l2_1e-4-c79046c6'
    """
    widths = run.model.widths
    varied: Setting = {widths: getattr(run.model, widths)} if widths else {}
    for part in (run.model, run.plan, run.data):
        for name, known in type(part).model_fields.items():
            usual = (known.default, type(part).later.get(name, known.default))  # now, and when the first runs were named
            if name in FIELDS and name not in ("family", "file", "function") and getattr(part, name) not in usual:
                varied[name] = getattr(part, name)
    data = _slug(run.data.name)
    return f"{(group_name(data, varied) if varied else data)[:LONGEST_SETTING].rstrip('-.')}-{run.setting[:8]}"


def _slug(name: str) -> str:
    plain = "".join(letter if letter.isalnum() and letter.isascii() else "_" for letter in name)
    return plain if plain == name else f"{plain[-20:].strip('_')}_{_digest(name)}"


def group_name(prefix: str, setting: Setting) -> str:
    """Name a setting's group: a prefix, then the fields with their values.

    >>> group_name("first", {"hidden": (200, 100), "activation": "tanh", "l2": 1e-4, "dropout": 0.25})
    'first-h200-100-tanh-l2_1e-4-dropout_0p25'
    """
    words = "-".join(_part(name, value) for name, value in setting.items())
    whole = f"{prefix}-{words}"
    if len(whole) <= LONGEST_GROUP:
        return whole
    digest = _digest(words)
    return f"{whole[: LONGEST_GROUP - len(digest) - 1].rstrip('-.')}-{digest}"


def fields_in_name(prefix: str, group: str, run: RunSpec) -> tuple[str, ...]:
    """Find the fields whose values a group's name has after a prefix, as `group_name` writes them; empty for other names.

    >>> from seedbed.specs import Dense, Plan
    >>> fields_in_name("first", "first-h16-tanh", RunSpec(model=Dense(hidden=(16,), activation="tanh"), plan=Plan()))
    ('hidden', 'activation')
    """
    begin = f"{prefix}-"
    if not group.startswith(begin):
        return ()
    return _matched(group.removeprefix(begin), _parts(run)) or ()


def prefix_in_name(group: str, run: RunSpec) -> tuple[str, tuple[str, ...]] | None:
    """Find the shortest beginning of a group's name after which only values of its setting follow, and their fields.

    >>> from seedbed.specs import Dense, Plan
    >>> prefix_in_name("my-first-h16-tanh", RunSpec(model=Dense(hidden=(16,), activation="tanh"), plan=Plan()))
    ('my-first', ('hidden', 'activation'))
    """
    parts, words = _parts(run), group.split("-")
    for count in range(1, len(words)):
        fields = _matched("-".join(words[count:]), parts)
        if fields:
            return "-".join(words[:count]), fields
    return None


def _parts(run: RunSpec) -> list[tuple[str, str]]:
    return [(name, _part(name, value)) for name, value in values_of(run).items()]


def _matched(text: str, parts: Sequence[tuple[str, str]]) -> tuple[str, ...] | None:
    """Which of the parts, in their order and joined by dashes, make the text; None where none do."""
    if not text:
        return ()
    for place, (name, part) in enumerate(parts):
        if text == part:
            return (name,)
        rest = _matched(text[len(part) + 1 :], parts[place + 1 :]) if text.startswith(f"{part}-") else None
        if rest:
            return (name, *rest)
    return None


def _part(name: str, value: Value) -> str:
    if name in SHORT:
        return SHORT[name] + ("-".join(map(str, value)) if isinstance(value, tuple) and value else "0")
    if name == "first" and value is None:
        return "all"
    if field(name).is_word and name != "augment":
        return _value(value)
    return f"{ABBREVIATED.get(name, name.removeprefix(ARGUMENT))}_{_value(value)}"


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
    """Write all digits of a number without a dot, which in names separates the seed.

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
