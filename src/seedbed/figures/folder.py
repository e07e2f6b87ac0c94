"""A folder of results: figures, tables, and all of it as JSON; what sweeps, searches and studies leave for their readers."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seedbed import storage
from seedbed.errors import StorageError
from seedbed.figures.drawing import WatchDrawing
from seedbed.figures.saving import KINDS, save_all

if TYPE_CHECKING:
    from seedbed.figures.saving import Chart

RESULTS = "results.json"
PATIENCE = 60.0
"""Seconds to wait for another process that is writing into the folder."""


def save_results(
    folder: Path,
    charts: Mapping[str, Chart],
    tables: Mapping[str, str],
    results: Mapping[str, Any],
    *,
    kinds: Sequence[str] = KINDS,
    pages: Mapping[Path, str] | None = None,
    watch: WatchDrawing | None = None,
) -> dict[str, list[Path]]:
    """Write all of it; figures of an earlier save that this one does not draw are removed.

    Args:
        charts: by their names, or their specifications.
        tables: name of a file -> its text.
        results: finite JSON values: what `results.json` says, apart from the list of the figures.
        kinds: as which files each chart is saved.
        pages: files outside the folder that belong to it, and their texts; they are written last.
        watch: is called after each drawn chart.

    Returns:
        Kind -> files: `tables`, `json`, and each figure by its name.

    Raises:
        StorageError: a file could not be written, or another process has been writing them for a minute.
    """
    with alone_in(folder):
        for place in (folder, folder / "figures"):
            storage.tidy(place)  # what a killed process left there
        saved = save_all({folder / "figures" / name: chart for name, chart in charts.items()}, kinds, watch)
        drawn = {stem.name: paths for stem, paths in saved.items()}
        kept = {path.name for paths in drawn.values() for path in paths}
        remove_earlier(folder, folder / "figures", kept)
        for name, text in tables.items():
            storage.write(folder / name, text.encode())
        storage.write_json(folder / RESULTS, {**results, "figures": sorted(kept)})
        for path, text in (pages or {}).items():
            storage.write(path, text.encode())
    return {"tables": [folder / name for name in tables], "json": [folder / RESULTS], **drawn}


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Hold the lock of a folder while writing into it.

    Raises:
        HomeInUse: another process has been writing there for a minute.
    """
    with storage.lock(folder / ".lock", str(folder), wait=PATIENCE):
        yield


def remove_earlier(folder: Path, figures: Path, kept: Collection[str]) -> None:
    """Remove the figures that an earlier save listed in the folder's `results.json` and this one does not draw."""
    for name in sorted(_figures_before(folder) - set(kept)):
        storage.remove(figures / name)


def _figures_before(folder: Path) -> set[str]:
    before: Any = {}
    with suppress(StorageError):
        before = storage.read_json(folder / RESULTS)
    listed = before.get("figures") if isinstance(before, dict) else None
    known = [name for name in listed if isinstance(name, str)] if isinstance(listed, list) else []
    return {name for name in known if re.fullmatch(r"[A-Za-z0-9_]+\.(png|svg|html)", name)}
