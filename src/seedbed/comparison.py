"""Which of several settings is better, and whether the figures show it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from seedbed import figures
from seedbed.errors import RunError
from seedbed.records import Result, Verdict, finite
from seedbed.runs import RunStore
from seedbed.statistics import (
    Claim,
    Corrected,
    Discordance,
    Interval,
    accuracy_interval,
    bootstrap_difference,
    corrected,
    two_sources,
)

if TYPE_CHECKING:
    from seedbed.figures.theme import AnyChart

LEAST = float(np.finfo(np.float32).tiny)
"""Probabilities below this count as this in the loss: 87 nats, where float32 would say infinitely many."""

CONFIDENCE = 0.95


@dataclass(frozen=True, eq=False)
class Candidate:
    """One of the names that are compared: a run, or the runs of a group.

    Attributes:
        runs: seed -> result, of those that may enter means.
        left_out: name -> verdict of those that diverged or collapsed.
        correct: seed -> `(n,)`, whether each validation image was right at the best epoch.
        losses: seed -> `(n,)`, each validation image's cross-entropy there, in nats.
        accuracy: mean validation accuracy with both sources of chance; None where all runs are left out.
        last_correct: as `correct`, at the last epoch; of the runs that kept what they said there.
    """

    name: str
    runs: dict[int, Result]
    left_out: dict[str, Verdict]
    correct: dict[int, NDArray[np.bool_]]
    losses: dict[int, NDArray[np.float64]]
    accuracy: Interval | None
    last_correct: dict[int, NDArray[np.bool_]] = field(default_factory=dict)

    @property
    def improving(self) -> list[str]:
        """The runs that were still improving at their last epoch."""
        return [result.name for result in self.runs.values() if result.verdict.kind == "undertrained"]

    @property
    def parameters(self) -> int | None:
        return next((result.model.parameters for result in self.runs.values()), None)

    def as_json(self) -> dict[str, Any]:
        loss = np.mean([values.mean() for values in self.losses.values()]) if self.losses else None
        return {
            "name": self.name,
            "parameters": self.parameters,
            "seeds": list(self.runs),
            "accuracy": self.accuracy.mean if self.accuracy else None,
            "interval": self.accuracy.pair() if self.accuracy else None,
            "loss": loss,
            "still_improving": self.improving,
            "left_out": {name: vars(verdict) for name, verdict in self.left_out.items()},
        }


@dataclass(frozen=True)
class Pair:
    """Two candidates side by side; every difference is the first's minus the second's.

    Attributes:
        a, b: their names.
        seeds: those that pair them; empty where one network of each is compared on the same images.
        networks: the two runs, where one network of each is compared.
        images: validation images.
        method: where the chance comes from and which test was used.
        accuracy: difference in validation accuracy at the best epoch, with its 95 % interval; `p` of "there is none".
        verdict: the same after Holm's correction over all pairs.
        loss: difference in validation data loss, in nats, with its 95 % interval.
    """

    a: str
    b: str
    seeds: tuple[int, ...]
    networks: tuple[str, str] | None
    images: int
    method: str
    accuracy: Interval
    p: float
    verdict: Corrected
    loss: Interval

    @property
    def better(self) -> str | None:
        """The name of the better one, where the corrected interval shows it."""
        if not self.verdict.shown:
            return None
        return self.a if self.verdict.interval.mean > 0 else self.b

    @property
    def sentence(self) -> str:
        """The verdict in words, bounded by the corrected interval."""
        first, second = self.networks or (self.a, self.b)
        low, high = 100 * self.verdict.interval.low, 100 * self.verdict.interval.high
        basis = f"{100 * self.verdict.confidence:.4g} % interval; {self.method}"
        if self.better is None:
            said = (
                f"Between {first} and {second} no difference shown; the interval reaches from {low:+.2f} to {high:+.2f} points"
            )
            # The interval of one network against another and McNemar's test may disagree at the border; both must show it.
            but = f", yet p = {self.verdict.p:.2g}" if self.verdict.interval.excludes() else ""
            return f"{said} of validation accuracy ({basis}{but})."
        difference = 100 * self.accuracy.mean
        if self.better == self.b:
            first, second, difference, low, high = second, first, -difference, -high, -low
        said = f"{first} is better than {second} by {difference:.2f} points of validation accuracy"
        one_each = " This is about these two networks; it says nothing of other seeds." if self.networks else ""
        return f"{said} ({low:.2f} to {high:.2f}, {basis}).{one_each}"

    def as_json(self) -> dict[str, Any]:
        shown = "no difference shown" if self.better is None else f"{self.better} is better"
        return {
            "a": self.a,
            "b": self.b,
            "seeds": self.seeds,
            "networks": self.networks,
            "n": self.images,
            "method": self.method,
            "accuracy": {
                "difference": self.accuracy.mean,
                "interval": self.accuracy.pair(),
                "p": self.p,
                "corrected_interval": self.verdict.interval.pair(),
                "corrected_confidence": self.verdict.confidence,
                "corrected_p": self.verdict.p,
            },
            "loss": {"difference": self.loss.mean, "interval": self.loss.pair()},
            "verdict": shown,
            "sentence": self.sentence,
        }


@dataclass(frozen=True)
class Comparison:
    """All candidates, what differs in their settings, and every pair of them.

    Attributes:
        differs: setting -> candidate -> value, for the settings that are not the same in all.
    """

    candidates: list[Candidate]
    differs: dict[str, dict[str, Any]]
    pairs: list[Pair]

    def sentences(self) -> list[str]:
        """What the figures show: a sentence a pair, then the runs that were left out or still improving."""
        return [*(pair.sentence for pair in self.pairs), *(said for one in self.candidates for said in _marks(one))]

    def as_json(self) -> dict[str, Any]:
        """The whole as JSON values (NaN is null)."""
        plain: dict[str, Any] = finite(
            {
                "measure": "validation accuracy at the best epoch",
                "confidence": CONFIDENCE,
                "correction": "Holm",
                "candidates": [one.as_json() for one in self.candidates],
                "differs": self.differs,
                "pairs": [pair.as_json() for pair in self.pairs],
                "sentences": self.sentences(),
            }
        )
        return plain

    def figure(self) -> AnyChart:
        """The differences with their corrected intervals, as a forest plot.

        Raises:
            RunError: all runs of all but one candidate are left out, so there is no pair.
        """
        if not self.pairs:
            raise RunError("There is no pair to draw: " + " ".join(self.sentences()))
        contrasts = [f"{pair.a} minus {pair.b}" for pair in self.pairs]
        measure = "validation accuracy" + (f", Holm over {len(self.pairs)} pairs" if len(self.pairs) > 1 else "")
        return figures.paired_differences(contrasts, [pair.verdict.interval for pair in self.pairs], measure=measure)


def compare(home: RunStore, names: Sequence[str]) -> Comparison:
    """Compare runs or groups by their validation accuracy at the best epoch.

    Groups that have two seeds or more in common are paired by seed, and on the images: both are sources of chance
    (`statistics.bootstrap_difference`). Otherwise one network of each is compared on the same images (McNemar). The verdicts
    carry Holm's correction over all pairs. Runs that diverged or collapsed enter no mean; they are counted beside.

    Args:
        names: two or more, of runs or groups.

    Raises:
        UnknownRun, RunHalfDone: no finished run has one of these names.
        RunError: fewer than two names, one twice, different data, or a group that holds several settings.
    """
    if len(names) < 2 or len(set(names)) < len(names):
        raise RunError(f"A comparison needs at least two different names; got: {', '.join(names) or 'none'}.")
    found = {name: _of_one_setting(name, home.find(name)) for name in names}
    _same_data(found)
    candidates = [candidate(home, name, results) for name, results in found.items()]
    _same_images(home, candidates)
    return Comparison(candidates, _differs(found), _pairs(candidates))


# What is compared


def _of_one_setting(name: str, results: list[Result]) -> list[Result]:
    settings = {result.run.setting for result in results}
    if len(settings) > 1:
        raise RunError(
            f"{name!r} holds {len(settings)} settings; compare its runs by their own names, or sweeps by their groups."
        )
    return results


def _same_data(found: Mapping[str, list[Result]]) -> None:
    (first, known), *others = ((name, results[0].run.data) for name, results in found.items())
    for name, spec in others:
        if spec.identity != known.identity:
            mine, theirs = known.plain(), spec.plain()
            unlike = ", ".join(
                f"{key} {_shown(mine[key])} and {_shown(theirs[key])}" for key in mine if mine[key] != theirs[key]
            )
            raise RunError(
                f"{first!r} and {name!r} were trained on different data ({unlike}); compare networks on the same data."
            )


def _shown(value: object) -> str:
    return value[:12] if isinstance(value, str) else str(value)


def candidate(home: RunStore, name: str, results: Sequence[Result]) -> Candidate:
    """The runs of one setting, those that diverged or collapsed put aside, judged by their kept predictions.

    Raises:
        RunError, CorruptFile: the predictions of a run are missing or damaged.
    """
    runs = {result.run.seed: result for result in results if result.verdict.ranked and result.best}
    left_out = {result.name: result.verdict for result in results if result.run.seed not in runs}
    correct, losses, last_correct = {}, {}, {}
    for seed, result in runs.items():
        kept = home.predictions(result.name)
        probabilities, labels = kept["validation_probabilities"], kept["validation_labels"]
        correct[seed] = probabilities.argmax(axis=1) == labels
        if "last_validation_probabilities" in kept:
            last_correct[seed] = kept["last_validation_probabilities"].argmax(axis=1) == labels
        of_label = probabilities[np.arange(len(labels)), labels].astype(np.float64)
        losses[seed] = -np.log(np.maximum(of_label, LEAST))
    accuracy = accuracy_interval(np.stack(list(correct.values()))) if correct else None
    return Candidate(name, runs, left_out, correct, losses, accuracy, last_correct)


def _same_images(home: RunStore, candidates: Sequence[Candidate]) -> None:
    """The predictions must be about the same labels in the same order, whatever the data specs say."""
    reference: tuple[str, NDArray[Any]] | None = None
    for result in (next(iter(one.runs.values())) for one in candidates if one.runs):
        labels = home.predictions(result.name)["validation_labels"]
        reference = reference or (result.name, labels)
        if not np.array_equal(labels, reference[1]):
            raise RunError(
                f"Runs {reference[0]!r} and {result.name!r} were judged by different validation images. Train one of them anew "
                f"with --replace."
            )


def _differs(found: Mapping[str, Sequence[Result]]) -> dict[str, dict[str, Any]]:
    settings = {name: _flat(results) for name, results in found.items()}
    keys = dict.fromkeys(key for flat in settings.values() for key in flat)
    table = {key: {name: flat.get(key) for name, flat in settings.items()} for key in keys}
    return {key: values for key, values in table.items() if len({str(value) for value in values.values()}) > 1}


def _flat(results: Sequence[Result]) -> dict[str, Any]:
    run = results[0].run
    settings = {f"{part}.{key}": value for part in ("model", "plan") for key, value in getattr(run, part).plain().items()}
    return settings if len(results) > 1 else {**settings, "seed": run.seed}


# Pairs


@dataclass(frozen=True)
class _Meeting:
    """Two candidates before the correction over all pairs."""

    a: Candidate
    b: Candidate
    seeds: tuple[tuple[int, int], ...]
    claim: Claim

    @property
    def images(self) -> int:
        return len(self.a.correct[self.seeds[0][0]])

    def pair(self, verdict: Corrected) -> Pair:
        losses = _stacked(self.a.losses, self.b.losses, self.seeds)
        alone = len(self.seeds) == 1
        first, second = self.seeds[0]
        return Pair(
            a=self.a.name,
            b=self.b.name,
            seeds=() if alone else tuple(seed for seed, _ in self.seeds),
            networks=(self.a.runs[first].name, self.b.runs[second].name) if alone else None,
            images=self.images,
            method=self._method(),
            accuracy=self.claim.interval(CONFIDENCE),
            p=self.claim.p,
            verdict=verdict,
            loss=two_sources(losses[0] - losses[1]).estimate.interval(CONFIDENCE),
        )

    def _method(self) -> str:
        if len(self.seeds) > 1:
            return f"{len(self.seeds)} seeds x {self.images:,} images, paired on both"
        test = self.claim.method if isinstance(self.claim, Discordance) else "bootstrap"
        return f"one network each on {self.images:,} images, {test}"


def _pairs(candidates: Sequence[Candidate]) -> list[Pair]:
    usable = [one for one in candidates if one.runs]
    meetings = [_meet(a, b) for a, b in combinations(usable, 2)]
    verdicts = corrected([meeting.claim for meeting in meetings], confidence=CONFIDENCE)
    return [meeting.pair(verdict) for meeting, verdict in zip(meetings, verdicts, strict=True)]


def _meet(a: Candidate, b: Candidate) -> _Meeting:
    common = sorted(set(a.runs) & set(b.runs))
    seeds = tuple((seed, seed) for seed in common) or ((min(a.runs), min(b.runs)),)
    first, second = _stacked(a.correct, b.correct, seeds)
    if len(seeds) == 1 or (first == second).all():
        # Where no image tells the two apart, a bootstrap has nothing to resample; the images alone bound the difference.
        return _Meeting(a, b, seeds, Discordance.of(first[0], second[0]))
    return _Meeting(a, b, seeds, bootstrap_difference(first, second))


def _stacked(
    a: Mapping[int, NDArray[Any]], b: Mapping[int, NDArray[Any]], seeds: Sequence[tuple[int, int]]
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Values `(seeds, images)` of both."""
    return np.stack([a[seed] for seed, _ in seeds]), np.stack([b[seed] for _, seed in seeds])


# Words


def _marks(one: Candidate) -> list[str]:
    said, total = [], len(one.runs) + len(one.left_out)
    for kind in ("diverged", "collapsed"):
        count = sum(verdict.kind == kind for verdict in one.left_out.values())
        if count:
            said.append(
                f"{one.name}: {count} of {_runs(total)} {kind} and {'is' if count == 1 else 'are'} not in the figures above."
            )
    if one.improving:
        count = len(one.improving)
        said.append(
            f"{one.name}: {count} of {_runs(total)} {'was' if count == 1 else 'were'} still improving at the last epoch."
        )
    return said


def _runs(count: int) -> str:
    return f"{count} run" if count == 1 else f"{count} runs"
