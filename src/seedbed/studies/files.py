"""Answers as files: one page, and beside it figures, a table of all cells and contrasts, and all of it as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seedbed import figures
from seedbed.figures import words

if TYPE_CHECKING:
    from seedbed.studies.answers import Answer


def results_table(answers: Sequence[Answer]) -> str:
    """CSV: one row a cell and one a contrast, of all studies; shares in [0, 1], what is not known is empty."""
    heads = ["study", "part", "kind", "name", "parameters", "n", "mean", "low", "high", "last_mean", "last_low", "last_high"]
    rows: list[list[Any]] = [[*heads, "verdict"]]
    for answer in answers:
        for part in answer.parts:
            rows += [[answer.name, part.name, "cell", *_of_cell(cell)] for cell in part.as_json()["cells"]]
            rows += [[answer.name, part.name, "contrast", *_of_contrast(one.as_json())] for one in part.contrasts]
    return figures.csv_text(rows)


def _of_cell(cell: dict[str, Any]) -> list[Any]:
    last = cell.get("last") or {}
    verdicts = words.listed([f"{count} {kind}" for kind, count in (cell.get("verdicts") or {}).items()] or [""])
    ends = [*(cell.get("interval") or [None, None]), last.get("mean"), *(last.get("interval") or [None, None])]
    return [cell.get("label"), cell.get("parameters"), cell.get("n"), cell.get("mean"), *ends, verdicts]


def _of_contrast(one: dict[str, Any]) -> list[Any]:
    ends = one["corrected_interval"] or [None, None]
    return [one["name"], None, one["n"], one["difference"], *ends, None, None, None, one["verdict"]]


def save(answers: Sequence[Answer], page: Path, text: str, results: Mapping[str, Any]) -> dict[str, list[Path]]:
    """The page with this text, and in the folder of its name all figures as PNG and SVG, `results.csv`, and `results.json`.

    Returns:
        `page`, `figures`, `tables` -> files.

    Raises:
        StorageError: a file could not be written, or another process has been writing them for a minute.
        ValueError: two figures have one name, so that one would replace the other.
    """
    drawn = [figure for answer in answers for figure in answer.figures]
    names = [figure.name for figure in drawn]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"figures of one name: {', '.join(twice)}")
    charts = {figure.name: figure.specification for figure in drawn}
    results_csv = {"results.csv": results_table(answers)}
    files = figures.save_results(page.with_suffix(""), charts, results_csv, results, kinds=("png", "svg"), pages={page: text})
    tables = [*files.pop("tables"), *files.pop("json")]
    return {"page": [page], "figures": [path for paths in files.values() for path in paths], "tables": tables}
