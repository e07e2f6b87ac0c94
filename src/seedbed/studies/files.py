"""Answers as files: one page, and a folder with the figures, `results.csv` and `results.json`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from seedbed import figures
from seedbed.errors import SpecError
from seedbed.studies.tables import results_csv


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


def save(page: Path, text: str, charts: Mapping[str, Mapping[str, Any]], results: Mapping[str, Any]) -> dict[str, list[Path]]:
    """Write the page, and in the folder of its name all figures as PNG and SVG, `results.csv` and `results.json`.

    Args:
        text: HTML of the page.
        charts: name -> Vega-Lite.
        results: JSON values. `studies` holds the answers.

    Returns:
        `page`, `figures`, `tables` -> files.

    Raises:
        StorageError: a file could not be written, or another process has been writing them for a minute.
    """
    tables = {"results.csv": results_csv(results["studies"])}
    files = figures.save_results(page.with_suffix(""), charts, tables, results, kinds=("png", "svg"), pages={page: text})
    tables_of = [*files.pop("tables"), *files.pop("json")]
    return {"page": [page], "figures": [path for paths in files.values() for path in paths], "tables": tables_of}
