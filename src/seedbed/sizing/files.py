"""The answer as files: a table, JSON, and the figure."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from seedbed import figures
from seedbed.errors import StatisticsError
from seedbed.sizing.attempts import Attempt
from seedbed.sizing.outcome import Smallest
from seedbed.tables import Column, Table, interval_columns

if TYPE_CHECKING:
    from seedbed.figures.theme import AnyChart

FIGURE = "accuracy_over_size"


def save(smallest: Smallest, folder: Path) -> dict[str, list[Path]]:
    """Write the answer into a folder; a figure of an earlier save that this one does not draw is removed.

    Returns:
        Kind -> files: `tables` (sizes.csv, one row per setting), `json` (results.json), and the figure by its name, where there
        is one.

    Raises:
        StorageError: a file could not be written, or another process has been writing them for a minute.
    """
    drawn = chart(smallest)
    return figures.save_results(
        folder, {FIGURE: drawn} if drawn else {}, {"sizes.csv": table(smallest).csv()}, smallest.as_json()
    )


def chart(smallest: Smallest) -> AnyChart | None:
    """Draw accuracy over parameters, claims with intervals; None where nothing is near the target."""
    last = {attempt.group: attempt for attempt in smallest.tried}.values()
    tried = [(attempt.parameters, attempt.accuracy.mean) for attempt in last if attempt.accuracy]
    tested = [(claim.parameters, claim.accuracy) for claim in smallest.claims if claim.accuracy]
    try:
        return figures.accuracy_over_size(tried, tested, smallest.target)
    except StatisticsError:
        return None


def table(smallest: Smallest) -> Table[Attempt]:
    """Make a table with one row per attempt; accuracies are shares in [0, 1]."""

    def setting(name: str) -> Column[Attempt]:
        return Column(name, lambda attempt: getattr(attempt.candidate.plan, name))

    columns: list[Column[Attempt]] = [
        Column("stage", lambda attempt: attempt.stage),
        Column("group", lambda attempt: attempt.group),
        Column("network", lambda attempt: attempt.candidate.model.title),
        Column("parameters", lambda attempt: attempt.parameters),
        *map(setting, ("epochs", "learning_rate", "schedule", "batch_size", "l2")),
        Column("seeds", lambda attempt: len(attempt.seeds)),
        *interval_columns(lambda attempt: attempt.accuracy),
        Column("left_out", lambda attempt: attempt.left_out),
    ]
    return Table(columns, smallest.everything)
