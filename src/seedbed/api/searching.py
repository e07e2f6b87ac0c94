"""Searches from Python: the best networks within a budget, and the fewest parameters."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Unpack

from seedbed.api.arguments import SearchOptions, check_search_options, data_spec, split_options
from seedbed.scheduler import Execution, WorkerOptions

if TYPE_CHECKING:
    from seedbed.data import DataLike
    from seedbed.searches import Search
    from seedbed.sizing import Smallest


def search(
    budget: str,
    data: DataLike = "mnist",
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

    check_search_options(options, inspect.signature(search).parameters)
    execution, more = split_options({"resume": True, **options})
    asked = terms_for(
        budget, data_spec(data), name=name, family=family, epochs=epochs, trials=trials, pareto=pareto, folds=folds, **more
    )
    return run(asked, execution.visible(asked.name), storage=storage)


def smallest(
    target: float,
    data: DataLike = "mnist",
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
        data: as `train` takes it. Settings are chosen on a part of its training images,
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
    terms = terms_for(target, data_spec(data), name=name, **asked)
    execution = Execution.of(**options, resume=resume, replace=False).visible(name or "smallest")
    return run(terms, execution, minutes=minutes)
