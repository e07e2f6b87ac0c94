"""Rules for names of runs, groups and data sets, which are folders on every operating system."""

from __future__ import annotations

import re

from seedbed.errors import SpecError

NAME_RULE: re.Pattern[str] = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")
RESERVED = frozenset({"con", "prn", "aux", "nul", *(f"{d}{n}" for d in ("com", "lpt") for n in range(1, 10))})


def checked_name(name: str) -> str:
    """Return the name if it is valid for a run, group or data set on every operating system.

    Raises:
        SpecError: it has characters other than letters, digits, '_', '-', '.', or is longer than 100.
    """
    if not NAME_RULE.fullmatch(name) or name.endswith("."):
        rule = "it must be 1 to 100 letters, digits, '_', '-' or '.', with no '-' or '.' first and no '.' last"
        raise SpecError(f"name = {name!r}: {rule}.")
    if name.split(".")[0].lower() in RESERVED:
        raise SpecError(f"name = {name!r}: Windows reserves this name for a device; choose another.")
    return name


def checked_group(name: str) -> str:
    """Return the name if a user may give it to a run or group: `NAME.3` is reserved for the fourth seed of group NAME.

    Raises:
        SpecError: the name is not valid, or ends in '.' and a number.
    """
    if re.search(r"\.\d+$", checked_name(name)):
        raise SpecError(f"name = {name!r}: a name must not end in '.' and a number; seedbed names the seeds of a group so.")
    return name
