"""Names of a setting's runs, one per seed; those that a home has already keep theirs."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, count

from seedbed import data
from seedbed.groups.folds import on_fold
from seedbed.names import checked_group
from seedbed.runs import NamedRun, RunStore
from seedbed.specs import RunSpec


def entries(group: str, run: RunSpec, seeds: Sequence[int], folds: int = 1) -> list[NamedRun]:
    """Name the runs of one setting: one seed makes the run GROUP, several make GROUP.0, GROUP.1, ...

    Raises:
        SpecError: a name that no group may have, a seed out of range, or data that are not cut into folds.
    """
    checked_group(group)
    names = [group] if len(seeds) == 1 else [f"{group}.{number}" for number in range(len(seeds))]
    return [NamedRun(name, group, on_fold(run, seed, folds)) for name, seed in zip(names, seeds, strict=True)]


def joined_entries(home: RunStore, group: str, run: RunSpec, seeds: Sequence[int], folds: int = 1) -> list[NamedRun]:
    """Name the runs of one setting as `entries` does, but let them join those that the home has under the group's name.

    A seed that is there keeps its name; a new one gets its own number, or the next that is free. A finished run that is alone
    under the group's name becomes GROUP.N once it has company. If the group holds another setting, the names are those of
    `entries`, and claiming them says what differs.

    Raises:
        SpecError: as `entries`.
        DataError: the images cannot be found.
        HomeInUse: another process trains the run that would get another name.
    """
    plain = entries(group, run, seeds, folds)
    stored = home.members(group)
    if not stored:
        return plain
    resolved = [each.run.changed(data=data.resolve(each.run.data)) for each in plain]
    settings = {each.unfolded.setting for each in resolved}
    if any(record.run.unfolded.setting not in settings for record in stored.values()):
        return plain
    alone = stored.get(group)
    if alone is not None:
        if not alone.ended or [each.identity for each in resolved] == [alone.identity]:
            return plain
        number = next((place for place, each in enumerate(resolved) if each.identity == alone.identity), len(seeds))
        home.join(group, number)
        stored = home.members(group)
    names, taken = {record.identity: name for name, record in stored.items()}, set(stored)
    named = []
    for place, (each, whole) in enumerate(zip(plain, resolved, strict=True)):
        free = (name for number in chain([place], count()) if (name := f"{group}.{number}") not in taken)
        name = names.get(whole.identity) or next(free)
        taken.add(name)
        named.append(NamedRun(name, group, each.run))
    return named
