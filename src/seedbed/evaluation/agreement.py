"""Test accuracy against validation accuracy: whether they differ by more than chance, and what that means."""

from __future__ import annotations

from numpy.typing import ArrayLike

from seedbed.statistics import Interval, images_interval, share_difference

LOWER = (
    "The validation images chose the epoch, and the settings where several were tried, so the validation accuracy is "
    "optimistic: report the test accuracy. If little was chosen, the test images are harder or of another kind."
)
HIGHER = "The test images are easier than the validation images, or of another kind; look at both with seedbed visualize."


def part_difference(test: ArrayLike, validation: ArrayLike, *, folds: int = 1) -> Interval:
    """How much more accurate these very networks are on the test part than on the validation part.

    The images are the only source of chance, as the networks are the same on both parts.

    Args:
        test, validation: correctness `(networks, images)`, or `(images,)` of one network; the parts differ in images.
        folds: number of folds that the networks judged on the validation part in turn, as `two_sources` takes it.
    """
    return share_difference(images_interval(test), images_interval(validation, folds=folds))


def agreement_sentence(difference: Interval) -> str:
    """Say whether the parts differ by more than chance, and what that means."""
    points, low, high = (100 * each for each in (difference.mean, difference.low, difference.high))
    ends = f"95 % interval {low:+.1f} to {high:+.1f}"
    if not difference.excludes():
        return f"Test and validation accuracy differ by no more than chance: {points:+.1f} points on the test part ({ends})."
    where = "above" if points > 0 else "below"
    meaning = HIGHER if points > 0 else LOWER
    return (
        f"The test accuracy is {abs(points):.1f} points {where} the validation accuracy ({ends}), more than chance. {meaning}"
    )


def agreement_json(difference: Interval | None) -> dict[str, object] | None:
    """The difference as `evaluate --json` has it."""
    if difference is None:
        return None
    sentence = agreement_sentence(difference)
    return {"difference": difference.mean, "interval": difference.pair(), "sentence": sentence}
