"""Cells of networks with two hidden layers, made by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from seedbed.studies.cells import Cell

from seedbed.models import facts
from seedbed.specs import Dense
from studies.samples import cell


def net(hidden: tuple[int, int], correct: Any, **how: Any) -> Cell:
    """From booleans `(seeds, images)`; its parameters are those behind images of 28 x 28."""
    made, model = cell(correct, **how), Dense(hidden=hidden)
    size = facts(model, (28, 28, 1), 10)
    results = [replace(result, model=size, run=result.run.changed(model=model)) for result in made.results]
    judged = replace(made.judged, name="-".join(map(str, hidden)), runs={r.run.seed: r for r in results if r.verdict.ranked})
    return Cell({"hidden": hidden}, results, judged, made.run.changed(model=model))
