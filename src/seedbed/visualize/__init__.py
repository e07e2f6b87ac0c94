"""Look at the images before training on them: pictures, balance, pixels, duplicates, leakage, an embedding; one page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seedbed import figures, storage
from seedbed.data import Dataset
from seedbed.records import finite
from seedbed.visualize import drawing, page, sentences
from seedbed.visualize.survey import Survey, survey

__all__ = ["Survey", "VisualizeReport", "survey", "visualize"]


@dataclass(frozen=True)
class VisualizeReport:
    """A survey of a data set and the files that show it.

    Attributes:
        page: the HTML page.
        pictures: name -> PNG file, in the page's order.
        survey: the facts.
        sentences: section -> the facts in words.
    """

    page: Path
    pictures: dict[str, Path]
    survey: Survey
    sentences: dict[str, list[str]]

    def as_json(self) -> dict[str, Any]:
        """Paths, counts and facts as JSON values (NaN is null): the contract of `visualize --json`."""
        files = {"page": str(self.page), "pictures": {name: str(path) for name, path in self.pictures.items()}}
        report: dict[str, Any] = finite({**files, **self.survey.plain(), "sentences": self.sentences})
        return report


def visualize(dataset: Dataset, out: Path, *, on_event: Callable[[str], None] | None = None) -> VisualizeReport:
    """Look at a data set: write PNG files and `index.html`, one self-contained page, into the folder `out`.

    Of the test part only pixels are compared, to find leakage; none of its images is shown and none of its labels read.

    Args:
        out: folder for the files; those of the same names are replaced.
        on_event: called with one line before each piece of work.

    Raises:
        StorageError: a file could not be written, or another process has been writing them for a minute.
    """
    on_event = on_event or (lambda _: None)
    found = survey(dataset, on_event)
    said = sentences.all_of(dataset, found)
    on_event("drawing")
    grids, charts = drawing.grids(dataset, found), drawing.charts(dataset, found)
    pictures = {name: out / f"{name}.png" for name in (*grids, *charts)}
    index = out / "index.html"
    with figures.alone_in(out):
        for name, grid in grids.items():
            storage.write(pictures[name], grid["light"])
        for name, chart in charts.items():
            figures.save(chart, out / name, ("png",))
        storage.write(index, page.of(dataset, said, grids, charts).encode())
    return VisualizeReport(index, pictures, found, said)
