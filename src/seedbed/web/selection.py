"""The runs that a page's address selects, as groups: names of runs, groups and sweeps, in training or finished."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

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
    """The selected groups.

    Attributes:
        groups: those with a result, or with epochs so far; each with the fields that vary among them.
        waiting: names of runs before their first epoch, or that cannot be read.
        running: names of runs that are being trained.
        key: changes when any of the runs does.
    """

    groups: list[Group]
    waiting: list[str]
    running: list[str]
    key: tuple[tuple[str, Stamp], ...]

    @property
    def finished(self) -> list[Group]:
        """The groups with what is finished of them: predictions belong to finished runs only."""
        return [Group(name, runs) for name, runs in self.finished_results.items()]

    @property
    def finished_results(self) -> dict[str, list[Result]]:
        """Group -> its finished runs; groups without one are left out."""
        busy = set(self.running)
        found = {group.name: [each for each in group.results if each.name not in busy] for group in self.groups}
        return {name: runs for name, runs in found.items() if runs}


def select(site: PageSite, names: Sequence[str]) -> Selection:
    """Find the groups of some names; of no name, those in training now, or else the latest.

    Raises:
        UnknownRun: no run, group or sweep has one of the names.
    """
    listing = site.live.listing()
    members = _members(site, listing, names) if names else _unasked(site, listing)
    results: dict[str, list[Result]] = {}
    waiting, running, key = [], [], []
    for name, runs in members.items():
        for run in runs:
            key.append((run.name, site.live.stamp(run.name)))
            if run.status not in ("finished", "pruned"):
                running.append(run.name)
            result = _result(site.live, run.name)
            if result is None:
                waiting.append(run.name)
            else:
                results.setdefault(name, []).append(result)
    settings = _varying({name: runs[0] for name, runs in results.items()})
    groups = [Group(name, runs, settings[name]) for name, runs in results.items()]
    return Selection(groups if len(names) > 1 else _by_values(groups), waiting, running, tuple(key))


def _by_values(groups: Sequence[Group]) -> list[Group]:
    """The groups of one name in the order of the values that vary among them, as in a sweep's table."""
    fields = list(groups[0].setting) if groups else []
    ranks = {field: in_order(field, [group.setting.get(field) for group in groups]) for field in fields}
    return sorted(groups, key=lambda group: [ranks[field].index(group.setting.get(field)) for field in fields])


def sweep_names(site: PageSite) -> dict[str, str]:
    """Group -> name of its sweep, as of now: there may be groups that a listing of a moment ago does not have."""
    return site.once(("sweeps", site.live.version), lambda: stored_sweeps(site.live.listing()))


def covered_runs(site: PageSite, names: Iterable[str]) -> dict[str, list[str]]:
    """Runs of each of the names that is one of a group or a sweep; other names are left out."""
    groups: dict[str, list[str]] = {}
    listing = site.live.listing()
    for run in listing:
        if run.record:
            groups.setdefault(run.record.group, []).append(run.name)
    wanted = set(names)
    covers = {name: groups[name] for name in wanted & groups.keys() if groups[name] != [name]}
    unknown = wanted - groups.keys() - {run.name for run in listing}
    if unknown:
        for group, sweep in sweep_names(site).items():
            if sweep in unknown and group in groups:
                covers.setdefault(sweep, []).extend(groups[group])
    return covers


def latest_pair(site: PageSite) -> list[str]:
    """The two groups on the same data that were finished last, the earlier one first; fewer where there are not two."""
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
    by_group: dict[str, list[Listed]] = {}
    for run in listing:
        if run.record:
            by_group.setdefault(run.record.group, []).append(run)
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


def _varying(firsts: dict[str, Result]) -> dict[str, Setting]:
    """Group -> the fields in which the groups differ, with its values."""
    varying = varying_fields(result.run for result in firsts.values())
    values = {name: values_of(result.run) for name, result in firsts.items()}
    return {name: {field: each[field] for field in varying if field in each} for name, each in values.items()}
