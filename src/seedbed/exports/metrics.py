"""Exports of the metrics of runs, groups, sweeps and searches."""

from __future__ import annotations

import os

from seedbed import storage
from seedbed.exports.outcome import Export
from seedbed.exports.paths import target
from seedbed.exports.protocol import MetricsFormat
from seedbed.exports.selection import RunSelection


def export_metrics(runs: RunSelection, chosen: MetricsFormat, path: str | os.PathLike[str] | None) -> Export:
    """Write the metrics of runs in a format.

    Args:
        path: file to write, or a folder. None means `exports/NAME` with the format's ending.

    Raises:
        SpecError: a path with another format's ending.
        RunError, CorruptFile: predictions that the format needs are missing or damaged.
    """
    folder, stem = target(path, runs.name, chosen)
    draft = chosen.draft(runs, stem)
    files = {folder / name: content for name, content in draft.files.items()}
    storage.write_all(files)
    return Export(runs.name, chosen.name, tuple(files), sum(map(len, files.values())), None, draft.lines)
