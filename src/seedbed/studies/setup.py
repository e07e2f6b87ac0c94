"""The setup of a study: images, seeds, and whether it is a quick preview."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from seedbed import data as images
from seedbed import words
from seedbed.errors import SpecError
from seedbed.records import DataFacts
from seedbed.specs import DataSpec, ModelSpec, Plan, RunSpec

T = TypeVar("T")

SEEDS, QUICK_SEEDS = 5, 3
MOST_SEEDS = 1_000
BATCH_SIZE = 128

QUICK = "--quick: fewer seeds, epochs and settings than the whole study; a preview"
"""The line on every figure of a quick study."""


@dataclass(frozen=True)
class Setup:
    """The setup of a study.

    Attributes:
        data: data spec, with the digest of the content.
        facts: sizes of all of the data.
        seeds: seeds with which each setting is trained.
        quick: whether it has fewer seeds, epochs and settings.
        asked: options of the command line that repeat the study.
        merge: files with timings from other machines.
        again: whether to measure times again.
        plan: settings that replace those of the study's own plans.
    """

    data: DataSpec
    facts: DataFacts
    seeds: tuple[int, ...]
    quick: bool = False
    asked: tuple[str, ...] = ()
    merge: tuple[Path, ...] = ()
    again: bool = False
    plan: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        name: str | DataSpec = "mnist",
        *,
        protocol: str | None = None,
        seeds: int | Sequence[int] | None = None,
        seed: int = 0,
        quick: bool = False,
        merge: Sequence[str | os.PathLike[str]] = (),
        again: bool = False,
        epochs: int | str | None = None,
        select: str | None = None,
        watch: images.WatchDownload | None = None,
    ) -> Setup:
        """Find the images, and check the options.

        Args:
            name: name of a data set, a path to images, or a whole data spec.
            protocol: "honest" or "handout". None means that of the data spec.
            seeds: number of seeds, or the seeds themselves. None means 5, or 3 for a quick study.
            seed: first seed, where they are counted.
            merge: files with timings from other machines, for the study of devices.
            again: whether to repeat earlier measurements of times.
            epochs: epochs of every training, or "auto". None means those of the study.
            select: rule that selects the best epoch, see `Plan`. None means the default.
            watch: called with the progress of a download.

        Raises:
            SpecError: a setting breaks its rule.
            DataError: the images cannot be had.
        """
        spec = name if isinstance(name, DataSpec) else DataSpec(name=images.named(name))
        spec = spec.changed(protocol=protocol or spec.protocol)
        chosen = _seeds(seeds, seed, QUICK_SEEDS if quick else SEEDS)
        dataset = images.load(spec, watch)
        others = tuple(map(Path, merge))
        plan: dict[str, Any] = {name: value for name, value in (("epochs", epochs), ("select", select)) if value is not None}
        Plan(**plan)  # an error before anything is trained
        asked = (
            *_asked(spec, seeds, seed, quick),
            *(f"--{name}={value}" for name, value in plan.items()),
            *(word for path in others for word in ("--merge", str(path))),
        )
        return cls(dataset.spec, dataset.facts(), chosen, quick, asked, others, again, plan)

    @property
    def fresh(self) -> tuple[int, ...]:
        """As many further seeds: what a search or a sweep selected is confirmed on them."""
        return tuple(range(max(self.seeds) + 1, max(self.seeds) + 1 + len(self.seeds)))

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
        return f"{self.data.name}: {images}. {seeds} per setting, paired. {intervals}."

    def pick(self, whole: T, quick: T) -> T:
        """Choose between the value of the whole study and that of its preview."""
        return quick if self.quick else whole

    def run(self, model: ModelSpec, plan: Plan, on: DataSpec | None = None) -> RunSpec:
        """A run on these images, or on all of the data, with the settings of the plan that were asked for."""
        return RunSpec(model=model, plan=plan.changed(**self.plan), data=on or self.data, seed=self.seeds[0])

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


def _seeds(seeds: int | Sequence[int] | None, first: int, default: int) -> tuple[int, ...]:
    if seeds is None or isinstance(seeds, int):
        count = default if seeds is None else seeds
        if not 1 <= count <= MOST_SEEDS:
            raise SpecError(f"seeds = {count!r}: it must be a whole number from 1 to {MOST_SEEDS:,}.")
        return tuple(range(first, first + count))
    if not seeds or len(set(seeds)) < len(seeds):
        raise SpecError(f"seeds = {list(seeds)}: a study needs one seed at least, and each only once.")
    return tuple(seeds)


def _asked(spec: DataSpec, seeds: object, seed: int, quick: bool) -> tuple[str, ...]:
    options = ["--quick"] if quick else []
    options += [] if spec.name == "mnist" else ["--data", spec.name]
    options += [] if spec.protocol == "honest" else ["--protocol", spec.protocol]
    options += ["--seeds", str(seeds)] if isinstance(seeds, int) else []
    return (*options, "--seed", str(seed)) if seed else tuple(options)
