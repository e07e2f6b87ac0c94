"""Training from Python: runs, and grids of settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Unpack

from seedbed.api.arguments import ModelLike, TrainOptions, data_spec, networks, plan_with, seed_numbers, slug, split_options
from seedbed.groups.folds import fold_seeds
from seedbed.groups.results import Results
from seedbed.groups.seeds import entries, joined_entries
from seedbed.runs import NamedRun
from seedbed.scheduler import Execution, train_runs
from seedbed.specs import ModelSpec, Plan, RunSpec, Start

if TYPE_CHECKING:
    from seedbed.data import DataLike
    from seedbed.sweeps import Sweep


def train(
    models: ModelLike | Sequence[ModelLike],
    data: DataLike = "mnist",
    *,
    seeds: int | Sequence[int] | None = None,
    folds: int = 1,
    plan: Plan | None = None,
    name: str | None = None,
    **options: Unpack[TrainOptions],
) -> Results:
    """Train each model with each seed, side by side; what the home already holds is read instead.

        train([Dense(hidden=(200, 100)), Dense(hidden=(32,))], data="digits", seeds=5, epochs=20)

    Args:
        models: one network or several: a spec; a function that returns a `keras.Model`, or a `functools.partial` of one; a
            `keras.Model`, of which a copy is trained; or `"FILE.py:FUNCTION"`.
        data: a data set's name, a path to images, a whole data spec, arrays `(images, labels)` or `((images, labels), (test
            images, test labels))`, or `Dataset.of(images, labels, classes=...)`.
        seeds: number of seeds, counted from 0, or the seeds themselves. None means one, or as many as there are folds.
        folds: folds of cross-validation, for small data: seed s validates on fold s mod `folds`, and trains on the others. 1
            means the one validation part.
        plan: how to train. None means the defaults.
        name: name of the runs; of several models, `NAME-0`, `NAME-1`, ... None derives one from the settings, so that the same
            call finds the same runs again. With further seeds it trains these alone.
        options: single settings of the plan, such as `epochs=20`; and how to train, as `seedbed.scheduler.Execution.of` takes
            it: `home`, `device`, `workers`, `engine`, `address`, `resume`, `replace`, `on_event`.

    Returns:
        The results, model by model, and within a model seed by seed: a list that also is a table.

    Raises:
        SeedbedError: one of its branches, as `train_runs` raises them; `SpecError` where a setting breaks a rule.
    """
    execution, settings = split_options(options)
    base = RunSpec(plan=plan_with(plan, settings), data=data_spec(data))
    runs = [base.changed(model=model) for model in networks(models)]
    numbers = fold_seeds(folds, None if seeds is None else seed_numbers(seeds), default=1)
    if name is None:
        groups = [f"{slug(run)}-{run.setting[:6]}{_folds_suffix(folds)}" for run in runs]
    else:
        groups = [name] if len(runs) == 1 else [f"{name}-{number}" for number in range(len(runs))]
    named = entries if execution.replace else partial(joined_entries, execution.home)
    requested = [entry for run, group in zip(runs, groups, strict=True) for entry in named(group, run, numbers, folds)]
    label = name or (groups[0] if len(groups) == 1 else f"{len(groups)} networks")
    return Results(train_runs(requested, execution.visible(label, _missing(execution, requested))))


def own_network(model: ModelLike, *, start: Start = "kept", **arguments: Any) -> ModelSpec:
    """Make the spec of a network of your own, with settings.

        train([own_network(build, width=width) for width in (32, 64)], "digits", seeds=5)

    Args:
        model: a function that returns a `keras.Model`, `"FILE.py:FUNCTION"`, or a `keras.Model`.
        start: initial weights, where the function returns the same ones for all seeds: "kept", or "drawn" by each seed.
        arguments: keyword arguments of the function.

    Raises:
        SpecError: it is no network, or cannot be written into a file.
    """
    from seedbed.models.functions import network_spec

    return network_spec(model, start=start, arguments=arguments)


def sweep(
    model: ModelLike,
    data: DataLike = "mnist",
    *,
    grid: Mapping[Any, Sequence[Any]],
    seeds: int | Sequence[int] | None = None,
    folds: int = 1,
    plan: Plan | None = None,
    name: str | None = None,
    **options: Unpack[TrainOptions],
) -> Sweep:
    """Train every combination of some fields' values, each with the same seeds; only what is new is trained.

        sweep(Dense(), "digits", grid={"hidden": [(100,), (200, 100)], "l2": [0, 1e-4]}, epochs=20).charts()

    Args:
        model, data, plan, options: as `train` takes them; what the grid does not vary.
        grid: field of the specs -> its values; `data` is a field too, and `arg.NAME` one of a function of your own. Fields that
            change together stand in one name: `{"optimizer+learning_rate": [("adam", 1e-3), ("sgd", 0.1)]}`.
        seeds: number of seeds, counted from 0, or the seeds themselves. None means 5, or the next multiple of the folds.
        folds: as `train` takes them.
        name: name of the sweep; its runs are `NAME-SETTING.SEED`. None derives one from the settings.

    Returns:
        The settings with their means, sentences and charts.

    Raises:
        SeedbedError: one of its branches, as `train_runs` raises them; `SpecError` where a setting breaks a rule.
    """
    from seedbed.sweeps import Grid, design

    execution, settings = split_options(options)
    [network] = networks([model])
    base = RunSpec(model=network, plan=plan_with(plan, settings), data=data_spec(data))
    called = name or f"{slug(base)[:50]}-{base.setting[:6]}{_folds_suffix(folds)}"
    numbers = fold_seeds(folds, None if seeds is None else seed_numbers(seeds), default=5)
    planned = design(called, base, Grid.of(grid), numbers, folds=folds)
    return planned.train(execution.visible(called, _missing(execution, planned.entries)))


def _missing(execution: Execution, requested: Sequence[NamedRun]) -> list[NamedRun]:
    """The runs that may need training, for the progress."""
    return [entry for entry in requested if execution.replace or not execution.home.folder(entry.name).exists()]


def _folds_suffix(folds: int) -> str:
    return f"-folds_{folds}" if folds > 1 else ""
