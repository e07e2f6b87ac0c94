"""The members of a population, their metrics, and the state of their training."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import BeforeValidator, Field

from seedbed.records import BALANCED_LOSSES, METRIC_COLUMNS, NO_SCORE, SMOOTHED, EpochColumns, Score, finite, score, watched
from seedbed.specs import RunSpec, Select
from seedbed.statistics import balanced_accuracy, macro_f1

Member = tuple[int, int]
"""Block and setting, numbered as in the task."""
EpochMetrics = dict[str, float]
"""Column of `History` -> value, for one run and one epoch."""


def _from_key(key: Any) -> Any:
    """Parse a save's key "block.setting" into a member; anything else is returned unchanged, for validation to reject."""
    match = re.fullmatch(r"(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})", key) if isinstance(key, str) else None
    return (int(match[1]), int(match[2])) if match else key


def _from_null(value: Any) -> Any:
    return math.nan if value is None else value


_Count = Annotated[int, Field(ge=0)]
_Member = Annotated[Member, BeforeValidator(_from_key)]
_Metrics = dict[str, Annotated[float, BeforeValidator(_from_null)]]


@dataclass(frozen=True)
class JobState:
    """Progress of a job, without its arrays; written by `plain`, and validated by pydantic when read (`training.saves`).

    Attributes:
        epoch, step: complete epochs, and complete steps of the next epoch.
        settings: settings that are still in the program, in its order.
        alive: whether each of them still trains, block by block.
        rows: metrics of each epoch of each member, dropped members included.
        training_seconds: training time without compilation (s).
        form: name of the form of computing, see `models.protocol.Population.form`.
    """

    epoch: _Count
    step: _Count
    settings: tuple[_Count, ...]
    alive: tuple[tuple[bool, ...], ...]
    rows: dict[_Member, list[_Metrics]]
    training_seconds: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    form: Annotated[str, Field(max_length=64)] = ""

    @classmethod
    def begin(cls, blocks: int, settings: int) -> JobState:
        """The state before the first step."""
        return cls(0, 0, tuple(range(settings)), ((True,) * settings,) * blocks, {}, 0.0)

    def part(self, blocks: Sequence[int], settings: Sequence[int]) -> JobState:
        """The state of a job with only these blocks and settings, renumbered."""
        columns = [self.settings.index(setting) for setting in settings]
        return JobState(
            self.epoch,
            self.step,
            tuple(range(len(settings))),
            tuple(tuple(self.alive[block][column] for column in columns) for block in blocks),
            {(blocks.index(b), settings.index(s)): rows for (b, s), rows in self.rows.items() if b in blocks and s in settings},
            self.training_seconds,
            self.form,
        )

    def plain(self) -> dict[str, Any]:
        """The state as JSON values; NaN and infinities become null."""
        rows = {f"{block}.{setting}": rows for (block, setting), rows in self.rows.items()}
        plain: dict[str, Any] = finite({**vars(self), "rows": rows})
        return plain


def class_columns(sums: NDArray[np.float32], counts: NDArray[np.int64]) -> dict[str, NDArray[np.float64]]:
    """Columns of a history that follow from the sums of each class, each `(S, M)`.

    Args:
        sums: right images, predictions, and sum of the losses, on a training sample and the validation part, `(2, S, M, 3, C)`.
        counts: number of images, `(2, C)`.
    """
    hits, called, _ = np.moveaxis(sums[1], -2, 0)
    balanced, *losses = balanced_accuracy([hits, *sums[:, :, :, 2]], counts[[1, 0, 1], None, None])  # means over the classes
    columns = {METRIC_COLUMNS["balanced"]: balanced, METRIC_COLUMNS["f1"]: macro_f1(hits, called, counts[1])}
    return columns | dict(zip(BALANCED_LOSSES, losses, strict=True))


class BestEpoch(NamedTuple):
    """The best epoch of a member so far, from 1; 0 where none is finite."""

    score: Score
    epoch: int


class Members:
    """The runs of a task that are still in the program, blocks x settings, and whether they still train."""

    def __init__(self, blocks: Sequence[Sequence[RunSpec]], state: JobState) -> None:
        self.blocks = blocks
        self.settings = list(state.settings)
        self.alive: NDArray[np.bool_] = np.array(state.alive, bool)
        self.rows = {member: list(rows) for member, rows in state.rows.items()}
        self._bests: dict[Member, dict[Select, BestEpoch]] = {}

    def add(self, member: Member, row: EpochMetrics) -> bool:
        """Add an epoch's metrics, and return whether it is the member's best epoch so far."""
        select, bests = self.run(member).plan.select, self._bests_of(member)
        self.rows.setdefault(member, []).append(row)
        self._rank(member, bests, len(self.rows[member]))
        return bests[select].epoch == len(self.rows[member])

    def patience_is_over(self, member: Member) -> bool:
        """Whether the member's patience is exhausted."""
        plan = self.run(member).plan
        return 0 < plan.patience <= len(self.rows[member]) - self._bests_of(member)[watched(plan.select)].epoch

    def _bests_of(self, member: Member) -> dict[Select, BestEpoch]:
        """The best epoch so far by the rule that selects and by the one that patience follows."""
        if member not in self._bests:
            select = self.run(member).plan.select
            bests = self._bests[member] = dict.fromkeys((select, watched(select)), BestEpoch(NO_SCORE, 0))
            for epoch in range(1, len(self.rows.get(member, [])) + 1):
                self._rank(member, bests, epoch)
        return self._bests[member]

    def _rank(self, member: Member, bests: dict[Select, BestEpoch], epoch: int) -> None:
        rows = self.rows[member][max(0, epoch - SMOOTHED) : epoch]
        columns = EpochColumns.of(self.run(member).plan)
        metrics = [row[columns.metric] for row in rows]
        for select, best in bests.items():
            value = score(select, epoch, metrics, rows[-1][columns.loss])
            if value > best.score:
                bests[select] = BestEpoch(value, epoch)

    def drop(self, useful: Sequence[bool]) -> None:
        """Drop the settings that are no longer useful from the program."""
        self.settings = [setting for setting, keep in zip(self.settings, useful, strict=True) if keep]
        self.alive = self.alive[:, np.array(useful)]

    def __iter__(self) -> Iterator[tuple[int, int, Member]]:
        """Yield row and column in the program, and number in the task, of each member."""
        for block in range(len(self.blocks)):
            for column, setting in enumerate(self.settings):
                yield block, column, (block, setting)

    def living(self) -> Iterator[tuple[int, int, Member]]:
        """Yield the same for members that still train."""
        return ((block, column, member) for block, column, member in self if self.alive[block, column])

    def run(self, member: Member) -> RunSpec:
        return self.blocks[member[0]][member[1]]

    def values(self, value: Callable[[RunSpec], float]) -> NDArray[np.float32]:
        """Value of each run, `(S, M)`."""
        return np.array([[value(block[setting]) for setting in self.settings] for block in self.blocks], np.float32)
