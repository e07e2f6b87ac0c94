"""JSON: each run with its settings, sizes, verdict and the metrics of every epoch, as `runs show --json` has them."""

from __future__ import annotations

import json

from seedbed.exports.protocol import Draft, MetricsFormat
from seedbed.exports.selection import RunSelection


def _draft(runs: RunSelection, stem: str) -> Draft:
    plain = {"name": runs.name, "varying": runs.varying, "runs": [run.as_json() for run in runs.runs]}
    text = json.dumps(plain, allow_nan=False, ensure_ascii=False, indent=1)
    return Draft({f"{stem}.json": f"{text}\n".encode()}, ("Every run with its settings and the metrics of each epoch.",))


FORMAT = MetricsFormat("json", "every run with its settings and each epoch's metrics", (".json",), _draft)
