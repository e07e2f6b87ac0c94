"""Charts as files."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seedbed.errors import SpecError, nearest
from seedbed.figures import theme
from seedbed.figures.drawing import WatchDrawing, draw_all
from seedbed.storage import write

if TYPE_CHECKING:
    Chart = theme.AnyChart | Mapping[str, Any]

KINDS = ("png", "svg", "html")


def save(chart: Chart, stem: str | os.PathLike[str], kinds: Sequence[str] = KINDS) -> list[Path]:
    """A chart, or its specification, as `STEM.png`, `STEM.svg` and `STEM.html`, whichever `kinds` name.

    Args:
        chart: the chart.
        stem: path of the files; one of their endings is left out.
        kinds: kinds of files.

    Returns:
        The paths written, in the order of `kinds`.

    Raises:
        SpecError: it is no chart, or a kind is not known.
        StorageError: a file could not be written.
    """
    if not (isinstance(chart, Mapping) or hasattr(chart, "to_dict")):
        raise SpecError(
            f"chart = {chart!r:.60}: it must be a chart, such as `compare(...).figure()` or `learning_curves(...)`."
        )
    path = Path(stem)
    path = path.with_suffix("") if path.suffix[1:] in KINDS else path
    return save_all({path: chart}, kinds)[path]


def save_all(
    charts: Mapping[Path, Chart], kinds: Sequence[str] = KINDS, watch: WatchDrawing | None = None
) -> dict[Path, list[Path]]:
    """Several charts by their stems, as `save` does it with one; nothing is written before all are drawn."""
    for kind in kinds:
        if kind not in KINDS:
            raise SpecError(f"kinds = {kind!r}: a figure is saved as {', '.join(KINDS)}.{nearest(kind, KINDS)}")
    specs = [dict(chart) if isinstance(chart, Mapping) else theme.specification(chart) for chart in charts.values()]
    written: dict[Path, list[Path]] = {}
    for stem, contents in zip(charts, draw_all(specs, kinds, watch), strict=True):
        written[stem] = [stem.with_name(f"{stem.name}.{kind}") for kind in kinds]
        for path, kind in zip(written[stem], kinds, strict=True):
            write(path, contents[kind])
    return written
