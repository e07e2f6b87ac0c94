"""A population's save: its manifest as plain values, checked when it is read back, for a home may come from a stranger."""

from __future__ import annotations

from collections.abc import Collection, Mapping
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
    """What is written with a population's arrays.

    Attributes:
        identities: of its runs, block by block.
        unfinished: the same, None for those that are done.
        specs: identity -> run.
        runs: the names of the unfinished ones.
        threads: of its worker; the bits depend on them.
        job: where the job stands.
        pruning: at which epochs its worse members stop.
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
        """The identities of the runs that are not finished."""
        return {identity for block in self.unfinished for identity in block if identity}

    def task(self, key: str, arrays: dict[str, NDArray[Any]], known: Mapping[str, RunSpec]) -> Task:
        """The task as it goes on; runs that are `known` by their identity are taken from there."""
        blocks = tuple(tuple(known.get(each, self.specs[each]) for each in block) for block in self.identities)
        return Task(key, blocks, resume=Checkpoint(arrays, self.job), pruning=self.pruning)


def manifest(task: Task, checkpoint: Checkpoint, names: Mapping[Member, str], threads: int) -> dict[str, Any]:
    """What `read` reads.

    Args:
        names: the runs that are not finished, by place.
        threads: of the worker.
    """
    unfinished = [
        [run.identity if (b, m) in names else None for m, run in enumerate(block)] for b, block in enumerate(task.blocks)
    ]
    return {
        "identities": [[run.identity for run in block] for block in task.blocks],
        "unfinished": unfinished,
        "specs": {run.identity: run.plain() for block in task.blocks for run in block},
        "runs": sorted(names.values()),
        "threads": threads,
        "pruning": task.pruning and asdict(task.pruning),
        "job": checkpoint.state.plain(),
    }


def read(key: str, plain: Mapping[str, Any]) -> Save:
    """The save of a population of this key.

    Raises:
        CorruptFile: it is none, or contradicts itself.
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


def _corrupt(key: str, what: str) -> CorruptFile:
    return CorruptFile(f"The save of the population {key} is not one that seedbed wrote ({what}). Start again with --replace.")


def _contradiction(save: Save) -> str:
    """What cannot be, or ""."""
    blocks, job = save.identities, save.job
    widths = {len(block) for block in blocks}
    if len(widths) != 1 or 0 in widths:
        return "its blocks differ in length"
    width = widths.pop()
    if any(each not in save.specs or save.specs[each].identity != each for block in blocks for each in block):
        return "a run is not what its identity says"
    if not all(spec.model.names_its_code for spec in save.specs.values()):
        return "a network of one's own does not say which text of its file was meant"
    if len({tuple(save.specs[each].setting for each in block) for block in blocks}) != 1:
        return "its blocks have different settings"
    if [len(block) for block in save.unfinished] != [width] * len(blocks) or not save.wanted <= _all(blocks):
        return "its unfinished runs are not its own"
    if not (set(job.settings) <= set(range(width)) and len(set(job.settings)) == len(job.settings)):
        return "it trains settings that it does not have"
    if [len(block) for block in job.alive] != [len(job.settings)] * len(blocks):
        return "it does not say who is alive"
    members = {(b, m) for b in range(len(blocks)) for m in range(width)}
    if not (set(job.rows) <= members and all(len(rows) <= job.epoch for rows in job.rows.values())):
        return "it has metrics of epochs that were not trained"
    return ""


def _all(blocks: Collection[Collection[str]]) -> set[str]:
    return {each for block in blocks for each in block}
