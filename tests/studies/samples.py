"""Cells as a bench gives them, made by hand; and a small study that trains in a second or two."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from figures.samples import result
from seedbed.comparison import Candidate
from seedbed.records import History, Result, VerdictKind
from seedbed.specs import Dense, Plan, RunSpec
from seedbed.statistics import accuracy_interval
from seedbed.studies.answers import Figure, Part, Study, Table, interval_text
from seedbed.studies.bench import Bench
from seedbed.studies.cells import Cell, Wanted, wanted
from seedbed.studies.contrasts import Planned
from seedbed.studies.setup import Setup


def run(seed: int, accuracy: float, verdict: VerdictKind = "ok", *, l2: float = 0.0, **columns: float) -> Result:
    """A run whose validation accuracy is the same at all its epochs."""
    made = result(seed, verdict=verdict, l2=l2)
    flat = {"validation_accuracy": np.full(6, accuracy), **{name: np.full(6, value) for name, value in columns.items()}}
    past = History({**made.history.columns, **flat}) if verdict != "diverged" else made.history
    return replace(made, history=past, run=made.run.changed(seed=seed))


def cell(
    correct: Any, *, verdicts: Sequence[VerdictKind] = (), seeds: Sequence[int] = (), l2: float = 0.0, **columns: float
) -> Cell:
    """From booleans `(seeds, images)`; of the runs whose verdict is "diverged" or "collapsed" the row counts for nothing."""
    table = np.atleast_2d(np.asarray(correct, dtype=bool))
    kinds = list(verdicts) or ["ok"] * len(table)
    numbers = list(seeds) or list(range(len(table)))
    pairs = zip(numbers, table, kinds, strict=True)
    results = [run(seed, float(row.mean()), kind, l2=l2, **columns) for seed, row, kind in pairs]
    kept = {each.run.seed: each for each in results if each.verdict.ranked}
    right = {seed: row for seed, row in zip(numbers, table, strict=True) if seed in kept}
    out = {f"a.{each.run.seed}": each.verdict for each in results if not each.verdict.ranked}
    losses = {seed: np.where(row, 0.1, 3.0) for seed, row in right.items()}
    accuracy = accuracy_interval(np.stack(list(right.values()))) if right else None
    judged = Candidate(f"l2-{l2}", kept, out, right, losses, accuracy)
    return Cell({"l2": l2}, results, judged, RunSpec(model=Dense(), plan=Plan(l2=l2)))


def right(accuracy: float, seeds: int = 5, images: int = 1000, *, spread: float = 0.0, seed: int = 0) -> np.ndarray[Any, Any]:
    """Correctness `(seeds, images)` of nets that get easy images right and hard ones wrong, with some chance of their own."""
    random = np.random.default_rng(seed)
    hard = np.random.default_rng(99).random(images)
    level = accuracy + spread * random.standard_normal((seeds, 1))
    return hard + 0.02 * random.standard_normal((seeds, images)) < level


# A study that trains


def design(setup: Setup) -> list[Wanted]:
    return wanted(setup.run(Dense(hidden=(8,)), Plan(epochs=setup.pick(3, 2))), [{"l2": 0.0}, {"l2": 10.0}])


def parts(bench: Bench) -> list[Part]:
    from seedbed.figures import marks
    from seedbed.figures.scales import linear

    cells = bench.train(design(bench.setup))
    settled = bench.settle([Planned("none against far too much", *cells, "no penalty", "l2 10", where="on digits")])
    contrast = settled["none against far too much"]
    points = [{"l2": one.run.plan.l2, "mean": one.accuracy.mean if one.accuracy else None} for one in cells]
    axes = marks.Axes(marks.x("l2", linear([0.0, 10.0])), marks.y("mean", linear([0.0, 1.0])))
    chart = marks.single(axes.dots(points), "Means", "n = 2 seeds", (100, 100))
    rows = [[one.label, f"{one.parameters:,}", interval_text(one.accuracy)] for one in cells]
    table = Table({"setting": "left", "parameters": "right", "accuracy, best epoch (%)": "right"}, rows, "A <table>.")
    return [
        Part(
            name="one",
            question="Does l2 = 10 hurt?",
            answer=[contrast.sentence],
            method="Two settings <b>.",
            figures=[Figure("small_means", chart, "Means.")],
            tables=[table],
            cells=[one.as_json() for one in cells],
            contrasts=[contrast],
        )
    ]


SMALL = Study("small", "A small study", "Does a <huge> penalty hurt?", ("none against far too much",), design, parts)
