"""Sweeps in a home: found again by the names of their groups, which say what varies."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from seedbed.errors import RunError, UnknownRun
from seedbed.groups import Group
from seedbed.groups.fields import Setting, Value, in_order, values_of, varying_fields
from seedbed.groups.naming import fields_in_name, group_name, prefix_in_name
from seedbed.records import Result
from seedbed.runs import Listed, RunStore
from seedbed.specs import RunSpec
from seedbed.sweeps.grid import Grid
from seedbed.sweeps.outcome import Sweep


@dataclass(frozen=True)
class StoredSweep:
    """The groups of a sweep in a home.

    Attributes:
        fields: what the names of its groups say, in order.
        runs: its runs, finished or not.
    """

    name: str
    fields: tuple[str, ...]
    runs: list[Listed]

    @property
    def groups(self) -> list[str]:
        return list(dict.fromkeys(run.record.group for run in self.runs if run.record))


def stored_sweep(home: RunStore, name: str) -> StoredSweep | None:
    """Find the groups whose names are this name and values of their settings; None where there are none."""
    return sweep_among(home.listing(), name)


def sweep_among(listed: Iterable[Listed], name: str) -> StoredSweep | None:
    """Find a sweep as `stored_sweep` does, among runs that are listed already."""
    candidates = [run for run in listed if run.record and run.record.group.startswith(f"{name}-")]
    named = [(run, fields_in_name(name, run.record.group, run.record.run)) for run in candidates if run.record]
    known = (run.record.run for run in candidates if run.record)
    fields = next((fields for _, fields in named if fields), None) or varying_fields(known)
    runs = [run for run in candidates if run.record and _is_named(name, run.record.group, run.record.run, fields)]
    return StoredSweep(name, fields, runs) if runs else None


def stored_sweeps(listed: Iterable[Listed]) -> dict[str, str]:
    """Group -> name of its sweep, for groups of whose kind there are two or more."""
    records = [run.record for run in listed if run.record and "-" in run.record.group]
    settings = {(each.group, each.run.model, each.run.plan, each.run.data): each for each in records}
    sweeps: dict[tuple[str, tuple[str, ...]], dict[str, None]] = {}
    for each in settings.values():
        found = prefix_in_name(each.group, each.run)
        if found:
            sweeps.setdefault(found, {})[each.group] = None
    return {group: name for (name, _), groups in sweeps.items() if len(groups) > 1 for group in groups}


def _is_named(name: str, group: str, run: RunSpec, fields: Sequence[str]) -> bool:
    values = values_of(run)
    return all(field in values for field in fields) and group_name(name, {field: values[field] for field in fields}) == group


def read_sweep(home: RunStore, name: str) -> Sweep:
    """Read a sweep's finished runs; the order of its values is that of `in_order`.

    Raises:
        UnknownRun: no groups of several settings have names that begin with this one.
        RunError, CorruptFile: the predictions of a run are missing or damaged.
    """
    stored = stored_sweep(home, name)
    found = _results(home, stored) if stored else {}
    if not stored or not found:
        raise UnknownRun(f"No finished sweep is named {name!r}. See `seedbed runs list`.")
    return sweep_of(home, stored, found)


def sweep_of(home: RunStore, stored: StoredSweep, found: Mapping[str, Sequence[Result]]) -> Sweep:
    """Make the sweep of some of its runs, whose predictions are read from the home.

    Args:
        found: group -> its finished runs, for at least one group of the sweep.

    Raises:
        RunError, CorruptFile: the predictions of a run are missing or damaged.
    """
    settings = {group: _setting(results, stored.fields) for group, results in found.items()}
    values = {field: in_order(field, (setting[field] for setting in settings.values())) for field in stored.fields}
    grid = _grid({field: tuple(each) for field, each in values.items()}, list(settings.values()))
    places = {group: [values[field].index(setting[field]) for field in stored.fields] for group, setting in settings.items()}
    groups = [
        Group.read(home, group, found[group], {field: settings[group][field] for field in grid.varying})
        for group in sorted(found, key=places.__getitem__)
    ]
    seeds = sorted({seed for group in groups for seed in group.by_seed})
    return Sweep(stored.name, groups[0].run, grid, tuple(seeds), groups)


def _grid(values: dict[str, tuple[Value, ...]], settings: Sequence[Setting]) -> Grid:
    """The grid of these settings: a field whose value follows from that of an earlier one changes with it."""
    leads: dict[str, tuple[Value, ...]] = {}
    paired: dict[str, dict[str, tuple[Value, ...]]] = {}
    for name, own in values.items():
        rows = {lead: {setting[lead]: setting[name] for setting in settings} for lead in leads}
        follows = [lead for lead, row in rows.items() if all(row[setting[lead]] == setting[name] for setting in settings)]
        if follows and len(own) > 1:
            paired.setdefault(follows[0], {})[name] = tuple(rows[follows[0]][value] for value in leads[follows[0]])
        else:
            leads[name] = own
    return Grid(leads, paired)


def _results(home: RunStore, stored: StoredSweep) -> dict[str, list[Result]]:
    """Group -> its finished runs."""
    done = [run.record.group for run in stored.runs if run.record and run.status == "finished"]
    return {group: home.find(group) for group in dict.fromkeys(done)}


def _setting(results: Sequence[Result], fields: Sequence[str]) -> Setting:
    values = values_of(results[0].run)
    return {field: values[field] for field in fields}


def found_groups(home: RunStore, names: Sequence[str]) -> list[Group]:
    """Find the groups of several names of runs, groups or sweeps; predictions are not read.

    Raises:
        UnknownRun, RunHalfDone: no finished run has one of these names.
        RunError: a name twice.
    """
    if len(set(names)) < len(names):
        raise RunError(f"Each name may stand once; got: {', '.join(names)}.")
    groups: list[Group] = []
    for name in names:
        groups += _named_groups(home, name)
    return groups


def _named_groups(home: RunStore, name: str) -> list[Group]:
    stored = None if is_known(home, name) else stored_sweep(home, name)
    if stored is None:
        settings: dict[str, list[Result]] = {}
        for result in home.find(name):
            settings.setdefault(result.run.unfolded.setting, []).append(result)
        return [Group(name if len(settings) == 1 else runs[0].name, runs) for runs in settings.values()]
    found = _results(home, stored)
    return [Group(group, results, _setting(results, stored.fields)) for group, results in found.items()]


def is_known(home: RunStore, name: str) -> bool:
    """Whether a run or a group has this name."""
    return any(name in (run.name, run.record.group if run.record else "") for run in home.listing())
