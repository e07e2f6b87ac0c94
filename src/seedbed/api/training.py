"""Training from Python: runs, and grids of settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Unpack

from seedbed.api.arguments import ModelLike, TrainOptions, data_spec, networks, plan_with, seed_numbers, slug, split_options
from seedbed.groups.folds import fold_seeds, on_fold
from seedbed.names import checked_group
from seedbed.records import Result
from seedbed.runs import NamedRun, RunStore
from seedbed.scheduler import train_runs
from seedbed.specs import DataSpec, ModelSpec, Plan, RunSpec, Start

if TYPE_CHECKING:
    from seedbed.sweeps import Sweep


def train(
    models: ModelLike | Sequence[ModelLike],
    data: str | DataSpec = "mnist",
    *,
    seeds: int | Sequence[int] | None = None,
    folds: int = 1,
    plan: Plan | None = None,
    name: str | None = None,
    **options: Unpack[TrainOptions],
) -> list[Result]:
    """Train each model with each seed, side by side; what the home already holds is read instead.

        train([Dense(hidden=(200, 100)), Dense(hidden=(32,))], data="digits", seeds=5, epochs=20)

    Args:
        models: one network or several: a spec; a function that returns a `keras.Model`, or a `functools.partial` of one; a
            `keras.Model`, of which a copy is trained; or `"FILE.py:FUNCTION"`.
        data: a data set's name, a path to images, or a whole data spec.
        seeds: number of seeds, counted from 0, or the seeds themselves. None means one, or as many as there are folds.
        folds: folds of cross-validation, for small data: seed s validates on fold s mod `folds`, and trains on the others. 1
            means the one validation part.
        plan: how to train. None means the defaults.
        name: name of the runs; of several models, `NAME-0`, `NAME-1`, ... None derives one from the settings, so that the same
            call finds the same runs again.
        options: single settings of the plan, such as `epochs=20`; and how to train, as `seedbed.scheduler.Execution.of` takes
            it: `home`, `device`, `workers`, `engine`, `address`, `resume`, `replace`, `on_event`.

    Returns:
        The results, model by model, and within a model seed by seed.

    Raises:
        SeedbedError: one of its branches, as `train_runs` raises them; `SpecError` where a setting breaks a rule.
    """
    execution, settings = split_options(options)
    base = RunSpec(plan=plan_with(plan, settings), data=data_spec(data))
    runs = [base.changed(model=model) for model in networks(models)]
    numbers = fold_seeds(folds, None if seeds is None else seed_numbers(seeds), default=1)
    if name is None:
        requested = [entry for run in runs for entry in found_again(run, numbers, execution.home, folds)]
    else:
        groups = [name] if len(runs) == 1 else [f"{name}-{number}" for number in range(len(runs))]
        requested = [entry for run, group in zip(runs, groups, strict=True) for entry in entries(group, run, numbers, folds)]
    return train_runs(requested, execution)


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
    data: str | DataSpec = "mnist",
    *,
    grid: Mapping[str, Sequence[Any]],
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
        grid: field of the specs -> its values; `data` is a field too, and `arg.NAME` one of a function of your own.
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
    return design(called, base, Grid.of(grid), numbers, folds=folds).train(execution)


def entries(group: str, run: RunSpec, seeds: Sequence[int], folds: int = 1) -> list[NamedRun]:
    """Name the runs of one setting: one seed makes the run GROUP, several make GROUP.0, GROUP.1, ...

    Raises:
        SpecError: a name that no group may have, a seed out of range, or data that are not cut into folds.
    """
    checked_group(group)
    names = [group] if len(seeds) == 1 else [f"{group}.{number}" for number in range(len(seeds))]
    return [NamedRun(name, group, on_fold(run, seed, folds)) for name, seed in zip(names, seeds, strict=True)]


def found_again(run: RunSpec, numbers: Sequence[int], home: RunStore, folds: int) -> list[NamedRun]:
    """Name the runs of a setting after it, so that the same call finds them again, also with more or fewer seeds."""
    group = f"{slug(run)}-{run.setting[:6]}{_folds_suffix(folds)}"
    if len(numbers) > 1 and home.folder(group).exists():
        return entries(f"{group}-seeds", run, numbers, folds)
    if len(numbers) == 1 and home.folder(f"{group}.0").exists():
        return entries(f"{group}-one", run, numbers, folds)
    return entries(group, run, numbers, folds)


def _folds_suffix(folds: int) -> str:
    return f"-folds_{folds}" if folds > 1 else ""
