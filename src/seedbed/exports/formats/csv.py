"""CSV: one row per run, with the settings that vary and the metrics of the best and the last epoch."""

from __future__ import annotations

from seedbed.exports.protocol import Draft, MetricsFormat
from seedbed.exports.selection import RunSelection
from seedbed.records import Result
from seedbed.sweeps.files import run_table
from seedbed.tables import Column, Table


def _draft(runs: RunSelection, stem: str) -> Draft:
    several = len(runs.runs) > 1
    text = run_table(runs.varying, runs.groups).csv() if several else epoch_table(runs.runs[0]).csv()
    return Draft({f"{stem}.csv": text.encode()}, ("One row per run." if several else "One row per epoch.",))


def epoch_table(run: Result) -> Table[int]:
    """Make a table with one row per epoch: all columns of the history, losses in nats, accuracies in [0, 1]."""

    def metric(name: str) -> Column[int]:
        return Column(name, lambda epoch: float(run.history[name][epoch - 1]))

    columns = [Column("epoch", lambda epoch: epoch), *map(metric, run.history.columns)]
    return Table(columns, range(1, run.history.epochs + 1))


FORMAT = MetricsFormat("csv", "one row per run; of a single run, one row per epoch", (".csv",), _draft)
