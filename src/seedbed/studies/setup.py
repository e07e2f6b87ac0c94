"""The setup of a study: images, seeds, and whether it is a quick preview."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from seedbed import data as images
from seedbed import words
from seedbed.errors import SpecError
from seedbed.groups import Request
from seedbed.groups.folds import FEW_IMAGES, default_folds, fold_seeds
from seedbed.records import DataFacts
from seedbed.specs import AUTO, DataSpec, ModelSpec, Plan, RunSpec

T = TypeVar("T")

SEEDS, QUICK_SEEDS = 5, 3
MOST_SEEDS = 1_000
BATCH_SIZE = 128

OWN = "own"
"""Value of `epochs` for those that each study has by itself."""

FEWER = "fewer seeds, epochs and settings than the whole study"
QUICK = f"--quick: {FEWER}; a preview"
"""The line on every figure of a quick study."""


@dataclass(frozen=True)
class Setup:
    """The setup of a study.

    Attributes:
        data: data spec, with the digest of the content.
        facts: sizes of all of the data; with folds those of the first one, from which the others differ by an image per class.
        seeds: seeds with which each setting is trained.
        quick: whether it has fewer seeds, epochs and settings.
        folds: number of folds that the seeds validate on in turn; 1 means the one validation part.
        asked: options of the command line that repeat the study.
        merge: files with timings from other machines.
        again: whether to measure times again.
        plan: settings that replace those of the study's own plans.
        until_done: whether nets that a study compares by where they end train until they are done, see `lasting`.
    """

    data: DataSpec
    facts: DataFacts
    seeds: tuple[int, ...]
    quick: bool = False
    folds: int = 1
    asked: tuple[str, ...] = ()
    merge: tuple[Path, ...] = ()
    again: bool = False
    plan: Mapping[str, Any] = field(default_factory=dict)
    until_done: bool = False

    @classmethod
    def of(
        cls,
        name: images.DataLike = "mnist",
        *,
        protocol: str | None = None,
        first: int | None = None,
        seeds: int | Sequence[int] | None = None,
        folds: int | None = None,
        seed: int = 0,
        quick: bool = False,
        merge: Sequence[str | os.PathLike[str]] = (),
        again: bool = False,
        epochs: int | str | None = None,
        select: str | None = None,
        metric: str | None = None,
        class_weight: str | None = None,
        watch: images.WatchData | None = None,
    ) -> Setup:
        """Find the images, and check the options.

        Args:
            name: the data, as `seedbed.train` takes them.
            protocol: "honest" or "handout". None means that of the data spec.
            first: number of training images, drawn by class. None means that of the data spec: as a rule all of them.
            seeds: number of seeds, or the seeds themselves. None means 5, or 3 for a quick study.
            folds: number of folds that the seeds validate on in turn. None means the one validation part, or where that has
                fewer than `groups.folds.FEW_IMAGES` images as many folds as fit the seeds.
            seed: first seed, where they are counted.
            merge: files with timings from other machines, for the study of devices.
            again: whether to repeat earlier measurements of times.
            epochs: epochs of every training, or "auto", or "own" for those of each study. None means "own", but where there are
                fewer than `groups.folds.FEW_IMAGES` validation images, a study that is no preview trains nets until they are
                done if it compares them by where they end.
            select, metric, class_weight: settings of every training, see `Plan`. None means the defaults.
            watch: called with the progress of a download, or of reading.

        Raises:
            SpecError: a setting breaks its rule.
            DataError: the images cannot be had.
        """
        spec = images.spec_of(name, watch)
        spec = spec.changed(protocol=protocol or spec.protocol, first=first or spec.first)
        default = QUICK_SEEDS if quick else SEEDS
        chosen = None if seeds is None else _seeds(seeds, seed)
        dataset = images.load(spec, watch)
        facts = dataset.facts()
        until_done = epochs is None and not quick and facts.validation < FEW_IMAGES
        parts = default_folds(dataset.spec, facts, len(chosen or range(default))) if folds is None else folds
        if parts > 1:  # folds that cannot be made are an error before anything is trained
            facts = images.load(dataset.spec.changed(fold=(0, parts))).facts()
        others = tuple(map(Path, merge))
        numbers = fold_seeds(parts, chosen, default=default, first=seed)
        plan, options = _plan(epochs=epochs, select=select, metric=metric, class_weight=class_weight)
        merged = [word for path in others for word in ("--merge", str(path))]
        asked = (*_asked(spec, seeds, folds, seed, quick), *options, *merged)
        return cls(dataset.spec, facts, numbers, quick, parts, asked, others, again, plan, until_done)

    @property
    def fresh(self) -> tuple[int, ...]:
        """As many further seeds: what a search or a sweep selected is confirmed on them."""
        return tuple(range(max(self.seeds) + 1, max(self.seeds) + 1 + len(self.seeds)))

    @property
    def judging(self) -> int:
        """Number of images that judge a setting: with folds all that are no test images."""
        whole = self.facts.validation + self.facts.train
        return self.folds * self.facts.validation if self.folds == 1 or self.data.first else whole

    @property
    def chance(self) -> str:
        """The sources of chance in intervals of accuracies."""
        return "seeds x images" if len(self.seeds) > 1 else "images"

    @property
    def summary(self) -> str:
        """Images, seeds and intervals in three sentences, for the top of a page."""
        facts, handout = self.facts, self.data.protocol == "handout"
        validation = "test images, called validation (handout protocol)" if handout else "validation images"
        images = f"{facts.train:,} training and {facts.validation:,} {validation}, {len(facts.classes)} classes"
        seeds = words.counted(len(self.seeds), "seed")
        intervals = f"Intervals are 95 %; those of accuracies at the best epoch include the chance of {self.chance}"
        if self.folds > 1:
            images = (
                f"{self.judging:,} images in {self.folds} folds, each of which validates in turn, {len(facts.classes)} classes"
            )
        return f"{self.data.name}: {images}. {seeds} per setting, paired. {intervals}."

    def seeded(self, request: Request, seeds: Sequence[int] | None = None) -> Request:
        """Return the request with the study's seeds and folds, or with others of the seeds."""
        name = f"{request.name}-folds_{self.folds}" if self.folds > 1 else request.name
        return replace(request, name=name, seeds=self.seeds if seeds is None else tuple(seeds), folds=self.folds)

    def pick(self, whole: T, quick: T) -> T:
        """Choose between the value of the whole study and that of its preview."""
        return quick if self.quick else whole

    def run(self, model: ModelSpec, plan: Plan, on: DataSpec | None = None) -> RunSpec:
        """A run on these images, or on all of the data, with the settings of the plan that were asked for."""
        return RunSpec(model=model, plan=plan.changed(**self.plan), data=on or self.data, seed=self.seeds[0])

    def lasting(self, epochs: int) -> Plan:
        """The plan of nets that are compared by where they end: `epochs` of the study, or until they are done."""
        settings: dict[str, Any] = {"epochs": AUTO if self.until_done else epochs}
        return Plan(**settings)

    def length(self, plan: Plan) -> str:
        """How long trainings by a plan of the study are, in words: other epochs may have been asked for."""
        plan = plan.changed(**self.plan)
        until = f" at most, until the validation loss has not fallen for {plan.patience}" if plan.patience else ""
        return f"{words.counted(plan.epochs, 'epoch')}{until}"

    def epochs(self, steps: int, images: int, *, least: int, most: int) -> int:
        """The epochs that train on `images` images for about `steps` minibatches, between the bounds."""
        return max(least, min(most, round(steps / -(-images // BATCH_SIZE))))

    def amounts(self, *wanted: int) -> list[int]:
        """Numbers of training images well below all of them: those wanted, or a third and an eighth of a small data set.

        >>> Setup.amounts(setup_of_digits, 5_000, 1_000)    # 1,257 training images
        [410, 150]
        """
        fitting = [amount for amount in wanted if amount <= self.facts.train / 2]
        if len(fitting) == len(wanted):
            return fitting
        parts = [self.facts.train // part for part in (3, 8)][: len(wanted)]
        rounded = [part - part % 10 if part >= 100 else part for part in parts]
        return [amount for amount in rounded if amount >= 2 * len(self.facts.classes)]


def _seeds(seeds: int | Sequence[int], first: int) -> tuple[int, ...]:
    if isinstance(seeds, int):
        if not 1 <= seeds <= MOST_SEEDS:
            raise SpecError(f"seeds = {seeds!r}: it must be a whole number from 1 to {MOST_SEEDS:,}.")
        return tuple(range(first, first + seeds))
    if not seeds or len(set(seeds)) < len(seeds):
        raise SpecError(f"seeds = {list(seeds)}: a study needs one seed at least, and each only once.")
    return tuple(seeds)


def _plan(**settings: int | str | None) -> tuple[dict[str, Any], list[str]]:
    """The settings that replace those of the studies' plans, checked, and the options that ask for them.

    Raises:
        SpecError: a setting breaks its rule.
    """
    given = {name: value for name, value in settings.items() if value is not None}
    replaced: dict[str, Any] = {name: value for name, value in given.items() if (name, value) != ("epochs", OWN)}
    Plan(**replaced)
    return replaced, [f"--{name.replace('_', '-')}={value}" for name, value in given.items()]


def _asked(spec: DataSpec, seeds: object, folds: int | None, seed: int, quick: bool) -> tuple[str, ...]:
    options = ["--quick"] if quick else []
    options += [] if spec.name == "mnist" else ["--data", spec.name]
    options += [] if spec.protocol == "honest" else ["--protocol", spec.protocol]
    options += [] if spec.first is None else ["--first", str(spec.first)]
    options += ["--seeds", str(seeds)] if isinstance(seeds, int) else []
    options += [] if folds is None else ["--folds", str(folds)]
    return (*options, "--seed", str(seed)) if seed else tuple(options)
