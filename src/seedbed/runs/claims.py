"""Claiming runs: which are finished, half done or missing, and a lock against other processes that train them.

All runs of a command share one lock, whose name is the `owner` in their `run.json`. When the command's process ends in any way,
the kernel frees the lock, and its unfinished runs count as interrupted.
"""

from __future__ import annotations

import re
import secrets
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from seedbed import storage
from seedbed.errors import CorruptFile, HomeInUse, RunError, RunExists, RunHalfDone, StorageError
from seedbed.notebook import option
from seedbed.records import Result
from seedbed.runs import checkpoints, longer
from seedbed.runs.record import LOCKS, METRICS_FILE, RUN_FILE, NamedRun, Record, folders, read, write
from seedbed.specs import Plan, RunSpec

HOME_LOCK = "home"
PATIENCE = 60.0
"""Longest wait for other processes that claim or remove runs in the same run store (s); each takes milliseconds."""


@dataclass
class ClaimedRuns:
    """The runs of one command, locked while it works on them; close it, or use it as a context manager.

    Attributes:
        todo: entries to train, in the order given.
        half_done: names of the entries to continue; the others start from the beginning.
        longer: names of those among them that go on from a finished run with fewer epochs.
        done: name -> result of each run that is already finished.
    """

    todo: tuple[NamedRun, ...]
    half_done: frozenset[str]
    longer: frozenset[str]
    done: dict[str, Result]
    _held: ExitStack = field(default_factory=ExitStack, repr=False)

    def close(self) -> None:
        """Release the runs; unfinished ones now count as interrupted. Closing twice has no effect."""
        self._held.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def home_lock(root: Path) -> Any:
    """Lock of the run store, for the moment in which runs are claimed or removed."""
    return storage.lock(root / LOCKS / HOME_LOCK, f"The run store {root}", wait=PATIENCE)


def claim(root: Path, entries: Sequence[NamedRun], *, resume: bool, replace: bool, whole: bool = True) -> ClaimedRuns:
    """See `RunStore.claim`."""
    _check_distinct(entries)
    with home_lock(root):
        storage.check_writable(root)
        _tidy(root)
        survey = _Survey(root, entries)
        for entry in entries:
            survey.check(entry, resume=resume, replace=replace, whole=whole)
        survey.check_groups(replace=replace)
        return survey.take()


class _Survey:
    """The content of the run store under the requested names. Nothing is changed before all names are checked."""

    def __init__(self, root: Path, entries: Sequence[NamedRun]) -> None:
        self.root, self.entries = root, entries
        self.names = {entry.name for entry in entries}
        self.present = set(storage.names(root))
        self.folded = {name.casefold(): name for name in self.present}
        self.done: dict[str, Result] = {}
        self.half_done: dict[str, Record] = {}
        self.longer: set[str] = set()
        self.condemned: set[str] = set()

    def check(self, entry: NamedRun, *, resume: bool, replace: bool, whole: bool) -> None:
        """Classify one entry as done, half done, or to be trained from the beginning.

        Raises:
            RunError: see `RunStore.claim`.
        """
        twin = self.folded.get(entry.name.casefold(), entry.name)
        if twin != entry.name:
            raise RunExists(f"{twin!r} exists, which some systems do not distinguish from {entry.name!r}; choose another name.")
        if entry.name not in self.present:
            return
        record = self._record(entry.name, replace=replace)
        if record is None or replace:
            self.condemned.add(entry.name)
        elif record.run.identity != entry.run.identity:
            self._check_other(entry, record, resume=resume, whole=whole)
        elif record.serves(whole=whole):
            self.done[entry.name] = record.result(self.root / entry.name)
        elif record.ended:
            self.condemned.add(entry.name)
        elif resume:
            self.half_done[entry.name] = record
        elif record.status == "failed" and not self._epochs(entry.name):
            self.condemned.add(entry.name)
        else:
            raise RunHalfDone(self._half_done_message(record))

    def _check_other(self, entry: NamedRun, record: Record, *, resume: bool, whole: bool) -> None:
        """Classify an entry under whose name is another run: it goes on from it, or is its result from before it went on.

        Raises:
            RunExists: it is neither; the message says why.
        """
        folder = self.root / entry.name
        before = None if record.ended else longer.kept_aside(folder)
        if before and before.run.identity == entry.run.identity and before.serves(whole=whole):
            self.done[entry.name] = replace(before.result(folder / longer.BEFORE), folder=str(folder))
        elif not (record.status == "finished" and longer.is_longer(record.run, entry.run)):
            raise RunExists(_differs(entry.name, record.run, entry.run))
        else:
            why = longer.hindrance(folder, record, entry.run.plan)
            if why or not resume:
                raise RunExists(_shorter(record, entry.run.plan, why))
            self.longer.add(entry.name)

    def check_groups(self, *, replace: bool) -> None:
        """Check that a group's runs, stored ones included, differ only in seed."""
        for group, entry in {entry.group: entry for entry in self.entries}.items():
            settings = {member.run.setting for member in self.entries if member.group == group}
            for name in sorted(self._members(group) - self.names):
                record = self._record(name, replace=replace)
                if record is None or record.group != group:
                    continue
                if replace:
                    self.condemned.add(name)
                elif name == group or group in self.names:
                    raise RunExists(
                        f"{group!r} would be one run and a group of seeds at once. "
                        f"Choose another name, or replace the existing runs with {option('replace')}."
                    )
                elif record.run.setting not in settings:
                    raise RunExists(_differs(name, record.run, entry.run.changed(seed=record.run.seed)))

    def take(self) -> ClaimedRuns:
        """Lock the runs, and record the claim."""
        todo = tuple(entry for entry in self.entries if entry.name not in self.done)
        for name in sorted(self.condemned):
            storage.remove_tree(self.root / name)
        if self.condemned or self.done:
            drop_orphans(self.root)
        longer.keep_aside(self.root / name for name in sorted(self.longer))
        held = ExitStack()
        if todo:
            owner = secrets.token_hex(8)
            held.enter_context(storage.lock(self.root / LOCKS / owner))
            try:
                write({self.root / entry.name: self._begun(entry, owner) for entry in todo})
            except BaseException:
                held.close()
                raise
        going_on = {name for name in self.half_done if longer.kept_aside(self.root / name)} | self.longer
        return ClaimedRuns(todo, frozenset(self.half_done) | self.longer, frozenset(going_on), self.done, held)

    def _begun(self, entry: NamedRun, owner: str) -> Record:
        before = self.half_done.get(entry.name)
        if before is None:
            return Record.begun(entry, owner)
        for place in (self.root / entry.name, self.root / entry.name / "weights"):
            storage.tidy(place)
        return before.changed(status="running", reason="", owner=owner, group=entry.group)

    def _record(self, name: str, *, replace: bool) -> Record | None:
        """The record under a name; None for a folder to clear, which an interrupted start left, or a damaged run to replace."""
        folder = self.root / name
        if not storage.is_file(folder / RUN_FILE):
            if not folder.is_dir() or any(not path.name.startswith(storage.TEMPORARY) for path in folder.iterdir()):
                raise RunExists(f"{folder} exists and is no run of seedbed. Choose another name.")
            return None
        try:
            record = read(folder)
        except CorruptFile:
            if replace:
                return None
            raise
        check_free(self.root, record)
        return record

    def _members(self, group: str) -> set[str]:
        return {name for name in self.present if re.fullmatch(re.escape(group) + r"(\.\d+)?", name)}

    def _epochs(self, name: str) -> int:
        return len(storage.read_lines(self.root / name / METRICS_FILE))

    def _half_done_message(self, record: Record) -> str:
        what = f"failed ({record.reason})" if record.status == "failed" else "was interrupted"
        epochs = self._epochs(record.name)
        way_out = f"Continue with {option('resume')}, or start again with {option('replace')}"
        return f"Run {record.name!r} {what} after {epochs} epochs. {way_out}."


def members(root: Path, group: str) -> dict[str, Record]:
    """See `RunStore.members`."""
    near = (root / name for name in storage.names(root) if name == group or name.startswith(f"{group}."))
    found = {folder.name: read(folder) for folder in near if storage.is_file(folder / RUN_FILE)}
    return {name: record for name, record in found.items() if record.group == group}


def join(root: Path, name: str, number: int) -> None:
    """See `RunStore.join`."""
    to = root / f"{name}.{number}"
    with home_lock(root):
        check_free(root, read(root / name))
        if to.exists():
            raise RunExists(
                f"Run {name!r} would become {to.name!r} in a group of seeds, and that is taken; choose another name."
            )
        storage.rename(root / name, to)


def check_free(root: Path, record: Record) -> None:
    """Check that no process trains the run.

    Raises:
        HomeInUse: a process does; the message names it and its machine.
    """
    trainer = record.trainer(root)
    if trainer:
        raise HomeInUse(f"Run {record.name!r} is in use by {trainer}. Wait until it has ended, or stop it.")


def drop_orphans(root: Path) -> None:
    """Remove the checkpoints of populations that have no unfinished run; a run that cannot be read counts as unfinished."""
    if checkpoints.keys(root):
        finished = {name for name, record in readable(root) if record.ended}
        checkpoints.drop_without(root, {folder.name for folder in folders(root)} - finished)


def readable(root: Path) -> Iterator[tuple[str, Record]]:
    """Yield name and record of each run that can be read."""
    for folder in folders(root):
        try:
            yield folder.name, read(folder)
        except StorageError:
            continue


def _check_distinct(entries: Sequence[NamedRun]) -> None:
    counts = Counter(entry.name.casefold() for entry in entries)
    for entry in entries:
        if counts[entry.name.casefold()] > 1:
            raise RunError(f"The name {entry.name!r} is given twice; some systems do not distinguish upper and lower case.")


def _tidy(root: Path) -> None:
    """Remove leftovers of killed processes; the caller holds the run store's lock, so that no owner is about to lock."""
    storage.tidy(root)
    storage.tidy(root / checkpoints.FOLDER)
    for path in (root / LOCKS).iterdir():
        if re.fullmatch(r"[0-9a-f]{16}", path.name) and not storage.holder(path):
            storage.remove(path)


def _shorter(record: Record, plan: Plan, why: str) -> str:
    there, here = (
        f"{each.epochs} epochs" + (f", patience {each.patience}" if each.patience else "") for each in (record.run.plan, plan)
    )
    if why:
        return (
            f"Run {record.name!r} cannot go on from {there} to {here}: {why}. Choose another name, or give {option('replace')}."
        )
    asked = f"Run {record.name!r} is finished with {there}, and {here} are asked for"
    return f"{asked}. Go on with {option('resume')}, choose another name, or start again with {option('replace')}."


def _differs(name: str, there: RunSpec, here: RunSpec) -> str:
    old, new = _flat(there.plain()), _flat(here.plain())
    changes = [
        f"{key}: {old.get(key, 'not set')} there, {new.get(key, 'not set')} here"
        for key in dict.fromkeys([*old, *new])
        if old.get(key) != new.get(key)
    ]
    shown = "; ".join(changes[:8]) + (f"; and {len(changes) - 8} more" if len(changes) > 8 else "")
    keep = f"Read it with --select {there.plan.select}, choose" if _differ_in_rule(there, here) else "Choose"
    return f"Run {name!r} exists with other settings ({shown}). {keep} another name, or start again with {option('replace')}."


def _differ_in_rule(there: RunSpec, here: RunSpec) -> bool:
    """Whether two runs differ in the rule of the best epoch alone, as after the default changed."""
    return there != here == there.changed(plan=there.plan.changed(select=here.plan.select))


def _flat(settings: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in settings.items():
        flat.update(_flat(value, f"{above}{key}.") if isinstance(value, dict) else {f"{above}{key}": value})
    return flat
