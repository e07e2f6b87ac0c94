"""Claims about the smallest of several sizes: tests in an order that is fixed before the first of them.

To test many sizes and report the smallest that passed would be one more choice, made by chance in part. So the sizes are put
in order before any fresh seed is trained, from large to small, and tested one after the other, each at the full confidence,
up to the first whose interval is not above the target. Later sizes are not tested. Whichever of the sizes are
truly not above the target, a false claim needs the first of these in the order to pass, which happens with a probability of
2.5 % (the lower end of a 95 % interval): the order pays for the choice, and no correction is needed.

Only if the very first size fails are larger ones tested, in the same way; that is a second chance, and the probability of a
false claim is then 5 % at most. They may be chosen only then, for they too are chosen and put in order without a look at the
images of the claim.

Source: Maurer, Hothorn, Lehmacher 1995, "Multiple comparisons in drug clinical trials and preclinical assays: a-priori
ordered hypotheses" (fixed-sequence tests).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from seedbed.groups import fixed_sequence
from seedbed.sizing.attempts import Attempt

Test = Callable[[Sequence[Attempt]], list[Attempt]]
"""A function that trains these settings with fresh seeds, and evaluates them."""


def sequences(front: Sequence[Attempt], safe: float, sure: float) -> list[list[Attempt]]:
    """Return the order of the tests, and that of the second chance.

    Args:
        front: attempts from the smallest on, each better than those before, as `ranking.best_by_size` gives them.
        safe: accuracy while choosing with which the tests begin.
        sure: accuracy while choosing that will rarely fail the test, at least as high.

    Returns:
        From the smallest that is safe (or else the largest) down to the smallest of all; from the next larger one that is sure
        (or else the largest) down to the one after it (which may be nothing).
    """

    def first(accuracy: float, start: int) -> int:
        return next((place for place in range(start, len(front)) if front[place].score >= accuracy), len(front) - 1)

    start = first(safe, 0)
    end = first(sure, start + 1)
    return [list(reversed(front[: start + 1])), list(reversed(front[start + 1 : end + 1]))]


def in_order(orders: Iterable[Sequence[Attempt]], target: float, test: Test, *, at_once: int) -> Iterator[Attempt]:
    """Yield the claims one after the other as they are tested, the first failure of an order included.

    Args:
        orders: orders as `sequences` gives them; each but the first is for the case that nothing was claimed before, and is
            asked for only then.
        test: see `Test`.
        at_once: number of claims trained together; those after a failure are trained for nothing, and are no claims.
    """
    for order in orders:
        batches = (order[start : start + at_once] for start in range(0, len(order), at_once))
        claims = (claim for batch in batches for claim in test(batch))
        held = False
        for claim in fixed_sequence(claims, lambda claim: claim.holds(target)):
            held |= claim.holds(target)
            yield claim
        if held:
            return
