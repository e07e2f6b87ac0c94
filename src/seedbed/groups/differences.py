"""Differences between two groups: the one method of comparing settings.

Accuracies are compared by `statistics.accuracy_difference`, paired by seed and by image; losses likewise; measures with one
value per seed by Student's t over the paired seeds. Each difference depends on its two groups alone, so the same runs give the
same interval in every command. All intervals are 95 % intervals; where several differences are decided together, Holm's
correction decides which are shown, and changes no interval. Accuracies at the best epoch come with their losses, which are
decided among themselves, and with a test of equivalence within a margin.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeVar

from seedbed.groups.group import BySeed, Group
from seedbed.groups.measures import ACCURACY, LOSS, MEASURES, Measure
from seedbed.groups.sentences import Estimated, accuracy_sentence, loss_sentence, measure_sentence
from seedbed.groups.statements import Certainty, Statement
from seedbed.records import finite_fields
from seedbed.statistics import (
    Claim,
    Decision,
    Equivalence,
    Floats,
    PairedDifference,
    accuracy_difference,
    decide,
    equivalent,
    loss_difference,
    metric_difference,
    paired_estimate,
)
from seedbed.words import capital

CONFIDENCE = 0.95

MARGIN = 0.01
"""Accuracies that differ by less are called equivalent, unless another margin is asked for: one percentage point."""

C = TypeVar("C")
D = TypeVar("D")

Seeds = tuple[tuple[int, int], ...]
"""Pairs of a seed of the first group and one of the second."""


def common_measure(groups: Sequence[Group]) -> Measure:
    """The metric that the runs of all groups go by; accuracy where they differ."""
    metrics = {group.measure.metric for group in groups}
    return MEASURES[metrics.pop()] if len(metrics) == 1 else ACCURACY


@dataclass(frozen=True, eq=False)
class Contrast:
    """Two groups to compare.

    Attributes:
        a, b: groups on the same images; differences are the first's minus the second's.
        name_a, name_b: names in sentences. Empty means the groups' names.
        measure: measure to compare. None means the metric that the runs of both go by, or accuracy where they differ.
        where: images or condition, for the beginning of the sentence; may be empty.
        name: name of the contrast in a study's announcement.
        literal: whether a sentence begins with a name as it is, without a capital.
    """

    a: Group
    b: Group
    name_a: str = ""
    name_b: str = ""
    measure: Measure = None  # type: ignore[assignment]
    where: str = ""
    name: str = ""
    literal: bool = False

    def __post_init__(self) -> None:
        if self.measure is None:
            object.__setattr__(self, "measure", common_measure([self.a, self.b]))

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
        loss: difference in validation loss, where accuracies at the best epoch are compared.
        equivalence: whether two accuracies differ by less than a margin.
    """

    contrast: Contrast
    pairs: Seeds
    method: str
    decision: Decision | None
    loss: Decision | None = None
    equivalence: Equivalence | None = None

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
    def equivalent(self) -> bool:
        """Whether the two are shown to differ by less than the margin."""
        return bool(self.equivalence and self.equivalence.shown)

    @property
    def sentence(self) -> str:
        """The decision, the estimate and its interval in words; of accuracies at the best epoch, then those of the loss."""
        return " ".join(part for part in (self._about_measure(), self._about_loss(), self._limit) if part)

    def certainty(self, about: str = "", *, equality: bool = False) -> Certainty:
        """How sure an answer is that rests on this difference.

        Args:
            about: what was compared, where the answer says more than one thing.
            equality: whether the answer says that the two are equal, once that is shown.
        """
        if self.decision is None:
            return Certainty("not shown", f"{about or 'This'}: it could not be compared, for {self.method}.")
        return Certainty.of(self.decision, self.equivalence if equality else None, about)

    @property
    def statements(self) -> list[Statement]:
        """What is to be said of the measure, and of the loss where that differs."""
        answer = " ".join(part for part in (self._about_measure(brief=True), self._limit) if part)
        found = [Statement(answer, self.certainty(equality=True), f"{self._about_measure()} {self._limit}".strip())]
        if self.loss and self.loss.shown:
            found.append(Statement(self._about_loss(brief=True), Certainty.of(self.loss), self._about_loss()))
        return found

    def _about_measure(self, *, brief: bool = False) -> str:
        where = f"{self.contrast.where}: " if self.contrast.where else ""
        first, second = self.contrast.names
        if self.decision is None:
            return self._begun(f"{where}{first} and {second} cannot be compared: {self.method}.")
        estimated = Estimated.of(self.contrast.measure, self.decision, self.contrast.names, brief=brief)
        if not self.contrast.measure.both or self.contrast.measure.metric != "accuracy":
            sentence = measure_sentence(estimated)
        else:
            when = self.contrast.measure.name.removeprefix(ACCURACY.name)
            sentence = accuracy_sentence(estimated, self.equivalence, when)
        return self._begun(where + (sentence[0].lower() + sentence[1:] if where and sentence.startswith("No ") else sentence))

    def _about_loss(self, *, brief: bool = False) -> str:
        """Whose validation loss is lower; empty where losses are not compared."""
        if self.loss is None:
            return ""
        names = dict(zip((self.contrast.a, self.contrast.b), self.contrast.names, strict=True))
        more_accurate = names[self.higher] if self.higher else None
        equivalent = self.equivalence is not None and self.equivalence.shown
        estimated = Estimated.of(LOSS, self.loss, self.contrast.names, brief=brief)
        return loss_sentence(estimated, more_accurate, equivalent=equivalent)

    @property
    def _limit(self) -> str:
        return "This is about these two networks; it says nothing about other seeds." if self.networks else ""

    def _begun(self, sentence: str) -> str:
        """Capitalize the sentence, but not a group's own name at its beginning."""
        names = self.contrast.names if self.contrast.literal else (self.contrast.a.name, self.contrast.b.name)
        own = tuple(f"{name} " for name in names)
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
                "equivalent": equivalence_json(self.equivalence),
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


def loss_json(loss: Decision | None) -> dict[str, Any] | None:
    """Return a difference in loss (nats) as the JSON contracts give it."""
    if loss is None:
        return None
    decided = {"p": loss.p, "corrected_p": loss.corrected_p, "shown": loss.shown}
    return {"difference": loss.interval.mean, "interval": loss.interval.pair(), **decided}


def equivalence_json(equivalence: Equivalence | None) -> dict[str, Any] | None:
    """Return margin, p-values and decision as the JSON contracts give them; the margin is a share."""
    return vars(equivalence) if equivalence else None


def differences(contrasts: Sequence[Contrast], *, margin: float = MARGIN, others: int = 0) -> list[Difference]:
    """Estimate and decide the difference of each contrast; Holm's correction is over all of them.

    Losses are decided with a correction over all losses, and equivalences with one over all equivalences.

    Args:
        contrasts: what to compare.
        margin: accuracies that differ by less are equivalent, a share above 0.
        others: further comparisons that the corrections count, where results chose what is compared.
    """
    estimates = [_estimate(contrast) for contrast in contrasts]
    claims = [claim for *_, claim in estimates]
    paired = [claim if isinstance(claim, PairedDifference) else None for claim in claims]
    losses = [_losses(contrast, pairs) for contrast, (pairs, *_) in zip(contrasts, estimates, strict=True)]
    decided = zip(
        _of_known(lambda known: decide(known, confidence=CONFIDENCE, others=others), claims),
        _of_known(lambda known: decide(known, confidence=CONFIDENCE, others=others), losses),
        _of_known(lambda known: equivalent(known, margin, confidence=CONFIDENCE, others=others), paired),
        strict=True,
    )
    return [
        Difference(contrast, pairs, method, *decisions)
        for contrast, (pairs, method, _), decisions in zip(contrasts, estimates, decided, strict=True)
    ]


def _of_known(decided: Callable[[list[C]], Sequence[D]], claims: Sequence[C | None]) -> list[D | None]:
    """What is decided of all claims together; None for those that are not known."""
    decisions = iter(decided([claim for claim in claims if claim is not None]))
    return [None if claim is None else next(decisions) for claim in claims]


def _losses(contrast: Contrast, pairs: Seeds) -> PairedDifference | None:
    a, b = contrast.a.losses, contrast.b.losses
    if contrast.measure is not ACCURACY or not pairs or not all(one in a and other in b for one, other in pairs):
        return None
    return loss_difference(*paired_tables(contrast.a, contrast.b, a, b, pairs), folds=contrast.a.folds)


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
    measure = contrast.measure
    epoch, of_accuracy = measure.epoch, measure.metric == "accuracy"
    a, b = ((each.right(epoch) if of_accuracy else each.judged(epoch)) for each in (contrast.a, contrast.b))
    pairs = tuple((one, other) for one, other in paired_seeds(contrast.a, contrast.b) if one in a and other in b)
    if not pairs:
        return (), f"no seed has a {contrast.measure.name} in both", None
    if not of_accuracy:
        seeds = [[pair[side] for pair in pairs] for side in range(2)]
        tables = contrast.a.metric_table(measure, seeds[0]), contrast.b.metric_table(measure, seeds[1])
        return pairs, _method(contrast.a, len(pairs), tables[0].values.shape[1]), metric_difference(*tables)
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
