"""What is finished, from Python: runs found, evaluated, compared and drawn; data sets; networks."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from seedbed.api.arguments import data_spec
from seedbed.groups.results import Results
from seedbed.records import Result
from seedbed.runs import RunStore, Which
from seedbed.specs import Metric

if TYPE_CHECKING:
    from seedbed.data import DataLike, Dataset
    from seedbed.evaluation import Evaluation
    from seedbed.figures.theme import AnyChart
    from seedbed.groups import Comparison, Group
    from seedbed.network import Network
    from seedbed.sweeps import Sweep
    from seedbed.sweeps.comparison import SweepComparison


def load(data: DataLike = "mnist") -> Dataset:
    """Load a data set, split into its parts.

    Args:
        data: as `train` takes it.

    Raises:
        DataError: the data set cannot be found or used.
    """
    from seedbed.data import load

    return load(data_spec(data))


def find(name: str, home: str | os.PathLike[str] | None = None) -> Results:
    """Find a finished run, or the finished runs of a group.

    Raises:
        UnknownRun: neither has this name.
        RunHalfDone: nothing of it is finished.
    """
    return Results(RunStore.at(home).find(name))


def load_network(name: str | Result, *, weights: Which = "best", home: str | os.PathLike[str] | None = None) -> Network:
    """Load a trained network, to predict, to look at its weights, or to use it in Keras.

        network = load_network("first")
        network.predict(images).argmax(axis=1)

    Args:
        name: name of a run, or of a group, whose run with the best validation accuracy is used; or a result of `train`.
        weights: "best" for the network of the best epoch, "last" for that of the last.
        home: home of the run. None means `SEEDBED_HOME`, or `./runs`.

    Raises:
        UnknownRun, RunHalfDone: no finished run has this name.
        RunError: all runs of the group diverged or collapsed, or the run kept no weights.
    """
    from seedbed.network import load_network

    return load_network(RunStore.at(home), name, weights)


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
