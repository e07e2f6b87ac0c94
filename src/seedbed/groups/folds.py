"""Folds: the seeds of a setting validate on the folds of its data in turn.

With K folds the run with seed s validates on fold s mod K and trains on the others. So K seeds in a row judge each image
once, each of them a network of its own: as many networks as with one validation part, and many more images.
"""

from __future__ import annotations

from collections.abc import Sequence

from seedbed.errors import SpecError
from seedbed.records import DataFacts
from seedbed.specs import DataSpec, RunSpec

FEW_IMAGES = 1_000
"""Validation images below which studies use folds where they are free to."""

MOST_BY_DEFAULT = 10
"""Folds that studies use where they are free to; more would leave few images to each."""


def on_fold(run: RunSpec, seed: int, folds: int) -> RunSpec:
    """Return the run with a seed, on the seed's fold.

    Raises:
        SpecError: these data are not cut into folds, or the run is on a fold already.
    """
    if folds == 1:
        return run.changed(seed=seed)
    if run.data.fold:
        raise SpecError(f"folds = {folds}: the data name a fold already, {run.data.fold}; give one of the two.")
    return run.changed(seed=seed, data=run.data.changed(fold=(seed % folds, folds)))


def fold_seeds(folds: int, seeds: Sequence[int] | None, *, default: int, first: int = 0) -> tuple[int, ...]:
    """Return seeds with which each image is judged equally often.

    Args:
        folds: number of folds; 1 means one validation part.
        seeds: the seeds. None means `default` ones, or the next multiple of the folds, counted from `first`.

    Raises:
        SpecError: the number of folds is below 1, or the seeds do not come to each fold equally often.
    """
    if not (type(folds) is int and folds >= 1):
        raise SpecError(f"folds = {folds!r}: it must be a whole number, 1 (one validation part) or more.")
    if seeds is None:
        return tuple(range(first, first + whole_turns(default, folds)))
    turns = [sum(seed % folds == fold for seed in seeds) for fold in range(folds)] if folds > 1 else [len(seeds)]
    if min(turns) < max(turns):
        raise SpecError(
            f"{len(seeds)} seeds on {folds} folds: their number must be a multiple of {folds}, and they must follow on each "
            f"other, so that each image is judged equally often; {whole_turns(len(seeds), folds)} would do."
        )
    return tuple(seeds)


def whole_turns(seeds: int, folds: int) -> int:
    """Return the least multiple of the folds that is no less than a number of seeds."""
    return -(-seeds // folds) * folds


def default_folds(data: DataSpec, facts: DataFacts, seeds: int) -> int:
    """Return the folds of a study that is free to choose: where there are few validation images, the least that fit its seeds.

    Args:
        data: data of the study.
        facts: sizes of all of the data, with its one validation part.
        seeds: number of seeds of each setting.
    """
    if data.protocol != "honest" or data.inner or data.fold or facts.validation >= FEW_IMAGES:
        return 1
    return next((folds for folds in range(3, MOST_BY_DEFAULT + 1) if seeds % folds == 0), 1)
