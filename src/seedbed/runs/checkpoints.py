"""Checkpoints of populations: one safetensors file of all members, and a manifest with its hash, which commits it.

They are in `.populations/KEY/`, numbered. The last two are kept, so that a damaged one costs half a minute, not the run.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from seedbed import storage
from seedbed.errors import CorruptFile, StorageError
from seedbed.names import checked_name
from seedbed.runs.arrays import Arrays, read_safetensors, safetensors_pieces

FORMAT = 1
"""Version of the format of checkpoints."""

FOLDER = ".populations"
KEPT = 2


def save(root: Path, key: str, arrays: Mapping[str, NDArray[Any]], manifest: Mapping[str, Any]) -> None:
    """Save a population; the manifest, written last, is the commit point. See `RunStore.save_population`."""
    folder = _folder(root, key)
    storage.tidy(folder)
    number = max(_numbers(folder, r"(json|safetensors)"), default=0) + 1
    pieces = safetensors_pieces(arrays)
    storage.write(folder / f"{number:06}.safetensors", pieces)
    commit = {"format": FORMAT, "sha256": storage.sha256(pieces), "manifest": manifest}
    storage.write_lines(folder / f"{number:06}.json", [commit])  # one line, with a checksum of its own
    for old in _numbers(folder, r"(json|safetensors)") - set(_newest(folder)[:KEPT]):
        storage.remove(folder / f"{old:06}.json")
        storage.remove(folder / f"{old:06}.safetensors")


def load(root: Path, key: str, on_damage: Callable[[str], None]) -> tuple[Arrays, dict[str, Any]] | None:
    """Load the newest sound checkpoint; None if there is no checkpoint. See `RunStore.load_population`."""
    folder = _folder(root, key)
    numbers = _newest(folder)
    for number in numbers:
        try:
            manifest = _committed(folder, number)
            path = folder / f"{number:06}.safetensors"
            if storage.sha256(path) != manifest["sha256"]:
                raise CorruptFile(f"{path}: the SHA-256 is not that of its manifest.")
            return read_safetensors(path), manifest["manifest"]
        except StorageError as damage:
            on_damage(f"{damage} Continuing from the checkpoint before it.")
    if numbers:
        raise CorruptFile(f"{folder}: no checkpoint of this population is sound. Start again with --replace.")
    return None


def drop(root: Path, key: str) -> None:
    """Remove a population's checkpoints."""
    storage.remove_tree(_folder(root, key))


def drop_without(root: Path, unfinished: Collection[str]) -> None:
    """Remove the checkpoints whose manifest lists `runs` of which none is unfinished."""
    for key in keys(root):
        runs = _runs(_folder(root, key))
        if runs and not any(name in unfinished for name in runs):
            drop(root, key)


def keys(root: Path) -> list[str]:
    """Keys of the populations that have a checkpoint."""
    return storage.names(root / FOLDER)


def _folder(root: Path, key: str) -> Path:
    return root / FOLDER / checked_name(key)


def _newest(folder: Path) -> list[int]:
    """Numbers of the committed checkpoints, newest first."""
    return sorted(_numbers(folder, "json"), reverse=True)


def _numbers(folder: Path, ending: str) -> set[int]:
    matches = (re.fullmatch(rf"(\d{{6,12}})\.{ending}", name) for name in storage.names(folder))
    return {int(match[1]) for match in matches if match}


def _committed(folder: Path, number: int) -> dict[str, Any]:
    path = folder / f"{number:06}.json"
    rows = storage.read_lines(path)
    value = rows[0] if len(rows) == 1 else {}
    if not (isinstance(value.get("sha256"), str) and isinstance(value.get("manifest"), dict)):
        raise CorruptFile(f"{path}: this is not the sound manifest of a checkpoint.")
    if value.get("format") != FORMAT:
        raise StorageError(f"{path}: it has the format {value.get('format')!r}, and this seedbed reads {FORMAT}.")
    return value


def _runs(folder: Path) -> list[Any]:
    for number in _newest(folder):
        try:
            runs = _committed(folder, number)["manifest"].get("runs")
        except StorageError:
            continue
        return runs if isinstance(runs, list) else []
    return []
