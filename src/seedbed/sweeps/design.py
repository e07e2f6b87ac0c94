"""What a sweep will train: every setting named, checked and described before the first of them is trained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from seedbed import data
from seedbed.comparison import candidate
from seedbed.errors import SpecError
from seedbed.models import describe
from seedbed.records import DataFacts, Result
from seedbed.runs import NamedRun, RunStore
from seedbed.specs import DataSpec, RunSpec
from seedbed.sweeps import naming
from seedbed.sweeps.grid import Grid, Setting, applied
from seedbed.sweeps.outcome import Outcome, Sweep

if TYPE_CHECKING:
    from seedbed.scheduler import Execution


@dataclass(frozen=True)
class Planned:
    """One setting: its group, all fields of the grid with their values, and what is trained."""

    group: str
    setting: Setting
    run: RunSpec


@dataclass(frozen=True)
class Design:
    """A sweep that is not yet trained.

    Attributes:
        base: the settings that all runs share, but for the fields of the grid.
        seeds: each setting is trained with each of them.
        planned: the settings in the order of the grid.
        data: of each data spec that occurs, what it holds.
    """

    name: str
    base: RunSpec
    grid: Grid
    seeds: tuple[int, ...]
    planned: tuple[Planned, ...]
    data: dict[DataSpec, DataFacts]

    @property
    def entries(self) -> list[NamedRun]:
        """All runs: `GROUP.SEED`, so that more seeds can be added later."""
        return [
            NamedRun(f"{one.group}.{seed}", one.group, one.run.changed(seed=seed))
            for one in self.planned
            for seed in self.seeds
        ]

    def finished(self, home: RunStore) -> int:
        """How many of the runs the home holds already, finished, under their names."""
        names = {entry.name for entry in self.entries}
        return sum(each.name in names and each.status == "finished" for each in home.listing())

    def train(self, execution: Execution) -> Sweep:
        """Train what is missing, all of it side by side, and gather all.

        Raises:
            SeedbedError: as `train_runs` raises them.
        """
        from seedbed.scheduler import train_runs

        return self.gathered(execution.home, train_runs(self.entries, execution))

    def gathered(self, home: RunStore, results: Sequence[Result]) -> Sweep:
        """The sweep of these results, one for each entry, in the order of `entries`."""
        n, varying = len(self.seeds), self.grid.varying
        outcomes = [
            _outcome(home, one, varying, list(results[place * n : (place + 1) * n])) for place, one in enumerate(self.planned)
        ]
        return Sweep(self.name, self.base, self.grid, self.seeds, outcomes)


def _outcome(home: RunStore, one: Planned, varying: Sequence[str], results: list[Result]) -> Outcome:
    return Outcome({name: one.setting[name] for name in varying}, results, candidate(home, one.group, results))


def design(name: str, base: RunSpec, grid: Grid, seeds: Sequence[int], watch: data.Watch | None = None) -> Design:
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
    naming.checked_sweep(name)
    if not seeds or len(set(seeds)) < len(seeds):
        raise SpecError(f"seeds = {list(seeds)}: a sweep needs one seed at least, and each only once.")
    base = base.changed(data=base.data.changed(name=data.named(base.data.name)))
    planned = tuple(Planned(naming.group(name, setting), setting, applied(base, setting)) for setting in grid)
    _check_distinct(planned)
    facts = {spec: data.load(spec, watch).facts() for spec in {one.run.data: None for one in planned}}
    for model, spec in {(one.run.model, one.run.data): None for one in planned}:
        describe(model, facts[spec].image_shape, len(facts[spec].classes))
    return Design(name, base, grid, tuple(seeds), planned, facts)


def _check_distinct(planned: Sequence[Planned]) -> None:
    names: dict[str, Planned] = {}
    settings: dict[str, Planned] = {}
    for one in planned:
        twin = settings.setdefault(one.run.setting, one)
        if twin is not one:
            raise SpecError(f"{twin.group} and {one.group} are the same setting; leave one of the two values out.")
        if names.setdefault(one.group.casefold(), one) is not one:
            raise SpecError(f"Two settings would both be called {one.group}; give the sweep a shorter name.")
