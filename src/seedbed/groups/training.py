"""Training groups: settings times seeds, side by side in one call."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from seedbed.groups.fields import Setting
from seedbed.groups.group import Group
from seedbed.records import Result
from seedbed.runs import Entry, Home
from seedbed.specs import DataSpec, RunSpec

if TYPE_CHECKING:
    from seedbed.scheduler import Execution


@dataclass(frozen=True)
class Request:
    """A setting that is to be trained with each of some seeds.

    Attributes:
        name: the group's; its runs are `NAME.SEED`, with folds `NAME-fold-K.SEED`.
        run: what is trained; its seed counts for nothing.
        setting: the fields that vary where the group stands among others.
        folds: the data of each fold, in place of the run's own.
    """

    name: str
    run: RunSpec
    seeds: tuple[int, ...]
    setting: Setting = field(default_factory=dict)
    folds: tuple[DataSpec, ...] = ()

    @property
    def entries(self) -> list[Entry]:
        """All runs, seed by seed, and within a seed fold by fold."""
        parts = [(self.name, self.run)]
        if self.folds:
            parts = [(f"{self.name}-fold-{fold}", self.run.changed(data=spec)) for fold, spec in enumerate(self.folds)]
        return [Entry(f"{name}.{seed}", name, run.changed(seed=seed)) for seed in self.seeds for name, run in parts]


def train_groups(
    requests: Sequence[Request],
    execution: Execution,
    *,
    metrics_only: bool = False,
    until: Callable[[], bool] = lambda: False,
) -> list[Group]:
    """Train what is missing of all requests, side by side, and read all of them as groups.

    Args:
        requests: a run that several of them ask for is trained once.
        execution: how runs are trained, and where they live.
        metrics_only: keep no weights and no predictions; the groups then have histories alone.
        until: see `train_runs`.

    Raises:
        SeedbedError: as `train_runs` raises them.
    """
    from seedbed.scheduler import train_runs

    entries = {entry.name: entry for request in requests for entry in request.entries}
    results = train_runs(list(entries.values()), execution, metrics_only=metrics_only, until=until)
    found = dict(zip(entries, results, strict=True))
    home = execution.home
    return [_group(request, [found[entry.name] for entry in request.entries], home, metrics_only) for request in requests]


def _group(request: Request, results: list[Result], home: Home, metrics_only: bool) -> Group:
    if metrics_only:
        return Group(request.name, results, request.setting)
    return Group.read(home, request.name, results, request.setting)


def finished(requests: Sequence[Request], home: Home) -> int:
    """How many of the runs that are asked for the home holds already, finished, under their names."""
    names = {entry.name for request in requests for entry in request.entries}
    return sum(each.name in names and each.status == "finished" for each in home.listing())


def missing(requests: Sequence[Request], home: Home) -> Mapping[str, Entry]:
    """Name -> run, of those that are asked for and not finished in the home."""
    known = {each.name for each in home.listing() if each.status == "finished"}
    return {entry.name: entry for request in requests for entry in request.entries if entry.name not in known}
