"""The whole search for the smallest network, from the question to the answer."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from seedbed import data
from seedbed.data import WatchData
from seedbed.errors import Interrupted, RunHalfDone, SpecError, nearest
from seedbed.groups.naming import checked_prefix
from seedbed.sizing.attempts import Attempt
from seedbed.sizing.effort import EFFORTS
from seedbed.sizing.networks import DEPTHS, forms
from seedbed.sizing.outcome import Smallest
from seedbed.sizing.stages import Problem, run_stages, scouting
from seedbed.sizing.trainer import AttemptTrainer, requests_of, runs_of
from seedbed.specs import DataSpec, Plan

if TYPE_CHECKING:
    from seedbed.scheduler import Execution, Forecast

SEEDS = 5
"""Least number of fresh seeds of a claim; a claim over fewer would say little about other seeds."""

MOST_SEEDS = 1000


@dataclass(frozen=True)
class SizingTerms:
    """The settings of a search, checked, with everything that depends on the data.

    Attributes:
        name: prefix of the runs' names.
        problem: what the stages need to know.
        data: data of the claim, resolved.
        seeds: number of fresh seeds of each claim.
    """

    name: str
    problem: Problem
    data: DataSpec
    seeds: int


def terms_for(
    target: float,
    spec: DataSpec,
    *,
    family: str = "dense",
    depth: int | None = None,
    seeds: int = SEEDS,
    epochs: int | None = None,
    augment: str = "none",
    name: str | None = None,
    watch_download: WatchData | None = None,
) -> SizingTerms:
    """Make the terms of a search on a data set, which is loaded for its sizes.

    Args:
        target: accuracy in (0, 1).
        spec: data; the claim is about its validation part, and settings are chosen on an inner split of its training part.
        family: "dense" or "conv".
        depth: number of hidden layers of dense networks. None tries one to three.
        seeds: number of fresh seeds of each claim, at least `SEEDS`.
        epochs: epochs of a whole training. None means what the family needs.
        augment: random changes of the training images.
        name: prefix of the runs' names. None derives one from family, target and data.
        watch_download: callback for the progress of a download.

    Raises:
        SpecError: a setting breaks a rule.
        DataError: the images are not available.
    """
    check(target, family, depth, seeds)
    effort = EFFORTS[family]
    plan = Plan(epochs=effort.epochs if epochs is None else epochs, augment=augment)  # an error before the data are loaded
    spec = data.spec_of(spec, watch_download)
    called = checked_prefix(default_name(target, family, spec) if name is None else name)
    whole, inner = (data.load(data.resolve(spec.changed(inner=inner)), watch_download) for inner in (False, True))
    facts = whole.facts()
    usable = forms(family, DEPTHS if depth is None else (depth,), facts)
    problem = Problem(target, usable, facts, len(inner.validation), replace(effort, epochs=plan.epochs), plan.augment)
    return SizingTerms(called, problem, whole.spec, seeds)


def run(terms: SizingTerms, execution: Execution, *, minutes: float | None = None) -> Smallest:
    """Find the fewest parameters whose accuracy over fresh seeds is above the target.

    Args:
        execution: how the runs are trained, and where they live; finished runs are read, so that the same search resumes where
            it was. Its `on_event` gets a `StageStarted` before and a `Finding` after each round too.
        minutes: time after which the search stops, whatever is missing. None means no limit; the work is fixed beforehand.

    Raises:
        SpecError: `minutes` is not positive.
        SeedbedError: as `train_runs` raises them.
    """
    if minutes is not None and not minutes > 0:
        raise SpecError(f"minutes = {minutes!r}: it must be greater than 0.")
    with execution.standing() as standing:
        trainer = AttemptTrainer(terms.name, standing, _deadline(minutes), terms.data, terms.seeds)
        claims, stopped = _claims(terms.problem, trainer)
    return Smallest(terms.name, terms.problem.target, terms.data, trainer.tried, claims, stopped)


def forecast_scouts(terms: SizingTerms, execution: Execution) -> Forecast:
    """Forecast the first round; what the others cost depends on what it finds."""
    from seedbed.scheduler import forecast

    runs = runs_of(next(scouting(terms.problem)), terms.data.changed(inner=True))
    return forecast([entry for request in requests_of(terms.name, runs, (0,)) for entry in request.entries], execution)


def _claims(problem: Problem, trainer: AttemptTrainer) -> tuple[list[Attempt], bool]:
    """Return the claims, and whether time was over before all of them were tested."""
    claims: list[Attempt] = []
    try:
        for claim in run_stages(problem, trainer.train, trainer.test):
            claims.append(claim)
    except Interrupted as end:
        if end.signal:
            raise
        return claims, True
    except RunHalfDone:
        if trainer.execution.resume:
            raise
        raise RunHalfDone(
            f"The search {trainer.name!r} was stopped before its end. Continue with --resume, or give another name (-m)."
        ) from None
    return claims, False


def check(target: float, family: str, depth: int | None, seeds: int) -> None:
    """Raise `SpecError` where one of these breaks its rule."""
    if not 0 < target < 1:
        meant = f"; did you mean {target / 100:g}?" if 10 <= target < 100 else "."
        raise SpecError(f"target = {target:g}: it must lie in (0, 1){meant}")
    if family not in EFFORTS:
        raise SpecError(f"family = {family!r} is not known.{nearest(family, EFFORTS)} Known: {', '.join(EFFORTS)}.")
    if depth is not None and (family != "dense" or depth not in DEPTHS):
        raise SpecError(f"depth = {depth!r}: it must be 1, 2 or 3 hidden layers, of a dense network.")
    if not SEEDS <= seeds <= MOST_SEEDS:
        raise SpecError(f"seeds = {seeds!r}: a claim needs {SEEDS} fresh seeds at least, and {MOST_SEEDS:,} at most.")


def default_name(target: float, family: str, spec: DataSpec) -> str:
    """Derive a name from family, target and data.

    >>> default_name(0.975, "dense", DataSpec(name="digits"))
    'smallest-dense-0p975-digits'
    """
    data_name = "".join(letter if letter.isalnum() and letter.isascii() else "_" for letter in spec.name)[-20:]
    return f"smallest-{family}-{target:g}-{data_name}".replace(".", "p")


def _deadline(minutes: float | None) -> Callable[[], bool]:
    """Make the function that says whether the time is over."""
    end = math.inf if minutes is None else time.monotonic() + 60 * minutes
    return lambda: time.monotonic() >= end
