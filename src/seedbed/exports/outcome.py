"""The outcome of an export."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seedbed.records import finite_fields


@dataclass(frozen=True)
class Export:
    """What was written.

    Attributes:
        name: name of the run, group or sweep.
        format: name of the format.
        files: the files; the first is the one that other programs load.
        size: their size (bytes).
        difference: largest difference of a probability from the network's, over the images of the check. None means that
            nothing was compared: the format holds metrics, or the check was left out.
        lines: sentences for the user: what was selected, how it was checked, what the files need.
    """

    name: str
    format: str
    files: tuple[Path, ...]
    size: int
    difference: float | None
    lines: tuple[str, ...]

    def __repr__(self) -> str:
        """What a notebook shows: files and sentences."""
        return "\n".join([f"Export of {self.name!r}: {', '.join(map(str, self.files))} ({self.size:,} bytes)", *self.lines])

    def as_json(self) -> dict[str, Any]:
        """The contract of `export --json`."""
        return finite_fields({**vars(self), "files": [str(path) for path in self.files]})
