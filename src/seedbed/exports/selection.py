"""The network, or the runs, that a user names for an export."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from seedbed.errors import SpecError, UnknownRun
from seedbed.groups import Group
from seedbed.groups.fields import setting_of, varying_fields
from seedbed.network import Network, best_run, load_network
from seedbed.records import Result
from seedbed.runs import RunStore, Which
from seedbed.searches import Search
from seedbed.searches.naming import own_runs
from seedbed.sweeps.stored import found_groups


@dataclass(frozen=True)
class RunSelection:
    """Runs in groups; their settings are the fields in which the groups differ.

    Attributes:
        name: name for files: that of the run, group, sweep or search, or the first of several.
        groups: the runs, setting by setting, without predictions.
        home: home of the runs.
    """

    name: str
    groups: list[Group]
    home: RunStore

    @property
    def runs(self) -> list[Result]:
        """All runs, setting by setting and seed by seed."""
        return [result for group in self.groups for result in group.results]

    @property
    def varying(self) -> tuple[str, ...]:
        """The fields in which the groups differ, in the order of the specs."""
        return tuple(dict.fromkeys(name for group in self.groups for name in group.setting))


def network_of(home: RunStore, what: Any, weights: Which) -> tuple[Network, tuple[str, ...]]:
    """Find one network, and say in a sentence how it was selected from several.

    Args:
        home: home of the runs that are named.
        what: a network, a result, or the name of a run or a group, of which the run with the best validation accuracy is taken.
        weights: which epoch's network.

    Raises:
        UnknownRun, RunHalfDone: no finished run has this name.
        SpecError: it stands for several settings.
    """
    if isinstance(what, list | tuple) and len(what) == 1:
        [what] = what
    if isinstance(what, Network):
        return what, ()
    if isinstance(what, str) and any(what in (run.name, run.record and run.record.group) for run in home.listing()):
        network = load_network(home, what, weights)
        others = len(home.find(what))
        how = f"{network.name} has the highest validation accuracy of the {others} runs of {what}, so that is optimistic."
        return network, (how,) if others > 1 else ()
    if isinstance(what, Result):
        return load_network(home, what, weights), ()
    runs = runs_of(home, what)
    best = best_run(runs.name, runs.runs)
    raise SpecError(
        f"{runs.name!r} stands for {len(runs.groups)} settings, and a file of this format holds one network. The run with the "
        f"highest validation accuracy is {best.name!r}."
    )


def runs_of(home: RunStore, what: Any) -> RunSelection:
    """Find runs.

    Args:
        home: home of the runs that are named.
        what: a name of a run, group, sweep or search; a result; a search; what has groups, as sweeps and comparisons; or a list
            of names, results and groups.

    Raises:
        UnknownRun, RunHalfDone: no finished run has one of these names.
        SpecError: it is none of these.
    """
    if isinstance(what, Search):
        results = what.best[0].group.results if what.best else []
        return runs_of(RunStore(Path(results[0].folder).parent) if results else home, what.name)
    items = list(what) if isinstance(what, list | tuple) else getattr(what, "groups", None) or [what]
    groups: dict[str, Group] = {}
    for item in items:
        for group in _groups(home, item):
            known = groups.get(group.name)
            groups[group.name] = replace(known, results=[*known.results, *group.results]) if known else group
    if not groups:
        raise SpecError("There is nothing to export: name a run, a group, a sweep or a search.")
    first = next(iter(groups.values()))
    name = (
        what
        if isinstance(what, str)
        else getattr(what, "name", None) or (items[0] if isinstance(items[0], str) else first.name)
    )
    place = first.results[0].folder
    return RunSelection(name, _with_settings(list(groups.values())), RunStore(Path(place).parent) if place else home)


def _groups(home: RunStore, item: Any) -> list[Group]:
    if isinstance(item, Group):
        return [item]
    if isinstance(item, Result):
        return [Group(item.group, [item])]
    if not isinstance(item, str):
        raise SpecError(
            f"{type(item).__name__} is nothing to export: give names, results, groups, a sweep, a comparison or a search."
        )
    try:
        return found_groups(home, [item])
    except UnknownRun:
        searched = _searched(home, item)
        if not searched:
            raise
        return searched


def _searched(home: RunStore, name: str) -> list[Group]:
    """The groups of a search's finished trials and finalists."""
    records = [run.record for run in home.listing() if run.record and run.status == "finished"]
    named = [record.group for record in records if own_runs(name).fullmatch(record.group)]
    return [Group(group, home.find(group)) for group in dict.fromkeys(named)]


def _with_settings(groups: Sequence[Group]) -> list[Group]:
    """The groups with the fields in which they differ as their settings."""
    varying = varying_fields(group.run for group in groups)
    return [replace(group, setting=setting_of(group.run, varying)) for group in groups]
