"""`seedbed smallest`: the fewest parameters above a target accuracy, as a claim that holds for other seeds and other images."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from seedbed.cli import options, screen
from seedbed.cli.columns import range_text, share_text
from seedbed.cli.screen import note, result
from seedbed.cli.watch import fetching, watching
from seedbed.specs import DataSpec, Protocol
from seedbed.tables import Column, Table

if TYPE_CHECKING:
    from seedbed.scheduler import Execution
    from seedbed.sizing import Attempt, Smallest


@click.command("smallest")
@click.option("--target", type=float, required=True, metavar="A", help="The accuracy to be above, in (0, 1), like 0.97.")
@click.option("--family", default="dense", show_default=True, metavar="NAME", help="Which networks: dense, conv.")
@click.option("--depth", type=int, metavar="N", help="Hidden layers of dense networks, 1 to 3.  [default: tries all]")
@click.option("--seeds", type=int, default=5, show_default=True, metavar="K", help="Fresh seeds of each test; 5 at least.")
@click.option("--epochs", type=int, metavar="N", help="Epochs of a whole training.  [default: 60 dense, 24 conv]")
@click.option("--minutes", type=float, metavar="M", help="Stop then, whatever is missing.  [default: when it is done]")
@click.option("--augment", default="none", show_default=True, metavar="NAME", help="As `seedbed train` takes it.")
@options.data
@options.protocol()
@click.option("-m", "--name", "name", metavar="NAME", help="Prefix of the runs' names.  [default: made of the above]")
@options.folder("Where table and figure go.  [default: smallest/NAME]")
@options.execution(resume="Continue a search that was interrupted.")
@options.details
@options.dry_run
@options.as_json
def command(
    target: float,
    data: str,
    protocol: Protocol,
    minutes: float | None,
    out: Path | None,
    execution: Execution,
    details: bool,
    dry_run: bool,
    **asked: Any,
) -> options.Output:
    """Find the fewest parameters whose accuracy lies above a target, with its whole interval.

    \b
      seedbed smallest --target 0.95
      seedbed smallest --target 0.99 --family conv --protocol handout

    It looks for the size that is needed, tunes how to train there, then learning rate, schedule and epochs at every size
    around it. All of that looks only at a part of the training images. The claim is made with fresh seeds on the validation
    images, at the last epoch, in an order of sizes that is fixed before: from large to small, up to the first that fails.

    The work is fixed beforehand and does not depend on the clock: a search that was stopped, by Ctrl-C or by --minutes, is
    resumed by --resume and ends with the same runs. The runs are named NAME-SETTING.SEED.
    """
    from seedbed.sizing import forecast_scouts, run, terms_for
    from seedbed.sizing.files import save

    spec = DataSpec(name=data, protocol=protocol)
    with fetching() as watch_download:
        terms = terms_for(target, spec, watch_download=watch_download, **asked)
    expected = forecast_scouts(terms, execution)
    if dry_run:
        return options.forecast_output(expected)
    note(f"The first round: {expected.sentence}. What it finds decides on the others.")
    with watching("smallest") as watcher:
        smallest = run(terms, replace(execution, on_event=watcher), minutes=minutes)
    files = save(smallest, out or Path("smallest") / smallest.name)
    return smallest.as_json(), lambda: _show(smallest, files, details=details)


def _show(smallest: Smallest, files: dict[str, list[Path]], *, details: bool) -> None:
    if smallest.claims:
        result()
        screen.table(_claim_table(smallest))
        result("Mean validation accuracy of n runs with fresh seeds, at the last epoch; in the order of the tests.")
    result()
    screen.statements(smallest.statements(), details=details)
    if not details:
        screen.more_in_details()
    best = smallest.nearest
    if best:
        result(f"Its networks: {best.group}.{best.seeds[0]} ... ; `seedbed evaluate -m {best.group}.{best.seeds[0]}`")
    screen.times(smallest.seconds)
    result(f"Files: {', '.join(str(paths[0]) for paths in files.values())}")


def _claim_table(smallest: Smallest) -> Table[Attempt]:
    from seedbed.sizing.attempts import plan_in_words

    columns: list[Column[Attempt]] = [
        Column("tested", lambda claim: claim.candidate.model.title, align="left"),
        Column("parameters", lambda claim: claim.parameters, ","),
        Column("n", lambda claim: claim.accuracy.n if claim.accuracy else len(claim.seeds) - claim.left_out, extra=2),
        Column("accuracy", lambda claim: claim.accuracy and claim.accuracy.mean, share_text),
        Column("95 % interval", lambda claim: range_text(claim.accuracy) or f"{claim.left_out} diverged or collapsed"),
        Column("trained with", lambda claim: plan_in_words(claim.candidate.plan), align="left", extra=1),
        Column("", lambda claim: "above" if claim.holds(smallest.target) else "not shown", align="left"),
    ]
    return Table(columns, smallest.claims)
