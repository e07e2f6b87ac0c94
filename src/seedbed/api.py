"""The functions for notebooks and scripts: those of the packages, with names and places filled in."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Unpack

from seedbed.errors import SpecError, nearest
from seedbed.groups.folds import fold_seeds, on_fold
from seedbed.names import checked_group
from seedbed.records import Result
from seedbed.runs import NamedRun, RunStore
from seedbed.scheduler import Execution, ExecutionOptions, WorkerOptions, train_runs
from seedbed.specs import (
    ClassWeight,
    Conv,
    DataSpec,
    Dense,
    Metric,
    ModelSpec,
    Plan,
    Precision,
    RunSpec,
    Schedule,
    Select,
    Start,
)

if TYPE_CHECKING:
    from seedbed.data import Dataset
    from seedbed.evaluation import Evaluation
    from seedbed.figures.theme import AnyChart
    from seedbed.groups import Comparison, Group
    from seedbed.searches import Search
    from seedbed.sizing import Smallest
    from seedbed.sweeps import Sweep
    from seedbed.sweeps.comparison import SweepComparison


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
    execution, settings = _split(options)
    base = RunSpec(plan=_plan(plan, settings), data=_data_spec(data))
    runs = [base.changed(model=model) for model in _networks(models)]
    numbers = fold_seeds(folds, None if seeds is None else _numbers(seeds), default=1)
    if name is None:
        requested = [entry for run in runs for entry in _found_again(run, numbers, execution.home, folds)]
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

    execution, settings = _split(options)
    [network] = _networks([model])
    base = RunSpec(model=network, plan=_plan(plan, settings), data=_data_spec(data))
    called = name or f"{_slug(base)[:50]}-{base.setting[:6]}{_folds_suffix(folds)}"
    numbers = fold_seeds(folds, None if seeds is None else _numbers(seeds), default=5)
    return design(called, base, Grid.of(grid), numbers, folds=folds).train(execution)


def search(
    budget: str,
    data: str | DataSpec = "mnist",
    *,
    trials: int = 100,
    epochs: int = 20,
    name: str | None = None,
    family: str | Sequence[str] | None = None,
    pareto: bool = False,
    folds: int = 1,
    storage: str | None = None,
    **options: Unpack[SearchOptions],
) -> Search:
    """Search the best networks within a budget; the best trials are trained again with fresh seeds, and ranked by these.

        result = search("units=200", "digits", trials=64)
        print(result.best[0].name, result.sentences())

    Args:
        budget: `units=N`, `params=N` or `flops=N` (operations per image): the most that a network may cost.
        data: as `train` takes it.
        trials, epochs: number of networks to try, and epochs of each that is not pruned before.
        name: name of the search; its runs are `NAME-trial-...` and `NAME-best-...`.
        family: "dense", "conv" or both. None means dense for units, and else both.
        pareto: look for the best accuracy at every cost, not only at the whole budget.
        folds: folds of cross-validation, for small data; 1 validates on the one validation part.
        storage: a URL of any storage that Optuna knows. None keeps a journal in the home.
        options: further fields of `seedbed.searches.Terms`: `finalists`, `seeds`, `seed`, `sampler`, `prune`, `batch`; and how
            to train, as `train` takes it. A search that was stopped continues, unless `resume=False` is given.

    Raises:
        SeedbedError: one of its branches, as `train_runs` raises them; `SpecError` where a term breaks a rule.
    """
    from seedbed.searches import run, terms_for

    execution, more = _split({"resume": True, **options})
    asked = terms_for(
        budget, _data_spec(data), name=name, family=family, epochs=epochs, trials=trials, pareto=pareto, folds=folds, **more
    )
    return run(asked, execution, storage=storage)


def smallest(
    target: float,
    data: str | DataSpec = "mnist",
    *,
    family: str = "dense",
    depth: int | None = None,
    seeds: int = 5,
    epochs: int | None = None,
    minutes: float | None = None,
    augment: str = "none",
    name: str | None = None,
    resume: bool = False,
    **options: Unpack[WorkerOptions],
) -> Smallest:
    """Find the fewest parameters whose accuracy is above a target, with its whole interval over fresh seeds and the images.

        with sb.watching("smallest") as watch:
            smallest = sb.smallest(0.9, "digits", on_event=watch)
        print(smallest.settled, smallest.confirmed, *smallest.sentences(), sep="\\n")

    Args:
        target: an accuracy in (0, 1).
        data: a data set's name, a path to images, or a whole data spec. Settings are chosen on a part of its training images,
            and the claim is made on its validation images.
        family: "dense" or "conv".
        depth: hidden layers of dense networks, 1 to 3. None tries all.
        seeds: fresh seeds of each test, 5 at least.
        epochs: epochs of a whole training. None means what the family needs.
        minutes: time after which the search stops. None means no limit; the work is fixed beforehand.
        augment: random changes of the training images.
        name: prefix of the runs' names. None derives one from family, target and data.
        resume: continue a search that was stopped.
        options: `home`, `device`, `workers`, `engine`, `address`, `on_event`, as `train` takes them.

    Returns:
        The answer, with every size and setting tried.

    Raises:
        SeedbedError: one of its branches, as `train_runs` raises them; `SpecError` where a setting breaks a rule.
    """
    from seedbed.sizing import run, terms_for

    asked: dict[str, Any] = {"family": family, "depth": depth, "seeds": seeds, "epochs": epochs, "augment": augment}
    terms = terms_for(target, _data_spec(data), name=name, **asked)
    return run(terms, Execution.of(**options, resume=resume, replace=False), minutes=minutes)


def entries(group: str, run: RunSpec, seeds: Sequence[int], folds: int = 1) -> list[NamedRun]:
    """Name the runs of one setting: one seed makes the run GROUP, several make GROUP.0, GROUP.1, ...

    Raises:
        SpecError: a name that no group may have, a seed out of range, or data that are not cut into folds.
    """
    checked_group(group)
    names = [group] if len(seeds) == 1 else [f"{group}.{number}" for number in range(len(seeds))]
    return [NamedRun(name, group, on_fold(run, seed, folds)) for name, seed in zip(names, seeds, strict=True)]


def load(data: str | DataSpec = "mnist") -> Dataset:
    """Load a data set, split into its parts.

    Args:
        data: name of the data set, a path to images, or a whole data spec.

    Raises:
        DataError: the data set cannot be found or used.
    """
    from seedbed.data import load

    return load(_data_spec(data))


def find(name: str, home: str | os.PathLike[str] | None = None) -> list[Result]:
    """Find a finished run, or the finished runs of a group.

    Raises:
        UnknownRun: neither has this name.
        RunHalfDone: nothing of it is finished.
    """
    return RunStore.at(home).find(name)


def evaluate(name: str, *, test: bool = False, home: str | os.PathLike[str] | None = None) -> Evaluation:
    """Evaluate a run's best network on its data: losses, accuracies with intervals, confusion, calibration, mistakes.

    Args:
        name: name of a run.
        test: look at the locked test part too; each look is written into the home's ledger.

    Raises:
        RunError: no run has this name, or it has no network to evaluate.
        DataError: `test` is asked for, and there is no test part.
    """
    from seedbed.evaluation import evaluate

    return evaluate(RunStore.at(home), name, test=test)


def compare(
    runs: Sequence[Result | str] | Sweep | str,
    home: str | os.PathLike[str] | None = None,
    *,
    against: str = "",
    margin: float = 1.0,
    metric: Metric | None = None,
) -> Comparison | SweepComparison:
    """Compare runs or groups, paired by seed where there are seeds; or the settings of a sweep.

        compare(train([Dense(), Dense(hidden=(32,))], "digits", seeds=5)).figure()
        compare(sweep(Dense(), "digits", grid={"activation": ["relu", "tanh"]})).sentences()

    Args:
        runs: results, each for its whole group; or names of runs or groups; or a sweep, or its name.
        home: home of the runs. None means that of the first result, or `SEEDBED_HOME`, or `./runs`.
        against: the setting that a sweep's others are compared with. Empty means the best one.
        margin: accuracies that are shown to differ by less are called equivalent (percentage points).
        metric: what is compared: "accuracy", "balanced" accuracy or macro "f1". None means the metric that the runs go by.

    Raises:
        UnknownRun, RunHalfDone: no finished run has one of these names.
        RunError: fewer than two names, or different data; or a sweep has no setting `against`.
    """
    from seedbed.groups import compare
    from seedbed.sweeps import Sweep
    from seedbed.sweeps.comparison import compare_sweep
    from seedbed.sweeps.stored import read_sweep

    if isinstance(runs, Sweep | str):
        found = runs if isinstance(runs, Sweep) else read_sweep(RunStore.at(home), runs)
        return compare_sweep(found, against, margin=margin / 100, metric=metric)
    folders = [run.folder for run in runs if isinstance(run, Result) and run.folder]
    place = home or (Path(folders[0]).parent if folders else None)
    names = dict.fromkeys(run.group if isinstance(run, Result) else run for run in runs)
    return compare(RunStore.at(place), list(names), margin=margin / 100, metric=metric)


def learning_curves(
    runs: Sequence[Result | str | Group] | Sweep | Comparison | SweepComparison | str,
    home: str | os.PathLike[str] | None = None,
) -> AnyChart:
    """Draw the learning curves of one setting, or of several in one picture.

        learning_curves(sweep(Dense(), "digits", grid={"activation": ["relu", "tanh"]}))

    Args:
        runs: results or groups, a sweep, a comparison, or names of runs, groups and sweeps.
        home: home of the runs that are named. None means `SEEDBED_HOME`, or `./runs`.

    Raises:
        UnknownRun, RunHalfDone: no finished run has one of these names.
        StatisticsError: there is nothing to draw.
    """
    from seedbed.groups import Group, curves
    from seedbed.sweeps.stored import found_groups

    if not isinstance(runs, Sequence):
        return curves.learning_curves(runs.groups)
    items = [runs] if isinstance(runs, str) else list(runs)
    groups = [item for item in items if isinstance(item, Group)]
    results: dict[tuple[str, str], list[Result]] = {}
    for item in items:
        if isinstance(item, Result):
            results.setdefault((item.group, item.run.unfolded.setting), []).append(item)
    groups += [Group(name, several) for (name, _), several in results.items()]
    names = [item for item in items if isinstance(item, str)]
    return curves.learning_curves([*groups, *(found_groups(RunStore.at(home), names) if names else [])])


def _networks(models: ModelLike | Sequence[ModelLike]) -> list[ModelSpec]:
    from seedbed.models.functions import network_spec

    several = models if isinstance(models, list | tuple) else [models]
    if not several:
        raise SpecError(f"models = {models!r}: give at least one network, for example Dense(hidden=(100,)).")
    return [network_spec(model) for model in several]


def _found_again(run: RunSpec, numbers: Sequence[int], home: RunStore, folds: int) -> list[NamedRun]:
    """Name the runs of a setting after it, so that the same call finds them again, also with more or fewer seeds."""
    group = f"{_slug(run)}-{run.setting[:6]}{_folds_suffix(folds)}"
    if len(numbers) > 1 and home.folder(group).exists():
        return entries(f"{group}-seeds", run, numbers, folds)
    if len(numbers) == 1 and home.folder(f"{group}.0").exists():
        return entries(f"{group}-one", run, numbers, folds)
    return entries(group, run, numbers, folds)


def _folds_suffix(folds: int) -> str:
    return f"-folds_{folds}" if folds > 1 else ""


def _split(options: Mapping[str, Any]) -> tuple[Execution, dict[str, Any]]:
    """Split keywords into the execution that they ask for, and the others."""
    own = {name: value for name, value in options.items() if name in ExecutionOptions.__annotations__}
    return Execution.of(**own), {name: value for name, value in options.items() if name not in own}


def _plan(plan: Plan | None, settings: Mapping[str, Any]) -> Plan:
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


def _data_spec(data: str | DataSpec) -> DataSpec:
    if isinstance(data, DataSpec):
        return data
    from seedbed.data import named

    return DataSpec(name=named(data))


def _numbers(seeds: int | Sequence[int]) -> list[int]:
    numbers = list(range(seeds)) if isinstance(seeds, int) else list(seeds)
    if not numbers:
        raise SpecError(f"seeds = {seeds!r}: it must be a number of seeds, at least 1, or a list of seeds.")
    return numbers


def _slug(run: RunSpec) -> str:
    """Describe the network in characters that a name may have."""
    words = "".join(letter if letter.isalnum() and letter.isascii() else "-" for letter in run.model.title)
    return "-".join(part for part in words.split("-") if part)[:80]
