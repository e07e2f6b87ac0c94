"""Survey images before training: pictures, balance, pixels, duplicates, leakage, an embedding, on one page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seedbed import figures, storage
from seedbed.data import Dataset
from seedbed.records import finite_fields
from seedbed.visualize import drawing, page, sentences
from seedbed.visualize.survey import Survey, survey

__all__ = ["Survey", "VisualizeReport", "survey", "visualize"]


@dataclass(frozen=True)
class VisualizeReport:
    """A survey of a data set and the files that show it.

    Attributes:
        page: HTML page.
        pictures: name -> PNG file, in the order of the page.
        survey: facts.
        sentences: section -> facts as sentences.
    """

    page: Path
    pictures: dict[str, Path]
    survey: Survey
    sentences: dict[str, list[str]]

    def as_json(self) -> dict[str, Any]:
        """Paths, counts and facts as JSON values (NaN is null): the contract of `visualize --json`."""
        files = {"page": str(self.page), "pictures": {name: str(path) for name, path in self.pictures.items()}}
        return finite_fields({**files, **self.survey.plain(), "sentences": self.sentences})


def visualize(dataset: Dataset, out: Path, *, on_event: Callable[[str], None] | None = None) -> VisualizeReport:
    """Survey a data set: write PNG files, `results.json` and `index.html`, one self-contained page, into `out`.

    The pixels of the test part are compared with the others to find leakage; its images are not shown, its labels not read.

    Args:
        dataset: data set to survey.
        out: folder for the files; files of the same names are replaced, and pictures of an earlier survey go.
        on_event: callback with one line before each piece of work.

    Raises:
        StorageError: a file could not be written, or another process has been writing them for a minute.
    """
    on_event = on_event or (lambda _: None)
    facts = survey(dataset, on_event)
    text = sentences.write(facts)
    on_event("drawing")
    grids, charts = drawing.grids(facts), drawing.charts(facts)
    pictures = {name: out / f"{name}.png" for name in (*grids, *charts)}
    index = out / "index.html"
    report = VisualizeReport(index, pictures, facts, text)
    with figures.alone_in(out):
        figures.remove_earlier(out, out, [path.name for path in pictures.values()])
        for name, grid in grids.items():
            storage.write(pictures[name], grid["light"])
        for name, chart in charts.items():
            figures.save(chart, out / name, ("png",))
        storage.write(index, page.of(dataset, text, grids, charts).encode())
        listed = sorted(path.name for path in pictures.values())
        storage.write_json(out / figures.RESULTS, {**report.as_json(), "figures": listed})
    return report
