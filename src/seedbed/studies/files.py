"""The path of an answer's page."""

from __future__ import annotations

from pathlib import Path

from seedbed.errors import SpecError


def checked_page(path: Path) -> Path:
    """The path, if a page can be written there.

    Raises:
        SpecError: it does not end in .html, or is a folder.
    """
    if path.suffix.lower() not in (".html", ".htm") or path.is_dir():
        raise SpecError(
            f"{path}: a page is a file that ends in .html; its figures and tables go into the folder {path.stem} next to it."
        )
    return path
