"""The result of a search: its trials, the best of them with fresh seeds, the frontier, importances and sentences."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from seedbed import figures, words
from seedbed.errors import RunError
from seedbed.groups import MEASURES, Contrast, Difference, caveats, differences
from seedbed.groups.caveats import uneven_classes
from seedbed.groups.statements import MARKS, Certainty, Statement, remarks
from seedbed.kinds import OPTIMIZERS
from seedbed.records import Result, finite, finite_fields
from seedbed.runs import RunStore
from seedbed.searches.finalists import Finalist
from seedbed.searches.importance import Importance, ImportanceEstimate, importances
from seedbed.searches.space import ADAPTIVE_RATES, STEP_RATES
from seedbed.searches.terms import Terms
from seedbed.searches.trial import Trial
from seedbed.statistics import Interval, frontier
from seedbed.tables import Column, Table, Tabular, interval_columns

if TYPE_CHECKING:
    from seedbed.figures.theme import AnyChart

COSTS = ("parameters", "operations", "latency")
"""Costs of a network; the latency is that of one image by itself."""

AT_THE_EDGE = 0.03
"""Share of a rate's logarithmic range that counts as its end."""


@dataclass(frozen=True, eq=False)
class Search(Tabular):
    """A search that is done.

    Attributes:
        terms: settings of the search.
        trials: all trials, in the order of their numbers.
        best: the finalists, by the lower ends of their intervals over fresh seeds, the highest first.
        dimensions: Optuna's distributions of the space.
        dashboard: the command that shows the study in a browser.
        test: accuracy of the winner on the test part. None means that it was not looked at.
        estimate: computes the importances; a server has that done by another process.
    """

    terms: Terms
    trials: list[Trial]
    best: list[Finalist]
    dimensions: Mapping[str, Any]
    dashboard: str = ""
    test: Interval | None = None
    estimate: ImportanceEstimate = importances

    @property
    def name(self) -> str:
        return self.terms.name

    @property
    def states(self) -> dict[str, int]:
        """State -> number of trials that ended in it."""
        return dict(Counter(trial.state for trial in self.trials))

    @property
    def winner(self) -> Finalist | None:
        return self.best[0] if self.best and self.best[0].accuracy else None

    @property
    def results(self) -> list[Result]:
        """The finalists' runs, which kept their weights."""
        return [result for finalist in self.best for result in finalist.group.results]

    @property
    def seconds(self) -> float:
        """Time of all runs in the workers."""
        return sum(trial.seconds for trial in self.trials) + sum(finalist.group.seconds for finalist in self.best)

    def measured(self) -> Search:
        """Return the same search with the finalists' latencies, measured on this machine."""
        from seedbed.searches.latency import latencies

        measured = latencies([finalist.trial.run.model for finalist in self.best], self.terms.space.data)
        return replace(self, best=[replace(each, latency=latency) for each, latency in zip(self.best, measured, strict=True)])

    def tested(self, home: RunStore) -> Search:
        """Return the same search with the winner's accuracy on the test part; the look is written into the home's ledger.

        Raises:
            RunError: there is no winner, or it was validated on folds.
            DataError: there is no test part.
        """
        from seedbed.groups.evaluation import evaluate_group

        if self.winner is None:
            raise RunError("--test: there is no winner to look at the test part with.")
        if self._folds:
            raise RunError("--test: each fold has a network of its own; search with the one validation part (--folds 1).")
        return replace(self, test=evaluate_group(home, self.winner.name, test=True).test)

    # The frontier

    def frontier(self, cost: str) -> list[Finalist]:
        """Return the finalists that none beats at a lower cost, or at one that overlaps; the cheapest first."""
        ranges = [(each, costs) for each in self.best if each.accuracy and (costs := each.cost_range(cost))]
        highs, lows = [costs[1] for _, costs in ranges], [costs[0] for _, costs in ranges]
        chosen = frontier(highs, [finalist.group.mean for finalist, _ in ranges], lows)
        return sorted((ranges[place][0] for place in chosen), key=lambda finalist: finalist.cost(cost) or 0.0)

    def pareto(self) -> list[dict[str, Any]]:
        """Return the finalists that are on the frontier of any cost, by their parameters, as JSON values."""
        frontiers = {cost: self.frontier(cost) for cost in COSTS}
        costs = [(each, [cost for cost in COSTS if each in frontiers[cost]]) for each in self.best]
        costs.sort(key=lambda pair: pair[0].trial.model.parameters)
        return [{**finalist.as_json(), "frontier_of": own} for finalist, own in costs if own]

    # Importance

    @cached_property
    def importances(self) -> list[Importance]:
        """Importance of each dimension for the accuracy at the first rung, which all trials but those that diverged reached."""
        comparable = [trial for trial in self.trials if trial.state in ("complete", "pruned")]
        values = [trial.curve.get(self.compared_at, trial.score) for trial in comparable]
        return self.estimate([trial.point for trial in comparable], values, self.dimensions, seed=self.terms.seed)

    @property
    def compared_at(self) -> int:
        """The epoch up to which all trials were trained."""
        return next(iter(self.terms.pruning.rungs), self.terms.space.epochs)

    # Tables and sentences

    def heading(self) -> str:
        return f"Search {self.name!r}: {words.counted(len(self.trials), 'trial')}"

    def __repr__(self) -> str:
        """What a console shows: the answer, not every trial."""
        return "\n".join([self.heading(), *self.sentences()])

    def table(self) -> Table[Finalist]:
        """Make the table of the finalists, for readers."""
        return Table(
            [
                Column("network", lambda each: each.trial.run.model.title, align="left"),
                Column("parameters", lambda each: each.trial.model.parameters, ","),
                Column("operations", lambda each: each.trial.model.operations, ","),
                Column("fresh seeds", lambda each: each.group.n),
                Column("accuracy", lambda each: each.accuracy and 100 * each.accuracy.mean, ".2f", unit="%"),
                Column("95 % interval", lambda each: each.accuracy, lambda known: words.ends(*known.pair()) if known else ""),
            ],
            self.best,
            "Mean validation accuracy of networks that were trained again with fresh seeds.",
        )

    def values(self) -> Table[Trial]:
        """Make the table of all trials; accuracies are shares in [0, 1]."""
        finalists = {each.trial.number: each.accuracy for each in self.best}
        return Table(
            [
                Column("number", lambda trial: trial.number),
                Column("network", lambda trial: trial.run.model.title),
                Column("parameters", lambda trial: trial.model.parameters),
                Column("operations", lambda trial: trial.model.operations),
                Column("state", lambda trial: trial.state),
                Column("accuracy", lambda trial: trial.accuracy),
                *interval_columns(lambda trial: finalists.get(trial.number), "fresh_"),
            ],
            self.trials,
        )

    def sentences(self) -> list[str]:
        """Say which setting is best, how sure that is, and what limits it."""
        return [statement.sentence for statement in self.statements()]

    def statements(self) -> list[Statement]:
        """The best setting, with whether it is better than the others; then remarks on what limits that."""
        winner, trials = self.winner, words.counted(len(self.trials), "trial")
        if winner is None or winner.score is None:
            return remarks([f"No trial of {len(self.trials)} could be ranked: {_by_state(self.states)}.", *self._notes()])
        score, network, measure = winner.score, winner.trial.run.model.title, winner.group.measure.name
        folds = f", {self.terms.folds} folds" if self._folds else ""
        best, within = f"The best of {trials} within {self.terms.space.budget}", "by the lower end of its interval"
        has = f"{network}, {words.percent(score.mean, 2)} {measure}"
        reach = f"{words.ends(*score.pair())}; {words.counted(score.n, 'fresh seed')}, 95 % interval{folds}"
        over_others = self._over_others(winner)
        found = [
            Statement(f"{best}: {has}.", _lead(over_others), f"{best}, {within}: {has} ({reach})."),
            *self._against_others(over_others),
            Statement("", None, self._selection(winner)),
        ]
        if self.test:
            says = f"On the test part it has {words.percent(self.test.mean, 2)}"
            seeds = words.counted(self.test.n, "seed")
            found.append(Statement(f"{says}.", None, f"{says} ({words.ends(*self.test.pair())}, {seeds})."))
        return [*found, *remarks([*self._edge(winner), *self._notes()])]

    def _selection(self, winner: Finalist) -> str:
        """Which images selected the winner, and what its score as a trial is worth."""
        test = "the test part, looked at once, was not used for that." if self.test else "the test part was not (--test)."
        return (
            f"As trial {winner.trial.number} it had {words.percent(winner.trial.score, 2)}: optimistic, because this "
            f"number selected the trial. The same validation images selected it; {test}"
        )

    @property
    def _folds(self) -> bool:
        return self.terms.folds > 1

    def _over_others(self, winner: Finalist) -> list[Difference]:
        """The winner against each other finalist that was trained with the same seeds, corrected over all of them."""
        others = [each for each in self.best[1:] if len(winner.group.included.keys() & each.group.included.keys()) > 1]
        return differences([Contrast(winner.group, each.group, name_b=each.name) for each in others]) if others else []

    def _against_others(self, over_others: Sequence[Difference]) -> list[Statement]:
        """Say which finalists the winner is better than."""
        if not over_others:
            return []
        beaten = [each.contrast.name_b for each in over_others if each.higher is each.contrast.a]
        count, rest = len(over_others), len(over_others) - len(beaten)
        all_others = f"the {words.counted(count, 'other')}"
        better = f"It is clearly better than {words.listed(beaten)}"
        said = f"{better}; from {rest} of {all_others} there is no clear difference"
        if not rest:
            said = f"It is clearly better than {'each of ' if count > 1 else ''}{all_others}"
        elif not beaten:
            which = f"any of {all_others}" if count > 1 else "the other"
            said = f"There is no clear difference between it and {which}"
        return [Statement(f"{said}.", None, f"{said} (trained again, paired by seed and image, Holm).")]

    def _edge(self, winner: Finalist) -> list[str]:
        share, plan = float(winner.trial.point["rate"]), winner.trial.run.plan
        if AT_THE_EDGE <= share <= 1 - AT_THE_EDGE:
            return []
        low, high = STEP_RATES if "momentum" in OPTIMIZERS[plan.optimizer].settings else ADAPTIVE_RATES
        end = "lowest" if share < AT_THE_EDGE else "highest"
        rate = f"Its learning rate, {words.value(plan.learning_rate)}"
        return [f"{rate}, is at the {end} end of the range searched ({low:g} to {high:g}); a better one may lie beyond."]

    def _notes(self) -> list[str]:
        groups = [finalist.group for finalist in self.best]
        sentences = [*caveats(groups, name=True), *uneven_classes(groups)]
        unranked = {state: count for state in ("diverged", "collapsed") if (count := self.states.get(state))}
        if unranked:
            sentences.insert(0, f"Of {words.counted(len(self.trials), 'trial')}, {_by_state(unranked)}; they were not ranked.")
        if len(self.best) < self.terms.finalists and not self.terms.pareto:
            sentences.append(f"Only {words.counted(len(self.best), 'setting')} could be trained again.")
        return sentences

    # JSON and charts

    def as_json(self) -> dict[str, Any]:
        """Return the contract of `search --json` (NaN is null)."""
        budget = self.terms.space.budget
        return finite_fields(
            {
                "name": self.name,
                "budget": {budget.kind: budget.limit},
                "trials": len(self.trials),
                "states": self.states,
                "best": [finalist.as_json() for finalist in self.best],
                "pareto": self.pareto(),
                "importance": {"epoch": self.compared_at, "shares": [vars(each) for each in self.importances]},
                "test": {"mean": self.test.mean, "interval": self.test.pair(), "n": self.test.n} if self.test else None,
                "settings": self.terms.settings(),
                "sentences": self.sentences(),
                "seconds": self.seconds,
            }
        )

    def charts(self) -> dict[str, AnyChart]:
        """Draw the course of the search, the frontier over each cost, and the importances: name -> figure."""
        return {**self.charts_of_trials(), **self.charts_of_importance()}

    def charts_of_trials(self) -> dict[str, AnyChart]:
        """Draw the course of the search and the frontier over each cost, without waiting for the importances."""
        measure = MEASURES[self.terms.space.metric].name
        drawn: dict[str, AnyChart] = {"trials": figures.search_course(course_rows(self), measure=measure)}
        rows, ends = coordinate_rows(self.trials)
        if rows:
            drawn["settings"] = figures.search_coordinates(rows, ends)
        for cost in COSTS:
            rows = frontier_rows(self, cost)
            if len({row["cost"] for row in rows if row["kind"] == "finalist"}) > 1:
                drawn[f"accuracy_over_{cost}"] = figures.search_frontier(rows, cost, measure=measure)
        return drawn

    def charts_of_importance(self) -> dict[str, AnyChart]:
        """Draw the importances; none where there are none."""
        if not self.importances:
            return {}
        shares = [vars(each) for each in self.importances]
        return {"importance": figures.search_importance(shares, trials=len(self.trials), epoch=self.compared_at)}


def _lead(over_others: Sequence[Difference]) -> Certainty | None:
    """How sure it is that a winner is the best of the finalists: as sure as its least sure difference."""
    if not over_others:
        return None
    certainties = [each.certainty(f"The best against {each.contrast.name_b}") for each in over_others]
    return max(certainties, key=lambda each: MARKS.index(each.mark))


def _by_state(states: Mapping[str, int]) -> str:
    return words.listed([f"{count} {state}" for state, count in states.items()])


def course_rows(search: Search) -> list[dict[str, Any]]:
    """Return one row per trial: number, score (`accuracy`), state, best of the complete ones so far, network, epochs."""
    rows, best = [], 0.0
    for trial in search.trials:
        best = max(best, trial.score) if trial.state == "complete" else best
        rows.append(
            {
                "number": trial.number,
                "accuracy": trial.score,
                "state": trial.state,
                "best": best or None,
                "network": trial.run.model.title,
                "epochs": max(trial.curve, default=search.terms.space.epochs),
            }
        )
    return rows


def coordinate_rows(trials: Sequence[Trial]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the settings of trials as places along axes: rows of trials, and the values that are written at the axes.

    Only settings that vary have an axis; places are in [0, 1], numbers by their logarithm where they are above 0.
    """
    rows: list[dict[str, Any]] = []
    ends: list[dict[str, Any]] = []
    for name, of_trial in COORDINATES.items():
        values = [of_trial(trial) for trial in trials]
        distinct = sorted(set(values), key=lambda value: (isinstance(value, str), value))
        if len(distinct) < 2:
            continue
        places = _places(distinct)
        shown = [distinct[0], distinct[-1]] if not isinstance(distinct[-1], str) and len(distinct) > 6 else distinct
        ends += [{"dimension": name, "place": places[value], "text": words.value(value)} for value in shown]
        for trial, value in zip(trials, values, strict=True):
            at = {"dimension": name, "place": places[value], "value": f"{name} {words.value(value)}"}
            rows.append({"trial": trial.number, "state": trial.state, "accuracy": trial.accuracy, **at})
    return rows, ends


def _places(values: Sequence[Any]) -> dict[Any, float]:
    """Value -> place in [0, 1]: words evenly, numbers by their size or its logarithm."""
    if any(isinstance(value, str) for value in values):
        return {value: place / (len(values) - 1) for place, value in enumerate(values)}
    sizes = [math.log(value) if values[0] > 0 else float(value) for value in values]
    return {value: (size - sizes[0]) / (sizes[-1] - sizes[0]) for value, size in zip(values, sizes, strict=True)}


COORDINATES: Mapping[str, Callable[[Trial], Any]] = {
    "family": lambda trial: trial.run.model.family,
    "layers": lambda trial: len(trial.run.model.hidden) or len(getattr(trial.run.model, "filters", ())),
    "activation": lambda trial: str(trial.run.model.activation),
    "dropout": lambda trial: trial.run.model.dropout,
    "optimizer": lambda trial: trial.run.plan.optimizer,
    "learning rate": lambda trial: trial.run.plan.learning_rate,
    "batch size": lambda trial: trial.run.plan.batch_size,
    "schedule": lambda trial: trial.run.plan.schedule,
    "l1": lambda trial: trial.run.plan.l1,
    "l2": lambda trial: trial.run.plan.l2,
    "parameters": lambda trial: trial.model.parameters,
}
"""Axes of `coordinate_rows`."""


def frontier_rows(search: Search, cost: str) -> list[dict[str, Any]]:
    """Return rows of trials and finalists: kind, cost, mean, frontier, network; of finalists also ranges and intervals."""

    def row(kind: str, cost: float, mean: float, trial: Trial) -> dict[str, Any]:
        return {"kind": kind, "cost": cost, "mean": mean, "frontier": False, "network": trial.run.model.title}

    complete = [trial for trial in search.trials if trial.state == "complete" and cost != "latency"]
    rows = [row("trial", float(getattr(trial.model, cost)), trial.score, trial) for trial in complete]
    on_frontier = search.frontier(cost)
    for finalist in search.best:
        own, score = finalist.cost(cost), finalist.score
        if score and own is not None:
            low, high = finalist.cost_range(cost) or (own, own)
            details = {
                "low": finite(score.low),
                "high": finite(score.high),
                "n": score.n,
                "frontier": finalist in on_frontier,
            }
            rows.append({**row("finalist", own, score.mean, finalist.trial), "least": low, "most": high, **details})
    return rows
