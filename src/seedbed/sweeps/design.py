"""The plan of a sweep: every setting named, checked and described before the first of them is trained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from seedbed import data
from seedbed.errors import SpecError
from seedbed.groups import Request, train_groups
from seedbed.groups.fields import applied
from seedbed.groups.folds import on_fold
from seedbed.groups.naming import checked_prefix, group_name
from seedbed.models import describe
from seedbed.records import DataFacts
from seedbed.runs import NamedRun
from seedbed.specs import DataSpec, RunSpec
from seedbed.sweeps.grid import Grid
from seedbed.sweeps.outcome import Sweep

if TYPE_CHECKING:
    from seedbed.scheduler import Execution


@dataclass(frozen=True)
class Design:
    """A sweep that is not yet trained.

    Attributes:
        base: settings that all runs share, except the fields of the grid.
        seeds: seeds of each setting.
        requests: settings in the order of the grid.
        data: data spec -> sizes of its data; with folds, of the first one.
        folds: number of folds that the seeds validate on in turn; 1 means the one validation part.
    """

    name: str
    base: RunSpec
    grid: Grid
    seeds: tuple[int, ...]
    requests: tuple[Request, ...]
    data: dict[DataSpec, DataFacts]
    folds: int = 1

    @property
    def entries(self) -> list[NamedRun]:
        """All runs: `GROUP.SEED`, so that more seeds can be added later."""
        return [entry for request in self.requests for entry in request.entries]

    def train(self, execution: Execution) -> Sweep:
        """Train what is missing, all of it side by side, and return the whole sweep.

        Raises:
            SeedbedError: as `train_runs` raises them.
        """
        return Sweep(self.name, self.base, self.grid, self.seeds, train_groups(self.requests, execution), self.folds)


def design(
    name: str,
    base: RunSpec,
    grid: Grid,
    seeds: Sequence[int],
    watch: data.WatchData | None = None,
    *,
    folds: int = 1,
) -> Design:
    """Plan a sweep. Every error in a setting is found here, before anything is trained.

    Args:
        name: name of the sweep; its settings are the groups `NAME-...`.
        base: settings that all runs share.
        grid: fields that vary.
        seeds: seeds of each setting, all different.
        watch: callback for the progress of a download, or of reading.
        folds: number of folds that the seeds validate on in turn; 1 means the one validation part.

    Raises:
        SpecError: a name that no sweep may have, values that exclude each other, or two settings that are the same.
        DataError: the images are not available, or cannot be split so.
        ModelError: a network cannot be built for these images.
    """
    checked_prefix(name)
    if not seeds or len(set(seeds)) < len(seeds):
        raise SpecError(f"seeds = {list(seeds)}: a sweep needs one seed at least, and each only once.")
    base = base.changed(data=data.spec_of(base.data, watch))
    requests = tuple(
        Request(
            group_name(name, setting),
            applied(base, setting),
            tuple(seeds),
            {field: setting[field] for field in grid.varying},
            folds,
        )
        for setting in grid
    )
    _check_distinct(requests)
    runs = [on_fold(request.run, 0, folds) for request in requests]
    facts = {spec: data.load(spec, watch).facts() for spec in dict.fromkeys(run.data for run in runs)}
    for model, spec in dict.fromkeys((run.model, run.data) for run in runs):
        describe(model, facts[spec].image_shape, len(facts[spec].classes))
    return Design(name, base, grid, tuple(seeds), requests, facts, folds)


def _check_distinct(requests: Sequence[Request]) -> None:
    names: dict[str, Request] = {}
    settings: dict[str, Request] = {}
    for request in requests:
        twin = settings.setdefault(request.run.setting, request)
        if twin is not request:
            raise SpecError(f"{twin.name} and {request.name} are the same setting; leave one of the two values out.")
        if names.setdefault(request.name.casefold(), request) is not request:
            raise SpecError(f"Two settings would both be called {request.name}; give the sweep a shorter name.")
