"""Training groups: settings times seeds, side by side in one call."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from seedbed.groups.fields import Setting
from seedbed.groups.folds import on_fold
from seedbed.groups.group import Group
from seedbed.runs import NamedRun
from seedbed.specs import DataSpec, RunSpec

if TYPE_CHECKING:
    from seedbed.scheduler import Execution


@dataclass(frozen=True)
class Request:
    """A setting to train with each of some seeds.

    Attributes:
        name: name of the group; its runs are `NAME.SEED`.
        run: settings of the runs; its seed is not used.
        setting: the fields that vary among several groups.
        folds: number of folds that the seeds validate on in turn (`on_fold`); 1 means the one validation part.
        each_fold: data of folds on all of which every seed is trained, as searches do; these runs are `NAME-fold-K.SEED`.
    """

    name: str
    run: RunSpec
    seeds: tuple[int, ...]
    setting: Setting = field(default_factory=dict)
    folds: int = 1
    each_fold: tuple[DataSpec, ...] = ()

    @property
    def entries(self) -> list[NamedRun]:
        """All runs, seed by seed, and within a seed fold by fold."""
        parts = [(self.name, self.run)]
        if self.each_fold:
            parts = [(f"{self.name}-fold-{fold}", self.run.changed(data=spec)) for fold, spec in enumerate(self.each_fold)]
        return [NamedRun(f"{name}.{seed}", name, on_fold(run, seed, self.folds)) for seed in self.seeds for name, run in parts]


def train_groups(
    requests: Sequence[Request],
    execution: Execution,
    *,
    metrics_only: bool = False,
    until: Callable[[], bool] = lambda: False,
) -> list[Group]:
    """Train what is missing of all requests, side by side, and read all of them as groups.

    Args:
        requests: settings and seeds; a run that several of them ask for is trained once.
        execution: how runs are trained, and where they live.
        metrics_only: whether no weights and no predictions are kept; the groups then have histories only.
        until: see `train_runs`.

    Raises:
        SeedbedError: as `train_runs` raises them.
    """
    from seedbed.scheduler import train_runs

    entries = {entry.name: entry for request in requests for entry in request.entries}
    results = train_runs(list(entries.values()), execution, metrics_only=metrics_only, until=until)
    by_name = dict(zip(entries, results, strict=True))
    groups = []
    for request in requests:
        runs = [by_name[entry.name] for entry in request.entries]
        groups.append(
            Group(request.name, runs, request.setting)
            if metrics_only
            else Group.read(execution.home, request.name, runs, request.setting)
        )
    return groups
