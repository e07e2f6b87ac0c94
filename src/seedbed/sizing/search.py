"""A whole search for the smallest network: from the question to the answer."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from seedbed import data
from seedbed.data import WatchDownload
from seedbed.errors import Interrupted, RunHalfDone, SpecError, nearest
from seedbed.executor import LOCAL, Engine, standing
from seedbed.records import Result
from seedbed.runs import Entry, Home
from seedbed.sizing.effort import EFFORTS
from seedbed.sizing.hunt import Problem, hunt
from seedbed.sizing.networks import DEPTHS, forms
from seedbed.sizing.records import Claim, Smallest
from seedbed.sizing.trainer import Grow, Trainer, Watching
from seedbed.specs import DataSpec, Plan, checked_group
from seedbed.training.events import Event

SEEDS = 5
"""Fresh seeds of a claim, at least; a claim over fewer would say little of other seeds."""

MOST_SEEDS = 1000
LONGEST_NAME = 60
"""So that there is room for the setting and the seed behind it."""


def search(
    target: float,
    spec: DataSpec,
    home: Home,
    *,
    family: str = "dense",
    depth: int | None = None,
    seeds: int = SEEDS,
    epochs: int | None = None,
    minutes: float | None = None,
    augment: str = "none",
    name: str | None = None,
    device: str = "auto",
    workers: int | None = None,
    engine: Engine = LOCAL,
    watching: Watching | None = None,
    tell: Callable[[str], None] | None = None,
    watch_download: WatchDownload | None = None,
    resume: bool = False,
) -> Smallest:
    """The fewest parameters whose accuracy over fresh seeds lies above the target.

    Args:
        target: an accuracy in (0, 1).
        spec: the data; the claim is about its validation part, and settings are chosen on an inner split of its training part.
        home: where the runs live; what is there already is read, so that the same search goes on where it was.
        family: "dense" or "conv".
        depth: hidden layers of dense networks; None tries one to three.
        seeds: fresh ones of each claim, `SEEDS` at least.
        epochs: of a whole training; None is as much as the family needs.
        minutes: stops then, whatever is missing; None takes the time that it takes. The work itself is fixed beforehand.
        augment: random changes of the training images.
        name: stands before the names of the runs; None makes one of family, target and data.
        device, workers, engine, resume: as `grow` takes them.
        watching: called with what is done next and how many runs that are; gives a watcher for `grow`.
        tell: is told in a sentence what came of each round.
        watch_download: is told how far a download is.

    Raises:
        SpecError: a setting that breaks a rule.
        SeedbedError: as `grow` raises them.
    """
    check(target, family, depth, seeds, minutes)
    effort = EFFORTS[family]  # type: ignore[index]
    if epochs is not None:
        effort = replace(effort, epochs=Plan(epochs=epochs).epochs)
    spec = spec.changed(name=data.named(spec.name))
    called = _checked_name(default_name(target, family, spec) if name is None else name)
    whole, inner = (data.load(data.resolve(spec.changed(inner=inner)), watch_download) for inner in (False, True))
    facts = whole.facts()
    usable = forms(family, DEPTHS if depth is None else (depth,), facts)  # type: ignore[arg-type]
    problem = Problem(target, usable, facts, len(inner.validation), effort, Plan(augment=augment).augment)
    with standing(engine) as crew:
        grow = _grower(home, device=device, workers=workers, engine=crew, resume=resume, until=_deadline(minutes))
        trainer = Trainer(called, home, grow, whole.spec, seeds, watching, tell)
        claims, stopped = _hunted(problem, trainer, resume=resume)
    return Smallest(called, target, whole.spec, trainer.tried, claims, stopped)


def _hunted(problem: Problem, trainer: Trainer, *, resume: bool) -> tuple[list[Claim], bool]:
    """The claims, and whether time was over before all of them were tested."""
    claims: list[Claim] = []
    try:
        for claim in hunt(problem, trainer.train, trainer.test):
            claims.append(claim)
    except Interrupted as end:
        if end.signal:
            raise
        return claims, True
    except RunHalfDone:
        if resume:
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


def _checked_name(name: str) -> str:
    if len(checked_group(name)) > LONGEST_NAME:
        raise SpecError(f"name = {name!r}: it may have {LONGEST_NAME} characters here; those of its settings follow it.")
    return name


def _deadline(minutes: float | None) -> Callable[[], bool]:
    if minutes is None:
        return lambda: False
    end = time.monotonic() + 60 * minutes
    return lambda: time.monotonic() >= end


def _grower(home: Home, **how: Any) -> Grow:
    from seedbed.grow import grow

    def grown(entries: Sequence[Entry], watch: Callable[[Event], None] | None, *, metrics_only: bool) -> list[Result]:
        return grow(entries, home, watch=watch, metrics_only=metrics_only, **how)

    return grown
