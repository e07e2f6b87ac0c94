"""docs/benchmarks/epochs.md: which epoch is kept, and when a training stops."""

from __future__ import annotations

from collections.abc import Sequence

from bench.epochs.choosing import IMAGES, STOPPING_IMAGES, Choice, mean
from bench.epochs.rules import CHOOSING, PATIENCES, WATCHED
from seedbed.records import OPTIMISM
from seedbed.specs import AUTO_EPOCHS, AUTO_PATIENCE

HEAD = f"""# Which epoch

*Made by `python -m bench.epochs`: real networks, each of whose epochs was judged on a pool of held-out images. Validation
parts were drawn from the pool, and what was left of it is the test.*

A run keeps two networks, that of its **last** epoch and that of its **best** epoch. `--select` (`Plan.select`) is the rule that
selects the best one, from the validation part alone:

| rule | the best epoch has |
| --- | --- |
| `smoothed` (default) | the highest validation accuracy, as the mean of the epoch and the four before it |
| `loss` | the lowest validation loss |
| `accuracy` | the highest validation accuracy of a single epoch; the only rule of older runs, which are read with it |
| `last` | come last |

Ties go to the lower loss, then to the earlier epoch. With few images the highest accuracy of a single epoch is partly luck;
the lowest loss comes too late where labels are wrong, since a network becomes less wrong about probabilities while it learns
the wrong labels; the last epoch has learned them all. The mean of five epochs loses least on average, and little everywhere.

**Optimism.** The accuracy of an epoch that was selected for it is too high for new images. On average it exceeds the test
accuracy by {OPTIMISM["smoothed"]:.2f} of its standard error with `smoothed`, by {OPTIMISM["accuracy"]:.2f} with `accuracy`, by
{OPTIMISM["loss"]:.2f} with `loss`; seedbed says so where this matters. The last epoch was not selected, and has none.

**`--epochs auto`** trains until the validation loss has not improved for {AUTO_PATIENCE} epochs, for {AUTO_EPOCHS} epochs at
most. Patience follows the loss whichever epoch is selected (except with `accuracy`, as in older runs): the accuracy of a few
hundred images stands still for long before it is at its end, and a training that waits for it stops too early, or waits for
50 epochs.
"""


def page(choices: Sequence[Choice], stops: Sequence[Choice]) -> str:
    """The whole page."""
    return "\n".join(
        [
            HEAD,
            "## What each rule loses",
            "",
            "Points of test accuracy below the best epoch for the test, and, in brackets, how many points the validation",
            "accuracy was above the test accuracy at that epoch. Each case counts alike; a training of 200 epochs counts with",
            "its first 20, its first 60 and all of its epochs.",
            "",
            *_table(["rule", *(f"{images:,} images" for images in IMAGES), "optimism in standard errors"], _by_images(choices)),
            "",
            "The same by case:",
            "",
            *_table(["case", *CHOOSING], _by_case(choices)),
            "",
            "## When to stop",
            "",
            "Points lost by a training that stops, against the best epoch of the whole training, and its number of epochs;",
            f"{STOPPING_IMAGES} validation images; the epoch is chosen by `smoothed`.",
            "",
            *_table(["patience follows the", *map(str, PATIENCES)], _by_patience(stops)),
            "",
        ]
    )


def _by_images(choices: Sequence[Choice]) -> list[list[str]]:
    rows = []
    for rule in CHOOSING:
        own = [choice for choice in choices if choice.rule == rule]
        cells = [_lost([choice for choice in own if choice.images == images]) for images in IMAGES]
        rows.append([rule, *cells, f"{mean(own, 'optimism') / mean(own, 'deviation'):.2f}"])
    return rows


def _by_case(choices: Sequence[Choice]) -> list[list[str]]:
    cases = dict.fromkeys(choice.case for choice in choices)
    return [
        [case, *(_lost([each for each in choices if (each.case, each.rule) == (case, rule)]) for rule in CHOOSING)]
        for case in cases
    ]


def _by_patience(stops: Sequence[Choice]) -> list[list[str]]:
    rows = []
    for name in WATCHED:
        own = [[stop for stop in stops if stop.rule == f"{name} {patience}"] for patience in PATIENCES]
        rows.append([name, *(f"{100 * mean(each, 'lost'):.2f} after {mean(each, 'epochs'):.0f}" for each in own)])
    return rows


def _lost(choices: Sequence[Choice]) -> str:
    return f"{100 * mean(choices, 'lost'):.2f} ({100 * mean(choices, 'optimism'):+.2f})"


def _table(heading: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = [heading, ["---", *["---:"] * (len(heading) - 1)], *rows]
    return [f"| {' | '.join(line)} |" for line in lines]
