"""Is a search better than luck? Its winner against random search's, with as many trials: `python -m bench.searching`.

Each repeat has a seed of its own for proposals, trials and fresh seeds, the same for both samplers. What counts is not the
accuracy that a winner was chosen by but that of its fresh seeds, over all images of all folds. Accuracy does not depend on
what else the machine does, so this needs no quiet.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from seedbed.scheduler import Execution
from seedbed.searches import Search, run, terms_for
from seedbed.searches.sampling import Sampler
from seedbed.specs import DataSpec
from seedbed.statistics import Interval, paired_difference

PAGE = Path(__file__).parents[1] / "docs" / "benchmarks" / "search.md"
SAMPLERS: tuple[Sampler, ...] = ("tpe", "random")
APART = 1000
"""Between the seeds of two repeats, so that no fresh seed of one is a seed of another."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Searches, compares and writes the page."""
    parser = argparse.ArgumentParser(prog="python -m bench.searching", description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--trials", type=int, default=64)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--budget", default="units=40")
    parser.add_argument("--data", default="digits")
    parser.add_argument("--out", type=Path, default=PAGE)
    parser.add_argument("--home", type=Path, help="kept, so that what was interrupted goes on")
    asked = parser.parse_args(arguments)
    with TemporaryDirectory() as temporary:
        found = compared(asked, asked.home or Path(temporary))
    asked.out.write_text(page(asked, found), encoding="utf-8")


def compared(asked: argparse.Namespace, root: Path) -> dict[Sampler, list[tuple[float, float]]]:
    """Sampler -> of each repeat the winner's accuracy with fresh seeds, and as a trial."""
    found: dict[Sampler, list[tuple[float, float]]] = {sampler: [] for sampler in SAMPLERS}
    for repeat in range(asked.repeats):
        for sampler in SAMPLERS:
            began = time.monotonic()
            search = _searched(asked, root, sampler, repeat)
            winner = search.winner
            assert winner is not None
            assert winner.accuracy is not None
            found[sampler].append((winner.accuracy.mean, winner.trial.accuracy))
            seconds = time.monotonic() - began
            print(
                f"repeat {repeat}, {sampler}: {100 * winner.accuracy.mean:.2f} % ({seconds:.0f} s)", file=sys.stderr, flush=True
            )
    return found


def _searched(asked: argparse.Namespace, root: Path, sampler: Sampler, repeat: int) -> Search:
    terms = terms_for(
        asked.budget,
        DataSpec(name=asked.data),
        name=f"{sampler}-{repeat}",
        epochs=asked.epochs,
        trials=asked.trials,
        folds=asked.folds,
        sampler=sampler,
        seed=APART * repeat,
    )
    return run(terms, Execution.of(home=root, resume=True))


def page(asked: argparse.Namespace, found: dict[Sampler, list[tuple[float, float]]]) -> str:
    """The page, with the paired difference over the repeats."""
    means = {sampler: [row[0] for row in rows] for sampler, rows in found.items()}
    difference = paired_difference(means["tpe"], means["random"])
    lines = [
        "# Is a search better than luck?",
        "",
        f"Made by `python -m bench.searching --repeats {asked.repeats} --trials {asked.trials} --epochs {asked.epochs} "
        f"--folds {asked.folds} --budget {asked.budget} --data {asked.data}`.",
        "",
        f"{asked.repeats} searches of {asked.trials} trials each on {asked.data} within {asked.budget}, {asked.folds} folds,",
        "with the TPE sampler and with random sampling; accuracy of each winner with 5 fresh seeds, over the images",
        "of all folds.",
        "",
        "| repeat | TPE's winner | random's winner | in the search |",
        "|---|---|---|---|",
    ]
    for number, (tpe, random) in enumerate(zip(found["tpe"], found["random"], strict=True)):
        shares = [f"{100 * share:.2f} %" for share in (tpe[0], random[0])]
        trials = f"{100 * tpe[1]:.2f} %, {100 * random[1]:.2f} %"
        lines.append(f"| {number} | {shares[0]} | {shares[1]} | {trials} |")
    return "\n".join([*lines, "", sentence(difference), ""])


def sentence(difference: Interval) -> str:
    """The verdict, bounded by the interval."""
    reach = f"{100 * difference.low:+.2f} to {100 * difference.high:+.2f} points, 95 %, {difference.n} repeats, paired"
    if difference.excludes():
        better, worse = ("TPE", "random search") if difference.mean > 0 else ("Random search", "TPE")
        return f"{better}'s winner is better than {worse}'s by {100 * abs(difference.mean):.2f} points ({reach})."
    return f"No clear difference: TPE's winners are {100 * difference.mean:+.2f} points better ({reach})."


if __name__ == "__main__":
    main()
