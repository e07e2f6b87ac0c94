"""What the page asks for: one setting, or two side by side, as named runs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from seedbed import data
from seedbed.errors import DataUnavailable, SpecError, UnknownDataset, nearest
from seedbed.names import checked_group
from seedbed.runs import NamedRun
from seedbed.specs import FAMILIES, DataSpec, Plan, RunSpec

MOST_SEEDS = 10
NAME = "play"

SIDES = ("a", "b")
"""Suffixes of the names of two settings side by side."""


class PlaygroundSetting(BaseModel):
    """A setting: a network's fields with its family, and those of a plan; what is left out has its default."""

    model_config = ConfigDict(extra="forbid")

    model: dict[str, Any] = {"family": "dense"}
    plan: dict[str, Any] = {}

    def run(self, dataset: str, seed: int) -> RunSpec:
        """The run of this setting.

        Raises:
            SpecError: a setting breaks a rule; the message names it, the value and the rule.
        """
        settings = {str(name): value for name, value in self.model.items()}
        family = FAMILIES[settings.pop("family", "dense")]
        if family.model_fields["family"].default == "keras":
            raise SpecError(
                "The playground trains networks of the families dense and conv; train your own with `seedbed train`."
            )
        return RunSpec(model=family(**settings), plan=Plan(**self.plan), data=DataSpec(name=dataset), seed=seed)


class PlaygroundRequest(BaseModel):
    """Runs to train: each setting with the same seeds.

    Attributes:
        settings: one setting, or two that train side by side.
        data: name of the data set.
        seed, seeds: first seed, and number of seeds.
        name: name of the runs; of two settings `NAME-a` and `NAME-b`. Empty means the next free one of `play-1`, `play-2`, ...
    """

    model_config = ConfigDict(extra="forbid")

    settings: Annotated[list[PlaygroundSetting], Field(min_length=1, max_length=len(SIDES))]
    data: Annotated[str, Field(max_length=200)] = "digits"
    seed: Annotated[int, Field(ge=0, lt=2**32 - MOST_SEEDS)] = 0
    seeds: Annotated[int, Field(ge=1, le=MOST_SEEDS)] = 1
    name: Annotated[str, Field(max_length=100)] = ""

    @property
    def numbers(self) -> range:
        """The seeds."""
        return range(self.seed, self.seed + self.seeds)

    def runs(self) -> list[RunSpec]:
        """The run of each setting, with the first seed.

        Raises:
            SpecError: a setting breaks a rule.
            UnknownDataset: no data set has this name; a path is none.
            DataUnavailable: it is not on this machine.
        """
        known = {each.name: each for each in data.known()}
        if self.data not in known:
            raise UnknownDataset(f"No data set is named {self.data!r}.{nearest(self.data, known)} Known: {', '.join(known)}.")
        if not known[self.data].where:
            way_out = f"`seedbed visualize --data {self.data}` downloads it."
            raise DataUnavailable(f"{self.data} is not on this machine, and a page downloads nothing. {way_out}")
        return [setting.run(self.data, self.seed) for setting in self.settings]

    def groups(self, taken: Iterable[str]) -> list[tuple[str, RunSpec]]:
        """Name and run of each setting.

        Args:
            taken: names of runs and groups that exist.

        Raises:
            SpecError: the name is not valid.
        """
        name, runs = self.name or free_name(taken), self.runs()
        checked_group(name)
        return [(name, runs[0])] if len(runs) == 1 else [(f"{name}-{side}", run) for side, run in zip(SIDES, runs, strict=True)]

    def entries(self, taken: Iterable[str]) -> list[NamedRun]:
        """All runs, setting by setting; of several seeds they are `GROUP.0`, `GROUP.1`, ... as `seedbed train` names them."""
        return [
            NamedRun(group if self.seeds == 1 else f"{group}.{number}", group, run.changed(seed=seed))
            for group, run in self.groups(taken)
            for number, seed in enumerate(self.numbers)
        ]


def free_name(taken: Iterable[str]) -> str:
    """The first of `play-1`, `play-2`, ... that is not taken, also not by the names of two settings or by a group's runs."""
    used = {name.partition(".")[0].removesuffix("-a").removesuffix("-b") for name in taken}
    number = 1
    while f"{NAME}-{number}" in used:
        number += 1
    return f"{NAME}-{number}"
