"""The section of docs/benchmarks/comparisons.md on cross-validation."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from bench.inference.folds import DESIGNS, METHODS, REPEATS, FoldCount
from bench.inference.learners import PAIRS
from bench.inference.page import table

HEADING = "## Folds"

HEAD = f"""{HEADING}

With K folds, the seeds take turns: seed s validates on fold s mod K and trains on the others. K networks then judge every
image once. No unbiased estimate of such a mean's variance exists (Bengio, Grandvalet 2004): the networks share training
images, and each judges other images. `accuracy_difference` takes two parts:

1. **Images.** Student's t over the differences of single images within the folds, with 1.2 times their variance, since
   networks that share training images are alike.
2. **Networks.** Student's t, with networks - 1 degrees of freedom, over what the networks' means differ beyond what their
   images explain (a share of 1 - 1/K of the images' variance is subtracted); nothing where they do not.

Few differences are treated as above. A value per run (a loss, a norm, steps to a level) has the corrected variance of Nadeau
and Bengio (2003), 1 / n + 1 / (K - 1) times that of single runs (Bouckaert, Frank 2004 for several runs per fold).

Simulated with real learners on made-up data (`bench/inference/learners.py`): ridge regression, nearest class means, random
hidden layers with ridge regression on them, and small networks trained by Adam. Equal settings see two views of equal
distribution, or differ in their seeds alone; the true difference of the others is measured on {2_000:,} new images. For
comparison: Student's t over the networks' means, the corrected t of Nadeau and Bengio on them, and the interval over images
alone.
"""

LIMITATIONS = """\
With three folds and one network in each, the networks' part has two degrees of freedom: the interval is conservative while
networks vary little, and with networks that vary three times as much as the images of a fold explain it covers 93 %. A learner
that remembers single images, such as the nearest neighbour, is beyond this: mutual neighbours in different folds are right or
wrong together, and its variance is 1.4 to 1.7 times that of independent images.

The corrected variance of a value per run is wide for networks, whose seeds decide it; where the training images alone decide
it, as the weights of ridge regression, it is too narrow, the more so the more folds there are.
"""


def folds_section(counts: Sequence[FoldCount]) -> str:
    """The section, with its tables."""
    equal = [count for count in counts if count.equal]
    alarms, covered = _pooled(equal, "shown")["seedbed"], _pooled(counts, "covered")["seedbed"]
    return "\n".join(
        [
            HEAD,
            f"In all {sum(count.repeats for count in counts):,} cross-validations of {len(PAIRS)} pairs of settings, with "
            f"{' to '.join(f'{images:,}' for images in (min(REPEATS), max(REPEATS)))} images, seedbed raises "
            f"{100 * alarms:.1f} % false alarms and covers the true difference in {100 * covered:.1f} %.\n",
            "### By design\n",
            "False alarms of equal settings, coverage over all, and the mean width in points, over all pairs and images:\n",
            _designs(counts),
            "\n### By learner\n",
            "False alarms of equal settings, or power; and coverage; over all designs:\n",
            _pairs(counts),
            "\n### A value per run\n",
            "Coverage of the difference of squared weights, with the corrected variance / with that of independent runs:\n",
            _norms(counts),
            "\n" + LIMITATIONS,
        ]
    )


def _mean(counts: Sequence[FoldCount], of: Callable[[FoldCount], float]) -> float:
    """Over repetitions; NaN where there are none."""
    weights = [count.repeats for count in counts]
    return float(np.average([of(count) for count in counts], weights=weights)) if counts else float("nan")


def _pooled(counts: Sequence[FoldCount], name: str) -> dict[str, float]:
    return {method: _mean(counts, lambda count, method=method: getattr(count, name)[method]) for method in METHODS}  # type: ignore[misc]


def _percents(shares: dict[str, float]) -> list[str]:
    return [f"{100 * share:.1f}" for share in shares.values()]


def _designs(counts: Sequence[FoldCount]) -> str:
    rows = []
    for folds, turns in DESIGNS:
        own = [count for count in counts if (count.folds, count.turns) == (folds, turns)]
        equal = [count for count in own if count.equal]
        called = f"{folds} folds x {turns}"
        rows.append([f"{called}: false alarms (%)", *_percents(_pooled(equal, "shown"))])
        rows.append([f"{called}: coverage (%)", *_percents(_pooled(own, "covered"))])
        rows.append([f"{called}: width (points)", *_percents(_pooled(own, "width"))])
    return table(["design", *METHODS], rows)


def _pairs(counts: Sequence[FoldCount]) -> str:
    rows = []
    for pair in PAIRS:
        own = [count for count in counts if count.pair == pair.name]
        rows.append([f"{pair.name}: {'false alarms' if pair.equal else 'shown'} (%)", *_percents(_pooled(own, "shown"))])
        rows.append([f"{pair.name}: coverage (%)", *_percents(_pooled(own, "covered"))])
    return table(["pair", *METHODS], rows)


def _norms(counts: Sequence[FoldCount]) -> str:
    rows = []
    for pair in PAIRS:
        cells = []
        for design in DESIGNS:
            own = [count for count in counts if count.pair == pair.name and (count.folds, count.turns) == design]
            both = (100 * _mean(own, lambda count: count.norms), 100 * _mean(own, lambda count: count.plain))
            cells.append(" / ".join(f"{share:.0f}" for share in both) if own else "")
        rows.append([pair.name, *cells])
    return table(["coverage (%)", *(f"{folds} folds x {turns}" for folds, turns in DESIGNS)], rows)
