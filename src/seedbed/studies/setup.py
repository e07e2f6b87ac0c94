"""What a study is asked for: on which images, with how many seeds, whole or as a quick preview."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from seedbed import data as images
from seedbed.errors import SpecError
from seedbed.figures import words
from seedbed.records import DataFacts
from seedbed.specs import DataSpec, ModelSpec, Plan, RunSpec

T = TypeVar("T")

SEEDS, QUICK_SEEDS = 5, 3
MOST_SEEDS = 1_000

QUICK = "--quick: fewer seeds, epochs and settings than the whole study; a preview"
"""Stands on every figure of a quick study."""


@dataclass(frozen=True)
class Setup:
    """What a study is asked for.

    Attributes:
        data: with the content's digest filled in.
        facts: sizes of all of the data.
        seeds: each setting is trained with each of them.
        quick: fewer seeds, epochs and settings.
        asked: the options that were given, as the command line takes them; they make the command that repeats the study.
        merge: files with timings from other machines.
        again: measure times anew.
    """

    data: DataSpec
    facts: DataFacts
    seeds: tuple[int, ...]
    quick: bool = False
    asked: tuple[str, ...] = ()
    merge: tuple[Path, ...] = ()
    again: bool = False

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
        watch: images.WatchDownload | None = None,
    ) -> Setup:
        """Find the images, and check what was asked for.

        Args:
            name: of a data set, a path to images, or a whole data spec.
            protocol: "honest" or "handout"; the data spec's own where it is left out.
            seeds: how many, or which ones; 5 where it is left out, and 3 of a quick study.
            seed: the first of them, where they are counted.
            merge: files with timings from other machines, for the study of devices.
            again: measure times anew that were measured before.
            watch: is told how far a download is.

        Raises:
            SpecError: a setting breaks its rule.
            DataError: the images cannot be had.
        """
        spec = name if isinstance(name, DataSpec) else DataSpec(name=images.named(name))
        spec = spec.changed(protocol=protocol or spec.protocol)
        chosen = _seeds(seeds, seed, QUICK_SEEDS if quick else SEEDS)
        dataset = images.load(spec, watch)
        others = tuple(map(Path, merge))
        asked = (*_asked(spec, seeds, seed, quick), *(word for path in others for word in ("--merge", str(path))))
        return cls(dataset.spec, dataset.facts(), chosen, quick, asked, others, again)

    @property
    def fresh(self) -> tuple[int, ...]:
        """As many seeds that no setting was chosen by: what a search or a sweep picked is confirmed on them."""
        return tuple(max(self.seeds) + 1 + place for place in range(len(self.seeds)))

    @property
    def chance(self) -> str:
        """What intervals on accuracies hold."""
        return "seeds x images" if len(self.seeds) > 1 else "images"

    @property
    def summary(self) -> str:
        """Images, seeds and intervals in two sentences, for the top of a page."""
        facts, handout = self.facts, self.data.protocol == "handout"
        validation = "test images, called validation (handout protocol)" if handout else "validation images"
        images = f"{facts.train:,} training and {facts.validation:,} {validation}, {len(facts.classes)} classes"
        over = f"over {self.chance} where they are of accuracies at the best epoch"
        seeds = words.counted(len(self.seeds), "seed")
        return f"{self.data.name}: {images}. {seeds} a setting, paired; intervals are 95 %, {over}."

    def pick(self, whole: T, quick: T) -> T:
        """One value for the whole study, another one for its preview."""
        return quick if self.quick else whole

    def run(self, model: ModelSpec, plan: Plan, on: DataSpec | None = None) -> RunSpec:
        """A run on these images, or on all of the data."""
        return RunSpec(model=model, plan=plan, data=on or self.data, seed=self.seeds[0])

    def epochs(self, steps: int, images: int, *, least: int, most: int, batch_size: int = 128) -> int:
        """Epochs in which so many images are trained on for about `steps` minibatches, between the bounds."""
        return max(least, min(most, round(steps / -(-images // batch_size))))

    def amounts(self, *wanted: int) -> list[int]:
        """Numbers of training images well below all of them: those wanted, or for a small data set a third and an eighth.

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
