"""The settings of a search."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, get_args

from seedbed import data
from seedbed.data import WatchData
from seedbed.errors import SpecError, nearest
from seedbed.names import checked_group
from seedbed.records import DataFacts, EpochColumns
from seedbed.searches.budget import Budget
from seedbed.searches.sampling import GROUP, Direction, Sampler
from seedbed.searches.space import FAMILIES, Space, rungs
from seedbed.specs import ClassWeight, DataSpec, Metric, Plan, Select
from seedbed.training.pruning import Pruning

TRIALS, EPOCHS = 100, 20
SAMPLERS: tuple[Sampler, ...] = get_args(Sampler)
BATCH = 2 * GROUP
"""Trials that are proposed together, before the sampler sees any of their results: two programs for two workers."""


GOALS = ("select", "metric", "class_weight")
"""Settings of the plan that all trials share."""


@dataclass(frozen=True)
class Terms:
    """The settings of a search.

    Attributes:
        name: name of the search; its runs are `NAME-trial-...` and `NAME-best-...`.
        space: the space of networks and plans.
        trials: number of networks to try, each with the seed `seed`.
        finalists: number of the best that are trained again, each with `seeds` fresh seeds.
        sampler: "tpe" learns from the trials before, "random" does not.
        pareto: look for the best accuracy at every cost, not only at the whole budget.
        folds: parts of the training and validation images that validate in turn; 1 is the one validation part.
        batch: number of trials proposed together; more keep more workers busy, and let the sampler learn later.
        prune: stop the worse half of a population after a fifth and after half of the epochs.
    """

    name: str
    space: Space
    trials: int
    finalists: int = 5
    seeds: int = 5
    seed: int = 0
    sampler: Sampler = "tpe"
    pareto: bool = False
    folds: int = 1
    batch: int = BATCH
    prune: bool = True

    def __post_init__(self) -> None:
        checked_group(self.name)
        for name, least in (("trials", 1), ("finalists", 1), ("seeds", 2), ("folds", 1), ("seed", 0), ("batch", 1)):
            if not getattr(self, name) >= least:
                raise SpecError(f"{name} = {getattr(self, name)}: it must be at least {least}.")
        if self.sampler not in SAMPLERS:
            raise SpecError(f"sampler = {self.sampler!r}: it must be tpe or random.{nearest(self.sampler, SAMPLERS)}")

    @property
    def directions(self) -> list[Direction]:
        """Directions of the study: the accuracy, and the cost where both count."""
        return ["maximize", "minimize"] if self.pareto else ["maximize"]

    @property
    def pruning(self) -> Pruning:
        """Rungs of pruning; none where a network would be compared with larger ones, or with other folds."""
        comparable = self.prune and not self.pareto and self.folds == 1
        plan = Plan(metric=self.space.metric, class_weight=self.space.class_weight)
        pruned_at = rungs(self.space.epochs) if comparable else ()
        return Pruning(pruned_at, select=self.space.select, columns=EpochColumns.of(plan))

    @property
    def fresh(self) -> tuple[int, ...]:
        """Seeds that no trial has."""
        return tuple(range(self.seed + 1, self.seed + 1 + self.seeds))

    @property
    def fold_data(self) -> tuple[DataSpec, ...]:
        """The data of each fold; empty without folds."""
        folds = range(self.folds) if self.folds > 1 else ()
        return tuple(self.space.spec.changed(fold=(fold, self.folds)) for fold in folds)

    def settings(self) -> dict[str, Any]:
        """Return all that proposals and trials depend on, and the number of trials, as JSON values."""
        # An older seedbed wrote none of these, and its searches are found by their settings.
        later = {name: own for name in GOALS if (own := getattr(self.space, name)) != Plan.later[name]}
        return {
            "budget": {self.space.budget.kind: self.space.budget.limit},
            "families": list(self.space.families),
            "data": self.space.spec.written(),
            "epochs": self.space.epochs,
            "seed": self.seed,
            "sampler": self.sampler,
            "pareto": self.pareto,
            "folds": self.folds,
            "rungs": list(self.pruning.rungs),
            "batch": self.batch,
            "trials": self.trials,
            **later,
        }


def terms_for(
    budget: str | Budget,
    spec: DataSpec,
    *,
    name: str | None = None,
    family: str | Sequence[str] | None = None,
    epochs: int = EPOCHS,
    trials: int = TRIALS,
    pareto: bool = False,
    select: Select | None = None,
    metric: Metric | None = None,
    class_weight: ClassWeight | None = None,
    watch: WatchData | None = None,
    **more: Any,
) -> Terms:
    """Make the terms of a search on a data set, which is loaded for its sizes.

    Args:
        budget: `units=200`, `params=10000` or `flops=1e6`.
        family: "dense", "conv" or both; see `families`.
        pareto: search smaller networks too.
        select, metric, class_weight: settings of every trial, see `Plan`. None means the defaults.
        watch: callback for the progress of a download, or of reading.
        more: other fields of `Terms`.

    Raises:
        SpecError: a term breaks a rule.
        DataError: the images are not available.
    """
    limit = Budget.of(budget) if isinstance(budget, str) else budget
    known = data.resolve(data.spec_of(spec, watch), watch)
    facts = data.load(known, watch).facts()
    asked = dict(zip(GOALS, (select, metric, class_weight), strict=True))
    plan = Plan(epochs=epochs).changed(**{name: value for name, value in asked.items() if value})
    goals: dict[str, Any] = {name: getattr(plan, name) for name in GOALS}
    space = Space(limit, families(family, limit, facts, known), facts, known, plan.epochs, sizes=pareto, **goals)
    terms = Terms(name or f"{limit.kind}-{limit.limit}-{known.name}", space, trials, pareto=pareto, **more)
    if terms.fold_data:
        data.load(terms.fold_data[0], watch)  # folds that cannot be made are an error before anything is trained
    return terms


def families(wanted: str | Sequence[str] | None, budget: Budget, facts: DataFacts, spec: DataSpec) -> tuple[str, ...]:
    """Choose the families to search: those asked for; else dense ones for units, and for other budgets all that fit.

    A unit of a convolution works on every pixel, so 200 of them are not comparable with 200 dense ones.

    Raises:
        SpecError: a family is not known, or does not fit the budget.
    """
    asked = [wanted] if isinstance(wanted, str) else list(wanted or ())
    for family in asked:
        if family not in FAMILIES:
            raise SpecError(f"family = {family!r} is not known.{nearest(family, FAMILIES)} Known: {', '.join(FAMILIES)}.")
    if asked:
        return tuple(family for family in FAMILIES if family in asked)
    if budget.kind == "units":
        return ("dense",)
    fitting = []
    for family in FAMILIES:
        try:
            Space(budget, (family,), facts, spec, 1)
            fitting.append(family)
        except SpecError as error:
            refused = error
    if not fitting:
        raise refused
    return tuple(fitting)
