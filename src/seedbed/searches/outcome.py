"""What a search found: its trials, the best of them with fresh seeds, the frontier, and what may be said of all that."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from seedbed import figures
from seedbed.errors import RunError
from seedbed.figures import words
from seedbed.records import Result, finite
from seedbed.runs import RunStore
from seedbed.searches.finalists import Finalist, difference
from seedbed.searches.importance import Importance, importances
from seedbed.searches.space import ADAPTIVE_RATES, STEP_RATES
from seedbed.searches.terms import Terms
from seedbed.searches.trial import Trial
from seedbed.statistics import Interval, corrected

if TYPE_CHECKING:
    from seedbed.figures.theme import AnyChart

COSTS = ("parameters", "operations", "latency")
"""What a network costs; the latency is that of one image that comes alone."""

AT_THE_EDGE = 0.03
"""Share of a rate's logarithmic range that counts as its end."""


@dataclass(frozen=True, eq=False)
class Search:
    """A search that is done.

    Attributes:
        terms: what was asked.
        trials: all, in the order of their numbers.
        best: the finalists, by the lower ends of their intervals over fresh seeds, the highest first.
        dimensions: Optuna's distributions of the space.
        dashboard: the command that shows the study in a browser.
        test: the winner's accuracy on the test part, where it was looked at.
    """

    terms: Terms
    trials: list[Trial]
    best: list[Finalist]
    dimensions: Mapping[str, Any]
    dashboard: str = ""
    test: Interval | None = None

    @property
    def name(self) -> str:
        return self.terms.name

    @property
    def states(self) -> dict[str, int]:
        """State -> how many trials ended in it."""
        return dict(Counter(trial.state for trial in self.trials))

    @property
    def winner(self) -> Finalist | None:
        return self.best[0] if self.best and self.best[0].accuracy else None

    @property
    def results(self) -> list[Result]:
        """The finalists' runs, which kept their weights."""
        return [result for one in self.best for result in one.runs]

    def measured(self) -> Search:
        """The same with the finalists' latencies, measured here and now."""
        from seedbed.searches.latency import latencies

        found = latencies([one.trial.run.model for one in self.best], self.terms.space.data)
        return replace(self, best=[replace(one, latency=each) for one, each in zip(self.best, found, strict=True)])

    def tested(self, home: RunStore) -> Search:
        """The same with the winner's accuracy on the test part; the look is written into the home's ledger.

        Raises:
            RunError: there is no winner, or it was validated on folds.
            DataError: there is no test part.
        """
        from seedbed.evaluation.assessment import evaluate_group

        if self.winner is None or self._folds:
            raise RunError(
                "--test: there is no winner to look at the test part with."
                if self.winner is None
                else "--test: each fold has a network of its own; search with the one validation part (--folds 1)."
            )
        return replace(self, test=evaluate_group(home, self.winner.name, test=True).test)

    # The frontier

    def frontier(self, cost: str) -> list[Finalist]:
        """The finalists that none has a higher mean than at a lower cost, or at one not told apart; the cheapest first."""
        usable = [(one, reach) for one in self.best if one.accuracy and (reach := reach_of(one, cost)) is not None]
        beaten = {
            one.name
            for one, (_, high) in usable
            for other, (low, _) in usable
            if low <= high and (_mean(other), -low) > (_mean(one), -high) and _mean(other) >= _mean(one) and other is not one
        }
        return sorted((one for one, _ in usable if one.name not in beaten), key=lambda one: cost_of(one, cost) or 0.0)

    def pareto(self) -> list[dict[str, Any]]:
        """The finalists that are on the frontier of any cost, by their parameters."""
        on = {cost: self.frontier(cost) for cost in COSTS}
        chosen = {one.name: one for found in on.values() for one in found}
        ordered = sorted(chosen.values(), key=lambda one: one.trial.model.parameters)
        return [{**one.as_json(), "frontier_of": [cost for cost in COSTS if one in on[cost]]} for one in ordered]

    # Importance

    @cached_property
    def importances(self) -> list[Importance]:
        """Of each dimension, for the accuracy at the first rung, which all trials but those that diverged reached whole."""
        comparable = [trial for trial in self.trials if trial.state in ("complete", "pruned")]
        values = [trial.curve.get(self.compared_at, trial.accuracy) for trial in comparable]
        return importances([trial.point for trial in comparable], values, self.dimensions, seed=self.terms.seed)

    @property
    def compared_at(self) -> int:
        """The epoch up to which all trials were trained."""
        return next(iter(self.terms.pruning.rungs), self.terms.space.epochs)

    # Words

    def sentences(self) -> list[str]:
        """What the figures show, and what they do not."""
        winner = self.winner
        if winner is None or winner.accuracy is None:
            return [f"No trial of {len(self.trials)} came to a sound end: {self._counts()}.", *self._notes()]
        found, what = winner.accuracy, words.network(winner.trial.run.model)
        basis = f"{words.counted(found.n, 'fresh seed')}, 95 % interval" + (
            f", {self.terms.folds} folds" if self._folds else ""
        )
        said = [
            f"The best of {words.counted(len(self.trials), 'trial')} within {self.terms.space.budget}, by the lower end of its "
            f"interval: {what}, {words.percent(found.mean, 2)} validation accuracy "
            f"({words.percent(found.low, 2)} to {words.percent(found.high, 2)}; {basis})."
        ]
        said += self._against_others(winner)
        said.append(
            f"As trial {winner.trial.number} it had {words.percent(winner.trial.accuracy, 2)}: a trial that is chosen for its "
            f"accuracy flatters itself. The same validation images chose it; "
            + ("the test part, looked at once, did not." if self.test else "only the test part did not (--test).")
        )
        if self.test:
            low, high = words.percent(self.test.low, 2), words.percent(self.test.high, 2)
            said.append(
                f"On the test part it has {words.percent(self.test.mean, 2)} ({low} to {high}, "
                f"{words.counted(self.test.n, 'seed')})."
            )
        return [*said, *self._edge(winner), *self._notes()]

    @property
    def _folds(self) -> bool:
        return self.terms.folds > 1

    def _against_others(self, winner: Finalist) -> list[str]:
        """Which finalists the winner is shown to be better than, corrected over all of them."""
        others = [(one, difference(winner, one)) for one in self.best[1:]]
        claims = [(one, claim) for one, claim in others if claim is not None]
        if not claims:
            return []
        verdicts = corrected([claim for _, claim in claims], confidence=0.95)
        beaten = [
            one.name for (one, _), verdict in zip(claims, verdicts, strict=True) if verdict.shown and verdict.interval.mean > 0
        ]
        rest, all_of_them = len(claims) - len(beaten), words.counted(len(claims), "other")
        basis = "trained again, paired by seed and image, Holm"
        if not rest:
            return [f"It is shown to be better than {'each of ' if len(claims) > 1 else ''}the {all_of_them} ({basis})."]
        if not beaten:
            which = f"any of the {all_of_them}" if len(claims) > 1 else "the other"
            return [f"Between it and {which} no difference is shown ({basis})."]
        better = f"It is shown to be better than {words.listed(beaten)}"
        return [f"{better}; against {rest} of the {all_of_them} no difference is shown ({basis})."]

    def _edge(self, winner: Finalist) -> list[str]:
        share = float(winner.trial.point["rate"])
        if AT_THE_EDGE <= share <= 1 - AT_THE_EDGE:
            return []
        plan = winner.trial.run.plan
        low, high = STEP_RATES if plan.optimizer == "nesterov" else ADAPTIVE_RATES
        end = "lowest" if share < AT_THE_EDGE else "highest"
        rate = words.value(plan.learning_rate)
        return [
            f"Its learning rate, {rate}, is at the {end} end of what was searched ({low:g} to {high:g}): it may lie beyond."
        ]

    def _counts(self) -> str:
        return words.listed([f"{count} {state}" for state, count in self.states.items()])

    def _notes(self) -> list[str]:
        out = {state: self.states[state] for state in ("diverged", "collapsed") if state in self.states}
        said = []
        if out:
            kinds = words.listed([f"{count} {state}" for state, count in out.items()])
            said.append(f"Of {words.counted(len(self.trials), 'trial')}, {kinds}; they were not ranked.")
        left_out = sum(one.left_out for one in self.best)
        if left_out:
            said.append(f"{words.counted(left_out, 'fresh run')} of the best diverged or collapsed; they are in no mean.")
        short = sum(result.verdict.kind == "undertrained" for result in self.results)
        if short:
            said.append(f"{short} of {words.counted(len(self.results), 'fresh run')} were still improving at the last epoch.")
        if len(self.best) < self.terms.finalists and not self.terms.pareto:
            said.append(f"Only {words.counted(len(self.best), 'setting')} could be trained again.")
        return said

    # Elsewhere

    def as_json(self) -> dict[str, Any]:
        """The contract of `search --json` (NaN is null)."""
        budget = self.terms.space.budget
        plain: dict[str, Any] = finite(
            {
                "name": self.name,
                "budget": {budget.kind: budget.limit},
                "trials": len(self.trials),
                "states": self.states,
                "best": [one.as_json() for one in self.best],
                "pareto": self.pareto(),
                "importance": {"epoch": self.compared_at, "shares": [vars(one) for one in self.importances]},
                "test": {"mean": self.test.mean, "interval": self.test.pair(), "n": self.test.n} if self.test else None,
                "settings": self.terms.settings(),
                "sentences": self.sentences(),
                "seconds": sum(trial.seconds for trial in self.trials) + sum(one.seconds.total for one in self.results),
            }
        )
        return plain

    def charts(self) -> dict[str, AnyChart]:
        """Name -> figure: the course of the search, the frontier over each cost, and the importances."""
        drawn: dict[str, AnyChart] = {"trials": figures.search_course(course_rows(self))}
        for cost in COSTS:
            rows = frontier_rows(self, cost)
            if len({row["cost"] for row in rows if row["kind"] == "finalist"}) > 1:
                drawn[f"accuracy_over_{cost}"] = figures.search_frontier(rows, cost)
        if self.importances:
            shares = [vars(one) for one in self.importances]
            drawn["importance"] = figures.search_importance(shares, trials=len(self.trials), epoch=self.compared_at)
        return drawn


def cost_of(one: Finalist, cost: str) -> float | None:
    """What a finalist costs; None where its latency was not measured."""
    if cost == "latency":
        return one.latency.single if one.latency else None
    return float(getattr(one.trial.model, cost))


def reach_of(one: Finalist, cost: str) -> tuple[float, float] | None:
    """Within what a finalist's cost lies: of a measured latency the quartiles."""
    if cost == "latency":
        return one.latency.single_quartiles if one.latency else None
    exact = float(getattr(one.trial.model, cost))
    return exact, exact


def _mean(one: Finalist) -> float:
    return one.accuracy.mean if one.accuracy else 0.0


def course_rows(search: Search) -> list[dict[str, Any]]:
    """One row a trial: number, accuracy, state, best (so far, of the whole ones), network."""
    rows, best = [], 0.0
    for trial in search.trials:
        best = max(best, trial.accuracy) if trial.state == "complete" else best
        rows.append(
            {
                "number": trial.number,
                "accuracy": trial.accuracy,
                "state": trial.state,
                "best": best or None,
                "network": words.network(trial.run.model),
                "epochs": max(trial.curve, default=search.terms.space.epochs),
            }
        )
    return rows


def frontier_rows(search: Search, cost: str) -> list[dict[str, Any]]:
    """Rows of trials and finalists: kind, cost, mean, low, high, frontier, network."""
    rows: list[dict[str, Any]] = []
    if cost != "latency":
        for trial in search.trials:
            if trial.state == "complete":
                rows.append(_row("trial", float(getattr(trial.model, cost)), trial.accuracy, trial))
    on = search.frontier(cost)
    for one in search.best:
        at = cost_of(one, cost)
        if one.accuracy and at is not None:
            row = _row("finalist", at, one.accuracy.mean, one.trial)
            row["least"], row["most"] = reach_of(one, cost) or (at, at)
            rows.append({**row, "low": one.accuracy.low, "high": one.accuracy.high, "n": one.accuracy.n, "frontier": one in on})
    return rows


def _row(kind: str, cost: float, mean: float, trial: Trial) -> dict[str, Any]:
    return {"kind": kind, "cost": cost, "mean": mean, "frontier": False, "network": words.network(trial.run.model)}
