"""The runs that a page's address selects, as groups: names of runs, groups and sweeps, in training or finished."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from seedbed.errors import SeedbedError, UnknownRun, nearest
from seedbed.groups import Group
from seedbed.groups.fields import Setting, in_order, values_of, varying_fields
from seedbed.records import Result
from seedbed.runs import Listed, LiveRuns
from seedbed.runs.live import Stamp
from seedbed.sweeps.stored import stored_sweeps
from seedbed.web.site import PageSite

MOST_UNASKED = 4
"""Groups that are shown where none is selected."""


@dataclass(frozen=True, eq=False)
class Selection:
    """The selected runs by group; their results are read when they are first asked for.

    Attributes:
        live: where they are read.
        members: group -> its runs.
        settings: group -> the fields that vary among the groups, with its values.
        key: changes when any of the runs does; older than all that is read.
    """

    live: LiveRuns
    members: Mapping[str, Sequence[Listed]]
    settings: Mapping[str, Setting]
    key: tuple[tuple[str, Stamp], ...]

    @property
    def runs(self) -> list[Listed]:
        return [run for runs in self.members.values() for run in runs]

    @property
    def names(self) -> list[str]:
        """Names of all runs."""
        return [run.name for run in self.runs]

    @property
    def finished(self) -> list[str]:
        """Names of the runs that have ended."""
        return [run.name for run in self.runs if run.ended]

    @property
    def running(self) -> list[str]:
        """Names of the others."""
        return [run.name for run in self.runs if not run.ended]

    @cached_property
    def results(self) -> dict[str, list[Result]]:
        """Group -> results of its runs with an epoch; groups without one are left out."""
        found = {name: [_result(self.live, run.name) for run in runs] for name, runs in self.members.items()}
        return {name: known for name, results in found.items() if (known := [each for each in results if each])}

    @property
    def finished_results(self) -> dict[str, list[Result]]:
        """The same of finished runs only: predictions belong to these."""
        finished = set(self.finished)
        found = {name: [each for each in results if each.name in finished] for name, results in self.results.items()}
        return {name: results for name, results in found.items() if results}

    @cached_property
    def groups(self) -> list[Group]:
        """The groups with a result, or with epochs so far."""
        return [Group(name, results, dict(self.settings[name])) for name, results in self.results.items()]

    @property
    def waiting(self) -> list[str]:
        """Names of runs before their first epoch, or that cannot be read."""
        known = {result.name for results in self.results.values() for result in results}
        return [name for name in self.names if name not in known]


def select(site: PageSite, names: Sequence[str]) -> Selection:
    """Find the groups of some names; of no name, those in training now, or else the latest.

    Raises:
        UnknownRun: no run, group or sweep has one of the names.
    """
    return site.once(("selection", *names, site.live.version), lambda: _select(site, names))


def _select(site: PageSite, names: Sequence[str]) -> Selection:
    listing = site.live.listing()
    members = _members(site, listing, names) if names else _unasked(site, listing)
    settings = _varying(members)
    ordered = members if len(names) > 1 else _by_values(members, settings)
    key = tuple((run.name, site.live.stamp(run.name)) for runs in ordered.values() for run in runs)
    return Selection(site.live, ordered, settings, key)


def _by_values(members: dict[str, list[Listed]], settings: Mapping[str, Setting]) -> dict[str, list[Listed]]:
    """The groups of one name in the order of the values that vary among them, as in a sweep's table."""
    fields = list(dict.fromkeys(field for setting in settings.values() for field in setting))
    ranks = {field: in_order(field, [setting.get(field) for setting in settings.values()]) for field in fields}
    order = sorted(members, key=lambda name: [ranks[field].index(settings[name].get(field)) for field in fields])
    return {name: members[name] for name in order}


def sweep_names(site: PageSite) -> dict[str, str]:
    """Group -> name of its sweep, as of now: there may be groups that a listing of a moment ago does not have."""
    return site.once(("sweeps", site.live.version), lambda: stored_sweeps(site.live.listing()))


def runs_by_group(site: PageSite) -> dict[str, list[Listed]]:
    """Group -> its runs, as of now."""
    return site.once(("groups", site.live.version), lambda: _by_group(site.live.listing()))


def _by_group(listing: Sequence[Listed]) -> dict[str, list[Listed]]:
    groups: dict[str, list[Listed]] = {}
    for run in listing:
        if run.record:
            groups.setdefault(run.record.group, []).append(run)
    return groups


def covered_runs(site: PageSite, names: Iterable[str]) -> dict[str, list[str]]:
    """Runs of each of the names that is one of a group or a sweep; other names are left out."""
    groups = runs_by_group(site)
    wanted = set(names)
    runs = {name: [run.name for run in groups[name]] for name in wanted & groups.keys()}
    covers = {name: some for name, some in runs.items() if some != [name]}
    if unknown := wanted - groups.keys():
        unknown -= {run.name for run in site.live.listing()}
    if unknown:
        for group, sweep in sweep_names(site).items():
            if sweep in unknown and group in groups:
                covers.setdefault(sweep, []).extend(run.name for run in groups[group])
    return covers


def latest_pair(site: PageSite) -> list[str]:
    """The two groups on the same data that were finished last, the earlier one first; fewer where there are not two."""
    return site.once(("latest pair", site.live.version), lambda: _latest_pair(site))


def _latest_pair(site: PageSite) -> list[str]:
    written: dict[str, tuple[float, str]] = {}
    for run in site.live.listing():
        if run.record and run.status == "finished":
            time = site.live.stamp(run.name)[1]
            written[run.record.group] = max(written.get(run.record.group, (0, "")), (time, run.record.run.data.digest))
    groups = sorted(written, key=lambda group: (written[group][0], group), reverse=True)
    return [group for group in groups if written[group][1] == written[groups[0]][1]][:2][::-1]


def _result(live: LiveRuns, name: str) -> Result | None:
    try:
        return live.result(name)
    except SeedbedError:
        return None


def _members(site: PageSite, listing: Sequence[Listed], names: Sequence[str]) -> dict[str, list[Listed]]:
    """Group of the selection -> its runs, by settings where a name holds several."""
    by_name = {run.name: run for run in listing}
    by_group = _by_group(listing)
    members: dict[str, list[Listed]] = {}
    for name in dict.fromkeys(names):
        if name in by_group:
            members |= _by_setting(name, by_group[name])
        elif name in by_name:
            members[name] = [by_name[name]]
        else:
            sweeps = sweep_names(site)
            groups = [group for group, sweep in sweeps.items() if sweep == name and group in by_group]
            if not groups:
                known = dict.fromkeys([*by_group, *by_name, *sweeps.values()])
                raise UnknownRun(f"No run, group or sweep is named {name!r}.{nearest(name, known)}")
            members |= {group: by_group[group] for group in groups}
    return members


def _by_setting(name: str, runs: Sequence[Listed]) -> dict[str, list[Listed]]:
    settings: dict[str, list[Listed]] = {}
    for run in runs:
        if run.record:
            settings.setdefault(run.record.run.unfolded.setting, []).append(run)
    return {name if len(settings) == 1 else some[0].name: some for some in settings.values()}


def _unasked(site: PageSite, listing: Sequence[Listed]) -> dict[str, list[Listed]]:
    """The groups in training, or else the one that was written last."""
    running = dict.fromkeys(run.record.group for run in listing if run.record and run.status == "running")
    latest = max((run for run in listing if run.record), key=lambda run: site.live.stamp(run.name)[1], default=None)
    chosen = list(running)[:MOST_UNASKED] or ([latest.record.group] if latest and latest.record else [])
    return _members(site, listing, chosen) if chosen else {}


def _varying(members: Mapping[str, Sequence[Listed]]) -> dict[str, Setting]:
    """Group -> the fields in which the groups differ, with its values."""
    specs = {name: next((run.record.run for run in runs if run.record), None) for name, runs in members.items()}
    varying = varying_fields(spec for spec in specs.values() if spec)
    values = {name: values_of(spec) if spec else {} for name, spec in specs.items()}
    return {name: {field: each[field] for field in varying if field in each} for name, each in values.items()}
