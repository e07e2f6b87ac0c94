"""Timings that were measured elsewhere: `seedbed study device --json` writes them, `--merge` reads them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from seedbed import storage
from seedbed.errors import SpecError
from seedbed.studies.timing.records import Images, Timings

MOST_BYTES = 32 << 20
MOST_MACHINES = 16
MOST_DEVICES = 8
"""As many as a figure can tell apart."""
KEY = "machines"
"""Under which a part's data hold timings."""


def read(path: Path) -> list[Timings]:
    """The timings in a file: what `study device --json` printed, or the results.json of a page.

    Raises:
        StorageError: the file cannot be read, or is no JSON.
        SpecError: it holds no timings, or such as cannot be.
    """
    found = list(_machines(storage.read_json(path, MOST_BYTES)))
    if not 1 <= len(found) <= MOST_MACHINES:
        raise SpecError(
            f"--merge {path}: it must hold the timings of 1 to {MOST_MACHINES} machines, as `seedbed study device --json` "
            f"writes them, and it holds {len(found)}."
        )
    try:
        return [Timings(**each) for each in found]
    except SpecError as error:
        raise SpecError(f"--merge {path}: these are no sound timings: {str(error)[:300]}") from None


def _machines(value: Any) -> Iterator[dict[str, Any]]:
    """The mappings that claim to be timings, wherever a file of ours has them."""
    studies = value.get("studies", [value]) if isinstance(value, dict) else []
    for study in studies if isinstance(studies, list) else []:
        if not (isinstance(study, dict) and study.get("study") == "device" and isinstance(study.get("parts"), list)):
            continue
        for part in study["parts"]:
            data = part.get("data") if isinstance(part, dict) else None
            held = data.get(KEY) if isinstance(data, dict) else None
            for each in held if isinstance(held, list) else []:
                if isinstance(each, dict) and all(isinstance(name, str) for name in each):
                    yield each


def joined(here: Timings, paths: Sequence[Path]) -> list[Timings]:
    """This machine's timings with those of files, each once.

    Raises:
        StorageError, SpecError: as `read`; or the times were measured on other images, and do not compare.
    """
    found = [here]
    for path in paths:
        for other in read(path):
            check_comparable(path, here.images, other.images)
            if other not in found:
                found.append(other)
    devices = sum(len(one.machine.devices) for one in found)
    if devices > MOST_DEVICES:
        raise SpecError(f"--merge: at most {MOST_DEVICES} devices can be compared in one figure, and these are {devices}.")
    return found


def check_comparable(path: Path, here: Images, there: Images) -> None:
    """Raises `SpecError` where times on these images do not compare with times on those."""
    if there.sizes != here.sizes:
        raise SpecError(
            f"--merge {path}: it was measured on {_said(there)}, and this study is on {_said(here)}; times compare only on "
            "images of the same number and size. Give both the same --data, --protocol and --quick."
        )


def _said(images: Images) -> str:
    shape = "x".join(map(str, images.image_shape))
    return f"{images.name} ({images.train:,} training images, {shape}, {images.classes} classes)"
