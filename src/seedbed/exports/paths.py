"""Where the files of an export go."""

from __future__ import annotations

import os
from pathlib import Path

from seedbed.errors import SpecError
from seedbed.exports.protocol import ExportFormat

FOLDER = Path("exports")
"""Folder of exports for which no path is given."""


SLASHES = tuple(filter(None, (os.sep, os.altsep)))


def target(given: str | os.PathLike[str] | None, name: str, chosen: ExportFormat) -> tuple[Path, str]:
    """Folder of the files, and the stem of their names.

    Args:
        given: file or folder, which ends with a slash if it is new. None means `exports/NAME`.
        name: name of what is exported.

    Raises:
        SpecError: a file with the ending of another format.
    """
    if given is None:
        return (FOLDER, name) if chosen.endings else (FOLDER / f"{name}-{chosen.name}", "")
    path = Path(given)
    if not chosen.endings:
        return path, ""
    if path.is_dir() or os.fspath(given).endswith(SLASHES):
        return path, name
    ending = next((each for each in chosen.endings if path.name.endswith(each)), "")
    if not ending and path.suffix:
        raise SpecError(f"path = {str(path)!r}: a file of the format {chosen.name!r} ends with {' or '.join(chosen.endings)}.")
    return path.parent, path.name.removesuffix(ending)


def identifier(stem: str) -> str:
    """The stem as a name in Python and C.

    >>> identifier("net.0"), identifier("2-layers")
    ('net_0', 'n2_layers')
    """
    plain = "".join(letter if letter.isalnum() and letter.isascii() else "_" for letter in stem)
    return plain if plain[:1].isalpha() else f"n{plain}"
