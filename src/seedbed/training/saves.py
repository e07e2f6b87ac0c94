"""The manifest of a population's save as plain values, validated when read, since a run store may come from a stranger."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Any

from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from seedbed.errors import CorruptFile, SpecError
from seedbed.specs import RunSpec
from seedbed.training.members import JobState, Member
from seedbed.training.pruning import Pruning
from seedbed.training.reports import Checkpoint, Task


class Save(BaseModel):
    """The manifest of a save, without the population's arrays.

    Attributes:
        identities: identities of the runs, block by block.
        unfinished: identities of the unfinished runs, block by block; None for finished ones.
        specs: identity -> run.
        runs: names of the unfinished runs.
        threads: number of the worker's threads, on which results depend in the last bits.
        job: state of the job.
        pruning: epochs at which the worse members stop.
    """

    model_config = ConfigDict(frozen=True)

    identities: tuple[tuple[str, ...], ...]
    unfinished: tuple[tuple[str | None, ...], ...]
    specs: dict[str, RunSpec]
    runs: tuple[str, ...]
    threads: Annotated[int, Field(ge=1, le=4096)]
    job: JobState
    pruning: Pruning | None = None

    @property
    def wanted(self) -> set[str]:
        """Identities of the unfinished runs."""
        return {identity for block in self.unfinished for identity in block if identity}

    def task(self, key: str, arrays: dict[str, NDArray[Any]], known: Mapping[str, RunSpec]) -> Task:
        """The task to continue.

        Args:
            key: name of the population.
            arrays: arrays of its checkpoint.
            known: identity -> run, preferred to the runs in the save.
        """
        blocks = tuple(tuple(known.get(identity, self.specs[identity]) for identity in block) for block in self.identities)
        return Task(key, blocks, resume=Checkpoint(arrays, self.job), pruning=self.pruning)


def manifest(task: Task, checkpoint: Checkpoint, names: Mapping[Member, str], threads: int) -> dict[str, Any]:
    """The manifest of a save as plain values, for `read`.

    Args:
        task: the population.
        checkpoint: its checkpoint.
        names: names of the unfinished runs, by member.
        threads: number of the worker's threads.
    """
    unfinished = [
        [run.identity if (b, m) in names else None for m, run in enumerate(block)] for b, block in enumerate(task.blocks)
    ]
    return {
        "identities": [[run.identity for run in block] for block in task.blocks],
        "unfinished": unfinished,
        "specs": {run.identity: run.plain() for _, run in task.runs},
        "runs": sorted(names.values()),
        "threads": threads,
        "pruning": task.pruning and asdict(task.pruning),
        "job": checkpoint.state.plain(),
    }


def read(key: str, plain: Mapping[str, Any]) -> Save:
    """Validate the manifest of a population's save.

    Raises:
        CorruptFile: it is not the manifest of a save, or is inconsistent.
    """
    try:
        save = Save.model_validate(plain)
    except ValidationError as error:
        place = ".".join(str(part) for part in error.errors()[0]["loc"][:3])
        raise _corrupt(key, f"{place[:80]!r}: {error.errors()[0]['msg'][:120]}") from None
    except SpecError as error:
        raise _corrupt(key, str(error)[:200]) from None
    wrong = _contradiction(save)
    if wrong:
        raise _corrupt(key, wrong)
    return save


def _corrupt(key: str, why: str) -> CorruptFile:
    return CorruptFile(f"The save of the population {key} is not one that seedbed wrote ({why}). Start again with --replace.")


def _contradiction(save: Save) -> str:
    """Description of the first inconsistency, or ""."""
    blocks, job = save.identities, save.job
    widths = {len(block) for block in blocks}
    if len(widths) != 1 or 0 in widths:
        return "its blocks differ in length"
    width = widths.pop()
    identities = {identity for block in blocks for identity in block}
    if any(identity not in save.specs or save.specs[identity].identity != identity for identity in identities):
        return "a run does not match its identity"
    if not all(spec.model.names_its_code for spec in save.specs.values()):
        return "a user's own network has no digest of its file"
    if len({tuple(save.specs[identity].setting for identity in block) for block in blocks}) != 1:
        return "its blocks have different settings"
    if [len(block) for block in save.unfinished] != [width] * len(blocks) or not save.wanted <= identities:
        return "its unfinished runs are not among its runs"
    if not (set(job.settings) <= set(range(width)) and len(set(job.settings)) == len(job.settings)):
        return "it trains settings that it does not have"
    if [len(block) for block in job.alive] != [len(job.settings)] * len(blocks):
        return "it does not record which runs still train"
    members = {(b, m) for b in range(len(blocks)) for m in range(width)}
    if not (set(job.rows) <= members and all(len(rows) <= job.epoch for rows in job.rows.values())):
        return "it has metrics of epochs that were not trained"
    return ""
