"""The stages of the search for the smallest network above a target.

    scout   one plain form in doubling sizes, trained briefly, until the target is in reach: about which size is needed?
    tune    forms, activations, learning rates, then minibatches and penalties at that size, the better ones ever longer
    size    the best forms in a ladder of sizes around the one where the target is now expected; each size with a learning
            rate, schedule and epochs of its own
    claim   fresh seeds, other images, in an order fixed beforehand (`claims`)

All stages but the claim use only an inner split: the training part without the images of the claim. Nothing here depends on the
clock, and on chance only through the runs; so a search that is repeated asks for the same runs, and finds the finished ones.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from seedbed.records import DataFacts
from seedbed.sizing import ranking
from seedbed.sizing.attempts import Attempt, Candidate, Stage
from seedbed.sizing.claims import Test, in_order, sequences
from seedbed.sizing.effort import SURE, Effort
from seedbed.sizing.networks import Form, SizedNetwork, parameters
from seedbed.specs import Plan, Schedule, Select

SCOUTS = 3
"""Doublings that are trained together."""

RATE_FACTORS = (0.5, 1.0, 2.0)
ENDINGS: tuple[tuple[Schedule, int], ...] = (("cosine", 1), ("onecycle", 1), ("cosine", 2))
"""Schedules, and the divisor of the epochs of each; every size gets its best."""

LADDERS = 3
"""Largest number of ladders, where the target is not at the size that was expected."""

ANY_EPOCH: Select = "accuracy"
"""Rule of the best epoch, without effect: only the last epoch counts here. With another one, older runs would not be found."""

GAIN = 0.97
"""Where two doublings leave more than this share of the mistakes, larger sizes do not help."""

Train = Callable[[Stage, Sequence[Candidate], Sequence[int]], list[Attempt]]
"""A function that trains candidates with these seeds on the inner split; one attempt for each different candidate."""


@dataclass(frozen=True)
class Problem:
    """The target, and the means to reach it.

    Attributes:
        target: accuracy to be above.
        forms: forms that may be used, the plainest first.
        data: sizes of the data of the claim.
        choosing: number of images that settings are chosen by.
        augment: augmentation of all training.
    """

    target: float
    forms: Sequence[Form]
    data: DataFacts
    choosing: int
    effort: Effort
    augment: str = "none"

    @property
    def needed(self) -> float:
        """Accuracy that the claim will probably need."""
        return ranking.needed(self.target, self.data.validation)

    @property
    def in_reach(self) -> float:
        """Mistakes of a scout whose size will probably be enough."""
        return self.effort.haste * (1 - self.needed)

    @property
    def safe(self) -> float:
        """Accuracy while choosing with which the tests begin."""
        return self._above(self.effort.caution)

    @property
    def sure(self) -> float:
        """Accuracy while choosing that will rarely fail the test."""
        return self._above(SURE)

    def _above(self, deviations: float) -> float:
        """Add a margin for the difference of two sets of images; with few images, at least a third of the mistakes stays."""
        deviation = ranking.deviation(self.target, (self.choosing, self.data.validation))
        return min(self.needed + deviations * deviation, 1 - (1 - self.needed) / 3)

    def plan(self, epochs: int, rate: float) -> Plan:
        batch = self.effort.batch_sizes[0]
        settings: dict[str, Any] = {"schedule": "cosine", "augment": self.augment, "select": ANY_EPOCH}
        return Plan(epochs=epochs, learning_rate=rate, batch_size=batch, **settings)

    def points(self, tried: Sequence[Attempt]) -> list[ranking.SizeError]:
        return ranking.points(tried, self.choosing)

    def form(self, network: SizedNetwork) -> int:
        """Return the number of the form that a network is of."""
        return next(number for number, form in enumerate(self.forms) if form.has(network))


def run_stages(problem: Problem, train: Train, test: Test) -> Iterator[Attempt]:
    """Do the whole search; yield the claims as they are tested."""
    scouts = scout(problem, train)
    points = problem.points(scouts)
    crossed = ranking.crossing(points, problem.in_reach)
    # Tuned is at the size where a tuned network should reach the target, or else at the best scout's.
    tuned = tune(problem, train, min(crossed or (points[-1][0] if points else 0), problem.effort.most))
    if not tuned:
        return
    orders: Iterable[Sequence[Attempt]] = sequences(ranking.best_by_size(tuned), problem.safe, problem.sure)
    if crossed is not None or max(attempt.score for attempt in tuned) >= problem.needed:
        orders = _orders(problem, train, tuned, ranking.slope(points))
    claims = yield from _in_order(problem, orders, test)
    yield from _further_down(problem, train, test, tuned, claims)


def _orders(problem: Problem, train: Train, tuned: Sequence[Attempt], steep: float) -> Iterator[Sequence[Attempt]]:
    """Yield the order of the tests, and that of the second chance, of larger sizes, asked for only if no test passed."""
    front = ranking.best_by_size(size(problem, train, tuned, steep))
    first, larger = sequences(front, problem.safe, problem.sure)
    yield first
    if not larger or larger[0].score < problem.sure:
        ladder = _ladder(problem, train, tuned, _expected(problem, front, steep, problem.sure))
        larger = [each for each in ranking.best_by_size([*front, *ladder]) if each.parameters > first[0].parameters][::-1]
    yield larger


def _in_order(problem: Problem, orders: Iterable[Sequence[Attempt]], test: Test) -> Generator[Attempt, None, Sequence[Attempt]]:
    """Yield the claims as they are tested; return all of them."""
    claims = []
    for claim in in_order(orders, problem.target, test, at_once=problem.effort.claims_at_once):
        claims.append(claim)
        yield claim
    return claims


def _further_down(
    problem: Problem, train: Train, test: Test, tuned: Sequence[Attempt], claims: Sequence[Attempt]
) -> Iterator[Attempt]:
    """Continue the order with smaller sizes for as long as every size has passed.

    They too are chosen and ordered without the claim's images, so the whole is still one order.
    """
    for _ in range(LADDERS):
        if not claims or not all(claim.holds(problem.target) for claim in claims):
            return
        last = claims[-1].parameters
        ladder = _ladder(problem, train, tuned, last / max(problem.effort.factors))
        front = ranking.best_by_size([attempt for attempt in ladder if attempt.parameters < last])
        claims = yield from _in_order(problem, [front[::-1]], test)


# Scouting


def scout(problem: Problem, train: Train) -> list[Attempt]:
    """Train the plainest form in doubling sizes, until the target is in reach of one, or size no longer helps."""
    scouts: list[Attempt] = []
    for candidates in scouting(problem):
        scouts += train("scout", candidates, (0,))
        if ranking.crossing(problem.points(scouts), problem.in_reach) or _flat(scouts):
            break
    return scouts


def scouting(problem: Problem) -> Iterator[list[Candidate]]:
    """Yield the scouts that are trained together, from small to large."""
    plans = [problem.plan(problem.effort.short(4), rate) for rate in problem.effort.rates]
    networks = list(_doublings(problem))
    for start in range(0, len(networks), SCOUTS):
        yield [Candidate(network, plan) for network, plan in product(networks[start : start + SCOUTS], plans)]


def _doublings(problem: Problem) -> Iterator[SizedNetwork]:
    """Yield networks of the plainest form, each with at least twice the parameters of the one before."""
    before = 0
    for number, network in problem.forms[0].sizes(problem.data):
        if before and number > problem.effort.most:
            return
        if number >= 2 * before:
            before = number
            yield network


def _flat(scouts: Sequence[Attempt]) -> bool:
    sizes = sorted({attempt.parameters for attempt in scouts})
    if len(sizes) < 2 * SCOUTS:
        return False
    before = max(attempt.score for attempt in scouts if attempt.parameters <= sizes[-3])
    return 1 - max(attempt.score for attempt in scouts) > GAIN * (1 - before)


# Tuning


def tune(problem: Problem, train: Train, size: float) -> list[Attempt]:
    """Find the best setting of each of the best forms, all of about one size; nothing where every run failed."""
    effort = problem.effort
    networks = [form.largest(size, problem.data) or form.network(1) for form in problem.forms]
    tried = train(
        "tune",
        [
            Candidate(network.changed(activation=activation), problem.plan(effort.short(8), rate))
            for network, activation, rate in product(networks, effort.activations, effort.rates)
        ],
        (0,),
    )
    best = ranking.best_of_each(tried, lambda one: (problem.form(one.candidate.model), one.candidate.model.activation))
    changes = [
        {"epochs": effort.short(4), "batch_size": batch, "l2": l2}
        for batch, l2 in product(effort.batch_sizes, effort.penalties)
    ]
    tried = train("tune", _variants(best[: effort.kept], changes), (0,))
    best = sorted(tried, key=lambda attempt: -attempt.score)[: effort.kept]
    tried = train("tune", _variants(best, [{"epochs": effort.epochs}]), effort.seeds)
    return ranking.best_of_each(tried, lambda attempt: problem.form(attempt.candidate.model))[: effort.forms]


def _variants(attempts: Sequence[Attempt], changes: Sequence[Mapping[str, Any]]) -> list[Candidate]:
    """Make a candidate for each attempt's network and each change of its plan."""
    settings = [attempt.candidate for attempt in attempts]
    return [Candidate(setting.model, setting.plan.changed(**change)) for setting, change in product(settings, changes)]


# Sizes


def size(problem: Problem, train: Train, tuned: Sequence[Attempt], steep: float) -> list[Attempt]:
    """Train the tuned forms in ladders of sizes, each size with a rate, schedule and length of its own.

    Args:
        tuned: settings that were trained in full; a safe one is the largest of the sizes.
        steep: slope of the mistakes over the parameters (`ranking.slope`).
    """
    centre = _expected(problem, tuned, steep, problem.needed)
    tried = list(tuned)
    for _ in range(LADDERS):
        enough = min((attempt.parameters for attempt in tried if attempt.score >= problem.safe), default=math.inf)
        tried += _ladder(problem, train, tuned, centre, enough)
        front = ranking.best_by_size(tried)
        if front[-1].score < problem.safe and front[-1].parameters < problem.effort.most:
            centre = _expected(problem, front[-1:], steep, problem.safe)
        elif front[0].score >= problem.needed:
            centre = front[0].parameters / max(problem.effort.factors)
        else:
            break
    return tried


def _expected(problem: Problem, tried: Sequence[Attempt], steep: float, accuracy: float) -> float:
    """Estimate the size that will reach this accuracy, from the best attempt; within a bounded distance of it."""
    [*_, (number, error)] = problem.points(tried)
    reach = max(problem.effort.factors) ** 2
    return min(max(ranking.moved(number, error, 1 - accuracy, steep), number / reach), number * reach, problem.effort.most)


def _ladder(problem: Problem, train: Train, tuned: Sequence[Attempt], centre: float, enough: float = math.inf) -> list[Attempt]:
    """Train networks of the tuned forms around a size, and smaller than what is known to be enough."""
    effort = problem.effort
    starts = [
        Candidate(model, attempt.candidate.plan.changed(epochs=effort.short(4)))
        for attempt in tuned
        for model in _rungs(problem, attempt.candidate.model, centre)
        if parameters(model, problem.data) < enough
    ]
    if not starts:
        return []
    rates = [
        Candidate(start.model, start.plan.changed(learning_rate=start.plan.learning_rate * factor))
        for start, factor in product(starts, RATE_FACTORS)
    ]
    best = ranking.best_of_each(train("size", rates, (0,)), lambda attempt: attempt.candidate.model)
    endings = [{"epochs": effort.short(part), "schedule": schedule} for schedule, part in ENDINGS]
    best = ranking.best_of_each(train("size", _variants(best, endings), (0,)), lambda attempt: attempt.candidate.model)
    return train("size", [attempt.candidate for attempt in best], effort.seeds)


def _rungs(problem: Problem, network: SizedNetwork, centre: float) -> list[SizedNetwork]:
    form = problem.forms[problem.form(network)]
    bounds = [min(factor * centre, problem.effort.most) for factor in problem.effort.factors]
    networks = dict.fromkeys(form.largest(bound, problem.data) or form.network(1) for bound in bounds)
    return [model.changed(activation=network.activation) for model in networks]
