"""Columns that the tables of several studies share, the table of contrasts, and `results.csv`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from seedbed.figures import words
from seedbed.groups import Difference, Group
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


PARAMETERS: Column[Group] = Column("parameters", lambda cell: cell.parameters, ",")
RUNS: Column[Group] = Column("runs", lambda cell: f"{cell.n} of {cell.total}")
BEST: Column[Group] = Column("accuracy, best epoch", lambda cell: cell.accuracy, interval_text, unit="%")
LAST: Column[Group] = Column("last epoch", lambda cell: cell.last, interval_text, unit="%")


def contrast_table(contrasts: Sequence[Difference]) -> Table[Difference]:
    """The comparisons that were announced beforehand, with their 95 % intervals and corrected p-values."""
    columns: list[Column[Difference]] = [
        Column("named beforehand", lambda one: " minus ".join(one.contrast.names), align="left"),
        Column("where", lambda one: one.contrast.where, align="left"),
        Column("difference in", _measure, align="left"),
        Column("mean", lambda one: one.decision and _signed(one, one.decision.interval.mean)),
        Column("95 % interval", _range),
        Column("corrected p", lambda one: one.decision and one.decision.corrected_p, ".2g"),
        Column("verdict", lambda one: one.outcome, align="left"),
    ]
    caption = (
        "Comparisons that were announced before anything was trained: 95 % intervals; p-values and verdicts after Holm's "
        "correction."
    )
    return Table(columns, contrasts, caption)


def _measure(difference: Difference) -> str:
    measure = difference.contrast.measure
    return f"{measure.name} ({measure.unit})" if measure.unit else measure.name


def _signed(difference: Difference, value: float) -> str:
    measure = difference.contrast.measure
    return f"{measure.factor * value:+.{measure.digits}f}"


def _range(difference: Difference) -> str | None:
    decision = difference.decision
    return " to ".join(_signed(difference, end) for end in decision.interval.pair()) if decision else None


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
