"""docs/benchmarks/comparisons.md: how seedbed compares, and how often it is wrong."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from bench.inference import losses
from bench.inference.equivalence import MARGIN, equivalences
from bench.inference.methods import METHODS
from bench.inference.simulation import IMAGES, SEEDS, Count
from bench.inference.worlds import DIFFERENT, EQUAL
from seedbed.statistics import accuracy_difference

HEAD = """# How often comparisons are wrong

*Made by `python -m bench.inference`; its numbers come from simulations of the very code that every command calls.*

Two settings are trained with the same seeds and judged on the same validation images. Whether one of them is better is
decided in one place, `seedbed.statistics.accuracy_difference`, for `compare`, `sweep`, `search`, the studies and the report
alike. There are two sources of chance, the seeds and the images, and both are in the interval:

1. **Seeds.** Student's t over the differences of single seeds, with seeds - 1 degrees of freedom.
2. **Images.** Student's t over the differences of single images, less what the seeds' part holds already. Each part keeps
   its own quantile, and the half-widths are added as squares (Graybill, Wang 1980; Zou, Donner 2008); together they are
   never narrower than the images' part alone.
3. **Few differences.** Where few predictions differ no variance can be estimated from them. Half an image is added that
   only the first setting has right in every seed, and half of one that only the second has (Agresti, Min 2005); and the
   half-width is never below three images, divided by their number (the rule of three; Hanley, Lippman-Hand 1983). So with
   270 images no difference below 1.1 points is ever shown, with 5,000 none below 0.06.

All intervals are 95 % intervals. Where several comparisons are made together, Holm's correction decides which are shown; it
changes p-values and no interval, so that rows can be compared.
"""

POWER = """\
How often a difference that is there is shown: seedbed / Student's t / McNemar. The latter two show more where they are also
wrong more often (above): McNemar takes every prediction of every seed for an image of its own, Student's t the images as
given.
"""

EQUIVALENCE = """
## Equivalence

Two settings are called equivalent within a margin where the whole 95 % interval lies within it: two one-sided tests
(Schuirmann 1987), each at half the level. Each test at 5 % would be the custom; it is wrong in 7 to 14 % of the cases where few
images differ in all seeds, or few seeds vary much. Where several pairs are compared, Holm's correction goes over all
equivalences, as it goes over all differences. The margin is 1 point unless `--margin` says otherwise; with 270 images
nothing is equivalent within 1 point, since three images are 1.1.

How often two settings whose true difference is exactly the margin are called equivalent (all of it false; the highest of 20
places, each of 500 to 1,000 draws, so that chance raises it), and two equal ones within 1 point (3 / 5 / 10 seeds):
"""

LOSSES = """
## Losses

`seedbed.statistics.loss_difference` has the first two parts. In place of the third, one image is added on either side, as far
from the mean as the most extreme one: losses of single images are skewed, and the few that decide might have been others.
Losses are decided among themselves, with Holm's correction over all of them. How often a difference in loss is shown
between settings whose mean loss is the same, nominal 5 %, seeds 2 / 3 / 5 / 10:
"""

LOSS_LIMITATION = """\
Where one setting's losses are far more skewed than the other's and images are few, the mean of a few hundred losses says
little about the true mean, and false alarms rise with the seeds, which do not help: the world with logits x 4.
"""

LIMITATIONS = """\
With few images or many seeds the third part rules: nothing below three images is shown, although the mean of
20 networks may be known better, as long as no image is special. With two seeds the seeds' part has one degree of
freedom, and next to nothing is shown: train three at least, better five. Single networks (one seed) are compared on their
images alone, and the sentence says that it is about these two networks. In `five folds` each seed and fold has a network of
its own, as in searches; seeds that validate on the folds in turn, with real learners, stand below.

## Where it is not enough

Student's t takes the differences of seeds for symmetric. In `only one setting's seeds vary` they are not: good and bad runs
of one setting spread its errors unevenly (skewness -1.2), and the other's runs are all alike. Where the images are many
and seeds alone decide, three to twenty such seeds raise somewhat more false alarms than 6 %, as Student's t alone does.
In the limit of many images (200,000 draws of 3 / 5 / 10 / 20 seeds): 6.8 / 7.2 / 6.9 / 6.1 % at a skewness of -1.2, and
7.7 / 8.3 / 7.7 / 6.8 % at -1.6. To hold 6 % the intervals of five seeds would have to be 9 and 17 % wider, for all comparisons,
since five seeds do not show how skewed their distribution is; and no factor holds it for every skewness.
"""


def page(counts: Sequence[Count]) -> str:
    """The whole page."""
    equal = [count for count in counts if count.equal]
    ours = [count for count in counts if count.method == "seedbed"]
    most = max((count.shown for count in ours if count.equal), default=0.0)
    least = min(count.covered for count in ours)
    worst, lowest = (pick for pick in (_place(ours, most, "shown"), _place(ours, least, "covered")))
    return "\n".join(
        [
            HEAD,
            "## Limits, exactly\n",
            _limits(),
            "\n## False alarms\n",
            f"Two settings that are truly equal; nominal 5 %. At each place {min(c.repeats for c in ours):,} to "
            f"{max(c.repeats for c in ours):,} pairs were drawn. seedbed's highest share is {100 * most:.1f} % ({worst}); "
            "the table has for each world the highest over all numbers of seeds and images.\n",
            _worst(equal, [world.name for world in EQUAL], lambda count: count.shown, max),
            "\nThe corner with few differing predictions, 300 images, seedbed / Student's t / McNemar:\n",
            _corner(equal),
            "\n## Coverage\n",
            "How often the true difference lies in the 95 % interval, the lowest over all numbers of seeds and images. "
            f"seedbed's lowest share is {100 * least:.1f} % ({lowest}).\n",
            _worst(counts, [world.name for world in (*EQUAL, *DIFFERENT)], lambda count: count.covered, min),
            "\n## Power\n",
            POWER,
            _power(counts),
            equivalence_section(),
            loss_section(),
            "\n## Where it is conservative\n",
            LIMITATIONS,
        ]
    )


def equivalence_section() -> str:
    """How often settings are called equivalent, wrongly and rightly."""
    false, true = equivalences()
    rows = [[world, f"{100 * max(shares.values()):.1f}"] for world, shares in false.items()]
    worst = table(["world (%)", "called equivalent"], rows)
    images = IMAGES[1:]
    rows = [
        [world, *(" / ".join(f"{100 * shares[seeds, count]:.0f}" for seeds in SEEDS[1:4]) for count in images)]
        for world, shares in true.items()
    ]
    heads = [f"equal, within {100 * MARGIN:g} point (%)", *(f"{count:,} images" for count in images)]
    return "\n".join([EQUIVALENCE, worst, "", table(heads, rows)])


def loss_section() -> str:
    """How often a difference in loss is shown where there is none."""
    rows = [
        [world, *(" / ".join(f"{100 * shares[seeds, count]:.1f}" for seeds in losses.SEEDS) for count in losses.IMAGES)]
        for world, shares in losses.false_alarms().items()
    ]
    heads = ["world (%)", *(f"{count:,} images" for count in losses.IMAGES)]
    return "\n".join([LOSSES, table(heads, rows), "", LOSS_LIMITATION])


def _place(counts: Sequence[Count], value: float, name: str) -> str:
    found = next(count for count in counts if getattr(count, name) == value and (name == "covered" or count.equal))
    return f"{found.world}, {found.seeds} seeds, {found.images:,} images"


def _limits() -> str:
    rows = []
    for seeds, images in ((1, 270), (5, 270), (5, 5_000)):
        for differing in (0, 1):
            right, other = np.ones((seeds, images), bool), np.ones((seeds, images), bool)
            other[0, :differing] = False
            found = accuracy_difference(right, other)
            low, high = (100 * end for end in found.interval().pair())
            rows.append([f"{seeds}", f"{images:,}", f"{differing}", f"{low:+.3f} to {high:+.3f}", f"{found.p:.2f}"])
    return table(["seeds", "images", "predictions that differ", "interval (points)", "p"], rows)


def _worst(counts: Sequence[Count], worlds: Sequence[str], value: Callable[[Count], float], pick: Callable[..., float]) -> str:
    rows = [
        [
            world,
            *(f"{100 * pick(value(c) for c in counts if (c.world, c.method) == (world, method)):.1f}" for method in METHODS),
        ]
        for world in worlds
    ]
    return table(["world (%)", *METHODS], rows)


def _corner(counts: Sequence[Count]) -> str:
    few = [world.name for world in EQUAL[:9]]
    rows = []
    for world in few:
        cells = []
        for seeds in SEEDS:
            at = {c.method: c.shown for c in counts if (c.world, c.seeds, c.images) == (world, seeds, IMAGES[1])}
            cells.append(" / ".join(f"{100 * at[method]:.1f}" for method in METHODS))
        rows.append([world, *cells])
    return table(["world (%)", *(f"{seeds} seeds" for seeds in SEEDS)], rows)


def _power(counts: Sequence[Count]) -> str:
    worlds = [world.name for world in DIFFERENT if "wrong" in world.name]
    rows = []
    for world in worlds:
        for images in IMAGES[1:]:
            cells = []
            for seeds in SEEDS[1:]:
                at = {c.method: c.shown for c in counts if (c.world, c.seeds, c.images) == (world, seeds, images)}
                cells.append(" / ".join(f"{100 * at[method]:.0f}" for method in METHODS))
            rows.append([world, f"{images:,}", *cells])
    return table(["world (%)", "images", *(f"{seeds} seeds" for seeds in SEEDS[1:])], rows)


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [heads, ["---", *["---:"] * (len(heads) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
