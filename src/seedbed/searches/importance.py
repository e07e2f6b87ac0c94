"""The importance of each dimension of the space: functional ANOVA, with its uncertainty by a bootstrap over the trials."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from seedbed.searches.sampling import quiet

LEAST_TRIALS = 20
"""Fewer trials are too few for a dozen dimensions."""
RESAMPLES = 20
TREES = 8


@dataclass(frozen=True)
class Importance:
    """The share of the accuracy's variance over the trials that a dimension explains by itself.

    Attributes:
        low, high: ends of the bootstrap's 90 % interval.
    """

    dimension: str
    share: float
    low: float
    high: float


ImportanceEstimate = Callable[..., list[Importance]]
"""A function with the arguments and the result of `importances`."""


def importances(
    points: Sequence[Mapping[str, Any]], values: Sequence[float], dimensions: Mapping[str, Any], *, seed: int = 0
) -> list[Importance]:
    """Estimate the importance of each dimension, the largest first; empty where there are too few trials, or all are alike.

    The trials are not spread evenly, for a search looks where it is good: this is about the region that was looked at.

    Args:
        points, values: points and comparable values of the trials: accuracies after equally many epochs.

    Source: Hutter, Hoos, Leyton-Brown 2014, "An Efficient Approach for Assessing Hyperparameter Importance".
    """
    if len(points) < LEAST_TRIALS or np.ptp(values) == 0:
        return []
    whole = _shares(points, values, dimensions, seed)
    random = np.random.default_rng(seed)
    drawn: list[dict[str, float]] = []
    for resample in range(RESAMPLES):
        chosen = random.integers(len(points), size=len(points))
        some = [values[each] for each in chosen]
        if np.ptp(some) > 0:
            drawn.append(_shares([points[each] for each in chosen], some, dimensions, seed + resample))
    importances = []
    for name, share in whole.items():
        low, high = np.quantile([shares[name] for shares in drawn], [0.05, 0.95]) if drawn else (np.nan, np.nan)
        importances.append(Importance(name, float(share), float(min(low, share)), float(max(high, share))))
    return sorted(importances, key=lambda importance: -importance.share)


def _shares(
    points: Sequence[Mapping[str, Any]], values: Sequence[float], dimensions: Mapping[str, Any], seed: int
) -> dict[str, float]:
    import optuna
    from optuna.importance import FanovaImportanceEvaluator, get_param_importances
    from optuna.trial import create_trial

    with quiet():
        study = optuna.create_study(direction="maximize")
        for point, value in zip(points, values, strict=True):
            study.add_trial(create_trial(params=dict(point), distributions=dict(dimensions), value=value))
        evaluator = FanovaImportanceEvaluator(n_trees=TREES, seed=seed)
        varying = [name for name in dimensions if len({point[name] for point in points}) > 1]
        return dict(get_param_importances(study, evaluator=evaluator, params=varying, normalize=False))
