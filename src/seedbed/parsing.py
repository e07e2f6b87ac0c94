"""Parsing of settings from texts: YAML, and values as users type them."""

from __future__ import annotations

import re
from typing import Any

import yaml

from seedbed.errors import SpecError


def from_yaml(text: str, source: str = "YAML") -> dict[str, Any]:
    """Read the settings in a YAML text, a mapping of plain values.

    Raises:
        SpecError: the text is not YAML, or not a mapping; the message names the source and the line.
    """
    try:
        settings = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        raise SpecError(f"{source}{where}: this is not YAML ({getattr(error, 'problem', None) or 'unreadable'}).") from None
    if not isinstance(settings, dict):
        raise SpecError(f"{source}: it must be a mapping of settings, and is {type(settings).__name__}.")
    return settings


def plain_value(text: str) -> Any:
    """Read a text as YAML does, and `1e-3` as a number; a text that is not YAML is itself the value.

    >>> plain_value("1e-3"), plain_value("[64, 32]"), plain_value("null"), plain_value("tanh")
    (0.001, [64, 32], None, 'tanh')
    """
    try:
        return _numbers(yaml.safe_load(text)) if text.strip() else text
    except yaml.YAMLError:
        return text


def plain_values(text: str) -> list[Any]:
    """Read values with commas between them, each as `plain_value` does; commas in brackets stand within a value.

    >>> plain_values("1e-4, [64, 32], none")
    [0.0001, [64, 32], 'none']
    """
    try:
        values = _numbers(yaml.safe_load(f"[{text}]"))
    except yaml.YAMLError:
        values = None
    return values if isinstance(values, list) else [plain_value(part.strip()) for part in text.split(",")]


def _numbers(value: Any) -> Any:
    """The value with numbers for texts such as `1e-3`, which YAML 1.1 reads as text, and texts for dates."""
    if isinstance(value, list):
        return [_numbers(part) for part in value]
    if isinstance(value, dict):
        return {name: _numbers(part) for name, part in value.items()}
    if isinstance(value, str):
        return float(value) if re.fullmatch(r"[-+]?(\d+\.?\d*|\.\d+)[eE][-+]?\d+", value) else value
    return value if value is None or isinstance(value, bool | int | float) else str(value)
