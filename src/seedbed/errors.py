"""Every error that seedbed raises on purpose, drawn as a tree.

    SeedbedError
    ├── SpecError               a setting breaks a rule
    ├── DataError               images or labels cannot be used
    │   ├── UnknownDataset      no data set has this name
    │   ├── DataUnavailable     not on this machine, and no mirror answered
    │   └── CorruptData         a file is damaged, or not of its kind
    ├── StatisticsError         too few values, or shapes that differ
    ├── StorageError            the disk refused
    │   ├── HomeInUse           another process holds the lock
    │   └── CorruptFile         a checksum does not match
    ├── RunError                about a run in the home
    │   ├── UnknownRun          no run has this name
    │   ├── RunExists           the name is taken by other settings
    │   └── RunHalfDone         the run was interrupted; --resume continues it
    ├── ModelError              a user's own network cannot be used
    ├── ExportError             a format cannot hold a network
    ├── DeviceError             a device is missing, or its memory too small
    └── WorkerError             a worker process died or raised

    KeyboardInterrupt
    └── Interrupted             the user stopped the work; everything is saved

Each takes one message string, so that it survives pickling between processes. The message says the rule, the value found
and the way out.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class SeedbedError(Exception):
    """The root: what the command line prints as one line and ends with exit code 1."""

    def _render_traceback_(self) -> list[str]:
        """What a notebook shows: the message, without the frames of this package."""
        return [f"{type(self).__name__}: {self}"]


class SpecError(SeedbedError):
    """A setting breaks a rule. The message names the setting, the value and the rule."""


class DataError(SeedbedError):
    """Images or labels cannot be used."""


class UnknownDataset(DataError):
    """No data set is known under this name."""


class DataUnavailable(DataError):
    """The data are not on this machine and could not be downloaded."""


class CorruptData(DataError):
    """A data file is damaged, or not of the kind that it claims to be."""


class StatisticsError(SeedbedError):
    """Too few values for the statistic, or shapes that do not belong together."""


class StorageError(SeedbedError):
    """A file could not be written or read."""


class HomeInUse(StorageError):
    """Another process holds the lock of this run or population."""


class CorruptFile(StorageError):
    """A file of seedbed does not match its checksum."""


class RunError(SeedbedError):
    """Something about a run in the home."""


class UnknownRun(RunError):
    """No run or group has this name."""


class RunExists(RunError):
    """The name is taken by a run with other settings."""


class RunHalfDone(RunError):
    """The run was interrupted and is not being resumed."""


class ModelError(SeedbedError):
    """A user's own network cannot be built, traced or trained."""


class ExportError(SeedbedError):
    """A format cannot hold a network, its runtime is missing, or the exported file gives other probabilities."""


class DeviceError(SeedbedError):
    """The requested device is missing, or its memory is too small."""


class WorkerError(SeedbedError):
    """A worker process died, or raised an unforeseen error."""


class Interrupted(KeyboardInterrupt):
    """The user stopped the work; everything is saved. `signal` is the number of the signal.

    It is no `SeedbedError`, and no `Exception`: a loop that goes on after errors must end here.
    """

    def __init__(self, message: str, signal: int = 2) -> None:
        super().__init__(message, signal)
        self.signal = signal

    def __str__(self) -> str:
        return str(self.args[0])

    def _render_traceback_(self) -> list[str]:
        return [f"{type(self).__name__}: {self}"]


def nearest(name: str, known: Iterable[str], least: float = 0.5) -> str:
    """Suggest the nearest known name as a question with a space before it; empty if none is near.

    Args:
        name, known: names; the dashes that options begin with make none of them more alike.
        least: least similarity of two names, from 0 (nothing in common) to 1 (equal).

    >>> nearest("rleu", ["relu", "tanh"])
    " Did you mean 'relu'?"
    """
    bare = {each.lstrip("-"): each for each in known}
    near = difflib.get_close_matches(name.lstrip("-"), bare, n=1, cutoff=least)
    return f" Did you mean {bare[near[0]]!r}?" if near else ""
