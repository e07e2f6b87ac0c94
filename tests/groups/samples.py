"""Groups as training returns them, made by hand: in them it is known which is better, and by how much."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from figures.samples import result
from seedbed.groups import Group
from seedbed.models import facts
from seedbed.records import History, Result, VerdictKind
from seedbed.specs import DataSpec, Dense


def run(
    seed: int, accuracy: float, verdict: VerdictKind = "good_fit", *, l2: float = 0.0, name: str = "a", **columns: float
) -> Result:
    """A run whose validation accuracy is the same at all its epochs."""
    made = result(seed, verdict=verdict, l2=l2, name=name)
    flat = {"validation_accuracy": np.full(6, accuracy), **{key: np.full(6, value) for key, value in columns.items()}}
    past = History({**made.history.columns, **flat}) if verdict != "diverged" else made.history
    return replace(made, name=f"{name}.{seed}", history=past)


def group(
    correct: Any,
    *,
    verdicts: Sequence[VerdictKind] = (),
    seeds: Sequence[int] = (),
    l2: float = 0.0,
    last: Any = None,
    **columns: float,
) -> Group:
    """From booleans `(seeds, images)`; of the runs whose verdict is "diverged" or "collapsed" the row counts for nothing.

    Args:
        last: as `correct`, at the last epoch; without it the runs kept no predictions of that epoch.
    """
    table = np.atleast_2d(np.asarray(correct, dtype=bool))
    kinds = list(verdicts) or ["good_fit"] * len(table)
    numbers = list(seeds) or list(range(len(table)))
    name = f"l2-{l2}"
    rows = zip(numbers, table, kinds, strict=True)
    results = [run(seed, float(row.mean()), kind, l2=l2, name=name, **columns) for seed, row, kind in rows]
    made = Group(name, results, {"l2": l2})
    made.correct.update({seed: row for seed, row in zip(numbers, table, strict=True) if seed in made.included})
    made.losses.update({seed: np.where(row, 0.1, 3.0) for seed, row in made.correct.items()})
    if last is not None:
        rows_last = zip(numbers, np.atleast_2d(last), strict=True)
        made.last_correct.update({seed: row for seed, row in rows_last if seed in made.included})
    return made


def net(hidden: tuple[int, int], correct: Any, **how: Any) -> Group:
    """As `group`, of a network with two hidden layers; its parameters are those behind images of 28 x 28."""
    made, model = group(correct, **how), Dense(hidden=hidden)
    size, name = facts(model, (28, 28, 1), 10), "-".join(map(str, hidden))
    results = [
        replace(each, name=f"{name}.{each.run.seed}", model=size, run=each.run.changed(model=model)) for each in made.results
    ]
    return replace(made, name=name, results=results, setting={"hidden": hidden})


def folded(correct: dict[int, list[Any]], *, broken: dict[tuple[int, int], VerdictKind] | None = None) -> Group:
    """A group of folds.

    Args:
        correct: seed -> for each fold booleans `(images,)`.
        broken: (seed, fold) -> verdict of the runs that are not "good_fit".
    """
    results = []
    for seed, folds in correct.items():
        for fold, row in enumerate(folds):
            made = run(seed, float(np.mean(row)), (broken or {}).get((seed, fold), "good_fit"), name=f"a-fold-{fold}")
            on = made.run.changed(data=DataSpec(name="digits", fold=(fold, len(folds))))
            results.append(replace(made, run=on))
    found = Group("a", results)
    found.correct.update({seed: np.concatenate(correct[seed]) for seed in found.included})
    found.losses.update({seed: np.where(row, 0.1, 3.0) for seed, row in found.correct.items()})
    return found


def right(accuracy: float, seeds: int = 5, images: int = 1000, *, spread: float = 0.0, seed: int = 0) -> np.ndarray[Any, Any]:
    """Correctness `(seeds, images)` of nets that get easy images right and hard ones wrong, with some chance of their own."""
    random = np.random.default_rng(seed)
    hard = np.random.default_rng(99).random(images)
    level = accuracy + spread * random.standard_normal((seeds, 1))
    return hard + 0.02 * random.standard_normal((seeds, images)) < level
