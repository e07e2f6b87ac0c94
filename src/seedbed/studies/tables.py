"""Columns that the tables of several studies share, the table of contrasts, and `results.csv`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from seedbed.figures import words
from seedbed.studies.cells import Cell
from seedbed.studies.contrasts import Contrast
from seedbed.tables import Column, Table, keyed_columns


def interval_text(found: Any, *, digits: int = 2, factor: float = 100.0) -> str:
    """A mean with its interval in brackets.

    >>> interval_text(Interval(0.97, 0.96, 0.98, 5))
    '97.00 (96.00 to 98.00)'
    """
    if found is None:
        return "none is left"
    mean = f"{factor * found.mean:.{digits}f}"
    known = found.low == found.low
    return f"{mean} ({factor * found.low:.{digits}f} to {factor * found.high:.{digits}f})" if known else f"{mean} (n = 1)"


def loss_text(found: Any) -> str:
    """A loss in nats with its interval in brackets."""
    return interval_text(found, digits=3, factor=1)


def yes_text(value: bool) -> str:
    return "yes" if value else ""


PARAMETERS: Column[Cell] = Column("parameters", lambda cell: cell.parameters, ",")
RUNS: Column[Cell] = Column("runs", lambda cell: f"{cell.n} of {cell.total}")
BEST: Column[Cell] = Column("accuracy, best epoch", lambda cell: cell.accuracy, interval_text, unit="%")
LAST: Column[Cell] = Column("last epoch", lambda cell: cell.last, interval_text, unit="%")


def contrast_table(contrasts: Sequence[Contrast]) -> Table[Contrast]:
    """The comparisons that were named beforehand, with their corrected intervals."""
    columns: list[Column[Contrast]] = [
        Column("named beforehand", lambda one: f"{one.planned.said_a} minus {one.planned.said_b}", align="left"),
        Column("where", lambda one: one.planned.where, align="left"),
        Column("difference in", _measure, align="left"),
        Column("mean", lambda one: one.verdict and _signed(one, one.verdict.interval.mean)),
        Column("corrected interval", _corrected_interval),
        Column("verdict", lambda one: one.outcome, align="left"),
    ]
    caption = "Comparisons that were named before anything was trained; intervals and verdicts after Holm's correction."
    return Table(columns, contrasts, caption)


def _measure(contrast: Contrast) -> str:
    measure = contrast.planned.measure
    return f"{measure.name} ({measure.unit})" if measure.unit else measure.name


def _signed(contrast: Contrast, value: float) -> str:
    measure = contrast.planned.measure
    return f"{measure.factor * value:+.{measure.digits}f}"


def _corrected_interval(contrast: Contrast) -> str | None:
    verdict = contrast.verdict
    if verdict is None:
        return None
    low, high = (_signed(contrast, end) for end in verdict.interval.pair())
    return f"{low} to {high} ({100 * verdict.confidence:.4g} %)"


def results_csv(studies: Sequence[Mapping[str, Any]]) -> str:
    """CSV: one row per cell and one per contrast of all studies; shares in [0, 1], unknown values are empty.

    Args:
        studies: answers as results.json holds them.
    """
    rows: list[dict[str, Any]] = []
    for study in studies:
        for part in study["parts"]:
            place = {"study": study["study"], "part": part["name"]}
            rows += [{**place, "kind": "cell", **_cell_values(cell)} for cell in part["cells"]]
            rows += [{**place, "kind": "contrast", **_contrast_values(contrast)} for contrast in part["contrasts"]]
    keys = ["study", "part", "kind", "name", "parameters", "n", "mean", "low", "high", "last_mean", "last_low", "last_high"]
    return Table(keyed_columns(*keys, "verdict"), rows).csv()


def _cell_values(cell: Mapping[str, Any]) -> dict[str, Any]:
    last = cell.get("last") or {}
    verdicts = [f"{count} {kind}" for kind, count in (cell.get("verdicts") or {}).items()]
    return {
        **{key: cell.get(key) for key in ("parameters", "n", "mean")},
        "name": cell.get("label"),
        **_ends("", cell.get("interval")),
        "last_mean": last.get("mean"),
        **_ends("last_", last.get("interval")),
        "verdict": words.listed(verdicts or [""]),
    }


def _contrast_values(contrast: Mapping[str, Any]) -> dict[str, Any]:
    values = {key: contrast[key] for key in ("name", "n", "verdict")}
    return {**values, "mean": contrast["difference"], **_ends("", contrast["corrected_interval"])}


def _ends(prefix: str, interval: Sequence[float | None] | None) -> dict[str, float | None]:
    low, high = interval or (None, None)
    return {f"{prefix}low": low, f"{prefix}high": high}
