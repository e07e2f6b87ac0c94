"""Pruning: the worse members of a population stop at rungs, as in successive halving. Pure, and without JAX."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from seedbed.errors import SpecError
from seedbed.records import BY_ACCURACY, EpochColumns, History, best_epoch
from seedbed.specs import Select
from seedbed.training.members import EpochMetrics, Member


@dataclass(frozen=True)
class Pruning:
    """Successive halving: at each rung only the better share of a population's members continues.

    Decisions depend on the members' metrics alone, so that a resumed population is pruned as without the interruption.

    Args:
        rungs: epochs, from 1, at whose ends members are ranked by the validation accuracy of their best epoch so far, or by
            another metric; ties are broken by the validation loss at that epoch.
        keep: share of the members at a rung that continue, rounded up.
        select: rule that selects a member's best epoch, see `Plan`.
        columns: metric and loss that members are ranked by.

    Source: Jamieson, Talwalkar 2016, "Non-stochastic Best Arm Identification and Hyperparameter Optimization".
    """

    rungs: tuple[int, ...]
    keep: float = 0.5
    select: Select = "accuracy"
    columns: EpochColumns = BY_ACCURACY

    def __post_init__(self) -> None:
        if not (all(rung >= 1 for rung in self.rungs) and sorted(set(self.rungs)) == list(self.rungs)):
            raise SpecError(f"rungs = {self.rungs}: they must be epochs from 1 on, in ascending order.")
        if not 0 < self.keep <= 1:
            raise SpecError(f"keep = {self.keep!r}: it must be above 0 and at most 1.")

    def stopped(self, epoch: int, rows: Mapping[Member, list[EpochMetrics]]) -> set[Member]:
        """The members that stop at the end of an epoch, from the metrics of all members, ended ones included."""
        if epoch not in self.rungs:
            return set()
        ranked = sorted(
            (member for member in rows if len(rows[member]) >= epoch),
            key=lambda member: self._rank(rows[member][:epoch], member),
        )
        return set(ranked[math.ceil(self.keep * len(ranked)) :])

    def _rank(self, rows: list[EpochMetrics], member: Member) -> tuple[float, float, Member]:
        """Sort key: better members first, members without a finite metric last."""
        history = History.from_rows(rows)
        best = best_epoch(history, self.select, self.columns)
        if best == 0 or not np.isfinite(rows[-1]["validation_loss"]):
            return math.inf, math.inf, member
        return -float(history[self.columns.metric][best - 1]), float(history[self.columns.loss][best - 1]), member

    def work(self, epochs: float, of: int) -> float:
        """Mean number of epochs per member, after `epochs` of the population's `of` epochs."""
        done, share, before = 0.0, 1.0, 0.0
        for rung in (*(rung for rung in self.rungs if rung < of), of):
            done += share * max(0.0, min(epochs, rung) - before)
            before, share = rung, share * self.keep
        return done
