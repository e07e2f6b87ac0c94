"""`seedbed search`: the best networks within a budget, from trials to a ranking with fresh seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from seedbed.cli import options, screen
from seedbed.cli.columns import accuracy_columns
from seedbed.cli.screen import note, result
from seedbed.cli.watch import fetching, watching
from seedbed.specs import DataSpec, Protocol
from seedbed.tables import Column, Table
from seedbed.words import setting

if TYPE_CHECKING:
    from seedbed.scheduler import Execution
    from seedbed.searches import Finalist, Search, Terms

QUICK = {"trials": 24, "epochs": 6, "finalists": 2, "seeds": 3}
"""Defaults with `--quick`."""
USUAL = {"trials": 100, "epochs": 20, "finalists": 5, "seeds": 5}


def _defaults(name: str) -> str:
    return f"  [default: {USUAL[name]}; {QUICK[name]} with --quick]"


@click.command("search")
@click.option("--budget", required=True, metavar="KIND=N", help="units=N, params=N or flops=N (operations for one image).")
@click.option("-m", "--name", metavar="NAME", help="Name of the search.  [default: from budget and data]")
@click.option("--trials", type=int, metavar="N", help="Number of networks to try." + _defaults("trials"))
@click.option("--epochs", type=int, metavar="N", help="Epochs of each that is not pruned." + _defaults("epochs"))
@options.select
@options.metric
@options.class_weight
@click.option("--finalists", type=int, metavar="K", help="Number of the best to train again." + _defaults("finalists"))
@click.option("--seeds", type=int, metavar="K", help="Fresh seeds of each." + _defaults("seeds"))
@click.option("--family", type=click.Choice(["dense", "conv", "both"]), help="[default: dense for units, else both]")
@click.option("--pareto", is_flag=True, help="The best accuracy at every cost, not only at the whole budget.")
@click.option("--quick", is_flag=True, help="A small search, in seconds on digits.")
@click.option("--seed", type=int, default=0, show_default=True, metavar="N", help="Seed of the proposals and of all trials.")
@click.option("--sampler", default="tpe", show_default=True, metavar="NAME", help="tpe, or random, which learns nothing.")
@click.option("--folds", type=int, default=1, show_default=True, metavar="K", help="Cross-validation, for small data.")
@click.option("--batch", type=int, default=16, show_default=True, metavar="N", help="Trials proposed together.")
@click.option("--no-pruning", is_flag=True, help="Train every trial to its end.")
@click.option("--test", is_flag=True, help="Look at the test part with the winner; the ledger notes it.")
@options.data
@options.protocol()
@click.option("--first", type=int, metavar="N", help="Keep only N training images.")
@click.option("--storage", metavar="URL", help="Any storage that Optuna knows.  [default: a journal in the home]")
@options.folder("Where tables and figures go.  [default: searches/NAME]")
@options.execution(
    resume="Continue a search that was interrupted, or with more --trials.",
    replace="Search again; all runs of the search are removed.",
)
@options.details
@options.dry_run
@options.as_json
def command(
    budget: str,
    family: str | None,
    quick: bool,
    no_pruning: bool,
    test: bool,
    data: str,
    protocol: Protocol,
    first: int | None,
    storage: str | None,
    out: Path | None,
    execution: Execution,
    details: bool,
    dry_run: bool,
    **asked: Any,
) -> options.Output:
    """Search the best networks within a budget.

    \b
      seedbed search --budget units=200 --trials 200
      seedbed search --budget params=10000 --pareto
      seedbed search --budget params=2000 --data digits --folds 5

    Proposed are depth, widths, activation, dropout, l1 or l2, optimizer, learning rate, schedule and batch size (of
    convolutional networks also filters, kernels and head), always as large as the budget allows. The worse half of those that
    train together stops after a fifth of the epochs, and again after half.

    Of many noisy trials the best one is partly lucky. So the best are trained again with fresh seeds and ranked by the lower
    ends of their intervals.
    """
    from seedbed.searches import forecast_search, run, save, terms_for

    asked |= {key: usual for key, usual in (QUICK if quick else USUAL).items() if asked[key] is None}
    families = ("dense", "conv") if family == "both" else family
    spec = DataSpec(name=data, protocol=protocol, first=first)
    with fetching() as watch_download:
        terms = terms_for(budget, spec, family=families, prune=not no_pruning, watch=watch_download, **asked)
    _show_terms(terms)
    expected = forecast_search(terms, execution)
    if dry_run:
        return options.forecast_output(expected)
    note(f"{expected.sentence}.")
    with watching(terms.name, (terms.trials + terms.finalists * terms.seeds) * terms.folds, rounds=True) as watcher:
        search = run(terms, replace(execution, on_event=watcher), storage=storage)
    note("Measuring latencies, and which settings mattered ...")
    search = search.measured()
    if test:
        search = search.tested(execution.home)
    files = save(search, out or Path("searches") / terms.name)
    return search.as_json(), lambda: _show(search, files, details=details)


def _show_terms(terms: Terms) -> None:
    from seedbed.words import counted, listed

    space, pruning = terms.space, terms.pruning
    families = listed(list(space.families))
    note(f"Search {terms.name}: {counted(terms.trials, 'trial')} of {families} networks with at most {space.budget}")
    stops = f"; the worse half stops at epochs {listed(list(map(str, pruning.rungs)))}" if pruning.rungs else "; none is pruned"
    note(f"  each {counted(space.epochs, 'epoch')}{stops}")
    note(f"  the best {terms.finalists} again with {counted(terms.seeds, 'fresh seed')}")
    folds = f", {terms.folds} folds" if terms.folds > 1 else f", {space.data.validation:,} to validate on"
    note(f"Data: {space.spec.name}, {space.data.train:,} images to train on{folds}")
    note()


def _show(search: Search, files: Mapping[str, Sequence[Path]], *, details: bool) -> None:
    from seedbed.groups import MEASURES
    from seedbed.groups.caveats import class_sentences

    result()
    screen.table(_finalist_table(search.best))
    measure = MEASURES[search.terms.space.metric].name
    result(f"Mean {measure} of n fresh seeds; time per image by itself and in a batch, medians, measured now.")
    result()
    screen.statements(search.statements(), details=details)
    screen.lines([f"{each.name}: {line}" for each in search.best[:1] for line in class_sentences(each.group)[:1]])
    if not details:
        screen.more_in_details()
    elif search.importances:
        most = ", ".join(f"{each.dimension.replace('_', ' ')} {100 * each.share:.0f} %" for each in search.importances[:4])
        result(f"What mattered most at epoch {search.compared_at} (share of the variance over the trials): {most}.")
    screen.times(search.seconds)
    screen.files(files)
    result(f"All trials in a browser: {search.dashboard}")


def _finalist_table(finalists: Sequence[Finalist]) -> Table[Finalist]:
    columns: list[Column[Finalist]] = [
        Column("name", lambda each: each.name, align="left"),
        Column("network", lambda each: each.trial.run.model.title, align="left"),
        Column("training", _training, align="left", extra=1),
        Column("parameters", lambda each: each.trial.model.parameters, ","),
        Column("operations", lambda each: each.trial.model.operations, ",", extra=2),
        Column("one image", lambda each: each.latency and each.latency.single, _microseconds, extra=3),
        Column("in a batch", lambda each: each.latency and each.latency.batch, _microseconds, extra=4),
        *accuracy_columns("mean", lambda each: each.score),
        Column("n", lambda each: each.score.n if each.score else 0, extra=5),
    ]
    return Table(columns, finalists)


def _training(finalist: Finalist) -> str:
    plan = finalist.trial.run.plan
    penalties = [name for name in ("l1", "l2") if getattr(plan, name)]
    return setting({name: getattr(plan, name) for name in ("optimizer", "learning_rate", "schedule", "batch_size", *penalties)})


def _microseconds(seconds: float | None) -> str:
    return "" if seconds is None else f"{1e6 * seconds:.3g} us"
