"""What the functions for notebooks and scripts take: networks, data, seeds, settings; their mistakes in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from seedbed.errors import SpecError, nearest
from seedbed.scheduler import Execution, ExecutionOptions
from seedbed.specs import ClassWeight, Conv, DataSpec, Dense, Metric, ModelSpec, Plan, Precision, RunSpec, Schedule, Select

if TYPE_CHECKING:
    from seedbed.data import DataLike

ModelLike = Any
"""A `ModelSpec`, a function that returns a `keras.Model`, a `keras.Model`, or `"FILE.py:FUNCTION"`."""


class TrainOptions(ExecutionOptions, total=False):
    """The keywords of `train` and `sweep`: those of `Execution.of`, and single settings of the plan, named as in `Plan`."""

    epochs: int | Literal["auto"]
    batch_size: int
    optimizer: str
    learning_rate: float
    schedule: Schedule
    momentum: float
    weight_decay: float
    l1: float
    l2: float
    augment: str
    patience: int
    precision: Precision
    select: Select
    class_weight: ClassWeight
    metric: Metric
    keep_epochs: Sequence[int]


class SearchOptions(ExecutionOptions, total=False):
    """The keywords of `search`: those of `Execution.of`, and further fields of `seedbed.searches.Terms`."""

    finalists: int
    seeds: int
    seed: int
    sampler: str
    prune: bool
    batch: int
    select: Select
    class_weight: ClassWeight
    metric: Metric


OTHER_NAMES = {"lr": "learning_rate", "batch": "batch_size", "lambda_": "l2"}
"""Names that users try -> those of the settings."""


def networks(models: ModelLike | Sequence[ModelLike]) -> list[ModelSpec]:
    from seedbed.models.functions import network_spec

    several = models if isinstance(models, list | tuple) else [models]
    if not several:
        raise SpecError(f"models = {models!r}: give at least one network, for example Dense(hidden=(100,)).")
    return [network_spec(model) for model in several]


def split_options(options: Mapping[str, Any]) -> tuple[Execution, dict[str, Any]]:
    """Split keywords into the execution that they ask for, and the others."""
    own = {name: value for name, value in options.items() if name in ExecutionOptions.__annotations__}
    return Execution.of(**own), {name: value for name, value in options.items() if name not in own}


def plan_with(plan: Plan | None, settings: Mapping[str, Any]) -> Plan:
    """The plan with single settings replaced.

    Raises:
        SpecError: a keyword is not one of them; the message says where it belongs, or the nearest name.
    """
    for name in settings:
        if name in Plan.model_fields:
            continue
        for spec, example in ((Dense, "a network"), (Conv, "a network"), (DataSpec, "the data")):
            if name in spec.model_fields:
                raise SpecError(f"{name!r} is a setting of {example}: {spec.__name__}({name}={settings[name]!r}).")
        known = [*Plan.model_fields, *ExecutionOptions.__annotations__, "seeds", "name", "plan"]
        near = OTHER_NAMES.get(name)
        hint = f" Did you mean {near!r}?" if near else nearest(name, known)
        raise SpecError(f"There is no setting {name!r}.{hint} Settings of training: {', '.join(Plan.model_fields)}.")
    return (plan or Plan()).changed(**settings)


def check_search_options(options: Mapping[str, Any], parameters: Iterable[str]) -> None:
    """Check the further keywords of `search`.

    Args:
        options: the keywords.
        parameters: names of its parameters, `options` the last, for the nearest name.

    Raises:
        SpecError: one is not known.
    """
    known = [*list(parameters)[:-1], *SearchOptions.__annotations__]
    for name in options:
        if name not in known:
            raise SpecError(f"`search` has no setting {name!r}.{nearest(name, known)} It has: {', '.join(known)}.")


def data_spec(data: DataLike) -> DataSpec:
    """Make the data spec, as `seedbed.data.spec_of` does."""
    from seedbed.data import spec_of

    return spec_of(data)


def seed_numbers(seeds: int | Sequence[int]) -> list[int]:
    numbers = list(range(seeds)) if isinstance(seeds, int) else list(seeds)
    if not numbers:
        raise SpecError(f"seeds = {seeds!r}: it must be a number of seeds, at least 1, or a list of seeds.")
    return numbers


def slug(run: RunSpec) -> str:
    """Describe the network in characters that a name may have."""
    words = "".join(letter if letter.isalnum() and letter.isascii() else "-" for letter in run.model.title)
    return "-".join(part for part in words.split("-") if part)[:80]
