"""Differences between two groups: the one method of comparing settings.

Accuracies are compared by `statistics.accuracy_difference`, paired by seed and by image; losses likewise; measures with one
value per seed by Student's t over the paired seeds. Each difference depends on its two groups alone, so the same runs give the
same interval in every command. All intervals are 95 % intervals; where several differences are decided together, Holm's
correction decides which are shown, and changes no interval.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Any

from seedbed.groups.group import BySeed, Group
from seedbed.groups.measures import ACCURACY, Measure
from seedbed.records import finite_fields
from seedbed.statistics import (
    Claim,
    Decision,
    Floats,
    Interval,
    accuracy_difference,
    decide,
    loss_difference,
    paired_estimate,
)
from seedbed.words import capital

CONFIDENCE = 0.95

Seeds = tuple[tuple[int, int], ...]
"""Pairs of a seed of the first group and one of the second."""


@dataclass(frozen=True, eq=False)
class Contrast:
    """Two groups to compare.

    Attributes:
        a, b: groups on the same images; differences are the first's minus the second's.
        name_a, name_b: names in sentences. Empty means the groups' names.
        measure: measure to compare.
        where: images or condition, for the beginning of the sentence; may be empty.
        name: name of the contrast in a study's announcement.
    """

    a: Group
    b: Group
    name_a: str = ""
    name_b: str = ""
    measure: Measure = ACCURACY
    where: str = ""
    name: str = ""

    @property
    def names(self) -> tuple[str, str]:
        return self.name_a or self.a.name, self.name_b or self.b.name


@dataclass(frozen=True, eq=False)
class Difference:
    """A contrast with its estimate and decision.

    Attributes:
        pairs: pairs of seeds; a single pair compares two networks.
        method: sources of chance; or the reason why nothing is compared.
        decision: difference with its 95 % interval, and whether it is shown. None means that nothing is compared.
    """

    contrast: Contrast
    pairs: Seeds
    method: str
    decision: Decision | None

    @property
    def name(self) -> str:
        return self.contrast.name

    @property
    def seeds(self) -> tuple[int, ...]:
        return tuple(seed for seed, _ in self.pairs)

    @property
    def images(self) -> int:
        """Number of validation images, where the groups' predictions are known; else 0."""
        group = self.contrast.a
        right, seeds = group.right(self.contrast.measure.epoch), [seed for seed, _ in self.pairs]
        return group.table(right, seeds).shape[1] if seeds and right.keys() >= set(seeds) else 0

    @cached_property
    def loss(self) -> Interval | None:
        """Difference in validation loss with its 95 % interval, where accuracies at the best epoch are compared."""
        if not (self.contrast.measure is ACCURACY and self.pairs):
            return None
        a, b = self.contrast.a, self.contrast.b
        tables = paired_tables(a, b, a.losses, b.losses, self.pairs)
        return loss_difference(*tables, folds=a.folds).interval(CONFIDENCE)

    @property
    def networks(self) -> tuple[str, str] | None:
        """The two runs, where one network of each is compared."""
        if len(self.pairs) != 1 or not self.contrast.measure.both:
            return None
        ((first, second),) = self.pairs
        return self.contrast.a.runs[first].name, self.contrast.b.runs[second].name

    @property
    def shown(self) -> bool:
        return bool(self.decision and self.decision.shown)

    @property
    def higher(self) -> Group | None:
        """The group with the higher value, where the difference is shown."""
        if self.decision is None or not self.decision.shown:
            return None
        return self.contrast.a if self.decision.interval.mean > 0 else self.contrast.b

    @property
    def outcome(self) -> str:
        """The decision in a few words."""
        if self.decision is None:
            return "not compared"
        if self.higher is None:
            return "no difference shown"
        name = self.contrast.names[0] if self.higher is self.contrast.a else self.contrast.names[1]
        return f"{name} is {'better' if self.contrast.measure.both else 'higher'}"

    @property
    def sentence(self) -> str:
        """Estimate, interval and decision in words."""
        contrast, measure = self.contrast, self.contrast.measure
        where = f"{contrast.where}: " if contrast.where else ""
        first, second = contrast.names
        if self.decision is None:
            return self._begun(f"{where}{first} and {second} cannot be compared: {self.method}.")
        mean, low, high = (measure.factor * each for each in (self.decision.interval.mean, *self.decision.interval.pair()))
        if mean < 0:
            first, second, mean, low, high = second, first, -mean, -high, -low
        basis = f"{100 * CONFIDENCE:g} % interval; {self.method}"
        what = f"{measure.unit} {'of' if measure.both else 'in'} {measure.name}".strip()
        size = f"{mean:.{measure.digits}f} {what}"
        reach = f"{low:+.{measure.digits}f} to {high:+.{measure.digits}f}; {basis}"
        single = " This is about these two networks; it says nothing about other seeds." if self.networks else ""
        if self.shown:
            is_above = "is better than" if measure.both else "is above"
            return self._begun(f"{where}{first} {is_above} {second} by {size} ({reach}).{single}")
        ahead = f"{first} is ahead by {size}" if mean else f"both have the same {measure.name}"
        return self._begun(f"{where}no clear difference between {first} and {second}: {ahead} ({reach}){self._chance}.")

    @property
    def _chance(self) -> str:
        """Why the decision holds against a difference that is not 0."""
        if self.decision is None or not self.decision.interval.mean:
            return ""
        if not self.decision.interval.excludes():
            return ", which may be chance"
        return f"; among {self.decision.claims} comparisons this may be chance, corrected p = {self.decision.corrected_p:.2g}"

    def _begun(self, sentence: str) -> str:
        """Capitalize the sentence, but not a group's own name at its beginning."""
        own = (f"{self.contrast.a.name} ", f"{self.contrast.b.name} ")
        return sentence if sentence.startswith(own) else capital(sentence)

    def as_json(self) -> dict[str, Any]:
        """Return the difference as results.json has it; in the measure's own units, shares in [0, 1]."""
        contrast, decision = self.contrast, self.decision
        interval = decision.interval if decision else None
        return finite_fields(
            {
                "name": contrast.name,
                "measure": contrast.measure.name,
                "a": {"group": contrast.a.name, "label": contrast.names[0]},
                "b": {"group": contrast.b.name, "label": contrast.names[1]},
                "n": len(self.pairs),
                "seeds": self.seeds,
                "method": self.method,
                "difference": interval.mean if interval else None,
                **decision_json(decision),
                "loss": loss_json(self.loss),
                "verdict": self.outcome,
                "sentence": self.sentence,
            }
        )


def decision_json(decision: Decision | None) -> dict[str, Any]:
    """Return interval and p-values as the JSON contracts give them; the corrected interval is that of the difference itself."""
    pair = decision.interval.pair() if decision else None
    return {
        "interval": pair,
        "p": decision.p if decision else None,
        "corrected_interval": pair,
        "corrected_confidence": CONFIDENCE if decision else None,
        "corrected_p": decision.corrected_p if decision else None,
    }


def loss_json(loss: Interval | None) -> dict[str, Any] | None:
    return {"difference": loss.mean, "interval": loss.pair()} if loss else None


def differences(contrasts: Sequence[Contrast]) -> list[Difference]:
    """Estimate and decide the difference of each contrast; Holm's correction is over all of them."""
    estimates = [_estimate(contrast) for contrast in contrasts]
    decisions = iter(decide([claim for *_, claim in estimates if claim is not None], confidence=CONFIDENCE))
    compared = []
    for contrast, (pairs, method, claim) in zip(contrasts, estimates, strict=True):
        decision = None if claim is None else next(decisions)
        compared.append(Difference(contrast, pairs, method, decision))
    return compared


def paired_seeds(a: Group, b: Group) -> Seeds:
    """Pair the seeds that two groups have in common; where there are none, the first of each that judge the same images."""
    common = sorted(a.included.keys() & b.included.keys())
    if common:
        return tuple((seed, seed) for seed in common)
    single = ((one, other) for one in sorted(a.included) for other in sorted(b.included) if a.fold(one) == b.fold(other))
    return tuple(islice(single, 1))


def paired_tables(a: Group, b: Group, of_a: BySeed, of_b: BySeed, pairs: Seeds) -> tuple[Floats, Floats]:
    """Return the values of both groups by pair and image, `(pairs, images)`."""
    return a.table(of_a, [seed for seed, _ in pairs]), b.table(of_b, [seed for _, seed in pairs])


def _estimate(contrast: Contrast) -> tuple[Seeds, str, Claim | None]:
    """Return the pairs of seeds, the method and the claim; or the reason why there is none."""
    for group, name in zip((contrast.a, contrast.b), contrast.names, strict=True):
        if not group.n:
            return (), f"no run of {name} is left, {group.total} of {group.total} diverged or collapsed", None
    if contrast.measure.both:
        return _accuracies(contrast)
    values = [group.values(contrast.measure) for group in (contrast.a, contrast.b)]
    common = [seed for seed in values[0] if seed in values[1] and all(math.isfinite(each[seed]) for each in values)]
    pairs = tuple((seed, seed) for seed in sorted(common))
    if not pairs:
        return (), f"no seed has a {contrast.measure.name} in both", None
    if len(pairs) < 2:
        return pairs, f"one run each has no interval for its {contrast.measure.name}", None
    a, b = ([each[seed] for seed, _ in pairs] for each in values)
    return pairs, f"{len(pairs)} seeds{_in_folds(contrast.a)}, paired", paired_estimate(a, b, folds=contrast.a.folds)


def _accuracies(contrast: Contrast) -> tuple[Seeds, str, Claim | None]:
    epoch = contrast.measure.epoch
    a, b = contrast.a.right(epoch), contrast.b.right(epoch)
    pairs = tuple((one, other) for one, other in paired_seeds(contrast.a, contrast.b) if one in a and other in b)
    if not pairs:
        return (), f"no seed has a {contrast.measure.name} in both", None
    first, second = paired_tables(contrast.a, contrast.b, a, b, pairs)
    return pairs, _method(contrast.a, len(pairs), first.shape[1]), accuracy_difference(first, second, folds=contrast.a.folds)


def _method(group: Group, seeds: int, images: int) -> str:
    if seeds == 1:
        return f"one network each on {images:,} images, paired"
    if group.folds == 1:
        return f"{seeds} seeds x {images:,} images, paired on both"
    return f"{seeds} seeds and {images:,} images{_in_folds(group)}, paired on both"


def _in_folds(group: Group) -> str:
    return f" in {group.folds} folds" if group.folds > 1 else ""
