"""Real curves with the verdict that a person gave each by the page on verdicts, from pictures, before the rules saw them.

`curves.jsonl` has one curve per line: small networks on the digits, on MNIST and on subsets, with penalties, label noise, rare
classes, rates that are far too high or too low, and patience. `judged` is the person's verdict, `seen` the reason.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from seedbed.diagnosis import LastPredictions
from seedbed.records import METRICS, DataFacts, History
from seedbed.specs import RunSpec


@dataclass(frozen=True, eq=False)
class JudgedCurve:
    name: str
    judged: str
    seen: str
    history: History
    run: RunSpec
    data: DataFacts
    last: LastPredictions


def judged_curves() -> list[JudgedCurve]:
    return [_curve(json.loads(line)) for line in Path(__file__).with_name("curves.jsonl").read_text().splitlines()]


def _curve(row: dict[str, Any]) -> JudgedCurve:
    columns = {name: np.array(row["history"].get(name, 0.0), dtype=np.float64) for name in METRICS}
    epochs = len(columns["train_loss"])
    history = History({name: np.broadcast_to(column, epochs) for name, column in columns.items()})
    run = RunSpec.model_validate({"model": row["model"], "plan": row["plan"], "data": {"name": row["data"]}})
    classes = tuple(str(number) for number in range(len(row["labels"])))
    data = DataFacts(row["train"], sum(row["labels"]), 270, classes, (8, 8, 1))
    last = LastPredictions(np.array(row["labels"]), np.array(row["predicted"]), row["loss_error"])
    return JudgedCurve(row["name"], row["judged"], row["seen"], history, run, data, last)
