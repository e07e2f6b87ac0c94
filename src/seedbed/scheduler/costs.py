"""What is worth knowing before networks of large images are trained: time, memory, and a rate that is too high for them."""

from __future__ import annotations

import math
from collections.abc import Sequence

from seedbed import models
from seedbed.kinds import OPTIMIZERS
from seedbed.records import DataFacts
from seedbed.runs import NamedRun
from seedbed.scheduler.execution import Execution
from seedbed.scheduler.forecasting import rounded, training_seconds
from seedbed.specs import Dense, RunSpec
from seedbed.words import duration, value

MANY = 1_000_000
"""Parameters from which on a network's cost is said."""

COPIES = 4
"""Numbers that an optimizer such as Adam keeps for each weight: itself, its gradient and two moments."""

USUAL, USUAL_INPUTS = 1e-3, 32 * 32 * 3
"""A rate of optimizers whose steps do not depend on the size of gradients, and the inputs up to which it is small enough."""

TOO_HIGH = 3
"""Multiple of the rate of this many inputs from which on a note is due."""


def notes_before(entries: Sequence[NamedRun], facts: DataFacts, execution: Execution) -> list[str]:
    """Sentences on the cost of runs that differ in their seeds alone, and on their learning rate; mostly none."""
    run = entries[0].run
    network = models.facts(run.model, facts.image_shape, len(facts.classes))
    notes = []
    if network.parameters >= MANY:
        memory = COPIES * 4 * network.parameters * len(entries) / 2**30
        seconds = training_seconds(entries, execution)
        time = f"about {duration(rounded(seconds))} of training and " if seconds else ""
        notes.append(f"It takes {time}{memory:.1f} GiB of memory for weights, gradients and the optimizer.")
    return [*notes, *_high_rate(run, facts)]


def _high_rate(run: RunSpec, facts: DataFacts) -> list[str]:
    """A note where the first steps move a dense network's first layer so far that its loss is far above guessing."""
    inputs, rate = math.prod(facts.image_shape), run.plan.learning_rate
    fitting = suggested_rate(inputs)
    adaptive = OPTIMIZERS[run.plan.optimizer].adaptive
    if not (isinstance(run.model, Dense) and adaptive and rate >= TOO_HIGH * fitting):
        return []
    guessing, lower = f"{math.log(len(facts.classes)):.2f}", f"--lr {value(fitting)}"
    if run.data.normalize == "standard":
        return [
            f"{inputs:,} inputs: with a learning rate of {value(rate)} the loss jumps far above that of guessing, {guessing}, "
            f"in the first steps. {lower} keeps it down."
        ]
    return [
        f"{inputs:,} inputs that are all positive: with a learning rate of {value(rate)} the loss begins far above that of "
        f"guessing, {guessing}. {lower} starts well, and better still with --normalize standard."
    ]


def suggested_rate(inputs: int) -> float:
    """A rate with one digit for a dense network of this many inputs, all of whose weights an optimizer moves alike."""
    rate = USUAL * min(1.0, USUAL_INPUTS / inputs)
    digit = 10.0 ** math.floor(math.log10(rate))
    return float(f"{round(rate / digit) * digit:.0e}")
