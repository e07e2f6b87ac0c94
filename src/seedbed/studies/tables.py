"""Measures and columns that several studies share, the table of contrasts, and `results.csv`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from seedbed import words
from seedbed.groups import Difference, Group, Measure, at_last
from seedbed.statistics import Interval
from seedbed.studies.texts import interval_text, loss_text
from seedbed.tables import Column, Table, keyed_columns

GAP = Measure(
    "generalization gap", lambda result: float(result.history["validation_loss"][-1] - result.history["train_loss"][-1]), "nats"
)
TRAIN_LOSS = at_last("training data loss", "train_loss", unit="nats", better="lower")
VALIDATION_LOSS = at_last("validation data loss", "validation_loss", unit="nats", better="lower")
LOSSES = {"generalization_gap": GAP, "training_data_loss": TRAIN_LOSS, "validation_data_loss": VALIDATION_LOSS}
"""Name in results.json -> measure, all at the last epoch and without penalty."""


def measured(group: Group, measures: Mapping[str, Measure]) -> dict[str, Interval | None]:
    """Name -> mean of each measure, as `Group.as_json` takes them."""
    return {name: group.measured(measure) for name, measure in measures.items()}


def yes_text(value: bool) -> str:
    return "yes" if value else ""


PARAMETERS: Column[Group] = Column("parameters", lambda group: group.parameters, ",")
RUNS: Column[Group] = Column("runs", lambda group: f"{group.n} of {group.total}")
BEST: Column[Group] = Column("accuracy, best epoch", lambda group: group.accuracy, interval_text, unit="%")
LAST: Column[Group] = Column("last epoch", lambda group: group.last, interval_text, unit="%")
GROUP_COLUMNS = (PARAMETERS, RUNS, BEST, LAST)
"""The columns that most tables of groups have."""

TRAIN_LOSS_COLUMN: Column[Group] = Column("training loss", lambda group: group.measured(TRAIN_LOSS), loss_text)
GAP_COLUMN: Column[Group] = Column("gap", lambda group: group.measured(GAP), loss_text)


def contrast_table(contrasts: Sequence[Difference]) -> Table[Difference]:
    """The comparisons that were announced beforehand, with their 95 % intervals and corrected p-values."""
    columns: list[Column[Difference]] = [
        Column("named beforehand", lambda each: " minus ".join(each.contrast.names), align="left"),
        Column("where", lambda each: each.contrast.where, align="left"),
        Column("difference in", lambda each: each.contrast.measure, _with_unit, align="left"),
        Column("mean", lambda each: each.decision and _signed(each, each.decision.interval.mean)),
        Column(
            "95 % interval",
            lambda each: each.decision and " to ".join(_signed(each, end) for end in each.decision.interval.pair()),
        ),
        Column("corrected p", lambda each: each.decision and each.decision.corrected_p, ".2g"),
        Column("verdict", lambda each: each.outcome, align="left"),
    ]
    caption = (
        "Comparisons that were announced before anything was trained: 95 % intervals; p-values and verdicts after Holm's "
        "correction."
    )
    return Table(columns, contrasts, caption)


def _with_unit(measure: Measure) -> str:
    return f"{measure.name} ({measure.unit})" if measure.unit else measure.name


def _signed(difference: Difference, value: float) -> str:
    measure = difference.contrast.measure
    return f"{measure.factor * value:+.{measure.digits}f}"


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
    verdicts = words.kinds(cell.get("verdicts") or {})
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
