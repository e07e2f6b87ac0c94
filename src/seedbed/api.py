"""What notebooks and scripts call: the house's rooms, with names and places filled in."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seedbed.errors import SpecError
from seedbed.figures.words import network
from seedbed.records import Result
from seedbed.runs import Entry, Home
from seedbed.specs import DataSpec, ModelSpec, Plan, RunSpec, checked_group

if TYPE_CHECKING:
    from seedbed.comparison import Comparison
    from seedbed.data import Dataset
    from seedbed.devices import EngineName
    from seedbed.evaluation import Evaluation
    from seedbed.grow import Watch
    from seedbed.searches import Search
    from seedbed.sizing import Smallest
    from seedbed.sizing.trainer import Watching
    from seedbed.sweeps import Sweep


def train(
    models: ModelSpec | Sequence[ModelSpec],
    data: str | DataSpec = "mnist",
    *,
    seeds: int | Sequence[int] = 1,
    plan: Plan | None = None,
    name: str | None = None,
    home: str | os.PathLike[str] | None = None,
    device: str = "auto",
    workers: int | None = None,
    watch: Watch | None = None,
    resume: bool = False,
    replace: bool = False,
    engine: EngineName = "local",
    address: str | None = None,
    **settings: Any,
) -> list[Result]:
    """Trains each model with each seed, side by side; what the home already holds is read instead.

        train([Dense(hidden=(200, 100)), Dense(hidden=(32,))], data="digits", seeds=5, epochs=20)

    Args:
        models: one network or several.
        data: a data set's name, a path to images, or a whole data spec.
        seeds: how many, counted from 0, or which ones.
        plan: how to train; the defaults where it is left out.
        name: of the runs; of several models, `NAME-0`, `NAME-1`, ... Left out, the settings give one, so that the same call
            finds the same runs again.
        home: where runs live; `SEEDBED_HOME`, or `./runs`, where it is left out.
        device, workers, watch, resume, replace: as `grow` takes them.
        engine: "local" for worker processes here; "ray" for a Ray cluster, at `address` (`HOST:PORT`, "auto") or started here.
        settings: single settings of the plan, for example `epochs=20`.

    Returns:
        The results, model by model, and within a model seed by seed.

    Raises:
        SeedbedError: one of its branches, as `grow` raises them; `SpecError` where a setting breaks a rule.
    """
    from seedbed.executor import Engine
    from seedbed.grow import grow

    chosen = [models] if isinstance(models, ModelSpec) else list(models)
    numbers = _numbers(seeds)
    spec = _data_spec(data)
    whole = (plan or Plan()).changed(**settings)
    runs = [RunSpec(model=model, plan=whole, data=spec) for model in chosen]
    wanted = [entry for run, group in zip(runs, _groups(runs, name), strict=True) for entry in entries(group, run, numbers)]
    how: dict[str, Any] = {"device": device, "workers": workers, "resume": resume, "replace": replace}
    return grow(wanted, home_at(home), watch=watch, engine=Engine(engine, address), **how)


def sweep(
    model: ModelSpec,
    data: str | DataSpec = "mnist",
    *,
    grid: Mapping[str, Sequence[Any]],
    seeds: int | Sequence[int] = 5,
    plan: Plan | None = None,
    name: str | None = None,
    home: str | os.PathLike[str] | None = None,
    device: str = "auto",
    workers: int | None = None,
    watch: Watch | None = None,
    resume: bool = False,
    replace: bool = False,
    engine: EngineName = "local",
    address: str | None = None,
    **settings: Any,
) -> Sweep:
    """Trains every combination of some fields' values, each with the same seeds; only what is new is trained.

        sweep(Dense(), "digits", grid={"hidden": [(100,), (200, 100)], "l2": [0, 1e-4]}, epochs=20).charts()

    Args:
        model, data, plan, settings: as `train` takes them; what the grid does not vary.
        grid: field of the specs -> its values; `data` is a field too, and `arg.NAME` one of a function of your own.
        seeds: how many, counted from 0, or which ones.
        name: of the sweep; its runs are `NAME-SETTING.SEED`. Left out, the settings give one.
        home, device, workers, watch, resume, replace, engine, address: as `train` takes them.

    Returns:
        The settings with their means, what may be said of them, and their charts.

    Raises:
        SeedbedError: one of its branches, as `grow` raises them; `SpecError` where a setting breaks a rule.
    """
    from seedbed.executor import Engine
    from seedbed.sweeps import Grid, design

    base = RunSpec(model=model, plan=(plan or Plan()).changed(**settings), data=_data_spec(data))
    called = name or f"{_slug(base)[:50]}-{base.setting[:6]}"
    planned = design(called, base, Grid.of(grid), _numbers(seeds))
    how: dict[str, Any] = {"device": device, "workers": workers, "resume": resume, "replace": replace}
    return planned.train(home_at(home), watch=watch, engine=Engine(engine, address), **how)


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
    home: str | os.PathLike[str] | None = None,
    device: str = "auto",
    workers: int | None = None,
    engine: EngineName = "local",
    address: str | None = None,
    watch: Watch | None = None,
    resume: bool = True,
    replace: bool = False,
    storage: str | None = None,
    **more: Any,
) -> Search:
    """Searches the best networks within a budget; the best trials are trained again with fresh seeds, and ranked by these.

        found = search("units=200", "digits", trials=64)
        print(found.best[0].name, found.sentences())

    Args:
        budget: `units=N`, `params=N` or `flops=N` (operations for one image): what a network may have at most.
        data: as `train` takes it.
        trials, epochs: how many networks are tried, and how long each is trained that is not pruned before.
        name: of the search; its runs are `NAME-trial-...` and `NAME-best-...`.
        family: "dense", "conv" or both; left out, dense for units, and else both.
        pareto: look for the best accuracy at every cost, not only at the whole budget.
        folds: of cross-validation, for small data; 1 validates on the one validation part.
        home, device, workers, engine, address, watch, replace: as `train` takes them.
        resume: go on where an earlier call stopped.
        storage: a URL of any storage that Optuna knows; a journal in the home where it is left out.
        more: other fields of `seedbed.searches.Terms`: finalists, seeds, seed, sampler, prune.

    Raises:
        SeedbedError: one of its branches, as `grow` raises them; `SpecError` where a term breaks a rule.
    """
    from seedbed.executor import Engine
    from seedbed.searches import How, run, terms_for

    asked = terms_for(
        budget, _data_spec(data), name=name, family=family, epochs=epochs, trials=trials, pareto=pareto, folds=folds, **more
    )
    how = How(device, workers, Engine(engine, address))
    return run(asked, home_at(home), how, watch=watch, resume=resume, replace=replace, storage=storage)


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
    home: str | os.PathLike[str] | None = None,
    device: str = "auto",
    workers: int | None = None,
    engine: EngineName = "local",
    address: str | None = None,
    watching: Watching | None = None,
    resume: bool = False,
) -> Smallest:
    """The fewest parameters whose accuracy lies above a target, its whole interval over fresh seeds and the images.

        found = smallest(0.9, "digits", watching=sb.watching)
        print(found.settled, found.confirmed, *found.sentences(), sep="\\n")

    Args:
        target: an accuracy in (0, 1).
        data: a data set's name, a path to images, or a whole data spec. Settings are chosen on a part of its training images,
            and the claim is made on its validation images.
        family: "dense" or "conv".
        depth: hidden layers of dense networks, 1 to 3; left out, all are tried.
        seeds: fresh ones of each test, 5 at least.
        epochs: of a whole training; left out, as many as the family needs.
        minutes: stops then, and says so; without it the search takes as long as its work, which is fixed beforehand.
        augment: random changes of the training images.
        name: stands before the names of the runs; left out, family, target and data give one.
        home, device, workers, engine, address, resume: as `train` takes them.
        watching: what `seedbed.watching` is, to see how it goes.

    Returns:
        The answer, with every size and setting that was tried.

    Raises:
        SeedbedError: one of its branches, as `grow` raises them; `SpecError` where a setting breaks a rule.
    """
    from seedbed.executor import Engine
    from seedbed.sizing import search

    how = {"family": family, "depth": depth, "seeds": seeds, "epochs": epochs, "minutes": minutes, "augment": augment}
    where = {"name": name, "device": device, "workers": workers, "engine": Engine(engine, address), "resume": resume}
    return search(target, _data_spec(data), home_at(home), watching=watching, **how, **where)  # type: ignore[arg-type]


def entries(group: str, run: RunSpec, seeds: Sequence[int]) -> list[Entry]:
    """The runs of one setting: one seed makes the run GROUP, several make GROUP.0, GROUP.1, ...

    Raises:
        SpecError: a name that no group may have, or a seed out of range.
    """
    checked_group(group)
    names = [group] if len(seeds) == 1 else [f"{group}.{number}" for number in range(len(seeds))]
    return [Entry(name, group, run.changed(seed=seed)) for name, seed in zip(names, seeds, strict=True)]


def load(data: str | DataSpec = "mnist") -> Dataset:
    """A data set, split into its parts.

    Args:
        data: its name, a path to images, or a whole data spec.

    Raises:
        DataError: it cannot be found, or not be used.
    """
    from seedbed.data import load

    return load(_data_spec(data))


def find(name: str, home: str | os.PathLike[str] | None = None) -> list[Result]:
    """A finished run, or the finished runs of a group.

    Raises:
        UnknownRun: neither has this name.
        RunHalfDone: nothing of it is finished.
    """
    return home_at(home).find(name)


def evaluate(name: str, *, test: bool = False, home: str | os.PathLike[str] | None = None) -> Evaluation:
    """One run's best network on its data: losses, accuracies with intervals, confusion, calibration, mistakes.

    Args:
        name: of a run.
        test: look at the locked test part too; each look is written into the home's ledger.

    Raises:
        RunError: there is no such run, or it has no network to evaluate.
        DataError: `test` is asked for, and there is no test part.
    """
    from seedbed.evaluation import evaluate

    return evaluate(home_at(home), name, test=test)


def compare(runs: Sequence[Result | str], home: str | os.PathLike[str] | None = None) -> Comparison:
    """Runs or groups against each other, paired by seed where there are seeds.

        compare(train([Dense(), Dense(hidden=(32,))], "digits", seeds=5)).figure()

    Args:
        runs: results, of which each stands for its whole group; or names of runs or groups.
        home: where they live; left out, where the first result lives, or `SEEDBED_HOME`, or `./runs`.

    Raises:
        UnknownRun, RunHalfDone: no finished run has one of these names.
        RunError: fewer than two names, or different data.
    """
    from seedbed.comparison import compare

    folders = [each.folder for each in runs if isinstance(each, Result) and each.folder]
    place = home or (Path(folders[0]).parent if folders else None)
    names = dict.fromkeys(each.group if isinstance(each, Result) else each for each in runs)
    return compare(home_at(place), list(names))


def home_at(place: str | os.PathLike[str] | None = None) -> Home:
    """The home at a place; `SEEDBED_HOME`, or `./runs`, where none is given."""
    return Home(Path(place or os.environ.get("SEEDBED_HOME") or "runs"))


def _data_spec(data: str | DataSpec) -> DataSpec:
    if isinstance(data, DataSpec):
        return data
    from seedbed.data import named

    return DataSpec(name=named(data))


def _numbers(seeds: int | Sequence[int]) -> list[int]:
    numbers = list(range(seeds)) if isinstance(seeds, int) else list(seeds)
    if not numbers:
        raise SpecError(f"seeds = {seeds!r}: it must be how many, at least 1, or a list of seeds.")
    return numbers


def _groups(runs: Sequence[RunSpec], name: str | None) -> list[str]:
    if name is None:
        return [f"{_slug(run)}-{run.setting[:6]}" for run in runs]
    return [name] if len(runs) == 1 else [f"{name}-{number}" for number in range(len(runs))]


def _slug(run: RunSpec) -> str:
    """What the network is, in characters that a name may have."""
    words = "".join(letter if letter.isalnum() and letter.isascii() else "-" for letter in network(run.model))
    return "-".join(part for part in words.split("-") if part)[:80]
