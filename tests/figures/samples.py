"""Results as `grow` would return them, made by hand."""

from __future__ import annotations

import numpy as np

from seedbed.records import DataFacts, History, ModelFacts, Result, Seconds, Verdict, VerdictKind
from seedbed.specs import Plan, RunSpec

HOSTILE = ("<img src=x onerror=alert(1)>", "</script><script>alert(2)</script>", "a & b")


def history(epochs: int = 6, *, seed: int = 0, penalty: float = 0.0) -> History:
    """Losses that fall and accuracies that rise, a little different for each seed."""
    epoch, chance = np.arange(1, epochs + 1), np.random.default_rng(seed)
    columns = {
        "train_loss": 0.4 * epoch**-1.5 + 0.002 * chance.random(epochs),
        "train_penalty": np.full(epochs, penalty),
        "train_accuracy": 1 - 0.08 * epoch**-1.3,
        "validation_loss": 0.3 * epoch**-0.5,
        "validation_accuracy": 0.97 - 0.04 * epoch**-1.2 + 0.004 * chance.random(epochs),
        "saturation/dense_0": epoch / 10,
        "saturation/dense_1": epoch / 20,
    }
    return History(columns)


def result(
    seed: int = 0, *, epochs: int = 6, penalty: float = 0.0, verdict: VerdictKind = "good_fit", l2: float = 0.0, name: str = "a"
) -> Result:
    past = history(epochs, seed=seed, penalty=penalty)
    if verdict == "diverged":
        past = History({column: np.where(np.arange(epochs) > 1, np.nan, values) for column, values in past.columns.items()})
    return Result(
        name=name,
        group=name,
        run=RunSpec(seed=seed, plan=Plan(epochs=10, l2=l2)),
        model=ModelFacts(parameters=178_110, operations=355_600, units=300),
        data=DataFacts(train=55_000, validation=5_000, test=10_000, classes=("0", "1"), image_shape=(28, 28, 1)),
        history=past,
        verdict=Verdict(verdict, "as made", "Try."),
        seconds=Seconds(1, 2, 3),
        device="cpu",
    )
