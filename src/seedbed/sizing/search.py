"""A whole search for the smallest network: from the question to the answer."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from seedbed import data
from seedbed.data import WatchDownload
from seedbed.errors import Interrupted, RunHalfDone, SpecError, nearest
from seedbed.groups.naming import checked_prefix
from seedbed.sizing.attempts import Attempt
from seedbed.sizing.effort import EFFORTS
from seedbed.sizing.hunt import Problem, hunt
from seedbed.sizing.networks import DEPTHS, forms
from seedbed.sizing.outcome import Smallest
from seedbed.sizing.trainer import Trainer
from seedbed.specs import DataSpec, Plan

if TYPE_CHECKING:
    from seedbed.scheduler import Execution

SEEDS = 5
"""Fresh seeds of a claim, at least; a claim over fewer would say little of other seeds."""

MOST_SEEDS = 1000


def search(
    target: float,
    spec: DataSpec,
    execution: Execution,
    *,
    family: str = "dense",
    depth: int | None = None,
    seeds: int = SEEDS,
    epochs: int | None = None,
    minutes: float | None = None,
    augment: str = "none",
    name: str | None = None,
    watch_download: WatchDownload | None = None,
) -> Smallest:
    """The fewest parameters whose accuracy over fresh seeds lies above the target.

    Args:
        target: an accuracy in (0, 1).
        spec: the data; the claim is about its validation part, and settings are chosen on an inner split of its training part.
        execution: how the runs are trained, and where they live; what is there already is read, so that the same search goes
            on where it was. Its `on_event` gets a `StageStarted` before, and a `Finding` after each round too.
        family: "dense" or "conv".
        depth: hidden layers of dense networks; None tries one to three.
        seeds: fresh ones of each claim, `SEEDS` at least.
        epochs: of a whole training; None is as much as the family needs.
        minutes: stops then, whatever is missing; None takes the time that it takes. The work itself is fixed beforehand.
        augment: random changes of the training images.
        name: stands before the names of the runs; None makes one of family, target and data.
        watch_download: is told how far a download is.

    Raises:
        SpecError: a setting that breaks a rule.
        SeedbedError: as `train_runs` raises them.
    """
    check(target, family, depth, seeds, minutes)
    effort = EFFORTS[family]  # type: ignore[index]
    if epochs is not None:
        effort = replace(effort, epochs=Plan(epochs=epochs).epochs)
    spec = spec.changed(name=data.named(spec.name))
    called = checked_prefix(default_name(target, family, spec) if name is None else name)
    whole, inner = (data.load(data.resolve(spec.changed(inner=inner)), watch_download) for inner in (False, True))
    facts = whole.facts()
    usable = forms(family, DEPTHS if depth is None else (depth,), facts)  # type: ignore[arg-type]
    problem = Problem(target, usable, facts, len(inner.validation), effort, Plan(augment=augment).augment)
    with execution.standing() as standing:
        trainer = Trainer(called, standing, _deadline(minutes), whole.spec, seeds)
        claims, stopped = _hunted(problem, trainer)
    return Smallest(called, target, whole.spec, trainer.tried, claims, stopped)


def _hunted(problem: Problem, trainer: Trainer) -> tuple[list[Attempt], bool]:
    """The claims, and whether time was over before all of them were tested."""
    claims: list[Attempt] = []
    try:
        for claim in hunt(problem, trainer.train, trainer.test):
            claims.append(claim)
    except Interrupted as end:
        if end.signal:
            raise
        return claims, True
    except RunHalfDone:
        if trainer.execution.resume:
            raise
        raise RunHalfDone(
            f"The search {trainer.name!r} was stopped on its way. Go on with --resume, or give the new one another name (-m)."
        ) from None
    return claims, False


def check(target: float, family: str, depth: int | None, seeds: int, minutes: float | None) -> None:
    """Raises `SpecError` where one of these breaks its rule."""
    if not 0 < target < 1:
        percentage = 10 <= target < 100
        raise SpecError(
            f"target = {target:g}: it must lie in (0, 1)" + (f"; did you mean {target / 100:g}?" if percentage else ".")
        )
    if family not in EFFORTS:
        raise SpecError(f"family = {family!r} is not known.{nearest(family, EFFORTS)} Known: {', '.join(EFFORTS)}.")
    if depth is not None and (family != "dense" or depth not in DEPTHS):
        raise SpecError(f"depth = {depth!r}: it must be 1, 2 or 3 hidden layers, of a dense network.")
    if not SEEDS <= seeds <= MOST_SEEDS:
        raise SpecError(f"seeds = {seeds!r}: a claim needs {SEEDS} fresh seeds at least, and {MOST_SEEDS:,} at most.")
    if minutes is not None and not minutes > 0:
        raise SpecError(f"minutes = {minutes!r}: it must be greater than 0.")


def default_name(target: float, family: str, spec: DataSpec) -> str:
    """Of searches that are given none.

    >>> default_name(0.975, "dense", DataSpec(name="digits"))
    'smallest-dense-0p975-digits'
    """
    data_name = "".join(letter if letter.isalnum() and letter.isascii() else "_" for letter in spec.name)[-20:]
    return f"smallest-{family}-{target:g}-{data_name}".replace(".", "p")


def _deadline(minutes: float | None) -> Callable[[], bool]:
    if minutes is None:
        return lambda: False
    end = time.monotonic() + 60 * minutes
    return lambda: time.monotonic() >= end
