"""The search for the smallest network above a target, step by step.

    scout   one plain form in doubling sizes, trained briefly, until the target is in reach: about how large must it be?
    tune    forms, activations, learning rates, then minibatches and penalties at that size, the better ones ever longer
    size    the best forms in a ladder of sizes around the one where the target is now expected; at each size learning
            rate, schedule and epochs anew
    claim   fresh seeds, other images, in an order fixed beforehand (`claims`)

All but the claim looks only at an inner split: the training part without the images of the claim. Nothing here depends on the
clock, or on chance but through the runs; so a search that is repeated asks for the same runs, and finds those that are done.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product

from seedbed.records import DataFacts
from seedbed.sizing import ranking
from seedbed.sizing.attempts import Attempt, Candidate, Stage
from seedbed.sizing.claims import Test, in_order, sequences
from seedbed.sizing.effort import SURE, Effort
from seedbed.sizing.networks import Form, Network, parameters
from seedbed.specs import Plan, Schedule

SCOUTS = 3
"""Doublings that are trained together."""

RATE_FACTORS = (0.5, 1.0, 2.0)
ENDINGS: tuple[tuple[Schedule, int], ...] = (("cosine", 1), ("onecycle", 1), ("cosine", 2))
"""Schedules, and the part of the epochs that they take, of which each size gets its best."""

LADDERS = 3
"""How often a ladder is laid anew, because the target was not where it was expected."""

GAIN = 0.97
"""Two doublings that leave more than this share of the mistakes have shown that size is not what is missing."""

Train = Callable[[Stage, Sequence[Candidate], Sequence[int]], list[Attempt]]
"""Trains settings with these seeds on the inner split; one answer for each different setting."""


@dataclass(frozen=True)
class Problem:
    """What is looked for.

    Attributes:
        target: the accuracy to be above.
        forms: that may be used, the plainest first.
        data: of the claim.
        choosing: how many images settings are chosen by.
        augment: of all training.
    """

    target: float
    forms: Sequence[Form]
    data: DataFacts
    choosing: int
    effort: Effort
    augment: str = "none"

    @property
    def needed(self) -> float:
        """The accuracy that the claim will probably take."""
        return ranking.needed(self.target, self.data.validation)

    @property
    def in_reach(self) -> float:
        """The mistakes of a scout whose size will probably do."""
        return self.effort.haste * (1 - self.needed)

    @property
    def safe(self) -> float:
        """The accuracy while choosing with which the tests begin."""
        return self._above(self.effort.caution)

    @property
    def sure(self) -> float:
        """The accuracy while choosing that will hardly disappoint."""
        return self._above(SURE)

    def _above(self, deviations: float) -> float:
        """More than is needed, by what two sets of images differ; with few of them, a third of the mistakes must do."""
        deviation = ranking.deviation(self.target, (self.choosing, self.data.validation))
        return min(self.needed + deviations * deviation, 1 - (1 - self.needed) / 3)

    def plan(self, epochs: int, rate: float) -> Plan:
        batch = self.effort.batch_sizes[0]
        return Plan(epochs=epochs, learning_rate=rate, batch_size=batch, schedule="cosine", augment=self.augment)

    def points(self, tried: Sequence[Attempt]) -> list[ranking.Point]:
        return ranking.points(tried, self.choosing)


def hunt(problem: Problem, train: Train, test: Test) -> Iterator[Attempt]:
    """Do the whole search; yield the claims as they are tested."""
    scouts = scout(problem, train)
    tuned = tune(problem, train, _anchor(problem, scouts))
    if not tuned:
        return
    orders: Iterable[Sequence[Attempt]] = sequences(ranking.best_by_size(tuned), problem.safe, problem.sure)
    if _in_reach(problem, scouts, tuned):
        orders = _orders(problem, train, tuned, ranking.slope(problem.points(scouts)))
    claims = yield from _in_order(problem, orders, test)
    yield from _further_down(problem, train, test, tuned, claims)


def _orders(problem: Problem, train: Train, tuned: Sequence[Attempt], steep: float) -> Iterator[Sequence[Attempt]]:
    """The order of the tests, and (asked for only if nothing passed) that of the second chance: of larger sizes."""
    front = ranking.best_by_size(size(problem, train, tuned, steep))
    first, larger = sequences(front, problem.safe, problem.sure)
    yield first
    if not larger or larger[0].score < problem.sure:
        ladder = _ladder(problem, train, tuned, _expected(problem, front, steep, problem.sure))
        larger = [one for one in ranking.best_by_size([*front, *ladder]) if one.parameters > first[0].parameters][::-1]
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
    """The order goes on with smaller sizes for as long as every size has passed.

    They too are chosen and put in order without a look at the claim's images, so that the whole is still one order.
    """
    for _ in range(LADDERS):
        if not claims or not all(claim.holds(problem.target) for claim in claims):
            return
        last = claims[-1].parameters
        ladder = _ladder(problem, train, tuned, last / max(problem.effort.factors))
        front = ranking.best_by_size([one for one in ladder if one.parameters < last])
        claims = yield from _in_order(problem, [front[::-1]], test)


def _in_reach(problem: Problem, scouts: Sequence[Attempt], tuned: Sequence[Attempt]) -> bool:
    """Whether some size may come to what the claim takes; if not, the best so far is the nearest."""
    crossed = ranking.crossing(problem.points(scouts), problem.in_reach) is not None
    return crossed or max(one.score for one in tuned) >= problem.needed


# Scouting


def scout(problem: Problem, train: Train) -> list[Attempt]:
    """The plainest form in doubling sizes, until the target is in reach of one, or size does not help any more."""
    found: list[Attempt] = []
    plans = [problem.plan(problem.effort.short(4), rate) for rate in problem.effort.rates]
    networks = list(_doublings(problem))
    for start in range(0, len(networks), SCOUTS):
        together = product(networks[start : start + SCOUTS], plans)
        found += train("scout", [Candidate(network, plan) for network, plan in together], (0,))
        if ranking.crossing(problem.points(found), problem.in_reach) or _flat(found):
            break
    return found


def _doublings(problem: Problem) -> Iterator[Network]:
    """Networks of the plainest form, each with at least twice the parameters of the one before."""
    before = 0
    for number, network in problem.forms[0].sizes(problem.data):
        if before and number > problem.effort.most:
            return
        if number >= 2 * before:
            before = number
            yield network


def _flat(scouts: Sequence[Attempt]) -> bool:
    sizes = sorted({one.parameters for one in scouts})
    if len(sizes) < 2 * SCOUTS:
        return False
    before = max(one.score for one in scouts if one.parameters <= sizes[-3])
    return 1 - max(one.score for one in scouts) > GAIN * (1 - before)


def _anchor(problem: Problem, scouts: Sequence[Attempt]) -> float:
    """The size at which training is tuned: where a tuned network should reach the target, or else the best scout's."""
    points = problem.points(scouts)
    crossed = ranking.crossing(points, problem.in_reach)
    return min(crossed or (points[-1][0] if points else 0), problem.effort.most)


# Tuning


def tune(problem: Problem, train: Train, size: float) -> list[Attempt]:
    """The best setting of each of the best forms, all of about one size; nothing where every run failed."""
    effort = problem.effort
    found = train("tune", [Candidate(model, plan) for model, plan in _first_round(problem, size)], (0,))
    kept = ranking.best_of_each(found, lambda one: (_form(problem, one.candidate.model), one.candidate.model.activation))
    found = train("tune", [each for one in kept[: effort.kept] for each in _second_round(problem, one.candidate)], (0,))
    kept = sorted(found, key=lambda one: -one.score)[: effort.kept]
    whole = [Candidate(one.candidate.model, one.candidate.plan.changed(epochs=effort.epochs)) for one in kept]
    found = train("tune", whole, effort.seeds)
    return ranking.best_of_each(found, lambda one: _form(problem, one.candidate.model))[: effort.forms]


def _first_round(problem: Problem, size: float) -> Iterator[tuple[Network, Plan]]:
    networks = [form.largest(size, problem.data) or form.network(1) for form in problem.forms]
    for network, activation, rate in product(networks, problem.effort.activations, problem.effort.rates):
        yield network.changed(activation=activation), problem.plan(problem.effort.short(8), rate)


def _second_round(problem: Problem, setting: Candidate) -> Iterator[Candidate]:
    for batch, l2 in product(problem.effort.batch_sizes, problem.effort.penalties):
        plan = setting.plan.changed(epochs=problem.effort.short(4), batch_size=batch, l2=l2)
        yield Candidate(setting.model, plan)


def _form(problem: Problem, network: Network) -> int:
    """The number of the form that a network is of."""
    return next(number for number, form in enumerate(problem.forms) if form.has(network))


# Sizes


def size(problem: Problem, train: Train, tuned: Sequence[Attempt], steep: float) -> list[Attempt]:
    """The tuned forms in ladders of sizes, each size with a rate, schedule and length of its own.

    Args:
        tuned: settings that were trained in full; one that is safe is the largest of the sizes.
        steep: how the mistakes fall with the parameters (`ranking.slope`).
    """
    centre = _expected(problem, tuned, steep, problem.needed)
    found = list(tuned)
    for _ in range(LADDERS):
        enough = min((one.parameters for one in found if one.score >= problem.safe), default=math.inf)
        found += _ladder(problem, train, tuned, centre, enough)
        front = ranking.best_by_size(found)
        if front[-1].score < problem.safe and front[-1].parameters < problem.effort.most:
            centre = _expected(problem, front[-1:], steep, problem.safe)
        elif front[0].score >= problem.needed:
            centre = front[0].parameters / max(problem.effort.factors)
        else:
            break
    return found


def _expected(problem: Problem, tried: Sequence[Attempt], steep: float, accuracy: float) -> float:
    """About where this accuracy will be reached, from the best of these; no further away than is worth believing."""
    [*_, (number, error)] = problem.points(tried)
    reach = max(problem.effort.factors) ** 2
    return min(max(ranking.moved(number, error, 1 - accuracy, steep), number / reach), number * reach, problem.effort.most)


def _ladder(problem: Problem, train: Train, tuned: Sequence[Attempt], centre: float, enough: float = math.inf) -> list[Attempt]:
    """Networks of the tuned forms around a size, and smaller than what is known to be enough."""
    effort = problem.effort
    rungs = ((model, one.candidate.plan) for one in tuned for model in _rungs(problem, one.candidate.model, centre))
    starts = [Candidate(model, plan) for model, plan in rungs if parameters(model, problem.data) < enough]
    if not starts:
        return []
    found = train("size", [each for start in starts for each in _rates(problem, start)], (0,))
    best = ranking.best_of_each(found, lambda one: one.candidate.model)
    found = train("size", [each for one in best for each in _endings(problem, one.candidate)], (0,))
    best = ranking.best_of_each(found, lambda one: one.candidate.model)
    return train("size", [one.candidate for one in best], effort.seeds)


def _rungs(problem: Problem, network: Network, centre: float) -> list[Network]:
    form = problem.forms[_form(problem, network)]
    bounds = [min(factor * centre, problem.effort.most) for factor in problem.effort.factors]
    found = dict.fromkeys(form.largest(bound, problem.data) or form.network(1) for bound in bounds)
    return [model.changed(activation=network.activation) for model in found]


def _rates(problem: Problem, start: Candidate) -> Iterator[Candidate]:
    for factor in RATE_FACTORS:
        rate = start.plan.learning_rate * factor
        yield Candidate(start.model, start.plan.changed(epochs=problem.effort.short(4), learning_rate=rate))


def _endings(problem: Problem, setting: Candidate) -> Iterator[Candidate]:
    for schedule, part in ENDINGS:
        yield Candidate(setting.model, setting.plan.changed(epochs=problem.effort.short(part), schedule=schedule))
