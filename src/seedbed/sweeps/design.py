"""What a sweep will train: every setting named, checked and described before the first of them is trained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from seedbed import data
from seedbed.errors import SpecError
from seedbed.groups import Request, train_groups
from seedbed.groups.fields import Setting, applied
from seedbed.groups.naming import checked_prefix, group_name
from seedbed.groups.training import finished
from seedbed.models import describe
from seedbed.records import DataFacts
from seedbed.runs import Entry, Home
from seedbed.specs import DataSpec, RunSpec
from seedbed.sweeps.grid import Grid
from seedbed.sweeps.outcome import Sweep

if TYPE_CHECKING:
    from seedbed.scheduler import Execution


@dataclass(frozen=True)
class Design:
    """A sweep that is not yet trained.

    Attributes:
        base: the settings that all runs share, but for the fields of the grid.
        seeds: each setting is trained with each of them.
        requests: the settings in the order of the grid.
        data: of each data spec that occurs, what it holds.
    """

    name: str
    base: RunSpec
    grid: Grid
    seeds: tuple[int, ...]
    requests: tuple[Request, ...]
    data: dict[DataSpec, DataFacts]

    @property
    def entries(self) -> list[Entry]:
        """All runs: `GROUP.SEED`, so that more seeds can be added later."""
        return [entry for request in self.requests for entry in request.entries]

    def finished(self, home: Home) -> int:
        """How many of the runs the home holds already, finished, under their names."""
        return finished(self.requests, home)

    def train(self, execution: Execution) -> Sweep:
        """Train what is missing, all of it side by side, and gather all.

        Raises:
            SeedbedError: as `train_runs` raises them.
        """
        groups = train_groups(self.requests, execution)
        return Sweep(self.name, self.base, self.grid, self.seeds, groups)


def design(name: str, base: RunSpec, grid: Grid, seeds: Sequence[int], watch: data.WatchDownload | None = None) -> Design:
    """Lay a sweep out. Everything that can be wrong with a setting is found here, before anything is trained.

    Args:
        name: of the sweep; its settings are the groups `NAME-...`.
        base: the settings that all runs share.
        grid: the fields that vary.
        seeds: all different.
        watch: is told how far a download is.

    Raises:
        SpecError: a name that no sweep may have, values that do not go together, or two settings that are the same.
        DataError: images that cannot be had, or not be split so.
        ModelError: a network that cannot be built for these images.
    """
    checked_prefix(name)
    if not seeds or len(set(seeds)) < len(seeds):
        raise SpecError(f"seeds = {list(seeds)}: a sweep needs one seed at least, and each only once.")
    base = base.changed(data=base.data.changed(name=data.named(base.data.name)))
    requests = tuple(_request(name, base, grid, setting, tuple(seeds)) for setting in grid)
    _check_distinct(requests)
    facts = {spec: data.load(spec, watch).facts() for spec in {one.run.data: None for one in requests}}
    for model, spec in {(one.run.model, one.run.data): None for one in requests}:
        describe(model, facts[spec].image_shape, len(facts[spec].classes))
    return Design(name, base, grid, tuple(seeds), requests, facts)


def _request(name: str, base: RunSpec, grid: Grid, setting: Setting, seeds: tuple[int, ...]) -> Request:
    varying = {field: setting[field] for field in grid.varying}
    return Request(group_name(name, setting), applied(base, setting), seeds, varying)


def _check_distinct(requests: Sequence[Request]) -> None:
    names: dict[str, Request] = {}
    settings: dict[str, Request] = {}
    for one in requests:
        twin = settings.setdefault(one.run.setting, one)
        if twin is not one:
            raise SpecError(f"{twin.name} and {one.name} are the same setting; leave one of the two values out.")
        if names.setdefault(one.name.casefold(), one) is not one:
            raise SpecError(f"Two settings would both be called {one.name}; give the sweep a shorter name.")
