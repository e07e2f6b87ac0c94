"""The answer as files: a table, JSON, and the figure."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from seedbed import figures
from seedbed.errors import StatisticsError
from seedbed.figures import words
from seedbed.sizing.attempts import Attempt
from seedbed.sizing.outcome import Smallest
from seedbed.tables import Column, Table, interval_columns

if TYPE_CHECKING:
    from seedbed.figures.theme import AnyChart

FIGURE = "accuracy_over_size"


def save(found: Smallest, folder: Path) -> dict[str, list[Path]]:
    """Write what a search found into a folder; a figure of an earlier save that this one does not draw is removed.

    Returns:
        Kind -> files: `tables` (sizes.csv, one row a setting), `json` (results.json), and the figure by its name, where there
        is one.

    Raises:
        StorageError: a file could not be written, or another process has been writing them for a minute.
    """
    drawn = chart(found)
    return figures.save_results(folder, {FIGURE: drawn} if drawn else {}, {"sizes.csv": table(found).csv()}, found.as_json())


def chart(found: Smallest) -> AnyChart | None:
    """Accuracy over parameters, what was tested with intervals; None where nothing came near the target."""
    known = {one.group: one for one in found.tried}.values()
    tried = [(one.parameters, one.accuracy.mean) for one in known if one.accuracy]
    tested = [(claim.parameters, claim.accuracy) for claim in found.claims if claim.accuracy]
    try:
        return figures.accuracy_over_size(tried, tested, found.target)
    except StatisticsError:
        return None


def table(found: Smallest) -> Table[Attempt]:
    """One row per candidate; accuracies are shares in [0, 1]."""

    def setting(name: str) -> Column[Attempt]:
        return Column(name, lambda one: getattr(one.candidate.plan, name))

    columns: list[Column[Attempt]] = [
        Column("stage", lambda one: one.stage),
        Column("group", lambda one: one.group),
        Column("network", lambda one: words.network(one.candidate.model)),
        Column("parameters", lambda one: one.parameters),
        *map(setting, ("epochs", "learning_rate", "schedule", "batch_size", "l2")),
        Column("seeds", lambda one: len(one.seeds)),
        *interval_columns(lambda one: one.accuracy),
        Column("left_out", lambda one: one.left_out),
    ]
    return Table(columns, found.everything)
