"""The answer as files: a table, JSON, and the figure."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from seedbed import figures
from seedbed.errors import StatisticsError
from seedbed.figures import words
from seedbed.sizing.attempts import Attempt
from seedbed.sizing.outcome import Smallest

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
    return figures.save_results(folder, {FIGURE: drawn} if drawn else {}, {"sizes.csv": table(found)}, found.as_json())


def chart(found: Smallest) -> AnyChart | None:
    """Accuracy over parameters, what was tested with intervals; None where nothing came near the target."""
    known = {one.group: one for one in found.tried}.values()
    tried = [(one.parameters, one.accuracy.mean) for one in known if one.accuracy]
    tested = [(claim.parameters, claim.accuracy) for claim in found.claims if claim.accuracy]
    try:
        return figures.accuracy_over_size(tried, tested, found.target)
    except StatisticsError:
        return None


def table(found: Smallest) -> str:
    """CSV, one row a setting; shares in [0, 1], what is not known is empty."""
    heads = ["stage", "group", "network", "parameters", "epochs", "learning_rate", "schedule", "batch_size", "l2"]
    rows: list[list[Any]] = [[*heads, "seeds", "mean", "low", "high", "left_out"]]
    for one in found.everything:
        plan = one.candidate.plan
        how = [plan.epochs, plan.learning_rate, plan.schedule, plan.batch_size, plan.l2]
        network = words.network(one.candidate.model)
        rows.append([one.stage, one.group, network, one.parameters, *how, len(one.seeds), *_shares(one), one.left_out])
    return figures.csv_text(rows)


def _shares(one: Attempt) -> list[float | None]:
    if one.accuracy is None:
        return [None, None, None]
    return [one.accuracy.mean, *(one.accuracy.pair() if one.stage == "claim" else [None, None])]
