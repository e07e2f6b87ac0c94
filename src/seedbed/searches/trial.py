"""A trial: one point of the space, tried once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from seedbed.records import ModelFacts
from seedbed.specs import RunSpec

State = Literal["complete", "pruned", "diverged", "collapsed"]


@dataclass(frozen=True)
class Trial:
    """What was tried, and what came of it.

    Attributes:
        number: in the order of asking, from 0.
        name: of its run; a setting that was proposed before has the name of that trial.
        point: of the space.
        accuracy: of the best epoch on the validation images, the folds' mean; it flatters whoever is chosen by it.
        curve: epoch -> the best accuracy so far, where the search has one direction.
    """

    number: int
    name: str
    run: RunSpec
    model: ModelFacts
    point: Mapping[str, Any]
    state: State
    accuracy: float
    curve: Mapping[int, float]
    seconds: float

    def as_json(self) -> dict[str, Any]:
        return {
            "number": self.number,
            "name": self.name,
            "state": self.state,
            "accuracy": self.accuracy,
            "model": {**self.run.model.plain(), **vars(self.model)},
            "plan": self.run.plan.plain(),
        }
