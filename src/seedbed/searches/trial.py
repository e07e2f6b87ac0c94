"""A trial: one point of the space, tried once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Self

from seedbed.records import ModelFacts
from seedbed.specs import RunSpec

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

TrialState = Literal["complete", "pruned", "diverged", "collapsed"]


@dataclass(frozen=True)
class Trial:
    """A point that was tried, and the result.

    Attributes:
        number: place in the order of asking, from 0.
        name: name of the run; a setting that was proposed before has the name of that trial.
        point: point of the space.
        accuracy: validation accuracy at the best epoch, the folds' mean; optimistic for a trial that is chosen by it.
        curve: epoch -> best score so far; 0 for a run that diverged or collapsed, so that the sampler keeps away from it.
            The store keeps it only where the search has one direction.
        seconds: time of its runs in the workers.
        metric: the same as `accuracy`, of the metric that the search goes by (`Plan.metric`). None means the accuracy.
    """

    number: int
    name: str
    run: RunSpec
    model: ModelFacts
    point: Mapping[str, Any]
    state: TrialState
    accuracy: float
    curve: Mapping[int, float]
    seconds: float
    metric: float | None = None

    @property
    def score(self) -> float:
        """What the search goes by."""
        return self.accuracy if self.metric is None else self.metric

    @classmethod
    def read(cls, frozen: FrozenTrial) -> Self:
        """Read a trial from Optuna's record of it."""
        stored = frozen.user_attrs
        return cls(
            number=frozen.number,
            name=stored["run"],
            run=RunSpec(**stored["settings"]),
            model=ModelFacts(stored["parameters"], stored["operations"], stored["units"]),
            point=dict(frozen.params),
            state=stored["state"],
            accuracy=stored["accuracy"],
            curve=dict(sorted(frozen.intermediate_values.items())),
            seconds=stored["seconds"],
            metric=stored.get("metric"),
        )

    def attributes(self) -> dict[str, Any]:
        """Return what Optuna's record holds next to point, values and curve, as JSON values."""
        return {
            "run": self.name,
            "identity": self.run.identity,
            "accuracy": self.accuracy,
            "metric": self.metric,
            "network": self.run.model.title,
            "state": self.state,
            **vars(self.model),
            "epochs": len(self.curve),
            "seconds": self.seconds,
            "settings": self.run.plain(),
        }
