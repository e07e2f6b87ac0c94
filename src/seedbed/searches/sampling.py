"""Proposals: points of the space as a pure function of a seed and the results of the trials before.

A trial's proposal is drawn by a sampler of its own, seeded by the search's seed and the trial's number, in a study in memory
that holds all trials before it; those of its own batch count as running there (Optuna's constant liar keeps them apart). No
random state is kept, so a search that is resumed proposes the same points as one that was never stopped.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from seedbed.searches.space import FAMILIES, OPTIMIZERS, Space

if TYPE_CHECKING:
    from optuna import Study
    from optuna.trial import FrozenTrial

Sampler = Literal["tpe", "random"]
Direction = Literal["maximize", "minimize"]

GROUP = 8
"""Trials in a row that share a program, where it does not depend on their shapes."""

ALIKE = 4
"""Trials in a row of one shape, where a program does; a shape's program costs as much as some epochs, so few shapes are
tried."""

STARTUP = 4
"""Groups whose programs are spread evenly and whose points are random, before the sampler learns from them."""


def propose(
    space: Space, before: Sequence[FrozenTrial], count: int, *, seed: int, sampler: Sampler, directions: Sequence[Direction]
) -> Iterator[dict[str, Any]]:
    """Propose the points of the next trials.

    Args:
        before: all trials, those that are running too, in the order of their numbers.
        count: number of points to propose.
        sampler: "tpe", or "random", which shares no programs either: every trial is drawn by itself.
        directions: directions of the study's values.
    """
    import optuna

    with quiet():
        study = optuna.create_study(directions=list(directions))
        for trial in before:
            study.add_trial(trial)
        for number in range(len(before), len(before) + count):
            yield _next(study, space, number, seed, sampler)


def _next(study: Study, space: Space, number: int, seed: int, sampler: Sampler) -> dict[str, Any]:
    from optuna.samplers import RandomSampler, TPESampler

    leader = number - number % GROUP
    model = number - (number - leader) % ALIKE
    own_seed = int(np.random.default_rng([seed, number, 1]).integers(2**31))
    study.sampler = RandomSampler(seed=own_seed)
    if sampler == "tpe":
        study.sampler = TPESampler(seed=own_seed, n_startup_trials=STARTUP * GROUP, multivariate=True, constant_liar=True)
        shared = _dealt(space, seed, number) if number == leader else space.shared(study.trials[leader].params)
        if number != model:
            shared |= space.shape(study.trials[model].params)
        if shared:
            study.enqueue_trial(shared)
    return dict(study.ask(space.dimensions()).params)


def _dealt(space: Space, seed: int, leader: int) -> dict[str, Any]:
    """Choose optimizers and families of the first groups, each once before any comes twice; the sampler chooses later ones."""
    group = leader // GROUP
    if group >= STARTUP:
        return {}
    order = np.random.default_rng([seed, 0]).permutation(len(OPTIMIZERS))
    dealt: dict[str, Any] = {"optimizer": OPTIMIZERS[order[group % len(OPTIMIZERS)]]}
    if len(space.families) > 1:
        dealt["family"] = FAMILIES[(group + seed) % len(FAMILIES)]
    return dealt


@contextmanager
def quiet() -> Iterator[None]:
    """Silence Optuna's messages: that some of it is experimental, and at its import that a notebook lacks a progress bar."""
    with warnings.catch_warnings(action="ignore"):
        import optuna

        before = optuna.logging.get_verbosity()
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        try:
            yield
        finally:
            optuna.logging.set_verbosity(before)
